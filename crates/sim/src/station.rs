//! One ATM of the simulated world: the shipping state machine between a journal in memory and the shipping device model.
//!
//! It can be killed between any two of the things that it does in the world, as a process can.

use std::collections::BTreeMap;

use cashpoint_core::id::MachineId;
use cashpoint_core::terminal::device::{Answer, Command, Report};
use cashpoint_core::terminal::journal::{Fill, Journal, Shell, step};
use cashpoint_core::terminal::record::Record;
use cashpoint_core::terminal::screen::Screen;
use cashpoint_core::terminal::{Alarm, Input, JournalFailure, Output, Terminal, Timer};
use cashpoint_core::time::Timestamp;
use cashpoint_devices::model::Hardware;

use crate::audit::seen::{Disk, Seen};
use crate::journal::{MemoryJournal, Tail};
use crate::network::Sent;

/// How long after it failed a journal is tested, and tested again, as the real shell does it.
const SELF_TEST_MS: i64 = 10_000;

/// One ATM.
pub struct Station {
    /// Which.
    pub id: MachineId,
    /// Its devices; they outlive the terminal's process.
    pub hardware: Hardware,
    /// Its journal; what was appended outlives it too.
    pub journal: MemoryJournal,
    /// The process, if it runs.
    terminal: Option<Box<Terminal>>,
    starts: u64,
    /// Timers, by when they run out.
    pub timers: BTreeMap<Timer, Timestamp>,
    /// What people saw, in order.
    pub shown: Vec<Screen>,
    /// What staff were told.
    pub alarms: Vec<Alarm>,
    /// What it wrote, told its devices and heard of the host, in order, for whoever takes it from here.
    pub seen: Vec<Seen>,
    /// The last entry of the journal that is among them.
    told: u64,
    /// How far the host said that it knows the journal.
    pub known: u64,
    /// Whether the journal has room only for what was begun.
    is_short: bool,
    /// When a journal that failed is tested.
    pub tests_journal_at: Option<Timestamp>,
    /// Things done in the world so far: records, commands, requests.
    pub done: u64,
    /// By how much its clock is ahead, milliseconds.
    pub clock_ahead_ms: i64,
    /// The process dies before it does the thing of this number.
    pub dies_before: Option<u64>,
    /// Power fails while a record is written, after so many that are written yet.
    pub powerless_after: Option<u64>,
    /// Whether it did, for whoever takes power from the devices.
    pub lost_power: bool,
}

/// What a step asks of the world besides.
#[derive(Default)]
pub struct Asked {
    /// Commands for the devices, in order.
    pub commands: Vec<Command>,
    /// Requests for the host, each with its deadline in milliseconds.
    pub requests: Vec<(Sent, u32)>,
}

impl Station {
    /// A machine whose terminal does not run yet.
    #[must_use]
    pub fn new(id: MachineId, hardware: Hardware) -> Self {
        Self {
            id,
            hardware,
            journal: MemoryJournal::new([7; 32]),
            terminal: None,
            starts: 0,
            timers: BTreeMap::new(),
            shown: Vec::new(),
            alarms: Vec::new(),
            seen: Vec::new(),
            told: 0,
            known: 0,
            is_short: false,
            tests_journal_at: None,
            done: 0,
            clock_ahead_ms: 0,
            dies_before: None,
            powerless_after: None,
            lost_power: false,
        }
    }

    /// Whether its process runs.
    #[must_use]
    pub const fn is_running(&self) -> bool {
        self.terminal.is_some()
    }

    /// What is on the screen; none while the process does not run.
    #[must_use]
    pub fn screen(&self) -> Option<&Screen> {
        self.terminal.as_deref().map(Terminal::screen)
    }

    /// Starts the process. With a journal that is not what was written it does not begin.
    pub fn start(&mut self, now: Timestamp) -> Asked {
        self.starts += 1;
        (self.known, self.tests_journal_at) = (0, None);
        let Ok((entries, tail)) = self.journal.open() else {
            self.alarms.push(Alarm::JournalTampered);
            return Asked::default();
        };
        self.is_short = false;
        match tail {
            Tail::Nothing => {}
            Tail::Torn => self.seen.push(Seen::Disk(Disk::Torn)),
            Tail::Whole => self.seen.push(Seen::Disk(Disk::Untold)),
        }
        // What was not acknowledged may have been written all the same.
        let untold = entries.iter().filter(|entry| entry.n > self.told);
        self.seen.extend(untold.map(|entry| Seen::Wrote(entry.n, Box::new(entry.record.clone()))));
        self.told = self.journal.head().n;
        self.terminal = Some(Box::new(Terminal::new(self.id)));
        self.step(Input::Begun { entries, nonce: self.starts }, now)
    }

    /// Tests a journal that failed; whether it can be written again.
    pub fn test_journal(&mut self, now: Timestamp) -> bool {
        let writes = self.journal.self_test().is_ok();
        self.tests_journal_at = if writes { None } else { Some(now.plus_ms(SELF_TEST_MS)) };
        writes
    }

