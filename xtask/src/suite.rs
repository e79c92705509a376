//! `cargo xtask test`: the one command that runs every test.
//!
//! With cargo-nextest it runs each test in a process of its own and names the ten slowest; without it, plain
//! `cargo test` does the same tests and only the time of whole test programs is known. It closes with the line
//! `N passed, N failed`, which counts unit, integration and doc tests; tidy is one of them
//! (`tidy::tests::the_tree_is_tidy`).

use std::fs;
use std::path::PathBuf;
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail};

use crate::junit::{self, Verdict};
use crate::process;

const SHOWN: usize = 10;

/// What a run of tests came to.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Tally {
    /// Tests that passed.
    pub(crate) passed: u64,
    /// Tests that failed.
    pub(crate) failed: u64,
    /// Name and milliseconds of what ran, unordered.
    pub(crate) times: Vec<(String, u64)>,
}

/// Runs everything, or with `arguments` what they select.
pub(crate) fn run(arguments: &[String]) -> Result<ExitCode> {
    let tools = process::run(&mut process::program("scripts/install-test-tools")?)?;
    let nextest = process::has_cargo_subcommand("nextest")?;
    let mut tally = if nextest { with_nextest(arguments)? } else { with_cargo(&with_scope("test", arguments))? };
    let slowest_are =
        if nextest { "Slowest tests" } else { "Slowest test programs (cargo-nextest would time each test)" };
    if arguments.is_empty() {
        if nextest {
            tally.add(with_cargo(&with_scope("test", &["--doc".to_owned()]))?);
        }
    } else {
        println!("only what the arguments select; doc tests run without arguments");
    }
    println!("\n{slowest_are}:");
    for (name, millis) in tally.slowest() {
        println!("{:>5}.{:03} s  {name}", millis / 1000, millis % 1000);
    }
    if !tools.success() && tally.failed > 0 {
        println!("\nSome tools that tests use are missing: see the list above, from scripts/install-test-tools.");
    }
    println!("\n{} passed, {} failed", tally.passed, tally.failed);
    Ok(if tally.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn with_nextest(arguments: &[String]) -> Result<Tally> {
    let report = target_folder()?.join("nextest/default/junit.xml");
    // A report left by an earlier run must not be taken for this one's.
    if report.exists() {
        fs::remove_file(&report).with_context(|| format!("removing {}", report.display()))?;
    }
    let mut command = process::cargo()?;
    command.arg("nextest").args(with_scope("run", arguments));
    let status = process::run(&mut command)?;
    let Ok(text) = fs::read_to_string(&report) else {
        if status.success() {
            return Ok(Tally::default());
        }
        bail!("the tests did not run: {status}");
    };
    let mut tally = Tally::default();
    for case in junit::cases(&text)? {
        match case.verdict {
            Verdict::Passed => tally.passed += 1,
            Verdict::Failed => tally.failed += 1,
        }
        tally.times.push((case.name, case.millis));
    }
    if !status.success() && tally.failed == 0 {
        bail!("cargo nextest ended with {status} though no test failed");
    }
    Ok(tally)
}

fn with_cargo(arguments: &[String]) -> Result<Tally> {
    let mut command = process::cargo()?;
    command.args(arguments);
    watch_libtest(command, |_| {})
}

/// Runs a `cargo test` command and counts from what the test programs print; `see` gets every line too.
pub(crate) fn watch_libtest(command: Command, mut see: impl FnMut(&str)) -> Result<Tally> {
    let mut tally = Tally::default();
    let mut program = String::new();
    let status = process::watch(command, |line| {
        tally.read_line(line, &mut program);
        see(line);
    })?;
    if !status.success() && tally.failed == 0 {
        bail!("the tests did not run: {status}");
    }
    Ok(tally)
}

impl Tally {
    fn add(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.times.extend(other.times);
    }

    fn slowest(&self) -> impl Iterator<Item = &(String, u64)> {
        let mut times: Vec<_> = self.times.iter().collect();
        times.sort_by_key(|(name, millis)| (std::cmp::Reverse(*millis), name.clone()));
        times.into_iter().take(SHOWN)
    }

    /// Takes one line of `cargo test`; `program` is the test program that is running.
    fn read_line(&mut self, line: &str, program: &mut String) {
        let line = line.trim();
        if let Some(name) = line.strip_prefix("Running ").or_else(|| line.strip_prefix("Doc-tests ")) {
            *program = name.to_owned();
        }
        let Some(result) = line.strip_prefix("test result: ") else {
            return;
        };
        for part in result.split(['.', ';']) {
            let mut words = part.split_whitespace();
            let Some(Ok(count)) = words.next().map(str::parse::<u64>) else {
                continue;
            };
            match words.next() {
                Some("passed") => self.passed += count,
                Some("failed") => self.failed += count,
                Some(_) | None => {}
            }
        }
        if let Some((_, seconds)) = result.rsplit_once("finished in ") {
            let (whole, part) = seconds.trim_end_matches('s').split_once('.').unwrap_or(("0", "0"));
            let millis = whole.parse::<u64>().unwrap_or(0) * 1000 + part.parse::<u64>().unwrap_or(0) * 10;
            self.times.push((program.clone(), millis));
        }
    }
}

/// `VERB --no-fail-fast --workspace ARGUMENTS`, without the scope if the arguments name packages of their own.
fn with_scope(verb: &str, arguments: &[String]) -> Vec<String> {
    let names_packages =
        arguments.iter().any(|argument| argument.starts_with("-p") || argument.starts_with("--package"));
    let scope = (!names_packages).then_some("--workspace");
    let ours = [verb, "--no-fail-fast"].into_iter().chain(scope);
    ours.map(str::to_owned).chain(arguments.iter().cloned()).collect()
}

fn target_folder() -> Result<PathBuf> {
    let output = process::cargo()?.args(["metadata", "--format-version", "1", "--no-deps"]).output()?;
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).context("reading cargo metadata")?;
    let folder = metadata["target_directory"].as_str().context("cargo metadata names the target folder")?;
    Ok(PathBuf::from(folder))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_counts_what_libtest_prints() {
        let output = "     Running unittests src/lib.rs (target/debug/deps/a-1)\n\
                      test result: ok. 3 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 1.25s\n\
                      \x20    Running tests/b.rs (target/debug/deps/b-1)\n\
                      test result: FAILED. 4 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.07s\n";
        let mut tally = Tally::default();
        let mut program = String::new();
        output.lines().for_each(|line| tally.read_line(line, &mut program));
        assert_eq!((tally.passed, tally.failed), (7, 2));
        let slowest: Vec<_> = tally.slowest().map(|(name, millis)| (name.as_str(), *millis)).collect();
        let expected =
            [("unittests src/lib.rs (target/debug/deps/a-1)", 1250), ("tests/b.rs (target/debug/deps/b-1)", 70)];
        assert_eq!(slowest, expected);
    }

    #[test]
    fn it_leaves_the_workspace_scope_out_when_packages_are_named() {
        let named = ["-p".to_owned(), "cashpoint-core".to_owned()];
        assert_eq!(with_scope("run", &named), ["run", "--no-fail-fast", "-p", "cashpoint-core"]);
        assert_eq!(with_scope("run", &["withdraw".to_owned()]), ["run", "--no-fail-fast", "--workspace", "withdraw"]);
    }
}
