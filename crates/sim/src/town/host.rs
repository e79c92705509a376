//! The one bank of a town: its process dies in the middle of what it was asked for and comes back, its clock is set.
//!
//! A commit is all or nothing and is synced before it is answered, as the store's contract says; so a death falls before or
//! after a message is answered. Deaths inside of a commit are proven with real files, not here; that one fails, or that
//! nobody hears whether it did, the store in memory can be told.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use cashpoint_bank::bank::{Answered, Bank};
use cashpoint_bank::desk::{CardRequest, NewCustomer, OpeningAccount};
use cashpoint_bank::execute::Failure;
use cashpoint_bank::store::memory::CommitFault;
use cashpoint_core::account::Product;
use cashpoint_core::currency::Currency;
use cashpoint_core::id::{AccountNumber, CardId, CustomerId, MachineId, SessionId};
use cashpoint_core::money::{Amount, Decimal};
use cashpoint_core::outcome::Refusal;
use cashpoint_core::secret::{Pan, Pin};
use cashpoint_core::session::Session;
use cashpoint_core::terminal::link::{AdviceKind, LinkFailure, Reply, Request};
use cashpoint_core::time::Timestamp;

use super::habits::index;
use super::profile::Profile;
use crate::audit::seen::{Seen, Sight};
use crate::bench;
use crate::chance::Chance;
use crate::host::{BankHost, Echo, Kept, Left};
use crate::network::{Heard, Host, Message, Sent};
use crate::station::Station;

/// A customer of the town.
#[derive(Clone, Debug)]
pub struct Customer {
    /// Who.
    pub id: CustomerId,
    /// The card.
    pub card: CardId,
    /// What is on its stripe.
    pub track2: String,
    /// Its PIN.
    pub pin: String,
    /// The one that its holder would change to.
    pub other_pin: String,
    /// Two accounts, and what is on them at first, minor units.
    pub accounts: [(AccountNumber, i64); 2],
    /// What kinds they are.
    pub products: [Product; 2],
}

/// Customers for each machine: some are always somewhere else.
const CUSTOMERS: usize = 6;

/// What is on a customer's accounts at first. Of every third customer the second is one that may go below zero, and of every
/// third it is empty.
const OPENING: [i64; 2] = [3_000_00, 400_00];
const LITTLE: i64 = 150_00;

/// How commits fail, each as often as the others.
const COMMIT_FAULTS: [CommitFault; 3] = [CommitFault::Away, CommitFault::AnswerLost, CommitFault::DiskFull];

/// How long its disk is full, milliseconds, at most.
const FULL_AT_MOST_MS: u64 = 60_000;

/// The bank.
pub struct TownHost {
    /// It.
    pub bank: BankHost,
    chance: Chance,
    /// Deaths in a thousand messages.
    deaths: u64,
    /// Requests in a thousand after which somebody asks for something else under the same id.
    altered: u64,
    /// Commits in a thousand messages that fail.
    commits: u64,
    /// Until when its disk is full, if it is.
    full_until: Option<Timestamp>,
    /// Of each fault, how many commits that met it were told.
    told_commits: [u64; COMMIT_FAULTS.len()],
    /// An account that each session reaches, where somebody may want to go on in it.
    reach: BTreeMap<SessionId, AccountNumber>,
    down_until: Option<Timestamp>,
    /// What was seen since it was last taken.
    pub seen: Vec<Sight>,
    told_copies: u64,
}

impl TownHost {
    /// A bank with the faults of a profile.
    #[must_use]
    pub fn new(mut bank: BankHost, seed: u64, profile: &Profile) -> Self {
        let percent = profile.repeats.per_mille(2, 25);
        bank.echo = (percent > 0).then(|| Echo::new(seed, percent));
        let deaths = profile.host_deaths.per_mille(1, 10);
        let altered = profile.altered.per_mille(10, 100);
        Self {
            bank,
            chance: Chance::new(seed),
            deaths,
            altered,
            commits: profile.commits.per_mille(1, 10),
            full_until: None,
            told_commits: [0; COMMIT_FAULTS.len()],
            reach: BTreeMap::new(),
            down_until: None,
            seen: Vec::new(),
            told_copies: 0,
        }
    }

