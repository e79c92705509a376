//! The auditor's own books: notes and promises, as people at the machines saw them.

use std::collections::{BTreeMap, BTreeSet};

use cashpoint_core::case::{Case, Matter};
use cashpoint_core::id::{AccountNumber, MachineId, SessionId};
use cashpoint_core::ledger::TransferKind;
use cashpoint_core::mix::Notes;
use cashpoint_core::terminal::link::{AdviceKind, OperationId, Reply, Request};
use cashpoint_core::terminal::screen::{Finished, Screen, Sorry};
use cashpoint_devices::model::Place;

use super::rows::Posted;
use super::seen::{Holder, Seen, Sight, value};
use crate::person::{Takes, Wish};

/// Everything that was seen, added up. Minor units throughout.
#[derive(Default)]
pub(super) struct Account {
    pub(super) holders: BTreeMap<Holder, Customer>,
    pub(super) machines: BTreeMap<MachineId, Machine>,
    /// Whose an account is.
    owners: BTreeMap<AccountNumber, Holder>,
    pub(super) closed: BTreeSet<AccountNumber>,
    /// Transfers that were carried out, and how many of each kind.
    counted: BTreeSet<(MachineId, OperationId)>,
    said: BTreeMap<Sent, usize>,
    /// Transfers of which the host could not say whether they were: the ledger says it in the end.
    unheard: BTreeMap<(MachineId, OperationId), Sent>,
}

/// A transfer: from which account, to which, how much.
type Sent = (AccountNumber, AccountNumber, i64);

/// A customer.
#[derive(Default)]
pub(super) struct Customer {
    pub(super) accounts: Vec<AccountNumber>,
    pub(super) opening: i64,
    pub(super) flow: Flow,
    /// What came and went without notes: from and to others' accounts, over the counter, as what is owed.
    pub(super) aside: i64,
}

/// A machine.
#[derive(Default)]
pub(super) struct Machine {
    pub(super) loaded: i64,
    /// How many notes of each denomination must lie in it, or be in staff's hands.
    pub(super) due: BTreeMap<i64, i64>,
    /// What was counted where, last.
    pub(super) counted: BTreeMap<Place, Notes>,
    /// What staff took out …
    pub(super) fetched: i64,
    /// … and what of it nobody told, since the last count was posted.
    pub(super) stolen: i64,
    /// What staff said since then that suspects had paid: nobody knows which notes those were, so the books have them until
    /// the machine is counted.
    pub(super) judged: i64,
    pub(super) flow: Flow,
    /// Who is there, or was there last.
    pub(super) visit: Option<Visit>,
    /// Who laid notes in last and is gone, and what of it nobody said to be a deposit.
    left: Option<(Holder, i64)>,
}

/// What went over the counter.
#[derive(Clone, Copy, Default, Debug)]
pub(super) struct Flow {
    /// Notes of the bank's that people have.
    pub(super) taken: i64,
    /// Notes that people laid in and do not have back.
    pub(super) kept: i64,
    /// … of these, where nobody said that they are taken as a deposit: they may lie anywhere in the machine.
    pub(super) unclaimed: i64,
}

/// A visit so far.
pub(super) struct Visit {
    pub(super) holder: Holder,
    pub(super) wish: Wish,
    pub(super) cash: Takes,
    pub(super) flow: Flow,
    /// What the customer was told last of their money.
    pub(super) told: Option<Told>,
    /// The sessions that the host began for them.
    sessions: BTreeSet<SessionId>,
    /// What the host said that it sent for them, while they were there.
    pub(super) sent: i64,
    pub(super) over: bool,
}

/// What a screen says of a customer's money.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Told {
    /// Cash was paid.
    Paid(i64),
    /// Notes were taken.
    Deposited(i64),
    /// Only so much is charged.
    Partly(i64),
    /// Nothing is.
    Nothing,
    /// Money was sent, or will be.
    Sent,
    /// It is being checked.
    Checking,
}

