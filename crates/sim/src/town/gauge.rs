//! How a town stands, minute by minute: machines that serve, and money that nobody is sure of yet. Told by what crosses the
//! outside, like everything that is judged.

use std::collections::BTreeMap;

use cashpoint_core::id::{CaseId, MachineId};
use cashpoint_core::terminal::link::{AdviceKind, OperationId, Reply, Request};
use cashpoint_core::terminal::screen::{Finished, Screen};

use crate::audit::seen::{Seen, Sight};

/// Towns in one minute of their time, added up. Money in minor units.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Minute {
    /// Machines.
    pub machines: u64,
    /// Those that serve.
    pub serving: u64,
    /// Approved, and nobody has told what became of it.
    pub in_flight: i64,
    /// Paid without asking, and the bank has not heard of it.
    pub unasked: i64,
    /// What open cases are about.
    pub cases: i64,
}

/// One minute after the other, from the beginning.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Course(pub Vec<Minute>);

impl Course {
    /// Adds another run's, minute by minute.
    pub fn add(&mut self, other: &Self) {
        let longer = self.0.len().max(other.0.len());
        self.0.resize(longer, Minute::default());
        for (sum, more) in self.0.iter_mut().zip(&other.0) {
            sum.machines += more.machines;
            sum.serving += more.serving;
            sum.in_flight += more.in_flight;
            sum.unasked += more.unasked;
            sum.cases += more.cases;
        }
    }
}

/// What is open now.
#[derive(Debug, Default)]
pub(super) struct Gauge {
    approved: BTreeMap<(MachineId, OperationId), i64>,
    unasked: BTreeMap<MachineId, i64>,
    cases: BTreeMap<CaseId, i64>,
    pub(super) course: Course,
}

impl Gauge {
    pub(super) fn note(&mut self, sight: &Sight) {
        if let Seen::Resolved { case, .. } = &sight.what {
            self.cases.remove(&case.id);
        }
        let Some(machine) = sight.machine else { return };
        if let Seen::Shown(Screen::Done(Finished::Withdrawal { amount, transaction: None, .. })) = &sight.what {
            *self.unasked.entry(machine).or_default() += amount.minor();
        } else if let Seen::Answered { request, reply: Ok(reply), .. } = &sight.what {
            self.answered(machine, request, reply);
        }
    }

    fn answered(&mut self, machine: MachineId, request: &Request, reply: &Reply) {
        match (request, reply) {
            (Request::Approve { id, amount, .. }, Reply::Approved(_)) => {
                self.approved.insert((machine, *id), amount.minor());
            }
            (Request::Advice(advice), Reply::Acknowledged(done)) => {
                let about = self.told(machine, &advice.kind);
                if let Some(case) = done.case {
                    self.cases.insert(case, about);
                }
            }
            (_, _) => {}
        }
    }

    /// What an advice is about; what it settles is no longer open.
    fn told(&mut self, machine: MachineId, kind: &AdviceKind) -> i64 {
        match kind {
            AdviceKind::Completed { original, .. }
            | AdviceKind::Reversed { original, .. }
            | AdviceKind::Suspect { original, .. } => self.approved.remove(&(machine, *original)).unwrap_or(0),
            AdviceKind::OfflineWithdrawn { amount, .. } => {
                let unasked = self.unasked.entry(machine).or_default();
                *unasked = (*unasked - amount.minor()).max(0);
                amount.minor()
            }
            AdviceKind::Deposited { amount, .. } | AdviceKind::DepositUnclear { amount, .. } => amount.minor(),
            AdviceKind::StoredTransfer { .. }
            | AdviceKind::OfflineTries { .. }
            | AdviceKind::CardRetained { .. }
            | AdviceKind::Replenished { .. } => 0,
        }
    }

    /// A minute is over.
    pub(super) fn minute(&mut self, machines: u64, serving: u64) {
        let (in_flight, unasked) = (self.approved.values().sum(), self.unasked.values().sum());
        self.course.0.push(Minute { machines, serving, in_flight, unasked, cases: self.cases.values().sum() });
    }
}
