//! How one record changes the book, and which records cannot follow what is before them.
//!
//! A record that contradicts the book changes nothing in it.

use std::collections::BTreeMap;
use std::fmt;

use cashpoint_mutant::{Mutant, chosen};

use crate::mix::Notes;
use crate::money::Amount;
use crate::terminal::device::Counters;
use crate::terminal::link::{Advice, AdviceKind, Approved, Lease, Movement, OfflineOutcome, OperationId};
use crate::terminal::record::{CardProfile, Entry, Intent, Leave, Record, Summary};
use crate::terminal::settings::HotList;
use crate::time::Timestamp;

use super::{
    Book, CardFate, DepositStep, Dispensing, HeldLease, Open, OpenDeposit, OpenWithdrawal, Paid, Replenishing, Step,
    Tally, TokenUse, Waiting,
};

/// A record that cannot follow what is before it: the journal is not what this program wrote.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Contradiction {
    /// Entries are missing, repeated or out of order.
    Gap {
        /// The number that was due.
        expected: u64,
        /// The number that is there.
        found: u64,
    },
    /// Something began while something else was open.
    SecondBegun {
        /// What was open.
        open: OperationId,
        /// What began.
        second: OperationId,
    },
    /// A record is about an operation that is not open.
    NotOpen {
        /// Which.
        id: OperationId,
    },
    /// A record is not the next step of its operation, or does not fit its leave.
    OutOfOrder {
        /// Which.
        id: OperationId,
    },
    /// Two advices of different content have one id.
    TwoContents {
        /// Which.
        id: OperationId,
    },
    /// An exchange of cassettes began, or ended, while another one was open or none.
    OtherReplenishment {
        /// Number of the order.
        number: u64,
    },
    /// A summary stands where something was open or waited.
    SummedUpTooEarly,
}

impl fmt::Display for Contradiction {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Gap { expected, found } => write!(out, "entry {found} stands where {expected} was due"),
            Self::SecondBegun { open, second } => {
                write!(out, "operation {:032x} began while {:032x} was open", second.0, open.0)
            }
            Self::NotOpen { id } => write!(out, "operation {:032x} is not open", id.0),
            Self::OutOfOrder { id } => write!(out, "a record is out of order in operation {:032x}", id.0),
            Self::TwoContents { id } => write!(out, "two advices are called {:032x}", id.0),
            Self::OtherReplenishment { number } => {
                write!(out, "replenishment {number} does not fit the exchange that is open")
            }
            Self::SummedUpTooEarly => out.write_str("a summary stands where something was open or waited"),
        }
    }
}

impl std::error::Error for Contradiction {}

/// What an advice ends.
enum Ends<'a> {
    /// A withdrawal by the host's leave.
    Approved(OperationId),
    /// A withdrawal under a lease.
    Offline(&'a OfflineOutcome),
    /// A deposit.
    Deposit,
    /// An exchange of cassettes.
    Replenishment(u64),
    /// Nothing: it is a message by itself.
    Nothing,
}

impl Book {
    /// Folds one record: at boot each of the journal, later each that was just written. A journal begins with entry 1, or
    /// with a summary.
    ///
    /// # Errors
    /// [`Contradiction`], and then the book is as before.
    pub fn apply(&mut self, entry: &Entry) -> Result<(), Contradiction> {
        let begins = self.last == 0 && matches!(entry.record, Record::Summary(_));
        let expected = self.last.saturating_add(1);
        if !begins && entry.n != expected {
            return Err(Contradiction::Gap { expected, found: entry.n });
        }
        self.fold(entry)?;
        self.last = entry.n;
        Ok(())
    }

