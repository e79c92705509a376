//! A sandbox in which everything happened that a bank can go through, on a file that nobody has open any more.

use std::cell::Cell;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::time::Duration;

use cashpoint_bank::bank::{Bank, Hands, Mode, Setting};
use cashpoint_bank::clock::{Clock, ManualClock, SystemClock};
use cashpoint_bank::desk::{
    CardRequest, CustomerChange, LoggedIn, MachineRequest, NewCustomer, OpeningAccount, PolicyValue, ReplenishRequest,
    SignUpRequest,
};
use cashpoint_bank::entropy::SeededEntropy;
use cashpoint_bank::request::{Content, Scope};
use cashpoint_bank::sandbox::{OPERATOR, PEOPLE, seed};
use cashpoint_bank::secret::{Pan, Password, Pin};
use cashpoint_bank::store::database::Database;
use cashpoint_bank::store::memory::MemoryBank;
use cashpoint_core::account::Product;
use cashpoint_core::command::{
    Approve, By, Caller, CardRetained, Command, Complete, CountedCassette, Deposit, DepositAdvice, DepositUnclear,
    EnrolTerminal, Exchanged, GrantLease, InCase, KeepFeed, KeepTerminalKeys, NewCassette, NoteTerminal, OfflineTries,
    OfflineWithdrawn, OfflineWord, ReadBalance, ReportReason, ResolveCase, Reverse, Standing, StoredTransfer, Suspect,
    Transfer, Withdraw,
};
use cashpoint_core::currency::Currency;
use cashpoint_core::customer::Sealed;
use cashpoint_core::decide::Replay;
use cashpoint_core::enrolled::{GrantedLease, JournalHead, SealedKeys};
use cashpoint_core::event::{Event, EventKind};
use cashpoint_core::id::{AccountNumber, CardId, CaseId, CustomerId, FeedHolder, MachineId, RequestId, TransferId};
use cashpoint_core::machine::MachineKind;
use cashpoint_core::money::{Amount, Decimal};
use cashpoint_core::notification::{ChannelName, DeadLetter, NotificationId, Tenure, Waiting, Wish};
use cashpoint_core::outcome::{Done, Outcome, Refusal};
use cashpoint_core::session::{Session, Subject};
use cashpoint_core::terminal::Lane;
use cashpoint_core::terminal::link::Movement;
use cashpoint_core::time::{BusinessDate, Timestamp};
use tempfile::TempDir;

/// Ada's email address and password.
const ADA: &str = "ada@example.com";
const PASSWORD: &str = "correct horse battery";

/// The teller's first account.
const TELLERS: AccountNumber = AccountNumber::new(10_001);

/// The bank's files.
pub(crate) struct Files {
    folder: TempDir,
    /// Where its rows are, if they are in no file.
    memory: Option<MemoryBank>,
}

impl Files {
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), memory: None }
    }

    /// Only its keys are in a file.
    pub(crate) fn of(memory: MemoryBank) -> Self {
        Self { memory: Some(memory), ..Self::new() }
    }

    fn home(&self) -> Database {
        self.memory.clone().map_or_else(|| self.database().into(), Database::Memory)
    }

    pub(crate) fn database(&self) -> PathBuf {
        self.folder.path().join("bank.db")
    }

    pub(crate) fn keys(&self) -> PathBuf {
        self.folder.path().join("keys.toml")
    }

    /// Whether keys of requests are on their way into the index.
    fn sweeping(&self) -> bool {
        let connection = rusqlite::Connection::open(self.database()).unwrap();
        connection.query_row("SELECT swept IS NOT NULL FROM request_sweep", [], |row| row.get(0)).unwrap()
    }
}

/// The bank while things happen in it.
struct World {
    bank: Bank,
    clock: Arc<ManualClock>,
    admin: Session,
    fresh: Cell<u32>,
}

/// When most of it begins.
fn noon() -> Timestamp {
    Timestamp::EPOCH.plus_s(i64::from(BusinessDate::from_civil(2026, 9, 15).unwrap().days()) * 86_400 + 43_200)
}

/// Lets everything happen, closes the bank and gives its files.
pub(crate) fn live() -> Files {
    live_from(noon(), 0)
}

