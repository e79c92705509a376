//! What time it is: the one place in the bank that asks the system.
//!
//! Two clocks are read together. The wall clock names instants, but people and time servers set it; the boot-time
//! clock only counts, suspended time included. [`ClockWatch`] compares them, so a wall clock that jumps under a
//! running host is noticed, and [`WriterClock`] turns both into a `now` that never runs backwards. Time zones and
//! business dates are `calendar`'s. What to do about a disagreement (refuse, or only log it) is the caller's.

use std::sync::Mutex;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

pub use cashpoint_core::sources::{Clock, ClockReading};
use cashpoint_core::time::Timestamp;
use rustix::time::{ClockId, clock_gettime};

/// Wall and boot-time clock may part by this much before they count as disagreeing.
pub const CLOCK_TOLERANCE: Duration = Duration::from_secs(5);

/// The clocks of the machine that this process runs on.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn wall(&self) -> Timestamp {
        #[expect(clippy::disallowed_methods, reason = "this is the one place that asks the system")]
        let now = SystemTime::now();
        let micros = match now.duration_since(UNIX_EPOCH) {
            Ok(after) => micros_of(after),
            Err(before) => -micros_of(before.duration()),
        };
        Timestamp::from_micros(micros)
    }

    fn boot(&self) -> Duration {
        let time = clock_gettime(ClockId::Boottime);
        let seconds = u64::try_from(time.tv_sec).expect("the boot-time clock starts at zero");
        let nanos = u32::try_from(time.tv_nsec).expect("the kernel keeps nanoseconds below 10^9");
        Duration::new(seconds, nanos)
    }
}

/// A clock that stands still until it is told otherwise; for simulation and tests.
#[derive(Debug)]
pub struct ManualClock(Mutex<ClockReading>);

impl ManualClock {
    /// Starts with the wall clock at `wall` and the boot-time clock at one hour.
    #[must_use]
    pub fn new(wall: Timestamp) -> Self {
        let boot = Duration::from_secs(3600);
        Self(Mutex::new(ClockReading { wall, boot }))
    }

    /// Lets time pass: both clocks move on together.
    pub fn advance(&self, by: Duration) {
        self.change(|reading| {
            reading.wall = shifted(reading.wall, micros_of(by));
            reading.boot += by;
        });
    }

    /// Sets the wall clock alone, as an operator or a time server would.
    pub fn set_wall(&self, wall: Timestamp) {
        self.change(|reading| reading.wall = wall);
    }

    /// Sets the boot-time clock alone, as a restart of the machine would.
    pub fn set_boot(&self, boot: Duration) {
        self.change(|reading| reading.boot = boot);
    }

    fn change(&self, how: impl FnOnce(&mut ClockReading)) {
        how(&mut self.0.lock().expect("no holder of this lock can panic"));
    }
}

impl Clock for ManualClock {
    fn wall(&self) -> Timestamp {
        self.reading().wall
    }

    fn boot(&self) -> Duration {
        self.reading().boot
    }

    fn reading(&self) -> ClockReading {
        *self.0.lock().expect("no holder of this lock can panic")
    }
}

/// Whether the wall clock has moved as the boot-time clock has, since the watch began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClockAgreement {
    /// Within [`CLOCK_TOLERANCE`].
    Agrees,
    /// The wall clock was set, or the boot-time clock stood still.
    Disagrees {
        /// Microseconds by which the wall clock is ahead (positive) or behind (negative).
        wall_ahead_us: i64,
    },
}

/// Compares the two clocks against a reading taken when the process started.
///
/// The comparison is with the start and not with the last reading, so many small steps are noticed like a large one.
/// It keeps no other state: a disagreement lasts until the clocks agree again or the process restarts.
#[derive(Clone, Copy, Debug)]
pub struct ClockWatch {
    start: ClockReading,
    floor: Timestamp,
}

impl ClockWatch {
    /// Begins with this reading.
    #[must_use]
    pub const fn start(start: ClockReading) -> Self {
        Self { start, floor: Timestamp::from_micros(i64::MIN) }
    }

    /// The same watch for a bank whose time has come as far as `stored` already. Where the wall clock starts behind
    /// that, time goes on from `stored` at half its pace until the clock has caught up: it must not run backwards, must
    /// not stand still (no session would end and no block lift), and must be the clock's again in the end.
    #[must_use]
    pub const fn not_before(self, stored: Timestamp) -> Self {
        Self { start: self.start, floor: stored }
    }

