//! What a town's bank has on record, as plain rows for whoever audits it: what is new, and everything.
//!
//! The one place that knows how a bank is read.

use std::collections::BTreeMap;

use cashpoint_bank::store::memory::MemoryBank;
use cashpoint_bank::store::records::{Id, Records};
use cashpoint_core::currency::Currency;
use cashpoint_core::id::{AccountNumber, CardId, MachineId, TransferId};
use cashpoint_core::ledger::{Entry, LedgerAccount, Transfer, TransferKind};
use cashpoint_core::policy::Policy;
use cashpoint_core::time::BusinessDate;

use super::Town;
use crate::audit::Violation;
use crate::audit::rows::{CaseRow, CaseState, HoldingRow, Posted, Rows, Side, WithdrawalRow};
use crate::audit::seen::Seen;
use crate::host::BankHost;

const READABLE: &str = "a bank that runs can be read";

/// The file of a bank that is kept in one, or was written to one.
pub(super) const FILE: &str = "bank.db";

/// How far a ledger was read.
#[derive(Debug, Default)]
pub struct Reading {
    transfers: usize,
    policy: Option<Policy>,
    currencies: BTreeMap<AccountNumber, Currency>,
}

impl Reading {
    /// What is new in a bank: its choices first, then transfers.
    ///
    /// # Panics
    /// If the bank cannot be read.
    pub fn news(&mut self, host: &BankHost) -> Vec<Seen> {
        let mut seen = Vec::new();
        // A bank whose clock disagrees tells nothing, and chooses nothing.
        let policy = host.bank.policy().ok().filter(|policy| self.policy.as_ref() != Some(policy));
        if let Some(policy) = policy {
            seen.push(Seen::Ruled(Box::new(policy.clone())));
            self.policy = Some(policy);
        }
        let new = match host.memory() {
            Some(memory) => self.read_memory(memory),
            None => transfers(&host.records()).split_off(self.transfers),
        };
        self.transfers += new.len();
        seen.push(Seen::Posted(new));
        seen
    }

    fn read_memory(&mut self, memory: &MemoryBank) -> Vec<Posted> {
        let new = memory.transfers_since(self.transfers);
        let known = |account: LedgerAccount| account.customer().is_none_or(|it| self.currencies.contains_key(&it));
        if !new.iter().all(|row| known(row.transfer.debit()) && known(row.transfer.credit())) {
            let accounts = memory.accounts().into_iter();
            self.currencies = accounts.filter_map(|row| Some((row.account.customer()?, row.currency))).collect();
        }
        new.into_iter().map(|row| self.posted(&row.transfer)).collect()
    }

    fn posted(&self, transfer: &Transfer) -> Posted {
        let side = |account: LedgerAccount, entry: Option<Entry>| {
            let currency = match account {
                LedgerAccount::Customer(number) => self.currencies[&number],
                LedgerAccount::AtmCash(_, currency)
                | LedgerAccount::AtmInFlight(_, currency)
                | LedgerAccount::Counter(_, currency)
                | LedgerAccount::Bank(_, currency) => currency,
            };
            Side { account, currency, balance: entry.map(|entry| entry.balance) }
        };
        Posted {
            id: transfer.id,
            kind: transfer.kind,
            debit: side(transfer.debit(), transfer.debit_entry),
            credit: side(transfer.credit(), transfer.credit_entry),
            amount: transfer.amount().minor(),
            business_date: transfer.context.business_date,
            machine: transfer.context.machine,
            card: transfer.context.card,
            concerns: transfer.context.concerns,
        }
    }
}

