//! Staff give a card a new PIN. Blocks and locks stay: lifting them is another decision.

use crate::card::Card;
use crate::command::ResetPin;
use crate::event::{Actor, AuditKind, EventKind};
use crate::facts::{Facts, Keys, Lookups};
use crate::outcome::Done;
use crate::session::Role;
use crate::time::BusinessDate;

use super::known_card::{self, Happened};
use super::{Decide, Draft, Stop, permit};

impl Decide for ResetPin {
    fn lookups(&self, lookups: &mut Lookups) {
        known_card::lookups(&self.session, self.card, lookups);
    }

    fn keys(&self, facts: &Facts, _: BusinessDate, keys: &mut Keys) {
        known_card::keys(facts, &self.session, self.card, keys);
    }

    fn decide(&self, draft: &mut Draft<'_>) -> Result<Done, Stop> {
        let operator = permit::operator(draft, &self.session, &[Role::Clerk])?;
        let (identity, card) = known_card::card(draft, self.card)?;
        let happened = Happened {
            event: EventKind::PinChanged,
            audit: AuditKind::PinChanged,
            actor: Actor::Operator(operator),
            detail: "reset by staff",
        };
        happened.change(draft, &identity, Card { verifier: self.new, ..card });
        draft.touch(&self.session);
        Ok(Done::Changed)
    }
}
