//! What crosses the outside of the bank and its machines: all that an auditor is told, and all that a trace shows.
//!
//! Besides what people see that is what goes over the wires: messages, commands to devices, records as a journal takes them,
//! and the rows that a ledger got since somebody last looked. Faults are told too, for whoever reads a trace; a rule never
//! rests on them.

use std::fmt;

use cashpoint_bank::store::memory::CommitFault;
use cashpoint_core::account::Product;
use cashpoint_core::case::Case;
use cashpoint_core::id::{AccountNumber, CardId, MachineId, TransferId};
use cashpoint_core::mix::Notes;
use cashpoint_core::policy::Policy;
use cashpoint_core::terminal::device::Command;
use cashpoint_core::terminal::link::{LinkFailure, Reply, Request};
use cashpoint_core::terminal::record::Record;
use cashpoint_core::terminal::screen::Screen;
use cashpoint_core::terminal::{Alarm, Lane, StaffAction};
use cashpoint_core::time::Timestamp;
use cashpoint_devices::model::{Armed, Place};

use super::rows::Posted;
use crate::network::Network;
use crate::person::{Takes, Wish};

/// Something that was seen, by the true clock.
#[derive(Clone, PartialEq, Debug)]
pub struct Sight {
    /// When.
    pub at: Timestamp,
    /// At which machine; none: at the host.
    pub machine: Option<MachineId>,
    /// What.
    pub what: Seen,
}

/// Whether there is power.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Power {
    /// There is.
    On,
    /// There is not.
    Off,
}

/// What became of a journal's disk.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Disk {
    /// A part of a record was there that nobody had heard to be written, and was dropped.
    Torn,
    /// All of one was there.
    Untold,
    /// There is room only for what was begun.
    Short,
}

/// A card number, a PIN or a key, as bytes. Not shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(pub Vec<u8>);

impl fmt::Debug for Secret {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Secret(…)")
    }
}

/// A customer of a run: which one, from 0.
pub type Holder = usize;

/// What can be seen.
#[derive(Clone, PartialEq, Debug)]
pub enum Seen {
    /// A customer has an account with so much on it, minor units, as the run begins.
    Opened {
        /// Whose.
        holder: Holder,
        /// Which.
        account: AccountNumber,
        /// What kind: how far it may go below zero hangs on it.
        product: Product,
        /// How much.
        balance: i64,
    },
    /// The bank's choices, in force from now on.
    Ruled(Box<Policy>),
    /// Nothing that is seen or kept may hold this.
    Secret(Secret),
    /// Notes left the cassettes by the dispenser's doing.
    Fed(Notes),
    /// A terminal tells a device to do something.
    Command(Box<Command>),
    /// The PIN pad gave its terminal what an entered PIN is compared by without the host.
    PinComparable,
    /// A record stands in a terminal's journal, synced: its number, and what it says.
    Wrote(u64, Box<Record>),
    /// An answer of the host's reached a terminal.
    Heard(Lane),
    /// Transfers that are new in the ledger, in its order.
    Posted(Vec<Posted>),
    /// The host's process began again, and all of these transfers are there.
    Reopened(Vec<TransferId>),
    /// Staff laid notes into the cassettes.
    Loaded(Notes),
    /// Staff took notes out of the machine; false ones are not among them.
    Fetched(Notes),
    /// Of what was taken out just now, somebody keeps so much and tells nobody.
    Stolen(Notes),
    /// Staff ordered the exchange of the machine's cassettes, by this number.
    Ordered(u64),
    /// The exchange is posted.
    Replenished {
        /// Its number.
        number: u64,
        /// Counted less expected, minor units.
        difference: i64,
        /// What of a shortage waits as evidence in open cases, minor units.
        held: i64,
    },
    /// Somebody steps in front of the machine.
    Entered {
        /// Who.
        holder: Holder,
        /// What for.
        wish: Wish,
        /// What they do with cash that is presented.
        cash: Takes,
    },
    /// They are gone.
    Left,
    /// Nobody could be served: they went away as they had come.
    TurnedAway,
    /// Notes of the machine's came into somebody's hands.
    Taken(Notes),
    /// Somebody laid notes into the acceptor.
    PutIn(Notes),
    /// Somebody has notes back that they laid in.
    GivenBack(Notes),
    /// A screen.
    Shown(Screen),
    /// A card went into the reader.
    CardIn,
    /// A card came out and was taken.
    CardOut,
    /// The machine keeps a card.
    CardKept,
    /// What staff are told.
    Told(Alarm),
    /// A request reached the host; its answer may reach nobody.
    Answered {
        /// On which lane.
        lane: Lane,
        /// What was asked.
        request: Box<Request>,
        /// What was answered.
        reply: Result<Reply, LinkFailure>,
    },
    /// Copies of earlier messages reached the host; so many of them did something.
    Repeated {
        /// Copies.
        copies: u64,
        /// Taken by the host.
        taken: u64,
    },
    /// A card was reported stolen.
    Reported {
        /// Whose.
        holder: Holder,
        /// Which.
        card: CardId,
    },
    /// Staff let a card be used again.
    Unblocked(CardId),
    /// Staff said what became of a case, which stood like this before.
    Resolved {
        /// The case.
        case: Box<Case>,
        /// What turned out paid, or paid in, minor units.
        paid: i64,
    },
    /// A customer closed an account, on which nothing was.
    Closed(AccountNumber),
    /// A request that bears the id of one that the host has answered, and says something else.
    Altered {
        /// What was asked.
        request: Box<Request>,
        /// What was answered.
        reply: Result<Reply, LinkFailure>,
    },
    /// The machine is without power, or has it again.
    Power(Power),
    /// Staff do something at the machine.
    Staff(StaffAction),
    /// Staff find so many notes in a place; they lie there afterwards as before.
    Counted(Place, Notes),
    /// A process ended.
    Died,
    /// It began.
    Began,
    /// What becomes of messages from now on.
    Line(Network),
    /// A fault waits in the devices.
    Armed(Armed),
    /// The journal takes nothing more after so many records.
    JournalFails(u64),
    /// Something is so with the disk of a terminal's journal.
    Disk(Disk),
    /// A commit of the bank's failed, or nobody heard that it did not.
    CommitFailed(CommitFault),
    /// A clock is this much ahead from now on, milliseconds.
    ClockSet(i64),
    /// No more faults from now on.
    Healed,
}

/// What notes are worth, minor units.
#[must_use]
pub fn value(notes: &Notes) -> i64 {
    notes.iter().map(|(denomination, count)| denomination * i64::from(*count)).sum()
}
