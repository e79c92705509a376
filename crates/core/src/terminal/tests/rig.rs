//! A machine for tests: a terminal between a journal in memory, devices that count notes, a host that keeps a balance, and
//! a person. Every output is looked at as it is executed: what moves money must stand in the journal before it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::account::Product;
use crate::currency::Currency;
use crate::id::{AccountNumber, CardId, MachineId, SessionId, TransferId};
use crate::money::Amount;
use crate::outcome::{Balance, Refusal, TransferReceipt};
use crate::secret::Pan;
use crate::terminal::device::*;
use crate::terminal::language::Language;
use crate::terminal::link::*;
use crate::terminal::record::{Entry, Intent, Record};
use crate::terminal::screen::{Choice, MenuItem, Screen};
use crate::terminal::settings::*;
use crate::terminal::{Alarm, Input, JournalFailure, Lane, Output, Terminal, Timer};
use crate::time::Timestamp;

pub(super) const USD: Currency = Currency::USD;
pub(super) const CHECKING: AccountNumber = AccountNumber::new(10_001);
pub(super) const SAVINGS: AccountNumber = AccountNumber::new(10_002);
pub(super) const CARD: CardReference = [7; 32];
pub(super) const OTHER_CARD: CardReference = [8; 32];

/// What a lease allows, minor units.
pub(super) const LEASE: i64 = 200_00;

pub(super) fn usd(minor: i64) -> Amount {
    Amount::new(minor, USD)
}

/// Whether a party answers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Line {
    Up,
    /// Requests fail at once.
    Down,
    /// Requests arrive and are carried out; the answers are lost.
    Deaf,
}

/// What was laid down for the next command of a name.
pub(super) type Faults = BTreeMap<&'static str, VecDeque<(Failure, When)>>;

/// When a command fails.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum When {
    /// Before anything moved.
    Before,
    /// Once everything had.
    After,
}

/// When answers come.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Pace {
    /// In the moment in which they are asked for.
    AtOnce,
    /// When the test releases them.
    Held,
}

/// The dispenser's insides.
#[derive(Clone, Debug)]
pub(super) struct Dispenser {
    pub(super) cassettes: Vec<CassetteCounters>,
    stacker: Vec<u32>,
    reach: Vec<u32>,
    rejected: BTreeMap<i64, u32>,
    retracted: BTreeMap<i64, u32>,
    retract_operations: u32,
    present: PresentState,
    dispensed: Option<(DispenseId, Vec<u32>)>,
    nonce: Option<Nonce>,
    nonces: u8,
    used: Option<DispenseToken>,
    leased: BTreeMap<String, i64>,
    /// Minor units that people walked away with.
    pub(super) taken: i64,
    pub(super) dispenses: Vec<DispenseId>,
    /// Notes short at the next dispense.
    pub(super) short_by: u32,
    /// Whether cassettes are being exchanged, and how often that was ended.
    pub(super) exchange: Option<()>,
    pub(super) filled: u32,
}

impl Dispenser {
    fn new() -> Self {
        let cassette = |denomination, initial| CassetteCounters {
            denomination,
            currency: USD,
            initial,
            out: 0,
            presented: 0,
            rejected: 0,
            unknown: 0,
            usable: Usable::Yes,
            accuracy: Accuracy::Accurate,
        };
        Self {
            cassettes: vec![cassette(50_00, 100), cassette(20_00, 100)],
            stacker: vec![0; 2],
            reach: vec![0; 2],
            rejected: BTreeMap::new(),
            retracted: BTreeMap::new(),
            retract_operations: 0,
            present: PresentState::Unknown,
            dispensed: None,
            nonce: None,
            nonces: 0,
            used: None,
            leased: BTreeMap::new(),
            taken: 0,
            dispenses: Vec::new(),
            short_by: 0,
            exchange: None,
            filled: 0,
        }
    }

    fn value(&self, notes: &[u32]) -> i64 {
        notes.iter().zip(&self.cassettes).map(|(count, cassette)| i64::from(*count) * cassette.denomination).sum()
    }

    fn counters(&self) -> Counters {
        let bin = |bin: &BTreeMap<i64, u32>| bin.iter().rev().map(|(value, count)| (*value, *count)).collect();
        let way = match (self.stacker.iter().any(|n| *n > 0), self.reach.iter().any(|n| *n > 0)) {
            (_, true) => Way::Reachable,
            (true, false) => Way::Inside,
            (false, false) => Way::Clear,
        };
        Counters {
            cassettes: self.cassettes.clone(),
            rejected: bin(&self.rejected),
            retracted: bin(&self.retracted),
            retract_operations: self.retract_operations,
            way,
        }
    }

