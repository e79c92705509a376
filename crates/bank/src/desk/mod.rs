//! The desk: operations that look something up, do cryptography, send a command and put its answer into words for the
//! shells. They wait, so they run on threads that may.
//!
//! Nothing is decided here. What is read before the queue only prepares a command; a command whose preparation has
//! moved meanwhile comes back and is prepared again.

mod accounts;
mod cards;
mod cases;
mod customers;
pub(crate) mod history;
mod machines;
mod notifications;
mod operators;
mod outbox;
mod policies;
mod reading;
mod replenishments;
mod sessions;

pub use accounts::{AccountView, Primary};
pub use cards::{CardIssued, CardRequest};
pub use cases::CasePage;
pub use customers::{
    CustomerChange, CustomerCreated, CustomerView, NewCustomer, OpeningAccount, SignUpRequest, SignedUp,
};
pub use history::{
    Direction, EntryKind, EntryStatus, EntryView, HistoryPage, HistoryRequest, MachineEntry, MachinePage,
};
pub use machines::{MachineChange, MachineCreated, MachineRequest, MachineSecret};
pub use notifications::{Addressee, DeadLetters, FeedState};
pub use policies::{PolicyValue, policy_form, policy_names};
pub use replenishments::{Counted, ReplenishRequest};
pub use sessions::{LoggedIn, SessionView};

pub(crate) use cards::FixedCard;
pub(crate) use customers::FixedCustomer;

use cashpoint_core::command::Command;
use cashpoint_core::decide::Replay;
use cashpoint_core::id::RequestId;
use cashpoint_core::outcome::{Done, Refusal};
use data_encoding::HEXLOWER;

use crate::bank::{Answered, AnsweredOnce, Bank, Told};
use crate::execute::{Answer, Failure};
use crate::keys::{KeyError, KeyStore, MacPurpose};
use crate::password::PasswordError;
use crate::request::{Content, Scope, request_id};
use crate::store::{Reads, StoreError};

/// How often an operation is prepared anew before that counts as a defect.
const ATTEMPTS: usize = 5;

/// Why an operation ends before it is done.
#[derive(Debug)]
pub(crate) enum Stop {
    /// A normal answer.
    Refused(Refusal),
    /// A normal answer, told before.
    Repeated(Refusal),
    /// The world failed.
    Failed(Failure),
    /// The database failed under a read; only inside [`Bank::look`].
    Store(StoreError),
}

impl From<Refusal> for Stop {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl From<StoreError> for Stop {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<KeyError> for Stop {
    fn from(error: KeyError) -> Self {
        tracing::error!(%error, "an operation under the bank's keys failed");
        match error {
            KeyError::Unavailable(_) => Self::Failed(Failure::Overloaded),
            KeyError::UnknownVersion { .. } | KeyError::NotAuthentic => Self::Failed(Failure::Internal),
        }
    }
}

impl From<PasswordError> for Stop {
    fn from(error: PasswordError) -> Self {
        match error {
            PasswordError::Overloaded => Self::Failed(Failure::Overloaded),
            PasswordError::MalformedHash => defect("a stored password hash is not one"),
        }
    }
}

/// Something that cannot be, is.
pub(crate) fn defect(what: &str) -> Stop {
    tracing::error!(what, "the database holds what it cannot hold");
    Stop::Failed(Failure::Internal)
}

/// A command was answered with something that it never is.
pub(crate) fn unexpected(done: &Done) -> Stop {
    tracing::error!(?done, "an answer of another command");
    Stop::Failed(Failure::Internal)
}

/// As the shells are told.
pub(crate) fn answered<T>(result: Result<T, Stop>) -> Answered<T> {
    match result {
        Ok(done) => Ok(Ok(done)),
        Err(Stop::Refused(refusal) | Stop::Repeated(refusal)) => Ok(Err(refusal)),
        Err(Stop::Failed(failure)) => Err(failure),
        Err(Stop::Store(error)) => {
            tracing::error!(%error, "the database cannot be read");
            Err(Failure::DatabaseUnavailable)
        }
    }
}

/// As the shells are told, where there is a request key.
fn answered_once<T>(result: Result<(T, Replay), Stop>) -> AnsweredOnce<T> {
    match result {
        Err(Stop::Repeated(refusal)) => Ok(Err(Told { refusal, replay: Replay::Repeat })),
        first => Ok(answered(first)?.map_err(Told::from)),
    }
}

/// Prepares and sends again for as long as the answer is that the preparation was overtaken.
fn prepared<T>(mut attempt: impl FnMut() -> Result<T, Stop>) -> Result<T, Stop> {
    for _ in 0..ATTEMPTS {
        match attempt() {
            Err(Stop::Refused(Refusal::Moved | Refusal::NumberTaken)) => {}
            result => return result,
        }
    }
    tracing::error!("an operation was overtaken {ATTEMPTS} times");
    Err(Stop::Failed(Failure::Internal))
}

impl Bank {
    /// Whether the bank can be asked.
    ///
    /// # Errors
    /// The database is away.
    pub fn healthy(&self) -> Result<(), Failure> {
        self.read(|reads| reads.policy()).map(drop)
    }

