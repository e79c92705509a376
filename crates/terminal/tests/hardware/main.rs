//! Client and simulated devices together, over sockets: each command of the terminal's vocabulary, each fault at each step.
//! What the terminal hears must mean what the hardware's model alone would have said, and every message that crosses must be
//! one of the specification (2024-3).
//!
//! Where XFS4IoT has no word for what the model says, `twins::meant` says what becomes of it.
#![expect(clippy::unwrap_used, reason = "in a test, what fails is the test")]

mod tap;
mod twins;

use cashpoint_core::currency::Currency;
use cashpoint_core::money::Amount;
use cashpoint_core::secret::{Pan, Pin};
use cashpoint_core::terminal::device::{
    Answer, Bin, CashInState, Command, Dispense, DispenseToken, Failure, Filling, Key, KeyBlock, Nonce, PinEntered,
    PresentState, Report, Unit,
};
use cashpoint_devices::model::{Armed, Fault, Inserted, PersonAction, Place, Quality, Step, UNITS};
use cashpoint_wire::cipher::{AesKey, TdesKey};
use cashpoint_wire::dispense_token::{self, HostTokenKey, TokenNonce};
use cashpoint_wire::key_block::{self, Header, ProtectionKey, Wrapped};
use cashpoint_wire::present_status::{self, DeviceTokenKey};
use cashpoint_wire::{check_value, offline_verifier, pin_block};
use twins::{Twins, drawn};
use zeroize::Zeroizing;

const PAN: &str = "9999000012345678905";
const PIN: [Key; 4] = [Key::Digit(2), Key::Digit(8), Key::Digit(5), Key::Digit(4)];
const SALT: [u8; 32] = [9; 32];

fn pan() -> Pan {
    Pan::parse(PAN).unwrap()
}

fn pin_key() -> AesKey {
    AesKey::new(&[7; 16]).unwrap()
}

fn key_block() -> KeyBlock {
    let by = ProtectionKey::new(&drawn::<32>(0)).unwrap();
    key_block::wrap(&by, &Header::pin_pad(), &Wrapped::Aes(pin_key()), &[3; 30]).unwrap()
}

fn card() -> PersonAction {
    PersonAction::InsertCard(Zeroizing::new(format!("{PAN}=29122010000000000")))
}

fn notes(quality: Quality, count: u32) -> Inserted {
    Inserted { denomination: 20_00, quality, count }
}

/// 2 × 50 + 1 × 20.
fn dispense(nonce: Nonce, leave: i64) -> Command {
    let euro = |minor| Amount::new(minor, Currency::EUR);
    let key = HostTokenKey::new(drawn(32));
    let token = dispense_token::make(&key, &TokenNonce::from(nonce), euro(leave));
    Command::Dispense(Dispense { notes: vec![2, 1], amount: euro(120_00), token })
}

impl Twins {
    async fn enters_pin(&mut self) -> Option<Report> {
        self.tell(Command::EnterPin).await;
        self.press(&PIN).await;
        self.press(&[Key::Enter]).await
    }

    async fn nonce(&mut self) -> Nonce {
        let Answer::Nonce(nonce) = self.gets(Command::FetchNonce).await else { panic!("{}", self.about) };
        nonce
    }

    async fn present_state(&mut self) -> PresentState {
        let asked = Command::PresentStatus { nonce: Some(Nonce([5; 16])) };
        let Answer::PresentStatus(status) = self.gets(asked).await else { panic!("{}", self.about) };
        status.state
    }

    /// What is away comes back.
    async fn settle(&mut self) {
        if !UNITS.into_iter().all(|unit| self.model.is_reachable(unit)) {
            self.pass(5).await;
        }
    }

    /// Everything that crossed was a message of the specification.
    #[track_caller]
    fn spoke_properly(&self) {
        let passed = self.tap.passed();
        assert!(passed.wrong.is_empty(), "{:#?}", passed.wrong);
        assert!(passed.names.len() > 20, "{:?}", passed.names);
    }
}

