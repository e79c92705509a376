//! Whether a channel as a whole is well. A receiver that answers nobody is left alone for a while and then tried with
//! one delivery, instead of failing every customer's.

use cashpoint_core::time::Timestamp;

/// Failures of the channel in a row after which it rests.
const ALARM: u32 = 8;

/// The first rest; each one after it without a success is twice as long.
const FIRST_REST_MS: i64 = 1_000;

/// The longest rest that failures alone bring.
const LONGEST_REST_MS: i64 = 60_000;

/// The longest rest that a receiver can ask for.
const LONGEST_REQUEST_MS: i64 = 15 * 60_000;

/// What a failed delivery says of the channel.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Trouble {
    /// The receiver is away, slow or overwhelmed: others would fare no better.
    Channel,
    /// Only this message was not taken.
    Message,
}

/// How a channel fares.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Health {
    failed: u32,
    rests: u32,
    until: Option<Timestamp>,
}

impl Health {
    /// Whether nothing may be sent now.
    pub(super) fn rests(&self, now: Timestamp) -> bool {
        self.until.is_some_and(|until| now < until)
    }

    /// When it may be tried again; none: it may be now.
    pub(super) fn rest_end(&self, now: Timestamp) -> Option<Timestamp> {
        self.until.filter(|until| now < *until)
    }

    /// How many deliveries may be on their way, of `usually`: one, until something arrives after a rest.
    pub(super) const fn at_once(&self, usually: usize) -> usize {
        if self.rests > 0 { 1 } else { usually }
    }

    pub(super) fn succeeded(&mut self) {
        (self.failed, self.rests) = (0, 0);
    }

    /// A delivery failed; the receiver may have asked for a pause.
    pub(super) fn failed(&mut self, trouble: Trouble, after_ms: Option<i64>, now: Timestamp) {
        match trouble {
            Trouble::Message => return,
            Trouble::Channel => {}
        }
        if let Some(after) = after_ms {
            self.rest(now.plus_ms(after.min(LONGEST_REQUEST_MS)));
        }
        self.failed = self.failed.saturating_add(1);
        // What was on its way when the rest began fails too, and says nothing new.
        if (self.rests > 0 || self.failed >= ALARM) && !self.rests(now) {
            let doubled = FIRST_REST_MS.saturating_mul(1 << self.rests.min(20));
            self.rest(now.plus_ms(doubled.min(LONGEST_REST_MS)));
            self.rests = self.rests.saturating_add(1);
        }
    }

    fn rest(&mut self, until: Timestamp) {
        self.until = Some(self.until.map_or(until, |known| known.max(until)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_micros(1_800_000_000_000_000);

    fn fail(health: &mut Health, times: u32, now: Timestamp) {
        for _ in 0..times {
            health.failed(Trouble::Channel, None, now);
        }
    }

    #[test]
    fn rests_after_eight_failures_in_a_row_and_longer_each_time() {
        let mut health = Health::default();
        fail(&mut health, 7, NOW);
        health.succeeded();
        fail(&mut health, 7, NOW);
        assert!(!health.rests(NOW) && health.at_once(64) == 64);
        fail(&mut health, 50, NOW);
        let mut now = NOW;
        for rest in [1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000] {
            assert_eq!(health.rest_end(now), Some(now.plus_ms(rest)));
            now = now.plus_ms(rest);
            assert!(!health.rests(now));
            assert_eq!(health.at_once(64), 1, "one goes ahead");
            fail(&mut health, 1, now);
        }
        health.succeeded();
        assert_eq!(health.at_once(64), 64);
    }

    #[test]
    fn rests_as_long_as_the_receiver_asks_within_reason() {
        let mut health = Health::default();
        health.failed(Trouble::Channel, Some(3_000), NOW);
        health.failed(Trouble::Channel, Some(1_000), NOW);
        health.succeeded();
        assert_eq!(health.rest_end(NOW), Some(NOW.plus_ms(3_000)));
        health.failed(Trouble::Channel, Some(i64::MAX), NOW);
        assert_eq!(health.rest_end(NOW), Some(NOW.plus_ms(900_000)));
    }

    #[test]
    fn is_not_alarmed_by_messages_that_are_not_taken() {
        let mut health = Health::default();
        for _ in 0..100 {
            health.failed(Trouble::Message, Some(60_000), NOW);
        }
        assert_eq!(health, Health::default());
    }
}
