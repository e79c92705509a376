//! Sessions: a write-once identity, and the little that changes.

use crate::id::{CardId, CustomerId, Index, MachineId, NotAnId, OperatorId, SessionId};
use crate::time::Timestamp;

/// What staff may do.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Role {
    /// Everything.
    Admin,
    /// Customers and cards.
    Clerk,
    /// Machines and their cash.
    Custodian,
    /// Reading only.
    Auditor,
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 4] = [Self::Admin, Self::Clerk, Self::Custodian, Self::Auditor];

    /// The role's name outside and in the database.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::Clerk => "clerk",
            Self::Custodian => "custodian",
            Self::Auditor => "auditor",
        }
    }

    /// Reads [`Self::name`] back.
    ///
    /// # Errors
    /// [`NotAnId`] for any other text.
    pub fn parse(name: &str) -> Result<Self, NotAnId> {
        Self::ALL.into_iter().find(|role| role.name() == name).ok_or(NotAnId)
    }
}

/// Whose session it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Subject {
    /// A card in a machine, or shown at a counter.
    Card {
        /// The card.
        card: CardId,
        /// Its holder.
        customer: CustomerId,
        /// Where it is.
        place: MachineId,
    },
    /// A customer, by email and password.
    Online {
        /// The customer.
        customer: CustomerId,
    },
    /// A member of staff.
    Operator {
        /// Who.
        operator: OperatorId,
        /// What they may do.
        role: Role,
    },
}

/// What never changes about a session; times are those of the policy in force when it began.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Session {
    /// Its id.
    pub id: SessionId,
    /// SHA-256 of its token.
    pub token: Index,
    /// Whose it is.
    pub subject: Subject,
    /// When it began.
    pub began: Timestamp,
    /// It ends after this long without activity.
    pub idle_s: u32,
    /// It ends at this instant whatever happens; none for a card's.
    pub ends: Option<Timestamp>,
}

/// Why a session was ended before its time.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum EndReason {
    /// Logged out.
    LoggedOut,
    /// Its card was reported or withdrawn.
    CardReported,
}

/// What changes about a session. That a card's session was displaced is not written here: it lives only while the
/// card's and the machine's row both name it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SessionState {
    /// Its id.
    pub id: SessionId,
    /// Last command or touch.
    pub active: Timestamp,
    /// The customer's session generation that it belongs to; a new password raises the customer's.
    pub generation: u32,
    /// Ended early, when and why.
    pub ended: Option<(Timestamp, EndReason)>,
}

impl Session {
    /// The customer, if it is one's.
    #[must_use]
    pub const fn customer(&self) -> Option<CustomerId> {
        match self.subject {
            Subject::Card { customer, .. } | Subject::Online { customer } => Some(customer),
            Subject::Operator { .. } => None,
        }
    }

    /// The instant at which it ends if nothing more happens.
    #[must_use]
    pub fn expires(&self, state: &SessionState) -> Timestamp {
        let idle = state.active.plus_s(i64::from(self.idle_s));
        self.ends.map_or(idle, |end| end.min(idle))
    }

    /// Activity that is so little newer than what the store has is not written there, milliseconds: a tenth of the idle
    /// time, at most 30 s. Whoever goes by the store sees a session end that much early, never late.
    #[must_use]
    pub fn activity_grain_ms(&self) -> i64 {
        (i64::from(self.idle_s) * 100).min(30_000)
    }

    /// Whether time alone has not ended it. An instant at the very end is too late.
    #[must_use]
    pub fn in_time(&self, state: &SessionState, now: Timestamp) -> bool {
        state.ended.is_none() && now < self.expires(state)
    }
}
