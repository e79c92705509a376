//! Notes in: counted in escrow, shown, and stored or given back.

use crate::id::AccountNumber;
use crate::mix::Notes;
use crate::money::Amount;
use crate::outcome::Refusal;
use crate::terminal::Timer;
use crate::terminal::device::{Answer, Command, Event, Failure, Unit};
use crate::terminal::hardware::Ended;
use crate::terminal::link::{AdviceKind, OperationId};
use crate::terminal::machine::{Machine, Signal};
use crate::terminal::offline::{self, Asked};
use crate::terminal::record::Record;
use crate::terminal::recovery::{Customer, DepositVerdict, Tried};
use crate::terminal::screen::{Choice, Finished, Screen, Settled, Sorry, Waiting, Why};

use super::{Receipt, Step, Then, Visit};

/// How long the customer waits to hear that the host has it, milliseconds. It is in the journal all the same.
const POSTING_MS: u32 = 8_000;

/// A deposit.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Deposit {
    id: OperationId,
    account: AccountNumber,
    notes: Notes,
    refused: u32,
    doing: Doing,
}

#[derive(Clone, PartialEq, Eq, Debug)]
enum Doing {
    /// The acceptor makes itself ready.
    Starting,
    /// The customer inserts notes.
    Inserting,
    /// The acceptor is stopped; then the notes go back.
    Stopping(Why),
    /// Store, more, or back?
    Deciding,
    /// A receipt?
    Receipt,
    /// The notes go into the bin.
    Storing(OperationId, Receipt),
    /// It is being found out what became of them.
    Settling(OperationId, Receipt, AtSlot),
    /// The host is being told.
    Posting(OperationId, Receipt),
    /// The notes go back.
    Returning(Why),
    /// They are at the slot.
    AtSlot(Why, Option<OperationId>),
}

/// Whether the notes lie at the slot.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum AtSlot {
    No,
    Yes,
    /// They did. What is taken from the slot before they lie there is what the acceptor refused.
    Taken,
}

impl Visit {
    pub(super) fn begin_deposit(&mut self, account: AccountNumber, m: &mut Machine) -> Step {
        m.show(Screen::Wait(Waiting::CountingIn));
        m.tell(Command::StartCashIn);
        Step::Deposit(Deposit {
            id: m.journal.new_id(),
            account,
            notes: Notes::new(),
            refused: 0,
            doing: Doing::Starting,
        })
    }

    pub(super) fn on_deposit(&mut self, deposit: Deposit, signal: &Signal, m: &mut Machine) -> Step {
        match deposit.doing.clone() {
            Doing::Starting => match signal {
                Signal::Ended(Ended { command: Command::StartCashIn, result: Ok(_) }) => self.insert(deposit, m),
                Signal::Ended(Ended { command: Command::StartCashIn, result: Err(_) }) => {
                    self.apologise(Why::Machine, m)
                }
                _ => Step::Deposit(deposit),
            },
            Doing::Inserting => self.on_inserting(deposit, signal, m),
            Doing::Stopping(why) => match signal {
                Signal::Ended(Ended { command: Command::TakeNotes, result }) => match result {
                    Ok(_) | Err(Failure::Cancelled | Failure::TimedOut) => {
                        self.give_back(with_notes(deposit, result), why, m)
                    }
                    Err(failure) => self.find_notes(deposit, (*failure, Tried::Nothing), m),
                },
                _ => Step::Deposit(deposit),
            },
            Doing::Deciding | Doing::Receipt => self.on_deciding(deposit, signal, m),
            Doing::Storing(id, receipt) => self.on_storing(deposit, (id, receipt), signal, m),
            Doing::Settling(id, receipt, at_slot) => self.on_settling(deposit, (id, receipt, at_slot), signal, m),
            Doing::Posting(id, receipt) => match signal {
                Signal::Acknowledged(acknowledged, _) if *acknowledged == id => {
                    m.stop(Timer::Message);
                    self.deposited(&deposit, (id, receipt), Settled::Now, m)
                }
                Signal::Elapsed(Timer::Message) => self.deposited(&deposit, (id, receipt), Settled::Later, m),
                Signal::Changed if !m.uplink.is_online() => {
                    m.stop(Timer::Message);
                    self.deposited(&deposit, (id, receipt), Settled::Later, m)
                }
                _ => Step::Deposit(deposit),
            },
            Doing::Returning(why) => self.on_returning(deposit, why, signal, m),
            Doing::AtSlot(why, reference) => match signal {
                Signal::Event(Event::DepositReturnTaken) => {
                    m.stop(Timer::Taking);
                    self.taken_back(deposit, (why, reference), m)
                }
                Signal::Elapsed(Timer::Taking) => self.unclear(deposit, m),
                _ => Step::Deposit(deposit),
            },
        }
    }

