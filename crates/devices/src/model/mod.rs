//! The hardware of one ATM: cassettes, transport, stacker, shutter, bins, acceptor, card reader, PIN pad, printer.
//!
//! Synchronous and deterministic: commands, people, faults and the time come in, reports come out. What is physically so
//! ([`Census`]) stands apart from what the devices believe (their counters and records), because that is where faults
//! bite. There is no socket, no file, no account and no host here.
//!
//! The devices keep what XFS4IoT wants kept across a loss of power: counters, present status, cash-in status, keys. They
//! write pessimistically: before a motion, the record says that its outcome is not known. What a running command holds
//! (nonce, PIN, whoever waits) is lost with the power.

mod acceptor;
mod card;
mod dispenser;
mod dispensing;
mod fault;
mod fitting;
mod note;
mod pad;
mod person;
mod power;
mod printer;
mod service;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use cashpoint_core::terminal::device::{Answer, Command, Event, Failure, Report, Unit};
use cashpoint_core::time::Timestamp;
use serde::{Deserialize, Serialize};

pub use acceptor::{Acceptor, CashInMemory};
pub use card::{CardReader, CardSlot};
pub use dispenser::{Cassette, Dispenser, Doubt, Exchange, Out, PresentRecord, Reached, Returned, Shutter};
pub use fault::{Armed, Fault, Faults, Lasts, NeverMeets, Step};
pub use fitting::{CassetteFitting, DeviceKeys, Fitting, RANDOM_BYTES};
pub use note::{Census, Note, Origin, Pile, Place, Quality};
pub use pad::Pad;
pub use person::{Impossible, Inserted, PersonAction};
pub use power::UNITS;
pub use printer::{Paper, Printer};
pub(crate) use service::Found;

use power::Lines;

/// The hardware of one machine.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Hardware {
    fitting: Fitting,
    keys: DeviceKeys,
    census: Census,
    faults: Faults,
    card: CardReader,
    pad: Pad,
    dispenser: Dispenser,
    acceptor: Acceptor,
    printer: Printer,
    #[serde(skip)]
    lines: Lines,
    /// Commands that wait for a person.
    #[serde(skip)]
    waiting: BTreeSet<Waiting>,
    /// What people may have noticed since it was last asked.
    #[serde(skip)]
    happened: Vec<Happening>,
    /// What there is to tell besides the answer of the running command.
    #[serde(skip)]
    told: Vec<Report>,
}

/// What a command can wait for a person to do.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Waiting {
    /// Insert a card.
    Card,
    /// Enter a PIN.
    Pin,
    /// Press keys.
    Keys,
    /// Insert notes.
    Notes,
}

impl Waiting {
    const fn unit(self) -> Unit {
        match self {
            Self::Card => Unit::CardReader,
            Self::Pin | Self::Keys => Unit::PinPad,
            Self::Notes => Unit::Acceptor,
        }
    }
}

/// What the devices do besides answering, for whoever speaks for them ([`Hardware::take_happened`]).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Happening {
    /// A dispense begins to move notes.
    DispenseStarted,
    /// Why a dispense was not begun.
    TokenRefused(cashpoint_wire::dispense_token::TokenError),
    /// Notes stuck together, and went to the reject bin.
    NotesStuckTogether,
    /// A cassette did not give what it should have, or is not usable.
    CassetteFailed(usize),
    /// The shutter of the output position opened.
    ShutterOpened,
    /// It closed.
    ShutterClosed,
    /// Notes are within reach.
    NotesPresented,
    /// Notes were inserted into the acceptor.
    NotesInserted,
    /// The acceptor gave notes back.
    NotesReturned,
    /// Something is stuck, or no longer.
    StatusChanged(Unit),
    /// Counters changed.
    CountsChanged(Unit),
}

/// Why a command did not come to its answer.
enum Stopped {
    /// The device says why.
    Failed(Failure),
    /// Power is gone.
    PowerLoss,
    /// The command never reached the device.
    LineDown,
}

