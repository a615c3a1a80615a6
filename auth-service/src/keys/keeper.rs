use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use authn::{JwkError, KeyId};
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use grpc_server::Shutdown;
use jiff::{SignedDuration, Timestamp};
use telemetry::chain;
use tokio::sync::Mutex;

use super::KeysError;
use super::ring::{KeyRing, signing};
use super::step::Step;
use crate::domain::clock::Clock;
use crate::domain::signing_key::{KeyState, SigningKey};
use crate::master_key::MasterKey;
use crate::store::{AuthStore, StoreError};

/// Between two looks at the keys in the store, which cost less than a call.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// By then every auth-service that reaches the store has seen a change of the keys.
pub(crate) const NOTICED_WITHIN: Duration = Duration::from_secs(2);
/// A key of each kind and one more for each that others make at the same time; a store that changes faster is left for
/// the next look.
const MOST_STEPS: u32 = 16;

/// Makes keys, hands over from one to the next, and removes them, together with any number of other replicas.
pub(crate) struct KeyKeeper {
    pub(crate) store: Arc<dyn AuthStore>,
    pub(crate) master: MasterKey,
    pub(crate) clock: Clock,
    /// How long a key signs.
    pub(crate) period: SignedDuration,
    /// One reads and takes over at a time, so that a ring never goes back to what was read before.
    pub(crate) reading: Mutex<()>,
}

/// Which key an operator means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyChoice {
    /// The one that signs now.
    Active,
    /// The one with this id.
    Id(KeyId),
}

impl FromStr for KeyChoice {
    type Err = JwkError;

    fn from_str(text: &str) -> Result<Self, JwkError> {
        match text {
            "active" => Ok(Self::Active),
            id => id.parse().map(Self::Id),
        }
    }
}

impl KeyKeeper {
    /// The keys of the store, where what is missing has been made. Of several replicas that start together one makes a
    /// key, the others take that.
    ///
    /// # Errors
    /// [`KeysError`]
    pub(crate) async fn load(&self) -> Result<KeyRing, KeysError> {
        KeyRing::open(self.tend().await?, &self.master, &self.clock)
    }

    /// Keeps `ring` as the store has it, and the store as it should be, until the shutdown.
    pub(crate) async fn keep_until(self: Arc<Self>, shutdown: Shutdown, ring: Arc<KeyRing>) {
        let looks = async {
            let mut failing = false;
            let mut known = self.standing(&ring);
            loop {
                tokio::time::sleep(LOOK_EVERY).await;
                match self.refresh(&ring).await {
                    Ok(()) => {
                        failing = false;
                        known = self.log_changes(known.as_ref(), &ring);
                    }
                    // Once, not once a second.
                    Err(error) if !failing => {
                        failing = true;
                        tracing::warn!(
                            error = chain(&error),
                            "the signing keys stay as they were read last"
                        );
                    }
                    Err(_) => {}
                }
            }
        };
        tokio::select! {
            _pace = shutdown.begun() => {}
            () = looks => {}
        }
    }

    /// Lets `ring` have what the store has now.
    ///
    /// # Errors
    /// [`KeysError`]
    pub(crate) async fn refresh(&self, ring: &KeyRing) -> Result<(), KeysError> {
        let _one_at_a_time = self.reading.lock().await;
        ring.replace(self.tend().await?, &self.master);
        Ok(())
    }

    /// Lets the next key sign from now on, or from when every service knows it, and makes a new next one. Returns the
    /// key and the time. Of several calls at the same time all but one change nothing, and return the same.
    ///
    /// # Errors
    /// [`KeysError`]
    pub(crate) async fn rotate(&self) -> Result<(KeyId, Timestamp), KeysError> {
        let mut wanted = None;
        for _ in 0..MOST_STEPS {
            let keys = self.tend().await?;
            let now = self.clock.now();
            let Some((key, state)) = successor(&keys, now, wanted.as_ref()) else {
                wanted = None;
                continue;
            };
            let time = key.earliest_activation(now);
            if state == KeyState::Active || key.activate_time <= time {
                return Ok((key.id.clone(), key.activate_time));
            }
            let activated = self.store.activate_signing_key(&key.id, key.activate_time, time);
            if activated.await? {
                self.tend().await?;
                tracing::info!(event = "signing_keys_rotated", kid = %key.id, %time, "a signing key takes over");
                return Ok((key.id.clone(), time));
            }
            wanted = Some(key.id.clone());
        }
        Err(KeysError::NoneActive)
    }

    /// Revokes a key: no auth-service signs or verifies with it any more [`NOTICED_WITHIN`] after this has returned. The
    /// next key takes over if it was the active one. Revoking a revoked key succeeds.
    ///
    /// # Errors
    /// `Unknown`, and the others of [`KeysError`].
    pub(crate) async fn revoke(&self, choice: &KeyChoice) -> Result<KeyId, KeysError> {
        let keys = self.tend().await?;
        let states = SigningKey::states(&keys, self.clock.now());
        let mut chosen = keys.iter().zip(states).filter(|(key, state)| match choice {
            KeyChoice::Active => *state == KeyState::Active,
            KeyChoice::Id(id) => key.id == *id,
        });
        let id = match (chosen.next(), choice) {
            (Some((key, _)), _) => key.id.clone(),
            (None, KeyChoice::Active) => return Err(KeysError::NoneActive),
            (None, KeyChoice::Id(id)) => return Err(unknown(id, &keys)),
        };
        if self.store.revoke_signing_key(&id, self.clock.now()).await? {
            tracing::warn!(event = "signing_key_revoked", kid = %id, "a signing key is revoked");
        }
        self.tend().await?;
        Ok(id)
    }

