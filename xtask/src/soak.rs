//! `cargo xtask soak`: the long versions of tests that have one.
//!
//! A test with a long version reads `CASHPOINT_SOAK`: set to `1` it uses its full counts, otherwise a short form fit
//! for every run. What it did it tells in a line with `soak: ` before it (`soak: 50 kills, 31204 acknowledged`), which
//! ends up in the block printed here. A name that selects no test fails: nothing was shown.
//!
//! `fuzz` is no test but the fuzz targets under a coverage-guided engine, ten minutes each or more.

use std::process::ExitCode;

use anyhow::{Result, bail};

use crate::process::{self, Stopwatch};
use crate::{fuzz, suite};

/// What is run for long.
enum Long {
    /// Tests of the package `cashpoint`, selected by a part of their names.
    Tests(&'static str),
    /// Those of another package.
    In { package: &'static str, filter: &'static str },
    /// The same, built as it is shipped: what counts is how much of it there is.
    Optimised { package: &'static str, filter: &'static str },
    /// Every fuzz target.
    Fuzz,
}

const SOAKS: &[(&str, Long)] = &[
    // kill -9 of the host at random moments under load.
    ("kill-host", Long::Tests("kill_nine")),
    // kill -9 of terminal, devices and host in the middle of visits: at every boundary and at random.
    ("kill-terminal", Long::Tests("kill_terminal")),
    // Many clients on the same accounts, sessions and request keys.
    ("concurrency", Long::Tests("concurrency")),
    // One of two hosts is stopped under load and continued.
    ("stand-still", Long::Tests("stood_still")),
    // The primary database is killed under load, its standby promoted.
    ("failover", Long::Tests("failover")),
    // Canary secrets: in no log line and no byte of the data folder.
    ("secrets", Long::Tests("canary")),
    // Disks as a power cut could have left them.
    ("power-loss", Long::Tests("power_loss")),
    // A terminal's journal, cut at every byte.
    ("torn-journal", Long::In { package: "cashpoint-terminal", filter: "cut_at_any_offset" }),
    // Ten times as much as the host can do.
    ("overload", Long::Tests("overload")),
    // Whether the time of a "no" tells who is known.
    ("timing", Long::Tests("timing")),
    // Two hundred terminals with their devices on one host.
    ("terminals", Long::Tests("many_terminals")),
    // Towns of machines in one loop, faults drawn from fresh seeds.
    ("simulate", Long::Optimised { package: "cashpoint-sim", filter: "fresh_towns" }),
    // Every parser that bytes from outside reach.
    ("fuzz", Long::Fuzz),
];

/// Runs one soak or all of them; each at least once, then again until `minutes` have passed.
pub(crate) fn run(only: Option<&str>, minutes: u64) -> Result<ExitCode> {
    let chosen: Vec<_> = SOAKS.iter().filter(|(name, _)| only.is_none_or(|only| only == *name)).collect();
    if chosen.is_empty() {
        let names: Vec<_> = SOAKS.iter().map(|(name, _)| *name).collect();
        bail!("no soak of that name; there are: {}", names.join(", "));
    }
    let mut blocks = Vec::new();
    let mut all_passed = true;
    for (name, long) in chosen {
        let soaked = match long {
            Long::Tests(filter) => soak(&["--package", "cashpoint", filter], minutes)?,
            Long::In { package, filter } => soak(&["--package", package, filter], minutes)?,
            Long::Optimised { package, filter } => soak(&["--release", "--package", package, filter], minutes)?,
            Long::Fuzz => fuzzed(minutes)?,
        };
        all_passed &= soaked.failed == 0 && soaked.passed > 0;
        blocks.push(soaked.block(name));
    }
    println!("\n{}", blocks.join("\n"));
    println!("commit:  {}\nmachine: {}", commit(), machine());
    Ok(if all_passed { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

struct Soaked {
    rounds: u64,
    passed: u64,
    failed: u64,
    seconds: u64,
    told: Vec<String>,
}

/// Runs the tests that these arguments of `cargo test` select.
fn soak(selection: &[&str], minutes: u64) -> Result<Soaked> {
    let watch = Stopwatch::start();
    let mut soaked = Soaked { rounds: 0, passed: 0, failed: 0, seconds: 0, told: Vec::new() };
    loop {
        let mut command = process::cargo()?;
        command.args(["test", "--no-fail-fast"]).args(selection);
        command.args(["--", "--nocapture", "--test-threads=1"]).env("CASHPOINT_SOAK", "1");
        let tally = suite::watch_libtest(command, |line| soaked.told.extend(told(line)))?;
        soaked.rounds += 1;
        soaked.passed += tally.passed;
        soaked.failed += tally.failed;
        soaked.seconds = watch.elapsed().as_secs();
        let nothing_ran = tally.passed + tally.failed == 0;
        if nothing_ran || soaked.failed > 0 || soaked.seconds >= minutes * 60 {
            return Ok(soaked);
        }
    }
}

/// A finding counts as a failure, a target without one as passed.
fn fuzzed(minutes: u64) -> Result<Soaked> {
    let watch = Stopwatch::start();
    let fuzzed = fuzz::run(minutes)?;
    Ok(Soaked {
        rounds: 1,
        passed: fuzzed.clean,
        failed: fuzzed.found,
        seconds: watch.elapsed().as_secs(),
        told: fuzzed.lines,
    })
}

impl Soaked {
    fn block(&self, name: &str) -> String {
        let verdict = match (self.passed, self.failed) {
            (0, 0) => "no test has that name".to_owned(),
            (passed, 0) => format!("{passed} passed"),
            (passed, failed) => format!("{passed} passed, {failed} FAILED"),
        };
        let mut block = format!("{name}: {verdict}, {} rounds, {} s\n", self.rounds, self.seconds);
        for line in &self.told {
            block.push_str("  ");
            block.push_str(line);
            block.push('\n');
        }
        block
    }
}

/// What stands after `soak: `; with one test thread it follows the test's name on the same line.
fn told(line: &str) -> Option<String> {
    line.split_once("soak: ").map(|(_, rest)| rest.trim().to_owned())
}

fn commit() -> String {
    let commit = process::answer("git", &["rev-parse", "--short=12", "HEAD"]);
    let edited =
        if process::answer("git", &["status", "--porcelain"]).is_empty() { "" } else { " with uncommitted edits" };
    if commit.is_empty() { "unknown (no git)".to_owned() } else { commit + edited }
}

fn machine() -> String {
    let processors = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = processors
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(':'))
        .map_or("unknown processor", |(_, model)| model.trim());
    let cores = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
    format!("{model}, {cores} cores, {}", process::answer("uname", &["-sr"]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_picks_up_what_a_test_tells() {
        assert_eq!(told("test kill_nine ... soak: 50 kills").as_deref(), Some("50 kills"));
        assert_eq!(told("test kill_nine ... ok"), None);
    }

    #[test]
    fn it_says_so_when_no_test_was_selected() {
        let nothing = Soaked { rounds: 1, passed: 0, failed: 0, seconds: 0, told: Vec::new() };
        assert_eq!(nothing.block("kill-host"), "kill-host: no test has that name, 1 rounds, 0 s\n");
    }

    #[test]
    fn it_refuses_an_unknown_name() {
        let refused = run(Some("nonsense"), 0).unwrap_err().to_string();
        for (name, _) in SOAKS {
            assert!(refused.contains(name), "{name}: {refused}");
        }
    }
}
