//! Conversations with the services, every message of both sides held against the schema.

use cashpoint_core::currency::Currency;
use cashpoint_core::money::Amount;
use cashpoint_core::terminal::device::{Key, Nonce};
use cashpoint_wire::cipher::AesKey;
use cashpoint_wire::dispense_token::{self, HostTokenKey, TokenNonce};
use cashpoint_wire::key_block::{self, Header, ProtectionKey, Wrapped};
use data_encoding::{BASE64, HEXUPPER};
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::*;
use crate::model::{Armed, DeviceKeys, Fault, Fitting, Inserted, PersonAction, Place, Quality, RANDOM_BYTES, Step};

const SCHEMA: &str = include_str!("../../../wire/tests/schemas/xfs4iot-2024-3-subset.schema.json");
const TRACK2: &str = "9999000012345678905=29122010000000000";

/// A desk with one client at each service.
struct Bench {
    desk: Desk,
    judge: jsonschema::Validator,
    clients: BTreeMap<Unit, ConnectionId>,
    next_id: u32,
    now: Timestamp,
}

fn hardware() -> Hardware {
    let random: [u8; RANDOM_BYTES] = std::array::from_fn(|at| u8::try_from(at).unwrap());
    Hardware::new(Fitting::with(Currency::EUR, &[(50_00, 100), (20_00, 100)]), DeviceKeys::from_random(&random))
}

/// The first key drawn from the same bytes, and the second.
fn drawn(from: u8) -> [u8; 32] {
    std::array::from_fn(|at| from + u8::try_from(at).unwrap())
}

impl Bench {
    fn new() -> Self {
        let schema: Value = serde_json::from_str(SCHEMA).unwrap();
        let judge = jsonschema::draft202012::options().build(&schema).unwrap();
        let desk = Desk::new(hardware(), "127.0.0.1:5846".parse().unwrap(), 0);
        let mut bench = Self { desk, judge, clients: BTreeMap::new(), next_id: 1, now: Timestamp::EPOCH };
        crate::model::UNITS.into_iter().for_each(|unit| bench.connect(unit));
        bench
    }

    fn connect(&mut self, unit: Unit) {
        let id = self.desk.open(unit).expect("the machine is on");
        self.clients.insert(unit, id);
    }

    #[track_caller]
    fn approve(&self, text: &str) -> Value {
        let message: Value = serde_json::from_str(text).unwrap();
        let wrong: Vec<String> = self.judge.iter_errors(&message).map(|error| error.to_string()).collect();
        assert!(wrong.is_empty(), "{message:#}\n{wrong:#?}");
        message
    }

    /// Sends a command; its id.
    #[track_caller]
    fn send(&mut self, unit: Unit, name: &str, payload: Value, timeout_ms: u32) -> u32 {
        use cashpoint_wire::xfs::message::CommandName;
        use cashpoint_wire::xfs::word::Word as _;
        let id = self.next_id;
        self.next_id += 1;
        let version = CommandName::read(name).unwrap().version().to_string();
        let header =
            json!({"type": "command", "name": name, "version": version, "requestId": id, "timeout": timeout_ms});
        let text = json!({"header": header, "payload": payload}).to_string();
        self.approve(&text);
        self.desk.receive(self.clients[&unit], &text);
        id
    }

    /// What the client of a service has been sent, as `name` or `name:code`, and the messages.
    #[track_caller]
    fn heard(&mut self, unit: Unit) -> (Vec<String>, Vec<Value>) {
        let (mut names, mut messages) = (Vec::new(), Vec::new());
        for outgoing in self.desk.take_outgoing() {
            match outgoing {
                Outgoing::Text(id, text) => {
                    let message = self.approve(&text);
                    if self.clients.get(&unit) == Some(&id) {
                        names.push(named(&message));
                        messages.push(message);
                    }
                }
                Outgoing::Drop(id) if self.clients.get(&unit) == Some(&id) => names.push("dropped".to_owned()),
                Outgoing::Drop(_) => {}
            }
        }
        (names, messages)
    }