#[tokio::test]
async fn a_card_is_read_given_back_and_kept() {
    let mut twins = Twins::new().await;
    twins.tell(Command::ReadCard).await;
    let Some(Report::Done(Answer::Card(read))) = twins.person(card()).await else { panic!() };
    assert_eq!((read.pan, read.expires), (pan(), (29, 12)));
    assert_eq!(twins.gets(Command::EjectCard).await, Answer::CardEjected);
    twins.person(PersonAction::TakeCard).await;
    assert_eq!(twins.fails(Command::EjectCard).await, Failure::Nothing);
    for ejected in [false, true] {
        twins.tell(Command::ReadCard).await;
        twins.person(card()).await;
        if ejected {
            twins.gets(Command::EjectCard).await;
        }
        assert_eq!(twins.gets(Command::RetainCard).await, Answer::CardRetained);
        assert_eq!(twins.fails(Command::RetainCard).await, Failure::Nothing);
    }
    twins.tell(Command::ReadCard).await;
    let unreadable = PersonAction::InsertCard(Zeroizing::new("123=".to_owned()));
    assert_eq!(twins.person(unreadable).await, Some(Report::Failed(Unit::CardReader, Failure::Unreadable)));
    twins.gets(Command::Probe(Unit::CardReader)).await;
    twins.spoke_properly();
}

#[tokio::test]
async fn a_pin_leaves_the_pad_as_the_blocks_that_the_host_makes() {
    let mut twins = Twins::new().await;
    twins.enters_pin().await;
    assert_eq!(twins.fails(Command::OnlinePinBlock(pan())).await, Failure::Key);
    let forged = KeyBlock(key_block().0.replace("D0", "D1"));
    assert_eq!(twins.fails(Command::ImportPinKey(forged)).await, Failure::Key);
    let imported = twins.gets(Command::ImportPinKey(key_block())).await;
    assert_eq!(imported, Answer::KeyImported(check_value::of_aes(&pin_key())));
    assert_eq!(twins.enters_pin().await, Some(Report::Done(Answer::Pin(PinEntered::Digits(4)))));
    let Answer::PinBlock(block) = twins.gets(Command::OnlinePinBlock(pan())).await else { panic!() };
    assert_eq!(pin_block::decode_format_4(&pin_key(), &block, &pan()).unwrap().expose(), "2854");
    assert_eq!(twins.fails(Command::OnlinePinBlock(pan())).await, Failure::NoPin);
    twins.enters_pin().await;
    let verifier = || Command::OfflineVerifier { pan: pan(), salt: SALT };
    let pad = TdesKey::new(&drawn::<16>(96)).unwrap();
    let expected = offline_verifier::of_pin(&SALT, &pad, &Pin::parse("2854").unwrap(), &pan());
    assert_eq!(twins.gets(verifier()).await, Answer::OfflineVerifier(expected));
    assert_eq!(twins.fails(verifier()).await, Failure::NoPin);
    twins.tell(Command::EnterPin).await;
    twins.press(&[Key::Digit(1), Key::Clear, Key::Digit(2), Key::Enter]).await;
    assert_eq!(twins.press(&[Key::Cancel]).await, Some(Report::Done(Answer::Pin(PinEntered::GivenUp))));
    twins.tell(Command::AcceptKeys).await;
    twins.press(&[Key::Digit(1), Key::DoubleZero, Key::Function(3), Key::Enter, Key::Cancel, Key::Clear]).await;
    assert_eq!(twins.tell(Command::Cancel(Unit::PinPad)).await, Some(Report::Done(Answer::KeysEnded)));
    twins.gets(Command::Probe(Unit::PinPad)).await;
    twins.spoke_properly();
}

