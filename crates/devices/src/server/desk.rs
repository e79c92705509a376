//! The services' common counter: who is connected, what waits in whose queue, what is being done, what is told to whom.
//!
//! Synchronous: messages, people and the time come in, messages go out. The rules are those of the fact sheet, 1.3: one
//! queue and one running command for each service, whoever sent it; an acknowledge for each command, and then exactly one
//! completion; time-outs count from arrival; whoever disconnects cancels what they asked for. What is moved is moved at once
//! in the model; its completion is held back for as long as real mechanics would take.

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;

use cashpoint_core::terminal::device::{self, Event as Told, Failure, Report, Unit};
use cashpoint_core::time::Timestamp;
use cashpoint_wire::xfs::envelope::{Completion, CompletionCode, Dialect, Message, Refusal, Refused, Request};
use cashpoint_wire::xfs::message::{Answer, Command, CommandName, Event, EventKind};
use cashpoint_wire::xfs::service::{CancelError, Cancelled};
use cashpoint_wire::xfs::status::Status;
use cashpoint_wire::xfs::value::Version;
use cashpoint_wire::xfs::word::Word as _;

use super::keyboard::Entry;
use super::quirk::{Quirks, StatusVersion};
use super::snapshot::Snapshot;
use super::{capability, status};
use crate::model::{Armed, Happening, Hardware, Impossible, PersonAction, UNITS};

/// Commands that may wait in one service's queue.
pub(super) const MOST_WAITING: usize = 16;

/// One WebSocket connection, by a number of its own.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct ConnectionId(u64);

/// Something for a connection.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Outgoing {
    /// A message. May hold what is on a card: not for logs.
    Text(ConnectionId, String),
    /// Nothing more: it drops.
    Drop(ConnectionId),
}

/// The counter of one machine's services.
pub(crate) struct Desk {
    pub(super) hardware: Hardware,
    pub(super) quirks: Quirks,
    pub(super) address: SocketAddr,
    /// How long a motion takes.
    motion_ms: u32,
    services: BTreeMap<Unit, Window>,
    connections: BTreeMap<ConnectionId, Unit>,
    next_connection: u64,
    outgoing: Vec<Outgoing>,
    pub(super) now: Timestamp,
}

/// What one service has in hand.
#[derive(Default)]
struct Window {
    running: Option<Running>,
    queue: VecDeque<Queued>,
    /// The status that clients know.
    told: Status,
    /// The counters that clients know.
    counted: Snapshot,
    /// Lines that are printed but not handed out.
    printed: Vec<String>,
}

struct Queued {
    connection: ConnectionId,
    request: Request,
    deadline: Option<Timestamp>,
}

/// The command that a service is carrying out.
pub(super) struct Running {
    connection: ConnectionId,
    pub(super) request: Request,
    deadline: Option<Timestamp>,
    /// How the counters were when it began.
    pub(super) before: Snapshot,
    /// The keys that it takes.
    pub(super) entry: Entry,
    /// Why it was stopped, if it was.
    stopped: Option<CompletionCode>,
    /// What is told when its motion has taken its time.
    held: Option<(Timestamp, Outgoing)>,
}

/// How a command begins.
pub(super) enum Begun {
    /// It is over.
    Over(Box<Completion>),
    /// The hardware is told.
    Device(device::Command),
    /// The hardware was told, and reports.
    Reported(Vec<Report>),
}

impl Desk {
    pub(crate) fn new(hardware: Hardware, address: SocketAddr, motion_ms: u32) -> Self {
        let mut desk = Self {
            hardware,
            quirks: Quirks::default(),
            address,
            motion_ms,
            services: UNITS.into_iter().map(|unit| (unit, Window::default())).collect(),
            connections: BTreeMap::new(),
            next_connection: 1,
            outgoing: Vec::new(),
            now: Timestamp::EPOCH,
        };
        UNITS.into_iter().for_each(|unit| desk.remember(unit));
        desk
    }