    /// Takes every step that is due, and returns the keys that are there then.
    async fn tend(&self) -> Result<Vec<SigningKey>, KeysError> {
        for _ in 0..MOST_STEPS {
            let keys = self.store.signing_keys().await?;
            match Step::due(&keys, self.clock.now(), self.period) {
                None => return Ok(keys),
                Some(Step::Remove(id)) => self.store.remove_signing_key(id).await?,
                Some(Step::Make {
                    sequence,
                    activate_time,
                    active,
                }) => {
                    // Who has another key file would make a key that the other replicas cannot open.
                    active.map(|active| signing(active, &self.master)).transpose()?;
                    self.make(sequence, activate_time).await?;
                }
            }
        }
        Err(KeysError::NoneActive)
    }

    async fn make(&self, sequence: u64, activate_time: Timestamp) -> Result<(), KeysError> {
        let key = self.generate(sequence, activate_time)?;
        let id = key.id.clone();
        match self.store.insert_signing_key(key).await {
            Ok(()) => {
                tracing::info!(kid = %id, from = %activate_time, "made a new signing key");
                Ok(())
            }
            // Another replica was faster.
            Err(StoreError::KeySequenceTaken) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    fn generate(&self, sequence: u64, activate_time: Timestamp) -> Result<SigningKey, KeysError> {
        let pair = Ed25519KeyPair::generate()?;
        let public_key = pair.public_key().as_ref();
        let public_key = public_key.try_into().map_err(|_| KeysError::Crypto)?;
        let id = KeyId::of(&public_key);
        let private = pair.to_pkcs8()?;
        Ok(SigningKey {
            sealed_private_key: self.master.seal(id.as_str(), private.as_ref())?,
            id,
            sequence,
            activate_time,
            revoke_time: None,
            public_key,
            create_time: self.clock.now(),
        })
    }

    /// The key that signs now.
    fn standing(&self, ring: &KeyRing) -> Option<KeyId> {
        ring.sign_with(self.clock.now(), |id, _| id.clone()).ok()
    }

    /// Tells when another key signs than `known`, and returns which one does.
    fn log_changes(&self, known: Option<&KeyId>, ring: &KeyRing) -> Option<KeyId> {
        let now = self.standing(ring);
        match &now {
            Some(id) if now.as_ref() != known => {
                tracing::info!(event = "signing_keys_rotated", kid = %id, "another key signs from now on");
            }
            None if known.is_some() => tracing::error!("no signing key can be used"),
            Some(_) | None => {}
        }
        now
    }
}

/// The key `wanted`, unless it is revoked; or else the next one.
fn successor<'a>(
    keys: &'a [SigningKey],
    now: Timestamp,
    wanted: Option<&KeyId>,
) -> Option<(&'a SigningKey, KeyState)> {
    let states = SigningKey::states(keys, now);
    keys.iter().zip(states).find(|(key, state)| match wanted {
        Some(id) => key.id == *id && state.signs(),
        None => *state == KeyState::Next,
    })
}

fn unknown(id: &KeyId, keys: &[SigningKey]) -> KeysError {
    let known: Vec<_> = keys.iter().map(|key| key.id.as_str()).collect();
    KeysError::Unknown {
        id: id.to_string(),
        known: known.join(", "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store;

    #[tokio::test]
    async fn no_part_of_a_private_key_is_in_the_files_of_the_store() {
        let folder = tempfile::tempdir().unwrap();
        let url = store_url::StoreUrl::file(folder.path().join("auth.db"));
        let keeper = KeyKeeper {
            store: store::open(&url).await.unwrap(),
            master: MasterKey::load_or_create(&folder.path().join("master.key")).unwrap(),
            clock: Clock::system(),
            period: SignedDuration::from_hours(24),
            reading: Mutex::default(),
        };
        let keys = keeper.tend().await.unwrap();
        assert_eq!(keys.len(), 2);
        let read = |name| std::fs::read(folder.path().join(name)).unwrap();
        let mut stored = read("auth.db-wal");
        keeper.store.close().await;
        stored.extend(read("auth.db"));
        let contains = |part: &[u8]| stored.windows(part.len()).any(|window| window == part);
        for key in keys {
            let private = keeper.master.open(key.id.as_str(), &key.sealed_private_key);
            // RFC 8410: the seed is 32 bytes from byte 16 on.
            let seed = private.unwrap()[16..48].to_vec();
            let pair = Ed25519KeyPair::from_seed_and_public_key(&seed, &key.public_key);
            assert!(pair.is_ok(), "that is where the seed is");
            assert!(contains(&key.public_key), "that is where the keys are");
            assert!(!seed.windows(8).any(contains));
        }
    }
}
