//! `cashpoint simulate`: towns of machines under drawn faults, one after the other, until something is wrong or the time is
//! up. Judging is the simulation's matter; here it is counted and said.

use std::fmt;
use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context, Result};
use cashpoint_bank::clock::{Clock, SystemClock};
use cashpoint_sim::explore::{choices, explore, tenths};
use cashpoint_sim::report::{course_page, policies_page};
use cashpoint_sim::series::{COMMIT, Drawn, Failure, Scale, Series, shrink};
use cashpoint_sim::town::profile::FAULTS;
use cashpoint_sim::town::trace::Keep;
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use rustix::time::{ClockId, clock_gettime};

use crate::Verdict;

/// Towns where neither a number of them nor a time is asked for.
const USUALLY: u64 = 20;

/// A run as long as this must reach every situation.
const LONG: Duration = Duration::from_secs(10 * 60);

/// How long a failure is made smaller.
const SHRINKS: Duration = Duration::from_secs(60);

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  cashpoint simulate\n  cashpoint simulate --minutes 10 --report run.html\n  cashpoint simulate --seed 4711 --trace\n  cashpoint simulate --policies --report policies.html\n\nEach town is a bank, its machines and its customers, with faults drawn from the town's seed; a hundred visits are a terminal-day. Ctrl-C ends the run with the town that is under way, a second one at once; what was done until then is shown. A comparison of policies is broken off.\n\nExit 1 if something is found that must not be: the report says how to have it again, made as small as a minute allows. Exit 1, too, if ten minutes or more did not reach every situation."
)]
pub(crate) struct Simulate {
    /// Seed of the first town; each next one has the number after it [default: drawn]
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// How many towns [default: 20, or as many as there is time for; 1 with --trace]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    seeds: Option<u64>,
    /// For how long: no town begins later
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=100_000))]
    minutes: Option<u64>,
    /// Machines in each town
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u16).range(1..=200))]
    machines: u16,
    /// Visits at each machine
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    visits: u32,
    /// Faults that no town has, with commas between
    #[arg(long, value_name = "FAULTS", value_delimiter = ',', value_parser = FAULTS, conflicts_with = "policies")]
    without: Vec<String>,
    /// Everything that is seen, line by line
    #[arg(long)]
    trace: bool,
    /// Compares policies for machines that are cut off instead: the same towns under each
    #[arg(long, conflicts_with_all = ["trace", "minutes"])]
    policies: bool,
    /// Where the run, or the comparison, goes as a page, too
    #[arg(long, value_name = "FILE.html")]
    report: Option<PathBuf>,
}

/// Runs towns.
///
/// # Errors
/// The report cannot be written.
pub(crate) fn simulate(simulate: &Simulate) -> Result<Verdict> {
    let mut out = std::io::stdout().lock();
    let first = simulate.seed.unwrap_or_else(|| u64::from(drawn()));
    let scale = Scale { machines: usize::from(simulate.machines), visits: simulate.visits };
    if let Some(report) = &simulate.report {
        // Said now, and not after an hour's work. What is there stays until there is something to put in its place.
        let opened = OpenOptions::new().append(true).create(true).open(report);
        opened.with_context(|| cannot_write(report))?;
    }
    if simulate.policies {
        let seeds: Vec<u64> = (0..simulate.seeds.unwrap_or(USUALLY)).map(|more| first.wrapping_add(more)).collect();
        return compare(&seeds, scale, simulate.report.as_deref(), &mut out);
    }
    let run = Run { first, scale, ends: simulate.minutes.map(|minutes| Duration::from_secs(minutes * 60)) };
    let began = SystemClock.boot();
    let interrupted = interrupted()?;
    let (series, failure) = run.all(simulate, &interrupted, &mut out)?;
    if let Some(report) = &simulate.report {
        let (last, wrong) = (run.last(&series), failure.as_ref().map(ToString::to_string));
        write_report(report, &course_page(&series, (first, last), scale, wrong.as_deref()))?;
    }
    if let Some(failure) = failure {
        return tell_failure(failure, &interrupted, &mut out);
    }
    say(&mut out, format_args!("{series}seeds {first} to {}, commit {COMMIT}\n", run.last(&series)))?;
    let (seconds, work) = (SystemClock.boot().saturating_sub(began).as_secs(), processor_s().max(1));
    let a_minute = series.hundredths_of_days() * 60 / work;
    let (days, hundredths) = (a_minute / 100, a_minute % 100);
    let pace = format!("{seconds} s, {work} of them work: {days}.{hundredths:02} terminal-days a minute of work");
    let long = run.ends.is_some_and(|ends| ends >= LONG && began_before(began, ends));
    if long && !series.never().is_empty() {
        say(&mut out, format_args!("{pace}; nothing was wrong, but not every situation was reached\n"))?;
        return Ok(Verdict::No);
    }
    say(&mut out, format_args!("{pace}; nothing was wrong\n"))?;
    Ok(Verdict::Yes)
}

fn say(out: &mut impl Write, words: fmt::Arguments<'_>) -> Result<()> {
    let said = out.write_fmt(words).and_then(|()| out.flush());
    if said.as_ref().is_err_and(|error| error.kind() == ErrorKind::BrokenPipe) {
        // Whoever read has gone, as `head` does, and knows why there is no more.
        std::process::exit(3);
    }
    said.context("standard output")
}

/// Whether so much time has passed: a run that somebody ended before is none that had to reach everything.
fn began_before(began: Duration, time: Duration) -> bool {
    SystemClock.boot().saturating_sub(began) >= time
}

/// Towns from a seed on.
struct Run {
    first: u64,
    scale: Scale,
    ends: Option<Duration>,
}

