use std::time::Duration;

use crate::replicas::random_below;

/// How patient a [`RevocationFeed`](crate::RevocationFeed) is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FeedPace {
    /// Silent for so long, the feed is stale.
    pub stale_after: Duration,
    /// Silent for so long, a stream is given up for another one: three heartbeats were missed.
    pub give_up_after: Duration,
    /// Before the first attempt to open another stream; twice as long each time.
    pub first_back_off: Duration,
    /// The longest of these pauses: short, because each moment of it is one in which revocations are missed.
    pub longest_back_off: Duration,
}

impl Default for FeedPace {
    fn default() -> Self {
        Self {
            stale_after: Duration::from_secs(10),
            give_up_after: Duration::from_secs(6),
            first_back_off: Duration::from_millis(50),
            longest_back_off: Duration::from_secs(2),
        }
    }
}

/// Pauses that grow until a stream worked again.
#[derive(Debug)]
pub(super) struct BackOff {
    pace: FeedPace,
    next: Duration,
}

impl BackOff {
    pub(super) fn new(pace: FeedPace) -> Self {
        Self {
            next: pace.first_back_off,
            pace,
        }
    }

    pub(super) fn reset(&mut self) {
        self.next = self.pace.first_back_off;
    }

    /// The next pause, between 3/4 and 5/4 of what it is on average: clients that lost the same server come back one by
    /// one.
    pub(super) fn pause(&mut self) -> Duration {
        let average = self.next;
        self.next = (average * 2).min(self.pace.longest_back_off);
        let parts = u32::try_from(random_below(513)).unwrap_or_default();
        average * (768 + parts) / 1024
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_a_limit_scatter_by_a_quarter_and_begin_anew() {
        let pace = FeedPace::default();
        let mut back_off = BackOff::new(pace);
        for milliseconds in [50, 100, 200, 400, 800, 1_600, 2_000, 2_000] {
            let average = Duration::from_millis(milliseconds);
            let pause = back_off.pause();
            assert!(pause >= average * 3 / 4 && pause <= average * 5 / 4, "{pause:?}");
        }
        back_off.reset();
        assert!(back_off.pause() < Duration::from_millis(63));
    }
}
