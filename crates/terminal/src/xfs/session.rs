//! A connection with a service whose abilities are known: calls, what is heard meanwhile, cancellation, deadlines.

use std::collections::VecDeque;
use std::time::Duration;

use cashpoint_boundary::reached;
use cashpoint_core::terminal::device::{Command, Event as Happening, Failure, Report, Unit};
use cashpoint_wire::xfs::capabilities::{Capabilities, Interface};
use cashpoint_wire::xfs::cash::PositionInfo;
use cashpoint_wire::xfs::dispenser::Denomination;
use cashpoint_wire::xfs::envelope::{CompletionCode, Message, Refusal};
use cashpoint_wire::xfs::keyboard::KeyPressed;
use cashpoint_wire::xfs::message::{Answer, Call, CommandName, Event};
use cashpoint_wire::xfs::service::Cancel;
use cashpoint_wire::xfs::value::Version;
use cashpoint_wire::xfs::word::Word;
use tokio::sync::mpsc;
use tokio::time::{Sleep, sleep};

use super::cassettes::Denominations;
use super::socket::{Broken, Socket};
use super::{Timing, card, pad};

/// Commands that wait while another one runs.
const MOST_WAITING: usize = 16;

/// How a call ended.
pub(super) struct Reply<A> {
    pub(super) code: CompletionCode,
    /// None if it could not be read.
    pub(super) answer: Option<A>,
}

/// How long a command may take.
#[derive(Clone, Copy)]
pub(super) enum Limit {
    /// It moves nothing.
    Query,
    /// It moves something.
    Motion,
    /// It waits for the customer.
    Customer,
}

/// What was heard since the running command of the terminal began.
#[derive(Default)]
pub(super) struct Heard {
    /// What a dispense really brought.
    pub(super) incomplete: Option<Denomination>,
    /// How often notes were refused.
    pub(super) refused: u32,
    /// What keys are pressed for.
    pub(super) purpose: pad::Purpose,
    /// Digits in the pad.
    pub(super) digits: u8,
    /// The terminal wants the command to end.
    pub(super) cancelled: bool,
}

pub(super) struct Session<'a> {
    pub(super) socket: Socket,
    pub(super) capabilities: Capabilities,
    pub(super) timing: Timing,
    pub(super) units: Vec<Unit>,
    pub(super) heard: Heard,
    /// Whose command runs.
    pub(super) running: Option<Unit>,
    /// Commands that came while another one ran.
    pub(super) waiting: VecDeque<Command>,
    /// A bunch of notes was taken and another one is to be presented.
    pub(super) more_bunches: bool,
    /// Which device gave notes out last, where a service has two.
    pub(super) gave: Unit,
    /// What was read of the device once and stays.
    pub(super) known: Known,
    /// Cancellations that were sent, whose own completions are still to come.
    cancellations: Vec<u32>,
    reports: mpsc::Sender<Report>,
    commands: &'a mut mpsc::Receiver<Command>,
}

/// What was read of a device once and stays.
#[derive(Default)]
pub(super) struct Known {
    /// What notes are worth.
    pub(super) notes: Option<Denominations>,
    /// Units that give notes, by position.
    pub(super) cassettes: Option<Vec<String>>,
    /// Keys that there are.
    pub(super) keys: Option<pad::Keys>,
    /// Whether a card lies at the exit rather than inside.
    pub(super) card: card::Place,
}

impl<'a> Session<'a> {
    pub(super) fn new(
        socket: Socket,
        timing: Timing,
        reports: mpsc::Sender<Report>,
        commands: &'a mut mpsc::Receiver<Command>,
    ) -> Self {
        Self {
            socket,
            capabilities: Capabilities::default(),
            timing,
            units: Vec::new(),
            heard: Heard::default(),
            running: None,
            waiting: VecDeque::new(),
            more_bunches: false,
            gave: Unit::Dispenser,
            known: Known::default(),
            cancellations: Vec::new(),
            reports,
            commands,
        }
    }

    /// Tells the terminal. If it no longer listens, the task is about to end anyway.
    pub(super) async fn report(&self, report: Report) {
        let _ = self.reports.send(report).await;
    }

    pub(super) async fn happened(&self, happening: Happening) {
        self.report(Report::Event(happening)).await;
    }

    /// Sends a command in the version that the service listed and waits for its completion.
    pub(super) async fn call<C: Call>(&mut self, command: C, limit: Limit) -> Result<Reply<C::Answer>, Broken> {
        let version = self.version(C::NAME);
        self.call_as(command, version, limit).await
    }

