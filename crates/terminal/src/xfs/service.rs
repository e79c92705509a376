//! The task of one service: connects, learns what the service can do, does commands, and begins again when the
//! connection is lost.

use std::sync::Arc;
use std::time::Duration;

use cashpoint_core::terminal::device::{Answer, Command, Event as Happening, Failure, Report, Unit};
use cashpoint_wire::xfs::capabilities::{Capabilities, Interface};
use cashpoint_wire::xfs::envelope::CompletionCode;
use cashpoint_wire::xfs::message::CommandName;
use cashpoint_wire::xfs::service::{GetCapabilities, GetStatus, SetVersions};
use cashpoint_wire::xfs::status::{CardMedia, DeviceState, PaperState, Status};
use cashpoint_wire::xfs::value::{Entries, Version};
use cashpoint_wire::xfs::word::Word;
use tokio::sync::mpsc;
use tokio::time::sleep;

use super::devices::{Problem, Registry};
use super::failure::{Stop, brought_plainly};
use super::session::{Heard, Limit, Session};
use super::socket::{Broken, Socket};
use super::{Config, card, deposit, exchange, notes_out, pad, printer};

/// Commands that wait for a service.
const QUEUE: usize = 16;

/// By how much the wait before another attempt grows at most.
const LONGEST_RETRY: u32 = 30;

/// Which unit an interface makes of a service.
const UNITS: [(Interface, Unit); 5] = [
    (Interface::CardReader, Unit::CardReader),
    (Interface::PinPad, Unit::PinPad),
    (Interface::CashDispenser, Unit::Dispenser),
    (Interface::CashAcceptor, Unit::Acceptor),
    (Interface::Printer, Unit::Printer),
];

pub(super) struct ServiceTask {
    pub(super) address: String,
    pub(super) config: Arc<Config>,
    pub(super) registry: Arc<Registry>,
    pub(super) reports: mpsc::Sender<Report>,
}

impl ServiceTask {
    /// Runs until nobody listens to the reports any more.
    pub(super) async fn run(self) {
        let (sender, mut commands) = mpsc::channel(QUEUE);
        let mut retry = self.config.timing.retry;
        while !self.reports.is_closed() {
            let mut units = Vec::new();
            let broken = match self.open(&sender, &mut commands).await {
                Err(broken) => broken,
                Ok(mut session) => {
                    retry = self.config.timing.retry;
                    units.clone_from(&session.units);
                    let broken = self.work(&mut session).await;
                    self.lose(&mut session).await;
                    broken
                }
            };
            tracing::warn!(address = self.address, ?broken, ?units, "device service lost");
            self.registry.disconnected(&units);
            for unit in units {
                self.tell(Report::Event(Happening::Disconnected(unit))).await;
            }
            self.wait(retry, &mut commands).await;
            retry = (retry * 2).min(self.config.timing.retry * LONGEST_RETRY);
        }
    }

    async fn tell(&self, report: Report) {
        let _ = self.reports.send(report).await;
    }

    /// Waits before the next attempt; commands that come meanwhile reach nobody.
    async fn wait(&self, retry: Duration, commands: &mut mpsc::Receiver<Command>) {
        let pause = sleep(retry);
        tokio::pin!(pause);
        loop {
            tokio::select! {
                () = &mut pause => return,
                Some(command) = commands.recv() => self.lost(&command).await,
            }
        }
    }

    /// A command that did not reach its device. A cancellation has no end of its own.
    async fn lost(&self, command: &Command) {
        if !matches!(command, Command::Cancel(_)) {
            self.tell(Report::Failed(command.unit(), Failure::Lost)).await;
        }
    }

    async fn lose(&self, session: &mut Session<'_>) {
        while let Some(command) = session.waiting.pop_front() {
            self.lost(&command).await;
        }
    }

