//! Units and counts, as the terminal sees them: cassettes by position, notes by what they are worth.
//!
//! A cassette's position is its place among the units that give notes, in the order of `Storage.GetStorage`.

use std::collections::BTreeMap;

use cashpoint_core::currency::Currency;
use cashpoint_core::mix::Notes;
use cashpoint_core::terminal::device::{Accuracy, CassetteCounters, Counters, Usable, Way};
use cashpoint_wire::xfs::cash::BankNoteTypes;
use cashpoint_wire::xfs::dispenser::Denomination;
use cashpoint_wire::xfs::status::{DispenserStacker, PositionState, Status, TransportItems};
use cashpoint_wire::xfs::storage::{self, CashUnit, OperationStatus, Replenishment, StorageUnit, UnitStatus};
use cashpoint_wire::xfs::value::{Counts, Entries};

/// What notes are worth, by cash item id: minor units and currency.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Denominations(BTreeMap<String, (i64, Currency)>);

/// Something was counted that is not worth a known amount.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Unvalued;

impl Denominations {
    /// Notes of a currency that is not known, or of an amount that it does not have, are left out.
    pub(super) fn of(types: &BankNoteTypes) -> Self {
        let listed = types.items.iter().flat_map(|items| &items.0);
        let known = listed.filter_map(|(id, note)| {
            let item = note.item.as_ref()?;
            let currency = Currency::from_code(item.currency.as_deref()?)?;
            Some((id.clone(), (item.value?.amount(currency)?.minor(), currency)))
        });
        Self(known.collect())
    }

    /// Counts as notes by denomination, the largest first.
    pub(super) fn notes<'a>(&self, counts: impl IntoIterator<Item = &'a Counts>) -> Result<Notes, Unvalued> {
        let mut sums = BTreeMap::<i64, u32>::new();
        for counts in counts {
            if counts.unrecognized.unwrap_or(0) > 0 {
                return Err(Unvalued);
            }
            for (item, count) in counts.items.iter().filter(|(_, count)| count.total() > 0) {
                let (denomination, _) = self.0.get(item).ok_or(Unvalued)?;
                let sum = sums.entry(*denomination).or_default();
                *sum = sum.saturating_add(count.total());
            }
        }
        Ok(sums.into_iter().rev().collect())
    }

    fn worth(&self, cash: &CashUnit) -> Option<(i64, Currency)> {
        let configuration = cash.configuration.as_ref()?;
        let set = configuration.currency.as_deref().and_then(Currency::from_code).and_then(|currency| {
            let minor = configuration.value?.amount(currency)?.minor();
            (minor > 0).then_some((minor, currency))
        });
        let held = || {
            let items = configuration.cash_items.as_ref()?;
            items.first().and_then(|item| self.0.get(item)).copied()
        };
        set.or_else(held)
    }
}

/// Units that give notes, in the order in which they were listed.
pub(super) fn giving(units: &Entries<StorageUnit>) -> impl Iterator<Item = (&str, &StorageUnit, &CashUnit)> {
    let cash = units.0.iter().filter_map(|(id, unit)| Some((id.as_str(), unit, unit.cash.as_ref()?)));
    cash.filter(|(_, _, cash)| is(cash, |types| types.cash_out))
}

pub(super) fn is(cash: &CashUnit, which: impl Fn(&storage::CashUnitTypes) -> Option<bool>) -> bool {
    let configured = cash.configuration.as_ref().and_then(|configuration| configuration.types.as_ref());
    let able = cash.capabilities.as_ref().and_then(|capabilities| capabilities.types.as_ref());
    // What it is set up for counts; a unit that does not say is what it can be.
    configured.or(able).and_then(which).unwrap_or(false)
}

/// How many notes a denomination names of each cassette; none if it names a unit that is no cassette.
pub(super) fn by_position(cassettes: &[String], denomination: &Denomination) -> Option<Vec<u32>> {
    let values = denomination.values.as_ref()?;
    let known = values.0.iter().all(|(unit, count)| *count == 0 || cassettes.contains(unit));
    let count = |cassette: &String| values.of(cassette).copied().unwrap_or(0);
    known.then(|| cassettes.iter().map(count).collect())
}

