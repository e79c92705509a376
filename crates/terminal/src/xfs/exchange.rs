//! Exchanges of cassettes: staff are told to by the host, the units are told what is in them.
//!
//! Each can be done again: an exchange that is active goes on, and one that is over already is over. A device that knows
//! no exchange takes what it is told without one.

use cashpoint_core::terminal::device::{Answer, Bin, Failure, Filling};
use cashpoint_wire::xfs::envelope::CompletionCode;
use cashpoint_wire::xfs::storage::{
    CashUnit, CashUnitTypes, EndExchange, EndExchangeError, GetStorage, SetCashUnit, SetCashUnitStatus, SetStorage,
    SetStorageError, SetUnit, StartExchange, StartExchangeError, StorageUnit,
};
use cashpoint_wire::xfs::value::{Counts, Entries};

use super::cassettes::{giving, is};
use super::failure::{Stop, brought, brought_plainly};
use super::session::{Limit, Session};

/// What a unit must be for.
type Which = fn(&CashUnitTypes) -> Option<bool>;

pub(super) async fn start(session: &mut Session<'_>) -> Result<Answer, Stop> {
    let reply = session.call(StartExchange {}, Limit::Motion).await?;
    let active = reply.answer.as_ref().and_then(|started| started.error) == Some(StartExchangeError::ExchangeActive);
    if !active && reply.code != CompletionCode::UnsupportedCommand {
        brought(reply, |started| started.error, start_failure)?;
    }
    Ok(Answer::ExchangeStarted)
}

pub(super) async fn end(session: &mut Session<'_>, filling: &Filling) -> Result<Answer, Stop> {
    let units = units(session).await?;
    let mut set = Vec::new();
    for ((id, _, cash), notes) in giving(&units).zip(&filling.cassettes) {
        if let Some(notes) = notes {
            set.push(filled(id, Counts::fit(item(cash).ok_or(Failure::Hardware)?, *notes)));
        }
    }
    let bins: [(Bin, Which); 2] = [(Bin::Reject, |types| types.reject), (Bin::Retract, |types| types.cash_out_retract)];
    for (bin, which) in bins {
        if filling.emptied.contains(&bin) {
            set.extend(empty(&units, which));
        }
    }
    declare(session, set).await?;
    finish(session).await?;
    Ok(Answer::ExchangeEnded)
}

/// In an exchange of the acceptor's own.
pub(super) async fn empty_deposits(session: &mut Session<'_>) -> Result<Answer, Stop> {
    start(session).await?;
    let units = units(session).await?;
    declare(session, empty(&units, |types| types.cash_in).collect()).await?;
    finish(session).await?;
    Ok(Answer::DepositsEmptied)
}

async fn units(session: &mut Session<'_>) -> Result<Entries<StorageUnit>, Stop> {
    let storage = brought_plainly(session.call(GetStorage {}, Limit::Query).await?)?;
    Ok(storage.storage.ok_or(Failure::Hardware)?)
}

async fn declare(session: &mut Session<'_>, set: Vec<(String, SetUnit)>) -> Result<(), Stop> {
    if !set.is_empty() {
        let reply = session.call(SetStorage { storage: Some(Entries(set)) }, Limit::Query).await?;
        brought(reply, |done| done.error, set_failure)?;
    }
    Ok(())
}

async fn finish(session: &mut Session<'_>) -> Result<(), Stop> {
    let reply = session.call(EndExchange {}, Limit::Motion).await?;
    let over = reply.answer.as_ref().and_then(|ended| ended.error) == Some(EndExchangeError::NoExchangeActive);
    if !over && reply.code != CompletionCode::UnsupportedCommand {
        brought(reply, |ended| ended.error, end_failure)?;
    }
    Ok(())
}

/// What the notes of a cassette are called.
fn item(cash: &CashUnit) -> Option<String> {
    let configured = cash.configuration.as_ref().and_then(|configuration| configuration.cash_items.as_ref());
    let first = configured.and_then(|items| items.first()).cloned();
    let counted = || {
        let initial = cash.status.as_ref()?.initial.as_ref()?;
        initial.items.first().map(|(item, _)| item.clone())
    };
    first.or_else(counted)
}

fn empty(units: &Entries<StorageUnit>, which: Which) -> impl Iterator<Item = (String, SetUnit)> {
    let cash = units.0.iter().filter(move |(_, unit)| unit.cash.as_ref().is_some_and(|cash| is(cash, which)));
    cash.map(|(id, _)| filled(id, Counts { unrecognized: Some(0), items: Vec::new() }))
}

fn filled(id: &str, initial: Counts) -> (String, SetUnit) {
    let status = Some(SetCashUnitStatus { initial: Some(initial) });
    (id.to_owned(), SetUnit { cash: Some(SetCashUnit { status, ..SetCashUnit::default() }), ..SetUnit::default() })
}

const fn start_failure(error: StartExchangeError) -> Failure {
    match error {
        StartExchangeError::StorageUnitError => Failure::Hardware,
        StartExchangeError::ExchangeActive | StartExchangeError::TransactionActive => Failure::Sequence,
    }
}

const fn set_failure(error: SetStorageError) -> Failure {
    match error {
        SetStorageError::StorageUnitError => Failure::Hardware,
        SetStorageError::InvalidUnit | SetStorageError::NoExchangeActive => Failure::Sequence,
    }
}

const fn end_failure(error: EndExchangeError) -> Failure {
    match error {
        EndExchangeError::StorageUnitError => Failure::Hardware,
        EndExchangeError::NoExchangeActive => Failure::Sequence,
    }
}
