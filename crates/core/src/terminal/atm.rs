//! The terminal: takes each input to the part that it concerns, and gives back what is to be done.

use cashpoint_mutant::{Mutant, chosen};

use crate::id::MachineId;
use crate::time::Timestamp;

use super::between::clear_reader;
use super::book::{Open, Step as Reached};
use super::cash::{Cause, Held};
use super::device::{Answer, Command, Event, Failure, Report, Unit};
use super::hardware::{Condition, Devices, Ended, puts_out_of_use, unit_of};
use super::host::Presence;
use super::link::Availability;
use super::machine::{Machine, Signal, Stuck};
use super::record::Record;
use super::screen::{Screen, Sorry, Waiting, Why};
use super::visit::Visit;
use super::{Alarm, Input, JournalFailure, Output, StaffAction, Timer};

/// One ATM.
#[derive(Debug)]
pub struct Terminal {
    pub(super) machine: Machine,
    pub(super) stage: Stage,
}

/// What the machine as a whole is at.
#[derive(Debug)]
pub(super) enum Stage {
    /// It has not been told to begin.
    Asleep,
    /// It puts itself in order.
    Starting(Card),
    /// It waits for a card, or for being of use again.
    Idle,
    /// A customer is there.
    Visited(Box<Visit>),
}

/// A card that was in the reader when nobody should be there.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Card {
    /// Not yet known.
    Unasked,
    /// At the exit.
    AtExit,
    /// None is left.
    None,
    /// It is stuck.
    Stuck,
}

impl Terminal {
    /// A terminal that does nothing until it is told [`Input::Begun`].
    #[must_use]
    pub fn new(id: MachineId) -> Self {
        Self { machine: Machine::new(id), stage: Stage::Asleep }
    }

    /// Which machine it is.
    #[must_use]
    pub const fn id(&self) -> MachineId {
        self.machine.id
    }

    /// What is on the screen.
    #[must_use]
    pub const fn screen(&self) -> &Screen {
        &self.machine.screen
    }

    /// How far clocks are ahead of UTC where it stands, seconds (negative: behind), from now on; 0 until this is said. Only
    /// people see it, on receipts: everything else is in UTC.
    pub const fn stands_ahead_of_utc(&mut self, seconds: i32) {
        self.machine.ahead_s = seconds;
    }

    /// Takes what happened, at `now` by the terminal's clock, and says what is to be done, in that order. Any input may
    /// come at any time; one that makes no sense then changes nothing.
    pub fn handle(&mut self, input: Input, now: Timestamp) -> Vec<Output> {
        self.machine.now = now;
        match input {
            Input::Begun { entries, nonce } => self.begin(&entries, nonce),
            Input::JournalFailed { why, unexecuted } => self.journal_failed(why, unexecuted),
            other => {
                self.fold();
                self.take(other);
            }
        }
        self.work_off();
        self.rest();
        self.machine.deliver();
        std::mem::take(&mut self.machine.out)
    }

    /// Takes what the last step wrote as written; only now does anybody act on it.
    fn fold(&mut self) {
        let m = &mut self.machine;
        if m.journal.is_folded() {
            return;
        }
        if m.journal.fold().is_err() {
            m.alarm(Alarm::JournalTampered);
        }
        m.signal(Signal::Changed);
    }

    fn take(&mut self, input: Input) {
        let m = &mut self.machine;
        match input {
            Input::Begun { .. } | Input::JournalFailed { .. } => {}
            Input::Device(Report::Done(answer)) => self.ended(unit_of(&answer), Ok(answer)),
            Input::Device(Report::Failed(unit, failure)) => self.ended(unit, Err(failure)),
            Input::Device(Report::Event(event)) => self.on_event(event),
            Input::Link(lane, reply) => {
                let presence = self.presence();
                self.machine.hear_host(lane, reply, presence);
            }
            Input::Chosen(choice) => m.signal(Signal::Chosen(choice)),
            Input::Elapsed(Timer::Device(unit)) => self.watch(unit),
            Input::Elapsed(Timer::Heartbeat) => m.beat(),
            Input::Elapsed(Timer::Retry) => m.delivery.wait_is_over(),
            Input::Elapsed(timer @ (Timer::Customer | Timer::Taking | Timer::Message)) => {
                m.signal(Signal::Elapsed(timer));
            }
            Input::JournalFill { used, limit } => m.journal.note_fill(used, limit),
            Input::JournalWrites => {
                m.journal.try_again();
                m.signal(Signal::Changed);
            }
            Input::Staff(action) => self.on_staff(action),
        }
    }

    fn presence(&self) -> Presence {
        match self.stage {
            Stage::Visited(_) => Presence::Customer,
            Stage::Asleep | Stage::Starting(_) | Stage::Idle => Presence::Nobody,
        }
    }

