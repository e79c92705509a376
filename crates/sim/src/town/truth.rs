//! What really happened in visits: what staff find out when they look into a case.
//!
//! A case comes of what a machine told of an operation, and the machine's journal has in which visit that began. Where nobody
//! was there to see that, nobody knows, and the case stays open.

use std::collections::BTreeMap;

use cashpoint_core::case::{Case, Matter};
use cashpoint_core::id::{CaseId, MachineId};
use cashpoint_core::terminal::link::{Advice, AdviceKind, OperationId, Reply, Request};
use cashpoint_core::terminal::record::{Intent, Record};
use cashpoint_core::terminal::screen::{Finished, Screen, Sorry};

use crate::audit::seen::{Seen, Sight, value};

/// Everything that happened.
#[derive(Debug, Default)]
pub(super) struct Truth {
    visits: Vec<Visited>,
    /// The last visit to a machine, and the last in which somebody laid notes in.
    last: BTreeMap<MachineId, usize>,
    laid_in: BTreeMap<MachineId, usize>,
    /// In which visit an operation began.
    operations: BTreeMap<(MachineId, OperationId), usize>,
    /// Cases about operations, and in which visit those were.
    cases: BTreeMap<CaseId, usize>,
}

/// A visit.
#[derive(Debug)]
struct Visited {
    /// Minor units that went into the customer's hands …
    taken: i64,
    /// … and that stayed in the machine.
    kept: i64,
    end: End,
    /// The customer went away.
    over: bool,
}

/// What the customer knows of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum End {
    /// Nothing was said, or that nobody knows.
    Open,
    /// It was said how it stands.
    Told,
}

impl Truth {
    pub(super) fn note(&mut self, sight: &Sight) {
        let Some(machine) = sight.machine else { return };
        if let Seen::Entered { .. } = sight.what {
            self.last.insert(machine, self.visits.len());
            return self.visits.push(Visited { taken: 0, kept: 0, end: End::Open, over: false });
        }
        if let Seen::Answered { request, reply: Ok(reply), .. } = &sight.what {
            return self.answered(machine, request, reply);
        }
        let Some(last) = self.last.get(&machine).copied() else { return };
        let visit = &mut self.visits[last];
        if let Seen::Taken(notes) = &sight.what {
            visit.taken += value(notes);
        } else if let Seen::PutIn(notes) = &sight.what {
            visit.kept += value(notes);
            self.laid_in.insert(machine, last);
        } else if let Seen::GivenBack(notes) = &sight.what {
            // Where nobody is any more, staff hand them to whoever laid them in.
            let whose = if visit.over { self.laid_in.get(&machine).copied().unwrap_or(last) } else { last };
            self.visits[whose].kept -= value(notes);
        } else if let Seen::Left = sight.what {
            visit.over = true;
        } else if let Seen::Shown(screen) = &sight.what {
            visit.end = told(screen).unwrap_or(visit.end);
        } else if let Seen::Wrote(_, record) = &sight.what
            && let Record::Intent(Intent { id, .. }) | Record::Depositing { id, .. } = **record
        {
            self.operations.entry((machine, id)).or_insert(last);
        }
    }

    fn answered(&mut self, machine: MachineId, request: &Request, reply: &Reply) {
        if let (Request::Advice(advice), Reply::Acknowledged(done)) = (request, reply)
            && let Some(case) = done.case
            && let Some(operation) = operation(advice)
            && let Some(visit) = self.operations.get(&(machine, operation))
        {
            self.cases.insert(case, *visit);
        }
    }

    /// What turned out paid, or paid in, if that is certain.
    pub(super) fn of(&self, case: &Case) -> Option<i64> {
        let amount = case.amount.minor();
        let visit = || self.cases.get(&case.id).map(|visit| &self.visits[*visit]);
        match case.matter {
            Matter::Suspect(_) | Matter::OfflineSuspect(_) => visit().map(|visit| visit.taken.min(amount)),
            Matter::DepositUnclear => {
                let kept = visit().filter(|visit| visit.kept > 0 && visit.end != End::Told)?.kept;
                (amount > 0).then_some(kept.min(amount))
            }
            Matter::OverCeiling(_)
            | Matter::DepositUnclaimed(_)
            | Matter::WithdrawalUnclaimed(_)
            | Matter::ReturnUnclaimed(_) => Some(amount),
            Matter::WithdrawalUnclear => None,
        }
    }
}

