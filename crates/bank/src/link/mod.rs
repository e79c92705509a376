//! The host's end of a terminal's link: what a terminal asks becomes commands, what they come to becomes replies.
//!
//! [`Bank::terminal_message`] takes a message's bytes: whose it is, and that its number and its journal go on from what is
//! known. Of what it then asks nothing is decided here but whether a device's signed word is believed: where it signs and
//! its word does not bear out what the terminal tells, the money becomes a case.

mod advices;
mod course;
mod enrolment;
mod evidence;
mod messages;
mod news;
mod requests;

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use cashpoint_core::currency::Currency;
use cashpoint_core::enrolled::{EnrolledTerminal, JournalHead};
use cashpoint_core::facts::{Facts, Keys};
use cashpoint_core::id::{CardId, CaseId, MachineId, RequestId, RequestKey};
use cashpoint_core::outcome::Refusal;
use cashpoint_core::terminal::Lane;
use cashpoint_core::terminal::device::CardReference;
use cashpoint_core::terminal::link::{Heartbeat, Lease, OperationId, Reply, Request};
use cashpoint_core::time::Timestamp;
use data_encoding::HEXLOWER;

use crate::bank::Bank;
use crate::desk::Stop;
use crate::execute::Failure;
use crate::keys::TerminalSecrets;
use crate::request::{Content, Scope, request_id};
use course::Course;

/// How far a terminal's messages and its journal got, with the one that is answered.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Heard {
    /// The lane that the message came on …
    pub lane: Lane,
    /// … and its number there.
    pub number: u64,
    /// The head of its journal.
    pub head: JournalHead,
}

/// What the host remembers of terminals while it runs; everything else is in the database.
#[derive(Default)]
pub(crate) struct Links {
    live: Mutex<HashMap<MachineId, Live>>,
    /// Held while a lease is weighed against the fleet's limit.
    granting: Mutex<()>,
    /// Held while a terminal's secrets are made or changed.
    keeping: Mutex<()>,
}

/// What is remembered of one terminal.
#[derive(Clone, Default)]
struct Live {
    secrets: Option<Arc<TerminalSecrets>>,
    course: Option<Course>,
    told: Option<(Timestamp, Heartbeat)>,
    hot: Option<Hot>,
    /// The lease that it was told of last, and the secrets under which its token was made.
    lease: Option<(Arc<TerminalSecrets>, Lease)>,
    /// What its cash is in; that never changes.
    currency: Option<Currency>,
    references: HashMap<CardId, CardReference>,
}

/// A terminal's hot list as it was last made.
#[derive(Clone)]
struct Hot {
    version: u64,
    cards: std::collections::BTreeSet<CardReference>,
    /// When the terminal was last told of it, the same one confirmed included.
    confirmed: Option<Timestamp>,
}

/// A terminal as its last sign of life told, for staff.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TerminalView {
    /// What is kept of it.
    pub enrolled: EnrolledTerminal,
    /// Its last sign of life since the host began, and when.
    pub told: Option<(Timestamp, Heartbeat)>,
}

impl Bank {
    /// Answers what a terminal asks. What is refused is an answer like others.
    ///
    /// # Errors
    /// The world failed: the terminal asks again.
    pub fn terminal_request(&self, terminal: MachineId, heard: Heard, request: Request) -> Result<Reply, Failure> {
        let Some(enrolled) = self.enrolled(terminal).map_err(|_| Failure::DatabaseUnavailable)? else {
            return Ok(Reply::Refused(Refusal::Forbidden));
        };
        self.terminal_served(&enrolled, heard, request)
    }

    fn terminal_served(&self, enrolled: &EnrolledTerminal, heard: Heard, request: Request) -> Result<Reply, Failure> {
        match self.serve_terminal(enrolled, heard, request) {
            Ok(reply) => Ok(reply),
            Err(Stop::Refused(refusal) | Stop::Repeated(refusal)) => Ok(Reply::Refused(refusal)),
            Err(Stop::Failed(failure)) => Err(failure),
            Err(Stop::Store(error)) => {
                tracing::error!(%error, "the database cannot be read");
                Err(Failure::DatabaseUnavailable)
            }
        }
    }

