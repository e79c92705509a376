//! What is measured besides where the bank is on a database server: what that server does by itself (`pgbench`, TPC-B), and
//! what a second host costs. `pgbench` is the one of the distribution; its tables stand in a schema of their own beside the
//! bank, and are gone in the end.
//!
//! Whoever is measured finds the server as the other does: they take turns, and before each measurement, of either, the server
//! writes out whatever the one before left behind (a checkpoint), and there is a second of warming up.

use std::fmt;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};
use serde::Serialize;

use super::ground::progress;
use super::report::{HttpRun, median, rounded, write_runs};
use crate::configuration::DatabaseUrl;

/// How many clients `pgbench` is given: alone, at its best, more than it likes.
const CLIENTS: [u32; 3] = [1, 16, 64];

/// Threads of `pgbench`, where it has as many clients.
const THREADS: u32 = 2;

/// Where its tables stand.
const SCHEMA: &str = "cashpoint_pgbench";

/// Where Debian's packages put the programs, by version, for whom the wrapper of their names is not installed.
const PACKAGES: &str = "/usr/lib/postgresql";

/// How many transactions so many clients got from the server, in the median.
#[derive(Clone, PartialEq, Serialize, Debug)]
pub(super) struct PgbenchRun {
    clients: u32,
    transactions_per_s: f64,
}

/// What the server does by itself.
#[derive(Clone, PartialEq, Serialize, Debug)]
pub(super) struct PgbenchReport {
    scale: u32,
    runs: Vec<PgbenchRun>,
    best_per_s: f64,
    /// The host's best durable operations per second / `best_per_s`.
    times: f64,
}

/// What is measured besides on a database server.
#[derive(Clone, PartialEq, Serialize, Debug)]
pub(super) struct ServerReport {
    /// None if `pgbench` was not asked.
    pub(super) pgbench: Option<PgbenchReport>,
    /// The same load spread over two hosts: all runs, and their medians.
    pub(super) two_hosts: Vec<HttpRun>,
    pub(super) two_hosts_median: Vec<HttpRun>,
}

/// What each number of clients got in one round, transactions per second.
pub(super) type PgbenchRound = [f64; CLIENTS.len()];

/// `pgbench` and its tables.
pub(super) struct Pgbench {
    program: PathBuf,
    url: DatabaseUrl,
    scale: u32,
}

impl Pgbench {
    /// Has it make its tables of this scale.
    ///
    /// # Errors
    /// There is no `pgbench`, or it fails.
    pub(super) fn begin(url: &DatabaseUrl, scale: u32) -> Result<Self> {
        let pgbench = Self { program: program()?, url: url.clone(), scale };
        let bar = progress(1, "pgbench");
        bar.set_message("tables");
        pgbench.script(&format!("CREATE SCHEMA {SCHEMA}"))?;
        let made = pgbench.run(&["--initialize", "--quiet", "--scale", &scale.to_string()], "");
        bar.finish_and_clear();
        match made {
            Ok(_) => Ok(pgbench),
            Err(error) => {
                // What was made of them is of no use; that it failed is what counts.
                let _ = pgbench.end();
                Err(error)
            }
        }
    }

    /// Measures each number of clients for so many seconds.
    ///
    /// # Errors
    /// It fails.
    pub(super) fn round(&self, seconds: u32) -> Result<PgbenchRound> {
        let mut round = [0.0; CLIENTS.len()];
        for (clients, figure) in CLIENTS.into_iter().zip(&mut round) {
            self.settle()?;
            self.measure(clients, 1)?;
            *figure = self.measure(clients, seconds)?;
        }
        Ok(round)
    }

    /// Has the server write out all that is left to write, and waits for it.
    ///
    /// # Errors
    /// It may not, or fails.
    pub(super) fn settle(&self) -> Result<()> {
        self.script("CHECKPOINT").context(
            "each measurement begins after a checkpoint, which needs a superuser or a member of pg_checkpoint: let the \
             benchmark be one, or leave pgbench out with --pgbench-scale 0",
        )
    }

    /// Drops its tables.
    ///
    /// # Errors
    /// It fails.
    pub(super) fn end(&self) -> Result<()> {
        self.script(&format!("DROP SCHEMA {SCHEMA} CASCADE"))
    }

    /// What it came to, beside what a host did: of both the median of the rounds for each number of clients (or
    /// connections), and of these the best.
    ///
    /// # Errors
    /// It did nothing.
    pub(super) fn beside(&self, rounds: &[PgbenchRound], host: &[HttpRun]) -> Result<PgbenchReport> {
        let middle = |at: usize| rounded(median(rounds.iter().map(|round| round[at])), 1);
        let runs = CLIENTS.into_iter().enumerate();
        let runs = runs.map(|(at, clients)| PgbenchRun { clients, transactions_per_s: middle(at) });
        let runs: Vec<PgbenchRun> = runs.collect();
        let best_per_s = runs.iter().map(|run| run.transactions_per_s).fold(0.0, f64::max);
        ensure!(best_per_s > 0.0, "pgbench did nothing");
        let best = host.iter().map(|run| run.durable_per_s).fold(0.0, f64::max);
        Ok(PgbenchReport { scale: self.scale, runs, best_per_s, times: rounded(best / best_per_s, 2) })
    }

