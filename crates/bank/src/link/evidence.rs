//! Whether a device's signed word bears out what its terminal tells.

use cashpoint_core::id::RequestKey;
use cashpoint_core::mix::Notes;
use cashpoint_core::money::Amount;
use cashpoint_core::terminal::device::{CassetteCounters, Counters, DispenseId, Nonce};
use cashpoint_core::terminal::link::{Evidence, Movement, OperationId};
use cashpoint_core::withdrawal::WithdrawalIdentity;
use cashpoint_wire::present_status::{Retracted, SignedStatus};

use crate::keys::TerminalSecrets;

/// What a terminal says became of a dispense.
#[derive(Clone, Copy)]
pub(super) enum Claim<'a> {
    /// All of it was taken.
    Taken,
    /// Nothing, or only a part: the notes went there.
    Back(&'a Movement),
}

/// Present nonces that a lease has.
pub(super) const USES: u8 = 8;

/// Whether the word about an approved withdrawal is borne out. A device whose keys are not known is not asked.
pub(super) fn bears_out(
    secrets: &TerminalSecrets,
    (withdrawal, request): (&WithdrawalIdentity, RequestKey),
    claim: Claim<'_>,
    evidence: &Evidence,
) -> bool {
    if !secrets.has_devices() {
        return true;
    }
    let nonce = secrets.present_nonce(&request, 0);
    let status = evidence.token.as_deref().and_then(|token| secrets.signed_status(nonce, token));
    let own = withdrawal.nonce.and_then(|nonce| secrets.dispense_id(Nonce(nonce), withdrawal.amount));
    status.zip(own).is_some_and(|(status, own)| fits(&status, &own, claim, withdrawal.amount))
}

/// Which use of a lease the device signed for, if its word bears out what the terminal tells.
pub(super) fn use_borne_out(
    secrets: &TerminalSecrets,
    (lease, granted): (Nonce, Amount),
    claim: Claim<'_>,
    (amount, evidence): (Amount, &Evidence),
) -> Option<u8> {
    let token = evidence.token.as_deref()?;
    let own = secrets.dispense_id(lease, granted)?;
    let said = |which: u8| secrets.signed_status(secrets.present_nonce(&lease.0, which), token);
    (0..USES).find(|which| said(*which).is_some_and(|status| fits(&status, &own, claim, amount)))
}

fn fits(status: &SignedStatus, own: &DispenseId, claim: Claim<'_>, amount: Amount) -> bool {
    let ours = status.dispense.as_ref() == Some(own);
    let line = status.lines.iter().find(|line| line.dispensed.currency() == amount.currency());
    match claim {
        Claim::Taken => {
            ours && line.is_some_and(|line| line.presented == Some(amount) && line.retracted == Retracted::Nothing)
        }
        // The device speaks of another dispense, or knows of none: this one never was.
        Claim::Back(moved) if !ours => nothing_left(moved),
        Claim::Back(moved) => line.is_some_and(|line| match (line.presented, line.retracted) {
            (None, _) => moved.retracted == 0,
            (Some(_), Retracted::Counted(back)) => back.minor() == moved.retracted && moved.retracted > 0,
            (Some(_), Retracted::Nothing | Retracted::Uncounted) => false,
        }),
    }
}

/// No note left a cassette.
pub(super) fn nothing_left(moved: &Movement) -> bool {
    moved.dispensed.iter().all(|count| *count == 0)
}

/// The evidence in words, for staff: `name=value` with semicolons between.
pub(super) fn words(evidence: &Evidence) -> String {
    let mut words = Vec::new();
    if let Some(present) = evidence.present {
        words.push(format!("present={present:?}"));
    }
    if let Some(failure) = evidence.failure {
        words.push(format!("failure={failure:?}"));
    }
    if let Some(counters) = &evidence.counters {
        let counts: Vec<_> = counters.iter().map(u32::to_string).collect();
        words.push(format!("out={}", counts.join(",")));
    }
    if let Some(token) = evidence.token.as_deref().filter(|token| token.is_ascii() && token.len() <= 1_024) {
        words.push(format!("token={token}"));
    }
    words.join("; ")
}

/// What is known of a case, under the reference that the customer was given: with it they ask how it stands.
pub(super) fn of(reference: OperationId, known: &str) -> String {
    let named = format!("reference={reference}");
    if known.is_empty() { named } else { format!("{named}; {known}") }
}

/// A dispenser's counters at both ends of an exchange, in words.
pub(super) fn counted(found: &Counters, left: &Counters) -> String {
    let cassettes = |of: fn(&CassetteCounters) -> String, counters: &Counters| {
        counters.cassettes.iter().map(of).collect::<Vec<_>>().join(",")
    };
    let bin = |notes: &Notes| notes.iter().map(|(note, count)| format!("{count}x{note}")).collect::<Vec<_>>().join(",");
    let left_in = |cassette: &CassetteCounters| cassette.left().to_string();
    let (was, out) = (cassettes(left_in, found), cassettes(|cassette| cassette.out.to_string(), found));
    let (unknown, now) = (cassettes(|cassette| cassette.unknown.to_string(), found), cassettes(left_in, left));
    let (rejected, retracted) = (bin(&found.rejected), bin(&found.retracted));
    format!("left={was}; out={out}; unknown={unknown}; rejected={rejected}; retracted={retracted}; filled={now}")
}
