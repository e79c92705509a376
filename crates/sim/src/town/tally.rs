//! What is counted of a town.

use super::gauge::Course;
use super::host::Customer;
use super::sometimes::Sometimes;
use crate::audit::rows::{CaseState, Rows};
use crate::audit::seen::{Power, Seen, Sight};
use crate::network::Network;

/// What was counted.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Tally {
    /// Visits.
    pub visits: u64,
    /// Those in which somebody got what they came for.
    pub served: u64,
    /// Cash that was paid without asking the host, minor units …
    pub offline: i64,
    /// … of this, by cards that had been reported stolen …
    pub stolen: i64,
    /// … and what no account could be charged with: customers' accounts below zero, and open cases about it.
    pub unpaid: i64,
    /// Messages that the host answered.
    pub messages: u64,
    /// Time that passed at all machines together, milliseconds.
    pub machine_ms: i64,
    /// Notes that people took, and laid in.
    pub notes: [u64; 2],
    /// Cases that were open in the end.
    pub cases: u64,
    /// Faults that were begun: lines, devices, processes, journals, clocks, power.
    pub faults: u64,
    /// How it stood, minute by minute.
    pub course: Course,
    /// Interesting situations.
    pub sometimes: Sometimes,
}

impl Tally {
    /// Adds another run's.
    pub fn add(&mut self, other: &Self) {
        self.visits += other.visits;
        self.served += other.served;
        self.offline += other.offline;
        self.stolen += other.stolen;
        self.unpaid += other.unpaid;
        self.messages += other.messages;
        self.machine_ms += other.machine_ms;
        self.notes = [self.notes[0] + other.notes[0], self.notes[1] + other.notes[1]];
        self.cases += other.cases;
        self.faults += other.faults;
        self.course.add(&other.course);
        self.sometimes.add(&other.sometimes);
    }

    /// What is on record in the end.
    pub(super) fn take_stock(&mut self, rows: &Rows, people: &[Customer]) {
        for case in rows.cases.iter().filter(|case| case.state == CaseState::Open) {
            self.cases += 1;
            let uncharged = matches!(case.matter.as_str(), "withdrawal_unclaimed" | "withdrawal_unclear");
            self.unpaid += if uncharged { case.amount } else { 0 };
        }
        let theirs = people.iter().flat_map(|person| person.accounts);
        let balances = theirs.filter_map(|(account, _)| rows.balances.get(&account.to_string()));
        let below: i64 = balances.map(|balance| (-balance).max(0)).sum();
        self.unpaid += below;
        if below > 0 {
            self.sometimes.reach("account below zero");
        }
    }

    pub(super) fn note(&mut self, sight: &Sight) {
        let count = |notes: &[(i64, u32)]| notes.iter().map(|(_, count)| u64::from(*count)).sum::<u64>();
        self.sometimes.note(sight);
        self.faults += u64::from(is_fault(&sight.what));
        if let Seen::Taken(notes) = &sight.what {
            self.notes[0] += count(notes);
        } else if let Seen::PutIn(notes) = &sight.what {
            self.notes[1] += count(notes);
        } else if let Seen::Answered { .. } = sight.what {
            self.messages += 1;
        } else if let Seen::Entered { .. } | Seen::TurnedAway = sight.what {
            self.visits += 1;
        }
    }
}

fn is_fault(what: &Seen) -> bool {
    match what {
        Seen::Line(network) => *network != Network::Up,
        Seen::ClockSet(ms) => *ms != 0,
        Seen::Power(power) => *power == Power::Off,
        Seen::Armed(_) | Seen::JournalFails(_) | Seen::CommitFailed(_) | Seen::Died => true,
        Seen::Opened { .. }
        | Seen::Ruled(_)
        | Seen::Loaded(_)
        | Seen::Fetched(_)
        | Seen::Stolen(_)
        | Seen::Secret(_)
        | Seen::Fed(_)
        | Seen::Command(_)
        | Seen::PinComparable
        | Seen::Wrote(..)
        | Seen::Heard(_)
        | Seen::Posted(_)
        | Seen::Reopened(_)
        | Seen::Ordered(_)
        | Seen::Replenished { .. }
        | Seen::Entered { .. }
        | Seen::Left
        | Seen::TurnedAway
        | Seen::Taken(_)
        | Seen::PutIn(_)
        | Seen::GivenBack(_)
        | Seen::Shown(_)
        | Seen::CardIn
        | Seen::CardOut
        | Seen::CardKept
        | Seen::Told(_)
        | Seen::Answered { .. }
        | Seen::Repeated { .. }
        | Seen::Reported { .. }
        | Seen::Unblocked(_)
        | Seen::Resolved { .. }
        | Seen::Closed(_)
        | Seen::Altered { .. }
        | Seen::Staff(_)
        | Seen::Counted(..)
        | Seen::Began
        | Seen::Disk(_)
        | Seen::Healed => false,
    }
}
