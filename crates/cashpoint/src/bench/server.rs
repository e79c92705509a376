//! What is measured besides where the bank is on a database server: what that server does by itself (`pgbench`, TPC-B), and
//! what a second host costs. `pgbench` is the one of the distribution; its tables stand in the bank's database before the
//! bank does, and are gone then.

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};
use serde::Serialize;

use super::ground::progress;
use super::report::{HttpRun, median, rounded, write_runs};
use super::size;
use crate::configuration::DatabaseUrl;

/// How many clients `pgbench` is given: alone, at its best, more than it likes.
const CLIENTS: [u32; 3] = [1, 16, 64];

/// Threads of `pgbench`, where it has as many clients.
const THREADS: u32 = 2;

/// Where Debian's packages put the programs, by version, for whom the wrapper of their names is not installed.
const PACKAGES: &str = "/usr/lib/postgresql";

/// How many transactions so many clients got from the server, in the median.
#[derive(Clone, PartialEq, Serialize, Debug)]
pub(super) struct PgbenchRun {
    clients: u32,
    transactions_per_s: f64,
}

/// What the server does by itself: none if it was not asked.
#[derive(Clone, PartialEq, Serialize, Debug)]
pub(super) struct Pgbench {
    scale: u32,
    runs: Vec<PgbenchRun>,
    best_per_s: f64,
    /// The host's best durable operations per second / `best_per_s`.
    times: f64,
}

/// What is measured besides on a database server.
#[derive(Clone, PartialEq, Serialize, Debug)]
pub(super) struct ServerReport {
    pub(super) pgbench: Option<Pgbench>,
    /// The same load spread over two hosts: all runs, and their medians.
    pub(super) two_hosts: Vec<HttpRun>,
    pub(super) two_hosts_median: Vec<HttpRun>,
}

impl Pgbench {
    /// Has `pgbench` make its tables of this scale, at least one; measures so many rounds of so many seconds with each number
    /// of clients; has it drop the tables.
    ///
    /// # Errors
    /// There is no `pgbench`, or it fails.
    pub(super) fn measure(url: &DatabaseUrl, scale: u32, (rounds, seconds): (u32, u32)) -> Result<Self> {
        let program = program()?;
        let run = |arguments: &[&str]| run(&program, url, arguments);
        let bar = progress(CLIENTS.len() * size(rounds), "pgbench");
        run(&["--initialize", "--quiet", "--scale", &scale.to_string()])?;
        let measured = CLIENTS.map(|clients| {
            let (threads, clients_text) = (clients.min(THREADS).to_string(), clients.to_string());
            let mut figures = Vec::new();
            for _ in 0..rounds {
                let seconds = seconds.to_string();
                let said = run(&[
                    "--no-vacuum",
                    "--protocol",
                    "prepared",
                    "--time",
                    &seconds,
                    "--client",
                    &clients_text,
                    "--jobs",
                    &threads,
                ])?;
                figures.push(transactions_per_s(&said)?);
                bar.inc(1);
            }
            anyhow::Ok(PgbenchRun { clients, transactions_per_s: rounded(median(figures.into_iter()), 1) })
        });
        bar.finish_and_clear();
        // Whatever came of it, the bank wants an empty database.
        run(&["--initialize", "--init-steps", "d"])?;
        let runs = measured.into_iter().collect::<Result<Vec<_>>>()?;
        let best_per_s = runs.iter().map(|run| run.transactions_per_s).fold(0.0, f64::max);
        ensure!(best_per_s > 0.0, "pgbench did nothing");
        Ok(Self { scale, runs, best_per_s, times: 0.0 })
    }

    /// Beside what a host did.
    pub(super) fn beside(self, host: &[HttpRun]) -> Self {
        let best = host.iter().map(|run| run.durable_per_s).fold(0.0, f64::max);
        Self { times: rounded(best / self.best_per_s, 2), ..self }
    }
}

impl fmt::Display for ServerReport {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(Pgbench { scale, runs, times, .. }) = &self.pgbench {
            write!(out, "pgbench on the same server (TPC-B, scale {scale}, prepared):")?;
            for (at, PgbenchRun { clients, transactions_per_s }) in runs.iter().enumerate() {
                write!(out, "{} {clients} clients {transactions_per_s:.0}/s", if at == 0 { "" } else { "," })?;
            }
            writeln!(out, "\none host: {times:.2} durable operations for each transaction of pgbench's best")?;
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

/// What it says. Where the server is it reads from its environment: a command line can be read by everybody.
fn run(program: &Path, url: &DatabaseUrl, arguments: &[&str]) -> Result<String> {
    let mut command = Command::new(program);
    command.args(arguments).env("PGDATABASE", url.expose()).env("PGTARGETSESSIONATTRS", "read-write");
    let done = command.stdin(Stdio::null()).output().with_context(|| program.display().to_string())?;
    if !done.status.success() {
        bail!("pgbench: {}", String::from_utf8_lossy(&done.stderr).trim());
    }
    Ok(String::from_utf8_lossy(&done.stdout).into_owned())
}

fn transactions_per_s(said: &str) -> Result<f64> {
    let figure = said.lines().find_map(|line| line.strip_prefix("tps = ")?.split_whitespace().next()?.parse().ok());
    figure.with_context(|| format!("what pgbench says is not understood: {said}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_pgbench_says() {
        let said = "number of failed transactions: 0 (0.000%)\nlatency average = 3.321 ms\n\
                    initial connection time = 27.6 ms\ntps = 4817.690123 (without initial connection time)\n";
        assert_eq!(transactions_per_s(said).unwrap(), 4817.690_123);
        assert!(transactions_per_s("pgbench (15.1)\n").is_err());
    }
}
