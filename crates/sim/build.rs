//! Which commit is built, for whoever has to have a run again.

use std::process::Command;

fn main() {
    let git = |arguments: &[&str]| {
        let done = Command::new("git").args(arguments).output().ok().filter(|done| done.status.success());
        done.map(|done| String::from_utf8_lossy(&done.stdout).trim().to_owned()).filter(|text| !text.is_empty())
    };
    let commit = git(&["describe", "--always", "--dirty", "--abbrev=12"]).unwrap_or_else(|| "unknown".to_owned());
    println!("cargo::rustc-env=CASHPOINT_COMMIT={commit}");
    println!("cargo::rerun-if-changed=build.rs");
    // Every commit and every change of branch writes here.
    if let Some(log) = git(&["rev-parse", "--path-format=absolute", "--git-path", "logs/HEAD"]) {
        println!("cargo::rerun-if-changed={log}");
    }
}