impl From<Failure> for Stopped {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

type Outcome = Result<Answer, Stopped>;

impl Hardware {
    /// A machine, filled and switched on.
    #[must_use]
    pub fn new(fitting: Fitting, keys: DeviceKeys) -> Self {
        let mut census = Census::default();
        for (position, cassette) in fitting.cassettes.iter().enumerate() {
            let note = Note {
                denomination: cassette.denomination,
                quality: Quality::Good,
                origin: Origin::Cassette(position),
            };
            census.enter(Place::Cassette(position), note, cassette.notes);
        }
        Self {
            dispenser: Dispenser::new(&fitting),
            printer: Printer::new(fitting.receipts),
            fitting,
            keys,
            census,
            faults: Faults::default(),
            card: CardReader::default(),
            pad: Pad::default(),
            acceptor: Acceptor::default(),
            lines: Lines::default(),
            waiting: BTreeSet::new(),
            happened: Vec::new(),
            told: Vec::new(),
        }
    }

    /// Carries a command out as far as it goes without a person. No report of its unit's end: it waits for one, and
    /// [`Hardware::person`] or a [`Command::Cancel`] will end it.
    pub fn execute(&mut self, command: &Command) -> Vec<Report> {
        let unit = command.unit();
        if !self.lines.is_up(unit) {
            return vec![Report::Failed(unit, Failure::Lost)];
        }
        if matches!(command, Command::Cancel(_)) {
            return self.cancel(unit);
        }
        if self.waiting.iter().any(|waiting| waiting.unit() == unit) {
            return vec![Report::Failed(unit, Failure::Sequence)];
        }
        let Some(waiting) = self.waits_for(command) else {
            let outcome = self.carry_out(command);
            return self.end(unit, outcome);
        };
        self.pad.forget_pin_if(waiting);
        self.waiting.insert(waiting);
        Vec::new()
    }

    /// What a command waits for before it can be carried out.
    fn waits_for(&self, command: &Command) -> Option<Waiting> {
        let waits = [
            (Command::ReadCard, Waiting::Card, !self.card.is_inside()),
            (Command::EnterPin, Waiting::Pin, true),
            (Command::AcceptKeys, Waiting::Keys, true),
            (Command::TakeNotes, Waiting::Notes, self.acceptor.can_take()),
        ];
        waits.into_iter().find(|(waits, _, now)| *now && waits == command).map(|(_, waiting, _)| waiting)
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "commands that wait are looked at before")]
    fn carry_out(&mut self, command: &Command) -> Outcome {
        match command {
            Command::ReadCard => self.read_card(),
            Command::EjectCard => self.eject_card(),
            Command::RetainCard => self.retain_card(),
            Command::OnlinePinBlock(pan) => self.online_pin_block(pan),
            Command::OfflineVerifier { pan, salt } => self.offline_verifier(pan, salt),
            Command::ImportPinKey(block) => self.import_key(block),
            Command::FetchNonce => self.fetch_nonce(),
            Command::ClearNonce => self.clear_nonce(),
            Command::Dispense(dispense) => self.dispense(dispense),
            Command::Present => self.present(),
            Command::Reject => self.reject(),
            Command::Retract => self.retract(),
            Command::PresentStatus { nonce } => self.present_status(*nonce),
            Command::ReadCounters => self.read_counters(),
            Command::StartCashIn => self.start_cash_in(),
            Command::StoreNotes => self.store_notes(),
            Command::ReturnNotes => self.return_notes(),
            Command::CashInStatus => self.cash_in_status(),
            Command::StartExchange => Ok(self.start_exchange()),
            Command::EndExchange(filling) => Ok(self.end_exchange(filling)?),
            Command::EmptyDeposits => Ok(self.empty_deposits()?),
            Command::Print(lines) => self.print(lines),
            Command::Probe(unit) => self.probe(*unit),
            _ => Err(Failure::Sequence.into()),
        }
    }