/// As [`live`], and it began some months ago; in each month since another incarnation of the host served.
pub(crate) fn aged(months: u32) -> Files {
    let begun = SystemClock.wall().plus_s(-i64::from(months) * 31 * 86_400);
    live_from(begun, months - 1)
}

/// A bank that serves, and three deposits that somebody is about to make.
pub(crate) fn before_deposits(files: &Files, hands: Hands) -> (Bank, [Deposit; 3]) {
    let world = World::worked_by(hands, files, &Arc::new(ManualClock::new(noon())), 0);
    let vera = world.people();
    let visit = world.visit(&vera, "ATM001");
    let deposits = ["10", "20", "30"].map(|amount| world.deposit(visit, vera.savings, amount, None));
    (world.bank, deposits)
}

/// All that happens in two days, in another incarnation of the host each.
pub(crate) fn two_days(files: &Files) {
    let clock = Arc::new(ManualClock::new(noon()));
    two_days_from(files, &clock).0.bank.close();
}

fn two_days_from(files: &Files, clock: &Arc<ManualClock>) -> (World, Vera) {
    let world = World::open(files, clock, 0);
    let vera = world.people();
    world.one_step(&vera);
    world.two_steps(&vera);
    world.advices(&vera);
    world.staff(&vera);
    let fresh = world.fresh.get();
    world.bank.close();
    drop(world);
    clock.advance(Duration::from_secs(86_400));
    let world = World::open(files, clock, fresh);
    world.next_day(&vera);
    (world, vera)
}

fn live_from(begun: Timestamp, more_months: u32) -> Files {
    let files = Files::new();
    let clock = Arc::new(ManualClock::new(begun));
    let (world, vera) = two_days_from(&files, &clock);
    let fresh = world.fresh.get();
    world.bank.close();
    drop(world);
    let world = World::open(&files, &clock, fresh);
    world.returns();
    // The keys of the oldest requests are in the index, those of the newest are not, and others are on their way.
    let visit = world.visit(&vera, "ATM001");
    while !files.sweeping() {
        world.done(world.deposit(visit, vera.savings, "10", None));
    }
    let mut fresh = world.fresh.get();
    world.bank.close();
    drop(world);
    for _ in 0..more_months {
        clock.advance(Duration::from_secs(30 * 86_400));
        let world = World::open(&files, &clock, fresh);
        world.a_month_later(&vera);
        fresh = world.fresh.get();
        world.bank.close();
    }
    files
}

/// A customer with a checking and a savings account, and a card for both.
struct Vera {
    customer: CustomerId,
    checking: AccountNumber,
    savings: AccountNumber,
    number: Pan,
    pin: Pin,
}

impl World {
    /// No thread decides which commands share a commit, what time it is for each and who draws randomness first: after a
    /// read of a session that was idle, its touch is on its way, and nobody waits for it.
    fn open(files: &Files, clock: &Arc<ManualClock>, fresh: u32) -> Self {
        Self::worked_by(Hands::Callers, files, clock, fresh)
    }

    fn worked_by(hands: Hands, files: &Files, clock: &Arc<ManualClock>, fresh: u32) -> Self {
        let entropy = Arc::new(SeededEntropy::new(u64::from(fresh)));
        let setting = Setting::new(files.home(), files.keys(), clock.clone(), entropy).with_mode(Mode::Sandbox);
        let bank = Bank::open(Setting { hands, ..setting }).unwrap().0;
        seed(&bank).unwrap();
        let admin = bank.log_in_operator(OPERATOR.0, password(OPERATOR.1)).unwrap().unwrap().session;
        Self { bank, clock: clock.clone(), admin, fresh: Cell::new(fresh) }
    }