    /// The machine.
    pub(crate) const fn hardware(&self) -> &Hardware {
        &self.hardware
    }

    /// How this machine's services write.
    pub(super) const fn dialect(&self) -> Dialect {
        self.quirks.dialect()
    }

    /// Sets a fault that its step can meet; clients see at once what sensors see at once.
    pub(super) fn arm(&mut self, armed: Armed) {
        self.hardware.arm(armed).expect("whoever asks has looked whether it meets the step");
        self.absorb_all(Vec::new());
    }

    /// Clears all faults.
    pub(super) fn clear_faults(&mut self) {
        self.hardware.clear_faults();
        self.absorb_all(Vec::new());
    }

    /// Somebody connects to a service; none if it is away.
    pub(crate) fn open(&mut self, unit: Unit) -> Option<ConnectionId> {
        if !self.hardware.is_reachable(unit) {
            return None;
        }
        let id = ConnectionId(self.next_connection);
        self.next_connection += 1;
        self.connections.insert(id, unit);
        Some(id)
    }

    /// A connection is gone: what it asked for is cancelled, as far as it can be.
    pub(crate) fn closed(&mut self, id: ConnectionId) {
        let Some(unit) = self.connections.remove(&id) else { return };
        let service = self.service(unit);
        service.queue.retain(|queued| queued.connection != id);
        if service.running.as_ref().is_some_and(|running| running.connection == id) {
            service.running = None;
            let reports = self.hardware.execute(&device::Command::Cancel(unit));
            self.absorb(unit, reports);
            self.begin_next(unit);
        }
    }

    /// A message comes in.
    pub(crate) fn receive(&mut self, id: ConnectionId, text: &str) {
        let Some(unit) = self.connections.get(&id).copied() else { return };
        let request = match Request::decode(text) {
            Ok(request) => request,
            Err(Refused::AtOnce(echo, refusal)) => return self.send(id, &Message::Acknowledge(echo, Some(refusal))),
            Err(Refused::Completed(echo, code, why)) => {
                let completion = Completion::ended(echo.id, echo.name.clone(), code, Some(why.to_owned()));
                self.send(id, &Message::Acknowledge(echo, None));
                return self.send(id, &Message::Completion(completion));
            }
        };
        if let Some(refusal) = self.refuses(unit, id, &request) {
            return self.send(id, &Message::Acknowledge(request.echo(), Some(refusal)));
        }
        self.send(id, &Message::Acknowledge(request.echo(), None));
        let ended = |code| Completion::ended(request.id, request.command.name().word(), code, None);
        if !capability::offers(unit, request.command.name()) {
            let known = capability::has_interface(unit, request.command.name());
            let code = if known { CompletionCode::UnsupportedCommand } else { CompletionCode::InvalidCommand };
            return self.send(id, &Message::Completion(ended(code)));
        }
        if !self.takes_version(request.command.name(), request.version) {
            return self.send(id, &Message::Completion(ended(CompletionCode::UnsupportedCommand)));
        }
        if let Command::Cancel(cancel) = &request.command {
            return self.cancel_and_answer(unit, id, request.id, cancel.request_ids.as_deref());
        }
        if self.answers_at_once(unit, id, &request) {
            return;
        }
        let deadline = request.timeout_ms.filter(|ms| *ms > 0).map(|ms| self.now.plus_ms(i64::from(ms)));
        self.service(unit).queue.push_back(Queued { connection: id, request, deadline });
        self.begin_next(unit);
    }

    /// A person does something.
    ///
    /// # Errors
    /// [`Impossible`]; nothing happened.
    pub(crate) fn attempt(&mut self, action: &PersonAction) -> Result<(), Impossible> {
        if let PersonAction::Press(key) = action {
            return self.press(*key);
        }
        let reports = self.hardware.attempt(action)?;
        self.absorb_all(reports);
        Ok(())
    }

