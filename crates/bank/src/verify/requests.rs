//! Answers that are kept: each can be read, names a transfer that is there, and says of it what the ledger says.

mod index;

use std::collections::{HashMap, HashSet};

use cashpoint_core::event::AuditKind;
use cashpoint_core::id::{AccountNumber, TransferId};
use cashpoint_core::ledger::TransferKind;
use cashpoint_core::money::Amount;
use cashpoint_core::outcome::{Done, Receipt, Settlement, TransferReceipt};

use index::Index;

use super::chart::Chart;
use super::commits::{Belongs, Commits};
use super::people::People;
use super::report::{Judge, Named, Report};
use super::transfers::{Ledger, Moved};
use super::withdrawals::{Answered, Withdrawals};
use crate::store::StoreError;
use crate::store::records::{Id, Records, RequestRecord};

/// Everything that answers refer to.
pub(super) struct Sources<'a> {
    pub(super) chart: &'a Chart,
    pub(super) ledger: &'a Ledger,
    pub(super) people: &'a People,
    pub(super) withdrawals: &'a Withdrawals,
}

/// What answers named so far.
#[derive(Default)]
struct Seen {
    /// By number of a transfer: how many answers made it.
    transfers: HashMap<u32, u32>,
    /// By number of an approval: how many answers settled it.
    settlements: HashMap<u32, u32>,
    /// By number of a case: how many answers opened it.
    cases: HashMap<i64, u32>,
    /// By number of a case: how many answers resolved it.
    resolved: HashMap<i64, u32>,
}

/// Checks all kept answers.
pub(super) fn check(
    records: &Records,
    sources: &Sources<'_>,
    commits: &mut Commits,
    report: &mut Report,
) -> Result<(), StoreError> {
    let mut judge = Judge::of("requests");
    let mut seen = Seen::default();
    let mut index = Index::read(records)?;
    records.requests(|row| {
        judge.examine();
        index.check(&row);
        let subject = Named("request", row.key);
        let belongs = Belongs { writer: row.writer, seq: row.seq, idx: row.idx, at: None };
        let commit = commits.place(&belongs, &mut judge, &subject).map(|(number, _)| number);
        match row.answer() {
            Ok(Ok(done)) => {
                let now = commit.map(|number| commits.at(number).now);
                let answer = Answer { row: &row, commit, now, sources };
                answer.done(&done, &mut seen, &mut judge);
            }
            // A refusal moves nothing.
            Ok(Err(_)) => {}
            Err(error) => judge.differs(format_args!("{subject}: its answer cannot be read: {error}")),
        }
    })?;
    check_named(sources, &seen, &opened_by_staff(records)?, &mut judge);
    report.add(judge);
    index.finish(report);
    Ok(())
}

/// Cases that no machine told of: staff opened them with the journal that they accepted.
fn opened_by_staff(records: &Records) -> Result<HashSet<String>, StoreError> {
    let mut opened = HashSet::new();
    records.audit(|row| {
        if row.kind == AuditKind::CaseOpened.name() && row.actor.starts_with("operator:") {
            opened.insert(row.subject);
        }
    })?;
    Ok(opened)
}

/// What a customer asked for was answered, once.
fn check_named(sources: &Sources<'_>, seen: &Seen, opened_by_staff: &HashSet<String>, judge: &mut Judge) {
    for (number, moved) in sources.ledger.numbered() {
        let asked_for = match moved.kind {
            Some(
                TransferKind::Withdrawal
                | TransferKind::WithdrawalApproved
                | TransferKind::Deposit
                | TransferKind::Transfer,
            ) => true,
            // Where nobody could be charged, the answer is a case.
            Some(TransferKind::OfflineWithdrawal) => sources.chart.owner(moved.debit).is_some(),
            Some(_) | None => false,
        };
        let named = seen.transfers.get(&number).copied().unwrap_or_default();
        if named != u32::from(asked_for) {
            judge.differs(format_args!("transfer {}: {named} answers say that they made it", moved.id));
        }
    }
    for number in sources.withdrawals.settled.keys() {
        let subject = Named("withdrawal", sources.ledger.at(*number).id);
        judge.same(&subject, "answers that settled it", seen.settlements.get(number).copied().unwrap_or_default(), 1);
    }
    for (case, (resolved, answered)) in &sources.withdrawals.all_cases {
        let subject = Named("case", case);
        let named = |seen: &HashMap<i64, u32>| seen.get(case).copied().unwrap_or_default();
        let due = u32::from(*answered != Answered::Resolved && !opened_by_staff.contains(&case.to_string()));
        judge.same(&subject, "answers that opened it", named(&seen.cases), due);
        let due = u32::from(*answered != Answered::Opened && *resolved);
        judge.same(&subject, "answers that resolved it", named(&seen.resolved), due);
    }
}

