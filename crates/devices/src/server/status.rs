//! What `Common.Status` tells of each service, and what changed of it.

use cashpoint_core::terminal::device::{Unit, Usable, Way};
use cashpoint_wire::xfs::cash::Position;
use cashpoint_wire::xfs::status::{
    AcceptorStacker, AcceptorStatus, CardMedia, CardReaderStatus, CashStatus, CertificateState, DevicePosition,
    DeviceState, DispenserStacker, DispenserStatus, EncryptionState, EndToEndSecurityState, Exchange as XfsExchange,
    KeyManagementStatus, KeyboardStatus, ModuleState, PaperState, PositionState, PositionStatus, PrinterMedia,
    PrinterStatus, ServiceStatus, ShutterState, StackerItems, Status, TransportItems, TransportState, UnitsState,
};
use cashpoint_wire::xfs::value::Entries;
use serde_json::Value;

use crate::model::{CardSlot, Exchange, Hardware, Paper, Place, Shutter};

/// The whole status of a service.
pub(super) fn of(hardware: &Hardware, unit: Unit) -> Status {
    let mut status = Status { service: Some(service(hardware, unit)), ..Status::default() };
    match unit {
        Unit::CardReader => status.card_reader = Some(card_reader(hardware)),
        Unit::PinPad => {
            let encryption =
                if hardware.pad().has_pin_key() { EncryptionState::Ready } else { EncryptionState::Initialized };
            status.keyboard = Some(KeyboardStatus::default());
            status.key_management = Some(KeyManagementStatus {
                encryption: Some(encryption),
                certificate: Some(CertificateState::NotReady),
            });
        }
        Unit::Dispenser => {
            status.dispenser = Some(dispenser(hardware));
            status.cash = Some(CashStatus { dispenser: Some(cassettes(hardware)), acceptor: None });
        }
        Unit::Acceptor => {
            status.acceptor = Some(acceptor(hardware));
            let state = if hardware.acceptor().is_stuck() { UnitsState::Stop } else { UnitsState::Ok };
            status.cash = Some(CashStatus { dispenser: None, acceptor: Some(state) });
        }
        Unit::Printer => status.printer = Some(printer(hardware)),
    }
    status
}

fn service(hardware: &Hardware, unit: Unit) -> ServiceStatus {
    let stuck = match unit {
        Unit::CardReader => hardware.card_reader().slot() == CardSlot::Stuck,
        Unit::Dispenser => hardware.dispenser().is_stuck(),
        Unit::Acceptor => hardware.acceptor().is_stuck(),
        Unit::PinPad | Unit::Printer => false,
    };
    let exchange = match hardware.exchange(unit) {
        Exchange::Active => XfsExchange::Active,
        Exchange::Inactive => XfsExchange::Inactive,
    };
    let dispenser = unit == Unit::Dispenser;
    let exchanges = matches!(unit, Unit::Dispenser | Unit::Acceptor);
    ServiceStatus {
        device: Some(if stuck { DeviceState::HardwareError } else { DeviceState::Online }),
        position: Some(DevicePosition::InPosition),
        exchange: exchanges.then_some(exchange),
        end_to_end_security: dispenser.then_some(EndToEndSecurityState::Enforced),
        ..ServiceStatus::default()
    }
}

fn card_reader(hardware: &Hardware) -> CardReaderStatus {
    let media = match hardware.card_reader().slot() {
        CardSlot::Empty => CardMedia::NotPresent,
        CardSlot::Inside => CardMedia::Present,
        CardSlot::Exit => CardMedia::Entering,
        CardSlot::Stuck => CardMedia::Jammed,
    };
    CardReaderStatus { media: Some(media), ..CardReaderStatus::default() }
}

