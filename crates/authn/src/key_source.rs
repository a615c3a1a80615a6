//! Where a validator finds its keys.

use std::collections::HashMap;

use async_trait::async_trait;

use crate::jwk::{Jwk, KeyId, VerifyingKey};

/// The keys that may have signed a token that is still valid.
#[async_trait]
pub trait KeySource: Send + Sync + 'static {
    /// The key with this id, from memory: neither blocks nor asks anyone.
    fn find(&self, id: &KeyId) -> Option<VerifyingKey>;

    /// Whether a key set has ever been loaded. Until then no token can be judged.
    fn is_ready(&self) -> bool;

    /// Called when a token names a key that is not here. Fetches the set again unless that was done
    /// only just, and returns whether it is worth looking again. Bounded in time; cancel-safe.
    async fn refetch(&self) -> bool;
}

/// Keys that do not change by themselves.
#[derive(Debug, Clone, Default)]
pub struct KeySet {
    keys: HashMap<KeyId, VerifyingKey>,
}

impl KeySet {
    /// The usable keys of a set. The others are logged and ignored: one bad key must not take the
    /// good ones with it.
    pub fn from_jwks(jwks: impl IntoIterator<Item = Jwk>) -> Self {
        let usable = jwks
            .into_iter()
            .filter_map(|jwk| match VerifyingKey::try_from(&jwk) {
                Ok(key) => Some(key),
                Err(error) => {
                    tracing::warn!(%error, "a key of the key set is ignored");
                    None
                }
            });
        usable.collect()
    }

    /// Number of usable keys.
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether there is no usable key.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }
}

impl FromIterator<VerifyingKey> for KeySet {
    fn from_iter<I: IntoIterator<Item = VerifyingKey>>(keys: I) -> Self {
        Self {
            keys: keys.into_iter().map(|key| (key.id().clone(), key)).collect(),
        }
    }
}

#[async_trait]
impl KeySource for KeySet {
    fn find(&self, id: &KeyId) -> Option<VerifyingKey> {
        self.keys.get(id).cloned()
    }

    fn is_ready(&self) -> bool {
        true
    }

    async fn refetch(&self) -> bool {
        false
    }
}
