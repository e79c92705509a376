//! Commands of the card reader.

use cashpoint_core::terminal::device::{Answer, CardRead, Failure};
use cashpoint_wire::card_reference::CardKey;
use cashpoint_wire::xfs::reader::{Move, MoveError, RawData, ReadError, ReadRawData};
use cashpoint_wire::xfs::storage::{CardUnitType, GetStorage, Replenishment};
use zeroize::Zeroizing;

use super::failure::{Stop, brought, brought_plainly, of_motion};
use super::session::{Limit, Session};
use super::track2::Track2;

const EXIT: &str = "exit";
const TRANSPORT: &str = "transport";

/// Where a card was left.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Place {
    /// Inside, or nowhere, or not known.
    #[default]
    Elsewhere,
    /// At the exit.
    Exit,
}

pub(super) async fn read(session: &mut Session<'_>, key: &CardKey) -> Result<Answer, Stop> {
    let read = ReadRawData { track2: Some(true), ..ReadRawData::default() };
    let data = brought(session.call(read, Limit::Customer).await?, |data| data.error, read_failure)?;
    session.known.card = Place::Elsewhere;
    Ok(Answer::Card(card(&data, key).ok_or(Failure::Unreadable)?))
}

fn card(data: &RawData, key: &CardKey) -> Option<CardRead> {
    let track = data.track2.as_ref().filter(|track| track.status.is_none())?;
    let bytes = track.data.as_ref()?.bytes()?;
    let text = Zeroizing::new(std::str::from_utf8(&bytes).ok()?.to_owned());
    let track = Track2::parse(&text).ok()?;
    Some(CardRead { reference: key.reference(&track.pan), expires: track.expires, pan: track.pan })
}

pub(super) async fn eject(session: &mut Session<'_>) -> Result<Answer, Stop> {
    shift(session, TRANSPORT, EXIT).await?;
    session.known.card = Place::Exit;
    Ok(Answer::CardEjected)
}

pub(super) async fn retain(session: &mut Session<'_>) -> Result<Answer, Stop> {
    let storage = brought_plainly(session.call(GetStorage {}, Limit::Query).await?)?;
    let units = storage.storage.unwrap_or_default();
    let bins = units.0.iter().filter_map(|(id, unit)| {
        let card = unit.card.as_ref()?;
        let kind = card.capabilities.as_ref()?.kind?;
        let level = card.status.as_ref().and_then(|status| status.replenishment);
        let room = level != Some(Replenishment::Full);
        (kind == CardUnitType::Retain && room).then_some(id.as_str())
    });
    let bin = bins.min().ok_or(Failure::Cassette)?;
    // Where the card is, the reader knows better than we do: a customer may have pushed it back.
    let places = match session.known.card {
        Place::Exit => [EXIT, TRANSPORT],
        Place::Elsewhere => [TRANSPORT, EXIT],
    };
    match shift(session, places[0], bin).await {
        Err(Stop::Failed(Failure::Nothing)) => shift(session, places[1], bin).await?,
        moved => moved?,
    }
    session.known.card = Place::Elsewhere;
    Ok(Answer::CardRetained)
}

async fn shift(session: &mut Session<'_>, from: &str, to: &str) -> Result<(), Stop> {
    let shift = Move { from: Some(from.to_owned()), to: Some(to.to_owned()) };
    let reply = session.call(shift, Limit::Motion).await?;
    brought(reply, |moved| moved.error, move_failure).map_err(of_motion)?;
    Ok(())
}

pub(super) const fn read_failure(error: ReadError) -> Failure {
    match error {
        ReadError::MediaJam => Failure::Jam,
        ReadError::ShutterFail | ReadError::SecurityFail => Failure::Hardware,
        ReadError::NoMedia => Failure::Nothing,
        ReadError::InvalidMedia | ReadError::CardTooShort | ReadError::CardTooLong | ReadError::CardCollision => {
            Failure::Unreadable
        }
    }
}

pub(super) const fn move_failure(error: MoveError) -> Failure {
    match error {
        MoveError::MediaJam => Failure::Jam,
        MoveError::ShutterFail => Failure::ShutterStuck,
        MoveError::NoMedia => Failure::Nothing,
        MoveError::Occupied => Failure::Sequence,
        MoveError::Full => Failure::Cassette,
        // It could not be ejected and is in the bin now: the customer gets it from staff.
        MoveError::MediaRetained => Failure::Hardware,
    }
}