    fn insert(&mut self, deposit: Deposit, m: &mut Machine) -> Step {
        let amount = sum(&deposit.notes, m);
        let (Some(amount), Some(())) = (amount, self.take_notes(&deposit, m)) else {
            return self.give_back(deposit, Why::Machine, m);
        };
        m.show(Screen::InsertNotes { counted: deposit.notes.clone(), amount, refused: deposit.refused });
        Step::Deposit(Deposit { doing: Doing::Inserting, ..deposit })
    }

    /// Has the acceptor take notes, once the journal says that a deposit begins. `None`: it does not, and may not.
    fn take_notes(&self, deposit: &Deposit, m: &mut Machine) -> Option<()> {
        if is_open(deposit, m) {
            m.tell(Command::TakeNotes);
            return Some(());
        }
        let record = self.depositing(deposit, deposit.id, m).filter(|_| m.is_cash_settled())?;
        let written = m.write(record)?;
        m.tell_as_written(Command::TakeNotes, &written);
        Some(())
    }

    fn depositing(&self, deposit: &Deposit, id: OperationId, m: &Machine) -> Option<Record> {
        let (card, currency) = (self.holder.as_ref()?.card, m.settings()?.currency);
        Some(Record::Depositing { id, card, account: deposit.account, currency })
    }

    fn on_inserting(&mut self, deposit: Deposit, signal: &Signal, m: &mut Machine) -> Step {
        match signal {
            Signal::Ended(Ended { command: Command::TakeNotes, result }) => {
                let deposit = with_notes(deposit, result);
                match result {
                    Ok(_) if deposit.notes.is_empty() => self.insert(deposit, m),
                    Ok(_) => self.decide(deposit, m),
                    Err(Failure::Cancelled | Failure::TimedOut) if deposit.notes.is_empty() => {
                        self.give_back(deposit, Why::Cancelled, m)
                    }
                    Err(Failure::Cancelled | Failure::TimedOut) => self.decide(deposit, m),
                    Err(failure) => self.find_notes(deposit, (*failure, Tried::Nothing), m),
                }
            }
            Signal::Chosen(Choice::Yes | Choice::No) => {
                m.cancel(Unit::Acceptor);
                Step::Deposit(deposit)
            }
            Signal::Chosen(Choice::Cancel) => {
                m.cancel(Unit::Acceptor);
                Step::Deposit(Deposit { doing: Doing::Stopping(Why::Cancelled), ..deposit })
            }
            Signal::Elapsed(Timer::Customer) => {
                m.cancel(Unit::Acceptor);
                Step::Deposit(Deposit { doing: Doing::Stopping(Why::TooLong), ..deposit })
            }
            _ => Step::Deposit(deposit),
        }
    }

