//! One terminal at work: a thread that owns the state machine and its journal, and gives it one input after the other.
//!
//! Devices, link and screen are reached through channels: nothing here waits for them. Every queue has a bound; a full
//! one is a defect and ends the terminal, which recovers at its next start as after any crash.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use cashpoint_core::sources::Clock;
use cashpoint_core::terminal::journal::{Journal, Shell, step};
use cashpoint_core::terminal::link::Request;
use cashpoint_core::terminal::record::Entry;
use cashpoint_core::terminal::screen::Screen;
use cashpoint_core::terminal::{Alarm, Input, Lane, Output, Terminal};
use cashpoint_core::time::Timestamp;
use cashpoint_wire::journal::Head;
use tokio::sync::{mpsc, watch};

use crate::clock::SteadyClock;
use crate::timers::Timers;
use crate::uplink::KnownToHost;
use crate::xfs::Devices;

/// Longest wait for an input when no timer runs.
const IDLE: Duration = Duration::from_secs(60);

/// What wakes a terminal.
#[derive(Debug)]
pub enum Wake {
    /// Something happened.
    Input(Input),
    /// It is to end. What is under way is taken up at the next start, as after a crash.
    Stop,
}

/// A request on its way to the host.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Sending {
    /// On which lane.
    pub lane: Lane,
    /// What.
    pub request: Request,
    /// How long to wait for an answer.
    pub deadline: Duration,
    /// The end of the journal.
    pub head: Head,
    /// What the journal has where the host says that it knows it.
    pub known: Option<Head>,
}

/// A journal that knows its own chain.
pub trait Chained: Journal {
    /// The last entry's number and MAC.
    fn head(&self) -> Head;

    /// Those of an earlier entry, if it is still known.
    fn at(&self, n: u64) -> Option<Head>;
}

/// Where outputs go.
pub struct Ends {
    /// To the devices.
    pub devices: Devices,
    /// To the host.
    pub link: mpsc::Sender<Sending>,
    /// To whoever looks at the screen.
    pub screen: watch::Sender<Arc<Screen>>,
}

/// What a terminal is made of.
pub struct Operation<J> {
    /// The state machine.
    pub terminal: Terminal,
    /// Its journal.
    pub journal: J,
    /// The ends of its channels.
    pub ends: Ends,
    /// How far the host knows the journal.
    pub known: KnownToHost,
    /// Its clock.
    pub clock: Arc<dyn Clock>,
}

/// Why a terminal ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ended {
    /// Nobody is left to give it inputs: it was asked to stop.
    Stopped,
    /// A queue was full, or its reader is gone.
    QueueBroken,
}

impl<J: Chained> Operation<J> {
    /// Begins with what the journal holds, and works until `inputs` end.
    pub fn run(self, entries: Vec<Entry>, nonce: u64, inputs: &Receiver<Wake>) -> Ended {
        let Self { mut terminal, journal, ends, known, clock } = self;
        let clock = SteadyClock::new(clock);
        let mut shell = Running { journal, ends, known, timers: Timers::default(), now: clock.now(), ended: None };
        let mut next = Some(Input::Begun { entries, nonce });
        loop {
            shell.now = clock.now();
            if let Some(input) = next.take() {
                step(&mut terminal, input, shell.now, &mut shell);
            }
            if let Some(ended) = shell.ended {
                return ended;
            }
            if let Some(timer) = shell.timers.due(shell.now) {
                next = Some(Input::Elapsed(timer));
                continue;
            }
            match inputs.recv_timeout(shell.timers.wait(shell.now).unwrap_or(IDLE)) {
                Ok(Wake::Input(input)) => next = Some(input),
                Ok(Wake::Stop) | Err(RecvTimeoutError::Disconnected) => return Ended::Stopped,
                Err(RecvTimeoutError::Timeout) => {}
            }
        }
    }
}

struct Running<J> {
    journal: J,
    ends: Ends,
    known: KnownToHost,
    timers: Timers,
    now: Timestamp,
    ended: Option<Ended>,
}

impl<J: Chained> Shell for Running<J> {
    fn journal(&mut self) -> &mut dyn Journal {
        &mut self.journal
    }

    fn execute(&mut self, output: Output) {
        match output {
            Output::Device(command) => {
                tracing::debug!(unit = ?command.unit(), "device command");
                if self.ends.devices.execute(command).is_err() {
                    self.ended = Some(Ended::QueueBroken);
                }
            }
            Output::Send { lane, request, deadline_ms } => {
                let deadline = Duration::from_millis(u64::from(deadline_ms));
                let (head, known) = (self.journal.head(), self.journal.at(self.known.load(Ordering::Acquire)));
                if self.ends.link.try_send(Sending { lane, request, deadline, head, known }).is_err() {
                    self.ended = Some(Ended::QueueBroken);
                }
            }
            Output::Show(screen) => {
                self.ends.screen.send_replace(Arc::new(screen));
            }
            Output::Set(timer, ms) => self.timers.set(timer, self.now.plus_ms(i64::from(ms))),
            Output::Stop(timer) => self.timers.stop(timer),
            Output::Alarm(alarm) => raise(&alarm),
            Output::Journal(_) | Output::Forget { .. } => {
                unreachable!("the loop of the core writes the journal itself")
            }
        }
    }
}

fn raise(alarm: &Alarm) {
    match alarm {
        Alarm::CardRetained => tracing::warn!("a card was kept"),
        Alarm::Device(..)
        | Alarm::CashUnknown
        | Alarm::Journal(_)
        | Alarm::JournalTampered
        | Alarm::AdviceRefused { .. }
        | Alarm::TooManyErrors
        | Alarm::NotAccepted => tracing::error!(?alarm, "staff are wanted at this machine"),
    }
}