#[tokio::test]
async fn a_token_serves_once_for_its_nonce_and_amount() {
    let mut twins = Twins::new().await;
    let nonce = twins.nonce().await;
    twins.gets(Command::ReadCounters).await;
    assert_eq!(twins.fails(dispense(nonce, 100_00)).await, Failure::Token);
    assert_eq!(twins.fails(dispense(Nonce([1; 16]), 120_00)).await, Failure::Token);
    let Command::Dispense(order) = dispense(nonce, 120_00) else { panic!() };
    for (from, to) in [("120.00", "990.00"), ("EUR", "USD"), ("LENGTH=0165", "LENGTH=0166")] {
        let token = DispenseToken(order.token.0.replace(from, to));
        let order = Dispense { token, ..order.clone() };
        assert_eq!(twins.fails(Command::Dispense(order)).await, Failure::Token, "{to}");
    }
    assert_eq!(twins.gets(Command::Dispense(order.clone())).await, Answer::Dispensed(vec![2, 1]));
    assert_eq!(twins.fails(Command::Dispense(order.clone())).await, Failure::Token);
    assert_eq!(twins.gets(Command::Reject).await, Answer::Rejected);
    assert_eq!(twins.fails(Command::Dispense(order.clone())).await, Failure::Token);
    assert_eq!(twins.gets(Command::ClearNonce).await, Answer::NonceCleared);
    assert_eq!(twins.fails(Command::Dispense(order)).await, Failure::NoNonce);
    assert_eq!(twins.gets(Command::ClearNonce).await, Answer::NonceCleared);
    let nonce = twins.nonce().await;
    twins.pass(36 * 3600 + 1).await;
    assert_eq!(twins.fails(dispense(nonce, 120_00)).await, Failure::NoNonce);
    twins.spoke_properly();
}

#[tokio::test]
async fn cash_is_presented_taken_left_and_taken_back() {
    let mut twins = Twins::new().await;
    for taken in [3, 1, 0] {
        let nonce = twins.nonce().await;
        twins.gets(Command::ReadCounters).await;
        let order = dispense(nonce, 120_00);
        let Command::Dispense(Dispense { token, .. }) = &order else { panic!() };
        let id = token.id();
        twins.gets(order).await;
        assert_eq!(twins.present_state().await, PresentState::NotPresented);
        assert_eq!(twins.gets(Command::Present).await, Answer::Presented);
        twins.person(PersonAction::TakeSome(taken)).await;
        match taken {
            3 => assert_eq!(twins.fails(Command::Retract).await, Failure::Nothing),
            1 => assert_eq!(twins.gets(Command::Retract).await, Answer::Retracted(Some(vec![(50_00, 2)]))),
            _ => assert_eq!(twins.gets(Command::Retract).await, Answer::Retracted(Some(vec![(50_00, 2), (20_00, 1)]))),
        }
        let asked = Nonce([5; 16]);
        let Answer::PresentStatus(status) = twins.gets(Command::PresentStatus { nonce: Some(asked) }).await else {
            panic!()
        };
        assert_eq!((status.state, status.dispense, status.notes), (PresentState::Presented, id, Some(vec![2, 1])));
        let key = DeviceTokenKey::new(drawn(64));
        present_status::read(&key, &TokenNonce::from(asked), &status.token.unwrap()).unwrap();
        twins.gets(Command::PresentStatus { nonce: None }).await;
        let Answer::Counters(counters) = twins.gets(Command::ReadCounters).await else { panic!() };
        assert_eq!(counters.cassettes[0].out, counters.cassettes[0].presented);
    }
    twins.gets(Command::Probe(Unit::Dispenser)).await;
    twins.spoke_properly();
}

