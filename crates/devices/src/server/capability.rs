//! What each service can do: its interfaces, its commands, what it says of itself.

use cashpoint_core::terminal::device::Unit;
use cashpoint_wire::xfs::capabilities::{
    AcceptorCapabilities, AcceptorPosition, Capabilities, CardReaderCapabilities, CashCapabilities, CashDeviceType,
    CashInLimits, Classifications, CryptoMethods, DeviceInformation, DispenserCapabilities, EndToEndSecurity,
    ExchangeType, Interface, InterfaceCapabilities, InterfaceName, KeyBlockFormats, KeyManagementCapabilities,
    KeyboardCapabilities, MessageVersions, OutputPositions, PinBlockAttributes, PinFormats, PinPadCapabilities,
    PositionUsage, PowerOption, PrinterCapabilities, PrinterControl, PrinterType, ReaderPositions, ReaderType,
    Required, RetractAreas, ServiceCapabilities, Spelling, Tracks,
};
use cashpoint_wire::xfs::cash::Position;
use cashpoint_wire::xfs::message::{CommandName, EventName};
use cashpoint_wire::xfs::value::Entries;
use cashpoint_wire::xfs::word::Word as _;

use super::desk::MOST_WAITING;
use super::quirk::{Quirks, StatusVersion};
use crate::model::Hardware;

/// The name of a service in its address.
pub(super) const fn name(unit: Unit) -> &'static str {
    match unit {
        Unit::CardReader => "CardReader",
        Unit::PinPad => "PinPad",
        Unit::Dispenser => "CashDispenser",
        Unit::Acceptor => "CashAcceptor",
        Unit::Printer => "Printer",
    }
}

const fn interfaces(unit: Unit) -> &'static [Interface] {
    match unit {
        Unit::CardReader => &[Interface::Common, Interface::CardReader, Interface::Storage],
        Unit::PinPad => &[Interface::Common, Interface::PinPad, Interface::Keyboard, Interface::KeyManagement],
        Unit::Dispenser => {
            &[Interface::Common, Interface::CashDispenser, Interface::CashManagement, Interface::Storage]
        }
        Unit::Acceptor => &[Interface::Common, Interface::CashAcceptor, Interface::CashManagement, Interface::Storage],
        Unit::Printer => &[Interface::Common, Interface::Printer],
    }
}

/// Whether the service has the command's interface at all.
pub(super) fn has_interface(unit: Unit, command: CommandName) -> bool {
    command.interface().is_some_and(|interface| interfaces(unit).contains(&interface))
}

/// Whether the service carries the command out.
pub(super) fn offers(unit: Unit, command: CommandName) -> bool {
    let dispenser_alone =
        matches!(command, CommandName::GetCommandNonce | CommandName::ClearCommandNonce | CommandName::Retract);
    let exchanges = matches!(unit, Unit::Dispenser | Unit::Acceptor);
    let exchange = matches!(command, CommandName::SetStorage | CommandName::StartExchange | CommandName::EndExchange);
    let nowhere = matches!(command, CommandName::Initialization | CommandName::OpenShutter | CommandName::CloseShutter);
    has_interface(unit, command)
        && !nowhere
        && (!dispenser_alone || unit == Unit::Dispenser)
        && (!exchange || exchanges)
}

/// Whether mechanics take their time with it.
pub(super) const fn moves(command: CommandName) -> bool {
    matches!(
        command,
        CommandName::ReadRawData
            | CommandName::MoveCard
            | CommandName::ResetReader
            | CommandName::Dispense
            | CommandName::Present
            | CommandName::Reject
            | CommandName::Retract
            | CommandName::ResetCash
            | CommandName::CashIn
            | CommandName::CashInEnd
            | CommandName::CashInRollback
            | CommandName::PrintRaw
            | CommandName::ControlMedia
    )
}

/// What the service says of itself.
pub(super) fn of(hardware: &Hardware, unit: Unit, quirks: &Quirks) -> Capabilities {
    let mut capabilities = Capabilities {
        interfaces: Some(interfaces(unit).iter().map(|interface| listed(unit, *interface, quirks)).collect()),
        service: Some(service(hardware, unit)),
        ..Capabilities::default()
    };
    match unit {
        Unit::CardReader => capabilities.card_reader = Some(card_reader()),
        Unit::PinPad => {
            capabilities.pin_pad = Some(pin_pad());
            capabilities.keyboard = Some(KeyboardCapabilities::default());
            let blocks = KeyBlockFormats { a: Some(false), b: Some(false), c: Some(false), d: Some(true) };
            capabilities.key_management = Some(KeyManagementCapabilities { keys: Some(4), key_blocks: Some(blocks) });
        }
        Unit::Dispenser => {
            capabilities.dispenser = Some(dispenser(hardware));
            capabilities.cash = Some(cash());
        }
        Unit::Acceptor => {
            capabilities.acceptor = Some(acceptor(hardware));
            capabilities.cash = Some(cash());
        }
        Unit::Printer => capabilities.printer = Some(printer()),
    }
    capabilities
}

fn listed(unit: Unit, interface: Interface, quirks: &Quirks) -> InterfaceCapabilities {
    let versions = |command: &CommandName| match (command, quirks.status_version) {
        (CommandName::Status | CommandName::Capabilities, StatusVersion::Three) => "3.0".to_owned(),
        (command, _) => command.version().to_string(),
    };
    let offered = |versions: String| MessageVersions { versions: Some(vec![versions]) };
    let commands = CommandName::ALL.iter().filter(|command| command.interface() == Some(interface));
    let commands = commands.filter(|command| offers(unit, **command));
    let prefix = format!("{}.", interface.word());
    let events = EventName::ALL.iter().filter(|event| event.word().starts_with(&prefix));
    InterfaceCapabilities {
        name: Some(InterfaceName { interface, spelling: Spelling::Upper }),
        commands: Some(commands.map(|command| (command.word(), offered(versions(command)))).collect()),
        events: Some(events.map(|event| (event.word(), offered(event.version().to_string()))).collect()),
        maximum_requests: u32::try_from(MOST_WAITING).ok(),
    }
}

