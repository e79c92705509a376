//! What the hardware does by itself, as events of the service that it belongs to.

use cashpoint_core::terminal::device::{Answer as Told, Event as Happened, Report, Unit};
use cashpoint_wire::xfs::cash::{
    ItemsInserted, NoteError, NoteErrorReason, Position, PositionInfo, Shutter, ShutterChanged,
};
use cashpoint_wire::xfs::message::Event;
use cashpoint_wire::xfs::service::{ErrorEvent, ErrorKind, NonceCleared, Nothing, Remedy};
use cashpoint_wire::xfs::storage::{StorageError, UnitFailure};
use cashpoint_wire::xfs::value::Entries;

use super::storage;
use crate::model::{Happening, Hardware};

/// The opening of the dispenser and of what the acceptor gives back.
pub(super) fn at_the_exit() -> PositionInfo {
    PositionInfo { position: Some(Position::OutCenter), additional_bunches: Some("0".to_owned()) }
}

pub(super) fn of_happening(hardware: &Hardware, happening: Happening) -> Vec<(Unit, Event)> {
    let dispenser = |event| vec![(Unit::Dispenser, event)];
    let shutter =
        |shutter| Event::ShutterChanged(ShutterChanged { position: Some(Position::OutCenter), shutter: Some(shutter) });
    match happening {
        Happening::DispenseStarted => dispenser(Event::StartDispense(Nothing {})),
        Happening::NotesStuckTogether => {
            dispenser(Event::NoteError(NoteError { reason: Some(NoteErrorReason::DoubleNote) }))
        }
        Happening::CassetteFailed(position) => {
            let unit = storage::cassette_status(hardware, position);
            dispenser(Event::StorageError(StorageError {
                failure: Some(UnitFailure::FeedModuleProblem),
                unit: Some(Entries(vec![(storage::cassette_id(position), unit)])),
            }))
        }
        Happening::ShutterOpened => dispenser(shutter(Shutter::Open)),
        Happening::ShutterClosed => dispenser(shutter(Shutter::Closed)),
        Happening::NotesPresented => dispenser(Event::ItemsPresented(at_the_exit())),
        Happening::NotesInserted => {
            let inserted = ItemsInserted { position: Some(Position::InCenter) };
            vec![(Unit::Acceptor, Event::ItemsInserted(inserted))]
        }
        Happening::NotesReturned => vec![(Unit::Acceptor, Event::ItemsPresented(at_the_exit()))],
        Happening::StatusChanged(unit) if is_stuck(hardware, unit) => vec![(unit, Event::Error(stuck()))],
        Happening::StatusChanged(_) | Happening::CountsChanged(_) | Happening::TokenRefused(_) => Vec::new(),
    }
}

pub(super) fn of_report(event: &Happened) -> Vec<(Unit, Event)> {
    match event {
        Happened::CardTaken => vec![(Unit::CardReader, Event::CardRemoved(Nothing {}))],
        Happened::NotesTaken => vec![(Unit::Dispenser, Event::ItemsTaken(at_the_exit()))],
        Happened::DepositReturnTaken => vec![(Unit::Acceptor, Event::ItemsTaken(at_the_exit()))],
        Happened::NonceCleared => {
            let reason = Some("The nonce is used up or too old".to_owned());
            vec![(Unit::Dispenser, Event::NonceCleared(NonceCleared { reason }))]
        }
        Happened::ReceiptTaken => vec![(Unit::Printer, Event::MediaTaken(Nothing {}))],
        // Keys are told with the entry that takes them; what changed is found by comparing.
        Happened::Key(_)
        | Happened::PinDigits(_)
        | Happened::Disconnected(_)
        | Happened::Connected(_)
        | Happened::StatusChanged(_) => Vec::new(),
    }
}

/// Whose report it is.
pub(super) fn unit_of(report: &Report) -> Unit {
    match report {
        Report::Failed(unit, _) => *unit,
        Report::Event(event) => match event {
            Happened::CardTaken => Unit::CardReader,
            Happened::NotesTaken | Happened::NonceCleared => Unit::Dispenser,
            Happened::DepositReturnTaken => Unit::Acceptor,
            Happened::Key(_) | Happened::PinDigits(_) => Unit::PinPad,
            Happened::ReceiptTaken => Unit::Printer,
            Happened::Disconnected(unit) | Happened::Connected(unit) | Happened::StatusChanged(unit) => *unit,
        },
        Report::Done(answer) => match answer {
            Told::Card(_) | Told::CardEjected | Told::CardRetained => Unit::CardReader,
            Told::Pin(_) | Told::PinBlock(_) | Told::OfflineVerifier(_) | Told::KeyImported(_) | Told::KeysEnded => {
                Unit::PinPad
            }
            Told::Nonce(_)
            | Told::NonceCleared
            | Told::Dispensed(_)
            | Told::Presented
            | Told::Rejected
            | Told::Retracted(_)
            | Told::PresentStatus(_)
            | Told::Counters(_)
            | Told::ExchangeStarted
            | Told::ExchangeEnded => Unit::Dispenser,
            Told::CashInStarted
            | Told::NotesTaken { .. }
            | Told::NotesStored(_)
            | Told::NotesReturned
            | Told::CashInStatus(_)
            | Told::DepositsEmptied => Unit::Acceptor,
            Told::Printed => Unit::Printer,
            Told::Works(unit) => *unit,
        },
    }
}

fn is_stuck(hardware: &Hardware, unit: Unit) -> bool {
    match unit {
        Unit::Dispenser => hardware.dispenser().is_stuck(),
        Unit::Acceptor => hardware.acceptor().is_stuck(),
        Unit::CardReader | Unit::PinPad | Unit::Printer => false,
    }
}

fn stuck() -> ErrorEvent {
    ErrorEvent {
        kind: Some(ErrorKind::Hardware),
        action: Some(Remedy::Reset),
        description: Some("Something is stuck".to_owned()),
    }
}