    fn fold(&mut self, entry: &Entry) -> Result<(), Contradiction> {
        let (at, before) = (entry.at, self.clock);
        match &entry.record {
            Record::Begun { .. } => {}
            Record::Settings(settings) => self.settings = Some(settings.clone()),
            Record::HotList(list) => self.take_hot_list(list, at),
            Record::HotListConfirmed { version } => self.confirm_hot_list(*version, at),
            Record::Lease(lease) => self.take_lease(lease, at),
            Record::Card(profile) => self.take_profile(profile),
            Record::Intent(intent) => self.begin(intent)?,
            Record::Approved { id, approved } => self.approve(*id, approved)?,
            Record::Dropped { id } => self.drop_open(*id)?,
            Record::Dispensing { id, before, dispense, present_nonce } => {
                let token = self.token_use(*id)?;
                let (before, dispense, present_nonce) = (before.clone(), *dispense, *present_nonce);
                self.dispense(Dispensing { before, dispense, present_nonce, token });
            }
            Record::Presenting { id } => self.present(*id)?,
            Record::CardJammed { id } => self.jam(*id)?,
            Record::Depositing { id, card, account, currency } => {
                self.nothing_open(*id)?;
                let (id, card, account, notes, amount) =
                    (*id, *card, *account, Notes::new(), Amount::new(0, *currency));
                let (step, tally) = (DepositStep::Taking, Tally::Whole);
                self.open = Some(Open::Deposit(OpenDeposit { id, card, account, notes, amount, step, tally }));
            }
            Record::NotesJammed { id } => self.jam_notes(*id)?,
            Record::Storing { id, card, account, notes, amount } => {
                let (id, card, account, notes, amount) = (*id, *card, *account, notes.clone(), *amount);
                let (step, tally) = (DepositStep::Storing, Tally::Whole);
                self.store(OpenDeposit { id, card, account, notes, amount, step, tally })?;
            }
            Record::Advice(advice) => self.advise(entry.n, at, advice)?,
            // Written twice when it was unclear whether the first time was: the second time nothing waits any more.
            Record::Acknowledged { id } | Record::Escalated { id, .. } => {
                self.waiting.retain(|_, waiting| waiting.advice.id != *id);
            }
            Record::OfflineTry { card, wrong } => self.set_tries(*card, *wrong),
            Record::CarriedOut { number } => self.carried_out = self.carried_out.max(*number),
            Record::Replenishing { number, found } => self.replenish(*number, found.as_ref())?,
            Record::Availability { service } => self.service = Some(*service),
            Record::Summary(summary) => return self.restart(entry.n, summary),
        }
        self.clock = self.clock.max(at);
        self.age(before, at);
        Ok(())
    }

    /// Offline cash grows older by what the clock went on between two entries, within reason.
    fn age(&mut self, before: Timestamp, now: Timestamp) {
        for paid in &mut self.paid {
            paid.at = paid.seen_from(now, before);
        }
    }

    fn take_hot_list(&mut self, list: &HotList, at: Timestamp) {
        self.hot_list = Some((list.clone(), at));
        // Ages are told from here on. Whatever the clock showed before is of no account.
        self.clock = at;
    }

    fn confirm_hot_list(&mut self, version: u64, at: Timestamp) {
        if let Some((list, since)) = &mut self.hot_list
            && list.version == version
        {
            *since = at;
            self.clock = at;
        }
    }

    /// A lease for the nonce of the one that is here is that one, told again: what was used of it stays used.
    fn take_lease(&mut self, lease: &Lease, at: Timestamp) {
        match &mut self.lease {
            Some(held) if held.lease.nonce == lease.nonce => (held.lease, held.since) = (lease.clone(), at),
            Some(_) | None => {
                let (lease, presents) = (lease.clone(), Default::default());
                self.lease = Some(HeldLease { lease, since: at, used: 0, presents });
            }
        }
    }

    /// The host vouched for the card here, so wrong tries are forgotten.
    fn take_profile(&mut self, profile: &CardProfile) {
        self.tries.remove(&profile.reference);
        self.cards.insert(profile.reference, profile.clone());
    }

    fn set_tries(&mut self, card: [u8; 32], wrong: u8) {
        match wrong {
            0 => self.tries.remove(&card),
            1.. => self.tries.insert(card, wrong),
        };
    }