    /// Somebody switches the machine on or off.
    pub(crate) fn switch(&mut self, power: Switch) {
        let reports = match power {
            Switch::Off => self.hardware.switch_off(),
            Switch::On => self.hardware.switch_on(),
        };
        self.absorb_all(reports);
    }

    /// Time passes.
    pub(crate) fn advance(&mut self, now: Timestamp) {
        self.now = now.max(self.now);
        let now = self.now;
        let reports = self.hardware.advance(now);
        self.absorb_all(reports);
        for unit in UNITS {
            if let Some((_, held)) = self.running(unit).and_then(|running| running.held.take_if(|(at, _)| *at <= now)) {
                self.outgoing.push(held);
                self.service(unit).running = None;
            }
            self.time_out(unit);
            self.begin_next(unit);
        }
    }

    /// When [`Desk::advance`] has something to do by itself.
    pub(crate) fn next_due(&self) -> Option<Timestamp> {
        let running = self.services.values().filter_map(|service| service.running.as_ref());
        let ends = running.filter_map(|running| match (&running.held, running.stopped) {
            (Some((at, _)), _) => Some(*at),
            (None, None) => running.deadline,
            (None, Some(_)) => None,
        });
        let queued = self.services.values().flat_map(|service| &service.queue).filter_map(|queued| queued.deadline);
        ends.chain(queued).chain(self.hardware.next_due()).min()
    }

    /// What is to be sent, in order.
    pub(crate) fn take_outgoing(&mut self) -> Vec<Outgoing> {
        std::mem::take(&mut self.outgoing)
    }

    fn service(&mut self, unit: Unit) -> &mut Window {
        self.services.get_mut(&unit).expect("every unit has its service")
    }

    pub(super) fn running(&mut self, unit: Unit) -> Option<&mut Running> {
        self.service(unit).running.as_mut()
    }

    pub(super) fn printed(&mut self) -> &mut Vec<String> {
        &mut self.service(Unit::Printer).printed
    }

    fn refuses(&mut self, unit: Unit, id: ConnectionId, request: &Request) -> Option<Refusal> {
        let service = self.service(unit);
        let running = service.running.iter().map(|running| (running.connection, running.request.id));
        let queued = service.queue.iter().map(|queued| (queued.connection, queued.request.id));
        if running.chain(queued).any(|known| known == (id, request.id)) {
            return Some(Refusal::InvalidRequestId);
        }
        (service.queue.len() >= MOST_WAITING).then_some(Refusal::TooManyRequests)
    }

    fn takes_version(&self, name: CommandName, version: Version) -> bool {
        let disputed = matches!(name, CommandName::Status | CommandName::Capabilities);
        match self.quirks.status_version {
            StatusVersion::Both => true,
            StatusVersion::Two => !disputed || version.major == 2,
            StatusVersion::Three => !disputed || version.major == 3,
        }
    }

    fn complete_queued(&mut self, queued: &Queued, code: CompletionCode) {
        let completion = Completion::ended(queued.request.id, queued.request.command.name().word(), code, None);
        self.send(queued.connection, &Message::Completion(completion));
    }

    /// The attempt is answered first; the commands that it stops end after it.
    fn cancel_and_answer(&mut self, unit: Unit, id: ConnectionId, request: u32, ids: Option<&[u32]>) {
        let meant =
            |connection: ConnectionId, request: u32| connection == id && ids.is_none_or(|ids| ids.contains(&request));
        let service = self.service(unit);
        let queued: Vec<Queued> = std::mem::take(&mut service.queue).into();
        let (over, left): (Vec<Queued>, Vec<Queued>) =
            queued.into_iter().partition(|queued| meant(queued.connection, queued.request.id));
        service.queue = left.into();
        let running = service.running.as_mut().filter(|running| meant(running.connection, running.request.id));
        let found = running.is_some() || !over.is_empty();
        if let Some(running) = running.filter(|running| running.held.is_none()) {
            running.stopped = Some(CompletionCode::Canceled);
        }
        let error = (!found).then_some(CancelError::NoMatchingRequestIds);
        let answer = Answer::Cancel(Cancelled { error });
        let completion =
            if found { Completion::done(request, answer) } else { Completion::failed(request, answer, None) };
        self.send(id, &Message::Completion(completion));
        over.iter().for_each(|queued| self.complete_queued(queued, CompletionCode::Canceled));
        self.stop_waiting(unit);
    }

