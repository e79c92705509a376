//! Withdrawals in two steps, their cases, and overdraft fees: rows against the transfers that they summarise.

use std::collections::HashMap;

use cashpoint_core::account::Product;
use cashpoint_core::ledger::TransferKind;

use super::cases::Desk;
use super::chart::Chart;
use super::commits::Commits;
use super::report::{Judge, Named, Report, Shown};
use super::transfers::{Ledger, Moved};
use crate::store::StoreError;
use crate::store::records::{CaseRecord, Id, Records, WithdrawalRecord};

/// What the transfers that concern a withdrawal came to.
#[derive(Clone, Copy, Default)]
struct Ended {
    /// Paid by a terminal's word, and by an operator's.
    completed: i64,
    suspect_paid: i64,
    /// Gone back by a terminal's word, and by an operator's.
    reversed: i64,
    suspect_not_paid: i64,
    /// Its overdraft fee: number in the ledger.
    fee: Option<u32>,
    fee_returned: i64,
    /// What counts found missing because of it, and what of that was resolved.
    short_held: i64,
    short_resolved: i64,
}

impl Ended {
    fn paid(&self) -> i64 {
        self.completed.saturating_add(self.suspect_paid)
    }

    fn returned(&self) -> i64 {
        self.reversed.saturating_add(self.suspect_not_paid)
    }

    fn is_settled(&self) -> bool {
        self.paid() != 0 || self.returned() != 0
    }
}

/// What other checks need to know of withdrawals.
pub(super) struct Withdrawals {
    /// By machine, what is approved or suspect and not settled.
    pub(super) unresolved: HashMap<i64, i128>,
    /// By number of the approval: the request that asked for it.
    pub(super) requests: HashMap<u32, Id>,
    /// By number of the approval: its case.
    pub(super) cases: HashMap<u32, i64>,
    /// Every case, by its id: whether it is resolved, and what kept answers say of it.
    pub(super) all_cases: HashMap<i64, (bool, Answered)>,
    /// By number of an approval that is settled: what was paid, and what went back, fee included.
    pub(super) settled: HashMap<u32, (i64, i64)>,
    /// By number of a withdrawal: the number of its overdraft fee.
    pub(super) fees: HashMap<u32, u32>,
}

/// Which answers tell of a case.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Answered {
    /// One that opened it, and none that resolved it: how a withdrawal ended is told by its settlement.
    Opened,
    /// One that resolved it: the settlement that opened it says only what went back.
    Resolved,
    /// Both.
    Both,
}

impl Answered {
    fn of(matter: &str) -> Self {
        match matter {
            matter if is_about_withdrawal(matter) => Self::Opened,
            "return_unclaimed" => Self::Resolved,
            _ => Self::Both,
        }
    }
}

/// Checks withdrawals, cases and fees.
pub(super) fn check(
    records: &Records,
    chart: &Chart,
    commits: &Commits,
    ledger: &Ledger,
    report: &mut Report,
) -> Result<Withdrawals, StoreError> {
    let mut fees = Judge::of("fees");
    let ended = endings(ledger, &mut fees);
    check_fees(chart, commits, ledger, &ended, &mut fees);
    let mut of_cases = Judge::of("cases");
    let (mut cases, all_cases) = cases_by_withdrawal(records, chart, ledger, &mut of_cases)?;
    let mut known = Withdrawals {
        unresolved: HashMap::new(),
        requests: HashMap::new(),
        cases: HashMap::new(),
        settled: HashMap::new(),
        all_cases,
        fees: ended.iter().filter_map(|(&number, ended)| Some((number, ended.fee?))).collect(),
    };
    let mut judge = Judge::of("withdrawals");
    records.withdrawals(|row| {
        judge.examine();
        let subject = Named("withdrawal", row.id);
        let approval = ledger.number(row.id).filter(|&n| is_promised(ledger.at(n).kind));
        let Some(number) = approval else {
            judge.differs(format_args!("{subject}: there is no transfer that approved it"));
            return;
        };
        let ending = ended.get(&number).copied().unwrap_or_default();
        let case = cases.remove(&row.id);
        let checked = Checked { row: &row, approval: ledger.at(number), ending, case: case.as_ref() };
        checked.identity(chart, ledger, &mut judge);
        checked.state(&mut judge);
        checked.fee_return(ledger, &mut judge);
        checked.case(&mut of_cases);
        if matches!(row.state.as_deref(), Some("approved" | "suspect")) {
            *known.unresolved.entry(row.machine).or_default() += i128::from(row.amount);
        }
        if ending.is_settled() {
            let returned = ending.returned().saturating_add(ending.fee_returned);
            known.settled.insert(number, (ending.paid(), returned));
        }
        known.requests.insert(number, row.request);
        known.cases.extend(case.map(|case| (number, case.id)));
    })?;
    for case in cases.values() {
        of_cases.differs(format_args!("case {}: its withdrawal {} is not there", case.id, Shown(case.transfer)));
    }
    check_rows(ledger, &known, &mut judge);
    for judge in [judge, of_cases, fees] {
        report.add(judge);
    }
    Ok(known)
}

