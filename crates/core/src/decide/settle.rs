//! How an approved withdrawal ends, whoever says so: a terminal's completion or reversal, or an operator who resolves
//! the case. What was paid leaves the machine in the ledger and in the mirror of its cassettes; the rest goes back to
//! the customer, with the fee and the day's limit that it used. It never fails for lack of funds. Where the account was
//! closed meanwhile, it waits in suspense, and a case says so: somebody must look for its owner.
//!
//! The ledger's cash of a machine always equals what its mirror holds. Where more cash left than the mirror can show
//! (a cassette that was filled with more notes than counted, or a case whose notes nobody knows), the difference is
//! posted as a surplus: the mirror still counts notes that are not there, and the shortage that the next count finds
//! meets that surplus.

use cashpoint_mutant::{Mutant, chosen};

use crate::case::{Case, Matter};
use crate::change::Row;
use crate::command::InCase;
use crate::currency::Currency;
use crate::event::{About, Actor, EventKind};
use crate::facts::{Facts, Keys};
use crate::id::{MachineId, OperatorId, RequestKey, TransferId};
use crate::ledger::{BankAccount, LedgerAccount, TransferKind};
use crate::machine::Holdings;
use crate::money::Amount;
use crate::outcome::{Done, Refusal, Settlement};
use crate::terminal::link::Movement;
use crate::withdrawal::{DailyUse, Withdrawal, WithdrawalIdentity, WithdrawalState};

use super::{Draft, Posting, Stop, advice};

/// Who says how it ended; the ledger keeps them apart.
#[derive(Clone, Copy)]
pub(super) enum Word {
    /// The terminal, at once.
    Terminal,
    /// An operator, about a case.
    Operator(OperatorId),
}

impl Word {
    const fn paid(self) -> TransferKind {
        match self {
            Self::Terminal => TransferKind::WithdrawalCompleted,
            Self::Operator(_) => TransferKind::SuspectPaid,
        }
    }

    const fn returned(self) -> TransferKind {
        match self {
            Self::Terminal => TransferKind::Reversal,
            Self::Operator(_) => TransferKind::SuspectNotPaid,
        }
    }

    const fn actor(self, machine: MachineId) -> Actor {
        match self {
            Self::Terminal => Actor::Machine(machine),
            Self::Operator(id) => Actor::Operator(id),
        }
    }
}

/// How a withdrawal ended.
pub(super) struct Ending<'a> {
    /// What was paid, minor units: from nothing to all of it.
    pub(super) paid: i64,
    /// Where the notes went, as far as that is known; what it says was paid is at most `paid`.
    pub(super) moved: &'a Movement,
    pub(super) word: Word,
    /// What is opened if the rest finds its account closed.
    pub(super) case: &'a InCase,
}

/// The rows that may change when `withdrawal` ends.
pub(super) fn keys(withdrawal: &WithdrawalIdentity, keys: &mut Keys) {
    let currency = withdrawal.amount.currency();
    keys.accounts.insert(withdrawal.account);
    keys.cash.extend(cash_accounts(withdrawal.machine, currency));
    keys.customers.insert(withdrawal.customer);
    keys.holdings.insert(withdrawal.machine);
    keys.daily.insert((withdrawal.customer, withdrawal.counted_on, currency));
    keys.withdrawals.insert(withdrawal.id);
}

/// A terminal's cash and its cash in flight.
pub(super) fn cash_accounts(machine: MachineId, currency: Currency) -> [LedgerAccount; 2] {
    [LedgerAccount::AtmCash(machine, currency), LedgerAccount::AtmInFlight(machine, currency)]
}

/// The rows of an advice about `original`.
pub(super) fn original_keys(facts: &Facts, original: RequestKey, out: &mut Keys) {
    if let Some(withdrawal) = facts.originals.find(&original) {
        keys(withdrawal, out);
    }
}

/// The withdrawal that `terminal` tells of, if nothing was said yet about how it ended; another's is as good as none.
/// What is refused, staff hear of.
pub(super) fn advised(draft: &mut Draft<'_>, terminal: MachineId, original: RequestKey) -> Result<Unsettled, Stop> {
    let found = draft.facts.originals.find(&original).copied().filter(|withdrawal| withdrawal.machine == terminal);
    let Some(withdrawal) = found else {
        return Err(advice::refused(draft, terminal, Refusal::TransactionNotFound));
    };
    unheard(draft, withdrawal).ok_or_else(|| advice::refused(draft, terminal, Refusal::Reversed))
}

/// The withdrawal, if nothing was said yet about how it ended.
pub(super) fn unheard(draft: &Draft<'_>, withdrawal: WithdrawalIdentity) -> Option<Unsettled> {
    match draft.facts.withdrawals.at(&withdrawal.id).state {
        WithdrawalState::Approved => Some(Unsettled(withdrawal)),
        WithdrawalState::Completed
        | WithdrawalState::Partial { .. }
        | WithdrawalState::Reversed
        | WithdrawalState::Suspect { .. } => None,
    }
}

