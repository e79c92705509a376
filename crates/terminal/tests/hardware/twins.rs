//! Twins: the hardware's model by itself, and the same behind server, sockets and client. Whatever one is told the other is
//! told, and after each step both must have reported the same and be the same.

use std::cell::Cell;
use std::path::PathBuf;
use std::time::Duration;

use cashpoint_core::currency::Currency;
use cashpoint_core::terminal::device::{Answer, Command, Event, Failure, Key, Report, Unit};
use cashpoint_core::time::Timestamp;
use cashpoint_devices::model::{Armed, DeviceKeys, Fitting, Hardware, Inserted, PersonAction, RANDOM_BYTES};
use cashpoint_devices::server::{Devices as Server, Options, StateFile};
use cashpoint_terminal::uplink::{HttpClient, http_client};
use cashpoint_terminal::xfs::{Config, Devices, KeyNames, Services, Timing};
use cashpoint_wire::card_reference::CardKey;
use http_body_util::{BodyExt, Full};
use hyper::Method;
use hyper::body::Bytes;
use hyper::header::CONTENT_TYPE;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::tap::Tap;

/// Long for a test, short for something that hangs.
const PATIENCE: Duration = Duration::from_secs(20);

/// What cards are named with on both sides.
const CARD_KEY: [u8; 32] = [7; 32];

thread_local! {
    /// The time of the test on this thread: nothing passes by itself.
    static NOW: Cell<Timestamp> = const { Cell::new(Timestamp::EPOCH) };
}

fn now() -> Timestamp {
    NOW.get()
}

/// The random bytes that the machine's keys are made of.
pub(crate) fn random() -> [u8; RANDOM_BYTES] {
    std::array::from_fn(|at| u8::try_from(at).unwrap())
}

/// Key number `from` of the machine, which was cut out of the random bytes.
pub(crate) fn drawn<const N: usize>(from: usize) -> [u8; N] {
    random()[from..from + N].try_into().unwrap()
}

pub(crate) struct Twins {
    /// The model by itself.
    pub(crate) model: Hardware,
    pub(crate) devices: Devices,
    reports: mpsc::Receiver<Report>,
    pub(crate) tap: Tap,
    server: JoinHandle<()>,
    control: String,
    client: HttpClient,
    folder: TempDir,
    /// Said before each step, so that a failure tells where it was.
    pub(crate) about: String,
}

impl Drop for Twins {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn serve(hardware: Hardware, state: PathBuf) -> (JoinHandle<()>, std::net::SocketAddr, String) {
    let any = "127.0.0.1:0".parse().unwrap();
    let options = Options { listen: any, control: Some(any), state, motion_ms: 0, clock: now };
    let server = Server::open(hardware, options).await.unwrap();
    let address = server.address().unwrap();
    let control = format!("http://{}", server.control_address().unwrap().unwrap());
    (tokio::spawn(async move { server.serve().await.unwrap() }), address, control)
}

impl Twins {
    /// Two machines alike, and a client that is connected.
    pub(crate) async fn new() -> Self {
        NOW.set(Timestamp::EPOCH.plus_s(1_000_000));
        let folder = tempfile::tempdir().unwrap();
        let fitting = Fitting::with(Currency::EUR, &[(50_00, 100), (20_00, 100)]);
        let mut model = Hardware::new(fitting, DeviceKeys::from_random(&random()));
        model.set_reference_key(CARD_KEY);
        model.advance(now());
        let (server, address, control) = serve(model.clone(), folder.path().join("atm.json")).await;
        let tap = Tap::open(address).await;
        let timing = Timing { retry: Duration::from_millis(5), ..Timing::default() };
        let services = Services::Published { host: "127.0.0.1".to_owned(), ports: vec![tap.address.port()] };
        let card_key = CardKey::new(CARD_KEY);
        let (devices, reports) = Devices::connect(Config { services, keys: KeyNames::default(), card_key, timing });
        let client = http_client(&"http://127.0.0.1".parse().unwrap()).unwrap();
        let about = String::new();
        let mut twins = Self { model, devices, reports, tap, server, control, client, folder, about };
        let all = cashpoint_devices::model::UNITS.map(|unit| Report::Event(Event::Connected(unit)));
        twins.hears(all.to_vec()).await;
        twins
    }

    /// Tells both to do something. What the command ended with, if nobody has to do anything for it first.
    pub(crate) async fn tell(&mut self, command: Command) -> Option<Report> {
        self.about = format!("{command:?} ({})", self.faults());
        let expected = self.model.execute(&command);
        self.devices.execute(command.clone()).unwrap();
        let unit = command.unit();
        let waits = expected.is_empty() && !matches!(command, Command::Cancel(_));
        self.hears(expected.clone()).await;
        if waits {
            self.until_it_waits(unit).await;
        } else {
            self.are_alike().await;
        }
        expected.into_iter().find(|report| !matches!(report, Report::Event(_)))
    }