    fn people(&self) -> Vera {
        let bank = &self.bank;
        for (id, kind) in [("TRM1", MachineKind::Terminal), ("C1", MachineKind::Counter)] {
            let counter = kind == MachineKind::Counter;
            let note = |value| NewCassette { denomination: money(value), count: 100 };
            let request = MachineRequest {
                machine: place(id),
                kind,
                location: "Test".to_owned(),
                currency: (!counter).then_some(Currency::USD),
                cassettes: if counter { Vec::new() } else { ["50", "20", "10"].map(note).to_vec() },
            };
            bank.create_machine(self.admin, &self.key(), request).unwrap().unwrap();
        }
        let opening = |product, balance| OpeningAccount { product, currency: Currency::USD, balance: money(balance) };
        let request = NewCustomer {
            name: "Vera".to_owned(),
            email: Some("vera@example.com".to_owned()),
            phone: Some("+1 555 0100".to_owned()),
            address: Some("1 Main Street".to_owned()),
            accounts: vec![opening(Product::Checking, "100"), opening(Product::Savings, "5000")],
        };
        let created = bank.create_customer(self.admin, &self.key(), request).unwrap().unwrap().0;
        let [checking, savings] = [0, 1].map(|at| created.accounts[at].account.identity.number);
        let (_, number, pin) = self.card(created.customer, &[checking, savings]);
        Vera { customer: created.customer, checking, savings, number, pin }
    }

    fn card(&self, customer: CustomerId, accounts: &[AccountNumber]) -> (CardId, Pan, Pin) {
        let request = CardRequest { customer, accounts: accounts.to_vec(), number: None, pin: None };
        let issued = self.bank.issue_card(self.admin, &self.key(), request).unwrap().unwrap().0;
        (issued.card, issued.number.unwrap(), issued.pin.unwrap())
    }

    /// Cash whose outcome is known at once, transfers, an overdraft fee, refusals.
    fn one_step(&self, vera: &Vera) {
        let ada = self.sign_up(ADA);
        let (session, account) = (ada.session, ada.accounts[0].account.identity.number);
        self.done(self.deposit(session, account, "300", None));
        self.done(self.deposit(session, account, "50", Some("C1")));
        self.done(self.withdraw(session, account, "20", Some("C1")));
        self.done(self.withdraw(session, account, "10", None));
        self.done(self.transfer(session, account, vera.savings, "30"));
        let visit = self.visit(vera, "ATM001");
        self.done(self.withdraw(visit, vera.checking, "100", None));
        self.done(self.withdraw(visit, vera.checking, "50", None));
        let refused = self.execute(self.withdraw(visit, vera.checking, "50", None));
        assert!(matches!(refused, Err(Refusal::InsufficientFunds { .. })), "{refused:?}");
        self.done(self.deposit(visit, vera.checking, "200", None));
        self.done(self.transfer(visit, vera.savings, vera.checking, "15"));
        self.done(ReadBalance { by: by(visit), account: vera.checking });
        self.bank.log_out(visit).unwrap().unwrap();
        let (by, account, machine) = (By::Teller, TELLERS, None);
        self.done(Withdraw { by, request: self.request(TELLERS), account, amount: money("120"), machine });
        self.done(Deposit { by, request: self.request(TELLERS), account, amount: money("60"), machine });
        let (extra, _) =
            self.bank.open_account(session, &self.key(), Product::Savings, Currency::USD).unwrap().unwrap();
        self.bank.close_account(session, extra.account.identity.number).unwrap().unwrap();
        let change = CustomerChange { email: Some("ada@example.org".to_owned()), ..CustomerChange::default() };
        self.bank.update_customer(session, change).unwrap().unwrap();
        self.notifications(vera, session);
        self.bank.change_password(session, password(PASSWORD), password("battery horse")).unwrap().unwrap();
    }