    /// How many passwords were evaluated since the bank was opened, for those who watch its load.
    #[must_use]
    pub fn password_evaluations(&self) -> u64 {
        self.inner.passwords.evaluations()
    }

    /// How many MACs were made since the bank was opened, for those who hold it to doing the same work for everybody.
    #[must_use]
    pub fn mac_evaluations(&self) -> u64 {
        self.inner.keys.macs()
    }

    /// Reads, where a read may end in a refusal.
    pub(crate) fn look<T>(&self, query: impl FnOnce(&mut dyn Reads) -> Result<T, Stop>) -> Result<T, Stop> {
        self.read(|reads| match query(reads) {
            Err(Stop::Store(error)) => Err(error),
            result => Ok(result),
        })?
    }

    /// Sends a command; an answer other than "done" ends the operation.
    pub(crate) fn done(&self, command: impl Into<Command>) -> Result<(Done, Replay), Stop> {
        let Answer { outcome, replay } = self.execute(command)?;
        match (outcome, replay) {
            (Ok(done), replay) => Ok((done, replay)),
            (Err(refusal), Replay::First) => Err(Stop::Refused(refusal)),
            (Err(refusal), Replay::Repeat) => Err(Stop::Repeated(refusal)),
        }
    }

    /// As [`Self::done`], for commands that have nothing to tell.
    pub(crate) fn changed(&self, command: impl Into<Command>) -> Result<(), Stop> {
        match self.done(command)? {
            (Done::Changed, _) => Ok(()),
            (done, _) => Err(unexpected(&done)),
        }
    }

    /// The names of a request whose content holds something secret, under every live key, the current one first.
    ///
    /// Digests are kept for ever, so a secret goes into them keyed: who has the database alone cannot search for it.
    /// Under another key the same request has another content; [`Self::once`] knows it by either.
    fn request_ids(
        &self,
        scope: Scope,
        key: &str,
        content: &Content<'_>,
        secret: (MacPurpose, &[&[u8]]),
    ) -> Result<Vec<RequestId>, Stop> {
        let (purpose, parts) = secret;
        let keys = self.inner.keys.as_ref();
        let mut ids = Vec::new();
        for version in keys.live_versions(purpose.into())?.into_iter().rev() {
            let parts: Vec<&[u8]> = std::iter::once(b"request".as_slice()).chain(parts.iter().copied()).collect();
            let rest = format!("{}{}", content.rest, HEXLOWER.encode(&keys.mac(purpose, version, &parts)?));
            ids.push(request_id(scope, key, &Content { rest: &rest, ..*content }));
        }
        Ok(ids)
    }

    /// Sends a command that may have been answered when another key was current.
    fn once(&self, ids: &[RequestId], command: impl Fn(RequestId) -> Command) -> Result<(Done, Replay), Stop> {
        for id in ids {
            match self.done(command(*id)) {
                Err(Stop::Refused(Refusal::IdempotencyKeyReused)) => {}
                result => return result,
            }
        }
        Err(Refusal::IdempotencyKeyReused.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(answers: &[Result<u8, Refusal>], expected: Result<u8, Stop>, attempts: usize) {
        let mut left = answers.iter().cloned();
        let result = prepared(|| left.next().expect("not asked more often than expected").map_err(Stop::from));
        assert_eq!(format!("{result:?}"), format!("{expected:?}"));
        assert_eq!(answers.len() - left.len(), attempts);
    }

    #[test]
    fn prepares_again_what_was_overtaken_and_nothing_else() {
        check(&[Ok(1)], Ok(1), 1);
        check(&[Err(Refusal::Moved), Err(Refusal::NumberTaken), Ok(1)], Ok(1), 3);
        check(&[Err(Refusal::EmailTaken), Ok(1)], Err(Refusal::EmailTaken.into()), 1);
        let always = vec![Err(Refusal::Moved); ATTEMPTS];
        check(&always, Err(Failure::Internal.into()), ATTEMPTS);
    }
}
