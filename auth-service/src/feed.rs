//! What services that verify tokens have to know: all that was revoked lately, then each revocation as it happens.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use authn::Jwk;
use futures::Stream;
use jiff::Timestamp;
use tokio::time::{Interval, MissedTickBehavior, interval};

use crate::domain::clock::Clock;
use crate::domain::revocation::{REACH, Revocation};
use crate::error::AuthError;
use crate::keys::{KeyChanges, KeyKeeper, KeyRing};
use crate::store::{AuthStore, RevocationWatch, WatchEnded};

/// In one message of a snapshot: some 60 KB, which any client takes.
const PART: usize = 1_000;
/// Between two signs of life.
const HEARTBEAT: Duration = Duration::from_secs(2);

/// See the module.
#[derive(Clone)]
pub(crate) struct Feed {
    pub(crate) store: Arc<dyn AuthStore>,
    pub(crate) keeper: Arc<KeyKeeper>,
    pub(crate) keys: Arc<KeyRing>,
    pub(crate) clock: Clock,
}

/// A message of the feed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum FeedEvent {
    /// A part of what was revoked when the feed began. The last has the keys.
    Snapshot {
        revocations: Vec<Revocation>,
        keys: Option<Vec<Jwk>>,
    },
    /// A revocation.
    Revoked(Revocation),
    /// Another set of keys holds from now on.
    Keys(Vec<Jwk>),
    /// Nothing was revoked that has not been said, as far as the store tells at this time.
    Heartbeat(Timestamp),
}

impl Feed {
    /// Begins a feed. Nothing is lost between the snapshot and the revocations that follow. It works only while it is
    /// read: who reads too slowly is cut off, and nothing piles up.
    ///
    /// # Errors
    /// The store's, before the feed begins; [`WatchEnded`] at its end.
    pub(crate) async fn begin(
        &self,
    ) -> Result<impl Stream<Item = Result<FeedEvent, WatchEnded>> + use<>, AuthError> {
        // In this order: what happens after a watch has begun is in the watch, what happened before is in what is read.
        let watch = self.store.watch_revocations().await?;
        let changes = self.keys.changes();
        self.keeper.refresh(&self.keys).await?;
        let since = self.clock.now().saturating_sub(REACH).unwrap_or(Timestamp::MIN);
        let revoked = self.store.revoked_since(since).await?;
        let mut heartbeat = interval(HEARTBEAT);
        heartbeat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let following = Following {
            snapshot: Some(revoked.into()),
            sent_keys: Vec::new(),
            watch,
            changes,
            heartbeat,
            keys: Arc::clone(&self.keys),
            clock: self.clock.clone(),
        };
        Ok(futures::stream::unfold(Some(following), async |following| {
            let mut following = following?;
            match following.next().await {
                Ok(event) => Some((Ok(event), Some(following))),
                Err(ended) => Some((Err(ended), None)),
            }
        }))
    }
}

/// A feed that is being read.
struct Following {
    /// What of the snapshot has not been said; `None` when all has.
    snapshot: Option<VecDeque<Revocation>>,
    sent_keys: Vec<Jwk>,
    watch: RevocationWatch,
    changes: KeyChanges,
    heartbeat: Interval,
    keys: Arc<KeyRing>,
    clock: Clock,
}

impl Following {
    async fn next(&mut self) -> Result<FeedEvent, WatchEnded> {
        if let Some(part) = self.next_part() {
            return Ok(part);
        }
        loop {
            tokio::select! {
                revocation = self.watch.next() => return Ok(FeedEvent::Revoked(revocation?)),
                () = self.changes.next() => {
                    let keys = self.keys.jwks();
                    if keys != self.sent_keys {
                        self.sent_keys.clone_from(&keys);
                        return Ok(FeedEvent::Keys(keys));
                    }
                }
                _ = self.heartbeat.tick() => {
                    if self.watch.is_alive() {
                        return Ok(FeedEvent::Heartbeat(self.clock.now()));
                    }
                }
            }
        }
    }

    fn next_part(&mut self) -> Option<FeedEvent> {
        let left = self.snapshot.as_mut()?;
        let revocations = left.drain(..left.len().min(PART)).collect();
        let keys = left.is_empty().then(|| self.keys.jwks());
        if let Some(keys) = &keys {
            self.snapshot = None;
            self.sent_keys.clone_from(keys);
        }
        Some(FeedEvent::Snapshot { revocations, keys })
    }
}
