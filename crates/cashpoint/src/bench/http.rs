//! The host over HTTP: rounds at several numbers of connections, the memory of a session, and the report.

use std::sync::Arc;

use anyhow::{Result, ensure};
use cashpoint_bank::bank::Bank;
use cashpoint_bank::clock::{Clock, SystemClock};
use cashpoint_bank::crowd::Crowd;

use super::ground::{Ground, crowd, progress};
use super::memory::resident;
use super::mix::{Customer, Mix, ask_balance};
use super::report::{HttpReport, HttpRun, Saturation};
use super::round::Arena;
use super::server::{Pgbench, ServerReport};
use super::{Common, HttpBench, size};
use crate::Verdict;

/// The first number of connections of a search for saturation, and the last.
const SATURATE: (u32, u32) = (16, 16_384);

/// More connections must bring so much more to count as growth.
const GROWTH: f64 = 1.05;

/// File descriptors that are not connections.
const OTHER_FILES: u64 = 64;

pub(super) fn run(bench: &HttpBench) -> Result<Verdict> {
    let HttpBench { common, connections, saturate, pgbench_scale, .. } = bench;
    let files = open_files();
    let room = u32::try_from(files.saturating_sub(OTHER_FILES) / 2).unwrap_or(u32::MAX);
    if let Some(many) = connections.iter().find(|&&many| many > room && !saturate) {
        return Ok(Verdict::Usage(format!(
            "{many} connections take two files each here, and this process may open {files}: raise `ulimit -n`"
        )));
    }
    let ground = Ground::new(common.database.as_ref())?;
    let pgbench = match &common.database {
        Some(url) if ground.files().database.is_shared() && !saturate && *pgbench_scale > 0 => {
            Some(Pgbench::begin(url, *pgbench_scale)?)
        }
        Some(_) | None => None,
    };
    let measured = measured(bench, &ground, pgbench.as_ref(), room);
    // Whatever came of it.
    let ended = pgbench.as_ref().map_or(Ok(()), Pgbench::end);
    let report = measured?;
    ended?;
    common.print(&report)?;
    Ok(verdict(report.runs.iter().chain(report.server.iter().flat_map(|server| &server.two_hosts))))
}

fn measured(bench: &HttpBench, ground: &Ground, pgbench: Option<&Pgbench>, room: u32) -> Result<HttpReport> {
    let HttpBench { common, saturate, sessions, .. } = bench;
    let bank = ground.open()?;
    let mut customers = Vec::with_capacity(size(common.accounts));
    let mut crowd = crowd(&bank, size(common.accounts), |member| customers.push(member.into()))?;
    let start = u64::try_from(SystemClock.wall().micros()).unwrap_or(0);
    let mix = Arc::new(Mix::new(customers, crowd.machines().to_vec(), start));
    let mut arena = Arena::start(&bank)?;

    let (mut runs, mut saturation, mut rounds) = (Vec::new(), None, Vec::new());
    if *saturate {
        (runs, saturation) = saturated(&arena, &mix, (common.seconds, room.min(SATURATE.1)))?;
    } else {
        for number in 1..=common.rounds {
            rounds.extend(pgbench.map(|pgbench| pgbench.round(common.seconds)).transpose()?);
            runs.extend(round(bench, &arena, &mix, (number, pgbench))?);
        }
    }
    let bytes_per_session = match sessions {
        0 => None,
        sessions => bytes_per_session(&bank, &arena, &mut crowd, *sessions)?,
    };
    let median = HttpRun::medians(&runs);
    let mut server = None;
    if ground.files().database.is_shared() && !*saturate {
        let beside = pgbench.map(|pgbench| pgbench.beside(&rounds, &median)).transpose()?;
        let second = ground.open()?;
        arena.join(&second)?;
        let mut two_hosts = Vec::new();
        for number in 1..=common.rounds {
            two_hosts.extend(round(bench, &arena, &mix, (number, pgbench))?);
        }
        let two_hosts_median = HttpRun::medians(&two_hosts);
        server = Some(ServerReport { pgbench: beside, two_hosts, two_hosts_median });
        arena.stop();
        second.close();
    } else {
        arena.stop();
    }
    bank.close();
    let Common { accounts, seconds, .. } = *common;
    Ok(HttpReport { accounts, seconds, runs, median, saturation, bytes_per_session, server })
}

