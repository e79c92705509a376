//! Several hosts on one database. Each test has servers and hosts of its own.

mod failover;
mod hosts;
mod load;

use std::ops::Deref;
use std::path::{Path, PathBuf};

use crate::support::cluster::{Cluster, Files, url};
use crate::support::process::{Process, address, cashpoint, free_port, run, told};
use crate::support::{Online, Site, Staff};

/// One of the hosts.
struct SharedHost {
    process: Process,
    site: Site,
}

impl Deref for SharedHost {
    type Target = Site;

    fn deref(&self) -> &Site {
        &self.site
    }
}

/// A sandbox on database servers, and where its keys are.
struct SharedBank {
    url: String,
    // Goes last: the hosts must have ended before their keys go.
    folder: tempfile::TempDir,
}

impl SharedBank {
    /// On the one of these servers that takes writes.
    fn on(servers: &[&Cluster]) -> Self {
        Self { url: url(servers, "postgres"), folder: tempfile::tempdir().unwrap() }
    }

    /// Another host.
    #[track_caller]
    fn host(&self) -> SharedHost {
        let operations = format!("127.0.0.1:{}", free_port());
        let mut command = cashpoint();
        command.args(["host", "--sandbox", "--listen", "127.0.0.1:0", "--operations", &operations]);
        command.args(["--database", &self.url, "--keys"]).arg(self.keys());
        let mut process = Process::spawn(&mut command);
        let site = Site::new(address(&process.ready()));
        SharedHost { process, site }
    }

    fn keys(&self) -> PathBuf {
        self.folder.path().join("keys.toml")
    }

    /// `cashpoint verify` finds nothing.
    #[track_caller]
    fn verify_is_clean(&self) {
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
