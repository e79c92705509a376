//! An independent account of what must be true of a bank and its machines, told only what crossed the outside.
//!
//! It is much simpler than what it watches and shares no rule with it: what it says follows from the rules for faults and
//! invariants alone. `rules` holds one function for each invariant that is checked, named after its number; a number without
//! a function is not checked here.

mod money;
mod rules;
pub mod seen;

use std::fmt;

use cashpoint_bank::store::records::Records;
use cashpoint_core::id::MachineId;
use cashpoint_core::time::Timestamp;

use money::Account;
use seen::Sight;

/// Something that must not be.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Violation {
    /// Which rule, in the words of its function.
    pub rule: &'static str,
    /// When it was noticed.
    pub at: Timestamp,
    /// What was found.
    pub what: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}: {}", self.rule, self.what)
    }
}

impl std::error::Error for Violation {}

/// How a machine stands once faults have stopped and it was given time.
#[derive(Clone, Debug)]
pub struct Standing {
    /// Which.
    pub machine: MachineId,
    /// Advices that wait.
    pub waiting: u32,
    /// Operations that were begun and not ended.
    pub open: usize,
}

/// Whoever is told what is seen.
pub trait Observer {
    /// Something was seen.
    ///
    /// # Errors
    /// It must not be.
    fn see(&mut self, sight: &Sight) -> Result<(), Violation>;

    /// Faults have stopped, everything was given time.
    ///
    /// # Errors
    /// What stands there must not be.
    fn settled(&mut self, records: &Records, standing: &[Standing], now: Timestamp) -> Result<(), Violation>;
}

/// The auditor.
#[derive(Default)]
pub struct Auditor {
    account: Account,
}

impl Auditor {
    /// One that has seen nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}

impl Observer for Auditor {
    fn see(&mut self, sight: &Sight) -> Result<(), Violation> {
        self.account.note(sight);
        rules::at_every_sight(&self.account, sight).map_err(|(rule, what)| Violation { rule, at: sight.at, what })
    }

    fn settled(&mut self, records: &Records, standing: &[Standing], now: Timestamp) -> Result<(), Violation> {
        rules::once_settled(&self.account, records, standing).map_err(|(rule, what)| Violation { rule, at: now, what })
    }
}