    /// Ends the process at once. Its journal and the devices stay.
    pub fn kill(&mut self) {
        self.terminal = None;
        self.timers.clear();
    }

    /// Gives the process an input; nothing happens if it does not run.
    pub fn step(&mut self, input: Input, now: Timestamp) -> Asked {
        let Some(mut terminal) = self.terminal.take() else { return Asked::default() };
        if let Input::Link(lane, Ok(_)) = &input {
            self.seen.push(Seen::Heard(*lane));
        }
        if let Input::Device(Report::Done(Answer::OfflineVerifier(_))) = &input {
            self.seen.push(Seen::PinComparable);
        }
        let ahead_ms = self.clock_ahead_ms;
        let mut acts = Acts { station: self, now, asked: Asked::default(), dead: false };
        step(&mut terminal, input, now.plus_ms(ahead_ms), &mut acts);
        let Acts { asked, dead, .. } = acts;
        if dead {
            self.kill();
        } else {
            self.terminal = Some(terminal);
        }
        asked
    }
}

/// What a step does in the world.
struct Acts<'a> {
    station: &'a mut Station,
    now: Timestamp,
    asked: Asked,
    dead: bool,
}

impl Acts<'_> {
    fn watch(&mut self, done: Result<Fill, JournalFailure>) -> Result<Fill, JournalFailure> {
        if done.is_err() {
            self.station.tests_journal_at = Some(self.now.plus_ms(SELF_TEST_MS));
        }
        done
    }

    /// Tells when a journal comes to have room only for what was begun.
    fn note_fill(&mut self, fill: Fill) {
        let short = fill.used >= fill.limit;
        if short && !self.station.is_short {
            self.station.seen.push(Seen::Disk(Disk::Short));
        }
        self.station.is_short = short;
    }

    /// Whether power fails while this record is written.
    fn loses_power(&mut self, record: &Record, at: Timestamp) -> bool {
        let Station { powerless_after, journal, lost_power, .. } = &mut *self.station;
        let Some(after) = powerless_after else { return false };
        if *after > 0 {
            *after -= 1;
            return false;
        }
        (*powerless_after, *lost_power, self.dead) = (None, true, true);
        journal.tear(record, at);
        true
    }

    /// Whether the process lives to do one more thing.
    fn lives(&mut self) -> bool {
        self.dead |= self.station.dies_before.take_if(|at| *at <= self.station.done).is_some();
        self.station.done += u64::from(!self.dead);
        !self.dead
    }
}

impl Journal for Acts<'_> {
    fn append(&mut self, record: &Record, at: Timestamp) -> Result<Fill, JournalFailure> {
        if self.lives() && !self.loses_power(record, at) {
            let done = self.station.journal.append(record, at);
            if let Ok(fill) = done {
                self.note_fill(fill);
                self.station.told = self.station.journal.head().n;
                self.station.seen.push(Seen::Wrote(self.station.told, Box::new(record.clone())));
            }
            self.watch(done)
        } else {
            // Nobody is left to whom this could matter.
            Ok(Fill { used: 0, limit: 0 })
        }
    }

    fn forget(&mut self, keep_from: u64) -> Result<Fill, JournalFailure> {
        if !self.lives() {
            return Ok(Fill { used: 0, limit: 0 });
        }
        let done = self.station.journal.forget(keep_from);
        if let Ok(fill) = done {
            self.note_fill(fill);
        }
        self.watch(done)
    }
}

impl Shell for Acts<'_> {
    fn journal(&mut self) -> &mut dyn Journal {
        self
    }

    fn execute(&mut self, output: Output) {
        let acts = matches!(output, Output::Device(_) | Output::Send { .. });
        if self.dead || (acts && !self.lives()) {
            return;
        }
        match output {
            Output::Device(command) => {
                self.station.seen.push(Seen::Command(Box::new(command.clone())));
                self.asked.commands.push(command);
            }
            Output::Send { lane, request, deadline_ms } => {
                let Station { id: terminal, ref journal, known, .. } = *self.station;
                let at = self.now.plus_ms(self.station.clock_ahead_ms);
                let (head, known) = (journal.head(), journal.at(known));
                self.asked.requests.push((Sent { terminal, lane, at, head, known, request }, deadline_ms));
            }
            Output::Speak(_) => {}
            Output::Show(screen) => self.station.shown.push(screen),
            Output::Set(timer, ms) => {
                self.station.timers.insert(timer, self.now.plus_ms(i64::from(ms)));
            }
            Output::Stop(timer) => {
                self.station.timers.remove(&timer);
            }
            Output::Alarm(alarm) => self.station.alarms.push(alarm),
            Output::Journal(_) | Output::Forget { .. } => unreachable!("the core's loop writes the journal itself"),
        }
    }
}
