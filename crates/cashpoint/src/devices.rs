//! `cashpoint devices`: the hardware of one ATM, simulated, behind XFS4IoT.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use cashpoint_bank::clock::{Clock, SystemClock};
use cashpoint_bank::entropy::{Entropy, SystemEntropy};
use cashpoint_core::currency::Currency;
use cashpoint_core::money::Decimal;
use cashpoint_devices::model::{DeviceKeys, Fitting, Hardware, RANDOM_BYTES};
use cashpoint_devices::server::{Devices, Options, StateFile};
use clap::Args;
use tokio::signal::unix::{SignalKind, signal};
use zeroize::Zeroizing;

use crate::Verdict;

/// What `cashpoint devices` is asked for.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  cashpoint devices\n  cashpoint devices --listen 127.0.0.1:0 --state atm901.json --control 127.0.0.1:5900\n  cashpoint devices --currency EUR --cassette 50:1000 --cassette 20:1000 --motion-ms 0\n\nPrints `ready ws://ADDRESS/xfs4iot/v1.0` on stdout once it serves, and then `control http://ADDRESS` if asked to. The first start makes the machine's keys and writes them for the host, beside the state (STATE.keys.toml, for you alone)."
)]
pub(crate) struct DevicesFlags {
    /// Address of the services, on this machine
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:5846")]
    listen: SocketAddr,
    /// File that keeps the machine between runs
    #[arg(long, value_name = "PATH", default_value = "devices.json")]
    state: PathBuf,
    /// Address of the control interface, on this machine: people, faults, power (see docs/devices.md)
    #[arg(long, value_name = "ADDRESS")]
    control: Option<SocketAddr>,
    /// Currency of a new machine's notes
    #[arg(long, value_name = "CODE", default_value = "USD", value_parser = currency)]
    currency: Currency,
    /// A cassette of a new machine: what a note is worth, and how many there are; may be repeated
    #[arg(long = "cassette", value_name = "VALUE:NOTES", default_values = ["50:1000", "20:1000", "10:1000"])]
    cassettes: Vec<String>,
    /// How long each motion takes, milliseconds
    #[arg(long, value_name = "MS", default_value_t = 300)]
    motion_ms: u32,
}

fn currency(code: &str) -> Result<Currency, &'static str> {
    Currency::from_code(code).ok_or("not a currency")
}

/// Serves until it is told to stop.
pub(crate) fn devices(flags: &DevicesFlags) -> Result<Verdict> {
    let beyond = [Some(flags.listen), flags.control].into_iter().flatten().find(|address| !address.ip().is_loopback());
    if let Some(address) = beyond {
        return Ok(Verdict::Usage(format!(
            "{address}: whoever reaches simulated devices has its notes; use 127.0.0.1"
        )));
    }
    let Some(fitting) = fitting(flags) else {
        return Ok(Verdict::Usage("a cassette is VALUE:NOTES, such as 50:1000".to_owned()));
    };
    let hardware = machine(&flags.state, fitting)?;
    let options = Options { control: flags.control, ..options(flags.listen, flags.state.clone(), flags.motion_ms) };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(serve(hardware, options))?;
    Ok(Verdict::Yes)
}

/// Devices with the system's clock, without a control interface.
pub(crate) fn options(listen: SocketAddr, state: PathBuf, motion_ms: u32) -> Options {
    Options { listen, control: None, state, motion_ms, clock: || SystemClock.wall() }
}

async fn serve(hardware: Hardware, options: Options) -> Result<()> {
    let listen = options.listen;
    let devices = Devices::open(hardware, options).await.with_context(|| format!("listening on {listen}"))?;
    let mut stop = signal(SignalKind::terminate()).context("waiting for the signal to stop")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("waiting for the signal to stop")?;
    println!("ready ws://{}/xfs4iot/v1.0", devices.address()?);
    if let Some(control) = devices.control_address()? {
        println!("control http://{control}");
    }
    // What stands on the disk is always the machine as it is, so there is nothing to do at the end.
    tokio::select! {
        ended = devices.serve() => ended.context("keeping the machine's state"),
        _ = stop.recv() => Ok(()),
        _ = interrupt.recv() => Ok(()),
    }
}

/// The machine in the file, or a new one with keys of its own, which are also written for the host.
pub(crate) fn machine(path: &Path, fitting: Fitting) -> Result<Hardware> {
    let mut state = StateFile::at(path.to_owned());
    if let Some(hardware) = state.load()? {
        return Ok(hardware);
    }
    let mut random = Zeroizing::new([0; RANDOM_BYTES]);
    SystemEntropy.fill(&mut *random);
    let keys = DeviceKeys::from_random(&random);
    let provisioning = provisioning(path);
    // One that is there is left of a start that broke off before there was a machine: no machine has those keys.
    cashpoint_files::replace(&provisioning, keys.provisioning().as_bytes())
        .with_context(|| format!("the machine's keys for the host, {}", provisioning.display()))?;
    let hardware = Hardware::new(fitting, keys);
    state.save(&hardware)?;
    tracing::info!(file = %provisioning.display(), "a new machine; its keys are for its host");
    Ok(hardware)
}

/// Where the keys of a new machine are written for the host.
pub(crate) fn provisioning(state: &Path) -> PathBuf {
    state.with_extension("keys.toml")
}

fn fitting(flags: &DevicesFlags) -> Option<Fitting> {
    let cassette = |text: &String| {
        let (value, notes) = text.split_once(':')?;
        let amount = Decimal::parse(value).ok()?.to_amount(flags.currency).ok()?;
        Some((amount.minor(), notes.parse().ok()?))
    };
    let cassettes: Vec<(i64, u32)> = flags.cassettes.iter().map(cassette).collect::<Option<_>>()?;
    Some(Fitting::with(flags.currency, &cassettes))
}
