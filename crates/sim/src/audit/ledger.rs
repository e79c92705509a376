//! What the ledger has, transfer by transfer, against what was asked for, answered and taken.

use std::collections::{BTreeMap, BTreeSet};

use cashpoint_core::account::Product;
use cashpoint_core::currency::Currency;
use cashpoint_core::id::{AccountNumber, MachineId, TransferId};
use cashpoint_core::ledger::{LedgerAccount, TransferKind};
use cashpoint_core::money::Decimal;
use cashpoint_core::policy::Policy;
use cashpoint_core::terminal::link::{AdviceKind, OperationId, Reply, Request};
use cashpoint_core::terminal::record::Record;
use cashpoint_core::time::BusinessDate;

use super::conversation::name;
use super::rows::{Posted, Rows, Side};
use super::seen::{Holder, Seen, Sight, value};
use super::{Broken, broken};

/// The ledger, and what it is weighed against. Minor units throughout.
#[derive(Default)]
pub(super) struct Ledger {
    pub(super) rows: Vec<Posted>,
    ids: BTreeSet<TransferId>,
    accounts: BTreeMap<AccountNumber, Owned>,
    balances: BTreeMap<AccountNumber, i64>,
    /// Choices that held since the last look, the newest last.
    in_force: Vec<Policy>,
    promises: BTreeMap<TransferId, Promise>,
    fees: BTreeMap<TransferId, Fee>,
    used: BTreeMap<(Holder, BusinessDate, Use), i64>,
    date: Option<BusinessDate>,
    /// What was asked for under each name, first; and what became of it at each machine.
    asked: BTreeMap<(MachineId, OperationId, Class), i64>,
    done: BTreeMap<Where, Sum>,
    /// What the host said that it did.
    said: BTreeSet<TransferId>,
    answered: BTreeSet<(MachineId, OperationId, Class)>,
    /// … and what of it must therefore be in the ledger.
    promised: BTreeMap<(MachineId, OperationId, Class), i64>,
    /// Which operation of which machine a withdrawal is, and what people have of each.
    approvals: BTreeMap<TransferId, (MachineId, OperationId)>,
    taken: BTreeMap<(MachineId, OperationId), i64>,
    dispensing: BTreeMap<MachineId, OperationId>,
}

/// Whose an account is, and what kind.
struct Owned {
    holder: Holder,
    product: Product,
}

/// Cash that was promised.
struct Promise {
    account: LedgerAccount,
    machine: Option<MachineId>,
    date: BusinessDate,
    amount: i64,
    /// Of it, what is in flight.
    left: i64,
    /// Of it, what went back.
    back: i64,
    /// The balance after it, its fee not counted.
    balance: Option<i64>,
    fee: Option<TransferId>,
}

struct Fee {
    account: LedgerAccount,
    amount: i64,
    returned: i64,
}

/// What a day's limits are on.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Use {
    Withdrawn,
    Sent,
}

/// What an operation of a machine comes to in the ledger.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Class {
    Approval,
    Deposit,
    Unasked,
    Transfer,
}

/// Where the effects of a class are added up: a transfer has no machine in the ledger.
type Where = (Option<MachineId>, Class);

fn place(machine: MachineId, class: Class) -> Where {
    ((class != Class::Transfer).then_some(machine), class)
}

#[derive(Clone, Copy, Default, Debug)]
struct Sum {
    count: usize,
    amount: i64,
}

