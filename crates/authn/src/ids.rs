//! Ids: a prefix and a ULID, in lower case. Those that a token names stand here.

use ulid::Ulid;

/// Not an id of the wanted kind. The text says what one looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be `{prefix}` followed by 26 lower-case characters of Crockford's base 32")]
pub struct IdError {
    prefix: &'static str,
}

/// Characters of a ULID.
const ULID_CHARACTERS: usize = 26;

/// The ULID after `prefix`, if `text` is written exactly as we write ids. For [`prefixed_id`](crate::prefixed_id).
///
/// # Errors
/// When it is not.
pub fn parse_prefixed_id(prefix: &'static str, text: &str) -> Result<Ulid, IdError> {
    let error = IdError { prefix };
    let digits = text.strip_prefix(prefix).ok_or(error)?;
    let crockford = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'z') && !b"ilou".contains(&byte);
    // 26 characters hold 130 bits: a first one above 7 would be cut, and make a second spelling.
    let fits = digits.bytes().next().is_some_and(|first| first <= b'7');
    if digits.len() != ULID_CHARACTERS || !digits.bytes().all(crockford) || !fits {
        return Err(error);
    }
    Ulid::from_string(digits).map_err(|_| error)
}

/// Makes a type of ids: a prefix and a ULID. The crate `ulid` must be at hand.
#[macro_export]
macro_rules! prefixed_id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name {
            text: String,
            ulid: ulid::Ulid,
        }

        impl $name {
            /// What every id of this kind starts with.
            pub const PREFIX: &'static str = $prefix;

            /// The id with this ULID.
            pub fn from_ulid(ulid: ulid::Ulid) -> Self {
                let text = format!("{}{}", Self::PREFIX, ulid.to_string().to_ascii_lowercase());
                Self { text, ulid }
            }

            /// The whole id, prefix included.
            pub fn as_str(&self) -> &str {
                &self.text
            }

            /// The 128 bits after the prefix.
            pub fn ulid(&self) -> ulid::Ulid {
                self.ulid
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::IdError;

            fn from_str(text: &str) -> Result<Self, $crate::IdError> {
                let ulid = $crate::parse_prefixed_id(Self::PREFIX, text)?;
                Ok(Self { text: text.to_owned(), ulid })
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.text)
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.text)
            }
        }
    };
}

prefixed_id!(
    /// A person who can sign in: `usr_…`.
    UserId,
    "usr_"
);
prefixed_id!(
    /// A tenant: `org_…`. Every invoice belongs to one.
    OrganizationId,
    "org_"
);
prefixed_id!(
    /// One sign-in and the refreshes that follow it: `ses_…`.
    SessionId,
    "ses_"
);
prefixed_id!(
    /// One access token: `tok_…`.
    TokenId,
    "tok_"
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_reads_back_as_it_was_written() {
        let id = UserId::from_ulid(Ulid::from_parts(1_790_000_000_000, 42));
        assert!(id.as_str().starts_with("usr_01"), "{id}");
        assert_eq!(id.as_str().parse::<UserId>().unwrap(), id);
    }

    #[test]
    fn every_other_spelling_is_refused() {
        let good = "01hzzzzzzzzzzzzzzzzzzzzzzz";
        format!("usr_{good}").parse::<UserId>().unwrap();
        for text in [
            String::new(),
            "usr_".to_owned(),
            good.to_owned(),
            format!("org_{good}"),
            format!("usr_{}", good.to_uppercase()),
            format!("usr_{}", &good[1..]),
            format!("usr_{good}z"),
            format!("usr_{}u", &good[1..]),
            format!("usr_{}\u{e9}", &good[2..]),
            format!("usr_8{}", &good[1..]),
            format!(" usr_{good}"),
            format!("usr_{good} "),
            r#"{"$gt":""}"#.to_owned(),
        ] {
            assert!(text.parse::<UserId>().is_err(), "{text:?}");
        }
    }
}
