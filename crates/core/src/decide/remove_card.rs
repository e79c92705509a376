//! Staff withdraw a card for good: nothing answers to its number any more, and its session ends.

use crate::card::{Card, CardState};
use crate::command::RemoveCard;
use crate::event::{Actor, AuditKind, EventKind};
use crate::facts::{Facts, Keys, Lookups};
use crate::outcome::Done;
use crate::session::Role;
use crate::time::BusinessDate;

use super::known_card::{self, Happened};
use super::{Decide, Draft, Stop, permit};

impl Decide for RemoveCard {
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
            event: EventKind::CardRemoved,
            audit: AuditKind::CardRemoved,
            actor: Actor::Operator(operator),
            detail: "",
        };
        // Without the card's word for it, no session of this card lives.
        happened.change(draft, &identity, Card { state: CardState::Removed, session: None, ..card });
        draft.touch(&self.session);
        Ok(Done::Changed)
    }
}
