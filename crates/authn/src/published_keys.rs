//! The keys of the issuer as this process knows them: what was fetched, what was announced, what was withdrawn.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use crate::jwk::{KeyId, VerifyingKey};
use crate::key_source::{KeySet, MAX_KEYS};
use crate::validator::{LEEWAY, LONGEST_LIFETIME};

/// A withdrawn key stays out for this long, whoever names it: by then every token that it signed before has expired.
const WITHDRAWN_FOR: Duration = LONGEST_LIFETIME.saturating_add(LEEWAY.saturating_mul(2));
/// So many withdrawn keys are remembered; a set has no more, and sets change on command or once a month.
const MAX_WITHDRAWN: usize = 4 * MAX_KEYS;

/// Two voices tell of keys. An *announcement* (the revocation feed) is the whole truth of its moment: what it leaves out
/// is withdrawn. What is *fetched* may come from a replica that lags behind, so it never brings a withdrawn key back,
/// and after the first announcement it only adds.
#[derive(Debug, Default)]
pub(crate) struct PublishedKeys {
    /// `None` until the first set has come.
    current: Option<KeySet>,
    announced: bool,
    /// Until when each stays out.
    withdrawn: HashMap<KeyId, Instant>,
}

impl PublishedKeys {
    pub(crate) fn is_loaded(&self) -> bool {
        self.current.is_some()
    }

    pub(crate) fn get(&self, id: &KeyId) -> Option<&VerifyingKey> {
        self.current.as_ref()?.get(id)
    }

    /// Takes a set that was fetched at `now`.
    pub(crate) fn fetched(&mut self, set: KeySet, now: Instant) {
        let mut set = self.without_withdrawn(set, now);
        if self.announced {
            set.extend(self.current.take().unwrap_or_default());
        }
        self.current = Some(set);
    }

    /// Takes a set that was announced at `now`, in place of all others.
    pub(crate) fn announced(&mut self, set: KeySet, now: Instant) {
        let set = self.without_withdrawn(set, now);
        for id in self.current.iter().flat_map(KeySet::ids) {
            if set.get(id).is_none() && self.withdrawn.len() < MAX_WITHDRAWN {
                tracing::info!(key = %id, "a signing key was withdrawn");
                self.withdrawn.insert(id.clone(), now + WITHDRAWN_FOR);
            }
        }
        self.current = Some(set);
        self.announced = true;
    }

    fn without_withdrawn(&mut self, mut set: KeySet, now: Instant) -> KeySet {
        self.withdrawn.retain(|_, until| now < *until);
        set.retain(|id| !self.withdrawn.contains_key(id));
        set
    }
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};

    use super::*;

    fn key() -> VerifyingKey {
        let pair = Ed25519KeyPair::generate().unwrap();
        VerifyingKey::from_bytes(pair.public_key().as_ref().try_into().unwrap()).unwrap()
    }

    fn set(keys: &[&VerifyingKey]) -> KeySet {
        keys.iter().map(|key| (*key).clone()).collect()
    }

    #[test]
    fn a_withdrawn_key_comes_back_neither_by_a_fetch_nor_by_a_replica_that_lags() {
        let (one, two) = (key(), key());
        let now = Instant::now();
        let mut keys = PublishedKeys::default();
        assert!(!keys.is_loaded());
        keys.announced(set(&[&one, &two]), now);
        keys.announced(set(&[&two]), now);
        assert!(keys.get(one.id()).is_none());
        let last = now + WITHDRAWN_FOR.saturating_sub(Duration::from_millis(1));
        keys.fetched(set(&[&one, &two]), last);
        assert!(keys.get(one.id()).is_none() && keys.get(two.id()).is_some());
        keys.announced(set(&[&one, &two]), last);
        assert!(keys.get(one.id()).is_none() && keys.get(two.id()).is_some());
        keys.fetched(set(&[&one]), now + WITHDRAWN_FOR);
        assert!(keys.get(one.id()).is_some(), "it is forgotten in the end");
    }

    #[test]
    fn a_fetch_adds_to_what_was_announced_and_takes_nothing_away() {
        let (one, two) = (key(), key());
        let now = Instant::now();
        let mut keys = PublishedKeys::default();
        keys.fetched(set(&[&one]), now);
        keys.fetched(set(&[&two]), now);
        assert!(
            keys.get(one.id()).is_none(),
            "without announcements the last fetch counts"
        );
        keys.announced(set(&[&one]), now);
        let new = key();
        keys.fetched(set(&[&new]), now);
        assert!(keys.get(one.id()).is_some() && keys.get(new.id()).is_some());
    }

    #[test]
    fn the_withdrawn_keys_that_are_remembered_have_a_bound() {
        let now = Instant::now();
        let mut keys = PublishedKeys::default();
        for _ in 0..MAX_WITHDRAWN + 10 {
            keys.announced(set(&[&key()]), now);
        }
        assert_eq!(keys.withdrawn.len(), MAX_WITHDRAWN);
    }
}
