//! A map of fixed capacity that forgets what matters least.

use std::hash::{BuildHasher as _, Hash, RandomState};

const SETS: u64 = 4096;
const ENTRIES_PER_SET: usize = 16;

/// What a [`Table`] remembers of a key; the default is what holds for a key that it does not know.
pub(super) trait Remembered: Default {
    /// How much would be lost by forgetting it. Zero first: nothing.
    fn weight(&self, now: i64) -> (u32, i64);
}

/// At most 65,536 entries. A full set of 16 forgets the lightest of its own for a new one: at a fixed cost, and of a set
/// that nobody outside can choose, since the hash has a random key. So who wants one entry forgotten has to fill the table
/// with heavier ones.
#[derive(Debug)]
pub(super) struct Table<K, V> {
    hasher: RandomState,
    sets: Vec<Vec<(K, V)>>,
}

impl<K: Hash + Eq, V: Remembered> Table<K, V> {
    /// Empty; memory is taken as entries come.
    pub(super) fn new() -> Self {
        Self {
            hasher: RandomState::new(),
            sets: (0..SETS).map(|_| Vec::new()).collect(),
        }
    }

    /// What is remembered of `key`, from now on at least the default. `now` is for the weights.
    pub(super) fn entry(&mut self, key: K, now: i64) -> &mut V {
        let set = self.set(&key);
        let position = set.iter().position(|(known, _)| *known == key);
        let position = position.unwrap_or_else(|| {
            if set.len() >= ENTRIES_PER_SET {
                forget_lightest(set, now);
            }
            set.push((key, V::default()));
            set.len() - 1
        });
        &mut set[position].1
    }

    /// Forgets `key` when nothing would be lost.
    pub(super) fn tidy(&mut self, key: &K, now: i64) {
        self.set(key)
            .retain(|(known, value)| known != key || value.weight(now).0 > 0);
    }

    /// How many are remembered.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.sets.iter().map(Vec::len).sum()
    }

    fn set(&mut self, key: &K) -> &mut Vec<(K, V)> {
        // Below 4,096, so it fits.
        let index = usize::try_from(self.hasher.hash_one(key) % SETS).unwrap_or_default();
        &mut self.sets[index]
    }
}

fn forget_lightest<K, V: Remembered>(set: &mut Vec<(K, V)>, now: i64) {
    let weights = set.iter().map(|(_, value)| value.weight(now)).enumerate();
    if let Some((lightest, _)) = weights.min_by_key(|(_, weight)| *weight) {
        set.swap_remove(lightest);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Default)]
    struct Weight(u32);

    impl Remembered for Weight {
        fn weight(&self, _now: i64) -> (u32, i64) {
            (self.0, 0)
        }
    }

    #[test]
    fn it_never_holds_more_than_its_capacity_and_keeps_what_is_heavy() {
        let mut table = Table::<u32, Weight>::new();
        for key in 0..100 {
            table.entry(key, 0).0 = 9;
        }
        for key in 100..300_000 {
            table.entry(key, 0).0 = 1;
        }
        assert!((60_000..=65_536).contains(&table.len()), "{}", table.len());
        for key in 0..100 {
            assert_eq!(table.entry(key, 0).0, 9, "{key}");
        }
    }

    #[test]
    fn what_weighs_nothing_can_be_forgotten_and_the_rest_stays() {
        let mut table = Table::<u32, Weight>::new();
        table.entry(1, 0).0 = 1;
        table.entry(2, 0).0 = 0;
        table.tidy(&1, 0);
        table.tidy(&2, 0);
        table.tidy(&3, 0);
        assert_eq!(table.len(), 1);
    }
}
