//! Which device is doing what: one command at a time for each, a watch over those that must end by themselves, and who
//! can be relied on.
//!
//! What a command's end means for a customer or for money is not decided here.

use std::collections::VecDeque;

use super::device::{Answer, Command, Failure, Unit};
use super::{Output, Timer};

/// How long a command may take that waits for nobody, milliseconds. The devices' own limits are shorter; this one ends
/// the silence of a device that no longer obeys them.
const LONGEST_COMMAND_MS: u32 = 90_000;

/// How long a cancelled command may go on, milliseconds.
const LONGEST_CANCEL_MS: u32 = 20_000;

/// After what time a device that failed is looked at again, milliseconds.
const LOOK_AGAIN_MS: u32 = 30_000;

impl Unit {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::CardReader, Self::PinPad, Self::Dispenser, Self::Acceptor, Self::Printer];

    const fn place(self) -> usize {
        match self {
            Self::CardReader => 0,
            Self::PinPad => 1,
            Self::Dispenser => 2,
            Self::Acceptor => 3,
            Self::Printer => 4,
        }
    }
}

/// Whether a device can be relied on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Condition {
    /// Not yet asked.
    Unasked,
    /// It works.
    Works,
    /// It does not.
    Failed(Failure),
}

/// How a command ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Ended {
    /// Which.
    pub(super) command: Command,
    /// How.
    pub(super) result: Result<Answer, Failure>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
struct Device {
    condition: Condition,
    running: Option<Running>,
    waiting: VecDeque<Command>,
    silence: Silence,
}

/// Whether the device still owes the end of a command that was given up.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Silence {
    Owed,
    None,
}

#[derive(Clone, PartialEq, Eq, Debug)]
struct Running {
    command: Command,
    cancelled: Cancelled,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Cancelled {
    No,
    Yes,
}

/// The devices of the machine.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Devices([Device; 5]);

impl Devices {
    pub(super) fn new() -> Self {
        let (condition, silence) = (Condition::Unasked, Silence::None);
        let device = Device { condition, running: None, waiting: VecDeque::new(), silence };
        Self(std::array::from_fn(|_| device.clone()))
    }

    pub(super) fn condition(&self, unit: Unit) -> Condition {
        self.0[unit.place()].condition
    }

    pub(super) fn works(&self, unit: Unit) -> bool {
        self.condition(unit) == Condition::Works
    }

    /// Whether it can be asked at all.
    pub(super) fn is_reachable(&self, unit: Unit) -> bool {
        self.condition(unit) != Condition::Failed(Failure::Lost)
    }

    /// What each says of itself, for the host.
    pub(super) fn conditions(&self) -> Vec<(Unit, Option<Failure>)> {
        Unit::ALL
            .into_iter()
            .filter_map(|unit| match self.condition(unit) {
                Condition::Unasked => None,
                Condition::Works => Some((unit, None)),
                Condition::Failed(failure) => Some((unit, Some(failure))),
            })
            .collect()
    }

    pub(super) fn note(&mut self, unit: Unit, condition: Condition) {
        self.0[unit.place()].condition = condition;
    }

    /// The command that the device works at, if any.
    pub(super) fn running(&self, unit: Unit) -> Option<&Command> {
        self.0[unit.place()].running.as_ref().map(|running| &running.command)
    }

    pub(super) fn is_free(&self, unit: Unit) -> bool {
        let device = &self.0[unit.place()];
        device.running.is_none() && device.waiting.is_empty() && device.silence == Silence::None
    }

    /// Whether it owes the end of a command that was given up, and is to do nothing else.
    pub(super) fn owes(&self, unit: Unit) -> bool {
        let device = &self.0[unit.place()];
        device.silence == Silence::Owed && device.running.is_none() && device.waiting.is_empty()
    }

    /// Gives a device a command, after those that it has.
    pub(super) fn tell(&mut self, command: Command, out: &mut Vec<Output>) {
        let device = &mut self.0[command.unit().place()];
        let unit = command.unit();
        device.waiting.push_back(command);
        device.start_next(out);
        if device.silence == Silence::Owed {
            out.push(Output::Set(Timer::Device(unit), LONGEST_COMMAND_MS));
        }
    }

