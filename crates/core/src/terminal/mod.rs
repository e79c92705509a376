//! One ATM as a pure state machine: what happens comes in as [`Input`], what is to be done goes out as [`Output`].
//!
//! The shell around it executes a step's outputs in their order, and the order is the safety rule: nothing happens in
//! the world that the journal does not already intend. There is deliberately no clock, no socket, no file, no device
//! protocol and no cryptography here.
//!
//! | module | holds |
//! |---|---|
//! | [`Terminal`] | the state machine |
//! | [`book`] | what follows from the journal |
//! | [`delivery`] | when an advice is sent again |
//! | [`device`] | what hardware is asked and tells |
//! | [`journal`] | what a journal must do, and the loop that keeps its promise |
//! | [`keys`] | which keys a screen has, and what they choose |
//! | [`language`] | languages, and how they write figures |
//! | [`link`] | what the host is asked and tells |
//! | [`offline`] | what may be done while the host is away |
//! | [`record`] | what the journal holds |
//! | [`recovery`] | what became of cash when something broke off |
//! | [`screen`] | what people are shown and may choose |
//! | [`settings`] | what the operator chose |

#[expect(clippy::wildcard_enum_match_arm, reason = "a part ignores every signal that does not concern it")]
mod atm;
#[expect(clippy::wildcard_enum_match_arm, reason = "a part ignores every signal that does not concern it")]
mod between;
pub mod book;
mod cash;
pub mod delivery;
pub mod device;
mod hardware;
mod host;
mod intake;
pub mod journal;
pub mod keys;
pub mod language;
pub mod link;
mod machine;
mod names;
pub mod offline;
pub mod record;
pub mod recovery;
#[cfg(test)]
pub(crate) mod samples;
pub mod screen;
mod service;
mod servicing;
pub mod settings;
mod uplink;
#[expect(clippy::wildcard_enum_match_arm, reason = "a part ignores every signal that does not concern it")]
mod visit;
mod written;

#[cfg(test)]
mod tests;

pub use atm::Terminal;

use device::{Command, Report};
use language::Language;
use link::{LinkFailure, Reply, Request};
use record::{Entry, Record};
use screen::{Choice, Screen};

/// What the terminal is to be told.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Input {
    /// The program began: everything the journal holds, oldest first, and a number that no earlier start had.
    Begun {
        /// The journal's entries.
        entries: Vec<Entry>,
        /// Random; with a counter it makes request keys that are never used twice.
        nonce: u64,
    },
    /// A device answered or told something.
    Device(Report),
    /// The host answered the request on this lane, or did not. Once for each request, and never with the answer to
    /// another one.
    Link(Lane, Result<Reply, LinkFailure>),
    /// The person at the machine chose something on the screen, or pressed a key.
    Chosen(Choice),
    /// A timer that was set ran out.
    Elapsed(Timer),
    /// A record could not be written. The outputs after it in the same step were not executed and come back here. It is
    /// always the next input after the step that it speaks of.
    JournalFailed {
        /// Why.
        why: JournalFailure,
        /// What was not executed, the record first.
        unexecuted: Vec<Output>,
    },
    /// A journal that had failed has passed its self-test: it can be written again.
    JournalWrites,
    /// How full the journal is; told after every append and at the beginning.
    JournalFill {
        /// Bytes used.
        used: u64,
        /// Bytes it may use, its reserve for finishing what was begun not included.
        limit: u64,
    },
    /// Staff opened or closed the machine, or cleared a fault after looking.
    Staff(StaffAction),
}

/// What staff do at the machine.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum StaffAction {
    /// Take it out of service.
    Close,
    /// Put it into service again; faults are forgotten, devices looked at anew.
    Open,
}

/// What is to be done, in this order.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Output {
    /// Write and sync a record before anything that follows. If that fails, nothing that follows is done.
    Journal(Record),
    /// Everything before this entry is settled and known to the host: it may be dropped from the journal.
    Forget {
        /// The first entry to keep.
        keep_from: u64,
    },
    /// Tell a device something. Each device has at most one command at a time, but for [`Command::Cancel`], which ends
    /// that one and has no end of its own.
    Device(Command),
    /// Ask the host. Each lane has at most one request at a time; the shell gives up after `deadline_ms`.
    Send {
        /// Which lane.
        lane: Lane,
        /// What.
        request: Request,
        /// How long to wait for an answer, milliseconds.
        deadline_ms: u32,
    },
    /// Show this from now on.
    Show(Screen),
    /// Speak this language with the customer from now on: what is shown, and what will be.
    Speak(Language),
    /// Set a timer, in place of an earlier one of the same name.
    Set(Timer, u32),
    /// Stop a timer.
    Stop(Timer),
    /// Tell staff and logs. Never anything secret.
    Alarm(Alarm),
}

/// The ways to the host that do not wait for each other.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Lane {
    /// What the customer waits for.
    Online,
    /// What already happened, in its order, until acknowledged.
    Advice,
    /// Signs of life, and what the host has to tell.
    Heartbeat,
}

/// Timers, in milliseconds from when they are set.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Timer {
    /// The customer does nothing.
    Customer,
    /// Card or notes are not taken.
    Taking,
    /// A device does not answer.
    Device(device::Unit),
    /// The next attempt to deliver an advice.
    Retry,
    /// The next heartbeat.
    Heartbeat,
    /// A message stays on the screen this long.
    Message,
}

/// Why nothing can be written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum JournalFailure {
    /// The journal has its size.
    Full,
    /// The disk is full.
    DiskFull,
    /// Anything else; the journal stays closed until its self-test passes or staff clear it.
    Broken,
}

/// What staff must hear of.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Alarm {
    /// A device failed.
    Device(device::Unit, device::Failure),
    /// Nobody knows what became of cash; a case follows.
    CashUnknown,
    /// The journal cannot be written.
    Journal(JournalFailure),
    /// A record of the journal is not what was written.
    JournalTampered,
    /// The host refused an advice for good.
    AdviceRefused {
        /// The refusal's code.
        code: String,
    },
    /// The host does not accept this terminal's messages.
    NotAccepted,
    /// More device errors in a row than chance explains: the machine stops (transaction reversal fraud).
    TooManyErrors,
    /// A card was kept.
    CardRetained,
}
