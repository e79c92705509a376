//! The machines of a demo: terminals and their devices, over real sockets in one process with the bank.
//!
//! How a machine comes about is a row of steps. Each looks whether it was done before, so a first start that broke off is
//! taken up where it ended, and later starts find everything. Each then has a power switch and a network cable, for the
//! page that shows its front. How terminals and devices work stands in their own crates,
//! what is shared with the commands that run one alone in the modules `terminal` and `devices`.

mod cable;
mod switched;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use cashpoint_bank::bank::Bank;
use cashpoint_bank::entropy::SystemEntropy;
use cashpoint_bank::sandbox;
use cashpoint_core::currency::Currency;
use cashpoint_core::id::MachineId;
use cashpoint_core::money::Decimal;
use cashpoint_devices::model::{Fitting, Hardware};
use cashpoint_devices::server::Devices;
use cashpoint_terminal::enrol::Draft;
use cashpoint_terminal::kiosk::Hosts;
use cashpoint_wire::link::enrolment;
use tokio::task::JoinHandle;

pub(crate) use cable::Plug;
pub(crate) use switched::{Switch, Switched};

use cable::Cable;

use crate::configuration::loopback;
use crate::{devices, operator, terminal};

/// How long each motion of the devices takes, milliseconds.
const MOTION_MS: u32 = 300;

/// The machines of a demo at work. Their connections end when they are dropped; [`Machines::stop`] waits for them.
pub(crate) struct Machines(Vec<Machine>);

/// One machine at work.
struct Machine {
    switched: Arc<Switched>,
    devices: JoinHandle<()>,
}

impl Machines {
    /// Starts what is `ready`, with a host that listens at this address. Must be called inside of a tokio runtime.
    ///
    /// # Errors
    /// A port or a file of theirs cannot be opened.
    pub(crate) async fn start(ready: Vec<Ready>, listen: SocketAddr) -> Result<Self> {
        let mut machines = Vec::new();
        for one in ready {
            let id = one.place.id;
            machines.push(one.start(listen).await.with_context(|| format!("starting {id}"))?);
        }
        Ok(Self(machines))
    }

    /// Each of them.
    pub(crate) fn each(&self) -> impl Iterator<Item = &Arc<Switched>> {
        self.0.iter().map(|machine| &machine.switched)
    }

    /// Ends them: terminals first, so that what they say last to their devices is heard.
    pub(crate) async fn stop(self) {
        let stopping: Vec<_> = self
            .0
            .iter()
            .map(|machine| Arc::clone(&machine.switched))
            .map(|machine| (machine.id(), tokio::spawn(async move { machine.stop().await })))
            .collect();
        for (id, stopped) in stopping {
            if let Err(error) = stopped.await {
                tracing::error!(terminal = %id, %error, "a terminal does not end as it should");
            }
        }
        // What stands on the disk is always the machine as it is.
        self.0.iter().for_each(|machine| machine.devices.abort());
    }
}

/// A machine that can be started: built, known to the bank, enrolled.
pub(crate) struct Ready {
    place: Place,
    hardware: Hardware,
}

impl Ready {
    /// The machines of the demo whose data is in `folder`, prepared as far as they were not.
    ///
    /// # Errors
    /// A file cannot be read or written, or the bank does not take a machine.
    pub(crate) fn all(bank: &Bank, folder: &Path) -> Result<Vec<Self>> {
        let places = sandbox::TERMINALS.into_iter().map(|(id, location)| Place::new(folder, id, location));
        places.map(|place| Self::at(bank, place)).collect()
    }

    fn at(bank: &Bank, place: Place) -> Result<Self> {
        for step in STEPS {
            step(bank, &place).with_context(|| format!("preparing {}", place.id))?;
        }
        let hardware = devices::machine(&place.state, fitting())?;
        Ok(Self { place, hardware })
    }

