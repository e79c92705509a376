//! `Storage`: staff exchange cassettes and say what is in them.

use cashpoint_core::terminal::device::Unit;
use cashpoint_wire::xfs::message::Answer;
use cashpoint_wire::xfs::storage::{
    EndExchangeError, ExchangeEnded, ExchangeStarted, SetStorage, SetStorageError, SetUnit, StartExchangeError,
    StorageSet,
};
use cashpoint_wire::xfs::value::Counts;

use super::desk::{Begun, Desk};
use super::operation::End;
use super::storage;
use crate::model::Exchange;

const UNIT: Unit = Unit::Dispenser;

impl Desk {
    pub(super) fn begin_exchange(&mut self) -> Begun {
        let end = match self.hardware.set_exchange(Exchange::Active) {
            Ok(()) => End::Done(Answer::StartExchange(ExchangeStarted::default())),
            Err(_) => {
                End::Error(Answer::StartExchange(ExchangeStarted { error: Some(StartExchangeError::ExchangeActive) }))
            }
        };
        self.over(UNIT, end)
    }

    pub(super) fn end_exchange(&mut self) -> Begun {
        let end = match self.hardware.set_exchange(Exchange::Inactive) {
            Ok(()) => End::Done(Answer::EndExchange(ExchangeEnded::default())),
            Err(_) => {
                End::Error(Answer::EndExchange(ExchangeEnded { error: Some(EndExchangeError::NoExchangeActive) }))
            }
        };
        self.over(UNIT, end)
    }

    /// Thresholds can be set at any time; what a unit was filled with, only during an exchange.
    pub(super) fn begin_set_storage(&mut self, set: &SetStorage) -> Begun {
        let units = set.storage.as_ref().map(|units| units.0.as_slice()).unwrap_or_default();
        let bins = [storage::reject_id(&self.hardware), storage::retract_id(&self.hardware)];
        let known = |id: &str| storage::position_of(&self.hardware, id).is_some() || bins.iter().any(|bin| bin == id);
        let filled = units.iter().any(|(_, unit)| initial(unit).is_some());
        let exchange = self.hardware.dispenser().exchange() == Exchange::Active;
        let error = match () {
            () if !units.iter().all(|(id, _)| known(id)) => Some(SetStorageError::InvalidUnit),
            () if filled && !exchange => Some(SetStorageError::NoExchangeActive),
            () => None,
        };
        if error.is_some() {
            return self.over(UNIT, End::Error(Answer::SetStorage(StorageSet { error })));
        }
        for (id, unit) in units {
            match storage::position_of(&self.hardware, id) {
                Some(position) => self.set_cassette(position, unit),
                None if initial(unit).is_some() => self.hardware.declare_bins_empty(),
                None => {}
            }
        }
        self.over(UNIT, End::Done(Answer::SetStorage(StorageSet::default())))
    }

    fn set_cassette(&mut self, position: usize, unit: &SetUnit) {
        if let Some(counts) = initial(unit) {
            self.hardware.declare(position, counts.total());
        }
        let configuration = unit.cash.as_ref().and_then(|cash| cash.configuration.as_ref());
        if let Some(low) = configuration.and_then(|configuration| configuration.low_threshold) {
            self.hardware.set_low(position, low);
        }
    }
}

fn initial(unit: &SetUnit) -> Option<&Counts> {
    unit.cash.as_ref()?.status.as_ref()?.initial.as_ref()
}