impl Ledger {
    pub(super) fn see(&mut self, sight: &Sight) -> Result<(), Broken> {
        match (&sight.what, sight.machine) {
            (Seen::Opened { holder, account, product, .. }, _) => {
                self.accounts.insert(*account, Owned { holder: *holder, product: *product });
            }
            (Seen::Ruled(policy), _) => self.in_force.push((**policy).clone()),
            (Seen::Posted(rows), _) => {
                rows.iter().try_for_each(|row| self.post(row))?;
                self.in_force = self.in_force.split_off(self.in_force.len().saturating_sub(1));
                return self.invariant_11_one_id_has_one_effect();
            }
            (Seen::Reopened(there), _) => return self.invariant_35_what_was_acknowledged_is_there(there),
            (Seen::Answered { request, reply, .. }, Some(machine)) => {
                self.ask(machine, request);
                if let Ok(reply) = reply {
                    self.hear(machine, request, reply);
                }
            }
            (Seen::Wrote(_, record), Some(machine)) => {
                if let Record::Dispensing { id, .. } = **record {
                    self.dispensing.insert(machine, id);
                }
            }
            (Seen::Taken(notes), Some(machine)) => {
                if let Some(id) = self.dispensing.get(&machine) {
                    *self.taken.entry((machine, *id)).or_default() += value(notes);
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// What somebody asks for under a name is what was asked for first and answered; others get an error.
    fn ask(&mut self, machine: MachineId, request: &Request) {
        let Some(((id, _), (class, amount))) = name(request).zip(class(request)) else { return };
        let known = self.answered.contains(&(machine, id, class));
        let first = self.asked.entry((machine, id, class)).or_insert(amount);
        if !known {
            *first = amount.max(*first);
        }
    }

    fn hear(&mut self, machine: MachineId, request: &Request, reply: &Reply) {
        if let Some(((id, _), (class, _))) = name(request).zip(class(request)) {
            self.answered.insert((machine, id, class));
        }
        match (request, reply) {
            (Request::Approve { id, .. }, Reply::Approved(approved)) => {
                self.said.insert(approved.transaction);
                self.approvals.insert(approved.transaction, (machine, *id));
            }
            (_, Reply::Transferred(receipt)) => drop(self.said.insert(receipt.transaction)),
            (Request::Advice(_), Reply::Acknowledged(done)) if done.declined.is_none() => {
                let kept = name(request).zip(class(request));
                if let Some(((id, _), (class @ (Class::Deposit | Class::Transfer), amount))) = kept {
                    self.promised.entry((machine, id, class)).or_insert(amount);
                }
            }
            _ => {}
        }
    }

    fn post(&mut self, row: &Posted) -> Result<(), Broken> {
        self.invariant_3_balances_are_the_sum_of_transfers(row)?;
        Self::invariants_1_and_6_two_sides_of_one_currency(row)?;
        self.invariant_8_one_fee_where_an_account_is_overdrawn(row)?;
        self.invariant_10_only_promises_are_in_flight(row)?;
        self.invariant_7_online_approvals_stay_above_the_floor(row)?;
        self.invariant_28_daily_use_is_within_the_limit(row)?;
        self.invariant_17_no_more_goes_back_than_was_not_taken(row)?;
        if let Some(class) = effect(row) {
            let sum = self.done.entry((row.machine, class)).or_default();
            *sum = Sum { count: sum.count + 1, amount: sum.amount + row.amount };
        }
        self.ids.insert(row.id);
        self.rows.push(row.clone());
        Ok(())
    }

    /// A positive amount leaves one account and comes to another of the same currency.
    fn invariants_1_and_6_two_sides_of_one_currency(row: &Posted) -> Result<(), Broken> {
        let (debit, credit) = (row.debit, row.credit);
        let fits = row.amount > 0 && debit.account != credit.account && debit.currency == credit.currency;
        broken("invariants_1_and_6_two_sides_of_one_currency", (!fits).then(|| format!("{row:?}")))
    }

    /// Each entry's balance is the one before it and its amount.
    fn invariant_3_balances_are_the_sum_of_transfers(&mut self, row: &Posted) -> Result<(), Broken> {
        for (side, change) in [(row.debit, -row.amount), (row.credit, row.amount)] {
            let Some((account, balance)) = side.account.customer().zip(side.balance) else { continue };
            let before = self.balances.insert(account, balance).unwrap_or(0);
            let what = || format!("{before} before, {balance} after: {row:?}");
            let rule = "invariant_3_balances_are_the_sum_of_transfers";
            broken(rule, (before + change != balance).then(what))?;
        }
        Ok(())
    }

    /// Whatever is decided while somebody waits leaves no less than the account may have, with its fee.
    fn invariant_7_online_approvals_stay_above_the_floor(&self, row: &Posted) -> Result<(), Broken> {
        let (TransferKind::Withdrawal
        | TransferKind::WithdrawalApproved
        | TransferKind::Transfer
        | TransferKind::OverdraftFee) = row.kind
        else {
            return Ok(());
        };
        let Some((account, balance)) = row.debit.account.customer().zip(row.debit.balance) else { return Ok(()) };
        let floor = match self.accounts.get(&account).map(|owned| owned.product) {
            Some(Product::Savings) => 0,
            Some(Product::Checking) | None => -self.most(|policy| Some(policy.overdraft_limit)).unwrap_or(0),
        };
        let what = || format!("{balance} is below {floor}: {row:?}");
        broken("invariant_7_online_approvals_stay_above_the_floor", (balance < floor).then(what))
    }

    /// The most generous of the choices that may have held; none: without a limit.
    fn most(&self, choice: impl Fn(&Policy) -> Option<Decimal>) -> Option<i64> {
        let minor = |figure: Decimal| figure.limit_in(Currency::USD).minor();
        let all: Option<Vec<i64>> = self.in_force.iter().map(|policy| choice(policy).map(minor)).collect();
        all?.into_iter().max()
    }

    /// One fee at most, for a withdrawal that left its account below zero; it goes back at most once.
    fn invariant_8_one_fee_where_an_account_is_overdrawn(&mut self, row: &Posted) -> Result<(), Broken> {
        let rule = "invariant_8_one_fee_where_an_account_is_overdrawn";
        let what = || format!("{row:?}");
        if row.kind == TransferKind::FeeReturn {
            let fee = row.concerns.and_then(|concerned| self.fees.get_mut(&concerned));
            let Some(fee) = fee else { return Err((rule, what())) };
            fee.returned += row.amount;
            return broken(rule, (fee.returned > fee.amount).then(what));
        }
        if row.kind != TransferKind::OverdraftFee {
            return Ok(());
        }
        let promise = row.concerns.and_then(|concerned| self.promises.get_mut(&concerned));
        let Some(promise) = promise else { return Err((rule, what())) };
        let second = promise.fee.replace(row.id).is_some();
        let overdrew = promise.balance.is_some_and(|balance| balance < 0);
        let its_own = promise.account == row.debit.account;
        let fees = self.in_force.iter().map(|policy| policy.overdraft_fee.limit_in(Currency::USD).minor());
        let known = fees.into_iter().any(|fee| fee == row.amount);
        self.fees.insert(row.id, Fee { account: row.debit.account, amount: row.amount, returned: 0 });
        broken(rule, (second || !overdrew || !its_own || !known).then(what))
    }

    /// What is in flight was promised, and leaves it once.
    fn invariant_10_only_promises_are_in_flight(&mut self, row: &Posted) -> Result<(), Broken> {
        let rule = "invariant_10_only_promises_are_in_flight";
        let in_flight = |side: Side| matches!(side.account, LedgerAccount::AtmInFlight(..));
        if let TransferKind::Withdrawal | TransferKind::WithdrawalApproved | TransferKind::OfflineSuspect = row.kind {
            let (account, machine, date, amount) = (row.debit.account, row.machine, row.business_date, row.amount);
            let (left, balance) = (if in_flight(row.credit) { amount } else { 0 }, row.debit.balance);
            let promise = Promise { account, machine, date, amount, left, back: 0, balance, fee: None };
            self.promises.insert(row.id, promise);
        } else if in_flight(row.credit) {
            return Err((rule, format!("{row:?}")));
        }
        if !in_flight(row.debit) {
            return Ok(());
        }
        let promise = row.concerns.and_then(|concerned| self.promises.get_mut(&concerned));
        let Some(promise) = promise else { return Err((rule, format!("{row:?}"))) };
        promise.left -= row.amount;
        let other = promise.left < 0 || promise.machine != row.machine;
        broken(rule, other.then(|| format!("{} left: {row:?}", promise.left)))
    }

    /// What somebody withdrew or sent on one of the bank's days, without what went back, is within the limit; and days only
    /// follow each other.
    fn invariant_28_daily_use_is_within_the_limit(&mut self, row: &Posted) -> Result<(), Broken> {
        let rule = "invariant_28_daily_use_is_within_the_limit";
        let earlier = self.date.is_some_and(|date| row.business_date < date);
        broken(rule, earlier.then(|| format!("{} after {:?}", row.business_date, self.date)))?;
        self.date = Some(row.business_date);
        let holder = |account: LedgerAccount| Some(self.accounts.get(&account.customer()?)?.holder);
        if let (TransferKind::Reversal | TransferKind::SuspectNotPaid, Some(concerned)) = (row.kind, row.concerns) {
            let promise = self.promises.get(&concerned);
            if let Some((holder, date)) = promise.and_then(|promise| Some((holder(promise.account)?, promise.date))) {
                *self.used.entry((holder, date, Use::Withdrawn)).or_default() -= row.amount;
            }
        }
        let (of, limit) = if let TransferKind::Withdrawal | TransferKind::WithdrawalApproved = row.kind {
            (Use::Withdrawn, self.most(|policy| policy.daily_withdrawal_limit))
        } else if row.kind == TransferKind::Transfer {
            (Use::Sent, self.most(|policy| policy.daily_transfer_limit))
        } else {
            return Ok(());
        };
        let Some(holder) = holder(row.debit.account) else { return Ok(()) };
        let key = (holder, row.business_date, of);
        let used = self.used.entry(key).or_default();
        *used += row.amount;
        let much = limit.is_some_and(|limit| *used > limit);
        broken(rule, much.then(|| format!("{used} of {limit:?} by customer {key:?}: {row:?}")))
    }

    /// A withdrawal goes back only as far as nobody has its notes.
    fn invariant_17_no_more_goes_back_than_was_not_taken(&mut self, row: &Posted) -> Result<(), Broken> {
        let (TransferKind::Reversal, Some(concerned)) = (row.kind, row.concerns) else { return Ok(()) };
        if let Some(promise) = self.promises.get_mut(&concerned) {
            promise.back += row.amount;
        }
        self.goes_back(concerned)
    }

    fn goes_back(&self, withdrawal: TransferId) -> Result<(), Broken> {
        let promise = self.promises.get(&withdrawal);
        let operation = self.approvals.get(&withdrawal);
        let (Some(promise), Some(operation)) = (promise, operation) else { return Ok(()) };
        let taken = self.taken.get(operation).copied().unwrap_or(0);
        let much = promise.back + taken > promise.amount;
        let what = || format!("{withdrawal}: {} of {} went back, {taken} was taken", promise.back, promise.amount);
        broken("invariant_17_no_more_goes_back_than_was_not_taken", much.then(what))
    }

    /// A machine's operations come to no more than was asked for, each name counted once.
    fn invariant_11_one_id_has_one_effect(&self) -> Result<(), Broken> {
        let mut asked: BTreeMap<Where, Sum> = BTreeMap::new();
        for ((machine, _, class), amount) in &self.asked {
            let sum = asked.entry(place(*machine, *class)).or_default();
            *sum = Sum { count: sum.count + 1, amount: sum.amount + amount };
        }
        for (key, done) in &self.done {
            let asked = asked.get(key).copied().unwrap_or_default();
            let more = done.count > asked.count || done.amount > asked.amount;
            let what = || format!("{key:?}: asked for {asked:?}, done {done:?}");
            broken("invariant_11_one_id_has_one_effect", more.then(what))?;
        }
        Ok(())
    }

    /// What the host said that it did, it has done, whatever happened to it since; and what was there is there.
    fn invariant_35_what_was_acknowledged_is_there(&self, there: &[TransferId]) -> Result<(), Broken> {
        let there: BTreeSet<TransferId> = there.iter().copied().collect();
        let gone = self.said.difference(&there).chain(self.ids.difference(&there)).next();
        let rule = "invariant_35_what_was_acknowledged_is_there";
        broken(rule, gone.map(|id| format!("{id} is gone")))?;
        let mut promised: BTreeMap<Where, i64> = BTreeMap::new();
        for ((machine, _, class), amount) in &self.promised {
            *promised.entry(place(*machine, *class)).or_default() += amount;
        }
        for (key, promised) in promised {
            let done = self.done.get(&key).copied().unwrap_or_default().amount;
            broken(rule, (done < promised).then(|| format!("{key:?}: {promised} acknowledged, {done} done")))?;
        }
        Ok(())
    }

    /// Rows that were there are there as they were, and what goes back goes back with its fee.
    pub(super) fn settled(&self, rows: &Rows) -> Result<(), Broken> {
        let changed = self.rows.iter().zip(&rows.transfers).find(|(before, now)| before != now);
        let rule = "invariant_9_corrections_are_new_entries";
        broken(rule, changed.map(|(before, now)| format!("{before:?} became {now:?}")))?;
        let fewer = rows.transfers.len() < self.rows.len();
        broken(rule, fewer.then(|| format!("{} of {} are left", rows.transfers.len(), self.rows.len())))?;
        for (id, promise) in &self.promises {
            self.goes_back(*id)?;
            let fee = promise.fee.and_then(|fee| self.fees.get(&fee));
            let kept = fee.is_some_and(|fee| promise.back == promise.amount && fee.returned != fee.amount);
            let rule = "invariant_8_one_fee_where_an_account_is_overdrawn";
            broken(rule, kept.then(|| format!("{id} went back, and its fee did not")))?;
        }
        Ok(())
    }

    /// Fees that a customer paid and that did not go back, be it to suspense because the account was closed.
    pub(super) fn fees(&self, theirs: &[AccountNumber]) -> i64 {
        let is_theirs = |account: LedgerAccount| account.customer().is_some_and(|account| theirs.contains(&account));
        self.fees.values().filter(|fee| is_theirs(fee.account)).map(|fee| fee.amount - fee.returned).sum()
    }
}

/// What a request comes to if it is granted, and most of it.
fn class(request: &Request) -> Option<(Class, i64)> {
    match request {
        Request::Approve { amount, .. } => Some((Class::Approval, amount.minor())),
        Request::Transfer { amount, .. } => Some((Class::Transfer, amount.minor())),
        Request::Advice(advice) => match &advice.kind {
            AdviceKind::Deposited { amount, .. } => Some((Class::Deposit, amount.minor())),
            AdviceKind::OfflineWithdrawn { amount, .. } => Some((Class::Unasked, amount.minor())),
            AdviceKind::StoredTransfer { amount, .. } => Some((Class::Transfer, amount.minor())),
            AdviceKind::Completed { .. }
            | AdviceKind::Reversed { .. }
            | AdviceKind::Suspect { .. }
            | AdviceKind::DepositUnclear { .. }
            | AdviceKind::OfflineTries { .. }
            | AdviceKind::CardRetained { .. }
            | AdviceKind::Replenished { .. } => None,
        },
        Request::LogIn { .. }
        | Request::LogOut { .. }
        | Request::Balance { .. }
        | Request::Statement { .. }
        | Request::ChangePin { .. }
        | Request::Heartbeat(_) => None,
    }
}

/// What a transfer is the effect of, if a machine's customer asked for it.
fn effect(row: &Posted) -> Option<Class> {
    let kinds: [(Class, &[TransferKind]); 4] = [
        (Class::Approval, &[TransferKind::Withdrawal, TransferKind::WithdrawalApproved]),
        (Class::Deposit, &[TransferKind::Deposit, TransferKind::DepositHeld]),
        (Class::Unasked, &[TransferKind::OfflineWithdrawal, TransferKind::OfflineSuspect]),
        (Class::Transfer, &[TransferKind::Transfer]),
    ];
    kinds.into_iter().find(|(_, kinds)| kinds.contains(&row.kind)).map(|(class, _)| class)
}