    /// Ends what the device does for a customer. What it was to do next ends at once, as cancelled: nobody else would
    /// ever say so. Looking at it is for nobody in particular, and goes on.
    pub(super) fn cancel(&mut self, unit: Unit, out: &mut Vec<Output>) -> Vec<Ended> {
        let device = &mut self.0[unit.place()];
        let (looks, dropped): (VecDeque<_>, VecDeque<_>) = device.waiting.drain(..).partition(is_look);
        device.waiting = looks;
        if let Some(running) = &mut device.running
            && running.cancelled == Cancelled::No
            && !is_look(&running.command)
        {
            running.cancelled = Cancelled::Yes;
            out.push(Output::Device(Command::Cancel(unit)));
            out.push(Output::Set(Timer::Device(unit), LONGEST_CANCEL_MS));
        }
        let ended = |command| Ended { command, result: Err(Failure::Cancelled) };
        dropped.into_iter().map(ended).collect()
    }

    /// Takes a device's word that its command ended. `None`: it has none, or this is no answer to it.
    pub(super) fn end(&mut self, unit: Unit, result: Result<Answer, Failure>, out: &mut Vec<Output>) -> Option<Ended> {
        let device = &mut self.0[unit.place()];
        if device.silence == Silence::Owed {
            device.silence = Silence::None;
            out.push(Output::Stop(Timer::Device(unit)));
            device.start_next(out);
            return None;
        }
        let running = device.running.take()?;
        if let Ok(answer) = &result
            && !fits(&running.command, answer)
        {
            device.running = Some(running);
            return None;
        }
        out.push(Output::Stop(Timer::Device(unit)));
        device.start_next(out);
        Some(Ended { command: running.command, result })
    }

    /// The line to the device broke: nothing that it was told is known to be done or not, and no end of it will come.
    pub(super) fn lose(&mut self, unit: Unit, out: &mut Vec<Output>) -> Vec<Ended> {
        let device = &mut self.0[unit.place()];
        device.silence = Silence::None;
        device.give_up(out, unit)
    }

    /// The device takes too long. It is out of use until it has ended what it was told, and that end is no news then.
    pub(super) fn give_up(&mut self, unit: Unit, out: &mut Vec<Output>) -> Vec<Ended> {
        let device = &mut self.0[unit.place()];
        if let Some(running) = &device.running {
            device.silence = Silence::Owed;
            if running.cancelled == Cancelled::No {
                out.push(Output::Device(Command::Cancel(unit)));
            }
        }
        device.give_up(out, unit)
    }

    /// A command that was given was not executed after all.
    pub(super) fn undo(&mut self, command: &Command) {
        let device = &mut self.0[command.unit().place()];
        if device.running.as_ref().is_some_and(|running| running.command == *command) {
            device.running = None;
        }
    }

    /// Takes back what devices were to do next and must not do now.
    pub(super) fn take_back(&mut self, unwanted: fn(&Command) -> bool) -> Vec<Command> {
        let mut back = Vec::new();
        for device in &mut self.0 {
            let (taken, kept) = device.waiting.drain(..).partition(unwanted);
            device.waiting = kept;
            back.extend::<VecDeque<Command>>(taken);
        }
        back
    }

    /// Looks at a device again after some time.
    pub(super) fn look_again(unit: Unit, out: &mut Vec<Output>) {
        out.push(Output::Set(Timer::Device(unit), LOOK_AGAIN_MS));
    }
}

impl Device {
    fn give_up(&mut self, out: &mut Vec<Output>, unit: Unit) -> Vec<Ended> {
        self.condition = Condition::Failed(Failure::Lost);
        let lost = |command| Ended { command, result: Err(Failure::Lost) };
        let running = self.running.take().map(|running| running.command);
        out.push(Output::Set(Timer::Device(unit), LOOK_AGAIN_MS));
        running.into_iter().chain(self.waiting.drain(..)).map(lost).collect()
    }

