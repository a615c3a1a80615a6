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

/// Of a new password so many characters are judged.
const JUDGED_CHARACTERS: usize = 48;
/// Symbols that zxcvbn also reads as letters, as in `p@$$`. (Digits are too, but have few readings.)
const SYMBOLS_FOR_LETTERS: &str = "@({[<!|+$%";
/// How many of them a password may have that are read so.
const JUDGED_SYMBOLS: usize = 2;
/// Stand for the others: no word, sequence or keyboard has them.
const UNREAD_SYMBOLS: [char; 10] = [
    '\u{e000}', '\u{e100}', '\u{e007}', '\u{e300}', '\u{e017}', '\u{e500}', '\u{e0a0}', '\u{e077}',
    '\u{e4f0}', '\u{e042}',
];

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
        if zxcvbn(&judged(text), &words).score() < WEAKEST {
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

/// What is judged of a password, so that the judge takes no longer than the hash. zxcvbn tries every way to read symbols as
/// letters, in every part of the text: 100 characters with all of those symbols take seconds.
///
/// What follows after the first characters makes nothing weaker. Nobody finds words by their third kind of symbol; it still
/// counts as the character that it is.
fn judged(text: &str) -> String {
    let mut kinds = Vec::new();
    let judged = text.chars().take(JUDGED_CHARACTERS).map(|c| {
        if !SYMBOLS_FOR_LETTERS.contains(c) {
            return c;
        }
        let kind = kinds.iter().position(|known| *known == c).unwrap_or_else(|| {
            kinds.push(c);
            kinds.len() - 1
        });
        if kind < JUDGED_SYMBOLS {
            c
        } else {
            UNREAD_SYMBOLS.get(kind).copied().unwrap_or(c)
        }
    });
    judged.collect()
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

    /// On the slowest of machines; the symbols took 1.5 s each before they were counted.
    #[test]
    fn the_worst_password_is_judged_quickly() {
        let symbols = "4@8({[<3691!|7+05$2%abcegilostxz";
        let mut number = 1_u32;
        let mut any = || {
            number = number.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            symbols.as_bytes()[(number >> 24) as usize % symbols.len()] as char
        };
        let random: Vec<String> = (0..6).map(|_| (0..1024).map(|_| any()).collect()).collect();
        let names = "a.b-".repeat(50);
        let _dictionaries = refusal("once, before the clock runs");
        let started = std::time::Instant::now();
        for text in random.into_iter().chain([
            "a1".repeat(512),
            "password".repeat(128),
            "qwerty".repeat(170),
            "1999-12-31 ".repeat(90),
        ]) {
            let _ = Password::choose(&text, &["ada@example.com", &names, &names]);
        }
        assert!(started.elapsed().as_millis() < 2_000, "{:?}", started.elapsed());
    }

    #[test]
    fn symbols_for_letters_are_seen_through_and_many_kinds_of_them_are_no_weakness() {
        for text in [
            "p@ssw0rd1234",
            "@dal0velace1",
            "((((((((((((((((((",
            "(!@(!@(!@(!@",
        ] {
            assert_eq!(refusal(text), Some(PasswordError::Guessable), "{text}");
        }
        assert_eq!(refusal("+|<%[!{$@(%+"), None);
        assert_eq!(judged("a@b$c!d!e+f"), "a@b$c\u{e007}d\u{e007}e\u{e300}f");
        assert_eq!(judged(&"xy".repeat(500)).len(), 48);
    }

    #[test]
    fn exactly_a_thousand_and_twenty_four_bytes_are_permitted_as_they_were_sent() {
        let words = "tulip harbour violin ".repeat(49);
        assert_eq!(refusal(&words[..1024]), None);
        assert_eq!(refusal(&words[..1025]), Some(PasswordError::TooLong));
        let decomposed = "e\u{301}".repeat(341);
        assert_eq!(decomposed.len(), 1023);
        assert!(Password::parse(&decomposed).is_ok());
        assert!(
            Password::parse(&format!("{decomposed}xx")).is_err(),
            "counted before composition"
        );
        let grows = "\u{fb2c}".repeat(341);
        assert_eq!(
            Password::parse(&grows).unwrap().as_bytes().len(),
            2 * grows.len(),
            "NFC may be longer"
        );
    }

    #[test]
    fn characters_are_counted_after_composition() {
        assert_eq!(
            refusal("ju\u{308}rgen kx7Q"),
            Some(PasswordError::TooShort),
            "11 of 12"
        );
        assert_eq!(refusal("ju\u{308}rgen kx7Qv"), None, "12 of 13");
    }

    #[test]
    fn every_character_is_kept_whatever_it_is() {
        let bytes = |text: &str| Password::parse(text).unwrap().as_bytes().to_vec();
        for odd in [
            "\0",         // NUL ends nothing
            "\u{200b}",   // zero width
            "\u{feff}",   // byte order mark
            "\u{202e}",   // right to left
            "\u{378}",    // not assigned
            "\u{10ffff}", // no character, the last code point
            "\u{e000}",   // private use
            "\t",
            "\r\n",
            "\u{a0}",   // a blank that NFKC would change
            "\u{ff21}", // a wide A, likewise
        ] {
            let text = format!("seven quiet{odd} herons");
            assert_eq!(bytes(&text), text.as_bytes(), "{odd:?}");
            assert_ne!(bytes(&text), bytes("seven quiet herons"), "{odd:?}");
            assert_ne!(bytes(&format!("{text}x")), bytes(&text), "{odd:?}");
            assert_eq!(refusal(&text), None, "{odd:?}");
        }
        assert_eq!(refusal(&"\u{200b}".repeat(12)), Some(PasswordError::Guessable));
        assert_eq!(refusal(&"\0".repeat(40)), Some(PasswordError::Guessable));
    }
}
