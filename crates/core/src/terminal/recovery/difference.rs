//! Two readings of a dispenser's counters, and what moved between them.

use std::collections::BTreeMap;

use crate::mix::Notes;
use crate::terminal::device::{Accuracy, CassetteCounters, Counters};
use crate::terminal::link::Movement;

/// Notes that moved since the first reading.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Difference {
    /// Left each cassette.
    pub(super) out: Vec<u32>,
    /// … and came within reach.
    pub(super) presented: Vec<u32>,
    /// … and went to the reject bin.
    pub(super) rejected: Vec<u32>,
    /// … and went nobody knows where.
    pub(super) unknown: Vec<u32>,
    /// Arrived in the reject bin, by denomination.
    pub(super) reject_bin: BTreeMap<i64, u32>,
    /// Arrived in the retract bin and were counted, by denomination.
    pub(super) retract_bin: BTreeMap<i64, u32>,
    /// How often something was retracted.
    pub(super) retract_operations: u32,
    denominations: Vec<i64>,
    accurate: Vec<bool>,
}

impl Difference {
    /// What moved; `None` if the readings are not of the same cassettes and fillings, or a counter ran backwards.
    pub(super) fn between(before: &Counters, now: &Counters) -> Option<Self> {
        if before.cassettes.len() != now.cassettes.len() {
            return None;
        }
        let pairs = || before.cassettes.iter().zip(&now.cassettes);
        let same = |(before, now): (&CassetteCounters, &CassetteCounters)| {
            (before.denomination, before.currency, before.initial) == (now.denomination, now.currency, now.initial)
        };
        if !pairs().all(same) {
            return None;
        }
        let grown = |count: fn(&CassetteCounters) -> u32| -> Option<Vec<u32>> {
            pairs().map(|(before, now)| count(now).checked_sub(count(before))).collect()
        };
        let accurate = |(before, now): (&CassetteCounters, &CassetteCounters)| {
            (before.accuracy, now.accuracy) == (Accuracy::Accurate, Accuracy::Accurate)
        };
        Some(Self {
            out: grown(|cassette| cassette.out)?,
            presented: grown(|cassette| cassette.presented)?,
            rejected: grown(|cassette| cassette.rejected)?,
            unknown: grown(|cassette| cassette.unknown)?,
            reject_bin: arrived(&before.rejected, &now.rejected)?,
            retract_bin: arrived(&before.retracted, &now.retracted)?,
            retract_operations: now.retract_operations.checked_sub(before.retract_operations)?,
            denominations: now.cassettes.iter().map(|cassette| cassette.denomination).collect(),
            accurate: pairs().map(accurate).collect(),
        })
    }

    /// Whether every cassette that was to give notes, or gave any, counted right before and does so now.
    pub(super) fn is_accurate(&self, wanted: &[u32]) -> bool {
        let concerned = |place: usize| wanted.get(place).is_some_and(|notes| *notes > 0) || self.out[place] > 0;
        self.accurate.iter().enumerate().all(|(place, accurate)| *accurate || !concerned(place))
    }

    /// Whether no note left a cassette, arrived in a bin, or changed its place.
    pub(super) fn is_nothing(&self) -> bool {
        let counts = [&self.out, &self.presented, &self.rejected, &self.unknown];
        counts.into_iter().flatten().all(|notes| *notes == 0)
            && self.reject_bin.is_empty()
            && self.retract_bin.is_empty()
            && self.retract_operations == 0
    }

    /// Whether every note that left a cassette is presented, rejected or unknown, and the reject bin got the rejected.
    pub(super) fn is_balanced(&self) -> bool {
        let places = self.presented.iter().zip(&self.rejected).zip(&self.unknown);
        let told = places.map(|((presented, rejected), unknown)| [presented, rejected, unknown]);
        let sum = |counts: [&u32; 3]| counts.into_iter().map(|notes| u64::from(*notes)).sum::<u64>();
        let all = self.out.iter().zip(told).all(|(out, counts)| u64::from(*out) == sum(counts));
        all && self.reject_bin == self.tally(&self.rejected)
    }

    /// Whether no more notes came back than were presented, by denomination.
    pub(super) fn came_back_as_presented(&self) -> bool {
        let presented = self.tally(&self.presented);
        self.retract_bin.iter().all(|(value, notes)| presented.get(value).is_some_and(|most| notes <= most))
    }

    /// What was presented, minor units.
    pub(super) fn presented_value(&self) -> i64 {
        value(&self.tally(&self.presented))
    }

    /// Where the notes went.
    pub(super) fn movement(&self) -> Movement {
        Movement { dispensed: self.out.clone(), rejected: value(&self.reject_bin), retracted: value(&self.retract_bin) }
    }

    /// Notes by position as notes by denomination, none with a count of zero.
    fn tally(&self, notes: &[u32]) -> BTreeMap<i64, u32> {
        by_denomination(&self.denominations.iter().copied().zip(notes.iter().copied()).collect())
    }
}

/// Notes by denomination, each once and none with a count of zero: two lists of the same notes become equal.
pub(super) fn by_denomination(notes: &Notes) -> BTreeMap<i64, u32> {
    let mut tally = BTreeMap::<i64, u32>::new();
    for (value, count) in notes.iter().filter(|(_, count)| *count > 0) {
        let sum = tally.entry(*value).or_default();
        *sum = sum.saturating_add(*count);
    }
    tally
}

/// What arrived in a bin; `None` if something left it.
fn arrived(before: &Notes, now: &Notes) -> Option<BTreeMap<i64, u32>> {
    let (before, mut arrived) = (by_denomination(before), by_denomination(now));
    for (value, count) in before {
        let now = arrived.get_mut(&value)?;
        *now = now.checked_sub(count)?;
    }
    arrived.retain(|_, count| *count > 0);
    Some(arrived)
}

fn value(notes: &BTreeMap<i64, u32>) -> i64 {
    notes.iter().map(|(value, count)| value.saturating_mul(i64::from(*count))).fold(0, i64::saturating_add)
}
