//! What the log says of an overload: that it began, now and then how much was refused, and that it is over.
//!
//! Nothing is said per request: when there is too much to do, writing lines is part of it. Who was refused, and why, is
//! not known here; the metrics count it by code.

use std::time::Duration;

use tokio::time::Instant;
use tracing::{info, warn};

use super::Counters;

/// What log lines about overloads are found by.
const TARGET: &str = "cashpoint::server";

/// Between two lines while it lasts.
const TELL_EVERY: Duration = Duration::from_secs(10);

/// It is over when nothing was refused for so long.
const CALM_AFTER: Duration = Duration::from_secs(5);

/// How much was refused so far.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
struct Totals {
    requests: u64,
    connections: u64,
}

/// An overload that goes on.
#[derive(Clone, Copy, Debug)]
struct Storm {
    began: Instant,
    before: Totals,
    told_at: Instant,
    told: Totals,
    last_at: Instant,
}

/// Something to say.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Report {
    Began,
    /// Refused since the last line.
    GoesOn(Totals),
    /// Refused from beginning to end, and how long that took.
    Over(Totals, Duration),
}

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Shedding {
    seen: Totals,
    storm: Option<Storm>,
}

impl Shedding {
    /// Looks at the counters, and says what there is to say; to be called often.
    pub(super) fn look(&mut self, counters: &Counters, now: Instant) {
        let totals = Totals { requests: counters.shed() + counters.overloaded(), connections: counters.refused() };
        match self.report(totals, now) {
            None => {}
            Some(Report::Began) => warn!(target: TARGET, "sheds: more comes in than there is room for"),
            Some(Report::GoesOn(Totals { requests, connections })) => {
                warn!(target: TARGET, requests, connections, "goes on shedding: refused since the last line");
            }
            Some(Report::Over(Totals { requests, connections }, lasted)) => {
                info!(target: TARGET, requests, connections, ?lasted, "sheds no more: refused in all");
            }
        }
    }

    fn report(&mut self, totals: Totals, now: Instant) -> Option<Report> {
        let before = std::mem::replace(&mut self.seen, totals);
        let more = totals != before;
        let Some(storm) = &mut self.storm else {
            let storm = Storm { began: now, before, told_at: now, told: before, last_at: now };
            self.storm = more.then_some(storm);
            return more.then_some(Report::Began);
        };
        if more {
            storm.last_at = now;
        } else if now - storm.last_at >= CALM_AFTER {
            let over = Report::Over(totals.since(storm.before), storm.last_at - storm.began);
            self.storm = None;
            return Some(over);
        }
        if now - storm.told_at < TELL_EVERY {
            return None;
        }
        let goes_on = Report::GoesOn(totals.since(storm.told));
        (storm.told_at, storm.told) = (now, totals);
        Some(goes_on)
    }
}

impl Totals {
    fn since(self, earlier: Self) -> Self {
        Self { requests: self.requests - earlier.requests, connections: self.connections - earlier.connections }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is said of so many refused requests, each at its second.
    fn told(looks: &[(u64, u64)]) -> Vec<(u64, Report)> {
        let (mut shedding, start) = (Shedding::default(), Instant::now());
        let look = |&(s, requests): &(u64, u64)| {
            let totals = Totals { requests, connections: 0 };
            shedding.report(totals, start + Duration::from_secs(s)).map(|report| (s, report))
        };
        looks.iter().filter_map(look).collect()
    }

    fn refused(requests: u64) -> Totals {
        Totals { requests, connections: 0 }
    }

    #[test]
    fn it_says_nothing_while_nothing_is_refused() {
        assert_eq!(told(&[(0, 0), (100, 0), (10_000, 0)]), []);
    }

    #[test]
    fn it_tells_the_beginning_the_course_and_the_end_and_no_more() {
        let storm: Vec<_> = (0..=25).map(|s| (s, s * 1_000)).chain((26..60).map(|s| (s, 25_000))).collect();
        let expected = [
            (1, Report::Began),
            (11, Report::GoesOn(refused(11_000))),
            (21, Report::GoesOn(refused(10_000))),
            (30, Report::Over(refused(25_000), Duration::from_secs(24))),
        ];
        assert_eq!(told(&storm), expected);
    }

    #[test]
    fn it_takes_one_that_pauses_for_one_and_one_that_comes_back_for_another() {
        let looks = [(0, 0), (1, 5), (5, 5), (6, 6), (10, 6), (11, 6), (100, 7), (105, 7)];
        let expected = [
            (1, Report::Began),
            (11, Report::Over(refused(6), Duration::from_secs(5))),
            (100, Report::Began),
            (105, Report::Over(refused(1), Duration::ZERO)),
        ];
        assert_eq!(told(&looks), expected);
    }
}
