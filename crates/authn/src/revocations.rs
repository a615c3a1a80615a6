//! What was revoked and would else still be valid.

use std::collections::HashMap;

use ulid::Ulid;

use crate::ids::{SessionId, UserId};
use crate::principal::Principal;
use crate::validator::{LEEWAY_SECONDS, LONGEST_LIFETIME_SECONDS};

/// Entries of one table. One takes 33 bytes and a table is 7/8 full at most, so two full tables are 35 MB. To fill one,
/// auth-service would have to end 480 sessions a second.
const MAX_ENTRIES: usize = 448 * 1024;
/// Below so many entries a table keeps its memory.
const SMALL: usize = 1024;

/// Ended sessions, and the lowest version of each user's tokens that is still valid. Entries are only added and made
/// stricter, until no token that they concern can be valid anyway. Times are seconds since 1970, of the validator's
/// clock.
#[derive(Debug)]
pub(crate) struct Revocations {
    sessions: Table,
    users: Table,
    /// Until when something may be missing for which there was no room.
    incomplete_until: i64,
}

impl Default for Revocations {
    fn default() -> Self {
        Self::with_room_for(MAX_ENTRIES)
    }
}

impl Revocations {
    fn with_room_for(max_entries: usize) -> Self {
        let table = || Table {
            entries: HashMap::new(),
            max_entries,
        };
        Self {
            sessions: table(),
            users: table(),
            incomplete_until: i64::MIN,
        }
    }

    /// Tokens of this session are valid no more; the entry may be forgotten after `drop_time`.
    pub(crate) fn end_session(&mut self, session: &SessionId, drop_time: i64, now: i64) {
        let limit = Limit {
            minimum_version: u64::MAX,
            drop_time,
        };
        self.add(|this| &mut this.sessions, session.ulid(), limit, now);
    }

    /// Tokens of this user with a lower version are valid no more; the entry may be forgotten after `drop_time`.
    pub(crate) fn raise_floor(&mut self, user: &UserId, minimum_version: u64, drop_time: i64, now: i64) {
        let limit = Limit {
            minimum_version,
            drop_time,
        };
        self.add(|this| &mut this.users, user.ulid(), limit, now);
    }

    fn add(&mut self, table: fn(&mut Self) -> &mut Table, id: Ulid, limit: Limit, now: i64) {
        // No token of ours lives longer, whatever the sender says: so nothing stays for ever.
        let latest = now.saturating_add(LONGEST_LIFETIME_SECONDS + LEEWAY_SECONDS);
        let limit = Limit {
            drop_time: limit.drop_time.min(latest),
            ..limit
        };
        if limit.is_over(now) || table(self).add(id, limit) {
            return;
        }
        if !self.is_incomplete(now) {
            tracing::error!(
                entries = MAX_ENTRIES,
                "there is no room for more revocations: tokens that were revoked may be accepted until they expire"
            );
        }
        self.incomplete_until = self
            .incomplete_until
            .max(limit.drop_time.saturating_add(LEEWAY_SECONDS));
    }

    /// Check 11 for the caller's session and user.
    pub(crate) fn cover(&self, principal: &Principal) -> bool {
        let (session, user) = (principal.session_id.ulid(), principal.user_id.ulid());
        self.sessions.get(session).is_some()
            || self
                .users
                .get(user)
                .is_some_and(|floor| principal.user_version < floor.minimum_version)
    }

    /// Whether entries are missing for want of room.
    pub(crate) fn is_incomplete(&self, now: i64) -> bool {
        now < self.incomplete_until
    }

    /// Number of entries.
    pub(crate) fn len(&self) -> usize {
        self.sessions.entries.len() + self.users.entries.len()
    }

    /// Drops the entries of which every token has expired.
    pub(crate) fn forget(&mut self, now: i64) {
        self.sessions.forget(now);
        self.users.forget(now);
    }
}

/// By the ULID of what they are about.
#[derive(Debug)]
struct Table {
    entries: HashMap<u128, Limit>,
    max_entries: usize,
}

/// What is valid no more, and until when that has to be known.
#[derive(Debug, Clone, Copy)]
struct Limit {
    minimum_version: u64,
    drop_time: i64,
}

impl Limit {
    /// Whether every token that is concerned has expired, with the leeway that the validator grants.
    fn is_over(&self, now: i64) -> bool {
        self.drop_time.saturating_add(LEEWAY_SECONDS) <= now
    }
}

impl Table {
    fn get(&self, id: Ulid) -> Option<&Limit> {
        self.entries.get(&u128::from(id))
    }

