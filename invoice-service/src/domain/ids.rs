//! Identifiers: opaque, prefixed, time-ordered.

use std::fmt;

use thiserror::Error;
use ulid::Ulid;

/// Text that is not an identifier of the wanted kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("must be an identifier that starts with \"{prefix}\", as this API gave it out")]
pub struct IdError {
    /// What an identifier of this kind starts with, such as `inv_`.
    pub prefix: &'static str,
}

impl IdError {
    /// The stable reason of this refusal, for programs.
    pub const fn reason(self) -> &'static str {
        "ID_MALFORMED"
    }
}

/// Declares an identifier newtype: its prefix and what may follow.
macro_rules! id {
    ($(#[$meta:meta])* $name:ident, $prefix:literal, $is_valid:path) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(String);

        impl $name {
            /// What every identifier of this kind starts with.
            pub const PREFIX: &'static str = $prefix;

            /// Reads an identifier.
            ///
            /// # Errors
            /// [`IdError`] when it is of another kind or not an identifier at all.
            pub fn parse(text: &str) -> Result<Self, IdError> {
                match text.strip_prefix(Self::PREFIX) {
                    Some(rest) if $is_valid(rest) => Ok(Self(text.to_owned())),
                    Some(_) | None => Err(IdError { prefix: Self::PREFIX }),
                }
            }

            /// The identifier with its prefix.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

/// Declares an identifier that this service gives out: the prefix and a lower-case ULID.
macro_rules! own_id {
    ($(#[$meta:meta])* $name:ident, $prefix:literal) => {
        id!($(#[$meta])* $name, $prefix, is_lower_case_ulid);

        impl $name {
            /// A new identifier; later ones sort after earlier ones, to the millisecond.
            pub fn generate() -> Self {
                let mut text = Ulid::generate().to_string();
                text.make_ascii_lowercase();
                Self(format!("{}{text}", Self::PREFIX))
            }
        }
    };
}

own_id! {
    /// An invoice or credit note.
    InvoiceId, "inv_"
}
own_id! {
    /// A line; unique within its invoice.
    LineId, "lin_"
}
own_id! {
    /// A customer.
    CustomerId, "cus_"
}
own_id! {
    /// A payment; unique within its invoice.
    PaymentId, "pay_"
}
id! {
    /// An organization: the tenant that owns invoices and customers. Given out by the auth service.
    OrganizationId, "org_", is_foreign
}
id! {
    /// A user. Given out by the auth service.
    UserId, "usr_", is_foreign
}
id! {
    /// A user's session. Given out by the auth service.
    SessionId, "ses_", is_foreign
}

/// Whether the text is a ULID as [`Ulid`] writes it, in lower case; Crockford's aliases and
/// values above 128 bits are not, so that one identifier has one spelling.
fn is_lower_case_ulid(text: &str) -> bool {
    Ulid::from_string(text).is_ok_and(|ulid| {
        let mut canonical = ulid.to_string();
        canonical.make_ascii_lowercase();
        canonical == text
    })
}

/// Longer than any identifier of the auth service; a bound on what is stored and indexed.
const FOREIGN_ID_MAX_LENGTH: usize = 64;

/// Another service's identifier stays opaque: only length and alphabet are looked at.
fn is_foreign(text: &str) -> bool {
    (1..=FOREIGN_ID_MAX_LENGTH).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// How often an invoice was written: 1 when created, one more with every change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version(u64);

impl Version {
    /// The version of a new invoice.
    pub const FIRST: Self = Self(1);

    /// The version with this number, as a store holds it.
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// The number.
    pub const fn get(self) -> u64 {
        self.0
    }

    /// The version after this one.
    #[must_use]
    pub const fn next(self) -> Self {
        // 2^64 writes of one invoice cannot happen.
        Self(self.0.saturating_add(1))
    }

    /// The etag of this version.
    pub fn etag(self) -> Etag {
        Etag(format!("v{}", self.0))
    }
}

/// The version as clients see it (AIP-154): an opaque string that changes with every change.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Etag(String);

impl Etag {
    /// Takes what a client sent. Any text will do: one that is not the current etag is stale.
    pub fn from_client(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// The version it is the etag of; none when no version ever had it.
    pub fn version(&self) -> Option<Version> {
        let version = Version(self.0.strip_prefix('v')?.parse().ok()?);
        (version.etag() == *self).then_some(version)
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Etag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