    /// Has a command carried out that needs nobody; its completion.
    #[track_caller]
    fn call(&mut self, unit: Unit, name: &str, payload: Value) -> Value {
        let id = self.send(unit, name, payload, 0);
        let (_, messages) = self.heard(unit);
        let ends = |message: &&Value| message["header"]["type"] == "completion" && message["header"]["requestId"] == id;
        messages.iter().find(ends).unwrap_or_else(|| panic!("{name} goes on: {messages:#?}")).clone()
    }

    fn person(&mut self, action: PersonAction) {
        self.desk.attempt(&action).unwrap();
    }

    fn arm(&mut self, fault: Fault, step: Step) {
        self.desk.arm(Armed::once(fault, step));
    }

    fn pass(&mut self, seconds: i64) {
        self.now = self.now.plus_s(seconds);
        self.desk.advance(self.now);
    }

    fn token(&mut self, minor: i64) -> String {
        let done = self.call(Unit::Dispenser, "Common.GetCommandNonce", json!({}));
        let digits = done["payload"]["commandNonce"].as_str().unwrap().to_owned();
        let nonce = Nonce(HEXUPPER.decode(digits.as_bytes()).unwrap().try_into().unwrap());
        let key = HostTokenKey::new(drawn(32));
        dispense_token::make(&key, &TokenNonce::from(nonce), Amount::new(minor, Currency::EUR)).0
    }

    fn dispense(&mut self, token: &str) -> u32 {
        let app = json!({"currencies": {"EUR": 120}, "counts": {"unit1": 2, "unit2": 1}});
        let payload = json!({"denomination": {"denomination": {"app": app}}, "token": token});
        self.send(Unit::Dispenser, "CashDispenser.Dispense", payload, 60_000)
    }
}

fn named(message: &Value) -> String {
    let header = &message["header"];
    let name = header["name"].as_str().unwrap().rsplit('.').next().unwrap();
    let error = message["payload"]["errorCode"].as_str();
    match (header["type"].as_str().unwrap(), header["completionCode"].as_str(), header["status"].as_str()) {
        ("acknowledge", _, None) => "ack".to_owned(),
        ("acknowledge", _, Some(refusal)) => format!("ack:{refusal}"),
        ("completion", Some("success"), _) => format!("{name} done"),
        ("completion", code, _) => format!("{name} {}", error.or(code).unwrap_or_default()),
        _ => name.to_owned(),
    }
}

#[test]
fn a_withdrawal_from_nonce_to_taken() {
    let mut bench = Bench::new();
    let token = bench.token(120_00);
    bench.dispense(&token);
    let (names, messages) = bench.heard(Unit::Dispenser);
    let expected = ["ack", "StartDispenseEvent", "Dispense done", "StatusChangedEvent", "CountsChangedEvent"];
    assert_eq!(names, expected);
    let done = &messages[2];
    assert_eq!(done["payload"]["denomination"]["values"], json!({"unit1": 2, "unit2": 1}));
    assert_eq!(done["payload"]["storage"]["out"]["unit1"]["stacked"], json!({"typeEUR50": {"fit": 2}}));
    let done = bench.call(Unit::Dispenser, "CashDispenser.Present", json!({}));
    assert_eq!(done["payload"]["position"], json!({"position": "outCenter", "additionalBunches": "0"}));
    let done = bench.call(Unit::Dispenser, "CashDispenser.GetPresentStatus", json!({"nonce": "1414"}));
    assert_eq!(done["payload"]["presentState"], "presented");
    let status = done["payload"]["token"].as_str().unwrap();
    assert!(
        status.starts_with("NONCE=1414,") && status.contains(&format!("DISPENSEID={}", &token[token.len() - 64..]))
    );
    bench.person(PersonAction::TakeNotes);
    let (names, _) = bench.heard(Unit::Dispenser);
    assert!(names.starts_with(&["ShutterStatusChangedEvent".to_owned(), "ItemsTakenEvent".to_owned()]), "{names:?}");
    let storage = bench.call(Unit::Dispenser, "Storage.GetStorage", json!({}));
    let out = &storage["payload"]["storage"]["unit1"]["cash"]["status"]["out"];
    assert_eq!(*out, json!({"presented": {"typeEUR50": {"fit": 2}}}));
}