/// An answer that something was done.
struct Answer<'a> {
    row: &'a RequestRecord,
    commit: Option<u32>,
    now: Option<i64>,
    sources: &'a Sources<'a>,
}

impl Answer<'_> {
    fn done(&self, done: &Done, seen: &mut Seen, judge: &mut Judge) {
        let subject = Named("request", self.row.key);
        let account = |number: &AccountNumber| {
            let id = i64::try_from(number.number()).ok();
            id.is_some_and(|id| self.sources.chart.owner(id).is_some())
        };
        let there = match done {
            Done::Withdrawn(receipt) => {
                self.withdrawn(receipt, seen, judge);
                true
            }
            Done::Deposited(receipt) => {
                self.deposited(receipt, seen, judge);
                true
            }
            Done::Transferred(receipt) => {
                self.transferred(receipt, seen, judge);
                true
            }
            Done::Settled(settlement) => self.settled(settlement, seen, judge),
            Done::CaseOpened(case) => {
                let count = seen.cases.entry(case.number()).or_default();
                *count += 1;
                self.sources.withdrawals.all_cases.contains_key(&case.number())
            }
            Done::CaseResolved(case) => {
                *seen.resolved.entry(case.number()).or_default() += 1;
                self.sources.withdrawals.all_cases.contains_key(&case.number())
            }
            Done::CustomerCreated { customer, accounts } => {
                let owned = |number: &AccountNumber| {
                    i64::try_from(number.number()).ok().and_then(|id| self.sources.chart.owner(id))
                        == Some(customer.number())
                };
                accounts.iter().all(owned)
            }
            Done::AccountOpened(number) => account(number),
            Done::CardIssued(card) => self.sources.people.holder(card.number()).is_some(),
            Done::MachineCreated(id) => self.sources.chart.machines.values().any(|machine| machine.id == Some(*id)),
            Done::Replenished(counted) => {
                self.sources.chart.machines.values().any(|machine| machine.id == Some(counted.machine))
            }
            Done::Balance(_)
            | Done::LoggedIn(_)
            | Done::SignedUp { .. }
            | Done::OperatorAdded(_)
            | Done::ReplenishmentOrdered { .. }
            | Done::PolicyChanged(_)
            | Done::Declined(_)
            | Done::Changed => true,
        };
        if !there {
            judge.differs(format_args!("{subject}: its answer tells of something that is not there"));
        }
    }

    /// The transfer that an answer names, of one of these kinds and of the same commit.
    fn transfer(
        &self,
        id: TransferId,
        kinds: &[TransferKind],
        seen: &mut Seen,
        judge: &mut Judge,
    ) -> Option<(u32, &Moved)> {
        let subject = Named("request", self.row.key);
        let Some(number) = self.sources.ledger.number(Id::from(id)) else {
            judge.differs(format_args!("{subject}: transfer {id} is not there"));
            return None;
        };
        *seen.transfers.entry(number).or_default() += 1;
        let moved = self.sources.ledger.at(number);
        if !moved.kind.is_some_and(|kind| kinds.contains(&kind)) {
            judge.differs(format_args!("{subject}: transfer {id} is of another kind"));
        }
        if moved.commit != self.commit {
            judge.differs(format_args!("{subject}: transfer {id} is of another commit"));
        }
        Some((number, moved))
    }

    fn withdrawn(&self, receipt: &Receipt, seen: &mut Seen, judge: &mut Judge) {
        let kinds = [TransferKind::Withdrawal, TransferKind::WithdrawalApproved, TransferKind::OfflineWithdrawal];
        let Some((number, moved)) = self.transfer(receipt.transaction, &kinds, seen, judge) else {
            return;
        };
        let subject = Named("request", self.row.key);
        let ledger = self.sources.ledger;
        let fee = self.sources.withdrawals.fees.get(&number).map(|fee| ledger.at(*fee));
        let balance = fee.map_or(moved.debit_balance, |fee| fee.debit_balance);
        self.receipt(receipt, moved.debit, (moved.amount, balance), judge);
        self.amount("fee", receipt.fee, (fee.map_or(0, |fee| fee.amount), moved.debit), judge);
        let notes: i64 = receipt.notes.iter().map(|(note, count)| note.saturating_mul(i64::from(*count))).sum();
        if !receipt.notes.is_empty() && notes != moved.amount {
            judge.differs(format_args!("{subject}: notes of {notes} for a withdrawal of {}", moved.amount));
        }
        if moved.kind == Some(TransferKind::WithdrawalApproved) {
            let asked = self.sources.withdrawals.requests.get(&number).copied();
            judge.same_or_none(&subject, "the request of its withdrawal", asked, Some(self.row.key));
        }
    }

    fn deposited(&self, receipt: &Receipt, seen: &mut Seen, judge: &mut Judge) {
        let Some((_, moved)) = self.transfer(receipt.transaction, &[TransferKind::Deposit], seen, judge) else {
            return;
        };
        self.receipt(receipt, moved.credit, (moved.amount, moved.credit_balance), judge);
        self.amount("fee", receipt.fee, (0, moved.credit), judge);
    }

    /// What all receipts of cash have.
    fn receipt(&self, receipt: &Receipt, account: i64, (amount, balance): (i64, i64), judge: &mut Judge) {
        self.account("account", receipt.account, account, judge);
        self.amount("amount", receipt.amount, (amount, account), judge);
        self.amount("balance", receipt.balance, (balance, account), judge);
        judge.same_or_none(&Named("request", self.row.key), "at", Some(receipt.at.micros()), self.now);
    }

    fn transferred(&self, receipt: &TransferReceipt, seen: &mut Seen, judge: &mut Judge) {
        let Some((_, moved)) = self.transfer(receipt.transaction, &[TransferKind::Transfer], seen, judge) else {
            return;
        };
        self.account("source", receipt.source, moved.debit, judge);
        self.account("target", receipt.target, moved.credit, judge);
        self.amount("amount", receipt.amount, (moved.amount, moved.debit), judge);
        self.amount("the source's balance", receipt.source_balance, (moved.debit_balance, moved.debit), judge);
        if let Some(balance) = receipt.target_balance {
            self.amount("the target's balance", balance, (moved.credit_balance, moved.credit), judge);
        }
        judge.same_or_none(&Named("request", self.row.key), "at", Some(receipt.at.micros()), self.now);
    }

    /// A settlement says how its withdrawal ended.
    fn settled(&self, settlement: &Settlement, seen: &mut Seen, judge: &mut Judge) -> bool {
        let Some(number) = self.sources.ledger.number(Id::from(settlement.withdrawal)) else {
            return false;
        };
        *seen.settlements.entry(number).or_default() += 1;
        let Some(&(paid, returned)) = self.sources.withdrawals.settled.get(&number) else {
            return false;
        };
        let account = self.sources.ledger.at(number).debit;
        self.amount("what was paid", settlement.paid, (paid, account), judge);
        self.amount("what went back", settlement.returned, (returned, account), judge);
        true
    }

    fn account(&self, what: &str, found: AccountNumber, expected: i64, judge: &mut Judge) {
        let found = i64::try_from(found.number()).ok();
        judge.same_or_none(&Named("request", self.row.key), what, found, Some(expected));
    }

    fn amount(&self, what: &str, found: Amount, (minor, account): (i64, i64), judge: &mut Judge) {
        let subject = Named("request", self.row.key);
        judge.same(&subject, what, found.minor(), minor);
        let currency = self.sources.chart.currency(account);
        judge.same_or_none(&subject, "currency", Some(found.currency()), currency);
    }
}
