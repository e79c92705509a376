//! Texts that stand in the database for states which have no name outside.

use std::fmt::Write;

use cashpoint_core::card::CardState;
use cashpoint_core::event::Actor;
use cashpoint_core::machine::MachineStatus;
use cashpoint_core::mix::Cassette;
use cashpoint_core::session::EndReason;
use cashpoint_core::withdrawal::WithdrawalState;

pub(super) const CARD_STATES: [CardState; 4] =
    [CardState::Active, CardState::Lost, CardState::Stolen, CardState::Removed];

pub(super) const MACHINE_STATUSES: [MachineStatus; 2] = [MachineStatus::Active, MachineStatus::Inactive];

pub(super) const END_REASONS: [EndReason; 2] = [EndReason::LoggedOut, EndReason::CardReported];

pub(super) const fn card_state(state: CardState) -> &'static str {
    match state {
        CardState::Active => "active",
        CardState::Lost => "lost",
        CardState::Stolen => "stolen",
        CardState::Removed => "removed",
    }
}

pub(super) const fn machine_status(status: MachineStatus) -> &'static str {
    match status {
        MachineStatus::Active => "active",
        MachineStatus::Inactive => "inactive",
    }
}

pub(super) const fn end_reason(reason: EndReason) -> &'static str {
    match reason {
        EndReason::LoggedOut => "logged_out",
        EndReason::CardReported => "card_reported",
    }
}

pub(super) const fn withdrawal_state(state: WithdrawalState) -> &'static str {
    match state {
        WithdrawalState::Approved => "approved",
        WithdrawalState::Completed => "completed",
        WithdrawalState::Partial { .. } => "partial",
        WithdrawalState::Reversed => "reversed",
        WithdrawalState::Suspect { .. } => "suspect",
    }
}

/// What a withdrawal's state carries: the amount paid, the case.
pub(super) fn particulars(state: WithdrawalState) -> (Option<i64>, Option<i64>) {
    match state {
        WithdrawalState::Approved | WithdrawalState::Completed | WithdrawalState::Reversed => (None, None),
        WithdrawalState::Partial { paid } => (Some(paid), None),
        WithdrawalState::Suspect { case } => (None, Some(case.number())),
    }
}

/// Cassettes by position: notes x value of one.
pub(super) fn cassettes(cassettes: &[Cassette]) -> String {
    let mut text = String::with_capacity(cassettes.len() * 12);
    for (position, Cassette { denomination, count }) in cassettes.iter().enumerate() {
        let space = if position == 0 { "" } else { " " };
        write!(text, "{space}{count}x{denomination}").expect("a string takes everything");
    }
    text
}

/// Reads [`cassettes`] back; none for any other text.
pub(super) fn parse_cassettes(text: &str) -> Option<Vec<Cassette>> {
    let cassette = |text: &str| {
        let (count, denomination) = text.split_once('x')?;
        let (denomination, count) = (denomination.parse().ok()?, count.parse().ok()?);
        (denomination > 0).then_some(Cassette { denomination, count })
    };
    if text.is_empty() { Some(Vec::new()) } else { text.split(' ').map(cassette).collect() }
}

pub(super) fn actor(actor: Actor) -> String {
    match actor {
        Actor::Unknown => "unknown".to_owned(),
        Actor::Customer(id) => format!("customer:{id}"),
        Actor::Operator(id) => format!("operator:{id}"),
        Actor::Machine(id) => format!("machine:{id}"),
        Actor::Console => "console".to_owned(),
    }
}

/// Codes of refusals that an event may carry, see [`refusal_code`].
const REFUSAL_CODES: [&str; 34] = [
    "account_closed",
    "account_not_empty",
    "account_not_found",
    "amount_not_dispensable",
    "atm_id_taken",
    "atm_inactive",
    "atm_mismatch",
    "atm_not_found",
    "atm_out_of_cash",
    "card_blocked",
    "card_expired",
    "card_lost",
    "card_number_taken",
    "card_stolen",
    "channel_required",
    "currency_mismatch",
    "daily_limit_exceeded",
    "email_taken",
    "forbidden",
    "idempotency_key_reused",
    "insufficient_funds",
    "internal",
    "invalid_amount",
    "invalid_request",
    "not_found",
    "over_deposit_limit",
    "over_transaction_limit",
    "reversed",
    "same_account",
    "session_expired",
    "terminal_only",
    "too_many_requests",
    "transaction_not_found",
    "wrong_credentials",
];

/// The core's own text of a refusal's code; none for a code that no refusal has.
pub(super) fn refusal_code(text: &str) -> Option<&'static str> {
    REFUSAL_CODES.into_iter().find(|code| *code == text)
}
