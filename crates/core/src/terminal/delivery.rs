//! The advice lane: which advice goes next, when it is tried again, and what an answer to it means.
//!
//! One at a time, in the journal's order, until the host has it or staff do; nothing else ends an advice. What waits is
//! the [`Book`]'s; here is only what a restart may forget: whether one is under way, and when to try again.

use cashpoint_mutant::{Mutant, chosen};

use crate::outcome::Refusal;

use super::Alarm;
use super::book::Book;
use super::link::{Acknowledgement, Advice, LinkFailure, OperationId, Reply};
use super::record::Record;

/// Wait before the second attempt, milliseconds; each further wait is twice the one before.
pub const FIRST_WAIT_MS: u32 = 1_000;

/// The longest wait between attempts, milliseconds.
pub const LONGEST_WAIT_MS: u32 = 60_000;

/// How the advice lane stands. It has no clock: the machine's timer tells when a wait is over, so that a clock that jumps
/// makes no wait longer or shorter.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Delivery {
    attempt: Attempt,
    /// The next wait, milliseconds.
    wait_ms: u32,
    /// Whether staff know that the host does not accept what it is told.
    alarmed: Alarmed,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Attempt {
    /// The next advice may go.
    Free,
    /// This one was sent.
    UnderWay(OperationId),
    /// The last attempt failed, and its wait is not over.
    Waiting,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Alarmed {
    No,
    Yes,
}

/// What the lane is to do now.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Next<'a> {
    /// Send this; it is under way from now on.
    Send(&'a Advice),
    /// One is under way.
    UnderWay,
    /// The wait after a failed attempt is not over.
    Waiting,
    /// Nothing waits.
    Nothing,
}

/// What an answer means.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Answered {
    /// The host has it: write the record, then act on what it said.
    Delivered {
        /// [`Record::Acknowledged`].
        record: Record,
        /// What it said.
        acknowledgement: Box<Acknowledgement>,
    },
    /// The host refused it for good: write the record, tell staff, go on with the next.
    Escalated {
        /// [`Record::Escalated`].
        record: Record,
        /// For staff.
        alarm: Alarm,
    },
    /// The same again after so many milliseconds: set [`super::Timer::Retry`], and tell [`Delivery::wait_is_over`].
    Retry {
        /// How long to wait.
        wait_ms: u32,
        /// For staff, once per row of failures.
        alarm: Option<Alarm>,
    },
    /// No advice was under way: an answer to nothing.
    Stray,
}

impl Default for Delivery {
    fn default() -> Self {
        Self { attempt: Attempt::Free, wait_ms: FIRST_WAIT_MS, alarmed: Alarmed::No }
    }
}

