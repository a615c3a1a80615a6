//! The hash of a password: Argon2id (RFC 9106) as a PHC string.

use std::cell::RefCell;

use argon2::password_hash::phc::{self, Output, ParamsString, Salt};
use argon2::password_hash::{self, CustomizedPasswordHasher, try_generate_salt};
use argon2::{Algorithm, Argon2, Block, Params, PasswordVerifier as _, Version};

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

/// What one thread hashes in: 19 MiB once it has hashed, which it keeps. Were they given back after every hash, glibc would
/// keep up to five times as much for each thread that hashes.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    blocks: Vec<Block>,
    /// Hashes made in it.
    hashes: u64,
}

impl Memory {
    fn at_least(&mut self, blocks: usize) -> &mut [Block] {
        if self.blocks.len() < blocks {
            self.blocks = vec![Block::default(); blocks];
        }
        &mut self.blocks
    }

    /// How many hashes were made in it since it was last asked.
    pub(crate) fn take_hashes(&mut self) -> u64 {
        std::mem::take(&mut self.hashes)
    }
}

/// Argon2 in memory that is lent to it.
struct Hasher<'memory>(RefCell<&'memory mut Memory>);

impl<'memory> Hasher<'memory> {
    fn new(memory: &'memory mut Memory) -> Self {
        Self(RefCell::new(memory))
    }
}

impl CustomizedPasswordHasher<phc::PasswordHash> for Hasher<'_> {
    type Params = Params;

    fn hash_password_customized(
        &self,
        password: &[u8],
        salt: &[u8],
        algorithm: Option<&str>,
        version: Option<u32>,
        parameters: Params,
    ) -> password_hash::Result<phc::PasswordHash> {
        let algorithm = algorithm.map_or(Ok(Algorithm::Argon2id), Algorithm::try_from)?;
        let version = version.map_or(Ok(Version::V0x13), Version::try_from)?;
        let params = ParamsString::try_from(&parameters)?;
        let length = parameters.output_len().unwrap_or(Params::DEFAULT_OUTPUT_LEN);
        let mut output = [0; Output::MAX_LENGTH];
        let output = output.get_mut(..length).ok_or(password_hash::Error::OutputSize)?;
        let mut memory = self.0.borrow_mut();
        memory.hashes += 1;
        let blocks = memory.at_least(parameters.block_count());
        Argon2::new(algorithm, version, parameters)
            .hash_password_into_with_memory(password, salt, output, blocks)?;
        Ok(phc::PasswordHash {
            algorithm: algorithm.ident(),
            version: Some(version.into()),
            params,
            salt: Some(Salt::new(salt)?),
            hash: Some(Output::new(output)?),
        })
    }
}

/// Hashes a password with a new salt.
pub(crate) fn hash(password: &Password, memory: &mut Memory) -> Result<PasswordHash, password_hash::Error> {
    let salt = try_generate_salt().map_err(|_| password_hash::Error::Crypto)?;
    let hash = Hasher::new(memory).hash_password_with_params(password.as_bytes(), &salt, PARAMETERS)?;
    Ok(PasswordHash::new(hash.to_string()))
}

/// Compares a password with a stored hash, in constant time, after the bounds of its parameters were checked.
pub(crate) fn compare(
    password: &Password,
    stored: &PasswordHash,
    memory: &mut Memory,
) -> Result<Comparison, StoredHashError> {
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
    match Hasher::new(memory).verify_password(password.as_bytes(), &stored) {
        Ok(()) if weak => Ok(Comparison::EqualButWeak),
        Ok(()) => Ok(Comparison::Equal),
        Err(password_hash::Error::PasswordInvalid) => Ok(Comparison::Differs),
        Err(_) => Err(StoredHashError),
    }
}

#[cfg(test)]
mod tests {
    use argon2::PasswordHasher as _;

    use super::*;

    fn password(text: &str) -> Password {
        Password::parse(text).unwrap()
    }

    fn hash(password: &Password) -> Result<PasswordHash, password_hash::Error> {
        super::hash(password, &mut Memory::default())
    }

