//! The terminal as a whole: takes each input to the part that it concerns and gives back what is to be done.

use crate::id::MachineId;
use crate::time::Timestamp;

use super::device::{Answer, Command, Event, Failure, Report, Unit};
use super::hardware::{Condition, Devices, unit_of};
use super::record::Record;
use super::screen::{Screen, Waiting};
use super::{Alarm, Input, Output, Timer};

/// One ATM.
#[derive(Debug)]
pub struct Terminal {
    id: MachineId,
    devices: Devices,
    screen: Screen,
    out: Vec<Output>,
}

impl Terminal {
    /// A terminal that does nothing until it is told [`Input::Begun`].
    #[must_use]
    pub fn new(id: MachineId) -> Self {
        Self { id, devices: Devices::new(), screen: Screen::Wait(Waiting::Starting), out: Vec::new() }
    }

    /// Which machine it is.
    #[must_use]
    pub const fn id(&self) -> MachineId {
        self.id
    }

    /// What is on the screen.
    #[must_use]
    pub const fn screen(&self) -> &Screen {
        &self.screen
    }

    /// Takes what happened, at `now` by the terminal's clock, and says what is to be done, in that order. Any input may
    /// come at any time; one that makes no sense then changes nothing.
    pub fn handle(&mut self, input: Input, _now: Timestamp) -> Vec<Output> {
        match input {
            Input::Begun { nonce, .. } => self.begin(nonce),
            Input::Device(report) => self.hear(report),
            Input::Elapsed(Timer::Device(unit)) => self.look_at(unit),
            Input::Elapsed(_)
            | Input::Link(..)
            | Input::Chosen(_)
            | Input::JournalFailed { .. }
            | Input::JournalFill { .. }
            | Input::Staff(_) => {}
        }
        std::mem::take(&mut self.out)
    }

    fn begin(&mut self, nonce: u64) {
        self.out.push(Output::Journal(Record::Begun { nonce }));
        self.out.push(Output::Show(self.screen.clone()));
        for unit in Unit::ALL {
            self.devices.tell(Command::Probe(unit), &mut self.out);
        }
    }

    fn hear(&mut self, report: Report) {
        match report {
            Report::Done(answer) => self.ended(unit_of(&answer), Ok(answer)),
            Report::Failed(unit, failure) => self.ended(unit, Err(failure)),
            Report::Event(Event::Disconnected(unit)) => {
                self.devices.lose(unit, &mut self.out);
            }
            Report::Event(Event::Connected(unit)) => self.look_at(unit),
            Report::Event(_) => {}
        }
    }

    fn look_at(&mut self, unit: Unit) {
        if self.devices.is_free(unit) {
            self.devices.tell(Command::Probe(unit), &mut self.out);
        }
    }

    fn ended(&mut self, unit: Unit, result: Result<Answer, Failure>) {
        let Some(ended) = self.devices.end(unit, result, &mut self.out) else { return };
        match ended.result {
            Ok(_) => self.devices.note(unit, Condition::Works),
            Err(failure) => {
                self.devices.note(unit, Condition::Failed(failure));
                self.out.push(Output::Alarm(Alarm::Device(unit, failure)));
            }
        }
    }
}
