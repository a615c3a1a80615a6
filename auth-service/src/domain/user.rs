//! A person who can sign in, and the organization the person belongs to.

use authn::Role;
use jiff::Timestamp;

use super::email::Email;
use super::ids::{OrganizationId, UserId};
use super::secret::Secret;
use super::text::{DisplayName, OrganizationName};

/// A user. One document: it carries its membership, so that registering is one atomic write in any store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct User {
    pub(crate) id: UserId,
    pub(crate) email: Email,
    pub(crate) display_name: DisplayName,
    pub(crate) password_hash: PasswordHash,
    /// Grows when every token of the user is to end (`uv` in tokens).
    pub(crate) security_version: u64,
    /// When it got the value that it has: at first, at registration.
    pub(crate) security_version_time: Timestamp,
    pub(crate) membership: Membership,
    pub(crate) create_time: Timestamp,
}

impl User {
    /// The security version at registration. A higher one means that earlier tokens were ended.
    pub(crate) const FIRST_SECURITY_VERSION: u64 = 1;
}

/// What somebody changes of a user and of the user's organization.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct ProfileChange {
    pub(crate) display_name: Option<DisplayName>,
    pub(crate) organization_name: Option<OrganizationName>,
}

/// In which organization a user is what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Membership {
    pub(crate) organization_id: OrganizationId,
    pub(crate) organization_name: OrganizationName,
    pub(crate) role: Role,
}

/// A hashed password as a PHC string, with its algorithm, parameters and salt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PasswordHash(Secret);

impl PasswordHash {
    pub(crate) fn new(phc: String) -> Self {
        Self(Secret::new(phc))
    }

    pub(crate) fn as_str(&self) -> &str {
        self.0.expose()
    }
}