    /// Reads the journal and puts everything in order. A visit that was going on has ended with the program.
    fn begin(&mut self, entries: &[super::record::Entry], nonce: u64) {
        let id = self.machine.id;
        self.machine = Machine { ahead_s: self.machine.ahead_s, ..Machine::new(id) };
        let m = &mut self.machine;
        m.out.push(Output::Speak(m.language));
        m.out.push(Output::Show(m.screen.clone()));
        if m.journal.read(entries, nonce).is_err() {
            m.alarm(Alarm::JournalTampered);
        }
        m.write(Record::Begun { nonce });
        m.servicing.resume(m.journal.book().replenished());
        m.service = m.journal.book().availability().unwrap_or(Availability::In);
        if let Some(lease) = m.journal.book().lease() {
            m.cash.hold(Held::Assumed(lease.nonce));
        }
        self.put_in_order();
        self.machine.beat();
    }

    /// Looks at all devices anew, and through them settles what is open.
    fn put_in_order(&mut self) {
        self.stage = Stage::Starting(Card::Unasked);
        let m = &mut self.machine;
        m.show(Screen::Wait(Waiting::Starting));
        let undispensed = match m.journal.book().open() {
            Some(Open::Withdrawal(open)) => matches!(open.step, Reached::Intended | Reached::Approved),
            Some(Open::Deposit(_)) | None => false,
        };
        if undispensed && !m.cash.is_settling() {
            m.settle(Cause::Restarted, None);
        }
        for unit in Unit::ALL {
            m.devices.note(unit, Condition::Unasked);
            m.tell(Command::Probe(unit));
        }
    }

    fn on_staff(&mut self, action: StaffAction) {
        let m = &mut self.machine;
        match (action, &self.stage) {
            (_, Stage::Asleep) => {}
            (StaffAction::Close, _) => m.set_service(Availability::Out),
            (StaffAction::Open, stage) => {
                m.journal.try_again();
                if !chosen(Mutant::StaysClosed) {
                    m.set_service(Availability::In);
                }
                if matches!(stage, Stage::Idle) {
                    // Nobody may ever put a card in, and until then the reader would not be looked at.
                    m.cancel(Unit::CardReader);
                    self.put_in_order();
                }
            }
        }
        self.machine.signal(Signal::Changed);
    }

    /// What was to be done in the last step and was not: nothing that rests on the missing record, but a card still goes
    /// back, and the screen still tells.
    fn journal_failed(&mut self, why: JournalFailure, unexecuted: Vec<Output>) {
        let m = &mut self.machine;
        m.alarm(Alarm::Journal(why));
        // A journal that could not be shortened has lost nothing.
        if !matches!(unexecuted.first(), Some(Output::Forget { .. })) {
            m.journal.fail(why, &unexecuted);
        }
        m.servicing.pause();
        // A device that was busy has them still before it, and never saw that their record is missing.
        let mut undone = m.devices.take_back(needs_the_journal);
        for output in unexecuted {
            match output {
                Output::Journal(record) => {
                    if let Stage::Visited(visit) = &mut self.stage {
                        visit.on_unwritten(&record, m);
                    }
                }
                Output::Forget { .. } => {}
                Output::Speak(_) => m.out.push(Output::Speak(m.language)),
                Output::Show(_) => m.out.push(Output::Show(m.screen.clone())),
                Output::Send { lane, .. } => m.undo_send(lane),
                Output::Set(timer, ms) => m.set(timer, ms),
                Output::Stop(timer) => m.stop(timer),
                Output::Alarm(alarm) => m.alarm(alarm),
                Output::Device(Command::Cancel(unit)) => m.out.push(Output::Device(Command::Cancel(unit))),
                Output::Device(command) => {
                    m.devices.undo(&command);
                    if needs_the_journal(&command) {
                        undone.push(command);
                    } else {
                        m.tell(command);
                    }
                }
            }
        }
        if undone.contains(&Command::StoreNotes) && m.storing_undone().is_some() {
            undone.retain(|command| *command != Command::StoreNotes);
        }
        if let (false, Stage::Visited(visit)) = (undone.is_empty(), &mut self.stage) {
            visit.on_undone(m);
        }
        m.signal(Signal::Changed);
    }

    fn ended(&mut self, unit: Unit, result: Result<Answer, Failure>) {
        let owed = self.machine.devices.owes(unit);
        match self.machine.devices.end(unit, result, &mut self.machine.out) {
            Some(ended) => self.after(ended),
            None if owed => self.probe(unit),
            None => {}
        }
    }