impl Town<'_> {
    /// Tells what is new on record at the bank.
    pub(super) fn look_at_ledger(&mut self) -> Result<(), Violation> {
        self.unread = 0;
        let news = self.reading.news(&self.host.borrow().bank);
        news.into_iter().try_for_each(|what| self.tell(None, what))
    }

    /// Tells what is new, and which transfers are there now that the host's process began again.
    pub(super) fn tell_what_is_there(&mut self) -> Result<(), Violation> {
        self.look_at_ledger()?;
        let there: Vec<TransferId> = match self.host.borrow().bank.memory() {
            Some(memory) => memory.transfers_since(0).iter().map(|row| row.transfer.id).collect(),
            None => transfers(&self.host.borrow().bank.records()).iter().map(|row| row.id).collect(),
        };
        self.tell(None, Seen::Reopened(there))
    }

    /// The bank as a file, whichever way it was kept.
    pub(super) fn file(&self) -> Records {
        let path = self.folder.path().join(FILE);
        if let Some(memory) = self.host.borrow().bank.memory() {
            memory.write_to(&path).expect("the folder takes a bank");
        }
        Records::open(&path).expect(READABLE)
    }
}

/// Everything.
///
/// # Panics
/// If it cannot be read, or a row is none that a bank writes.
#[must_use]
pub fn rows(records: &Records) -> Rows {
    let mut rows = Rows { transfers: transfers(records), ..Rows::default() };
    records.accounts(|row| rows.balances.extend([(row.code, row.credits - row.debits)])).expect(READABLE);
    let machines = machines(records);
    records
        .cases(|row| {
            let state = if row.resolved.is_some() { CaseState::Resolved } else { CaseState::Open };
            let (matter, machine, account) = (row.matter, machines[&row.machine], row.account);
            rows.cases.push(CaseRow { matter, machine, account, amount: row.amount, short: row.short, state });
        })
        .expect(READABLE);
    records
        .withdrawals(|row| {
            let (machine, state) = (machines[&row.machine], row.state.unwrap_or_default());
            rows.withdrawals.push(WithdrawalRow { id: transfer_id(row.id), machine, state });
        })
        .expect(READABLE);
    records
        .machines(|row| {
            let cassettes = row.cassettes().unwrap_or_default();
            if let (Some(deposits), Some(rejected), Some(retracted)) =
                (row.deposit_bin, row.reject_bin, row.retract_bin)
            {
                let (machine, bins) = (machines[&row.number], [deposits, rejected, retracted]);
                rows.holdings.push(HoldingRow { machine, cassettes, bins });
            }
        })
        .expect(READABLE);
    rows
}

fn machines(records: &Records) -> BTreeMap<i64, MachineId> {
    let mut machines = BTreeMap::new();
    let id = |text: &str| MachineId::parse(text).expect(READABLE);
    records.machines(|row| machines.extend([(row.number, id(&row.id))])).expect(READABLE);
    machines
}

fn transfers(records: &Records) -> Vec<Posted> {
    let (mut accounts, mut kinds, mut transfers) = (BTreeMap::new(), BTreeMap::new(), Vec::new());
    let machines = machines(records);
    records
        .accounts(|row| {
            let account = LedgerAccount::parse(&row.code).expect(READABLE);
            let currency = Currency::from_code(&row.currency).expect(READABLE);
            accounts.insert(row.id, Side { account, currency, balance: None });
        })
        .expect(READABLE);
    let kind = |name: &str| TransferKind::parse(name).expect(READABLE);
    records.transfer_kinds(|row| kinds.extend([(row.code, kind(&row.name))])).expect(READABLE);
    records
        .transfers(|row| {
            transfers.push(Posted {
                id: transfer_id(row.id),
                kind: kinds[&row.kind],
                debit: Side { balance: row.debit_balance, ..accounts[&row.debit] },
                credit: Side { balance: row.credit_balance, ..accounts[&row.credit] },
                amount: row.amount,
                business_date: BusinessDate::from_days(i32::try_from(row.business_date).expect(READABLE)),
                machine: row.machine.map(|number| machines[&number]),
                card: row.card.map(CardId::new),
                concerns: row.concerns.map(transfer_id),
            });
        })
        .expect(READABLE);
    transfers
}

fn transfer_id(id: Id) -> TransferId {
    TransferId::parse(&id.to_string()).expect(READABLE)
}
