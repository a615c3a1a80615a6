//! A store whose every operation is measured and traced.

mod events;
mod keys;
mod revocations;
mod sessions;

use std::sync::Arc;

use async_trait::async_trait;
use telemetry::{Database, Operation, StoreErrorKind, StoreFailure};

use self::events::EventOperations;
use self::keys::KeyOperations;
use self::sessions::SessionOperations;
use super::{AuthStore, StoreError};
use crate::domain::email::EmailKey;
use crate::domain::ids::{OrganizationId, UserId};
use crate::domain::session::Session;
use crate::domain::user::{PasswordHash, ProfileChange, User};

/// `store`, with each operation under the name of its method in `database`.
pub(crate) fn observed(store: Arc<dyn AuthStore>, database: &Database) -> Arc<dyn AuthStore> {
    Arc::new(Observed {
        store,
        insert_user: database.operation("insert_user"),
        user_by_email: database.operation("user_by_email"),
        user: database.operation("user"),
        replace_password_hash: database.operation("replace_password_hash"),
        change_password: database.operation("change_password"),
        update_profile: database.operation("update_profile"),
        members: database.operation("members"),
        sessions: SessionOperations::of(database),
        events: EventOperations::of(database),
        keys: KeyOperations::of(database),
        revoked_since: database.operation("revoked_since"),
        ping: database.operation("ping"),
    })
}

struct Observed {
    store: Arc<dyn AuthStore>,
    insert_user: Operation,
    user_by_email: Operation,
    user: Operation,
    replace_password_hash: Operation,
    change_password: Operation,
    update_profile: Operation,
    members: Operation,
    sessions: SessionOperations,
    events: EventOperations,
    keys: KeyOperations,
    revoked_since: Operation,
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

    async fn change_password(&self, changed: &User) -> Result<bool, StoreError> {
        let done = self.store.change_password(changed);
        self.change_password.observe(done).await
    }

    async fn update_profile(&self, id: &UserId, change: ProfileChange) -> Result<Option<User>, StoreError> {
        let updated = self.store.update_profile(id, change);
        self.update_profile.observe(updated).await
    }

    async fn members(
        &self,
        organization: Option<&OrganizationId>,
        limit: usize,
    ) -> Result<Vec<User>, StoreError> {
        self.members
            .observe(self.store.members(organization, limit))
            .await
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
            Self::EmailTaken | Self::KeySequenceTaken => None,
            Self::Overloaded => Some(StoreFailure::Overloaded),
            Self::Unavailable(_) => Some(StoreFailure::Unavailable),
            Self::Broken(_) => Some(StoreFailure::Broken),
        }
    }
}
