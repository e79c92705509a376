//! The exchange of a terminal's cassettes, from staff's order to what its count came to.
//!
//! An order without a count opens the machine: the terminal begins the exchange and waits. The count, sent with the order
//! or after it, ends the exchange, and is posted when the terminal has told so. A machine of kind `api` has none of this:
//! its count is posted at once.

use crate::id::{MachineId, OperatorId};
use crate::money::Amount;
use crate::time::Timestamp;

/// One order to exchange a terminal's cassettes, and how far it got.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Replenishment {
    /// Which terminal.
    pub machine: MachineId,
    /// 1, 2, 3 … within the terminal.
    pub number: u64,
    /// Who ordered it.
    pub operator: OperatorId,
    /// When.
    pub ordered: Timestamp,
    /// What was counted; none: that is still to be said.
    pub count: Option<CashCount>,
    /// What it came to; none: the terminal has not told that it is done.
    pub posted: Option<Posted>,
}

/// What staff counted in a machine, by place. A place that is not named was not opened.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct CashCount {
    /// Cassettes that were opened.
    pub cassettes: Vec<CassetteCount>,
    /// What was in the deposit bin, minor units; nothing is left in it.
    pub deposit_bin: Option<i64>,
    /// The same of the reject bin.
    pub reject_bin: Option<i64>,
    /// The same of the retract bin.
    pub retract_bin: Option<i64>,
}

impl CashCount {
    /// Whether no place was opened.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// Notes of one cassette.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CassetteCount {
    /// Its position in the machine, from 0.
    pub position: usize,
    /// Counted when emptied.
    pub counted_out: u32,
    /// Counted when filled.
    pub counted_in: u32,
}

/// What a terminal's replenishment came to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Posted {
    /// When it was posted.
    pub at: Timestamp,
    /// What the machine holds since.
    pub cash: Amount,
    /// Counted less expected: negative = short, positive = over.
    pub difference: Amount,
    /// How much of a shortage open suspects explain: it waits in suspense as evidence in their cases.
    pub held: Amount,
    /// The dispenser's own counters as the exchange began, for people: `name=value` with semicolons between.
    pub found: String,
}