    async fn start(self, listen: SocketAddr) -> Result<Machine> {
        let Self { place, hardware } = self;
        let id = place.id;
        let mut options = devices::options(loopback(0), place.state.clone(), MOTION_MS);
        options.control = Some(loopback(0));
        let devices = Devices::open(hardware, options).await.context("its devices")?;
        let address = devices.address()?;
        let control = devices.control_address()?.context("the control interface was asked for")?;
        tracing::info!(terminal = %id, services = %format!("ws://{address}{}", terminal::PUBLISHER), "devices");
        tracing::info!(terminal = %id, control = %format!("http://{control}"), "people act at the machine here");
        let cable = Cable::to(reached(listen)).await.context("its cable")?;
        // A sandbox that listens beyond this machine has whatever names its network gives it.
        let hosts = if listen.ip().is_loopback() { Hosts::Loopback(listen.port()) } else { Hosts::Any };
        let switched = Arc::new(Switched::off(place, address, hosts, (devices.hands(), cable)));
        let devices = tokio::spawn(async move {
            if let Err(error) = devices.serve().await {
                let why = anyhow::Error::new(error);
                tracing::error!(terminal = %id, error = %format!("{why:#}"), "the devices ended");
            }
        });
        switched.switch(Switch::On).await?;
        Ok(Machine { switched, devices })
    }
}

/// Where a machine stands, and where its files are.
struct Place {
    id: MachineId,
    location: &'static str,
    /// Its devices' state.
    state: PathBuf,
    /// The terminal's keys.
    keys: PathBuf,
    /// The terminal's journal.
    journal: PathBuf,
}

impl Place {
    fn new(folder: &Path, id: &str, location: &'static str) -> Self {
        let (devices, terminal) = (folder.join("devices").join(id), folder.join("terminals").join(id));
        Self {
            id: MachineId::parse(id).expect("play machines have ids"),
            location,
            state: devices.join("state.json"),
            keys: terminal.join("keys.toml"),
            journal: terminal.join("journal.db"),
        }
    }
}

type Step = fn(&Bank, &Place) -> Result<()>;

/// What is done before a machine can run, in order.
const STEPS: [Step; 7] = [make_folders, build, register, load_keys, forget_keys, enrol, discard_draft];

fn make_folders(_: &Bank, place: &Place) -> Result<()> {
    let mut folders = [&place.state, &place.keys].into_iter().filter_map(|file| file.parent());
    folders.try_for_each(|folder| std::fs::create_dir_all(folder).with_context(|| folder.display().to_string()))
}

/// The hardware, with keys of its own.
fn build(_: &Bank, place: &Place) -> Result<()> {
    devices::machine(&place.state, fitting()).map(drop)
}

/// The machine in the bank, filled as the hardware is.
fn register(bank: &Bank, place: &Place) -> Result<()> {
    sandbox::seed_terminal(bank, place.id, place.location)?;
    Ok(())
}

/// The devices' keys are the bank's too, as long as their file is there.
fn load_keys(bank: &Bank, place: &Place) -> Result<()> {
    let file = devices::provisioning(&place.state);
    if !file.exists() {
        return Ok(());
    }
    match operator::load_keys(bank, place.id, &file)? {
        Ok(_) => Ok(()),
        Err(refused) => bail!(refused),
    }
}

fn forget_keys(_: &Bank, place: &Place) -> Result<()> {
    let file = devices::provisioning(&place.state);
    if file.exists() {
        std::fs::remove_file(&file).with_context(|| format!("removing {}", file.display()))?;
    }
    Ok(())
}

/// The terminal's and the bank's keys, exchanged as over a socket.
fn enrol(bank: &Bank, place: &Place) -> Result<()> {
    if place.keys.exists() {
        return Ok(());
    }
    let draft = Draft::kept(&place.keys, &SystemEntropy)?;
    let secret = sandbox::seed_terminal(bank, place.id, place.location)?;
    let (request, receipt) = draft.request(&secret, place.id);
    let Ok(answer) = bank.enrol_terminal(&request)? else {
        bail!("the bank has enrolled another terminal; were its keys {} removed?", place.keys.display());
    };
    let enrolled = enrolment::open_answer(&secret, &receipt, &answer)?;
    // The demo's port is another one at each start; nobody reads this one.
    draft.identity("http://127.0.0.1", place.id, &enrolled).write_new(&place.keys)?;
    Ok(())
}

fn discard_draft(_: &Bank, place: &Place) -> Result<()> {
    Ok(Draft::discard(&place.keys)?)
}