/// The counters. None: a cassette's notes are worth nothing that is known.
pub(super) fn counters(units: &Entries<StorageUnit>, notes: &Denominations, status: &Status) -> Option<Counters> {
    let cassettes = giving(units).map(|(_, unit, cash)| cassette(unit, cash, notes)).collect::<Option<Vec<_>>>()?;
    let cash = || units.0.iter().filter_map(|(_, unit)| unit.cash.as_ref());
    let came_in = |cash: &'_ CashUnit| cash.status.as_ref().and_then(|status| status.cash_in.clone());
    let rejected: Vec<Counts> = cash()
        .filter(|cash| is(cash, |types| types.reject))
        .filter_map(came_in)
        .flat_map(|bucket| [bucket.rejected, bucket.retracted].into_iter().flatten())
        .map(recognized)
        .collect();
    let retracting: Vec<storage::CashIn> =
        cash().filter(|cash| is(cash, |types| types.cash_out_retract)).filter_map(came_in).collect();
    let retracted: Vec<Counts> =
        retracting.iter().filter_map(|bucket| bucket.retracted.clone()).map(recognized).collect();
    let operations = retracting.iter().filter_map(|bucket| bucket.retract_operations);
    Some(Counters {
        cassettes,
        rejected: notes.notes(&rejected).ok()?,
        retracted: notes.notes(&retracted).ok()?,
        retract_operations: operations.fold(0, u32::saturating_add),
        way: way(status),
    })
}

/// Bins hold what could not be recognized as well; their counts are of what could.
fn recognized(counts: Counts) -> Counts {
    Counts { unrecognized: None, ..counts }
}

fn cassette(unit: &StorageUnit, cash: &CashUnit, notes: &Denominations) -> Option<CassetteCounters> {
    let (denomination, currency) = notes.worth(cash)?;
    let status = cash.status.as_ref();
    let count = |counts: Option<&Counts>| counts.map_or(0, Counts::total);
    let out = status.and_then(|status| status.out.as_ref());
    let came_in = status.and_then(|status| status.cash_in.as_ref()).map_or(0, |bucket| {
        let buckets = [&bucket.deposited, &bucket.retracted, &bucket.rejected, &bucket.distributed];
        buckets.into_iter().map(|counts| count(counts.as_ref())).fold(0, u32::saturating_add)
    });
    let initial = count(status.and_then(|status| status.initial.as_ref()));
    let mut counters = CassetteCounters {
        denomination,
        currency,
        // What a recycler took in can be given again.
        initial: initial.saturating_add(came_in),
        out: out.map_or(0, storage::CashOut::total),
        presented: count(out.and_then(|out| out.presented.as_ref())),
        rejected: count(out.and_then(|out| out.rejected.as_ref())),
        unknown: count(out.and_then(|out| out.unknown.as_ref())),
        usable: Usable::Yes,
        accuracy: match status.and_then(|status| status.accuracy) {
            Some(storage::Accuracy::Accurate | storage::Accuracy::AccurateSet) => Accuracy::Accurate,
            Some(storage::Accuracy::Inaccurate | storage::Accuracy::Unknown) | None => Accuracy::Inaccurate,
        },
    };
    counters.usable = usable(unit, cash, &counters);
    Some(counters)
}

fn usable(unit: &StorageUnit, cash: &CashUnit, counters: &CassetteCounters) -> Usable {
    let locked = cash.configuration.as_ref().and_then(|configuration| configuration.lock_out).unwrap_or(false);
    let status = cash.status.as_ref();
    let inoperative = match status.and_then(|status| status.operation) {
        Some(OperationStatus::DispenseInoperative) => true,
        Some(OperationStatus::DepositInoperative) | None => false,
    };
    // A state with a name that is not known is none to give notes in.
    if unit.status != Some(UnitStatus::Ok) || locked || inoperative {
        return Usable::No;
    }
    match status.and_then(|status| status.replenishment) {
        Some(Replenishment::Empty) => Usable::Empty,
        Some(Replenishment::Low) => Usable::Low,
        Some(Replenishment::Ok | Replenishment::Full | Replenishment::High) => Usable::Yes,
        None if counters.left() == 0 => Usable::Empty,
        None => Usable::Yes,
    }
}