#[tokio::test]
async fn a_short_dispense_is_told_as_it_was_whether_the_device_calls_it_an_error_or_not() {
    for kind in ["error", "success"] {
        let mut twins = Twins::new().await;
        let quirks = serde_json::json!({ "short_dispense": kind });
        let (status, _) = twins.control(hyper::Method::POST, "/quirks", Some(quirks)).await;
        assert_eq!(status, 200);
        let nonce = twins.nonce().await;
        twins.arm(Armed::once(Fault::ShortDispense, Step::Pick)).await;
        assert_eq!(twins.gets(dispense(nonce, 120_00)).await, Answer::Dispensed(vec![2, 0]), "{kind}");
        assert_eq!(twins.gets(Command::Reject).await, Answer::Rejected);
        twins.arm(Armed::once(Fault::Stall, Step::Pick)).await;
        let nonce = twins.nonce().await;
        assert_eq!(twins.fails(dispense(nonce, 120_00)).await, Failure::Cassette, "{kind}");
    }
}

#[tokio::test]
async fn a_deposit_is_counted_stored_and_returned() {
    let mut twins = Twins::new().await;
    assert_eq!(twins.fails(Command::TakeNotes).await, Failure::Sequence);
    for stored in [true, false] {
        assert_eq!(twins.gets(Command::StartCashIn).await, Answer::CashInStarted);
        assert_eq!(twins.fails(Command::StartCashIn).await, Failure::CashInActive);
        for (good, bad) in [(2, 1), (1, 0), (0, 2)] {
            twins.tell(Command::TakeNotes).await;
            let inserted = vec![notes(Quality::Good, good), notes(Quality::Worn, bad)];
            let taken = twins.person(PersonAction::InsertNotes(inserted)).await;
            let accepted = if good > 0 { vec![(20_00, good)] } else { vec![] };
            assert_eq!(taken, Some(Report::Done(Answer::NotesTaken { accepted, refused: bad })));
            twins.person(PersonAction::TakeReturned).await;
        }
        twins.tell(Command::TakeNotes).await;
        let cancelled = Some(Report::Failed(Unit::Acceptor, Failure::Cancelled));
        assert_eq!(twins.tell(Command::Cancel(Unit::Acceptor)).await, cancelled);
        if stored {
            assert_eq!(twins.gets(Command::StoreNotes).await, Answer::NotesStored(vec![(20_00, 3)]));
        } else {
            assert_eq!(twins.gets(Command::ReturnNotes).await, Answer::NotesReturned);
            twins.person(PersonAction::TakeReturned).await;
        }
        let Answer::CashInStatus(status) = twins.gets(Command::CashInStatus).await else { panic!() };
        let state = if stored { CashInState::Stored } else { CashInState::Returned };
        assert_eq!((status.state, status.accepted), (state, vec![(20_00, 3)]));
    }
    assert_eq!(twins.fails(Command::StoreNotes).await, Failure::Sequence);
    assert_eq!(twins.fails(Command::ReturnNotes).await, Failure::Sequence);
    twins.gets(Command::Probe(Unit::Acceptor)).await;
    twins.spoke_properly();
}

#[tokio::test]
async fn waiting_for_a_person_can_be_cancelled() {
    let mut twins = Twins::new().await;
    for (command, unit) in [(Command::ReadCard, Unit::CardReader), (Command::EnterPin, Unit::PinPad)] {
        twins.tell(command).await;
        assert_eq!(twins.tell(Command::Cancel(unit)).await, Some(Report::Failed(unit, Failure::Cancelled)));
        twins.gets(Command::Probe(unit)).await;
    }
    // Nothing runs: nothing is said.
    assert_eq!(twins.tell(Command::Cancel(Unit::Dispenser)).await, None);
    let lines = vec!["Cashpoint".to_owned(), "Total: 120.00".to_owned()];
    assert_eq!(twins.gets(Command::Print(lines)).await, Answer::Printed);
    twins.person(PersonAction::TakeReceipt).await;
    twins.gets(Command::Probe(Unit::Printer)).await;
    twins.spoke_properly();
}

