//! Where terminals are measured: a bank that knows them, its host in a process of its own, and each machine with its devices.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use cashpoint_bank::bank::Bank;
use cashpoint_bank::desk::{CardRequest, MachineRequest, NewCustomer, OpeningAccount, PolicyValue};
use cashpoint_bank::entropy::SystemEntropy;
use cashpoint_bank::secret::{Password, Pin};
use cashpoint_core::account::Product;
use cashpoint_core::command::NewCassette;
use cashpoint_core::currency::Currency;
use cashpoint_core::id::MachineId;
use cashpoint_core::machine::MachineKind;
use cashpoint_core::money::Decimal;
use cashpoint_core::session::{Role, Session};
use cashpoint_core::terminal::screen::{Connection, Screen};
use cashpoint_devices::model::Fitting;
use cashpoint_devices::server::{Devices, Options};
use cashpoint_terminal::enrol::{EnrolError, enrol};
use cashpoint_terminal::front::{Front, Shown};
use cashpoint_terminal::identity::Identity;
use cashpoint_terminal::process::Running;
use cashpoint_terminal::xfs::Services;
use tokio::task::JoinHandle as Task;
use zeroize::Zeroizing;

use crate::bank::setting;
use crate::bench::load::Client;
use crate::bench::memory;
use crate::configuration::{BankFiles, loopback};
use crate::{devices, operator, terminal};

/// Who makes machines, customers and cards.
const OPERATOR: &str = "bench";

/// What machines are filled with: notes' values in major units, and how many. More than people can take.
const FILLING: [(u64, u32); 3] = [(50, 1_000), (20, 100_000), (10, 1_000)];

/// Between two attempts to enrol, where the host takes no more at the moment.
const TOO_MANY: Duration = Duration::from_millis(200);

/// A machine that was made, and a card to use there.
pub(super) struct Spot {
    number: usize,
    id: MachineId,
    code: String,
    state: PathBuf,
    track2: Zeroizing<String>,
    pin: Pin,
}

/// Everything that was made before the host begins.
pub(super) struct Site {
    spots: Vec<Spot>,
}

impl Site {
    /// Makes a bank in these files, and so many machines and cards; their devices' files go to `folder`.
    ///
    /// # Errors
    /// The world failed.
    pub(super) fn make(files: &BankFiles, folder: &Path, machines: usize) -> Result<Self> {
        let bank = open(files)?;
        let made = Self::made(&bank, folder, machines);
        bank.close();
        made
    }

    fn made(bank: &Bank, folder: &Path, machines: usize) -> Result<Self> {
        let password = || Password::choose("a bench's operator").expect("it is long enough");
        told(bank.add_operator(OPERATOR, Role::Admin, password()), "an operator")?;
        let session = told(bank.log_in_operator(OPERATOR, password()), "an operator's session")?.session;
        let policy = vec![("daily_withdrawal_limit".to_owned(), PolicyValue::Off)];
        told(bank.set_policies(session, policy), "the policy")?;
        let spots = (0..machines).map(|number| spot(bank, session, (folder, number)));
        Ok(Self { spots: spots.collect::<Result<_>>()? })
    }

    pub(super) fn spots(&self) -> &[Spot] {
        &self.spots
    }

    /// Where the books are not what the visits say: by the machine's number, minor units that were paid, and what the
    /// devices still hold.
    ///
    /// # Errors
    /// The bank cannot be opened.
    pub(super) fn differences(
        &self,
        files: &BankFiles,
        (paid, inside): (&[i64], &[Option<i64>]),
    ) -> Result<Vec<String>> {
        let bank = open(files)?;
        let views = bank.machines_watched();
        bank.close();
        let views = views?;
        let mut wrong = Vec::new();
        for spot in &self.spots {
            let view = views.iter().find(|view| view.identity.id == spot.id).context("a machine is gone")?;
            let (booked, left) = (view.holdings.cash(), filled() - paid[spot.number]);
            if view.in_flight != 0 {
                wrong.push(format!("{}: {} minor units are in flight", spot.id, view.in_flight));
            }
            if booked != left {
                wrong.push(format!("{}: {booked} minor units are booked, and {left} left", spot.id));
            }
            if inside[spot.number] != Some(left) {
                wrong.push(format!("{}: the devices hold {:?} minor units of {left}", spot.id, inside[spot.number]));
            }
        }
        Ok(wrong)
    }
}

fn open(files: &BankFiles) -> Result<Bank> {
    Ok(Bank::open(setting(BankFiles { database: files.database.clone(), keys: files.keys.clone() }))?.0)
}

