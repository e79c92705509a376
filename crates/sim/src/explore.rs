//! What an operator chooses with the policy for machines that are cut off: the same towns under each choice, and what each
//! costs and brings.

use cashpoint_core::currency::Currency;
use cashpoint_core::policy::Policy;

use crate::audit::Auditor;
use crate::series::{COMMIT, Scale};
use crate::town::profile::{Level, Limits, Partition, Profile};
use crate::town::trace::Keep;
use crate::town::{Outcome, Setup, Tally, run};

/// A choice.
#[derive(Clone, Debug)]
pub struct Choice {
    /// In words.
    pub name: &'static str,
    /// What it is.
    pub partition: Partition,
}

/// The choices that are compared, from the most careful on.
#[must_use]
pub fn choices() -> Vec<Choice> {
    let limited = |card, outage, lease| Partition::Limited(Limits { card, outage, lease });
    [
        ("refuse", Partition::Refuse),
        ("no cash, but deposits, transfers and balances", Partition::NoCash),
        ("cash, lease of 100", limited(50, 100, 100)),
        ("cash, lease of 500", limited(100, 500, 500)),
        ("cash, lease of 2,000", limited(300, 2_000, 2_000)),
        ("cash, lease of 5,000", limited(500, 5_000, 5_000)),
    ]
    .map(|(name, partition)| Choice { name, partition })
    .to_vec()
}

/// What a choice came to.
#[derive(Clone, Debug)]
pub struct Point {
    /// Which.
    pub name: &'static str,
    /// The most that one town's machines could have paid unasked, minor units.
    pub exposed: i64,
    /// What happened.
    pub tally: Tally,
}

impl Point {
    /// Customers who got what they came for in an hour at a machine, in tenths. Where machines are shut while they are cut off, people
    /// wait until the line is back, and most are served in the end: only by the time it takes does one choice compare with
    /// another.
    #[must_use]
    pub fn served_in_ten_hours(&self) -> u64 {
        let ms = u64::try_from(self.tally.machine_ms).unwrap_or(0);
        self.tally.served * 36_000_000 / ms.max(1)
    }

    /// Visits in which somebody got what they came for, in tenths of a per cent.
    #[must_use]
    pub fn served_per_mille(&self) -> u64 {
        self.tally.served * 1000 / self.tally.visits.max(1)
    }

    /// What is gone: paid to stolen cards, or charged to nobody. Minor units.
    #[must_use]
    pub fn lost(&self) -> i64 {
        self.tally.stolen + self.tally.unpaid
    }
}

/// A figure in tenths, as people write it.
#[must_use]
pub fn tenths(figure: u64) -> String {
    format!("{}.{}", figure / 10, figure % 10)
}

/// Runs the towns of these seeds under a choice, with lines that are often down and cards that are often stolen.
///
/// # Errors
/// Something must not be: in words, and how it is had again.
pub fn explore(choice: &Choice, seeds: &[u64], scale: Scale) -> Result<Point, String> {
    let Scale { machines, visits } = scale;
    let lease = match choice.partition {
        Partition::Refuse | Partition::NoCash => 0,
        Partition::Limited(limits) => i64::from(limits.lease),
    };
    let fleet = Policy::default().terminals.offline_fleet_limit.limit_in(Currency::USD).minor();
    let exposed = (lease * 100 * i64::try_from(machines).unwrap_or(0)).min(fleet);
    let mut point = Point { name: choice.name, exposed, tally: Tally::default() };
    for &seed in seeds {
        let (outages, reports) = (Level::Heavy, Level::Heavy);
        let profile = Profile { outages, reports, absent_minds: Level::Rare, ..Profile::calm(choice.partition) };
        let setup = Setup { seed, machines, visits, profile, keep: Keep::Last };
        let Outcome { violation, tally, trace, .. } = run(setup, &mut Auditor::new());
        point.tally.add(&tally);
        if let Some(violation) = violation {
            return Err(format!(
                "what was seen last, by seconds:\n{trace}\n{}: {violation}\nseed {seed}, commit {COMMIT}; again:\n  \
                 cashpoint simulate --policies --seed {seed} --seeds 1 --machines {machines} --visits {visits}",
                choice.name
            ));
        }
    }
    Ok(point)
}
