//! The long run of the fuzz targets: `cargo xtask soak --only fuzz`.
//!
//! Builds `fuzz/engine` with what the coverage of libFuzzer needs, which the stable compiler can do, and runs every target
//! for as long as asked, as many at once as there are cores. Inputs that reached something new stay in `target/fuzz`,
//! so that the next run begins where this one ended; what is to stay for good becomes a seed in `fuzz/corpus` by hand,
//! with a name that says what it is.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::thread;

use anyhow::{Context, Result, bail};

use crate::process;

/// The least that a target is run for.
const LEAST_MINUTES: u64 = 10;

/// Counters at every edge, and comparisons, of which libFuzzer learns what parsers look for.
const INSTRUMENTED: &str = "-Cpasses=sancov-module \
    -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
    -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares \
    -Ccodegen-units=1";

/// What a long run came to.
pub(crate) struct Fuzzed {
    /// A line for each target.
    pub(crate) lines: Vec<String>,
    /// Targets that ran to their end and held.
    pub(crate) clean: u64,
    /// Targets with a finding.
    pub(crate) found: u64,
}

/// Runs every target for `minutes`, at least [`LEAST_MINUTES`].
pub(crate) fn run(minutes: u64) -> Result<Fuzzed> {
    let root = process::root()?;
    let engine = build(&root)?;
    let minutes = minutes.max(LEAST_MINUTES);
    let mut targets = targets(&root)?;
    targets.reverse();
    let (queue, done) = (Mutex::new(targets), Mutex::new(Vec::new()));
    let at_once = thread::available_parallelism().map_or(1, std::num::NonZero::get);
    println!("{minutes} minutes a target, {at_once} at once; logs in target/fuzz");
    thread::scope(|scope| {
        for _ in 0..at_once {
            scope.spawn(|| {
                loop {
                    // Taken in a statement of its own: the lock is not held while the target runs.
                    let next = queue.lock().expect("no holder of this lock can panic").pop();
                    let Some(target) = next else { return };
                    let figures = one(&root, &engine, &target, minutes);
                    done.lock().expect("no holder of this lock can panic").push((target, figures));
                }
            });
        }
    });
    let mut fuzzed = Fuzzed { lines: Vec::new(), clean: 0, found: 0 };
    let mut done = done.into_inner().expect("no holder of this lock can panic");
    done.sort_by(|one, other| one.0.cmp(&other.0));
    for (target, figures) in done {
        let figures = figures?;
        match figures.finding {
            None => fuzzed.clean += 1,
            Some(_) => fuzzed.found += 1,
        }
        fuzzed.lines.push(figures.line(&target, minutes));
    }
    Ok(fuzzed)
}

/// Each has a folder of seeds.
fn targets(root: &Path) -> Result<Vec<String>> {
    let corpus = root.join("fuzz/corpus");
    let listing = fs::read_dir(&corpus).with_context(|| format!("listing {}", corpus.display()))?;
    let mut names = Vec::new();
    for entry in listing {
        names.push(entry?.file_name().to_string_lossy().into_owned());
    }
    names.sort();
    Ok(names)
}

fn build(root: &Path) -> Result<PathBuf> {
    let folder = root.join("fuzz/engine");
    // What is fuzzed is what ships: the engine's own few crates are added to the workspace's choice.
    fs::copy(root.join("Cargo.lock"), folder.join("Cargo.lock")).context("copying Cargo.lock for the engine")?;
    let version = process::answer("rustc", &["-vV"]);
    let triple = version.lines().find_map(|line| line.strip_prefix("host: "));
    // A target must be named, or else build scripts would be instrumented too, and could not be linked.
    let triple = triple.context("rustc -vV names its host")?;
    let mut command = process::cargo()?;
    command.args(["build", "--release", "--manifest-path", "fuzz/engine/Cargo.toml", "--target", triple]);
    command.env("CARGO_TARGET_DIR", root.join("target/fuzz/build")).env("RUSTFLAGS", INSTRUMENTED);
    if !process::run(&mut command)?.success() {
        bail!("the engine cannot be built; it needs a C++ compiler");
    }
    Ok(root.join("target/fuzz/build").join(triple).join("release/cashpoint-fuzz-engine"))
}