/// Proof that nothing has been said yet about how a withdrawal ended.
pub(super) struct Unsettled(WithdrawalIdentity);

/// The withdrawal is a case that waits for an answer.
pub(super) fn suspect(draft: &Draft<'_>, withdrawal: WithdrawalIdentity) -> Result<Unsettled, Refusal> {
    match draft.facts.withdrawals.at(&withdrawal.id).state {
        WithdrawalState::Suspect { .. } => Ok(Unsettled(withdrawal)),
        WithdrawalState::Approved
        | WithdrawalState::Completed
        | WithdrawalState::Partial { .. }
        | WithdrawalState::Reversed => Err(Refusal::Reversed),
    }
}

/// What was paid, minor units, if the notes can have gone where they are said to: those dispensed less those in the
/// reject and retract bins.
pub(super) fn believable(holdings: &Holdings, moved: &Movement) -> Option<i64> {
    if moved.dispensed.len() > holdings.cassettes.len() || moved.rejected < 0 || moved.retracted < 0 {
        return None;
    }
    let mut pairs = holdings.cassettes.iter().zip(&moved.dispensed);
    let dispensed = pairs.try_fold(0_i64, |sum, (cassette, &count)| {
        sum.checked_add(cassette.denomination.checked_mul(i64::from(count))?)
    })?;
    let paid = dispensed.checked_sub(moved.rejected)?.checked_sub(moved.retracted)?;
    let possible = (0..=Amount::LARGEST_REQUEST_MINOR).contains(&paid) && dispensed <= Amount::LARGEST_REQUEST_MINOR;
    possible.then_some(paid)
}

/// The notes go where they went, in the mirror of the machine's cassettes and bins. `paid` of them has left the ledger's
/// cash already; notes that the mirror of a cassette does not hold were one more than counted in, and post as a surplus.
pub(super) fn move_notes(
    draft: &mut Draft<'_>,
    machine: MachineId,
    paid: Amount,
    moved: &Movement,
    concerns: Option<TransferId>,
) {
    let currency = paid.currency();
    let mut holdings = draft.facts.holdings.at(&machine).clone();
    let before = holdings.clone();
    for (cassette, &count) in holdings.cassettes.iter_mut().zip(&moved.dispensed) {
        cassette.count = cassette.count.saturating_sub(count);
    }
    holdings.reject_bin += if chosen(Mutant::RejectBinForgotten) { 0 } else { moved.rejected };
    holdings.retract_bin += moved.retracted;
    let uncounted = paid.minor() - (before.cash() - holdings.cash());
    if holdings != before {
        draft.set(Row::Holdings(holdings));
    }
    if uncounted > 0 {
        draft.post(Posting {
            kind: TransferKind::Surplus,
            debit: LedgerAccount::AtmCash(machine, currency),
            credit: LedgerAccount::Bank(BankAccount::OverShort, currency),
            amount: Amount::new(uncounted, currency),
            machine: Some(machine),
            card: None,
            concerns,
        });
    }
}

/// What events say of a withdrawal.
pub(super) fn about(withdrawal: &WithdrawalIdentity) -> About {
    About {
        account: Some(withdrawal.account),
        amount: Some(withdrawal.amount),
        transfer: Some(withdrawal.id),
        machine: Some(withdrawal.machine),
        ..About::default()
    }
}

impl Unsettled {
    /// What was approved.
    pub(super) const fn promised(&self) -> Amount {
        self.0.amount
    }

    /// What was approved, minor units.
    pub(super) const fn amount(&self) -> i64 {
        self.0.amount.minor()
    }

    /// Becomes a case: the money stays in flight, and nobody is credited on a guess.
    pub(super) fn suspend(self, draft: &mut Draft<'_>, by: Actor, case: &InCase) -> Done {
        let withdrawal = self.0;
        let done = open_case(draft, &withdrawal, (Matter::Suspect(withdrawal.id), withdrawal.amount), (by, case));
        let state = WithdrawalState::Suspect { case: case.id };
        draft.set(Row::Withdrawal(Withdrawal { id: withdrawal.id, state }));
        draft.event(withdrawal.customer, EventKind::Suspect, about(&withdrawal));
        done
    }

