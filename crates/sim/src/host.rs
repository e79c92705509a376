//! The shipping bank as the host of simulated machines: a sandbox bank in a folder of its own, and its link to the
//! terminals that it enrolled. It works on the thread of whoever asks it, one command after the other.
//!
//! On a signed link messages are the bytes that real ones are. Where nobody forges any, signing and writing them is most of
//! the work and no matter of the world, so a [`Link`] may go without.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use cashpoint_bank::bank::{Bank, Hands, Mode, Setting};
use cashpoint_bank::clock::ManualClock;
use cashpoint_bank::desk::{MachineRequest, PolicyValue};
use cashpoint_bank::entropy::SeededEntropy;
use cashpoint_bank::execute::Failure;
use cashpoint_bank::keys::{DeviceKeys, FileKeyStore, MasterKey, TerminalSecrets};
use cashpoint_bank::sandbox::{OPERATOR, seed};
use cashpoint_bank::secret::Password;
use cashpoint_bank::store::database::Database;
use cashpoint_bank::store::memory::MemoryBank;
use cashpoint_bank::store::records::Records;
use cashpoint_core::command::{
    EnrolTerminal, KeepTerminalKeys, LogInOnline, LogInOperator, Match, NewCassette, NewSession, PasswordCheck,
};
use cashpoint_core::currency::Currency;
use cashpoint_core::id::{CustomerId, MachineId, SessionId};
use cashpoint_core::machine::MachineKind;
use cashpoint_core::money::Decimal;
use cashpoint_core::outcome::Done;
use cashpoint_core::session::{Session, Subject};
use cashpoint_core::terminal::link::LinkFailure;
use cashpoint_core::time::Timestamp;
use cashpoint_wire::card_reference::CardKey;
use cashpoint_wire::link::envelope::{RequestHead, open_answer, sign_request};
use cashpoint_wire::link::{Answer, Declined, PublicKey, SigningKey};

use crate::chance::Chance;
use crate::network::{Heard, Host, Message, Sent};

/// How messages travel.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Link {
    /// As signed bytes.
    Signed,
    /// As what they say: the bank takes each as its terminal's word.
    Unsigned,
}

/// Where a bank's rows are.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Kept {
    /// In a file of its folder.
    InFile,
    /// Nowhere but in memory.
    InMemory,
}

/// Where the chance of play data, of a town's people and machines, and of everything after that begins: nothing may be made
/// twice.
const PLAY_DATA: u64 = 1;
const RUNNING: u64 = 2;
const SETTLING: u64 = 3;

/// A bank, and its end of the link.
pub struct BankHost {
    /// The bank.
    pub bank: Bank,
    /// Staff who may do everything.
    pub admin: Session,
    /// How messages travel.
    pub link: Link,
    /// Copies that the network makes.
    pub echo: Option<Echo>,
    clock: Arc<ManualClock>,
    /// How far time has come, whatever the bank's wall clock says.
    reached: Cell<Timestamp>,
    entropy: Arc<SeededEntropy>,
    /// Sessions of staff and of customers online that were begun.
    sessions: i64,
    folder: PathBuf,
    database: Database,
    terminals: BTreeMap<MachineId, Line>,
}

/// A terminal's end of the link.
#[derive(Clone)]
struct Line {
    key: SigningKey,
    host_key: PublicKey,
    card_key: CardKey,
    number: u64,
}