#[test]
fn the_dispenser_says_what_is_wrong_with_a_token() {
    let mut bench = Bench::new();
    let refused = |bench: &mut Bench, token: &str, code: &str| {
        bench.dispense(token);
        let (names, _) = bench.heard(Unit::Dispenser);
        assert_eq!(names, ["ack".to_owned(), format!("Dispense {code}")]);
    };
    let token = bench.token(120_00);
    let less = bench.token(100_00);
    refused(&mut bench, &token, "invalidTokenNonce");
    refused(&mut bench, &less, "invalidToken");
    let end = if less.ends_with('0') { '1' } else { '0' };
    refused(&mut bench, &format!("{}{end}", &less[..less.len() - 1]), "invalidTokenHMAC");
    bench.call(Unit::Dispenser, "Common.ClearCommandNonce", json!({}));
    refused(&mut bench, &less, "noCommandNonce");
    assert!(bench.desk.hardware().census().at(Place::Stacker).is_empty());
}

#[test]
fn a_card_is_read_given_back_and_kept() {
    let mut bench = Bench::new();
    bench.send(Unit::CardReader, "CardReader.ReadRawData", json!({"track2": true}), 30_000);
    assert_eq!(bench.heard(Unit::CardReader).0, ["ack", "InsertCardEvent"]);
    bench.person(PersonAction::InsertCard(Zeroizing::new(TRACK2.to_owned())));
    let (names, messages) = bench.heard(Unit::CardReader);
    assert_eq!(names, ["MediaInsertedEvent", "TrackDetectedEvent", "ReadRawData done", "StatusChangedEvent"]);
    assert_eq!(messages[2]["payload"]["track2"]["data"], BASE64.encode(TRACK2.as_bytes()));
    let done = bench.call(Unit::CardReader, "CardReader.Move", json!({"from": "transport", "to": "exit"}));
    assert_eq!(named(&done), "Move done");
    let done = bench.call(Unit::CardReader, "CardReader.Move", json!({"from": "exit", "to": "unit1"}));
    assert_eq!(named(&done), "Move done");
    let done = bench.call(Unit::CardReader, "CardReader.Move", json!({"from": "exit", "to": "unit1"}));
    assert_eq!(named(&done), "Move noMedia");
    let storage = bench.call(Unit::CardReader, "Storage.GetStorage", json!({}));
    assert_eq!(storage["payload"]["storage"]["unit1"]["card"]["status"]["count"], 1);
}

#[test]
fn a_pin_becomes_a_block_and_is_gone() {
    let mut bench = Bench::new();
    let (key, pan) = (AesKey::new(&[7; 16]).unwrap(), "9999000012345678905");
    let by = ProtectionKey::new(&drawn(0)).unwrap();
    let header = Header::pin_pad();
    let block = key_block::wrap(&by, &header, &Wrapped::Aes(key.clone()), &[3; 30]).unwrap();
    let value = BASE64.encode(block.0.as_bytes());
    let enter = |bench: &mut Bench| {
        let keys: serde_json::Map<String, Value> = ["one", "two", "three", "four", "clear"]
            .iter()
            .map(|key| ((*key).to_owned(), json!({"terminate": false})))
            .collect();
        let mut keys = keys;
        keys.insert("enter".to_owned(), json!({"terminate": true}));
        bench.send(Unit::PinPad, "Keyboard.PinEntry", json!({"minLen": 4, "maxLen": 4, "activeKeys": keys}), 0);
        for digit in [1, 2, 3, 4] {
            bench.person(PersonAction::Press(Key::Digit(digit)));
        }
        let more = bench.desk.attempt(&PersonAction::Press(Key::Digit(5)));
        assert!(more.is_err(), "five is not active");
        bench.person(PersonAction::Press(Key::Enter));
        bench.heard(Unit::PinPad)
    };
    let online = json!({"format": "iso4", "key": "P0", "customerData": pan, "padding": 15, "cryptoMethod": "ecb"});
    let done = bench.call(Unit::PinPad, "PinPad.GetPinBlock", online.clone());
    assert_eq!(named(&done), "GetPinBlock keyNoValue");
    let import = json!({"key": "P0", "value": value, "decryptKey": "KBPK"});
    let done = bench.call(Unit::PinPad, "KeyManagement.ImportKey", import);
    let check = cashpoint_wire::check_value::of_aes(&key);
    assert_eq!(done["payload"]["verificationData"], BASE64.encode(&check.0));
    let (names, messages) = enter(&mut bench);
    let expected =
        ["ack", "EnterDataEvent", "KeyEvent", "KeyEvent", "KeyEvent", "KeyEvent", "KeyEvent", "PinEntry done"];
    assert_eq!(
        names.iter().filter(|name| *name != "StatusChangedEvent").collect::<Vec<_>>(),
        expected.iter().collect::<Vec<_>>()
    );
    assert!(messages.iter().all(|message| !message.to_string().contains("\"two\"")), "no digit is told");
    let done = bench.call(Unit::PinPad, "PinPad.GetPinBlock", online.clone());
    let made: [u8; 16] =
        BASE64.decode(done["payload"]["pinBlock"].as_str().unwrap().as_bytes()).unwrap().try_into().unwrap();
    let pan = cashpoint_core::secret::Pan::parse(pan).unwrap();
    let block = cashpoint_core::terminal::device::PinBlock(made);
    assert_eq!(cashpoint_wire::pin_block::decode_format_4(&key, &block, &pan).unwrap().expose(), "1234");
    let done = bench.call(Unit::PinPad, "PinPad.GetPinBlock", online);
    assert_eq!(named(&done), "GetPinBlock noPin");
    enter(&mut bench);
    let own = json!({"format": "iso0", "key": "VERIFIER", "customerData": &pan.expose()[..18], "padding": 15});
    let done = bench.call(Unit::PinPad, "PinPad.GetPinBlock", own);
    assert_eq!(BASE64.decode(done["payload"]["pinBlock"].as_str().unwrap().as_bytes()).unwrap().len(), 8);
}

