//! The bank as the shells see it: one object that is opened, asked and closed.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use cashpoint_core::command::{Command, Standing};
use cashpoint_core::decide::Replay;
use cashpoint_core::id::{Index, MachineId};
use cashpoint_core::machine::MachineKind;
use cashpoint_core::outcome::Refusal;
use cashpoint_core::session::Session;
use cashpoint_core::time::Timestamp;
use subtle::ConstantTimeEq;

use crate::clock::{Clock, ClockAgreement, ClockWatch, WriterClock};
use crate::entropy::{Entropy, TimeOrderedIds};
use crate::execute::{Answer, Executor, Failure, Reply};
use crate::keys::{Counted, FileKeyStore, KeyFileError, MasterKey};
use crate::link::Links;
use crate::measures::Measures;
use crate::password::{PasswordLimits, Passwords};
use crate::queue::Gathering;
pub use crate::queue::Hands;
use crate::readers::Readers;
use crate::remembered::Remembered;
use crate::replica::Replica;
use crate::store::database::{Database, DatabaseError, Opened};
use crate::store::{MachineView, Reads, StoreError};
use crate::tokens::{ChannelSecret, Token};
use crate::worker::Worker;

/// Sessions, and machines, remembered from the database; those that nobody asked for lately are read again.
const REMEMBERED: usize = 1_000_000;

/// How long a command waits for others to go along with.
const ALONE_AFTER: Duration = Duration::from_millis(500);

/// Whether a database holds play money. It is marked when made, for ever.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mode {
    /// Play data, no channel credentials.
    Sandbox,
    /// Real money.
    Real,
}

/// How to open a bank.
pub struct Setting {
    /// Where its rows are.
    pub database: Database,
    /// A copy of them that follows, for reports.
    pub replica: Option<Database>,
    /// The key file.
    pub keys: PathBuf,
    /// What the database must be, or become if it is new; none: as it is, and real if it is new.
    pub mode: Option<Mode>,
    /// Where time comes from.
    pub clock: Arc<dyn Clock>,
    /// Where randomness comes from.
    pub entropy: Arc<dyn Entropy>,
    /// How many commands may wait; more than a host has connections, so that none is refused while each waits for one.
    pub queue: usize,
    /// How many are decided at once at most.
    pub group: usize,
    /// How long a command that nobody waits for may wait for others to go along with.
    pub alone_after: Duration,
    /// Whose thread executes commands.
    pub hands: Hands,
}

impl Setting {
    /// A bank as it is found, with the usual sizes.
    #[must_use]
    pub fn new(database: impl Into<Database>, keys: PathBuf, clock: Arc<dyn Clock>, entropy: Arc<dyn Entropy>) -> Self {
        let (queue, group, alone_after) = (16_384, 1_024, ALONE_AFTER);
        let (replica, mode, hands) = (None, None, Hands::Own);
        Self { database: database.into(), replica, keys, mode, clock, entropy, queue, group, alone_after, hands }
    }

    /// With what the database must be.
    #[must_use]
    pub fn with_mode(self, mode: Mode) -> Self {
        Self { mode: Some(mode), ..self }
    }
}

/// Why a bank cannot be opened. `Display` says what to do.
#[derive(Debug)]
pub enum OpenError {
    /// The database.
    Database(DatabaseError),
    /// The keys.
    Keys(KeyFileError),
    /// There is a database and no key file.
    KeysMissing(PathBuf),
    /// Play data was asked for and the database is real.
    NotASandbox(Database),
    /// The database holds play data and that was not asked for.
    IsASandbox(Database),
    /// It opened, and then did not answer.
    Failed(Failure),
}

impl fmt::Display for OpenError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Database(error) => write!(out, "{error}"),
            Self::Keys(error) => write!(out, "{error}"),
            Self::KeysMissing(path) => write!(
                out,
                "{} is not there, and the database's PINs and personal data open with nothing else: bring the key file back",
                path.display()
            ),
            Self::NotASandbox(database) => {
                write!(out, "{database} is not a sandbox: start without --sandbox, or name another database")
            }
            Self::IsASandbox(database) => {
                write!(out, "{database} is a sandbox for ever: start with --sandbox, or name another database")
            }
            Self::Failed(failure) => write!(out, "{failure}"),
        }
    }
}

impl std::error::Error for OpenError {}

impl From<DatabaseError> for OpenError {
    fn from(error: DatabaseError) -> Self {
        Self::Database(error)
    }
}

impl From<KeyFileError> for OpenError {
    fn from(error: KeyFileError) -> Self {
        Self::Keys(error)
    }
}

/// What an operation came to: done or refused, or the world failed.
pub type Answered<T> = Result<Result<T, Refusal>, Failure>;