    /// Whether the clocks have kept together until this reading.
    #[must_use]
    pub fn check(&self, reading: ClockReading) -> ClockAgreement {
        let wall_ahead_us = micros_between(self.reckoned(reading.boot), reading.wall);
        if i128::from(wall_ahead_us.unsigned_abs()) <= i128::from(micros_of(CLOCK_TOLERANCE)) {
            ClockAgreement::Agrees
        } else {
            ClockAgreement::Disagrees { wall_ahead_us }
        }
    }

    /// The time to go by at this reading: the wall clock while it is believable; otherwise the start plus what the
    /// boot-time clock has counted since, so that a jump neither ends nor lengthens any time limit.
    #[must_use]
    pub fn time(&self, reading: ClockReading) -> Timestamp {
        let time = match self.check(reading) {
            ClockAgreement::Agrees => reading.wall,
            ClockAgreement::Disagrees { .. } => self.reckoned(reading.boot),
        };
        time.max(shifted(self.floor, self.since_start(reading.boot) / 2))
    }

    /// Where the wall clock would be if it had only counted since the start.
    fn reckoned(&self, boot: Duration) -> Timestamp {
        shifted(self.start.wall, self.since_start(boot))
    }

    fn since_start(&self, boot: Duration) -> i64 {
        micros_of(boot).saturating_sub(micros_of(self.start.boot))
    }
}

/// The `now` of one writer: never less than any it gave before, or than any that is stored.
#[derive(Clone, Copy, Debug)]
pub struct WriterClock {
    watch: ClockWatch,
    last: Timestamp,
}

impl WriterClock {
    /// Begins a writer's time. `highest_stored` is the latest `now` of any commit in the store.
    #[must_use]
    pub const fn start(watch: ClockWatch, highest_stored: Timestamp) -> Self {
        Self { watch, last: highest_stored }
    }

    /// `now` for the next group, and whether the clocks still agree.
    pub fn tick(&mut self, reading: ClockReading) -> (Timestamp, ClockAgreement) {
        self.last = self.last.max(self.watch.time(reading));
        (self.last, self.watch.check(reading))
    }
}

