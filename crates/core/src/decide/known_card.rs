//! A card that a command names by its id: known, and not withdrawn. Who may name it is not decided here.

use crate::card::{Card, CardIdentity, CardState};
use crate::change::Row;
use crate::event::{About, Actor, AuditKind, EventKind};
use crate::facts::{Facts, Keys, Lookups};
use crate::id::CardId;
use crate::outcome::Refusal;
use crate::session::Session;

use super::{Draft, permit};

/// Identities behind the card and whoever asks.
pub(super) fn lookups(session: &Session, card: CardId, lookups: &mut Lookups) {
    permit::session_lookups(session, lookups);
    lookups.cards.insert(card);
}

/// Rows behind the card and whoever asks.
pub(super) fn keys(facts: &Facts, session: &Session, card: CardId, keys: &mut Keys) {
    permit::session_keys(session, keys);
    if let Some(identity) = facts.card_identities.find(&card) {
        keys.cards.insert(card);
        keys.customers.insert(identity.customer);
    }
}

/// The card; one that was withdrawn is none.
pub(super) fn card(draft: &Draft<'_>, id: CardId) -> Result<(CardIdentity, Card), Refusal> {
    let identity = draft.facts.card_identities.find(&id).ok_or(Refusal::NotFound)?;
    let card = *draft.facts.cards.at(&id);
    match card.state {
        CardState::Removed => Err(Refusal::NotFound),
        CardState::Active | CardState::Lost | CardState::Stolen => Ok((identity.clone(), card)),
    }
}

/// Something happened to a card: the holder's events and the audit trail know it by these names.
pub(super) struct Happened {
    pub(super) event: EventKind,
    pub(super) audit: AuditKind,
    pub(super) actor: Actor,
    /// The particulars for the audit trail.
    pub(super) detail: &'static str,
}

impl Happened {
    /// Tells both.
    pub(super) fn tell(self, draft: &mut Draft<'_>, card: &CardIdentity) {
        let about = About { card: Some(card.id), ..About::default() };
        draft.event(card.customer, self.event, about);
        draft.audit(self.actor, self.audit, card.id, self.detail);
    }

    /// Sets the card's row, then tells both.
    pub(super) fn change(self, draft: &mut Draft<'_>, identity: &CardIdentity, card: Card) {
        draft.set(Row::Card(card));
        self.tell(draft, identity);
    }
}
