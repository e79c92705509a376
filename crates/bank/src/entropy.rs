//! Randomness, and the ids and numbers that are made from it.
//!
//! Every token, salt, key, nonce and id of the bank comes from an [`Entropy`] that was given at construction: the
//! operating system's generator in a shipped host, a seeded one where the same inputs must give the same bytes.

use std::sync::Mutex;
use std::sync::atomic::{AtomicI64, Ordering};

use cashpoint_core::id::AccountNumber;
pub use cashpoint_core::sources::Entropy;
use cashpoint_core::time::Timestamp;
use sha2::{Digest, Sha256};

/// The operating system's generator.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemEntropy;

impl Entropy for SystemEntropy {
    fn fill(&self, bytes: &mut [u8]) {
        getrandom::fill(bytes).expect("the operating system delivers random bytes");
    }
}

/// The same bytes for the same seed: SHA-256 over seed and counter. For simulation and tests; it protects nothing.
#[derive(Debug)]
pub struct SeededEntropy {
    seed: u64,
    blocks: Mutex<u64>,
}

impl SeededEntropy {
    /// A source whose every byte follows from `seed`.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self { seed, blocks: Mutex::new(0) }
    }
}

impl Entropy for SeededEntropy {
    fn fill(&self, bytes: &mut [u8]) {
        let mut block = self.blocks.lock().expect("no holder of this lock can panic");
        for chunk in bytes.chunks_mut(32) {
            let mut hash = Sha256::new();
            hash.update(self.seed.to_be_bytes());
            hash.update(block.to_be_bytes());
            chunk.copy_from_slice(&hash.finalize()[..chunk.len()]);
            *block = block.wrapping_add(1);
        }
    }
}

/// `N` random bytes.
#[must_use]
pub fn random_bytes<const N: usize>(entropy: &dyn Entropy) -> [u8; N] {
    let mut bytes = [0; N];
    entropy.fill(&mut bytes);
    bytes
}

/// 64 random bits.
#[must_use]
pub fn random_u64(entropy: &dyn Entropy) -> u64 {
    u64::from_be_bytes(random_bytes(entropy))
}

/// A number in `0..bound`, each equally likely.
///
/// # Panics
/// If `bound` is zero.
#[must_use]
pub fn random_below(bound: u64, entropy: &dyn Entropy) -> u64 {
    assert!(bound > 0, "nothing lies below zero");
    // The last, incomplete run of `bound` numbers would make its members likelier than the others.
    let complete = u64::MAX - u64::MAX % bound;
    loop {
        let drawn = random_u64(entropy);
        if drawn < complete {
            return drawn % bound;
        }
    }
}

/// 2020-01-01T00:00:00Z, in milliseconds of the Unix epoch.
const ID_EPOCH_MS: i64 = 1_577_836_800_000;

/// Makes numbers for customers, cards, sessions and operators: milliseconds since 2020 in the upper 43 bits, 20 random
/// bits below them. Positive, and each greater than the one before, also when the clock stands still or runs
/// backwards: so an index by number is only appended to, and no two of one generator are equal. One host at a time has
/// a database, and the clock that it goes by begins no earlier than the last one's ended.
#[derive(Debug, Default)]
pub struct TimeOrderedIds {
    last: AtomicI64,
}

impl TimeOrderedIds {
    /// Within one millisecond, a number is greater than the last by at most so much: a thousand of them reach the next
    /// one, from where on they run ahead of the clock.
    const STEP: u64 = 1 << 10;

    /// A generator that has made none yet.
    #[must_use]
    pub const fn new() -> Self {
        Self { last: AtomicI64::new(0) }
    }

    /// The next number.
    pub fn next(&self, now: Timestamp, entropy: &dyn Entropy) -> i64 {
        // Before 2020 only a wrong clock can be; its numbers stay positive.
        let since = (now.micros() / 1000).saturating_sub(ID_EPOCH_MS).clamp(1, (1 << 42) - 1);
        let random = random_u64(entropy);
        let low = |bound: u64| i64::try_from(random % bound).expect("20 bits fit");
        let drawn = since << 20 | low(1 << 20);
        let next = |last: i64| if drawn > last { drawn } else { last + 1 + low(Self::STEP) };
        let last = self.last.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |last| Some(next(last)));
        next(last.unwrap_or_else(|last| last))
    }
}

