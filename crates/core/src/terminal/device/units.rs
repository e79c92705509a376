//! What is in a machine's units: as the dispenser counts it, and as staff say.

use std::collections::BTreeSet;

use crate::currency::Currency;
use crate::mix::Notes;

/// The dispenser's counters: absolute since the last replenishment.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Counters {
    /// Cassettes that dispense, by position.
    pub cassettes: Vec<CassetteCounters>,
    /// Notes in the reject bin.
    pub rejected: Notes,
    /// Counted notes in the retract bin.
    pub retracted: Notes,
    /// How often something was retracted, counted or not.
    pub retract_operations: u32,
    /// Notes on the stacker or in the transport.
    pub way: Way,
}

/// One cassette's counters.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CassetteCounters {
    /// Value of a note, minor units.
    pub denomination: i64,
    /// Of which currency.
    pub currency: Currency,
    /// Notes that it was filled with.
    pub initial: u32,
    /// Notes that left it, wherever they are now.
    pub out: u32,
    /// … of these, such as the customer could reach.
    pub presented: u32,
    /// … of these, such as went to the reject bin.
    pub rejected: u32,
    /// … of these, such as nobody knows where.
    pub unknown: u32,
    /// Whether it can give notes.
    pub usable: Usable,
    /// Whether its counts can be believed.
    pub accuracy: Accuracy,
}

impl CassetteCounters {
    /// Notes left to give.
    #[must_use]
    pub const fn left(&self) -> u32 {
        self.initial.saturating_sub(self.out)
    }
}

/// Whether a cassette gives notes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Usable {
    /// It does.
    Yes,
    /// It does; few are left.
    Low,
    /// It is empty.
    Empty,
    /// It is missing, broken or was tampered with.
    No,
}

/// Whether counts can be believed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Accuracy {
    /// Undisturbed since it was counted.
    Accurate,
    /// Not after a jam or the like.
    Inaccurate,
}

/// What lies between cassettes and customer.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Way {
    /// Nothing.
    Clear,
    /// Notes that the customer never could reach.
    Inside,
    /// Notes that the customer could or can reach.
    Reachable,
    /// The device cannot tell.
    Unknown,
}

/// What staff put into a machine's units.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Filling {
    /// Notes in each cassette now, by position; none: it was not opened.
    pub cassettes: Vec<Option<u32>>,
    /// Bins that were emptied.
    pub emptied: BTreeSet<Bin>,
}

/// A bin of a machine.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Bin {
    /// For deposits.
    Deposit,
    /// For notes that were not paid.
    Reject,
    /// For notes that were not taken.
    Retract,
}
