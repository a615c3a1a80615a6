//! The part of the port that tells what was revoked, and what is.

use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use tokio::sync::{broadcast, watch};
use tokio::time::Instant;

use super::StoreError;
use crate::domain::revocation::Revocation;

/// Revocations that may wait for a watch; one that is further behind is ended. They are kept once for all watches.
pub(super) const BACKLOG: usize = 1024;
/// A store that was silent for so long does not answer.
const SILENCE: Duration = Duration::from_secs(3);

/// Tells of revocations: sessions that are ended and security versions that are raised, by whatever method of whatever
/// replica. What [`super::AuthStore`] says of every method holds here too.
#[async_trait]
pub(crate) trait RevocationStore: Send + Sync + 'static {
    /// Every session that was ended at `since` or later, and every user whose security version was raised then.
    async fn revoked_since(&self, since: Timestamp) -> Result<Vec<Revocation>, StoreError>;

    /// Watches revocations: each one that [`RevocationStore::revoked_since`] does not return that is called after this is
    /// in the watch, once it is durable, at least once and in no promised order.
    ///
    /// # Errors
    /// `Unavailable` also when the store cannot be watched now.
    async fn watch_revocations(&self) -> Result<RevocationWatch, StoreError>;
}

/// Revocations as they happen.
pub(crate) struct RevocationWatch {
    revocations: broadcast::Receiver<Revocation>,
    /// When the store answered last; `None` for one that is part of the process.
    heard: Option<watch::Receiver<Instant>>,
}

/// Why a watch has ended. Whoever needs what it missed begins a new one and reads what was revoked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum WatchEnded {
    /// Its reader was too slow.
    #[error("revocations came faster than they were read")]
    Behind,
    /// The store could not be watched all the time.
    #[error("the store was lost from sight")]
    Lost,
}

impl RevocationWatch {
    pub(super) fn new(
        revocations: broadcast::Receiver<Revocation>,
        heard: Option<watch::Receiver<Instant>>,
    ) -> Self {
        Self { revocations, heard }
    }

    /// The next revocation. Cancel-safe.
    ///
    /// # Errors
    /// [`WatchEnded`]; then there is nothing more.
    pub(crate) async fn next(&mut self) -> Result<Revocation, WatchEnded> {
        self.revocations.recv().await.map_err(|error| match error {
            broadcast::error::RecvError::Lagged(_) => WatchEnded::Behind,
            broadcast::error::RecvError::Closed => WatchEnded::Lost,
        })
    }

    /// Whether the store answers, so that silence means that nothing is revoked.
    pub(crate) fn is_alive(&self) -> bool {
        let heard = self.heard.as_ref();
        heard.is_none_or(|heard| heard.borrow().elapsed() < SILENCE)
    }
}
