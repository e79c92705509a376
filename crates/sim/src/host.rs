//! The shipping bank as the host of simulated machines: a sandbox bank in a folder of its own, and its signed link to the
//! terminals that it enrolled. Messages are the bytes that real ones are.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use cashpoint_bank::bank::{Bank, Mode, Setting};
use cashpoint_bank::clock::ManualClock;
use cashpoint_bank::desk::{MachineRequest, PolicyValue};
use cashpoint_bank::entropy::{Entropy, SeededEntropy};
use cashpoint_bank::execute::Failure;
use cashpoint_bank::keys::{DeviceKeys, FileKeyStore, MasterKey, TerminalSecrets};
use cashpoint_bank::sandbox::{OPERATOR, seed};
use cashpoint_bank::secret::Password;
use cashpoint_core::command::{EnrolTerminal, KeepTerminalKeys, NewCassette};
use cashpoint_core::currency::Currency;
use cashpoint_core::id::MachineId;
use cashpoint_core::machine::MachineKind;
use cashpoint_core::money::Decimal;
use cashpoint_core::session::Session;
use cashpoint_core::terminal::link::LinkFailure;
use cashpoint_core::time::Timestamp;
use cashpoint_wire::card_reference::CardKey;
use cashpoint_wire::link::envelope::{Receipt, RequestHead, open_answer, sign_request};
use cashpoint_wire::link::{Answer, Declined, PublicKey, SigningKey};
use zeroize::Zeroizing;

use crate::chance::Chance;
use crate::network::{Heard, Host, Message, Sent};

/// Longer than any run: what goes along with other commands does so at the same point whatever the machine is busy with.
const NEVER_ALONE: Duration = Duration::from_secs(86_400);

/// A bank, and its end of the link.
pub struct BankHost {
    /// The bank.
    pub bank: Bank,
    /// Staff who may do everything.
    pub admin: Session,
    /// Copies that the network makes.
    pub echo: Option<Echo>,
    clock: Arc<ManualClock>,
    /// How far time has come, whatever the bank's wall clock says.
    reached: Cell<Timestamp>,
    entropy: Arc<TwoStreams>,
    folder: PathBuf,
    terminals: BTreeMap<MachineId, Line>,
}

/// Chance of the bank's worker apart from everybody else's: both draw at once, and who comes first is no matter of a seed.
struct TwoStreams {
    worker: SeededEntropy,
    others: SeededEntropy,
}

impl TwoStreams {
    const fn new(seed: u64) -> Self {
        Self { worker: SeededEntropy::new(seed | 1 << 32), others: SeededEntropy::new(seed) }
    }
}

impl Entropy for TwoStreams {
    fn fill(&self, bytes: &mut [u8]) {
        let on_worker = std::thread::current().name() == Some("bank");
        if on_worker { self.worker.fill(bytes) } else { self.others.fill(bytes) }
    }
}

/// A terminal's end of the link.
struct Line {
    key: SigningKey,
    host_key: PublicKey,
    card_key: CardKey,
    number: u64,
}

/// A network that repeats what it carried, late and in any order.
pub struct Echo {
    chance: Chance,
    percent: u64,
    carried: Vec<Message>,
    /// How many copies arrived.
    pub copies: u64,
    /// How many of them the host took.
    pub taken: u64,
}

impl Echo {
    /// So many copies for each hundred messages.
    #[must_use]
    pub const fn new(seed: u64, percent: u64) -> Self {
        Self { chance: Chance::new(seed), percent, carried: Vec::new(), copies: 0, taken: 0 }
    }
}

/// What a machine is filled with: denominations in major units, and so many notes of each.
pub const FILLING: [(&str, u32); 3] = [("50", 100), ("20", 100), ("10", 100)];

impl BankHost {
    /// A bank with play data in `folder`.
    ///
    /// # Panics
    /// If the folder cannot be used.
    #[must_use]
    pub fn new(folder: &Path, now: Timestamp) -> Self {
        /// Every world of a process begins with the same bank, and making its play data takes longer than most visits.
        static SEEDED: OnceLock<Vec<(OsString, Vec<u8>)>> = OnceLock::new();
        for (name, bytes) in SEEDED.get_or_init(|| seeded(folder, now)) {
            let path = folder.join(name);
            std::fs::write(&path, bytes).expect("the folder can be used");
            // A key store lets nobody else read it.
            std::fs::set_permissions(&path, Permissions::from_mode(0o600)).expect("the folder can be used");
        }
        let clock = Arc::new(ManualClock::new(now));
        // Other chance than that of the play data: nothing may be made twice.
        let entropy = Arc::new(TwoStreams::new(2));
        let bank = open(folder, &clock, &entropy);
        let (admin, reached, folder) = (staff(&bank).expect("a new bank answers"), Cell::new(now), folder.to_owned());
        Self { bank, admin, echo: None, clock, reached, entropy, folder, terminals: BTreeMap::new() }
    }