    /// An enrolled terminal as it stands; none if that machine has none.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn terminal_view(&self, terminal: MachineId) -> Result<Option<TerminalView>, Failure> {
        let enrolled = self.enrolled(terminal).map_err(|_| Failure::DatabaseUnavailable)?;
        let told = self.with_live(terminal, |live| live.told.clone());
        Ok(enrolled.map(|enrolled| TerminalView { enrolled, told }))
    }

    /// All enrolled terminals as they stand.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn terminal_views(&self) -> Result<Vec<TerminalView>, Failure> {
        let terminals = self.read(|reads| reads.terminals())?;
        let view = |enrolled: EnrolledTerminal| {
            let told = self.with_live(enrolled.machine, |live| live.told.clone());
            TerminalView { enrolled, told }
        };
        Ok(terminals.into_iter().map(view).collect())
    }

    /// The replenishment for which a terminal said last that its exchange is open.
    pub(crate) fn exchange_open(&self, terminal: MachineId) -> Option<u64> {
        self.with_live(terminal, |live| live.told.as_ref().and_then(|(_, told)| told.exchange))
    }

    pub(crate) fn enrolled(&self, terminal: MachineId) -> Result<Option<EnrolledTerminal>, Stop> {
        self.look(|reads| {
            let mut keys = Keys::default();
            keys.terminals.insert(terminal);
            let mut facts = Facts::default();
            reads.load(&keys, &mut facts)?;
            Ok(facts.terminals.find(&terminal).cloned())
        })
    }

    /// A terminal's secrets; none were made if it was never enrolled.
    pub(crate) fn terminal_secrets(&self, terminal: MachineId) -> Result<Arc<TerminalSecrets>, Stop> {
        if let Some(known) = self.with_live(terminal, |live| live.secrets.clone()) {
            return Ok(known);
        }
        let secrets = Arc::new(self.stored_secrets(terminal)?.ok_or(Refusal::Forbidden)?);
        self.with_live(terminal, |live| live.secrets = Some(Arc::clone(&secrets)));
        Ok(secrets)
    }

    /// What a terminal's cash is in.
    fn currency(&self, terminal: MachineId) -> Result<Currency, Stop> {
        if let Some(known) = self.with_live(terminal, |live| live.currency) {
            return Ok(known);
        }
        let machine = self.look(|reads| Ok(reads.machines(Some(terminal))?.into_iter().next()))?;
        let currency = machine.and_then(|machine| machine.identity.currency).ok_or(Refusal::AtmNotFound)?;
        self.with_live(terminal, |live| live.currency = Some(currency));
        Ok(currency)
    }

    fn with_live<T>(&self, terminal: MachineId, work: impl FnOnce(&mut Live) -> T) -> T {
        let mut live = self.inner.links.live.lock().expect("no holder of this lock can panic");
        work(live.entry(terminal).or_default())
    }

    fn new_case(&self) -> CaseId {
        CaseId::new(self.new_number())
    }
}

/// The name of a terminal's operation, for ever.
fn operation(terminal: MachineId, id: OperationId, content: &Content<'_>) -> RequestId {
    request_id(Scope::Terminal(terminal), &HEXLOWER.encode(&id.0.to_be_bytes()), content)
}

/// The name of an advice about an operation that bears the operation's id: another than the operation's own, which a
/// request made at once may bear already.
fn advice_of(terminal: MachineId, id: OperationId, content: &Content<'_>) -> RequestId {
    request_id(Scope::Terminal(terminal), &format!("{}.advice", HEXLOWER.encode(&id.0.to_be_bytes())), content)
}

/// The key of the operation that an advice is about.
pub(crate) fn original_key(terminal: MachineId, id: OperationId) -> RequestKey {
    operation(terminal, id, &Content::of("", "")).key
}
