//! `cargo xtask screens`: pictures of every screen, for people to look at. The tests that hold the screens to their rules
//! make them, in the same browser; this only says where.

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result, ensure};

use crate::process;

/// The variable by which the tests know that pictures are wanted, and where.
const FOLDER: &str = "CASHPOINT_SCREENS";

/// The test that makes the README's picture among others, where it makes it, and where the README looks for it.
const README: (&str, &str, &str) = (
    "browser::panel::a_withdrawal_with_the_mouse_alone_and_the_ledger_follows",
    "panel/cash-1440x900.png",
    "docs/pictures/machine.png",
);

/// The largest picture that the repository is to carry, bytes.
const LARGEST: usize = 300_000;

/// Which pictures.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pictures {
    /// All of them.
    All,
    /// The one in the README.
    Readme,
}

/// Makes them, into this folder; the README's also into its own place.
pub(crate) fn run(folder: &Path, pictures: Pictures) -> Result<ExitCode> {
    process::run(&mut process::program("scripts/install-test-tools")?)?;
    let root = process::root()?;
    let folder = std::path::absolute(root.join(folder)).context("the folder of the pictures")?;
    let (test, made, wanted) = README;
    let filter = match pictures {
        Pictures::All => "browser::",
        Pictures::Readme => test,
    };
    let mut command = process::cargo()?;
    command.args(["test", "-p", "cashpoint", "--test", "suite", "--", filter]).env(FOLDER, &folder);
    let status = process::run(&mut command)?;
    println!("the pictures are in {}", folder.display());
    if !status.success() {
        return Ok(ExitCode::FAILURE);
    }
    if pictures == Pictures::Readme {
        let picture = std::fs::read(folder.join(made)).context("the picture that the test makes")?;
        ensure!(picture.len() <= LARGEST, "the picture has {} bytes, and may have {LARGEST}", picture.len());
        std::fs::write(root.join(wanted), picture).with_context(|| wanted.to_owned())?;
        println!("the README's is {wanted}");
    }
    Ok(ExitCode::SUCCESS)
}