    /// Connects and learns what the service can do.
    async fn open<'a>(
        &self,
        sender: &mpsc::Sender<Command>,
        commands: &'a mut mpsc::Receiver<Command>,
    ) -> Result<Session<'a>, Broken> {
        let timing = self.config.timing;
        let socket = Socket::open(&self.address, timing.grace, timing.ping).await?;
        let mut session = Session::new(socket, timing, self.reports.clone(), commands);
        session.capabilities = capabilities(&mut session).await?;
        let several = several_versions(&session.capabilities);
        if !several.0.is_empty() {
            let set = SetVersions { commands: Some(several), events: None };
            session.call(set, Limit::Query).await?;
        }
        session.call(GetStatus {}, Limit::Query).await?;
        for (interface, unit) in UNITS {
            if !session.capabilities.has(interface) {
                continue;
            }
            if unit == Unit::PinPad && !makes_format_4(&session.capabilities) {
                tracing::error!(
                    address = self.address,
                    "this PIN pad makes no PIN blocks of ISO 9564-1 format 4: refused"
                );
                self.registry.refuse(unit, Problem::NoFormat4);
            } else if self.registry.connected(unit, &self.address, sender) {
                session.units.push(unit);
            } else {
                tracing::error!(address = self.address, ?unit, "another service has this unit already");
            }
        }
        tracing::info!(address = self.address, units = ?session.units, "device service connected");
        for unit in session.units.clone() {
            session.happened(Happening::Connected(unit)).await;
        }
        Ok(session)
    }

    /// Does commands until the connection is of no more use.
    async fn work(&self, session: &mut Session<'_>) -> Broken {
        loop {
            if std::mem::take(&mut session.more_bunches)
                && let Err(Stop::Broken(broken)) = notes_out::next_bunch(session).await
            {
                return broken;
            }
            let command = match session.idle().await {
                Ok(Some(command)) => command,
                Ok(None) => continue,
                Err(broken) => return broken,
            };
            let unit = command.unit();
            session.running = Some(unit);
            session.heard = Heard::default();
            let ended = self.execute(session, command).await;
            session.running = None;
            session.heard = Heard::default();
            match ended {
                Ok(Some(answer)) => session.report(Report::Done(answer)).await,
                Ok(None) => {}
                Err(Stop::Failed(failure)) => session.report(Report::Failed(unit, failure)).await,
                Err(Stop::Broken(broken)) => {
                    session.report(Report::Failed(unit, Failure::Lost)).await;
                    return broken;
                }
            }
        }
    }

    async fn execute(&self, session: &mut Session<'_>, command: Command) -> Result<Option<Answer>, Stop> {
        let keys = &self.config.keys;
        let answer = match command {
            Command::ReadCard => card::read(session, &self.config.card_key).await,
            Command::EjectCard => card::eject(session).await,
            Command::RetainCard => card::retain(session).await,
            Command::EnterPin => pad::enter_pin(session).await,
            Command::OnlinePinBlock(pan) => pad::online_block(session, keys, &pan).await,
            Command::OfflineVerifier { pan, salt } => pad::verifier(session, keys, &pan, &salt).await,
            Command::ImportPinKey(block) => pad::import(session, keys, &block).await,
            Command::AcceptKeys => pad::accept_keys(session).await,
            Command::FetchNonce => notes_out::fetch_nonce(session).await,
            Command::ClearNonce => notes_out::clear_nonce(session).await,
            Command::Dispense(order) => notes_out::dispense(session, &order).await,
            Command::Present => notes_out::present(session).await,
            Command::Reject => notes_out::reject(session).await,
            Command::Retract => notes_out::retract(session).await,
            Command::PresentStatus { nonce } => notes_out::status(session, nonce).await,
            Command::ReadCounters => notes_out::read_counters(session).await,
            Command::StartCashIn => deposit::start(session).await,
            Command::TakeNotes => deposit::take(session).await,
            Command::StoreNotes => deposit::store(session).await,
            Command::ReturnNotes => deposit::give_back(session).await,
            Command::CashInStatus => deposit::status(session).await,
            Command::StartExchange => exchange::start(session).await,
            Command::EndExchange(filling) => exchange::end(session, &filling).await,
            Command::EmptyDeposits => exchange::empty_deposits(session).await,
            Command::Print(lines) => printer::print(session, &lines).await,
            // Nothing of that unit runs: it ended before.
            Command::Cancel(_) => return Ok(None),
            Command::Probe(unit) => probe(session, unit).await,
        };
        answer.map(Some)
    }
}

/// The sources disagree about the version of this command, so both are tried.
async fn capabilities(session: &mut Session<'_>) -> Result<Capabilities, Broken> {
    let own = CommandName::Capabilities.version();
    let mut reply = session.call_as(GetCapabilities {}, own, Limit::Query).await?;
    if reply.code == CompletionCode::UnsupportedCommand {
        reply = session.call_as(GetCapabilities {}, Version::new(3, 0), Limit::Query).await?;
    }
    brought_plainly(reply).map_err(|_| Broken::Nonsense)
}

/// Commands of which a service offers several major versions, and the one that is spoken here.
fn several_versions(capabilities: &Capabilities) -> Entries<u32> {
    let offered = CommandName::ALL.iter().filter_map(|name| {
        let versions = capabilities.versions(name.interface()?, name.word());
        let major = name.version().major;
        let others = versions.iter().any(|version| version.major != major);
        (others && versions.iter().any(|version| version.major == major)).then(|| (name.word(), u32::from(major)))
    });
    offered.collect()
}

fn makes_format_4(capabilities: &Capabilities) -> bool {
    let formats = capabilities.pin_pad.as_ref().and_then(|pad| pad.formats.as_ref());
    formats.is_some_and(|formats| formats.iso4 == Some(true))
}

async fn probe(session: &mut Session<'_>, unit: Unit) -> Result<Answer, Stop> {
    let status = brought_plainly(session.call(GetStatus {}, Limit::Query).await?)?;
    match trouble(&status, unit) {
        None => Ok(Answer::Works(unit)),
        Some(failure) => Err(failure.into()),
    }
}

/// What keeps a device from working.
fn trouble(status: &Status, unit: Unit) -> Option<Failure> {
    match status.device() {
        Some(DeviceState::Online | DeviceState::DeviceBusy | DeviceState::PotentialFraud) => {}
        Some(DeviceState::FraudAttempt) => return Some(Failure::Fraud),
        Some(
            DeviceState::Offline
            | DeviceState::PowerOff
            | DeviceState::NoDevice
            | DeviceState::HardwareError
            | DeviceState::UserError
            | DeviceState::Starting,
        )
        | None => return Some(Failure::Hardware),
    }
    match unit {
        Unit::CardReader => {
            let media = status.card_reader.as_ref().and_then(|reader| reader.media);
            (media == Some(CardMedia::Jammed)).then_some(Failure::Jam)
        }
        Unit::Printer => {
            let sources = status.printer.iter().flat_map(|printer| &printer.paper).flat_map(|paper| &paper.0);
            let states: Vec<PaperState> = sources.map(|(_, state)| *state).collect();
            // One source with paper is enough.
            let any = |wanted: &[PaperState]| states.iter().any(|state| wanted.contains(state));
            if states.is_empty() || any(&[PaperState::Full, PaperState::Low, PaperState::Unknown]) {
                None
            } else if any(&[PaperState::Jammed]) {
                Some(Failure::Jam)
            } else {
                Some(Failure::PaperOut)
            }
        }
        Unit::PinPad | Unit::Dispenser | Unit::Acceptor => None,
    }
}