/// A number for a customer's account: 12 digits, the first not zero, each number equally likely.
#[must_use]
pub fn account_number(entropy: &dyn Entropy) -> AccountNumber {
    const FIRST: u64 = 100_000_000_000;
    AccountNumber::new(FIRST + random_below(9 * FIRST, entropy))
}

/// How many transfer ids one base stands for: the low 12 bits are the command's own to count in.
pub const TRANSFERS_PER_BASE: u128 = 1 << 12;

/// Makes UUIDs of version 7 (RFC 9562, 5.7) whose low 12 bits are zero: `base + n` for `n < 4096` are the ids of the
/// transfers of one command. Each base of one generator is greater than the one before, also when the clock stands
/// still or runs backwards (RFC 9562, 6.2, method 2).
#[derive(Debug, Default)]
pub struct TransferIds {
    /// 48 bits of milliseconds, 62 random bits less the 12 that are counted in: the id without its fixed bits.
    last: u128,
    /// Randomness for the next ones: asking the system for each alone costs as much as deciding half a withdrawal.
    drawn: [[u8; 8]; DRAWN_AT_ONCE],
    left: usize,
}

/// For how many bases randomness is asked at once.
const DRAWN_AT_ONCE: usize = 32;

impl TransferIds {
    /// Bits of a base that are random: `rand_a` (12) and `rand_b` (62) without the low 12.
    const RANDOM_BITS: u32 = 62;

    /// A generator that has made none yet.
    #[must_use]
    pub const fn new() -> Self {
        Self { last: 0, drawn: [[0; 8]; DRAWN_AT_ONCE], left: 0 }
    }

    /// The next base.
    pub fn next_base(&mut self, now: Timestamp, entropy: &dyn Entropy) -> u128 {
        let ms = u128::from((now.micros() / 1000).max(0).unsigned_abs()) & ((1 << 48) - 1);
        let drawn = u128::from(self.draw(entropy));
        if ms > self.last >> Self::RANDOM_BITS {
            self.last = ms << Self::RANDOM_BITS | drawn >> 2;
        } else {
            // A random step keeps the next id from being guessed; an overflow carries into the milliseconds.
            self.last += 1 + (drawn >> 32);
        }
        with_version_and_variant(self.last)
    }

    fn draw(&mut self, entropy: &dyn Entropy) -> u64 {
        if self.left == 0 {
            entropy.fill(self.drawn.as_flattened_mut());
            self.left = DRAWN_AT_ONCE;
        }
        self.left -= 1;
        u64::from_be_bytes(std::mem::take(&mut self.drawn[self.left]))
    }
}

