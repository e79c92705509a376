//! The units that notes and cards lie in: what they are, what is in them, what changed.
//!
//! The dispenser has its cassettes as `unit1` and so on, then a reject unit and a retract unit; the acceptor has one deposit
//! unit, the card reader one retain unit, both `unit1`.

use cashpoint_core::currency::Currency;
use cashpoint_core::mix::Notes;
use cashpoint_core::money::Amount;
use cashpoint_core::terminal::device::{Unit, Usable};
use cashpoint_wire::xfs::message::Event;
use cashpoint_wire::xfs::printer::{PaperThreshold, Threshold};
use cashpoint_wire::xfs::storage::{
    Accuracy, CardUnit, CardUnitCapabilities, CardUnitConfiguration, CardUnitStatus, CardUnitType, CashCount, CashIn,
    CashOut, CashUnit, CashUnitCapabilities, CashUnitConfiguration, CashUnitItems, CashUnitStatus, CashUnitTypes,
    Replenishment, StorageUnit, UnitStatus,
};
use cashpoint_wire::xfs::value::{Counts, Entries, Number};

use super::snapshot::Snapshot;
use crate::model::{Doubt, Hardware, Out, Paper};

/// Cards that the retain unit holds.
const RETAIN_CAPACITY: u32 = 30;
/// Notes that each of the bins holds.
const BIN_CAPACITY: u32 = 500;

/// The id of the cassette in this position, from 0.
pub(super) fn cassette_id(position: usize) -> String {
    format!("unit{}", position + 1)
}

/// The position of the cassette with this id.
pub(super) fn position_of(hardware: &Hardware, id: &str) -> Option<usize> {
    let number: usize = id.strip_prefix("unit")?.parse().ok()?;
    let cassettes = hardware.dispenser().cassettes().len();
    number.checked_sub(1).filter(|position| *position < cassettes && cassette_id(*position) == id)
}

pub(super) fn reject_id(hardware: &Hardware) -> String {
    cassette_id(hardware.dispenser().cassettes().len())
}

pub(super) fn retract_id(hardware: &Hardware) -> String {
    cassette_id(hardware.dispenser().cassettes().len() + 1)
}

/// The one unit of the services that have one.
pub(super) const ONLY_UNIT: &str = "unit1";

/// What notes of this value are called, such as `typeEUR50`; a value that is not whole is written in minor units.
pub(super) fn item_id(currency: Currency, denomination: i64) -> String {
    let unit = 10i64.pow(u32::from(currency.decimals()));
    let code = currency.code();
    if denomination % unit == 0 {
        format!("type{code}{}", denomination / unit)
    } else {
        format!("type{code}{denomination}M")
    }
}

/// A count of notes by value; none if it is empty.
pub(super) fn counts(currency: Currency, notes: &Notes) -> Option<Counts> {
    let item = |(denomination, count): &(i64, u32)| {
        (item_id(currency, *denomination), CashCount { fit: Some(*count), ..CashCount::default() })
    };
    let items: Vec<_> = notes.iter().filter(|(_, count)| *count > 0).map(item).collect();
    (!items.is_empty()).then_some(Counts { unrecognized: None, items })
}

/// An amount, in major units.
pub(super) fn number(currency: Currency, minor: i64) -> Number {
    Number::of(Amount::new(minor, currency)).expect("notes are worth more than nothing")
}

/// The buckets of notes of one value.
pub(super) fn out_buckets(currency: Currency, denomination: i64, out: &Out) -> CashOut {
    let bucket = |count: u32| counts(currency, &vec![(denomination, count)]);
    CashOut {
        presented: bucket(out.presented),
        rejected: bucket(out.rejected),
        unknown: bucket(out.unknown),
        stacked: bucket(out.stacked),
        transport: bucket(out.transport),
        ..CashOut::default()
    }
}

