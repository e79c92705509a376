//! A machine kept a card. Nothing about the card changes; its holder and staff hear of it.

use crate::command::CardRetained;
use crate::event::{About, Actor, AuditKind, EventKind};
use crate::facts::{Facts, Keys, Lookups};
use crate::id::RequestId;
use crate::outcome::Done;
use crate::time::BusinessDate;

use super::{Decide, Draft, Stop, advice};

impl Decide for CardRetained {
    fn request(&self) -> Option<RequestId> {
        Some(self.request)
    }

    fn lookups(&self, lookups: &mut Lookups) {
        lookups.machines.insert(self.terminal);
        lookups.cards.extend(self.card);
    }

    fn keys(&self, facts: &Facts, _: BusinessDate, keys: &mut Keys) {
        if let Some(card) = self.card {
            keys.visits.insert((self.terminal, card));
            keys.customers.extend(facts.card_identities.find(&card).map(|card| card.customer));
        }
    }

    fn decide(&self, draft: &mut Draft<'_>) -> Result<Done, Stop> {
        advice::replay(draft, self.terminal, self.request)?;
        advice::terminal(draft, self.terminal)?;
        let seen = self.card.filter(|card| draft.facts.visits.find(&(self.terminal, *card)).is_some());
        let card = seen.and_then(|card| draft.facts.card_identities.find(&card)).map(|card| (card.id, card.customer));
        if let Some((card, customer)) = card {
            let about = About { card: Some(card), machine: Some(self.terminal), ..About::default() };
            draft.event(customer, EventKind::CardRetained, about);
        }
        let subject = card.map_or_else(|| "unknown".to_owned(), |(card, _)| card.to_string());
        draft.audit(Actor::Machine(self.terminal), AuditKind::CardRetained, subject, "kept by the machine");
        Ok(Done::Changed)
    }
}
