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

#[cfg(test)]
mod tests {
    use super::super::world::{World, right_pin};
    use super::*;
    use crate::account::Product;
    use crate::card::{PinCounter, PinKey, Verifier};
    use crate::command::{Command, ReadBalance, RemoveCard, ReportCard, ReportReason, ResetPin, UnblockCard};
    use crate::id::{AccountNumber, CustomerId, SessionId};
    use crate::machine::MachineKind;
    use crate::outcome::Done;
    use crate::session::{EndReason, Role};

    use super::super::world::by;

    const NEW: Verifier = Verifier { version: 1, mac: [9; 32] };

    struct Visit {
        world: World,
        customer: CustomerId,
        account: AccountNumber,
        card: CardId,
        session: Session,
        clerk: Session,
    }

    fn visit() -> Visit {
        let mut world = World::new();
        let customer = world.customer();
        let account = world.account(customer, Product::Savings, 100);
        let card = world.card(customer, &[account]);
        let machine = world.machine("ATM1", MachineKind::Api);
        let session = world.in_machine(card, machine);
        let clerk = world.operator(Role::Clerk);
        Visit { world, customer, account, card, session, clerk }
    }

    impl Visit {
        fn lock(&mut self) {
            self.world.apply(crate::change::Change::Row(Row::Pin(PinKey::Card(self.card), PinCounter::Locked)));
        }

        fn reads_balance(&mut self) -> Result<(), Refusal> {
            let command = ReadBalance { by: by(self.session), account: self.account };
            self.world.run(command).map(|_| ())
        }

        fn report(&mut self, session: Session, reason: ReportReason) -> crate::outcome::Outcome {
            self.world.run(ReportCard { session, card: self.card, reason })
        }

        fn state(&self) -> CardState {
            self.world.facts.cards.at(&self.card).state
        }
    }

    #[test]
    fn resets_a_pin_and_leaves_the_lock() {
        let mut visit = visit();
        visit.lock();
        let reset = ResetPin { session: visit.clerk, card: visit.card, new: NEW };
        assert_eq!(visit.world.run(reset), Ok(Done::Changed));
        assert_eq!(visit.world.facts.cards.at(&visit.card).verifier, NEW);
        assert_eq!(visit.world.facts.pins.at(&PinKey::Card(visit.card)), &PinCounter::Locked);
        assert_eq!(visit.world.events(visit.customer, EventKind::PinChanged).len(), 1);
        assert_eq!(visit.world.audits(AuditKind::PinChanged)[0].detail, "reset by staff");
    }

    #[test]
    fn lifts_a_lock_and_leaves_the_pin() {
        let mut visit = visit();
        visit.lock();
        assert_eq!(visit.reads_balance(), Err(Refusal::CardBlocked { until: None }));
        assert_eq!(visit.world.run(UnblockCard { session: visit.clerk, card: visit.card }), Ok(Done::Changed));
        assert_eq!(visit.reads_balance(), Ok(()), "a lock ends no session");
        assert_eq!(visit.world.facts.pins.at(&PinKey::Card(visit.card)), &PinCounter::default());
        assert_eq!(visit.world.facts.cards.at(&visit.card).verifier, right_pin(visit.card));
        assert_eq!(visit.world.events(visit.customer, EventKind::CardUnblocked).len(), 1);
        assert_eq!(visit.world.audits(AuditKind::Unblocked).len(), 1);
    }

    #[test]
    fn withdraws_a_card_for_good_and_ends_its_session() {
        let mut visit = visit();
        let (session, card) = (visit.clerk, visit.card);
        assert_eq!(visit.world.run(RemoveCard { session, card }), Ok(Done::Changed));
        assert_eq!(visit.state(), CardState::Removed);
        assert_eq!(visit.reads_balance(), Err(Refusal::SessionExpired));
        assert_eq!(visit.world.events(visit.customer, EventKind::CardRemoved).len(), 1);
        assert_eq!(visit.world.audits(AuditKind::CardRemoved).len(), 1);
        let again: [Command; 4] = [
            RemoveCard { session, card }.into(),
            UnblockCard { session, card }.into(),
            ResetPin { session, card, new: NEW }.into(),
            ReportCard { session, card, reason: ReportReason::Lost }.into(),
        ];
        for command in again {
            assert_eq!(visit.world.run(command), Err(Refusal::NotFound));
        }
    }

