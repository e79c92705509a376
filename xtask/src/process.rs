//! Running other programs: cargo, git, scripts.
//!
//! Children are started from the workspace root, without the variables that `cargo run` set for this process: a build
//! script that watches one of them would otherwise run again every time.

use std::ffi::OsString;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::time::Duration;

use anyhow::{Context, Result};

/// The folder that holds the workspace's `Cargo.toml`.
pub(crate) fn root() -> Result<PathBuf> {
    let own = std::env::var_os("CARGO_MANIFEST_DIR").context("start this through cargo: cargo xtask …")?;
    let parent = Path::new(&own).parent().context("xtask lies directly under the workspace root")?;
    Ok(parent.to_path_buf())
}

/// Whether this cargo subcommand is installed: `cargo NAME --version` succeeds.
pub(crate) fn has_cargo_subcommand(name: &str) -> Result<bool> {
    let output = cargo()?.args([name, "--version"]).output().context("starting cargo")?;
    Ok(output.status.success())
}

/// A cargo command in the workspace root; the cargo that started us.
pub(crate) fn cargo() -> Result<Command> {
    program(std::env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo")))
}

/// A command in the workspace root.
pub(crate) fn program(name: impl Into<OsString>) -> Result<Command> {
    let mut command = Command::new(name.into());
    command.current_dir(root()?);
    for (key, _) in std::env::vars_os() {
        let of_this_run = key.to_str().is_some_and(|key| {
            key.starts_with("CARGO_PKG_") || key.starts_with("CARGO_MANIFEST_") || key.starts_with("CARGO_CRATE_")
        });
        if of_this_run {
            command.env_remove(&key);
        }
    }
    Ok(command)
}

/// Runs a command with our own stdin, stdout and stderr.
pub(crate) fn run(command: &mut Command) -> Result<ExitStatus> {
    command.status().with_context(|| format!("starting {}", command.get_program().display()))
}

/// Runs a command, shows what it prints as it comes, and gives every line (both streams, in their order) to `see`.
pub(crate) fn watch(mut command: Command, mut see: impl FnMut(&str)) -> Result<ExitStatus> {
    let (reader, writer) = std::io::pipe().context("making a pipe")?;
    let name = command.get_program().to_owned();
    command.stdout(writer.try_clone().context("making a pipe")?).stderr(writer);
    let mut child = command.spawn().with_context(|| format!("starting {}", name.display()))?;
    // The command still holds the writing end: until it goes, the reader would wait for more.
    drop(command);
    for line in BufReader::new(reader).split(b'\n') {
        let line = line.context("reading the output of a command")?;
        let line = String::from_utf8_lossy(&line);
        println!("{line}");
        see(&line);
    }
    child.wait().context("waiting for a command")
}

/// What a command printed, trimmed; empty if it failed or is not there.
pub(crate) fn answer(name: &str, arguments: &[&str]) -> String {
    let output = program(name).and_then(|mut command| Ok(command.args(arguments).output()?));
    match output {
        Ok(output) if output.status.success() => String::from_utf8_lossy(&output.stdout).trim().to_owned(),
        Ok(_) | Err(_) => String::new(),
    }
}

/// Measures how long things take.
pub(crate) struct Stopwatch(std::time::Instant);

impl Stopwatch {
    /// Starts counting now.
    #[expect(clippy::disallowed_methods, reason = "how long a test run takes is not the bank's time")]
    pub(crate) fn start() -> Self {
        Self(std::time::Instant::now())
    }

    /// Time since the start.
    pub(crate) fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }
}
