//! The books of a bank in memory, as plain rows for whoever audits it.

use cashpoint_core::account::Totals;
use cashpoint_core::case::Case;
use cashpoint_core::currency::Currency;
use cashpoint_core::id::{RequestId, TransferId};
use cashpoint_core::ledger::{LedgerAccount, Transfer};
use cashpoint_core::withdrawal::{WithdrawalIdentity, WithdrawalState};

use super::MemoryBank;
use super::state::State;
use crate::store::Position;

/// Everything that money is reckoned by, as of the last commit.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Books {
    /// All accounts of the ledger, in the order of [`LedgerAccount`].
    pub accounts: Vec<AccountRow>,
    /// All transfers, in the order of their commits and in those of their decisions.
    pub transfers: Vec<Posted>,
    /// All cases, in the order of their ids.
    pub cases: Vec<Case>,
    /// All withdrawals in two steps, in the order of their ids.
    pub withdrawals: Vec<WithdrawalRow>,
}

/// An account of the ledger.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct AccountRow {
    /// Which one.
    pub account: LedgerAccount,
    /// What it is in.
    pub currency: Currency,
    /// Its running totals, minor units.
    pub totals: Totals,
}

/// A transfer where it stands. Its entries have the running balances of customers' sides.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Posted {
    /// The transfer.
    pub transfer: Transfer,
    /// Its commit …
    pub position: Position,
    /// … and its place in it.
    pub index: u32,
    /// The one before at its machine.
    pub(super) machine_previous: Option<TransferId>,
}

/// A withdrawal in two steps, as it stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct WithdrawalRow {
    /// What never changes, the fee included.
    pub identity: WithdrawalIdentity,
    /// The request that it answered.
    pub request: RequestId,
    /// How it stands.
    pub state: WithdrawalState,
}

impl MemoryBank {
    /// A copy of the books: costs as much as there is of them.
    #[must_use]
    pub fn books(&self) -> Books {
        let inner = self.lock();
        let state = &inner.state;
        let withdrawals = state.withdrawals.values();
        Books {
            accounts: accounts(state),
            transfers: state.transfers.clone(),
            cases: state.cases.values().cloned().collect(),
            withdrawals: withdrawals
                .map(|kept| WithdrawalRow { identity: kept.identity, request: kept.request, state: kept.row.state })
                .collect(),
        }
    }

    /// Transfers after the first `count`, in the order of [`Books::transfers`]: costs as much as there is of those.
    #[must_use]
    pub fn transfers_since(&self, count: usize) -> Vec<Posted> {
        self.lock().state.transfers.get(count..).unwrap_or_default().to_vec()
    }

    /// All accounts of the ledger, in the order of [`LedgerAccount`].
    #[must_use]
    pub fn accounts(&self) -> Vec<AccountRow> {
        accounts(&self.lock().state)
    }
}

fn accounts(state: &State) -> Vec<AccountRow> {
    let customers = state.accounts.values().map(|row| AccountRow {
        account: LedgerAccount::Customer(row.identity.number),
        currency: row.identity.currency,
        totals: row.totals,
    });
    let internal = state.internal.iter().filter_map(|(account, totals)| {
        let currency = currency_of(*account)?;
        Some(AccountRow { account: *account, currency, totals: *totals })
    });
    let mut rows: Vec<AccountRow> = customers.chain(internal).collect();
    rows.sort_unstable_by_key(|row| row.account);
    rows
}

/// What an internal account is in.
const fn currency_of(account: LedgerAccount) -> Option<Currency> {
    match account {
        LedgerAccount::AtmCash(_, currency)
        | LedgerAccount::AtmInFlight(_, currency)
        | LedgerAccount::Counter(_, currency)
        | LedgerAccount::Bank(_, currency) => Some(currency),
        LedgerAccount::Customer(_) => None,
    }
}
