//! Several hosts on one database. Each test has servers and hosts of its own.

mod failover;
mod hosts;
mod load;
mod replica;

use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::cluster::{Cluster, Files, url};
use crate::support::machine::lasting_port;
use crate::support::process::{Bank, Process, address, cashpoint, run, told};
use crate::support::{Online, Site, Staff};

/// One of the hosts.
pub(super) struct SharedHost {
    pub(super) process: Process,
    site: Site,
}

impl SharedHost {
    /// Runs this command, which serves on a port that the system picks.
    #[track_caller]
    pub(super) fn run(command: &mut Command) -> Self {
        let mut process = Process::spawn(command);
        let site = Site::new(address(&process.ready()));
        Self { process, site }
    }

    /// A host of a real bank.
    #[track_caller]
    fn of(bank: &Bank) -> Self {
        let mut command = cashpoint();
        command.args(["host", "--listen", "127.0.0.1:0", "--operations", &format!("127.0.0.1:{}", lasting_port())]);
        Self::run(bank.name(&mut command))
    }
}

impl Deref for SharedHost {
    type Target = Site;

    fn deref(&self) -> &Site {
        &self.site
    }
}

/// A sandbox on database servers, and where its keys are.
pub(super) struct SharedBank {
    url: String,
    // Goes last: the hosts must have ended before their keys go.
    folder: tempfile::TempDir,
}

impl SharedBank {
    /// On the one of these servers that takes writes.
    pub(super) fn on(servers: &[&Cluster]) -> Self {
        Self { url: url(servers, "postgres"), folder: tempfile::tempdir().unwrap() }
    }

    /// Another host.
    #[track_caller]
    fn host(&self) -> SharedHost {
        SharedHost::run(&mut self.command())
    }

    /// What starts another host.
    pub(super) fn command(&self) -> Command {
        let mut command = cashpoint();
        command.args(["host", "--sandbox", "--listen", "127.0.0.1:0"]);
        command.args(["--operations", &format!("127.0.0.1:{}", lasting_port())]);
        command.args(["--database", &self.url, "--keys"]).arg(self.keys());
        command
    }

    fn keys(&self) -> PathBuf {
        self.folder.path().join("keys.toml")
    }

    /// `cashpoint verify` finds nothing.
    #[track_caller]
    pub(super) fn verify_is_clean(&self) {
        let keys = self.keys();
        let keys = Path::to_str(&keys).expect("temporary folders have plain names");
        let (code, out, error) = told(&run(&["verify", "--database", &self.url, "--keys", keys]));
        assert_eq!(code, 0, "verify:\n{out}\n{error}");
    }
}

/// A server, and two hosts of one bank on it.
struct Pair {
    left: SharedHost,
    right: SharedHost,
    bank: SharedBank,
    _server: Cluster,
}

impl Pair {
    #[track_caller]
    fn start() -> Self {
        let server = Cluster::start(Files::Fast);
        let bank = SharedBank::on(&[&server]);
        let (left, right) = (bank.host(), bank.host());
        Self { left, right, bank, _server: server }
    }

    /// The sandbox's own operator.
    #[track_caller]
    fn staff(&self) -> Staff<'_> {
        Staff::log_in(&self.left, "operator", "operator")
    }
}
