//! A service that says what a script tells it to, over a real socket.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use cashpoint_core::terminal::device::Report;
use cashpoint_terminal::xfs::{Config, Devices, KeyNames, Services, Timing};
use cashpoint_wire::card_reference::CardKey;
use cashpoint_wire::xfs::envelope::{Completion, CompletionCode, Dialect, Echo, Message, Refusal, Request};
use cashpoint_wire::xfs::message::{Answer, Command, CommandName, Event};
use cashpoint_wire::xfs::value::Version;
use cashpoint_wire::xfs::word::Word;
use futures_util::{SinkExt, StreamExt};
use serde_json::json;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message as Frame;

/// What to say to a command.
pub(crate) enum Say {
    /// That it is queued. Everything else follows by hand.
    Accepted,
    /// That it is not queued.
    Refused(Refusal),
    /// An event of it.
    Event(Event),
    /// That it is done; with this payload.
    Done(&'static str),
    /// That it failed for a reason of its own; with this payload.
    Failed(&'static str),
    /// That it ended like this.
    Ended(CompletionCode),
    /// Whatever this is.
    Text(String),
    /// Nothing more: the connection falls.
    Fall,
    /// Nothing more: the process hangs, and answers no ping.
    Hang,
}

/// What a service says to one command after the other; none: what a good one says.
pub(crate) type Script = Box<dyn FnMut(&Request) -> Option<Vec<Say>> + Send>;

/// A service and how it was used.
pub(crate) struct Fake {
    pub(crate) address: String,
    pub(crate) connections: Arc<AtomicU32>,
    pub(crate) asked: mpsc::UnboundedReceiver<Request>,
    events: mpsc::UnboundedSender<Message>,
}

pub(crate) const ALL: [&str; 9] = [
    "CardReader",
    "Keyboard",
    "PinPad",
    "KeyManagement",
    "CashDispenser",
    "CashAcceptor",
    "CashManagement",
    "Printer",
    "Storage",
];

pub(crate) const STORAGE: &str = r#"{"storage":{
    "unit3":{"status":"ok","cash":{"configuration":{"types":{"cashOut":true},"currency":"EUR","value":50.0},
        "status":{"initial":{"typeEUR50":{"fit":100}},"out":{"presented":{"typeEUR50":{"fit":3}},
        "rejected":{"typeEUR50":{"fit":1}}},"accuracy":"accurateSet","replenishmentStatus":"ok"}}},
    "unit1":{"status":"ok","cash":{"capabilities":{"types":{"cashOut":true}},"configuration":{"cashItems":["typeEUR20"]},
        "status":{"initial":{"typeEUR20":{"fit":5}},"out":{"stacked":{"typeEUR20":{"fit":5}}},"accuracy":"unknown"}}},
    "unit4":{"status":"ok","cash":{"configuration":{"types":{"reject":true}},
        "status":{"in":{"rejected":{"unrecognized":1,"typeEUR50":{"fit":1}}}}}},
    "unit5":{"status":"ok","cash":{"configuration":{"types":{"cashOutRetract":true}},
        "status":{"in":{"retractOperations":2,"retracted":{"typeEUR20":{"fit":4}}}}}},
    "unit7":{"status":"ok","card":{"capabilities":{"type":"retain"},"status":{"count":2,"replenishmentStatus":"ok"}}}}}"#;

pub(crate) const NOTES: &str = r#"{"items":{"typeEUR50":{"cashItem":{"currency":"EUR","value":50.0},"enabled":true},
    "typeEUR20":{"cashItem":{"currency":"EUR","value":20},"enabled":true}}}"#;

/// What a good service with these interfaces says.
fn good(command: &Command, interfaces: &[&str]) -> Answer {
    let listed: Vec<_> = interfaces.iter().map(|name| json!({ "name": name })).collect();
    let capabilities = json!({ "interfaces": listed, "pinPad": { "pinFormats": { "iso4": true, "iso0": true } } });
    let payload = match command.name() {
        CommandName::Capabilities => capabilities.to_string(),
        CommandName::Status => {
            r#"{"common":{"device":"online"},"cashDispenser":{"intermediateStacker":"notEmpty"}}"#.into()
        }
        CommandName::GetStorage => STORAGE.into(),
        CommandName::GetBankNoteTypes => NOTES.into(),
        CommandName::GetLayout => r#"{"layout":{"pin":[{"keys":[{"key":"zero"},{"key":"clear"}]}],
            "data":[{"keys":[{"key":"fdk01"},{"key":"doubleZero"},{"key":"oemX"}]}]}}"#
            .into(),
        CommandName::GetCommandNonce => r#"{"commandNonce":"0F1E2D3C4B5A69788796A5B4C3D2E1F0"}"#.into(),
        CommandName::ReadRawData => {
            r#"{"track2":{"data":"NTQxMzMzMDA4OTAyMDAxMT0yNTEyMjAxMDYyOTgwNzkwMDAwMA=="}}"#.into()
        }
        CommandName::PinEntry => r#"{"digits":4,"completion":"enter"}"#.into(),
        CommandName::Dispense => {
            r#"{"denomination":{"currencies":{"EUR":140.0},"values":{"unit1":2,"unit3":2}}}"#.into()
        }
        CommandName::GetPresentStatus => {
            r#"{"presentState":"notPresented","denomination":{"values":{"unit1":2}}}"#.into()
        }
        CommandName::Retract => {
            r#"{"storage":{"unit5":{"retractOperations":1,"retracted":{"typeEUR50":{"fit":2}}}}}"#.into()
        }
        CommandName::CashIn => r#"{"items":{"unrecognized":0,"typeEUR20":{"fit":2}}}"#.into(),
        CommandName::CashInEnd => r#"{"storage":{"unit1":{"deposited":{"typeEUR20":{"fit":2}}}}}"#.into(),
        CommandName::GetCashInStatus => r#"{"status":"rollback","noteNumberList":{"typeEUR20":{"fit":2}}}"#.into(),
        CommandName::ImportKey => r#"{"verificationData":"qrvM"}"#.into(),
        _ => "{}".to_owned(),
    };
    Answer::read(command.name(), Some(&payload)).unwrap()
}

