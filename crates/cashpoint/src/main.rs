//! One binary: the command line around the crates that do the work.
//!
//! Results go to stdout, everything else to stderr. Exit codes: 0 ok, 1 the answer is no, 2 usage, 3 the world failed.

#![expect(clippy::print_stdout, reason = "results belong on standard output")]

mod bank;
mod bench;
mod cli;
mod copy;
mod devices;
mod field;
mod log;
mod machines;
mod operator;
mod panel;
mod serve;
mod simulate;
mod terminal;
mod tls;
mod tour;
mod verify;

use std::process::ExitCode;

use cashpoint::{configuration, notify};
use clap::{CommandFactory, Parser};
use mimalloc::MiMalloc;

use cli::{Cli, Command};

/// Requests are allocated by the host's threads and freed by the bank's: see docs/performance.md for what this brings.
#[global_allocator]
static MEMORY: MiMalloc = MiMalloc;

/// How a command ended, apart from errors, which are exit code 3.
pub(crate) enum Verdict {
    /// Exit code 0.
    Yes,
    /// Exit code 1.
    No,
    /// Exit code 2, with what is wrong with the request.
    Usage(String),
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    log::begin(&cli.command);
    match run(cli.command) {
        Ok(Verdict::Yes) => ExitCode::SUCCESS,
        Ok(Verdict::No) => ExitCode::from(1),
        Ok(Verdict::Usage(wrong)) => {
            eprintln!("cashpoint: {wrong}");
            ExitCode::from(2)
        }
        Err(error) => {
            eprintln!("cashpoint: {error:#}");
            ExitCode::from(3)
        }
    }
}

fn run(command: Command) -> anyhow::Result<Verdict> {
    match command {
        Command::Demo(demo) => serve::demo(demo),
        Command::Host(host) => serve::host(*host),
        Command::Devices(flags) => devices::devices(&flags),
        Command::Terminal(terminal) => terminal::terminal(*terminal),
        Command::Tour(tour) => {
            let differed = tour::play(&tour.url, &mut std::io::stdout())?;
            Ok(if differed == 0 { Verdict::Yes } else { Verdict::No })
        }
        Command::Operator(cli::Operator::Add { name, role, bank, password_file }) => {
            bank::with_open(&bank, |bank| operator::add(bank, &name, role, password_file.as_deref()))
        }
        Command::Operator(cli::Operator::LoadKeys { machine, file, bank }) => {
            bank::with_open(&bank, |bank| operator::load_keys(bank, machine, &file))
        }
        Command::Verify(verify) => verify::verify(verify),
        Command::Migrate(migrate) => bank::migrate(&migrate),
        Command::Copy(copy) => copy::copy(copy),
        Command::Archive(archive) => bank::archive(&archive),
        Command::Bench(bench) => bench::run(bench),
        Command::Simulate(flags) => simulate::simulate(&flags),
        Command::Tls(cli::Tls::SelfSigned { names, cert, key }) => tls::self_signed(&names, &cert, &key),
        Command::Completions { shell } => {
            clap_complete::generate(shell, &mut Cli::command(), "cashpoint", &mut std::io::stdout());
            Ok(Verdict::Yes)
        }
        Command::Man => {
            clap_mangen::Man::new(Cli::command()).render(&mut std::io::stdout())?;
            Ok(Verdict::Yes)
        }
    }
}
