//! The timers of one terminal: at most one of each name, each with its deadline.

use std::collections::BTreeMap;
use std::time::Duration;

use cashpoint_core::terminal::Timer;
use cashpoint_core::time::Timestamp;

/// Timers that run.
#[derive(Debug, Default)]
pub struct Timers {
    running: BTreeMap<Timer, Timestamp>,
}

impl Timers {
    /// Sets one, in place of an earlier one of the same name.
    pub fn set(&mut self, timer: Timer, at: Timestamp) {
        self.running.insert(timer, at);
    }

    /// Stops one.
    pub fn stop(&mut self, timer: Timer) {
        self.running.remove(&timer);
    }

    /// Takes one that is due, the earliest first.
    pub fn due(&mut self, now: Timestamp) -> Option<Timer> {
        let (at, timer) = self.running.iter().map(|(timer, at)| (*at, *timer)).min()?;
        if at > now {
            return None;
        }
        self.running.remove(&timer);
        Some(timer)
    }

    /// How long until the next is due; none if none runs.
    #[must_use]
    pub fn wait(&self, now: Timestamp) -> Option<Duration> {
        let at = self.running.values().min()?;
        let micros = at.micros().saturating_sub(now.micros());
        Some(Duration::from_micros(u64::try_from(micros).unwrap_or(0)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gives_the_earliest_due_one_once() {
        let at = |ms| Timestamp::EPOCH.plus_ms(ms);
        let mut timers = Timers::default();
        timers.set(Timer::Customer, at(30));
        timers.set(Timer::Taking, at(10));
        timers.set(Timer::Taking, at(20));
        timers.set(Timer::Retry, at(5));
        timers.stop(Timer::Retry);
        assert_eq!(timers.wait(at(0)), Some(Duration::from_millis(20)));
        assert_eq!(timers.due(at(19)), None);
        assert_eq!(timers.due(at(40)), Some(Timer::Taking));
        assert_eq!(timers.wait(at(40)), Some(Duration::ZERO));
        assert_eq!(timers.due(at(40)), Some(Timer::Customer));
        assert_eq!((timers.due(at(99)), timers.wait(at(99))), (None, None));
    }
}
