//! Ending a session at its holder's wish.

use cashpoint_mutant::{Mutant, chosen};

use crate::change::Row;
use crate::command::LogOut;
use crate::event::{About, EventKind};
use crate::facts::{Facts, Keys, Lookups};
use crate::outcome::Done;
use crate::session::{EndReason, SessionState, Subject};
use crate::time::BusinessDate;

use super::{Decide, Draft, Stop, permit};

impl Decide for LogOut {
    fn lookups(&self, lookups: &mut Lookups) {
        permit::session_lookups(&self.session, lookups);
    }

    fn keys(&self, _: &Facts, _: BusinessDate, keys: &mut Keys) {
        permit::session_keys(&self.session, keys);
    }

    /// Also for a card that is blocked: leaving is always allowed.
    fn decide(&self, draft: &mut Draft<'_>) -> Result<Done, Stop> {
        let now = draft.moment.now;
        permit::alive(draft.facts, &self.session, now)?;
        if chosen(Mutant::LogOutIgnored) {
            return Ok(Done::Changed);
        }
        let state = *draft.facts.sessions.at(&self.session.id);
        draft.set(Row::Session(SessionState { active: now, ended: Some((now, EndReason::LoggedOut)), ..state }));
        match self.session.subject {
            Subject::Card { card, customer, place } => {
                let about = About { card: Some(card), machine: Some(place), ..About::default() };
                draft.event(customer, EventKind::LoggedOut, about);
            }
            Subject::Online { customer } => draft.event(customer, EventKind::LoggedOut, About::default()),
            Subject::Operator { .. } => {}
        }
        Ok(Done::Changed)
    }
}