/// What lies between cassettes and customer: the worst of what the parts say.
pub(super) fn way(status: &Status) -> Way {
    let Some(dispenser) = &status.dispenser else { return Way::Unknown };
    let stacker = dispenser.stacker.map(|stacker| match stacker {
        DispenserStacker::Empty => Way::Clear,
        DispenserStacker::NotEmpty => Way::Inside,
        DispenserStacker::NotEmptyCustomer => Way::Reachable,
        DispenserStacker::NotEmptyUnknown | DispenserStacker::Unknown => Way::Unknown,
    });
    let positions = dispenser.positions.iter().flatten();
    let parts = positions.flat_map(|position| {
        let slot = position.items.map(|items| match items {
            PositionState::Empty => Way::Clear,
            PositionState::NotEmpty => Way::Reachable,
            PositionState::Unknown | PositionState::ForeignItems => Way::Unknown,
        });
        let transport = position.transport_items.map(|items| match items {
            TransportItems::Empty => Way::Clear,
            TransportItems::NotEmpty => Way::Inside,
            TransportItems::NotEmptyCustomer => Way::Reachable,
            TransportItems::Unknown => Way::Unknown,
        });
        [slot, transport]
    });
    // The order of `Way` is from clear to unknown. A device that says nothing at all is not clear.
    parts.chain([stacker]).flatten().max().unwrap_or(Way::Unknown)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn notes() -> Denominations {
        let types = r#"{"items":{"typeEUR50":{"cashItem":{"currency":"EUR","value":50.0}},
            "typeEUR5":{"cashItem":{"currency":"EUR","value":5}},"typeX":{"cashItem":{"currency":"QQQ","value":1}}}}"#;
        Denominations::of(&serde_json::from_str(types).unwrap())
    }

    #[test]
    fn counts_are_valued_whole_or_not_at_all() {
        let read = |text: &str| -> Counts { serde_json::from_str(text).unwrap() };
        let value = |text| notes().notes([&read(text)]);
        assert_eq!(value(r#"{"typeEUR5":{"fit":3},"typeEUR50":{"fit":1,"unfit":1}}"#), Ok(vec![(5_000, 2), (500, 3)]));
        assert_eq!(value(r#"{"unrecognized":0,"typeEUR5":{"fit":0}}"#), Ok(vec![]));
        assert_eq!(value(r#"{"unrecognized":1,"typeEUR5":{"fit":3}}"#), Err(Unvalued));
        assert_eq!(value(r#"{"typeX":{"fit":1}}"#), Err(Unvalued));
        assert_eq!(value(r#"{"typeX":{"fit":0}}"#), Ok(vec![]));
    }

    #[test]
    fn notes_are_told_by_position() {
        let cassettes = ["unit4".to_owned(), "unit1".to_owned()];
        let read = |text: &str| by_position(&cassettes, &serde_json::from_str(text).unwrap());
        assert_eq!(read(r#"{"values":{"unit1":2}}"#), Some(vec![0, 2]));
        assert_eq!(read(r#"{"values":{"unit1":2,"unit9":1}}"#), None);
        assert_eq!(read("{}"), None);
    }

    #[test]
    fn the_way_is_as_bad_as_its_worst_part() {
        let read = |text: &str| way(&serde_json::from_str(text).unwrap());
        assert_eq!(read("{}"), Way::Unknown);
        assert_eq!(read(r#"{"cashDispenser":{}}"#), Way::Unknown);
        assert_eq!(read(r#"{"cashDispenser":{"intermediateStacker":"empty"}}"#), Way::Clear);
        assert_eq!(
            read(r#"{"cashDispenser":{"intermediateStacker":"notEmpty","positions":[{"positionStatus":"empty"}]}}"#),
            Way::Inside
        );
        assert_eq!(
            read(r#"{"cashDispenser":{"intermediateStacker":"empty","positions":[{"transportStatus":"unknown"}]}}"#),
            Way::Unknown
        );
        assert_eq!(
            read(r#"{"cashDispenser":{"intermediateStacker":"notEmpty","positions":[{"positionStatus":"notEmpty"}]}}"#),
            Way::Reachable
        );
    }
}
