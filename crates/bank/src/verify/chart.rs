//! The chart of accounts and the machines, as every other check needs them.

use std::collections::HashMap;

use cashpoint_core::account::Product;
use cashpoint_core::currency::Currency;
use cashpoint_core::id::{AccountNumber, MachineId};
use cashpoint_core::ledger::LedgerAccount;
use cashpoint_core::machine::MachineKind;

use super::report::{Judge, Named, Report};
use crate::store::StoreError;
use crate::store::records::{AccountRecord, Id, MachineRecord, Records};

/// An account: what its row says, and what its transfers came to.
pub(super) struct Account {
    pub(super) row: AccountRecord,
    pub(super) place: Option<LedgerAccount>,
    pub(super) currency: Option<Currency>,
    pub(super) product: Option<Product>,
    /// Sums over the transfers.
    pub(super) debits: i128,
    pub(super) credits: i128,
    /// The chain of a customer's entries so far.
    pub(super) chain: Chain,
    /// When the last transfer moved it.
    pub(super) moved: Option<i64>,
}

/// Where a chain of entries stands.
#[derive(Clone, Copy, Default)]
pub(super) struct Chain {
    pub(super) entries: i64,
    pub(super) head: Option<Id>,
    pub(super) balance: i64,
}

/// A machine or counter.
pub(super) struct Machine {
    pub(super) row: MachineRecord,
    pub(super) id: Option<MachineId>,
    pub(super) kind: Option<MachineKind>,
}

/// All of them.
#[derive(Default)]
pub(super) struct Chart {
    pub(super) accounts: HashMap<i64, Account>,
    pub(super) machines: HashMap<i64, Machine>,
    by_place: HashMap<LedgerAccount, i64>,
}

impl Chart {
    pub(super) fn place(&self, account: i64) -> Option<LedgerAccount> {
        self.accounts.get(&account)?.place
    }

    pub(super) fn currency(&self, account: i64) -> Option<Currency> {
        self.accounts.get(&account)?.currency
    }

    /// The owner of a customer's account.
    pub(super) fn owner(&self, account: i64) -> Option<i64> {
        self.accounts.get(&account)?.row.customer
    }

    pub(super) fn machine_id(&self, machine: Option<i64>) -> Option<MachineId> {
        self.machines.get(&machine?)?.id
    }

    /// The account of the chart that stands for `place`.
    pub(super) fn at(&self, place: LedgerAccount) -> Option<&Account> {
        self.accounts.get(self.by_place.get(&place)?)
    }
}

/// Reads accounts and machines, and checks what their rows say by themselves.
pub(super) fn read(records: &Records, report: &mut Report) -> Result<Chart, StoreError> {
    let mut chart = Chart::default();
    let mut judge = Judge::of("chart");
    records.machines(|row| {
        let (id, kind) = (MachineId::parse(&row.id).ok(), MachineKind::parse(&row.kind).ok());
        chart.machines.insert(row.number, Machine { row, id, kind });
    })?;
    let mut ordinals: HashMap<i64, i64> = HashMap::new();
    records.accounts(|row| {
        judge.examine();
        let account = account(row);
        check_row(&account, &mut judge);
        if let (Some(customer), Some(ordinal)) = (account.row.customer, account.row.ordinal) {
            let highest = ordinals.entry(customer).or_default();
            *highest = (*highest).max(ordinal);
        }
        if let Some(place) = account.place {
            chart.by_place.insert(place, account.row.id);
        }
        chart.accounts.insert(account.row.id, account);
    })?;
    let mut owned: HashMap<i64, i64> = HashMap::new();
    for customer in chart.accounts.values().filter_map(|account| account.row.customer) {
        *owned.entry(customer).or_default() += 1;
    }
    for (customer, count) in owned {
        let highest = ordinals.get(&customer).copied().unwrap_or_default();
        judge.same(&Named("customer", customer), "the highest ordinal of an account", highest, count);
    }
    report.add(judge);
    Ok(chart)
}

fn account(row: AccountRecord) -> Account {
    Account {
        place: LedgerAccount::parse(&row.code).ok(),
        currency: Currency::from_code(&row.currency),
        product: row.product.as_deref().and_then(|name| Product::parse(name).ok()),
        row,
        debits: 0,
        credits: 0,
        chain: Chain::default(),
        moved: None,
    }
}

/// What a row says in two places must agree.
fn check_row(account: &Account, judge: &mut Judge) {
    let row = &account.row;
    let subject = Named("account", &row.code);
    let expected = match account.place {
        None => None,
        Some(LedgerAccount::Customer(number)) => {
            judge.same_or_none(&subject, "id", number_of(row.id), Some(number));
            account.currency
        }
        Some(
            LedgerAccount::AtmCash(_, currency)
            | LedgerAccount::AtmInFlight(_, currency)
            | LedgerAccount::Counter(_, currency)
            | LedgerAccount::Bank(_, currency),
        ) => {
            if row.id >= 0 {
                judge.differs(format_args!("{subject}: an internal account has the id {}", row.id));
            }
            Some(currency)
        }
    };
    match expected {
        Some(expected) => judge.same(&subject, "currency", row.currency.as_str(), expected.code()),
        None => judge
            .differs(format_args!("{subject}: there is no such account in a chart, or no currency {}", row.currency)),
    }
    let customers = matches!(account.place, Some(LedgerAccount::Customer(_)));
    let whole = [
        ("customer", row.customer.is_some()),
        ("ordinal", row.ordinal.is_some()),
        ("product", account.product.is_some()),
        ("opening instant", row.opened.is_some()),
        ("count of entries", row.entries.is_some()),
    ];
    for (what, there) in whole {
        if there != customers {
            let wrong = if customers { "a customer's account lacks its" } else { "an internal account has a" };
            judge.differs(format_args!("{subject}: {wrong} {what}"));
        }
    }
}

fn number_of(id: i64) -> Option<AccountNumber> {
    u64::try_from(id).ok().map(AccountNumber::new)
}
