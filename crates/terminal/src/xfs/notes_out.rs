//! Commands of the dispenser.
//!
//! Which notes to give was decided before: they are named cassette by cassette, never left to the device.

use cashpoint_core::money::Amount;
use cashpoint_core::terminal::device::{
    Answer, Dispense as Order, DispenseId, Event as Happening, Failure, Nonce, PresentState, PresentStatus, Unit,
};
use cashpoint_wire::dispense_token::TokenNonce;
use cashpoint_wire::xfs::cash::{
    CloseShutter, GetBankNoteTypes, OutputPosition, Position, Retract, RetractArea, RetractError, RetractLocation,
    Retracted,
};
use cashpoint_wire::xfs::dispenser::{
    self, ApplicationMix, DenominateRequest, Denomination, Dispense, DispenseError, Dispensed, GetPresentStatus,
    Present, PresentError, Reject, RejectError, RequestedDenomination,
};
use cashpoint_wire::xfs::service::{ClearCommandNonce, GetCommandNonce, GetStatus};
use cashpoint_wire::xfs::storage::GetStorage;
use cashpoint_wire::xfs::value::{Entries, Number};
use data_encoding::HEXUPPER;

use super::cassettes::{Denominations, by_position, counters, giving};
use super::failure::{Stop, brought, brought_plainly, of_motion};
use super::session::{Limit, Session};

pub(super) async fn fetch_nonce(session: &mut Session<'_>) -> Result<Answer, Stop> {
    let brought = brought_plainly(session.call(GetCommandNonce {}, Limit::Query).await?)?;
    let nonce = brought.nonce.as_deref().and_then(TokenNonce::parse).and_then(|nonce| nonce.nonce());
    // A device may count instead of drawing 128 bits; tokens of this project are not made for such nonces.
    Ok(Answer::Nonce(nonce.ok_or(Failure::Sequence)?))
}

pub(super) async fn clear_nonce(session: &mut Session<'_>) -> Result<Answer, Stop> {
    match brought_plainly(session.call(ClearCommandNonce {}, Limit::Query).await?) {
        Ok(_) | Err(Failure::NoNonce) => Ok(Answer::NonceCleared),
        Err(failure) => Err(failure.into()),
    }
}

pub(super) async fn dispense(session: &mut Session<'_>, order: &Order) -> Result<Answer, Stop> {
    let cassettes = cassettes(session).await?;
    let dispense = asked(&cassettes, order).ok_or(Failure::Sequence)?;
    let reply = session.call(dispense, Limit::Motion).await?;
    let incomplete = session.heard.incomplete.take();
    let done = match brought(reply, |done| done.error, dispense_failure).map_err(of_motion) {
        // A device may call it an error that a cassette gave fewer notes; it tells beside it what lies on the stacker.
        Err(failure @ (Failure::Cassette | Failure::NotDispensable)) => {
            let told = incomplete.as_ref().and_then(|told| by_position(&cassettes, told));
            let some = told.filter(|notes| notes.iter().any(|count| *count > 0));
            return some.map(Answer::Dispensed).ok_or(Stop::Failed(failure));
        }
        ended => ended?,
    };
    let notes = given(&cassettes, &done, incomplete.as_ref());
    // Done, but not told how much: the counters will.
    Ok(Answer::Dispensed(notes.ok_or(Failure::Hardware)?))
}

fn asked(cassettes: &[String], order: &Order) -> Option<Dispense> {
    let fits = order.notes.iter().skip(cassettes.len()).all(|count| *count == 0);
    let counts = cassettes.iter().zip(&order.notes).filter(|(_, count)| **count > 0);
    let counts: Entries<u32> = counts.map(|(unit, count)| (unit.clone(), *count)).collect();
    if !fits || counts.0.is_empty() {
        return None;
    }
    let app = ApplicationMix { currencies: Some(currencies(order.amount)?), counts: Some(counts), cash_box: None };
    let denomination = RequestedDenomination { app: Some(app), service: None };
    Some(Dispense {
        denomination: Some(DenominateRequest { denomination: Some(denomination), teller: None }),
        position: Some(OutputPosition::Default),
        token: Some(order.token.0.clone()),
    })
}

fn currencies(amount: Amount) -> Option<Entries<Number>> {
    Some([(amount.currency().code(), Number::of(amount)?)].into_iter().collect())
}

/// What was given: as the completion says, or else the event about an incomplete dispense.
fn given(cassettes: &[String], done: &Dispensed, incomplete: Option<&Denomination>) -> Option<Vec<u32>> {
    let told = done.denomination.as_ref().filter(|told| told.values.is_some());
    told.or(incomplete).and_then(|told| by_position(cassettes, told))
}