    /// What the end of a command says of the device, before anybody hears of it.
    fn after(&mut self, ended: Ended) {
        let customer = self.customer();
        let m = &mut self.machine;
        let unit = ended.command.unit();
        m.mind_uncounted(&ended, customer);
        if let (Command::EjectCard | Command::RetainCard, Err(_)) = (&ended.command, &ended.result) {
            m.stuck = Stuck::Card;
        }
        match &ended.result {
            Err(failure) if puts_out_of_use(*failure) || is_needed(&ended.command) => {
                if m.devices.condition(unit) != Condition::Failed(*failure) {
                    m.devices.note(unit, Condition::Failed(*failure));
                    m.alarm(Alarm::Device(unit, *failure));
                    m.signal(Signal::Changed);
                }
                Devices::look_again(unit, &mut m.out);
            }
            Ok(Answer::Works(_)) => {
                if !m.devices.works(unit) {
                    m.devices.note(unit, Condition::Works);
                    m.signal(Signal::Changed);
                }
            }
            Ok(Answer::CardEjected | Answer::CardRetained) => m.stuck = Stuck::Nothing,
            Err(Failure::Nothing | Failure::AlreadyTaken) if unit == Unit::CardReader => m.stuck = Stuck::Nothing,
            Ok(Answer::KeyImported(check)) => m.pin_key = Some(*check),
            Ok(_) | Err(_) => {}
        }
        match unit {
            Unit::Dispenser => m.settle_on(&ended),
            Unit::Acceptor => m.settle_deposit_on(&ended),
            Unit::CardReader | Unit::PinPad | Unit::Printer => {}
        }
        m.exchange_on(&ended);
        m.signal(Signal::Ended(ended));
    }

    fn on_event(&mut self, event: Event) {
        let m = &mut self.machine;
        match event {
            Event::Disconnected(unit) => {
                let lost = m.devices.lose(unit, &mut m.out);
                m.alarm(Alarm::Device(unit, Failure::Lost));
                if unit == Unit::Dispenser {
                    m.cash.doubt_nonce(m.journal.book().lease().map(|lease| lease.nonce));
                }
                for ended in lost {
                    self.after(ended);
                }
                self.machine.signal(Signal::Changed);
            }
            Event::Connected(unit) | Event::StatusChanged(unit) => self.probe(unit),
            Event::NonceCleared => {
                m.cash.hold(Held::Unknown);
                m.signal(Signal::Event(Event::NonceCleared));
            }
            Event::CardTaken
            | Event::NotesTaken
            | Event::DepositReturnTaken
            | Event::Key(_)
            | Event::PinDigits(_)
            | Event::ReceiptTaken => m.signal(Signal::Event(event)),
        }
    }

    /// The watch over a device ran out: its command does not end, or it is time to look at it again.
    fn watch(&mut self, unit: Unit) {
        let m = &mut self.machine;
        if m.devices.is_free(unit) {
            return self.probe(unit);
        }
        if m.devices.owes(unit) {
            return Devices::look_again(unit, &mut m.out);
        }
        let lost = m.devices.give_up(unit, &mut m.out);
        m.alarm(Alarm::Device(unit, Failure::Lost));
        for ended in lost {
            self.after(ended);
        }
    }

    fn probe(&mut self, unit: Unit) {
        if self.machine.devices.is_free(unit) && !matches!(self.stage, Stage::Asleep) {
            self.machine.tell(Command::Probe(unit));
        }
    }

    fn work_off(&mut self) {
        while let Some(signal) = self.machine.signals.pop_front() {
            self.attend(&signal);
            let m = &mut self.machine;
            match &mut self.stage {
                Stage::Asleep => {}
                Stage::Starting(card) => *card = clear_reader(*card, &signal, m),
                Stage::Idle => self.on_idle(signal),
                Stage::Visited(visit) => visit.on(signal, m),
            }
        }
    }

    fn on_idle(&mut self, signal: Signal) {
        let m = &mut self.machine;
        match signal {
            Signal::Ended(Ended { command: Command::ReadCard, result: Ok(Answer::Card(card)) }) => {
                if m.serves() {
                    self.stage = Stage::Visited(Box::new(Visit::begin(card, m)));
                } else {
                    m.tell(Command::EjectCard);
                    self.stage = Stage::Starting(Card::Unasked);
                }
            }
            Signal::Ended(Ended { command: Command::ReadCard, result: Err(Failure::Unreadable) }) => {
                m.show(Screen::Sorry(Sorry::CardRefused { why: Why::CardUnreadable }));
                m.tell(Command::EjectCard);
                self.stage = Stage::Starting(Card::Unasked);
            }
            Signal::Ended(Ended { command: Command::ReadCard, result: Err(failure) })
                if !matches!(failure, Failure::Cancelled | Failure::TimedOut | Failure::Nothing) =>
            {
                m.devices.note(Unit::CardReader, Condition::Failed(failure));
                Devices::look_again(Unit::CardReader, &mut m.out);
            }
            Signal::Ended(Ended { command: Command::Probe(Unit::CardReader), result: Ok(_) }) => {
                self.stage = Stage::Starting(Card::Unasked);
                m.tell(Command::EjectCard);
            }
            _ => {}
        }
    }
}

/// Whether a device that cannot do this can do nothing: without a nonce no dispenser pays, and asking again at once would
/// never end.
const fn is_needed(command: &Command) -> bool {
    matches!(command, Command::Probe(_) | Command::FetchNonce)
}

/// Whether a command is only right if the record before it is written.
fn needs_the_journal(command: &Command) -> bool {
    matches!(command, Command::Dispense(_) | Command::Present | Command::TakeNotes | Command::StoreNotes)
        || matches!(command, Command::OfflineVerifier { .. } | Command::StartExchange)
}