/// A bank as it was left: any number of worlds go on from there.
pub struct Left {
    /// The key file, and the rows if they are in one.
    files: Vec<(OsString, Vec<u8>)>,
    /// The rows, if they are in memory.
    memory: Option<MemoryBank>,
    admin: Session,
    reached: Timestamp,
    terminals: BTreeMap<MachineId, Line>,
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
        Self::resume(play_data(folder, Kept::InFile, now), folder, RUNNING)
    }

    /// A bank with play data to which people and machines are to be added, for [`Self::leave`].
    ///
    /// # Panics
    /// If the folder cannot be used.
    #[must_use]
    pub fn settling(folder: &Path, kept: Kept, now: Timestamp) -> Self {
        Self::resume(play_data(folder, kept, now), folder, SETTLING)
    }

    /// A bank as it was left, in another folder.
    ///
    /// # Panics
    /// If the folder cannot be used.
    #[must_use]
    pub fn again(left: &Left, folder: &Path) -> Self {
        Self::resume(left, folder, RUNNING)
    }

    fn resume(left: &Left, folder: &Path, entropy: u64) -> Self {
        let Left { files, memory, admin, reached, terminals } = left;
        for (name, bytes) in files {
            let path = folder.join(name);
            std::fs::write(&path, bytes).expect("the folder can be used");
            // A key store lets nobody else read it.
            std::fs::set_permissions(&path, Permissions::from_mode(0o600)).expect("the folder can be used");
        }
        let database = memory.as_ref().map_or_else(|| in_file(folder), |memory| Database::Memory(memory.fork()));
        let (clock, entropy) = (Arc::new(ManualClock::new(*reached)), Arc::new(SeededEntropy::new(entropy)));
        Self {
            bank: open(folder, &database, &clock, &entropy),
            admin: *admin,
            link: Link::Signed,
            echo: None,
            clock,
            reached: Cell::new(*reached),
            entropy,
            sessions: 0,
            folder: folder.to_owned(),
            database,
            terminals: terminals.clone(),
        }
    }

    /// Closes the bank and takes it along.
    ///
    /// # Panics
    /// If its files cannot be read.
    #[must_use]
    pub fn leave(self) -> Left {
        let Self { admin, ref reached, ref folder, ref terminals, .. } = self;
        let (reached, folder, terminals) = (reached.get(), folder.clone(), terminals.clone());
        let memory = self.memory().cloned();
        drop(self);
        Left { files: files(&folder), memory, admin, reached, terminals }
    }

    /// The bank's rows, if they are in memory.
    #[must_use]
    pub const fn memory(&self) -> Option<&MemoryBank> {
        match &self.database {
            Database::Memory(bank) => Some(bank),
            Database::Sqlite(_) | Database::Postgres(_) => None,
        }
    }

    /// Everything that is recorded, for reading from end to end. From memory it is written out for that, which takes as long
    /// as there is of it.
    ///
    /// # Panics
    /// If it cannot be read.
    #[must_use]
    pub fn records(&self) -> Records {
        self.database.records().expect("a bank can be read")
    }

    /// The host's process ends and begins again: what was committed is there.
    ///
    /// # Panics
    /// If its files cannot be opened again, or it failed by a bug.
    pub fn restart(&mut self) {
        self.bank.close();
        self.assert_sound();
        self.bank = open(&self.folder, &self.database, &self.clock, &self.entropy);
    }

    /// A command that panicked, or that the store had to refuse, looks like a host that is busy: only the count of them tells.
    fn assert_sound(&self) {
        let failed = self.bank.measures().failed(Failure::Internal);
        assert_eq!(failed, 0, "commands that failed by a bug of the bank's");
    }

    /// Staff log in anew. Their password was right once; it is not compared again, because that alone takes as long as many
    /// visits.
    ///
    /// # Errors
    /// The bank serves nobody now.
    ///
    /// # Panics
    /// If the bank refuses them.
    pub fn log_in(&mut self) -> Result<(), Failure> {
        let Subject::Operator { operator, role } = self.admin.subject else { unreachable!("it is a session of staff") };
        let session = self.new_session();
        let check = PasswordCheck { of: (operator, role), version: 1, matched: Match::Same };
        let begun = self.bank.execute(LogInOperator { identity: [1; 32], check: Some(check), session })?.outcome;
        let Ok(Done::LoggedIn(session)) = begun else { panic!("staff cannot log in: {begun:?}") };
        self.admin = session;
        Ok(())
    }

    /// A customer logs in online. Whether their password is right was found out elsewhere.
    ///
    /// # Errors
    /// The bank serves nobody now.
    ///
    /// # Panics
    /// If the bank refuses them.
    pub fn log_in_online(&mut self, customer: CustomerId) -> Result<Session, Failure> {
        let session = self.new_session();
        let check = PasswordCheck { of: customer, version: 0, matched: Match::Same };
        let begun = self.bank.execute(LogInOnline { identity: [2; 32], check: Some(check), session })?.outcome;
        let Ok(Done::LoggedIn(session)) = begun else { panic!("a customer cannot log in: {begun:?}") };
        Ok(session)
    }

    fn new_session(&mut self) -> NewSession {
        self.sessions += 1;
        let mut token = [0; 32];
        token[..8].copy_from_slice(&self.sessions.to_be_bytes());
        // Ids that the bank makes begin with the time, and are far above these.
        NewSession { id: SessionId::new(self.sessions), token }
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

    /// Whether its terminal has sent nothing since.
    #[must_use]
    pub fn is_latest(&self, message: &Message) -> bool {
        self.line(message.sent.terminal).number == message.number
    }

    fn line(&self, terminal: MachineId) -> &Line {
        self.terminals.get(&terminal).expect("it was enrolled")
    }

    /// The host's answer to a message; none if it cannot answer now.
    fn asked(&self, message: &Message) -> Result<(Option<u64>, Answer), Failure> {
        let head = head(message);
        let (answer, known) = match self.link {
            Link::Unsigned => {
                let answered = self.bank.terminal_word(&head, message.sent.request.clone())?;
                answered.expect("it is a message of an enrolled terminal")
            }
            Link::Signed => {
                let line = self.line(head.terminal);
                let (bytes, receipt) = sign_request(&line.key, &head, &message.sent.request);
                let answer = self.bank.terminal_message(&bytes)?.expect("it is a message of an enrolled terminal");
                let (head, answer) =
                    open_answer(&line.host_key, &receipt, &answer).expect("the host's answer is its own");
                (answer, head.known)
            }
        };
        Ok((known.map(|head| head.n), answer))
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

/// What a message says of itself.
const fn head(message: &Message) -> RequestHead {
    let Sent { terminal, lane, at, head, known, .. } = message.sent;
    RequestHead { terminal, lane, number: message.number, at, head, known }
}

fn in_file(folder: &Path) -> Database {
    Database::Sqlite(folder.join("bank.db"))
}

fn open(folder: &Path, database: &Database, clock: &Arc<ManualClock>, entropy: &Arc<SeededEntropy>) -> Bank {
    let keys = folder.join("keys.toml");
    let mut setting = Setting::new(database.clone(), keys, clock.clone(), entropy.clone()).with_mode(Mode::Sandbox);
    setting.hands = Hands::Callers;
    Bank::open(setting).expect("the folder takes a bank").0
}

/// A bank with play data: every world of a process begins with the same, and making it takes longer than most visits.
fn play_data(folder: &Path, kept: Kept, now: Timestamp) -> &'static Left {
    static MADE: [OnceLock<Left>; 2] = [const { OnceLock::new() }; 2];
    let (which, database) = match kept {
        Kept::InFile => (0, in_file(folder)),
        Kept::InMemory => (1, Database::Memory(MemoryBank::new())),
    };
    MADE[which].get_or_init(|| seeded(folder, &database, now))
}

/// A bank with play data, made in `folder`.
fn seeded(folder: &Path, database: &Database, now: Timestamp) -> Left {
    let (clock, entropy) = (Arc::new(ManualClock::new(now)), Arc::new(SeededEntropy::new(PLAY_DATA)));
    let bank = open(folder, database, &clock, &entropy);
    seed(&bank).expect("a new bank takes play data");
    let password = Password::attempt(OPERATOR.1).expect("it is short enough");
    let admin = bank.log_in_operator(OPERATOR.0, password).expect("a new bank answers").expect("it is right").session;
    bank.close();
    drop(bank);
    let memory = match database {
        Database::Memory(bank) => Some(bank.clone()),
        Database::Sqlite(_) | Database::Postgres(_) => None,
    };
    Left { files: files(folder), memory, admin, reached: now, terminals: BTreeMap::new() }
}

/// The files of a bank that is closed.
fn files(folder: &Path) -> Vec<(OsString, Vec<u8>)> {
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
        let asked = self.asked(message);
        self.assert_sound();
        let (known, answer) = match asked {
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
