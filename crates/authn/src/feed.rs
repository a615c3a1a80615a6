//! Revocations as auth-service pushes them.

mod apply;
mod pace;
mod standing;
mod stream;

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use jiff::Timestamp;
use telemetry::Metrics;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::Instant;

pub use self::pace::FeedPace;

use crate::principal::Principal;
use crate::remote_keys::RemoteKeys;
use crate::replicas::Replicas;
use crate::revocations::Revocations;

/// Keeps one stream of `TokenService.WatchRevocations` open, and all that it said in memory. A background task, which
/// ends when this is dropped.
///
/// What was revoked stays revoked until its last token has expired: neither a lost connection, nor a replica that lags
/// behind, nor a restart of auth-service takes anything back. While the stream is away, what is known goes on to count;
/// the next one begins with everything that was missed.
pub struct RevocationFeed {
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

struct Shared {
    revocations: RwLock<Revocations>,
    /// Gets the key sets that the stream announces.
    keys: Arc<RemoteKeys>,
    clock: Box<dyn Fn() -> Timestamp + Send + Sync>,
    pace: FeedPace,
    /// Whether a whole snapshot has ever arrived.
    has_snapshot: AtomicBool,
    /// Whether auth-service said, before any snapshot, that it has no feed.
    has_no_feed: AtomicBool,
    /// When the last message of a stream came whose snapshot was whole; at first, the start.
    heard: watch::Sender<Instant>,
    /// Counts what may have ended tokens, for those who wait for that.
    changes: watch::Sender<u64>,
    streams_lost: AtomicU64,
}

impl RevocationFeed {
    /// Starts following auth-service, one replica at a time. `keys` takes over the key sets that the stream announces.
    ///
    /// Must be called within a tokio runtime.
    pub fn start(auth: impl Into<Replicas>, keys: Arc<RemoteKeys>) -> Self {
        Self::start_with(auth, keys, FeedPace::default(), Timestamp::now)
    }

    /// [`RevocationFeed::start`] with other times, and with the clock by which the validator judges tokens; for tests.
    pub fn start_with(
        auth: impl Into<Replicas>,
        keys: Arc<RemoteKeys>,
        pace: FeedPace,
        clock: impl Fn() -> Timestamp + Send + Sync + 'static,
    ) -> Self {
        let shared = Arc::new(Shared {
            revocations: RwLock::default(),
            keys,
            clock: Box::new(clock),
            pace,
            has_snapshot: AtomicBool::new(false),
            has_no_feed: AtomicBool::new(false),
            heard: watch::Sender::new(Instant::now()),
            changes: watch::Sender::new(0),
            streams_lost: AtomicU64::new(0),
        });
        let (follow, log) = (
            stream::keep_following(auth.into(), Arc::clone(&shared)),
            standing::log_silence(Arc::clone(&shared)),
        );
        let task = tokio::spawn(async move {
            tokio::join!(follow, log);
        });
        Self { shared, task }
    }

    /// Whether everything that was revoked before the start is known. An auth-service of an earlier release cannot say
    /// it; then there is nothing to wait for, and the feed is stale.
    pub fn is_ready(&self) -> bool {
        self.shared.has_snapshot() || self.shared.has_no_feed.load(Ordering::Acquire)
    }

    /// Whether revocations may be missing: the stream has been silent for 10 s, auth-service has none, or there was no
    /// room for everything.
    pub fn is_stale(&self) -> bool {
        self.shared.is_stale()
    }

    /// Lets `metrics` tell how the feed of `service` is.
    pub fn measure(&self, metrics: &Metrics, service: &'static str) {
        let shared = Arc::downgrade(&self.shared);
        metrics.revocation_feed(service, move || Some(shared.upgrade()?.standing()));
    }

    /// Check 11.
    pub(crate) fn is_revoked(&self, principal: &Principal) -> bool {
        self.shared.read(|revocations| revocations.cover(principal))
    }

    /// Changes whenever tokens may have ended.
    pub(crate) fn changes(&self) -> watch::Receiver<u64> {
        self.shared.changes.subscribe()
    }
}

impl Shared {
    fn has_snapshot(&self) -> bool {
        self.has_snapshot.load(Ordering::Acquire)
    }

    fn now(&self) -> i64 {
        (self.clock)().as_second()
    }

    fn read<T>(&self, read: impl FnOnce(&Revocations) -> T) -> T {
        read(&self.revocations.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn write(&self, write: impl FnOnce(&mut Revocations)) {
        write(&mut self.revocations.write().unwrap_or_else(PoisonError::into_inner));
    }

    fn is_incomplete(&self) -> bool {
        let now = self.now();
        self.read(|revocations| revocations.is_incomplete(now))
    }
}

impl Drop for RevocationFeed {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl fmt::Debug for RevocationFeed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RevocationFeed").finish_non_exhaustive()
    }
}
