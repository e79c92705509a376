//! From a service's command to the hardware, and from what the hardware reports to the command's completion.

use cashpoint_core::terminal::device::{self, Failure, Unit};
use cashpoint_wire::xfs::cash::{BankNote, BankNoteTypes, CashItem};
use cashpoint_wire::xfs::envelope::{Completion, CompletionCode, Message, Request};
use cashpoint_wire::xfs::message::{Answer, Command, Event};
use cashpoint_wire::xfs::publisher::{Service, Services};
use cashpoint_wire::xfs::service::Nothing;
use cashpoint_wire::xfs::storage::StorageUnits;

use super::desk::{Begun, ConnectionId, Desk};
use super::{capability, storage};
use crate::model::{Hardware, UNITS};

/// How a command ended.
pub(super) enum End {
    /// As it should.
    Done(Answer),
    /// For a reason of its own, which the answer names.
    Error(Answer),
    /// For a reason that any command can have.
    Code(CompletionCode),
}

impl End {
    pub(super) fn of(self, request: &Request) -> Completion {
        use cashpoint_wire::xfs::word::Word as _;
        match self {
            Self::Done(answer) => Completion::done(request.id, answer),
            Self::Error(answer) => Completion::failed(request.id, answer, None),
            Self::Code(code) => Completion::ended(request.id, request.command.name().word(), code, None),
        }
    }
}

/// What any command's failure is, where the command has no word of its own for it.
pub(super) const fn general(failure: Failure) -> CompletionCode {
    match failure {
        Failure::Token => CompletionCode::InvalidToken,
        Failure::NoNonce => CompletionCode::NoCommandNonce,
        Failure::Sequence | Failure::ItemsLeft | Failure::CashInActive => CompletionCode::SequenceError,
        Failure::Cancelled => CompletionCode::Canceled,
        Failure::TimedOut => CompletionCode::TimeOut,
        Failure::Fraud => CompletionCode::FraudAttempt,
        Failure::Jam
        | Failure::ShutterStuck
        | Failure::NotPresented
        | Failure::PartlyPresented
        | Failure::Cassette
        | Failure::PaperOut
        | Failure::Hardware => CompletionCode::HardwareError,
        Failure::Nothing
        | Failure::AlreadyTaken
        | Failure::NotDispensable
        | Failure::NoPin
        | Failure::Key
        | Failure::Unreadable
        | Failure::Lost => CompletionCode::InternalError,
    }
}

type Ended = Result<device::Answer, Failure>;

impl Desk {
    /// Begins a command that was waiting in its service's queue.
    #[expect(clippy::wildcard_enum_match_arm, reason = "what is answered at once never waits in a queue")]
    pub(super) fn begin(&mut self, unit: Unit, command: &Command) -> Begun {
        match command {
            Command::ReadRawData(read) => self.begin_read(read),
            Command::MoveCard(moved) => self.begin_move(moved),
            Command::ResetReader(reset) => self.begin_reader_reset(reset),
            Command::PinEntry(entry) => self.begin_pin(entry),
            Command::DataEntry(entry) => self.begin_keys(entry),
            Command::GetPinBlock(block) => self.begin_block(block),
            Command::ImportKey(import) => self.begin_import(import),
            Command::GetCommandNonce(_) => Begun::Device(device::Command::FetchNonce),
            Command::ClearCommandNonce(_) => Begun::Device(device::Command::ClearNonce),
            Command::Denominate(denominate) => self.begin_denominate(denominate),
            Command::Dispense(dispense) => self.begin_dispense(dispense),
            Command::Present(_) => Begun::Device(device::Command::Present),
            Command::Reject(_) => Begun::Device(device::Command::Reject),
            Command::GetPresentStatus(status) => self.begin_present_status(status),
            Command::Retract(retract) => self.begin_retract(retract),
            Command::ResetCash(_) => self.begin_cash_reset(unit),
            Command::CashInStart(_) => Begun::Device(device::Command::StartCashIn),
            Command::CashIn(_) => Begun::Device(device::Command::TakeNotes),
            Command::CashInEnd(_) => Begun::Device(device::Command::StoreNotes),
            Command::CashInRollback(_) => Begun::Device(device::Command::ReturnNotes),
            Command::GetCashInStatus(_) => Begun::Device(device::Command::CashInStatus),
            Command::GetAcceptorPresentStatus(_) => self.tell_given_back(),
            Command::SetStorage(set) => self.begin_set_storage(unit, set),
            Command::StartExchange(_) => self.begin_exchange(unit),
            Command::EndExchange(_) => self.end_exchange(unit),
            Command::PrintRaw(print) => self.begin_print(print),
            Command::ControlMedia(control) => self.begin_control(control),
            Command::ResetPrinter(_) => self.begin_printer_reset(),
            _ => self.over(unit, End::Code(CompletionCode::UnsupportedCommand)),
        }
    }

    /// A command waits for a person: they are to be asked.
    #[expect(clippy::wildcard_enum_match_arm, reason = "the other commands wait for nobody")]
    pub(super) fn waits(&mut self, unit: Unit) {
        let Some(running) = self.running(unit) else { return };
        let event = match running.request.command {
            Command::ReadRawData(_) => Event::InsertCard(Nothing {}),
            Command::PinEntry(_) | Command::DataEntry(_) => Event::EnterData(Nothing {}),
            Command::CashIn(_) => Event::InsertItems(Nothing {}),
            _ => return,
        };
        self.tell(unit, event);
    }

