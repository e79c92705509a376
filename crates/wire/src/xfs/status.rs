//! What `Common.Status` answers and `Common.StatusChangedEvent` tells: of each interface that this project uses.
//!
//! In an answer an absent property does not apply to the device; in an event it did not change.

use super::value::Entries;
use super::word::{objects, words};

words! {
    /// State of a device as a whole.
    DeviceState {
        Online "online", Offline "offline", PowerOff "powerOff", NoDevice "noDevice", HardwareError "hardwareError",
        UserError "userError", DeviceBusy "deviceBusy", FraudAttempt "fraudAttempt", PotentialFraud "potentialFraud",
        Starting "starting",
    }
    /// Whether a device stands where it should.
    DevicePosition { InPosition "inPosition", NotInPosition "notInPosition", Unknown "unknown", }
    /// What guards against fraud.
    AntiFraudModule { Ok "ok", Inoperable "inoperable", DeviceDetected "deviceDetected", Unknown "unknown", }
    /// Whether units are being exchanged.
    Exchange { Active "active", Inactive "inactive", }
    /// Whether tokens are asked for.
    EndToEndSecurityState { NotEnforced "notEnforced", NotConfigured "notConfigured", Enforced "enforced", }
    /// Where a card is.
    CardMedia {
        Unknown "unknown", Present "present", NotPresent "notPresent", Jammed "jammed", Entering "entering",
        Latched "latched",
    }
    /// State of a chip.
    ChipPowerState {
        Unknown "unknown", Online "online", Busy "busy", PoweredOff "poweredOff", NoDevice "noDevice",
        HardwareError "hardwareError", NoCard "noCard",
    }
    /// State of a security module.
    SecurityState { NotReady "notReady", Open "open", }
    /// State of a part.
    ModuleState { Ok "ok", Inoperable "inoperable", Unknown "unknown", }
    /// Whether a pad can encipher.
    EncryptionState {
        Ready "ready", NotReady "notReady", NotInitialized "notInitialized", Busy "busy", Undefined "undefined",
        Initialized "initialized",
    }
    /// State of a pad's certificate.
    CertificateState { Unknown "unknown", Primary "primary", Secondary "secondary", NotReady "notReady", }
    /// What lies on a dispenser's stacker.
    DispenserStacker {
        Empty "empty", NotEmpty "notEmpty", NotEmptyCustomer "notEmptyCustomer", NotEmptyUnknown "notEmptyUnknown",
        Unknown "unknown",
    }
    /// A shutter, in full.
    ShutterState {
        Closed "closed", Open "open", JammedOpen "jammedOpen", JammedPartiallyOpen "jammedPartiallyOpen",
        JammedClosed "jammedClosed", JammedUnknown "jammedUnknown", Unknown "unknown",
    }
    /// What lies at a position; only acceptors tell of foreign items.
    PositionState { Empty "empty", NotEmpty "notEmpty", Unknown "unknown", ForeignItems "foreignItems", }
    /// Whether a transport runs.
    TransportState { Ok "ok", Inoperative "inoperative", Unknown "unknown", }
    /// What lies in a transport.
    TransportItems {
        Empty "empty", NotEmpty "notEmpty", NotEmptyCustomer "notEmptyCustomer", Unknown "unknown",
    }
    /// What lies in an acceptor's escrow.
    AcceptorStacker { Empty "empty", NotEmpty "notEmpty", Full "full", Unknown "unknown", }
    /// Whether the customer could reach what is in escrow.
    StackerItems {
        CustomerAccess "customerAccess", NoCustomerAccess "noCustomerAccess", AccessUnknown "accessUnknown",
        NoItems "noItems",
    }
    /// How the units of a cash device are.
    UnitsState { Ok "ok", Attention "attention", Stop "stop", Unknown "unknown", }
    /// Where a printer's medium is.
    PrinterMedia {
        Unknown "unknown", Present "present", NotPresent "notPresent", Jammed "jammed", Entering "entering",
        Retracted "retracted",
    }
    /// How much paper is left.
    PaperState { Unknown "unknown", Full "full", Low "low", Out "out", Jammed "jammed", }
    /// How much toner or ink is left.
    TonerState { Unknown "unknown", Full "full", Low "low", Out "out", }
    /// State of a lamp.
    LampState { Unknown "unknown", Ok "ok", Fading "fading", Inop "inop", }
    /// Printed on one side or both.
    PaperType { Unknown "unknown", Single "single", Dual "dual", }
    /// Whether black marks are looked for.
    BlackMarkMode { Unknown "unknown", On "on", Off "off", }
}