fn micros_of(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

fn micros_between(from: Timestamp, to: Timestamp) -> i64 {
    to.micros().saturating_sub(from.micros())
}

fn shifted(time: Timestamp, by_us: i64) -> Timestamp {
    Timestamp::from_micros(time.micros().saturating_add(by_us))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: i64 = 1_000_000;
    const NOON: i64 = 1_790_000_000 * SECOND;

    fn at(wall_us: i64, boot_s: u64) -> ClockReading {
        ClockReading { wall: Timestamp::from_micros(wall_us), boot: Duration::from_secs(boot_s) }
    }

    #[test]
    fn agrees_until_the_clocks_part_by_more_than_five_seconds() {
        let watch = ClockWatch::start(at(NOON, 100));
        let after_a_minute = |extra_us| watch.check(at(NOON + 60 * SECOND + extra_us, 160));
        for extra in [0, SECOND, 5 * SECOND, -5 * SECOND] {
            assert_eq!(after_a_minute(extra), ClockAgreement::Agrees, "{extra}");
        }
        for extra in [5 * SECOND + 1, -5 * SECOND - 1, 86_400 * SECOND, -86_400 * SECOND] {
            let expected = ClockAgreement::Disagrees { wall_ahead_us: extra };
            assert_eq!(after_a_minute(extra), expected, "{extra}");
        }
    }

    #[test]
    fn notices_many_small_steps_and_forgives_once_they_are_taken_back() {
        let watch = ClockWatch::start(at(NOON, 0));
        let stepped: Vec<_> = (1..=3).map(|n| watch.check(at(NOON + n * 2 * SECOND, 0))).collect();
        assert_eq!(stepped[1], ClockAgreement::Agrees);
        assert_eq!(stepped[2], ClockAgreement::Disagrees { wall_ahead_us: 6 * SECOND });
        assert_eq!(watch.check(at(NOON + SECOND, 0)), ClockAgreement::Agrees);
    }

    #[test]
    fn treats_a_suspended_machine_as_time_passed() {
        let clock = ManualClock::new(Timestamp::from_micros(NOON));
        let watch = ClockWatch::start(clock.reading());
        clock.advance(Duration::from_secs(10 * 3600));
        assert_eq!(watch.check(clock.reading()), ClockAgreement::Agrees);
    }

    #[test]
    fn now_never_runs_backwards_and_starts_from_the_highest_stored() {
        let stored = Timestamp::from_micros(NOON + 3 * SECOND);
        let mut now = WriterClock::start(ClockWatch::start(at(NOON, 0)), stored);
        assert_eq!(now.tick(at(NOON, 0)).0, stored);
        assert_eq!(now.tick(at(NOON + 4 * SECOND, 4)).0.micros(), NOON + 4 * SECOND);
        assert_eq!(now.tick(at(NOON + 2 * SECOND, 5)).0.micros(), NOON + 4 * SECOND);
    }

    #[test]
    fn keeps_counting_by_the_boot_clock_while_the_wall_clock_is_a_day_off() {
        let day = 86_400 * SECOND;
        for jump in [day, -day] {
            let mut now = WriterClock::start(ClockWatch::start(at(NOON, 0)), Timestamp::from_micros(0));
            assert_eq!(now.tick(at(NOON + 60 * SECOND, 60)).0.micros(), NOON + 60 * SECOND);
            let (time, agreement) = now.tick(at(NOON + jump + 90 * SECOND, 90));
            assert_eq!(time.micros(), NOON + 90 * SECOND);
            assert_eq!(agreement, ClockAgreement::Disagrees { wall_ahead_us: jump });
            let (time, agreement) = now.tick(at(NOON + 100 * SECOND, 100));
            assert_eq!((time.micros(), agreement), (NOON + 100 * SECOND, ClockAgreement::Agrees));
        }
    }

    #[test]
    fn goes_on_at_half_pace_from_what_is_stored_until_the_clock_has_caught_up() {
        let stored = Timestamp::from_micros(NOON + 100 * SECOND);
        let watch = ClockWatch::start(at(NOON, 0)).not_before(stored);
        let time = |wall_s: i64, boot_s| watch.time(at(NOON + wall_s * SECOND, boot_s)).micros() - NOON;
        assert_eq!(time(0, 0), 100 * SECOND);
        assert_eq!(time(60, 60), 130 * SECOND);
        assert_eq!(time(199, 199), 199 * SECOND + SECOND / 2);
        assert_eq!(time(200, 200), 200 * SECOND);
        assert_eq!(time(201, 201), 201 * SECOND);
        // A jump changes nothing about it.
        assert_eq!(time(86_460, 60), 130 * SECOND);
        assert_eq!(time(-86_340, 60), 130 * SECOND);
        // Nothing of this shows where the clock is ahead of what is stored.
        let watch = ClockWatch::start(at(NOON, 0)).not_before(Timestamp::from_micros(NOON - SECOND));
        assert_eq!(watch.time(at(NOON + 7, 0)).micros(), NOON + 7);
    }

    #[test]
    fn manual_clocks_are_set_apart_and_advance_together() {
        let clock = ManualClock::new(Timestamp::from_micros(NOON));
        let before = clock.reading();
        clock.set_wall(Timestamp::from_micros(NOON + 7));
        assert_eq!((clock.wall().micros(), clock.boot()), (NOON + 7, before.boot));
        clock.set_boot(Duration::ZERO);
        clock.advance(Duration::from_micros(3));
        assert_eq!((clock.wall().micros(), clock.boot()), (NOON + 10, Duration::from_micros(3)));
    }

    #[test]
    fn the_system_clock_reads_a_plausible_time_that_grows() {
        let (first, second) = (SystemClock.reading(), SystemClock.reading());
        assert!(first.wall.micros() > 1_700_000_000 * SECOND);
        assert!(second.boot >= first.boot && first.boot > Duration::ZERO);
    }

    #[test]
    fn extreme_readings_saturate() {
        let watch = ClockWatch::start(at(i64::MIN, 0));
        let far = ClockReading { wall: Timestamp::from_micros(i64::MAX), boot: Duration::MAX };
        assert!(matches!(watch.check(far), ClockAgreement::Disagrees { .. }));
    }
}