    fn time_out(&mut self, unit: Unit) {
        let now = self.now;
        let late = |deadline: Option<Timestamp>| deadline.is_some_and(|deadline| deadline <= now);
        let service = self.service(unit);
        let queued: Vec<Queued> = std::mem::take(&mut service.queue).into();
        let (over, left): (Vec<Queued>, Vec<Queued>) = queued.into_iter().partition(|queued| late(queued.deadline));
        service.queue = left.into();
        let running = service.running.as_mut().filter(|running| running.held.is_none() && late(running.deadline));
        if let Some(running) = running {
            running.stopped.get_or_insert(CompletionCode::TimeOut);
        }
        over.iter().for_each(|queued| self.complete_queued(queued, CompletionCode::TimeOut));
        self.stop_waiting(unit);
    }

    /// Ends a running command that was stopped, if it waits for a person.
    fn stop_waiting(&mut self, unit: Unit) {
        if self.running(unit).is_some_and(|running| running.stopped.is_some()) {
            let reports = self.hardware.execute(&device::Command::Cancel(unit));
            self.absorb(unit, reports);
            self.begin_next(unit);
        }
    }

    fn begin_next(&mut self, unit: Unit) {
        while self.service(unit).running.is_none() {
            let Some(queued) = self.service(unit).queue.pop_front() else { return };
            let Queued { connection, request, deadline } = queued;
            let command = request.command.clone();
            let before = Snapshot::of(&self.hardware);
            let running =
                Running { connection, request, deadline, before, entry: Entry::default(), stopped: None, held: None };
            self.service(unit).running = Some(running);
            match self.begin(unit, &command) {
                Begun::Over(completion) => self.finish(unit, *completion),
                Begun::Device(command) => {
                    let reports = self.hardware.execute(&command);
                    self.absorb(unit, reports);
                    if self.running(unit).is_some_and(|running| running.held.is_none()) {
                        self.waits(unit);
                    }
                }
                Begun::Reported(reports) => self.absorb(unit, reports),
            }
        }
    }

    /// What several units report at once, as after a loss of power.
    pub(super) fn absorb_all(&mut self, reports: Vec<Report>) {
        let units: Vec<Unit> =
            UNITS.into_iter().filter(|unit| reports.iter().any(|report| of(report) == *unit)).collect();
        let first = units.first().copied().unwrap_or(Unit::Dispenser);
        self.absorb(first, reports);
        units.into_iter().for_each(|unit| self.begin_next(unit));
    }

    /// Turns what the hardware did and reports into messages.
    fn absorb(&mut self, unit: Unit, reports: Vec<Report>) {
        for happening in self.hardware.take_happened() {
            self.tell_happening(happening);
        }
        for report in reports {
            match report {
                Report::Done(answer) => self.end(unit, &Ok(answer)),
                // Whoever would be told has lost the connection.
                Report::Failed(_, Failure::Lost) => {}
                Report::Failed(unit, failure) => self.end(unit, &Err(failure)),
                Report::Event(Told::Disconnected(unit)) => self.disconnect(unit),
                Report::Event(event) => self.tell_event(&event),
            }
        }
        UNITS.into_iter().for_each(|unit| self.tell_changes(unit));
    }

