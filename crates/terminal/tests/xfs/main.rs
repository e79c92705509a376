//! The XFS4IoT client against a scripted service over real sockets.
#![expect(clippy::unwrap_used, reason = "in a test, what fails is the test")]
#![expect(clippy::wildcard_enum_match_arm, reason = "a script answers the commands that a test is about")]

mod fake;

use std::sync::atomic::Ordering;
use std::time::Duration;

use cashpoint_core::currency::Currency;
use cashpoint_core::money::Amount;
use cashpoint_core::secret::Pan;
use cashpoint_core::terminal::device::{
    Accuracy, Answer, CashInState, CashInStatus, CheckValue, Command, Dispense, DispenseToken, Event, Failure, Key,
    KeyBlock, Nonce, PinBlock, PinEntered, PresentState, Report, Unit, Usable, Way,
};
use cashpoint_terminal::xfs::{Problem, Services, Timing};
use cashpoint_wire::xfs::capabilities::Spelling;
use cashpoint_wire::xfs::envelope::{
    Authorization, Completion, CompletionCode, Dialect, Refusal, SuccessCode, UnsolicitedType,
};
use cashpoint_wire::xfs::message::{Answer as Brought, Command as Asked, CommandName, Event as Told};
use cashpoint_wire::xfs::pin_pad::PinFormat;
use cashpoint_wire::xfs::value::Version;
use cashpoint_wire::xfs::word::Word;
use fake::{ALL, Fake, Say, Script, as_ever, devices, devices_with, next, service, stray, too_old};

const TOKEN: &str = "NONCE=0F1E2D3C4B5A69788796A5B4C3D2E1F0,TOKENFORMAT=1,TOKENLENGTH=0165,DISPENSE1=140.00EUR,\
    HMACSHA256=6F549D24E2A8B11DD17444D20D80A0151915F2192EFC8F1C3CA7BB2B64D898DB";

fn pan() -> Pan {
    Pan::parse("5413330089020011").unwrap()
}

fn order() -> Command {
    let (amount, token) = (Amount::new(14_000, Currency::EUR), DispenseToken(TOKEN.to_owned()));
    Command::Dispense(Dispense { notes: vec![2, 2], amount, token })
}

fn quiet() -> Script {
    Box::new(|_| None)
}

fn listed(fake: &Fake) -> Services {
    Services::Listed(vec![fake.address.clone()])
}

/// Passes over everything until the unit is there.
async fn connected(reports: &mut tokio::sync::mpsc::Receiver<Report>, unit: Unit) {
    while next(reports).await != Report::Event(Event::Connected(unit)) {}
}

/// One command to a service with a script: what it ends with.
async fn outcome(dialect: Dialect, command: Command, mut script: Script) -> Report {
    let about = move |request: &cashpoint_wire::xfs::envelope::Request| script(request);
    let fake = service(dialect, &ALL, Box::new(about)).await;
    let (devices, mut reports) = devices(listed(&fake));
    connected(&mut reports, Unit::Printer).await;
    devices.execute(command).unwrap();
    loop {
        match next(&mut reports).await {
            Report::Event(_) => {}
            report => return report,
        }
    }
}

/// Says this to commands of a name, the usual to others.
fn on(name: CommandName, says: fn() -> Vec<Say>) -> Script {
    Box::new(move |request| (request.command.name() == name).then(says))
}

fn dialects() -> Vec<Dialect> {
    let mut all = Vec::new();
    for success in [SuccessCode::Written, SuccessCode::LeftOut] {
        for unsolicited in [UnsolicitedType::Unsolicited, UnsolicitedType::Event] {
            for interfaces in [Spelling::Upper, Spelling::Lower] {
                for authorization in [Authorization::WithZ, Authorization::WithS] {
                    all.push(Dialect { success, unsolicited, authorization, interfaces });
                }
            }
        }
    }
    all
}