/// What a machine is filled with, minor units.
fn filled() -> i64 {
    FILLING.iter().map(|(value, count)| i64::try_from(*value).unwrap_or(0) * 100 * i64::from(*count)).sum()
}

/// What the bank answered to something that it cannot refuse here.
fn told<T, R: std::fmt::Debug>(
    answered: Result<Result<T, R>, cashpoint_bank::execute::Failure>,
    what: &str,
) -> Result<T> {
    answered?.map_err(|refusal| anyhow!("{what} was refused: {refusal:?}"))
}

fn spot(bank: &Bank, session: Session, (folder, number): (&Path, usize)) -> Result<Spot> {
    let id = MachineId::parse(&format!("BENCH{number}")).expect("short enough for an id");
    let cassette = |(value, count)| NewCassette { denomination: Decimal::new(value, 0), count };
    let request = MachineRequest {
        machine: id,
        kind: MachineKind::Terminal,
        location: format!("Pitch {number}"),
        currency: Some(Currency::USD),
        cassettes: FILLING.map(cassette).to_vec(),
    };
    let made = told(bank.create_machine(session, &format!("machine-{number}"), request), "a machine")?.0;
    let code = made.secret.context("a machine's code")?.expose().to_owned();
    let state = folder.join(format!("{id}.json"));
    let minor: Vec<_> =
        FILLING.iter().map(|(value, count)| (i64::try_from(*value).unwrap_or(0) * 100, *count)).collect();
    drop(devices::machine(&state, Fitting::with(Currency::USD, &minor))?);
    operator::load_keys(bank, id, &devices::provisioning(&state))?.map_err(|no| anyhow!(no))?;
    let account =
        OpeningAccount { product: Product::Savings, currency: Currency::USD, balance: Decimal::new(1_000_000, 0) };
    let customer = NewCustomer {
        name: format!("Customer {number}"),
        email: None,
        phone: None,
        address: None,
        accounts: vec![account],
    };
    let customer = told(bank.create_customer(session, &format!("customer-{number}"), customer), "a customer")?.0;
    let accounts = customer.accounts.iter().map(|view| view.account.identity.number).collect();
    let pin = Pin::parse("2580").expect("four digits");
    let card = CardRequest { customer: customer.customer, accounts, number: None, pin: Some(pin.clone()) };
    let card = told(bank.issue_card(session, &format!("card-{number}"), card), "a card")?.0;
    let pan = card.number.context("a card's number")?;
    let (year, month) = card.expires;
    let track2 = Zeroizing::new(format!("{}={:02}{month:02}201", pan.expose(), year % 100));
    Ok(Spot { number, id, code, state, track2, pin })
}

/// One machine at work: a terminal and its devices.
pub(super) struct Place {
    pub(super) number: usize,
    pub(super) id: MachineId,
    pub(super) control: SocketAddr,
    pub(super) track2: Zeroizing<String>,
    pub(super) pin: Pin,
    running: Running,
    devices: Task<()>,
}

impl Place {
    /// Enrols a machine and starts it with its devices.
    ///
    /// # Errors
    /// The host refuses, or the world failed.
    pub(super) async fn start(spot: &Spot, host: &str, motion_ms: u32) -> Result<Self> {
        let Spot { number, id, code, state, track2, pin } = spot;
        let options = Options { control: Some(loopback(0)), ..devices::options(loopback(0), state.clone(), motion_ms) };
        // The machine was made before; this opens it as a second start would.
        let hardware = devices::machine(state, Fitting::with(Currency::USD, &[]))?;
        let opened = Devices::open(hardware, options).await.context("ports for devices")?;
        let control = opened.control_address()?.context("the control interface was asked for")?;
        let port = opened.address()?.port();
        let serving = async move {
            if let Err(error) = opened.serve().await {
                tracing::error!(%error, "the devices ended");
            }
        };
        let devices = tokio::spawn(serving);
        let keys = state.with_extension("toml");
        while let Err(error) = enrol(host, *id, code, &keys, &SystemEntropy).await {
            // Hundreds from one address are too many at once, for the host.
            let EnrolError::Refused { status: 429 } = error else { return Err(error.into()) };
            tokio::time::sleep(TOO_MANY).await;
        }
        let services = Services::Published { host: "127.0.0.1".to_owned(), ports: vec![port] };
        let journal = state.with_extension("journal");
        let running = Running::start(terminal::setting(Identity::read(&keys)?, journal, services))?;
        let (track2, pin) = (track2.clone(), pin.clone());
        Ok(Self { number: *number, id: *id, control, track2, pin, running, devices })
    }

