//! Reads on behalf of a session: whether it lives and may is checked on the read connection, and its activity noted
//! with a touch when the last is some time ago.

use cashpoint_core::card::PinKey;
use cashpoint_core::command::Touch;
use cashpoint_core::decide::{session_alive, session_keys};
use cashpoint_core::facts::{Facts, Keys};
use cashpoint_core::id::{CardId, CustomerId, OperatorId};
use cashpoint_core::outcome::Refusal;
use cashpoint_core::session::{Role, Session, SessionState, Subject};
use cashpoint_core::time::Timestamp;

use super::Stop;
use crate::bank::Bank;
use crate::store::Reads;

/// A customer's session, and which of their accounts it reaches: the card's, or all.
#[derive(Clone, Copy, Debug)]
pub(super) struct Holder {
    pub(super) customer: CustomerId,
    pub(super) card: Option<CardId>,
}

/// Any session.
pub(super) fn anyone(_: &Session) -> Result<(), Refusal> {
    Ok(())
}

/// A customer's, of either channel.
pub(super) fn holder(session: &Session) -> Result<Holder, Refusal> {
    match session.subject {
        Subject::Card { card, customer, .. } => Ok(Holder { customer, card: Some(card) }),
        Subject::Online { customer } => Ok(Holder { customer, card: None }),
        Subject::Operator { .. } => Err(Refusal::Forbidden),
    }
}

/// A customer's, online.
pub(super) fn online(session: &Session) -> Result<CustomerId, Refusal> {
    match session.subject {
        Subject::Online { customer } => Ok(customer),
        Subject::Card { .. } | Subject::Operator { .. } => Err(Refusal::Forbidden),
    }
}

/// Staff of any role: all of them may read.
pub(super) fn staff(session: &Session) -> Result<OperatorId, Refusal> {
    match session.subject {
        Subject::Operator { operator, .. } => Ok(operator),
        Subject::Card { .. } | Subject::Online { .. } => Err(Refusal::Forbidden),
    }
}

/// Staff who may make customers and cards.
pub(super) fn clerk(session: &Session) -> Result<OperatorId, Refusal> {
    match session.subject {
        Subject::Operator { operator, role: Role::Admin | Role::Clerk } => Ok(operator),
        Subject::Operator { role: Role::Custodian | Role::Auditor, .. }
        | Subject::Card { .. }
        | Subject::Online { .. } => Err(Refusal::Forbidden),
    }
}

impl Bank {
    /// Reads for a session that lives and is `who` may ask.
    pub(super) fn look_as<W, T>(
        &self,
        session: &Session,
        who: impl FnOnce(&Session) -> Result<W, Refusal>,
        query: impl FnOnce(&mut dyn Reads, W) -> Result<T, Stop>,
    ) -> Result<T, Stop> {
        let now = self.now();
        let (state, result) = self.look(|reads| {
            let state = living(reads, session, now)?;
            match who(session).map_err(Stop::from).and_then(|who| query(reads, who)) {
                Err(Stop::Store(error)) => Err(Stop::Store(error)),
                result => Ok((state, result)),
            }
        })?;
        if now.since_ms(state.active) > session.activity_grain_ms() {
            // Nobody waits for it: a touch that is lost ends the session early, which is the safe side.
            self.submit(Touch { session: *session }, Box::new(|_| ()));
        }
        result
    }

    /// Reads a report for a session that lives and is `who` may ask: the report from the replica, if there is one and it has
    /// it.
    pub(super) fn report_as<W, T>(
        &self,
        session: &Session,
        who: impl FnOnce(&Session) -> Result<W, Refusal>,
        report: impl Fn(&mut dyn Reads) -> Result<T, Stop>,
    ) -> Result<T, Stop> {
        let Some(replica) = self.replica() else { return self.look_as(session, who, |reads, _| report(reads)) };
        self.permitted(session, who)?;
        replica.read(&report).map_or_else(|| self.look(&report), Ok)
    }

    /// Whose session it is, if it lives and is `who` may ask.
    pub(super) fn permitted<W>(
        &self,
        session: &Session,
        who: impl FnOnce(&Session) -> Result<W, Refusal>,
    ) -> Result<W, Stop> {
        self.look_as(session, who, |_, who| Ok(who))
    }
}

/// The state of a session that lives, its card not blocked.
pub(super) fn living(reads: &mut dyn Reads, session: &Session, now: Timestamp) -> Result<SessionState, Stop> {
    let mut keys = Keys::default();
    session_keys(session, &mut keys);
    let mut facts = Facts::default();
    reads.load(&keys, &mut facts)?;
    session_alive(&facts, session, now)?;
    if let Subject::Card { card, .. } = session.subject {
        let counter = facts.pins.find(&PinKey::Card(card)).copied().unwrap_or_default();
        counter.admit(now).map_err(|blocked| Refusal::CardBlocked { until: blocked.until })?;
    }
    Ok(*facts.sessions.at(&session.id))
}
