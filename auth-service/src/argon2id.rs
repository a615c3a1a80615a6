//! The hash of a password: Argon2id (RFC 9106) as a PHC string.

use argon2::{Algorithm, Argon2, Params, PasswordHasher as _, PasswordVerifier as _, Version, password_hash};

use crate::domain::password::Password;
use crate::domain::user::PasswordHash;

/// OWASP's first choice for Argon2id: 19 MiB, two passes, one lane; about 15 ms.
const PARAMETERS: Params = Params::DEFAULT;
/// A stored hash may ask for this much and no more: whoever can write one must not be able to exhaust the memory.
const MOST_MEMORY_KIB: u32 = 64 * 1024;
const MOST_PASSES: u32 = 10;
const MOST_LANES: u32 = 4;

/// A stored hash that we cannot have written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a stored password hash is malformed, or its parameters are out of bounds")]
pub(crate) struct StoredHashError;

/// What the comparison of a password with a stored hash gave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Comparison {
    /// Another password.
    Differs,
    /// The same.
    Equal,
    /// The same, and its hash is weaker than a new one would be: replace it.
    EqualButWeak,
}

/// Hashes a password with a new salt.
pub(crate) fn hash(password: &Password) -> Result<PasswordHash, password_hash::Error> {
    let hash = argon2id(PARAMETERS).hash_password(password.as_bytes())?;
    Ok(PasswordHash::new(hash.to_string()))
}

/// Compares a password with a stored hash, in constant time, after the bounds of its parameters were checked.
pub(crate) fn compare(password: &Password, stored: &PasswordHash) -> Result<Comparison, StoredHashError> {
    let stored = argon2::PasswordHash::new(stored.as_str()).map_err(|_| StoredHashError)?;
    let parameters = Params::try_from(&stored).map_err(|_| StoredHashError)?;
    let within = parameters.m_cost() <= MOST_MEMORY_KIB
        && parameters.t_cost() <= MOST_PASSES
        && parameters.p_cost() <= MOST_LANES;
    if stored.algorithm != argon2::ARGON2ID_IDENT || stored.hash.is_none() || stored.salt.is_none() || !within
    {
        return Err(StoredHashError);
    }
    let weak = parameters.m_cost() < PARAMETERS.m_cost() || parameters.t_cost() < PARAMETERS.t_cost();
    match argon2id(parameters).verify_password(password.as_bytes(), &stored) {
        Ok(()) if weak => Ok(Comparison::EqualButWeak),
        Ok(()) => Ok(Comparison::Equal),
        Err(password_hash::Error::PasswordInvalid) => Ok(Comparison::Differs),
        Err(_) => Err(StoredHashError),
    }
}

fn argon2id(parameters: Params) -> Argon2<'static> {
    Argon2::new(Algorithm::Argon2id, Version::V0x13, parameters)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn password(text: &str) -> Password {
        Password::parse(text).unwrap()
    }

    #[test]
    fn a_hash_knows_its_password_and_no_other() {
        let stored = hash(&password("correct horse battery staple")).unwrap();
        assert!(
            stored.as_str().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"),
            "{}",
            stored.as_str()
        );
        assert_eq!(
            compare(&password("correct horse battery staple"), &stored),
            Ok(Comparison::Equal)
        );
        assert_eq!(
            compare(&password("correct horse battery stapl"), &stored),
            Ok(Comparison::Differs)
        );
        assert_ne!(
            hash(&password("x")).unwrap(),
            hash(&password("x")).unwrap(),
            "salted"
        );
    }

    #[test]
    fn a_hash_with_weaker_parameters_is_recognized() {
        let weaker = Params::new(8 * 1024, 1, 1, None).unwrap();
        let stored = argon2id(weaker).hash_password(b"password").unwrap();
        let stored = PasswordHash::new(stored.to_string());
        assert_eq!(
            compare(&password("password"), &stored),
            Ok(Comparison::EqualButWeak)
        );
        assert_eq!(compare(&password("passwort"), &stored), Ok(Comparison::Differs));
    }

    #[test]
    fn an_absurd_or_foreign_hash_is_refused_before_any_work() {
        let good = hash(&password("password")).unwrap().as_str().to_owned();
        let started = std::time::Instant::now();
        for stored in [
            good.replace("m=19456", "m=4194304"),
            good.replace("t=2", "t=4000000"),
            good.replace("p=1", "p=64"),
            good.replace("argon2id", "argon2i"),
            good.replace("argon2id", "scrypt"),
            good.rsplit_once('$').unwrap().0.to_owned(),
            "$2b$12$R9h/cIPz0gi.URNNX3kh2OPST9/PgBkqquzi.Ss7KIUgO2t0jWMUW".to_owned(),
            "plain text".to_owned(),
            String::new(),
        ] {
            assert_eq!(
                compare(&password("password"), &PasswordHash::new(stored.clone())),
                Err(StoredHashError),
                "{stored}"
            );
        }
        assert!(started.elapsed().as_millis() < 500, "{:?}", started.elapsed());
    }
}