    fn nothing_open(&self, second: OperationId) -> Result<(), Contradiction> {
        match &self.open {
            Some(open) => Err(Contradiction::SecondBegun { open: open.id(), second }),
            None => Ok(()),
        }
    }

    fn begin(&mut self, intent: &Intent) -> Result<(), Contradiction> {
        self.nothing_open(intent.id)?;
        let open =
            OpenWithdrawal { intent: intent.clone(), approved: None, step: Step::Intended, card: CardFate::Moves };
        self.open = Some(Open::Withdrawal(Box::new(open)));
        Ok(())
    }

    fn withdrawal(&mut self, id: OperationId) -> Result<&mut OpenWithdrawal, Contradiction> {
        match &mut self.open {
            Some(Open::Withdrawal(withdrawal)) if withdrawal.intent.id == id => Ok(withdrawal),
            Some(Open::Withdrawal(_) | Open::Deposit(_)) | None => Err(Contradiction::NotOpen { id }),
        }
    }

    fn approve(&mut self, id: OperationId, approved: &Approved) -> Result<(), Contradiction> {
        let withdrawal = self.withdrawal(id)?;
        match (withdrawal.intent.leave, &withdrawal.step) {
            (Leave::Host { .. }, Step::Intended) if approved.id == id => {
                withdrawal.approved = Some(approved.clone());
                withdrawal.step = Step::Approved;
                Ok(())
            }
            (Leave::Host { .. } | Leave::Lease { .. }, _) => Err(Contradiction::OutOfOrder { id }),
        }
    }

    fn drop_open(&mut self, id: OperationId) -> Result<(), Contradiction> {
        match &self.open {
            Some(open) if open.id() != id => return Err(Contradiction::NotOpen { id }),
            None => return Err(Contradiction::NotOpen { id }),
            // Approved money is in flight: only an advice ends that.
            Some(Open::Withdrawal(withdrawal)) if withdrawal.step != Step::Intended => {
                return Err(Contradiction::OutOfOrder { id });
            }
            Some(Open::Withdrawal(_) | Open::Deposit(_)) => self.open = None,
        }
        Ok(())
    }

    /// Whether this withdrawal may dispense now, and whether a dispense by the same token went before.
    fn token_use(&mut self, id: OperationId) -> Result<TokenUse, Contradiction> {
        let withdrawal = self.withdrawal(id)?;
        let nonce = match (withdrawal.intent.leave, &withdrawal.step) {
            (Leave::Host { .. }, Step::Approved) => return Ok(TokenUse::First),
            (Leave::Lease { nonce }, Step::Intended) => nonce,
            (Leave::Host { .. } | Leave::Lease { .. }, _) => return Err(Contradiction::OutOfOrder { id }),
        };
        let held = self.lease.as_ref().filter(|held| held.lease.nonce == nonce);
        // A device that signs was given a present nonce each time; one that does not names no dispense at all.
        let used = held.is_none_or(|held| held.used > 0 || !held.presents.is_empty());
        Ok(if used { TokenUse::Again } else { TokenUse::First })
    }

    fn dispense(&mut self, dispensing: Dispensing) {
        let Some(Open::Withdrawal(withdrawal)) = &mut self.open else { return };
        if let Some(held) = &mut self.lease {
            match withdrawal.intent.leave {
                Leave::Lease { .. } => held.presents.extend(dispensing.present_nonce),
                // The device takes only the first token used with a nonce, and the lease is for the nonce it held.
                Leave::Host { .. } => held.used = held.used.max(held.lease.amount.minor()),
            }
        }
        withdrawal.step = Step::Dispensing(dispensing);
    }

    fn present(&mut self, id: OperationId) -> Result<(), Contradiction> {
        let withdrawal = self.withdrawal(id)?;
        let dispensing = match &withdrawal.step {
            Step::Dispensing(dispensing) => dispensing.clone(),
            Step::Intended | Step::Approved | Step::Presenting(_) => return Err(Contradiction::OutOfOrder { id }),
        };
        withdrawal.step = Step::Presenting(dispensing);
        Ok(())
    }

