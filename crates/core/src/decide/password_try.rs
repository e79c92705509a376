//! One try of a password, wherever passwords are given: tries are counted by identity (the index of an email address or
//! name, known or not), right ones too. The comparison itself was made before the queue.

use crate::change::Row;
use crate::command::Match;
use crate::customer::Tries;
use crate::event::{Actor, AuditKind};
use crate::id::Index;
use crate::outcome::Refusal;

use super::Draft;
use super::pin_try::hex;

/// Whose password is tried, and what the audit trail calls a wrong one.
#[derive(Clone, Copy)]
pub(crate) struct PasswordTry<'a> {
    pub(crate) identity: &'a Index,
    pub(crate) actor: Actor,
    pub(crate) failure: AuditKind,
}

/// Counts the try, then looks at the comparison's result (none: nobody has this identity). The row `tries[identity]`
/// must be loaded; it and the audit records are in the draft afterwards, of a wrong password too.
///
/// # Errors
/// [`Refusal::TooManyRequests`] without a look at the result; [`Refusal::WrongCredentials`].
pub(crate) fn try_password(
    draft: &mut Draft<'_>,
    attempt: PasswordTry<'_>,
    matched: Option<Match>,
) -> Result<(), Refusal> {
    let PasswordTry { identity, actor, failure } = attempt;
    let policy = draft.moment.policy;
    let tries: Tries = draft.facts.tries.find(identity).copied().unwrap_or_default();
    match tries.take(draft.moment.now, policy.password_burst, policy.password_per_minute) {
        Ok(tries) => draft.set(Row::Tries(*identity, tries)),
        Err(retry_after_s) => {
            draft.audit(actor, AuditKind::LogInThrottled, subject(&attempt), "too many tries");
            return Err(Refusal::TooManyRequests { retry_after_s });
        }
    }
    match matched {
        Some(Match::Same) => Ok(()),
        Some(Match::Different) | None => {
            draft.audit(actor, failure, subject(&attempt), "wrong or unknown");
            Err(Refusal::WrongCredentials)
        }
    }
}

fn subject(attempt: &PasswordTry<'_>) -> String {
    match attempt.actor {
        Actor::Customer(id) => id.to_string(),
        Actor::Operator(id) => id.to_string(),
        Actor::Machine(id) => id.to_string(),
        // The index is keyed: it names the address to nobody, and tells repeated tries of one from tries of many.
        Actor::Unknown | Actor::Console => format!("unknown:{}", hex(&attempt.identity[..8])),
    }
}
