//! What `Common.Capabilities` answers: of each interface that this project uses.

use std::borrow::Cow;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::cash::Position;
use super::value::{Entries, Version};
use super::word::{Tolerant, Word, objects, words};

words! {
    /// An interface that a service may have.
    Interface {
        Common "Common", CardReader "CardReader", CashAcceptor "CashAcceptor", CashDispenser "CashDispenser",
        CashManagement "CashManagement", PinPad "PinPad", Crypto "Crypto", KeyManagement "KeyManagement",
        Keyboard "Keyboard", TextTerminal "TextTerminal", Printer "Printer", BarcodeReader "BarcodeReader",
        Camera "Camera", Lights "Lights", Auxiliaries "Auxiliaries", VendorMode "VendorMode",
        VendorApplication "VendorApplication", Storage "Storage", Biometric "Biometric", Check "Check",
        MixedMedia "MixedMedia", Deposit "Deposit", German "German",
        BanknoteNeutralization "BanknoteNeutralization", PowerManagement "PowerManagement",
    }
    /// When tokens are asked for, or answers signed.
    Required { IfConfigured "ifConfigured", Always "always", }
    /// How a reader takes cards.
    ReaderType {
        Motor "motor", Swipe "swipe", Dip "dip", LatchedDip "latchedDip", Contactless "contactless",
        IntelligentContactless "intelligentContactless", Permanent "permanent",
    }
    /// What happens to a card when power comes or goes.
    PowerOption { Exit "exit", Retain "retain", ExitThenRetain "exitThenRetain", Transport "transport", }
    /// What a cash device is for.
    CashDeviceType {
        TellerBill "tellerBill", SelfServiceBill "selfServiceBill", TellerCoin "tellerCoin",
        SelfServiceCoin "selfServiceCoin",
    }
}

/// How a service spells the names of interfaces.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Spelling {
    /// `CardReader`, as in the names of messages.
    Upper,
    /// `cardReader`.
    Lower,
}

/// The name of an interface, read in either spelling, and the same in either.
#[derive(Clone, Copy, Debug)]
pub struct InterfaceName {
    /// Which.
    pub interface: Interface,
    /// How it is, or is to be, written.
    pub spelling: Spelling,
}

impl PartialEq for InterfaceName {
    fn eq(&self, other: &Self) -> bool {
        self.interface == other.interface
    }
}

impl Eq for InterfaceName {}

impl InterfaceName {
    fn read(text: &str) -> Option<Self> {
        let interface = Interface::ALL.iter().copied().find(|known| known.word().eq_ignore_ascii_case(text))?;
        let spelling = if text == interface.word() { Spelling::Upper } else { Spelling::Lower };
        Some(Self { interface, spelling })
    }
}

impl Serialize for InterfaceName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let word = self.interface.word();
        match self.spelling {
            Spelling::Upper => serializer.serialize_str(word),
            Spelling::Lower => serializer.collect_str(&format_args!("{}{}", word[..1].to_lowercase(), &word[1..])),
        }
    }
}

impl<'de> Deserialize<'de> for InterfaceName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<str>::deserialize(deserializer)?;
        Self::read(&text).ok_or_else(|| serde::de::Error::custom("no interface"))
    }
}

impl Tolerant for InterfaceName {
    fn tolerant<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Self>, D::Error> {
        let text = Option::<Cow<str>>::deserialize(deserializer)?;
        Ok(text.and_then(|text| Self::read(&text)))
    }
}

