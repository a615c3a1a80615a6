//! Keys that sign access tokens, and what each is used for at a time (docs/adr/0011).
//!
//! Nothing stores what a key is used for: that follows from the times of all keys. So a change of keys is one write of
//! one document, whatever replica makes it, and the passage of time changes keys without any.

use authn::KeyId;
use jiff::{SignedDuration, Timestamp};

use super::after;
use super::revocation::REACH;

/// How long a key is published before it signs: twice as long as a service takes to fetch the keys anew that heard
/// nothing of a new one.
pub(crate) const PUBLISHED_BEFORE_USE: SignedDuration = SignedDuration::from_mins(10);

/// A stored key. The private half is sealed under the master key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SigningKey {
    pub(crate) id: KeyId,
    /// Its place in the row of keys, from 1. Unique, so that of several replicas that make the next key one does.
    pub(crate) sequence: u64,
    /// When it takes over from the key before it.
    pub(crate) activate_time: Timestamp,
    /// When it was withdrawn. It verifies nothing since then, and the key after it takes over if it signed.
    pub(crate) revoke_time: Option<Timestamp>,
    pub(crate) public_key: [u8; 32],
    /// Blank when it is revoked.
    pub(crate) sealed_private_key: Vec<u8>,
    pub(crate) create_time: Timestamp,
}

/// What a key is used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum KeyState {
    /// Published, so that every service knows it before it signs.
    Next,
    /// Signs.
    Active,
    /// Signs no more, but tokens it signed may still be valid.
    Retired,
    /// Was withdrawn. Verifies nothing.
    Revoked,
    /// Nothing depends on it any more: it can be removed.
    Spent,
}

impl KeyState {
    /// Whether tokens of such a key can be valid.
    pub(crate) fn verifies(self) -> bool {
        match self {
            Self::Next | Self::Active | Self::Retired => true,
            Self::Revoked | Self::Spent => false,
        }
    }

    /// Whether such a key signs now or may have to.
    pub(crate) fn signs(self) -> bool {
        match self {
            Self::Next | Self::Active => true,
            Self::Retired | Self::Revoked | Self::Spent => false,
        }
    }
}

impl SigningKey {
    /// What each of `keys`, in the order of their sequence, is used for at a time.
    pub(crate) fn states(keys: &[Self], now: Timestamp) -> Vec<KeyState> {
        let active = active(keys, now).map(|key| key.sequence);
        let state = |key: &Self| match (key.revoke_time, active) {
            _ if key.is_spent(keys, now) => KeyState::Spent,
            (Some(_), _) => KeyState::Revoked,
            (None, Some(active)) if key.sequence == active => KeyState::Active,
            (None, Some(active)) if key.sequence > active => KeyState::Next,
            (None, Some(_) | None) => KeyState::Retired,
        };
        keys.iter().map(state).collect()
    }

    /// When the key begins to sign at the earliest, if it is asked to at `now`.
    pub(crate) fn earliest_activation(&self, now: Timestamp) -> Timestamp {
        after(self.create_time, PUBLISHED_BEFORE_USE).max(now)
    }

    /// Whether its time came before it was revoked, if it was.
    fn keeps_its_turn(&self) -> bool {
        self.revoke_time.is_none_or(|time| time >= self.activate_time)
    }

    /// Whether a later key has been signing for so long that no token of this one is left.
    fn is_spent(&self, keys: &[Self], now: Timestamp) -> bool {
        let later = keys.iter().filter(|key| key.sequence > self.sequence);
        later
            .filter(|key| key.keeps_its_turn())
            .any(|key| after(key.activate_time, REACH) <= now)
    }
}

/// The key that signs: the last one whose time has come, or if that is revoked, the first good one after it.
fn active(keys: &[SigningKey], now: Timestamp) -> Option<&SigningKey> {
    let begun = keys
        .iter()
        .rfind(|key| key.activate_time <= now && key.keeps_its_turn());
    let from = begun.map_or(0, |key| key.sequence);
    keys.iter()
        .find(|key| key.sequence >= from && key.revoke_time.is_none())
}

#[cfg(test)]
mod tests {
    use super::KeyState::{Active, Next, Retired, Revoked, Spent};
    use super::*;