/// Cassettes equal to what the bank's play machines hold.
fn fitting() -> Fitting {
    let minor = |denomination| Decimal::new(denomination, 0).limit_in(Currency::USD).minor();
    Fitting::with(Currency::USD, &sandbox::CASSETTES.map(|(denomination, notes)| (minor(denomination), notes)))
}

/// How a host that listens at this address is reached from its own machine.
fn reached(host: SocketAddr) -> SocketAddr {
    let here: IpAddr = if host.is_ipv4() { Ipv4Addr::LOCALHOST.into() } else { Ipv6Addr::LOCALHOST.into() };
    SocketAddr::new(if host.ip().is_unspecified() { here } else { host.ip() }, host.port())
}

#[cfg(test)]
mod tests {
    use cashpoint_bank::bank::Mode;
    use cashpoint_terminal::identity::Identity;

    use super::*;
    use crate::bank::setting;
    use crate::configuration::BankFiles;

    fn bank(folder: &Path) -> Bank {
        let files = BankFiles { database: folder.join("bank.db").into(), keys: folder.join("keys.toml") };
        Bank::open(setting(files).with_mode(Mode::Sandbox)).unwrap().0
    }

    fn place(folder: &Path) -> Place {
        Place::new(folder, "ATM901", "Station")
    }

    /// Everything is there once and fits together, and a start later changes nothing.
    fn is_whole(folder: &Path) {
        let seen: Vec<_> = (0..2)
            .map(|_| {
                let (bank, place) = (bank(folder), place(folder));
                let ready = Ready::at(&bank, place).unwrap_or_else(|error| panic!("{error:#}"));
                let enrolled = bank.terminal_view(ready.place.id).unwrap().expect("it is enrolled").enrolled;
                let identity = Identity::read(&ready.place.keys).unwrap();
                let own = cashpoint_wire::link::SigningKey::from_seed(&identity.signing_key);
                assert_eq!(enrolled.key, own.public().to_bytes(), "the bank knows the key that the terminal has");
                let left: Vec<_> =
                    [devices::provisioning(&ready.place.state), ready.place.keys.with_extension("enrolling")]
                        .into_iter()
                        .filter(|file| file.exists())
                        .collect();
                assert!(left.is_empty(), "{left:?}");
                let provisioned = ready.hardware.keys().provisioning();
                bank.close();
                (enrolled.key, provisioned.to_string(), *identity.card_key)
            })
            .collect();
        assert!(seen[0] == seen[1], "another machine at the second start");
    }

    #[test]
    fn a_first_start_that_broke_off_after_any_step_is_taken_up() {
        for done in 0..=STEPS.len() {
            let folder = tempfile::tempdir().unwrap();
            let broken = bank(folder.path());
            STEPS.iter().take(done).for_each(|step| step(&broken, &place(folder.path())).unwrap());
            broken.close();
            is_whole(folder.path());
        }
    }

    #[test]
    fn a_step_that_broke_off_in_its_middle_is_taken_up() {
        // Keys were written for the bank, the hardware that has them was not.
        let folder = tempfile::tempdir().unwrap();
        let place = place(folder.path());
        let broken = bank(folder.path());
        STEPS.iter().take(2).for_each(|step| step(&broken, &place).unwrap());
        std::fs::remove_file(&place.state).unwrap();
        broken.close();
        is_whole(folder.path());
        // The bank enrolled the terminal, which did not keep the answer: alone its draft knows which keys it told.
        let folder = tempfile::tempdir().unwrap();
        let place = self::place(folder.path());
        let broken = bank(folder.path());
        STEPS.iter().take(6).for_each(|step| step(&broken, &place).unwrap());
        std::fs::remove_file(&place.keys).unwrap();
        broken.close();
        is_whole(folder.path());
    }

    #[test]
    fn a_host_that_listens_everywhere_is_reached_on_loopback() {
        for (listens, at) in [
            ("0.0.0.0:80", "127.0.0.1:80"),
            ("[::]:80", "[::1]:80"),
            ("127.0.0.1:8080", "127.0.0.1:8080"),
            ("192.0.2.1:80", "192.0.2.1:80"),
        ] {
            assert_eq!(reached(listens.parse().unwrap()).to_string(), at);
        }
    }
}
