use authn::KeyId;
use jiff::{SignedDuration, Timestamp};

use crate::domain::after;
use crate::domain::signing_key::{KeyState, PUBLISHED_BEFORE_USE, SigningKey};

/// What the keys of a store lack. Each step is one write, so that whoever stops after any of them, or takes it twice, or
/// at the same time as another replica, leaves nothing to mend.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step<'a> {
    /// A key has to be made.
    Make {
        sequence: u64,
        activate_time: Timestamp,
        /// The key that signs now: whoever makes another one must be able to open it.
        active: Option<&'a SigningKey>,
    },
    /// A key has become useless.
    Remove(&'a KeyId),
}

impl<'a> Step<'a> {
    /// The first step that is due, where a key signs for `period`.
    pub(super) fn due(keys: &'a [SigningKey], now: Timestamp, period: SignedDuration) -> Option<Self> {
        let states = SigningKey::states(keys, now);
        let in_state = |wanted| {
            let mut found = keys
                .iter()
                .zip(&states)
                .filter(move |(_, state)| **state == wanted);
            found.next().map(|(key, _)| key)
        };
        let sequence = keys.last().map_or(0, |key| key.sequence).saturating_add(1);
        let Some(active) = in_state(KeyState::Active) else {
            return Some(Self::Make {
                sequence,
                activate_time: now,
                active: None,
            });
        };
        if in_state(KeyState::Next).is_none() {
            // It signs before its time when the one before it was revoked.
            let since = active.activate_time.min(now);
            let earliest = after(now, PUBLISHED_BEFORE_USE);
            return Some(Self::Make {
                sequence,
                activate_time: after(since, period).max(earliest),
                active: Some(active),
            });
        }
        in_state(KeyState::Spent).map(|spent| Self::Remove(&spent.id))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::sample::{key, time};

    const PERIOD: SignedDuration = SignedDuration::from_hours(30 * 24);

    fn made(step: Option<Step<'_>>) -> (u64, Timestamp) {
        match step {
            Some(Step::Make {
                sequence,
                activate_time,
                ..
            }) => (sequence, activate_time),
            other @ (Some(Step::Remove(_)) | None) => panic!("{other:?}"),
        }
    }

    fn begins(sequence: u8, activate_time: Timestamp) -> SigningKey {
        SigningKey {
            activate_time,
            ..key(sequence)
        }
    }

    #[test]
    fn an_empty_store_gets_a_key_that_signs_at_once_and_one_that_takes_over_a_period_later() {
        assert_eq!(made(Step::due(&[], time(0), PERIOD)), (1, time(0)));
        let keys = [begins(1, time(0))];
        assert_eq!(
            made(Step::due(&keys, time(1), PERIOD)),
            (2, after(time(0), PERIOD))
        );
        let keys = [begins(1, time(0)), begins(2, after(time(0), PERIOD))];
        assert_eq!(Step::due(&keys, time(2), PERIOD), None);
    }

    #[test]
    fn a_key_is_published_before_it_signs_however_late_it_is_made() {
        let now = after(time(0), PERIOD * 3);
        let keys = [begins(1, time(0))];
        assert_eq!(
            made(Step::due(&keys, now, PERIOD)),
            (2, after(now, PUBLISHED_BEFORE_USE))
        );
    }

    #[test]
    fn when_the_active_key_is_revoked_a_new_next_one_is_due_a_period_from_then() {
        let revoked = SigningKey {
            revoke_time: Some(time(60)),
            ..begins(1, time(0))
        };
        let keys = [revoked.clone(), begins(2, after(time(0), PERIOD))];
        assert_eq!(
            made(Step::due(&keys, time(61), PERIOD)),
            (3, after(time(61), PERIOD))
        );
        assert_eq!(made(Step::due(&[revoked], time(61), PERIOD)), (2, time(61)));
    }

    #[test]
    fn spent_keys_are_removed_when_nothing_else_is_due() {
        let (first, second, third) = (begins(1, time(0)), begins(2, time(60)), begins(3, time(9000)));
        let keys = [first.clone(), second, third];
        assert_eq!(Step::due(&keys, time(61), PERIOD), None);
        assert_eq!(
            Step::due(&keys, time(6000), PERIOD),
            Some(Step::Remove(&first.id))
        );
        assert_eq!(made(Step::due(&keys[..2], time(6000), PERIOD)).0, 3);
    }
}
