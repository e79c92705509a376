//! `CashAcceptor`: taking notes in, storing them, giving them back.

use cashpoint_core::terminal::device::{self, CashInState, Failure, Unit};
use cashpoint_wire::xfs::acceptor::{
    AcceptorPresentStatus, CashInEndError, CashInEnded, CashInError, CashInRolledBack, CashInStartError, CashInStarted,
    CashInState as XfsCashInState, CashInStatus, CashInTaken, InputRefused, MoreBunches, RefuseReason, RollbackError,
};
use cashpoint_wire::xfs::cash::{InfoAvailable, ItemInfoSummary, NoteLevel, OutputPosition};
use cashpoint_wire::xfs::dispenser::PresentState;
use cashpoint_wire::xfs::envelope::CompletionCode;
use cashpoint_wire::xfs::message::{Answer, Event};
use cashpoint_wire::xfs::storage::CashIn;
use cashpoint_wire::xfs::value::{Counts, Entries};

use super::desk::{Begun, Desk};
use super::operation::{End, general};
use super::snapshot::{Snapshot, added};
use super::storage;
use crate::model::Place;

const UNIT: Unit = Unit::Acceptor;

type Ended = Result<device::Answer, Failure>;

impl Desk {
    pub(super) fn cash_in_start_ended(ended: &Ended) -> End {
        match ended {
            Ok(_) => End::Done(Answer::CashInStart(CashInStarted::default())),
            Err(Failure::CashInActive) => {
                End::Error(Answer::CashInStart(CashInStarted { error: Some(CashInStartError::CashInActive) }))
            }
            Err(failure) => End::Code(general(*failure)),
        }
    }

    pub(super) fn cash_in_ended(&mut self, ended: &Ended) -> End {
        let error = |error| End::Error(Answer::CashIn(CashInTaken { error: Some(error), items: None }));
        match ended {
            Ok(device::Answer::NotesTaken { accepted, refused }) => {
                let items = storage::counts(self.hardware.fitting().currency, accepted).unwrap_or_default();
                // An event for each note that goes back: a client may count them.
                for _ in 0..*refused {
                    let reason = Some(RefuseReason::InvalidBill);
                    self.tell(UNIT, Event::InputRefused(InputRefused { reason }));
                }
                if items.total() > 0 {
                    self.tell(UNIT, Event::SubCashIn(items.clone()));
                    let fit = ItemInfoSummary { level: Some(NoteLevel::Fit), items: Some(items.total()) };
                    self.tell(UNIT, Event::InfoAvailable(InfoAvailable { summary: Some(vec![fit]) }));
                }
                End::Done(Answer::CashIn(CashInTaken { error: None, items: Some(items) }))
            }
            Ok(_) => End::Code(CompletionCode::InternalError),
            Err(Failure::Sequence) => error(CashInError::NoCashInActive),
            Err(Failure::Nothing) => error(CashInError::NoItems),
            Err(failure) => End::Code(general(*failure)),
        }
    }

    pub(super) fn store_ended(&mut self, ended: &Ended) -> End {
        let error = |error| End::Error(Answer::CashInEnd(CashInEnded { error: Some(error), ..CashInEnded::default() }));
        match ended {
            Ok(_) => {
                let Some(running) = self.running(UNIT) else { return End::Code(CompletionCode::InternalError) };
                let before = running.before.deposited.clone();
                let stored = added(&before, &Snapshot::of(&self.hardware).deposited);
                let came = CashIn {
                    deposited: storage::counts(self.hardware.fitting().currency, &stored),
                    ..CashIn::default()
                };
                let storage = Some(Entries(vec![(storage::ONLY_UNIT.to_owned(), came)]));
                End::Done(Answer::CashInEnd(CashInEnded { error: None, storage }))
            }
            Err(Failure::Nothing) => error(CashInEndError::NoItems),
            Err(Failure::Jam) => error(CashInEndError::CashUnitError),
            Err(Failure::Sequence) => error(CashInEndError::NoCashInActive),
            Err(failure) => End::Code(general(*failure)),
        }
    }

    pub(super) fn rollback_ended(ended: &Ended) -> End {
        let error = |error| {
            End::Error(Answer::CashInRollback(CashInRolledBack { error: Some(error), ..CashInRolledBack::default() }))
        };
        match ended {
            Ok(_) => End::Done(Answer::CashInRollback(CashInRolledBack::default())),
            Err(Failure::Nothing) => error(RollbackError::NoItems),
            Err(Failure::Jam) => error(RollbackError::CashUnitError),
            Err(Failure::Sequence) => error(RollbackError::NoCashInActive),
            Err(failure) => End::Code(general(*failure)),
        }
    }

    pub(super) fn cash_in_status_ended(&mut self, ended: &Ended) -> End {
        match ended {
            Ok(device::Answer::CashInStatus(status)) => End::Done(Answer::GetCashInStatus(CashInStatus {
                status: Some(match status.state {
                    CashInState::Stored => XfsCashInState::Ok,
                    CashInState::Returned => XfsCashInState::Rollback,
                    CashInState::Active => XfsCashInState::Active,
                    CashInState::Retracted => XfsCashInState::Retract,
                    CashInState::Unknown => XfsCashInState::Unknown,
                }),
                refused: Some(self.hardware.acceptor().refused()),
                accepted: Some(self.named(&status.accepted)),
            })),
            Ok(_) => End::Code(CompletionCode::InternalError),
            Err(failure) => End::Code(general(*failure)),
        }
    }

    pub(super) fn tell_given_back(&mut self) -> Begun {
        let lies = self.hardware.census().at(Place::ReturnSlot);
        let returned = self.named(&lies.by_denomination());
        let state = if lies.is_empty() { PresentState::NotPresented } else { PresentState::Presented };
        let status = AcceptorPresentStatus {
            position: Some(OutputPosition::Center),
            state: Some(state),
            additional_bunches: Some(MoreBunches::None),
            bunches_remaining: Some(0),
            returned: Some(returned),
            ..AcceptorPresentStatus::default()
        };
        self.over(UNIT, End::Done(Answer::GetAcceptorPresentStatus(status)))
    }

    fn named(&self, notes: &cashpoint_core::mix::Notes) -> Counts {
        storage::counts(self.hardware.fitting().currency, notes).unwrap_or_default()
    }
}
