//! A host with somebody of every kind, made through its own interface alone, so that it is the same in a sandbox and
//! outside.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use cashpoint_bank::bank::{Bank, Mode, Setting};
use cashpoint_bank::clock::ManualClock;
use cashpoint_bank::entropy::SeededEntropy;
use cashpoint_bank::link::Heard;
use cashpoint_bank::request::{Content, Scope, request_id};
use cashpoint_bank::sandbox;
use cashpoint_bank::secret::Password;
use cashpoint_core::command::{DepositUnclear, InCase};
use cashpoint_core::currency::Currency;
use cashpoint_core::enrolled::JournalHead;
use cashpoint_core::id::{AccountNumber, CardId, CaseId, MachineId};
use cashpoint_core::money::Amount;
use cashpoint_core::session::Role;
use cashpoint_core::terminal::Lane;
use cashpoint_core::terminal::device::{Failure, Unit};
use cashpoint_core::terminal::link::{Availability, Heartbeat, Request as Asked};
use cashpoint_core::time::Timestamp;
use cashpoint_host::{Mount, Options};
use cashpoint_wire::link::SigningKey;
use cashpoint_wire::link::enrolment::{self, EnrolmentSecret};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tempfile::TempDir;
use tower::ServiceExt;

use super::client::{Contract, Given, Sent, Told};

const EMAIL: &str = "zoe@example.org";
const PASSWORD: &str = "correct horse";

/// Who asks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Who {
    Nobody,
    /// With a card.
    Card,
    /// A customer online.
    Online,
    Staff,
}

/// See the module.
pub(crate) struct World {
    pub(crate) bank: Bank,
    pub(crate) router: Router,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) contract: Contract,
    pub(crate) given: RefCell<BTreeSet<Given>>,
    /// Answers that the document has nothing like.
    pub(crate) undescribed: RefCell<Vec<String>>,
    pub(crate) folder: TempDir,
    /// The credential of the machine `HALL`; wrong or empty on purpose now and then.
    pub(crate) channel: RefCell<String>,
    pub(crate) known: Known,
}

/// Ids and tokens.
#[derive(Clone, Default, Debug)]
pub(crate) struct Known {
    pub(crate) staff: String,
    pub(crate) card: String,
    pub(crate) online: String,
    /// A session that was ended.
    pub(crate) dead: String,
    /// A session of a card that has been blocked since.
    pub(crate) blocked: String,
    /// The card's account, with 1,000.00 on it.
    pub(crate) account: String,
    /// The customer's with the blocked card.
    pub(crate) other: String,
    /// The online customer's: empty.
    pub(crate) empty: String,
    pub(crate) customer: String,
    pub(crate) card_id: String,
    pub(crate) card_number: String,
    pub(crate) blocked_number: String,
    pub(crate) blocked_card_id: String,
    pub(crate) pin: String,
    pub(crate) transaction: String,
    /// Cases that wait; the second is the rules' to resolve.
    pub(crate) cases: [String; 2],
    pub(crate) email: String,
    pub(crate) password: String,
    pub(crate) username: String,
    pub(crate) staff_password: String,
}

pub(crate) fn options(clock: &Arc<ManualClock>, mount: Mount) -> Options {
    Options { mount, clock: clock.clone(), entropy: Arc::new(SeededEntropy::new(7)), ..Options::default() }
}

pub(crate) fn open(folder: &TempDir, clock: &Arc<ManualClock>, mode: Mode) -> Bank {
    let path = |name: &str| -> PathBuf { folder.path().join(name) };
    let entropy = Arc::new(SeededEntropy::new(11));
    let setting = Setting::new(path("bank.db"), path("keys.toml"), clock.clone(), entropy).with_mode(mode);
    Bank::open(setting).expect("the folder takes a bank").0
}

impl World {
    /// With play data, everything on one port.
    pub(crate) async fn sandbox() -> Self {
        let world = Self::bare(Mode::Sandbox, Mount::OnePort).await;
        sandbox::seed(&world.bank).expect("the play data goes in");
        world.furnished(("operator", "operator")).await
    }

    /// Without, and health elsewhere.
    pub(crate) async fn real() -> Self {
        let world = Self::bare(Mode::Real, Mount::Apart).await;
        let password = Password::choose("correct horse").unwrap();
        world.bank.add_operator("chief", Role::Admin, password).unwrap().unwrap();
        world.furnished(("chief", "correct horse")).await
    }