fn service(hardware: &Hardware, unit: Unit) -> ServiceCapabilities {
    let security = EndToEndSecurity {
        required: Some(Required::Always),
        hardware_security_element: Some(false),
        response_security: Some(Required::Always),
        commands: Some(vec![CommandName::Dispense.word().to_owned()]),
        nonce_timeout_s: Some(hardware.fitting().nonce_s),
    };
    ServiceCapabilities {
        service_version: Some(env!("CARGO_PKG_VERSION").to_owned()),
        devices: Some(vec![DeviceInformation {
            model: Some(format!("Simulated{}", name(unit))),
            serial_number: Some("SIM-0001".to_owned()),
            ..DeviceInformation::default()
        }]),
        power_save_control: Some(false),
        anti_fraud_module: Some(false),
        end_to_end_security: (unit == Unit::Dispenser).then_some(security),
        ..ServiceCapabilities::default()
    }
}

fn card_reader() -> CardReaderCapabilities {
    CardReaderCapabilities {
        kind: Some(ReaderType::Motor),
        read_tracks: Some(Tracks { track1: Some(false), track2: Some(true), track3: Some(false) }),
        power_on: Some(PowerOption::Transport),
        power_off: Some(PowerOption::Transport),
        flux_sensor_programmable: Some(false),
        read_write_from_exit: Some(false),
        positions: Some(ReaderPositions { exit: Some(true), transport: Some(true) }),
        card_taken_sensor: Some(true),
        ..CardReaderCapabilities::default()
    }
}

fn pin_pad() -> PinPadCapabilities {
    let ecb = PinBlockAttributes { methods: Some(CryptoMethods { ecb: Some(true), cbc: Some(false) }) };
    let enciphering = |algorithm: &str| (algorithm.to_owned(), Entries(vec![("E".to_owned(), ecb.clone())]));
    let attributes = Entries(vec![("P0".to_owned(), Entries(vec![enciphering("A"), enciphering("T")]))]);
    PinPadCapabilities {
        formats: Some(PinFormats { iso0: Some(true), iso4: Some(true), ..PinFormats::default() }),
        idc_connect: Some(false),
        persists: Some(false),
        set_data_required: Some(false),
        attributes: Some(attributes),
    }
}

fn dispenser(hardware: &Hardware) -> DispenserCapabilities {
    DispenserCapabilities {
        kind: Some(CashDeviceType::SelfServiceBill),
        max_items: Some(hardware.fitting().most_notes),
        shutter_control: Some(true),
        retract_areas: Some(retract_alone()),
        stacker: Some(true),
        items_taken_sensor: Some(true),
        positions: Some(OutputPositions {
            left: Some(false),
            right: Some(false),
            center: Some(true),
            top: Some(false),
            bottom: Some(false),
            front: Some(false),
            rear: Some(false),
        }),
    }
}

fn retract_alone() -> RetractAreas {
    RetractAreas {
        retract: Some(true),
        transport: Some(false),
        stacker: Some(false),
        reject: Some(false),
        item_cassette: Some(false),
        cash_in: Some(false),
    }
}

fn acceptor(hardware: &Hardware) -> AcceptorCapabilities {
    let position = |position, usage| AcceptorPosition {
        position: Some(position),
        usage: Some(usage),
        shutter_control: Some(true),
        items_taken_sensor: Some(true),
        items_inserted_sensor: Some(true),
        present_control: Some(true),
        prepare_present: Some(false),
    };
    let usage = |cash_in, out| PositionUsage { cash_in: Some(cash_in), refuse: Some(out), rollback: Some(out) };
    AcceptorCapabilities {
        kind: Some(CashDeviceType::SelfServiceBill),
        max_items: Some(hardware.fitting().escrow),
        shutter: Some(true),
        shutter_control: Some(true),
        stacker: Some(hardware.fitting().escrow),
        items_taken_sensor: Some(true),
        items_inserted_sensor: Some(true),
        positions: Some(vec![
            position(Position::InCenter, usage(true, false)),
            position(Position::OutCenter, usage(false, true)),
        ]),
        limits: Some(CashInLimits { by_items: Some(false), by_amount: Some(false) }),
        ..AcceptorCapabilities::default()
    }
}

fn cash() -> CashCapabilities {
    CashCapabilities {
        cash_box: Some(false),
        exchange: Some(ExchangeType { by_hand: Some(true) }),
        classifications: Some(Classifications {
            unrecognized: Some(true),
            counterfeit: Some(false),
            suspect: Some(false),
            inked: Some(false),
            fit: Some(true),
            unfit: Some(false),
        }),
    }
}

fn printer() -> PrinterCapabilities {
    PrinterCapabilities {
        kind: Some(PrinterType { receipt: Some(true), ..PrinterType::default() }),
        control: Some(PrinterControl { eject: Some(true), cut: Some(true), ..PrinterControl::default() }),
        max_media_on_stacker: Some(0),
        paper_sources: Some(Entries(vec![("upper".to_owned(), true)])),
        media_taken: Some(true),
        media_presented: Some(true),
        auto_retract_s: Some(0),
        ..PrinterCapabilities::default()
    }
}
