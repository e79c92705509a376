//! A host in process, made of a bank's files that are copied again and again: each copy is as good as new.
//!
//! Before a copy is thrown away, the bank in it is verified: whatever was sent, its books are right.

use std::cell::Cell;
use std::convert::Infallible;
use std::ffi::OsString;
use std::fs::{self, File};
use std::future::Future;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{Method, Request, Response};
use cashpoint_bank::bank::{Bank, Mode, Setting};
use cashpoint_bank::clock::ManualClock;
use cashpoint_bank::entropy::SeededEntropy;
use cashpoint_bank::keys::{FileKeyStore, MasterKey};
use cashpoint_bank::sandbox;
use cashpoint_bank::secret::Password;
use cashpoint_bank::store::records::Records;
use cashpoint_bank::verify::{Difference, verify};
use cashpoint_core::session::Role;
use cashpoint_core::time::Timestamp;
use cashpoint_host::address::Proxies;
use cashpoint_host::server::Peer;
use cashpoint_host::{Mount, Options};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::Value as Json;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};
use tokio::runtime::Runtime;
use tower::ServiceExt as _;

/// Inputs after which a site is made anew, so that none lives on what many others did before it.
const INPUTS: usize = 256;

/// As the server has them.
const HEADERS: usize = 64;
const HEADER_BYTES: usize = 16 * 1024;

/// Most bytes that wait in a connection, either way.
const ROOM: usize = 8 * 1024 * 1024;

/// An answer that takes longer is none.
const PATIENCE: Duration = Duration::from_secs(30);

/// What kind of bank.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    /// With play data.
    Sandbox,
    /// With an operator, a machine, a customer and a card.
    Real,
}

/// A host, and what its clients know.
pub(crate) struct Site {
    kind: Kind,
    runtime: Runtime,
    open: Option<Open>,
    /// What the bank that is open was sent.
    inputs: Vec<Vec<u8>>,
}

/// What is made anew each time.
struct Open {
    bank: Bank,
    router: Router,
    clock: Arc<ManualClock>,
    folder: TempDir,
}

/// A bank's files, and names for what is in it.
struct Template {
    /// In memory: what lives as long as the process is never dropped, and would leave a folder behind.
    files: Vec<(OsString, Vec<u8>)>,
    known: Vec<(&'static str, String)>,
}

impl Site {
    pub(crate) fn new(kind: Kind) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        Self { kind, runtime: runtime.expect("a runtime can be made"), open: None, inputs: Vec::new() }
    }

    /// What a name stands for: `john`, `online` and `operator` are tokens; `account`, `card`, `customer`, `transaction`
    /// are ids; `channel` is a machine's credential; `number` and `pin` are a card's.
    pub(crate) fn known(&self, name: &str) -> Option<String> {
        let known = &Template::of(self.kind).known;
        known.iter().find(|(own, _)| *own == name).map(|(_, value)| value.clone())
    }

    /// Sends bytes over a connection of their own, shows each answer to `see`, and gives all bytes that came back.
    pub(crate) fn exchange<S, F>(&mut self, bytes: &[u8], see: S) -> Vec<u8>
    where
        S: Fn(Method, String, Response<Body>) -> F,
        F: Future<Output = Response<Body>>,
    {
        if self.inputs.len() >= INPUTS {
            self.close();
        }
        let open = self.open.get_or_insert_with(|| Open::new(self.kind));
        self.inputs.push(bytes.to_vec());
        open.clock.advance(Duration::from_millis(20));
        let ended = Cell::new(false);
        let peer = Peer("10.0.0.1:4711".parse().expect("it is an address"));
        let service = service_fn(|request: Request<Incoming>| {
            let (method, path) = (request.method().clone(), request.uri().path().to_owned());
            let mut request = request.map(Body::new);
            request.extensions_mut().insert(peer);
            let answer = open.router.clone().oneshot(request);
            async {
                let response = answer.await.unwrap_or_else(|never: Infallible| match never {});
                if response.status().is_success() && ends_things(&method, &path) {
                    ended.set(true);
                }
                Ok::<_, Infallible>(see(method, path, response).await)
            }
        });
        let told = self.runtime.block_on(async {
            let (client, server) = duplex(ROOM);
            let (mut reader, mut writer) = tokio::io::split(client);
            let served = http1::Builder::new()
                .header_read_timeout(None)
                .half_close(true)
                .max_headers(HEADERS)
                .max_header_size(HEADER_BYTES)
                .max_buf_size(HEADER_BYTES)
                .serve_connection(TokioIo::new(server), service);
            let client = async {
                // A server that has heard enough closes its end.
                let sent = writer.write_all(bytes).await.and(writer.shutdown().await);
                let mut told = Vec::new();
                let read = reader.read_to_end(&mut told).await;
                drop((sent, read));
                told
            };
            let both = async { tokio::join!(served, client) };
            tokio::time::timeout(PATIENCE, both).await.expect("an answer comes").1
        });
        if ended.get() {
            self.close();
        }
        told
    }