/// All units of a service.
pub(super) fn of(hardware: &Hardware, unit: Unit) -> Entries<StorageUnit> {
    match unit {
        Unit::Dispenser => dispenser_units(hardware),
        Unit::Acceptor => Entries(vec![(ONLY_UNIT.to_owned(), deposit_unit(hardware))]),
        Unit::CardReader => Entries(vec![(ONLY_UNIT.to_owned(), retain_unit(hardware))]),
        Unit::PinPad | Unit::Printer => Entries::default(),
    }
}

/// What of a cassette is not as it should be.
pub(super) fn cassette_status(hardware: &Hardware, position: usize) -> StorageUnit {
    StorageUnit { status: Some(unit_status(hardware.usable(position))), ..StorageUnit::default() }
}

fn dispenser_units(hardware: &Hardware) -> Entries<StorageUnit> {
    let cassettes = 0..hardware.dispenser().cassettes().len();
    let mut units: Vec<_> =
        cassettes.map(|position| (cassette_id(position), cassette_unit(hardware, position))).collect();
    units.push((reject_id(hardware), bin(hardware, Bin::Reject)));
    units.push((retract_id(hardware), bin(hardware, Bin::Retract)));
    Entries(units)
}

fn cassette_unit(hardware: &Hardware, position: usize) -> StorageUnit {
    let currency = hardware.fitting().currency;
    let fitted = &hardware.fitting().cassettes[position];
    let items = Some(vec![item_id(currency, fitted.denomination)]);
    let types = CashUnitTypes { cash_out: Some(true), ..no_types() };
    StorageUnit {
        id: Some(format!("C{}", position + 1)),
        position: Some(format!("CASSETTE{}", position + 1)),
        capacity: Some(fitted.capacity),
        status: Some(unit_status(hardware.usable(position))),
        serial_number: Some(format!("SIM-{:03}", position + 1)),
        cash: Some(CashUnit {
            capabilities: Some(CashUnitCapabilities {
                types: Some(types.clone()),
                items: Some(fit_only()),
                hardware_sensors: Some(true),
                cash_items: items.clone(),
                ..CashUnitCapabilities::default()
            }),
            configuration: Some(CashUnitConfiguration {
                types: Some(types),
                items: Some(fit_only()),
                currency: Some(currency.code().to_owned()),
                value: Some(number(currency, fitted.denomination)),
                low_threshold: Some(fitted.low),
                lock_out: Some(false),
                cash_items: items,
                name: Some(format!("{} {}", currency.code(), Amount::new(fitted.denomination, currency))),
                ..CashUnitConfiguration::default()
            }),
            status: Some(cassette_counts(hardware, position)),
        }),
        ..StorageUnit::default()
    }
}

fn cassette_counts(hardware: &Hardware, position: usize) -> CashUnitStatus {
    let currency = hardware.fitting().currency;
    let cassette = &hardware.dispenser().cassettes()[position];
    CashUnitStatus {
        index: u32::try_from(position + 1).ok(),
        initial: Some(Counts::fit(item_id(currency, cassette.denomination), cassette.initial)),
        out: Some(out_buckets(currency, cassette.denomination, &cassette.out)),
        accuracy: Some(match cassette.doubtful {
            Doubt::None => Accuracy::Accurate,
            Doubt::Some => Accuracy::Inaccurate,
        }),
        replenishment: Some(match hardware.usable(position) {
            Usable::Yes | Usable::No => Replenishment::Ok,
            Usable::Low => Replenishment::Low,
            Usable::Empty => Replenishment::Empty,
        }),
        ..CashUnitStatus::default()
    }
}

/// The two bins of a dispenser.
#[derive(Clone, Copy)]
enum Bin {
    Reject,
    Retract,
}

