//! XFS4IoT messages against the shapes of the specification, by a judge of schemas that is not ours.
//!
//! Instances are made from the schema, every property filled and every word used, read by our types and written again.
//! What our types lack is dropped on the way, which is allowed; what they misname would stay empty, which is not.
#![expect(clippy::unwrap_used, reason = "in a test, what fails is the test")]

use cashpoint_wire::xfs::capabilities::{Interface, Spelling};
use cashpoint_wire::xfs::envelope::{
    Authorization, Completion, CompletionCode, Dialect, Echo, Malformed, Message, Refusal, Refused, Request,
    SuccessCode, UnsolicitedType,
};
use cashpoint_wire::xfs::keyboard::KeyName;
use cashpoint_wire::xfs::message::{Answer, Command, CommandName, Event, EventKind, EventName};
use cashpoint_wire::xfs::value::Version;
use cashpoint_wire::xfs::word::Word;
use cashpoint_wire::xfs::{
    acceptor, capabilities, cash, dispenser, keyboard, pin_pad, printer, reader, service, status,
};
use cashpoint_wire::xfs::{envelope, storage};
use serde_json::{Map, Value, json};

const SCHEMA: &str = include_str!("schemas/xfs4iot-2024-3-subset.schema.json");
const TRACES: &str = include_str!("xfs4iot-traces.jsonl");

/// Interfaces that share objects with ours.
const FOREIGN: &[&str] = &["check", "deposit", "banknoteNeutralization"];

/// Texts of which one matches each pattern of the schema.
const TEXTS: &[&str] = &[
    "unit1",
    "typeEUR50",
    "mix1",
    "EUR",
    "0F1E2D3C4B5A69788796A5B4C3D2E1F0",
    "2.0",
    "20260101",
    "zero",
    "upper",
    "exit",
    "0",
    "P0",
    "M7",
    "T",
    "E",
    "S",
    "A",
    "00",
    "QUJD",
    "Common.Status",
    "NONCE=1414,TOKENFORMAT=1,TOKENLENGTH=0110,DISPENSED1=1.00EUR,HMACSHA256=\
     37EEA1F354355CCABBABEA067674A6923C2E474EB1D3C1B9269E90A4B9F337A2",
];

/// Longer than the longest list of words.
const ROUNDS: usize = 24;

struct Judge {
    schema: Value,
    validator: jsonschema::Validator,
}

impl Judge {
    fn new() -> Self {
        let schema: Value = serde_json::from_str(SCHEMA).unwrap();
        let validator = jsonschema::draft202012::options().build(&schema).unwrap();
        Self { schema, validator }
    }

    #[track_caller]
    fn approves(&self, text: &str) {
        let message: Value = serde_json::from_str(text).unwrap();
        let errors: Vec<String> = self.validator.iter_errors(&message).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{text}\n{errors:#?}");
    }

    /// A payload with everything in it; of each list of words, the one whose turn it is.
    fn payload(&self, name: &str, kind: &str, round: usize) -> String {
        let definition = format!("msg.{name}.{kind}");
        let schema = self.schema["$defs"].get(&definition).unwrap_or_else(|| panic!("no {definition}"));
        self.sample(schema, round).to_string()
    }

    fn sample(&self, schema: &Value, round: usize) -> Value {
        if let Some(reference) = schema["$ref"].as_str() {
            let name = reference.strip_prefix("#/$defs/").unwrap();
            return self.sample(&self.schema["$defs"][name], round);
        }
        if let Some(words) = schema["enum"].as_array() {
            let words: Vec<&Value> = words.iter().filter(|word| !word.is_null()).collect();
            return words[round % words.len()].clone();
        }
        let kind = match &schema["type"] {
            Value::Array(kinds) => kinds[0].as_str().unwrap(),
            kind @ (Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_)) => {
                kind.as_str().unwrap()
            }
        };
        match kind {
            "object" => self.object(schema, round),
            "array" => json!([self.sample(&schema["items"], round), self.sample(&schema["items"], round + 1)]),
            "integer" => json!(schema["minimum"].as_u64().unwrap_or(0) + 1),
            "number" => json!(12.5),
            "boolean" => json!(round.is_multiple_of(2)),
            "string" => Value::String(text(&schema["pattern"])),
            kind => panic!("{kind}"),
        }
    }

