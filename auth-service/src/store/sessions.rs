//! The part of the port that keeps sessions.

use async_trait::async_trait;
use jiff::Timestamp;

use super::StoreError;
use crate::domain::ids::{SessionId, UserId};
use crate::domain::session::{Session, SessionEnd};

/// Which sessions to list.
#[derive(Debug, Clone)]
pub(crate) struct SessionQuery {
    pub(crate) user_id: UserId,
    /// Only those of this security version of the user, and of higher ones.
    pub(crate) user_version: u64,
    /// Only those that have neither ended nor expired at this time.
    pub(crate) alive_at: Timestamp,
    /// Only those with a lower id.
    pub(crate) before: Option<SessionId>,
    /// At most this many, from the highest id on.
    pub(crate) limit: usize,
}

/// Keeps sessions. What [`super::AuthStore`] says of every method holds here too.
#[async_trait]
pub(crate) trait SessionStore: Send + Sync + 'static {
    /// Adds a session of an existing user.
    async fn insert_session(&self, session: Session) -> Result<(), StoreError>;

    /// A session, ended or not.
    async fn session(&self, id: &SessionId) -> Result<Option<Session>, StoreError>;

    /// The sessions that `query` asks for, the highest id first: as they were at some time during the call. Right after
    /// the loss of a server they can be those of a moment before.
    async fn sessions_of(&self, query: SessionQuery) -> Result<Vec<Session>, StoreError>;

    /// Replaces what a refresh or a change of the password changes of a session (generation, first generation, user
    /// version, last use, idle end) if the stored one is at the generation `from` and has not been ended. Returns whether
    /// it was: of any number of callers with the same `from` one gets `true`.
    async fn advance_session(&self, session: Session, from: u64) -> Result<bool, StoreError>;

    /// Ends a session, unless it is ended already or there is none: then nothing changes. Returns it if this ended it.
    /// After this no [`SessionStore::advance_session`] succeeds.
    async fn end_session(&self, id: &SessionId, end: SessionEnd) -> Result<Option<Session>, StoreError>;

    /// Ends every session of a user but one, as [`SessionStore::end_session`] does: each in one atomic write, and all
    /// that were there when the call began. Returns how many it ended.
    async fn end_sessions_of(
        &self,
        user: &UserId,
        except: &SessionId,
        end: SessionEnd,
    ) -> Result<u64, StoreError>;

    /// Removes sessions whose absolute end is before `expired_before`, the oldest first and at most `limit` of them, and
    /// returns how many; 0 means that none is left. Nothing of such a session works any more, so any
    /// number of replicas may do this at the same time.
    async fn sweep_sessions(&self, expired_before: Timestamp, limit: u32) -> Result<u64, StoreError>;
}