fn with_version_and_variant(id: u128) -> u128 {
    let (ms, rand_a, rand_b) = (id >> 62, id >> 50 & 0xfff, id & ((1 << 50) - 1));
    ms << 80 | 7 << 76 | rand_a << 64 | 0b10 << 62 | rand_b << 12
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_micros(1_790_000_000_123_456);

    /// Gives the same bytes over and over.
    struct Constant(u8);

    impl Entropy for Constant {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(self.0);
        }
    }

    #[test]
    fn the_same_seed_gives_the_same_bytes_and_another_seed_others() {
        let draw = |seed| {
            let entropy = SeededEntropy::new(seed);
            (random_bytes::<100>(&entropy), random_u64(&entropy))
        };
        assert_eq!(draw(7), draw(7));
        assert_ne!(draw(7), draw(8));
        let entropy = SeededEntropy::new(7);
        assert_ne!(random_bytes::<32>(&entropy), random_bytes::<32>(&entropy));
    }

    #[test]
    fn seeded_bytes_are_sha_256_of_seed_and_counter() {
        let hex = data_encoding::HEXLOWER.encode(&random_bytes::<32>(&SeededEntropy::new(0)));
        // printf '\0%.0s' {1..16} | sha256sum
        assert_eq!(hex, "374708fff7719dd5979ec875d56cd2286f6d3cf7ec317a3b25632aab28ec37bb");
    }

    #[test]
    fn the_system_delivers_different_bytes_each_time() {
        assert_ne!(random_bytes::<32>(&SystemEntropy), random_bytes::<32>(&SystemEntropy));
    }

    #[test]
    fn numbers_below_a_bound_are_equally_likely() {
        let entropy = SeededEntropy::new(1);
        let mut seen = [0_u32; 7];
        for _ in 0..7_000 {
            seen[usize::try_from(random_below(7, &entropy)).unwrap()] += 1;
        }
        assert!(seen.iter().all(|n| (850..1150).contains(n)), "{seen:?}");
        // Above 2/3 of all numbers, a remainder alone would make the lower half twice as likely.
        let bound = u64::MAX / 3 * 2;
        let low = (0..1_000).filter(|_| random_below(bound, &entropy) < bound / 2).count();
        assert!((400..600).contains(&low), "{low}");
    }

    #[test]
    fn ids_are_positive_and_follow_the_clock() {
        let (ids, entropy) = (TimeOrderedIds::new(), SeededEntropy::new(2));
        let later = Timestamp::from_micros(NOW.micros() + 1000);
        let (first, second) = (ids.next(NOW, &entropy), ids.next(later, &entropy));
        assert!(0 < first && first < second);
        assert_eq!(first >> 20, 1_790_000_000_123 - ID_EPOCH_MS);
        for odd in [i64::MIN, 0, i64::MAX] {
            assert!(TimeOrderedIds::new().next(Timestamp::from_micros(odd), &entropy) > 0, "{odd}");
        }
    }

    #[test]
    fn ids_only_grow_also_when_many_are_made_at_once_and_the_clock_stands_still() {
        let ids = TimeOrderedIds::new();
        let made = |seed| {
            let entropy = SeededEntropy::new(seed);
            // Alike in half of them, so that the same bits are drawn again and again.
            (0..20_000).map(|n| ids.next(NOW, if n % 2 == 0 { &entropy } else { &Constant(7) })).collect::<Vec<_>>()
        };
        let all: Vec<Vec<i64>> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..4).map(|seed| scope.spawn(move || made(seed))).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert!(all.iter().all(|own| own.is_sorted_by(|one, next| one < next)));
        let different: std::collections::BTreeSet<i64> = all.into_iter().flatten().collect();
        assert_eq!(different.len(), 80_000);
        let before = *different.last().unwrap();
        assert!(ids.next(Timestamp::from_micros(NOW.micros() - 86_400_000_000), &SeededEntropy::new(9)) > before);
    }

    #[test]
    fn account_numbers_have_twelve_digits() {
        let entropy = SeededEntropy::new(3);
        let mut first_digits = [0_u32; 10];
        for _ in 0..9_000 {
            let text = account_number(&entropy).to_string();
            assert_eq!(text.len(), 12);
            first_digits[usize::from(text.as_bytes()[0] - b'0')] += 1;
        }
        assert_eq!(first_digits[0], 0);
        assert!(first_digits[1..].iter().all(|n| (850..1150).contains(n)), "{first_digits:?}");
    }

    #[test]
    fn transfer_ids_are_version_7_uuids_with_room_to_count() {
        let base = TransferIds::new().next_base(NOW, &SeededEntropy::new(4));
        assert_eq!(base >> 80, 1_790_000_000_123);
        assert_eq!(base >> 76 & 0xf, 7);
        assert_eq!(base >> 62 & 0b11, 0b10);
        assert_eq!(base % TRANSFERS_PER_BASE, 0);
    }

    #[test]
    fn transfer_ids_only_grow_whatever_the_clock_does() {
        let entropy = SeededEntropy::new(5);
        let mut ids = TransferIds::new();
        let mut last = 0;
        for step in [0, 0, 0, 1, -5_000, -5_000, 999, 1_000, 86_400_000_000, 0] {
            let now = Timestamp::from_micros(NOW.micros() + step);
            let base = ids.next_base(now, &entropy);
            assert!(base >= last + TRANSFERS_PER_BASE, "{step}");
            last = base;
        }
    }

    #[test]
    fn an_overflow_of_the_random_bits_carries_into_the_time_and_keeps_the_fixed_bits() {
        let entropy = Constant(0xff);
        let mut ids = TransferIds::new();
        let first = ids.next_base(NOW, &entropy);
        let second = ids.next_base(NOW, &entropy);
        assert_eq!(second >> 80, (first >> 80) + 1);
        for base in [first, second] {
            assert_eq!((base >> 76 & 0xf, base >> 62 & 0b11, base & 0xfff), (7, 0b10, 0));
        }
    }
}