#[test]
fn keys_are_told_one_by_one() {
    let mut bench = Bench::new();
    let keys = json!({"one": {"terminate": false}, "fdk01": {"terminate": false}, "enter": {"terminate": true}});
    bench.send(Unit::PinPad, "Keyboard.DataEntry", json!({"maxLen": 0, "activeKeys": keys}), 0);
    bench.person(PersonAction::Press(Key::Digit(1)));
    bench.person(PersonAction::Press(Key::Function(1)));
    bench.person(PersonAction::Press(Key::Enter));
    let (names, messages) = bench.heard(Unit::PinPad);
    assert_eq!(names, ["ack", "EnterDataEvent", "KeyEvent", "KeyEvent", "KeyEvent", "DataEntry done"]);
    assert_eq!(messages[2]["payload"], json!({"completion": "continue", "digit": "one"}));
    assert_eq!(messages[5]["payload"]["completion"], "enter");
    assert_eq!(messages[5]["payload"]["keys"], 2);
}

#[test]
fn a_deposit_is_counted_stored_and_given_back() {
    let mut bench = Bench::new();
    let inserted = |quality, count| Inserted { denomination: 20_00, quality, count };
    let insert = |bench: &mut Bench| {
        assert_eq!(named(&bench.call(Unit::Acceptor, "CashAcceptor.CashInStart", json!({}))), "CashInStart done");
        bench.send(Unit::Acceptor, "CashAcceptor.CashIn", json!({}), 60_000);
        let notes = vec![inserted(Quality::Good, 2), inserted(Quality::False, 1)];
        bench.person(PersonAction::InsertNotes(notes));
        let (names, messages) = bench.heard(Unit::Acceptor);
        let expected = [
            "ack",
            "InsertItemsEvent",
            "ItemsInsertedEvent",
            "ItemsPresentedEvent",
            "InputRefuseEvent",
            "SubCashInEvent",
            "InfoAvailableEvent",
            "CashIn done",
            "StatusChangedEvent",
        ];
        assert_eq!(names, expected);
        let done = messages.iter().find(|message| named(message) == "CashIn done").unwrap();
        assert_eq!(done["payload"]["items"], json!({"typeEUR20": {"fit": 2}}));
    };
    insert(&mut bench);
    let done = bench.call(Unit::Acceptor, "CashAcceptor.CashInEnd", json!({}));
    assert_eq!(done["payload"]["storage"]["unit1"], json!({"deposited": {"typeEUR20": {"fit": 2}}}));
    let done = bench.call(Unit::Acceptor, "CashAcceptor.GetCashInStatus", json!({}));
    assert_eq!(
        done["payload"],
        json!({"status": "ok", "numOfRefused": 1, "noteNumberList": {"typeEUR20": {"fit": 2}}})
    );
    insert(&mut bench);
    assert_eq!(named(&bench.call(Unit::Acceptor, "CashAcceptor.CashInRollback", json!({}))), "CashInRollback done");
    bench.person(PersonAction::TakeReturned);
    assert!(bench.heard(Unit::Acceptor).0.contains(&"ItemsTakenEvent".to_owned()));
}