    fn cancel(&mut self, unit: Unit) -> Vec<Report> {
        let Some(waiting) = self.waiting.iter().copied().find(|waiting| waiting.unit() == unit) else {
            return Vec::new();
        };
        self.waiting.remove(&waiting);
        vec![match waiting {
            Waiting::Keys => Report::Done(Answer::KeysEnded),
            Waiting::Card | Waiting::Pin | Waiting::Notes => Report::Failed(unit, Failure::Cancelled),
        }]
    }

    fn probe(&mut self, unit: Unit) -> Outcome {
        let stuck = match unit {
            Unit::CardReader => self.card.is_stuck(),
            Unit::PinPad => false,
            Unit::Dispenser => self.dispenser.is_stuck(),
            Unit::Acceptor => self.acceptor.is_stuck(),
            Unit::Printer if self.printer.left() == 0 => return Err(Failure::PaperOut.into()),
            Unit::Printer => false,
        };
        if stuck { Err(Failure::Jam.into()) } else { Ok(Answer::Works(unit)) }
    }

    /// What is reported when a unit's command has come to its end.
    fn end(&mut self, unit: Unit, outcome: Outcome) -> Vec<Report> {
        let last = match outcome {
            Ok(answer) => Report::Done(answer),
            Err(Stopped::Failed(failure)) => Report::Failed(unit, failure),
            Err(Stopped::PowerLoss) => return self.power_fails(Some(unit)),
            Err(Stopped::LineDown) => {
                self.lines.lose(unit);
                Report::Failed(unit, Failure::Lost)
            }
        };
        let mut reports = std::mem::take(&mut self.told);
        if self.lines.take_lost(unit) {
            return self.connection_drops(unit);
        }
        reports.push(last);
        reports
    }

    /// What the time brings: power and connections come back, an old nonce is forgotten. Time only moves forward.
    pub fn advance(&mut self, now: Timestamp) -> Vec<Report> {
        let mut reports = self.come_back(now);
        if self.dispenser.nonce_expires(now, self.fitting.nonce_s) {
            self.dispenser.forget_nonce();
            if self.lines.is_up(Unit::Dispenser) {
                reports.push(Report::Event(Event::NonceCleared));
            }
        }
        reports
    }

    /// Sets a fault.
    ///
    /// # Errors
    /// [`NeverMeets`] if it does not happen at that step.
    pub fn arm(&mut self, armed: Armed) -> Result<(), NeverMeets> {
        self.faults.arm(armed)
    }

    /// Clears all faults that are set. What they have done stays done.
    pub fn clear_faults(&mut self) {
        self.faults.clear();
    }

    /// The faults that are set.
    #[must_use]
    pub const fn faults(&self) -> &Faults {
        &self.faults
    }

    /// Where every note physically is.
    #[must_use]
    pub const fn census(&self) -> &Census {
        &self.census
    }

    /// How the machine is built.
    #[must_use]
    pub const fn fitting(&self) -> &Fitting {
        &self.fitting
    }

    /// Its keys, for the provisioning file.
    #[must_use]
    pub const fn keys(&self) -> &DeviceKeys {
        &self.keys
    }

    /// What the dispenser believes.
    #[must_use]
    pub const fn dispenser(&self) -> &Dispenser {
        &self.dispenser
    }

    /// What the acceptor believes.
    #[must_use]
    pub const fn acceptor(&self) -> &Acceptor {
        &self.acceptor
    }

    /// The card reader.
    #[must_use]
    pub const fn card_reader(&self) -> &CardReader {
        &self.card
    }

    /// The PIN pad.
    #[must_use]
    pub const fn pad(&self) -> &Pad {
        &self.pad
    }

    /// The printer.
    #[must_use]
    pub const fn printer(&self) -> &Printer {
        &self.printer
    }

    /// What the devices' commands wait for now.
    pub fn waiting(&self) -> impl Iterator<Item = Waiting> {
        self.waiting.iter().copied()
    }

    /// What happened besides the answers since this was last asked.
    pub fn take_happened(&mut self) -> Vec<Happening> {
        std::mem::take(&mut self.happened)
    }

    fn tell(&mut self, event: Event) {
        self.told.push(Report::Event(event));
    }
}
