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

#[cfg(test)]
mod tests {
    use super::super::world::{World, right_pin, wrong_pin};
    use super::*;
    use crate::card::{PinCounter, Verifier};
    use crate::command::PinEntry;
    use crate::id::{CardId, CustomerId};
    use crate::machine::MachineKind;
    use crate::session::{Role, Session};

    const NEW: Verifier = Verifier { version: 1, mac: [9; 32] };

    fn visit() -> (World, CustomerId, CardId, Session) {
        let mut world = World::new();
        let customer = world.customer();
        let card = world.card(customer, &[]);
        let machine = world.machine("ATM1", MachineKind::Api);
        let session = world.in_machine(card, machine);
        (world, customer, card, session)
    }

    fn change(session: Session, card: CardId, old: Verifier) -> ChangePin {
        ChangePin { session, card, old: PinEntry { key: PinKey::Card(card), candidates: vec![old] }, new: NEW }
    }

    #[test]
    fn takes_the_new_pin_after_the_old_one() {
        let (mut world, customer, card, session) = visit();
        assert_eq!(world.run(change(session, card, wrong_pin(card))), Err(Refusal::WrongCredentials));
        assert_eq!(world.facts.cards.at(&card).verifier, right_pin(card));
        assert_eq!(world.facts.pins.at(&PinKey::Card(card)), &PinCounter::Open { wrong: 1, blocks: 0 });
        assert_eq!(world.run(change(session, card, right_pin(card))), Ok(Done::Changed));
        assert_eq!(world.facts.cards.at(&card).verifier, NEW);
        assert_eq!(world.facts.cards.at(&card).session, Some(session.id), "the session goes on");
        assert_eq!(world.facts.pins.at(&PinKey::Card(card)), &PinCounter::default());
        assert_eq!(world.events(customer, EventKind::PinChanged).len(), 1);
        assert_eq!(world.audits(AuditKind::PinChanged)[0].actor, Actor::Customer(customer));
        assert_eq!(
            world.run(change(session, card, right_pin(card))),
            Err(Refusal::WrongCredentials),
            "the old one is gone"
        );
    }

    #[test]
    fn blocks_the_card_after_three_wrong_old_pins() {
        let (mut world, customer, card, session) = visit();
        for _ in 0..3 {
            assert_eq!(world.run(change(session, card, wrong_pin(card))), Err(Refusal::WrongCredentials));
        }
        let blocked = Refusal::CardBlocked { until: Some(world.now.plus_s(1_800)) };
        assert_eq!(world.run(change(session, card, right_pin(card))), Err(blocked));
        assert_eq!(world.events(customer, EventKind::CardBlocked).len(), 1);
        assert_eq!(world.facts.cards.at(&card).verifier, right_pin(card));
    }

    #[test]
    fn changes_only_the_card_in_the_machine() {
        let (mut world, customer, card, session) = visit();
        let second = world.card(customer, &[]);
        assert_eq!(world.run(change(session, second, right_pin(second))), Err(Refusal::NotFound));
        let online = world.online(customer);
        assert_eq!(world.run(change(online, card, right_pin(card))), Err(Refusal::NotFound));
        let clerk = world.operator(Role::Clerk);
        assert_eq!(world.run(change(clerk, card, right_pin(card))), Err(Refusal::Forbidden));
        assert_eq!(world.facts.cards.at(&card).verifier, right_pin(card));
        world.now = world.now.plus_s(300);
        assert_eq!(world.run(change(session, card, right_pin(card))), Err(Refusal::SessionExpired));
    }
}