objects! {
    /// What a service can do, by interface.
    tolerant Capabilities {
        interfaces "interfaces": Vec<InterfaceCapabilities>,
        service "common": ServiceCapabilities,
        card_reader "cardReader": CardReaderCapabilities,
        acceptor "cashAcceptor": AcceptorCapabilities,
        dispenser "cashDispenser": DispenserCapabilities,
        cash "cashManagement": CashCapabilities,
        pin_pad "pinPad": PinPadCapabilities,
        key_management "keyManagement": KeyManagementCapabilities,
        keyboard "keyboard": KeyboardCapabilities,
        printer "printer": PrinterCapabilities,
    }
    /// One interface and the versions of its messages.
    tolerant InterfaceCapabilities {
        name "name": InterfaceName,
        /// By the whole name of the command.
        commands "commands": Entries<MessageVersions>,
        /// By the whole name of the event.
        events "events": Entries<MessageVersions>,
        /// Requests that may wait; 0: no limit.
        maximum_requests "maximumRequests": u32,
    }
    /// Versions of one message.
    tolerant MessageVersions {
        /// One for each major version.
        versions "versions": Vec<String>,
    }
    /// Of every service.
    tolerant ServiceCapabilities {
        service_version "serviceVersion": String,
        devices "deviceInformation": Vec<DeviceInformation>,
        power_save_control "powerSaveControl": bool,
        anti_fraud_module "antiFraudModule": bool,
        end_to_end_security "endToEndSecurity": EndToEndSecurity,
        data_store "persistentDataStore": DataStoreCapabilities,
    }
    /// A piece of hardware.
    tolerant DeviceInformation {
        model "modelName": String,
        serial_number "serialNumber": String,
        revision "revisionNumber": String,
        description "modelDescription": String,
        firmware "firmware": Vec<Firmware>,
        software "software": Vec<Software>,
    }
    /// A piece of firmware.
    tolerant Firmware {
        name "firmwareName": String,
        version "firmwareVersion": String,
        hardware_revision "hardwareRevision": String,
    }
    /// A piece of software.
    tolerant Software {
        name "softwareName": String,
        version "softwareVersion": String,
    }
    /// Which commands need a token.
    tolerant EndToEndSecurity {
        required "required": Required,
        hardware_security_element "hardwareSecurityElement": bool,
        response_security "responseSecurityEnabled": Required,
        commands "commands": Vec<String>,
        /// Seconds; 0: it stays.
        nonce_timeout_s "commandNonceTimeout": u32,
    }
    /// Room for data of clients.
    tolerant DataStoreCapabilities {
        /// KiB.
        capacity "capacity": u32,
    }
    /// Of a card reader.
    tolerant CardReaderCapabilities {
        kind "type": ReaderType,
        read_tracks "readTracks": Tracks,
        write_tracks "writeTracks": Tracks,
        chip_protocols "chipProtocols": ChipProtocols,
        power_on "powerOnOption": PowerOption,
        power_off "powerOffOption": PowerOption,
        flux_sensor_programmable "fluxSensorProgrammable": bool,
        read_write_from_exit "readWriteAccessFromExit": bool,
        chip_power "chipPower": ChipPower,
        positions "positions": ReaderPositions,
        card_taken_sensor "cardTakenSensor": bool,
    }
    /// Magnetic tracks.
    tolerant Tracks {
        track1 "track1": bool,
        track2 "track2": bool,
        track3 "track3": bool,
    }
    /// How chips are spoken to.
    tolerant ChipProtocols {
        t0 "chipT0": bool,
        t1 "chipT1": bool,
        not_required "chipProtocolNotRequired": bool,
    }
    /// How chips are switched.
    tolerant ChipPower {
        cold "cold": bool,
        warm "warm": bool,
        off "off": bool,
    }
    /// Where a reader can hold a card.
    tolerant ReaderPositions {
        exit "exit": bool,
        transport "transport": bool,
    }
    /// Of a dispenser.
    tolerant DispenserCapabilities {
        kind "type": CashDeviceType,
        /// Notes at once.
        max_items "maxDispenseItems": u32,
        /// The service itself moves the shutter.
        shutter_control "shutterControl": bool,
        retract_areas "retractAreas": RetractAreas,
        stacker "intermediateStacker": bool,
        items_taken_sensor "itemsTakenSensor": bool,
        positions "positions": OutputPositions,
    }
    /// Where notes can be retracted to.
    tolerant RetractAreas {
        retract "retract": bool,
        transport "transport": bool,
        stacker "stacker": bool,
        reject "reject": bool,
        item_cassette "itemCassette": bool,
        cash_in "cashIn": bool,
    }
    /// Openings of a dispenser.
    tolerant OutputPositions {
        left "left": bool,
        right "right": bool,
        center "center": bool,
        top "top": bool,
        bottom "bottom": bool,
        front "front": bool,
        rear "rear": bool,
    }
    /// Of an acceptor.
    tolerant AcceptorCapabilities {
        kind "type": CashDeviceType,
        /// Notes at once.
        max_items "maxCashInItems": u32,
        shutter "shutter": bool,
        /// The service itself moves the shutter.
        shutter_control "shutterControl": bool,
        /// Notes that the escrow holds. Absent: there is none, and no deposit can be given back.
        stacker "intermediateStacker": u32,
        items_taken_sensor "itemsTakenSensor": bool,
        items_inserted_sensor "itemsInsertedSensor": bool,
        positions "positions": Vec<AcceptorPosition>,
        retract_areas "retractAreas": RetractAreas,
        limits "cashInLimit": CashInLimits,
    }
    /// One opening of an acceptor.
    tolerant AcceptorPosition {
        position "position": Position,
        usage "usage": PositionUsage,
        shutter_control "shutterControl": bool,
        items_taken_sensor "itemsTakenSensor": bool,
        items_inserted_sensor "itemsInsertedSensor": bool,
        present_control "presentControl": bool,
        prepare_present "preparePresent": bool,
    }
    /// What an opening is for.
    tolerant PositionUsage {
        cash_in "in": bool,
        refuse "refuse": bool,
        rollback "rollback": bool,
    }
    /// What a deposit can be limited by.
    tolerant CashInLimits {
        by_items "byTotalItems": bool,
        by_amount "byAmount": bool,
    }
    /// Of cash units.
    tolerant CashCapabilities {
        cash_box "cashBox": bool,
        exchange "exchangeType": ExchangeType,
        classifications "classifications": Classifications,
    }
    /// How units are exchanged.
    tolerant ExchangeType { by_hand "byHand": bool, }
    /// What notes are sorted into.
    tolerant Classifications {
        unrecognized "unrecognized": bool,
        counterfeit "counterfeit": bool,
        suspect "suspect": bool,
        inked "inked": bool,
        fit "fit": bool,
        unfit "unfit": bool,
    }
    /// Of a PIN pad.
    tolerant PinPadCapabilities {
        formats "pinFormats": PinFormats,
        idc_connect "idcConnect": bool,
        persists "pinCanPersistAfterUse": bool,
        set_data_required "setPinblockDataRequired": bool,
        /// By key usage, algorithm and mode of use.
        attributes "pinBlockAttributes": Entries<Entries<Entries<PinBlockAttributes>>>,
    }
    /// Formats of PIN blocks.
    tolerant PinFormats {
        ibm3624 "ibm3624": bool,
        ansi "ansi": bool,
        iso0 "iso0": bool,
        iso1 "iso1": bool,
        iso3 "iso3": bool,
        iso4 "iso4": bool,
    }
    /// How a PIN block can be enciphered.
    tolerant PinBlockAttributes { methods "cryptoMethod": CryptoMethods, }
    /// Modes of enciphering.
    tolerant CryptoMethods {
        ecb "ecb": bool,
        cbc "cbc": bool,
    }
    /// Of a key store.
    tolerant KeyManagementCapabilities {
        /// Keys that fit.
        keys "keyNum": u32,
        key_blocks "keyBlockImportFormats": KeyBlockFormats,
    }
    /// Versions of TR-31 key blocks.
    tolerant KeyBlockFormats {
        a "A": bool,
        b "B": bool,
        c "C": bool,
        d "D": bool,
    }
    /// Of a keyboard.
    tolerant KeyboardCapabilities { auto_beep "autoBeep": AutoBeep, }
    /// When keys can beep.
    tolerant AutoBeep {
        active_available "activeAvailable": bool,
        active_selectable "activeSelectable": bool,
        inactive_available "inactiveAvailable": bool,
        inactive_selectable "inactiveSelectable": bool,
    }
    /// Of a printer.
    tolerant PrinterCapabilities {
        kind "type": PrinterType,
        control "control": PrinterControl,
        max_media_on_stacker "maxMediaOnStacker": u32,
        /// By paper source.
        paper_sources "paperSources": Entries<bool>,
        media_taken "mediaTaken": bool,
        media_presented "mediaPresented": bool,
        /// Seconds; 0: never.
        auto_retract_s "autoRetractPeriod": u32,
        os_printer "osPrinter": String,
    }
    /// What is printed.
    tolerant PrinterType {
        receipt "receipt": bool,
        passbook "passbook": bool,
        journal "journal": bool,
        document "document": bool,
        scanner "scanner": bool,
    }
    /// What a printer does with its medium.
    tolerant PrinterControl {
        eject "eject": bool,
        perforate "perforate": bool,
        cut "cut": bool,
        skip "skip": bool,
        flush "flush": bool,
        retract "retract": bool,
        stack "stack": bool,
        partial_cut "partialCut": bool,
        alarm "alarm": bool,
        clear_buffer "clearBuffer": bool,
    }
}

impl Capabilities {
    /// Whether the service has an interface.
    #[must_use]
    pub fn has(&self, interface: Interface) -> bool {
        self.interface(interface).is_some()
    }

    /// The versions that the service offers of a command; none that can be read: empty.
    #[must_use]
    pub fn versions(&self, interface: Interface, command: &str) -> Vec<Version> {
        let commands = self.interface(interface).and_then(|listed| listed.commands.as_ref());
        let versions = commands.and_then(|commands| commands.of(command)).and_then(|listed| listed.versions.as_ref());
        versions.into_iter().flatten().filter_map(|version| version.parse().ok()).collect()
    }

    fn interface(&self, interface: Interface) -> Option<&InterfaceCapabilities> {
        let named = |listed: &&InterfaceCapabilities| listed.name.is_some_and(|name| name.interface == interface);
        self.interfaces.iter().flatten().find(named)
    }
}
