//! What the host pushes to a terminal: its partition policy, limits, and the cards that must not be served.
//!
//! The trade between being available and being correct while the host is away is the operator's, per machine.

use std::collections::BTreeSet;

use crate::currency::Currency;
use crate::money::Amount;
use crate::time::Timestamp;

use super::device::CardReference;

/// A terminal's settings.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Settings {
    /// Grows with every change.
    pub version: u64,
    /// What its notes are.
    pub currency: Currency,
    /// What is done while the host is away.
    pub partition: PartitionPolicy,
    /// Most notes handed over at once.
    pub most_notes: u32,
    /// Most that one withdrawal may pay.
    pub withdrawal_limit: Amount,
    /// Most that one deposit may bring.
    pub deposit_limit: Amount,
    /// How notes are chosen.
    pub mix: Mix,
    /// Amounts offered at a key press, as far as they can be paid.
    pub fast_cash: Vec<Amount>,
    /// Device errors in a row after which the machine stops.
    pub most_errors: u32,
    /// How long a customer may do nothing, seconds; asked once whether they need more.
    pub customer_s: u32,
    /// How long a card or notes may lie in the slot, seconds.
    pub taking_s: u32,
}

/// How notes are chosen.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Mix {
    /// The fewest notes.
    Least,
    /// So that the cassettes empty evenly.
    Even,
}

/// What is done while the host is away.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PartitionPolicy {
    /// Asked for a balance.
    pub balance: OfflineBalance,
    /// Asked to take a deposit.
    pub deposit: OfflineDeposit,
    /// Asked for a transfer.
    pub transfer: OfflineTransfer,
    /// Asked for cash.
    pub withdrawal: OfflineWithdrawal,
}

impl PartitionPolicy {
    /// Nothing that could go wrong.
    pub const STRICT: Self = Self {
        balance: OfflineBalance::Hide,
        deposit: OfflineDeposit::Refuse,
        transfer: OfflineTransfer::Refuse,
        withdrawal: OfflineWithdrawal::Refuse,
    };
}

/// A balance while the host is away.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum OfflineBalance {
    /// Not shown.
    Hide,
    /// The last one known, always with its date and time.
    Stale,
}

/// A deposit while the host is away.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum OfflineDeposit {
    /// Taken, and told when the host is back.
    Store,
    /// Not taken.
    Refuse,
}

/// A transfer while the host is away.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum OfflineTransfer {
    /// Noted; carried out, or refused, when the host is back. The customer is told so.
    Store,
    /// Not taken.
    Refuse,
}

/// Cash while the host is away.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum OfflineWithdrawal {
    /// None.
    Refuse,
    /// Within all of these, for cards with a verifier here, under a lease.
    Limited(OfflineLimits),
}

/// Limits on cash while the host is away.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct OfflineLimits {
    /// Most per card and day of 24 hours.
    pub per_card: Amount,
    /// Most that the machine pays in one outage, whatever its lease says.
    pub per_outage: Amount,
    /// How old the hot list may be, seconds.
    pub hot_list_age_s: u32,
    /// How much the lease is to be that the host grants.
    pub lease: Amount,
}

/// Cards that must not be served.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct HotList {
    /// Grows with every change.
    pub version: u64,
    /// As of when it is complete, by the host's clock; the terminal reckons its age from when it came.
    pub as_of: Timestamp,
    /// The cards.
    pub cards: BTreeSet<CardReference>,
}
