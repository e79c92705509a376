//! How an approved withdrawal ends, whoever says so: a terminal's completion or reversal, or an operator who resolves
//! the case. What was paid leaves the machine in the ledger and in the mirror of its cassettes; the rest goes back to
//! the customer, with the fee and the day's limit that it used. It never fails for lack of funds.
//!
//! The ledger's cash of a machine always equals what its mirror holds. Where more cash left than the mirror can show
//! (a cassette that was filled with more notes than counted, or a case whose notes nobody knows), the difference is
//! posted as a surplus: the mirror still counts notes that are not there, and the shortage that the next count finds
//! meets that surplus.

use crate::change::Row;
use crate::currency::Currency;
use crate::event::{About, EventKind};
use crate::facts::{Facts, Keys};
use crate::id::{CaseId, MachineId, RequestKey, TransferId};
use crate::ledger::{BankAccount, LedgerAccount, TransferKind};
use crate::machine::Holdings;
use crate::money::Amount;
use crate::outcome::{Refusal, Settlement};
use crate::withdrawal::{DailyUse, Withdrawal, WithdrawalIdentity, WithdrawalState};

use super::{Draft, Posting};

/// Who says how it ended; the ledger keeps them apart.
#[derive(Clone, Copy)]
pub(super) enum Word {
    /// The terminal, at once.
    Terminal,
    /// An operator, about a case.
    Operator,
}

impl Word {
    const fn paid(self) -> TransferKind {
        match self {
            Self::Terminal => TransferKind::WithdrawalCompleted,
            Self::Operator => TransferKind::SuspectPaid,
        }
    }

    const fn returned(self) -> TransferKind {
        match self {
            Self::Terminal => TransferKind::Reversal,
            Self::Operator => TransferKind::SuspectNotPaid,
        }
    }
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

/// The withdrawal that `terminal` speaks of; another's is as good as none.
pub(super) fn original(
    draft: &Draft<'_>,
    terminal: MachineId,
    original: RequestKey,
) -> Result<WithdrawalIdentity, Refusal> {
    let found = draft.facts.originals.find(&original).copied();
    found.filter(|withdrawal| withdrawal.machine == terminal).ok_or(Refusal::TransactionNotFound)
}

/// Proof that nothing has been said yet about how a withdrawal ended.
pub(super) struct Unsettled(WithdrawalIdentity);

/// Nothing was said yet about how it ended.
pub(super) fn unsettled(draft: &Draft<'_>, withdrawal: WithdrawalIdentity) -> Result<Unsettled, Refusal> {
    match draft.facts.withdrawals.at(&withdrawal.id).state {
        WithdrawalState::Approved => Ok(Unsettled(withdrawal)),
        WithdrawalState::Completed
        | WithdrawalState::Partial { .. }
        | WithdrawalState::Reversed
        | WithdrawalState::Suspect { .. } => Err(Refusal::Reversed),
    }
}

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

/// The value of notes by cassette position, in minor units.
pub(super) fn value(holdings: &Holdings, notes: &[u32]) -> Result<i64, Refusal> {
    if notes.len() > holdings.cassettes.len() {
        return Err(Refusal::InvalidRequest { field: "notes" });
    }
    let mut pairs = holdings.cassettes.iter().zip(notes);
    let sum = pairs.try_fold(0_i64, |sum, (cassette, &count)| {
        sum.checked_add(cassette.denomination.checked_mul(i64::from(count))?)
    });
    sum.ok_or(Refusal::InvalidAmount)
}

impl Unsettled {
    /// Becomes a case: the money stays in flight.
    pub(super) fn suspend(self, draft: &mut Draft<'_>, case: CaseId) {
        let (id, state) = (self.0.id, WithdrawalState::Suspect { case });
        draft.set(Row::Withdrawal(Withdrawal { id, state }));
    }

    /// Ends with `paid` minor units paid (from nothing to all of it), in `notes` by cassette position as far as they
    /// are known; their value is at most `paid`.
    pub(super) fn settle(self, draft: &mut Draft<'_>, paid: i64, notes: &[u32], word: Word) -> Settlement {
        let withdrawal = self.0;
        let (approved, currency) = (withdrawal.amount.minor(), withdrawal.amount.currency());
        assert!((0..=approved).contains(&paid), "what was paid is at most what was approved");
        let (paid_amount, rest) = (Amount::new(paid, currency), Amount::new(approved - paid, currency));
        if paid > 0 {
            pay(draft, &withdrawal, paid_amount, notes, word);
        }
        let mut returned = 0;
        if rest.minor() > 0 {
            let back = Back {
                kind: word.returned(),
                debit: LedgerAccount::AtmInFlight(withdrawal.machine, currency),
                amount: rest,
                concerns: withdrawal.id,
            };
            back.give(draft, &withdrawal);
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
        let state = match paid {
            0 => WithdrawalState::Reversed,
            all if all == approved => WithdrawalState::Completed,
            part => WithdrawalState::Partial { paid: part },
        };
        draft.set(Row::Withdrawal(Withdrawal { id: withdrawal.id, state }));
        Settlement { withdrawal: withdrawal.id, paid: paid_amount, returned: Amount::new(returned, currency) }
    }
}

/// The paid part leaves the machine, in the ledger and in the mirror.
fn pay(draft: &mut Draft<'_>, withdrawal: &WithdrawalIdentity, paid: Amount, notes: &[u32], word: Word) {
    let currency = paid.currency();
    let machine = Some(withdrawal.machine);
    let [cash, in_flight] = cash_accounts(withdrawal.machine, currency);
    let concerns = Some(withdrawal.id);
    draft.post(Posting {
        kind: word.paid(),
        debit: in_flight,
        credit: cash,
        amount: paid,
        machine,
        card: None,
        concerns,
    });
    let mut holdings = draft.facts.holdings.at(&withdrawal.machine).clone();
    let before = holdings.cash();
    for (cassette, &count) in holdings.cassettes.iter_mut().zip(notes) {
        cassette.count = cassette.count.saturating_sub(count);
    }
    let uncounted = paid.minor() - (before - holdings.cash());
    if before != holdings.cash() {
        draft.set(Row::Holdings(holdings));
    }
    if uncounted > 0 {
        draft.post(Posting {
            kind: TransferKind::Surplus,
            debit: cash,
            credit: LedgerAccount::Bank(BankAccount::OverShort, currency),
            amount: Amount::new(uncounted, currency),
            machine,
            card: None,
            concerns,
        });
    }
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
    /// Gives it; to suspense if the account has been closed in between.
    fn give(self, draft: &mut Draft<'_>, withdrawal: &WithdrawalIdentity) {
        let Self { kind, debit, amount, concerns } = self;
        let machine = Some(withdrawal.machine);
        let open = draft.account(withdrawal.account).closed.is_none();
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