    fn dispense(&mut self, dispense: &Dispense) -> Result<Answer, Failure> {
        assert_eq!(self.exchange, None, "nothing is paid while cassettes are exchanged");
        let other = self.used.as_ref().is_some_and(|used| *used != dispense.token);
        if dispense.token.0.starts_with("LEASE") {
            let paid = self.leased.entry(dispense.token.0.clone()).or_default();
            *paid += dispense.amount.minor();
            assert!(*paid <= LEASE, "the terminal itself keeps to the lease");
        }
        if self.nonce.is_none() || other {
            return Err(Failure::Token);
        }
        let id = dispense.token.id().ok_or(Failure::Token)?;
        self.used = Some(dispense.token.clone());
        self.dispenses.push(id);
        self.present = PresentState::NotPresented;
        let mut notes = dispense.notes.clone();
        for count in notes.iter_mut().rev() {
            let short = self.short_by.min(*count);
            (*count, self.short_by) = (*count - short, self.short_by - short);
        }
        for (at, count) in notes.iter().enumerate() {
            self.cassettes[at].out += count;
            self.stacker[at] += count;
        }
        self.dispensed = Some((id, notes.clone()));
        Ok(Answer::Dispensed(notes))
    }

    fn fill(&mut self, filling: &Filling) -> Result<Answer, Failure> {
        self.exchange.take().ok_or(Failure::Sequence)?;
        self.filled += 1;
        for (cassette, notes) in self.cassettes.iter_mut().zip(&filling.cassettes) {
            if let Some(notes) = notes {
                *cassette = CassetteCounters { initial: *notes, out: 0, presented: 0, rejected: 0, ..*cassette };
            }
        }
        if filling.emptied.contains(&Bin::Reject) {
            self.rejected.clear();
        }
        if filling.emptied.contains(&Bin::Retract) {
            self.retracted.clear();
        }
        Ok(Answer::ExchangeEnded)
    }

    fn present(&mut self) -> Result<Answer, Failure> {
        if self.stacker.iter().all(|n| *n == 0) {
            return Err(Failure::Nothing);
        }
        self.present = PresentState::Presented;
        for at in 0..self.stacker.len() {
            let count = std::mem::take(&mut self.stacker[at]);
            self.cassettes[at].presented += count;
            self.reach[at] += count;
        }
        Ok(Answer::Presented)
    }

    fn reject(&mut self) -> Result<Answer, Failure> {
        if self.stacker.iter().all(|n| *n == 0) {
            return Err(Failure::Nothing);
        }
        for at in 0..self.stacker.len() {
            let count = std::mem::take(&mut self.stacker[at]);
            self.cassettes[at].rejected += count;
            if count > 0 {
                *self.rejected.entry(self.cassettes[at].denomination).or_default() += count;
            }
        }
        Ok(Answer::Rejected)
    }

    fn retract(&mut self) -> Result<Answer, Failure> {
        if self.reach.iter().all(|n| *n == 0) {
            return Err(Failure::Nothing);
        }
        let mut notes = Vec::new();
        for at in 0..self.reach.len() {
            let count = std::mem::take(&mut self.reach[at]);
            if count > 0 {
                *self.retracted.entry(self.cassettes[at].denomination).or_default() += count;
                notes.push((self.cassettes[at].denomination, count));
            }
        }
        self.retract_operations += 1;
        Ok(Answer::Retracted(Some(notes)))
    }

    /// A person takes so many notes of each, or all.
    fn take(&mut self, most: u32) -> bool {
        let mut left = most;
        for at in 0..self.reach.len() {
            let count = self.reach[at].min(left);
            left -= count;
            self.reach[at] -= count;
            self.taken += i64::from(count) * self.cassettes[at].denomination;
        }
        self.reach.iter().all(|n| *n == 0)
    }

    fn fetch_nonce(&mut self) -> Nonce {
        self.nonces += 1;
        let nonce = Nonce([self.nonces; 16]);
        (self.nonce, self.used) = (Some(nonce), None);
        nonce
    }
}

/// The host's books: one customer's money.
#[derive(Clone, Debug)]
pub(super) struct Host {
    pub(super) line: Line,
    pub(super) balance: i64,
    /// Approved and not settled.
    pub(super) in_flight: BTreeMap<OperationId, i64>,
    /// Reversed before it was asked for.
    tombstones: BTreeSet<OperationId>,
    pub(super) known: BTreeMap<OperationId, Advice>,
    pub(super) advices: Vec<AdviceKind>,
    pub(super) suspects: i64,
    pub(super) settings: Settings,
    pub(super) hot: BTreeSet<CardReference>,
    pub(super) hot_version: u64,
    pub(super) refuse: VecDeque<Refusal>,
    /// What becomes of the next stored transfers.
    pub(super) declines: VecDeque<Refusal>,
    pub(super) gives_leases: bool,
    pub(super) commands: Vec<HostCommand>,
    pub(super) offered_key: Option<KeyBlock>,
    pub(super) replenishment: Option<ReplenishmentOrder>,
    transfers: BTreeSet<OperationId>,
    pub(super) log_ins: u32,
    pub(super) cash_in: i64,
    sent: i64,
}

pub(super) fn settings() -> Settings {
    Settings {
        version: 1,
        currency: USD,
        partition: PartitionPolicy::STRICT,
        most_notes: 40,
        withdrawal_limit: usd(500_00),
        deposit_limit: usd(1_000_00),
        mix: Mix::Least,
        fast_cash: vec![usd(20_00), usd(40_00), usd(100_00), usd(30_00)],
        most_errors: 3,
        customer_s: 30,
        taking_s: 20,
    }
}

