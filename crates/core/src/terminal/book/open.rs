//! The one withdrawal or deposit that has begun and not ended.
//!
//! How far it came in the journal, not in the world: what the devices did of it is judged elsewhere.

use crate::id::{AccountNumber, CardId};
use crate::mix::Notes;
use crate::money::Amount;
use crate::terminal::device::{Counters, DispenseId, Nonce};
use crate::terminal::link::{Approved, OperationId};
use crate::terminal::record::Intent;

/// What has begun and not ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Open {
    /// Cash.
    Withdrawal(Box<OpenWithdrawal>),
    /// Notes that were about to be taken, or to be stored.
    Deposit(OpenDeposit),
}

impl Open {
    /// Which operation it is.
    #[must_use]
    pub fn id(&self) -> OperationId {
        match self {
            Self::Withdrawal(withdrawal) => withdrawal.intent.id,
            Self::Deposit(deposit) => deposit.id,
        }
    }
}

/// A withdrawal that has not ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OpenWithdrawal {
    /// What the customer wants.
    pub intent: Intent,
    /// The host's leave, if it was asked and gave it.
    pub approved: Option<Approved>,
    /// How far it came.
    pub step: Step,
    /// Whether its card got stuck over waiting notes.
    pub card: CardFate,
}

/// What became of the card of a withdrawal, as far as it matters for the notes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum CardFate {
    /// Nothing is known to be wrong with it.
    Moves,
    /// It was stuck while notes lay on the stacker.
    Jammed,
}

/// How far a withdrawal came. What follows a step in the world may have happened; what follows a later one cannot have.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Step {
    /// Asked for.
    Intended,
    /// Approved by the host.
    Approved,
    /// The dispenser was about to be told.
    Dispensing(Dispensing),
    /// The notes were on the stacker, and about to be put within reach.
    Presenting(Dispensing),
}

impl Step {
    /// The dispense, once there was to be one.
    #[must_use]
    pub const fn dispensing(&self) -> Option<&Dispensing> {
        match self {
            Self::Intended | Self::Approved => None,
            Self::Dispensing(dispensing) | Self::Presenting(dispensing) => Some(dispensing),
        }
    }
}

/// What was written down before a dispense.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Dispensing {
    /// The counters before.
    pub before: Counters,
    /// How the device will name it.
    pub dispense: DispenseId,
    /// The host's nonce for the device's signed word, if it signs.
    pub present_nonce: Option<Nonce>,
    /// Whether an earlier dispense bears the same name.
    pub token: TokenUse,
}

/// Whether a dispense is the first by its token. Dispenses by one token have one name, so that the device's word on a
/// dispense may be on an earlier one.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum TokenUse {
    /// It is.
    First,
    /// It is not.
    Again,
}

/// A deposit that has not ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OpenDeposit {
    /// The operation.
    pub id: OperationId,
    /// Whose card.
    pub card: CardId,
    /// To which account.
    pub account: AccountNumber,
    /// What was counted.
    pub notes: Notes,
    /// Its sum.
    pub amount: Amount,
    /// How far it came.
    pub step: DepositStep,
    /// Whether that is all that was laid in.
    pub tally: Tally,
}

/// Whether the acceptor counted all the notes that it drew in, as far as is known.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Tally {
    /// Nothing is known to be missing.
    Whole,
    /// It failed when it may have held more.
    Broken,
}

/// How far a deposit came. As with [`Step`], what follows a step in the world may have happened.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum DepositStep {
    /// The acceptor was about to take notes; nothing was agreed, and nothing counted is in the journal.
    Taking,
    /// What was counted was about to be stored: the customer agreed, or may have gone.
    Storing,
}