    /// Adds a limit or makes the one that is there stricter; `false` when there is no room.
    fn add(&mut self, id: Ulid, limit: Limit) -> bool {
        let id = u128::from(id);
        if let Some(kept) = self.entries.get_mut(&id) {
            kept.minimum_version = kept.minimum_version.max(limit.minimum_version);
            kept.drop_time = kept.drop_time.max(limit.drop_time);
            return true;
        }
        let fits = self.entries.len() < self.max_entries;
        if fits {
            self.entries.insert(id, limit);
        }
        fits
    }

    fn forget(&mut self, now: i64) {
        self.entries.retain(|_, limit| !limit.is_over(now));
        if self.entries.capacity() > SMALL && self.entries.len() < self.entries.capacity() / 4 {
            self.entries.shrink_to_fit();
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::claims::Role;
    use crate::jwk::KeyId;

    const NOW: i64 = 1_790_000_000;

    fn caller(user_version: u64) -> Principal {
        let ulid = Ulid::from_parts(1, 1);
        Principal {
            user_id: UserId::from_ulid(ulid),
            organization_id: crate::OrganizationId::from_ulid(ulid),
            session_id: SessionId::from_ulid(ulid),
            role: Role::Owner,
            user_version,
            token_id: crate::TokenId::from_ulid(ulid),
            key_id: KeyId::of(&[7; 32]),
            issue_time: Timestamp::from_second(NOW).unwrap(),
            expire_time: Timestamp::from_second(NOW + 600).unwrap(),
        }
    }

    #[test]
    fn a_session_stays_ended_until_its_last_token_has_expired_at_the_latest_clock() {
        let caller = caller(u64::MAX);
        let mut revocations = Revocations::default();
        assert!(!revocations.cover(&caller));
        revocations.end_session(&caller.session_id, NOW + 600, NOW);
        revocations.forget(NOW + 604);
        assert!(revocations.cover(&caller), "the version does not matter");
        revocations.forget(NOW + 605);
        assert!(!revocations.cover(&caller));
        assert_eq!(revocations.len(), 0);
    }

    #[test]
    fn a_floor_ends_lower_versions_and_is_never_lowered() {
        let mut revocations = Revocations::default();
        revocations.raise_floor(&caller(0).user_id, 3, NOW + 600, NOW);
        revocations.raise_floor(&caller(0).user_id, 2, NOW + 500, NOW);
        assert!(revocations.cover(&caller(2)) && !revocations.cover(&caller(3)));
        revocations.forget(NOW + 600);
        assert!(revocations.cover(&caller(2)), "the later time counts");
    }

    #[test]
    fn a_repetition_with_an_earlier_time_forgets_nothing_earlier() {
        let caller = caller(1);
        let mut revocations = Revocations::default();
        revocations.end_session(&caller.session_id, NOW + 600, NOW);
        for drop_time in [NOW + 1, NOW - 100, i64::MIN] {
            revocations.end_session(&caller.session_id, drop_time, NOW);
        }
        revocations.forget(NOW + 600);
        assert!(revocations.cover(&caller));
        assert_eq!(revocations.len(), 1);
    }

    #[test]
    fn nothing_stays_for_ever_and_what_is_over_does_not_come_in() {
        let caller = caller(1);
        let mut revocations = Revocations::default();
        revocations.end_session(&caller.session_id, NOW - 5, NOW);
        assert_eq!(revocations.len(), 0);
        revocations.end_session(&caller.session_id, i64::MAX, NOW);
        revocations.forget(NOW + 909);
        assert!(
            revocations.cover(&caller),
            "a token of 900 s, issued by a clock that is 5 s ahead"
        );
        revocations.forget(NOW + 910);
        assert_eq!(revocations.len(), 0);
    }

    #[test]
    fn without_room_what_is_there_stays_and_the_gap_is_known_until_it_is_over() {
        let mut revocations = Revocations::with_room_for(2);
        let session = |number| SessionId::from_ulid(Ulid::from_parts(1, number));
        for number in 1..=2 {
            revocations.end_session(&session(number), NOW + 600, NOW);
        }
        assert!(!revocations.is_incomplete(NOW));
        revocations.end_session(&session(3), NOW + 300, NOW);
        revocations.end_session(&session(1), NOW + 700, NOW);
        assert_eq!(revocations.len(), 2);
        assert!(revocations.cover(&caller(1)));
        assert!(revocations.is_incomplete(NOW + 304) && !revocations.is_incomplete(NOW + 305));
    }
}
