//! What a bank has on record, as plain rows: all that an auditor reads of it. How rows are had from a bank is the town's
//! matter.

use std::collections::BTreeMap;

use cashpoint_core::currency::Currency;
use cashpoint_core::id::{CardId, MachineId, TransferId};
use cashpoint_core::ledger::{LedgerAccount, TransferKind};
use cashpoint_core::mix::Cassette;
use cashpoint_core::time::BusinessDate;

/// A transfer of the ledger.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Posted {
    /// Which.
    pub id: TransferId,
    /// What for.
    pub kind: TransferKind,
    /// From.
    pub debit: Side,
    /// To.
    pub credit: Side,
    /// How much, minor units.
    pub amount: i64,
    /// On which of the bank's days it counts.
    pub business_date: BusinessDate,
    /// At which machine or counter.
    pub machine: Option<MachineId>,
    /// By which card.
    pub card: Option<CardId>,
    /// What it completes, corrects, or is the fee of.
    pub concerns: Option<TransferId>,
}

/// One side of a transfer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Side {
    /// Which account.
    pub account: LedgerAccount,
    /// What it is in.
    pub currency: Currency,
    /// A customer's balance afterwards, minor units.
    pub balance: Option<i64>,
}

/// A case.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CaseRow {
    /// What it is about, as the bank names it.
    pub matter: String,
    /// At which machine.
    pub machine: MachineId,
    /// Whose account, as the ledger names it.
    pub account: String,
    /// How much, minor units.
    pub amount: i64,
    /// What counts found missing because of it, minor units.
    pub short: i64,
    /// Whether somebody still has to look.
    pub state: CaseState,
}

/// Whether somebody still has to look.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CaseState {
    /// Yes.
    Open,
    /// No more.
    Resolved,
}

/// A withdrawal in two steps.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct WithdrawalRow {
    /// The transfer that it began with.
    pub id: TransferId,
    /// At which machine.
    pub machine: MachineId,
    /// How it stands, as the bank names it.
    pub state: String,
}

/// What a bank believes that a machine holds.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct HoldingRow {
    /// Which machine.
    pub machine: MachineId,
    /// Its cassettes, by position.
    pub cassettes: Vec<Cassette>,
    /// What lies in the bins for deposits, rejected and retracted notes, minor units.
    pub bins: [i64; 3],
}

/// All of it.
#[derive(Clone, Debug, Default)]
pub struct Rows {
    /// Every account's balance, credits minus debits, by its name.
    pub balances: BTreeMap<String, i64>,
    /// Every transfer, in the ledger's order.
    pub transfers: Vec<Posted>,
    /// Every case.
    pub cases: Vec<CaseRow>,
    /// Every withdrawal in two steps.
    pub withdrawals: Vec<WithdrawalRow>,
    /// Terminals and what they hold.
    pub holdings: Vec<HoldingRow>,
}