    /// Withdrawals at a terminal, one for every way in which they end. 200.00 are on the account.
    fn two_steps(&self, vera: &Vera) {
        let visit = self.visit(vera, "TRM1");
        let (whole, _) = self.approve(visit, vera.checking, "60");
        self.done(self.complete(whole, vec![1, 0, 1]));
        // The fee of an overdraft goes back with a reversal, and with a part that alone would not have overdrawn.
        let (nothing, _) = self.approve(visit, vera.checking, "170");
        self.done(self.reverse(nothing, vec![]));
        let (part, _) = self.approve(visit, vera.checking, "160");
        self.done(self.reverse(part, vec![0, 2, 0]));
        let (fee_stays, _) = self.approve(visit, vera.checking, "130");
        self.done(self.complete(fee_stays, vec![2, 1, 1]));
        self.done(self.transfer(visit, vera.savings, vera.checking, "400"));
        let cases = [("50", Some("20")), ("70", Some("70")), ("80", Some("0")), ("40", None)];
        for (number, (amount, paid)) in (1..).zip(cases) {
            let (original, transfer) = self.approve(visit, vera.checking, amount);
            let (terminal, request) = (place("TRM1"), self.request(vera.checking));
            self.done(Suspect { terminal, request, original: original.key, case: case(number) });
            if let Some(paid) = paid {
                let request = self.request(vera.checking);
                let paid = Decimal::parse_or_zero(paid).unwrap();
                let (session, case, account) = (self.admin, CaseId::new(number), vera.checking);
                let (withdrawal, unclaimed) = (Some(transfer), CaseId::new(number + 60));
                self.done(ResolveCase { session, request, case, account, withdrawal, paid, unclaimed });
            }
        }
        self.approve(visit, vera.checking, "30");
        // A reversal that comes first leaves a tombstone.
        let original = self.request(vera.checking);
        self.done(self.reverse(original, vec![]));
        let amount = money("10");
        let late = Approve {
            terminal: place("TRM1"),
            session: visit,
            request: original,
            account: vera.checking,
            amount,
            nonce: None,
        };
        assert_eq!(self.execute(late), Err(Refusal::Reversed));
    }

    /// What goes back to an account that was closed meanwhile: with a fee, in part, and because staff say so.
    fn returns(&self) {
        let owner = self.sign_up("cleo@example.com");
        let (session, (customer, _)) = (owner.session, owner.customer.unwrap());
        let opened = self.bank.open_account(session, &self.key(), Product::Checking, Currency::USD).unwrap().unwrap();
        let account = opened.0.account.identity.number;
        self.done(self.deposit(session, account, "300", None));
        let (_, number, pin) = self.card(customer, &[account]);
        let visit = self.bank.log_in_with_card(number, pin, place("TRM1"), Standing::Sandbox).unwrap().unwrap().session;
        let [(suspect, withdrawal), (part, _), (overdrawn, _)] =
            ["100", "100", "150"].map(|amount| self.approve(visit, account, amount));
        self.done(self.deposit(session, account, "62", None));
        self.bank.close_account(session, account).unwrap().unwrap();
        self.done(Reverse { case: case(40), ..self.reverse(overdrawn, vec![]) });
        self.done(Reverse { case: case(41), ..self.reverse(part, vec![0, 2, 0]) });
        let (terminal, request) = (place("TRM1"), self.request(account));
        self.done(Suspect { terminal, request, original: suspect.key, case: case(42) });
        for (id, withdrawal, paid) in [(42, Some(withdrawal), "0"), (43, None, "30")] {
            let (session, request, case) = (self.admin, self.request(account), CaseId::new(id));
            let (paid, unclaimed) = (Decimal::parse_or_zero(paid).unwrap(), CaseId::new(id + 1));
            self.done(ResolveCase { session, request, case, account, withdrawal, paid, unclaimed });
        }
    }

