//! `cashpoint simulate`: towns of machines under drawn faults, one after the other, until something is wrong or the time is
//! up. Judging is the simulation's matter; here it is counted and said.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};
use cashpoint_bank::clock::{Clock, SystemClock};
use cashpoint_sim::explore::{choices, explore};
use cashpoint_sim::report::page;
use cashpoint_sim::series::{Scale, Series};
use cashpoint_sim::town::trace::Keep;
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use rustix::time::{ClockId, clock_gettime};

use crate::Verdict;

/// Towns where neither a number of them nor a time is asked for.
const USUALLY: u64 = 20;

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  cashpoint simulate\n  cashpoint simulate --minutes 10\n  cashpoint simulate --seed 4711 --trace\n  cashpoint simulate --policies --report policies.html\n\nEach town is a bank, its machines and its customers, with faults drawn from the town's seed; a hundred visits are a\nterminal-day. Exit 1 if something is found that must not be: the report says how to have it again."
)]
pub(crate) struct Simulate {
    /// Seed of the first town; each next one has the number after it [default: drawn]
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// How many towns [default: 20, or as many as there is time for; 1 with --trace]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    seeds: Option<u64>,
    /// For how long: no town begins later
    #[arg(long, value_name = "N")]
    minutes: Option<u64>,
    /// Machines in each town
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u16).range(1..=200))]
    machines: u16,
    /// Visits at each machine
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..))]
    visits: u32,
    /// Everything that is seen, line by line
    #[arg(long)]
    trace: bool,
    /// Compares policies for machines that are cut off instead: the same towns under each
    #[arg(long, conflicts_with_all = ["trace", "minutes"])]
    policies: bool,
    /// Where the comparison goes as a page, too
    #[arg(long, value_name = "FILE.html", requires = "policies")]
    report: Option<PathBuf>,
}

/// Runs towns.
///
/// # Errors
/// The report cannot be written.
pub(crate) fn simulate(simulate: &Simulate) -> Result<Verdict> {
    let mut out = std::io::stdout().lock();
    let first = simulate.seed.unwrap_or_else(|| u64::from(drawn()));
    let keep = if simulate.trace { Keep::All } else { Keep::Last };
    let scale = Scale { machines: usize::from(simulate.machines), visits: simulate.visits };
    if simulate.policies {
        let seeds: Vec<u64> = (0..simulate.seeds.unwrap_or(USUALLY)).map(|more| first.wrapping_add(more)).collect();
        return compare(&seeds, scale, simulate.report.as_deref(), &mut out);
    }
    let (began, ends) = (SystemClock.boot(), simulate.minutes.map(|minutes| Duration::from_secs(minutes * 60)));
    let usually = match (simulate.trace, ends) {
        (true, _) => 1,
        (false, Some(_)) => u64::MAX,
        (false, None) => USUALLY,
    };
    let towns = simulate.seeds.unwrap_or(usually);
    let (bar, mut series) = (bar(towns), Series::default());
    while series.towns < towns && ends.is_none_or(|ends| SystemClock.boot().saturating_sub(began) < ends) {
        let seed = first.wrapping_add(series.towns);
        match series.run(seed, scale, keep) {
            Ok(trace) if simulate.trace => out.write_all(trace.as_bytes())?,
            Ok(_) => {}
            Err(failure) => {
                bar.finish_and_clear();
                writeln!(out, "{failure}")?;
                return Ok(Verdict::No);
            }
        }
        bar.inc(1);
    }
    bar.finish_and_clear();
    let (seconds, work) = (SystemClock.boot().saturating_sub(began).as_secs(), processor_s().max(1));
    write!(out, "{series}")?;
    writeln!(out, "seeds {first} to {}", first.wrapping_add(series.towns.saturating_sub(1)))?;
    let a_minute = series.hundredths_of_days() * 60 / work;
    let (days, hundredths) = (a_minute / 100, a_minute % 100);
    writeln!(
        out,
        "{seconds} s, {work} of them work: {days}.{hundredths:02} terminal-days a minute of work; nothing was wrong"
    )?;
    Ok(Verdict::Yes)
}

/// The same towns under each policy.
fn compare(seeds: &[u64], scale: Scale, report: Option<&Path>, out: &mut impl Write) -> Result<Verdict> {
    let choices = choices();
    let bar = bar(choices.len() as u64);
    let mut points = Vec::new();
    for choice in &choices {
        match explore(choice, seeds, scale) {
            Ok(point) => points.push(point),
            Err(wrong) => {
                bar.finish_and_clear();
                writeln!(out, "{wrong}")?;
                return Ok(Verdict::No);
            }
        }
        bar.inc(1);
    }
    bar.finish_and_clear();
    writeln!(out, "{:<48}{:>8}{:>10}{:>10}{:>10}", "while cut off", "served", "exposed", "paid", "lost")?;
    for point in &points {
        let served = point.served_per_mille();
        let (exposed, paid, lost) = (point.exposed / 100, point.tally.offline / 100, point.lost() / 100);
        let (whole, tenths) = (served / 10, served % 10);
        writeln!(out, "{:<48}{:>6}.{}{exposed:>10}{paid:>10}{lost:>10}", point.name, whole, tenths)?;
    }
    writeln!(out, "served: per cent of visits; exposed: what one town's machines could pay unasked; dollars")?;
    if let Some(report) = report {
        let page = page(&points, seeds, scale);
        std::fs::write(report, page).with_context(|| format!("{}", report.display()))?;
    }
    Ok(Verdict::Yes)
}

/// What this process has worked so far, seconds.
fn processor_s() -> u64 {
    u64::try_from(clock_gettime(ClockId::ProcessCPUTime).tv_sec).unwrap_or(0)
}

/// Short enough to be told over a telephone.
fn drawn() -> u32 {
    let entropy = cashpoint_bank::entropy::SystemEntropy;
    u32::from_be_bytes(cashpoint_bank::entropy::random_bytes(&entropy))
}

fn bar(towns: u64) -> ProgressBar {
    let (bar, known) =
        if towns == u64::MAX { (ProgressBar::no_length(), "") } else { (ProgressBar::new(towns), "/{len}") };
    let style = ProgressStyle::with_template(&format!("{{elapsed}} {{wide_bar}} {{pos}}{known} towns"));
    bar.with_style(style.expect("it is a template"))
}
