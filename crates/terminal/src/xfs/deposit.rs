//! Commands of the acceptor.
//!
//! Notes that a device cannot name are never counted as money: an escrow with such in it is reported as a failure, and
//! the terminal gives it back.

use cashpoint_core::terminal::device::{self, Answer, CashInStatus, Failure, Unit};
use cashpoint_wire::xfs::acceptor::{
    CashIn, CashInEnd, CashInEndError, CashInError, CashInRollback, CashInStart, CashInStartError, CashInState,
    GetCashInStatus, RollbackError,
};
use cashpoint_wire::xfs::cash::{InputPosition, OpenShutter, OutputPosition, Position};

use super::failure::{Stop, brought, brought_plainly, of_motion};
use super::notes_out::{close, note_types};
use super::session::{Limit, Session};

pub(super) async fn start(session: &mut Session<'_>) -> Result<Answer, Stop> {
    let start = CashInStart {
        use_recycle_units: Some(false),
        output: Some(OutputPosition::Default),
        input: Some(InputPosition::Default),
        ..CashInStart::default()
    };
    let reply = session.call(start, Limit::Query).await?;
    brought(reply, |started| started.error, start_failure)?;
    Ok(Answer::CashInStarted)
}

pub(super) async fn take(session: &mut Session<'_>) -> Result<Answer, Stop> {
    session.gave = Unit::Acceptor;
    let by_hand =
        session.capabilities.acceptor.as_ref().is_some_and(|acceptor| acceptor.shutter_control == Some(false));
    if by_hand {
        let open = OpenShutter { position: Some(Position::InDefault) };
        let reply = session.call(open, Limit::Motion).await?;
        tracing::debug!(code = ?reply.code, "shutter opened");
    }
    let reply = session.call(CashIn {}, Limit::Customer).await?;
    let taken = brought(reply, |taken| taken.error, take_failure);
    if by_hand {
        close(session, Position::InDefault).await?;
    }
    let items = taken?.items.unwrap_or_default();
    let notes = note_types(session).await?;
    let accepted = notes.notes([&items]).map_err(|_| Failure::Hardware)?;
    Ok(Answer::NotesTaken { accepted, refused: session.heard.refused })
}

pub(super) async fn store(session: &mut Session<'_>) -> Result<Answer, Stop> {
    let notes = note_types(session).await?;
    let reply = session.call(CashInEnd {}, Limit::Motion).await?;
    let ended = brought(reply, |ended| ended.error, store_failure).map_err(of_motion)?;
    let units = ended.storage.unwrap_or_default();
    let deposited = units.0.iter().filter_map(|(_, bucket)| bucket.deposited.as_ref());
    let told = notes.notes(deposited).map_err(|_| Failure::Hardware)?;
    if !told.is_empty() {
        return Ok(Answer::NotesStored(told));
    }
    // A device may leave out what it changed; then its own list of the deposit counts.
    let status = brought_plainly(session.call(GetCashInStatus {}, Limit::Query).await?)?;
    let listed = status.accepted.filter(|_| status.status == Some(CashInState::Ok)).ok_or(Failure::Hardware)?;
    Ok(Answer::NotesStored(notes.notes([&listed]).map_err(|_| Failure::Hardware)?))
}

pub(super) async fn give_back(session: &mut Session<'_>) -> Result<Answer, Stop> {
    session.gave = Unit::Acceptor;
    let reply = session.call(CashInRollback {}, Limit::Motion).await?;
    brought(reply, |rolled| rolled.error, give_back_failure).map_err(of_motion)?;
    Ok(Answer::NotesReturned)
}

pub(super) async fn status(session: &mut Session<'_>) -> Result<Answer, Stop> {
    let notes = note_types(session).await?;
    let status = brought_plainly(session.call(GetCashInStatus {}, Limit::Query).await?)?;
    let state = match status.status {
        Some(CashInState::Ok) => device::CashInState::Stored,
        Some(CashInState::Rollback) => device::CashInState::Returned,
        Some(CashInState::Active) => device::CashInState::Active,
        Some(CashInState::Retract) => device::CashInState::Retracted,
        Some(CashInState::Unknown | CashInState::Reset) | None => device::CashInState::Unknown,
    };
    let answer =
        notes
            .notes(status.accepted.as_ref())
            .map_or(CashInStatus { state: device::CashInState::Unknown, accepted: Vec::new() }, |accepted| {
                CashInStatus { state, accepted }
            });
    Ok(Answer::CashInStatus(answer))
}

pub(super) const fn start_failure(error: CashInStartError) -> Failure {
    match error {
        CashInStartError::CashInActive => Failure::CashInActive,
        CashInStartError::InvalidTellerId
        | CashInStartError::UnsupportedPosition
        | CashInStartError::ExchangeActive
        | CashInStartError::SafeDoorOpen => Failure::Sequence,
    }
}

pub(super) const fn take_failure(error: CashInError) -> Failure {
    match error {
        CashInError::CashUnitError | CashInError::TooManyItems => Failure::Cassette,
        CashInError::NoItems => Failure::Nothing,
        CashInError::PositionNotEmpty => Failure::ItemsLeft,
        CashInError::ForeignItemsDetected => Failure::Jam,
        CashInError::ShutterNotOpen => Failure::ShutterStuck,
        CashInError::ShutterNotClosed => Failure::Hardware,
        CashInError::ExchangeActive | CashInError::NoCashInActive | CashInError::SafeDoorOpen => Failure::Sequence,
    }
}

pub(super) const fn store_failure(error: CashInEndError) -> Failure {
    match error {
        // Notes may be stuck on the way: what is where, the terminal has to find out.
        CashInEndError::CashUnitError => Failure::Jam,
        CashInEndError::NoItems => Failure::Nothing,
        CashInEndError::PositionNotEmpty => Failure::ItemsLeft,
        CashInEndError::ExchangeActive | CashInEndError::NoCashInActive | CashInEndError::SafeDoorOpen => {
            Failure::Sequence
        }
    }
}

pub(super) const fn give_back_failure(error: RollbackError) -> Failure {
    match error {
        RollbackError::CashUnitError => Failure::Jam,
        RollbackError::ShutterNotOpen => Failure::ShutterStuck,
        RollbackError::PositionNotEmpty => Failure::ItemsLeft,
        RollbackError::NoItems => Failure::Nothing,
        RollbackError::ExchangeActive | RollbackError::NoCashInActive => Failure::Sequence,
    }
}
