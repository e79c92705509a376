//! An independent account of what must be true of a bank and its machines, told only what crossed the outside.
//!
//! It is much simpler than what it watches and shares no rule with it: what it says follows from the rules for faults and
//! invariants alone. Each invariant that is checked has a function named after its number; a number without one is not
//! checked here. `conversation` holds those about what is asked and answered, `effects` about what machines do (`tokens`: by
//! whose leave), `ledger` about transfers as they come, `secrets` about what must be nowhere, `rules` about people and about what is left at the
//! end.

mod conversation;
mod effects;
mod ledger;
mod money;
pub mod rows;
mod rules;
mod secrets;
pub mod seen;
mod tokens;

use std::fmt;

use cashpoint_bank::store::records::Records;
use cashpoint_core::id::MachineId;
use cashpoint_core::time::Timestamp;

use conversation::Conversation;
use effects::Effects;
use ledger::Ledger;
use money::Account;
use rows::Rows;
use secrets::Secrets;
use seen::Sight;

/// A rule's name, and what is against it.
type Broken = (&'static str, String);

fn broken(rule: &'static str, what: Option<String>) -> Result<(), Broken> {
    what.map_or(Ok(()), |what| Err((rule, what)))
}

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

/// What is left once faults have stopped and everything was given time.
#[derive(Clone, Copy)]
pub struct Remains<'a> {
    /// What the bank has on record.
    pub rows: &'a Rows,
    /// The same, for recomputing it; none: that is not done this time.
    pub records: Option<&'a Records>,
    /// How each machine stands.
    pub standing: &'a [Standing],
    /// The bytes of everything that outlives the run, and what it is.
    pub kept: &'a [(String, Vec<u8>)],
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
    fn settled(&mut self, remains: &Remains<'_>, now: Timestamp) -> Result<(), Violation>;
}

/// The auditor.
#[derive(Default)]
pub struct Auditor {
    account: Account,
    conversation: Conversation,
    effects: Effects,
    ledger: Ledger,
    secrets: Secrets,
}

impl Auditor {
    /// One that has seen nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn weigh(&mut self, sight: &Sight) -> Result<(), Broken> {
        self.account.note(sight);
        rules::at_every_sight(&self.account, sight)?;
        self.conversation.see(sight)?;
        self.effects.see(sight)?;
        self.ledger.see(sight)?;
        self.secrets.see(sight)
    }

    fn weigh_remains(&self, remains: &Remains<'_>) -> Result<(), Broken> {
        self.effects.settled()?;
        self.ledger.settled(remains.rows)?;
        rules::once_settled(&self.account, &self.ledger, remains)?;
        self.secrets.settled(remains.kept)
    }
}

impl Observer for Auditor {
    fn see(&mut self, sight: &Sight) -> Result<(), Violation> {
        self.weigh(sight).map_err(|(rule, what)| Violation { rule, at: sight.at, what })
    }

    fn settled(&mut self, remains: &Remains<'_>, now: Timestamp) -> Result<(), Violation> {
        self.weigh_remains(remains).map_err(|(rule, what)| Violation { rule, at: now, what })
    }
}
