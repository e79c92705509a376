//! What time it is at this machine, and on the clocks around it.

use std::sync::Arc;
use std::time::Duration;

use cashpoint_core::sources::{Clock, ClockReading};
use cashpoint_core::time::Timestamp;
use jiff::tz::TimeZone;

/// A clock that never falls and never jumps, whoever sets the wall clock: that is read once, at the start, and from then
/// on only the boot-time clock counts, suspended time included. Time limits rest on it; business dates are the host's.
pub struct SteadyClock {
    clock: Arc<dyn Clock>,
    began: ClockReading,
}

impl SteadyClock {
    /// Reads the wall clock, for the first and last time.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        let began = clock.reading();
        Self { clock, began }
    }

    /// Now.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        let passed: Duration = self.clock.boot().saturating_sub(self.began.boot);
        let micros = i64::try_from(passed.as_micros()).unwrap_or(i64::MAX);
        Timestamp::from_micros(self.began.wall.micros().saturating_add(micros))
    }
}

/// How far clocks in a zone are ahead of UTC at a moment, seconds; negative: behind.
pub(crate) fn ahead_s(zone: &TimeZone, at: Timestamp) -> i32 {
    // A moment so far off that no calendar has it is told in UTC.
    jiff::Timestamp::from_microsecond(at.micros()).map_or(0, |instant| zone.to_offset(instant).seconds())
}
