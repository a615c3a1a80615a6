//! How a feed is, for logs and metrics.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use telemetry::FeedStanding;
use tokio::time::timeout_at;

use super::Shared;
use crate::revocations::Revocations;

impl Shared {
    /// Since when nothing was heard.
    fn silence(&self) -> Duration {
        self.heard.borrow().elapsed()
    }

    pub(super) fn is_stale(&self) -> bool {
        !self.has_snapshot() || self.silence() >= self.pace.stale_after || self.is_incomplete()
    }

    pub(super) fn standing(&self) -> FeedStanding {
        FeedStanding {
            silence: self.silence(),
            stale: self.is_stale(),
            streams_lost: self.streams_lost.load(Ordering::Relaxed),
            entries: self.read(Revocations::len),
        }
    }
}

/// Logs when the feed falls silent and when it is back, each once.
pub(super) async fn log_silence(shared: Arc<Shared>) {
    let mut heard = shared.heard.subscribe();
    loop {
        let limit = *heard.borrow_and_update() + shared.pace.stale_after;
        if timeout_at(limit, heard.changed()).await.is_ok() {
            continue;
        }
        let silent_for = shared.pace.stale_after.as_secs();
        tracing::error!(
            silent_for,
            "the revocation feed is stale: tokens that are revoked from now on are accepted until they expire"
        );
        if heard.changed().await.is_err() {
            return;
        }
        tracing::info!("the revocation feed is up to date again");
    }
}