objects! {
    /// Status of a service, by interface.
    tolerant Status {
        service "common": ServiceStatus,
        card_reader "cardReader": CardReaderStatus,
        keyboard "keyboard": KeyboardStatus,
        key_management "keyManagement": KeyManagementStatus,
        dispenser "cashDispenser": DispenserStatus,
        acceptor "cashAcceptor": AcceptorStatus,
        cash "cashManagement": CashStatus,
        printer "printer": PrinterStatus,
    }
    /// Of every service.
    tolerant ServiceStatus {
        device "device": DeviceState,
        position "devicePosition": DevicePosition,
        /// Seconds; 0: not saving power.
        power_save_recovery_s "powerSaveRecoveryTime": u32,
        anti_fraud_module "antiFraudModule": AntiFraudModule,
        exchange "exchange": Exchange,
        end_to_end_security "endToEndSecurity": EndToEndSecurityState,
        data_store "persistentDataStore": DataStoreStatus,
    }
    /// Room for data of clients.
    tolerant DataStoreStatus {
        /// KiB.
        remaining "remaining": u32,
    }
    /// Of a card reader.
    tolerant CardReaderStatus {
        media "media": CardMedia,
        security "security": SecurityState,
        chip_power "chipPower": ChipPowerState,
        chip_module "chipModule": ModuleState,
        mag_write_module "magWriteModule": ModuleState,
        front_image_module "frontImageModule": ModuleState,
        back_image_module "backImageModule": ModuleState,
    }
    /// Of a keyboard.
    tolerant KeyboardStatus { auto_beep "autoBeepMode": AutoBeepMode, }
    /// When keys beep.
    tolerant AutoBeepMode {
        active "activeAvailable": bool,
        inactive "inactiveAvailable": bool,
    }
    /// Of a key store.
    tolerant KeyManagementStatus {
        encryption "encryptionState": EncryptionState,
        certificate "certificateState": CertificateState,
    }
    /// Of a dispenser.
    tolerant DispenserStatus {
        stacker "intermediateStacker": DispenserStacker,
        positions "positions": Vec<PositionStatus>,
    }
    /// Of one opening of a cash device.
    tolerant PositionStatus {
        position "position": super::cash::Position,
        shutter "shutter": ShutterState,
        items "positionStatus": PositionState,
        transport "transport": TransportState,
        transport_items "transportStatus": TransportItems,
    }
    /// Of an acceptor.
    tolerant AcceptorStatus {
        stacker "intermediateStacker": AcceptorStacker,
        stacker_items "stackerItems": StackerItems,
        note_reader "banknoteReader": ModuleState,
        drop_box "dropBox": bool,
        positions "positions": Vec<PositionStatus>,
    }
    /// Of cash units.
    tolerant CashStatus {
        dispenser "dispenser": UnitsState,
        acceptor "acceptor": UnitsState,
    }
    /// Of a printer.
    tolerant PrinterStatus {
        media "media": PrinterMedia,
        /// By paper source, such as `upper`.
        paper "paper": Entries<PaperState>,
        toner "toner": TonerState,
        ink "ink": TonerState,
        lamp "lamp": LampState,
        media_on_stacker "mediaOnStacker": u32,
        paper_type "paperType": Entries<PaperType>,
        black_mark_mode "blackMarkMode": BlackMarkMode,
    }
}