    fn compare(password: &Password, stored: &PasswordHash) -> Result<Comparison, StoredHashError> {
        super::compare(password, stored, &mut Memory::default())
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
        let weaker = Argon2::new(
            Algorithm::Argon2id,
            Version::V0x13,
            Params::new(8 * 1024, 1, 1, None).unwrap(),
        );
        let stored = weaker.hash_password(b"password").unwrap();
        let stored = PasswordHash::new(stored.to_string());
        assert_eq!(
            compare(&password("password"), &stored),
            Ok(Comparison::EqualButWeak)
        );
        assert_eq!(compare(&password("passwort"), &stored), Ok(Comparison::Differs));
    }

    #[test]
    fn memory_is_kept_and_what_is_left_in_it_changes_no_hash() {
        let mut memory = Memory::default();
        let hasher = Argon2::new(Algorithm::Argon2id, Version::V0x13, PARAMETERS);
        for text in ["correct horse battery staple", "tulip harbour violin"] {
            let ours = super::hash(&password(text), &mut memory).unwrap();
            let theirs = argon2::PasswordHash::new(ours.as_str()).unwrap();
            hasher.verify_password(text.as_bytes(), &theirs).unwrap();
            assert_eq!(
                super::compare(&password(text), &ours, &mut memory),
                Ok(Comparison::Equal)
            );
        }
        assert_eq!(memory.take_hashes(), 4);
        let blocks = memory.blocks.len();
        assert_eq!(blocks, PARAMETERS.block_count(), "19 MiB and no more");
        let left = memory.blocks[0].as_ref().to_vec();
        assert!(left.iter().any(|word| *word != 0));
        assert_eq!(
            memory.at_least(blocks)[0].as_ref(),
            left,
            "kept, not allocated again"
        );
    }

    #[test]
    fn an_absurd_or_foreign_hash_is_refused_before_any_work() {
        let good = hash(&password("password")).unwrap().as_str().to_owned();
        let (_, salt_and_output) = good.split_once("p=1$").unwrap();
        let (salt, output) = salt_and_output.split_once('$').unwrap();
        let started = std::time::Instant::now();
        for stored in [
            good.replace("m=19456", "m=65537"),
            good.replace("m=19456", "m=4194304"),
            good.replace("m=19456", "m=4294967295"),
            good.replace("m=19456", "m=4294967296"),
            good.replace("m=19456", "m=-1"),
            good.replace("m=19456", "m=0"),
            good.replace("t=2", "t=0"),
            good.replace("t=2", "t=11"),
            good.replace("t=2", "t=4294967295"),
            good.replace("p=1", "p=0"),
            good.replace("p=1", "p=5"),
            good.replace("p=1", "p=16777216"),
            good.replace("v=19", "v=18"),
            good.replace(salt, ""),
            good.replace(salt, "AAAA"),
            good.replace(salt, &"A".repeat(1_000_000)),
            good.replace(output, ""),
            good.replace(output, "AAAA"),
            good.replace(output, &"A".repeat(1_000_000)),
            good.replace("p=1$", "p=1,x=1$"),
            good.replace("argon2id", "argon2i"),
            good.replace("argon2id", "scrypt"),
            good.rsplit_once('$').unwrap().0.to_owned(),
            "$2b$12$R9h/cIPz0gi.URNNX3kh2OPST9/PgBkqquzi.Ss7KIUgO2t0jWMUW".to_owned(),
            "plain text".to_owned(),
            String::new(),
        ] {
            let mut memory = Memory::default();
            let refused = super::compare(
                &password("password"),
                &PasswordHash::new(stored.clone()),
                &mut memory,
            );
            assert_eq!(refused, Err(StoredHashError), "{stored:.200}");
            assert_eq!(
                (memory.blocks.len(), memory.take_hashes()),
                (0, 0),
                "{stored:.200}"
            );
        }
        assert!(started.elapsed().as_millis() < 500, "{:?}", started.elapsed());
    }
}