    /// The completion of what a service is carrying out.
    #[expect(clippy::wildcard_enum_match_arm, reason = "the other commands are over when they begin")]
    pub(super) fn completion(&mut self, unit: Unit, ended: &Ended) -> Completion {
        let request = self.running(unit).expect("something is being carried out").request.clone();
        let end = match &request.command {
            Command::ReadRawData(read) => self.read_ended(read, ended),
            Command::MoveCard(_) => Self::move_ended(ended),
            Command::ResetReader(_) => Self::reader_reset_ended(ended),
            Command::PinEntry(_) => self.pin_ended(ended),
            Command::DataEntry(_) => self.keys_ended(ended),
            Command::GetPinBlock(_) => Self::block_ended(ended),
            Command::ImportKey(_) => Self::import_ended(ended),
            Command::GetCommandNonce(_) | Command::ClearCommandNonce(_) => Self::nonce_ended(ended),
            Command::Dispense(_) => self.dispense_ended(ended),
            Command::Present(_) => self.present_ended(ended),
            Command::Reject(_) => Self::reject_ended(ended),
            Command::GetPresentStatus(_) => self.present_status_ended(ended),
            Command::Retract(_) => self.retract_ended(ended),
            Command::CashInStart(_) => Self::cash_in_start_ended(ended),
            Command::CashIn(_) => self.cash_in_ended(ended),
            Command::CashInEnd(_) => self.store_ended(ended),
            Command::CashInRollback(_) => Self::rollback_ended(ended),
            Command::GetCashInStatus(_) => self.cash_in_status_ended(ended),
            Command::ControlMedia(_) => self.control_ended(ended),
            _ => End::Code(CompletionCode::InternalError),
        };
        end.of(&request)
    }

    /// Whether it was answered at once, or the line broke off instead.
    pub(super) fn answers_at_once(&mut self, unit: Unit, id: ConnectionId, request: &Request) -> bool {
        // This is how a terminal reads the dispenser's counters.
        let counters = unit == Unit::Dispenser && matches!(request.command, Command::GetStorage(_));
        if counters && let Err(reports) = self.hardware.tell_counters() {
            self.absorb_all(reports);
            return true;
        }
        let completion = self.inquiry(unit, request);
        let answered = completion.is_some();
        completion.into_iter().for_each(|completion| self.send(id, &Message::Completion(completion)));
        answered
    }

    /// What is answered at once, whatever else runs.
    #[expect(clippy::wildcard_enum_match_arm, reason = "the other commands wait for their turn")]
    fn inquiry(&mut self, unit: Unit, request: &Request) -> Option<Completion> {
        let end = match &request.command {
            Command::Status(_) => End::Done(Answer::Status(super::status::of(&self.hardware, unit))),
            Command::Capabilities(_) => {
                End::Done(Answer::Capabilities(capability::of(&self.hardware, unit, &self.quirks)))
            }
            Command::SetVersions(versions) => Self::versions_set(versions),
            Command::GetStorage(_) => {
                End::Done(Answer::GetStorage(StorageUnits { storage: Some(storage::of(&self.hardware, unit)) }))
            }
            Command::GetBankNoteTypes(_) => End::Done(Answer::GetBankNoteTypes(note_types(&self.hardware, unit))),
            Command::GetLayout(layout) => Self::layout(layout),
            Command::GetKeyDetail(detail) => self.key_detail(detail),
            Command::GetMixTypes(_) => Self::mix_types(),
            _ => return None,
        };
        Some(end.of(request))
    }

    pub(super) fn over(&mut self, unit: Unit, end: End) -> Begun {
        let running = self.running(unit).expect("it was just begun");
        Begun::Over(Box::new(end.of(&running.request)))
    }

    /// Which services the machine has.
    pub(crate) fn services(&self) -> Services {
        let service = |unit: Unit| {
            let uri = format!("ws://{}{}{}/", self.address, super::PUBLISHER_PATH, capability::name(unit));
            Service { uri: Some(uri) }
        };
        Services { vendor_name: Some("Cashpoint".to_owned()), services: Some(UNITS.into_iter().map(service).collect()) }
    }
}

fn note_types(hardware: &Hardware, unit: Unit) -> BankNoteTypes {
    let fitting = hardware.fitting();
    let denominations: Vec<i64> = match unit {
        Unit::Acceptor => fitting.accepted.clone(),
        Unit::Dispenser | Unit::CardReader | Unit::PinPad | Unit::Printer => {
            let mut all: Vec<i64> = fitting.cassettes.iter().map(|cassette| cassette.denomination).collect();
            all.sort_unstable();
            all.dedup();
            all
        }
    };
    let note = |denomination: i64| {
        let item = CashItem {
            currency: Some(fitting.currency.code().to_owned()),
            value: Some(storage::number(fitting.currency, denomination)),
            ..CashItem::default()
        };
        (storage::item_id(fitting.currency, denomination), BankNote { item: Some(item), enabled: Some(true) })
    };
    BankNoteTypes { items: Some(denominations.into_iter().map(note).collect()) }
}
