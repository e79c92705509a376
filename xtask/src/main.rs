//! `cargo xtask`: the project's only automation.
//!
//! Everything that a contributor or a build machine runs goes through here, so that both run the same thing. It knows
//! nothing about the crates but their names; rules about the source itself live in [`tidy`].

#![expect(clippy::print_stdout, reason = "a command-line tool: results go to stdout")]

mod ci;
mod fuzz;
mod junit;
mod process;
mod screens;
mod soak;
mod suite;
mod tidy;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

/// The project's automation.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Install what the tests need, then build and run every test, the doc tests and tidy
    #[command(
        after_help = "Examples:\n  cargo xtask test\n  cargo xtask test -- withdraw\n  cargo xtask test -- -p cashpoint-core"
    )]
    Test {
        /// Passed on to the test runner: a filter on names, `-p PACKAGE`, …
        #[arg(last = true)]
        arguments: Vec<String>,
    },
    /// Check the house rules that no compiler knows (STYLE.md)
    Tidy,
    /// Everything a change must pass: format, tidy, clippy, docs, tests, licences
    Ci,
    /// Make a picture of every screen of the terminal, in every language and size, of its visits, and of a machine's front
    #[command(
        after_help = "Examples:\n  cargo xtask screens\n  cargo xtask screens pictures\n  cargo xtask screens --readme"
    )]
    Screens {
        /// Where the pictures go; existing ones of the same name are replaced
        #[arg(value_name = "FOLDER", default_value = "target/screens")]
        folder: PathBuf,
        /// Only the picture in the README, which is replaced
        #[arg(long)]
        readme: bool,
    },
    /// Run the long versions of the tests that have one, and print a block for docs/testing.md
    #[command(after_help = "Examples:\n  cargo xtask soak\n  cargo xtask soak --only kill-host --minutes 30")]
    Soak {
        /// Only this one: see the table in xtask/src/soak.rs
        #[arg(long, value_name = "NAME")]
        only: Option<String>,
        /// Repeat each until this many minutes have passed; each fuzz target runs so long, at least 10
        #[arg(long, value_name = "N", default_value_t = 0)]
        minutes: u64,
    },
}

fn main() -> ExitCode {
    let done = match Arguments::parse().task {
        Task::Test { arguments } => suite::run(&arguments),
        Task::Tidy => tidy_up(),
        Task::Ci => ci::run(),
        Task::Screens { folder, readme } => {
            screens::run(&folder, if readme { screens::Pictures::Readme } else { screens::Pictures::All })
        }
        Task::Soak { only, minutes } => soak::run(only.as_deref(), minutes),
    };
    match done {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn tidy_up() -> Result<ExitCode> {
    let findings = tidy::check(&process::root()?)?;
    for finding in &findings {
        println!("{finding}");
    }
    if findings.is_empty() {
        println!("tidy");
        return Ok(ExitCode::SUCCESS);
    }
    println!("{} to tidy", findings.len());
    Ok(ExitCode::FAILURE)
}
