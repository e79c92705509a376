//! Whether a channel as a whole is well. A receiver that answers nobody, or asks for a pause, is left alone for a while
//! and then tried with one delivery, instead of failing every customer's.

use cashpoint_core::time::Timestamp;

/// Failures of the channel in a row after which it rests, if nothing arrived …
const ALARM: u32 = 8;

/// … for so long: a receiver that takes one of four is not to be treated like one that is gone.
const SILENCE_MS: i64 = 1_000;

/// Failures in a row after which it rests again.
const ALARM_AGAIN: u32 = 4;

/// The first rest; each one after it without a success is twice as long.
const FIRST_REST_MS: i64 = 1_000;

/// The longest rest that failures alone bring.
const LONGEST_REST_MS: i64 = 30_000;

/// The longest rest that a receiver can ask for.
const LONGEST_REQUEST_MS: i64 = 15 * 60_000;

/// What a failed delivery says of the channel.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Trouble {
    /// The receiver is away, slow or overwhelmed: others would fare no better.
    Channel,
    /// Only this message was not taken; the receiver is there.
    Message,
}

/// How a channel fares.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Health {
    /// Failures in a row, and when the first of them was.
    failed: u32,
    since: Option<Timestamp>,
    /// Rests in a row that failures brought.
    rests: u32,
    until: Option<Timestamp>,
    /// It rested, and nothing has arrived since.
    cautious: bool,
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
        if self.cautious { 1 } else { usually }
    }

    /// The receiver is there.
    pub(super) fn answered(&mut self) {
        *self = Self { until: self.until, ..Self::default() };
    }

    /// A delivery failed; the receiver may have asked for a pause.
    pub(super) fn failed(&mut self, trouble: Trouble, after_ms: Option<i64>, now: Timestamp) {
        match trouble {
            Trouble::Message => return self.answered(),
            Trouble::Channel => {}
        }
        if let Some(after) = after_ms {
            self.rest(now.plus_ms(after.min(LONGEST_REQUEST_MS)));
        }
        // What was on its way when the rest began fails too, and says nothing new.
        if self.rests(now) {
            return;
        }
        self.failed = self.failed.saturating_add(1);
        let silent_ms = now.since_ms(*self.since.get_or_insert(now));
        let alarm = if self.rests > 0 { ALARM_AGAIN } else { ALARM };
        if self.failed >= alarm && silent_ms >= SILENCE_MS {
            self.failed = 0;
            let doubled = FIRST_REST_MS.saturating_mul(1 << self.rests.min(20));
            self.rest(now.plus_ms(doubled.min(LONGEST_REST_MS)));
            self.rests = self.rests.saturating_add(1);
        }
    }

    fn rest(&mut self, until: Timestamp) {
        self.until = Some(self.until.map_or(until, |known| known.max(until)));
        self.cautious = true;
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
    fn rests_after_a_second_of_failures_and_longer_each_time() {
        let mut health = Health::default();
        fail(&mut health, 7, NOW);
        health.answered();
        fail(&mut health, 50, NOW);
        fail(&mut health, 50, NOW.plus_ms(999));
        assert!(!health.rests(NOW.plus_ms(999)) && health.at_once(64) == 64);
        let mut now = NOW.plus_ms(1_000);
        fail(&mut health, 50, now);
        for rest in [1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000] {
            assert_eq!(health.rest_end(now), Some(now.plus_ms(rest)));
            now = now.plus_ms(rest);
            assert!(!health.rests(now));
            assert_eq!(health.at_once(64), 1, "one goes ahead");
            fail(&mut health, 3, now);
            assert!(!health.rests(now));
            fail(&mut health, 1, now);
        }
        health.answered();
        assert_eq!(health.at_once(64), 64);
    }

    #[test]
    fn does_not_rest_while_something_arrives() {
        let mut health = Health::default();
        for second in 0..100 {
            fail(&mut health, 7, NOW.plus_s(second));
            health.answered();
        }
        assert!(!health.rests(NOW.plus_s(100)));
    }

    #[test]
    fn rests_as_long_as_the_receiver_asks_within_reason() {
        let mut health = Health::default();
        health.failed(Trouble::Channel, Some(3_000), NOW);
        health.failed(Trouble::Channel, Some(1_000), NOW);
        assert_eq!(health.at_once(64), 1);
        health.answered();
        assert_eq!(health.rest_end(NOW), Some(NOW.plus_ms(3_000)), "what was on its way arrived");
        health.failed(Trouble::Channel, Some(i64::MAX), NOW);
        assert_eq!(health.rest_end(NOW), Some(NOW.plus_ms(900_000)));
    }

    #[test]
    fn is_not_alarmed_by_messages_that_are_not_taken() {
        let mut health = Health::default();
        for second in 0..100 {
            health.failed(Trouble::Message, Some(60_000), NOW.plus_s(second));
        }
        assert_eq!(health, Health::default());
    }
}
