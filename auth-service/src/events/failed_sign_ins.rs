//! How many failed sign-ins of an account are worth a record.

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};

use crate::domain::ids::UserId;

/// Failures of one account that are recorded within [`WINDOW`]. More tell its owner nothing new.
const MOST: u32 = 100;
const WINDOW: SignedDuration = SignedDuration::from_hours(1);
/// Accounts that are counted at a time, some hundred bytes each.
const ACCOUNTS: usize = 10_000;

/// Counts failures in memory, so that whoever guesses passwords cannot fill the log of an account or the store.
#[derive(Debug, Default)]
pub(super) struct FailedSignIns {
    windows: HashMap<UserId, Window>,
}

#[derive(Debug)]
struct Window {
    begun: Timestamp,
    count: u32,
}

impl Window {
    fn is_open(&self, now: Timestamp) -> bool {
        now.duration_since(self.begun).abs() < WINDOW
    }
}

impl FailedSignIns {
    /// Counts a failure of an account, and says whether to record it.
    pub(super) fn admits(&mut self, user: &UserId, now: Timestamp) -> bool {
        if self.windows.len() >= ACCOUNTS && !self.windows.contains_key(user) {
            self.windows.retain(|_, window| window.is_open(now));
            if self.windows.len() >= ACCOUNTS {
                return false;
            }
        }
        let fresh = || Window { begun: now, count: 0 };
        let window = self.windows.entry(user.clone()).or_insert_with(fresh);
        if !window.is_open(now) {
            *window = fresh();
        }
        window.count = window.count.saturating_add(1);
        if window.count == MOST + 1 {
            tracing::warn!("an account has too many failed sign-ins; no more are recorded for an hour");
        }
        window.count <= MOST
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::sample::ulid;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_790_000_000 + seconds).unwrap()
    }

    fn user() -> UserId {
        UserId::from_ulid(ulid())
    }

    fn admitted(counted: &mut FailedSignIns, user: &UserId, now: Timestamp) -> usize {
        (0..1_000).filter(|_| counted.admits(user, now)).count()
    }

    #[test]
    fn a_hundred_an_hour_are_recorded_of_each_account() {
        let mut counted = FailedSignIns::default();
        let (ada, grace) = (user(), user());
        assert_eq!(admitted(&mut counted, &ada, at(0)), 100);
        assert_eq!(admitted(&mut counted, &ada, at(3599)), 0);
        assert_eq!(admitted(&mut counted, &grace, at(3599)), 100);
        assert_eq!(admitted(&mut counted, &ada, at(3600)), 100);
    }

    #[test]
    fn no_more_accounts_are_counted_than_there_is_room_for() {
        let mut counted = FailedSignIns::default();
        let recorded = (0..ACCOUNTS + 100).filter(|_| counted.admits(&user(), at(0)));
        assert_eq!(recorded.count(), ACCOUNTS);
        assert!(
            counted.admits(&user(), at(3600)),
            "room is made when windows close"
        );
        assert_eq!(counted.windows.len(), 1);
    }
}
