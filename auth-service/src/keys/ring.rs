use std::sync::Arc;

use async_trait::async_trait;
use authn::{Jwk, KeyId, KeySource, VerifyingKey};
use jiff::Timestamp;
use jsonwebtoken::EncodingKey;
use tokio::sync::watch;

use super::KeysError;
use crate::domain::clock::Clock;
use crate::domain::signing_key::{KeyState, SigningKey};
use crate::master_key::MasterKey;

/// The keys as the store had them when it was last read. What each is used for is decided at every use, by the clock.
pub(crate) struct KeyRing {
    keys: watch::Sender<Arc<Keys>>,
    clock: Clock,
}

/// What was read, and what was made of it, in the same order.
#[derive(Default)]
struct Keys {
    stored: Vec<SigningKey>,
    usable: Vec<Usable>,
}

/// A stored key, opened as far as it is needed.
struct Usable {
    /// `None` for a damaged one.
    verifying: Option<VerifyingKey>,
    /// `None` for one that signs no more, and for one that does not open.
    signing: Option<EncodingKey>,
}

impl KeyRing {
    /// A ring of `stored` keys, all of them good.
    ///
    /// # Errors
    /// `Sealed` when one that signs now or later does not open; `Damaged`.
    pub(crate) fn open(
        stored: Vec<SigningKey>,
        master: &MasterKey,
        clock: &Clock,
    ) -> Result<Self, KeysError> {
        let states = SigningKey::states(&stored, clock.now());
        let opened = stored.iter().zip(states).map(|(key, state)| {
            Ok::<_, KeysError>(Usable {
                verifying: Some(verifying(key)?),
                signing: state.signs().then(|| signing(key, master)).transpose()?,
            })
        });
        let usable = opened.collect::<Result<_, _>>()?;
        Ok(Self {
            keys: watch::Sender::new(Arc::new(Keys { stored, usable })),
            clock: clock.clone(),
        })
    }

    /// Takes over what the store has now. A key that cannot be used is logged and not used: it must not keep the others
    /// from being changed.
    pub(super) fn replace(&self, stored: Vec<SigningKey>, master: &MasterKey) {
        let before = self.current();
        if before.stored == stored {
            return;
        }
        for key in &stored {
            let was_good = |known: &SigningKey| known.id == key.id && known.revoke_time.is_none();
            if key.revoke_time.is_some() && before.stored.iter().any(was_good) {
                tracing::warn!(event = "signing_key_revoked", kid = %key.id, "a signing key is revoked");
            }
        }
        let states = SigningKey::states(&stored, self.clock.now());
        let opened = stored.iter().zip(states).map(|(key, state)| Usable {
            verifying: usable(verifying(key)),
            signing: state.signs().then(|| usable(signing(key, master))).flatten(),
        });
        let usable = opened.collect();
        self.keys.send_replace(Arc::new(Keys { stored, usable }));
    }

    /// The key that signs at `now`, and its id.
    ///
    /// # Errors
    /// `NoneActive`
    pub(crate) fn sign_with<T>(
        &self,
        now: Timestamp,
        sign: impl FnOnce(&KeyId, &EncodingKey) -> T,
    ) -> Result<T, KeysError> {
        let keys = self.current();
        let active = keys.at(now).find(|(_, _, state)| *state == KeyState::Active);
        match active {
            Some((
                stored,
                Usable {
                    signing: Some(key), ..
                },
                _,
            )) => Ok(sign(&stored.id, key)),
            Some(_) | None => Err(KeysError::NoneActive),
        }
    }

    /// The keys that verify now, as they are published.
    pub(crate) fn jwks(&self) -> Vec<Jwk> {
        let keys = self.current();
        keys.at(self.clock.now())
            .filter(|(_, _, state)| state.verifies())
            .filter_map(|(_, usable, _)| Some(usable.verifying.as_ref()?.to_jwk()))
            .collect()
    }

    /// Tells when the store has had other keys.
    pub(crate) fn changes(&self) -> KeyChanges {
        KeyChanges(self.keys.subscribe())
    }

    fn current(&self) -> Arc<Keys> {
        Arc::clone(&self.keys.borrow())
    }
}

/// Whether the keys of a ring have changed.
pub(crate) struct KeyChanges(watch::Receiver<Arc<Keys>>);

impl KeyChanges {
    /// Waits for the next change. Cancel-safe; waits for ever when the ring is gone.
    pub(crate) async fn next(&mut self) {
        if self.0.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

impl Keys {
    fn at(&self, now: Timestamp) -> impl Iterator<Item = (&SigningKey, &Usable, KeyState)> {
        let states = SigningKey::states(&self.stored, now);
        let keys = self.stored.iter().zip(&self.usable).zip(states);
        keys.map(|((stored, usable), state)| (stored, usable, state))
    }
}

#[async_trait]
impl KeySource for KeyRing {
    fn find(&self, id: &KeyId) -> Option<VerifyingKey> {
        let keys = self.current();
        let mut verifying = keys
            .at(self.clock.now())
            .filter(|(stored, _, state)| stored.id == *id && state.verifies());
        verifying.find_map(|(_, usable, _)| usable.verifying.clone())
    }

    fn is_ready(&self) -> bool {
        true
    }

    async fn refetch(&self) -> bool {
        false
    }
}

fn verifying(key: &SigningKey) -> Result<VerifyingKey, KeysError> {
    match VerifyingKey::from_bytes(key.public_key) {
        Ok(verifying) if *verifying.id() == key.id => Ok(verifying),
        Ok(_) | Err(_) => Err(KeysError::Damaged {
            id: key.id.to_string(),
        }),
    }
}

/// Opens the private half of a key.
///
/// # Errors
/// `Sealed`
pub(super) fn signing(key: &SigningKey, master: &MasterKey) -> Result<EncodingKey, KeysError> {
    let private = master.open(key.id.as_str(), &key.sealed_private_key);
    let private = private.map_err(|_| KeysError::Sealed {
        id: key.id.to_string(),
    })?;
    Ok(EncodingKey::from_ed_der(&private))
}

fn usable<T>(key: Result<T, KeysError>) -> Option<T> {
    key.inspect_err(|error| tracing::error!(%error, "a signing key is not used"))
        .ok()
}