    /// Waits until a customer could have cash: the terminal has its devices and its host, and the pad the host's key.
    ///
    /// # Errors
    /// The terminal has ended, or the devices do not answer.
    pub(super) async fn serves(&self) -> Result<()> {
        let ready = |shown: &Arc<Shown>| matches!(shown.screen, Screen::Welcome { services } if services.withdrawal && services.host == Connection::Online);
        self.front().shown().wait_for(ready).await?;
        while self.state().await?["pin_key_loaded"] != true {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Ok(())
    }

    /// Its screen and what can be chosen there.
    pub(super) fn front(&self) -> Front {
        self.running.front()
    }

    /// Value of all notes inside of the machine, minor units.
    ///
    /// # Errors
    /// The devices do not answer.
    pub(super) async fn inside(&self) -> Result<i64> {
        self.state().await?["inside_minor"].as_i64().context("the devices do not say what they hold")
    }

    /// How the devices stand, as their control interface tells it.
    ///
    /// # Errors
    /// They do not answer.
    pub(super) async fn state(&self) -> Result<serde_json::Value> {
        let mut answer = Vec::new();
        let request = b"GET /state HTTP/1.1\r\nhost: devices\r\n\r\n";
        let status = Client::new(self.control).exchange(request, &mut answer).await?;
        let body = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n").map_or(&[][..], |end| &answer[end + 4..]);
        serde_json::from_slice(body).with_context(|| format!("the devices answer {status}"))
    }

    /// Ends it.
    pub(super) async fn stop(self) {
        terminal::stop(self.running).await;
        self.devices.abort();
    }
}

/// `cashpoint host`, of this very program.
pub(super) struct HostProcess {
    child: Child,
    url: String,
    said: Arc<Mutex<Vec<String>>>,
    reader: Option<JoinHandle<()>>,
}

impl HostProcess {
    /// Starts it on a bank, and waits until it serves.
    ///
    /// # Errors
    /// It does not begin.
    pub(super) fn start(files: &BankFiles) -> Result<Self> {
        let mut command = Command::new(std::env::current_exe().context("where this program is")?);
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("CASHPOINT_")) {
            command.env_remove(name);
        }
        command.env_remove("RUST_LOG").arg("host").arg("--database");
        command.arg(files.database.to_string()).arg("--keys").arg(&files.keys);
        command.args(["--listen", "127.0.0.1:0", "--operations", "127.0.0.1:0"]);
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
        let said = Arc::<Mutex<Vec<String>>>::default();
        let (stderr, keep) = (child.stderr.take().expect("piped"), Arc::clone(&said));
        let reader = std::thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                keep.lock().expect("no holder of this lock can panic").push(line);
            }
        });
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("piped")).read_line(&mut line)?;
        let url = line.trim().strip_prefix("ready ").unwrap_or_default().to_owned();
        let host = Self { child, url, said, reader: Some(reader) };
        if host.url.is_empty() {
            bail!("the host does not begin: {}", host.said());
        }
        Ok(host)
    }

    pub(super) fn url(&self) -> &str {
        &self.url
    }

    pub(super) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Processor time that it has used, seconds.
    pub(super) fn cpu_s(&self) -> f64 {
        memory::processor_s(self.child.id()).unwrap_or(0.0)
    }

    /// The end of its log.
    pub(super) fn said(&self) -> String {
        let said = self.said.lock().expect("no holder of this lock can panic");
        said[said.len().saturating_sub(10)..].join("\n")
    }

    /// Ends it as an operator would; the lines of its log that are warnings or worse.
    ///
    /// # Errors
    /// It does not end well.
    pub(super) fn stop(mut self) -> Result<Vec<String>> {
        let pid = i32::try_from(self.child.id()).ok().and_then(rustix::process::Pid::from_raw);
        rustix::process::kill_process(pid.context("the host's id")?, rustix::process::Signal::TERM)?;
        let status = self.child.wait()?;
        if let Some(reader) = self.reader.take() {
            reader.join().map_err(|_| anyhow!("the reader of the host's log"))?;
        }
        if !status.success() {
            bail!("the host ended with {status}: {}", self.said());
        }
        let said = self.said.lock().expect("no holder of this lock can panic");
        let complaint = |line: &&String| line.contains(" WARN ") || line.contains("ERROR ");
        Ok(said.iter().filter(complaint).cloned().collect())
    }
}

impl Drop for HostProcess {
    fn drop(&mut self) {
        // Fails only if it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