    /// Ends the bank that is open, if one is, and checks its books.
    pub(crate) fn close(&mut self) {
        let inputs = std::mem::take(&mut self.inputs);
        let Some(open) = self.open.take() else { return };
        let differences = open.verified();
        let sent = || inputs.iter().map(|input| format!("\n\"{}\"", input.escape_ascii())).collect::<String>();
        assert!(differences.is_empty(), "the books differ: {differences:#?}\nafter{}", sent());
    }
}

/// Whether a request that was done may leave less of the site to others: sessions end, cards are blocked, limits change.
fn ends_things(method: &Method, path: &str) -> bool {
    let words = ["report", "close", "pin", "sessions"];
    matches!(method.as_str(), "PUT" | "PATCH" | "DELETE") || words.iter().any(|word| path.contains(word))
}

impl Open {
    fn new(kind: Kind) -> Self {
        let folder = folder();
        for (name, bytes) in &Template::of(kind).files {
            // The key file must be nobody else's to read.
            let mut options = File::options();
            let file = options.write(true).create_new(true).mode(0o600).open(folder.path().join(name));
            file.and_then(|mut file| file.write_all(bytes)).expect("there is room for a copy");
        }
        let (bank, clock, router) = open(folder.path(), kind, 2);
        Self { bank, router, clock, folder }
    }

    /// Ends the bank, and tells what is wrong in its files.
    fn verified(&self) -> Vec<Difference> {
        self.bank.close();
        let folder = self.folder.path();
        let records = Records::open(&folder.join("bank.db")).expect("the bank can be read");
        let entropy = Arc::new(SeededEntropy::new(3));
        let keys =
            FileKeyStore::open(&folder.join("keys.toml"), MasterKey::InFile, entropy).expect("the keys are there");
        verify(&records, Some(&keys)).expect("the bank can be read").differences
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.bank.close();
    }
}

/// In memory, where the system has a place for that and `TMPDIR` names no other: nothing here is to survive.
fn folder() -> TempDir {
    let memory = Path::new("/dev/shm");
    let in_memory = std::env::var_os("TMPDIR").is_none() && memory.is_dir();
    let made = if in_memory { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
    made.expect("a folder can be made")
}

fn open(folder: &Path, kind: Kind, seed: u64) -> (Bank, Arc<ManualClock>, Router) {
    let clock = Arc::new(ManualClock::new(Timestamp::from_micros(1_800_000_000_000_000)));
    let entropy = Arc::new(SeededEntropy::new(seed));
    let mode = match kind {
        Kind::Sandbox => Mode::Sandbox,
        Kind::Real => Mode::Real,
    };
    let (database, keys) = (folder.join("bank.db"), folder.join("keys.toml"));
    let setting = Setting::new(database, keys, clock.clone(), entropy.clone()).with_mode(mode);
    let (bank, _) = Bank::open(setting).expect("the folder holds a bank or nothing");
    let proxies = Proxies::new(vec!["10.0.0.0/8".parse().expect("it is a network")]);
    let options = Options { mount: Mount::OnePort, proxies, clock: clock.clone(), entropy, ..Options::default() };
    let router = cashpoint_host::router(bank.clone(), options);
    (bank, clock, router)
}

impl Template {
    fn of(kind: Kind) -> &'static Self {
        static SANDBOX: OnceLock<Template> = OnceLock::new();
        static REAL: OnceLock<Template> = OnceLock::new();
        match kind {
            Kind::Sandbox => SANDBOX.get_or_init(|| Self::new(kind)),
            Kind::Real => REAL.get_or_init(|| Self::new(kind)),
        }
    }

    fn new(kind: Kind) -> Self {
        let folder = folder();
        let (bank, _, router) = open(folder.path(), kind, 1);
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime can be made");
        let ask = |line: &str, header: (&str, &str), body: &str| runtime.block_on(asked(&router, line, header, body));
        let known = match kind {
            Kind::Sandbox => {
                sandbox::seed(&bank).expect("the play data goes in");
                play(ask)
            }
            Kind::Real => {
                let password = Password::choose("correct horse").expect("it is long enough");
                bank.add_operator("chief", Role::Admin, password).expect("the bank answers").expect("there is room");
                people(ask)
            }
        };
        drop(router);
        bank.close();
        drop(bank);
        let listing = fs::read_dir(folder.path()).expect("the folder is there");
        let files = listing.map(|entry| {
            let entry = entry.expect("a listed folder goes on being listed");
            (entry.file_name(), fs::read(entry.path()).expect("what was written can be read"))
        });
        Self { files: files.collect(), known }
    }
}