fn verdict<'a>(runs: impl Iterator<Item = &'a HttpRun>) -> Verdict {
    let mut verdict = Verdict::Yes;
    for (number, run) in (1..).zip(runs).filter(|(_, run)| run.void) {
        let HttpRun { connections, refusals, errors, .. } = run;
        eprintln!("cashpoint: run {number} ({connections} connections) is void: {refusals} refusals, {errors} errors");
        verdict = Verdict::No;
    }
    verdict
}

/// Each number of connections once.
fn round(
    bench: &HttpBench,
    arena: &Arena,
    mix: &Arc<Mix>,
    (number, pgbench): (u32, Option<&Pgbench>),
) -> Result<Vec<HttpRun>> {
    let HttpBench { common, connections, .. } = bench;
    let bar = progress(connections.len(), "connections");
    let mut runs = Vec::new();
    for &connections in connections {
        bar.set_message(format!("{connections}, round {number} of {}", common.rounds));
        runs.push(arena.round(mix, (connections, common.seconds), pgbench)?);
        bar.inc(1);
    }
    bar.finish_and_clear();
    Ok(runs)
}

/// Doubles the connections until that brings no growth twice in a row.
fn saturated(arena: &Arena, mix: &Arc<Mix>, limits: (u32, u32)) -> Result<(Vec<HttpRun>, Option<Saturation>)> {
    let (seconds, most) = limits;
    let bar = progress(11, "steps");
    let mut runs: Vec<HttpRun> = Vec::new();
    let mut best: Option<Saturation> = None;
    let (mut connections, mut without_growth) = (SATURATE.0, 0);
    while connections <= most && without_growth < 2 {
        bar.set_message(format!("{connections} connections"));
        let run = arena.round(mix, (connections, seconds), None)?;
        bar.inc(1);
        match best {
            Some(Saturation { requests_per_s, .. }) if run.requests_per_s < requests_per_s * GROWTH => {
                without_growth += 1;
            }
            Some(_) | None => {
                best = Some(Saturation { connections, requests_per_s: run.requests_per_s });
                without_growth = 0;
            }
        }
        runs.push(run);
        connections *= 2;
    }
    bar.finish_and_clear();
    Ok((runs, best))
}

/// What the process grows by when so many customers come, log in and ask for their balance once, per customer: their
/// rows, their session, and whatever the host remembers of it. Room for what the load keeps is made beforehand.
fn bytes_per_session(bank: &Bank, arena: &Arena, crowd: &mut Crowd, sessions: u32) -> Result<Option<u64>> {
    let mut customers = vec![Customer::NOBODY; size(sessions)];
    let mut requests: Vec<Vec<u8>> = vec![vec![0; 512]; size(sessions)];
    let Some(before) = resident() else {
        return Ok(None);
    };
    let mut places = customers.iter_mut();
    crowd.add(size(sessions), |member| {
        if let Some(place) = places.next() {
            *place = member.into();
        }
    })?;
    for (customer, request) in customers.iter().zip(&mut requests) {
        request.clear();
        ask_balance(customer, request);
    }
    let answered = arena.once(requests)?;
    ensure!(answered == size(sessions), "{answered} of {sessions} balances were told");
    bank.healthy()?;
    let growth = resident().map(|after| after.saturating_sub(before));
    Ok(growth.map(|bytes| bytes / u64::from(sessions)))
}

/// How many files this process may open; as good as unlimited where the system does not say.
pub(super) fn open_files() -> u64 {
    let limits = std::fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_how_many_files_there_may_be() {
        assert!(open_files() > 2 * OTHER_FILES);
    }
}
