//! What an access token says.

use std::fmt;
use std::str::FromStr;

use serde::de::{IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use crate::error::TokenError;

/// What a user may do in an organization. In a token: its name in upper case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Role {
    /// Everything, including what concerns the organization itself.
    Owner,
    /// Daily work with invoices.
    Member,
}

impl Role {
    /// The name in tokens and in stores.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Owner => "OWNER",
            Self::Member => "MEMBER",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Role {
    type Err = UnknownRole;

    fn from_str(name: &str) -> Result<Self, UnknownRole> {
        match name {
            "OWNER" => Ok(Self::Owner),
            "MEMBER" => Ok(Self::Member),
            _ => Err(UnknownRole),
        }
    }
}

/// A role name of no known role.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("unknown role")]
pub struct UnknownRole;

/// The claims of an access token, by their JWT names (RFC 7519, RFC 9068). Times are whole seconds
/// since 1970. Shared with the signer, so that both sides mean the same thing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessTokenClaims {
    /// Issuer.
    pub iss: String,
    /// Audience: one string, never a list.
    pub aud: String,
    /// Subject: the user, `usr_…`.
    pub sub: String,
    /// Issued at.
    pub iat: i64,
    /// Not before.
    pub nbf: i64,
    /// Expires.
    pub exp: i64,
    /// Token id, `tok_…`.
    pub jti: String,
    /// Session, `ses_…`.
    pub sid: String,
    /// Organization, `org_…`.
    pub org: String,
    /// Role in the organization.
    pub role: Role,
    /// The user's security version when the token was issued.
    pub uv: u64,
}

/// The times among the claims.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Times {
    pub(crate) issued: i64,
    pub(crate) not_before: i64,
    pub(crate) expires: i64,
}

impl AccessTokenClaims {
    pub(crate) fn times(&self) -> Times {
        Times {
            issued: self.iat,
            not_before: self.nbf,
            expires: self.exp,
        }
    }

    /// Reads a token's second part. Unknown members are allowed, so that a newer signer may add one;
    /// a member that stands twice is not, known or unknown.
    pub(crate) fn parse(json: &[u8]) -> Result<Self, TokenError> {
        let _unique: UniqueMembers = serde_json::from_slice(json).map_err(|_| TokenError::Claims)?;
        serde_json::from_slice(json).map_err(|_| TokenError::Claims)
    }
}

/// A JSON object in which no member stands twice. Anything else, an array too, does not parse.
struct UniqueMembers;

impl<'de> Deserialize<'de> for UniqueMembers {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(UniqueMembersVisitor)
    }
}

struct UniqueMembersVisitor;

impl<'de> Visitor<'de> for UniqueMembersVisitor {
    type Value = UniqueMembers;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object without repeated members")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        // A token is at most 2 KiB: a list is faster than a set.
        let mut seen: Vec<String> = Vec::with_capacity(16);
        while let Some((name, _value)) = map.next_entry::<String, IgnoredAny>()? {
            if seen.contains(&name) {
                return Err(serde::de::Error::custom("repeated member"));
            }
            seen.push(name);
        }
        Ok(UniqueMembers)
    }
}
