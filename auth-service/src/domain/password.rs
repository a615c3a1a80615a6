//! Passwords: NIST SP 800-63B-4, section 3.1.1. Length and guessability count, composition rules do not.

use unicode_normalization::UnicodeNormalization as _;
use zxcvbn::{Score, zxcvbn};

use super::secret::Secret;

/// Looked at before any other work is done on a password.
const MAX_BYTES: usize = 1024;
/// NIST asks for 8, or 15 where the password is the only factor. With [`WEAKEST`] in addition, 12.
const MIN_CHARACTERS: usize = 12;
/// "Safely unguessable": 10^8 guesses and more.
const WEAKEST: Score = Score::Three;

/// Why a new password was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PasswordError {
    /// Fewer than 12 code points.
    #[error("must have at least 12 characters")]
    TooShort,
    /// More than 1,024 bytes.
    #[error("must have at most 1,024 bytes")]
    TooLong,
    /// The one that is to be replaced.
    #[error("must be another one than the current password")]
    Unchanged,
    /// Among the first a guesser would try.
    #[error("is too easy to guess: use several unrelated words, and nothing from the name or e-mail address")]
    Guessable,
}

impl PasswordError {
    /// The stable reason of this refusal, for programs.
    pub(crate) const fn reason(self) -> &'static str {
        match self {
            Self::TooShort => "PASSWORD_TOO_SHORT",
            Self::TooLong => "PASSWORD_TOO_LONG",
            Self::Unchanged => "PASSWORD_UNCHANGED",
            Self::Guessable => "PASSWORD_GUESSABLE",
        }
    }
}

/// A password as it is hashed: in NFC, since keyboards compose differently; otherwise exactly as typed, blanks too.
#[derive(Debug, Clone)]
pub(crate) struct Password(Secret);

impl Password {
    /// A password that somebody signs in with. Whether it would be good enough today does not matter.
    ///
    /// # Errors
    /// `TooLong`.
    pub(crate) fn parse(text: &str) -> Result<Self, PasswordError> {
        if text.len() > MAX_BYTES {
            return Err(PasswordError::TooLong);
        }
        Ok(Self(Secret::new(text.nfc().collect())))
    }

    /// A password that somebody wants to have from now on. `context` is what a guesser knows of the person.
    ///
    /// # Errors
    /// [`PasswordError`].
    pub(crate) fn choose(text: &str, context: &[&str]) -> Result<Self, PasswordError> {
        let password = Self::parse(text)?;
        let text = password.0.expose();
        if text.chars().count() < MIN_CHARACTERS {
            return Err(PasswordError::TooShort);
        }
        let words = words(context);
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        // Judges the first 100 characters: bounded work, and what follows makes nothing weaker.
        if zxcvbn(text, &words).score() < WEAKEST {
            return Err(PasswordError::Guessable);
        }
        Ok(password)
    }

    /// [`Password::choose`] for somebody who has the password `current`, if that is known.
    ///
    /// # Errors
    /// [`PasswordError`].
    pub(crate) fn choose_instead(
        text: &str,
        current: Option<&Self>,
        context: &[&str],
    ) -> Result<Self, PasswordError> {
        let password = Self::choose(text, context)?;
        // Both come from the same caller, so the time that this takes tells nobody anything.
        if current.is_some_and(|current| current.0 == password.0) {
            return Err(PasswordError::Unchanged);
        }
        Ok(password)
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.0.expose().as_bytes()
    }
}

/// What a guesser makes of a person's names and address: each as it is, without its blanks and signs, and its words.
fn words(context: &[&str]) -> Vec<String> {
    let mut words = Vec::new();
    for text in context {
        let parts: Vec<&str> = text
            .split(|c: char| !c.is_alphanumeric())
            .filter(|part| !part.is_empty())
            .collect();
        words.extend([(*text).to_owned(), parts.concat()]);
        words.extend(parts.into_iter().map(str::to_owned));
        // `ada.lovelace` of `ada.lovelace@example.com`.
        if let Some((local, _domain)) = text.split_once('@') {
            words.push(local.chars().filter(|c| c.is_alphanumeric()).collect());
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(text: &str) -> Option<PasswordError> {
        Password::choose(
            text,
            &["ada.lovelace@example.com", "Ada Lovelace", "Analytical Engines"],
        )
        .err()
    }

    #[test]
    fn length_counts_characters_below_and_bytes_above() {
        assert_eq!(refusal("kx7 Qm2!vT9"), Some(PasswordError::TooShort));
        assert_eq!(refusal("é"), Some(PasswordError::TooShort));
        assert_eq!(refusal(&"kx7 Qm2!vT9b".repeat(100)), Some(PasswordError::TooLong));
        assert_eq!(refusal("kx7 Qm2!vT9b"), None);
    }

    #[test]
    fn what_is_easy_to_guess_is_refused_and_a_sentence_is_not() {
        for text in [
            "aaaaaaaaaaaaaaaa",
            "password12345",
            "qwertyuiop[]",
            "123456789012",
            "adalovelace1",
            "Ada Lovelace",
        ] {
            assert_eq!(refusal(text), Some(PasswordError::Guessable), "{text}");
        }
        assert_eq!(refusal("correct horse battery staple"), None);
        assert_eq!(refusal("纸飞机飘过安静的旧铁桥与河"), None);
    }

    #[test]
    fn composition_makes_no_difference_and_blanks_do() {
        let bytes = |text| Password::parse(text).unwrap().as_bytes().to_vec();
        assert_eq!(bytes("ju\u{308}rgen"), bytes("j\u{fc}rgen"));
        assert_ne!(bytes(" x"), bytes("x"));
    }

    #[test]
    fn a_new_password_is_another_one_whatever_its_composition() {
        let choose = |text, current| {
            let current = Password::parse(current).unwrap();
            Password::choose_instead(text, Some(&current), &[]).err()
        };
        let (composed, decomposed) = ("quiet herons \u{fc}ber water", "quiet herons u\u{308}ber water");
        assert_eq!(choose(composed, decomposed), Some(PasswordError::Unchanged));
        assert_eq!(choose(composed, "quiet herons"), None);
        assert_eq!(Password::choose_instead(composed, None, &[]).err(), None);
    }

    #[test]
    fn a_password_is_not_printed() {
        assert_eq!(
            format!("{:?}", Password::parse("hunter2").unwrap()),
            "Password([redacted])"
        );
    }

    #[test]
    fn the_longest_password_is_judged_quickly() {
        let started = std::time::Instant::now();
        for text in [
            "a1".repeat(512),
            "password".repeat(128),
            "qwerty".repeat(170),
            "1999-12-31 ".repeat(90),
        ] {
            let _ = Password::choose(&text, &["ada@example.com"]);
        }
        assert!(started.elapsed().as_millis() < 400, "{:?}", started.elapsed());
    }
}