    /// … in a version of the caller's choice.
    pub(super) async fn call_as<C: Call>(
        &mut self,
        command: C,
        version: Version,
        limit: Limit,
    ) -> Result<Reply<C::Answer>, Broken> {
        if self.heard.cancelled {
            return Ok(Reply { code: CompletionCode::Canceled, answer: None });
        }
        let allowed = match limit {
            Limit::Query => Some(self.timing.query),
            Limit::Motion => Some(self.timing.motion),
            Limit::Customer => None,
        };
        reached("device", C::NAME.word(), "before");
        let id = self.socket.send(command.into(), version, allowed).await?;
        reached("device", C::NAME.word(), "sent");
        // First for the acknowledge, then for the completion.
        let deadline = sleep(self.timing.grace);
        tokio::pin!(deadline);
        loop {
            tokio::select! {
                message = self.socket.next() => match self.sort(message?, id, C::NAME).await? {
                    Sorted::Accepted => deadline.set(patience(allowed, self.timing.grace)),
                    Sorted::Refused(refusal) => return Ok(Reply { code: refused(refusal), answer: None }),
                    Sorted::Ended(code, answer) => {
                        reached("device", C::NAME.word(), "answered");
                        return Ok(Reply { code, answer: answer.and_then(C::answer) });
                    }
                    Sorted::Other => {}
                },
                command = self.commands.recv() => {
                    let command = command.ok_or(Broken::Closed)?;
                    if self.interrupt(command, id).await? {
                        deadline.set(sleep(self.timing.motion + self.timing.grace));
                    }
                }
                () = &mut deadline => return Err(Broken::Silent),
            }
        }
    }

    /// A command that comes while another one runs: a cancellation is passed on, anything else waits. Whether the running
    /// command was asked to end.
    async fn interrupt(&mut self, command: Command, id: u32) -> Result<bool, Broken> {
        let Command::Cancel(unit) = command else {
            if self.waiting.len() == MOST_WAITING {
                tracing::error!(unit = ?command.unit(), "too many device commands wait");
                self.report(Report::Failed(command.unit(), Failure::Sequence)).await;
            } else {
                self.waiting.push_back(command);
            }
            return Ok(false);
        };
        if self.running == Some(unit) {
            self.heard.cancelled = true;
            let cancel = Cancel { request_ids: Some(vec![id]) };
            let version = self.version(CommandName::Cancel);
            let cancellation = self.socket.send(cancel.into(), version, Some(self.timing.query)).await?;
            self.cancellations.push(cancellation);
            return Ok(true);
        }
        let waits = |waiting: &Command| waiting.unit() == unit;
        if let Some(at) = self.waiting.iter().position(waits) {
            self.waiting.remove(at);
            self.report(Report::Failed(unit, Failure::Cancelled)).await;
        }
        Ok(false)
    }

    async fn sort(&mut self, message: Message, id: u32, name: CommandName) -> Result<Sorted, Broken> {
        match message {
            Message::Acknowledge(echo, refusal) if echo.id == id => {
                Ok(refusal.map_or(Sorted::Accepted, Sorted::Refused))
            }
            Message::Acknowledge(echo, _) => self.stray(echo.id, &echo.name),
            Message::Completion(completion) if completion.id == id => {
                if completion.name != name.word() {
                    tracing::error!(
                        completion = completion.name,
                        command = name.word(),
                        "completion of another command"
                    );
                    return Err(Broken::Nonsense);
                }
                if completion.code != CompletionCode::Success {
                    let (code, why) = (completion.code.word(), completion.description.as_deref());
                    tracing::info!(command = name.word(), code, why, "device command failed");
                }
                Ok(Sorted::Ended(completion.code, completion.answer))
            }
            Message::Completion(completion) => self.stray(completion.id, &completion.name),
            Message::Event(Some(of), event) if of == id => {
                self.during(event).await;
                Ok(Sorted::Other)
            }
            Message::Event(Some(of), event) => self.stray(of, event.name().word()),
            Message::Event(None, event) => {
                self.by_itself(event).await;
                Ok(Sorted::Other)
            }
            Message::Unknown(name) => {
                tracing::debug!(name, "a message that is not known");
                Ok(Sorted::Other)
            }
        }
    }

    /// A message about something that does not run: of a cancellation, late, twice, or about what was never asked.
    fn stray(&mut self, id: u32, name: &str) -> Result<Sorted, Broken> {
        if !self.socket.has_sent(id) {
            tracing::error!(id, name, "a message about a command that was never sent");
            return Err(Broken::Nonsense);
        }
        if !self.cancellations.contains(&id) {
            tracing::warn!(id, name, "a late message, passed over");
        }
        Ok(Sorted::Other)
    }

    /// An event of the running command. Some services send with an id what belongs to none.
    async fn during(&mut self, event: Event) {
        if let Event::Key(key) = &event {
            self.key(key).await;
        } else if let Event::IncompleteDispense(denomination) = event {
            self.heard.incomplete = Some(denomination);
        } else if let Event::InputRefused(_) = &event {
            self.heard.refused += 1;
        } else {
            self.by_itself(event).await;
        }
    }

    async fn key(&mut self, pressed: &KeyPressed) {
        match pad::pressed(pressed, self.heard.purpose, self.heard.digits) {
            pad::Pressed::Key(key) => self.happened(Happening::Key(key)).await,
            pad::Pressed::Digits(digits) => {
                self.heard.digits = digits;
                self.happened(Happening::PinDigits(digits)).await;
            }
            pad::Pressed::Nothing => {}
        }
    }

