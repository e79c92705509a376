//! The messages that this project writes and reads, one line each: name, version, payload.
//!
//! The versions are those of specification 2024-3. Commands and their completions are versioned apart.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::capabilities::{Capabilities, Interface};
use super::status::{ServiceStatus, Status};
use super::value::{Counts, Entries, Version};
use super::word::{Tolerant, Word, words};
use super::{acceptor, cash, dispenser, keyboard, pin_pad, printer, publisher, reader, service, storage};

/// A payload that cannot be read. Says nothing of what was in it: that may have come from a card.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Unreadable;

/// A command with the answer that belongs to it.
pub trait Call: Into<Command> {
    /// Its name.
    const NAME: CommandName;
    /// What its completion brings.
    type Answer;

    /// The answer, if it is the answer to this command.
    fn answer(answer: Answer) -> Option<Self::Answer>;
}

macro_rules! commands {
    ($( $name:ident $wire:tt ($major:tt . $minor:tt) $command:ty => ($done_major:tt . $done_minor:tt) $answer:ty, )+) => {
        words! {
            /// The name of a command.
            CommandName { $( $name $wire, )+ }
        }

        impl CommandName {
            /// The version of the command.
            #[must_use]
            pub const fn version(self) -> Version {
                match self { $( Self::$name => Version::new($major, $minor), )+ }
            }

            /// The version of its completion.
            #[must_use]
            pub const fn completion_version(self) -> Version {
                match self { $( Self::$name => Version::new($done_major, $done_minor), )+ }
            }
        }

        /// What a client asks of a service.
        #[derive(Clone, PartialEq, Eq, Debug)]
        pub enum Command { $( #[doc = concat!("`", $wire, "`.")] $name($command), )+ }

        impl Command {
            /// Which command it is.
            #[must_use]
            pub const fn name(&self) -> CommandName {
                match self { $( Self::$name(_) => CommandName::$name, )+ }
            }

            /// The payload as JSON text.
            pub(super) fn payload(&self) -> String {
                match self { $( Self::$name(payload) => text(payload), )+ }
            }

            /// Reads the payload of a command strictly; none is an empty one.
            ///
            /// # Errors
            /// [`Unreadable`]: an unknown property or word, or a value of the wrong type.
            pub fn read(name: CommandName, payload: Option<&str>) -> Result<Self, Unreadable> {
                match name { $( CommandName::$name => strict(payload).map(Self::$name), )+ }
            }
        }

        /// What a completion brings.
        #[derive(Clone, PartialEq, Eq, Debug)]
        #[expect(clippy::large_enum_variant, reason = "there is one at a time, and it is not copied about")]
        pub enum Answer { $( #[doc = concat!("Of `", $wire, "`.")] $name($answer), )+ }

        impl Answer {
            /// Of which command it is.
            #[must_use]
            pub const fn name(&self) -> CommandName {
                match self { $( Self::$name(_) => CommandName::$name, )+ }
            }

            /// The payload as JSON text.
            pub(super) fn payload(&self) -> String {
                match self { $( Self::$name(payload) => text(payload), )+ }
            }

            /// Reads the payload of a completion tolerantly; none is an empty one.
            ///
            /// # Errors
            /// [`Unreadable`]: a value of the wrong type.
            pub fn read(name: CommandName, payload: Option<&str>) -> Result<Self, Unreadable> {
                match name { $( CommandName::$name => tolerant(payload).map(Self::$name), )+ }
            }

            /// An answer without anything in it, as it belongs to a failure.
            #[must_use]
            pub fn empty(name: CommandName) -> Self {
                match name { $( CommandName::$name => Self::$name(<$answer>::default()), )+ }
            }
        }

        $(
            impl From<$command> for Command {
                fn from(command: $command) -> Self {
                    Self::$name(command)
                }
            }

            impl Call for $command {
                const NAME: CommandName = CommandName::$name;
                type Answer = $answer;

                fn answer(answer: Answer) -> Option<$answer> {
                    if let Answer::$name(answer) = answer { Some(answer) } else { None }
                }
            }
        )+
    };
}

macro_rules! events {
    ($( $name:ident $wire:tt $kind:ident ($major:tt . $minor:tt) $payload:ty, )+) => {
        words! {
            /// The name of an event.
            EventName { $( $name $wire, )+ }
        }

        impl EventName {
            /// The version of the event.
            #[must_use]
            pub const fn version(self) -> Version {
                match self { $( Self::$name => Version::new($major, $minor), )+ }
            }

            /// Whether it belongs to a command.
            #[must_use]
            pub const fn kind(self) -> EventKind {
                match self { $( Self::$name => EventKind::$kind, )+ }
            }
        }

        /// What a service tells.
        #[derive(Clone, PartialEq, Eq, Debug)]
        pub enum Event { $( #[doc = concat!("`", $wire, "`.")] $name($payload), )+ }

        impl Event {
            /// Which event it is.
            #[must_use]
            pub const fn name(&self) -> EventName {
                match self { $( Self::$name(_) => EventName::$name, )+ }
            }

            /// The payload as JSON text.
            pub(super) fn payload(&self) -> String {
                match self { $( Self::$name(payload) => text(payload), )+ }
            }

            /// Reads the payload of an event tolerantly; none is an empty one.
            ///
            /// # Errors
            /// [`Unreadable`]: a value of the wrong type.
            pub fn read(name: EventName, payload: Option<&str>) -> Result<Self, Unreadable> {
                match name { $( EventName::$name => tolerant(payload).map(Self::$name), )+ }
            }
        }
    };
}

/// Whether an event belongs to a command.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum EventKind {
    /// To the command with the same request id.
    Solicited,
    /// It goes to every connection of the service.
    Unsolicited,
}

impl CommandName {
    /// Whether a device of this project understands a version of the command. The sources disagree about the version of
    /// two commands; both are understood.
    #[must_use]
    pub fn understands(self, version: Version) -> bool {
        let disputed = matches!(self, Self::Status | Self::Capabilities) && version == Version::new(3, 0);
        version == self.version() || disputed
    }

    /// The interface that the command belongs to; none for the publisher, which is not an interface of a service.
    #[must_use]
    pub fn interface(self) -> Option<Interface> {
        let (interface, _) = self.word().split_once('.')?;
        Interface::read(interface)
    }
}

fn text(payload: &impl Serialize) -> String {
    serde_json::to_string(payload).expect("payloads are strings, numbers, lists and objects of them")
}

fn strict<T: DeserializeOwned>(payload: Option<&str>) -> Result<T, Unreadable> {
    serde_json::from_str(object(payload)?).map_err(|_| Unreadable)
}

/// A payload is an object; serde would take a list for one as well.
fn object(payload: Option<&str>) -> Result<&str, Unreadable> {
    let text = payload.unwrap_or("{}");
    if text.trim_start().starts_with('{') { Ok(text) } else { Err(Unreadable) }
}

fn tolerant<T: Tolerant + Default>(payload: Option<&str>) -> Result<T, Unreadable> {
    let mut reader = serde_json::Deserializer::from_str(object(payload)?);
    let value = T::tolerant(&mut reader).map_err(|_| Unreadable)?;
    reader.end().map_err(|_| Unreadable)?;
    Ok(value.unwrap_or_default())
}

commands! {
    GetServices "ServicePublisher.GetServices" (2 . 0) publisher::GetServices => (2 . 0) publisher::Services,

    Status "Common.Status" (2 . 0) service::GetStatus => (3 . 0) Status,
    Capabilities "Common.Capabilities" (2 . 0) service::GetCapabilities => (3 . 0) Capabilities,
    SetVersions "Common.SetVersions" (2 . 0) service::SetVersions => (2 . 0) service::Nothing,
    Cancel "Common.Cancel" (2 . 0) service::Cancel => (2 . 0) service::Cancelled,
    GetCommandNonce "Common.GetCommandNonce" (2 . 0) service::GetCommandNonce => (2 . 0) service::CommandNonce,
    ClearCommandNonce "Common.ClearCommandNonce" (2 . 0) service::ClearCommandNonce => (2 . 0) service::Nothing,

    ReadRawData "CardReader.ReadRawData" (2 . 0) reader::ReadRawData => (3 . 0) reader::RawData,
    MoveCard "CardReader.Move" (2 . 0) reader::Move => (2 . 0) reader::Moved,
    ResetReader "CardReader.Reset" (2 . 0) reader::Reset => (2 . 0) reader::ResetDone,

    PinEntry "Keyboard.PinEntry" (2 . 0) keyboard::PinEntry => (2 . 0) keyboard::PinEntered,
    DataEntry "Keyboard.DataEntry" (2 . 0) keyboard::DataEntry => (2 . 0) keyboard::DataEntered,
    GetLayout "Keyboard.GetLayout" (2 . 0) keyboard::GetLayout => (3 . 0) keyboard::LayoutAnswer,

    GetPinBlock "PinPad.GetPinBlock" (2 . 0) pin_pad::GetPinBlock => (3 . 0) pin_pad::PinBlockMade,

    ImportKey "KeyManagement.ImportKey" (3 . 0) pin_pad::ImportKey => (3 . 0) pin_pad::KeyImported,
    GetKeyDetail "KeyManagement.GetKeyDetail" (2 . 0) pin_pad::GetKeyDetail => (2 . 0) pin_pad::KeyDetails,
    Initialization "KeyManagement.Initialization" (3 . 0) pin_pad::Initialization
        => (2 . 0) pin_pad::InitializationDone,

    GetMixTypes "CashDispenser.GetMixTypes" (2 . 0) dispenser::GetMixTypes => (2 . 0) dispenser::MixTypes,
    Denominate "CashDispenser.Denominate" (3 . 0) dispenser::Denominate => (3 . 0) dispenser::Denominated,
    Dispense "CashDispenser.Dispense" (3 . 0) dispenser::Dispense => (3 . 0) dispenser::Dispensed,
    Present "CashDispenser.Present" (2 . 0) dispenser::Present => (2 . 0) dispenser::Presented,
    Reject "CashDispenser.Reject" (2 . 0) dispenser::Reject => (2 . 0) dispenser::Rejected,
    GetPresentStatus "CashDispenser.GetPresentStatus" (2 . 0) dispenser::GetPresentStatus
        => (3 . 0) dispenser::PresentStatus,

    Retract "CashManagement.Retract" (2 . 0) cash::Retract => (2 . 0) cash::Retracted,
    ResetCash "CashManagement.Reset" (2 . 0) cash::Reset => (2 . 0) cash::ResetDone,
    OpenShutter "CashManagement.OpenShutter" (2 . 0) cash::OpenShutter => (2 . 0) cash::ShutterOpened,
    CloseShutter "CashManagement.CloseShutter" (2 . 0) cash::CloseShutter => (2 . 0) cash::ShutterClosed,
    GetBankNoteTypes "CashManagement.GetBankNoteTypes" (2 . 0) cash::GetBankNoteTypes => (2 . 0) cash::BankNoteTypes,

    CashInStart "CashAcceptor.CashInStart" (2 . 0) acceptor::CashInStart => (2 . 0) acceptor::CashInStarted,
    CashIn "CashAcceptor.CashIn" (2 . 0) acceptor::CashIn => (2 . 0) acceptor::CashInTaken,
    CashInEnd "CashAcceptor.CashInEnd" (2 . 0) acceptor::CashInEnd => (2 . 0) acceptor::CashInEnded,
    CashInRollback "CashAcceptor.CashInRollback" (2 . 0) acceptor::CashInRollback
        => (2 . 0) acceptor::CashInRolledBack,
    GetCashInStatus "CashAcceptor.GetCashInStatus" (2 . 0) acceptor::GetCashInStatus
        => (2 . 0) acceptor::CashInStatus,
    GetAcceptorPresentStatus "CashAcceptor.GetPresentStatus" (2 . 0) acceptor::GetAcceptorPresentStatus
        => (2 . 0) acceptor::AcceptorPresentStatus,

    GetStorage "Storage.GetStorage" (2 . 0) storage::GetStorage => (2 . 1) storage::StorageUnits,
    SetStorage "Storage.SetStorage" (2 . 1) storage::SetStorage => (2 . 0) storage::StorageSet,
    StartExchange "Storage.StartExchange" (2 . 0) storage::StartExchange => (2 . 0) storage::ExchangeStarted,
    EndExchange "Storage.EndExchange" (2 . 0) storage::EndExchange => (2 . 0) storage::ExchangeEnded,

    PrintRaw "Printer.PrintRaw" (3 . 0) printer::PrintRaw => (3 . 0) printer::RawPrinted,
    ControlMedia "Printer.ControlMedia" (3 . 0) printer::ControlMedia => (2 . 0) printer::MediaControlled,
    ResetPrinter "Printer.Reset" (3 . 0) printer::Reset => (2 . 0) printer::ResetDone,
}

events! {
    ServiceDetail "ServicePublisher.ServiceDetailEvent" Solicited (2 . 0) publisher::Services,

    StatusChanged "Common.StatusChangedEvent" Unsolicited (3 . 0) Status,
    Error "Common.ErrorEvent" Unsolicited (2 . 0) service::ErrorEvent,
    NonceCleared "Common.NonceClearedEvent" Unsolicited (2 . 0) service::NonceCleared,

    InsertCard "CardReader.InsertCardEvent" Solicited (2 . 0) service::Nothing,
    CardInserted "CardReader.MediaInsertedEvent" Solicited (2 . 0) service::Nothing,
    InvalidMedia "CardReader.InvalidMediaEvent" Solicited (2 . 0) service::Nothing,
    TrackDetected "CardReader.TrackDetectedEvent" Solicited (2 . 0) reader::TrackDetected,
    CardRemoved "CardReader.MediaRemovedEvent" Unsolicited (2 . 0) service::Nothing,
    CardAction "CardReader.CardActionEvent" Unsolicited (2 . 0) reader::CardAction,
    CardDetected "CardReader.MediaDetectedEvent" Unsolicited (2 . 0) reader::MediaDetected,

    EnterData "Keyboard.EnterDataEvent" Solicited (2 . 0) service::Nothing,
    Key "Keyboard.KeyEvent" Solicited (2 . 0) keyboard::KeyPressed,
    Layout "Keyboard.LayoutEvent" Solicited (3 . 0) keyboard::Layout,

    Initialized "KeyManagement.InitializedEvent" Unsolicited (2 . 0) service::Nothing,
    IllegalKeyAccess "KeyManagement.IllegalKeyAccessEvent" Unsolicited (3 . 0) pin_pad::IllegalKeyAccess,
    DukptKsn "KeyManagement.DUKPTKSNEvent" Solicited (3 . 0) pin_pad::DukptKsn,

    DelayedDispense "CashDispenser.DelayedDispenseEvent" Solicited (2 . 0) dispenser::DelayedDispense,
    StartDispense "CashDispenser.StartDispenseEvent" Solicited (2 . 0) service::Nothing,
    IncompleteDispense "CashDispenser.IncompleteDispenseEvent" Solicited (3 . 0) dispenser::Denomination,

    ItemsPresented "CashManagement.ItemsPresentedEvent" Unsolicited (2 . 0) cash::PositionInfo,
    ItemsTaken "CashManagement.ItemsTakenEvent" Unsolicited (2 . 0) cash::PositionInfo,
    ItemsInserted "CashManagement.ItemsInsertedEvent" Unsolicited (2 . 0) cash::ItemsInserted,
    ShutterChanged "CashManagement.ShutterStatusChangedEvent" Unsolicited (2 . 0) cash::ShutterChanged,
    CashDetected "CashManagement.MediaDetectedEvent" Unsolicited (2 . 0) cash::MediaDetected,
    NoteError "CashManagement.NoteErrorEvent" Solicited (2 . 0) cash::NoteError,
    InfoAvailable "CashManagement.InfoAvailableEvent" Solicited (2 . 0) cash::InfoAvailable,
    IncompleteRetract "CashManagement.IncompleteRetractEvent" Solicited (2 . 0) cash::IncompleteRetract,

    InsertItems "CashAcceptor.InsertItemsEvent" Solicited (2 . 0) service::Nothing,
    SubCashIn "CashAcceptor.SubCashInEvent" Solicited (2 . 0) Counts,
    InputRefused "CashAcceptor.InputRefuseEvent" Solicited (2 . 0) acceptor::InputRefused,

    StorageChanged "Storage.StorageChangedEvent" Unsolicited (2 . 1) Entries<storage::StorageUnit>,
    StorageThreshold "Storage.StorageThresholdEvent" Unsolicited (2 . 1) Entries<storage::StorageUnit>,
    CountsChanged "Storage.CountsChangedEvent" Unsolicited (2 . 0) Entries<storage::StorageUnit>,
    StorageError "Storage.StorageErrorEvent" Solicited (2 . 1) storage::StorageError,

    MediaPresented "Printer.MediaPresentedEvent" Solicited (2 . 0) printer::MediaPresented,
    MediaPresentedLate "Printer.MediaPresentedUnsolicitedEvent" Unsolicited (2 . 0) printer::MediaPresented,
    MediaTaken "Printer.MediaTakenEvent" Unsolicited (2 . 0) service::Nothing,
    PaperThreshold "Printer.PaperThresholdEvent" Unsolicited (2 . 0) printer::PaperThreshold,
    TonerThreshold "Printer.TonerThresholdEvent" Unsolicited (2 . 0) printer::TonerThreshold,
}

impl Status {
    /// What is told of the device as a whole, if anything.
    #[must_use]
    pub fn device(&self) -> Option<super::status::DeviceState> {
        self.service.as_ref().and_then(|service: &ServiceStatus| service.device)
    }
}
