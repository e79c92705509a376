//! `cashpoint simulate`: towns of machines under drawn faults, one after the other, until something is wrong or the time is
//! up. Judging is the simulation's matter; here it is counted and said.

use std::io::Write;
use std::time::{Duration, Instant};

use anyhow::Result;
use cashpoint_sim::series::{Scale, Series};
use cashpoint_sim::town::trace::Keep;
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};

use crate::Verdict;

/// Towns where neither a number of them nor a time is asked for.
const USUALLY: u64 = 20;

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  cashpoint simulate\n  cashpoint simulate --minutes 10\n  cashpoint simulate --seed 4711 --trace\n\nEach town is a bank, its machines and its customers, with faults drawn from the town's seed; a hundred visits are a\nterminal-day. Exit 1 if something is found that must not be: the report says how to have it again."
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
    let (began, ends) = (Instant::now(), simulate.minutes.map(|minutes| Duration::from_secs(minutes * 60)));
    let usually = match (simulate.trace, ends) {
        (true, _) => 1,
        (false, Some(_)) => u64::MAX,
        (false, None) => USUALLY,
    };
    let towns = simulate.seeds.unwrap_or(usually);
    let (bar, mut series) = (bar(towns), Series::default());
    while series.towns < towns && ends.is_none_or(|ends| began.elapsed() < ends) {
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
    let seconds = began.elapsed().as_secs().max(1);
    write!(out, "{series}")?;
    writeln!(out, "seeds {first} to {}", first.wrapping_add(series.towns.saturating_sub(1)))?;
    let a_minute = series.hundredths_of_days() * 60 / seconds / 100;
    writeln!(out, "{seconds} s: {a_minute} terminal-days a minute; nothing was wrong")?;
    Ok(Verdict::Yes)
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
