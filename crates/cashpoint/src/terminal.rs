//! `cashpoint terminal`: one ATM, and how it is enrolled. Settings in layers, start, end; what a terminal does stands in
//! `cashpoint_terminal`.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use cashpoint_bank::clock::SystemClock;
use cashpoint_bank::entropy::SystemEntropy;
use cashpoint_core::id::MachineId;
use cashpoint_terminal::enrol::{EnrolError, enrol};
use cashpoint_terminal::identity::Identity;
use cashpoint_terminal::journal::Limits;
use cashpoint_terminal::kiosk::{self, Hosts, Kiosk};
use cashpoint_terminal::operation::Ended;
use cashpoint_terminal::process::{Running, Setting};
use cashpoint_terminal::xfs::Services;
use clap::{Args, Subcommand};
use figment::Figment;
use figment::providers::{Env, Format, Serialized, Toml};
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

use crate::Verdict;
use crate::configuration::LogFormat;

/// What the path of a publisher ends with; services have a name behind it.
pub(crate) const PUBLISHER: &str = "/xfs4iot/v1.0";

/// How long the terminal's thread may take to end. Ten seconds are the promise for the whole process.
const ENDING: Duration = Duration::from_secs(8);

/// What `cashpoint terminal` is asked for.
#[derive(Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "Examples:\n  cashpoint terminal enrol --host http://127.0.0.1:8080 --code CODE --id ATM901 --keys atm901.toml\n  cashpoint terminal --keys k.toml --journal j.db --devices ws://127.0.0.1:5846/xfs4iot/v1.0\n  cashpoint terminal --config /etc/cashpoint/atm901.toml\n\nPrints `ready` on stdout once it works, and on stderr where its screen is: a page for the browser of this machine alone. Its devices and its host may still be away. SIGTERM ends it; what is under way is settled at the next start, as after a loss of power. The configuration file has the flags' names (id, host, devices, listen, journal, keys, log). CASHPOINT_TERMINAL_* variables come over the file (CASHPOINT_TERMINAL_KEYS=…), flags over both."
)]
pub(crate) struct TerminalCommand {
    #[command(subcommand)]
    enrol: Option<Before>,
    /// Configuration file (TOML)
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(flatten)]
    flags: TerminalFlags,
}

/// What comes before a terminal can run.
#[derive(Debug, Subcommand)]
enum Before {
    /// Makes a terminal's keys and exchanges them with its host, once
    #[command(
        after_help = "Example:\n  cashpoint terminal enrol --host https://bank.example:8443 --code CODE --id ATM901 --keys atm901.toml\n\nStaff of the bank get the code for a machine; it serves once. The file of keys is for you alone and is never overwritten. Exit 1 if the host refuses. If its answer is lost, ask again with the same --keys: the terminal's own keys are kept beside (KEYS.enrolling) until it is enrolled."
    )]
    Enrol(Enrol),
}

#[derive(Debug, Args)]
struct Enrol {
    /// The host's address: http://… or https://…
    #[arg(long, value_name = "URL")]
    host: String,
    /// Enrolment code, as staff got it
    #[arg(long)]
    code: String,
    /// The machine's id at the bank
    #[arg(long, value_parser = MachineId::parse)]
    id: MachineId,
    /// Where the keys go; nothing is overwritten
    #[arg(long, value_name = "FILE")]
    keys: PathBuf,
}

/// The terminal's settings as flags; what is not given is left to the file, the variables and the defaults.
#[derive(Debug, Args, Serialize)]
struct TerminalFlags {
    /// The machine's id; must be the one that was enrolled [default: that one]
    #[arg(long)]
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    /// The host's address [default: where it was enrolled]
    #[arg(long, value_name = "URL")]
    #[serde(skip_serializing_if = "Option::is_none")]
    host: Option<String>,
    /// Its devices: one publisher (ws://HOST:PORT/xfs4iot/v1.0) or each service; may be repeated [default: publishers
    /// on this machine]
    #[arg(long, value_name = "URL")]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    devices: Vec<String>,
    /// Where its screen is: an address of this machine, port 0 = any free one [default: 127.0.0.1:0]
    #[arg(long, value_name = "ADDR")]
    #[serde(skip_serializing_if = "Option::is_none")]
    listen: Option<SocketAddr>,
    /// File of its journal [default: terminal.db]
    #[arg(long, value_name = "PATH")]
    #[serde(skip_serializing_if = "Option::is_none")]
    journal: Option<PathBuf>,
    /// File of its keys, made by `enrol` [default: terminal.keys.toml]
    #[arg(long, value_name = "FILE")]
    #[serde(skip_serializing_if = "Option::is_none")]
    keys: Option<PathBuf>,
    /// How the log on standard error looks [default: text]
    #[arg(long, value_name = "FORMAT")]
    #[serde(skip_serializing_if = "Option::is_none")]
    log: Option<LogFormat>,
}

/// The terminal's settings, all known.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    id: Option<String>,
    host: Option<String>,
    devices: Vec<String>,
    listen: SocketAddr,
    journal: PathBuf,
    keys: PathBuf,
    log: LogFormat,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            id: None,
            host: None,
            devices: Vec::new(),
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            journal: "terminal.db".into(),
            keys: "terminal.keys.toml".into(),
            log: LogFormat::Text,
        }
    }
}

impl Settings {
    fn layered(file: Option<&Path>, flags: &TerminalFlags) -> Result<Self> {
        let text = match file {
            None => String::new(),
            Some(file) => std::fs::read_to_string(file).with_context(|| format!("configuration {}", file.display()))?,
        };
        Figment::from(Serialized::defaults(Self::default()))
            .merge(Toml::string(&text))
            .merge(Env::prefixed("CASHPOINT_TERMINAL_"))
            .merge(Serialized::defaults(flags))
            .extract()
            .context("the settings of the terminal (file, CASHPOINT_TERMINAL_* variables, flags)")
    }