fn bin(hardware: &Hardware, bin: Bin) -> StorageUnit {
    let (id, position, types) = match bin {
        Bin::Reject => ("R1", "REJECT", CashUnitTypes { reject: Some(true), ..no_types() }),
        Bin::Retract => ("R2", "RETRACT", CashUnitTypes { cash_out_retract: Some(true), ..no_types() }),
    };
    let index = hardware.dispenser().cassettes().len() + if matches!(bin, Bin::Reject) { 1 } else { 2 };
    let areas = matches!(bin, Bin::Retract).then_some(1);
    StorageUnit {
        id: Some(id.to_owned()),
        position: Some(position.to_owned()),
        capacity: Some(BIN_CAPACITY),
        status: Some(UnitStatus::Ok),
        cash: Some(CashUnit {
            capabilities: Some(CashUnitCapabilities {
                types: Some(types.clone()),
                items: Some(fit_only()),
                hardware_sensors: Some(false),
                retract_areas: areas,
                retract_thresholds: areas.map(|_| true),
                ..CashUnitCapabilities::default()
            }),
            configuration: Some(CashUnitConfiguration {
                types: Some(types),
                name: Some(position.to_owned()),
                ..CashUnitConfiguration::default()
            }),
            status: Some(CashUnitStatus {
                index: u32::try_from(index).ok(),
                cash_in: Some(bin_counts(hardware, bin)),
                replenishment: Some(Replenishment::Ok),
                ..CashUnitStatus::default()
            }),
        }),
        ..StorageUnit::default()
    }
}

fn bin_counts(hardware: &Hardware, bin: Bin) -> CashIn {
    let (currency, dispenser) = (hardware.fitting().currency, hardware.dispenser());
    match bin {
        Bin::Reject => CashIn { rejected: counts(currency, &dispenser.rejected()), ..CashIn::default() },
        Bin::Retract => CashIn {
            retract_operations: Some(dispenser.retract_operations()),
            retracted: counts(currency, &dispenser.retracted()),
            ..CashIn::default()
        },
    }
}

fn deposit_unit(hardware: &Hardware) -> StorageUnit {
    let currency = hardware.fitting().currency;
    let items: Vec<String> =
        hardware.fitting().accepted.iter().map(|denomination| item_id(currency, *denomination)).collect();
    let types = CashUnitTypes { cash_in: Some(true), ..no_types() };
    StorageUnit {
        id: Some("D1".to_owned()),
        position: Some("DEPOSIT".to_owned()),
        capacity: Some(BIN_CAPACITY),
        status: Some(UnitStatus::Ok),
        cash: Some(CashUnit {
            capabilities: Some(CashUnitCapabilities {
                types: Some(types.clone()),
                items: Some(fit_only()),
                hardware_sensors: Some(false),
                cash_items: Some(items),
                ..CashUnitCapabilities::default()
            }),
            configuration: Some(CashUnitConfiguration {
                types: Some(types),
                currency: Some(currency.code().to_owned()),
                name: Some("DEPOSIT".to_owned()),
                ..CashUnitConfiguration::default()
            }),
            status: Some(CashUnitStatus {
                index: Some(1),
                cash_in: Some(CashIn {
                    deposited: counts(currency, &hardware.acceptor().deposited()),
                    ..CashIn::default()
                }),
                replenishment: Some(Replenishment::Ok),
                ..CashUnitStatus::default()
            }),
        }),
        ..StorageUnit::default()
    }
}

fn retain_unit(hardware: &Hardware) -> StorageUnit {
    StorageUnit {
        id: Some("K1".to_owned()),
        position: Some("RETAIN".to_owned()),
        capacity: Some(RETAIN_CAPACITY),
        status: Some(UnitStatus::Ok),
        card: Some(CardUnit {
            capabilities: Some(CardUnitCapabilities {
                kind: Some(CardUnitType::Retain),
                hardware_sensors: Some(false),
            }),
            configuration: Some(CardUnitConfiguration::default()),
            status: Some(retained(hardware)),
        }),
        ..StorageUnit::default()
    }
}

fn retained(hardware: &Hardware) -> CardUnitStatus {
    let count = hardware.card_reader().retained();
    let full = if count >= RETAIN_CAPACITY { Replenishment::Full } else { Replenishment::Ok };
    CardUnitStatus { count: Some(count), retained: Some(count), replenishment: Some(full), ..CardUnitStatus::default() }
}