    /// The host's process ends and begins again: what was committed is there.
    ///
    /// # Panics
    /// If its files cannot be opened again.
    pub fn restart(&mut self) {
        self.bank.close();
        self.bank = open(&self.folder, &self.clock, &self.entropy);
    }

    /// Staff log in anew.
    ///
    /// # Errors
    /// The bank serves nobody now.
    pub fn log_in(&mut self) -> Result<(), Failure> {
        self.admin = staff(&self.bank)?;
        Ok(())
    }

    /// Somebody sets the wall clock so many seconds ahead of what it is, or back.
    pub fn set_clock(&self, ahead_s: i64) {
        self.clock.set_wall(self.reached.get().plus_s(ahead_s));
    }

    /// Makes and enrols a terminal whose devices have these keys. What names cards to it.
    ///
    /// # Panics
    /// If there is one of this name.
    pub fn enrol(&mut self, terminal: MachineId, devices: DeviceKeys) -> CardKey {
        let note = |(value, count)| NewCassette { denomination: Decimal::parse(value).expect("a figure"), count };
        let request = MachineRequest {
            machine: terminal,
            kind: MachineKind::Terminal,
            location: "Simulated".to_owned(),
            currency: Some(Currency::USD),
            cassettes: FILLING.map(note).to_vec(),
        };
        let key = format!("machine {terminal}");
        self.bank.create_machine(self.admin, &key, request).expect("the bank answers").expect("nobody has this name");
        let views = self.bank.machines_watched().expect("the bank answers");
        let code = views.iter().find(|view| view.identity.id == terminal).expect("it was made").identity.secret;
        let mut seed = [9; 32];
        seed[0] = u8::try_from(self.terminals.len()).expect("few terminals");
        let signing = SigningKey::from_seed(&seed);
        let done = |outcome: Result<_, _>| drop(outcome.expect("a new machine is enrolled once"));
        let enrol = EnrolTerminal { terminal, code, key: signing.public().to_bytes() };
        done(self.bank.execute(enrol).expect("the bank answers").outcome);
        let store = FileKeyStore::open(&self.folder.join("keys.toml"), MasterKey::InFile, self.entropy.clone())
            .expect("it made its keys");
        let secrets = TerminalSecrets::make(&*self.entropy).with_devices(devices);
        let keys = secrets.seal(terminal, &store, &*self.entropy).expect("the bank's keys seal");
        done(self.bank.execute(KeepTerminalKeys { terminal, keys }).expect("the bank answers").outcome);
        let (host_key, card_key) = (secrets.host_key(), secrets.card_key());
        self.terminals.insert(terminal, Line { key: signing, host_key, card_key: card_key.clone(), number: 0 });
        card_key
    }

    /// What names cards to a terminal.
    ///
    /// # Panics
    /// If it was not enrolled.
    #[must_use]
    pub fn card_key(&self, terminal: MachineId) -> &CardKey {
        &self.line(terminal).card_key
    }

    /// Sets values of the policy.
    ///
    /// # Panics
    /// If the bank refuses them.
    pub fn set_policy(&self, values: &[(&str, &str)]) {
        let value = |(name, value): &(&str, &str)| ((*name).to_owned(), PolicyValue::Text((*value).to_owned()));
        let set = self.bank.set_policies(self.admin, values.iter().map(value).collect());
        drop(set.expect("the bank answers").expect("the values are right"));
    }

    /// Lets the bank's time come to `now`.
    pub fn wait_until(&self, now: Timestamp) {
        let behind = now.micros().saturating_sub(self.reached.get().micros());
        if let Ok(behind) = u64::try_from(behind) {
            self.clock.advance(Duration::from_micros(behind));
            self.reached.set(now);
        }
    }