    /// What a terminal tells after it was cut off; each kind of case, open, and resolved in part.
    fn advices(&self, vera: &Vera) {
        let visit = self.visit(vera, "TRM1");
        let Subject::Card { card, .. } = visit.subject else { panic!("it is a card's") };
        let (terminal, nonce, usd) = (place("TRM1"), [5; 16], |minor| Amount::new(minor, Currency::USD));
        let secret = self.bank.machines_watched().unwrap().into_iter().find(|view| view.identity.id == terminal);
        let code = secret.unwrap().identity.secret;
        self.done(EnrolTerminal { terminal, code, key: [6; 32] });
        let keys = SealedKeys { data_key: (1, Sealed(vec![1; 60])), secrets: Sealed(vec![2; 60]) };
        self.done(KeepTerminalKeys { terminal, keys });
        let granted = self.bank.now();
        let lease = GrantedLease { nonce, amount: usd(1_000_00), used: 0, presents: 0, granted, closed: false };
        self.done(GrantLease { terminal, lease });
        let head = JournalHead { n: 4, mac: [7; 32] };
        self.done(NoteTerminal { terminal, lane: Lane::Online, number: 9, head, drained: None });
        let ask = |account, minor, case_id| (self.request(TELLERS), account, usd(minor), case(case_id));
        let deposit =
            |(request, account, amount, case)| DepositAdvice { terminal, request, card, account, amount, case };
        self.done(deposit(ask(vera.checking, 500_00, 20)));
        self.done(deposit(ask(vera.checking, 10_000_01, 21)));
        self.done(deposit(ask(vera.checking, 10_000_02, 22)));
        self.done(deposit(ask(TELLERS, 30_00, 23)));
        self.done(deposit(ask(TELLERS, 40_00, 24)));
        for id in [25, 26] {
            let (request, account, amount, case) = ask(vera.checking, 60_00, id);
            self.done(DepositUnclear { terminal, request, card, account, amount, case });
        }
        let offline = |(request, account, amount, case), word| OfflineWithdrawn {
            terminal,
            request,
            card,
            account,
            amount,
            lease: nonce,
            present: None,
            word,
            case,
        };
        let paid = |notes: [u32; 3]| OfflineWord::Paid(moved(notes.to_vec()));
        self.done(offline(ask(vera.checking, 70_00, 27), paid([1, 1, 0])));
        for id in [28, 29] {
            self.done(offline(ask(vera.checking, 50_00, id), OfflineWord::Suspect));
            self.done(offline(ask(TELLERS, 20_00, id + 2), paid([0, 1, 0])));
            self.done(offline(ask(TELLERS, 20_00, id + 4), OfflineWord::Suspect));
        }
        for id in [22, 24, 26, 29, 31, 33] {
            let found = self.bank.case(self.admin, CaseId::new(id)).unwrap().unwrap();
            let (session, request, case) = (self.admin, self.request(TELLERS), found.id);
            let (account, withdrawal) = (found.account, found.matter.withdrawal());
            let (paid, unclaimed) = (money("15"), CaseId::new(id + 60));
            self.done(ResolveCase { session, request, case, account, withdrawal, paid, unclaimed });
        }
        let (at, amount) = (self.bank.now(), usd(1));
        for target in [vera.savings, AccountNumber::new(99_999)] {
            let (request, original) = (self.request(TELLERS), self.request(TELLERS).key);
            self.done(StoredTransfer { terminal, request, original, card, source: vera.checking, target, amount, at });
        }
        self.done(OfflineTries { terminal, request: self.request(TELLERS), card, wrong: 1 });
        self.done(CardRetained { terminal, request: self.request(TELLERS), card: Some(card) });
        self.exchange(terminal);
    }

    /// A terminal's cassettes are exchanged; a note is missing, which two suspects explain.
    fn exchange(&self, terminal: MachineId) {
        let held = self.bank.machine(self.admin, terminal).unwrap().unwrap().holdings.cassettes[0].count;
        let cassette = CountedCassette { denomination: money("50"), counted_out: held - 1, counted_in: 30 };
        let (deposit_bin, reject_bin, retract_bin) = (None, None, None);
        let cassettes = vec![cassette];
        let request = ReplenishRequest { machine: terminal, cassettes, deposit_bin, reject_bin, retract_bin };
        self.bank.replenish(self.admin, &self.key(), request).unwrap().unwrap();
        let suspects = [4, 28].map(CaseId::new).to_vec();
        let (request, found) = (self.request(TELLERS), "left=100".to_owned());
        self.done(Exchanged { terminal, request, number: 1, suspects, found });
    }