impl Visit {
    const fn new(holder: Holder, wish: Wish, cash: Takes) -> Self {
        let flow = Flow { taken: 0, kept: 0, unclaimed: 0 };
        Self { holder, wish, cash, flow, told: None, sessions: BTreeSet::new(), sent: 0, over: false }
    }

    /// The host answers. What arrives late may be from somebody who was here before: a transfer is this customer's if its
    /// session is.
    fn hear(&mut self, request: &Request, reply: &Reply) {
        if let Reply::LoggedIn(begun) = reply {
            self.sessions.insert(begun.session);
        } else if let (Request::Transfer { session, amount, .. }, Reply::Transferred(_)) = (request, reply)
            && self.sessions.contains(session)
        {
            self.sent = amount.minor();
        }
    }
}

impl Machine {
    /// Notes come and go.
    fn count(&mut self, what: &Seen) {
        if let Seen::Counted(place, notes) = what {
            self.counted.insert(*place, notes.clone());
        }
        let (notes, way) = if let Seen::Loaded(notes) | Seen::PutIn(notes) = what {
            (notes, 1)
        } else if let Seen::Taken(notes) | Seen::GivenBack(notes) = what {
            (notes, -1)
        } else {
            return;
        };
        for (denomination, count) in notes {
            *self.due.entry(*denomination).or_default() += way * i64::from(*count);
        }
    }
}

impl Account {
    pub(super) fn note(&mut self, sight: &Sight) {
        if let Seen::Opened { holder, account, balance, .. } = sight.what {
            let customer = self.holders.entry(holder).or_default();
            customer.accounts.push(account);
            customer.opening += balance;
            self.owners.insert(account, holder);
            return;
        }
        if let Seen::Closed(account) = sight.what {
            self.closed.insert(account);
        }
        if let Some(id) = sight.machine {
            self.note_at(id, &sight.what);
        }
    }

    fn note_at(&mut self, id: MachineId, what: &Seen) {
        let machine = self.machines.entry(id).or_default();
        machine.count(what);
        match what {
            Seen::Loaded(notes) => machine.loaded += value(notes),
            Seen::Fetched(notes) => machine.fetched += value(notes),
            Seen::Stolen(notes) => machine.stolen += value(notes),
            Seen::Replenished { .. } => (machine.stolen, machine.judged) = (0, 0),
            Seen::Resolved { case, paid } => self.resolved(case, *paid),
            Seen::Entered { holder, wish, cash } => {
                machine.visit = Some(Visit::new(*holder, wish.clone(), *cash));
            }
            Seen::Left => self.end_visit(id),
            Seen::Taken(notes) => self.flows(id, |flow| flow.taken += value(notes)),
            Seen::PutIn(notes) => self.flows(id, |flow| flow.kept += value(notes)),
            Seen::GivenBack(notes) => self.give_back(id, value(notes)),
            Seen::Shown(screen) => {
                if let (Some(told), Some(visit)) = (told(screen), &mut machine.visit) {
                    visit.told = Some(told);
                }
            }
            Seen::Answered { request, reply: Ok(reply), .. } => self.count_moved(id, request, reply),
            Seen::Answered { request, reply: Err(_), .. } => self.leave_open(id, request),
            Seen::Opened { .. }
            | Seen::TurnedAway
            | Seen::Ruled(_)
            | Seen::Secret(_)
            | Seen::Fed(_)
            | Seen::Command(_)
            | Seen::PinComparable
            | Seen::Wrote(..)
            | Seen::Heard(_)
            | Seen::Posted(_)
            | Seen::Reopened(_)
            | Seen::Ordered(_)
            | Seen::Unblocked(_)
            | Seen::Closed(_)
            | Seen::Altered { .. }
            | Seen::Power(_)
            | Seen::CardIn
            | Seen::CardOut
            | Seen::CardKept
            | Seen::Told(_)
            | Seen::Repeated { .. }
            | Seen::Reported { .. }
            | Seen::Staff(_)
            | Seen::Counted(..)
            | Seen::Died
            | Seen::Began
            | Seen::Line(_)
            | Seen::Armed(_)
            | Seen::JournalFails(_)
            | Seen::Disk(_)
            | Seen::CommitFailed(_)
            | Seen::ClockSet(_)
            | Seen::Healed => {}
        }
    }