    /// Nothing goes wrong with it any more.
    pub fn heal(&mut self) {
        (self.deaths, self.altered, self.down_until, self.bank.echo) = (0, 0, None, None);
        (self.commits, self.full_until) = (0, None);
        if let Some(memory) = self.bank.memory() {
            memory.mend();
        }
        self.bank.set_clock(0);
        // A process whose clock was set goes by its boot-time clock until it ends.
        self.bank.restart();
    }

    /// Staff ask the bank for something. None: it cannot be asked now, or says no.
    pub fn staff<T>(&mut self, now: Timestamp, act: impl Fn(&Bank, Session) -> Answered<T>) -> Option<T> {
        if self.down_until.is_some_and(|until| now < until) {
            return None;
        }
        self.bank.wait_until(now);
        self.endanger(now);
        let done = self.ask(act);
        self.tell_commits(now);
        done
    }

    /// A customer closes an account. Whether it is closed now: not while the bank is away, or something is on it.
    pub fn close(&mut self, now: Timestamp, customer: CustomerId, account: AccountNumber) -> bool {
        if self.down_until.is_some_and(|until| now < until) {
            return false;
        }
        self.bank.wait_until(now);
        self.endanger(now);
        let session = self.bank.log_in_online(customer).ok();
        let mut closed = false;
        for _ in 0..2 {
            // Without an answer they ask again, and are told if it is closed already.
            let done = session.map(|session| self.bank.bank.close_account(session, account));
            closed |= matches!(done, Some(Ok(Ok(()) | Err(Refusal::AccountClosed))));
        }
        self.tell_commits(now);
        closed
    }

    fn ask<T>(&mut self, act: impl Fn(&Bank, Session) -> Answered<T>) -> Option<T> {
        let mut answer = act(&self.bank.bank, self.bank.admin);
        if matches!(answer, Err(Failure::DatabaseUnavailable)) {
            // Nobody knows whether it was done: the same again, under the same key.
            answer = act(&self.bank.bank, self.bank.admin);
        }
        if matches!(answer, Ok(Err(Refusal::SessionExpired))) {
            self.bank.log_in().ok()?;
            answer = act(&self.bank.bank, self.bank.admin);
        }
        answer.ok()?.ok()
    }

    /// Somebody asks for something else under the id of what was just answered.
    fn alter(&mut self, message: &Message, reply: &Result<Reply, LinkFailure>, now: Timestamp) {
        let taken = match reply {
            Ok(Reply::Approved(_) | Reply::Transferred(_)) => true,
            Ok(Reply::Acknowledged(done)) => done.declined.is_none(),
            Ok(_) | Err(_) => false,
        };
        let sent = &message.sent;
        let Some(request) = other(&sent.request).filter(|_| taken) else { return };
        // What was late bears a journal of before: sent anew it would be another terminal's word, and the host would be right to
        // doubt it.
        if self.chance.below(1000) >= self.altered || !self.bank.is_latest(message) {
            return;
        }
        let message = self.bank.address(Sent { request: request.clone(), ..sent.clone() }, now);
        let reply = self.bank.answer(&message, now).reply;
        let what = Seen::Altered { request: Box::new(request), reply };
        self.seen.push(Sight { at: now, machine: Some(sent.terminal), what });
    }

    /// Somebody goes on in a session that was just ended.
    fn outstay(&mut self, message: &Message, reply: &Result<Reply, LinkFailure>, now: Timestamp) {
        let sent = &message.sent;
        if let Ok(Reply::LoggedIn(begun)) = reply {
            self.reach.extend(begun.accounts.first().map(|line| (begun.session, line.account)));
        }
        let (Request::LogOut { session }, Ok(Reply::LoggedOut)) = (&sent.request, reply) else { return };
        let Some(account) = self.reach.remove(session) else { return };
        if self.chance.below(1000) >= self.altered || !self.bank.is_latest(message) {
            return;
        }
        let request = Request::Balance { session: *session, account };
        let message = self.bank.address(Sent { request: request.clone(), ..sent.clone() }, now);
        let reply = self.bank.answer(&message, now).reply;
        let what = Seen::Answered { lane: sent.lane, request: Box::new(request), reply };
        self.seen.push(Sight { at: now, machine: Some(sent.terminal), what });
    }