impl Host {
    fn answer(&mut self, request: &Request, now: Timestamp) -> Reply {
        if !matches!(request, Request::Heartbeat(_) | Request::Advice(_) | Request::LogOut { .. })
            && let Some(refusal) = self.refuse.pop_front()
        {
            return Reply::Refused(refusal);
        }
        match request {
            Request::LogIn { .. } => self.log_in(now),
            Request::LogOut { .. } => Reply::LoggedOut,
            Request::Balance { account, .. } => {
                Reply::Balance(Balance { account: *account, balance: usd(self.balance), at: now })
            }
            Request::Statement { .. } => Reply::Statement(Vec::new()),
            Request::Transfer { id, source, target, amount, .. } => {
                if self.transfers.insert(*id) {
                    self.balance -= amount.minor();
                    self.sent += amount.minor();
                }
                Reply::Transferred(TransferReceipt {
                    transaction: TransferId::new(id.0),
                    source: *source,
                    target: *target,
                    amount: *amount,
                    source_balance: usd(self.balance),
                    target_balance: None,
                    at: now,
                })
            }
            Request::ChangePin { .. } => Reply::PinChanged,
            Request::Approve { id, amount, nonce, .. } => self.approve(*id, *amount, *nonce),
            Request::Advice(advice) => self.advise(advice),
            Request::Heartbeat(heartbeat) => self.news(heartbeat, now),
        }
    }

    fn log_in(&mut self, now: Timestamp) -> Reply {
        self.log_ins += 1;
        let line = |account, product| AccountLine { account, product, balance: usd(self.balance) };
        Reply::LoggedIn(Box::new(LoggedIn {
            session: SessionId::new(1),
            card: CardId::new(5),
            name: "Ada".to_owned(),
            accounts: vec![line(CHECKING, Product::Checking), line(SAVINGS, Product::Savings)],
            verifier: Some(OfflineVerifier { salt: [3; 32], verifier: [4; 32], until: now.plus_s(86_400) }),
            notices: Vec::new(),
        }))
    }

    fn approve(&mut self, id: OperationId, amount: Amount, nonce: Nonce) -> Reply {
        if self.tombstones.contains(&id) {
            return Reply::Refused(Refusal::Reversed);
        }
        if amount.minor() > self.balance {
            return Reply::Refused(Refusal::InsufficientFunds { available: usd(self.balance) });
        }
        self.balance -= amount.minor();
        self.in_flight.insert(id, amount.minor());
        Reply::Approved(Box::new(Approved {
            id,
            transaction: TransferId::new(id.0),
            fee: usd(0),
            balance: usd(self.balance),
            token: DispenseToken(format!("NONCE={:02X?},{}", nonce.0, hex(id.0))),
            present_nonce: Nonce([0xEE; 16]),
        }))
    }

    fn advise(&mut self, advice: &Advice) -> Reply {
        if let Some(first) = self.known.get(&advice.id) {
            assert_eq!(first, advice, "one id, one content");
            return Reply::Acknowledged(Box::new(Acknowledgement { case: None, declined: None, lease: None }));
        }
        self.known.insert(advice.id, advice.clone());
        self.advices.push(advice.kind.clone());
        let value = |moved: &Movement| {
            let dispensed: i64 = moved.dispensed.iter().zip([50_00, 20_00]).map(|(n, d)| i64::from(*n) * d).sum();
            dispensed - moved.rejected - moved.retracted
        };
        match &advice.kind {
            AdviceKind::Completed { original, moved, .. } => {
                let approved = self.in_flight.remove(original).expect("completed what was approved");
                assert_eq!(approved, value(moved));
            }
            AdviceKind::Reversed { original, moved, .. } => match self.in_flight.remove(original) {
                Some(approved) => self.balance += approved - value(moved),
                None => {
                    self.tombstones.insert(*original);
                }
            },
            AdviceKind::Suspect { original, .. } => {
                self.suspects += self.in_flight.remove(original).expect("suspected what was approved");
            }
            AdviceKind::Deposited { amount, .. } => {
                self.balance += amount.minor();
                self.cash_in += amount.minor();
            }
            AdviceKind::OfflineWithdrawn { amount, outcome, .. } => match outcome {
                OfflineOutcome::Paid(moved) => self.balance -= value(moved),
                OfflineOutcome::Suspect => {
                    self.balance -= amount.minor();
                    self.suspects += amount.minor();
                }
            },
            AdviceKind::StoredTransfer { amount, .. } => {
                if let Some(refusal) = self.declines.pop_front() {
                    let declined = Some(refusal);
                    return Reply::Acknowledged(Box::new(Acknowledgement { case: None, declined, lease: None }));
                }
                if self.transfers.insert(advice.id) {
                    self.balance -= amount.minor();
                    self.sent += amount.minor();
                }
            }
            AdviceKind::Replenished { number, .. } => {
                let done = self.replenishment.take_if(|order| order.number == *number);
                assert!(done.is_some_and(|order| order.filling.is_some()), "it was ordered, counted and not done");
            }
            AdviceKind::DepositUnclear { .. } | AdviceKind::OfflineTries { .. } | AdviceKind::CardRetained { .. } => {}
        }
        Reply::Acknowledged(Box::new(Acknowledgement { case: None, declined: None, lease: None }))
    }

