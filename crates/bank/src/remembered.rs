//! What was read from the database and never changes, kept at hand: so many entries, and those that were asked for last.
//!
//! Two generations: when the younger one is full it becomes the older one, and what nobody asked for since the last time
//! goes. So nothing is written when an entry is found among the younger ones, and there is no moment at which everybody
//! is forgotten.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{PoisonError, RwLock};

/// See the module.
pub(crate) struct Remembered<K, V> {
    generations: RwLock<Generations<K, V>>,
    /// Most entries of a generation.
    half: usize,
}

struct Generations<K, V> {
    younger: HashMap<K, V>,
    older: HashMap<K, V>,
}

impl<K: Hash + Eq + Copy, V: Copy> Remembered<K, V> {
    /// Remembers at most `capacity` entries, and at least half of them.
    pub(crate) fn new(capacity: usize) -> Self {
        let generations = Generations { younger: HashMap::new(), older: HashMap::new() };
        Self { generations: RwLock::new(generations), half: (capacity / 2).max(1) }
    }

    /// What is remembered under this key.
    pub(crate) fn find(&self, key: &K) -> Option<V> {
        let found = {
            let generations = self.generations.read().unwrap_or_else(PoisonError::into_inner);
            if let Some(value) = generations.younger.get(key) {
                return Some(*value);
            }
            generations.older.get(key).copied()
        };
        if let Some(value) = found {
            self.keep(*key, value);
        }
        found
    }

    /// Remembers it from now on.
    pub(crate) fn keep(&self, key: K, value: V) {
        // Dropped when the lock is free again: it takes a while.
        let _forgotten = {
            let mut generations = self.generations.write().unwrap_or_else(PoisonError::into_inner);
            let forgotten = (generations.younger.len() >= self.half).then(|| {
                let younger = std::mem::take(&mut generations.younger);
                std::mem::replace(&mut generations.older, younger)
            });
            generations.younger.insert(key, value);
            forgotten
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn size(remembered: &Remembered<u32, u32>) -> usize {
        let generations = remembered.generations.read().unwrap();
        generations.younger.len() + generations.older.len()
    }

    #[test]
    fn forgets_what_nobody_asks_for_and_never_everything() {
        let remembered = Remembered::new(100);
        for number in 0..10_000_u32 {
            remembered.keep(number, number * 2);
            assert_eq!(remembered.find(&0), Some(0), "asked for all the time: {number}");
            let latest = number.saturating_sub(40)..=number;
            assert!(latest.clone().all(|number| remembered.find(&number) == Some(number * 2)), "{number}");
            assert!(size(&remembered) <= 100);
        }
        assert_eq!(remembered.find(&5_000), None);
    }

    #[test]
    fn keeps_one_entry_at_the_least() {
        let remembered = Remembered::new(0);
        remembered.keep(1, 10);
        assert_eq!(remembered.find(&1), Some(10));
    }
}
