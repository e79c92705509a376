//! Where time and randomness come from, as interfaces: whoever needs either takes one of these when it is built.
//!
//! Nothing in the core uses them. They stand here because bank, terminal and devices know only the core in common; the
//! one implementation that asks the system is the bank's.

use core::time::Duration;

use crate::time::Timestamp;

/// A source of time. Whoever needs the time takes one of these when it is built.
pub trait Clock: Send + Sync {
    /// The wall clock: UTC, may jump in either direction.
    fn wall(&self) -> Timestamp;

    /// The boot-time clock: since an arbitrary start, only grows, counts time spent suspended.
    fn boot(&self) -> Duration;

    /// Both clocks, read one directly after the other.
    fn reading(&self) -> ClockReading {
        ClockReading { wall: self.wall(), boot: self.boot() }
    }
}

/// Both clocks at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClockReading {
    /// The wall clock.
    pub wall: Timestamp,
    /// The boot-time clock.
    pub boot: Duration,
}

/// A source of random bytes.
pub trait Entropy: Send + Sync {
    /// Fills all of `bytes`. There is no failure: a source that cannot deliver ends the process by a panic, because
    /// nothing safe can be done without it.
    fn fill(&self, bytes: &mut [u8]);
}