    fn jam(&mut self, id: OperationId) -> Result<(), Contradiction> {
        let withdrawal = self.withdrawal(id)?;
        match &withdrawal.step {
            Step::Dispensing(_) => withdrawal.card = CardFate::Jammed,
            // The card was taken before.
            Step::Intended | Step::Approved | Step::Presenting(_) => return Err(Contradiction::OutOfOrder { id }),
        }
        Ok(())
    }

    fn jam_notes(&mut self, id: OperationId) -> Result<(), Contradiction> {
        match &mut self.open {
            Some(Open::Deposit(deposit)) if deposit.id == id => match deposit.step {
                DepositStep::Taking => deposit.tally = Tally::Broken,
                // All of it was counted before.
                DepositStep::Storing => return Err(Contradiction::OutOfOrder { id }),
            },
            Some(Open::Deposit(_) | Open::Withdrawal(_)) | None => return Err(Contradiction::NotOpen { id }),
        }
        Ok(())
    }

    /// The notes of the deposit that was announced, or (counted at once) of one that was not, are about to be stored.
    fn store(&mut self, mut deposit: OpenDeposit) -> Result<(), Contradiction> {
        let (id, account, card) = (deposit.id, deposit.account, deposit.card);
        match &self.open {
            Some(Open::Deposit(open)) if open.id == id => {
                if (open.step, open.account, open.card) != (DepositStep::Taking, account, card) {
                    return Err(Contradiction::OutOfOrder { id });
                }
                deposit.tally = open.tally;
            }
            Some(Open::Deposit(_) | Open::Withdrawal(_)) | None => self.nothing_open(id)?,
        }
        self.open = Some(Open::Deposit(deposit));
        Ok(())
    }

    /// An exchange begins, or its counters are read.
    fn replenish(&mut self, number: u64, found: Option<&Counters>) -> Result<(), Contradiction> {
        let other = self.replenishing.as_ref().is_some_and(|open| open.number != number);
        if other || self.open.is_some() {
            return Err(Contradiction::OtherReplenishment { number });
        }
        let open = self.replenishing.get_or_insert(Replenishing { number, found: None });
        open.found = open.found.take().or_else(|| found.cloned());
        Ok(())
    }

    fn advise(&mut self, n: u64, at: Timestamp, advice: &Advice) -> Result<(), Contradiction> {
        if let Some(first) = self.waiting.values().find(|waiting| waiting.advice.id == advice.id) {
            let same = first.advice == *advice;
            return if same { Ok(()) } else { Err(Contradiction::TwoContents { id: advice.id }) };
        }
        let paid_offline = match ends(&advice.kind) {
            Ends::Nothing => 0,
            Ends::Approved(original) => {
                match self.withdrawal(original)?.intent.leave {
                    Leave::Host { .. } => self.open = None,
                    Leave::Lease { .. } => return Err(Contradiction::OutOfOrder { id: original }),
                }
                0
            }
            Ends::Offline(outcome) => self.end_offline(advice.id, at, outcome)?,
            Ends::Deposit => {
                let stored = matches!(advice.kind, AdviceKind::Deposited { .. });
                match &self.open {
                    Some(Open::Deposit(deposit)) if deposit.id == advice.id => {
                        if stored && deposit.step == DepositStep::Taking {
                            return Err(Contradiction::OutOfOrder { id: advice.id });
                        }
                        self.open = None;
                    }
                    Some(Open::Deposit(_) | Open::Withdrawal(_)) | None => {
                        return Err(Contradiction::NotOpen { id: advice.id });
                    }
                }
                0
            }
            Ends::Replenishment(number) => {
                if self.replenishing.take_if(|open| open.number == number).is_none() {
                    return Err(Contradiction::OtherReplenishment { number });
                }
                0
            }
        };
        self.waiting.insert(n, Waiting { advice: advice.clone(), paid_offline });
        Ok(())
    }