    fn decide(&mut self, deposit: Deposit, m: &mut Machine) -> Step {
        let limit = m.settings().map(|settings| settings.deposit_limit);
        let (Some(limit), Some(amount)) = (limit, sum(&deposit.notes, m)) else {
            return self.give_back(deposit, Why::Machine, m);
        };
        if amount.minor() > limit.minor() {
            return self.give_back(deposit, Why::Refused(Refusal::OverDepositLimit { limit }), m);
        }
        let settled = if self.session(m).is_some() { Settled::Now } else { Settled::Later };
        let (notes, refused) = (deposit.notes.clone(), deposit.refused);
        m.show(Screen::Counted { notes, amount, refused, settled });
        Step::Deposit(Deposit { doing: Doing::Deciding, ..deposit })
    }

    fn on_deciding(&mut self, deposit: Deposit, signal: &Signal, m: &mut Machine) -> Step {
        match (&deposit.doing, signal) {
            (Doing::Deciding, Signal::Chosen(Choice::More)) => self.insert(deposit, m),
            (Doing::Deciding, Signal::Chosen(Choice::Yes)) if m.prints() => {
                m.show(Screen::ReceiptChoice);
                Step::Deposit(Deposit { doing: Doing::Receipt, ..deposit })
            }
            (Doing::Deciding, Signal::Chosen(Choice::Yes)) | (Doing::Receipt, Signal::Chosen(Choice::No)) => {
                self.store(deposit, Receipt::NotWanted, m)
            }
            (Doing::Receipt, Signal::Chosen(Choice::Yes)) => self.store(deposit, Receipt::Wanted, m),
            (_, Signal::Chosen(Choice::No | Choice::Cancel)) => self.give_back(deposit, Why::Cancelled, m),
            (_, Signal::Elapsed(Timer::Customer)) => self.give_back(deposit, Why::TooLong, m),
            (_, _) => Step::Deposit(deposit),
        }
    }

    /// Whether the deposit may be taken now, if need be without the host.
    fn may_store(&self, deposit: &Deposit, m: &Machine) -> bool {
        let Some(holder) = &self.holder else { return false };
        let asked = Asked { holder: &holder.right, now: m.now };
        let offline = || offline::deposit(m.journal.book(), &asked, deposit.account, m.journal.room()).is_ok();
        m.is_cash_settled_but_for(deposit.id) && (self.session(m).is_some() || offline())
    }

    fn store(&mut self, deposit: Deposit, receipt: Receipt, m: &mut Machine) -> Step {
        if !self.may_store(&deposit, m) {
            return self.give_back(deposit, Why::Bank, m);
        }
        let Some(record) = self.storing(&deposit, m) else { return self.give_back(deposit, Why::Machine, m) };
        let (id, record) = record;
        let Some(written) = m.write(record) else { return self.give_back(deposit, Why::Machine, m) };
        m.tell_as_written(Command::StoreNotes, &written);
        m.show(Screen::Wait(Waiting::CountingIn));
        Step::Deposit(Deposit { doing: Doing::Storing(id, receipt), ..deposit })
    }

    fn storing(&self, deposit: &Deposit, m: &Machine) -> Option<(OperationId, Record)> {
        let (card, amount) = (self.holder.as_ref()?.card, sum(&deposit.notes, m)?);
        let (id, account, notes) = (deposit.id, deposit.account, deposit.notes.clone());
        Some((id, Record::Storing { id, card, account, notes, amount }))
    }

    fn on_storing(
        &mut self,
        deposit: Deposit,
        (id, receipt): (OperationId, Receipt),
        signal: &Signal,
        m: &mut Machine,
    ) -> Step {
        let Signal::Ended(Ended { command: Command::StoreNotes, result }) = signal else {
            return Step::Deposit(deposit);
        };
        if let Err(failure) = result {
            m.count_error(Unit::Acceptor, *failure);
        }
        m.deposit_stored(result);
        Step::Deposit(Deposit { doing: Doing::Settling(id, receipt, AtSlot::No), ..deposit })
    }