    fn object(&self, schema: &Value, round: usize) -> Value {
        let mut object = Map::new();
        for (name, property) in schema["properties"].as_object().into_iter().flatten() {
            if !FOREIGN.contains(&name.as_str()) {
                object.insert(name.clone(), self.sample(property, round));
            }
        }
        if schema["additionalProperties"].is_object() {
            object.insert("unit7".to_owned(), self.sample(&schema["additionalProperties"], round));
        }
        Value::Object(object)
    }
}

fn text(pattern: &Value) -> String {
    let Some(pattern) = pattern.as_str() else { return "text".to_owned() };
    let matching = |text: &&&str| {
        let schema = json!({ "pattern": pattern });
        jsonschema::draft202012::options().build(&schema).unwrap().is_valid(&json!(text))
    };
    TEXTS.iter().find(matching).unwrap_or_else(|| panic!("no text for {pattern}")).to_string()
}

/// Every field of what was read is filled: none of its names is wrong.
#[track_caller]
fn check_filled(what: &str, debug: &str) {
    assert!(!debug.contains(": None"), "{what}: {debug}");
}

#[test]
fn every_command_can_be_written_and_read_again() {
    let judge = Judge::new();
    for name in CommandName::ALL.iter().copied() {
        for round in 0..ROUNDS {
            let mut payload: Value = serde_json::from_str(&judge.payload(name.word(), "command", round)).unwrap();
            if let Some(unit) = payload.pointer_mut("/storage/unit7") {
                unit.as_object_mut().unwrap().remove("printer");
            }
            let payload = payload.to_string();
            let command = Command::read(name, Some(&payload)).unwrap_or_else(|_| panic!("{name:?} {payload}"));
            check_filled(name.word(), &format!("{command:?}"));
            let request = Request::new(7, Some(1_000), command);
            let text = request.encode();
            judge.approves(&text);
            assert_eq!(Request::decode(&text), Ok(request));
            let written: Value = serde_json::from_str(&text).unwrap();
            let sent: Value = serde_json::from_str(&payload).unwrap();
            assert_eq!(written["payload"], sent, "{}", name.word());
        }
    }
}

#[test]
fn every_completion_can_be_written_and_read_again() {
    let judge = Judge::new();
    for name in CommandName::ALL.iter().copied() {
        for round in 0..ROUNDS {
            let answer = Answer::read(name, Some(&judge.payload(name.word(), "completion", round))).unwrap();
            check_filled(name.word(), &format!("{answer:?}"));
            let message = Message::Completion(Completion::failed(7, answer, Some("why".to_owned())));
            let text = message.encode(Dialect::default());
            judge.approves(&text);
            assert_eq!(Message::decode(&text), Ok(message));
        }
        let empty = Message::Completion(Completion::done(1, Answer::empty(name)));
        judge.approves(&empty.encode(Dialect::default()));
        assert_eq!(Message::decode(&empty.encode(Dialect::default())), Ok(empty));
    }
}

#[test]
fn every_event_can_be_written_and_read_again() {
    let judge = Judge::new();
    for name in EventName::ALL.iter().copied() {
        let kind = match name.kind() {
            EventKind::Solicited => "event",
            EventKind::Unsolicited => "unsolicited",
        };
        for round in 0..ROUNDS {
            let event = Event::read(name, Some(&judge.payload(name.word(), kind, round))).unwrap();
            check_filled(name.word(), &format!("{event:?}"));
            let message = Message::event(Some(9), event);
            let text = message.encode(Dialect::default());
            judge.approves(&text);
            assert_eq!(Message::decode(&text), Ok(message));
        }
    }
}

#[test]
fn acknowledges_can_be_written_and_read_again() {
    let judge = Judge::new();
    let echo = Echo { name: "CashDispenser.Present".to_owned(), version: Version::new(2, 0), id: 3 };
    for refusal in Refusal::ALL.iter().copied().map(Some).chain([None]) {
        let message = Message::Acknowledge(echo.clone(), refusal);
        let text = message.encode(Dialect::default());
        judge.approves(&text);
        assert_eq!(Message::decode(&text), Ok(message));
    }
}

