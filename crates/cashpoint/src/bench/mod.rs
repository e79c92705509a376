//! `cashpoint bench`: how fast the bank is on this machine: alone, over HTTP, and with terminals.
//!
//! Each benchmark makes a bank of its own, with as many customers as it is told, through the same commands as
//! everybody. Servers and load share the machine's cores, so only ratios of one run mean much, and the cost of the load
//! generator is part of every figure. Nothing here changes how the host works.

mod engine;
mod ground;
mod http;
mod load;
mod memory;
mod mix;
mod report;
mod round;
mod server;
mod terminal;

use std::fmt::Display;

use anyhow::Result;
use clap::{Args, Subcommand};

use crate::Verdict;
use crate::configuration::DatabaseUrl;

#[derive(Debug, Subcommand)]
pub(crate) enum Bench {
    /// The host over HTTP, against a server that does nothing
    Http(HttpBench),
    /// The bank alone: durable withdrawals in groups of a size
    Engine(EngineBench),
    /// Whole withdrawals at terminals with simulated devices, against a host of their own
    Terminal(terminal::TerminalBench),
}

/// What the benchmarks of the bank are told.
#[derive(Debug, Args)]
pub(crate) struct Common {
    /// Accounts, each with a customer and an online session
    #[arg(long, value_name = "N", default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(2..))]
    accounts: u32,
    /// How long each measurement takes, after a second of warming up
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    seconds: u32,
    /// How often each is repeated; the medians count
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// Where to make the sandbox: `sqlite:PATH` of a file that is not there yet, or `postgres://…` of an empty database; it
    /// is kept [default: a temporary folder, removed afterwards]
    #[arg(long, value_name = "URL")]
    database: Option<DatabaseUrl>,
    /// The report as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  cashpoint bench http\n  cashpoint bench http --connections 256 --rounds 5 --json\n  cashpoint bench http --saturate --accounts 1000000\n  cashpoint bench http --database postgres://bench@localhost/bench\n\nThe mix: 70 % withdrawals of 10.00 and 10 % deposits of 10.00 at random machines, 15 % balances, 5 % transfers of 1.00, each with its own key, accounts at random. `ratio` is the mix against a server of the same make that parses and answers without a bank. A run with any error, or more than 1 % refusals, is void: exit 1.\n\nOn a database server (an empty database) the same run measures pgbench's TPC-B with 1, 16 and 64 clients, in turns with the host, each after a checkpoint and a second of warming up; and afterwards the same load on two hosts."
)]
pub(crate) struct HttpBench {
    #[command(flatten)]
    common: Common,
    /// How many connections at once; each sends its next request when it has its answer
    #[arg(long, value_name = "N,N,…", value_delimiter = ',', default_values_t = [64, 256, 1_000])]
    #[arg(value_parser = clap::value_parser!(u32).range(1..))]
    connections: Vec<u32>,
    /// Doubles the connections from 16 on until throughput stops growing, instead
    #[arg(long, conflicts_with = "connections")]
    saturate: bool,
    /// Over how many more sessions the memory of one is measured; 0: not measured
    #[arg(long, value_name = "N", default_value_t = 10_000)]
    sessions: u32,
    /// On a database server: the scale of pgbench's tables, which stand beside the bank and are dropped; 0: no pgbench
    #[arg(long, value_name = "N", default_value_t = 64)]
    pgbench_scale: u32,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  cashpoint bench engine\n  cashpoint bench engine --groups-of 1,16,128,1024 --seconds 10"
)]
pub(crate) struct EngineBench {
    #[command(flatten)]
    common: Common,
    /// Sizes of groups
    #[arg(long, value_name = "N,N,…", value_delimiter = ',', default_values_t = [1_024])]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=65_536))]
    groups_of: Vec<u32>,
}

/// Runs a benchmark and prints its report.
pub(crate) fn run(bench: Bench) -> Result<Verdict> {
    match bench {
        Bench::Http(bench) => http::run(&bench),
        Bench::Engine(bench) => engine::run(&bench),
        Bench::Terminal(bench) => terminal::run(&bench),
    }
}

impl Common {
    /// Prints a report, for machines or for people.
    fn print(&self, report: &(impl serde::Serialize + Display)) -> Result<()> {
        if self.json {
            println!("{}", serde_json::to_string(report)?);
        } else {
            print!("{report}");
        }
        Ok(())
    }
}

fn size(count: u32) -> usize {
    usize::try_from(count).expect("32 bits fit a size")
}