    fn on_settling(
        &mut self,
        deposit: Deposit,
        (id, receipt, at_slot): (OperationId, Receipt, AtSlot),
        signal: &Signal,
        m: &mut Machine,
    ) -> Step {
        match signal {
            Signal::DepositSettled(DepositVerdict::Deposited) if self.session(m).is_some() => {
                m.show(Screen::Wait(Waiting::AskingBank));
                m.set(Timer::Message, POSTING_MS);
                Step::Deposit(Deposit { doing: Doing::Posting(id, receipt), ..deposit })
            }
            Signal::DepositSettled(DepositVerdict::Deposited) => {
                self.deposited(&deposit, (id, receipt), Settled::Later, m)
            }
            Signal::DepositAtSlot => {
                m.show(Screen::TakeNotesBack);
                Step::Deposit(Deposit { doing: Doing::Settling(id, receipt, AtSlot::Yes), ..deposit })
            }
            Signal::Event(Event::DepositReturnTaken) if at_slot == AtSlot::Yes => {
                Step::Deposit(Deposit { doing: Doing::Settling(id, receipt, AtSlot::Taken), ..deposit })
            }
            Signal::DepositToTake(notes) if at_slot == AtSlot::Taken => {
                self.taken_back(Deposit { notes: notes.clone(), ..deposit }, (Why::Machine, Some(id)), m)
            }
            Signal::DepositToTake(notes) => {
                m.show(Screen::TakeNotesBack);
                m.set_taking();
                let (notes, doing) = (notes.clone(), Doing::AtSlot(Why::Machine, Some(id)));
                Step::Deposit(Deposit { notes, doing, ..deposit })
            }
            Signal::DepositSettled(DepositVerdict::Returned) => {
                let (why, reference) = (Why::Machine, Some(id));
                self.tell(Screen::Sorry(Sorry::NotCharged { why, reference }), Then::Menu, m)
            }
            Signal::DepositSettled(_) | Signal::DepositUnknown => {
                self.tell(Screen::Sorry(Sorry::Checking { reference: id }), Then::Menu, m)
            }
            _ => Step::Deposit(deposit),
        }
    }

    /// The customer has what was counted. Where that may not be all, staff look.
    fn taken_back(&mut self, deposit: Deposit, (why, reference): (Why, Option<OperationId>), m: &mut Machine) -> Step {
        if m.may_be_uncounted(deposit.id) {
            return self.unclear(deposit, m);
        }
        m.deposit_back(deposit.id);
        self.tell(Screen::Sorry(Sorry::NotCharged { why, reference }), Then::Menu, m)
    }

    fn deposited(
        &mut self,
        deposit: &Deposit,
        (reference, receipt): (OperationId, Receipt),
        settled: Settled,
        m: &mut Machine,
    ) -> Step {
        let Some(amount) = sum(&deposit.notes, m) else {
            return self.tell(Screen::Sorry(Sorry::Checking { reference }), Then::Menu, m);
        };
        let done = Finished::Deposit { amount, settled, reference };
        if receipt == Receipt::Wanted {
            self.print(&done, deposit.account, m);
        }
        self.tell(Screen::Done(done), Then::Menu, m)
    }

    /// Gives back what is in escrow, which also ends an empty deposit.
    fn give_back(&mut self, deposit: Deposit, why: Why, m: &mut Machine) -> Step {
        m.show(Screen::Wait(Waiting::CountingIn));
        m.tell(Command::ReturnNotes);
        Step::Deposit(Deposit { doing: Doing::Returning(why), ..deposit })
    }

    fn on_returning(&mut self, deposit: Deposit, why: Why, signal: &Signal, m: &mut Machine) -> Step {
        let Signal::Ended(Ended { command: Command::ReturnNotes, result }) = signal else {
            return Step::Deposit(deposit);
        };
        match result {
            Ok(_) if !deposit.notes.is_empty() => {
                let reference = is_open(&deposit, m).then_some(deposit.id);
                m.show(Screen::TakeNotesBack);
                m.set_taking();
                Step::Deposit(Deposit { doing: Doing::AtSlot(why, reference), ..deposit })
            }
            Err(failure) if !deposit.notes.is_empty() && *failure != Failure::Nothing => {
                self.find_notes(deposit, (*failure, Tried::Clearing), m)
            }
            // Each time that notes could be laid in ended with the acceptor's word that it took none.
            Ok(_) | Err(_) => {
                m.deposit_back(deposit.id);
                self.apologise(why, m)
            }
        }
    }