#[tokio::test]
async fn devices_that_are_killed_are_the_same_afterwards() {
    let mut twins = Twins::new().await;
    twins.gets(Command::ImportPinKey(key_block())).await;
    twins.tell(Command::ReadCard).await;
    twins.kill().await;
    let nonce = twins.nonce().await;
    twins.gets(dispense(nonce, 120_00)).await;
    twins.kill().await;
    assert_eq!(twins.present_state().await, PresentState::NotPresented);
    twins.gets(Command::Present).await;
    twins.person(PersonAction::TakeSome(1)).await;
    twins.kill().await;
    assert_eq!(twins.present_state().await, PresentState::Presented);
    twins.gets(Command::ReadCounters).await;
    twins.tell(Command::Retract).await;
    twins.gets(Command::StartCashIn).await;
    twins.tell(Command::TakeNotes).await;
    twins.person(PersonAction::InsertNotes(vec![notes(Quality::Good, 2)])).await;
    twins.kill().await;
    twins.gets(Command::CashInStatus).await;
    twins.tell(Command::ReturnNotes).await;
    twins.enters_pin().await;
    twins.gets(Command::OnlinePinBlock(pan())).await;
    twins.spoke_properly();
}

/// Card, PIN and receipt; it goes on whatever happens, as the other parts of a visit do.
async fn card_and_pad(twins: &mut Twins) {
    for end in [Command::EjectCard, Command::RetainCard] {
        twins.tell(Command::ReadCard).await;
        twins.person(card()).await;
        twins.settle().await;
        twins.tell(end).await;
        twins.settle().await;
        twins.person(PersonAction::TakeCard).await;
    }
    twins.tell(Command::ImportPinKey(key_block())).await;
    twins.settle().await;
    for command in [Command::OnlinePinBlock(pan()), Command::OfflineVerifier { pan: pan(), salt: SALT }] {
        twins.enters_pin().await;
        twins.settle().await;
        twins.tell(command).await;
        twins.settle().await;
    }
    twins.tell(Command::FetchNonce).await;
    twins.settle().await;
    twins.tell(Command::Print(vec!["Cashpoint".to_owned()])).await;
    twins.settle().await;
    twins.person(PersonAction::TakeReceipt).await;
}

async fn withdrawals(twins: &mut Twins) {
    withdrawal(twins, Some(Command::Present)).await;
    withdrawal(twins, None).await;
}

/// Without `present` the notes stay on the stacker.
async fn withdrawal(twins: &mut Twins, present: Option<Command>) {
    let told = twins.tell(Command::FetchNonce).await;
    twins.settle().await;
    let nonce = if let Some(Report::Done(Answer::Nonce(nonce))) = told { nonce } else { Nonce([0; 16]) };
    let status = Command::PresentStatus { nonce: Some(Nonce([5; 16])) };
    for command in [Command::ReadCounters, dispense(nonce, 120_00)] {
        twins.tell(command).await;
        twins.settle().await;
    }
    if let Some(present) = present {
        twins.tell(present).await;
        twins.settle().await;
    }
    twins.person(PersonAction::TakeSome(2)).await;
    twins.settle().await;
    for command in [status.clone(), Command::Retract, Command::Reject, status, Command::ReadCounters] {
        twins.tell(command).await;
        twins.settle().await;
    }
}

async fn deposits(twins: &mut Twins) {
    for end in [Command::StoreNotes, Command::ReturnNotes] {
        twins.tell(Command::StartCashIn).await;
        twins.settle().await;
        twins.tell(Command::TakeNotes).await;
        twins.person(PersonAction::InsertNotes(vec![notes(Quality::Good, 2), notes(Quality::False, 1)])).await;
        twins.settle().await;
        for command in [Command::CashInStatus, end, Command::CashInStatus] {
            twins.tell(command).await;
            twins.settle().await;
        }
        twins.person(PersonAction::TakeReturned).await;
    }
}

