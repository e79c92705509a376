//! Chance that can be repeated: a random test prints its seed, and `TEST_SEED` sets it.

use std::hash::{BuildHasher, Hasher, RandomState};

/// SplitMix64 (Steele, Lea, Flood 2014): small, and good enough to choose amounts with.
#[derive(Clone)]
pub(crate) struct Dice(u64);

impl Dice {
    /// Seeded from `TEST_SEED`, or by chance; prints the seed.
    pub(crate) fn roll(what: &str) -> Self {
        let given = std::env::var("TEST_SEED").ok().map(|seed| seed.parse().expect("TEST_SEED is a number"));
        let seed = given.unwrap_or_else(|| RandomState::new().build_hasher().finish());
        eprintln!("{what}: TEST_SEED={seed}");
        Self(seed)
    }

    /// Dice of its own for the `n`th of several.
    pub(crate) fn split(&self, n: u64) -> Self {
        let mut dice = Self(self.0 ^ n.wrapping_mul(0xD6E8_FEB8_6659_FD93));
        dice.next();
        dice
    }

    /// The next 64 bits.
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number below `end`.
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    /// One of them.
    pub(crate) fn one_of<'a, T>(&mut self, choices: &'a [T]) -> &'a T {
        let n = self.below(choices.len() as u64);
        &choices[usize::try_from(n).unwrap()]
    }
}