/// A service in a dialect, with interfaces and a script.
pub(crate) async fn service(dialect: Dialect, interfaces: &'static [&'static str], mut script: Script) -> Fake {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("ws://{}/xfs4iot/v1.0/Any/", listener.local_addr().unwrap());
    let connections = Arc::new(AtomicU32::new(0));
    let (asked_to, asked) = mpsc::unbounded_channel();
    let (events, mut told) = mpsc::unbounded_channel::<Message>();
    let count = Arc::clone(&connections);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            // An acknowledge and a completion are two small frames: without this the second waits for the first.
            stream.set_nodelay(true).unwrap();
            let Ok(mut socket) = tokio_tungstenite::accept_async(stream).await else { continue };
            count.fetch_add(1, Ordering::SeqCst);
            loop {
                let text = tokio::select! {
                    frame = socket.next() => match frame {
                        Some(Ok(Frame::Text(text))) => text,
                        Some(Ok(_)) => continue,
                        Some(Err(_)) | None => break,
                    },
                    Some(message) = told.recv() => {
                        socket.send(Frame::text(message.encode(dialect))).await.unwrap();
                        continue;
                    }
                };
                let request = match Request::decode(&text) {
                    Ok(request) => request,
                    Err(refused) => panic!("the client wrote {refused:?}"),
                };
                let _ = asked_to.send(request.clone());
                let says = script(&request);
                if !answer(&mut socket, dialect, &request, interfaces, says).await {
                    break;
                }
            }
        }
    });
    Fake { address, connections, asked, events }
}

async fn answer(
    socket: &mut WebSocketStream<TcpStream>,
    dialect: Dialect,
    request: &Request,
    interfaces: &[&str],
    says: Option<Vec<Say>>,
) -> bool {
    let says = says.unwrap_or_else(|| vec![Say::Accepted, Say::Text(String::new())]);
    let name = request.command.name();
    for say in says {
        let message = match say {
            Say::Accepted => Message::Acknowledge(request.echo(), None),
            Say::Refused(refusal) => Message::Acknowledge(request.echo(), Some(refusal)),
            Say::Event(event) => Message::Event(Some(request.id), event),
            Say::Done(payload) => {
                Message::Completion(Completion::done(request.id, Answer::read(name, Some(payload)).unwrap()))
            }
            Say::Failed(payload) => {
                Message::Completion(Completion::failed(request.id, Answer::read(name, Some(payload)).unwrap(), None))
            }
            Say::Ended(code) => Message::Completion(Completion::ended(request.id, name.word(), code, None)),
            Say::Text(text) if text.is_empty() => {
                Message::Completion(Completion::done(request.id, good(&request.command, interfaces)))
            }
            Say::Text(text) => {
                socket.send(Frame::text(text)).await.unwrap();
                continue;
            }
            Say::Fall => return false,
            Say::Hang => std::future::pending().await,
        };
        socket.send(Frame::text(message.encode(dialect))).await.unwrap();
    }
    true
}

/// A good answer, after others.
pub(crate) fn as_ever() -> Say {
    Say::Text(String::new())
}

impl Fake {
    /// Says something at a moment of the test's own.
    pub(crate) fn tell(&self, event: Event) {
        self.events.send(Message::Event(None, event)).unwrap();
    }

    /// Says that a command which the script left running is over.
    pub(crate) fn end(&self, completion: Completion) {
        self.events.send(Message::Completion(completion)).unwrap();
    }

    /// The next command of this name, whatever came before.
    pub(crate) async fn next(&mut self, name: CommandName) -> Request {
        loop {
            let request = tokio::time::timeout(Duration::from_secs(20), self.asked.recv()).await.unwrap().unwrap();
            if request.command.name() == name {
                return request;
            }
        }
    }
}

/// Devices that are quick to give up.
pub(crate) fn devices(services: Services) -> (Devices, mpsc::Receiver<Report>) {
    let timing = Timing { retry: Duration::from_millis(20), ..Timing::default() };
    devices_with(services, timing)
}

pub(crate) fn devices_with(services: Services, timing: Timing) -> (Devices, mpsc::Receiver<Report>) {
    let card_key = CardKey::new([7; 32]);
    Devices::connect(Config { services, keys: KeyNames::default(), card_key, timing })
}

/// The next report. The wait is long for a test and short for a machine that hangs.
pub(crate) async fn next(reports: &mut mpsc::Receiver<Report>) -> Report {
    tokio::time::timeout(Duration::from_secs(20), reports.recv()).await.expect("a report").expect("devices live")
}

/// An acknowledge of something that was never sent.
pub(crate) fn stray() -> String {
    let echo = Echo { name: "CashDispenser.Present".into(), version: Version::new(2, 0), id: 9_999 };
    Message::Acknowledge(echo, None).encode(Dialect::default())
}

/// What a strict service says of a version that it does not know.
pub(crate) fn too_old(request: &Request, version: Version) -> Option<Vec<Say>> {
    let wrong = request.version != version;
    wrong.then(|| vec![Say::Accepted, Say::Ended(CompletionCode::UnsupportedCommand)])
}
