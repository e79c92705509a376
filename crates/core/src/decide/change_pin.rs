//! A holder changes the PIN of the card in the machine. The old PIN is tried as at log-in: a wrong one counts.

use crate::card::{Card, PinKey, PinVerified};
use crate::command::ChangePin;
use crate::event::{Actor, AuditKind, EventKind};
use crate::facts::{Facts, Keys, Lookups};
use crate::outcome::{Done, Refusal};
use crate::time::BusinessDate;

use super::known_card::{self, Happened};
use super::pin_try::try_pin;
use super::{Decide, Draft, Stop, permit};

impl Decide for ChangePin {
    fn lookups(&self, lookups: &mut Lookups) {
        known_card::lookups(&self.session, self.card, lookups);
    }

    fn keys(&self, facts: &Facts, _: BusinessDate, keys: &mut Keys) {
        known_card::keys(facts, &self.session, self.card, keys);
        keys.pins.insert(self.old.key);
    }

    fn decide(&self, draft: &mut Draft<'_>) -> Result<Done, Stop> {
        let reach = permit::customer(draft, &self.session)?;
        if reach.card != Some(self.card) {
            return Err(Refusal::NotFound.into());
        }
        permit::card_good(draft, reach)?;
        assert_eq!(self.old.key, PinKey::Card(self.card), "the old PIN is tried on the card that is to change");
        let verifier = draft.facts.cards.at(&self.card).verifier;
        let proof = try_pin(draft, &self.old, Some(&verifier), Some(reach.customer))?;
        self.change(draft, proof);
        draft.touch(&self.session);
        Ok(Done::Changed)
    }
}

impl ChangePin {
    fn change(&self, draft: &mut Draft<'_>, _: PinVerified) {
        let identity = draft.facts.card_identities.at(&self.card);
        let card = Card { verifier: self.new, ..*draft.facts.cards.at(&self.card) };
        let happened = Happened {
            event: EventKind::PinChanged,
            audit: AuditKind::PinChanged,
            actor: Actor::Customer(identity.customer),
            detail: "by its holder",
        };
        happened.change(draft, identity, card);
    }
}
