//! A bank on a real file behind the host's own router, with a clock that tests move and randomness that follows from a
//! seed. Requests go through every layer that a socket's would; only the socket is not there.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use cashpoint_bank::bank::{Bank, Mode, Setting};
use cashpoint_bank::clock::{Clock, ManualClock};
use cashpoint_bank::entropy::SeededEntropy;
use cashpoint_bank::keys::{FileKeyStore, MasterKey};
use cashpoint_bank::secret::Password;
use cashpoint_bank::store::records::Records;
use cashpoint_core::command::Touch;
use cashpoint_core::session::{Role, Session};
use cashpoint_core::time::{BusinessDate, Timestamp};
use cashpoint_host::{Options, router};
use cashpoint_wire::instant;
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tower::ServiceExt;

use crate::http::{Answer, Call, get, online_log_in, post, put};

/// Everybody's password.
pub(crate) const PASSWORD: &str = "correct horse battery";

/// One day, one hour, one minute.
pub(crate) const DAY: Duration = Duration::from_secs(86_400);
pub(crate) const HOUR: Duration = Duration::from_secs(3_600);
pub(crate) const MINUTE: Duration = Duration::from_secs(60);
/// The smallest step of the bank's time.
pub(crate) const MICROSECOND: Duration = Duration::from_micros(1);
pub(crate) const MILLISECOND: Duration = Duration::from_millis(1);

/// The bank of one test, with an admin and two machines, ATM1 and ATM2.
pub(crate) struct World {
    pub(crate) clock: Arc<ManualClock>,
    mode: Mode,
    queue: usize,
    running: Option<Running>,
    channels: RefCell<BTreeMap<String, String>>,
    admin: RefCell<String>,
    keys: Cell<u32>,
    openings: u64,
    folder: TempDir,
    runtime: Runtime,
}

struct Running {
    bank: Bank,
    router: Router,
}

/// A card, its holder's accounts and what is needed to use it.
#[derive(Clone, Debug)]
pub(crate) struct Plastic {
    pub(crate) customer: String,
    pub(crate) accounts: Vec<String>,
    pub(crate) card: String,
    pub(crate) number: String,
    pub(crate) pin: String,
}

/// A session's token, and the credential of the machine where it stands.
#[derive(Clone, Debug)]
pub(crate) struct Visit {
    pub(crate) token: String,
    pub(crate) account: String,
    pub(crate) channel: Option<String>,
}

impl World {
    /// A new bank of real money whose clocks stand at `utc`.
    pub(crate) fn real(utc: &str) -> Self {
        Self::open(Mode::Real, utc, 4_096)
    }

    /// A new sandbox, without play data.
    pub(crate) fn sandbox(utc: &str) -> Self {
        Self::open(Mode::Sandbox, utc, 4_096)
    }