fn one(root: &Path, engine: &Path, target: &str, minutes: u64) -> Result<Figures> {
    let folder = root.join("target/fuzz").join(target);
    let corpus = folder.join("corpus");
    fs::create_dir_all(&corpus).with_context(|| format!("making {}", corpus.display()))?;
    let (dictionary, log) = (folder.join("dictionary"), folder.join("log"));
    // The engine fills it, before libFuzzer reads it.
    fs::write(&dictionary, "").with_context(|| format!("making {}", dictionary.display()))?;
    let file = File::create(&log).with_context(|| format!("making {}", log.display()))?;
    let mut command = process::program(engine)?;
    command.arg(&corpus).arg(format!("-max_total_time={}", minutes * 60));
    command.args(["-print_final_stats=1", "-timeout=60", "-rss_limit_mb=2048", "-detect_leaks=0"]);
    command.arg(format!("-dict={}", dictionary.display()));
    command.arg(format!("-artifact_prefix={}/finding-", folder.display()));
    command.env("CASHPOINT_FUZZ_TARGET", target).env("CASHPOINT_FUZZ_SEEDS", &corpus);
    command.env("CASHPOINT_FUZZ_DICTIONARY", &dictionary);
    // The engine ends without cleaning up, so its temporary files have a place of their own; in memory, if there is one.
    let memory = Path::new("/dev/shm");
    let temporary = if memory.is_dir() { memory } else { folder.as_path() };
    let temporary = temporary.join(format!("cashpoint-fuzz-{target}-{}", std::process::id()));
    fs::create_dir(&temporary).with_context(|| format!("making {}", temporary.display()))?;
    command.env("TMPDIR", &temporary);
    command.stdout(file.try_clone().context("a log for two streams")?).stderr(file);
    let status = process::run(&mut command)?;
    fs::remove_dir_all(&temporary).with_context(|| format!("removing {}", temporary.display()))?;
    let text = fs::read(&log).with_context(|| format!("reading {}", log.display()))?;
    let mut figures = Figures::read(&String::from_utf8_lossy(&text));
    if !status.success() && figures.finding.is_none() {
        figures.finding = Some(format!("ended with {status}"));
    }
    Ok(figures)
}

/// What libFuzzer said of itself.
#[derive(Debug, Default, PartialEq, Eq)]
struct Figures {
    executed: u64,
    /// Edges that the corpus reached when it began.
    before: u64,
    /// Edges that were reached when it ended.
    after: u64,
    /// Inputs of the corpus, as they were counted last.
    inputs: u64,
    /// The first finding, if there is one.
    finding: Option<String>,
}

impl Figures {
    fn read(log: &str) -> Self {
        let mut figures = Self::default();
        for line in log.lines() {
            let number = |name: &str| {
                let (_, rest) = line.split_once(name)?;
                rest.trim_start().split(|c: char| !c.is_ascii_digit()).next()?.parse::<u64>().ok()
            };
            if let Some(counted) = line.strip_prefix('#') {
                let executed = counted.split_whitespace().next().and_then(|count| count.parse().ok());
                figures.executed = executed.unwrap_or(figures.executed);
                figures.after = number(" cov: ").unwrap_or(figures.after);
                figures.inputs = number(" corp: ").unwrap_or(figures.inputs);
                if line.contains("\tINITED") {
                    figures.before = figures.after;
                }
            }
            if let Some(count) = number("stat::number_of_executed_units:") {
                figures.executed = count;
            }
            let found = line.split_once("Test unit written to ").map(|(_, file)| file);
            if let Some(file) = found.filter(|_| figures.finding.is_none()) {
                figures.finding = Some(file.to_owned());
            }
        }
        figures
    }

    fn line(&self, target: &str, minutes: u64) -> String {
        let Self { executed, before, after, inputs, .. } = self;
        let finding = self.finding.as_ref().map_or_else(String::new, |finding| format!(", FOUND {finding}"));
        format!("{target}: {minutes} min, {executed} executions, edges {before} → {after}, {inputs} inputs{finding}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOG: &str = "INFO: Loaded 1 modules   (12 inline 8-bit counters)\n\
        #22\tINITED cov: 812 ft: 1500 corp: 20/1024b exec/s: 0 rss: 40Mb\n\
        #4096\tNEW    cov: 815 ft: 1510 corp: 21/1064b lim: 20 exec/s: 900 rss: 41Mb L: 6/20 MS: 1 EraseBytes-\n";

    #[test]
    fn it_reads_a_run_that_ended() {
        let log = format!(
            "{LOG}#65536\tDONE   cov: 901 ft: 1700 corp: 35/2kb lim: 60 exec/s: 100 rss: 50Mb\n\
             stat::number_of_executed_units: 65537\n"
        );
        let figures = Figures::read(&log);
        assert_eq!(figures, Figures { executed: 65_537, before: 812, after: 901, inputs: 35, finding: None });
        assert_eq!(figures.line("json", 10), "json: 10 min, 65537 executions, edges 812 → 901, 35 inputs");
    }

    #[test]
    fn it_reads_a_run_that_found_something() {
        let log = format!("{LOG}artifact_prefix='a/'; Test unit written to a/crash-1\n");
        let figures = Figures::read(&log);
        assert_eq!((figures.executed, figures.after), (4_096, 815));
        assert_eq!(
            figures.line("json", 10),
            "json: 10 min, 4096 executions, edges 812 → 815, 21 inputs, FOUND a/crash-1"
        );
    }
}