    fn measure(&self, clients: u32, seconds: u32) -> Result<f64> {
        let (clients, threads, seconds) = (clients.to_string(), clients.min(THREADS).to_string(), seconds.to_string());
        let load = ["--client", &clients, "--jobs", &threads, "--time", &seconds];
        let said = self.run(&[&["--no-vacuum", "--protocol", "prepared"][..], &load[..]].concat(), "")?;
        transactions_per_s(&said)
    }

    /// Runs a statement, which needs no other program than this one.
    fn script(&self, statement: &str) -> Result<()> {
        let once = ["--no-vacuum", "--client", "1", "--transactions", "1", "--file", "-"];
        self.run(&once, &format!("{statement};\n")).map(drop)
    }

    /// What it says. Where the server is it reads from its environment: a command line can be read by everybody.
    fn run(&self, arguments: &[&str], input: &str) -> Result<String> {
        let mut command = Command::new(&self.program);
        command.args(arguments).env("PGDATABASE", self.url.expose()).env("PGTARGETSESSIONATTRS", "read-write");
        command.env("PGOPTIONS", format!("-c search_path={SCHEMA}"));
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().with_context(|| self.program.display().to_string())?;
        if let Some(mut stdin) = child.stdin.take() {
            stdin.write_all(input.as_bytes())?;
        }
        let done = child.wait_with_output()?;
        if !done.status.success() {
            bail!("pgbench: {}", String::from_utf8_lossy(&done.stderr).trim());
        }
        Ok(String::from_utf8_lossy(&done.stdout).into_owned())
    }
}

impl fmt::Display for ServerReport {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(PgbenchReport { scale, runs, times, .. }) = &self.pgbench {
            write!(out, "pgbench on the same server (TPC-B, scale {scale}, prepared), in turns with the host:")?;
            for (at, PgbenchRun { clients, transactions_per_s }) in runs.iter().enumerate() {
                write!(out, "{} {clients} clients {transactions_per_s:.0}/s", if at == 0 { "" } else { "," })?;
            }
            writeln!(out, "\none host: {times:.2} durable operations for each transaction of pgbench's best")?;
            writeln!(out, "(before each measurement, of either, a checkpoint and a second of warming up; medians)")?;
        }
        writeln!(out, "two hosts, half of the connections each:")?;
        write_runs(&self.two_hosts_median, out)
    }
}

/// `pgbench`: the one that is found by its name, or else the newest of the distribution's.
fn program() -> Result<PathBuf> {
    let paths = std::env::var_os("PATH").unwrap_or_default();
    let named = std::env::split_paths(&paths).map(|folder| folder.join("pgbench")).find(|path| path.is_file());
    let versions = std::fs::read_dir(PACKAGES).into_iter().flatten().flatten();
    let versions = versions.filter_map(|version| version.file_name().to_str()?.parse::<u32>().ok());
    let packaged = |version: u32| Path::new(PACKAGES).join(version.to_string()).join("bin/pgbench");
    let newest = || versions.filter(|version| packaged(*version).is_file()).max().map(packaged);
    named.or_else(newest).context(
        "pgbench is not installed (it comes with PostgreSQL's server): install it, or leave it out with --pgbench-scale 0",
    )
}

/// Of none at all it says no figure: clients that are still connecting when their time is over do nothing.
fn transactions_per_s(said: &str) -> Result<f64> {
    if said.lines().any(|line| line == "number of transactions actually processed: 0") {
        return Ok(0.0);
    }
    let figure = said.lines().find_map(|line| line.strip_prefix("tps = ")?.split_whitespace().next()?.parse().ok());
    figure.with_context(|| format!("what pgbench says is not understood: {said}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compares_the_best_medians_of_both() {
        let pgbench =
            Pgbench { program: PathBuf::new(), url: DatabaseUrl::from("postgres://localhost/bench"), scale: 64 };
        let host = [(256, 9_000.0), (1_000, 20_000.0)].map(|(connections, durable_per_s)| HttpRun {
            connections,
            requests_per_s: durable_per_s,
            durable_per_s,
            baseline_per_s: 100_000.0,
            ratio: 0.1,
            p50_ms: 1.0,
            p99_ms: 2.0,
            p999_ms: 3.0,
            refusals: 0,
            errors: 0,
            void: false,
        });
        let rounds = [[1_000.0, 9_000.0, 4_000.0], [1_200.0, 5_000.0, 4_400.0], [800.0, 4_800.0, 9_100.0]];
        let report = pgbench.beside(&rounds, &host).unwrap();
        let medians: Vec<_> = report.runs.iter().map(|run| (run.clients, run.transactions_per_s)).collect();
        assert_eq!(medians, [(1, 1_000.0), (16, 5_000.0), (64, 4_400.0)]);
        assert_eq!((report.best_per_s, report.times), (5_000.0, 4.0));
        assert!(pgbench.beside(&[], &host).is_err(), "nothing was measured");
    }

    #[test]
    fn reads_what_pgbench_says() {
        let said = "number of failed transactions: 0 (0.000%)\nlatency average = 3.321 ms\n\
                    initial connection time = 27.6 ms\ntps = 4817.690123 (without initial connection time)\n";
        assert_eq!(transactions_per_s(said).unwrap(), 4817.690_123);
        let none = "number of transactions actually processed: 0\nnumber of failed transactions: 0 (NaN%)\n";
        assert_eq!(transactions_per_s(none).unwrap(), 0.0);
        assert!(transactions_per_s("pgbench (15.1)\n").is_err());
    }
}
