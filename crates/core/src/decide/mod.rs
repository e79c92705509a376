//! Decisions: one file per command, all pure.
//!
//! Every refusal is found before the first change is made, in the precedence of the interface's contract: session,
//! channel, account, an amount that the account's currency cannot have, replay, same account and currency, machine,
//! card and account state, transaction limit, daily limit, funds, machine cash, notes.

mod add_operator;
mod advice;
#[cfg(test)]
mod advices;
mod approve;
mod card_retained;
mod change_password;
mod change_pin;
mod claim_feed;
mod close_account;
mod complete;
mod create_customer;
mod create_machine;
mod deposit;
mod deposit_advice;
mod deposit_unclear;
mod doubt_journal;
mod draft;
mod enrol_terminal;
mod exchanged;
mod grant_lease;
mod issue_card;
mod issue_enrolment;
mod keep_feed;
mod keep_terminal_keys;
mod known_card;
mod log_in_online;
mod log_in_operator;
mod log_in_with_card;
mod log_out;
mod note_terminal;
mod notices_told;
mod offline_tries;
mod offline_withdrawn;
mod open_account;
mod password_try;
mod permit;
mod pin_try;
mod read_balance;
mod remove_card;
mod renew_terminal;
mod replenish;
mod report_card;
mod reset_pin;
mod resolve_case;
mod reverse;
mod set_policy;
mod set_wishes;
mod settle;
mod sign_up;
mod stored_transfer;
mod suspect;
mod tally;
#[cfg(test)]
mod tests;
mod touch;
mod transfer;
#[cfg(test)]
mod two_steps;
mod unblock_card;
mod update_customer;
mod update_machine;
mod withdraw;
#[cfg(test)]
mod world;

use crate::change::Change;
use crate::command::Command;
use crate::facts::{Facts, Keys, Lookups};
use crate::id::{RequestId, TransferId};
use crate::outcome::{Outcome, Refusal};
use crate::policy::Policy;
use crate::session::Session;
use crate::time::{BusinessDate, Timestamp};

pub(crate) use draft::{Draft, Posting};

/// What holds while one command is decided.
#[derive(Clone, Copy, Debug)]
pub struct Moment<'a> {
    /// The instant; never before that of an earlier decision of the same writer.
    pub now: Timestamp,
    /// The bank's day.
    pub business_date: BusinessDate,
    /// The policy in force …
    pub policy: &'a Policy,
    /// … and its version.
    pub policy_version: u32,
    /// The first of 4,096 fresh transfer ids.
    pub fresh: TransferId,
}

/// Whether an answer is new.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Replay {
    /// Decided now.
    First,
    /// Given before, under the same request id.
    Repeat,
}

/// What a command comes to, and what it changes.
#[derive(Clone, Debug)]
pub struct Decision {
    /// The answer.
    pub outcome: Outcome,
    /// Whether it is a repeated one.
    pub replay: Replay,
    /// What to apply and commit before the answer goes out.
    pub changes: Vec<Change>,
}

/// Why a decision ends before something is done.
pub(crate) enum Stop {
    Refused(Refusal),
    Repeat(Box<Outcome>),
}

impl From<Refusal> for Stop {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

/// What each command knows about itself.
pub(crate) trait Decide {
    /// Its request id, if its answer is kept.
    fn request(&self) -> Option<RequestId> {
        None
    }

    /// The identities it arrives with (the request id is added for it).
    fn lookups(&self, lookups: &mut Lookups);

    /// The rows it needs, now that the identities are known.
    fn keys(&self, facts: &Facts, date: BusinessDate, keys: &mut Keys);

    /// Checks everything, then drafts the changes.
    fn decide(&self, draft: &mut Draft<'_>) -> Result<crate::outcome::Done, Stop>;
}

/// Adds the rows behind a session, for reads that take another road than commands.
pub fn session_keys(session: &Session, keys: &mut Keys) {
    permit::session_keys(session, keys);
}

/// Whether a session lives at `now`, by rows loaded as [`session_keys`] says.
///
/// # Errors
/// [`Refusal::SessionExpired`] if it has ended in any way.
pub fn session_alive(facts: &Facts, session: &Session, now: Timestamp) -> Result<(), Refusal> {
    permit::alive(facts, session, now)
}

/// Adds the identities that `command` arrives with.
pub fn lookups(command: &Command, lookups: &mut Lookups) {
    let command = command.as_decide();
    if let Some(request) = command.request() {
        lookups.requests.insert(request.key);
    }
    command.lookups(lookups);
}

/// Adds the rows that `command` needs; its identities are in `facts`.
pub fn keys(command: &Command, facts: &Facts, date: BusinessDate, keys: &mut Keys) {
    command.as_decide().keys(facts, date, keys);
}

/// Decides one command. A known request id gives the recorded outcome again and no changes.
///
/// # Panics
/// If a row was not loaded: a bug.
#[must_use]
pub fn decide(facts: &Facts, command: &Command, moment: Moment<'_>) -> Decision {
    let command = command.as_decide();
    let mut draft = Draft::new(facts, moment);
    let outcome = match command.decide(&mut draft) {
        Ok(done) => Ok(done),
        Err(Stop::Refused(refusal)) => {
            draft.note_refusal(&refusal);
            Err(refusal)
        }
        Err(Stop::Repeat(outcome)) => {
            return Decision { outcome: *outcome, replay: Replay::Repeat, changes: Vec::new() };
        }
    };
    let recorded = outcome.as_ref().err().is_none_or(Refusal::is_recorded);
    if let Some(request) = command.request()
        && recorded
    {
        draft.record(request, outcome.clone());
    }
    Decision { outcome, replay: Replay::First, changes: draft.finish() }
}
