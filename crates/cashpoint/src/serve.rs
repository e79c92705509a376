//! `demo` and `host`: open the bank, serve until told to stop, close the bank.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result};
use cashpoint_bank::bank::{Bank, Mode, OpenError, Setting};
use cashpoint_bank::sandbox;
use cashpoint_bank::store::database::Database;
use cashpoint_host::notify::{Notifications, Notifier};
use cashpoint_host::server::ServerOptions;
use cashpoint_host::{Bound, Link, Listen, Mount, Options};
use tokio::signal::unix::{SignalKind, signal};

use crate::Verdict;
use crate::bank::setting;
use crate::cli;
use crate::configuration::{BankFiles, DatabaseUrl, HostSettings, bank_files, loopback};
use crate::machines::{Machines, Ready, Switched};
use crate::notify::Receivers;
use crate::panel;

/// Everything of a sandbox in one process.
pub(crate) fn demo(demo: cli::Demo) -> Result<Verdict> {
    let listen = match (demo.listen, std::env::var("PORT")) {
        (Some(listen), _) => listen,
        (None, Ok(port)) => match port.parse() {
            Ok(port) => loopback(port),
            Err(_) => return Ok(Verdict::Usage(format!("PORT={port:?} is no port number"))),
        },
        (None, Err(_)) => loopback(8080),
    };
    if !listen.ip().is_loopback() && !demo.expose_sandbox {
        return Ok(Verdict::Usage(open_sandbox(listen)));
    }
    let temporary =
        if demo.data == Path::new(":temp:") { Some(tempfile::tempdir().context("a temporary folder")?) } else { None };
    let folder = temporary.as_ref().map_or(demo.data, |folder| folder.path().to_owned());
    std::fs::create_dir_all(&folder).with_context(|| format!("data folder {}", folder.display()))?;
    let files = BankFiles { database: folder.join("bank.db").into(), keys: folder.join("keys.toml") };
    let listen = Listen { public: listen, operations: loopback(0) };
    let machines = Some(folder);
    let options = Options { mount: Mount::OnePort, ..Options::default() };
    let receivers = match Receivers::from_variables() {
        Ok(receivers) => receivers,
        Err(wrong) => return Ok(Verdict::Usage(format!("{wrong:#}"))),
    };
    run(
        setting(files).with_mode(Mode::Sandbox),
        &receivers,
        Serving { listen, options, server: ServerOptions::default(), machines },
    )
}

/// The host alone.
pub(crate) fn host(host: cli::Host) -> Result<Verdict> {
    let settings = match HostSettings::layered(host.config.as_deref(), &host.settings) {
        Ok(settings) => settings,
        Err(wrong) => return Ok(Verdict::Usage(format!("{wrong:#}"))),
    };
    if let Some(wrong) = too_open(&settings) {
        return Ok(Verdict::Usage(wrong));
    }
    let files = match bank_files(&settings.database, settings.keys.clone()) {
        Ok(files) => files,
        Err(wrong) => return Ok(Verdict::Usage(format!("{wrong:#}"))),
    };
    let replica = match settings.replica.as_ref().map(DatabaseUrl::replica).transpose() {
        Ok(Some(_)) if !files.database.is_shared() => {
            return Ok(Verdict::Usage("--replica: a bank in a file has none".to_owned()));
        }
        Ok(replica) => replica,
        Err(wrong) => return Ok(Verdict::Usage(format!("--replica: {wrong}"))),
    };
    let mode = if settings.sandbox { Mode::Sandbox } else { Mode::Real };
    let listen = Listen { public: settings.listen, operations: settings.operations };
    let proxies = cashpoint_host::address::Proxies::new(settings.behind_proxy.clone());
    let options = Options { proxies: proxies.clone(), ..Options::default() };
    let tls = match (&settings.tls_cert, &settings.tls_key) {
        (Some(certificate), Some(key)) => Some(cashpoint_host::server::load_tls(certificate, key)?),
        _ => None,
    };
    let (connections, requests) = (settings.most_connections.get(), settings.most_requests.get());
    let server = ServerOptions { tls, proxies, connections, requests, ..ServerOptions::default() };
    let mut setting = setting(files).with_mode(mode);
    setting.queue = settings.most_waiting.get();
    setting.replica = replica;
    run(setting, &settings.receivers(), Serving { listen, options, server, machines: None })
}