    fn line(&self, terminal: MachineId) -> &Line {
        self.terminals.get(&terminal).expect("it was enrolled")
    }

    fn bytes(&self, message: &Message) -> (Zeroizing<Vec<u8>>, Receipt) {
        let Sent { terminal, lane, at, head, known, ref request } = message.sent;
        let head = RequestHead { terminal, lane, number: message.number, at, head, known };
        sign_request(&self.line(terminal).key, &head, request)
    }

    /// The host's answer to a message; none if it cannot answer now.
    fn asked(&self, message: &Message) -> Result<(Option<u64>, Answer), Failure> {
        let (bytes, receipt) = self.bytes(message);
        let answer = self.bank.terminal_message(&bytes)?.expect("it is a message of an enrolled terminal");
        let line = self.line(message.sent.terminal);
        let (head, answer) = open_answer(&line.host_key, &receipt, &answer).expect("the host's answer is its own");
        Ok((head.known.map(|head| head.n), answer))
    }

    /// Copies of what was carried before arrive.
    fn echo(&mut self, message: &Message) {
        let Some(mut echo) = self.echo.take() else { return };
        echo.carried.push(message.clone());
        while echo.chance.below(100) < echo.percent {
            let which = usize::try_from(echo.chance.below(echo.carried.len() as u64)).expect("it is an index");
            let (_, answer) = self.asked(&echo.carried[which]).expect("the bank answers");
            echo.copies += 1;
            echo.taken += match answer {
                Answer::Reply(_) => 1,
                Answer::Declined(_) => 0,
            };
        }
        self.echo = Some(echo);
    }
}

fn open(folder: &Path, clock: &Arc<ManualClock>, entropy: &Arc<TwoStreams>) -> Bank {
    let (database, keys) = (folder.join("bank.db"), folder.join("keys.toml"));
    let mut setting = Setting::new(database, keys, clock.clone(), entropy.clone()).with_mode(Mode::Sandbox);
    setting.alone_after = NEVER_ALONE;
    // One after the other: which commands one commit takes would hang on how fast they come.
    setting.group = 1;
    Bank::open(setting).expect("the folder takes a bank").0
}

fn staff(bank: &Bank) -> Result<Session, Failure> {
    let password = Password::attempt(OPERATOR.1).expect("it is short enough");
    Ok(bank.log_in_operator(OPERATOR.0, password)?.expect("it is right").session)
}

/// The files of a bank with play data, made in `folder`.
fn seeded(folder: &Path, now: Timestamp) -> Vec<(OsString, Vec<u8>)> {
    let (clock, entropy) = (Arc::new(ManualClock::new(now)), Arc::new(TwoStreams::new(1)));
    let bank = open(folder, &clock, &entropy);
    seed(&bank).expect("a new bank takes play data");
    bank.close();
    drop(bank);
    let files = std::fs::read_dir(folder).expect("the folder can be used").map_while(Result::ok);
    let files = files.filter(|file| file.file_name().to_string_lossy() != "bank.db.lock");
    files.map(|file| (file.file_name(), std::fs::read(file.path()).expect("its files can be read"))).collect()
}

impl Host for BankHost {
    fn address(&mut self, sent: Sent, _: Timestamp) -> Message {
        let line = self.terminals.get_mut(&sent.terminal).expect("it was enrolled");
        line.number += 1;
        Message { number: line.number, sent }
    }

    fn answer(&mut self, message: &Message, now: Timestamp) -> Heard {
        self.wait_until(now);
        let (known, answer) = match self.asked(message) {
            Ok(answered) => answered,
            Err(Failure::Overloaded) => return Heard { reply: Err(LinkFailure::Busy), known: None },
            Err(Failure::DatabaseUnavailable | Failure::ClockDisagrees | Failure::Internal) => {
                return Heard { reply: Err(LinkFailure::TimedOut), known: None };
            }
        };
        let reply = match answer {
            Answer::Reply(reply) => Ok(reply),
            Answer::Declined(declined) => {
                if let Declined::NumberUsed { last } = declined {
                    let line = self.terminals.get_mut(&message.sent.terminal).expect("it was enrolled");
                    line.number = line.number.max(last);
                }
                Err(declined.failure())
            }
        };
        self.echo(message);
        Heard { reply, known: Some(known.unwrap_or(0)) }
    }
}

impl Drop for BankHost {
    fn drop(&mut self) {
        self.bank.close();
    }
}
