//! `cargo xtask screens`: pictures of every screen, for people to look at. The tests that hold the screens to their rules
//! make them, in the same browser; this only says where.

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result};

use crate::process;

/// The variable by which the tests know that pictures are wanted, and where.
const FOLDER: &str = "CASHPOINT_SCREENS";

/// Makes them, into this folder.
pub(crate) fn run(folder: &Path) -> Result<ExitCode> {
    process::run(&mut process::program("scripts/install-test-tools")?)?;
    let folder = std::path::absolute(process::root()?.join(folder)).context("the folder of the pictures")?;
    let mut command = process::cargo()?;
    command.args(["test", "-p", "cashpoint", "--test", "suite", "--", "browser::"]).env(FOLDER, &folder);
    let status = process::run(&mut command)?;
    println!("the pictures are in {}", folder.display());
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