/// What an operation with a request key came to, and whether that was told before.
pub type AnsweredOnce<T> = Result<Result<(T, Replay), Told>, Failure>;

/// A refusal of an operation with a request key.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Told {
    /// Why not.
    pub refusal: Refusal,
    /// Whether it was told before.
    pub replay: Replay,
}

impl From<Refusal> for Told {
    fn from(refusal: Refusal) -> Self {
        Self { refusal, replay: Replay::First }
    }
}

impl From<Told> for Refusal {
    fn from(told: Told) -> Self {
        told.refusal
    }
}

/// The bank. Cheap to clone; the last one to go takes the worker along.
#[derive(Clone)]
pub struct Bank {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) mode: Mode,
    clock: Arc<dyn Clock>,
    watch: ClockWatch,
    pub(crate) entropy: Arc<dyn Entropy>,
    pub(crate) keys: Arc<Counted<FileKeyStore>>,
    pub(crate) passwords: Passwords,
    measures: Arc<Measures>,
    worker: Worker,
    database: Database,
    readers: Readers,
    replica: Option<Replica>,
    pub(crate) ids: TimeOrderedIds,
    sessions: Remembered<Index, Session>,
    channels: Remembered<MachineId, [u8; 32]>,
    pub(crate) links: Links,
}

impl Bank {
    /// Opens a bank, or makes a new one where there is none. The texts are for people: what was made on the way.
    ///
    /// # Errors
    /// [`OpenError`] says what to do.
    pub fn open(setting: Setting) -> Result<(Self, Vec<String>), OpenError> {
        let Setting { database, replica, keys, mode, clock, entropy, queue, group, alone_after, hands } = setting;
        if matches!(&database, Database::Sqlite(path) if path.exists()) && !keys.exists() {
            return Err(OpenError::KeysMissing(keys));
        }
        let Opened { store, presence, mode: found, highest } = database.open(mode.unwrap_or(Mode::Real), &clock)?;
        match (found, mode) {
            (Mode::Real, Some(Mode::Sandbox)) => return Err(OpenError::NotASandbox(database)),
            (Mode::Sandbox, Some(Mode::Real)) => return Err(OpenError::IsASandbox(database)),
            (Mode::Sandbox | Mode::Real, None)
            | (Mode::Sandbox, Some(Mode::Sandbox))
            | (Mode::Real, Some(Mode::Real)) => {}
        }
        if highest.is_some() && !keys.exists() {
            return Err(OpenError::KeysMissing(keys));
        }
        let (keys, made) = FileKeyStore::open_or_create(&keys, MasterKey::from_environment()?, Arc::clone(&entropy))?;
        let highest = highest.unwrap_or(Timestamp::EPOCH);
        let watch = ClockWatch::start(clock.reading()).not_before(highest);
        let time = WriterClock::start(watch, highest);
        let measures = Arc::<Measures>::default();
        let executor = Executor::new(store, time, Arc::clone(&clock), Arc::clone(&entropy), found);
        let executor = executor.counting(Arc::clone(&measures));
        let gathering = Gathering { hands, queue, group, alone_after };
        let worker = Worker::start(executor, Arc::clone(&presence), gathering);
        let passwords = Passwords::new(PasswordLimits::default(), entropy.as_ref());
        let inner = Inner {
            mode: found,
            replica: replica.map(|replica| Replica::new(replica, Arc::clone(&clock))),
            clock,
            watch,
            entropy,
            keys: Arc::new(Counted::new(keys)),
            passwords,
            measures,
            worker,
            readers: Readers::new(database.clone(), presence),
            database,
            ids: TimeOrderedIds::new(),
            sessions: Remembered::new(REMEMBERED),
            channels: Remembered::new(REMEMBERED),
            links: Links::default(),
        };
        Ok((Self { inner: Arc::new(inner) }, made.iter().map(ToString::to_string).collect()))
    }

    /// Answers what waits, then ends the worker. Commands that come later are refused.
    pub fn close(&self) {
        self.inner.worker.stop();
    }

    /// Whether other hosts may work on the same database.
    #[must_use]
    pub fn is_shared(&self) -> bool {
        self.inner.database.is_shared()
    }

    /// Whether this is play money.
    #[must_use]
    pub fn is_sandbox(&self) -> bool {
        self.inner.mode == Mode::Sandbox
    }

    /// Has something called after each group of commands, on the bank's own thread: it must be quick and never wait.
    pub fn on_commit(&self, call: Arc<dyn Fn() + Send + Sync>) {
        self.inner.worker.on_commit(call);
    }