/// Sends one request that is to be granted.
async fn asked(router: &Router, line: &str, header: (&str, &str), body: &str) -> Json {
    let (method, path) = line.split_once(' ').expect("a method and a path");
    let mut request = Request::builder().method(method).uri(path).header("host", "localhost");
    if !header.0.is_empty() {
        request = request.header(header.0, header.1);
    }
    if !body.is_empty() {
        request = request.header("content-type", "application/json");
    }
    let request = request.body(Body::from(body.to_owned())).expect("it is a request");
    let response = router.clone().oneshot(request).await.unwrap_or_else(|never: Infallible| match never {});
    let status = response.status();
    let body = response.into_body().collect().await.expect("a body that is ready is there").to_bytes();
    assert!(status.is_success(), "{line}: {status} {}", body.escape_ascii());
    serde_json::from_slice(&body).unwrap_or_default()
}

const NOTHING: (&str, &str) = ("", "");

fn text(json: &Json) -> String {
    json.as_str().expect("it is a text").to_owned()
}

fn play(ask: impl Fn(&str, (&str, &str), &str) -> Json) -> Vec<(&'static str, String)> {
    let john = r#"{"card_number":"4532123456789012","pin":"1234","atm_id":"ATM001"}"#;
    let john = ask("POST /api/sessions", NOTHING, john);
    let operator = ask("POST /api/operators/sessions", NOTHING, r#"{"username":"operator","password":"operator"}"#);
    let mut known = signed_up(&ask);
    let (token, account) = (text(&john["token"]), text(&john["accounts"][0]["account_id"]));
    let bearer = format!("Bearer {token}");
    let deposit = format!("POST /api/accounts/{account}/deposit");
    let deposited = ask(&deposit, ("authorization", &bearer), r#"{"amount":20.00}"#);
    known.extend([
        ("transaction", text(&deposited["transaction_id"])),
        ("john", token),
        ("account", account),
        ("card", text(&john["card_id"])),
        ("number", "4532123456789012".to_owned()),
        ("pin", "1234".to_owned()),
        ("operator", text(&operator["token"])),
        ("channel", format!("ATM001.cpc_{}", "A".repeat(43))),
    ]);
    known
}

fn signed_up(ask: &impl Fn(&str, (&str, &str), &str) -> Json) -> Vec<(&'static str, String)> {
    let body = r#"{"name":"Al","email":"al@example.org","password":"correct horse","account":{"type":"checking","currency":"USD"}}"#;
    let made = ask("POST /api/customers", NOTHING, body);
    vec![
        ("online", text(&made["session"]["token"])),
        ("customer", text(&made["customer_id"])),
        ("own", text(&made["account_id"])),
    ]
}

fn people(ask: impl Fn(&str, (&str, &str), &str) -> Json) -> Vec<(&'static str, String)> {
    let operator = ask("POST /api/operators/sessions", NOTHING, r#"{"username":"chief","password":"correct horse"}"#);
    let operator = text(&operator["token"]);
    let bearer = format!("Bearer {operator}");
    let staff = ("authorization", bearer.as_str());
    let mut known = signed_up(&ask);
    let machine = r#"{"atm_id":"ATM001","location":"Hall","kind":"api","cassettes":[{"denomination":20.00,"currency":"USD","count":500}]}"#;
    let machine = ask("POST /api/atms", staff, machine);
    let channel = text(&machine["channel"]);
    let customer = r#"{"name":"John","accounts":[{"type":"savings","currency":"USD","opening_balance":1500.00}]}"#;
    let customer = ask("POST /api/operators/customers", staff, customer);
    let (id, account) = (text(&customer["customer_id"]), text(&customer["accounts"][0]["account_id"]));
    let card = ask("POST /api/cards", staff, &format!(r#"{{"customer_id":"{id}","account_ids":["{account}"]}}"#));
    let (number, pin) = (text(&card["card_number"]), text(&card["pin"]));
    let log_in = format!(r#"{{"card_number":"{number}","pin":"{pin}","atm_id":"ATM001"}}"#);
    let john = ask("POST /api/sessions", ("cashpoint-channel", &channel), &log_in);
    known.extend([
        ("john", text(&john["token"])),
        ("account", account),
        ("card", text(&card["card_id"])),
        ("number", number),
        ("pin", pin),
        ("operator", operator),
        ("channel", channel),
    ]);
    known
}
