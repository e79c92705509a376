//! Wrong PINs that were tried at a terminal while the host was away. They count like any others, in the card's one
//! counter: a block or a lock may come of them.

use crate::card::{PinCounter, PinKey};
use crate::change::Row;
use crate::command::OfflineTries;
use crate::event::{About, Actor, AuditKind, EventKind};
use crate::facts::{Facts, Keys, Lookups};
use crate::id::RequestId;
use crate::outcome::Done;
use crate::time::BusinessDate;

use super::{Decide, Draft, Stop, advice};

/// More than a terminal compares in one outage; whoever tells of more has no say in whether a card is locked.
const MOST: u8 = 3;

impl Decide for OfflineTries {
    fn request(&self) -> Option<RequestId> {
        Some(self.request)
    }

    fn lookups(&self, lookups: &mut Lookups) {
        lookups.machines.insert(self.terminal);
        lookups.cards.insert(self.card);
    }

    fn keys(&self, facts: &Facts, _: BusinessDate, keys: &mut Keys) {
        keys.visits.insert((self.terminal, self.card));
        keys.pins.insert(PinKey::Card(self.card));
        if let Some(card) = facts.card_identities.find(&self.card) {
            keys.customers.insert(card.customer);
        }
    }

    fn decide(&self, draft: &mut Draft<'_>) -> Result<Done, Stop> {
        advice::replay(draft, self.terminal, self.request)?;
        advice::terminal(draft, self.terminal)?;
        let seen = draft.facts.visits.find(&(self.terminal, self.card)).is_some();
        let Some(customer) = draft.facts.card_identities.find(&self.card).filter(|_| seen).map(|card| card.customer)
        else {
            return Ok(Done::Changed);
        };
        let key = PinKey::Card(self.card);
        let before = draft.facts.pins.find(&key).copied().unwrap_or_default();
        let (now, policy) = (draft.moment.now, draft.moment.policy);
        let mut counter = before;
        for _ in 0..self.wrong.min(MOST) {
            let Ok(attempt) = counter.admit(now) else {
                break;
            };
            counter = attempt.wrong(now, policy);
        }
        if counter == before {
            return Ok(Done::Changed);
        }
        draft.set(Row::Pin(key, counter));
        let actor = Actor::Machine(self.terminal);
        draft.audit(actor, AuditKind::CardLogInFailed, self.card, format!("{} wrong while offline", self.wrong));
        let (kind, event) = match counter {
            PinCounter::Open { .. } => return Ok(Done::Changed),
            PinCounter::Blocked { .. } => (AuditKind::Blocked, EventKind::CardBlocked),
            PinCounter::Locked => (AuditKind::Locked, EventKind::CardLocked),
        };
        draft.audit(actor, kind, self.card, "wrong PINs while offline");
        draft.event(customer, event, About { card: Some(self.card), ..About::default() });
        Ok(Done::Changed)
    }
}
