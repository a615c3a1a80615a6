//! E-mail addresses.

use std::fmt;

use unicode_normalization::UnicodeNormalization as _;

/// RFC 5321, section 4.5.3.1.3, as corrected by erratum 1690.
const MAX_BYTES: usize = 254;
/// RFC 5321, section 4.5.3.1.1.
const MAX_LOCAL_BYTES: usize = 64;
/// RFC 1035, section 2.3.4.
const MAX_LABEL_BYTES: usize = 63;

/// Why an address was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum EmailError {
    /// Longer than any address can be.
    #[error("must have at most 254 bytes")]
    TooLong,
    /// Not of the form `name@example.com`.
    #[error("must be an e-mail address such as `name@example.com`")]
    Malformed,
}

impl EmailError {
    /// The stable reason of this refusal, for programs.
    pub(crate) const fn reason(self) -> &'static str {
        match self {
            Self::TooLong => "EMAIL_TOO_LONG",
            Self::Malformed => "EMAIL_MALFORMED",
        }
    }
}

/// An address as its owner writes it.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Email(String);

/// The one spelling under which an address is found: NFC, lower case. Two addresses that differ only in case or in
/// Unicode composition are one.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct EmailKey(String);

impl Email {
    /// Takes an address in dot-atom form (RFC 5322, with the characters of RFC 6531). Blanks are not trimmed away
    /// but refused: who sees one wants to know.
    ///
    /// # Errors
    /// [`EmailError`].
    pub(crate) fn parse(text: &str) -> Result<Self, EmailError> {
        if text.len() > MAX_BYTES {
            return Err(EmailError::TooLong);
        }
        let (local, domain) = text.rsplit_once('@').ok_or(EmailError::Malformed)?;
        if is_local(local) && is_domain(domain) {
            Ok(Self(text.to_owned()))
        } else {
            Err(EmailError::Malformed)
        }
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    pub(crate) fn key(&self) -> EmailKey {
        EmailKey(canonical(&self.0))
    }
}

impl EmailKey {
    /// The key of whatever somebody signs in with. Only its length is judged: an address that cannot exist is simply
    /// nobody's, and that must take as long as any other.
    ///
    /// # Errors
    /// [`EmailError::TooLong`].
    pub(crate) fn of_sign_in(text: &str) -> Result<Self, EmailError> {
        if text.len() > MAX_BYTES {
            Err(EmailError::TooLong)
        } else {
            Ok(Self(canonical(text)))
        }
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

fn canonical(text: &str) -> String {
    // Lower case can decompose (`İ`), so composition comes last.
    text.nfc().flat_map(char::to_lowercase).nfc().collect()
}

fn is_local(local: &str) -> bool {
    let atom = |atom: &str| {
        let permitted = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(c);
        !atom.is_empty() && atom.chars().all(|c| permitted(c) || is_international(c))
    };
    local.len() <= MAX_LOCAL_BYTES && local.split('.').all(atom)
}

fn is_domain(domain: &str) -> bool {
    domain.split('.').all(|label| {
        let permitted = |c: char| c.is_ascii_alphanumeric() || c == '-' || is_international(c);
        (1..=MAX_LABEL_BYTES).contains(&label.len())
            && label.chars().all(permitted)
            && !label.starts_with('-')
            && !label.ends_with('-')
    })
}

/// Letters, digits and marks beyond ASCII; no blanks, controls or invisible characters.
fn is_international(c: char) -> bool {
    !c.is_ascii() && (c.is_alphanumeric() || unicode_normalization::char::is_combining_mark(c))
}

/// Addresses are personal data and stay out of logs.
impl fmt::Debug for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

impl fmt::Debug for EmailKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usual_and_unusual_addresses_are_accepted_as_written() {
        for text in [
            "ada@example.com",
            "Ada.Lovelace+invoices@Example.COM",
            "o'brien@sub.example.co.uk",
            "user@localhost",
            "jürgen@münchen.example",
            "{$gt}@example.com",
            "用户@例子.广告",
        ] {
            assert_eq!(Email::parse(text).unwrap().as_str(), text);
        }
    }

    #[test]
    fn what_is_no_address_is_refused() {
        let long_local = format!("{}@example.com", "x".repeat(65));
        let long_label = format!("ada@{}.com", "x".repeat(64));
        for text in [
            "",
            "ada",
            "@",
            "ada@",
            "@example.com",
            "ada@@example.com",
            "ada@example..com",
            ".ada@example.com",
            "ada.@example.com",
            "a..da@example.com",
            " ada@example.com",
            "ada@example.com ",
            "a da@example.com",
            "ada@example.com\n",
            "ada@exa\0mple.com",
            "ada@-example.com",
            "\"a b\"@example.com",
            "ada@[127.0.0.1]",
            "ada@example.com>",
            "{\"$gt\":\"\"}",
            "ada@exa_mple.com",
            "ada\u{200b}@example.com",
            &long_local,
            &long_label,
        ] {
            assert_eq!(Email::parse(text), Err(EmailError::Malformed), "{text:?}");
        }
        assert_eq!(
            Email::parse(&format!("ada@{}", "x.".repeat(200))),
            Err(EmailError::TooLong)
        );
    }

    #[test]
    fn case_and_composition_make_no_difference() {
        let key = |text| Email::parse(text).unwrap().key();
        assert_eq!(key("Ada@Example.COM"), key("ada@example.com"));
        assert_eq!(key("ju\u{308}rgen@example.com"), key("J\u{fc}RGEN@EXAMPLE.com"));
        assert_ne!(key("ada+1@example.com"), key("ada@example.com"));
        assert_eq!(
            EmailKey::of_sign_in("ADA@example.com").unwrap(),
            key("ada@example.com")
        );
    }
}
