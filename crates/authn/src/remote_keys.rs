//! The keys of auth-service, kept in memory.

use std::error::Error as _;
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::{Duration, Instant as SystemInstant};

use async_trait::async_trait;
use proto::auth::v1::GetJwksRequest;
use proto::auth::v1::token_service_client::TokenServiceClient;
use telemetry::chain;
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};
use tonic::Status;
use tonic::transport::Channel;

use crate::jwk::{Jwk, KeyId, VerifyingKey};
use crate::key_source::{KeySet, KeySource};
use crate::published_keys::PublishedKeys;
use crate::replicas::Replicas;

/// A key set is fetched this often, so that a new key is known before it is used.
const REFETCH_INTERVAL: Duration = Duration::from_mins(5);
/// Tokens that name unknown keys cause a fetch no more often than this.
const DEMAND_INTERVAL: Duration = Duration::from_secs(30);
/// One answer of auth-service, and so also what one call may wait for it.
const FETCH_TIMEOUT: Duration = Duration::from_secs(2);
/// After failures: this long first, then twice as long each time, up to the longest.
const FIRST_BACK_OFF: Duration = Duration::from_millis(50);
const LONGEST_BACK_OFF: Duration = Duration::from_secs(10);

/// Keys fetched from `TokenService.GetJwks` by a background task, which ends when this is dropped.
/// While auth-service is down the last keys stay. A [`RevocationFeed`](crate::RevocationFeed) replaces them at once
/// when it announces others.
#[derive(Debug)]
pub struct RemoteKeys {
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

#[derive(Debug)]
struct Shared {
    keys: RwLock<PublishedKeys>,
    demand: Mutex<Demand>,
    wake: Notify,
    /// Counts finished fetches, successful or not.
    fetches: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct Demand {
    last: Option<Instant>,
    waiting: bool,
}

impl RemoteKeys {
    /// Starts fetching from auth-service, from one replica after another when several are given. Channels may be lazy:
    /// nobody has to be there yet.
    ///
    /// Must be called within a tokio runtime.
    pub fn start(auth: impl Into<Replicas>) -> Self {
        let shared = Arc::new(Shared {
            keys: RwLock::default(),
            demand: Mutex::default(),
            wake: Notify::new(),
            fetches: watch::Sender::new(0),
        });
        let task = tokio::spawn(keep_fetching(auth.into(), Arc::clone(&shared)));
        Self { shared, task }
    }

    /// Whether a key set has ever been loaded.
    pub fn ready(&self) -> bool {
        self.shared.read().is_loaded()
    }

    /// Takes a whole set of which is known that it is the set of this moment, in place of all others.
    pub(crate) fn announce(&self, keys: KeySet) {
        self.shared.write().announced(keys, SystemInstant::now());
    }
}

impl Drop for RemoteKeys {
    fn drop(&mut self) {
        self.task.abort();
    }
}

#[async_trait]
impl KeySource for RemoteKeys {
    fn find(&self, id: &KeyId) -> Option<VerifyingKey> {
        self.shared.read().get(id).cloned()
    }

    fn contains(&self, id: &KeyId) -> bool {
        self.shared.read().get(id).is_some()
    }

    fn is_ready(&self) -> bool {
        self.ready()
    }

    async fn refetch(&self) -> bool {
        let mut fetches = self.shared.fetches.subscribe();
        if !self.shared.demand_fetch() {
            return false;
        }
        // The fetch has its own deadline; this one also covers a task that is asleep in back-off.
        timeout(FETCH_TIMEOUT, fetches.changed())
            .await
            .is_ok_and(|changed| changed.is_ok())
    }
}

impl Shared {
    fn read(&self) -> RwLockReadGuard<'_, PublishedKeys> {
        self.keys.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, PublishedKeys> {
        self.keys.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks for a fetch, or joins the one already asked for. `false` when the last is too recent.
    fn demand_fetch(&self) -> bool {
        let mut demand = self.demand.lock().unwrap_or_else(PoisonError::into_inner);
        if demand.waiting {
            return true;
        }
        if demand.last.is_some_and(|last| last.elapsed() < DEMAND_INTERVAL) {
            return false;
        }
        *demand = Demand {
            last: Some(Instant::now()),
            waiting: true,
        };
        self.wake.notify_one();
        true
    }

    fn finish_fetch(&self, fetched: Option<KeySet>) {
        if let Some(fetched) = fetched {
            self.write().fetched(fetched, SystemInstant::now());
        }
        self.demand.lock().unwrap_or_else(PoisonError::into_inner).waiting = false;
        self.fetches.send_modify(|count| *count += 1);
    }
}

async fn keep_fetching(auth: Replicas, shared: Arc<Shared>) {
    let mut back_off = FIRST_BACK_OFF;
    let mut replicas = auth.in_turn();
    let mut channel = replicas.next_channel();
    while let Some(auth) = channel.clone() {
        let pause = match fetch(auth).await {
            Ok(keys) => {
                tracing::debug!(keys = keys.len(), "fetched the key set");
                shared.finish_fetch(Some(keys));
                back_off = FIRST_BACK_OFF;
                REFETCH_INTERVAL
            }
            Err(status) => {
                // A transport that fails, a certificate that is refused: the status alone says neither.
                let cause = status.source().map(chain);
                tracing::warn!(code = ?status.code(), cause, "the key set could not be fetched; the old one stays");
                shared.finish_fetch(None);
                channel = replicas.next_channel();
                let pause = back_off;
                back_off = (back_off * 2).min(LONGEST_BACK_OFF);
                pause
            }
        };
        tokio::select! {
            () = sleep(pause) => {}
            () = shared.wake.notified() => {}
        }
    }
}

/// One fetch. A set without a single usable key counts as a failure: it would lock everyone out.
async fn fetch(auth: Channel) -> Result<KeySet, Status> {
    let mut client = TokenServiceClient::new(auth);
    let response = timeout(FETCH_TIMEOUT, client.get_jwks(GetJwksRequest {}))
        .await
        .map_err(|_| Status::deadline_exceeded("no answer"))??;
    let keys = KeySet::from_jwks(response.into_inner().keys.into_iter().map(Jwk::from));
    if keys.is_empty() {
        Err(Status::data_loss("no usable key"))
    } else {
        Ok(keys)
    }
}