    /// Nobody and nothing but the host.
    pub(crate) async fn bare(mode: Mode, mount: Mount) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(ManualClock::new(Timestamp::from_micros(1_800_000_000_000_000)));
        let bank = open(&folder, &clock, mode);
        let router = cashpoint_host::router(bank.clone(), options(&clock, mount));
        let document = send(&router, "GET", "/openapi.json", &[], "").await.json();
        let (given, channel) = (RefCell::default(), RefCell::default());
        let contract = Contract::new(document);
        let undescribed = RefCell::default();
        Self { bank, router, clock, contract, given, undescribed, folder, channel, known: Known::default() }
    }

    async fn furnished(mut self, (username, password): (&str, &str)) -> Self {
        (self.known.username, self.known.staff_password) = (username.to_owned(), password.to_owned());
        self.furnish().await;
        self
    }

    async fn furnish(&mut self) {
        let log_in = json!({"username": self.known.username, "password": self.known.staff_password});
        self.known.staff = self.token("POST /api/operators/sessions", &log_in).await;
        let hall = r#"{"atm_id":"HALL","location":"Hall","kind":"api","cassettes":[{"denomination":20.00,"currency":"USD","count":500},{"denomination":50.00,"currency":"USD","count":100}]}"#;
        let hall = self.made_by_staff("POST /api/atms", hall).await;
        *self.channel.borrow_mut() = hall["channel"].as_str().unwrap().to_owned();
        self.terminal_with_cases().await;
        let (account, card, pin) = self.card_holder("Al").await;
        let session = self.card_session(&card, &pin).await;
        (self.known.card_number, self.known.pin) = (card, pin);
        (self.known.account, self.known.card) = (account, session["token"].as_str().unwrap().to_owned());
        self.known.card_id = session["card_id"].as_str().unwrap().to_owned();
        let (other, card, pin) = self.card_holder("Bo").await;
        (self.known.other, self.known.blocked_number) = (other, card.clone());
        // Another machine's session: at HALL it would end the one before.
        self.made_by_staff("POST /api/counters", r#"{"counter_id":"DESK","location":"Hall"}"#).await;
        let session = self.blocked_session(&card, &pin).await;
        self.known.blocked = session["token"].as_str().unwrap().to_owned();
        self.known.blocked_card_id = session["card_id"].as_str().unwrap().to_owned();
        let body = json!({"name": "Zoe", "email": EMAIL, "password": PASSWORD, "account": {"type": "savings", "currency": "USD"}});
        let zoe = self.sent("POST /api/customers", "", &body.to_string()).await.json();
        self.known.online = zoe["session"]["token"].as_str().unwrap().to_owned();
        self.known.customer = zoe["customer_id"].as_str().unwrap().to_owned();
        self.known.empty = zoe["account_id"].as_str().unwrap().to_owned();
        (self.known.email, self.known.password) = (EMAIL.to_owned(), PASSWORD.to_owned());
        self.known.dead = self.token("POST /api/sessions", &json!({"email": EMAIL, "password": PASSWORD})).await;
        assert_eq!(self.sent("DELETE /api/sessions/current", &self.known.dead, "").await.status, 204);
        let line = format!("GET /api/accounts/{}/transactions", self.known.account);
        let history = self.sent(&line, &self.known.card, "").await.json();
        self.known.transaction = history["transactions"][0]["transaction_id"].as_str().unwrap().to_owned();
    }

    /// A machine whose terminal was enrolled, has told something, and left two deposits unclear.
    async fn terminal_with_cases(&mut self) {
        let machine = r#"{"atm_id":"UNIT","location":"Yard","kind":"terminal","cassettes":[{"denomination":20.00,"currency":"USD","count":5}]}"#;
        let made = self.made_by_staff("POST /api/atms", machine).await;
        let secret = EnrolmentSecret::of_code(made["enrolment_code"].as_str().unwrap()).unwrap();
        let terminal = MachineId::parse("UNIT").unwrap();
        let (request, _) = enrolment::request(&secret, terminal, &SigningKey::from_seed(&[1; 32]).public());
        self.bank.enrol_terminal(&request).unwrap().unwrap();
        let ordered = "POST /api/atms/UNIT/replenishments";
        assert_eq!(self.sent(ordered, &self.known.staff, r#"{"cassettes":[]}"#).await.status, 202);
        let told = Heartbeat {
            service: Availability::Out,
            devices: vec![(Unit::CardReader, None), (Unit::Dispenser, Some(Failure::Jam))],
            counters: None,
            settings: 0,
            hot_list: 0,
            nonce: None,
            pin_key: None,
            exchange: None,
            waiting: 2,
            carried_out: Vec::new(),
        };
        let heard = Heard { lane: Lane::Heartbeat, number: 1, head: JournalHead { n: 1, mac: [1; 32] } };
        self.bank.terminal_request(terminal, heard, Asked::Heartbeat(Box::new(told))).unwrap();
        self.known.cases = [70_001, 70_002].map(|number| {
            let id = CaseId::new(number);
            let request = request_id(Scope::Terminal(terminal), &number.to_string(), &Content::of("advice", ""));
            let case = InCase { id, evidence: "counted=3".to_owned() };
            let (card, account) = (CardId::new(77), AccountNumber::new(12_345));
            let amount = Amount::new(60_00, Currency::USD);
            let unclear = DepositUnclear { terminal, request, card, account, amount, case };
            self.bank.execute(unclear).unwrap().outcome.unwrap();
            id.to_string()
        });
    }

    /// A session of a card at a machine of its own, and then three wrong PINs.
    async fn blocked_session(&self, card: &str, pin: &str) -> Value {
        let machine = r#"{"atm_id":"YARD","location":"Yard","kind":"api","cassettes":[{"denomination":20.00,"currency":"USD","count":5}]}"#;
        let yard = self.made_by_staff("POST /api/atms", machine).await;
        let hall = self.channel.replace(yard["channel"].as_str().unwrap().to_owned());
        let begun = self.at("YARD", card, pin).await;
        for _ in 0..3 {
            assert_eq!(self.at("YARD", card, "0000").await.status, 401);
        }
        *self.channel.borrow_mut() = hall;
        begun.json()
    }

    /// Account, card number and PIN of a new customer with 1,000.00.
    pub(crate) async fn card_holder(&self, name: &str) -> (String, String, String) {
        let customer =
            json!({"name": name, "accounts": [{"type": "savings", "currency": "USD", "opening_balance": 1000}]});
        let customer = self.made_by_staff("POST /api/operators/customers", &customer.to_string()).await;
        let account = customer["accounts"][0]["account_id"].as_str().unwrap().to_owned();
        let card = json!({"customer_id": customer["customer_id"], "account_ids": [account]});
        let card = self.made_by_staff("POST /api/cards", &card.to_string()).await;
        let text = |name: &str| card[name].as_str().unwrap().to_owned();
        (account, text("card_number"), text("pin"))
    }

    /// A log-in with a card at a machine.
    pub(crate) async fn at(&self, machine: &str, card: &str, pin: &str) -> Told {
        let body = json!({"card_number": card, "pin": pin, "atm_id": machine});
        self.sent("POST /api/sessions", "", &body.to_string()).await
    }

    pub(crate) async fn card_session(&self, card: &str, pin: &str) -> Value {
        self.at("HALL", card, pin).await.json()
    }

    pub(crate) async fn made_by_staff(&self, line: &str, body: &str) -> Value {
        let told = self.sent(line, &self.known.staff, body).await;
        assert_eq!(told.status, 201, "{}", told.body);
        told.json()
    }

    async fn token(&self, line: &str, body: &Value) -> String {
        let told = self.sent(line, "", &body.to_string()).await;
        assert_eq!(told.status, 201, "{}", told.body);
        told.json()["token"].as_str().unwrap().to_owned()
    }

    pub(crate) fn token_of(&self, who: Who) -> &str {
        match who {
            Who::Nobody => "",
            Who::Card => &self.known.card,
            Who::Online => &self.known.online,
            Who::Staff => &self.known.staff,
        }
    }

    /// Holds an answer to the document.
    #[track_caller]
    pub(crate) fn check(&self, sent: Sent<'_>, told: &Told) {
        match self.contract.check(sent, told) {
            Ok(given) => self.given.borrow_mut().extend(given),
            Err(undescribed) => self.undescribed.borrow_mut().push(undescribed),
        }
    }

    pub(crate) async fn get(&self, path: &str) -> Told {
        self.sent(&format!("GET {path}"), "", "").await
    }

    /// Sends `line` with a token and a body, either of which may be empty; the answer is held to the document.
    pub(crate) async fn sent(&self, line: &str, token: &str, body: &str) -> Told {
        self.keyed(line, token, body, "").await
    }

    /// As [`Self::sent`], under an idempotency key.
    pub(crate) async fn keyed(&self, line: &str, token: &str, body: &str, key: &str) -> Told {
        let bearer = format!("Bearer {token}");
        let channel = self.channel.borrow().clone();
        let mut headers = Vec::new();
        for (name, value) in [
            ("authorization", if token.is_empty() { "" } else { &bearer }),
            ("cashpoint-channel", &channel),
            ("content-type", if body.is_empty() { "" } else { "application/json" }),
            ("idempotency-key", key),
        ] {
            if !value.is_empty() {
                headers.push((name, value));
            }
        }
        self.with(line, &headers, body).await
    }

    /// Sends `line` with these headers.
    pub(crate) async fn with(&self, line: &str, headers: &[(&str, &str)], body: &str) -> Told {
        let (method, path) = line.split_once(' ').unwrap();
        let told = send(&self.router, method, path, headers, body).await;
        let sent = Sent { method, path, body };
        self.check(sent, &told);
        told
    }
}

pub(crate) async fn send(router: &Router, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Told {
    let mut request = Request::builder().method(method).uri(path);
    if !headers.iter().any(|(name, _)| *name == "host") {
        request = request.header("host", "localhost");
    }
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(Body::from(body.to_owned())).unwrap();
    let (head, body) = router.clone().oneshot(request).await.unwrap().into_parts();
    let body = body.collect().await.unwrap().to_bytes().to_vec();
    Told { status: head.status.as_u16(), headers: head.headers, body: String::from_utf8(body).unwrap() }
}
