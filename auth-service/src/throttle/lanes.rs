//! How soon a sign-in may follow one that failed.

use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_lc_rs::digest::{Context, SHA256};
use tokio::sync::Notify;

use super::Wait;
use super::table::{Remembered, Table};
use crate::domain::clock::Clock;
use crate::domain::email::EmailKey;
use crate::domain::ids::{DeviceId, SessionId};

/// The longest wait after a failure; the first is 1 s, and each doubles. Never more: nobody can lock an account.
const LONGEST_WAIT: Duration = Duration::from_mins(1);
/// After so long without an attempt failures are forgotten. Who waits for that tries less often than who does not.
const FORGOTTEN_AFTER: Duration = Duration::from_mins(15);
/// Attempts at a time in a lane without failures; more wait for them. Clients of one person may start together.
const AT_A_TIME: u32 = 4;
/// When who waited for others in vain may come again.
const UNDER_WAY: Duration = Duration::from_secs(1);

/// What failures are counted for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct LaneKey([u8; Self::BYTES]);

impl LaneKey {
    const BYTES: usize = 16;

    /// An e-mail address, whether or not anybody has it, on devices that are not known to belong to it.
    pub(crate) fn account(email: &EmailKey) -> Self {
        Self::of(&[b"account", email.as_str().as_bytes()])
    }

    /// An e-mail address on a device that has signed in with it before.
    pub(crate) fn device(email: &EmailKey, device: DeviceId) -> Self {
        let device = device.ulid().to_bytes();
        Self::of(&[b"device", &device, email.as_str().as_bytes()])
    }

    /// A session, whose owner gives the password again.
    pub(crate) fn session(session: &SessionId) -> Self {
        Self::of(&[b"session", &session.ulid().to_bytes()])
    }

    fn of(parts: &[&[u8]]) -> Self {
        let mut context = Context::new(&SHA256);
        for part in parts {
            context.update(part);
            context.update(&[0]);
        }
        let digest = context.finish();
        Self(digest.as_ref().first_chunk().copied().unwrap_or_default())
    }
}

/// The failures of every account, device and session: at most 65,536 are remembered, 3 MiB.
#[derive(Debug)]
pub(crate) struct Lanes {
    lanes: Mutex<Table<LaneKey, Lane>>,
    /// Rings when an attempt has ended, in whatever lane.
    ended: Notify,
    /// The longest wait for attempts that are under way.
    patience: Duration,
    clock: Clock,
}

/// Why an attempt cannot begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Obstacle {
    /// Earlier ones failed.
    Failures(Wait),
    /// As many as may be are under way, and any of them may turn out to be a guess.
    UnderWay,
}

#[derive(Debug, Default)]
struct Lane {
    failures: u32,
    /// Attempts that have begun and not ended.
    under_way: u32,
    /// In milliseconds since 1970.
    last_failure: i64,
}

impl Lane {
    fn is_quiet(&self, now: i64) -> bool {
        now - self.last_failure >= millis(FORGOTTEN_AFTER)
    }

    /// How long after the last failure the next attempt may come.
    fn back_off(&self) -> Duration {
        let doublings = self.failures.saturating_sub(1).min(16);
        Duration::from_secs(1 << doublings).min(LONGEST_WAIT)
    }

    fn enter(&mut self, now: i64) -> Result<(), Obstacle> {
        // The clock may have been set back.
        self.last_failure = self.last_failure.min(now);
        if self.is_quiet(now) {
            self.failures = 0;
        }
        if self.failures > 0 {
            let left = self.last_failure + millis(self.back_off()) - now;
            if left > 0 {
                let left = Duration::from_millis(left.unsigned_abs());
                return Err(Obstacle::Failures(Wait(left)));
            }
        }
        let at_a_time = if self.failures == 0 { AT_A_TIME } else { 1 };
        if self.under_way >= at_a_time {
            return Err(Obstacle::UnderWay);
        }
        self.under_way += 1;
        Ok(())
    }
}

impl Remembered for Lane {
    fn weight(&self, now: i64) -> (u32, i64) {
        let failures = if self.is_quiet(now) { 0 } else { self.failures };
        (failures.saturating_add(self.under_way), self.last_failure)
    }
}

impl Lanes {
    /// Empty. `patience` is how long a hash may take, with its time in the queue.
    pub(crate) fn new(patience: Duration, clock: Clock) -> Self {
        Self {
            lanes: Mutex::new(Table::new()),
            ended: Notify::new(),
            patience,
            clock,
        }
    }

    /// Begins an attempt, which counts as one that may fail until it has ended. Waits for others that are under way.
    ///
    /// # Errors
    /// Until the next may come.
    pub(crate) async fn enter(self: &Arc<Self>, key: LaneKey) -> Result<Attempt, Wait> {
        let entering = async {
            loop {
                let mut ended = pin!(self.ended.notified());
                // Before looking, so that no end is missed.
                ended.as_mut().enable();
                match self.begin(key) {
                    Ok(attempt) => return Ok(attempt),
                    Err(Obstacle::Failures(wait)) => return Err(wait),
                    Err(Obstacle::UnderWay) => ended.await,
                }
            }
        };
        let entered = tokio::time::timeout(self.patience, entering).await;
        entered.unwrap_or(Err(Wait(UNDER_WAY)))
    }

    fn begin(self: &Arc<Self>, key: LaneKey) -> Result<Attempt, Obstacle> {
        self.change(key, Lane::enter)?;
        Ok(Attempt {
            lanes: Arc::clone(self),
            key,
        })
    }

    fn change<T>(&self, key: LaneKey, change: impl FnOnce(&mut Lane, i64) -> T) -> T {
        let now = self.clock.now().as_millisecond();
        let mut lanes = self.lanes.lock().unwrap_or_else(PoisonError::into_inner);
        let changed = change(lanes.entry(key, now), now);
        lanes.tidy(&key, now);
        changed
    }
}

/// An attempt to sign in that has begun. Dropped without a verdict (the caller went away, a store failed) it leaves the lane as
/// it was: nobody has learned anything.
#[derive(Debug)]
pub(crate) struct Attempt {
    lanes: Arc<Lanes>,
    key: LaneKey,
}

impl Attempt {
    /// The password was wrong, or there is no such user.
    pub(crate) fn failed(self) {
        self.lanes.change(self.key, |lane, now| {
            lane.failures = lane.failures.saturating_add(1);
            lane.last_failure = now;
        });
    }

    /// The password was right: earlier failures are forgotten.
    pub(crate) fn succeeded(self) {
        self.lanes.change(self.key, |lane, _| lane.failures = 0);
    }
}

impl Drop for Attempt {
    fn drop(&mut self) {
        self.lanes.change(self.key, |lane, _| {
            lane.under_way = lane.under_way.saturating_sub(1);
        });
        self.lanes.ended.notify_waiters();
    }
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests;