    /// The time to go by; while the host's clocks disagree, the boot-time clock's.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.inner.watch.time(self.inner.clock.reading())
    }

    /// What is counted, for whoever watches.
    #[must_use]
    pub fn measures(&self) -> &Measures {
        &self.inner.measures
    }

    /// How many commands may wait.
    #[must_use]
    pub fn queue_capacity(&self) -> usize {
        self.inner.worker.capacity()
    }

    /// By how much the wall clock has parted from the boot-time clock since the bank was opened, if that is too much,
    /// µs: positive if it is ahead.
    #[must_use]
    pub fn clock_parted_us(&self) -> Option<i64> {
        match self.inner.watch.check(self.inner.clock.reading()) {
            ClockAgreement::Agrees => None,
            ClockAgreement::Disagrees { wall_ahead_us } => Some(wall_ahead_us),
        }
    }

    /// A number for a customer, card, session or member of staff, which nothing else has.
    pub(crate) fn new_number(&self) -> i64 {
        self.inner.ids.next(self.now(), self.inner.entropy.as_ref())
    }

    /// All machines and their cash, for whoever watches; counters too.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn machines_watched(&self) -> Result<Vec<MachineView>, Failure> {
        self.read(|reads| reads.machines(None))
    }

    /// Sends a command on its way; the reply comes on the worker's thread, or at once if the queue is full.
    pub fn submit(&self, command: impl Into<Command>, reply: Reply) {
        self.inner.worker.submit(command.into(), reply);
    }

    /// Sends a command that nobody waits for along with the next group that has something else to do; by itself after
    /// half a second.
    pub fn submit_along(&self, command: impl Into<Command>, reply: Reply) {
        self.inner.worker.submit_along(command.into(), reply);
    }

    /// Sends a command and waits for its answer.
    ///
    /// # Errors
    /// The world failed.
    pub fn execute(&self, command: impl Into<Command>) -> Result<Answer, Failure> {
        let (sender, receiver) = std::sync::mpsc::sync_channel(1);
        self.submit(command, Box::new(move |answer| drop(sender.send(answer))));
        // A worker that ended between taking and answering drops the reply.
        receiver.recv().unwrap_or(Err(Failure::Overloaded))
    }

    /// The session that a token began, dead or alive; none if it began none.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn authenticate(&self, token: &str) -> Result<Option<Session>, Failure> {
        let Ok(token) = Token::parse(token) else {
            return Ok(None);
        };
        let hash = token.hash();
        self.inner.measures.asked(&hash);
        let known = self.inner.sessions.find(&hash);
        if known.is_some() {
            return Ok(known);
        }
        let found = self.read(|reads| reads.session(&hash))?;
        if let Some(session) = found {
            self.remember(session);
        }
        Ok(found)
    }

    /// Keeps a session's identity at hand; it never changes.
    pub(crate) fn remember(&self, session: Session) {
        self.inner.sessions.keep(session.token, session);
    }

    /// Where a request stands, by its channel credential `<id>.<secret>`. A wrong one is as good as none.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn standing(&self, credential: Option<&str>) -> Result<Standing, Failure> {
        if self.is_sandbox() {
            return Ok(Standing::Sandbox);
        }
        let parsed = credential.and_then(|text| {
            let (id, secret) = text.split_once('.')?;
            Some((MachineId::parse(id).ok()?, ChannelSecret::parse(secret).ok()?))
        });
        let Some((id, secret)) = parsed else {
            return Ok(Standing::Nowhere);
        };
        let right = self.channel(id)?.is_some_and(|known| known.ct_eq(&secret.hash()).into());
        Ok(if right { Standing::At(id) } else { Standing::Nowhere })
    }

    /// The hash of a machine's or counter's credential.
    fn channel(&self, id: MachineId) -> Result<Option<[u8; 32]>, Failure> {
        let known = self.inner.channels.find(&id);
        if known.is_some() {
            return Ok(known);
        }
        let found = self.read(|reads| reads.machines(Some(id)))?;
        let secret =
            found.first().filter(|view| view.identity.kind != MachineKind::Terminal).map(|view| view.identity.secret);
        if let Some(secret) = secret {
            self.inner.channels.keep(id, secret);
        }
        Ok(secret)
    }

    /// Whether there is any staff yet.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn has_operators(&self) -> Result<bool, Failure> {
        self.read(|reads| reads.has_operators())
    }

    /// Where reports are read, if not where everything else is.
    pub(crate) fn replica(&self) -> Option<&Replica> {
        self.inner.replica.as_ref()
    }

    /// Reads on a connection that sees what was committed last.
    pub(crate) fn read<T>(&self, query: impl FnOnce(&mut dyn Reads) -> Result<T, StoreError>) -> Result<T, Failure> {
        self.inner.readers.with(query).map_err(|error| {
            tracing::error!(%error, "the database cannot be read");
            Failure::DatabaseUnavailable
        })
    }
}