    /// Ends the withdrawal under a lease that has the advice's id; answers what was paid, minor units.
    fn end_offline(&mut self, id: OperationId, at: Timestamp, outcome: &OfflineOutcome) -> Result<i64, Contradiction> {
        let withdrawal = self.withdrawal(id)?;
        let Leave::Lease { nonce } = withdrawal.intent.leave else { return Err(Contradiction::OutOfOrder { id }) };
        let amount = withdrawal.intent.amount.minor();
        let card = withdrawal.intent.reference;
        let (paid, moved) = match outcome {
            OfflineOutcome::Suspect => (amount, amount),
            OfflineOutcome::Paid(movement) if movement.dispensed.iter().all(|notes| *notes == 0) => (0, 0),
            OfflineOutcome::Paid(movement) => (paid_by(withdrawal, movement), amount),
        };
        self.open = None;
        if let Some(held) = &mut self.lease
            && held.lease.nonce == nonce
            && !chosen(Mutant::LeaseForgotten)
        {
            held.used = held.used.saturating_add(moved);
        }
        if paid > 0 && !chosen(Mutant::CardLimitForgotten) {
            self.paid.push(Paid { card, at, minor: paid });
        }
        Ok(paid)
    }

    /// Takes a summary for everything before it.
    fn restart(&mut self, n: u64, summary: &Summary) -> Result<(), Contradiction> {
        if self.open.is_some() || !self.waiting.is_empty() || self.replenishing.is_some() {
            return Err(Contradiction::SummedUpTooEarly);
        }
        let lease = summary.lease.as_ref().map(|lease| HeldLease {
            lease: lease.clone(),
            since: summary.lease_since,
            used: summary.lease_used,
            presents: summary.lease_presents.iter().copied().collect(),
        });
        *self = Self {
            last: self.last,
            settings: summary.settings.clone(),
            hot_list: summary.hot_list.clone(),
            lease,
            cards: summary.cards.iter().map(|card| (card.reference, card.clone())).collect(),
            tries: summary.tries.iter().copied().filter(|(_, wrong)| *wrong > 0).collect(),
            paid: summary.paid.iter().map(|(card, at, minor)| Paid { card: *card, at: *at, minor: *minor }).collect(),
            open: None,
            waiting: BTreeMap::new(),
            carried_out: summary.carried_out,
            replenishing: None,
            service: summary.service,
            clock: summary.clock,
            summed_up: Some(n),
        };
        Ok(())
    }
}

/// What an advice ends. Withdrawals under a lease and deposits have the advice's own id.
const fn ends(kind: &AdviceKind) -> Ends<'_> {
    match kind {
        AdviceKind::Completed { original, .. }
        | AdviceKind::Reversed { original, .. }
        | AdviceKind::Suspect { original, .. } => Ends::Approved(*original),
        AdviceKind::OfflineWithdrawn { outcome, .. } => Ends::Offline(outcome),
        AdviceKind::Deposited { .. } | AdviceKind::DepositUnclear { .. } => Ends::Deposit,
        AdviceKind::Replenished { number, .. } => Ends::Replenishment(*number),
        AdviceKind::StoredTransfer { .. } | AdviceKind::OfflineTries { .. } | AdviceKind::CardRetained { .. } => {
            Ends::Nothing
        }
    }
}

/// What a customer got by this movement, minor units: what left the cassettes and is not in a bin. At least nothing; if
/// the denominations do not tell, the whole amount.
fn paid_by(withdrawal: &OpenWithdrawal, movement: &Movement) -> i64 {
    let amount = withdrawal.intent.amount.minor();
    let Some(dispensing) = withdrawal.step.dispensing() else { return amount };
    let cassettes = &dispensing.before.cassettes;
    if cassettes.len() < movement.dispensed.len() {
        return amount;
    }
    let each = movement.dispensed.iter().zip(cassettes);
    let dispensed = each.map(|(notes, cassette)| i64::from(*notes).saturating_mul(cassette.denomination));
    let dispensed = dispensed.fold(0, i64::saturating_add);
    dispensed.saturating_sub(movement.rejected).saturating_sub(movement.retracted).max(0)
}
