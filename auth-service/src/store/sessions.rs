//! The part of the port that keeps sessions.

use async_trait::async_trait;
use jiff::Timestamp;

use super::StoreError;
use crate::domain::ids::SessionId;
use crate::domain::session::{Session, SessionEnd};

/// Keeps sessions. What [`super::AuthStore`] says of every method holds here too.
#[async_trait]
pub(crate) trait SessionStore: Send + Sync + 'static {
    /// Adds a session of an existing user.
    async fn insert_session(&self, session: Session) -> Result<(), StoreError>;

    /// A session, ended or not.
    async fn session(&self, id: &SessionId) -> Result<Option<Session>, StoreError>;

    /// Replaces what a refresh changes of a session (generation, last use, idle end) if the stored one is at the
    /// generation `from` and has not been ended. Returns whether it was: of any number of callers with the same `from`
    /// one gets `true`.
    async fn advance_session(&self, session: Session, from: u64) -> Result<bool, StoreError>;

    /// Ends a session, unless it is ended already or there is none: then nothing changes. After this no
    /// [`SessionStore::advance_session`] succeeds.
    async fn end_session(&self, id: &SessionId, end: SessionEnd) -> Result<(), StoreError>;

    /// Removes sessions whose absolute end is before `expired_before`, the oldest first and at most `limit` of them, and
    /// returns how many; 0 means that none is left. Nothing of such a session works any more, so any
    /// number of replicas may do this at the same time.
    async fn sweep_sessions(&self, expired_before: Timestamp, limit: u32) -> Result<u64, StoreError>;
}