#[test]
fn a_receipt_is_printed_and_taken() {
    let mut bench = Bench::new();
    let data = BASE64.encode(b"EXAMPLE BANK\n120.00 EUR\n");
    bench.call(Unit::Printer, "Printer.PrintRaw", json!({"inputData": "no", "data": data}));
    let control = json!({"mediaControl": {"move": "eject", "cut": true}});
    assert_eq!(named(&bench.call(Unit::Printer, "Printer.ControlMedia", control.clone())), "ControlMedia done");
    assert_eq!(bench.desk.hardware().printer().receipt().unwrap(), ["EXAMPLE BANK", "120.00 EUR"]);
    bench.person(PersonAction::TakeReceipt);
    assert!(bench.heard(Unit::Printer).0.contains(&"MediaTakenEvent".to_owned()));
    bench.arm(Fault::PaperOut, Step::Print);
    bench.call(Unit::Printer, "Printer.PrintRaw", json!({"inputData": "no", "data": data}));
    assert_eq!(named(&bench.call(Unit::Printer, "Printer.ControlMedia", control)), "ControlMedia paperOut");
}

#[test]
fn every_service_tells_what_it_is_and_how_it_is() {
    let mut bench = Bench::new();
    for unit in crate::model::UNITS {
        let done = bench.call(unit, "Common.Capabilities", json!({}));
        let names: Vec<&str> = done["payload"]["interfaces"]
            .as_array()
            .unwrap()
            .iter()
            .map(|interface| interface["name"].as_str().unwrap())
            .collect();
        assert_eq!(names[0], "Common");
        assert!(names.len() >= 2, "{names:?}");
        let done = bench.call(unit, "Common.Status", json!({}));
        assert_eq!(done["payload"]["common"]["device"], "online");
        let done = bench.call(unit, "Common.SetVersions", json!({"commands": {"Common.Status": 2}}));
        assert_eq!(named(&done), "SetVersions done");
    }
    assert_eq!(
        bench.call(Unit::Dispenser, "CashDispenser.GetMixTypes", json!({}))["payload"]["mixes"]["mix2"]["algorithm"],
        "equalEmptying"
    );
    let service = json!({"service": {"currencies": {"EUR": 90}, "mix": "mix1"}});
    let done = bench.call(Unit::Dispenser, "CashDispenser.Denominate", json!({"request": {"denomination": service}}));
    assert_eq!(done["payload"]["result"]["values"], json!({"unit1": 1, "unit2": 2}));
    let service = json!({"service": {"currencies": {"EUR": 15}, "mix": "mix1"}});
    let done = bench.call(Unit::Dispenser, "CashDispenser.Denominate", json!({"request": {"denomination": service}}));
    assert_eq!(named(&done), "Denominate notDispensable");
    bench.call(Unit::PinPad, "Keyboard.GetLayout", json!({}));
    bench.call(Unit::PinPad, "KeyManagement.GetKeyDetail", json!({}));
    bench.call(Unit::Acceptor, "CashManagement.GetBankNoteTypes", json!({}));
    bench.call(Unit::Acceptor, "CashAcceptor.GetPresentStatus", json!({}));
}

