//! How often one address may try: log-ins and sign-ups.
//!
//! Each address has one number, the time at which all it has used up will have come back (the generic cell rate
//! algorithm's theoretical arrival time): so a try costs one look-up, the numbers are exact, and a changed policy holds
//! for the next try. Memory is bounded; what is forgotten first is what matters least. Tries per identity are not
//! counted here: they are a row in the bank.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Mutex, PoisonError};

use cashpoint_core::policy::Policy;
use cashpoint_core::time::Timestamp;

use crate::address::Address;

const MICROS_PER_S: i64 = 1_000_000;

/// Addresses are spread over so many maps, each with its own lock.
const SHARDS: usize = 16;

/// Addresses remembered by [`AddressLimits`], per kind of try: 65,536, in about 4 MB.
const REMEMBERED: usize = 1 << 16;

/// How often: so many at once, then one more after every interval.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Quota {
    burst: u32,
    interval_us: i64,
}

impl Quota {
    /// `burst` at once, then `per_second` more every second. Zeros count as one.
    #[must_use]
    pub fn per_second(burst: u32, per_second: u32) -> Self {
        Self { burst: burst.max(1), interval_us: (MICROS_PER_S / i64::from(per_second.max(1))).max(1) }
    }

    /// `burst` at once, then one more every `ms` milliseconds. Zeros count as one.
    #[must_use]
    pub fn one_every_ms(burst: u32, ms: u32) -> Self {
        Self { burst: burst.max(1), interval_us: 1_000 * i64::from(ms.max(1)) }
    }

    /// `factor` times as much: the burst, and what comes after it. Zero counts as one.
    #[must_use]
    pub fn times(self, factor: u32) -> Self {
        let factor = factor.max(1);
        Self { burst: self.burst.saturating_mul(factor), interval_us: (self.interval_us / i64::from(factor)).max(1) }
    }

    /// How long a used-up burst takes to come back, µs.
    fn window_us(self) -> i64 {
        i64::from(self.burst).saturating_mul(self.interval_us)
    }
}

/// The answer to a try too many.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Throttled {
    /// Whole seconds after which the next try passes, if none comes between; at least 1. The value of `Retry-After`.
    pub retry_after_s: u32,
}

/// Counts the tries of one kind, by address.
#[derive(Debug)]
pub struct Limiter {
    shards: [Mutex<HashMap<Address, i64>>; SHARDS],
    /// Addresses per shard.
    capacity: usize,
    spread: RandomState,
}

impl Limiter {
    /// Remembers about `capacity` addresses, never more.
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        Self {
            shards: std::array::from_fn(|_| Mutex::default()),
            capacity: (capacity / SHARDS).max(1),
            spread: RandomState::new(),
        }
    }

    /// Counts a try of `address` at `now`, if `quota` has one left. A refused try is not counted: who waits as told
    /// gets through.
    pub fn take(&self, address: Address, quota: Quota, now: Timestamp) -> Result<(), Throttled> {
        let now = now.micros();
        let mut shard = self.shard(address).lock().unwrap_or_else(PoisonError::into_inner);
        let full = now.saturating_add(quota.window_us());
        let used_up = match shard.get_mut(&address) {
            // Never more than a window ahead: after a clock that jumped back, or a smaller quota, an address waits for
            // one interval and not for the difference.
            Some(stored) => {
                *stored = (*stored).min(full);
                (*stored).max(now)
            }
            None => now,
        };
        let next = used_up.saturating_add(quota.interval_us);
        if next > full {
            return Err(Throttled { retry_after_s: seconds_up(next - full) });
        }
        if shard.len() >= self.capacity && !shard.contains_key(&address) {
            forget(&mut shard, now);
        }
        shard.insert(address, next);
        Ok(())
    }

    /// Addresses remembered now.
    #[must_use]
    pub fn remembered(&self) -> usize {
        self.shards.iter().map(|shard| shard.lock().unwrap_or_else(PoisonError::into_inner).len()).sum()
    }

    fn shard(&self, address: Address) -> &Mutex<HashMap<Address, i64>> {
        let hash = self.spread.hash_one(address);
        &self.shards[usize::try_from(hash % SHARDS as u64).expect("less than SHARDS")]
    }
}