    /// The next commit may fail, and a disk that was full may have room again. A file cannot be told to fail.
    fn endanger(&mut self, now: Timestamp) {
        let Some(memory) = self.bank.memory().filter(|_| self.commits > 0) else { return };
        if self.full_until.take_if(|until| *until <= now).is_some() {
            memory.mend();
        }
        if self.chance.below(1000) >= self.commits || memory.pending_fault().is_some() {
            return;
        }
        let fault = COMMIT_FAULTS[index(&mut self.chance, COMMIT_FAULTS.len())];
        memory.fault(fault);
        if fault == CommitFault::DiskFull {
            let ms = 1_000 + self.chance.below(FULL_AT_MOST_MS);
            self.full_until = Some(now.plus_ms(i64::try_from(ms).unwrap_or(0)));
        }
    }

    fn tell_commits(&mut self, now: Timestamp) {
        let Some(memory) = self.bank.memory().filter(|_| self.commits > 0) else { return };
        for (fault, told) in COMMIT_FAULTS.into_iter().zip(&mut self.told_commits) {
            let met = memory.met(fault);
            if met > *told {
                *told = met;
                self.seen.push(Sight { at: now, machine: None, what: Seen::CommitFailed(fault) });
            }
        }
    }

    fn dies(&mut self, now: Timestamp) {
        self.bank.restart();
        let away_s = i64::try_from(1 + self.chance.below(20)).unwrap_or(1);
        self.down_until = Some(now.plus_s(away_s));
        self.seen.push(Sight { at: now, machine: None, what: Seen::Died });
    }

    fn tell_copies(&mut self, now: Timestamp) {
        let Some(echo) = &self.bank.echo else { return };
        if echo.copies > self.told_copies {
            self.told_copies = echo.copies;
            let what = Seen::Repeated { copies: echo.copies, taken: echo.taken };
            self.seen.push(Sight { at: now, machine: None, what });
        }
    }
}

impl Host for TownHost {
    fn address(&mut self, sent: Sent, now: Timestamp) -> Message {
        self.bank.address(sent, now)
    }

    fn answer(&mut self, message: &Message, now: Timestamp) -> Heard {
        let nothing = |why| Heard { reply: Err(why), known: None };
        if self.down_until.is_some_and(|until| now < until) {
            return nothing(LinkFailure::Unreachable);
        }
        let dies = self.chance.below(1000) < self.deaths;
        if dies && self.chance.below(2) == 0 {
            self.dies(now);
            return nothing(LinkFailure::TimedOut);
        }
        self.endanger(now);
        let heard = self.bank.answer(message, now);
        self.tell_commits(now);
        let Sent { terminal, lane, ref request, .. } = message.sent;
        let what = Seen::Answered { lane, request: Box::new(request.clone()), reply: heard.reply.clone() };
        self.seen.push(Sight { at: now, machine: Some(terminal), what });
        self.tell_copies(now);
        if self.altered > 0 {
            self.alter(message, &heard.reply, now);
            self.outstay(message, &heard.reply, now);
        }
        if dies {
            self.dies(now);
            return nothing(LinkFailure::TimedOut);
        }
        heard
    }
}

/// The same request about more money; none: there is no more of what it is about.
fn other(request: &Request) -> Option<Request> {
    let more = |amount: Amount| Amount::new(amount.minor() + 10_00, amount.currency());
    let mut request = request.clone();
    match &mut request {
        Request::Approve { amount, .. } | Request::Transfer { amount, .. } => *amount = more(*amount),
        Request::Advice(advice) => match &mut advice.kind {
            AdviceKind::Deposited { notes, amount, .. } => {
                notes.push((10_00, 1));
                *amount = more(*amount);
            }
            AdviceKind::StoredTransfer { amount, .. } | AdviceKind::OfflineWithdrawn { amount, .. } => {
                *amount = more(*amount);
            }
            AdviceKind::Completed { .. }
            | AdviceKind::Reversed { .. }
            | AdviceKind::Suspect { .. }
            | AdviceKind::DepositUnclear { .. }
            | AdviceKind::OfflineTries { .. }
            | AdviceKind::CardRetained { .. }
            | AdviceKind::Replenished { .. } => return None,
        },
        Request::LogIn { .. }
        | Request::LogOut { .. }
        | Request::Balance { .. }
        | Request::Statement { .. }
        | Request::ChangePin { .. }
        | Request::Heartbeat(_) => return None,
    }
    Some(request)
}