/// By withdrawal, the case about it; by case, whether it is resolved, and what kept answers say of it.
type Cases = (HashMap<Id, CaseRecord>, HashMap<i64, (bool, Answered)>);

/// Reads the cases, and checks those that are about no withdrawal.
fn cases_by_withdrawal(
    records: &Records,
    chart: &Chart,
    ledger: &Ledger,
    of_cases: &mut Judge,
) -> Result<Cases, StoreError> {
    let (mut cases, mut all_cases) = (HashMap::new(), HashMap::new());
    let mut desk = Desk::read(chart, ledger);
    records.cases(|case| {
        of_cases.examine();
        all_cases.insert(case.id, (case.resolved.is_some(), Answered::of(&case.matter)));
        match case.transfer.filter(|_| is_about_withdrawal(&case.matter)) {
            Some(withdrawal) => drop(cases.insert(withdrawal, case)),
            None => desk.check(&case, of_cases),
        }
    })?;
    desk.finish(of_cases);
    Ok((cases, all_cases))
}

/// Cash that is in flight until it is known what became of it.
fn is_promised(kind: Option<TransferKind>) -> bool {
    matches!(kind, Some(TransferKind::WithdrawalApproved | TransferKind::OfflineSuspect))
}

fn is_about_withdrawal(matter: &str) -> bool {
    matches!(matter, "suspect" | "offline_suspect")
}

/// Every approval has its row.
fn check_rows(ledger: &Ledger, known: &Withdrawals, judge: &mut Judge) {
    for (number, moved) in ledger.numbered() {
        if is_promised(moved.kind) && !known.requests.contains_key(&number) {
            judge.differs(format_args!("transfer {}: approved, and no withdrawal says how it stands", moved.id));
        }
    }
}

/// Adds up what concerns each withdrawal.
fn endings(ledger: &Ledger, fees: &mut Judge) -> HashMap<u32, Ended> {
    let mut ended: HashMap<u32, Ended> = HashMap::new();
    for (number, moved) in ledger.numbered() {
        let (Some(kind), Some(concerns)) = (moved.kind, moved.concerns) else {
            continue;
        };
        let amount = moved.amount;
        let add = |sum: &mut i64| *sum = sum.saturating_add(amount);
        match kind {
            TransferKind::WithdrawalCompleted => add(&mut ended.entry(concerns).or_default().completed),
            TransferKind::SuspectPaid => add(&mut ended.entry(concerns).or_default().suspect_paid),
            TransferKind::Reversal => add(&mut ended.entry(concerns).or_default().reversed),
            TransferKind::SuspectNotPaid => add(&mut ended.entry(concerns).or_default().suspect_not_paid),
            TransferKind::OverdraftFee => {
                if ended.entry(concerns).or_default().fee.replace(number).is_some() {
                    fees.differs(format_args!("transfer {}: a second fee for {}", moved.id, ledger.at(concerns).id));
                }
            }
            TransferKind::ShortageHeld => add(&mut ended.entry(concerns).or_default().short_held),
            TransferKind::ShortageResolved => add(&mut ended.entry(concerns).or_default().short_resolved),
            TransferKind::FeeReturn => return_fee(ledger, moved, concerns, &mut ended, fees),
            TransferKind::Opening
            | TransferKind::OfflineWithdrawal
            | TransferKind::OfflineSuspect
            | TransferKind::DepositHeld
            | TransferKind::DepositReleased
            | TransferKind::DepositPaidOut
            | TransferKind::DepositRefuted
            | TransferKind::WithdrawalOwed
            | TransferKind::WithdrawalRefuted
            | TransferKind::ReturnPaidOut
            | TransferKind::ReturnRefuted
            | TransferKind::Withdrawal
            | TransferKind::WithdrawalApproved
            | TransferKind::Deposit
            | TransferKind::Transfer
            | TransferKind::Replenishment
            | TransferKind::Removal
            | TransferKind::Shortage
            | TransferKind::Surplus => {}
        }
    }
    ended
}

