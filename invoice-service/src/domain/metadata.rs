//! Free key-value pairs that clients hang on an invoice.

use std::collections::BTreeMap;

use thiserror::Error;

/// Why metadata was refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum MetadataError {
    /// More than [`Metadata::MAX_ENTRIES`].
    #[error("must have at most 50 entries")]
    TooManyEntries,
    /// A key that is blank, too long or has other characters.
    #[error("must have keys of 1 to 40 letters, digits, '_', '.' and '-'")]
    Key {
        /// The refused key.
        key: String,
    },
    /// A value that is too long or has control characters.
    #[error("must have values of at most 500 characters without control characters")]
    Value {
        /// The key of the refused value.
        key: String,
    },
}

impl MetadataError {
    /// The key of the entry that is refused; none when it is all of them.
    pub fn key(&self) -> Option<&str> {
        match self {
            Self::TooManyEntries => None,
            Self::Key { key } | Self::Value { key } => Some(key),
        }
    }

    /// The stable reason of this refusal, for programs.
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::TooManyEntries => "METADATA_TOO_MANY_ENTRIES",
            Self::Key { .. } => "METADATA_KEY",
            Self::Value { .. } => "METADATA_VALUE",
        }
    }
}

/// Key-value pairs of the client's own, such as the number of an order in its shop. Sorted by key.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Metadata(BTreeMap<String, String>);

impl Metadata {
    /// Enough for every integration an invoice passes through; bounds the document.
    pub const MAX_ENTRIES: usize = 50;
    /// Characters of a key.
    pub const MAX_KEY_LENGTH: usize = 40;
    /// Characters of a value: a URL fits.
    pub const MAX_VALUE_LENGTH: usize = 500;

    /// Takes key-value pairs.
    ///
    /// # Errors
    /// The first of [`Metadata::violations`].
    pub fn new(entries: BTreeMap<String, String>) -> Result<Self, MetadataError> {
        match Self::violations(&entries).into_iter().next() {
            Some(violation) => Err(violation),
            None => Ok(Self(entries)),
        }
    }

    /// Everything that is wrong with the pairs. Of too many, only that they are.
    pub fn violations(entries: &BTreeMap<String, String>) -> Vec<MetadataError> {
        if entries.len() > Self::MAX_ENTRIES {
            return vec![MetadataError::TooManyEntries];
        }
        let is_key_byte = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-');
        let mut violations = Vec::new();
        for (key, value) in entries {
            if !(1..=Self::MAX_KEY_LENGTH).contains(&key.len()) || !key.bytes().all(is_key_byte) {
                violations.push(MetadataError::Key { key: key.clone() });
            }
            if value.chars().count() > Self::MAX_VALUE_LENGTH || value.chars().any(char::is_control) {
                violations.push(MetadataError::Value { key: key.clone() });
            }
        }
        violations
    }

    /// The pairs, sorted by key.
    pub const fn entries(&self) -> &BTreeMap<String, String> {
        &self.0
    }
}
