//! The operations on signing keys.

use async_trait::async_trait;
use authn::KeyId;
use jiff::Timestamp;
use telemetry::{Database, Operation};

use super::Observed;
use crate::domain::signing_key::SigningKey;
use crate::store::{KeyStore, StoreError};

pub(super) struct KeyOperations {
    signing_keys: Operation,
    insert_signing_key: Operation,
    activate_signing_key: Operation,
    revoke_signing_key: Operation,
    remove_signing_key: Operation,
}

impl KeyOperations {
    pub(super) fn of(database: &Database) -> Self {
        Self {
            signing_keys: database.operation("signing_keys"),
            insert_signing_key: database.operation("insert_signing_key"),
            activate_signing_key: database.operation("activate_signing_key"),
            revoke_signing_key: database.operation("revoke_signing_key"),
            remove_signing_key: database.operation("remove_signing_key"),
        }
    }
}

#[async_trait]
impl KeyStore for Observed {
    async fn signing_keys(&self) -> Result<Vec<SigningKey>, StoreError> {
        let keys = self.store.signing_keys();
        self.keys.signing_keys.observe(keys).await
    }

    async fn insert_signing_key(&self, key: SigningKey) -> Result<(), StoreError> {
        let inserted = self.store.insert_signing_key(key);
        self.keys.insert_signing_key.observe(inserted).await
    }

    async fn activate_signing_key(
        &self,
        id: &KeyId,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<bool, StoreError> {
        let activated = self.store.activate_signing_key(id, from, to);
        self.keys.activate_signing_key.observe(activated).await
    }

    async fn revoke_signing_key(&self, id: &KeyId, time: Timestamp) -> Result<bool, StoreError> {
        let revoked = self.store.revoke_signing_key(id, time);
        self.keys.revoke_signing_key.observe(revoked).await
    }

    async fn remove_signing_key(&self, id: &KeyId) -> Result<(), StoreError> {
        let removed = self.store.remove_signing_key(id);
        self.keys.remove_signing_key.observe(removed).await
    }
}