#[tokio::test]
async fn an_exchange_of_cassettes_means_the_same() {
    let mut twins = Twins::new().await;
    withdrawal(&mut twins, None).await;
    deposits(&mut twins).await;
    let filling = Filling { cassettes: vec![Some(40), None], emptied: [Bin::Reject, Bin::Retract].into() };
    let told = twins.tell(Command::EndExchange(filling.clone())).await;
    assert_eq!(told, Some(Report::Failed(Unit::Dispenser, Failure::Sequence)), "none is active");
    for _ in 0..2 {
        assert_eq!(twins.tell(Command::StartExchange).await, Some(Report::Done(Answer::ExchangeStarted)));
    }
    for action in [
        PersonAction::RemoveNotes(Place::RejectBin, 3),
        PersonAction::RemoveNotes(Place::DepositBin, 2),
        PersonAction::RemoveNotes(Place::Cassette(0), 98),
        PersonAction::FillCassette(0, 40),
    ] {
        twins.person(action).await;
    }
    let Some(Report::Done(Answer::Counters(before))) = twins.tell(Command::ReadCounters).await else {
        panic!("the counters can be read meanwhile");
    };
    assert_eq!((before.cassettes[0].out, before.rejected.len()), (2, 2), "nobody told the device");
    twins.tell(Command::FetchNonce).await;
    assert_eq!(twins.tell(Command::EmptyDeposits).await, Some(Report::Done(Answer::DepositsEmptied)));
    assert_eq!(twins.tell(Command::EndExchange(filling)).await, Some(Report::Done(Answer::ExchangeEnded)));
    let Some(Report::Done(Answer::Counters(after))) = twins.tell(Command::ReadCounters).await else {
        panic!("the counters can be read");
    };
    assert_eq!((after.cassettes[0].initial, after.cassettes[0].out, after.rejected.len()), (40, 0, 0));
    assert_eq!((after.cassettes[1].initial, after.cassettes[1].out), (100, 1), "it was not opened");
    assert_eq!(twins.model.acceptor().deposited(), vec![]);
    withdrawal(&mut twins, Some(Command::Present)).await;
    twins.spoke_properly();
}

/// Every fault at these steps, each on machines of its own, in a part of a visit.
async fn faults_at(steps: &[Step], part: impl AsyncFn(&mut Twins)) {
    for step in steps {
        for fault in Fault::ALL.into_iter().filter(|fault| fault.meets(*step)) {
            let mut twins = Twins::new().await;
            twins.arm(Armed::once(fault, *step)).await;
            part(&mut twins).await;
            for unit in UNITS {
                twins.tell(Command::Probe(unit)).await;
            }
            // A sensor that is wrong about a cassette stays so.
            let happened = fault == Fault::CassetteLow || twins.model.faults().armed().is_empty();
            assert!(happened, "{fault:?} at {step:?} never happened");
            twins.spoke_properly();
        }
    }
}

#[tokio::test]
async fn faults_of_card_pad_and_printer_mean_the_same() {
    use Step::{EjectCard, EnterPin, ImportKey, Nonce, PinBlock, Print, ReadCard, RetainCard};
    faults_at(&[ReadCard, EnterPin, PinBlock, ImportKey, Nonce, EjectCard, RetainCard, Print], card_and_pad).await;
}

#[tokio::test]
async fn faults_while_notes_go_out_mean_the_same() {
    use Step::{Counters, OpenShutter, Pick, Present, Stack, Take};
    faults_at(&[Counters, Pick, Stack, Present, OpenShutter, Take], withdrawals).await;
}

#[tokio::test]
async fn faults_while_notes_come_back_mean_the_same() {
    faults_at(&[Step::Retract, Step::Reject, Step::PresentStatus], withdrawals).await;
}

#[tokio::test]
async fn faults_of_a_deposit_mean_the_same() {
    use Step::{CashInStatus, ReturnNotes, StartCashIn, StoreNotes, TakeNotes};
    faults_at(&[StartCashIn, TakeNotes, StoreNotes, ReturnNotes, CashInStatus], deposits).await;
}
