//! Commands of a terminal's two-step withdrawal, and the resolution of its cases.

use crate::id::{AccountNumber, CaseId, MachineId, RequestId, RequestKey, TransferId};
use crate::money::Decimal;
use crate::session::Session;

/// A terminal asks to pay cash in two steps.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Approve {
    /// The terminal, as its link has proven.
    pub terminal: MachineId,
    /// The card's session there.
    pub session: Session,
    /// The request's name for ever; a reversal will call it by its key.
    pub request: RequestId,
    /// From which account.
    pub account: AccountNumber,
    /// How much.
    pub amount: Decimal,
}

/// A terminal says that the customer took all of it. Notes beyond those that the mirror of a cassette holds were one
/// more than counted in: their value posts as a surplus, so that the ledger's cash stays what the mirror holds.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Complete {
    /// The terminal.
    pub terminal: MachineId,
    /// This advice's own name.
    pub request: RequestId,
    /// The approval's request.
    pub original: RequestKey,
    /// Notes that left, by cassette position.
    pub notes: Vec<u32>,
}

/// A terminal says that nothing, or only a part, left the machine.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Reverse {
    /// The terminal.
    pub terminal: MachineId,
    /// This advice's own name.
    pub request: RequestId,
    /// The approval's request; it may not have arrived yet.
    pub original: RequestKey,
    /// Notes that left, by cassette position; empty or zeros: none.
    pub notes: Vec<u32>,
}

/// A terminal says that its device cannot tell.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Suspect {
    /// The terminal.
    pub terminal: MachineId,
    /// This advice's own name.
    pub request: RequestId,
    /// The approval's request.
    pub original: RequestKey,
    /// The case to open.
    pub case: CaseId,
}

/// Staff resolve a case. Which notes were paid nobody knows: the mirror keeps counting them and their value posts as a
/// surplus, which meets the shortage that the machine's next count finds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ResolveCase {
    /// Who asks.
    pub session: Session,
    /// The request's name for ever.
    pub request: RequestId,
    /// The withdrawal that the case is about.
    pub withdrawal: TransferId,
    /// What turned out paid (zero: nothing).
    pub paid: Decimal,
}