/// A bank with people and machines, before anything has happened there.
pub struct Settled {
    left: Left,
    people: Vec<Customer>,
    machines: usize,
}

impl Settled {
    /// With so many machines. It is made once in a process, and every town of this size begins with it.
    ///
    /// # Panics
    /// If there is no place for its files.
    #[must_use]
    pub fn with(machines: usize, kept: Kept) -> Arc<Self> {
        static MADE: Mutex<BTreeMap<(usize, Kept), Arc<Settled>>> = Mutex::new(BTreeMap::new());
        let mut made = MADE.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(made.entry((machines, kept)).or_insert_with(|| Arc::new(Self::make(machines, kept))))
    }

    fn make(machines: usize, kept: Kept) -> Self {
        let folder = super::folder();
        let mut host = BankHost::settling(folder.path(), kept, bench::noon());
        host.set_policy(&[("daily_withdrawal_limit", "2000.00")]);
        let customers = u32::try_from(machines * CUSTOMERS).unwrap_or(u32::MAX);
        let people = (0..customers).map(|number| settle(&host, number)).collect();
        (0..machines).for_each(|at| bench::enrol(&mut host, name(at)));
        Self { left: host.leave(), people, machines }
    }

    /// A bank, its people and its machines, with files in `folder`.
    #[must_use]
    pub fn begin(&self, folder: &Path) -> (BankHost, Vec<Customer>, Vec<Station>) {
        let host = BankHost::again(&self.left, folder);
        let stations = (0..self.machines).map(|at| bench::station(&host, name(at))).collect();
        (host, self.people.clone(), stations)
    }
}

fn settle(host: &BankHost, number: u32) -> Customer {
    let second = match number % 3 {
        0 => (Product::Savings, OPENING[1]),
        1 => (Product::Savings, 0),
        _ => (Product::Checking, LITTLE),
    };
    let kinds = [(Product::Savings, OPENING[0]), second];
    let opening = |(product, minor): (Product, i64)| {
        let balance = Decimal::new(minor.unsigned_abs(), 2);
        OpeningAccount { product, currency: Currency::USD, balance }
    };
    let request = NewCustomer {
        name: format!("Customer {number}"),
        email: None,
        phone: None,
        address: None,
        accounts: kinds.map(opening).to_vec(),
    };
    let fine = "the bank takes customers and cards";
    let made =
        host.bank.create_customer(host.admin, &format!("customer {number}"), request).expect(fine).expect(fine).0;
    let numbers: Vec<AccountNumber> = made.accounts.iter().map(|view| view.account.identity.number).collect();
    // One has a PIN long enough that it would be known wherever it lay.
    let pin = if number == 0 { "314159265358".to_owned() } else { format!("{}", 2_580 + number * 7) };
    let pan = Pan::complete(&format!("45395787{number:07}")).expect(fine);
    let track2 = format!("{}=29112010000000000", pan.expose());
    let request = CardRequest {
        customer: made.customer,
        accounts: numbers.clone(),
        number: Some(pan),
        pin: Some(Pin::parse(&pin).expect(fine)),
    };
    let card = host.bank.issue_card(host.admin, &format!("card {number}"), request).expect(fine).expect(fine).0.card;
    let other_pin = if number == 0 { "271828182845".to_owned() } else { format!("{}", 7_413 + number) };
    let accounts = [(numbers[0], kinds[0].1), (numbers[1], kinds[1].1)];
    Customer { id: made.customer, card, track2, pin, other_pin, accounts, products: kinds.map(|(product, _)| product) }
}

/// Where a town's machine is known by.
///
/// # Panics
/// If there are more than a thousand.
#[must_use]
pub fn name(at: usize) -> MachineId {
    MachineId::parse(&format!("ATM{:03}", 900 - at)).expect("it is a name")
}