#[test]
fn one_command_runs_and_others_wait_for_their_turn() {
    let mut bench = Bench::new();
    let reader = Unit::CardReader;
    let first = bench.send(reader, "CardReader.ReadRawData", json!({"track2": true}), 30_000);
    bench.send(reader, "CardReader.Move", json!({"from": "transport", "to": "exit"}), 40_000);
    assert_eq!(bench.heard(reader).0, ["ack", "InsertCardEvent", "ack"]);
    bench.next_id = first;
    bench.send(reader, "CardReader.ReadRawData", json!({"track2": true}), 0);
    assert_eq!(bench.heard(reader).0, ["ack:invalidRequestID"]);
    bench.next_id = first + 2;
    bench.call(reader, "Common.Status", json!({}));
    bench.pass(31);
    let (names, _) = bench.heard(reader);
    assert_eq!(names, ["ReadRawData timeOut", "Move noMedia"]);
    let read = bench.send(reader, "CardReader.ReadRawData", json!({"track2": true}), 0);
    bench.heard(reader);
    bench.send(reader, "Common.Cancel", json!({"requestIds": [read]}), 0);
    assert_eq!(bench.heard(reader).0, ["ack", "Cancel done", "ReadRawData canceled"]);
    bench.send(reader, "Common.Cancel", json!({"requestIds": [read]}), 0);
    assert_eq!(bench.heard(reader).0, ["ack", "Cancel noMatchingRequestIDs"]);
}

#[test]
fn a_queue_has_an_end() {
    let mut bench = Bench::new();
    bench.send(Unit::CardReader, "CardReader.ReadRawData", json!({"track2": true}), 0);
    for _ in 0..desk::MOST_WAITING {
        bench.send(Unit::CardReader, "CardReader.ReadRawData", json!({"track2": true}), 0);
    }
    bench.heard(Unit::CardReader);
    bench.send(Unit::CardReader, "CardReader.ReadRawData", json!({"track2": true}), 0);
    assert_eq!(bench.heard(Unit::CardReader).0, ["ack:tooManyRequests"]);
    let gone = bench.clients[&Unit::CardReader];
    bench.desk.closed(gone);
    assert_eq!(bench.desk.hardware().waiting().count(), 0, "who goes away takes what they asked for along");
}

#[test]
fn connections_drop_before_and_after_the_dispense_begins() {
    for (fault, expected, moved) in [
        (Fault::ConnectionLossBefore, vec!["ack", "dropped"], 0),
        (Fault::ConnectionLossAfter, vec!["ack", "StartDispenseEvent", "dropped"], 3),
    ] {
        let mut bench = Bench::new();
        let token = bench.token(120_00);
        bench.arm(fault, Step::Pick);
        bench.heard(Unit::Dispenser);
        bench.dispense(&token);
        assert_eq!(bench.heard(Unit::Dispenser).0, expected);
        assert!(bench.desk.open(Unit::Dispenser).is_none(), "it is away for a while");
        bench.pass(5);
        bench.connect(Unit::Dispenser);
        assert_eq!(bench.desk.hardware().census().at(Place::Stacker).count(), moved);
    }
}

#[test]
fn a_loss_of_power_drops_everybody_and_keeps_the_record() {
    let mut bench = Bench::new();
    let token = bench.token(120_00);
    bench.arm(Fault::PowerLossAfter, Step::Stack);
    bench.dispense(&token);
    let dropped = bench.desk.take_outgoing().into_iter().filter(|outgoing| matches!(outgoing, Outgoing::Drop(_)));
    assert_eq!(dropped.count(), 5);
    bench.pass(10);
    bench.connect(Unit::Dispenser);
    let done = bench.call(Unit::Dispenser, "CashDispenser.GetPresentStatus", json!({}));
    assert_eq!(done["payload"]["presentState"], "notPresented");
    assert_eq!(done["payload"]["denomination"]["values"], json!({"unit1": 2, "unit2": 1}));
    let status = bench.call(Unit::Dispenser, "Common.Status", json!({}));
    assert_eq!(status["payload"]["cashDispenser"]["intermediateStacker"], "notEmpty");
    let again = bench.token(120_00);
    bench.dispense(&again);
    assert_eq!(bench.heard(Unit::Dispenser).0, ["ack", "Dispense itemsLeft"]);
    assert_eq!(named(&bench.call(Unit::Dispenser, "CashDispenser.Reject", json!({}))), "Reject done");
}