/// What clients of a service are told of what changed.
pub(super) fn changes(hardware: &Hardware, unit: Unit, before: &Snapshot, now: &Snapshot) -> Vec<Event> {
    match unit {
        Unit::Dispenser => dispenser_changes(hardware, before, now),
        Unit::Acceptor if before.deposited != now.deposited => {
            let unit = deposit_unit(hardware);
            let counts = unit
                .cash
                .and_then(|cash| cash.status)
                .map(|status| counted(CashUnitStatus { cash_in: status.cash_in, ..CashUnitStatus::default() }));
            vec![Event::CountsChanged(Entries(counts.map(|unit| (ONLY_UNIT.to_owned(), unit)).into_iter().collect()))]
        }
        Unit::CardReader if before.retained != now.retained => {
            let card = CardUnit { status: Some(retained(hardware)), ..CardUnit::default() };
            let unit = StorageUnit { card: Some(card), ..StorageUnit::default() };
            vec![Event::StorageChanged(Entries(vec![(ONLY_UNIT.to_owned(), unit)]))]
        }
        Unit::Printer if before.paper != now.paper => {
            let threshold = match hardware.printer().paper() {
                Paper::Full => Threshold::Full,
                Paper::Low => Threshold::Low,
                Paper::Out => Threshold::Out,
            };
            let source = Some("upper".to_owned());
            vec![Event::PaperThreshold(PaperThreshold { source, threshold: Some(threshold) })]
        }
        Unit::Acceptor | Unit::CardReader | Unit::PinPad | Unit::Printer => Vec::new(),
    }
}

fn dispenser_changes(hardware: &Hardware, before: &Snapshot, now: &Snapshot) -> Vec<Event> {
    let (mut counts_changed, mut changed) = (Vec::new(), Vec::new());
    for (position, (was, is)) in before.cassettes.iter().zip(&now.cassettes).enumerate() {
        let status = cassette_counts(hardware, position);
        if was.out != is.out {
            let out = status.out.clone();
            counts_changed.push((cassette_id(position), counted(CashUnitStatus { out, ..CashUnitStatus::default() })));
        }
        if (was.usable, was.doubtful, was.initial) != (is.usable, is.doubtful, is.initial) {
            let told = CashUnitStatus {
                initial: status.initial,
                accuracy: status.accuracy,
                replenishment: status.replenishment,
                ..CashUnitStatus::default()
            };
            let unit = StorageUnit { status: Some(unit_status(is.usable)), ..counted(told) };
            changed.push((cassette_id(position), unit));
        }
    }
    let mut bin_changed = |id: String, bin: Bin| {
        let cash_in = Some(bin_counts(hardware, bin));
        counts_changed.push((id, counted(CashUnitStatus { cash_in, ..CashUnitStatus::default() })));
    };
    if before.rejected != now.rejected {
        bin_changed(reject_id(hardware), Bin::Reject);
    }
    if (&before.retracted, before.retract_operations) != (&now.retracted, now.retract_operations) {
        bin_changed(retract_id(hardware), Bin::Retract);
    }
    let changed = (!changed.is_empty()).then_some(Event::StorageChanged(Entries(changed)));
    let counted = (!counts_changed.is_empty()).then_some(Event::CountsChanged(Entries(counts_changed)));
    changed.into_iter().chain(counted).collect()
}

fn counted(status: CashUnitStatus) -> StorageUnit {
    StorageUnit { cash: Some(CashUnit { status: Some(status), ..CashUnit::default() }), ..StorageUnit::default() }
}

fn unit_status(usable: Usable) -> UnitStatus {
    match usable {
        Usable::Yes | Usable::Low | Usable::Empty => UnitStatus::Ok,
        Usable::No => UnitStatus::Missing,
    }
}

fn no_types() -> CashUnitTypes {
    CashUnitTypes {
        cash_in: Some(false),
        cash_out: Some(false),
        replenishment: Some(false),
        cash_in_retract: Some(false),
        cash_out_retract: Some(false),
        reject: Some(false),
    }
}

fn fit_only() -> CashUnitItems {
    CashUnitItems {
        fit: Some(true),
        unfit: Some(false),
        unrecognized: Some(false),
        counterfeit: Some(false),
        suspect: Some(false),
        inked: Some(false),
        coupon: Some(false),
        document: Some(false),
    }
}
