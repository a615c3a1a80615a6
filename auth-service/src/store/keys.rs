//! The part of the port that keeps signing keys.

use async_trait::async_trait;
use authn::KeyId;
use jiff::Timestamp;

use super::StoreError;
use crate::domain::signing_key::SigningKey;

/// Keeps signing keys. What [`super::AuthStore`] says of every method holds here too.
#[async_trait]
pub(crate) trait KeyStore: Send + Sync + 'static {
    /// All signing keys in the order of their sequence.
    async fn signing_keys(&self) -> Result<Vec<SigningKey>, StoreError>;

    /// Adds a signing key.
    ///
    /// # Errors
    /// `KeySequenceTaken` when another key has its place in the sequence, however many try at the same time; nothing is
    /// added.
    async fn insert_signing_key(&self, key: SigningKey) -> Result<(), StoreError>;

    /// Moves the time at which a key takes over, if that still is `from` and the key is not revoked. Returns whether it
    /// was: of any number of callers with the same `from` and another `to` one gets `true`.
    async fn activate_signing_key(
        &self,
        id: &KeyId,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<bool, StoreError>;

    /// Revokes a key and forgets its private half, unless it is revoked already or there is none: then nothing changes.
    /// Returns whether there was one to revoke.
    async fn revoke_signing_key(&self, id: &KeyId, time: Timestamp) -> Result<bool, StoreError>;

    /// Removes a key. Removing one that is gone succeeds.
    async fn remove_signing_key(&self, id: &KeyId) -> Result<(), StoreError>;
}
