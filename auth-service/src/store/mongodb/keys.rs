//! Signing keys in MongoDB.

use async_trait::async_trait;
use authn::KeyId;
use jiff::Timestamp;
use mongo_engine::bson::doc;
use mongo_engine::{EngineError, OPERATION_TIME};

use super::document::{KeyDocument, binary, date};
use super::{MongoAuthStore, all};
use crate::domain::signing_key::SigningKey;
use crate::store::{KeyStore, StoreError};

#[async_trait]
impl KeyStore for MongoAuthStore {
    async fn signing_keys(&self) -> Result<Vec<SigningKey>, StoreError> {
        let keys = self.signing_keys.clone();
        let find = async move {
            let in_sequence = doc! { "sequence": 1 };
            let found = keys.find(doc! {}).sort(in_sequence).max_time(OPERATION_TIME);
            all(found.await?).await
        };
        let keys = self.engine.run(find).await?;
        keys.into_iter().map(SigningKey::try_from).collect()
    }

    async fn insert_signing_key(&self, key: SigningKey) -> Result<(), StoreError> {
        let (keys, document) = (self.signing_keys.clone(), KeyDocument::of(&key)?);
        let inserted = self.engine.run(async move { keys.insert_one(document).await });
        match inserted.await {
            Ok(_) => Ok(()),
            // The id is that of a new key, so it is the place in the sequence that somebody has.
            Err(EngineError::Duplicate) => Err(StoreError::KeySequenceTaken),
            Err(error) => Err(error.into()),
        }
    }

    async fn activate_signing_key(
        &self,
        id: &KeyId,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<bool, StoreError> {
        let filter = doc! {
            "_id": id.as_str(),
            "activate_time": date(from),
            "revoke_time": { "$exists": false },
        };
        self.update(&self.signing_keys, filter, doc! { "activate_time": date(to) })
            .await
    }

    async fn revoke_signing_key(&self, id: &KeyId, time: Timestamp) -> Result<bool, StoreError> {
        let filter = doc! { "_id": id.as_str(), "revoke_time": { "$exists": false } };
        let revoked = doc! { "revoke_time": date(time), "sealed_private_key": binary(&[]) };
        self.update(&self.signing_keys, filter, revoked).await
    }

    async fn remove_signing_key(&self, id: &KeyId) -> Result<(), StoreError> {
        let (keys, filter) = (self.signing_keys.clone(), doc! { "_id": id.as_str() });
        let remove = async move { keys.delete_one(filter).await.map(drop) };
        Ok(self.engine.run(remove).await?)
    }
}