    /// Replenishment with a difference, a changed policy, cards that come to an end, wrong PINs.
    fn staff(&self, vera: &Vera) {
        let counted =
            |note, counted_out, counted_in| CountedCassette { denomination: money(note), counted_out, counted_in };
        let request = ReplenishRequest {
            machine: place("ATM001"),
            cassettes: vec![counted("50", 96, 100), counted("20", 201, 150)],
            deposit_bin: Some(money("200")),
            reject_bin: None,
            retract_bin: None,
        };
        self.bank.replenish(self.admin, &self.key(), request).unwrap().unwrap();
        let request = ReplenishRequest {
            machine: place("ATM002"),
            cassettes: vec![counted("10", 90, 100)],
            deposit_bin: None,
            reject_bin: None,
            retract_bin: None,
        };
        self.bank.replenish(self.admin, &self.key(), request).unwrap().unwrap();
        let fee = vec![("overdraft_fee".to_owned(), PolicyValue::Figure(money("12")))];
        self.bank.set_policies(self.admin, fee).unwrap().unwrap();
        let (lost, ..) = self.card(vera.customer, &[vera.savings]);
        self.bank.report_card(self.admin, lost, ReportReason::Lost).unwrap().unwrap();
        let (removed, ..) = self.card(vera.customer, &[vera.savings]);
        self.bank.remove_card(self.admin, removed).unwrap().unwrap();
        let bob = Pan::parse(PEOPLE[2].number).unwrap();
        for number in [bob, Pan::parse("4000000000000002").unwrap()] {
            for _ in 0..3 {
                let pin = Pin::parse("0000").unwrap();
                let answer = self.bank.log_in_with_card(number.clone(), pin, place("ATM003"), Standing::Sandbox);
                assert!(answer.unwrap().is_err());
                self.clock.advance(Duration::from_secs(1));
            }
        }
        assert!(self.bank.log_in_online("nobody@example.com", password(PASSWORD)).unwrap().is_err());
    }

    /// A withdrawal of yesterday is reversed, others are made, and the fee is another.
    fn next_day(&self, vera: &Vera) {
        let visit = self.visit(vera, "TRM1");
        let (original, _) = self.approve(visit, vera.savings, "100");
        self.clock.advance(Duration::from_secs(86_400));
        self.done(self.reverse(original, vec![]));
        let visit = self.visit(vera, "ATM001");
        self.done(self.transfer(visit, vera.checking, vera.savings, "90"));
        self.done(self.withdraw(visit, vera.checking, "60", None));
        self.done(self.deposit(visit, vera.savings, "500", None));
        self.one_commit(vera, visit);
    }

    /// Commands that share a commit and an account; one of them is refused, and one was there before.
    fn one_commit(&self, vera: &Vera, visit: Session) {
        let (sender, answers) = channel();
        let first = self.deposit(visit, vera.savings, "25", None);
        let too_much = self.withdraw(visit, vera.checking, "90000", None);
        let transfer = self.transfer(visit, vera.savings, vera.checking, "5");
        for command in [Command::from(first), first.into(), too_much.into(), transfer.into()] {
            let sender = sender.clone();
            self.bank.submit_along(command, Box::new(move |answer| sender.send(answer.unwrap()).unwrap()));
        }
        self.done(self.deposit(visit, vera.savings, "40", None));
        let answers: Vec<_> = answers.try_iter().map(|answer| (answer.replay, answer.outcome.is_ok())).collect();
        let (new, refused, again) = ((Replay::First, true), (Replay::First, false), (Replay::Repeat, true));
        assert_eq!(answers, [new, again, refused, new]);
    }

    /// Cash that stays on the way over a month's end, other cash that does not.
    fn a_month_later(&self, vera: &Vera) {
        let visit = self.visit(vera, "TRM1");
        let (original, _) = self.approve(visit, vera.savings, "20");
        self.clock.advance(Duration::from_secs(86_400));
        self.done(self.complete(original, vec![0, 1, 0]));
        let visit = self.visit(vera, "ATM001");
        self.done(self.withdraw(visit, vera.savings, "30", None));
        self.done(self.transfer(visit, vera.savings, vera.checking, "45"));
        self.done(self.deposit(visit, vera.savings, "60", None));
    }

    /// Somebody delivers what happened: some of it fails, some is given up, and Ada wants little.
    fn notifications(&self, vera: &Vera, ada: Session) {
        let channel = ChannelName::parse("email").unwrap();
        self.bank.set_wishes(ada, vec![(channel, Some(Wish::Only([EventKind::Withdrawal].into())))]).unwrap().unwrap();
        let holder = FeedHolder::new(1);
        let claimed = self.bank.claim_feed(channel, holder, (Tenure::Sole, 30)).unwrap().unwrap();
        let places = self.bank.outgoing_places(vera.customer, 1, 2).unwrap();
        let told = self.bank.outgoing_at(channel, &places).unwrap();
        let [first, second] = [0, 1].map(|at| &told[at].delivered);
        let (since, why) = (self.bank.now(), "no answer".to_owned());
        let waiting =
            Waiting { number: second.event.number, attempts: 1, since, due: since.plus_s(60), why: why.clone() };
        let id = NotificationId { writer: first.position.writer, seq: first.position.seq, index: first.index };
        let Event { customer, number, kind, at, .. } = first.event;
        let dead = DeadLetter { channel, id, customer, number, kind, at, attempts: 5, given_up: since, why };
        let keep = KeepFeed {
            channel,
            holder,
            lease_s: 30,
            cursor: claimed.cursor,
            waiting: vec![(vera.customer, Some(waiting))],
            dead: vec![dead],
        };
        assert!(self.bank.execute(keep).unwrap().outcome.is_ok());
    }