    /// An event of the device as such.
    async fn by_itself(&mut self, event: Event) {
        let name = event.name();
        match event {
            Event::CardRemoved(_) => {
                self.known.card = card::Place::Elsewhere;
                self.happened(Happening::CardTaken).await;
            }
            Event::MediaTaken(_) => self.happened(Happening::ReceiptTaken).await,
            Event::NonceCleared(_) if self.units.contains(&Unit::Dispenser) => {
                self.happened(Happening::NonceCleared).await;
            }
            Event::ItemsTaken(position) => self.taken(&position).await,
            Event::StatusChanged(status) => {
                let whole =
                    status.service.is_some_and(|service| service.device.is_some() || service.exchange.is_some());
                let part = status.cash.is_some() || status.printer.is_some_and(|printer| printer.paper.is_some());
                if whole || part {
                    self.changed().await;
                }
            }
            Event::Error(_) | Event::StorageError(_) | Event::StorageThreshold(_) | Event::PaperThreshold(_) => {
                self.changed().await;
            }
            Event::ServiceDetail(_)
            | Event::NonceCleared(_)
            | Event::InsertCard(_)
            | Event::CardInserted(_)
            | Event::InvalidMedia(_)
            | Event::TrackDetected(_)
            | Event::CardAction(_)
            | Event::CardDetected(_)
            | Event::EnterData(_)
            | Event::Key(_)
            | Event::Layout(_)
            | Event::Initialized(_)
            | Event::IllegalKeyAccess(_)
            | Event::DukptKsn(_)
            | Event::DelayedDispense(_)
            | Event::StartDispense(_)
            | Event::IncompleteDispense(_)
            | Event::ItemsPresented(_)
            | Event::ItemsInserted(_)
            | Event::ShutterChanged(_)
            | Event::CashDetected(_)
            | Event::NoteError(_)
            | Event::InfoAvailable(_)
            | Event::IncompleteRetract(_)
            | Event::InsertItems(_)
            | Event::SubCashIn(_)
            | Event::InputRefused(_)
            | Event::StorageChanged(_)
            | Event::CountsChanged(_)
            | Event::MediaPresented(_)
            | Event::MediaPresentedLate(_)
            | Event::TonerThreshold(_) => {
                tracing::debug!(event = name.word(), "device event");
            }
        }
    }

    async fn taken(&mut self, position: &PositionInfo) {
        let gave = if self.units.contains(&self.gave) { self.gave } else { Unit::Acceptor };
        let more = position.additional_bunches.as_deref().is_some_and(|bunches| bunches != "0");
        match gave {
            Unit::Dispenser if more => self.more_bunches = true,
            Unit::Dispenser => self.happened(Happening::NotesTaken).await,
            Unit::Acceptor => self.happened(Happening::DepositReturnTaken).await,
            Unit::CardReader | Unit::PinPad | Unit::Printer => {}
        }
    }

    async fn changed(&self) {
        for unit in &self.units {
            self.happened(Happening::StatusChanged(*unit)).await;
        }
    }

    /// The next command of the terminal while nothing runs, or none because something was heard.
    pub(super) async fn idle(&mut self) -> Result<Option<Command>, Broken> {
        if let Some(command) = self.waiting.pop_front() {
            return Ok(Some(command));
        }
        let message = tokio::select! {
            message = self.socket.next() => message?,
            command = self.commands.recv() => return command.map(Some).ok_or(Broken::Closed),
        };
        match message {
            Message::Event(None, event) => self.by_itself(event).await,
            Message::Event(Some(id), event) => drop(self.stray(id, event.name().word())?),
            Message::Acknowledge(echo, _) => drop(self.stray(echo.id, &echo.name)?),
            Message::Completion(completion) => drop(self.stray(completion.id, &completion.name)?),
            Message::Unknown(name) => tracing::debug!(name, "a message that is not known"),
        }
        Ok(None)
    }

    /// The version to send a command in: the one listed with the major version that is known here.
    pub(super) fn version(&self, name: CommandName) -> Version {
        let own = name.version();
        // Of the publisher nothing is listed.
        let interface = name.interface().unwrap_or(Interface::Common);
        let listed = self.capabilities.versions(interface, name.word());
        listed.into_iter().find(|version| version.major == own.major || name.understands(*version)).unwrap_or(own)
    }
}

#[expect(clippy::large_enum_variant, reason = "there is one at a time, and it is not copied about")]
enum Sorted {
    Accepted,
    Refused(Refusal),
    Ended(CompletionCode, Option<Answer>),
    Other,
}

/// How long to wait for a completion: a command's own limit and the grace, or as good as for ever.
fn patience(limit: Option<Duration>, grace: Duration) -> Sleep {
    sleep(limit.map_or(Duration::from_secs(365 * 24 * 3_600), |limit| limit + grace))
}

/// A command that was not even queued did nothing.
const fn refused(refusal: Refusal) -> CompletionCode {
    match refusal {
        Refusal::InvalidMessage => CompletionCode::InvalidData,
        Refusal::InvalidRequestId => CompletionCode::InvalidRequestId,
        Refusal::TooManyRequests => CompletionCode::SequenceError,
    }
}