    fn news(&mut self, heartbeat: &Heartbeat, now: Timestamp) -> Reply {
        let lease = heartbeat.nonce.filter(|_| self.gives_leases).map(|nonce| Lease {
            nonce,
            token: DispenseToken(format!("LEASE={:02X?},{}", nonce.0, hex(u128::from(nonce.0[0])))),
            amount: usd(LEASE),
            until: now.plus_s(86_400),
            present_nonces: (1..=9).map(|n| Nonce([n; 16])).collect(),
        });
        Reply::News(Box::new(News {
            settings: Some(self.settings.clone()).filter(|settings| settings.version > heartbeat.settings),
            hot_list: Some(HotList { version: self.hot_version, as_of: now, cards: self.hot.clone() })
                .filter(|list| list.version > heartbeat.hot_list),
            lease,
            commands: self.commands.clone(),
            pin_key: self.offered_key.clone(),
            replenishment: self.replenishment.clone(),
        }))
    }
}

/// What a record begins.
const fn begun(record: &Record) -> Option<OperationId> {
    if let Record::Intent(Intent { id, .. }) | Record::Depositing { id, .. } = record { Some(*id) } else { None }
}

/// Whose answer it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Origin {
    Device(Unit),
    Host(Lane),
}

fn origin(input: &Input) -> Origin {
    if let Input::Link(lane, _) = input {
        return Origin::Host(*lane);
    }
    let Input::Device(report) = input else { unreachable!("only answers are held, not {input:?}") };
    match report {
        Report::Done(answer) => Origin::Device(crate::terminal::hardware::unit_of(answer)),
        Report::Failed(unit, _) => Origin::Device(*unit),
        Report::Event(event) => unreachable!("only answers are held, not {event:?}"),
    }
}

const fn waits_for_a_person(command: &Command) -> bool {
    matches!(command, Command::ReadCard | Command::EnterPin | Command::AcceptKeys | Command::TakeNotes)
}

fn hex(id: u128) -> String {
    format!("{id:064X}")
}

/// All of it.
#[derive(Debug)]
pub(super) struct Rig {
    pub(super) terminal: Terminal,
    pub(super) now: Timestamp,
    pub(super) entries: Vec<Entry>,
    pub(super) dispenser: Dispenser,
    pub(super) host: Host,
    pub(super) faults: Faults,
    pub(super) log: Vec<String>,
    pub(super) alarms: Vec<Alarm>,
    pub(super) printed: Vec<Vec<String>>,
    pub(super) timers: BTreeMap<Timer, u32>,
    pub(super) running: BTreeMap<Unit, Command>,
    pub(super) card_inside: bool,
    pub(super) cards_kept: u32,
    escrow: Vec<(i64, u32)>,
    /// What is left there, if a hand took notes out unseen.
    pub(super) left_in_escrow: Option<Vec<(i64, u32)>>,
    cash_in: CashInState,
    pub(super) stored: i64,
    pub(super) deposits_emptied: u32,
    /// How many outputs are still executed before the power goes.
    pub(super) budget: Option<usize>,
    /// With a deaf line: what the customer waits for does not even arrive.
    pub(super) lost_on_the_way: bool,
    /// The answer to the next transfer is lost, and its session ends.
    pub(super) session_ends: bool,
    /// The next record of this kind cannot be written.
    pub(super) unwritable: Option<(&'static str, JournalFailure)>,
    nonce: u64,
    pub(super) pin_is_right: bool,
    dispensing: BTreeSet<OperationId>,
    limit: u64,
    pub(super) pace: Pace,
    /// Answers that are held.
    pub(super) pending: VecDeque<Input>,
}

impl Rig {
    /// A machine that has begun, is connected and waits for a card.
    pub(super) fn ready() -> Self {
        Self::with(|_| {})
    }

    /// The same with other settings.
    pub(super) fn with(change: impl FnOnce(&mut Settings)) -> Self {
        let mut settings = settings();
        change(&mut settings);
        let mut rig = Self::new(settings);
        rig.start();
        rig.elapse(Timer::Heartbeat);
        rig
    }

    pub(super) fn new(settings: Settings) -> Self {
        let host = Host {
            line: Line::Up,
            balance: 1_000_00,
            in_flight: BTreeMap::new(),
            tombstones: BTreeSet::new(),
            known: BTreeMap::new(),
            advices: Vec::new(),
            suspects: 0,
            settings,
            hot: BTreeSet::new(),
            hot_version: 1,
            refuse: VecDeque::new(),
            declines: VecDeque::new(),
            gives_leases: true,
            commands: Vec::new(),
            offered_key: None,
            replenishment: None,
            transfers: BTreeSet::new(),
            log_ins: 0,
            cash_in: 0,
            sent: 0,
        };
        Self {
            terminal: Terminal::new(MachineId::parse("ATM901").unwrap()),
            now: Timestamp::EPOCH.plus_s(1_790_000_000),
            entries: Vec::new(),
            dispenser: Dispenser::new(),
            host,
            faults: Faults::new(),
            log: Vec::new(),
            alarms: Vec::new(),
            printed: Vec::new(),
            timers: BTreeMap::new(),
            running: BTreeMap::new(),
            card_inside: false,
            cards_kept: 0,
            escrow: Vec::new(),
            left_in_escrow: None,
            cash_in: CashInState::Returned,
            stored: 0,
            deposits_emptied: 0,
            budget: None,
            lost_on_the_way: false,
            session_ends: false,
            unwritable: None,
            nonce: 0,
            pin_is_right: true,
            dispensing: BTreeSet::new(),
            limit: 1 << 20,
            pace: Pace::AtOnce,
            pending: VecDeque::new(),
        }
    }