/// The withdrawal or deposit that an advice is about.
const fn operation(advice: &Advice) -> Option<OperationId> {
    match advice.kind {
        AdviceKind::Completed { original, .. }
        | AdviceKind::Reversed { original, .. }
        | AdviceKind::Suspect { original, .. } => Some(original),
        AdviceKind::DepositUnclear { .. } | AdviceKind::OfflineWithdrawn { .. } => Some(advice.id),
        AdviceKind::Deposited { .. }
        | AdviceKind::StoredTransfer { .. }
        | AdviceKind::OfflineTries { .. }
        | AdviceKind::CardRetained { .. }
        | AdviceKind::Replenished { .. } => None,
    }
}

fn told(screen: &Screen) -> Option<End> {
    if let Screen::Sorry(Sorry::Checking { .. }) = screen {
        return Some(End::Open);
    }
    let told = matches!(
        screen,
        Screen::Done(Finished::Withdrawal { .. } | Finished::Deposit { .. })
            | Screen::Sorry(Sorry::NotCharged { .. } | Sorry::PartlyCharged { .. } | Sorry::CardRefused { .. })
    );
    told.then_some(End::Told)
}

#[cfg(test)]
mod tests {
    use cashpoint_core::currency::Currency;
    use cashpoint_core::id::{AccountNumber, CardId, TransferId};
    use cashpoint_core::money::Amount;
    use cashpoint_core::terminal::Lane;
    use cashpoint_core::terminal::device::Nonce;
    use cashpoint_core::terminal::link::{Acknowledgement, Evidence, OfflineOutcome};
    use cashpoint_core::terminal::record::Leave;
    use cashpoint_core::terminal::screen::Why;
    use cashpoint_core::time::Timestamp;

    use super::*;
    use crate::person::{Takes, Wish};

    const ACCOUNT: AccountNumber = AccountNumber::new(1);
    const CARD: CardId = CardId::new(1);

    fn atm() -> MachineId {
        MachineId::parse("ATM1").unwrap()
    }

    fn see(truth: &mut Truth, what: Seen) {
        truth.note(&Sight { at: Timestamp::EPOCH, machine: Some(atm()), what });
    }

    /// A customer asks for cash, has so much of it, and is told something.
    fn withdraw(truth: &mut Truth, id: u128, taken: u32, told: Sorry) {
        let amount = Amount::new(20_00, Currency::USD);
        let wish = Wish::Cash(ACCOUNT, amount);
        see(truth, Seen::Entered { holder: 0, wish, cash: Takes::All });
        let (reference, notes, leave) = ([0; 32], vec![1], Leave::Lease { nonce: Nonce([1; 16]) });
        let intent = Intent { id: OperationId(id), card: CARD, reference, account: ACCOUNT, amount, notes, leave };
        see(truth, Seen::Wrote(1, Box::new(Record::Intent(intent))));
        see(truth, Seen::Taken(vec![(20_00, taken)]));
        see(truth, Seen::Shown(Screen::Sorry(told)));
        see(truth, Seen::Left);
    }

    #[test]
    fn a_case_is_about_the_visit_of_its_operation() {
        let (mut truth, id, case) = (Truth::default(), OperationId(2), CaseId::new(1));
        withdraw(&mut truth, 1, 1, Sorry::Checking { reference: OperationId(1) });
        withdraw(&mut truth, 2, 0, Sorry::NotCharged { why: Why::Machine, reference: Some(id) });
        let (amount, evidence) = (Amount::new(20_00, Currency::USD), Evidence::default());
        let (card, account, lease, outcome) = (CARD, ACCOUNT, Nonce([1; 16]), OfflineOutcome::Suspect);
        let kind = AdviceKind::OfflineWithdrawn { card, account, amount, lease, outcome, evidence };
        let advice = Advice { id, at: Timestamp::EPOCH, kind, nonce: None };
        let request = Box::new(Request::Advice(Box::new(advice)));
        let done = Acknowledgement { case: Some(case), declined: None, lease: None };
        let reply = Ok(Reply::Acknowledged(Box::new(done)));
        see(&mut truth, Seen::Answered { lane: Lane::Advice, request, reply });
        let case = Case {
            id: case,
            matter: Matter::OfflineSuspect(TransferId::new(1)),
            machine: atm(),
            amount,
            account,
            card: Some(card),
            opened: None,
            evidence: String::new(),
            short: 0,
            resolved: None,
        };
        assert_eq!(truth.of(&case), Some(0), "the other visit's notes are no evidence");
        assert_eq!(truth.of(&Case { id: CaseId::new(2), ..case }), None, "nobody told of it");
    }
}