    /// … and it must end as it should.
    pub(crate) async fn gets(&mut self, command: Command) -> Answer {
        match self.tell(command).await {
            Some(Report::Done(answer)) => answer,
            other => panic!("{}: {other:?}", self.about),
        }
    }

    /// … and it must fail.
    pub(crate) async fn fails(&mut self, command: Command) -> Failure {
        match self.tell(command).await {
            Some(Report::Failed(_, failure)) => failure,
            other => panic!("{}: {other:?}", self.about),
        }
    }

    /// A person does the same at both, if the machine lets them; what that ended.
    pub(crate) async fn person(&mut self, action: PersonAction) -> Option<Report> {
        self.about = format!("{action:?} ({})", self.faults());
        let expected = self.model.attempt(&action);
        let (status, _) = self.control(Method::POST, "/person", Some(as_json(&action))).await;
        assert_eq!(status, if expected.is_ok() { 200 } else { 409 }, "{}", self.about);
        let expected = expected.unwrap_or_default();
        self.hears(expected.clone()).await;
        self.are_alike().await;
        expected.into_iter().find(|report| !matches!(report, Report::Event(_)))
    }

    pub(crate) async fn press(&mut self, keys: &[Key]) -> Option<Report> {
        let mut last = None;
        for key in keys {
            last = self.person(PersonAction::Press(*key)).await.or(last);
        }
        last
    }

    pub(crate) async fn arm(&mut self, armed: Armed) {
        self.model.arm(armed).unwrap();
        let (status, _) = self.control(Method::POST, "/faults", Some(serde_json::to_value(armed).unwrap())).await;
        assert_eq!(status, 200, "{armed:?}");
    }

    /// Time passes for both, and what was away comes back.
    pub(crate) async fn pass(&mut self, seconds: i64) {
        self.about = format!("{seconds} s pass ({})", self.faults());
        NOW.set(now().plus_s(seconds));
        let expected = self.model.advance(now());
        // Whatever reaches the server lets it look at its clock.
        self.control(Method::GET, "/state", None).await;
        self.hears(expected).await;
        self.are_alike().await;
    }

    /// The server is killed and begins anew with what is in its file; the model loses its power.
    pub(crate) async fn kill(&mut self) {
        "a kill".clone_into(&mut self.about);
        let mut expected = self.model.switch_off();
        self.server.abort();
        assert!((&mut self.server).await.unwrap_err().is_cancelled());
        self.hears(expected).await;
        let state = self.folder.path().join("atm.json");
        let hardware = StateFile::at(state.clone()).load().unwrap().expect("it was kept");
        let (server, address, control) = serve(hardware, state).await;
        (self.server, self.control) = (server, control);
        self.tap.turn_to(address);
        expected = self.model.switch_on();
        self.hears(expected).await;
        self.are_alike().await;
    }

    /// Waits for what the model has reported, in whatever order the units tell it. Nothing else may come.
    async fn hears(&mut self, expected: Vec<Report>) {
        let mut missing: Vec<Report> = expected.into_iter().filter(tells).map(meant).collect();
        while !missing.is_empty() {
            let report = timeout(PATIENCE, self.reports.recv()).await;
            let report = report.unwrap_or_else(|_| panic!("{}: nothing more comes, but {missing:?}", self.about));
            let report = report.expect("the devices live");
            self.strike_off(&mut missing, report);
        }
    }

    fn strike_off(&self, missing: &mut Vec<Report>, report: Report) {
        if !tells(&report) {
            return;
        }
        let report = meant(report);
        let found = missing.iter().position(|expected| *expected == report);
        let at = found.unwrap_or_else(|| panic!("{}: {report:?} instead of {missing:?}", self.about));
        missing.remove(at);
    }

    async fn until_it_waits(&mut self, unit: Unit) {
        let word = match unit {
            Unit::CardReader => "card",
            Unit::Acceptor => "notes",
            Unit::PinPad => "",
            Unit::Dispenser | Unit::Printer => return,
        };
        let asked = timeout(PATIENCE, async {
            loop {
                let (_, state) = self.control(Method::GET, "/state", None).await;
                let waiting: Vec<&str> =
                    state["waiting"].as_array().unwrap().iter().map(|waiting| waiting.as_str().unwrap()).collect();
                let pad = unit == Unit::PinPad && (waiting.contains(&"pin") || waiting.contains(&"keys"));
                if pad || waiting.contains(&word) {
                    return;
                }
                tokio::task::yield_now().await;
            }
        });
        asked.await.unwrap_or_else(|_| panic!("{}: it does not wait", self.about));
    }