    /// The program begins, again perhaps: nothing of it but the journal is left, and everything of the hardware.
    pub(super) fn start(&mut self) {
        self.terminal = Terminal::new(MachineId::parse("ATM901").unwrap());
        self.nonce += 1;
        self.budget = None;
        (self.running, self.timers) = (BTreeMap::new(), BTreeMap::new());
        self.pending.clear();
        let input = Input::Begun { entries: self.entries.clone(), nonce: self.nonce };
        self.feed(input);
    }

    pub(super) fn screen(&self) -> &Screen {
        self.terminal.screen()
    }

    /// Whether the power is gone.
    pub(super) fn is_dead(&self) -> bool {
        self.budget == Some(0)
    }

    /// Hands an input over, and whatever follows from it by itself.
    pub(super) fn feed(&mut self, input: Input) {
        if self.is_dead() {
            return;
        }
        let mut inputs = VecDeque::from([input]);
        let mut steps = 0;
        while let Some(input) = inputs.pop_front() {
            steps += 1;
            assert!(steps < 2_000, "it never comes to rest: {:?}", &self.log[self.log.len().saturating_sub(40)..]);
            self.now = self.now.plus_ms(1);
            let outputs = self.terminal.handle(input, self.now);
            self.execute(outputs, &mut inputs);
        }
    }

    fn execute(&mut self, outputs: Vec<Output>, inputs: &mut VecDeque<Input>) {
        let mut rest = VecDeque::from(outputs);
        while let Some(output) = rest.pop_front() {
            if let Some(budget) = &mut self.budget {
                if *budget == 0 {
                    inputs.clear();
                    return;
                }
                *budget -= 1;
            }
            self.check(&output);
            self.log.push(name(&output));
            match output {
                Output::Journal(record) => {
                    if let Some((kind, why)) = self.unwritable
                        && (kind == "any" || record_name(&record) == kind)
                    {
                        self.unwritable = self.unwritable.filter(|(kind, _)| *kind == "any");
                        rest.push_front(Output::Journal(record));
                        inputs.push_front(Input::JournalFailed { why, unexecuted: rest.into() });
                        return;
                    }
                    let n = self.entries.last().map_or(0, |entry| entry.n) + 1;
                    self.entries.push(Entry { n, at: self.now, record });
                    inputs.push_back(self.fill());
                }
                Output::Forget { keep_from } => self.entries.retain(|entry| entry.n >= keep_from),
                Output::Device(command) => self.obey(command, inputs),
                Output::Send { lane, request, .. } => {
                    let input = self.deliver(lane, &request);
                    self.hand_over(input, inputs);
                }
                Output::Show(_) | Output::Speak(_) => {}
                Output::Set(timer, ms) => {
                    self.timers.insert(timer, ms);
                }
                Output::Stop(timer) => {
                    self.timers.remove(&timer);
                }
                Output::Alarm(alarm) => self.alarms.push(alarm),
            }
        }
    }

    pub(super) fn fill(&self) -> Input {
        Input::JournalFill { used: self.entries.len() as u64, limit: self.limit }
    }

    pub(super) fn limit_journal(&mut self, limit: u64) {
        self.limit = limit;
        let fill = self.fill();
        self.feed(fill);
    }

    /// Nothing happens in the world that the journal does not already intend.
    fn check(&mut self, output: &Output) {
        let last = self.entries.iter().rev().find_map(|entry| begun(&entry.record));
        let has = |wanted: &dyn Fn(&Record) -> bool| self.entries.iter().any(|entry| wanted(&entry.record));
        match output {
            Output::Device(Command::Dispense(_)) => {
                let id = last.expect("a dispense has an intent");
                assert!(has(&|r| matches!(r, Record::Dispensing { id: of, .. } if *of == id)), "dispensing is written");
                assert!(self.dispensing.insert(id), "one dispense for each intent");
            }
            Output::Device(Command::Present) => {
                let id = last.expect("a present has an intent");
                assert!(has(&|r| matches!(r, Record::Presenting { id: of } if *of == id)), "presenting is written");
            }
            Output::Device(Command::TakeNotes) => {
                assert!(has(&|r| matches!(r, Record::Depositing { id, .. } if Some(*id) == last)), "it is announced");
            }
            Output::Device(Command::StoreNotes) => {
                assert!(has(&|r| matches!(r, Record::Storing { id, .. } if Some(*id) == last)), "storing is written");
            }
            Output::Send { request: Request::Approve { id, .. }, .. } => {
                assert!(has(&|r| matches!(r, Record::Intent(intent) if intent.id == *id)), "the intent is written");
            }
            Output::Send { request: Request::Advice(advice), .. } => {
                assert!(has(&|r| matches!(r, Record::Advice(of) if of == &**advice)), "the advice is written");
            }
            Output::Journal(_)
            | Output::Forget { .. }
            | Output::Device(_)
            | Output::Send { .. }
            | Output::Show(_)
            | Output::Speak(_)
            | Output::Set(..)
            | Output::Stop(_)
            | Output::Alarm(_) => {}
        }
    }

