//! Commands that begin, touch and end sessions.

use super::Standing;
use crate::card::{PinKey, Verifier};
use crate::id::{CustomerId, Index, MachineId, OperatorId, SessionId};
use crate::session::{Role, Session};

/// A session to be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NewSession {
    /// Its id.
    pub id: SessionId,
    /// SHA-256 of its token.
    pub token: Index,
}

/// A PIN as it was entered, for whom, and what it makes under every live key.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PinEntry {
    /// The card, or the number that no card has.
    pub key: PinKey,
    /// The PIN's verifiers, under the current key first.
    pub candidates: Vec<Verifier>,
}

/// Begins a card's session at a machine or counter.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LogInWithCard {
    /// The PIN.
    pub pin: PinEntry,
    /// The machine that the request names.
    pub place: MachineId,
    /// From where it comes.
    pub standing: Standing,
    /// The session to begin.
    pub session: NewSession,
}

/// A password compared before the queue.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PasswordCheck<Id> {
    /// Whose password.
    pub of: Id,
    /// The version that was compared.
    pub version: u32,
    /// Whether it matched.
    pub matched: Match,
}

/// What a comparison said.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Match {
    /// The same.
    Same,
    /// Another.
    Different,
}

/// Begins an online session.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LogInOnline {
    /// Index of the email address: tries are counted by it, known or not.
    pub identity: Index,
    /// The comparison; none if nobody has this address.
    pub check: Option<PasswordCheck<CustomerId>>,
    /// The session to begin.
    pub session: NewSession,
}

/// Begins a session of staff.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LogInOperator {
    /// Index of the name: tries are counted by it, known or not.
    pub identity: Index,
    /// The comparison; none if nobody has this name.
    pub check: Option<PasswordCheck<(OperatorId, Role)>>,
    /// The session to begin.
    pub session: NewSession,
}

/// Ends a session.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LogOut {
    /// Which.
    pub session: Session,
}

/// Says that a session was active, after reads that took another road.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Touch {
    /// Which.
    pub session: Session,
}
