//! A withdrawal in two steps: approved for a terminal, its outcome told later.

use crate::id::{AccountNumber, CaseId, CustomerId, MachineId, TransferId};
use crate::money::Amount;
use crate::time::BusinessDate;

/// What never changes about an approved withdrawal.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct WithdrawalIdentity {
    /// The transfer that approved it.
    pub id: TransferId,
    /// The account debited.
    pub account: AccountNumber,
    /// Its owner.
    pub customer: CustomerId,
    /// The machine that was to pay.
    pub machine: MachineId,
    /// What was approved.
    pub amount: Amount,
    /// Its overdraft fee: the transfer and how much.
    pub fee: Option<(TransferId, Amount)>,
    /// The account's balance just before the approval, minor units.
    pub balance_before: i64,
    /// The date whose daily use it counts on.
    pub counted_on: BusinessDate,
    /// The dispenser's nonce that the host's leave was made for; none: not known.
    pub nonce: Option<[u8; 16]>,
}

/// How an approved withdrawal stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum WithdrawalState {
    /// Nothing heard yet: the money is in flight.
    Approved,
    /// All of it was paid.
    Completed,
    /// This much was paid (minor units), the rest went back.
    Partial {
        /// Paid, minor units.
        paid: i64,
    },
    /// Nothing was paid; all went back.
    Reversed,
    /// The device cannot say: the money stays in flight until an operator resolves the case.
    Suspect {
        /// The case.
        case: CaseId,
    },
}

/// An approved withdrawal as it stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Withdrawal {
    /// Which one.
    pub id: TransferId,
    /// How it stands.
    pub state: WithdrawalState,
}

/// What a customer used of the day's allowances, minor units of one currency.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct DailyUse {
    /// Withdrawn.
    pub withdrawn: i64,
    /// Deposited.
    pub deposited: i64,
    /// Transferred away.
    pub transferred: i64,
}
