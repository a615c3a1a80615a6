//! The operations on sessions.

use async_trait::async_trait;
use jiff::Timestamp;
use telemetry::{Database, Operation};

use super::Observed;
use crate::domain::ids::{SessionId, UserId};
use crate::domain::session::{Session, SessionEnd};
use crate::store::{SessionQuery, SessionStore, StoreError};

pub(super) struct SessionOperations {
    insert_session: Operation,
    session: Operation,
    sessions_of: Operation,
    advance_session: Operation,
    end_session: Operation,
    end_sessions_of: Operation,
    sweep_sessions: Operation,
}

impl SessionOperations {
    pub(super) fn of(database: &Database) -> Self {
        Self {
            insert_session: database.operation("insert_session"),
            session: database.operation("session"),
            sessions_of: database.operation("sessions_of"),
            advance_session: database.operation("advance_session"),
            end_session: database.operation("end_session"),
            end_sessions_of: database.operation("end_sessions_of"),
            sweep_sessions: database.operation("sweep_sessions"),
        }
    }
}

#[async_trait]
impl SessionStore for Observed {
    async fn insert_session(&self, session: Session) -> Result<(), StoreError> {
        self.sessions
            .insert_session
            .observe(self.store.insert_session(session))
            .await
    }

    async fn session(&self, id: &SessionId) -> Result<Option<Session>, StoreError> {
        self.sessions.session.observe(self.store.session(id)).await
    }

    async fn sessions_of(&self, query: SessionQuery) -> Result<Vec<Session>, StoreError> {
        let found = self.store.sessions_of(query);
        self.sessions.sessions_of.observe(found).await
    }

    async fn advance_session(&self, session: Session, from: u64) -> Result<bool, StoreError> {
        let advanced = self.store.advance_session(session, from);
        self.sessions.advance_session.observe(advanced).await
    }

    async fn end_session(&self, id: &SessionId, end: SessionEnd) -> Result<Option<Session>, StoreError> {
        let ended = self.store.end_session(id, end);
        self.sessions.end_session.observe(ended).await
    }

    async fn end_sessions_of(
        &self,
        user: &UserId,
        except: &SessionId,
        end: SessionEnd,
    ) -> Result<u64, StoreError> {
        let ended = self.store.end_sessions_of(user, except, end);
        self.sessions.end_sessions_of.observe(ended).await
    }

    async fn sweep_sessions(&self, expired_before: Timestamp, limit: u32) -> Result<u64, StoreError> {
        let swept = self.store.sweep_sessions(expired_before, limit);
        self.sessions.sweep_sessions.observe(swept).await
    }
}