    pub(crate) fn open(mode: Mode, utc: &str, queue: usize) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let mut world = Self {
            clock: Arc::new(ManualClock::new(instant(utc))),
            mode,
            queue,
            running: None,
            channels: RefCell::default(),
            admin: RefCell::default(),
            keys: Cell::new(0),
            openings: 0,
            folder: tempfile::tempdir().unwrap(),
            runtime,
        };
        world.start();
        world.bank().add_operator("admin", Role::Admin, Password::attempt(PASSWORD).unwrap()).unwrap().unwrap();
        world.staff();
        world.machine("ATM1", "api");
        world.machine("ATM2", "api");
        world
    }

    fn start(&mut self) {
        self.openings += 1;
        let entropy = Arc::new(SeededEntropy::new(self.openings));
        let setting = Setting::new(self.database(), self.key_file(), self.clock.clone(), entropy.clone());
        let setting = Setting { queue: self.queue, ..setting.with_mode(self.mode) };
        let (bank, _) = Bank::open(setting).unwrap();
        let options = Options { clock: self.clock.clone(), entropy, ..Options::default() };
        let router = router(bank.clone(), options);
        self.running = Some(Running { bank, router });
    }

    fn stop(&mut self) {
        if let Some(running) = self.running.take() {
            running.bank.close();
        }
    }

    /// Ends the host and starts it again on the same file, on a machine whose wall clock then stands at `wall`.
    pub(crate) fn restart_at(&mut self, wall: Timestamp) {
        self.stop();
        self.clock = Arc::new(ManualClock::new(wall));
        self.start();
    }

    fn database(&self) -> PathBuf {
        self.folder.path().join("bank.db")
    }

    fn key_file(&self) -> PathBuf {
        self.folder.path().join("keys.toml")
    }

    pub(crate) fn bank(&self) -> &Bank {
        &self.running.as_ref().expect("it runs").bank
    }

    // --- time ------------------------------------------------------------------------------------------------------

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.wall()
    }

    /// Lets time pass.
    pub(crate) fn pass(&self, time: Duration) {
        self.clock.advance(time);
    }

    /// Lets time pass until `moment`.
    #[track_caller]
    pub(crate) fn until(&self, moment: Timestamp) {
        let left = u64::try_from(moment.micros() - self.now().micros()).expect("time only passes forwards");
        self.pass(Duration::from_micros(left));
    }

    /// Sets the wall clock off by whole seconds, as no time that passes would.
    pub(crate) fn jump_s(&self, seconds: i64) {
        self.clock.set_wall(self.now().plus_s(seconds));
    }

    // --- people, cards, machines -----------------------------------------------------------------------------------

    /// Staff log in anew: their sessions end like everybody's.
    pub(crate) fn staff(&self) {
        let body = json!({"username": "admin", "password": PASSWORD});
        let answer = self.send(post("/api/operators/sessions", body)).is(201);
        self.admin.replace(answer.string("/token"));
    }

    pub(crate) fn admin(&self) -> String {
        self.admin.borrow().clone()
    }

    /// As [`Self::admin`], for commands that are not sent over HTTP.
    pub(crate) fn session_of(&self, token: &str) -> Session {
        self.bank().authenticate(token).unwrap().expect("the token began a session")
    }

    /// A machine with 500 each of 50, 20 and 10.
    pub(crate) fn machine(&self, id: &str, kind: &str) {
        let cassette = |denomination: &str| json!({"denomination": denomination, "currency": "USD", "count": 500});
        let cassettes = ["50.00", "20.00", "10.00"].map(cassette);
        let body = json!({"atm_id": id, "location": "Here", "kind": kind, "cassettes": cassettes});
        let answer = self.send(post("/api/atms", body).token(&self.admin())).is(201);
        if let Some(channel) = answer.json().pointer("/channel") {
            self.channels.borrow_mut().insert(id.to_owned(), channel.as_str().unwrap().to_owned());
        }
    }

    /// A customer whom staff made, with savings accounts of these balances and a card for all of them.
    pub(crate) fn card(&self, name: &str, balances: &[&str]) -> Plastic {
        let opening = |balance: &&str| json!({"type": "savings", "currency": "USD", "opening_balance": balance});
        let accounts: Vec<_> = balances.iter().map(opening).collect();
        let body = json!({"name": name, "accounts": accounts});
        let made = self.send(post("/api/operators/customers", body).token(&self.admin())).is(201);
        let accounts = made.json().pointer("/accounts").unwrap().as_array().unwrap().clone();
        let accounts = accounts.iter().map(|account| account["account_id"].as_str().unwrap().to_owned()).collect();
        self.further_card(&made.string("/customer_id"), accounts)
    }

    /// A card for somebody's accounts.
    pub(crate) fn further_card(&self, customer: &str, accounts: Vec<String>) -> Plastic {
        let body = json!({"customer_id": customer, "account_ids": accounts});
        let issued = self.send(post("/api/cards", body).token(&self.admin())).is(201);
        let (card, number, pin) = (issued.string("/card_id"), issued.string("/card_number"), issued.string("/pin"));
        Plastic { customer: customer.to_owned(), accounts, card, number, pin }
    }

    /// A log-in with a card at a machine.
    pub(crate) fn card_log_in(&self, number: &str, pin: &str, machine: &str) -> Call {
        let body = json!({"card_number": number, "pin": pin, "atm_id": machine});
        post("/api/sessions", body).channel(self.channel(machine))
    }

    /// The card's session at ATM1.
    #[track_caller]
    pub(crate) fn visit(&self, card: &Plastic) -> Visit {
        self.visit_at(card, "ATM1")
    }

    #[track_caller]
    pub(crate) fn visit_at(&self, card: &Plastic, machine: &str) -> Visit {
        let answer = self.send(self.card_log_in(&card.number, &card.pin, machine)).is(201);
        Visit { token: answer.string("/token"), account: card.accounts[0].clone(), channel: self.channel(machine) }
    }

    /// The credential of a machine of kind `api`.
    fn channel(&self, machine: &str) -> Option<String> {
        self.channels.borrow().get(machine).cloned()
    }

    /// Somebody signs up, which begins a session. What cash moves for them moves at ATM1.
    #[track_caller]
    pub(crate) fn sign_up(&self, email: &str) -> Visit {
        let account = json!({"type": "savings", "currency": "USD"});
        let body = json!({"name": "Ada", "email": email, "password": PASSWORD, "account": account});
        let answer = self.send(post("/api/customers", body)).is(201);
        let (token, account) = (answer.string("/session/token"), answer.string("/account_id"));
        Visit { token, account, channel: self.channel("ATM1") }
    }

    /// Another session of somebody who signed up.
    #[track_caller]
    pub(crate) fn online(&self, email: &str, password: &str) -> Visit {
        let answer = self.send(online_log_in(email, password)).is(201);
        let (token, account) = (answer.string("/token"), answer.string("/accounts/0/account_id"));
        Visit { token, account, channel: self.channel("ATM1") }
    }

    /// Changes policy values.
    #[track_caller]
    pub(crate) fn policy(&self, values: Value) {
        self.send(put("/api/policies", values).token(&self.admin())).is(200);
    }

    // --- requests --------------------------------------------------------------------------------------------------

    /// Sends a request and waits for its answer.
    pub(crate) fn send(&self, call: Call) -> Answer {
        self.send_all(vec![call]).pop().expect("one request has one answer")
    }

    /// Sends requests all at once.
    pub(crate) fn send_all(&self, calls: Vec<Call>) -> Vec<Answer> {
        self.runtime.block_on(async {
            let sent: Vec<_> = calls.into_iter().map(|call| tokio::spawn(self.sent(call))).collect();
            let mut answers = Vec::new();
            for one in sent {
                answers.push(one.await.unwrap());
            }
            answers
        })
    }

    fn sent(&self, call: Call) -> impl Future<Output = Answer> + use<> {
        let router = self.running.as_ref().expect("it runs").router.clone();
        self.keys.set(self.keys.get() + 1);
        let request = call.request(&format!("key-{}", self.keys.get()));
        async move {
            let (head, body) = router.oneshot(request).await.expect("a router never fails").into_parts();
            let bytes = body.collect().await.unwrap().to_bytes();
            let text = String::from_utf8(bytes.to_vec()).unwrap();
            Answer { status: head.status.as_u16(), headers: head.headers, text }
        }
    }

    /// Waits until everything that was queued before is done.
    pub(crate) fn settle(&self) {
        // Whether staff's session still lives does not matter: the queue has an order.
        let _ = self.bank().execute(Touch { session: self.session_of(&self.admin()) });
    }

    // --- what stands in the file -----------------------------------------------------------------------------------

    pub(crate) fn records(&self) -> Records {
        Records::open(&self.database()).unwrap()
    }

    /// The business date in force.
    pub(crate) fn date(&self) -> String {
        let mut date = None;
        self.records().business_day(|row| date = Some(row.date)).unwrap();
        BusinessDate::from_days(i32::try_from(date.expect("there is a date")).unwrap()).to_string()
    }

    /// The `now` and the business date of every commit, in the order in which they were made.
    pub(crate) fn commits(&self) -> Vec<(i64, i64)> {
        let mut commits = Vec::new();
        self.records().commits(|row| commits.push((row.now, row.business_date))).unwrap();
        commits
    }

    /// Everything in the file agrees with everything else, and time only ran forwards.
    #[track_caller]
    pub(crate) fn verified(&self) {
        let keys = FileKeyStore::open(&self.key_file(), MasterKey::InFile, Arc::new(SeededEntropy::new(0))).unwrap();
        let report = cashpoint_bank::verify::verify(&self.records(), Some(&keys)).unwrap();
        assert!(report.is_clean(), "{:#?}", report.differences);
        let commits = self.commits();
        assert!(commits.is_sorted_by_key(|(now, _)| *now), "now ran backwards");
        assert!(commits.is_sorted_by_key(|(_, date)| *date), "the business date ran backwards");
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Visit {
    pub(crate) fn balance(&self) -> Call {
        get(&format!("/api/accounts/{}/balance", self.account)).token(&self.token)
    }

    pub(crate) fn withdraw(&self, amount: &str) -> Call {
        self.cash("withdraw", amount)
    }

    pub(crate) fn deposit(&self, amount: &str) -> Call {
        self.cash("deposit", amount)
    }

    fn cash(&self, what: &str, amount: &str) -> Call {
        let call = post(&format!("/api/accounts/{}/{what}", self.account), json!({"amount": amount}));
        call.token(&self.token).channel(self.channel.clone())
    }

    pub(crate) fn transfer(&self, target: &str, amount: &str) -> Call {
        let body = json!({"target_account_id": target, "amount": amount});
        post(&format!("/api/accounts/{}/transfer", self.account), body).token(&self.token)
    }

    pub(crate) fn session(&self) -> Call {
        get("/api/sessions/current").token(&self.token)
    }

    pub(crate) fn list(&self) -> Call {
        get("/api/accounts").token(&self.token)
    }

    pub(crate) fn history(&self) -> Call {
        get(&format!("/api/accounts/{}/transactions", self.account)).token(&self.token)
    }

    pub(crate) fn change_pin(&self, card: &str, old: &str, new: &str) -> Call {
        put(&format!("/api/cards/{card}/pin"), json!({"old_pin": old, "new_pin": new})).token(&self.token)
    }
}

/// An instant by its RFC 3339 text.
#[track_caller]
pub(crate) fn instant(utc: &str) -> Timestamp {
    instant::parse(utc).unwrap_or_else(|| panic!("{utc} is no instant"))
}