    fn start_next(&mut self, out: &mut Vec<Output>) {
        if self.running.is_some() || self.silence == Silence::Owed {
            return;
        }
        let Some(command) = self.waiting.pop_front() else { return };
        let unit = command.unit();
        out.push(Output::Device(command.clone()));
        if !waits_for_people(&command) {
            out.push(Output::Set(Timer::Device(unit), LONGEST_COMMAND_MS));
        }
        self.running = Some(Running { command, cancelled: Cancelled::No });
    }
}

/// Whether a failure is the device's own, so that it serves nobody until it was looked at again.
pub(super) const fn puts_out_of_use(failure: Failure) -> bool {
    match failure {
        Failure::Jam
        | Failure::ShutterStuck
        | Failure::PaperOut
        | Failure::Hardware
        | Failure::Lost
        | Failure::Fraud => true,
        Failure::Nothing
        | Failure::AlreadyTaken
        | Failure::NotPresented
        | Failure::PartlyPresented
        | Failure::Cassette
        | Failure::NotDispensable
        | Failure::ItemsLeft
        | Failure::Token
        | Failure::NoNonce
        | Failure::NoPin
        | Failure::Key
        | Failure::Unreadable
        | Failure::TimedOut
        | Failure::Cancelled
        | Failure::Sequence
        | Failure::CashInActive => false,
    }
}

/// Whether the command only looks whether the device works.
const fn is_look(command: &Command) -> bool {
    matches!(command, Command::Probe(_))
}

/// Whether the command ends only when somebody does something: those have no watch but the customer's own.
const fn waits_for_people(command: &Command) -> bool {
    match command {
        Command::ReadCard | Command::EnterPin | Command::AcceptKeys | Command::TakeNotes => true,
        Command::EjectCard
        | Command::RetainCard
        | Command::OnlinePinBlock(_)
        | Command::OfflineVerifier { .. }
        | Command::ImportPinKey(_)
        | Command::FetchNonce
        | Command::ClearNonce
        | Command::Dispense(_)
        | Command::Present
        | Command::Reject
        | Command::Retract
        | Command::PresentStatus { .. }
        | Command::ReadCounters
        | Command::StartCashIn
        | Command::StoreNotes
        | Command::ReturnNotes
        | Command::CashInStatus
        | Command::StartExchange
        | Command::EndExchange(_)
        | Command::EmptyDeposits
        | Command::Print(_)
        | Command::Cancel(_)
        | Command::Probe(_) => false,
    }
}

/// Whether an answer is one to this command.
fn fits(command: &Command, answer: &Answer) -> bool {
    match answer {
        Answer::Card(_) => matches!(command, Command::ReadCard),
        Answer::CardEjected => matches!(command, Command::EjectCard),
        Answer::CardRetained => matches!(command, Command::RetainCard),
        Answer::Pin(_) => matches!(command, Command::EnterPin),
        Answer::PinBlock(_) => matches!(command, Command::OnlinePinBlock(_)),
        Answer::OfflineVerifier(_) => matches!(command, Command::OfflineVerifier { .. }),
        Answer::KeyImported(_) => matches!(command, Command::ImportPinKey(_)),
        Answer::KeysEnded => matches!(command, Command::AcceptKeys),
        Answer::Nonce(_) => matches!(command, Command::FetchNonce),
        Answer::NonceCleared => matches!(command, Command::ClearNonce),
        Answer::Dispensed(_) => matches!(command, Command::Dispense(_)),
        Answer::Presented => matches!(command, Command::Present),
        Answer::Rejected => matches!(command, Command::Reject),
        Answer::Retracted(_) => matches!(command, Command::Retract),
        Answer::PresentStatus(_) => matches!(command, Command::PresentStatus { .. }),
        Answer::Counters(_) => matches!(command, Command::ReadCounters),
        Answer::CashInStarted => matches!(command, Command::StartCashIn),
        Answer::NotesTaken { .. } => matches!(command, Command::TakeNotes),
        Answer::NotesStored(_) => matches!(command, Command::StoreNotes),
        Answer::NotesReturned => matches!(command, Command::ReturnNotes),
        Answer::CashInStatus(_) => matches!(command, Command::CashInStatus),
        Answer::ExchangeStarted => matches!(command, Command::StartExchange),
        Answer::ExchangeEnded => matches!(command, Command::EndExchange(_)),
        Answer::DepositsEmptied => matches!(command, Command::EmptyDeposits),
        Answer::Printed => matches!(command, Command::Print(_)),
        Answer::Works(unit) => matches!(command, Command::Probe(probed) if probed == unit),
    }
}

/// Of which device an answer is.
pub(super) const fn unit_of(answer: &Answer) -> Unit {
    match answer {
        Answer::Card(_) | Answer::CardEjected | Answer::CardRetained => Unit::CardReader,
        Answer::Pin(_)
        | Answer::PinBlock(_)
        | Answer::OfflineVerifier(_)
        | Answer::KeyImported(_)
        | Answer::KeysEnded => Unit::PinPad,
        Answer::Nonce(_)
        | Answer::NonceCleared
        | Answer::Dispensed(_)
        | Answer::Presented
        | Answer::Rejected
        | Answer::Retracted(_)
        | Answer::PresentStatus(_)
        | Answer::Counters(_)
        | Answer::ExchangeStarted
        | Answer::ExchangeEnded => Unit::Dispenser,
        Answer::CashInStarted
        | Answer::NotesTaken { .. }
        | Answer::NotesStored(_)
        | Answer::NotesReturned
        | Answer::CashInStatus(_)
        | Answer::DepositsEmptied => Unit::Acceptor,
        Answer::Printed => Unit::Printer,
        Answer::Works(unit) => *unit,
    }
}
