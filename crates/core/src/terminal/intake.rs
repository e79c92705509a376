//! The acceptor's side of a deposit whose notes may be inside of it: from "something happened" to a verdict and its advice.
//!
//! The verdict itself is [`super::recovery`]'s, what the customer is shown is the visit's.

use super::Alarm;
use super::book::{DepositStep, Open, OpenDeposit, Tally};
use super::device::{Answer, CashInState, CashInStatus, Command, Failure, Unit};
use super::hardware::Ended;
use super::link::OperationId;
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
    /// The customer of this deposit has all of it: the journal could perhaps not say so yet.
    back: Option<OperationId>,
    /// In this deposit the acceptor failed with notes in it that it may not have counted: likewise.
    jammed: Option<OperationId>,
}

impl Intake {
    pub(super) const fn new() -> Self {
        Self { settling: None, back: None, jammed: None }
    }

    pub(super) const fn is_settling(&self) -> bool {
        self.settling.is_some()
    }
}

impl Machine {
    /// Finds out what became of the open deposit, and tells the host.
    pub(super) fn settle_deposit(&mut self, customer: Customer, tried: Tried) {
        self.intake.settling = Some(Settling { customer, phase: Phase::Asking, tried });
        self.ask_deposit();
    }

    /// Nothing of this deposit is inside or at the slot: it is over.
    pub(super) fn deposit_back(&mut self, id: OperationId) {
        self.intake.back = Some(id);
        self.end_given_back();
    }

    /// Ends the open deposit if its customer is known to have all of it. `None`: that is not known.
    pub(super) fn end_given_back(&mut self) -> Option<()> {
        let id = self.open_deposit().map(|open| open.id).filter(|id| self.intake.back == Some(*id))?;
        self.write(Record::Dropped { id });
        Some(())
    }

    /// Notes that the acceptor has not counted may be stuck in it by this failure: written before anything else is done, as
    /// after a crash it may be clear again, and they gone. With the customer there it says itself how each insertion ends.
    pub(super) fn mind_uncounted(&mut self, ended: &Ended, customer: Customer) {
        let Err(failure) = ended.result else { return };
        let stuck = match (&ended.command, customer) {
            (Command::TakeNotes, Customer::There | Customer::Gone) => {
                matches!(failure, Failure::Jam | Failure::Hardware | Failure::Fraud)
            }
            (Command::Probe(Unit::Acceptor), Customer::Gone) => matches!(failure, Failure::Jam | Failure::Fraud),
            (_, _) => false,
        };
        let taking = |open: &&OpenDeposit| open.step == DepositStep::Taking && open.tally == Tally::Whole;
        if let Some(id) = self.open_deposit().filter(taking).filter(|_| stuck).map(|open| open.id) {
            self.intake.jammed = Some(id);
            self.write(Record::NotesJammed { id });
        }
    }

    /// Whether the acceptor may hold notes of this deposit that it has not counted.
    pub(super) fn may_be_uncounted(&self, id: OperationId) -> bool {
        self.intake.jammed == Some(id) || self.open_deposit().is_some_and(|open| open.tally == Tally::Broken)
    }

    /// The visit had the notes stored: this is how that ended.
    pub(super) fn deposit_stored(&mut self, result: &Result<Answer, Failure>) {
        self.intake.settling =
            Some(Settling { customer: Customer::There, phase: Phase::Asking, tried: Tried::Nothing });
        self.judge_stored(result);
    }

    fn ask_deposit(&mut self) {
        if let Some(settling) = &mut self.intake.settling {
            settling.phase = Phase::Asking;
        }
        if self.devices.is_reachable(Unit::Acceptor) {
            self.tell(Command::CashInStatus);
        } else {
            self.stick_deposit();
        }
    }

    /// What was stored is what the acceptor says of the storing itself; its list may only say what was laid in.
    fn judge_stored(&mut self, result: &Result<Answer, Failure>) {
        match result {
            Ok(Answer::NotesStored(accepted)) => {
                self.judge_deposit(Some(&CashInStatus { state: CashInState::Stored, accepted: accepted.clone() }));
            }
            Err(Failure::Nothing) => self.judge_deposit(None),
            Ok(_) | Err(_) => self.ask_deposit(),
        }
    }

    /// The acceptor answers, working or not, after it could not be reached.
    pub(super) fn resume_deposit(&mut self) {
        if let Some(settling) = &mut self.intake.settling
            && settling.phase == Phase::Stuck
        {
            (settling.phase, settling.customer) = (Phase::Asking, Customer::Gone);
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

    /// Storing was not told, because it could not be written. If it was to settle a deposit, that is taken up again later.
    pub(super) fn storing_undone(&mut self) -> Option<()> {
        self.intake.settling.take_if(|settling| settling.phase == Phase::Moving).map(|_| ())
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
            (Phase::Moving, Command::StoreNotes) => self.judge_stored(&ended.result),
            (Phase::Moving, Command::ReturnNotes) => {
                if ended.result == Ok(Answer::NotesReturned) {
                    self.signal(Signal::DepositAtSlot);
                }
                self.ask_deposit();
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

    /// The deposit with what is known of its tally, which the journal is told where it could not be before.
    fn with_tally(&mut self, open: OpenDeposit) -> OpenDeposit {
        if open.tally == Tally::Broken || self.intake.jammed != Some(open.id) {
            return open;
        }
        if open.step == DepositStep::Taking {
            self.write(Record::NotesJammed { id: open.id });
        }
        OpenDeposit { tally: Tally::Broken, ..open }
    }

    fn judge_deposit(&mut self, status: Option<&CashInStatus>) {
        let Some(settling) = self.intake.settling.take() else { return };
        let Some(open) = self.open_deposit() else { return };
        let found = recovery::as_found(open, status);
        let open = &self.with_tally(found);
        let verdict = recovery::judge_deposit(open, status, settling.customer, settling.tried);
        let customer = settling.customer;
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
            (DepositVerdict::Watch, _) => return self.signal(Signal::DepositToTake(open.notes.clone())),
            (DepositVerdict::Deposited, Some(Ending::Advice(kind))) => {
                // A deposit that had to be settled is no sign that the acceptor works.
                if customer == Customer::There {
                    self.errors = 0;
                }
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