    fn hand_over(&mut self, input: Input, inputs: &mut VecDeque<Input>) {
        match self.pace {
            Pace::AtOnce => inputs.push_back(input),
            Pace::Held => self.pending.push_back(input),
        }
    }

    /// Lets one of the held answers arrive; those of one device or lane keep their order.
    pub(super) fn release(&mut self, at: usize) {
        let Some(input) = self.pending.remove(at) else { return };
        if let Origin::Device(unit) = origin(&input) {
            self.running.remove(&unit);
        }
        self.feed(input);
    }

    /// Releases the one at `at`, or the first of its device or lane.
    pub(super) fn release_in_order(&mut self, at: usize) {
        let Some(wanted) = self.pending.get(at).map(origin) else { return };
        let first = self.pending.iter().position(|input| origin(input) == wanted);
        self.release(first.expect("it is among them"));
    }

    /// The line to a device breaks: what it would have answered is lost.
    pub(super) fn forget_answer(&mut self, unit: Unit) {
        self.pending.retain(|input| origin(input) != Origin::Device(unit));
        self.running.remove(&unit);
    }

    fn deliver(&mut self, lane: Lane, request: &Request) -> Input {
        let reply = match self.host.line {
            Line::Up if self.session_ends && matches!(request, Request::Transfer { .. }) => {
                self.host.answer(request, self.now);
                self.session_ends = false;
                self.host.refuse.push_back(Refusal::SessionExpired);
                Err(LinkFailure::TimedOut)
            }
            Line::Up => Ok(self.host.answer(request, self.now)),
            Line::Down => Err(LinkFailure::Unreachable),
            Line::Deaf => {
                if !self.lost_on_the_way {
                    self.host.answer(request, self.now);
                }
                Err(LinkFailure::TimedOut)
            }
        };
        Input::Link(lane, reply)
    }

    fn obey(&mut self, command: Command, inputs: &mut VecDeque<Input>) {
        let unit = command.unit();
        if let Command::Cancel(_) = command {
            if self.running.get(&unit).is_some_and(waits_for_a_person) {
                self.running.remove(&unit);
                inputs.push_back(Input::Device(Report::Failed(unit, Failure::Cancelled)));
            }
            return;
        }
        assert!(
            !self.running.contains_key(&unit),
            "one command at a time: {command:?} during {:?}",
            self.running[&unit]
        );
        let fault = self.faults.get_mut(command_name(&command)).and_then(VecDeque::pop_front);
        let result = match fault {
            Some((failure, When::Before)) => Err(failure),
            Some((failure, When::After)) => {
                self.carry_out(&command);
                Err(failure)
            }
            None => match self.carry_out(&command) {
                Some(result) => result,
                None => {
                    self.running.insert(unit, command);
                    return;
                }
            },
        };
        if self.pace == Pace::Held {
            self.running.insert(unit, command);
        }
        let input = Input::Device(match result {
            Ok(answer) => Report::Done(answer),
            Err(failure) => Report::Failed(unit, failure),
        });
        self.hand_over(input, inputs);
    }

    /// `None`: it waits for a person.
    fn carry_out(&mut self, command: &Command) -> Option<Result<Answer, Failure>> {
        Some(match command {
            Command::ReadCard | Command::EnterPin | Command::AcceptKeys | Command::TakeNotes => return None,
            Command::EjectCard if self.card_inside => Ok(Answer::CardEjected),
            Command::EjectCard => Err(Failure::Nothing),
            Command::RetainCard if self.card_inside => {
                (self.card_inside, self.cards_kept) = (false, self.cards_kept + 1);
                Ok(Answer::CardRetained)
            }
            Command::RetainCard => Err(Failure::Nothing),
            Command::OnlinePinBlock(_) => Ok(Answer::PinBlock(PinBlock([1; 16]))),
            Command::OfflineVerifier { .. } => {
                Ok(Answer::OfflineVerifier(if self.pin_is_right { [4; 32] } else { [5; 32] }))
            }
            Command::ImportPinKey(_) => Ok(Answer::KeyImported(CheckValue([1, 2, 3]))),
            Command::FetchNonce => Ok(Answer::Nonce(self.dispenser.fetch_nonce())),
            Command::ClearNonce => {
                self.dispenser.nonce = None;
                Ok(Answer::NonceCleared)
            }
            Command::Dispense(dispense) => self.dispenser.dispense(dispense),
            Command::Present => self.dispenser.present(),
            Command::Reject => self.dispenser.reject(),
            Command::Retract => self.dispenser.retract(),
            Command::PresentStatus { nonce } => Ok(Answer::PresentStatus(PresentStatus {
                state: self.dispenser.present,
                notes: self.dispenser.dispensed.as_ref().map(|(_, notes)| notes.clone()),
                dispense: self.dispenser.dispensed.as_ref().map(|(id, _)| *id),
                token: nonce.map(|nonce| format!("NONCE={:02X?}", nonce.0)),
            })),
            Command::ReadCounters => Ok(Answer::Counters(self.dispenser.counters())),
            Command::StartCashIn => {
                (self.escrow, self.cash_in) = (Vec::new(), CashInState::Active);
                Ok(Answer::CashInStarted)
            }
            Command::StoreNotes => {
                let there = self.left_in_escrow.take().unwrap_or_else(|| self.escrow.clone());
                self.stored += there.iter().map(|(value, count)| value * i64::from(*count)).sum::<i64>();
                self.cash_in = CashInState::Stored;
                Ok(Answer::NotesStored(there))
            }
            Command::ReturnNotes => {
                self.cash_in = CashInState::Returned;
                Ok(Answer::NotesReturned)
            }
            Command::CashInStatus => {
                Ok(Answer::CashInStatus(CashInStatus { state: self.cash_in, accepted: self.escrow.clone() }))
            }
            Command::StartExchange => {
                self.dispenser.exchange = Some(());
                Ok(Answer::ExchangeStarted)
            }
            Command::EndExchange(filling) => self.dispenser.fill(filling),
            Command::EmptyDeposits => {
                self.deposits_emptied += 1;
                Ok(Answer::DepositsEmptied)
            }
            Command::Print(lines) => {
                self.printed.push(lines.clone());
                Ok(Answer::Printed)
            }
            Command::Probe(unit) => Ok(Answer::Works(*unit)),
            Command::Cancel(_) => unreachable!("handled before"),
        })
    }

