//! Commands of a terminal's two-step withdrawal, of what it tells afterwards, and the resolution of cases.

use crate::id::{AccountNumber, CardId, CaseId, MachineId, RequestId, RequestKey, TransferId};
use crate::money::{Amount, Decimal};
use crate::session::Session;
use crate::terminal::link::Movement;
use crate::time::Timestamp;

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
    /// What the dispenser holds as its nonce, for which the leave will be made.
    pub nonce: Option<[u8; 16]>,
}

/// The case to open, should one be needed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct InCase {
    /// Its id.
    pub id: CaseId,
    /// What is known, for people.
    pub evidence: String,
}

/// A terminal says that the customer took all of it. Where the notes do not add up to what was approved, it becomes a
/// case. Notes beyond those that the mirror of a cassette holds were one more than counted in: their value posts as a
/// surplus, so that the ledger's cash stays what the mirror holds.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Complete {
    /// The terminal.
    pub terminal: MachineId,
    /// This advice's own name.
    pub request: RequestId,
    /// The approval's request.
    pub original: RequestKey,
    /// By which card the approval was asked for, if it is known.
    pub card: Option<CardId>,
    /// Where the notes went.
    pub moved: Movement,
    /// Should they not add up.
    pub case: InCase,
}

/// A terminal says that nothing, or only a part, left the machine. Where that is not what the notes say, it becomes a
/// case.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Reverse {
    /// The terminal.
    pub terminal: MachineId,
    /// This advice's own name.
    pub request: RequestId,
    /// The approval's request; it may not have arrived yet.
    pub original: RequestKey,
    /// Where the notes went: nowhere if nothing was dispensed.
    pub moved: Movement,
    /// Should they not add up.
    pub case: InCase,
}

/// A terminal says that its device cannot tell, or its word is not believed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Suspect {
    /// The terminal.
    pub terminal: MachineId,
    /// This advice's own name.
    pub request: RequestId,
    /// The approval's request.
    pub original: RequestKey,
    /// The case to open.
    pub case: InCase,
}

/// What became of cash that was paid without asking the host.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum OfflineWord {
    /// It was paid, in whole or in part: what was paid follows from where the notes went.
    Paid(Movement),
    /// The device cannot say, or its word is not believed.
    Suspect,
}

/// A terminal tells of cash that it paid without asking. It posts past limits and funds.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OfflineWithdrawn {
    /// The terminal.
    pub terminal: MachineId,
    /// This advice's own name.
    pub request: RequestId,
    /// Whose card.
    pub card: CardId,
    /// From which account.
    pub account: AccountNumber,
    /// What was to be paid.
    pub amount: Amount,
    /// The dispenser's nonce of the lease that allowed it.
    pub lease: [u8; 16],
    /// Which of the lease's present nonces the device signed for, if it signs.
    pub present: Option<u8>,
    /// What became of it.
    pub word: OfflineWord,
    /// Should nobody know, or nobody be there to be charged.
    pub case: InCase,
}

/// A terminal tells of notes in its deposit bin. They are taken whatever is wrong with them: what cannot be credited
/// goes to suspense.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DepositAdvice {
    /// The terminal.
    pub terminal: MachineId,
    /// This advice's own name.
    pub request: RequestId,
    /// Whose card.
    pub card: CardId,
    /// To which account.
    pub account: AccountNumber,
    /// How much.
    pub amount: Amount,
    /// Should it not be credited.
    pub case: InCase,
}

/// A terminal tells of a deposit of which nobody knows what became of the notes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DepositUnclear {
    /// The terminal.
    pub terminal: MachineId,
    /// This advice's own name.
    pub request: RequestId,
    /// Whose card.
    pub card: CardId,
    /// To which account.
    pub account: AccountNumber,
    /// What had been counted; zero: nothing yet.
    pub amount: Amount,
    /// The case to open.
    pub case: InCase,
}

/// A transfer that a customer asked for while the host was away. It is decided now, and may be refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct StoredTransfer {
    /// The terminal.
    pub terminal: MachineId,
    /// This advice's own name.
    pub request: RequestId,
    /// Under which the host may have been asked for it at once, when no answer came.
    pub original: RequestKey,
    /// Whose card.
    pub card: CardId,
    /// From.
    pub source: AccountNumber,
    /// To.
    pub target: AccountNumber,
    /// How much.
    pub amount: Amount,
    /// When it was asked for, by the terminal's clock.
    pub at: Timestamp,
}

/// Wrong PINs that were tried while the host was away: they count like any others.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct OfflineTries {
    /// The terminal.
    pub terminal: MachineId,
    /// This advice's own name.
    pub request: RequestId,
    /// Whose card.
    pub card: CardId,
    /// How many.
    pub wrong: u8,
}

/// A machine kept a card.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CardRetained {
    /// The terminal.
    pub terminal: MachineId,
    /// This advice's own name.
    pub request: RequestId,
    /// Whose, if known.
    pub card: Option<CardId>,
}

/// A terminal tells that the exchange of its cassettes is done: the count that staff gave for it posts.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Exchanged {
    /// The terminal.
    pub terminal: MachineId,
    /// This advice's own name.
    pub request: RequestId,
    /// Number of the replenishment.
    pub number: u64,
    /// The terminal's suspects that were open when this was told, oldest first.
    pub suspects: Vec<CaseId>,
    /// The dispenser's own counters as the exchange began, for people.
    pub found: String,
}

/// Staff resolve a case. Which notes were paid nobody knows: the mirror keeps counting them and their value posts as a
/// surplus, which meets the shortage that the machine's next count finds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ResolveCase {
    /// Who asks.
    pub session: Session,
    /// The request's name for ever.
    pub request: RequestId,
    /// Which case.
    pub case: CaseId,
    /// The account that it concerns; it never changes.
    pub account: AccountNumber,
    /// The withdrawal that it is about, if it is about one; it never changes.
    pub withdrawal: Option<TransferId>,
    /// What turned out paid, or paid in, or was handed to the owner of what went back (zero: nothing). Of a case of unknown
    /// amount at most what one deposit may bring.
    pub paid: Decimal,
    /// The case that is opened if what goes back finds its account closed.
    pub unclaimed: CaseId,
}