/// A fee goes back once and whole.
fn return_fee(ledger: &Ledger, moved: &Moved, fee: u32, ended: &mut HashMap<u32, Ended>, judge: &mut Judge) {
    judge.same(&Named("fee return", moved.id), "amount", moved.amount, ledger.at(fee).amount);
    let withdrawal = ledger.at(fee).concerns;
    let ended = withdrawal.map(|number| ended.entry(number).or_default());
    match ended {
        Some(ended) if ended.fee_returned == 0 => ended.fee_returned = moved.amount,
        Some(_) => judge.differs(format_args!("transfer {}: its fee went back before", moved.id)),
        None => judge.differs(format_args!("transfer {}: it returns no withdrawal's fee", moved.id)),
    }
}

/// A withdrawal that leaves less than nothing costs the fee of its day's policy, once; any other costs none.
fn check_fees(chart: &Chart, commits: &Commits, ledger: &Ledger, ended: &HashMap<u32, Ended>, judge: &mut Judge) {
    for (number, moved) in ledger.numbered() {
        if !matches!(moved.kind, Some(TransferKind::Withdrawal | TransferKind::WithdrawalApproved)) {
            continue;
        }
        judge.examine();
        let subject = Named("withdrawal", moved.id);
        let fee = ended.get(&number).and_then(|ended| ended.fee).map(|fee| ledger.at(fee));
        if fee.is_some_and(|fee| fee.commit != moved.commit) {
            judge.differs(format_args!("{subject}: its fee is of another commit"));
        }
        let overdrawn = moved.debit_balance < 0;
        let terms = moved.commit.and_then(|commit| commits.policy_of(commit)).zip(chart.currency(moved.debit));
        let due = match terms {
            Some((policy, currency)) if overdrawn => policy.overdraft(currency).1,
            Some(_) | None => 0,
        };
        judge.same(&subject, "its overdraft fee", fee.map_or(0, |fee| fee.amount), due);
        let product = chart.accounts.get(&moved.debit).and_then(|account| account.product);
        if overdrawn && product != Some(Product::Checking) {
            judge.differs(format_args!("{subject}: it overdrew account {}, which may not be", moved.debit));
        }
    }
}

/// A withdrawal with everything that it is compared with.
struct Checked<'a> {
    row: &'a WithdrawalRecord,
    approval: &'a Moved,
    ending: Ended,
    case: Option<&'a CaseRecord>,
}

