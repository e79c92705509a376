//! Terminals at work: whole withdrawals at machines with simulated devices, against a host in a process of its own.
//!
//! Terminals and devices run in this process, and reach each other and the host over sockets only; journals and the
//! devices' state are files, synced as ever. The people take no time to think, so what passes from a PIN to the notes is
//! the machine's, what the simulated mechanics take (`--motion-ms`) included.

mod person;
mod place;
mod report;

use std::time::Duration;

use anyhow::{Context, Result, bail};
use cashpoint_bank::clock::{Clock, SystemClock};
use clap::Args;
use tokio::task::JoinSet;

use super::ground::{Ground, progress};
use super::load::Dice;
use super::{memory, size};
use crate::Verdict;
use crate::configuration::DatabaseUrl;
use person::{Person, Visit};
use place::{HostProcess, Place, Site};
use report::{Half, Resident, TerminalReport, Visits};

/// How long machines may take to be ready for customers, and to tell the host what is still to be told.
const PATIENCE: Duration = Duration::from_secs(60);

/// Between two looks at how much memory is in use.
const LOOK: Duration = Duration::from_secs(1);

/// Files that a terminal with its devices has open in this process.
const FILES_EACH: u64 = 32;

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  cashpoint bench terminal\n  cashpoint bench terminal --seconds 60 --json\n  cashpoint bench terminal --terminals 200 --seconds 600 --pause-ms 20000\n\nEach visit is a withdrawal at a key press, no receipt; people act at once. `machine` is the time from the last key of the PIN to the notes within reach. Host in a process of its own, whose memory is looked at every second. A visit that went otherwise, a complaint of the host, or a note too few or too many makes the run void: exit 1."
)]
pub(crate) struct TerminalBench {
    /// How many terminals, each with its devices and one customer
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    terminals: u32,
    /// How long, once all of them serve
    #[arg(long, value_name = "N", default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..))]
    seconds: u32,
    /// How long nobody comes between two visits, on average
    #[arg(long, value_name = "MS", default_value_t = 0)]
    pause_ms: u32,
    /// How long each motion of the devices takes
    #[arg(long, value_name = "MS", default_value_t = 0)]
    motion_ms: u32,
    /// Where to make the bank: `sqlite:PATH` of a file that is not there yet, and is kept [default: a temporary folder,
    /// removed afterwards]
    #[arg(long, value_name = "URL")]
    database: Option<DatabaseUrl>,
    /// The report as JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(bench: &TerminalBench) -> Result<Verdict> {
    let (needed, files) = (u64::from(bench.terminals) * FILES_EACH + 64, super::http::open_files());
    if files < needed {
        return Ok(Verdict::Usage(format!(
            "{} terminals take some {needed} files, and this process may open {files}: raise `ulimit -n`",
            bench.terminals
        )));
    }
    let ground = Ground::new(bench.database.as_ref())?;
    if ground.files().database.is_shared() {
        return Ok(Verdict::Usage("terminals are measured on a bank in a file: name sqlite:PATH".to_owned()));
    }
    let machines = tempfile::Builder::new().prefix("cashpoint-bench-terminals-").tempdir()?;
    let site = Site::make(ground.files(), machines.path(), size(bench.terminals))?;
    let host = HostProcess::start(ground.files())?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().context("worker threads")?;
    let (mut visits, resident) = runtime.block_on(work(bench, &site, &host))?;
    let host_cpu_s = host.cpu_s();
    visits.wrong.extend(host.stop()?.into_iter().map(|line| format!("the host: {line}")));
    visits.wrong.extend(site.differences(ground.files(), (&visits.paid, &visits.inside))?);
    let report = TerminalReport::new((bench.terminals, bench.seconds), &visits, resident, host_cpu_s);
    if bench.json {
        println!("{}", serde_json::to_string(&report)?);
    } else {
        print!("{report}");
    }
    for line in &visits.wrong {
        eprintln!("cashpoint: {line}");
    }
    Ok(if visits.wrong.is_empty() { Verdict::Yes } else { Verdict::No })
}

/// Starts all machines, lets people come for as long as asked, and waits until the host knows everything.
async fn work(bench: &TerminalBench, site: &Site, host: &HostProcess) -> Result<(Visits, Resident)> {
    let bar = progress(size(bench.terminals), "terminals");
    let mut places = Vec::new();
    for spot in site.spots() {
        places.push(Place::start(spot, host.url(), bench.motion_ms).await?);
        bar.inc(1);
    }
    bar.finish_and_clear();
    for place in &places {
        tokio::time::timeout(PATIENCE, place.serves())
            .await
            .with_context(|| format!("{} does not serve", place.id))??;
    }
    let end = SystemClock.boot() + Duration::from_secs(bench.seconds.into());
    let mut people = JoinSet::new();
    for (number, place) in (0..).zip(places) {
        let dice = Dice::new(SystemClock.wall().micros().unsigned_abs() ^ (number << 32));
        people.spawn(come(place, (bench.pause_ms, end), dice));
    }
    let resident = watch(host, (bench.seconds, end)).await?;
    let mut visits = Visits::new(size(bench.terminals));
    let mut places = Vec::new();
    while let Some(done) = people.join_next().await {
        let (place, own, wrong) = done.context("a person's task")?;
        visits.add(place.number, &own);
        visits.wrong.extend(wrong.map(|error| format!("{}: {error:#}", place.id)));
        places.push(place);
    }
    // What was told last is told within two signs of life, or there is something wrong, which the books will show.
    tokio::time::sleep(Duration::from_secs(5)).await;
    for place in places {
        match place.inside().await {
            Ok(minor) => visits.inside[place.number] = Some(minor),
            Err(error) => visits.wrong.push(format!("{}: {error:#}", place.id)),
        }
        place.stop().await;
    }
    Ok((visits, resident))
}

/// One visit after the other, until the time is over or something is wrong.
async fn come(
    place: Place,
    (pause_ms, end): (u32, Duration),
    mut dice: Dice,
) -> (Place, Vec<Visit>, Option<anyhow::Error>) {
    let mut visits = Vec::new();
    loop {
        let pause = u64::from(pause_ms) / 2 + u64::try_from(dice.below(size(pause_ms) + 1)).unwrap_or(0);
        let left = end.saturating_sub(SystemClock.boot());
        if left.is_zero() || Duration::from_millis(pause) >= left {
            return (place, visits, None);
        }
        tokio::time::sleep(Duration::from_millis(pause)).await;
        match tokio::time::timeout(PATIENCE, Person::at(&place).visit()).await {
            Ok(Ok(visit)) => visits.push(visit),
            Ok(Err(error)) => return (place, visits, Some(error)),
            Err(_) => {
                let stuck =
                    anyhow::anyhow!("a visit does not end; the screen is {:?}", place.front().shown().borrow().screen);
                return (place, visits, Some(stuck));
            }
        }
    }
}

/// Looks at the host's memory until the end.
async fn watch(host: &HostProcess, (seconds, end): (u32, Duration)) -> Result<Resident> {
    let half = end.saturating_sub(Duration::from_secs(seconds.into()) / 2);
    let mut resident = Resident::default();
    while SystemClock.boot() < end {
        tokio::time::sleep(LOOK).await;
        let Some(bytes) = memory::resident_of(host.id()) else { bail!("the host is gone: {}", host.said()) };
        let part = if SystemClock.boot() < half { Half::First } else { Half::Second };
        resident.look(part, (bytes, memory::resident().unwrap_or(0)));
    }
    Ok(resident)
}