    fn services(&self) -> Result<Services> {
        let path = |url: &str| {
            let Some(rest) = url.strip_prefix("ws://") else {
                bail!("{url:?} is no address of devices: write ws://…; they are inside of the machine");
            };
            Ok(rest.trim_end_matches('/').to_owned())
        };
        let paths = self.devices.iter().map(|url| path(url)).collect::<Result<Vec<String>>>()?;
        let publisher = |path: &String| path.strip_suffix(PUBLISHER).map(str::to_owned);
        match (paths.as_slice(), paths.iter().find_map(publisher)) {
            ([], _) => Ok(Services::here()),
            ([_], Some(authority)) => {
                let (host, port) = authority.rsplit_once(':').unwrap_or((&authority, "80"));
                let port = port.parse().with_context(|| format!("{:?} has no port", self.devices[0]))?;
                Ok(Services::Published { host: host.to_owned(), ports: vec![port] })
            }
            (_, None) => Ok(Services::Listed(self.devices.clone())),
            (_, Some(_)) => bail!("devices: either one publisher, or services alone"),
        }
    }
}

impl TerminalCommand {
    /// How the log is to look. Settings that cannot be read are complained of later.
    pub(crate) fn log_format(&self) -> LogFormat {
        let settings = Settings::layered(self.config.as_deref(), &self.flags);
        settings.map_or(LogFormat::default(), |settings| settings.log)
    }
}

/// Enrols a terminal, or runs it until it is told to stop.
pub(crate) fn terminal(command: TerminalCommand) -> Result<Verdict> {
    if let Some(Before::Enrol(asked)) = &command.enrol {
        return enrolled(asked);
    }
    let settings = Settings::layered(command.config.as_deref(), &command.flags);
    let found = settings.and_then(|settings| settings.services().map(|services| (settings, services)));
    let (settings, services) = match found {
        Ok(found) => found,
        Err(wrong) => return Ok(Verdict::Usage(format!("{wrong:#}"))),
    };
    let mut identity = Identity::read(&settings.keys)?;
    if let Some(id) = settings.id.filter(|id| *id != identity.terminal.as_str()) {
        let (keys, enrolled) = (settings.keys.display(), identity.terminal);
        return Ok(Verdict::Usage(format!("--id {id}: the keys {keys} are those of {enrolled}")));
    }
    if let Some(host) = settings.host {
        identity.host = host;
    }
    if !settings.listen.ip().is_loopback() {
        return Ok(Verdict::Usage(format!("--listen {}: the screen is for this machine alone", settings.listen)));
    }
    let (machine, listen) = (identity.terminal, settings.listen);
    let setting = setting(identity, settings.journal, services);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let ended = runtime.block_on(run(setting, machine, listen));
    // Nothing that is still on its way out is waited for: the journal has it.
    runtime.shutdown_background();
    ended.map(|()| Verdict::Yes)
}

/// A terminal with the system's clock and randomness.
pub(crate) fn setting(identity: Identity, journal: PathBuf, devices: Services) -> Setting {
    let limits = Limits::default();
    let (clock, entropy, zone) = (Arc::new(SystemClock), Arc::new(SystemEntropy), TimeZone::system());
    Setting { identity, journal, limits, devices, clock, entropy, zone }
}

/// Ends a terminal, as far as it ends in time.
pub(crate) async fn stop(running: Running) {
    let stopping = tokio::task::spawn_blocking(move || running.stop());
    if tokio::time::timeout(ENDING, stopping).await.is_err() {
        tracing::error!("the terminal does not end; its journal says at the next start what was under way");
    }
}

async fn run(setting: Setting, machine: MachineId, listen: SocketAddr) -> Result<()> {
    let mut terminate = signal(SignalKind::terminate()).context("SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("SIGINT")?;
    let listener = TcpListener::bind(listen).await.with_context(|| format!("the screen's address {listen}"))?;
    let at = listener.local_addr()?;
    let mut running = Running::start(setting)?;
    let kiosk = Kiosk { machine, front: running.front(), zone: TimeZone::system(), hosts: Hosts::Loopback(at.port()) };
    tokio::spawn(kiosk::serve(listener, kiosk));
    eprintln!("cashpoint: the screen of {machine} is at http://{at}/screen");
    println!("ready");
    let by_itself = tokio::select! {
        _ = terminate.recv() => None,
        _ = interrupt.recv() => None,
        ended = running.ended() => Some(ended),
    };
    stop(running).await;
    match by_itself {
        None | Some(Ended::Stopped) => Ok(()),
        Some(Ended::QueueBroken) => bail!("the terminal has ended by itself; start it again"),
    }
}

fn enrolled(asked: &Enrol) -> Result<Verdict> {
    let Enrol { host, code, id, keys } = asked;
    if keys.exists() {
        return Ok(Verdict::Usage(format!("--keys {}: there is such a file, and it is kept", keys.display())));
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    match runtime.block_on(enrol(host, *id, code, keys, &SystemEntropy)) {
        Ok(()) => {
            println!("{id} is enrolled at {host}; its keys are in {}", keys.display());
            Ok(Verdict::Yes)
        }
        Err(wrong @ (EnrolError::Code(_) | EnrolError::Uplink(_))) => Ok(Verdict::Usage(wrong.to_string())),
        Err(refused @ EnrolError::Refused { .. }) => {
            eprintln!("cashpoint: {refused}");
            Ok(Verdict::No)
        }
        Err(failed @ (EnrolError::Unreachable(_) | EnrolError::Answer(_) | EnrolError::Keys(_))) => Err(failed.into()),
    }
}