pub(super) async fn present(session: &mut Session<'_>) -> Result<Answer, Stop> {
    session.gave = Unit::Dispenser;
    let present = Present { position: Some(OutputPosition::Default) };
    let reply = session.call(present, Limit::Motion).await?;
    brought(reply, |done| done.error, present_failure).map_err(of_motion)?;
    Ok(Answer::Presented)
}

/// After a bunch was taken: presents the next one. Not a command of the terminal, which learns of the last bunch only.
pub(super) async fn next_bunch(session: &mut Session<'_>) -> Result<(), Stop> {
    match present(session).await {
        Ok(_) => {}
        Err(Stop::Failed(Failure::Nothing)) => session.happened(Happening::NotesTaken).await,
        Err(Stop::Failed(failure)) => {
            tracing::error!(?failure, "the next bunch of notes was not presented");
            session.happened(Happening::StatusChanged(Unit::Dispenser)).await;
        }
        Err(Stop::Broken(broken)) => return Err(broken.into()),
    }
    Ok(())
}

/// Closes a shutter that the service leaves to the client. A shutter that does not close shows in the status.
pub(super) async fn close(session: &mut Session<'_>, position: Position) -> Result<(), Stop> {
    let reply = session.call(CloseShutter { position: Some(position) }, Limit::Motion).await?;
    tracing::debug!(code = ?reply.code, "shutter closed");
    Ok(())
}

pub(super) async fn reject(session: &mut Session<'_>) -> Result<Answer, Stop> {
    let reply = session.call(Reject {}, Limit::Motion).await?;
    brought(reply, |done| done.error, reject_failure).map_err(of_motion)?;
    Ok(Answer::Rejected)
}

/// Takes notes back to where the device has room for such.
pub(super) async fn retract(session: &mut Session<'_>) -> Result<Answer, Stop> {
    let areas = session.capabilities.dispenser.as_ref().and_then(|dispenser| dispenser.retract_areas.clone());
    let area = areas.map_or(Some(RetractArea::Retract), |areas| {
        let ways = [
            (areas.retract, RetractArea::Retract),
            (areas.reject, RetractArea::Reject),
            (areas.cash_in, RetractArea::CashIn),
            (areas.item_cassette, RetractArea::ItemCassette),
            (areas.stacker, RetractArea::Stacker),
            (areas.transport, RetractArea::Transport),
        ];
        ways.into_iter().find_map(|(able, area)| (able == Some(true)).then_some(area))
    });
    let area = area.ok_or(Failure::Sequence)?;
    let mut index = 1;
    loop {
        let place = (area == RetractArea::Retract).then_some(index);
        // Some devices refuse an area and a position together.
        let location = RetractLocation { output: None, area: Some(area), index: place };
        let reply = session.call(Retract { location: Some(location) }, Limit::Motion).await?;
        let occupied = reply.answer.as_ref().and_then(|done| done.error) == Some(RetractError::PositionNotEmpty);
        match brought(reply, |done| done.error, retract_failure).map_err(of_motion) {
            Ok(done) => {
                let notes = note_types(session).await?;
                return Ok(Answer::Retracted(counted(&done, &notes)));
            }
            // Nothing moved. The index goes over all places of all retract units; how many, the device says by refusing.
            Err(Failure::Cassette) if occupied && place.is_some() && index < MOST_RETRACTS => index += 1,
            Err(failure) => return Err(failure.into()),
        }
    }
}

/// Places for retracted notes that are tried.
const MOST_RETRACTS: u32 = 32;

/// What was taken back, if all of it was counted.
fn counted(done: &Retracted, notes: &Denominations) -> Option<cashpoint_core::mix::Notes> {
    let elsewhere = [&done.transport, &done.stacker];
    let bins = done.storage.iter().flat_map(|storage| &storage.0);
    let counts: Vec<_> = bins
        .flat_map(|(_, bucket)| [&bucket.retracted, &bucket.rejected, &bucket.deposited])
        .chain(elsewhere)
        .flatten()
        .collect();
    let sum = notes.notes(counts.iter().copied()).ok()?;
    // No counts at all after a success: the device did not count.
    (!sum.is_empty()).then_some(sum)
}

pub(super) async fn status(session: &mut Session<'_>, nonce: Option<Nonce>) -> Result<Answer, Stop> {
    let cassettes = cassettes(session).await?;
    let get = GetPresentStatus {
        position: Some(OutputPosition::Default),
        nonce: nonce.map(|nonce| HEXUPPER.encode(&nonce.0)),
    };
    let reply = session.call(get, Limit::Motion).await?;
    let status = brought(reply, |status| status.error, |_| Failure::Sequence)?;
    Ok(Answer::PresentStatus(PresentStatus {
        state: match status.state {
            Some(dispenser::PresentState::Presented) => PresentState::Presented,
            Some(dispenser::PresentState::NotPresented) => PresentState::NotPresented,
            Some(dispenser::PresentState::Unknown) | None => PresentState::Unknown,
        },
        notes: status.denomination.as_ref().and_then(|notes| by_position(&cassettes, notes)),
        dispense: status.token.as_deref().and_then(named_dispense),
        token: status.token,
    }))
}

