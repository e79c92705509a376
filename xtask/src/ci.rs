//! `cargo xtask ci`: everything a change must pass, in the order in which it fails fastest.
//!
//! Every step runs even if an earlier one failed, so that one run shows all there is to mend.

use std::process::ExitCode;

use anyhow::Result;

use crate::{process, suite};

/// Runs all steps and lists how each ended.
pub(crate) fn run() -> Result<ExitCode> {
    let mut ended = Vec::new();
    let mut step = |name: &'static str, passed: Result<bool>| {
        let passed = passed.unwrap_or_else(|error| {
            eprintln!("{name}: {error:#}");
            false
        });
        ended.push((name, passed));
    };
    step("fmt", cargo(&["fmt", "--all", "--", "--check"], None));
    step("tidy", crate::tidy_up().map(|code| code == ExitCode::SUCCESS));
    step("clippy", cargo(&["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"], None));
    step("doc", cargo(&["doc", "--workspace", "--no-deps"], Some(("RUSTDOCFLAGS", "-D warnings"))));
    step("test", suite::run(&[]).map(|code| code == ExitCode::SUCCESS));
    if process::has_cargo_subcommand("deny")? {
        // Advisories need a database from the network; licences, bans and sources do not.
        step("deny", cargo(&["deny", "check", "licenses", "bans", "sources"], None));
    } else {
        println!("\ndeny: left out, cargo-deny is not installed (cargo install cargo-deny)");
    }

    println!();
    for (name, passed) in &ended {
        println!("{name:>8}: {}", if *passed { "passed" } else { "FAILED" });
    }
    let all = ended.iter().all(|(_, passed)| *passed);
    Ok(if all { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn cargo(arguments: &[&str], variable: Option<(&str, &str)>) -> Result<bool> {
    println!("\ncargo {}", arguments.join(" "));
    let mut command = process::cargo()?;
    command.args(arguments).envs(variable);
    Ok(process::run(&mut command)?.success())
}