#[test]
fn every_completion_code_passes_in_every_dialect() {
    let judge = Judge::new();
    for success in [SuccessCode::Written, SuccessCode::LeftOut] {
        for authorization in [Authorization::WithZ, Authorization::WithS] {
            let dialect = Dialect { success, authorization, ..Dialect::default() };
            for code in CompletionCode::ALL.iter().copied() {
                let ended = Completion::ended(4, "CashDispenser.Present", code, None);
                let text = Message::Completion(ended).encode(dialect);
                judge.approves(&text);
                let Ok(Message::Completion(read)) = Message::decode(&text) else { panic!("{text}") };
                assert_eq!(read.code, code);
            }
        }
    }
}

#[test]
fn unsolicited_events_are_known_without_their_type() {
    let dialect = Dialect { unsolicited: UnsolicitedType::Event, ..Dialect::default() };
    let message = Message::Event(None, Event::CardRemoved(service::Nothing {}));
    let text = message.encode(dialect);
    assert_eq!(text, r#"{"header":{"type":"event","name":"CardReader.MediaRemovedEvent","version":"2.0"}}"#);
    assert_eq!(Message::decode(&text), Ok(message.clone()));
    let old =
        r#"{"header":{"type":"unsolicited","name":"CardReader.MediaRemovedEvent","version":"1.0","requestId":0}}"#;
    assert_eq!(Message::decode(old), Ok(message));
}

#[test]
fn interfaces_are_known_in_either_spelling() {
    let judge = Judge::new();
    for spelling in [Spelling::Upper, Spelling::Lower] {
        let listed = |interface: &Interface| capabilities::InterfaceCapabilities {
            name: Some(capabilities::InterfaceName { interface: *interface, spelling: Spelling::Upper }),
            ..capabilities::InterfaceCapabilities::default()
        };
        let interfaces = Some(Interface::ALL.iter().map(listed).collect());
        let capabilities = capabilities::Capabilities { interfaces, ..capabilities::Capabilities::default() };
        let message = Message::Completion(Completion::done(1, Answer::Capabilities(capabilities)));
        let text = message.encode(Dialect { interfaces: spelling, ..Dialect::default() });
        judge.approves(&text);
        assert_eq!(text.contains("\"cardReader\""), spelling == Spelling::Lower);
        let Ok(Message::Completion(Completion { answer: Some(Answer::Capabilities(read)), .. })) =
            Message::decode(&text)
        else {
            panic!("{text}")
        };
        assert!(Interface::ALL.iter().all(|interface| read.has(*interface)));
    }
}

#[test]
fn the_traces_decode_and_encode_to_themselves() {
    let judge = Judge::new();
    let mut messages = 0;
    for line in TRACES.lines() {
        let line: Value = serde_json::from_str(line).unwrap();
        let (written, expected) = if let Some(sent) = line.get("c") {
            let version = sent["header"]["version"].clone();
            match Request::decode(&sent.to_string()) {
                Ok(request) => (request.encode(), sent),
                Err(Refused::Completed(echo, CompletionCode::UnsupportedCommand, _)) => {
                    assert_eq!((echo.version.to_string(), version), ("9.0".to_owned(), json!("9.0")));
                    continue;
                }
                Err(refused) => panic!("{sent}: {refused:?}"),
            }
        } else if let Some(told) = line.get("s") {
            let message = Message::decode(&told.to_string()).unwrap();
            assert!(!matches!(message, Message::Unknown(_)), "{told}");
            (message.encode(Dialect::default()), told)
        } else {
            continue;
        };
        if !written.contains("\"version\":\"9.0\"") {
            judge.approves(&written);
        }
        let written: Value = serde_json::from_str(&written).unwrap();
        assert_eq!(written["header"], expected["header"]);
        // A command without a payload is written with an empty one.
        let payload = |message: &Value| message.get("payload").cloned().unwrap_or_else(|| json!({}));
        assert_eq!(whole(payload(&written)), whole(payload(expected)));
        messages += 1;
    }
    assert_eq!(messages, 193);
}

/// 100.0 and 100 are the same number.
fn whole(value: Value) -> Value {
    match value {
        Value::Number(number) => json!(number.as_f64()),
        Value::Array(list) => list.into_iter().map(whole).collect(),
        Value::Object(object) => object.into_iter().map(|(name, value)| (name, whole(value))).collect(),
        other @ (Value::Null | Value::Bool(_) | Value::String(_)) => other,
    }
}

#[test]
fn a_service_refuses_what_it_does_not_understand() {
    #[track_caller]
    fn check(text: &str, expected: &str) {
        let refused = Request::decode(text).expect_err("it is wrong");
        let said = match refused {
            Refused::AtOnce(echo, refusal) => format!("{} {} {}", refusal.word(), echo.name, echo.id),
            Refused::Completed(echo, code, _) => format!("{} {} {}", code.word(), echo.name, echo.id),
        };
        assert_eq!(said, expected, "{text}");
    }
    let command = |header: &str, payload: &str| format!(r#"{{"header":{{{header}}},"payload":{payload}}}"#);
    let present = r#""type":"command","name":"CashDispenser.Present","version":"2.0","requestId":5"#;

    check("", "invalidMessage Common.Acknowledge 0");
    check("[]", "invalidMessage Common.Acknowledge 0");
    check(r#"{"header":7}"#, "invalidMessage Common.Acknowledge 0");
    check(&command(r#""type":"command""#, "{}"), "invalidMessage Common.Acknowledge 0");
    check(&command(r#""name":"a b","requestId":3,"version":"2.0""#, "{}"), "invalidMessage Common.Acknowledge 3");
    let nameless = present.replace("\"version\":\"2.0\",", "");
    check(&command(&nameless, "{}"), "invalidMessage CashDispenser.Present 5");
    let event = present.replace("command", "event");
    check(&command(&event, "{}"), "invalidMessage CashDispenser.Present 5");
    let more = format!("{present},\"priority\":1");
    check(&command(&more, "{}"), "invalidMessage CashDispenser.Present 5");
    let ended = format!("{present},\"completionCode\":\"success\"");
    check(&command(&ended, "{}"), "invalidMessage CashDispenser.Present 5");
    let text = present.replace(":5", ":\"5\"");
    check(&command(&text, "{}"), "invalidMessage CashDispenser.Present 0");
    let zero = present.replace(":5", ":0");
    check(&command(&zero, "{}"), "invalidRequestID CashDispenser.Present 0");

    let unknown = present.replace("Present", "Juggle");
    check(&command(&unknown, "{}"), "invalidCommand CashDispenser.Juggle 5");
    let version = present.replace("2.0", "3.0");
    check(&command(&version, "{}"), "unsupportedCommand CashDispenser.Present 5");
    check(&command(present, r#"{"position":"outSideways"}"#), "invalidData CashDispenser.Present 5");
    check(&command(present, r#"{"posiiton":"outLeft"}"#), "invalidData CashDispenser.Present 5");
    check(&command(present, r#"{"position":3}"#), "invalidData CashDispenser.Present 5");
    check(&command(present, "[]"), "invalidData CashDispenser.Present 5");

    for version in ["2.0", "3.0"] {
        let status = format!(r#""type":"command","name":"Common.Status","version":"{version}","requestId":1"#);
        assert!(Request::decode(&command(&status, "null")).is_ok());
    }
}

#[test]
fn a_client_passes_over_what_it_does_not_know() {
    let told = r#"{"header":{"type":"completion","name":"CashDispenser.GetPresentStatus","version":"3.7","requestId":2,
        "sender":"x"},"payload":{"presentState":"teleported","more":{"a":[1]},"token":null,
        "denomination":{"currencies":{"EUR":100.0},"values":{"unit1":2}}}}"#;
    let Ok(Message::Completion(completion)) = Message::decode(told) else { panic!() };
    assert_eq!(completion.code, CompletionCode::Success);
    let Some(Answer::GetPresentStatus(status)) = completion.answer else { panic!() };
    assert_eq!((status.state, status.token), (None, None));
    assert_eq!(status.denomination.unwrap().values.unwrap().of("unit1"), Some(&2));

    let unknown = r#"{"header":{"type":"event","name":"CardReader.SneezeEvent","version":"2.0","requestId":2}}"#;
    assert_eq!(Message::decode(unknown), Ok(Message::Unknown("CardReader.SneezeEvent".to_owned())));
}

#[test]
fn a_client_does_not_take_what_it_cannot_read_for_nothing() {
    let text = r#"{"header":{"type":"completion","name":"Storage.GetStorage","version":"2.1","requestId":2},
        "payload":{"storage":{"unit1":{"capacity":"many"}}}}"#;
    let Ok(Message::Completion(completion)) = Message::decode(text) else { panic!() };
    assert_eq!(completion.answer, None);

    let code = r#"{"header":{"type":"completion","name":"CashDispenser.Present","version":"2.0","requestId":2,
        "completionCode":"mostlyFine"}}"#;
    let Ok(Message::Completion(completion)) = Message::decode(code) else { panic!() };
    assert_eq!(completion.code, CompletionCode::InternalError);

    for text in ["", "{}", r#"{"header":{"type":"command","name":"Common.Status","version":"2.0","requestId":1}}"#] {
        assert_eq!(Message::decode(text), Err(Malformed), "{text}");
    }
    let idless = r#"{"header":{"type":"completion","name":"Common.Status","version":"3.0"}}"#;
    assert_eq!(Message::decode(idless), Err(Malformed));
}

#[test]
fn nothing_secret_shows() {
    let secrets = ["5413330089020011", "541333008902001", "eKHEEV21gMw", "NTQxMzMzMDA4"];
    let mut shown = String::new();
    for line in TRACES.lines() {
        let line: Value = serde_json::from_str(line).unwrap();
        if let Some(sent) = line.get("c") {
            shown += &format!("{:?}", Request::decode(&sent.to_string()));
        }
        if let Some(told) = line.get("s") {
            shown += &format!("{:?}", Message::decode(&told.to_string()));
        }
    }
    assert!(shown.contains("GetPinBlock") && shown.contains("ReadRawData"));
    for secret in secrets {
        assert!(!shown.contains(secret), "{secret}");
    }
    let pressed = r#"{"header":{"type":"event","name":"Keyboard.KeyEvent","version":"2.0","requestId":2},
        "payload":{"completion":"continue","digit":"seven"}}"#;
    let shown = format!("{:?}", Message::decode(pressed));
    assert!(shown.contains("Continue") && !shown.to_lowercase().contains("seven"), "{shown}");
}

/// Each of our words is a word of the specification: of one list, all of them.
#[test]
fn every_word_is_in_the_specification() {
    let judge = Judge::new();
    let mut lists = Vec::new();
    gather(&judge.schema, &mut lists);
    let mut checked = 0;
    macro_rules! check {
        ($($word:ty),+ $(,)?) => {
            $(
                let ours: Vec<&str> = <$word>::ALL.iter().map(|word| word.word()).collect();
                let listed = lists.iter().any(|list| ours.iter().all(|word| list.iter().any(|known| known == word)));
                assert!(listed, "{ours:?}");
                checked += 1;
            )+
        };
    }
    check!(service::CancelError, service::ErrorKind, service::Remedy);
    check!(
        status::DeviceState,
        status::DevicePosition,
        status::AntiFraudModule,
        status::Exchange,
        status::EndToEndSecurityState,
        status::CardMedia,
        status::ChipPowerState,
        status::SecurityState,
        status::ModuleState,
        status::EncryptionState,
        status::CertificateState,
        status::DispenserStacker,
        status::ShutterState,
        status::PositionState,
        status::TransportState,
        status::TransportItems,
        status::AcceptorStacker,
        status::StackerItems,
        status::UnitsState,
        status::PrinterMedia,
        status::PaperState,
        status::TonerState,
        status::LampState,
        status::PaperType,
        status::BlackMarkMode,
    );
    check!(
        capabilities::Interface,
        capabilities::Required,
        capabilities::ReaderType,
        capabilities::PowerOption,
        capabilities::CashDeviceType,
        envelope::CompletionCode,
        envelope::Refusal,
    );
    check!(reader::ReadError, reader::TrackStatus, reader::MoveError, reader::ResetTo, reader::ResetError);
    check!(
        keyboard::EntryCompletion,
        keyboard::PinEntryError,
        keyboard::DataEntryError,
        keyboard::EntryMode,
        keyboard::LayoutError,
        pin_pad::PinFormat,
        pin_pad::CryptoMethod,
        pin_pad::PinBlockError,
        pin_pad::ImportError,
        pin_pad::VerifyMethod,
        pin_pad::HashAlgorithm,
        pin_pad::InitializationError,
        pin_pad::AuthenticationMethod,
        pin_pad::KeyDetailError,
        pin_pad::Loaded,
        pin_pad::KeyAccessError,
    );
    check!(
        dispenser::MixType,
        dispenser::DenominateError,
        dispenser::DispenseError,
        dispenser::PresentError,
        dispenser::RejectError,
        dispenser::PresentStatusError,
        dispenser::PresentState,
        cash::OutputPosition,
        cash::InputPosition,
        cash::Position,
        cash::RetractArea,
        cash::RetractError,
        cash::ItemTarget,
        cash::ResetError,
        cash::OpenShutterError,
        cash::CloseShutterError,
        cash::Shutter,
        cash::NoteErrorReason,
        cash::NoteLevel,
        cash::IncompleteRetractReason,
    );
    check!(
        acceptor::CashInStartError,
        acceptor::CashInError,
        acceptor::CashInEndError,
        acceptor::RollbackError,
        acceptor::CashInState,
        acceptor::MoreBunches,
        acceptor::RefuseReason,
    );
    check!(
        storage::UnitStatus,
        storage::Replenishment,
        storage::PrinterReplenishment,
        storage::Accuracy,
        storage::OperationStatus,
        storage::CardUnitType,
        storage::SetStorageError,
        storage::StartExchangeError,
        storage::EndExchangeError,
        storage::UnitFailure,
    );
    check!(
        printer::InputData,
        printer::PrintError,
        printer::MediaMove,
        printer::TurnPage,
        printer::ControlError,
        printer::ResetError,
        printer::Threshold,
    );
    assert_eq!(checked, 100);
    let keys = &judge.schema["$defs"]["Keyboard.KeyPressedClass"]["properties"]["digit"];
    let keys = jsonschema::draft202012::options().build(keys).unwrap();
    assert!(KeyName::ALL.iter().all(|key| keys.is_valid(&json!(key.word()))));
}

fn gather(schema: &Value, lists: &mut Vec<Vec<String>>) {
    match schema {
        Value::Object(object) => {
            if let Some(words) = object.get("enum").and_then(Value::as_array) {
                lists.push(words.iter().filter_map(|word| word.as_str().map(str::to_owned)).collect());
            }
            object.values().for_each(|inner| gather(inner, lists));
        }
        Value::Array(list) => list.iter().for_each(|inner| gather(inner, lists)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Whoever chooses hardware reads there what it must be able to do.
#[test]
fn the_page_on_terminals_names_commands_as_they_are_named() {
    let page = include_str!("../../../docs/terminal.md");
    let (_, table) = page.split_once("| unit | interfaces | commands used |\n").unwrap();
    let known: Vec<_> = CommandName::ALL.iter().filter_map(|name| name.word().split_once('.')).collect();
    let mut named = 0;
    for row in table.lines().skip(1).take_while(|line| line.starts_with('|')) {
        let used = row.split('|').nth(3).unwrap();
        let words = used.split('`').skip(1).step_by(2).map(|word| word.rsplit('.').next().unwrap());
        for word in words.filter(|word| word.starts_with(char::is_uppercase)) {
            assert!(known.iter().any(|(_, command)| *command == word), "{word} is no command");
            named += 1;
        }
    }
    assert!(named > 25, "{named}");
}