    /// Staff said what became of a case: where no account took it, it went over the counter, or is owed.
    fn resolved(&mut self, case: &Case, paid: i64) {
        let over_counter = match case.matter {
            Matter::DepositUnclaimed(_) | Matter::ReturnUnclaimed(_) => true,
            Matter::DepositUnclear | Matter::OverCeiling(_) => self.closed.contains(&case.account),
            Matter::WithdrawalUnclaimed(_) | Matter::WithdrawalUnclear => {
                return self.moves(case.account, paid);
            }
            Matter::Suspect(_) | Matter::OfflineSuspect(_) => {
                self.machines.entry(case.machine).or_default().judged += paid;
                false
            }
        };
        if over_counter {
            self.moves(case.account, -paid);
        }
    }

    fn flows(&mut self, id: MachineId, change: impl Fn(&mut Flow)) {
        let machine = self.machines.entry(id).or_default();
        change(&mut machine.flow);
        if let Some(visit) = &mut machine.visit {
            change(&mut visit.flow);
            change(&mut self.holders.entry(visit.holder).or_default().flow);
        }
    }

    fn end_visit(&mut self, id: MachineId) {
        let machine = self.machines.entry(id).or_default();
        let Some(visit) = machine.visit.as_mut() else { return };
        visit.over = true;
        let claimed = matches!(visit.told, Some(Told::Deposited(_)));
        let unclaimed = if claimed { 0 } else { visit.flow.kept };
        if visit.flow.kept > 0 {
            machine.left = Some((visit.holder, unclaimed));
        }
        self.flows(id, |flow| flow.unclaimed += unclaimed);
    }

    /// Notes that were laid in come back, into the hands of whoever is there. Once nobody is, staff hand them to who laid
    /// them in, however many were there since; then they lie nowhere in the machine any more.
    fn give_back(&mut self, id: MachineId, value: i64) {
        let machine = self.machines.entry(id).or_default();
        let gone = machine.visit.as_ref().is_none_or(|visit| visit.over);
        let Some((holder, unclaimed)) = machine.left.as_mut().filter(|_| gone) else {
            return self.flows(id, |flow| flow.kept -= value);
        };
        let found = value.min(*unclaimed);
        *unclaimed -= found;
        for flow in [&mut machine.flow, &mut self.holders.entry(*holder).or_default().flow] {
            flow.kept -= value;
            flow.unclaimed -= found;
        }
    }

    /// Money goes to an account without notes, or from it.
    fn moves(&mut self, account: AccountNumber, amount: i64) {
        if let Some(holder) = self.owners.get(&account) {
            self.holders.entry(*holder).or_default().aside += amount;
        }
    }

    /// What an answer means for accounts: once for each operation.
    fn count_moved(&mut self, machine: MachineId, request: &Request, reply: &Reply) {
        let moved = match (request, reply) {
            (Request::Transfer { id, source, target, amount, .. }, Reply::Transferred(_)) => {
                Some((*id, *source, *target, amount.minor()))
            }
            (Request::Advice(advice), Reply::Acknowledged(done)) if done.declined.is_none() => match advice.kind {
                AdviceKind::StoredTransfer { source, target, amount, .. } => {
                    Some((advice.id, source, target, amount.minor()))
                }
                AdviceKind::Completed { .. }
                | AdviceKind::Reversed { .. }
                | AdviceKind::Suspect { .. }
                | AdviceKind::Deposited { .. }
                | AdviceKind::DepositUnclear { .. }
                | AdviceKind::OfflineWithdrawn { .. }
                | AdviceKind::OfflineTries { .. }
                | AdviceKind::CardRetained { .. }
                | AdviceKind::Replenished { .. } => None,
            },
            (_, _) => None,
        };
        if let Some(visit) = self.machines.entry(machine).or_default().visit.as_mut().filter(|visit| !visit.over) {
            visit.hear(request, reply);
        }
        if let Some((id, source, target, amount)) = moved
            && self.counted.insert((machine, id))
        {
            *self.said.entry((source, target, amount)).or_default() += 1;
            self.unheard.remove(&(machine, id));
            self.moves(source, -amount);
            self.moves(target, amount);
        }
    }

