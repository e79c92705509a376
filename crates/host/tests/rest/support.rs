//! A site to ask, and what it answers.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Method, Request, StatusCode};
use cashpoint_bank::bank::{Bank, Mode, Setting};
use cashpoint_bank::clock::ManualClock;
use cashpoint_bank::entropy::SeededEntropy;
use cashpoint_bank::sandbox;
use cashpoint_bank::secret::Password;
use cashpoint_core::session::Role;
use cashpoint_core::time::Timestamp;
use cashpoint_host::{Mount, Options};
use http_body_util::BodyExt;
use serde_json::Value;
use tempfile::TempDir;
use tower::ServiceExt;

/// John Doe's card at his machine.
pub(crate) const JOHN: &str = r#"{"card_number":"4532123456789012","pin":"1234","atm_id":"ATM001"}"#;
/// Jane Smith's card at hers.
pub(crate) const JANE: &str = r#"{"card_number":"4532111111111111","pin":"5678","atm_id":"ATM002"}"#;
/// Dana Reed's card, which reaches two accounts.
pub(crate) const DANA: &str = r#"{"card_number":"4539578763621486","pin":"4321","atm_id":"ATM123"}"#;

/// A host in process.
pub(crate) struct Site {
    pub(crate) router: Router,
    pub(crate) bank: Bank,
    pub(crate) clock: Arc<ManualClock>,
    _folder: TempDir,
}

/// An answer.
pub(crate) struct Told {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Site {
    /// With play data.
    pub(crate) fn sandbox() -> Self {
        let site = Self::open(Mode::Sandbox, Mount::OnePort);
        sandbox::seed(&site.bank).expect("the play data goes in");
        site
    }

    /// Empty but for an operator, `chief` with the password `correct horse`.
    pub(crate) fn real() -> Self {
        let site = Self::open(Mode::Real, Mount::Apart);
        let password = Password::choose("correct horse").unwrap();
        site.bank.add_operator("chief", Role::Admin, password).unwrap().unwrap();
        site
    }

    fn open(mode: Mode, mount: Mount) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(ManualClock::new(Timestamp::from_micros(1_800_000_000_000_000)));
        let entropy = Arc::new(SeededEntropy::new(7));
        let (database, keys) = (folder.path().join("bank.db"), folder.path().join("keys.toml"));
        let setting = Setting::new(database, keys, clock.clone(), entropy.clone()).with_mode(mode);
        let (bank, _) = Bank::open(setting).expect("an empty folder takes a bank");
        let options = Options { mount, clock: clock.clone(), entropy, ..Options::default() };
        let router = cashpoint_host::router(bank.clone(), options);
        Self { router, bank, clock, _folder: folder }
    }