/// Each fault of a withdrawal, and how the services put it.
#[test]
fn faults_are_put_in_the_services_words() {
    let check = |fault: Fault, step: Step, ends: &[&str]| {
        let mut bench = Bench::new();
        bench.arm(fault, step);
        let token = bench.token(120_00);
        bench.dispense(&token);
        let mut said = bench.heard(Unit::Dispenser).0;
        if said.contains(&"Dispense done".to_owned()) {
            said.push(named(&bench.call(Unit::Dispenser, "CashDispenser.Present", json!({}))));
            _ = bench.desk.attempt(&PersonAction::TakeNotes);
            bench.heard(Unit::Dispenser);
            if !bench.desk.hardware().census().at(Place::Exit).is_empty() {
                let location = json!({"location": {"retractArea": "retract", "index": 1}});
                said.push(named(&bench.call(Unit::Dispenser, "CashManagement.Retract", location)));
            }
        }
        if !bench.desk.hardware().census().at(Place::Stacker).is_empty() {
            said.push(named(&bench.call(Unit::Dispenser, "CashDispenser.Reject", json!({}))));
        }
        let ended: Vec<&str> = said
            .iter()
            .map(String::as_str)
            .filter(|name| name.contains(' ') || *name == "IncompleteDispenseEvent")
            .collect();
        assert_eq!(ended, ends, "{fault:?} at {step:?}");
        assert!(bench.desk.hardware().census().is_conserved());
    };
    check(Fault::Jam, Step::Pick, &["Dispense hardwareError"]);
    check(Fault::Jam, Step::Stack, &["Dispense hardwareError", "Reject hardwareError"]);
    check(Fault::Stall, Step::Pick, &["Dispense cashUnitError"]);
    check(Fault::CassetteEmpty, Step::Pick, &["Dispense cashUnitError"]);
    check(Fault::CassetteMissing, Step::Pick, &["Dispense cashUnitError"]);
    check(Fault::ShortDispense, Step::Pick, &["IncompleteDispenseEvent", "Dispense cashUnitError", "Reject done"]);
    check(Fault::DoubleNote, Step::Pick, &["Dispense done", "Present done"]);
    check(Fault::Jam, Step::Present, &["Dispense done", "Present presentErrorUnknown", "Reject hardwareError"]);
    check(Fault::Stall, Step::Present, &["Dispense done", "Present presentErrorNoItems", "Reject done"]);
    check(Fault::ShutterStuck, Step::OpenShutter, &["Dispense done", "Present shutterNotOpen", "Reject done"]);
    check(Fault::Jam, Step::OpenShutter, &["Dispense done", "Present presentErrorItems"]);
    check(Fault::NotTaken, Step::Take, &["Dispense done", "Present done", "Retract done"]);
    check(Fault::PartTaken, Step::Take, &["Dispense done", "Present done", "Retract done"]);
}

#[test]
fn staff_exchange_cassettes() {
    let mut bench = Bench::new();
    let unit = Unit::Dispenser;
    let filled = json!({"storage": {"unit1": {"cash": {"status": {"initial": {"typeEUR50": {"fit": 40}}}}}}});
    assert_eq!(named(&bench.call(unit, "Storage.SetStorage", filled.clone())), "SetStorage noExchangeActive");
    assert_eq!(named(&bench.call(unit, "Storage.StartExchange", json!({}))), "StartExchange done");
    let service = json!({"service": {"currencies": {"EUR": 90}, "mix": "mix1"}});
    let done = bench.call(unit, "CashDispenser.Denominate", json!({"request": {"denomination": service}}));
    assert_eq!(named(&done), "Denominate exchangeActive");
    assert_eq!(named(&bench.call(unit, "Storage.SetStorage", filled)), "SetStorage done");
    assert_eq!(named(&bench.call(unit, "Storage.EndExchange", json!({}))), "EndExchange done");
    assert_eq!(named(&bench.call(unit, "Storage.EndExchange", json!({}))), "EndExchange noExchangeActive");
    assert_eq!(bench.desk.hardware().counters().cassettes[0].left(), 40);
}

#[test]
fn a_reset_clears_a_jam_into_the_retract_bin() {
    let mut bench = Bench::new();
    bench.arm(Fault::Jam, Step::Present);
    let token = bench.token(120_00);
    bench.dispense(&token);
    bench.call(Unit::Dispenser, "CashDispenser.Present", json!({}));
    let done =
        bench.call(Unit::Dispenser, "CashManagement.Reset", json!({"position": {"target": "retract", "index": 1}}));
    assert_eq!(done["payload"]["storage"]["unit4"], json!({"retractOperations": 1}));
    assert_eq!(bench.desk.hardware().census().at(Place::RetractBin).count(), 3);
    let status = bench.call(Unit::Dispenser, "Common.Status", json!({}));
    assert_eq!(status["payload"]["common"]["device"], "online");
}