    fn sign_up(&self, email: &str) -> LoggedIn {
        let request = SignUpRequest {
            name: "Ada".to_owned(),
            email: email.to_owned(),
            password: password(PASSWORD),
            phone: Some("+1 555 0101".to_owned()),
            address: None,
            product: Product::Savings,
            currency: Currency::USD,
        };
        self.bank.sign_up(request).unwrap().unwrap().session
    }

    fn visit(&self, vera: &Vera, at: &str) -> Session {
        let answer = self.bank.log_in_with_card(vera.number.clone(), vera.pin.clone(), place(at), Standing::Sandbox);
        answer.unwrap().unwrap().session
    }

    fn withdraw(&self, session: Session, account: AccountNumber, amount: &str, at: Option<&str>) -> Withdraw {
        let (by, request, amount, machine) = (by(session), self.request(account), money(amount), at.map(place));
        Withdraw { by, request, account, amount, machine }
    }

    fn deposit(&self, session: Session, account: AccountNumber, amount: &str, at: Option<&str>) -> Deposit {
        let (by, request, amount, machine) = (by(session), self.request(account), money(amount), at.map(place));
        Deposit { by, request, account, amount, machine }
    }

    fn transfer(&self, session: Session, source: AccountNumber, target: AccountNumber, amount: &str) -> Transfer {
        Transfer { session, request: self.request(source), source, target, amount: money(amount) }
    }

    fn approve(&self, session: Session, account: AccountNumber, amount: &str) -> (RequestId, TransferId) {
        let request = self.request(account);
        let amount = money(amount);
        let done =
            self.done(Approve { terminal: place("TRM1"), session, request, account, amount, nonce: Some([3; 16]) });
        let Done::Withdrawn(receipt) = done else { panic!("nothing was approved: {done:?}") };
        (request, receipt.transaction)
    }

    fn complete(&self, original: RequestId, notes: Vec<u32>) -> Complete {
        let request = self.request(TELLERS);
        let (terminal, original) = (place("TRM1"), original.key);
        Complete { terminal, request, original, card: None, moved: moved(notes), case: case(98) }
    }

    fn reverse(&self, original: RequestId, notes: Vec<u32>) -> Reverse {
        let request = self.request(TELLERS);
        Reverse { terminal: place("TRM1"), request, original: original.key, moved: moved(notes), case: case(99) }
    }

    #[track_caller]
    fn done(&self, command: impl Into<Command>) -> Done {
        self.execute(command).expect("the command is in order")
    }

    /// A second later.
    fn execute(&self, command: impl Into<Command>) -> Outcome {
        self.clock.advance(Duration::from_secs(1));
        self.bank.execute(command).unwrap().outcome
    }

    fn request(&self, account: AccountNumber) -> RequestId {
        let content = Content { account: Some(account), ..Content::of("test", "") };
        self.bank.request_id(Scope::Teller, &self.key(), &content)
    }

    fn key(&self) -> String {
        self.fresh.set(self.fresh.get() + 1);
        format!("key-{}", self.fresh.get())
    }
}

fn moved(dispensed: Vec<u32>) -> Movement {
    Movement { dispensed, rejected: 0, retracted: 0 }
}

fn case(number: i64) -> InCase {
    InCase { id: CaseId::new(number), evidence: "failure=jam".to_owned() }
}

fn by(session: Session) -> By {
    By::Session(Caller { session, standing: Standing::Sandbox })
}

fn password(text: &str) -> Password {
    Password::attempt(text).unwrap()
}

fn place(text: &str) -> MachineId {
    MachineId::parse(text).unwrap()
}

fn money(text: &str) -> Decimal {
    Decimal::parse(text).unwrap()
}
