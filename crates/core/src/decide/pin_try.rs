//! One try of a PIN, wherever PINs are given: the counter rises and the comparison is made in one decision, and the
//! answer goes out after both are durable. It does not look at the card's state or date, nor at who asks.

use cashpoint_mutant::{Mutant, chosen};

use crate::card::{PinCounter, PinKey, PinVerified, Verifier};
use crate::change::Row;
use crate::command::PinEntry;
use crate::event::{About, Actor, AuditKind, EventKind};
use crate::id::CustomerId;
use crate::outcome::Refusal;

use super::Draft;

/// What a number that no card has is compared with, so that it takes the same work. No key has version 0.
const NOBODYS: Verifier = Verifier { version: 0, mac: [0; 32] };

/// Tries the PIN of `entry` against `stored` (none: no card, or one that was withdrawn) and counts the try; `who` holds
/// the card and is told of a block or lock. The rows `pins[entry.key]`, and `customers[who]` if there is one, must be
/// loaded. The counter's row, events and audit records are in the draft afterwards, of a wrong PIN too: they are
/// committed with the refusal.
///
/// # Errors
/// [`Refusal::CardBlocked`] without comparing while a block or lock stands; [`Refusal::WrongCredentials`], the try that
/// blocks included.
pub(crate) fn try_pin(
    draft: &mut Draft<'_>,
    entry: &PinEntry,
    stored: Option<&Verifier>,
    who: Option<CustomerId>,
) -> Result<PinVerified, Refusal> {
    let now = draft.moment.now;
    let before = draft.facts.pins.find(&entry.key).copied();
    let attempt =
        before.unwrap_or_default().admit(now).map_err(|blocked| Refusal::CardBlocked { until: blocked.until })?;
    let same = stored.unwrap_or(&NOBODYS).matches(&entry.candidates);
    if same && stored.is_some() {
        let (counter, proof) = attempt.right();
        if before.is_some_and(|before| before != counter) {
            draft.set(Row::Pin(entry.key, counter));
        }
        return Ok(proof);
    }
    let counter = attempt.wrong(now, draft.moment.policy);
    if !chosen(Mutant::WrongPinForgotten) {
        draft.set(Row::Pin(entry.key, counter));
    }
    tell(draft, entry.key, counter, who);
    Err(Refusal::WrongCredentials)
}

/// Tells the audit trail of a wrong PIN, and it and the holder of the block or lock that came of it.
fn tell(draft: &mut Draft<'_>, key: PinKey, counter: PinCounter, who: Option<CustomerId>) {
    let (subject, card) = match key {
        PinKey::Card(card) => (card.to_string(), Some(card)),
        // The index is keyed: it names the number to nobody, and tells repeated tries of one number apart from many.
        PinKey::Unknown(index) => (format!("unknown:{}", hex(&index[..8])), None),
    };
    let actor = who.map_or(Actor::Unknown, Actor::Customer);
    draft.audit(actor, AuditKind::CardLogInFailed, &subject, "wrong or unknown");
    let (kind, event) = match counter {
        PinCounter::Open { .. } => return,
        PinCounter::Blocked { .. } => (AuditKind::Blocked, EventKind::CardBlocked),
        PinCounter::Locked => (AuditKind::Locked, EventKind::CardLocked),
    };
    draft.audit(actor, kind, &subject, "too many wrong PINs");
    if let Some(customer) = who {
        draft.event(customer, event, About { card, ..About::default() });
    }
}

pub(super) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("writing to a string never fails");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::super::world::{World, index, right_pin, wrong_pin};
    use super::*;
    use crate::command::{LogInWithCard, Standing};
    use crate::machine::MachineKind;
    use crate::outcome::{Done, Outcome};

    fn log_in(world: &mut World, key: PinKey, candidate: Verifier) -> Outcome {
        let place = crate::id::MachineId::parse("ATM1").expect("a good id");
        let pin = PinEntry { key, candidates: vec![candidate] };
        let session = world.new_session();
        world.run(LogInWithCard { pin, place, standing: Standing::Sandbox, session })
    }

    fn with_card() -> (World, CustomerId, crate::id::CardId) {
        let mut world = World::new();
        world.machine("ATM1", MachineKind::Api);
        let customer = world.customer();
        let card = world.card(customer, &[]);
        (world, customer, card)
    }

    #[test]
    fn compares_exactly_three_of_two_hundred_wrong_pins() {
        let (mut world, customer, card) = with_card();
        let key = PinKey::Card(card);
        for at in 0..200 {
            let expected = match at {
                0..3 => Refusal::WrongCredentials,
                _ => Refusal::CardBlocked { until: Some(world.now.plus_s(1_800)) },
            };
            assert_eq!(log_in(&mut world, key, wrong_pin(card)), Err(expected), "try {at}");
        }
        assert_eq!(world.audits(AuditKind::CardLogInFailed).len(), 3);
        assert_eq!(world.audits(AuditKind::Blocked).len(), 1);
        assert_eq!(world.events(customer, EventKind::CardBlocked).len(), 1);
        let blocked = Refusal::CardBlocked { until: Some(world.now.plus_s(1_800)) };
        assert_eq!(log_in(&mut world, key, right_pin(card)), Err(blocked), "the right PIN is not compared either");
        world.now = world.now.plus_s(1_800);
        assert!(log_in(&mut world, key, right_pin(card)).is_ok(), "the block lifts by itself");
        assert_eq!(world.facts.pins.at(&key), &PinCounter::default());
    }

    #[test]
    fn locks_after_three_blocks_and_counts_an_unknown_number_alike() {
        let (mut world, customer, card) = with_card();
        let unknown = PinKey::Unknown(index(4711));
        for key in [PinKey::Card(card), unknown] {
            for block in 1..=3 {
                for _ in 0..3 {
                    assert_eq!(log_in(&mut world, key, wrong_pin(card)), Err(Refusal::WrongCredentials));
                }
                let until = (block < 3).then(|| world.now.plus_s(1_800));
                assert_eq!(log_in(&mut world, key, wrong_pin(card)), Err(Refusal::CardBlocked { until }));
                world.now = world.now.plus_s(1_800);
            }
            assert_eq!(log_in(&mut world, key, right_pin(card)), Err(Refusal::CardBlocked { until: None }));
        }
        assert_eq!(world.events(customer, EventKind::CardLocked).len(), 1);
        let subjects: Vec<String> = world.audits(AuditKind::Locked).into_iter().map(|record| record.subject).collect();
        assert_eq!(subjects, [card.to_string(), "unknown:0000000000001267".to_owned()]);
    }

    #[test]
    fn never_takes_a_pin_for_a_number_that_no_card_has() {
        let (mut world, ..) = with_card();
        assert_eq!(log_in(&mut world, PinKey::Unknown(index(1)), NOBODYS), Err(Refusal::WrongCredentials));
    }

    #[test]
    fn forgets_wrong_tries_after_a_right_one() {
        let (mut world, _, card) = with_card();
        let key = PinKey::Card(card);
        for _ in 0..5 {
            for _ in 0..2 {
                assert_eq!(log_in(&mut world, key, wrong_pin(card)), Err(Refusal::WrongCredentials));
            }
            assert!(matches!(log_in(&mut world, key, right_pin(card)), Ok(Done::LoggedIn(_))));
        }
    }
}