#[tokio::test]
async fn every_command_ends_with_one_report_in_every_dialect() {
    for dialect in dialects() {
        let script: Script = Box::new(|request| match &request.command {
            Asked::GetPinBlock(get) if get.format == Some(PinFormat::Iso4) => {
                Some(vec![Say::Accepted, Say::Done(r#"{"pinBlock":"AAECAwQFBgcICQoLDA0ODw=="}"#)])
            }
            Asked::GetPinBlock(_) => Some(vec![Say::Accepted, Say::Done(r#"{"pinBlock":"eKHEEV21gMw="}"#)]),
            _ => None,
        });
        let fake = service(dialect, &ALL, script).await;
        let (devices, mut reports) = devices(listed(&fake));
        for unit in [Unit::CardReader, Unit::PinPad, Unit::Dispenser, Unit::Acceptor, Unit::Printer] {
            assert_eq!(next(&mut reports).await, Report::Event(Event::Connected(unit)));
        }
        for (command, expected) in simple() {
            devices.execute(command).unwrap();
            assert_eq!(next(&mut reports).await, Report::Done(expected), "{dialect:?}");
        }
        for (event, expected) in [
            (Told::CardRemoved(Default::default()), Event::CardTaken),
            (Told::MediaTaken(Default::default()), Event::ReceiptTaken),
            (Told::NonceCleared(Default::default()), Event::NonceCleared),
            (Told::ItemsTaken(Default::default()), Event::DepositReturnTaken),
        ] {
            fake.tell(event);
            assert_eq!(next(&mut reports).await, Report::Event(expected), "{dialect:?}");
        }
    }
}

/// Commands with what comes of them at a good service. The verifier was made with OpenSSL.
fn simple() -> Vec<(Command, Answer)> {
    let salt = [9; 32];
    let verifier = "13b3ca5e8bcb077a9c68cd211b15bcc8669fc33b1c9a544f6edd22a243e2d4cf";
    let verifier = data_encoding::HEXLOWER.decode(verifier.as_bytes()).unwrap().try_into().unwrap();
    let nonce = Nonce([0x0F, 0x1E, 0x2D, 0x3C, 0x4B, 0x5A, 0x69, 0x78, 0x87, 0x96, 0xA5, 0xB4, 0xC3, 0xD2, 0xE1, 0xF0]);
    let block = PinBlock([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15]);
    let returned = CashInStatus { state: CashInState::Returned, accepted: vec![(2_000, 2)] };
    vec![
        (Command::EjectCard, Answer::CardEjected),
        (Command::RetainCard, Answer::CardRetained),
        (Command::EnterPin, Answer::Pin(PinEntered::Digits(4))),
        (Command::OnlinePinBlock(pan()), Answer::PinBlock(block)),
        (Command::OfflineVerifier { pan: pan(), salt }, Answer::OfflineVerifier(verifier)),
        (
            Command::ImportPinKey(KeyBlock("D0144P0AE00E0000".into())),
            Answer::KeyImported(CheckValue([0xAA, 0xBB, 0xCC])),
        ),
        (Command::AcceptKeys, Answer::KeysEnded),
        (Command::FetchNonce, Answer::Nonce(nonce)),
        (Command::ClearNonce, Answer::NonceCleared),
        (order(), Answer::Dispensed(vec![2, 2])),
        (Command::Present, Answer::Presented),
        (Command::Reject, Answer::Rejected),
        (Command::Retract, Answer::Retracted(Some(vec![(5_000, 2)]))),
        (Command::StartCashIn, Answer::CashInStarted),
        (Command::TakeNotes, Answer::NotesTaken { accepted: vec![(2_000, 2)], refused: 0 }),
        (Command::StoreNotes, Answer::NotesStored(vec![(2_000, 2)])),
        (Command::ReturnNotes, Answer::NotesReturned),
        (Command::CashInStatus, Answer::CashInStatus(returned)),
        (Command::Print(vec!["EXAMPLE BANK".into()]), Answer::Printed),
        (Command::Probe(Unit::Dispenser), Answer::Works(Unit::Dispenser)),
    ]
}

#[tokio::test]
async fn a_card_is_read_and_named() {
    let report = outcome(Dialect::default(), Command::ReadCard, quiet()).await;
    let Report::Done(Answer::Card(card)) = &report else { panic!("{report:?}") };
    assert_eq!((card.pan.expose(), card.expires), ("5413330089020011", (25, 12)));
    assert_eq!(card.reference[..4], [0x3b, 0x84, 0xc0, 0x1e]);
    assert!(!format!("{report:?}").contains("541333"));
}

#[tokio::test]
async fn counters_are_told_by_position() {
    let Report::Done(Answer::Counters(counters)) = outcome(Dialect::default(), Command::ReadCounters, quiet()).await
    else {
        panic!()
    };
    let [fifties, twenties] = counters.cassettes.as_slice() else { panic!("{counters:?}") };
    assert_eq!((fifties.denomination, fifties.initial, fifties.out, fifties.presented), (5_000, 100, 4, 3));
    assert_eq!((fifties.rejected, fifties.usable, fifties.accuracy), (1, Usable::Yes, Accuracy::Accurate));
    assert_eq!((twenties.denomination, twenties.left(), twenties.usable), (2_000, 0, Usable::Empty));
    assert_eq!(twenties.accuracy, Accuracy::Inaccurate);
    assert_eq!((counters.rejected, counters.retracted), (vec![(5_000, 1)], vec![(2_000, 4)]));
    assert_eq!((counters.retract_operations, counters.way), (2, Way::Inside));
}

#[tokio::test]
async fn the_messages_say_what_the_terminal_meant() {
    let mut fake = service(Dialect::default(), &ALL, quiet()).await;
    let (devices, mut reports) = devices(listed(&fake));
    connected(&mut reports, Unit::Printer).await;
    for command in [order(), Command::OnlinePinBlock(pan()), Command::OfflineVerifier { pan: pan(), salt: [0; 32] }] {
        devices.execute(command).unwrap();
    }
    let Asked::Dispense(dispense) = fake.next(CommandName::Dispense).await.command else { panic!() };
    assert_eq!(dispense.token.as_deref(), Some(TOKEN));
    let app = dispense.denomination.unwrap().denomination.unwrap().app.unwrap();
    assert_eq!(serde_json::to_string(&app).unwrap(), r#"{"currencies":{"EUR":140},"counts":{"unit3":2,"unit1":2}}"#);
    let mut block = async || {
        let Asked::GetPinBlock(get) = fake.next(CommandName::GetPinBlock).await.command else { panic!() };
        let data = get.customer_data.unwrap().expose().to_owned();
        (get.format.unwrap(), data, get.padding.unwrap(), get.key.unwrap())
    };
    assert_eq!(block().await, (PinFormat::Iso4, "5413330089020011".into(), 15, "P0".into()));
    assert_eq!(block().await, (PinFormat::Iso0, "541333008902001".into(), 15, "VERIFIER".into()));
}

#[tokio::test]
async fn a_failure_says_what_is_known() {
    let rows: [(Command, CommandName, &str, Failure); 22] = [
        (Command::ReadCard, CommandName::ReadRawData, "mediaJam", Failure::Jam),
        (Command::ReadCard, CommandName::ReadRawData, "noMedia", Failure::Nothing),
        (Command::ReadCard, CommandName::ReadRawData, "invalidMedia", Failure::Unreadable),
        (Command::EjectCard, CommandName::MoveCard, "full", Failure::Cassette),
        (Command::RetainCard, CommandName::MoveCard, "noMedia", Failure::Nothing),
        (Command::EnterPin, CommandName::PinEntry, "entryTimeout", Failure::TimedOut),
        (Command::OnlinePinBlock(pan()), CommandName::GetPinBlock, "noPin", Failure::NoPin),
        (Command::OnlinePinBlock(pan()), CommandName::GetPinBlock, "keyNotFound", Failure::Key),
        (order(), CommandName::Dispense, "cashUnitError", Failure::Cassette),
        (order(), CommandName::Dispense, "notDispensable", Failure::NotDispensable),
        (order(), CommandName::Dispense, "itemsLeft", Failure::ItemsLeft),
        (Command::Present, CommandName::Present, "shutterNotOpen", Failure::ShutterStuck),
        (Command::Present, CommandName::Present, "presentErrorNoItems", Failure::NotPresented),
        (Command::Present, CommandName::Present, "presentErrorItems", Failure::PartlyPresented),
        (Command::Present, CommandName::Present, "presentErrorUnknown", Failure::Hardware),
        (Command::Reject, CommandName::Reject, "noItems", Failure::Nothing),
        (Command::Retract, CommandName::Retract, "itemsTaken", Failure::AlreadyTaken),
        (Command::Retract, CommandName::Retract, "noItems", Failure::Nothing),
        (Command::StartCashIn, CommandName::CashInStart, "cashInActive", Failure::CashInActive),
        (Command::StoreNotes, CommandName::CashInEnd, "cashUnitError", Failure::Jam),
        (Command::Print(vec![]), CommandName::PrintRaw, "paperOut", Failure::PaperOut),
        (Command::Print(vec![]), CommandName::ControlMedia, "paperJammed", Failure::Jam),
    ];
    for (command, name, error, expected) in rows {
        let payload: &'static str = Box::leak(format!(r#"{{"errorCode":"{error}"}}"#).into_boxed_str());
        let unit = command.unit();
        let script: Script = Box::new(move |request| {
            (request.command.name() == name).then(|| vec![Say::Accepted, Say::Failed(payload)])
        });
        let report = outcome(Dialect::default(), command, script).await;
        assert_eq!(report, Report::Failed(unit, expected), "{} {error}", name.word());
    }
}

#[tokio::test]
async fn every_completion_code_ends_a_dispense() {
    for code in CompletionCode::ALL.iter().copied() {
        let script: Script = Box::new(move |request| {
            (request.command.name() == CommandName::Dispense).then(|| vec![Say::Accepted, Say::Ended(code)])
        });
        let dialect = Dialect { authorization: Authorization::WithS, ..Dialect::default() };
        let report = outcome(dialect, order(), script).await;
        let expected = match code {
            CompletionCode::Canceled => Failure::Cancelled,
            CompletionCode::FraudAttempt => Failure::Fraud,
            CompletionCode::NoCommandNonce => Failure::NoNonce,
            CompletionCode::InvalidTokenKeyNoValue => Failure::Key,
            code if code.word().starts_with("invalidToken") => Failure::Token,
            CompletionCode::SequenceError
            | CompletionCode::InvalidCommand
            | CompletionCode::UnsupportedCommand
            | CompletionCode::InvalidRequestId
            | CompletionCode::InvalidData
            | CompletionCode::UnsupportedData
            | CompletionCode::AuthorizationRequired => Failure::Sequence,
            // Success that does not say how much, a limit that ran out, and everything that is simply broken.
            _ => Failure::Hardware,
        };
        assert_eq!(report, Report::Failed(Unit::Dispenser, expected), "{}", code.word());
    }
}

#[tokio::test]
async fn a_short_dispense_is_told_as_it_was() {
    let incomplete = || Told::IncompleteDispense(serde_json::from_str(r#"{"values":{"unit3":1}}"#).unwrap());
    let script: Script = Box::new(move |request| {
        let short = || vec![Say::Accepted, Say::Event(incomplete()), Say::Done("{}")];
        (request.command.name() == CommandName::Dispense).then(short)
    });
    let report = outcome(Dialect::default(), order(), script).await;
    assert_eq!(report, Report::Done(Answer::Dispensed(vec![1, 0])));
}

#[tokio::test]
async fn a_signed_status_names_its_dispense() {
    let payload = r#"{"presentState":"presented","token":"NONCE=1414,TOKENFORMAT=1,TOKENLENGTH=0270,DISPENSEID=6F549D24E2A8B11DD17444D20D80A0151915F2192EFC8F1C3CA7BB2B64D898DB,DISPENSED1=100.00EUR,PRESENTED1=YES,PRESENTEDAMOUNT1=100.00EUR,RETRACTED1=NO,HMACSHA256=2DFCB99896226A09C36EAA1F2B6B845285D9C692F3A605D57A9FA9902509F549"}"#;
    let payload: &'static str = payload;
    let script: Script = Box::new(move |request| {
        (request.command.name() == CommandName::GetPresentStatus).then(|| vec![Say::Accepted, Say::Done(payload)])
    });
    let command = Command::PresentStatus { nonce: Some(Nonce([0xAB; 16])) };
    let Report::Done(Answer::PresentStatus(status)) = outcome(Dialect::default(), command, script).await else {
        panic!()
    };
    assert_eq!((status.state, status.notes), (PresentState::Presented, None));
    assert_eq!(status.dispense, DispenseToken(TOKEN.to_owned()).id());
}

#[tokio::test]
async fn keys_are_told_and_digits_only_counted() {
    let script: Script = Box::new(|request| match &request.command {
        Asked::PinEntry(_) => {
            let digit = || Told::Key(serde_json::from_str(r#"{"completion":"continue"}"#).unwrap());
            let clear = || Told::Key(serde_json::from_str(r#"{"completion":"clear"}"#).unwrap());
            Some(vec![
                Say::Accepted,
                Say::Event(digit()),
                Say::Event(digit()),
                Say::Event(clear()),
                Say::Event(digit()),
                as_ever(),
            ])
        }
        Asked::DataEntry(_) => {
            let key = |name| {
                Told::Key(serde_json::from_str(&format!(r#"{{"completion":"continue","digit":"{name}"}}"#)).unwrap())
            };
            Some(vec![
                Say::Accepted,
                Say::Event(key("seven")),
                Say::Event(key("fdk03")),
                Say::Event(key("oemX")),
                as_ever(),
            ])
        }
        _ => None,
    });
    let fake = service(Dialect::default(), &ALL, script).await;
    let (devices, mut reports) = devices(listed(&fake));
    connected(&mut reports, Unit::Printer).await;
    devices.execute(Command::EnterPin).unwrap();
    for digits in [1, 2, 0, 1] {
        assert_eq!(next(&mut reports).await, Report::Event(Event::PinDigits(digits)));
    }
    assert_eq!(next(&mut reports).await, Report::Done(Answer::Pin(PinEntered::Digits(4))));
    devices.execute(Command::AcceptKeys).unwrap();
    assert_eq!(next(&mut reports).await, Report::Event(Event::Key(Key::Digit(7))));
    assert_eq!(next(&mut reports).await, Report::Event(Event::Key(Key::Function(3))));
}

#[tokio::test]
async fn the_running_command_is_cancelled_and_nothing_else() {
    let waits = on(CommandName::ReadRawData, || vec![Say::Accepted]);
    let mut fake = service(Dialect::default(), &ALL, waits).await;
    let (devices, mut reports) = devices(listed(&fake));
    connected(&mut reports, Unit::Printer).await;
    devices.execute(Command::Cancel(Unit::CardReader)).unwrap();
    devices.execute(Command::ReadCard).unwrap();
    let read = fake.next(CommandName::ReadRawData).await;
    devices.execute(Command::Present).unwrap();
    devices.execute(Command::Cancel(Unit::Dispenser)).unwrap();
    assert_eq!(next(&mut reports).await, Report::Failed(Unit::Dispenser, Failure::Cancelled));
    devices.execute(Command::Cancel(Unit::CardReader)).unwrap();
    let Asked::Cancel(cancel) = fake.next(CommandName::Cancel).await.command else { panic!() };
    assert_eq!(cancel.request_ids, Some(vec![read.id]));
    fake.end(Completion::ended(read.id, "CardReader.ReadRawData", CompletionCode::Canceled, None));
    assert_eq!(next(&mut reports).await, Report::Failed(Unit::CardReader, Failure::Cancelled));
    devices.execute(Command::EjectCard).unwrap();
    assert_eq!(next(&mut reports).await, Report::Done(Answer::CardEjected));
}

#[tokio::test]
async fn a_lost_connection_fails_the_running_command_and_comes_back() {
    let mut fallen = false;
    let script: Script = Box::new(move |request| {
        let falls = request.command.name() == CommandName::Present && !std::mem::replace(&mut fallen, true);
        falls.then(|| vec![Say::Accepted, Say::Fall])
    });
    let fake = service(Dialect::default(), &["CashDispenser", "CashManagement"], script).await;
    let (devices, mut reports) = devices(listed(&fake));
    assert_eq!(next(&mut reports).await, Report::Event(Event::Connected(Unit::Dispenser)));
    devices.execute(Command::Present).unwrap();
    assert_eq!(next(&mut reports).await, Report::Failed(Unit::Dispenser, Failure::Lost));
    assert_eq!(next(&mut reports).await, Report::Event(Event::Disconnected(Unit::Dispenser)));
    assert_eq!(next(&mut reports).await, Report::Event(Event::Connected(Unit::Dispenser)));
    devices.execute(Command::Present).unwrap();
    assert_eq!(next(&mut reports).await, Report::Done(Answer::Presented));
    assert_eq!(fake.connections.load(Ordering::SeqCst), 2);
}

/// A present that is never repeated, whatever is wrong with what was said about it.
#[tokio::test]
async fn nonsense_loses_the_connection() {
    let other = || Completion::done(5, Brought::empty(CommandName::Reject));
    let texts = [
        "no message".to_owned(),
        stray(),
        cashpoint_wire::xfs::envelope::Message::Completion(Completion { id: 9_999, ..other() })
            .encode(Dialect::default()),
    ];
    for text in texts {
        let script: Script = Box::new(move |request| {
            let text = text.clone();
            (request.command.name() == CommandName::Present).then(|| vec![Say::Accepted, Say::Text(text)])
        });
        let report = outcome(Dialect::default(), Command::Present, script).await;
        assert_eq!(report, Report::Failed(Unit::Dispenser, Failure::Lost));
    }
    let script: Script = Box::new(|request| {
        let wrong = Completion::done(request.id, Brought::empty(CommandName::Reject));
        let text = cashpoint_wire::xfs::envelope::Message::Completion(wrong).encode(Dialect::default());
        (request.command.name() == CommandName::Present).then(|| vec![Say::Accepted, Say::Text(text)])
    });
    let report = outcome(Dialect::default(), Command::Present, script).await;
    assert_eq!(report, Report::Failed(Unit::Dispenser, Failure::Lost));
}

#[tokio::test]
async fn late_and_double_messages_are_passed_over() {
    let script: Script = Box::new(|request| {
        let late = Completion::ended(1, "Common.Capabilities", CompletionCode::HardwareError, None);
        let late = cashpoint_wire::xfs::envelope::Message::Completion(late).encode(Dialect::default());
        let unknown = r#"{"header":{"type":"event","name":"CashDispenser.YawnEvent","version":"2.0","requestId":1}}"#;
        let says = || {
            vec![
                Say::Text(late.clone()),
                Say::Accepted,
                Say::Accepted,
                Say::Text(unknown.to_owned()),
                Say::Text(late),
                as_ever(),
                as_ever(),
            ]
        };
        (request.command.name() == CommandName::Present).then(says)
    });
    let fake = service(Dialect::default(), &ALL, script).await;
    let (devices, mut reports) = devices(listed(&fake));
    connected(&mut reports, Unit::Printer).await;
    for _ in 0..2 {
        devices.execute(Command::Present).unwrap();
        assert_eq!(next(&mut reports).await, Report::Done(Answer::Presented));
    }
    devices.execute(Command::Reject).unwrap();
    assert_eq!(next(&mut reports).await, Report::Done(Answer::Rejected));
}

#[tokio::test]
async fn a_refused_command_did_nothing() {
    for refusal in Refusal::ALL.iter().copied() {
        let script: Script = Box::new(move |request| {
            (request.command.name() == CommandName::Present).then(|| vec![Say::Refused(refusal)])
        });
        let report = outcome(Dialect::default(), Command::Present, script).await;
        assert_eq!(report, Report::Failed(Unit::Dispenser, Failure::Sequence));
    }
}

fn hasty() -> Timing {
    let ms = Duration::from_millis;
    Timing { query: ms(5_000), motion: ms(50), grace: ms(300), ping: ms(5_000), retry: ms(20) }
}

#[tokio::test]
async fn an_unanswered_command_is_lost_after_its_deadline() {
    for says in [(|| vec![Say::Accepted]) as fn() -> Vec<Say>, || vec![]] {
        let fake = service(Dialect::default(), &["CashDispenser"], on(CommandName::Present, says)).await;
        let (devices, mut reports) = devices_with(listed(&fake), hasty());
        connected(&mut reports, Unit::Dispenser).await;
        devices.execute(Command::Present).unwrap();
        assert_eq!(next(&mut reports).await, Report::Failed(Unit::Dispenser, Failure::Lost));
        assert_eq!(next(&mut reports).await, Report::Event(Event::Disconnected(Unit::Dispenser)));
        assert_eq!(next(&mut reports).await, Report::Event(Event::Connected(Unit::Dispenser)));
    }
}

#[tokio::test]
async fn a_service_that_answers_no_ping_is_lost() {
    let timing = Timing { ping: Duration::from_millis(100), ..hasty() };
    let hang = on(CommandName::ReadRawData, || vec![Say::Accepted, Say::Hang]);
    let fake = service(Dialect::default(), &["CardReader"], hang).await;
    let (devices, mut reports) = devices_with(listed(&fake), timing);
    connected(&mut reports, Unit::CardReader).await;
    devices.execute(Command::ReadCard).unwrap();
    assert_eq!(next(&mut reports).await, Report::Failed(Unit::CardReader, Failure::Lost));
    assert_eq!(next(&mut reports).await, Report::Event(Event::Disconnected(Unit::CardReader)));
}

#[tokio::test]
async fn a_pad_without_format_4_is_refused() {
    let script: Script = Box::new(|request| {
        let payload = r#"{"interfaces":[{"name":"PinPad"},{"name":"Keyboard"},{"name":"Printer"}],
            "pinPad":{"pinFormats":{"iso0":true}}}"#;
        (request.command.name() == CommandName::Capabilities).then(|| vec![Say::Accepted, Say::Done(payload)])
    });
    let fake = service(Dialect::default(), &[], script).await;
    let (devices, mut reports) = devices(listed(&fake));
    assert_eq!(next(&mut reports).await, Report::Event(Event::Connected(Unit::Printer)));
    assert_eq!(devices.problem(Unit::PinPad), Some(Problem::NoFormat4));
    assert_eq!(devices.problem(Unit::Printer), None);
    devices.execute(Command::EnterPin).unwrap();
    assert_eq!(next(&mut reports).await, Report::Failed(Unit::PinPad, Failure::Lost));
}

#[tokio::test]
async fn versions_are_those_that_the_service_lists() {
    let script: Script = Box::new(|request| match request.command.name() {
        CommandName::Capabilities => too_old(request, Version::new(3, 0)).or_else(|| {
            let payload = r#"{"interfaces":[{"name":"Common","commands":{"Common.Status":{"versions":["3.0"]}}},
                {"name":"Printer","commands":{"Printer.PrintRaw":{"versions":["1.0","3.0"]}}}]}"#;
            Some(vec![Say::Accepted, Say::Done(payload)])
        }),
        CommandName::Status => too_old(request, Version::new(3, 0)),
        _ => None,
    });
    let mut fake = service(Dialect::default(), &[], script).await;
    let (devices, mut reports) = devices(listed(&fake));
    assert_eq!(next(&mut reports).await, Report::Event(Event::Connected(Unit::Printer)));
    let Asked::SetVersions(set) = fake.next(CommandName::SetVersions).await.command else { panic!() };
    assert_eq!(set.commands.unwrap().0, [("Printer.PrintRaw".to_owned(), 3)]);
    devices.execute(Command::Probe(Unit::Printer)).unwrap();
    assert_eq!(next(&mut reports).await, Report::Done(Answer::Works(Unit::Printer)));
}

#[tokio::test]
async fn the_next_bunch_is_presented_without_being_told() {
    let fake = service(Dialect::default(), &["CashDispenser"], quiet()).await;
    let (devices, mut reports) = devices(listed(&fake));
    connected(&mut reports, Unit::Dispenser).await;
    devices.execute(Command::Present).unwrap();
    assert_eq!(next(&mut reports).await, Report::Done(Answer::Presented));
    let taken = |more: &str| {
        let position = format!(r#"{{"position":"outCenter","additionalBunches":"{more}"}}"#);
        Told::ItemsTaken(serde_json::from_str(&position).unwrap())
    };
    let mut fake = fake;
    fake.next(CommandName::Present).await;
    fake.tell(taken("1"));
    fake.next(CommandName::Present).await;
    fake.tell(taken("0"));
    assert_eq!(next(&mut reports).await, Report::Event(Event::NotesTaken));
}

#[tokio::test]
async fn services_are_found_through_their_publisher() {
    let one = service(Dialect::default(), &["CardReader"], quiet()).await;
    let two = service(Dialect::default(), &["Printer"], quiet()).await;
    let (first, second) = (one.address.clone(), two.address.clone());
    let script: Script = Box::new(move |request| {
        let list = |address: &str| serde_json::json!({ "services": [{ "serviceURI": address }] }).to_string();
        let detail = Told::ServiceDetail(serde_json::from_str(&list(&first)).unwrap());
        let payload: &'static str = Box::leak(list(&second).into_boxed_str());
        (request.command.name() == CommandName::GetServices)
            .then(|| vec![Say::Accepted, Say::Event(detail), Say::Done(payload)])
    });
    let publisher = service(Dialect::default(), &[], script).await;
    let port = publisher.address.split([':', '/']).nth(4).unwrap().parse().unwrap();
    // The other port has nobody behind it.
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let services = Services::Published { host: "127.0.0.1".into(), ports: vec![nobody, port] };
    let (_devices, mut reports) = devices(services);
    let mut found = [next(&mut reports).await, next(&mut reports).await].map(|report| format!("{report:?}"));
    found.sort();
    assert_eq!(found, ["Event(Connected(CardReader))", "Event(Connected(Printer))"]);
}

#[tokio::test]
async fn a_unit_that_was_never_reached_is_lost() {
    let (devices, mut reports) = devices(Services::Listed(Vec::new()));
    devices.execute(Command::Cancel(Unit::Printer)).unwrap();
    devices.execute(Command::Present).unwrap();
    assert_eq!(next(&mut reports).await, Report::Failed(Unit::Dispenser, Failure::Lost));
}