/// Which dispense a signed status speaks of. Whether it is signed, the host sees.
fn named_dispense(token: &str) -> Option<DispenseId> {
    let digits = token.split(',').find_map(|field| field.strip_prefix("DISPENSEID="))?;
    HEXUPPER.decode(digits.as_bytes()).ok()?.try_into().ok()
}

pub(super) async fn read_counters(session: &mut Session<'_>) -> Result<Answer, Stop> {
    let notes = note_types(session).await?;
    let storage = brought_plainly(session.call(GetStorage {}, Limit::Query).await?)?;
    let units = storage.storage.ok_or(Failure::Hardware)?;
    session.known.cassettes = Some(giving(&units).map(|(id, _, _)| id.to_owned()).collect());
    let status = brought_plainly(session.call(GetStatus {}, Limit::Query).await?)?;
    Ok(Answer::Counters(counters(&units, &notes, &status).ok_or(Failure::Hardware)?))
}

/// Units that give notes, read once: they stay while the service runs.
async fn cassettes(session: &mut Session<'_>) -> Result<Vec<String>, Stop> {
    if let Some(cassettes) = &session.known.cassettes {
        return Ok(cassettes.clone());
    }
    let storage = brought_plainly(session.call(GetStorage {}, Limit::Query).await?)?;
    let units = storage.storage.ok_or(Failure::Hardware)?;
    let cassettes: Vec<String> = giving(&units).map(|(id, _, _)| id.to_owned()).collect();
    session.known.cassettes = Some(cassettes.clone());
    Ok(cassettes)
}

/// What notes are worth, read once.
pub(super) async fn note_types(session: &mut Session<'_>) -> Result<Denominations, Stop> {
    if let Some(notes) = &session.known.notes {
        return Ok(notes.clone());
    }
    let types = brought_plainly(session.call(GetBankNoteTypes {}, Limit::Query).await?)?;
    let notes = Denominations::of(&types);
    session.known.notes = Some(notes.clone());
    Ok(notes)
}

pub(super) const fn dispense_failure(error: DispenseError) -> Failure {
    match error {
        DispenseError::CashUnitError => Failure::Cassette,
        DispenseError::NotDispensable | DispenseError::TooManyItems => Failure::NotDispensable,
        DispenseError::ItemsLeft => Failure::ItemsLeft,
        DispenseError::ShutterOpen => Failure::Hardware,
        DispenseError::InvalidCurrency
        | DispenseError::InvalidTellerId
        | DispenseError::InvalidDenomination
        | DispenseError::InvalidMixNumber
        | DispenseError::NoCurrencyMix
        | DispenseError::UnsupportedPosition
        | DispenseError::SafeDoorOpen
        | DispenseError::ExchangeActive
        | DispenseError::NoCashBoxPresent
        | DispenseError::AmountNotInMixTable => Failure::Sequence,
    }
}

pub(super) const fn present_failure(error: PresentError) -> Failure {
    match error {
        PresentError::ShutterNotOpen => Failure::ShutterStuck,
        PresentError::NoItems => Failure::Nothing,
        // The notes are still inside in each of these cases.
        PresentError::ShutterOpen
        | PresentError::ExchangeActive
        | PresentError::PresentErrorNoItems
        | PresentError::UnsupportedPosition => Failure::NotPresented,
        PresentError::PresentErrorItems => Failure::PartlyPresented,
        PresentError::PresentErrorUnknown => Failure::Hardware,
    }
}

pub(super) const fn reject_failure(error: RejectError) -> Failure {
    match error {
        RejectError::CashUnitError => Failure::Cassette,
        RejectError::NoItems => Failure::Nothing,
        RejectError::ExchangeActive => Failure::Sequence,
    }
}

pub(super) const fn retract_failure(error: RetractError) -> Failure {
    match error {
        RetractError::CashUnitError | RetractError::PositionNotEmpty => Failure::Cassette,
        RetractError::NoItems => Failure::Nothing,
        RetractError::ItemsTaken => Failure::AlreadyTaken,
        // The notes may still be within reach.
        RetractError::ShutterNotClosed => Failure::Hardware,
        RetractError::ForeignItemsDetected | RetractError::IncompleteRetract => Failure::Jam,
        RetractError::ExchangeActive | RetractError::InvalidRetractPosition | RetractError::NotRetractArea => {
            Failure::Sequence
        }
    }
}
