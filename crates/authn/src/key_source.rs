//! Where a validator finds its keys.

use std::collections::HashMap;

use async_trait::async_trait;

use crate::jwk::{Jwk, KeyId, VerifyingKey};

/// The keys that may have signed a token that is still valid.
#[async_trait]
pub trait KeySource: Send + Sync + 'static {
    /// The key with this id, from memory: neither blocks nor asks anyone.
    fn find(&self, id: &KeyId) -> Option<VerifyingKey>;

    /// Whether [`KeySource::find`] finds it.
    fn contains(&self, id: &KeyId) -> bool {
        self.find(id).is_some()
    }

    /// Whether a key set has ever been loaded. Until then no token can be judged.
    fn is_ready(&self) -> bool;

    /// Called when a token names a key that is not here. Fetches the set again unless that was done
    /// only just, and returns whether it is worth looking again. Bounded in time; cancel-safe.
    async fn refetch(&self) -> bool;
}

/// No key set of ours has more keys: one that signs, the next, and those that retired within the last minutes.
pub(crate) const MAX_KEYS: usize = 32;

/// Keys that do not change by themselves.
#[derive(Debug, Clone, Default)]
pub struct KeySet {
    keys: HashMap<KeyId, VerifyingKey>,
}

impl KeySet {
    /// The usable keys of a set, the first 32 of them. The others are ignored, and logged in one line: one bad key, or
    /// ten thousand, must not take the good ones with them.
    pub fn from_jwks(jwks: impl IntoIterator<Item = Jwk>) -> Self {
        let mut set = Self::default();
        let mut ignored = 0_u32;
        let mut first_error = None;
        for jwk in jwks {
            match VerifyingKey::try_from(&jwk) {
                Ok(key) if set.len() < MAX_KEYS || set.get(key.id()).is_some() => set.insert(key),
                Ok(_) => ignored += 1,
                Err(error) => {
                    ignored += 1;
                    first_error = first_error.or(Some(error));
                }
            }
        }
        if ignored > 0 {
            let error = first_error.map(tracing::field::display);
            tracing::warn!(
                ignored,
                used = set.len(),
                error,
                "keys of the key set are ignored"
            );
        }
        set
    }

    /// Number of usable keys.
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether there is no usable key.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    pub(crate) fn get(&self, id: &KeyId) -> Option<&VerifyingKey> {
        self.keys.get(id)
    }

    pub(crate) fn ids(&self) -> impl Iterator<Item = &KeyId> {
        self.keys.keys()
    }

    pub(crate) fn retain(&mut self, keep: impl Fn(&KeyId) -> bool) {
        self.keys.retain(|id, _| keep(id));
    }

    /// Adds the keys of `other` as far as there is room.
    pub(crate) fn extend(&mut self, other: Self) {
        for key in other.keys.into_values() {
            if self.len() < MAX_KEYS {
                self.insert(key);
            }
        }
    }

    fn insert(&mut self, key: VerifyingKey) {
        self.keys.insert(key.id().clone(), key);
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
        self.get(id).cloned()
    }

    fn contains(&self, id: &KeyId) -> bool {
        self.get(id).is_some()
    }

    fn is_ready(&self) -> bool {
        true
    }

    async fn refetch(&self) -> bool {
        false
    }
}
