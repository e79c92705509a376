//! Commands about cards and PINs.

use super::PinEntry;
use crate::card::Verifier;
use crate::customer::Sealed;
use crate::id::{AccountNumber, CardId, CustomerId, Index, RequestId};
use crate::session::Session;
use crate::time::Timestamp;

/// Staff make a card.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct IssueCard {
    /// Who asks.
    pub session: Session,
    /// The request's name for ever.
    pub request: RequestId,
    /// The card.
    pub card: NewCard,
}

/// A card to be.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NewCard {
    /// Its id.
    pub id: CardId,
    /// Its holder.
    pub customer: CustomerId,
    /// The accounts it reaches, the primary one first.
    pub accounts: Vec<AccountNumber>,
    /// Index of its number under the current key; and under older live keys, to find a number that is taken.
    pub number_indexes: Vec<Index>,
    /// Its number, sealed.
    pub number: Sealed,
    /// First instant at which it is no longer valid.
    pub expires: Timestamp,
    /// Its PIN's verifier.
    pub verifier: Verifier,
}

/// A holder changes the PIN.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ChangePin {
    /// Who asks; must be this card's session.
    pub session: Session,
    /// Which card.
    pub card: CardId,
    /// The old PIN as entered.
    pub old: PinEntry,
    /// What the new PIN makes.
    pub new: Verifier,
}

/// Staff give a card a new PIN; blocks and locks stay.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ResetPin {
    /// Who asks.
    pub session: Session,
    /// Which card.
    pub card: CardId,
    /// What the new PIN makes.
    pub new: Verifier,
}

/// Why a card is reported.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ReportReason {
    /// Lost.
    Lost,
    /// Stolen.
    Stolen,
}

/// A holder or staff report a card.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ReportCard {
    /// Who asks.
    pub session: Session,
    /// Which card.
    pub card: CardId,
    /// Why.
    pub reason: ReportReason,
}

/// Staff lift a card's block or lock.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct UnblockCard {
    /// Who asks.
    pub session: Session,
    /// Which card.
    pub card: CardId,
}

/// Staff withdraw a card for good.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RemoveCard {
    /// Who asks.
    pub session: Session,
    /// Which card.
    pub card: CardId,
}
