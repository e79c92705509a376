//! The world: one station, its person, and the host behind a network that can be cut. Virtual time, one event after the
//! other, in an order that depends on nothing but what was put in.

use std::collections::BTreeMap;

use cashpoint_core::terminal::device::{self, Command, Report, Unit};
use cashpoint_core::terminal::link::LinkFailure;
use cashpoint_core::terminal::{Input, Lane, StaffAction};
use cashpoint_core::time::Timestamp;

use crate::network::{Heard, Host, Message, Network, Sent};
use crate::person::{Act, Person};
use crate::station::{Asked, Station};

/// How long a message takes one way, milliseconds.
const LATENCY_MS: i64 = 5;

/// How long a person takes to do something, milliseconds.
const PERSON_MS: i64 = 500;

/// How long a terminal's process takes to start again, milliseconds.
const RESTART_MS: i64 = 2_000;

/// Changes the network, message by message: asked before each leaves.
pub type Weather = Box<dyn FnMut(&Sent) -> Option<Network>>;

/// What happens at an instant. Small, because many are moved whenever one is put between them.
#[derive(Debug)]
enum Event {
    /// A device tells something to the process that was running then.
    Reported(u64, Box<Report>),
    /// A message reaches the host; its answer takes so many milliseconds, if it gets anywhere.
    Arrived(u64, Box<Message>, Option<i64>),
    /// An answer, or its absence, reaches the process that asked.
    Answered(u64, Lane, Box<Heard>),
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
    /// What changes it.
    pub weather: Option<Weather>,
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
            weather: None,
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

    /// What the devices told because of somebody inside of the machine.
    pub fn hear(&mut self, reports: Vec<Report>) {
        self.reported(reports);
    }

    /// Staff do something at the machine.
    pub fn staff(&mut self, action: StaffAction) {
        self.give(Input::Staff(action));
    }

    /// Ends the machine's process now; it starts again by itself.
    pub fn kill(&mut self) {
        self.station.kill();
        self.rise_again();
    }

    /// Lets `s` seconds pass.
    pub fn pass(&mut self, s: i64) {
        self.wait_until(self.now.plus_s(s));
    }

    /// Lets time pass up to an instant.
    pub fn wait_until(&mut self, now: Timestamp) {
        while self.step(now) {}
        self.now = self.now.max(now);
    }

    /// When the next thing is due; none: nothing happens by itself any more.
    #[must_use]
    pub fn next_due(&self) -> Option<Timestamp> {
        let event = self.events.keys().next().map(|(at, _)| *at);
        let timer = self.station.timers.values().min().copied();
        [event, timer, self.station.hardware.next_due(), self.station.tests_journal_at].into_iter().flatten().min()
    }

    /// Does the next thing that is due, if it is due by then; whether there was one.
    pub fn step(&mut self, until: Timestamp) -> bool {
        let Some(next) = self.next_due().filter(|next| *next <= until) else { return false };
        let timer = self.station.timers.values().min().copied();
        let power = self.station.hardware.next_due();
        let test = self.station.tests_journal_at;
        self.now = self.now.max(next);
        if power.is_some_and(|at| at <= self.now) {
            let reports = self.station.hardware.advance(self.now);
            self.reported(reports);
        } else if test.is_some_and(|at| at <= self.now) {
            if self.station.test_journal(self.now) {
                self.give(Input::JournalWrites);
            }
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
            Event::Reported(incarnation, report) if incarnation == self.incarnation => {
                // What was told over a connection before it was known to be broken is told to nobody.
                if let Report::Event(device::Event::Disconnected(unit)) = *report {
                    drop(self.station.hardware.execute(&Command::Cancel(unit)));
                }
                self.give(Input::Device(*report));
            }
            Event::Arrived(incarnation, message, back_ms) => {
                let heard = self.host.answer(&message, self.now);
                if let Some(back_ms) = back_ms {
                    self.after(back_ms, Event::Answered(incarnation, message.sent.lane, Box::new(heard)));
                }
            }
            Event::Answered(incarnation, lane, heard) if incarnation == self.incarnation => {
                let Heard { reply, known } = *heard;
                self.station.known = known.unwrap_or(self.station.known);
                self.give(Input::Link(lane, reply));
            }
            Event::Reported(..) | Event::Answered(..) => {}
            Event::Person => self.person_acts(),
            Event::Start => {
                self.incarnation += 1;
                let asked = self.station.start(self.now);
                self.carry_out(asked);
                // One that dies of what it does first begins again; one whose journal it cannot believe does not.
                if !self.station.is_running() && self.station.journal.entries().is_ok() {
                    self.rise_again();
                }
            }
        }
    }

    fn person_acts(&mut self) {
        let Some(person) = &mut self.person else { return };
        match person.act(self.station.screen(), &self.station.hardware) {
            Some(Act::Hand(action)) => {
                self.tell_devices_the_time();
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

    /// The person waits this much longer before they do what they were about to do.
    pub fn delay_person(&mut self, ms: i64) {
        let due = self.events.iter().find(|(_, event)| matches!(event, Event::Person)).map(|(due, _)| *due);
        if let Some(event) = due.and_then(|due| self.events.remove(&due)) {
            self.after(ms, event);
        }
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
            self.tell_devices_the_time();
            let reports = self.station.hardware.execute(&command);
            self.reported(reports);
        }
        for (sent, deadline_ms) in asked.requests {
            self.send(sent, i64::from(deadline_ms));
        }
    }

    /// Devices that fail come back so long after now, not after they last heard what time it is.
    fn tell_devices_the_time(&mut self) {
        let reports = self.station.hardware.advance(self.now);
        self.reported(reports);
    }

    fn send(&mut self, sent: Sent, deadline_ms: i64) {
        if let Some(network) = self.weather.as_mut().and_then(|weather| weather(&sent)) {
            self.network = network;
        }
        let (incarnation, lane) = (self.incarnation, sent.lane);
        let none = |why| Event::Answered(incarnation, lane, Box::new(Heard { reply: Err(why), known: None }));
        let (there_ms, back_ms) = match self.network {
            Network::Cut => return self.after(LATENCY_MS, none(LinkFailure::Unreachable)),
            Network::RequestsLost => return self.after(deadline_ms, none(LinkFailure::TimedOut)),
            Network::Up => (LATENCY_MS, Some(LATENCY_MS)),
            Network::AnswersLost => (LATENCY_MS, None),
            Network::Slow { there_ms, back_ms } => (i64::from(there_ms), Some(i64::from(back_ms))),
        };
        // Who asked gives up at the deadline, wherever message and answer are then.
        let back_ms = back_ms.filter(|back_ms| there_ms + back_ms <= deadline_ms);
        if back_ms.is_none() {
            self.after(deadline_ms, none(LinkFailure::TimedOut));
        }
        let message = Box::new(self.host.address(sent, self.now));
        self.after(there_ms, Event::Arrived(incarnation, message, back_ms));
    }

    fn reported(&mut self, reports: Vec<Report>) {
        for report in reports {
            self.after(1, Event::Reported(self.incarnation, Box::new(report)));
        }
    }

    fn after(&mut self, ms: i64, event: Event) {
        self.count += 1;
        self.events.insert((self.now.plus_ms(ms), self.count), event);
    }
}