impl Run {
    /// The seed of the last town.
    fn last(&self, series: &Series) -> u64 {
        self.first.wrapping_add(series.towns.saturating_sub(1))
    }

    /// All of them, or until something is wrong or somebody interrupts.
    fn all(
        &self,
        simulate: &Simulate,
        interrupted: &AtomicBool,
        out: &mut impl Write,
    ) -> Result<(Series, Option<Failure>)> {
        let keep = if simulate.trace { Keep::All } else { Keep::Last };
        let usually = match (simulate.trace, self.ends) {
            (true, _) => 1,
            (false, Some(_)) => u64::MAX,
            (false, None) => USUALLY,
        };
        let towns = simulate.seeds.unwrap_or(usually);
        let began = SystemClock.boot();
        let (bar, mut series) = (bar(towns, self.ends), Series::default());
        let without: Vec<&'static str> =
            FAULTS.into_iter().filter(|fault| simulate.without.iter().any(|name| name == fault)).collect();
        while series.towns < towns
            && !interrupted.load(Ordering::Relaxed)
            && self.ends.is_none_or(|ends| !began_before(began, ends))
        {
            let seed = self.first.wrapping_add(series.towns);
            match series.run_drawn(Drawn { seed, scale: self.scale, without: without.clone() }, keep) {
                Ok(trace) if simulate.trace => say(out, format_args!("{trace}"))?,
                Ok(_) => {}
                Err(failure) => {
                    bar.finish_and_clear();
                    return Ok((series, Some(*failure)));
                }
            }
            let s = SystemClock.boot().saturating_sub(began).as_secs();
            bar.set_position(if self.ends.is_some() { s } else { series.towns });
            bar.set_message(format!("{} towns, {} terminal-days", series.towns, series.hundredths_of_days() / 100));
        }
        bar.finish_and_clear();
        Ok((series, None))
    }
}

/// Says what was wrong, and then how little it needs.
fn tell_failure(failure: Failure, interrupted: &AtomicBool, out: &mut impl Write) -> Result<Verdict> {
    say(out, format_args!("{failure}\n"))?;
    let began = SystemClock.boot();
    let bar = ProgressBar::new_spinner().with_message("trying smaller towns and fewer faults");
    let mut goes_on = || {
        bar.tick();
        !interrupted.load(Ordering::Relaxed) && !began_before(began, SHRINKS)
    };
    let before = failure.sights;
    let least = shrink(failure, &mut goes_on);
    bar.finish_and_clear();
    if least.sights < before {
        say(out, format_args!("\nthe same in {} sights instead of {before}:\n{least}\n", least.sights))?;
    }
    Ok(Verdict::No)
}

/// Becomes true at the first Ctrl-C; the second one ends the process.
fn interrupted() -> Result<Arc<AtomicBool>> {
    let interrupted = Arc::new(AtomicBool::new(false));
    let told = Arc::clone(&interrupted);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().context("waiting for Ctrl-C")?;
    std::thread::spawn(move || {
        runtime.block_on(async {
            while tokio::signal::ctrl_c().await.is_ok() {
                if told.swap(true, Ordering::Relaxed) {
                    std::process::exit(130);
                }
                eprintln!("\ncashpoint: this ends with the town that is under way; Ctrl-C again ends it at once");
            }
        });
    });
    Ok(interrupted)
}

fn write_report(report: &Path, page: &str) -> Result<()> {
    std::fs::write(report, page).with_context(|| cannot_write(report))
}

fn cannot_write(report: &Path) -> String {
    format!("the report cannot be written to {}", report.display())
}

/// The same towns under each policy.
fn compare(seeds: &[u64], scale: Scale, report: Option<&Path>, out: &mut impl Write) -> Result<Verdict> {
    let choices = choices();
    let bar = bar(choices.len() as u64, None);
    let mut points = Vec::new();
    for choice in &choices {
        match explore(choice, seeds, scale) {
            Ok(point) => points.push(point),
            Err(wrong) => {
                bar.finish_and_clear();
                say(out, format_args!("{wrong}\n"))?;
                return Ok(Verdict::No);
            }
        }
        bar.inc(1);
    }
    bar.finish_and_clear();
    let [hourly, share, exposed, paid, lost] = ["an hour", "of visits", "exposed", "paid", "lost"];
    say(out, format_args!("{:<46}{hourly:>9}{share:>10}{exposed:>9}{paid:>8}{lost:>8}\n", "while cut off"))?;
    for point in &points {
        let [hourly, share] = [point.served_in_ten_hours(), point.served_per_mille()].map(tenths);
        let (exposed, paid, lost) = (point.exposed / 100, point.tally.offline / 100, point.lost() / 100);
        say(out, format_args!("{:<46}{hourly:>9}{share:>9}%{exposed:>9}{paid:>8}{lost:>8}\n", point.name))?;
    }
    let (served, money) = (
        "customers served in an hour at a machine, and of all who came",
        "exposed: what one town's machines could pay unasked; paid: what all did; lost: to stolen cards or charged to nobody",
    );
    say(out, format_args!("{served}\n{money}; dollars\n"))?;
    if let Some(report) = report {
        write_report(report, &policies_page(&points, seeds, scale))?;
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

/// How far it is: by towns, or by time.
fn bar(towns: u64, ends: Option<Duration>) -> ProgressBar {
    let length = ends.map_or(towns, |ends| ends.as_secs());
    let template = if ends.is_some() { "{elapsed} {wide_bar} {msg}" } else { "{elapsed} {wide_bar} {pos}/{len} {msg}" };
    let style = ProgressStyle::with_template(template).expect("it is a template");
    ProgressBar::new(length).with_style(style)
}