#[test]
fn quirks_change_how_it_is_written() {
    let mut bench = Bench::new();
    bench.desk.quirks = Quirks {
        success: Success::LeftOut,
        unsolicited: Unsolicited::Event,
        interfaces: Interfaces::Lower,
        ..Quirks::default()
    };
    let done = bench.call(Unit::CardReader, "Common.Capabilities", json!({}));
    assert!(done["header"].get("completionCode").is_none());
    assert_eq!(done["payload"]["interfaces"][1]["name"], "cardReader");
}

#[test]
fn a_motion_takes_its_time() {
    let mut bench = Bench::new();
    bench.desk = Desk::new(hardware(), "127.0.0.1:5846".parse().unwrap(), 500);
    bench.connect(Unit::Dispenser);
    let token = bench.token(120_00);
    bench.dispense(&token);
    let (names, _) = bench.heard(Unit::Dispenser);
    assert!(names.contains(&"StartDispenseEvent".to_owned()) && !names.contains(&"Dispense done".to_owned()));
    assert_eq!(bench.desk.next_due(), Some(bench.now.plus_ms(500)));
    bench.pass(1);
    assert_eq!(bench.heard(Unit::Dispenser).0, ["Dispense done"]);
}

/// Over real sockets and a real file: found by its publisher, killed, and still the same machine.
#[tokio::test]
async fn the_state_outlives_the_process() {
    use futures_util::{SinkExt as _, StreamExt as _};
    use tokio_tungstenite::tungstenite::Message as Frame;

    async fn ask(url: &str, name: &str, payload: Value) -> Vec<Value> {
        let (mut socket, _) = tokio_tungstenite::connect_async(url).await.unwrap();
        let header = json!({"type": "command", "name": name, "version": version(name), "requestId": 1});
        socket.send(Frame::Text(json!({"header": header, "payload": payload}).to_string().into())).await.unwrap();
        let mut messages = Vec::new();
        loop {
            let frame = socket.next().await.unwrap().unwrap();
            let message: Value = serde_json::from_str(frame.to_text().unwrap()).unwrap();
            let ends = message["header"]["type"] == "completion";
            messages.push(message);
            if ends {
                return messages;
            }
        }
    }

    fn version(name: &str) -> String {
        use cashpoint_wire::xfs::message::CommandName;
        use cashpoint_wire::xfs::word::Word as _;
        CommandName::read(name).unwrap().version().to_string()
    }

    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("devices.json");
    let start = |hardware: Hardware| {
        let options = Options {
            listen: "127.0.0.1:0".parse().unwrap(),
            control: None,
            state: state.clone(),
            motion_ms: 0,
            clock: || Timestamp::EPOCH,
        };
        Devices::open(hardware, options)
    };
    let devices = start(hardware()).await.unwrap();
    let publisher = format!("ws://{}/xfs4iot/v1.0", devices.address().unwrap());
    let serving = tokio::spawn(devices.serve());
    let services = ask(&publisher, "ServicePublisher.GetServices", json!({})).await;
    let listed = services[1]["payload"]["services"].as_array().unwrap();
    assert_eq!(listed.len(), 5);
    let dispenser = listed[2]["serviceURI"].as_str().unwrap().to_owned();
    let first = ask(&dispenser, "Common.GetCommandNonce", json!({})).await;
    serving.abort();
    assert!(serving.await.is_err(), "it was stopped in the middle");

    let kept = StateFile::at(state.clone()).load().unwrap().expect("the state was written");
    assert_eq!(kept.census(), hardware().census());
    let devices = start(kept).await.unwrap();
    let dispenser = format!("ws://{}/xfs4iot/v1.0/CashDispenser", devices.address().unwrap());
    let serving = tokio::spawn(devices.serve());
    let second = ask(&dispenser, "Common.GetCommandNonce", json!({})).await;
    assert_ne!(first[1]["payload"]["commandNonce"], second[1]["payload"]["commandNonce"], "nonces never repeat");
    serving.abort();
}