/// Makes room: first those who have everything back, which changes nothing; if that is less than an eighth, those who
/// have used least, up to an eighth. So the whole map is walked once for many newcomers, and who hammers is kept.
fn forget(shard: &mut HashMap<Address, i64>, now: i64) {
    let wanted = shard.len() - shard.len().div_ceil(8);
    shard.retain(|_, used_up| *used_up > now);
    if shard.len() <= wanted {
        return;
    }
    let mut excess = shard.len() - wanted;
    let mut all: Vec<i64> = shard.values().copied().collect();
    let (_, &mut bound, _) = all.select_nth_unstable(excess - 1);
    shard.retain(|_, used_up| {
        let goes = excess > 0 && *used_up <= bound;
        excess -= usize::from(goes);
        !goes
    });
}

fn seconds_up(micros: i64) -> u32 {
    let seconds = micros.saturating_add(MICROS_PER_S - 1) / MICROS_PER_S;
    u32::try_from(seconds.max(1)).unwrap_or(u32::MAX)
}

/// The limits per address of the whole interface.
#[derive(Debug)]
pub struct AddressLimits {
    log_ins: Limiter,
    sign_ups: Limiter,
    magnified: u32,
}

impl AddressLimits {
    /// Policy values are multiplied by `magnified`: 1, or 100 in a sandbox database.
    #[must_use]
    pub fn new(magnified: u32) -> Self {
        Self { log_ins: Limiter::new(REMEMBERED), sign_ups: Limiter::new(REMEMBERED), magnified }
    }

    /// Counts a log-in, of customers and operators, by whatever means.
    pub fn log_in(&self, address: Address, policy: &Policy, now: Timestamp) -> Result<(), Throttled> {
        let quota = Quota::per_second(policy.address_log_in_burst, policy.address_log_in_per_second);
        self.log_ins.take(address, quota.times(self.magnified), now)
    }