    /// Both machines are in the same state, to the note and to the counter; and the client has told nothing else.
    async fn are_alike(&mut self) {
        // The answer comes when the state is on the disk.
        self.control(Method::GET, "/state", None).await;
        let text = std::fs::read_to_string(self.folder.path().join("atm.json")).unwrap();
        let (server, model) = (serde_json::from_str(&text).unwrap(), serde_json::to_value(&self.model).unwrap());
        let differences = differences("", &model, &server);
        assert!(differences.is_empty(), "{}: model and server differ:\n{differences:#?}", self.about);
        while let Ok(report) = self.reports.try_recv() {
            self.strike_off(&mut Vec::new(), report);
        }
    }

    fn faults(&self) -> String {
        format!("{:?}", self.model.faults().armed())
    }

    pub(crate) async fn control(&self, method: Method, path: &str, body: Option<Value>) -> (u16, Value) {
        let bytes = body.map_or_else(Bytes::new, |body| Bytes::from(body.to_string()));
        let request = hyper::Request::builder().method(method).uri(format!("{}{path}", self.control));
        let request = request.header(CONTENT_TYPE, "application/json").body(Full::new(bytes)).unwrap();
        let response = self.client.request(request).await.unwrap();
        let status = response.status().as_u16();
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        (status, serde_json::from_slice(&bytes).unwrap_or_default())
    }
}

/// Whether both sides tell it alike. XFS4IoT services tell of many more changes of their status than the model.
fn tells(report: &Report) -> bool {
    !matches!(report, Report::Event(Event::StatusChanged(_)))
}

/// XFS4IoT has no word of its own for a jam in most commands: the code is `hardwareError`, which the core treats alike.
fn meant(report: Report) -> Report {
    if let Report::Failed(unit, Failure::Jam) = report { Report::Failed(unit, Failure::Hardware) } else { report }
}

fn differences(path: &str, model: &Value, server: &Value) -> Vec<String> {
    match (model, server) {
        (Value::Object(model), Value::Object(server)) => {
            let names = model.keys().chain(server.keys().filter(|name| !model.contains_key(*name)));
            let part = |name: &String| {
                let none = Value::Null;
                let (model, server) = (model.get(name).unwrap_or(&none), server.get(name).unwrap_or(&none));
                differences(&format!("{path}/{name}"), model, server)
            };
            names.flat_map(part).collect()
        }
        // The client feeds some empty lines, so that the cut is below the text.
        (Value::Array(model), Value::Array(server)) if path.ends_with("/receipt") => {
            let as_printed = server.starts_with(model) && server[model.len()..].iter().all(|line| line == "");
            if as_printed { Vec::new() } else { vec![format!("{path}: {model:?} {server:?}")] }
        }
        (model, server) if model == server => Vec::new(),
        (model, server) => vec![format!("{path}: {model} in the model, {server} behind the server")],
    }
}

fn as_json(action: &PersonAction) -> Value {
    let note = |inserted: &Inserted| json!({"denomination_minor": inserted.denomination, "quality": inserted.quality, "count": inserted.count});
    match action {
        PersonAction::InsertCard(track2) => json!({"action": "insert_card", "track2": **track2}),
        PersonAction::TakeCard => json!({"action": "take_card"}),
        PersonAction::TakeNotes => json!({"action": "take_notes"}),
        PersonAction::TakeSome(count) => json!({"action": "take_notes", "count": count}),
        PersonAction::InsertNotes(notes) => {
            json!({"action": "insert_notes", "notes": notes.iter().map(note).collect::<Vec<_>>()})
        }
        PersonAction::TakeReturned => json!({"action": "take_returned"}),
        PersonAction::Press(key) => json!({"action": "press", "keys": [key_name(*key)]}),
        PersonAction::TakeReceipt => json!({"action": "take_receipt"}),
        PersonAction::WalkAway => json!({"action": "walk_away"}),
        PersonAction::ClearJams => json!({"action": "clear_jams"}),
        PersonAction::RemoveNotes(place, count) => json!({"action": "remove_notes", "place": place, "count": count}),
        PersonAction::FillCassette(at, count) => json!({"action": "fill_cassette", "cassette": at, "count": count}),
        PersonAction::Replenish(notes) => json!({"action": "replenish", "notes": notes}),
    }
}

fn key_name(key: Key) -> String {
    match key {
        Key::Digit(digit) => digit.to_string(),
        Key::DoubleZero => "00".to_owned(),
        Key::Enter => "enter".to_owned(),
        Key::Clear => "clear".to_owned(),
        Key::Cancel => "cancel".to_owned(),
        Key::Function(number) => format!("f{number}"),
    }
}
