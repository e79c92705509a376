//! What really happened in visits: what staff find out when they look into a case.
//!
//! A case names a machine, an account and perhaps an operation, not a visit. Where more than one visit may be meant nobody
//! knows, and the case stays open.

use std::collections::BTreeMap;

use cashpoint_core::case::{Case, Matter};
use cashpoint_core::id::{AccountNumber, CaseId, MachineId};
use cashpoint_core::mix::Notes;
use cashpoint_core::terminal::link::{AdviceKind, OperationId, Reply, Request};
use cashpoint_core::terminal::screen::{Finished, Screen, Sorry};

use crate::audit::seen::{Holder, Seen, Sight};
use crate::person::Wish;

/// Everything that happened.
#[derive(Debug, Default)]
pub(super) struct Truth {
    owners: BTreeMap<AccountNumber, Holder>,
    visits: Vec<Visited>,
    /// The last visit to a machine, and the last of each customer to each.
    last: BTreeMap<MachineId, usize>,
    last_of: BTreeMap<(MachineId, Holder), usize>,
    approvals: BTreeMap<(MachineId, OperationId), usize>,
    /// Cases about approvals, and in which visit those were.
    cases: BTreeMap<CaseId, usize>,
}

/// A visit.
#[derive(Debug)]
struct Visited {
    machine: MachineId,
    holder: Holder,
    kind: Kind,
    /// Minor units that went into the customer's hands …
    taken: i64,
    /// … and that stayed in the machine.
    kept: i64,
    end: End,
}

/// What somebody came for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kind {
    Cash,
    Notes,
    Other,
}

/// What the customer knows of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum End {
    /// Nothing was said.
    Open,
    /// Nobody knows.
    Doubtful,
    /// It was said how it stands.
    Told,
}

impl Truth {
    pub(super) fn note(&mut self, sight: &Sight) {
        if let Seen::Opened { holder, account, .. } = sight.what {
            self.owners.insert(account, holder);
        }
        let Some(machine) = sight.machine else { return };
        if let Seen::Entered { holder, wish, .. } = &sight.what {
            return self.enter(machine, *holder, wish);
        }
        if let Seen::Answered { request, reply: Ok(reply), .. } = &sight.what {
            return self.answered(machine, request, reply);
        }
        let Some(visit) = self.last.get(&machine).map(|at| &mut self.visits[*at]) else { return };
        if let Seen::Taken(notes) = &sight.what {
            visit.taken += value(notes);
        } else if let Seen::PutIn(notes) = &sight.what {
            visit.kept += value(notes);
        } else if let Seen::GivenBack(notes) = &sight.what {
            visit.kept -= value(notes);
        } else if matches!(sight.what, Seen::Died) && visit.end == End::Open {
            visit.end = End::Doubtful;
        } else if let Seen::Shown(screen) = &sight.what {
            visit.end = told(screen).unwrap_or(visit.end);
        }
    }

    fn enter(&mut self, machine: MachineId, holder: Holder, wish: &Wish) {
        let kind = match wish {
            Wish::Cash(..) => Kind::Cash,
            Wish::Deposit(..) => Kind::Notes,
            Wish::Send(..) | Wish::Balance(_) | Wish::NewPin => Kind::Other,
        };
        self.last.insert(machine, self.visits.len());
        self.last_of.insert((machine, holder), self.visits.len());
        self.visits.push(Visited { machine, holder, kind, taken: 0, kept: 0, end: End::Open });
    }

    fn answered(&mut self, machine: MachineId, request: &Request, reply: &Reply) {
        if let Request::Approve { id, account, .. } = request
            && let Some(visit) = self.owners.get(account).and_then(|holder| self.last_of.get(&(machine, *holder)))
        {
            self.approvals.entry((machine, *id)).or_insert(*visit);
        }
        if let (Request::Advice(advice), Reply::Acknowledged(done)) = (request, reply)
            && let Some(case) = done.case
            && let Some(original) = original(&advice.kind)
            && let Some(visit) = self.approvals.get(&(machine, original))
        {
            self.cases.insert(case, *visit);
        }
    }

    /// What turned out paid, or paid in, if that is certain.
    pub(super) fn of(&self, case: &Case) -> Option<i64> {
        let amount = case.amount.minor();
        match case.matter {
            Matter::Suspect(_) => self.cases.get(&case.id).map(|visit| self.visits[*visit].taken.min(amount)),
            Matter::OfflineSuspect(_) => {
                let visit = self.only(case, |visit| visit.kind == Kind::Cash && visit.end == End::Doubtful)?;
                Some(visit.taken.min(amount))
            }
            Matter::DepositUnclear => {
                let visit = self.only(case, |visit| visit.kept > 0 && visit.end != End::Told)?;
                (amount > 0).then_some(visit.kept.min(amount))
            }
            Matter::OverCeiling(_) | Matter::DepositUnclaimed(_) | Matter::WithdrawalUnclaimed(_) => Some(amount),
            Matter::WithdrawalUnclear => None,
        }
    }

    fn only(&self, case: &Case, which: impl Fn(&Visited) -> bool) -> Option<&Visited> {
        let holder = self.owners.get(&case.account)?;
        let theirs = |visit: &&Visited| visit.machine == case.machine && visit.holder == *holder && which(visit);
        let mut visits = self.visits.iter().filter(theirs);
        visits.next().filter(|_| visits.next().is_none())
    }
}

/// The approval that an advice is about.
const fn original(kind: &AdviceKind) -> Option<OperationId> {
    match kind {
        AdviceKind::Completed { original, .. }
        | AdviceKind::Reversed { original, .. }
        | AdviceKind::Suspect { original, .. } => Some(*original),
        AdviceKind::Deposited { .. }
        | AdviceKind::DepositUnclear { .. }
        | AdviceKind::OfflineWithdrawn { .. }
        | AdviceKind::StoredTransfer { .. }
        | AdviceKind::OfflineTries { .. }
        | AdviceKind::CardRetained { .. }
        | AdviceKind::Replenished { .. } => None,
    }
}

fn told(screen: &Screen) -> Option<End> {
    if let Screen::Sorry(Sorry::Checking { .. }) = screen {
        return Some(End::Doubtful);
    }
    let told = matches!(
        screen,
        Screen::Done(Finished::Withdrawal { .. } | Finished::Deposit { .. })
            | Screen::Sorry(Sorry::NotCharged { .. } | Sorry::PartlyCharged { .. } | Sorry::CardRefused { .. })
    );
    told.then_some(End::Told)
}

fn value(notes: &Notes) -> i64 {
    notes.iter().map(|(denomination, count)| denomination * i64::from(*count)).sum()
}
