//! The acceptor's side of a deposit whose notes may be inside of it: from "something happened" to a verdict and its advice.
//!
//! The verdict itself is [`super::recovery`]'s, what the customer is shown is the visit's.

use super::Alarm;
use super::book::{DepositStep, Open, OpenDeposit};
use super::device::{Answer, CashInState, CashInStatus, Command, Failure, Unit};
use super::hardware::Ended;
use super::machine::{Machine, Signal};
use super::record::Record;
use super::recovery::{self, Customer, DepositVerdict, Ending, Tried};

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Phase {
    /// It is asked how the deposit stands.
    Asking,
    /// The notes are moved as the verdict said.
    Moving,
    /// The acceptor cannot be reached.
    Stuck,
}

/// A deposit on its way to a verdict.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Settling {
    customer: Customer,
    phase: Phase,
    tried: Tried,
}

/// The acceptor as the terminal sees it.
#[derive(Debug)]
pub(super) struct Intake {
    settling: Option<Settling>,
}

impl Intake {
    pub(super) const fn new() -> Self {
        Self { settling: None }
    }

    pub(super) const fn is_settling(&self) -> bool {
        self.settling.is_some()
    }
}

impl Machine {
    /// Finds out what became of the open deposit, and tells the host.
    pub(super) fn settle_deposit(&mut self, customer: Customer, tried: Tried) {
        self.intake.settling = Some(Settling { customer, phase: Phase::Asking, tried });
        if self.devices.is_reachable(Unit::Acceptor) {
            self.tell(Command::CashInStatus);
        } else {
            self.stick_deposit();
        }
    }

    /// The notes were stored, as the acceptor says by itself.
    pub(super) fn deposit_stored(&mut self, accepted: crate::mix::Notes) {
        self.intake.settling =
            Some(Settling { customer: Customer::There, phase: Phase::Asking, tried: Tried::Nothing });
        self.judge_deposit(Some(&CashInStatus { state: CashInState::Stored, accepted }));
    }

    /// The acceptor answers, working or not, after it could not be reached.
    pub(super) fn resume_deposit(&mut self) {
        if let Some(settling) = &mut self.intake.settling
            && settling.phase == Phase::Stuck
        {
            *settling = Settling { customer: Customer::Gone, phase: Phase::Asking, tried: Tried::Nothing };
            self.tell(Command::CashInStatus);
        }
    }

    pub(super) fn stick_deposit(&mut self) {
        if let Some(settling) = &mut self.intake.settling
            && settling.phase != Phase::Stuck
        {
            settling.phase = Phase::Stuck;
            self.signal(Signal::DepositUnknown);
        }
    }

    /// Storing was not told, because it could not be written: the deposit is taken up again when that is over.
    pub(super) fn storing_undone(&mut self) {
        self.intake.settling.take_if(|settling| settling.phase == Phase::Moving);
    }

    /// Takes the end of a command of the acceptor, if it is one that settles.
    pub(super) fn settle_deposit_on(&mut self, ended: &Ended) {
        let Some(phase) = self.intake.settling.as_ref().map(|settling| settling.phase) else { return };
        if ended.result == Err(Failure::Lost) {
            self.stick_deposit();
            return;
        }
        match (phase, &ended.command) {
            (Phase::Asking, Command::CashInStatus) => match &ended.result {
                Ok(Answer::CashInStatus(status)) => self.judge_deposit(Some(status)),
                Ok(_) | Err(_) => self.judge_deposit(None),
            },
            (Phase::Moving, Command::ReturnNotes | Command::StoreNotes) => {
                if ended.result == Ok(Answer::NotesReturned) {
                    self.signal(Signal::DepositAtSlot);
                }
                if let Some(settling) = &mut self.intake.settling {
                    settling.phase = Phase::Asking;
                }
                self.tell(Command::CashInStatus);
            }
            (Phase::Asking | Phase::Moving | Phase::Stuck, _) => {}
        }
    }

    fn open_deposit(&self) -> Option<&OpenDeposit> {
        match self.journal.book().open() {
            Some(Open::Deposit(open)) => Some(open),
            Some(Open::Withdrawal(_)) | None => None,
        }
    }

    /// Has the journal say that what is in escrow is about to be stored, where it does not say so yet. `None`: it cannot.
    fn note_storing(&mut self, open: &OpenDeposit) -> Option<()> {
        match open.step {
            DepositStep::Storing => Some(()),
            DepositStep::Taking => {
                let OpenDeposit { id, card, account, ref notes, amount, .. } = *open;
                self.write(Record::Storing { id, card, account, notes: notes.clone(), amount }).map(|_| ())
            }
        }
    }

    fn judge_deposit(&mut self, status: Option<&CashInStatus>) {
        let Some(settling) = self.intake.settling.take() else { return };
        let Some(open) = self.open_deposit() else { return };
        let open = &recovery::as_found(open, status);
        let verdict = recovery::judge_deposit(open, status, settling.customer, settling.tried);
        let moving = Some(Settling { phase: Phase::Moving, tried: Tried::Clearing, ..settling });
        let id = open.id;
        match (&verdict, recovery::deposit_ending(open, &verdict)) {
            (DepositVerdict::Return, _) => {
                self.intake.settling = moving;
                return self.tell(Command::ReturnNotes);
            }
            (DepositVerdict::Store, _) => {
                if self.note_storing(open).is_none() {
                    // It is taken up again when the journal writes again.
                    return;
                }
                self.intake.settling = moving;
                return self.tell(Command::StoreNotes);
            }
            (DepositVerdict::Deposited, Some(Ending::Advice(kind))) => {
                self.errors = 0;
                self.advise(id, kind);
            }
            (DepositVerdict::Unclear, Some(Ending::Advice(kind))) => {
                self.alarm(Alarm::CashUnknown);
                self.advise(id, kind);
            }
            (DepositVerdict::Returned, Some(Ending::Dropped)) => {
                self.write(Record::Dropped { id });
            }
            (DepositVerdict::Returned | DepositVerdict::Deposited | DepositVerdict::Unclear, _) => {}
        }
        self.signal(Signal::DepositSettled(verdict));
    }
}