    /// The command that waits for a person ends so.
    pub(super) fn report(&mut self, unit: Unit, result: Result<Answer, Failure>) {
        let waits = self.running.remove(&unit).is_some_and(|command| waits_for_a_person(&command));
        assert!(waits || self.is_dead(), "{unit:?} waits for nobody; {:?}", self.screen());
        self.feed(Input::Device(match result {
            Ok(answer) => Report::Done(answer),
            Err(failure) => Report::Failed(unit, failure),
        }));
    }

    pub(super) fn event(&mut self, event: Event) {
        self.feed(Input::Device(Report::Event(event)));
    }

    pub(super) fn elapse(&mut self, timer: Timer) {
        let set = self.timers.remove(&timer);
        if self.is_dead() {
            return;
        }
        let ms = set.unwrap_or_else(|| panic!("{timer:?} is not set; {:?}", self.screen()));
        self.now = self.now.plus_ms(i64::from(ms));
        self.feed(Input::Elapsed(timer));
    }

    pub(super) fn choose(&mut self, choice: Choice) {
        self.feed(Input::Chosen(choice));
    }

    pub(super) fn insert_card(&mut self) {
        self.insert(CARD, (99, 12));
    }

    pub(super) fn insert(&mut self, reference: CardReference, expires: (u8, u8)) {
        if self.is_dead() {
            return;
        }
        self.card_inside = true;
        let pan = Pan::parse("5413330089020011").unwrap();
        self.report(Unit::CardReader, Ok(Answer::Card(CardRead { pan, reference, expires })));
    }

    pub(super) fn enter_pin(&mut self) {
        self.report(Unit::PinPad, Ok(Answer::Pin(PinEntered::Digits(4))));
    }

    pub(super) fn log_in(&mut self) {
        self.insert_card();
        self.choose(Choice::Language(Language::English));
        self.enter_pin();
    }

    pub(super) fn key_in(&mut self, digits: &str) {
        for digit in digits.bytes() {
            self.choose(Choice::Key(Key::Digit(digit - b'0')));
        }
        self.choose(Choice::Yes);
    }

    /// From the menu to an amount, and a receipt.
    pub(super) fn order(&mut self, minor: i64) {
        self.choose(Choice::Menu(MenuItem::Withdrawal));
        self.choose(Choice::Account(CHECKING));
        self.key_in(&(minor / 100).to_string());
        self.choose(Choice::Yes);
    }

    pub(super) fn take_card(&mut self) {
        if self.is_dead() {
            return;
        }
        assert!(self.card_inside, "there is a card to take");
        self.card_inside = false;
        self.event(Event::CardTaken);
    }

    pub(super) fn take_cash(&mut self, most: u32) {
        if self.dispenser.take(most) {
            self.event(Event::NotesTaken);
        }
    }

    pub(super) fn lay_in(&mut self, notes: &[(i64, u32)], refused: u32) {
        if self.is_dead() {
            return;
        }
        self.escrow.extend_from_slice(notes);
        self.report(Unit::Acceptor, Ok(Answer::NotesTaken { accepted: notes.to_vec(), refused }));
    }

    /// Somebody finds the acceptor so.
    pub(super) fn find_cash_in(&mut self, state: CashInState, escrow: &[(i64, u32)]) {
        (self.cash_in, self.escrow) = (state, escrow.to_vec());
    }

    pub(super) fn fail(&mut self, command: &'static str, failure: Failure) {
        self.fail_when(command, failure, When::Before);
    }

    pub(super) fn fail_when(&mut self, command: &'static str, failure: Failure, when: When) {
        self.faults.entry(command).or_default().push_back((failure, when));
    }

    pub(super) fn beat(&mut self) {
        self.elapse(Timer::Heartbeat);
    }

    pub(super) fn line(&mut self, line: Line) {
        self.host.line = line;
        self.beat();
    }