    /// The host could not answer.
    fn leave_open(&mut self, machine: MachineId, request: &Request) {
        if let Request::Transfer { id, source, target, amount, .. } = *request
            && !self.counted.contains(&(machine, id))
        {
            self.unheard.insert((machine, id), (source, target, amount.minor()));
        }
    }

    /// What transfers brought a customer, or took, that were asked for, are in the ledger, and of which the host said nothing.
    pub(super) fn unheard(&self, holder: Holder, posted: &[Posted]) -> i64 {
        let mut asked: BTreeMap<Sent, usize> = BTreeMap::new();
        self.unheard.values().for_each(|sent| *asked.entry(*sent).or_default() += 1);
        let is = |row: &Posted, (source, target, amount): Sent| {
            let sides = (row.debit.account.customer(), row.credit.account.customer());
            row.kind == TransferKind::Transfer && sides == (Some(source), Some(target)) && row.amount == amount
        };
        let own = |account: &AccountNumber| i64::from(self.owners.get(account) == Some(&holder));
        let brought = asked.iter().map(|(sent, asked)| {
            let there = posted.iter().filter(|row| is(row, *sent)).count();
            let done = there.saturating_sub(self.said.get(sent).copied().unwrap_or(0)).min(*asked);
            let (source, target, amount) = sent;
            (own(target) - own(source)) * amount * i64::try_from(done).unwrap_or(0)
        });
        brought.sum()
    }
}

/// What a screen says of a customer's money, if it does.
fn told(screen: &Screen) -> Option<Told> {
    match screen {
        Screen::Done(Finished::Withdrawal { amount, .. }) => Some(Told::Paid(amount.minor())),
        Screen::Done(Finished::Deposit { amount, .. }) => Some(Told::Deposited(amount.minor())),
        Screen::Done(Finished::Transfer { .. }) => Some(Told::Sent),
        Screen::Sorry(Sorry::NotCharged { .. } | Sorry::CardRefused { .. }) => Some(Told::Nothing),
        Screen::Sorry(Sorry::PartlyCharged { charged, .. }) => Some(Told::Partly(charged.minor())),
        Screen::Sorry(Sorry::Checking { .. }) => Some(Told::Checking),
        Screen::Sorry(Sorry::CardKept { .. })
        | Screen::Done(Finished::PinChanged | Finished::Goodbye)
        | Screen::Welcome { .. }
        | Screen::Language
        | Screen::Pin { .. }
        | Screen::Menu { .. }
        | Screen::Account { .. }
        | Screen::Amount { .. }
        | Screen::Target { .. }
        | Screen::Confirm(_)
        | Screen::ReceiptChoice
        | Screen::InsertNotes { .. }
        | Screen::Counted { .. }
        | Screen::Wait(_)
        | Screen::Balance { .. }
        | Screen::Statement { .. }
        | Screen::TakeCard { .. }
        | Screen::TakeCash { .. }
        | Screen::TakeNotesBack
        | Screen::MoreTime
        | Screen::OutOfService { .. } => None,
    }
}

