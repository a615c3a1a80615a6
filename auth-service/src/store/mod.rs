//! Where users, sessions and signing keys are kept. [`AuthStore`] is the port; the modules below are its adapters, and
//! `contract` is the suite that each of them passes.

use std::sync::Arc;

use async_trait::async_trait;
use store_url::{OpenError, StoreUrl};

use crate::domain::email::EmailKey;
use crate::domain::ids::{OrganizationId, UserId};
use crate::domain::session::Session;
use crate::domain::user::{PasswordHash, ProfileChange, User};

mod contents;
#[cfg(test)]
mod contract;
mod events;
mod keys;
mod mongodb;
mod names;
mod observed;
mod revocations;
#[cfg(test)]
pub(crate) mod sample;
mod sessions;
mod sqlite;

pub use self::contents::contents;
pub(crate) use self::events::{EventQuery, EventStore};
pub(crate) use self::keys::KeyStore;
use self::mongodb::MongoAuthStore;
pub(crate) use self::observed::observed;
pub(crate) use self::revocations::{RevocationStore, RevocationWatch, WatchEnded};
pub(crate) use self::sessions::{SessionQuery, SessionStore};
use self::sqlite::SqliteAuthStore;

/// Opens the store that a URL names. May block; for start-up.
///
/// # Errors
/// A sentence for the operator.
pub(crate) async fn open(url: &StoreUrl) -> Result<Arc<dyn AuthStore>, OpenError> {
    Ok(match url {
        StoreUrl::Sqlite(location) => Arc::new(SqliteAuthStore::open(location)?),
        StoreUrl::MongoDb(location) => Arc::new(MongoAuthStore::open(location).await?),
    })
}

/// Opens the store that a URL names, beside a service that has it open: for a few short reads and writes. May block.
///
/// # Errors
/// A sentence for the operator; also when the store is not there.
pub(crate) async fn open_beside(url: &StoreUrl) -> Result<Arc<dyn AuthStore>, OpenError> {
    Ok(match url {
        StoreUrl::Sqlite(location) => Arc::new(SqliteAuthStore::open_beside(location)?),
        StoreUrl::MongoDb(location) => Arc::new(MongoAuthStore::open(location).await?),
    })
}

/// Keeps users, sessions by [`SessionStore`], security events by [`EventStore`], signing keys by [`KeyStore`], and tells
/// of revocations by [`RevocationStore`].
///
/// Users, sessions, events and keys are one document each, and every mutation is one atomic write of one document (with one
/// exception, said where it is), so that any store with conditional writes and unique indexes can stand behind this
/// trait. Times are kept to the millisecond.
///
/// A read that starts after a write was answered sees that write, also at another replica. A write that fails with
/// [`StoreError::Unavailable`] may or may not have happened. Dropping a method's future does not undo a write that was
/// under way. Every method can fail with `Overloaded`, `Unavailable` and `Broken`; others are named.
#[async_trait]
pub(crate) trait AuthStore: SessionStore + EventStore + KeyStore + RevocationStore {
    /// Adds a user, and the user's first session. The session is never there without the user; a store without
    /// transactions may, when it fails in between, leave the user without the session, who can then sign in.
    ///
    /// # Errors
    /// `EmailTaken` when another user has the same [`EmailKey`], however many try at the same time; nothing is added.
    async fn insert_user(&self, user: User, session: Session) -> Result<(), StoreError>;

    /// The user with an e-mail address.
    async fn user_by_email(&self, email: &EmailKey) -> Result<Option<User>, StoreError>;

    /// The user with an id.
    async fn user(&self, id: &UserId) -> Result<Option<User>, StoreError>;

    /// Replaces a user's password hash if it still is `expected`. Returns whether it was.
    async fn replace_password_hash(
        &self,
        id: &UserId,
        expected: &PasswordHash,
        hash: PasswordHash,
    ) -> Result<bool, StoreError>;

    /// Replaces the password hash of the user with the id of `changed`, the security version and its time by those of
    /// `changed`, if the stored version is the one just before. Returns whether it was: of any number of callers that
    /// change the password of one version, one gets `true`.
    ///
    /// The version alone is compared: every change of the password raises it, so an unchanged one says that the hash is
    /// the one that was read, or a stronger one of the same password.
    async fn change_password(&self, changed: &User) -> Result<bool, StoreError>;

    /// Changes what `change` names of a user, all of it in one write. Returns the user as it is then; `None` when there is
    /// none.
    async fn update_profile(&self, id: &UserId, change: ProfileChange) -> Result<Option<User>, StoreError>;

    /// Users in the order of their ids, at most so many: those of an organization, or all. It reads the whole collection
    /// when there are few of them in it, so it is for an operator's command.
    async fn members(
        &self,
        organization: Option<&OrganizationId>,
        limit: usize,
    ) -> Result<Vec<User>, StoreError>;

    /// Reads something, for readiness probes.
    async fn ping(&self) -> Result<(), StoreError>;

    /// Finishes what was accepted and closes. Nothing works afterwards.
    async fn close(&self);
}

/// Why a store did not do what it was asked for.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StoreError {
    /// Another user has the address.
    #[error("the e-mail address is taken")]
    EmailTaken,
    /// Another signing key has the place in the sequence.
    #[error("there is a signing key of this sequence number already")]
    KeySequenceTaken,
    /// More work is waiting than the store takes. Nothing was done; try again later.
    #[error("the store is overloaded")]
    Overloaded,
    /// The store cannot be reached, or its disk refuses. Try again later.
    #[error("the store is unavailable")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The store holds what this program did not write, or refuses a statement of it: a defect.
    #[error("the store is broken")]
    Broken(#[source] Box<dyn std::error::Error + Send + Sync>),
}