    /// Counts a sign-up.
    pub fn sign_up(&self, address: Address, policy: &Policy, now: Timestamp) -> Result<(), Throttled> {
        let quota = Quota::one_every_ms(policy.address_sign_up_burst, policy.address_sign_up_every_ms);
        self.sign_ups.take(address, quota.times(self.magnified), now)
    }
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};

    use super::*;

    const ERA: Timestamp = Timestamp::from_micros(1_767_225_600_000_000);

    fn address(number: u32) -> Address {
        Address::of(IpAddr::V4(Ipv4Addr::from_bits(0x0a00_0000 + number)))
    }

    fn passed(tries: u32, mut one: impl FnMut() -> Result<(), Throttled>) -> u32 {
        (0..tries).map(|_| u32::from(one().is_ok())).sum()
    }

    #[test]
    fn it_lets_100_log_ins_through_and_then_5_a_second() {
        let (limits, policy) = (AddressLimits::new(1), Policy::default());
        let at = |ms: i64| limits.log_in(address(1), &policy, ERA.plus_ms(ms));
        assert_eq!(passed(500, || at(0)), 100);
        assert_eq!(at(0), Err(Throttled { retry_after_s: 1 }));
        assert_eq!(at(199), Err(Throttled { retry_after_s: 1 }));
        assert_eq!(at(200), Ok(()));
        assert_eq!(at(200), Err(Throttled { retry_after_s: 1 }));
        assert_eq!(passed(50, || at(1_200)), 5);
        // Everybody else is not concerned.
        assert_eq!(limits.log_in(address(2), &policy, ERA.plus_ms(1_200)), Ok(()));
        // 21 s later it all has come back, and not more than that.
        assert_eq!(passed(500, || at(22_200)), 100);
        // One a second, for ever: 5 a second are allowed.
        assert_eq!((0..1_000).filter(|s| at(30_000 + s * 1_000).is_err()).count(), 0);
    }

    #[test]
    fn it_lets_20_sign_ups_through_and_then_one_every_10_seconds() {
        let (limits, policy) = (AddressLimits::new(1), Policy::default());
        let at = |ms: i64| limits.sign_up(address(1), &policy, ERA.plus_ms(ms));
        assert_eq!(passed(100, || at(0)), 20);
        assert_eq!(at(0), Err(Throttled { retry_after_s: 10 }));
        assert_eq!(at(1), Err(Throttled { retry_after_s: 10 }));
        assert_eq!(at(9_001), Err(Throttled { retry_after_s: 1 }));
        assert_eq!(at(9_999), Err(Throttled { retry_after_s: 1 }));
        assert_eq!(at(10_000), Ok(()));
        assert_eq!(at(10_000), Err(Throttled { retry_after_s: 10 }));
        // Log-ins are counted apart.
        assert_eq!(limits.log_in(address(1), &policy, ERA), Ok(()));
    }

    #[test]
    fn it_allows_a_sandbox_a_hundred_times_as_much() {
        let (limits, policy) = (AddressLimits::new(100), Policy::default());
        assert_eq!(passed(20_000, || limits.log_in(address(1), &policy, ERA)), 10_000);
        assert_eq!(passed(2_000, || limits.log_in(address(1), &policy, ERA.plus_s(1))), 500);
        assert_eq!(passed(5_000, || limits.sign_up(address(1), &policy, ERA)), 2_000);
        assert_eq!(passed(100, || limits.sign_up(address(1), &policy, ERA.plus_s(1))), 10);
    }

    #[test]
    fn it_follows_a_changed_policy_at_once() {
        let limits = AddressLimits::new(1);
        let mut policy = Policy::default();
        assert_eq!(passed(500, || limits.log_in(address(1), &policy, ERA)), 100);
        policy.address_log_in_burst = 150;
        assert_eq!(passed(500, || limits.log_in(address(1), &policy, ERA)), 50);
        policy.address_log_in_burst = 2;
        policy.address_log_in_per_second = 1;
        assert_eq!(limits.log_in(address(1), &policy, ERA), Err(Throttled { retry_after_s: 1 }));
        assert_eq!(passed(9, || limits.log_in(address(1), &policy, ERA.plus_s(1))), 1);
    }

    #[test]
    fn it_locks_nobody_out_when_the_clock_jumps_back() {
        let (limiter, quota) = (Limiter::new(100), Quota::one_every_ms(20, 10_000));
        assert_eq!(passed(50, || limiter.take(address(1), quota, ERA)), 20);
        let yesterday = ERA.plus_s(-86_400);
        assert_eq!(limiter.take(address(1), quota, yesterday), Err(Throttled { retry_after_s: 10 }));
        assert_eq!(limiter.take(address(1), quota, yesterday.plus_ms(9_999)), Err(Throttled { retry_after_s: 1 }));
        assert_eq!(limiter.take(address(1), quota, yesterday.plus_s(10)), Ok(()));
    }

    #[test]
    fn it_remembers_who_hammers_and_no_more_than_it_may() {
        let (limiter, quota) = (Limiter::new(1_600), Quota::one_every_ms(20, 10_000));
        assert_eq!(passed(50, || limiter.take(address(0), quota, ERA)), 20);
        for number in 1..20_000 {
            assert_eq!(limiter.take(address(number), quota, ERA), Ok(()));
            assert!(limiter.remembered() <= 1_600);
        }
        assert_eq!(limiter.take(address(0), quota, ERA), Err(Throttled { retry_after_s: 10 }));
        // Those who have everything back are forgotten first, and that shows nowhere.
        let later = ERA.plus_s(100);
        for number in 20_000..40_000 {
            assert_eq!(limiter.take(address(number), quota, later), Ok(()));
        }
        assert_eq!(passed(50, || limiter.take(address(0), quota, later)), 10);
    }
}