    /// Sends a request as it is.
    pub(crate) async fn send(&self, request: Request<Body>) -> Told {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (head, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes().to_vec();
        Told { status: head.status, headers: head.headers, body }
    }

    /// Sends `line`, such as `GET /api/accounts`, with a token and a JSON body, either of which may be empty.
    pub(crate) async fn ask(&self, line: &str, token: &str, body: &str) -> Told {
        self.send(request(line, token, body)).await
    }

    /// The token of a session.
    pub(crate) async fn log_in(&self, body: &str) -> String {
        let told = self.ask("POST /api/sessions", "", body).await;
        assert_eq!(told.status, 201, "{}", told.text());
        told.json()["token"].as_str().unwrap().to_owned()
    }

    /// The token of a sandbox's operator.
    pub(crate) async fn operator(&self) -> String {
        let body = r#"{"username":"operator","password":"operator"}"#;
        let told = self.ask("POST /api/operators/sessions", "", body).await;
        assert_eq!(told.status, 201, "{}", told.text());
        told.json()["token"].as_str().unwrap().to_owned()
    }

    /// The first account of a session.
    pub(crate) async fn account(&self, token: &str) -> String {
        let told = self.ask("GET /api/accounts", token, "").await;
        told.json()["accounts"][0]["account_id"].as_str().unwrap().to_owned()
    }
}

/// As [`Site::ask`] sends it.
pub(crate) fn request(line: &str, token: &str, body: &str) -> Request<Body> {
    let (method, path) = line.split_once(' ').expect("a method and a path");
    let mut request = Request::builder().method(method).uri(path).header("host", "localhost");
    if !token.is_empty() {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    if !body.is_empty() {
        request = request.header("content-type", "application/json");
    }
    request.body(Body::from(body.to_owned())).unwrap()
}

/// As [`request`], with one more header.
pub(crate) fn with_header(line: &str, token: &str, body: &str, header: (&'static str, &str)) -> Request<Body> {
    let mut request = request(line, token, body);
    request.headers_mut().append(header.0, header.1.parse().unwrap());
    request
}

impl Told {
    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.body.clone()).unwrap()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The body without its request id, which alone may differ between two answers to the same.
    pub(crate) fn but_for_request_id(&self) -> String {
        self.text().replace(self.header("x-request-id"), "ID")
    }

    #[track_caller]
    pub(crate) fn is_problem(&self, status: u16, code: &str) {
        assert_eq!(self.status, status, "{code}: {}", self.text());
        assert_eq!(self.header("content-type"), "application/problem+json", "{}", self.text());
        let json = self.json();
        assert_eq!(json["code"], code, "{}", self.text());
        assert_eq!(json["status"], status);
        assert_eq!(json["type"], format!("/docs/errors#{code}"));
        assert_eq!(json["request_id"], self.header("x-request-id"));
        assert_eq!(self.headers.contains_key("retry-after"), matches!(status, 429 | 503));
        assert_eq!(self.headers.contains_key("www-authenticate"), status == 401);
    }

    #[track_caller]
    pub(crate) fn is_wrong_in(&self, field: &str) {
        self.is_problem(400, "invalid_request");
        assert_eq!(self.json()["field"], field, "{}", self.text());
    }

    /// Checks the status and the shape: `expected` is the body, each `null` in it standing for anything that is there.
    #[track_caller]
    pub(crate) fn is(&self, status: u16, expected: Value) {
        assert_eq!(self.status, status, "{}", self.text());
        assert_eq!(self.header("content-type"), "application/json");
        alike(&expected, &self.json(), "");
    }
}

#[track_caller]
fn alike(expected: &Value, told: &Value, at: &str) {
    match (expected, told) {
        (Value::Null, _) => {}
        (Value::Object(expected), Value::Object(told)) => {
            let names = |map: &serde_json::Map<String, Value>| map.keys().cloned().collect::<Vec<_>>();
            assert_eq!(names(expected), names(told), "fields of {at:?}");
            for (name, value) in expected {
                alike(value, &told[name], &format!("{at}.{name}"));
            }
        }
        (Value::Array(expected), Value::Array(told)) => {
            assert_eq!(expected.len(), told.len(), "length of {at:?}");
            for (index, value) in expected.iter().enumerate() {
                alike(value, &told[index], &format!("{at}[{index}]"));
            }
        }
        (expected, told) => assert_eq!(expected, told, "{at}"),
    }
}

/// Every path of the interface with a method that it has, its variable parts filled in.
pub(crate) const PATHS: [(Method, &str); 42] = [
    (Method::POST, "/api/customers"),
    (Method::GET, "/api/customers/current"),
    (Method::PATCH, "/api/customers/current"),
    (Method::PUT, "/api/customers/current/password"),
    (Method::GET, "/api/customers/current/notifications"),
    (Method::PUT, "/api/customers/current/notifications"),
    (Method::GET, "/api/notifications/dead"),
    (Method::POST, "/api/sessions"),
    (Method::GET, "/api/sessions/current"),
    (Method::DELETE, "/api/sessions/current"),
    (Method::GET, "/api/accounts"),
    (Method::POST, "/api/accounts"),
    (Method::POST, "/api/accounts/12345/close"),
    (Method::GET, "/api/accounts/12345/balance"),
    (Method::POST, "/api/accounts/12345/withdraw"),
    (Method::POST, "/api/accounts/12345/deposit"),
    (Method::POST, "/api/accounts/12345/transfer"),
    (Method::GET, "/api/accounts/12345/transactions"),
    (Method::GET, "/api/transactions?atm_id=ATM001"),
    (Method::GET, "/api/transactions/01901234-5678-7abc-8def-0123456789ab"),
    (Method::POST, "/api/operators/customers"),
    (Method::POST, "/api/operators/sessions"),
    (Method::POST, "/api/cards"),
    (Method::DELETE, "/api/cards/77"),
    (Method::PUT, "/api/cards/77/pin"),
    (Method::POST, "/api/cards/77/pin"),
    (Method::POST, "/api/cards/77/report"),
    (Method::POST, "/api/cards/77/unblock"),
    (Method::GET, "/api/counters"),
    (Method::POST, "/api/counters"),
    (Method::GET, "/api/atms"),
    (Method::POST, "/api/atms"),
    (Method::GET, "/api/atms/ATM001"),
    (Method::PATCH, "/api/atms/ATM001"),
    (Method::POST, "/api/atms/ATM001/enrolment-codes"),
    (Method::POST, "/api/atms/ATM001/replenishments"),
    (Method::GET, "/api/cases"),
    (Method::GET, "/api/cases/77"),
    (Method::POST, "/api/cases/77/resolve"),
    (Method::GET, "/api/policies"),
    (Method::PUT, "/api/policies"),
    (Method::GET, "/health/live"),
];

/// A body that has the right form for a path, where it takes one.
pub(crate) fn body_for(method: &Method, path: &str) -> &'static str {
    match (method.as_str(), path) {
        ("POST", "/api/accounts") => r#"{"type":"savings","currency":"USD"}"#,
        ("POST", "/api/accounts/12345/withdraw" | "/api/accounts/12345/deposit") => r#"{"amount":10.00}"#,
        ("POST", "/api/accounts/12345/transfer") => r#"{"target_account_id":"67890","amount":1.00}"#,
        ("PATCH", "/api/customers/current") => r#"{"name":"Somebody"}"#,
        ("PUT", "/api/customers/current/notifications") => r#"{"email":"none"}"#,
        ("PUT", "/api/customers/current/password") => r#"{"old_password":"12345678","new_password":"87654321"}"#,
        ("POST", "/api/operators/customers") => r#"{"name":"Al","accounts":[{"type":"savings","currency":"USD"}]}"#,
        ("POST", "/api/cards") => r#"{"customer_id":"77","account_ids":["12345"]}"#,
        ("PUT", "/api/cards/77/pin") => r#"{"old_pin":"1234","new_pin":"4321"}"#,
        ("POST", "/api/cards/77/report") => r#"{"reason":"lost"}"#,
        ("POST", "/api/counters") => r#"{"counter_id":"C1","location":"Hall"}"#,
        ("PATCH", "/api/atms/ATM001") => r#"{"location":"Hall"}"#,
        ("POST", "/api/atms") => {
            r#"{"atm_id":"A1","location":"Hall","kind":"api","cassettes":[{"denomination":20.00,"currency":"USD","count":5}]}"#
        }
        ("POST", "/api/atms/ATM001/replenishments") => {
            r#"{"cassettes":[{"denomination":50.00,"counted_out":100,"counted_in":100},{"denomination":20.00,"counted_out":200,"counted_in":200},{"denomination":10.00,"counted_out":100,"counted_in":100}]}"#
        }
        ("POST", "/api/cases/77/resolve") => r#"{"paid":0.00}"#,
        ("PUT", "/api/policies") => r#"{"withdrawal_limit":500.00}"#,
        _ => "",
    }
}

/// Whether a path needs no session.
pub(crate) fn is_open(path: &str) -> bool {
    matches!(path, "/api/customers" | "/api/sessions" | "/api/operators/sessions") || path.starts_with("/health")
}

/// Whether a path is for staff; the rest is for customers.
pub(crate) fn is_for_staff(method: &Method, path: &str) -> Option<bool> {
    match (method.as_str(), path) {
        (_, "/api/sessions/current") | ("POST", "/api/cards/77/report") => None,
        ("PUT", "/api/cards/77/pin") => Some(false),
        (_, path) => {
            let staff = [
                "/api/operators",
                "/api/cards",
                "/api/counters",
                "/api/atms",
                "/api/cases",
                "/api/notifications",
                "/api/policies",
                "/api/transactions?",
            ];
            Some(staff.iter().any(|start| path.starts_with(start)))
        }
    }
}