    fn end(&mut self, unit: Unit, result: &Result<device::Answer, Failure>) {
        let Some(running) = self.running(unit) else { return };
        let (id, name, stopped) = (running.request.id, running.request.command.name(), running.stopped);
        let cancelled = matches!(result, Err(Failure::Cancelled) | Ok(device::Answer::KeysEnded));
        let completion = match stopped.filter(|_| cancelled) {
            Some(code) => Completion::ended(id, name.word(), code, None),
            None => self.completion(unit, result),
        };
        self.finish(unit, completion);
    }

    pub(super) fn finish(&mut self, unit: Unit, completion: Completion) {
        let (now, motion_ms) = (self.now, self.motion_ms);
        let dialect = self.quirks.dialect();
        let Some(running) = self.running(unit) else { return };
        let text = Outgoing::Text(running.connection, Message::Completion(completion).encode(dialect));
        let waits = motion_ms > 0 && capability::moves(running.request.command.name());
        if waits {
            running.held = Some((now.plus_ms(i64::from(motion_ms)), text));
            return;
        }
        self.service(unit).running = None;
        self.outgoing.push(text);
    }

    fn disconnect(&mut self, unit: Unit) {
        let service = self.service(unit);
        service.running = None;
        service.queue.clear();
        service.printed.clear();
        let gone: Vec<ConnectionId> =
            self.connections.iter().filter(|(_, of)| **of == unit).map(|(id, _)| *id).collect();
        for id in gone {
            self.connections.remove(&id);
            self.outgoing.push(Outgoing::Drop(id));
        }
    }

    /// An event: of the running command for whoever sent that, otherwise for everybody at the service.
    pub(super) fn tell(&mut self, unit: Unit, event: Event) {
        let dialect = self.quirks.dialect();
        match event.name().kind() {
            EventKind::Solicited => {
                let Some(running) = self.running(unit) else { return };
                let text = Message::Event(Some(running.request.id), event).encode(dialect);
                let connection = running.connection;
                self.outgoing.push(Outgoing::Text(connection, text));
            }
            EventKind::Unsolicited => {
                let text = Message::Event(None, event).encode(dialect);
                let everybody: Vec<ConnectionId> =
                    self.connections.iter().filter(|(_, of)| **of == unit).map(|(id, _)| *id).collect();
                self.outgoing.extend(everybody.into_iter().map(|id| Outgoing::Text(id, text.clone())));
            }
        }
    }

    fn tell_happening(&mut self, happening: Happening) {
        for (unit, event) in super::event::of_happening(&self.hardware, happening) {
            self.tell(unit, event);
        }
        if let Happening::TokenRefused(error) = happening
            && let Some(running) = self.running(Unit::Dispenser)
        {
            running.entry.token = Some(error);
        }
    }

    fn tell_event(&mut self, event: &Told) {
        for (unit, event) in super::event::of_report(event) {
            self.tell(unit, event);
        }
    }

    /// What changed about a service since clients were last told.
    fn tell_changes(&mut self, unit: Unit) {
        let (status, counted) = (status::of(&self.hardware, unit), Snapshot::of(&self.hardware));
        let service = self.service(unit);
        let told = std::mem::replace(&mut service.told, status.clone());
        let before = std::mem::replace(&mut service.counted, counted.clone());
        if let Some(changed) = status::difference(&told, &status) {
            self.tell(unit, Event::StatusChanged(changed));
        }
        for event in super::storage::changes(&self.hardware, unit, &before, &counted) {
            self.tell(unit, event);
        }
    }

    fn remember(&mut self, unit: Unit) {
        let (status, counted) = (status::of(&self.hardware, unit), Snapshot::of(&self.hardware));
        let service = self.service(unit);
        service.told = status;
        service.counted = counted;
    }

    pub(super) fn send(&mut self, id: ConnectionId, message: &Message) {
        self.outgoing.push(Outgoing::Text(id, message.encode(self.quirks.dialect())));
    }
}

/// Which way a switch is turned.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Switch {
    /// Power comes.
    On,
    /// Power goes.
    Off,
}

fn of(report: &Report) -> Unit {
    super::event::unit_of(report)
}