impl Checked<'_> {
    fn subject(&self) -> Named<Id> {
        Named("withdrawal", self.row.id)
    }

    /// The row repeats its approval.
    fn identity(&self, chart: &Chart, ledger: &Ledger, judge: &mut Judge) {
        let (row, approval, subject) = (self.row, self.approval, self.subject());
        judge.same(&subject, "account", row.account, approval.debit);
        judge.same(&subject, "amount", row.amount, approval.amount);
        judge.same_or_none(&subject, "machine", Some(row.machine), approval.machine);
        judge.same(&subject, "the date that it counts on", row.counted_on, approval.business_date);
        judge.same_or_none(&subject, "customer", Some(row.customer), chart.owner(approval.debit));
        let currency = chart.currency(approval.debit).map(cashpoint_core::currency::Currency::code);
        judge.same_or_none(&subject, "currency", Some(row.currency.as_str()), currency);
        let before = approval.debit_balance.saturating_add(approval.amount);
        judge.same(&subject, "the balance before", row.balance_before, before);
        let fee = self.ending.fee.map(|number| ledger.at(number));
        judge.same_or_none(&subject, "its fee's transfer", row.fee_transfer, fee.map(|fee| fee.id));
        judge.same_or_none(&subject, "its fee", row.fee, fee.map(|fee| fee.amount));
        let kind = chart.machines.get(&row.machine).and_then(|machine| machine.kind);
        if kind != Some(cashpoint_core::machine::MachineKind::Terminal) {
            judge.differs(format_args!("{subject}: approved for a machine that is no terminal"));
        }
    }

    /// The state is what was paid and what went back.
    fn state(&self, judge: &mut Judge) {
        let (row, subject) = (self.row, self.subject());
        let (paid, returned) = (self.ending.paid(), self.ending.returned());
        let open = !self.ending.is_settled();
        let partly = (0 < paid && paid < row.amount).then_some(paid);
        let suspect = open && self.case.is_some();
        let state = match (open, partly) {
            (true, _) if suspect => "suspect",
            (true, _) => "approved",
            (false, Some(_)) => "partial",
            (false, None) if paid == 0 => "reversed",
            (false, None) => "completed",
        };
        judge.same_or_none(&subject, "state", row.state.as_deref(), Some(state));
        judge.same_or_none(&subject, "what was paid of it", row.paid, partly);
        let case = self.case.filter(|_| suspect).map(|case| case.id);
        judge.same_or_none(&subject, "case", row.case_id, case);
        if !open {
            judge.same(&subject, "paid and gone back together", paid.saturating_add(returned), row.amount);
        }
        let by_operator = self.ending.suspect_paid.saturating_add(self.ending.suspect_not_paid);
        if !open && by_operator != if self.case.is_some() { row.amount } else { 0 } {
            judge.differs(format_args!(
                "{subject}: {by_operator} settled by staff, which is for cases and for those whole"
            ));
        }
    }

    /// The fee goes back unless what was paid alone overdrew.
    fn fee_return(&self, ledger: &Ledger, judge: &mut Judge) {
        let paid = self.ending.paid();
        let before = self.approval.debit_balance.saturating_add(self.approval.amount);
        let overdrew_alone = paid > 0 && before.saturating_sub(paid) < 0;
        let fee = self.ending.fee.map_or(0, |number| ledger.at(number).amount);
        let due = if self.ending.is_settled() && !overdrew_alone { fee } else { 0 };
        judge.same(&self.subject(), "what went back of its fee", self.ending.fee_returned, due);
    }

    /// A case is about the whole amount at its machine, and is resolved by what turned out paid.
    fn case(&self, judge: &mut Judge) {
        let Some(case) = self.case else {
            judge.same(&self.subject(), "what counts hold because of it, without a case", self.ending.short_held, 0);
            return;
        };
        let subject = Named("case", case.id);
        judge.same(&subject, "what counts found missing", case.short, self.ending.short_held);
        let due = if self.ending.is_settled() { self.ending.short_held } else { 0 };
        judge.same(&subject, "what was resolved of it", self.ending.short_resolved, due);
        let offline = self.approval.kind == Some(TransferKind::OfflineSuspect);
        let matter = if offline { "offline_suspect" } else { "suspect" };
        judge.same(&subject, "matter", case.matter.as_str(), matter);
        judge.same(&subject, "account", case.account.as_str(), self.row.account.to_string().as_str());
        if offline {
            judge.same_or_none(&subject, "card", case.card, self.approval.card);
        }
        judge.same(&subject, "machine", case.machine, self.row.machine);
        judge.same(&subject, "amount", case.amount, self.approval.amount);
        judge.same(&subject, "currency", case.currency.as_str(), self.row.currency.as_str());
        let resolved = self.ending.is_settled().then_some(self.ending.suspect_paid);
        judge.same_or_none(&subject, "what turned out paid", case.resolved, resolved);
    }
}
