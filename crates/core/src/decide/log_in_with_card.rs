//! Beginning a card's session. What the machine is, is looked at first; then the PIN, so that nobody learns of a lost
//! or expired card without it. A log-in that succeeds displaces the card's and the machine's other session by taking
//! their place in both rows; one that fails displaces nothing.

use crate::card::{Card, CardState, PinKey, PinVerified};
use crate::change::{New, Row};
use crate::command::{LogInWithCard, Standing};
use crate::event::EventKind;
use crate::facts::{Facts, Keys, Lookups};
use crate::machine::{Machine, MachineKind};
use crate::outcome::{Done, Refusal};
use crate::session::{Session, SessionState, Subject};
use crate::time::BusinessDate;

use super::{Decide, Draft, Stop, permit, pin_try};

impl Decide for LogInWithCard {
    fn lookups(&self, lookups: &mut Lookups) {
        lookups.machines.insert(self.place);
        match self.pin.key {
            PinKey::Card(card) => {
                lookups.cards.insert(card);
            }
            PinKey::Unknown(_) => {}
        }
    }

    fn keys(&self, facts: &Facts, _: BusinessDate, keys: &mut Keys) {
        keys.pins.insert(self.pin.key);
        if facts.machine_identities.find(&self.place).is_some() {
            keys.machines.insert(self.place);
        }
        match self.pin.key {
            PinKey::Card(card) => {
                keys.cards.insert(card);
                keys.customers.insert(facts.card_identities.at(&card).customer);
            }
            PinKey::Unknown(_) => {}
        }
    }

    fn decide(&self, draft: &mut Draft<'_>) -> Result<Done, Stop> {
        self.stands_well(draft)?;
        let (card, proof) = self.prove(draft)?;
        draft.about.machine = Some(self.place);
        permit::card_valid(draft, card.id)?;
        let session = self.begin(draft, card, proof);
        Ok(Done::LoggedIn(session))
    }
}

impl LogInWithCard {
    /// The request comes from the machine that it names, which is known and switched on.
    fn stands_well(&self, draft: &Draft<'_>) -> Result<(), Refusal> {
        let elsewhere = match self.standing {
            Standing::Nowhere => return Err(Refusal::ChannelRequired),
            Standing::At(machine) => machine != self.place,
            Standing::Sandbox => false,
        };
        if draft.facts.machine_identities.find(&self.place).is_none() {
            return Err(Refusal::AtmNotFound);
        }
        if elsewhere {
            return Err(Refusal::AtmMismatch);
        }
        permit::machine_on(draft, self.place)
    }

    /// Tries the PIN. A number that no card has, or only one that was withdrawn, takes the same work and gets the same
    /// answers as a wrong PIN.
    fn prove(&self, draft: &mut Draft<'_>) -> Result<(Card, PinVerified), Refusal> {
        let card = match self.pin.key {
            PinKey::Card(id) => Some(*draft.facts.cards.at(&id)).filter(|card| card.state != CardState::Removed),
            PinKey::Unknown(_) => None,
        };
        let holder = card.map(|card| draft.facts.card_identities.at(&card.id).customer);
        let stored = card.map(|card| card.verifier);
        let proof = pin_try::try_pin(draft, &self.pin, stored.as_ref(), holder)?;
        let card = card.expect("a PIN is right only for a card");
        draft.concerns = holder;
        draft.about.card = Some(card.id);
        Ok((card, proof))
    }

    fn begin(&self, draft: &mut Draft<'_>, card: Card, _: PinVerified) -> Session {
        let now = draft.moment.now;
        let customer = draft.facts.card_identities.at(&card.id).customer;
        let id = self.session.id;
        let subject = Subject::Card { card: card.id, customer, place: self.place };
        let idle_s = draft.moment.policy.atm_session_idle_s;
        let session = Session { id, token: self.session.token, subject, began: now, idle_s, ends: None };
        let generation = draft.customer(customer).generation;
        draft.add(New::Session(session, SessionState { id, active: now, generation, ended: None }));
        self.name_session(draft, card);
        draft.event(customer, EventKind::LoggedIn, draft.about);
        session
    }

    /// Lets the card's and the machine's row name the session, notes that a terminal served the card, and takes over a
    /// PIN that an older key had proven.
    fn name_session(&self, draft: &mut Draft<'_>, card: Card) {
        let current = self.pin.candidates.first().filter(|current| current.version > card.verifier.version);
        let verifier = current.copied().unwrap_or(card.verifier);
        draft.set(Row::Card(Card { session: Some(self.session.id), verifier, ..card }));
        let machine = draft.facts.machines.at(&self.place).clone();
        draft.set(Row::Machine(Machine { session: Some(self.session.id), ..machine }));
        match draft.facts.machine_identities.at(&self.place).kind {
            MachineKind::Terminal => draft.set(Row::Visit((self.place, card.id), draft.moment.now)),
            MachineKind::Api | MachineKind::Counter => {}
        }
    }
}
