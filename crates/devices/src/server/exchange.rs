//! `Storage`: staff exchange cassettes and say what is in them.

use cashpoint_core::terminal::device::{Bin, Unit};
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

impl Desk {
    pub(super) fn begin_exchange(&mut self, unit: Unit) -> Begun {
        let end = match self.hardware.set_exchange(unit, Exchange::Active) {
            Ok(()) => End::Done(Answer::StartExchange(ExchangeStarted::default())),
            Err(_) => {
                End::Error(Answer::StartExchange(ExchangeStarted { error: Some(StartExchangeError::ExchangeActive) }))
            }
        };
        self.over(unit, end)
    }

    pub(super) fn end_exchange(&mut self, unit: Unit) -> Begun {
        let end = match self.hardware.set_exchange(unit, Exchange::Inactive) {
            Ok(()) => End::Done(Answer::EndExchange(ExchangeEnded::default())),
            Err(_) => {
                End::Error(Answer::EndExchange(ExchangeEnded { error: Some(EndExchangeError::NoExchangeActive) }))
            }
        };
        self.over(unit, end)
    }

    /// Thresholds can be set at any time; what a unit was filled with, only during an exchange.
    pub(super) fn begin_set_storage(&mut self, unit: Unit, set: &SetStorage) -> Begun {
        let units = set.storage.as_ref().map(|units| units.0.as_slice()).unwrap_or_default();
        let known = |id: &str| self.bin(unit, id).is_some() || self.cassette(unit, id).is_some();
        let filled = units.iter().any(|(_, unit)| initial(unit).is_some());
        let exchange = self.hardware.exchange(unit) == Exchange::Active;
        let error = match () {
            () if !units.iter().all(|(id, _)| known(id)) => Some(SetStorageError::InvalidUnit),
            () if filled && !exchange => Some(SetStorageError::NoExchangeActive),
            () => None,
        };
        if error.is_some() {
            return self.over(unit, End::Error(Answer::SetStorage(StorageSet { error })));
        }
        for (id, set) in units {
            match (self.cassette(unit, id), self.bin(unit, id)) {
                (Some(position), _) => self.set_cassette(position, set),
                (None, Some(bin)) if initial(set).is_some() => self.hardware.declare_empty(bin),
                (None, _) => {}
            }
        }
        self.over(unit, End::Done(Answer::SetStorage(StorageSet::default())))
    }

    fn cassette(&self, unit: Unit, id: &str) -> Option<usize> {
        storage::position_of(&self.hardware, id).filter(|_| unit == Unit::Dispenser)
    }

    fn bin(&self, unit: Unit, id: &str) -> Option<Bin> {
        match unit {
            Unit::Acceptor => (id == storage::ONLY_UNIT).then_some(Bin::Deposit),
            Unit::Dispenser if id == storage::reject_id(&self.hardware) => Some(Bin::Reject),
            Unit::Dispenser if id == storage::retract_id(&self.hardware) => Some(Bin::Retract),
            Unit::Dispenser | Unit::CardReader | Unit::PinPad | Unit::Printer => None,
        }
    }

    fn set_cassette(&mut self, position: usize, set: &SetUnit) {
        if let Some(counts) = initial(set) {
            self.hardware.declare(position, counts.total());
        }
        let configuration = set.cash.as_ref().and_then(|cash| cash.configuration.as_ref());
        if let Some(low) = configuration.and_then(|configuration| configuration.low_threshold) {
            self.hardware.set_low(position, low);
        }
    }
}

fn initial(unit: &SetUnit) -> Option<&Counts> {
    unit.cash.as_ref()?.status.as_ref()?.initial.as_ref()
}
