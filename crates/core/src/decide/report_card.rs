//! A holder or staff report a card lost or stolen. Its session ends at once. Reporting again is no mistake, and what
//! was stolen stays stolen.

use crate::card::{Card, CardIdentity, CardState, PinKey};
use crate::change::Row;
use crate::command::{ReportCard, ReportReason};
use crate::event::{Actor, AuditKind, EventKind};
use crate::facts::{Facts, Keys, Lookups};
use crate::outcome::{Done, Refusal};
use crate::session::{EndReason, Role, SessionState, Subject};
use crate::time::BusinessDate;

use super::known_card::{self, Happened};
use super::{Decide, Draft, Stop, permit};

impl Decide for ReportCard {
    fn lookups(&self, lookups: &mut Lookups) {
        known_card::lookups(&self.session, self.card, lookups);
    }

    fn keys(&self, facts: &Facts, _: BusinessDate, keys: &mut Keys) {
        known_card::keys(facts, &self.session, self.card, keys);
    }

    fn decide(&self, draft: &mut Draft<'_>) -> Result<Done, Stop> {
        let (actor, identity, card) = self.reporter(draft)?;
        let state = match (card.state, self.reason) {
            (CardState::Stolen, _) | (_, ReportReason::Stolen) => CardState::Stolen,
            (CardState::Active | CardState::Lost | CardState::Removed, ReportReason::Lost) => CardState::Lost,
        };
        self.touch_or_end(draft);
        if state != card.state {
            let happened = Happened {
                event: EventKind::CardReported,
                audit: AuditKind::CardReported,
                actor,
                detail: match self.reason {
                    ReportReason::Lost => "lost",
                    ReportReason::Stolen => "stolen",
                },
            };
            happened.change(draft, &identity, Card { state, session: None, ..card });
        }
        Ok(Done::Changed)
    }
}

impl ReportCard {
    /// Who reports: staff, the customer online, or the card itself; and the card, if it is within their reach.
    fn reporter(&self, draft: &mut Draft<'_>) -> Result<(Actor, CardIdentity, Card), Refusal> {
        match self.session.subject {
            Subject::Operator { .. } => {
                let operator = permit::operator(draft, &self.session, &[Role::Clerk])?;
                let (identity, card) = known_card::card(draft, self.card)?;
                Ok((Actor::Operator(operator), identity, card))
            }
            Subject::Card { .. } | Subject::Online { .. } => {
                let reach = permit::customer(draft, &self.session)?;
                let (identity, card) = known_card::card(draft, self.card)?;
                let other_card = reach.card.is_some_and(|own| own != self.card);
                if other_card || identity.customer != reach.customer {
                    return Err(Refusal::NotFound);
                }
                if let Some(own) = reach.card {
                    let counter = draft.facts.pins.find(&PinKey::Card(own)).copied().unwrap_or_default();
                    counter.admit(draft.moment.now).map_err(|blocked| Refusal::CardBlocked { until: blocked.until })?;
                }
                Ok((Actor::Customer(reach.customer), identity, card))
            }
        }
    }

    /// The card's own session ends with this; another one was active. A session of this card that did not ask is not
    /// loaded: it dies because the card's row no longer names it.
    fn touch_or_end(&self, draft: &mut Draft<'_>) {
        match self.session.subject {
            Subject::Card { .. } => {
                let state = *draft.facts.sessions.at(&self.session.id);
                let now = draft.moment.now;
                let ended = Some((now, EndReason::CardReported));
                draft.set(Row::Session(SessionState { active: now, ended, ..state }));
            }
            Subject::Online { .. } | Subject::Operator { .. } => draft.touch(&self.session),
        }
    }
}