    /// The acceptor failed while notes may be inside of it: what became of them is for it to say.
    fn find_notes(&mut self, deposit: Deposit, (failure, tried): (Failure, Tried), m: &mut Machine) -> Step {
        m.count_error(Unit::Acceptor, failure);
        if !is_open(&deposit, m) {
            return self.unclear(deposit, m);
        }
        m.show(Screen::Wait(Waiting::CountingIn));
        m.settle_deposit(Customer::There, tried);
        let doing = Doing::Settling(deposit.id, Receipt::NotWanted, AtSlot::No);
        Step::Deposit(Deposit { doing, ..deposit })
    }

    /// The notes are neither stored nor all of them with the customer: a case, though nothing was agreed.
    fn unclear(&mut self, deposit: Deposit, m: &mut Machine) -> Step {
        let open = is_open(&deposit, m);
        // Should the journal not have it open, it is an operation of its own.
        let id = if open { deposit.id } else { m.journal.new_id() };
        let (amount, record) = (sum(&deposit.notes, m), self.depositing(&deposit, id, m));
        let (Some(record), Some(amount), Some(holder)) = (record, amount, &self.holder) else {
            return self.apologise(Why::Machine, m);
        };
        let (card, account, counted) = (holder.card, deposit.account, deposit.notes);
        if !open {
            m.write(record);
        }
        m.advise(id, AdviceKind::DepositUnclear { card, account, counted, amount });
        m.alarm(crate::terminal::Alarm::CashUnknown);
        self.tell(Screen::Sorry(Sorry::Checking { reference: id }), Then::Menu, m)
    }

    /// Taking or storing was not told, because it could not be written.
    pub(super) fn deposit_undone(&mut self, deposit: Deposit, m: &mut Machine) -> Step {
        match deposit.doing {
            Doing::Storing(..) | Doing::Inserting | Doing::Stopping(_) => self.give_back(deposit, Why::Machine, m),
            Doing::Starting
            | Doing::Deciding
            | Doing::Receipt
            | Doing::Settling(..)
            | Doing::Posting(..)
            | Doing::Returning(_)
            | Doing::AtSlot(..) => Step::Deposit(deposit),
        }
    }
}

/// The deposit with what a command took into escrow.
fn with_notes(mut deposit: Deposit, result: &Result<Answer, Failure>) -> Deposit {
    if let Ok(Answer::NotesTaken { accepted, refused }) = result {
        for (denomination, count) in accepted.iter().filter(|(_, count)| *count > 0) {
            match deposit.notes.binary_search_by(|(here, _)| denomination.cmp(here)) {
                Ok(at) => deposit.notes[at].1 = deposit.notes[at].1.saturating_add(*count),
                Err(at) => deposit.notes.insert(at, (*denomination, *count)),
            }
        }
        deposit.refused = deposit.refused.saturating_add(*refused);
    }
    deposit
}

/// Whether the journal knows that the deposit has begun and not ended.
fn is_open(deposit: &Deposit, m: &Machine) -> bool {
    m.journal.book().open().is_some_and(|open| open.id() == deposit.id)
}

/// What notes of the machine's currency add up to.
fn sum(notes: &Notes, m: &Machine) -> Option<Amount> {
    let currency = m.settings()?.currency;
    let each = notes.iter().map(|(denomination, count)| denomination.saturating_mul(i64::from(*count)));
    Some(Amount::new(each.fold(0, i64::saturating_add), currency))
}
