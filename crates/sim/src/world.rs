//! The world: one station, its person, and the host behind a network that can be cut. Virtual time, one event after the
//! other, in an order that depends on nothing but what was put in.

use std::collections::BTreeMap;

use cashpoint_core::id::MachineId;
use cashpoint_core::terminal::device::{Command, Report, Unit};
use cashpoint_core::terminal::link::{LinkFailure, Reply, Request};
use cashpoint_core::terminal::{Input, Lane};
use cashpoint_core::time::Timestamp;

use crate::person::{Act, Person};
use crate::station::{Asked, Station};

/// How long a message takes one way, milliseconds.
const LATENCY_MS: i64 = 5;

/// How long a person takes to do something, milliseconds.
const PERSON_MS: i64 = 500;

/// How long a terminal's process takes to start again, milliseconds.
const RESTART_MS: i64 = 2_000;

/// A request on its way.
#[derive(Clone, Copy, Debug)]
pub struct Sent<'a> {
    /// Whose.
    pub terminal: MachineId,
    /// On which lane.
    pub lane: Lane,
    /// What.
    pub request: &'a Request,
}

/// The host's end of the link.
pub trait Host {
    /// Answers a request that arrived.
    ///
    /// # Errors
    /// It cannot be asked now.
    fn answer(&mut self, sent: Sent<'_>, now: Timestamp) -> Result<Reply, LinkFailure>;
}

/// What becomes of messages.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Network {
    /// They arrive.
    Up,
    /// Nobody can be reached.
    Cut,
    /// Requests arrive, answers do not.
    AnswersLost,
}

/// What happens at an instant.
#[derive(Debug)]
enum Event {
    /// A device tells something to the process that was running then.
    Reported(u64, Report),
    /// An answer, or its absence, reaches the process that asked.
    Answered(u64, Lane, Result<Reply, LinkFailure>),
    /// The person does something.
    Person,
    /// The process starts.
    Start,
}

/// One machine, one person, one host.
pub struct World<H> {
    /// The machine.
    pub station: Station,
    /// The host.
    pub host: H,
    /// The network between them.
    pub network: Network,
    person: Option<Person>,
    now: Timestamp,
    events: BTreeMap<(Timestamp, u64), Event>,
    count: u64,
    /// Which process of the machine: answers to an earlier one reach nobody.
    incarnation: u64,
}

impl<H: Host> World<H> {
    /// A world in which the machine's process is about to start.
    pub fn new(station: Station, host: H, now: Timestamp) -> Self {
        let mut world = Self {
            station,
            host,
            network: Network::Up,
            person: None,
            now,
            events: BTreeMap::new(),
            count: 0,
            incarnation: 0,
        };
        world.after(0, Event::Start);
        world
    }

    /// Now.
    pub const fn now(&self) -> Timestamp {
        self.now
    }

    /// Somebody steps in front of the machine.
    pub fn enter(&mut self, person: Person) {
        self.person = Some(person);
        self.after(PERSON_MS, Event::Person);
    }

    /// Whether somebody is at the machine.
    pub const fn is_visited(&self) -> bool {
        self.person.is_some()
    }

    /// Ends the machine's process now; it starts again by itself.
    pub fn kill(&mut self) {
        self.station.kill();
        self.rise_again();
    }

    /// Lets `s` seconds pass.
    pub fn pass(&mut self, s: i64) {
        let until = self.now.plus_s(s);
        while self.advance_towards(until) {}
        self.now = until;
    }

    /// Does the next thing that is due, if it is due by then.
    fn advance_towards(&mut self, until: Timestamp) -> bool {
        let event = self.events.keys().next().map(|(at, _)| *at);
        let timer = self.station.timers.values().min().copied();
        let power = self.station.hardware.next_due();
        let Some(next) = [event, timer, power].into_iter().flatten().min().filter(|next| *next <= until) else {
            return false;
        };
        self.now = self.now.max(next);
        if power.is_some_and(|at| at <= self.now) {
            let reports = self.station.hardware.advance(self.now);
            self.reported(reports);
        } else if timer.is_some_and(|at| at <= self.now) {
            let due = self.station.timers.iter().min_by_key(|(timer, at)| (**at, **timer)).map(|(timer, _)| *timer);
            let timer = due.expect("one was found");
            self.station.timers.remove(&timer);
            self.give(Input::Elapsed(timer));
        } else {
            let (_, event) = self.events.pop_first().expect("one was found");
            self.happen(event);
        }
        true
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Reported(incarnation, report) if incarnation == self.incarnation => self.give(Input::Device(report)),
            Event::Answered(incarnation, lane, reply) if incarnation == self.incarnation => {
                self.give(Input::Link(lane, reply));
            }
            Event::Reported(..) | Event::Answered(..) => {}
            Event::Person => self.person_acts(),
            Event::Start => {
                self.incarnation += 1;
                let asked = self.station.start(self.now);
                self.carry_out(asked);
            }
        }
    }

    fn person_acts(&mut self) {
        let Some(person) = &mut self.person else { return };
        match person.act(self.station.screen(), &self.station.hardware) {
            Some(Act::Hand(action)) => {
                let reports = self.station.hardware.person(&action);
                self.reported(reports);
            }
            Some(Act::Choice(choice)) => self.give(Input::Chosen(choice)),
            Some(Act::Leaves) => {
                self.person = None;
                return;
            }
            None => {}
        }
        self.after(PERSON_MS, Event::Person);
    }

    /// Nobody is at the machine any more, whatever they wanted.
    pub fn leave(&mut self) {
        self.person = None;
    }

    fn give(&mut self, input: Input) {
        let was_running = self.station.is_running();
        let asked = self.station.step(input, self.now);
        self.carry_out(asked);
        if was_running && !self.station.is_running() {
            self.rise_again();
        }
    }

    fn rise_again(&mut self) {
        // The connections of a dead process end, and with them what waits for a person.
        for unit in Unit::ALL {
            drop(self.station.hardware.execute(&Command::Cancel(unit)));
        }
        self.after(RESTART_MS, Event::Start);
    }

    fn carry_out(&mut self, asked: Asked) {
        for command in asked.commands {
            let reports = self.station.hardware.execute(&command);
            self.reported(reports);
        }
        for (lane, request, deadline_ms) in asked.requests {
            self.send(lane, &request, i64::from(deadline_ms));
        }
    }

    fn send(&mut self, lane: Lane, request: &Request, deadline_ms: i64) {
        let incarnation = self.incarnation;
        let sent = Sent { terminal: self.station.id, lane, request };
        let (wait, reply) = match self.network {
            Network::Cut => (LATENCY_MS, Err(LinkFailure::Unreachable)),
            Network::Up => (2 * LATENCY_MS, self.host.answer(sent, self.now)),
            Network::AnswersLost => {
                drop(self.host.answer(sent, self.now));
                (deadline_ms, Err(LinkFailure::TimedOut))
            }
        };
        self.after(wait, Event::Answered(incarnation, lane, reply));
    }

    fn reported(&mut self, reports: Vec<Report>) {
        for report in reports {
            self.after(1, Event::Reported(self.incarnation, report));
        }
    }

    fn after(&mut self, ms: i64, event: Event) {
        self.count += 1;
        self.events.insert((self.now.plus_ms(ms), self.count), event);
    }
}
