//! One ATM as processes: its devices and its terminal, each of which may be killed and started again on the same files
//! and ports, and what a person or a test can see and do there.

use std::net::{Ipv4Addr, TcpListener, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use serde_json::{Value, json};

use super::cable::Cable;
use super::process::{Process, cashpoint, told};

/// How long the control interface may take to answer.
const CONTROL: Duration = Duration::from_secs(60);

/// What processes log: screens, and which boundaries they pass.
pub(crate) const LOG: &str = "info,cashpoint_terminal=debug,boundary=trace";

/// Notes of each denomination in a new machine: 50, 20 and 10.
pub(crate) const NOTES: u32 = 1_000;

/// What a new machine is filled with, in cents.
pub(crate) const FILLED: i64 = NOTES as i64 * 80_00;

/// How long a motion takes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Motion(pub(crate) u32);

/// One ATM.
pub(crate) struct Machine {
    pub(crate) id: String,
    folder: PathBuf,
    ports: (u16, u16),
    motion: Motion,
    /// Where its host is, if not where it was enrolled.
    pub(crate) cable: Option<Cable>,
    pub(crate) devices: Option<Process>,
    pub(crate) terminal: Option<Process>,
    agent: ureq::Agent,
}

impl Machine {
    /// A new machine with these files; its devices run, and have made their keys.
    #[track_caller]
    pub(crate) fn new(id: String, folder: &Path, motion: Motion, cable: Option<Cable>) -> Self {
        let agent = ureq::Agent::config_builder().http_status_as_error(false).timeout_global(Some(CONTROL)).build();
        let mut machine = Self {
            id,
            folder: folder.to_owned(),
            ports: (lasting_port(), lasting_port()),
            motion,
            cable,
            devices: None,
            terminal: None,
            agent: agent.into(),
        };
        machine.start_devices(None);
        machine
    }

    fn file(&self, what: &str) -> PathBuf {
        self.folder.join(format!("{}.{what}", self.id))
    }

    /// Its devices' state.
    pub(crate) fn state_file(&self) -> PathBuf {
        self.file("devices.json")
    }

    /// Its terminal's journal.
    pub(crate) fn journal(&self) -> PathBuf {
        self.file("db")
    }

    /// Its terminal's keys.
    pub(crate) fn keys(&self) -> PathBuf {
        self.file("keys.toml")
    }

    /// Its devices' keys, for the host.
    pub(crate) fn device_keys(&self) -> PathBuf {
        self.file("devices.keys.toml")
    }

    /// Takes it in at its host.
    #[track_caller]
    pub(crate) fn enrol(&self, host: &str, code: &str) {
        let mut command = cashpoint();
        command.args(["terminal", "enrol", "--host", host, "--id", &self.id, "--code", code, "--keys"]);
        let (code, _, error) = told(&super::process::finish(command.arg(self.keys())));
        assert_eq!(code, 0, "{error}");
    }

    /// Starts the devices; `ends_at`: a boundary where they are to end.
    #[track_caller]
    pub(crate) fn start_devices(&mut self, ends_at: Option<&str>) {
        let mut command = cashpoint();
        let (services, control) = self.ports;
        command.args(["devices", "--listen", &format!("127.0.0.1:{services}")]);
        command.args(["--control", &format!("127.0.0.1:{control}"), "--motion-ms", &self.motion.0.to_string()]);
        command.env("RUST_LOG", LOG).args(["--state"]).arg(self.state_file()).envs(ends_at.map(|at| ("ENDS_AT", at)));
        self.devices = Some(Process::spawn(&mut command));
    }

    /// Starts the terminal; `ends_at`: a boundary where it is to end.
    #[track_caller]
    pub(crate) fn start_terminal(&mut self, ends_at: Option<&str>) {
        self.start_terminal_by(cashpoint().envs(ends_at.map(|at| ("ENDS_AT", at))));
    }

    /// Starts the terminal by a command that runs the binary and takes its arguments.
    #[track_caller]
    pub(crate) fn start_terminal_by(&mut self, command: &mut Command) {
        let devices = format!("ws://127.0.0.1:{}/xfs4iot/v1.0", self.ports.0);
        command.args(["terminal", "--devices", &devices, "--keys"]).arg(self.keys());
        command.arg("--journal").arg(self.journal()).env("RUST_LOG", LOG);
        if let Some(cable) = &self.cable {
            command.args(["--host", &cable.url()]);
        }
        self.terminal = Some(Process::spawn(command));
    }

    /// SIGKILL for the devices, if they run.
    pub(crate) fn kill_devices(&mut self) {
        self.devices.take().iter_mut().for_each(Process::kill);
    }

    /// SIGKILL for the terminal, if it runs.
    pub(crate) fn kill_terminal(&mut self) {
        self.terminal.take().iter_mut().for_each(Process::kill);
    }

    /// Which screen is shown; none if there is no terminal, or it has shown nothing yet.
    pub(crate) fn screen(&self) -> Option<String> {
        let said = self.terminal.as_ref()?.stderr();
        let (_, name) = said.rsplit_once("shows screen=\"")?;
        name.split('"').next().map(str::to_owned)
    }

    /// How the devices stand; none if they do not answer.
    pub(crate) fn state(&self) -> Option<Value> {
        let url = format!("http://127.0.0.1:{}/state", self.ports.1);
        self.agent.get(url).call().ok()?.body_mut().read_json().ok()
    }

    /// Asks something of the control interface; whether it was done.
    pub(crate) fn control(&self, path: &str, what: &Value) -> bool {
        let url = format!("http://127.0.0.1:{}{path}", self.ports.1);
        self.agent.post(url).send_json(what).is_ok_and(|answer| answer.status() == 200)
    }

    /// A person does something; whether the machine let them.
    pub(crate) fn act(&self, what: &Value) -> bool {
        self.control("/person", what)
    }

    /// A person presses keys.
    pub(crate) fn press(&self, keys: &[&str]) -> bool {
        self.act(&json!({"action": "press", "keys": keys}))
    }
}

/// What lies in a place of a machine, in cents.
pub(crate) fn value_at(state: &Value, place: &str) -> i64 {
    let piles = state["census"].as_array().unwrap();
    piles.iter().filter(|pile| pile["place"] == place).map(|pile| pile["value_minor"].as_i64().unwrap()).sum()
}

/// A port that is this test's for as long as its process lives, also while nobody listens there: outside of those that the
/// system gives out by itself, and no other test picks it meanwhile.
pub(crate) fn lasting_port() -> u16 {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    static TAKEN: Mutex<Vec<UdpSocket>> = Mutex::new(Vec::new());
    let own = std::process::id().wrapping_mul(61);
    let mut ports = std::iter::from_fn(|| Some(own.wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed)) % 20_000));
    let port = ports.by_ref().take(20_000).find_map(|n| {
        let port = 10_000 + u16::try_from(n).expect("below 20,000");
        // Nobody uses UDP here: whoever holds that port of the number has the number.
        let taken = UdpSocket::bind((Ipv4Addr::LOCALHOST, port)).ok()?;
        TcpListener::bind((Ipv4Addr::LOCALHOST, port)).ok()?;
        TAKEN.lock().expect("nobody panics who has it").push(taken);
        Some(port)
    });
    port.expect("one of 20,000 is free")
}