    const DAY: i64 = 86_400;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_790_000_000 + seconds).unwrap()
    }

    fn key(sequence: u64, activate: i64) -> SigningKey {
        let public_key = [u8::try_from(sequence).unwrap(); 32];
        SigningKey {
            id: KeyId::of(&public_key),
            sequence,
            activate_time: at(activate),
            revoke_time: None,
            public_key,
            sealed_private_key: vec![1],
            create_time: at(0),
        }
    }

    fn revoked(key: SigningKey, seconds: i64) -> SigningKey {
        SigningKey {
            revoke_time: Some(at(seconds)),
            ..key
        }
    }

    #[test]
    fn a_key_is_next_until_its_time_then_active_then_retired_then_spent() {
        let keys = [key(1, 0), key(2, 30 * DAY), key(3, 60 * DAY)];
        let states = |seconds| SigningKey::states(&keys, at(seconds));
        assert_eq!(states(0), [Active, Next, Next]);
        assert_eq!(states(30 * DAY - 1), [Active, Next, Next]);
        assert_eq!(states(30 * DAY), [Retired, Active, Next]);
        assert_eq!(states(30 * DAY + REACH.as_secs() - 1), [Retired, Active, Next]);
        assert_eq!(states(30 * DAY + REACH.as_secs()), [Spent, Active, Next]);
        assert_eq!(states(90 * DAY), [Spent, Spent, Active]);
    }

    #[test]
    fn the_first_key_signs_also_for_a_clock_that_is_behind() {
        assert_eq!(
            SigningKey::states(&[key(1, 0), key(2, DAY)], at(-60)),
            [Active, Next]
        );
        assert_eq!(SigningKey::states(&[], at(0)), []);
    }

    #[test]
    fn when_the_active_key_is_revoked_the_next_one_signs_at_once_and_for_good() {
        let keys = [key(1, -DAY), revoked(key(2, 0), 100), key(3, 30 * DAY)];
        for seconds in [100, 101, DAY, 30 * DAY - 1, 30 * DAY + 60] {
            let states = SigningKey::states(&keys, at(seconds));
            assert_eq!(states[1..], [Revoked, Active], "{seconds}");
        }
        // The mark of the revoked key stays until the one after it has come to its own time.
        assert_eq!(SigningKey::states(&keys, at(31 * DAY)), [Spent, Spent, Active]);
    }

    #[test]
    fn an_older_key_never_signs_again_when_the_active_one_is_revoked() {
        let keys = [key(1, -60), revoked(key(2, 0), 10)];
        assert_eq!(SigningKey::states(&keys, at(20)), [Retired, Revoked]);
    }

    #[test]
    fn when_the_next_key_is_revoked_the_active_one_goes_on() {
        let keys = [key(1, 0), revoked(key(2, 30 * DAY), 100), key(3, 40 * DAY)];
        let states = |seconds| SigningKey::states(&keys, at(seconds));
        assert_eq!(states(100), [Active, Revoked, Next]);
        assert_eq!(states(35 * DAY), [Active, Revoked, Next]);
        assert_eq!(states(40 * DAY), [Retired, Revoked, Active]);
    }

    #[test]
    fn keys_that_are_revoked_one_after_the_other_hand_on_to_the_first_good_one() {
        let keys = [
            revoked(key(1, 0), 100),
            revoked(key(2, 30 * DAY), 200),
            key(3, 31 * DAY),
            key(4, 61 * DAY),
        ];
        let states = |seconds| SigningKey::states(&keys, at(seconds));
        assert_eq!(states(200), [Revoked, Revoked, Active, Next]);
        assert_eq!(
            states(30 * DAY + REACH.as_secs()),
            [Revoked, Revoked, Active, Next]
        );
        assert_eq!(states(61 * DAY), [Spent, Spent, Retired, Active]);
    }

    #[test]
    fn a_retired_key_that_is_revoked_changes_nothing_for_the_others() {
        let keys = [revoked(key(1, -60), 10), key(2, 0), key(3, 30 * DAY)];
        assert_eq!(SigningKey::states(&keys, at(20)), [Revoked, Active, Next]);
    }

    #[test]
    fn a_key_is_not_asked_to_sign_before_everybody_can_know_it() {
        let key = key(2, 30 * DAY);
        assert_eq!(
            key.earliest_activation(at(60)),
            at(PUBLISHED_BEFORE_USE.as_secs())
        );
        assert_eq!(key.earliest_activation(at(DAY)), at(DAY));
    }
}