    /// What people hold, and what the books say they owe for it: the same, or a case is open for the difference.
    #[track_caller]
    pub(super) fn assert_balanced(&self) {
        let owed = 1_000_00 + self.host.cash_in - self.host.sent - self.host.balance;
        assert!(self.host.in_flight.is_empty(), "nothing stays in flight: {:?}", self.host.in_flight);
        let reach = self.dispenser.value(&self.dispenser.reach);
        let difference = owed - self.dispenser.taken - reach;
        let suspects = self.host.suspects;
        assert!(
            (0..=suspects).contains(&difference),
            "owed {owed}, taken {}, suspects {suspects}",
            self.dispenser.taken
        );
    }

    pub(super) fn count(&self, name: &str) -> usize {
        self.log.iter().filter(|line| line.as_str() == name).count()
    }

    pub(super) fn records(&self) -> Vec<&'static str> {
        self.entries.iter().map(|entry| record_name(&entry.record)).collect()
    }
}

pub(super) const fn record_name(record: &Record) -> &'static str {
    match record {
        Record::Begun { .. } => "begun",
        Record::Settings(_) => "settings",
        Record::HotList(_) => "hot list",
        Record::HotListConfirmed { .. } => "hot list confirmed",
        Record::Lease(_) => "lease",
        Record::Card(_) => "card",
        Record::Intent(_) => "intent",
        Record::Approved { .. } => "approved",
        Record::Dropped { .. } => "dropped",
        Record::Dispensing { .. } => "dispensing",
        Record::Presenting { .. } => "presenting",
        Record::CardJammed { .. } => "card jammed",
        Record::NotesJammed { .. } => "notes jammed",
        Record::Depositing { .. } => "depositing",
        Record::Storing { .. } => "storing",
        Record::Advice(advice) => advice_name(&advice.kind),
        Record::Acknowledged { .. } => "acknowledged",
        Record::Escalated { .. } => "escalated",
        Record::OfflineTry { .. } => "offline try",
        Record::CarriedOut { .. } => "carried out",
        Record::Availability { .. } => "availability",
        Record::Replenishing { found: None, .. } => "replenishing",
        Record::Replenishing { found: Some(_), .. } => "replenishing, counted",
        Record::Summary(_) => "summary",
    }
}

pub(super) const fn advice_name(kind: &AdviceKind) -> &'static str {
    match kind {
        AdviceKind::Completed { .. } => "completed",
        AdviceKind::Reversed { .. } => "reversed",
        AdviceKind::Suspect { .. } => "suspect",
        AdviceKind::Deposited { .. } => "deposited",
        AdviceKind::DepositUnclear { .. } => "deposit unclear",
        AdviceKind::OfflineWithdrawn { .. } => "offline withdrawn",
        AdviceKind::StoredTransfer { .. } => "stored transfer",
        AdviceKind::OfflineTries { .. } => "offline tries",
        AdviceKind::CardRetained { .. } => "card retained",
        AdviceKind::Replenished { .. } => "replenished",
    }
}

pub(super) const fn command_name(command: &Command) -> &'static str {
    match command {
        Command::ReadCard => "read card",
        Command::EjectCard => "eject card",
        Command::RetainCard => "retain card",
        Command::EnterPin => "enter PIN",
        Command::OnlinePinBlock(_) => "online PIN block",
        Command::OfflineVerifier { .. } => "offline verifier",
        Command::ImportPinKey(_) => "import PIN key",
        Command::AcceptKeys => "accept keys",
        Command::FetchNonce => "fetch nonce",
        Command::ClearNonce => "clear nonce",
        Command::Dispense(_) => "dispense",
        Command::Present => "present",
        Command::Reject => "reject",
        Command::Retract => "retract",
        Command::PresentStatus { .. } => "present status",
        Command::ReadCounters => "read counters",
        Command::StartCashIn => "start cash-in",
        Command::TakeNotes => "take notes",
        Command::StoreNotes => "store notes",
        Command::ReturnNotes => "return notes",
        Command::CashInStatus => "cash-in status",
        Command::StartExchange => "start exchange",
        Command::EndExchange(_) => "end exchange",
        Command::EmptyDeposits => "empty deposits",
        Command::Print(_) => "print",
        Command::Cancel(_) => "cancel",
        Command::Probe(Unit::Acceptor) => "probe acceptor",
        Command::Probe(_) => "probe",
    }
}

fn name(output: &Output) -> String {
    match output {
        Output::Journal(record) => record_name(record).to_owned(),
        Output::Forget { .. } => "forget".to_owned(),
        Output::Device(command) => command_name(command).to_owned(),
        Output::Send { request, .. } => match request {
            Request::LogIn { .. } => "ask log-in",
            Request::LogOut { .. } => "ask log-out",
            Request::Balance { .. } => "ask balance",
            Request::Statement { .. } => "ask statement",
            Request::Transfer { .. } => "ask transfer",
            Request::ChangePin { .. } => "ask PIN change",
            Request::Approve { .. } => "ask approval",
            Request::Advice(_) => "send advice",
            Request::Heartbeat(_) => "heartbeat",
        }
        .to_owned(),
        Output::Show(screen) => format!("show {}", format!("{screen:?}").split([' ', '(']).next().unwrap_or_default()),
        Output::Speak(language) => format!("speak {language:?}"),
        Output::Set(timer, _) => format!("set {timer:?}"),
        Output::Stop(timer) => format!("stop {timer:?}"),
        Output::Alarm(alarm) => format!("alarm {alarm:?}"),
    }
}
