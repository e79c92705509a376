//! One try of a PIN, wherever PINs are given: the counter rises and the comparison is made in one decision, and the
//! answer goes out after both are durable. It does not look at the card's state or date, nor at who asks.

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
    draft.set(Row::Pin(entry.key, counter));
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
