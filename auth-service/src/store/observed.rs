//! A store whose every operation is measured and traced.

use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;
use telemetry::{Database, Operation, StoreErrorKind, StoreFailure};

use super::{AuthStore, StoreError};
use crate::domain::email::EmailKey;
use crate::domain::ids::{SessionId, UserId};
use crate::domain::session::{Session, SessionEnd};
use crate::domain::signing_key::SigningKey;
use crate::domain::user::{PasswordHash, User};

/// `store`, with each operation under the name of its method in `database`.
pub(crate) fn observed(store: Arc<dyn AuthStore>, database: &Database) -> Arc<dyn AuthStore> {
    Arc::new(Observed {
        store,
        insert_user: database.operation("insert_user"),
        user_by_email: database.operation("user_by_email"),
        user: database.operation("user"),
        replace_password_hash: database.operation("replace_password_hash"),
        insert_session: database.operation("insert_session"),
        session: database.operation("session"),
        advance_session: database.operation("advance_session"),
        end_session: database.operation("end_session"),
        sweep_sessions: database.operation("sweep_sessions"),
        signing_keys: database.operation("signing_keys"),
        insert_signing_key: database.operation("insert_signing_key"),
        ping: database.operation("ping"),
    })
}

struct Observed {
    store: Arc<dyn AuthStore>,
    insert_user: Operation,
    user_by_email: Operation,
    user: Operation,
    replace_password_hash: Operation,
    insert_session: Operation,
    session: Operation,
    advance_session: Operation,
    end_session: Operation,
    sweep_sessions: Operation,
    signing_keys: Operation,
    insert_signing_key: Operation,
    ping: Operation,
}

#[async_trait]
impl AuthStore for Observed {
    async fn insert_user(&self, user: User, session: Session) -> Result<(), StoreError> {
        self.insert_user
            .observe(self.store.insert_user(user, session))
            .await
    }

    async fn user_by_email(&self, email: &EmailKey) -> Result<Option<User>, StoreError> {
        self.user_by_email.observe(self.store.user_by_email(email)).await
    }

    async fn user(&self, id: &UserId) -> Result<Option<User>, StoreError> {
        self.user.observe(self.store.user(id)).await
    }

    async fn replace_password_hash(
        &self,
        id: &UserId,
        expected: &PasswordHash,
        hash: PasswordHash,
    ) -> Result<bool, StoreError> {
        let replaced = self.store.replace_password_hash(id, expected, hash);
        self.replace_password_hash.observe(replaced).await
    }

    async fn insert_session(&self, session: Session) -> Result<(), StoreError> {
        self.insert_session
            .observe(self.store.insert_session(session))
            .await
    }

    async fn session(&self, id: &SessionId) -> Result<Option<Session>, StoreError> {
        self.session.observe(self.store.session(id)).await
    }

    async fn advance_session(&self, session: Session, from: u64) -> Result<bool, StoreError> {
        let advanced = self.store.advance_session(session, from);
        self.advance_session.observe(advanced).await
    }

    async fn end_session(&self, id: &SessionId, end: SessionEnd) -> Result<(), StoreError> {
        self.end_session.observe(self.store.end_session(id, end)).await
    }

    async fn sweep_sessions(&self, expired_before: Timestamp, limit: u32) -> Result<u64, StoreError> {
        let swept = self.store.sweep_sessions(expired_before, limit);
        self.sweep_sessions.observe(swept).await
    }

    async fn signing_keys(&self) -> Result<Vec<SigningKey>, StoreError> {
        self.signing_keys.observe(self.store.signing_keys()).await
    }

    async fn insert_signing_key(&self, key: SigningKey) -> Result<(), StoreError> {
        let inserted = self.store.insert_signing_key(key);
        self.insert_signing_key.observe(inserted).await
    }

    async fn ping(&self) -> Result<(), StoreError> {
        self.ping.observe(self.store.ping()).await
    }

    async fn close(&self) {
        self.store.close().await;
    }
}

impl StoreErrorKind for StoreError {
    fn failure(&self) -> Option<StoreFailure> {
        match self {
            Self::EmailTaken | Self::ActiveKeyExists => None,
            Self::Overloaded => Some(StoreFailure::Overloaded),
            Self::Unavailable(_) => Some(StoreFailure::Unavailable),
            Self::Broken(_) => Some(StoreFailure::Broken),
        }
    }
}
