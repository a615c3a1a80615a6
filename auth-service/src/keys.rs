//! The keys that sign access tokens.

use authn::{Jwk, KeyId, KeySet, VerifyingKey};
use aws_lc_rs::error::Unspecified;
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use jsonwebtoken::EncodingKey;

use crate::domain::clock::Clock;
use crate::domain::signing_key::{KeyState, SigningKey};
use crate::master_key::MasterKey;
use crate::store::{AuthStore, StoreError};

/// Why there are no keys to sign with.
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    /// The store failed.
    #[error("the signing keys cannot be read: {0}")]
    Store(Box<dyn std::error::Error + Send + Sync>),
    /// Sealed under another master key, or damaged.
    #[error(
        "the signing key {id} in the store does not open under this key file: give the key file that was in use \
         when it was made (--auth-key-file; every replica needs the same one), or remove the key from the store, which \
         ends every session's tokens"
    )]
    Sealed {
        /// The key's id.
        id: String,
    },
    /// A stored public key that no service would accept.
    #[error("the signing key {id} in the store is damaged")]
    Damaged {
        /// The key's id.
        id: String,
    },
    /// The store refuses a second active key and shows no first one.
    #[error("the store shows no active signing key, but refuses to take one: start again")]
    Hidden,
    /// The library could not make a key.
    #[error("the cryptography library refused to make a key")]
    Crypto,
}

impl From<Unspecified> for KeysError {
    fn from(_: Unspecified) -> Self {
        Self::Crypto
    }
}

/// The key that signs now, and all keys that verify.
pub(crate) struct KeyRing {
    active_id: KeyId,
    active: EncodingKey,
    verifying: Vec<VerifyingKey>,
}

impl KeyRing {
    /// Whether the store holds any key, so that only one key file fits it.
    ///
    /// # Errors
    /// `Store`
    pub(crate) async fn is_stored(store: &dyn AuthStore) -> Result<bool, KeysError> {
        Ok(!read(store).await?.is_empty())
    }

    /// Reads the keys from the store, and makes the first one when there is none. Of several replicas that start
    /// together one makes it, the others take that.
    ///
    /// # Errors
    /// [`KeysError`]
    pub(crate) async fn load(
        store: &dyn AuthStore,
        master: &MasterKey,
        clock: &Clock,
    ) -> Result<Self, KeysError> {
        let mut stored = read(store).await?;
        if !stored.iter().any(|key| key.state == KeyState::Active) {
            match store.insert_signing_key(generate(master, clock)?).await {
                Ok(()) => tracing::info!("made a new signing key"),
                Err(StoreError::ActiveKeyExists) => {}
                Err(error) => return Err(KeysError::Store(Box::new(error))),
            }
            stored = read(store).await?;
        }
        Self::open(&stored, master)
    }

    fn open(stored: &[SigningKey], master: &MasterKey) -> Result<Self, KeysError> {
        let active = stored
            .iter()
            .find(|key| key.state == KeyState::Active)
            .ok_or(KeysError::Hidden)?;
        let private = master
            .open(active.id.as_str(), &active.sealed_private_key)
            .map_err(|_| KeysError::Sealed {
                id: active.id.to_string(),
            })?;
        let verifying = stored
            .iter()
            .map(|key| match VerifyingKey::from_bytes(key.public_key) {
                Ok(verifying) if *verifying.id() == key.id => Ok(verifying),
                Ok(_) | Err(_) => Err(KeysError::Damaged {
                    id: key.id.to_string(),
                }),
            });
        Ok(Self {
            active_id: active.id.clone(),
            active: EncodingKey::from_ed_der(&private),
            verifying: verifying.collect::<Result<_, _>>()?,
        })
    }

    /// The id of the key that signs.
    pub(crate) fn active_id(&self) -> &KeyId {
        &self.active_id
    }

    /// The key that signs.
    pub(crate) fn active(&self) -> &EncodingKey {
        &self.active
    }

    /// The keys that verify, as they are published.
    pub(crate) fn jwks(&self) -> Vec<Jwk> {
        self.verifying.iter().map(VerifyingKey::to_jwk).collect()
    }

    /// The keys that verify, for the service's own validator.
    pub(crate) fn key_set(&self) -> KeySet {
        self.verifying.iter().cloned().collect()
    }
}

async fn read(store: &dyn AuthStore) -> Result<Vec<SigningKey>, KeysError> {
    store
        .signing_keys()
        .await
        .map_err(|error| KeysError::Store(Box::new(error)))
}

fn generate(master: &MasterKey, clock: &Clock) -> Result<SigningKey, KeysError> {
    let pair = Ed25519KeyPair::generate()?;
    let public_key = pair
        .public_key()
        .as_ref()
        .try_into()
        .map_err(|_| KeysError::Crypto)?;
    let id = KeyId::of(&public_key);
    let private = pair.to_pkcs8()?;
    Ok(SigningKey {
        sealed_private_key: master.seal(id.as_str(), private.as_ref())?,
        id,
        state: KeyState::Active,
        public_key,
        create_time: clock.now(),
    })
}