impl Delivery {
    /// What to do now: to be asked whenever something was written, answered or waited for.
    pub fn next<'a>(&mut self, book: &'a Book) -> Next<'a> {
        let Some(advice) = book.next_advice() else { return Next::Nothing };
        match self.attempt {
            Attempt::UnderWay(_) => Next::UnderWay,
            Attempt::Waiting => Next::Waiting,
            Attempt::Free => {
                self.attempt = Attempt::UnderWay(advice.id);
                Next::Send(advice)
            }
        }
    }

    /// What the answer to the advice under way means.
    pub fn answered(&mut self, answer: Result<Reply, LinkFailure>) -> Answered {
        let Attempt::UnderWay(id) = self.attempt else { return Answered::Stray };
        self.attempt = Attempt::Free;
        match answer {
            Ok(Reply::Acknowledged(acknowledgement)) => {
                self.reset();
                Answered::Delivered { record: Record::Acknowledged { id }, acknowledgement }
            }
            Ok(Reply::Refused(refusal)) => self.refused(id, &refusal),
            Err(_) if chosen(Mutant::AdviceDropped) && self.wait_ms > 2 * FIRST_WAIT_MS => {
                self.reset();
                let acknowledgement = Box::new(Acknowledgement { case: None, declined: None, lease: None });
                Answered::Delivered { record: Record::Acknowledged { id }, acknowledgement }
            }
            Err(LinkFailure::Unreachable | LinkFailure::TimedOut | LinkFailure::Busy) => self.retry(),
            // What it sent is no answer to an advice, or it does not take our word: neither passes by itself.
            Ok(
                Reply::LoggedIn(_)
                | Reply::LoggedOut
                | Reply::Balance(_)
                | Reply::Statement(_)
                | Reply::Transferred(_)
                | Reply::PinChanged
                | Reply::Approved(_)
                | Reply::News(_),
            )
            | Err(LinkFailure::Rejected) => self.not_accepted(),
        }
    }

    /// [`super::Timer::Retry`] ran out.
    pub fn wait_is_over(&mut self) {
        match self.attempt {
            Attempt::Waiting if chosen(Mutant::QueueStuck) => {}
            Attempt::Waiting => self.attempt = Attempt::Free,
            Attempt::Free | Attempt::UnderWay(_) => {}
        }
    }

    /// The host is there: what waits is tried at once, and its waits are short again. Not while the host does not accept
    /// what it is told: that does not pass by its being there.
    pub fn host_is_there(&mut self) {
        match self.alarmed {
            Alarmed::No => {
                self.wait_is_over();
                self.reset();
            }
            Alarmed::Yes => {}
        }
    }

    const fn reset(&mut self) {
        self.wait_ms = FIRST_WAIT_MS;
        self.alarmed = Alarmed::No;
    }

    fn refused(&mut self, id: OperationId, refusal: &Refusal) -> Answered {
        if may_pass(refusal) {
            return self.retry();
        }
        self.reset();
        let code = refusal.code().to_owned();
        let alarm = Alarm::AdviceRefused { code: code.clone() };
        Answered::Escalated { record: Record::Escalated { id, code }, alarm }
    }

    fn retry(&mut self) -> Answered {
        let wait_ms = self.wait_ms;
        self.wait_ms = wait_ms.saturating_mul(2).min(LONGEST_WAIT_MS);
        self.attempt = Attempt::Waiting;
        Answered::Retry { wait_ms, alarm: None }
    }

    fn not_accepted(&mut self) -> Answered {
        self.wait_ms = LONGEST_WAIT_MS;
        self.attempt = Attempt::Waiting;
        let alarm = match self.alarmed {
            Alarmed::No => Some(Alarm::NotAccepted),
            Alarmed::Yes => None,
        };
        self.alarmed = Alarmed::Yes;
        Answered::Retry { wait_ms: LONGEST_WAIT_MS, alarm }
    }
}

/// Whether the same advice may be taken later. A host takes an advice whatever it says, so every other refusal is for
/// good.
const fn may_pass(refusal: &Refusal) -> bool {
    match refusal {
        Refusal::TooManyRequests { .. } | Refusal::Moved | Refusal::NumberTaken => true,
        Refusal::SessionExpired
        | Refusal::WrongCredentials
        | Refusal::Forbidden
        | Refusal::ChannelRequired
        | Refusal::AccountNotFound
        | Refusal::TransactionNotFound
        | Refusal::AtmNotFound
        | Refusal::NotFound
        | Refusal::InvalidAmount
        | Refusal::InvalidRequest { .. }
        | Refusal::EmailTaken
        | Refusal::AtmIdTaken
        | Refusal::CardNumberTaken
        | Refusal::InsufficientFunds { .. }
        | Refusal::OverTransactionLimit { .. }
        | Refusal::DailyLimitExceeded { .. }
        | Refusal::OverDepositLimit { .. }
        | Refusal::AtmOutOfCash
        | Refusal::AmountNotDispensable { .. }
        | Refusal::AtmInactive
        | Refusal::AtmMismatch
        | Refusal::TerminalOnly
        | Refusal::CardExpired
        | Refusal::CardStolen
        | Refusal::CardLost
        | Refusal::AccountClosed
        | Refusal::AccountNotEmpty
        | Refusal::SameAccount
        | Refusal::CurrencyMismatch
        | Refusal::IdempotencyKeyReused
        | Refusal::CardBlocked { .. }
        | Refusal::ReplenishmentOpen
        | Refusal::Reversed => false,
    }
}

#[cfg(test)]
mod tests;