    #[test]
    fn lets_only_clerks_and_admins_at_cards_and_knows_only_known_ones() {
        let mut visit = visit();
        let online = visit.world.online(visit.customer);
        let (custodian, auditor) = (visit.world.operator(Role::Custodian), visit.world.operator(Role::Auditor));
        let all = |session: Session, card: CardId| -> [Command; 3] {
            [
                RemoveCard { session, card }.into(),
                UnblockCard { session, card }.into(),
                ResetPin { session, card, new: NEW }.into(),
            ]
        };
        for session in [online, visit.session, custodian, auditor] {
            for command in all(session, visit.card) {
                assert_eq!(visit.world.run(command), Err(Refusal::Forbidden));
            }
        }
        for command in all(visit.clerk, CardId::new(999_999)) {
            assert_eq!(visit.world.run(command), Err(Refusal::NotFound));
        }
        assert_eq!(visit.report(custodian, ReportReason::Lost), Err(Refusal::Forbidden));
        assert_eq!(visit.state(), CardState::Active);
    }

    #[test]
    fn ends_the_session_at_once_whoever_reports() {
        let reporters: [fn(&mut Visit) -> Session; 3] =
            [|visit| visit.session, |visit| visit.world.online(visit.customer), |visit| visit.clerk];
        for reporter in reporters {
            let mut visit = visit();
            let session = reporter(&mut visit);
            assert_eq!(visit.report(session, ReportReason::Lost), Ok(Done::Changed));
            assert_eq!(visit.state(), CardState::Lost);
            assert_eq!(visit.reads_balance(), Err(Refusal::SessionExpired));
            assert_eq!(visit.world.events(visit.customer, EventKind::CardReported).len(), 1);
            assert_eq!(visit.world.audits(AuditKind::CardReported)[0].detail, "lost");
        }
    }

    #[test]
    fn writes_down_why_the_reporting_session_ended() {
        let mut visit = visit();
        assert_eq!(visit.report(visit.session, ReportReason::Stolen), Ok(Done::Changed));
        let ended = |id: SessionId| visit.world.facts.sessions.at(&id).ended;
        assert_eq!(ended(visit.session.id), Some((visit.world.now, EndReason::CardReported)));
        assert_eq!(ended(visit.clerk.id), None);
    }

    #[test]
    fn keeps_a_stolen_card_stolen() {
        let mut visit = visit();
        for (reason, expected) in [
            (ReportReason::Lost, CardState::Lost),
            (ReportReason::Lost, CardState::Lost),
            (ReportReason::Stolen, CardState::Stolen),
            (ReportReason::Lost, CardState::Stolen),
        ] {
            assert_eq!(visit.report(visit.clerk, reason), Ok(Done::Changed), "reporting again is fine");
            assert_eq!(visit.state(), expected);
        }
        assert_eq!(visit.world.events(visit.customer, EventKind::CardReported).len(), 2, "once for each change");
    }

    #[test]
    fn finds_no_card_out_of_reach_to_report() {
        let mut visit = visit();
        let stranger = visit.world.customer();
        let strange = visit.world.online(stranger);
        assert_eq!(visit.report(strange, ReportReason::Lost), Err(Refusal::NotFound));
        let second = visit.world.card(visit.customer, &[]);
        let counter = visit.world.machine("C1", MachineKind::Counter);
        let at_counter = visit.world.in_machine(second, counter);
        assert_eq!(
            visit.report(at_counter, ReportReason::Lost),
            Err(Refusal::NotFound),
            "a card speaks for itself only"
        );
        visit.lock();
        let locked = Refusal::CardBlocked { until: None };
        assert_eq!(visit.report(visit.session, ReportReason::Lost), Err(locked), "a locked card says nothing");
        let online = visit.world.online(visit.customer);
        assert_eq!(visit.report(online, ReportReason::Lost), Ok(Done::Changed));
    }
}
