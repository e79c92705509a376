//! Staff lift a card's block or lock: the count of wrong PINs and blocks starts over.

use crate::card::{PinCounter, PinKey};
use crate::change::Row;
use crate::command::UnblockCard;
use crate::event::{Actor, AuditKind, EventKind};
use crate::facts::{Facts, Keys, Lookups};
use crate::outcome::Done;
use crate::session::Role;
use crate::time::BusinessDate;

use super::known_card::{self, Happened};
use super::{Decide, Draft, Stop, permit};

impl Decide for UnblockCard {
    fn lookups(&self, lookups: &mut Lookups) {
        known_card::lookups(&self.session, self.card, lookups);
    }

    fn keys(&self, facts: &Facts, _: BusinessDate, keys: &mut Keys) {
        known_card::keys(facts, &self.session, self.card, keys);
        keys.pins.insert(PinKey::Card(self.card));
    }

    fn decide(&self, draft: &mut Draft<'_>) -> Result<Done, Stop> {
        let operator = permit::operator(draft, &self.session, &[Role::Clerk])?;
        let (identity, _) = known_card::card(draft, self.card)?;
        draft.set(Row::Pin(PinKey::Card(self.card), PinCounter::default()));
        let happened = Happened {
            event: EventKind::CardUnblocked,
            audit: AuditKind::Unblocked,
            actor: Actor::Operator(operator),
            detail: "",
        };
        happened.tell(draft, &identity);
        draft.touch(&self.session);
        Ok(Done::Changed)
    }
}