/// What forbids listening as the settings say.
fn too_open(settings: &HostSettings) -> Option<String> {
    let (listen, operations) = (settings.listen, settings.operations);
    // Health and metrics are served plain, so TLS on the public port does not open them.
    if !operations.ip().is_loopback() && settings.behind_proxy.is_empty() {
        return Some(format!(
            "--operations {operations} can be reached from elsewhere and is served in the clear: give it a loopback \
             address, or --behind-proxy with the network of the proxy that stands before it"
        ));
    }
    if listen.ip().is_loopback() {
        return None;
    }
    // Neither TLS nor a proxy makes play money safe from whoever comes along.
    match (settings.sandbox, settings.expose_sandbox) {
        (true, true) => None,
        (true, false) => Some(open_sandbox(listen)),
        (false, _) if settings.tls_cert.is_some() || !settings.behind_proxy.is_empty() => None,
        (false, _) => Some(format!(
            "{listen} can be reached from elsewhere, and PINs would cross the network in the clear: give --tls-cert and \
             --tls-key, or --behind-proxy with the network of the proxy that ends TLS"
        )),
    }
}

fn open_sandbox(listen: SocketAddr) -> String {
    format!("{listen} can be reached from elsewhere, and anybody may rob a sandbox: --expose-sandbox if that is meant")
}

/// Where to serve, and how.
struct Serving {
    listen: Listen,
    options: Options,
    server: ServerOptions,
    /// In which folder machines live that are run in the same process, if any are.
    machines: Option<PathBuf>,
}

fn run(setting: Setting, receivers: &Receivers, serving: Serving) -> Result<Verdict> {
    let database = setting.database.clone();
    let public = serving.listen.public;
    if setting.mode == Some(Mode::Sandbox) && !public.ip().is_loopback() {
        tracing::warn!(listen = %public, "this sandbox can be reached from elsewhere: anybody may rob it");
    }
    let (bank, notes) = match Bank::open(setting) {
        Ok(opened) => opened,
        Err(wrong @ (OpenError::NotASandbox(_) | OpenError::IsASandbox(_))) => {
            return Ok(Verdict::Usage(wrong.to_string()));
        }
        Err(error) => return Err(error.into()),
    };
    for note in notes {
        tracing::info!("{note}");
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().context("worker threads")?;
    let notifications = match receivers.open(&bank) {
        Ok(notifications) => notifications,
        Err(wrong) => {
            bank.close();
            return Ok(Verdict::Usage(format!("{wrong:#}")));
        }
    };
    let served = prepare(&bank, &database).and_then(|()| runtime.block_on(serve(&bank, notifications, serving)));
    bank.close();
    // A terminal that would not end is not waited for any longer: its journal has what it was about.
    runtime.shutdown_background();
    served.map(|()| Verdict::Yes)
}

fn prepare(bank: &Bank, database: &Database) -> Result<()> {
    if bank.is_sandbox() {
        sandbox::seed(bank)?;
    } else if !bank.has_operators()? {
        tracing::warn!(
            "there is no operator yet, so nobody can make customers, cards or machines: stop the host and run \
             `cashpoint operator add NAME --role admin --database {database}`"
        );
    }
    Ok(())
}

async fn serve(bank: &Bank, notifications: Notifications, serving: Serving) -> Result<()> {
    let Serving { listen, mut options, server, machines } = serving;
    let mut terminate = signal(SignalKind::terminate()).context("SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("SIGINT")?;
    let scheme = if server.tls.is_some() { "https" } else { "http" };
    // First of all, so that nothing happens that nobody is told of.
    let notifier = Notifier::start(bank, notifications).await;
    options.metrics.watch_feeds(notifier.figures().to_vec());
    let bound = Bound::open(listen, options.mount).await;
    let bound = bound.with_context(|| format!("listening on {}", listen.public))?;
    let ready = machines.map_or(Ok(Vec::new()), |folder| Ready::all(bank, &folder))?;
    let machines = Machines::start(ready, bound.local_addr()).await?;
    let links = |machine: &Arc<Switched>| {
        let id = machine.id();
        let place = machine.location();
        [
            Link { title: format!("{id}, {place}: the machine to play with"), path: panel::panel_path(id) },
            Link { title: format!("{id}: screen alone"), path: panel::screen_path(id) },
        ]
    };
    options.beside = machines.each().flat_map(links).collect();
    let beside = panel::mounted(bank, machines.each());
    let host = bound.serve_with(bank.clone(), options, server, beside);
    if let Some(operations) = host.operations_addr() {
        tracing::info!(address = %operations, "health and metrics");
    }
    println!("ready {scheme}://{}", host.local_addr());
    tokio::select! {
        _ = terminate.recv() => tracing::info!("SIGTERM: finishing what is in flight"),
        _ = interrupt.recv() => tracing::info!("interrupted: finishing what is in flight"),
    }
    // Each has a moment to finish, and they have the same one: a host ends within ten seconds.
    tokio::join!(host.stop(), notifier.stop(), machines.stop());
    Ok(())
}