    /// It ended so.
    pub(super) fn settle(self, draft: &mut Draft<'_>, ending: &Ending<'_>) -> Settlement {
        let withdrawal = self.0;
        let &Ending { paid, moved, word, case } = ending;
        let (approved, currency) = (withdrawal.amount.minor(), withdrawal.amount.currency());
        assert!((0..=approved).contains(&paid), "what was paid is at most what was approved");
        let (paid_amount, rest) = (Amount::new(paid, currency), Amount::new(approved - paid, currency));
        if paid > 0 && !chosen(Mutant::InFlightKept) {
            pay(draft, &withdrawal, paid_amount, word);
        }
        move_notes(draft, withdrawal.machine, paid_amount, moved, Some(withdrawal.id));
        let (mut returned, mut waits) = (0, None);
        if rest.minor() > 0 {
            let back = Back {
                kind: word.returned(),
                debit: LedgerAccount::AtmInFlight(withdrawal.machine, currency),
                amount: rest,
                concerns: withdrawal.id,
            };
            waits = back.give(draft, &withdrawal);
            count_off(draft, &withdrawal, rest);
            returned += rest.minor();
        }
        let overdrew_alone = paid > 0 && withdrawal.balance_before - paid < 0;
        if let Some((transfer, fee)) = withdrawal.fee
            && !overdrew_alone
        {
            let back = Back {
                kind: TransferKind::FeeReturn,
                debit: LedgerAccount::Bank(BankAccount::Fees, currency),
                amount: fee,
                concerns: transfer,
            };
            back.give(draft, &withdrawal);
            returned += fee.minor();
        }
        let returned = Amount::new(returned, currency);
        // A fee goes back with the rest or not at all: all of it, paid, overdraws alone.
        if let Some(transfer) = waits {
            let by = (word.actor(withdrawal.machine), case);
            open_case(draft, &withdrawal, (Matter::ReturnUnclaimed(transfer), returned), by);
        }
        let state = match paid {
            0 => WithdrawalState::Reversed,
            all if all == approved => WithdrawalState::Completed,
            part => WithdrawalState::Partial { paid: part },
        };
        draft.set(Row::Withdrawal(Withdrawal { id: withdrawal.id, state }));
        Settlement { withdrawal: withdrawal.id, paid: paid_amount, returned }
    }
}

/// Opens a case about a withdrawal.
fn open_case(
    draft: &mut Draft<'_>,
    withdrawal: &WithdrawalIdentity,
    (matter, amount): (Matter, Amount),
    (by, case): (Actor, &InCase),
) -> Done {
    let case = Case {
        id: case.id,
        matter,
        machine: withdrawal.machine,
        amount,
        account: withdrawal.account,
        card: None,
        opened: Some(draft.moment.now),
        evidence: case.evidence.clone(),
        short: 0,
        resolved: None,
    };
    advice::open_case(draft, by, case)
}

/// The paid part leaves the machine's cash in the ledger.
fn pay(draft: &mut Draft<'_>, withdrawal: &WithdrawalIdentity, amount: Amount, word: Word) {
    let [cash, in_flight] = cash_accounts(withdrawal.machine, amount.currency());
    draft.post(Posting {
        kind: word.paid(),
        debit: in_flight,
        credit: cash,
        amount,
        machine: Some(withdrawal.machine),
        card: None,
        concerns: Some(withdrawal.id),
    });
}

/// Money that goes back to the customer.
struct Back {
    kind: TransferKind,
    debit: LedgerAccount,
    amount: Amount,
    /// What it corrects.
    concerns: TransferId,
}

impl Back {
    /// Gives it; to suspense if the account has been closed in between, which is what it gives then.
    fn give(self, draft: &mut Draft<'_>, withdrawal: &WithdrawalIdentity) -> Option<TransferId> {
        let Self { kind, debit, amount, concerns } = self;
        let machine = Some(withdrawal.machine);
        let mut account = draft.account(withdrawal.account);
        let open = account.closed.is_none();
        if chosen(Mutant::CorrectionOverwrites) && open {
            account.totals.debits -= amount.minor();
            draft.set_account(account);
            return None;
        }
        let credit = if open {
            LedgerAccount::Customer(withdrawal.account)
        } else {
            LedgerAccount::Bank(BankAccount::Suspense, amount.currency())
        };
        let transfer =
            draft.post(Posting { kind, debit, credit, amount, machine, card: None, concerns: Some(concerns) });
        if open {
            let about = About {
                account: Some(withdrawal.account),
                amount: Some(amount),
                transfer: Some(transfer),
                machine,
                ..About::default()
            };
            draft.event(withdrawal.customer, EventKind::Reversal, about);
        }
        (!open).then_some(transfer)
    }
}

/// The part that was not paid no longer counts on the day that it was counted on.
fn count_off(draft: &mut Draft<'_>, withdrawal: &WithdrawalIdentity, rest: Amount) {
    let key = (withdrawal.customer, withdrawal.counted_on, rest.currency());
    let day = draft.daily(&key);
    let withdrawn = day.withdrawn - rest.minor();
    assert!(withdrawn >= 0, "the approval was counted on that day");
    draft.set(Row::Daily(key, DailyUse { withdrawn, ..day }));
}