#[cfg(test)]
mod tests {
    use cashpoint_core::currency::Currency;
    use cashpoint_core::id::{CardId, TransferId};
    use cashpoint_core::money::Amount;
    use cashpoint_core::outcome::TransferReceipt;
    use cashpoint_core::secret::Pan;
    use cashpoint_core::terminal::Lane;
    use cashpoint_core::terminal::device::PinBlock;
    use cashpoint_core::terminal::link::LoggedIn;
    use cashpoint_core::time::Timestamp;

    use super::*;

    const SENT: i64 = 20_00;

    fn atm() -> MachineId {
        MachineId::parse("ATM1").unwrap()
    }

    fn see(account: &mut Account, what: Seen) {
        account.note(&Sight { at: Timestamp::EPOCH, machine: Some(atm()), what });
    }

    fn enter(account: &mut Account, holder: Holder) {
        let wish = Wish::Balance(AccountNumber::new(1));
        see(account, Seen::Entered { holder, wish, cash: Takes::All });
    }

    fn answer(account: &mut Account, request: Request, reply: Reply) {
        let (request, reply) = (Box::new(request), Ok(reply));
        see(account, Seen::Answered { lane: Lane::Online, request, reply });
    }

    fn log_in(account: &mut Account, session: SessionId) {
        let pan = Pan::parse("4000000000000002").unwrap();
        let pin = PinBlock([0; 16]);
        let (card, name, accounts) = (CardId::new(1), String::new(), Vec::new());
        let begun = LoggedIn { session, card, name, accounts, verifier: None, notices: Vec::new() };
        answer(account, Request::LogIn { pan, pin }, Reply::LoggedIn(Box::new(begun)));
    }

    fn send(account: &mut Account, session: SessionId) {
        let (source, target) = (AccountNumber::new(1), AccountNumber::new(2));
        let amount = Amount::new(SENT, Currency::USD);
        let request = Request::Transfer { id: OperationId(1), session, source, target, amount };
        let (transaction, target_balance, at) = (TransferId::new(1), None, Timestamp::EPOCH);
        let receipt =
            TransferReceipt { transaction, source, target, amount, source_balance: amount, target_balance, at };
        answer(account, request, Reply::Transferred(receipt));
    }

    fn sent(account: &Account) -> i64 {
        account.machines[&atm()].visit.as_ref().unwrap().sent
    }

    #[test]
    fn what_arrives_late_was_sent_for_who_asked_for_it() {
        let (mut account, first, second) = (Account::default(), SessionId::new(1), SessionId::new(2));
        enter(&mut account, 1);
        log_in(&mut account, first);
        see(&mut account, Seen::Left);
        enter(&mut account, 2);
        log_in(&mut account, second);
        send(&mut account, first);
        assert_eq!(sent(&account), 0, "somebody else's, who is gone");
        send(&mut account, second);
        assert_eq!(sent(&account), SENT);
    }

    #[test]
    fn staff_hand_notes_to_who_laid_them_in() {
        let (mut account, notes) = (Account::default(), vec![(50_00, 3), (20_00, 1)]);
        enter(&mut account, 1);
        see(&mut account, Seen::PutIn(notes.clone()));
        see(&mut account, Seen::Left);
        enter(&mut account, 2);
        see(&mut account, Seen::Left);
        let flow = |account: &Account, holder| {
            account
                .holders
                .get(&holder)
                .map_or((0, 0), |customer: &Customer| (customer.flow.kept, customer.flow.unclaimed))
        };
        assert_eq!((flow(&account, 1), flow(&account, 2)), ((170_00, 170_00), (0, 0)));
        see(&mut account, Seen::GivenBack(vec![(50_00, 1)]));
        assert_eq!((flow(&account, 1), flow(&account, 2)), ((120_00, 120_00), (0, 0)));
        // Into the hands of somebody else who is there: theirs then, which the rules have to say something to.
        enter(&mut account, 3);
        see(&mut account, Seen::GivenBack(vec![(50_00, 2), (20_00, 1)]));
        assert_eq!((flow(&account, 1), flow(&account, 3)), ((120_00, 120_00), (-120_00, 0)));
    }
}