fn dispenser(hardware: &Hardware) -> DispenserStatus {
    let way = hardware.way();
    let lies = |place| !hardware.census().at(place).is_empty();
    let stacker = match way {
        Way::Unknown if hardware.dispenser().is_stuck() => DispenserStacker::Unknown,
        Way::Unknown => DispenserStacker::NotEmptyUnknown,
        Way::Clear | Way::Inside | Way::Reachable if lies(Place::Stacker) => DispenserStacker::NotEmpty,
        Way::Clear | Way::Inside | Way::Reachable => DispenserStacker::Empty,
    };
    let (items, transport_items) = match way {
        Way::Unknown => (PositionState::Unknown, TransportItems::Unknown),
        Way::Reachable => (PositionState::NotEmpty, TransportItems::Empty),
        Way::Inside if lies(Place::Transport) => (PositionState::Empty, TransportItems::NotEmpty),
        Way::Clear | Way::Inside => (PositionState::Empty, TransportItems::Empty),
    };
    let stuck = hardware.dispenser().is_stuck();
    DispenserStatus {
        stacker: Some(stacker),
        positions: Some(vec![PositionStatus {
            position: Some(Position::OutCenter),
            shutter: Some(match hardware.dispenser().shutter() {
                Shutter::Closed => ShutterState::Closed,
                Shutter::Open => ShutterState::Open,
            }),
            items: Some(items),
            transport: Some(if stuck { TransportState::Inoperative } else { TransportState::Ok }),
            transport_items: Some(transport_items),
        }]),
    }
}

fn cassettes(hardware: &Hardware) -> UnitsState {
    let cassettes = hardware.dispenser().cassettes().len();
    let usable: Vec<Usable> = (0..cassettes).map(|position| hardware.usable(position)).collect();
    let gives = |usable: &Usable| matches!(usable, Usable::Yes | Usable::Low);
    match () {
        () if hardware.way() == Way::Unknown => UnitsState::Unknown,
        () if !usable.iter().any(gives) => UnitsState::Stop,
        () if usable.iter().any(|usable| *usable != Usable::Yes) => UnitsState::Attention,
        () => UnitsState::Ok,
    }
}

fn acceptor(hardware: &Hardware) -> AcceptorStatus {
    let lies = |place| !hardware.census().at(place).is_empty();
    let stuck = hardware.acceptor().is_stuck();
    let (stacker, stacker_items) = match () {
        () if stuck => (AcceptorStacker::Unknown, StackerItems::AccessUnknown),
        () if lies(Place::Escrow) => (AcceptorStacker::NotEmpty, StackerItems::NoCustomerAccess),
        () => (AcceptorStacker::Empty, StackerItems::NoItems),
    };
    let position = |position, items| PositionStatus {
        position: Some(position),
        shutter: Some(ShutterState::Closed),
        items: Some(items),
        transport: Some(if stuck { TransportState::Inoperative } else { TransportState::Ok }),
        transport_items: Some(if stuck { TransportItems::Unknown } else { TransportItems::Empty }),
    };
    let given_back = if lies(Place::ReturnSlot) { PositionState::NotEmpty } else { PositionState::Empty };
    AcceptorStatus {
        stacker: Some(stacker),
        stacker_items: Some(stacker_items),
        note_reader: Some(ModuleState::Ok),
        drop_box: Some(false),
        positions: Some(vec![
            position(Position::InCenter, PositionState::Empty),
            position(Position::OutCenter, given_back),
        ]),
    }
}

fn printer(hardware: &Hardware) -> PrinterStatus {
    let paper = match hardware.printer().paper() {
        Paper::Full => PaperState::Full,
        Paper::Low => PaperState::Low,
        Paper::Out => PaperState::Out,
    };
    let media = if hardware.printer().receipt().is_some() { PrinterMedia::Present } else { PrinterMedia::NotPresent };
    PrinterStatus {
        media: Some(media),
        paper: Some(Entries(vec![("upper".to_owned(), paper)])),
        ..PrinterStatus::default()
    }
}

/// What of `now` is not as it was told; none if everything is.
pub(super) fn difference(told: &Status, now: &Status) -> Option<Status> {
    let text = |status: &Status| serde_json::to_value(status).expect("a status is JSON");
    let changed = changed(&text(told), &text(now))?;
    Some(serde_json::from_value(changed).expect("a part of a status is one"))
}

fn changed(was: &Value, is: &Value) -> Option<Value> {
    match (was, is) {
        (Value::Object(was), Value::Object(is)) => {
            let none = Value::Null;
            let part = |(name, value): (&String, &Value)| {
                Some((name.clone(), changed(was.get(name).unwrap_or(&none), value)?))
            };
            let parts: serde_json::Map<String, Value> = is.iter().filter_map(part).collect();
            (!parts.is_empty()).then_some(Value::Object(parts))
        }
        // Positions are told whole, as they have a name in them.
        (was, is) => (was != is).then(|| is.clone()),
    }
}
