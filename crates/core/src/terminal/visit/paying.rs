//! Cash, from the intent to the verdict: leave, dispense, card, cash. The order of every record and command here is what
//! keeps notes and money together; see the table of steps in the module's tests.

use cashpoint_mutant::{Mutant, chosen};

use crate::id::{SessionId, TransferId};
use crate::money::Amount;
use crate::outcome::Refusal;
use crate::terminal::Timer;
use crate::terminal::cash::Cause;
use crate::terminal::device::{
    Answer, Command, Counters, Dispense, DispenseId, DispenseToken, Event, Failure, Nonce, Unit,
};
use crate::terminal::hardware::Ended;
use crate::terminal::link::{
    AdviceKind, Approved, Evidence, LinkFailure, Movement, OperationId, Reply, Request, ReverseReason,
};
use crate::terminal::machine::{Machine, Signal};
use crate::terminal::record::{Intent, Leave, Record};
use crate::terminal::recovery::{Clearing, Verdict};
use crate::terminal::screen::{AfterCard, AmountTrouble, Finished, Screen, Sorry, Waiting, Why};

use super::withdrawal::Order;
use super::{Place, Receipt, Step, Then, Visit};

/// A withdrawal whose intent is written.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Paying {
    id: OperationId,
    order: Order,
    notes: Vec<u32>,
    approval: Option<Approval>,
    doing: Doing,
}

/// By what the dispenser obeys, and is asked afterwards.
struct DispenseLeave {
    dispense: DispenseId,
    token: DispenseToken,
    present_nonce: Option<Nonce>,
}

/// What the host said for the receipt.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Approval {
    transaction: TransferId,
    fee: Amount,
    balance: Amount,
}

#[derive(Clone, PartialEq, Eq, Debug)]
enum Doing {
    /// The host is asked. The dispenser held this nonce and these counters.
    Approving(Nonce, Box<Counters>),
    /// Notes go to the stacker.
    Dispensing,
    /// The card is at the exit, the notes on the stacker.
    CardOut,
    /// The notes are being put within reach.
    Presenting(Taken),
    /// They are.
    Presented,
    /// It is being found out what became of them.
    Settling(Cause),
}

/// Whether the notes are gone already.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Taken {
    NotYet,
    Already,
}

impl Visit {
    /// Writes what is wanted and asks the host.
    pub(super) fn ask_for_leave(
        &mut self,
        order: Order,
        (session, nonce): (SessionId, Nonce),
        (notes, before): (Vec<u32>, Counters),
        m: &mut Machine,
    ) -> Step {
        let Some(holder) = &self.holder else { return self.leave(m) };
        let Order { account, amount, .. } = order;
        let id = m.journal.new_id();
        let (card, reference, leave) = (holder.card, self.card.reference, Leave::Host { session });
        let intent = Intent { id, card, reference, account, amount, notes: notes.clone(), leave };
        if m.write(Record::Intent(intent)).is_none() {
            return self.apologise(Why::Machine, m);
        }
        m.show(Screen::Wait(Waiting::AskingBank));
        m.ask(Request::Approve { id, session, account, amount, nonce, notes: notes.clone() });
        let doing = Doing::Approving(nonce, Box::new(before));
        Step::Paying(Paying { id, order, notes, approval: None, doing })
    }

    /// Pays without asking, as far as the lease and the policy allow.
    pub(super) fn pay_under_lease(
        &mut self,
        order: Order,
        (notes, before): (Vec<u32>, Counters),
        m: &mut Machine,
    ) -> Step {
        let permit = match self.permit(order, m) {
            Ok(permit) => permit,
            Err(trouble) => return self.amount_trouble(order.account, trouble, m),
        };
        let Some(dispense) = permit.token().id() else { return self.apologise(Why::Machine, m) };
        let id = m.journal.new_id();
        let paying = Paying { id, order, notes, approval: None, doing: Doing::Dispensing };
        if m.write(Record::Intent(permit.intent(id, paying.notes.clone()))).is_none() {
            return self.apologise(Why::Machine, m);
        }
        let leave = DispenseLeave { dispense, token: permit.token().clone(), present_nonce: permit.present_nonce() };
        self.dispense(paying, before, leave, m)
    }

    pub(super) fn on_paying(&mut self, paying: Paying, signal: &Signal, m: &mut Machine) -> Step {
        match (&paying.doing, signal) {
            (Doing::Approving(nonce, before), Signal::Replied(request, reply))
                if matches!(**request, Request::Approve { .. }) =>
            {
                let (nonce, before) = (*nonce, (**before).clone());
                self.on_leave(paying, (nonce, before), reply, m)
            }
            (Doing::Dispensing, Signal::Ended(Ended { command: Command::Dispense(_), result })) => {
                self.on_dispensed(paying, result, m)
            }
            (Doing::CardOut, signal) => self.on_card_out(paying, signal, m),
            (Doing::Presenting(_), Signal::Event(Event::NotesTaken)) => {
                Step::Paying(Paying { doing: Doing::Presenting(Taken::Already), ..paying })
            }
            (Doing::Presenting(taken), Signal::Ended(Ended { command: Command::Present, result })) => {
                let taken = *taken;
                self.on_presented(paying, taken, result, m)
            }
            (Doing::Presented, Signal::Event(Event::NotesTaken)) if chosen(Mutant::DispensedAgain) => again(paying, m),
            (Doing::Presented, Signal::Event(Event::NotesTaken)) => {
                m.stop(Timer::Taking);
                self.find_out(paying, Cause::Taken, None, m)
            }
            (Doing::Presented, Signal::Elapsed(Timer::Taking)) => {
                self.find_out(paying, Cause::NotTaken, Some(Clearing::Retract), m)
            }
            (Doing::Settling(cause), Signal::Settled(verdict)) => {
                let cause = *cause;
                self.settled(&paying, cause, verdict, m)
            }
            (Doing::Settling(_), Signal::CashUnknown) => {
                self.tell(Screen::Sorry(Sorry::Checking { reference: paying.id }), Then::Leave, m)
            }
            (
                Doing::Approving(..) | Doing::Dispensing | Doing::Presenting(_) | Doing::Presented | Doing::Settling(_),
                _,
            ) => Step::Paying(paying),
        }
    }

    /// The host's word, or its silence.
    fn on_leave(
        &mut self,
        paying: Paying,
        (nonce, before): (Nonce, Counters),
        reply: &Result<Reply, LinkFailure>,
        m: &mut Machine,
    ) -> Step {
        match reply {
            Ok(Reply::Approved(approved)) if approved.id == paying.id => {
                self.approved(paying, (nonce, before), approved, m)
            }
            Ok(Reply::Refused(refusal)) => {
                m.write(Record::Dropped { id: paying.id });
                match refusal {
                    Refusal::InsufficientFunds { .. }
                    | Refusal::OverTransactionLimit { .. }
                    | Refusal::DailyLimitExceeded { .. }
                    | Refusal::AmountNotDispensable { .. } => {
                        let trouble = AmountTrouble::Refused(refusal.clone());
                        self.amount_trouble(paying.order.account, trouble, m)
                    }
                    other => self.refused(other, m),
                }
            }
            // The host may have approved after all, so a reversal is owed though no approval was seen.
            Ok(_) | Err(_) => {
                Self::take_back(&paying, m);
                self.not_charged(&paying, Why::Bank, Then::Menu, m)
            }
        }
    }

    fn approved(
        &mut self,
        mut paying: Paying,
        (nonce, before): (Nonce, Counters),
        approved: &Approved,
        m: &mut Machine,
    ) -> Step {
        m.write(Record::Approved { id: paying.id, approved: approved.clone() });
        let Approved { transaction, fee, balance, .. } = *approved;
        paying.approval = Some(Approval { transaction, fee, balance });
        if m.journal.book().is_hot(&self.card.reference) {
            self.retain(m);
            return Self::give_up(paying, Cause::CardReported, approved.present_nonce, m);
        }
        let usable = m.cash.nonce() == Some(nonce) && m.devices.works(Unit::Dispenser);
        let Some(dispense) = approved.token.id().filter(|_| usable) else {
            return Self::give_up(paying, Cause::Failed(Failure::NoNonce), approved.present_nonce, m);
        };
        let leave =
            DispenseLeave { dispense, token: approved.token.clone(), present_nonce: Some(approved.present_nonce) };
        self.dispense(paying, before, leave, m)
    }

    /// Takes back what was approved just now: nothing is dispensed.
    fn give_up(paying: Paying, cause: Cause, present_nonce: Nonce, m: &mut Machine) -> Step {
        m.settle_undispensed(cause, present_nonce);
        Step::Paying(Paying { doing: Doing::Settling(cause), ..paying })
    }

    /// Writes that notes are about to move, and moves them.
    fn dispense(
        &mut self,
        paying: Paying,
        before: Counters,
        DispenseLeave { dispense, token, present_nonce }: DispenseLeave,
        m: &mut Machine,
    ) -> Step {
        let (notes, amount) = (paying.notes.clone(), paying.order.amount);
        let command = Command::Dispense(Dispense { notes, amount, token });
        if chosen(Mutant::EffectFirst) {
            m.tell(command.clone());
        }
        let Some(written) = m.write(Record::Dispensing { id: paying.id, before, dispense, present_nonce }) else {
            return self.not_charged(&paying, Why::Machine, Then::Leave, m);
        };
        if !chosen(Mutant::EffectFirst) {
            m.tell_as_written(command, &written);
        }
        m.show(Screen::Wait(Waiting::CountingOut));
        Step::Paying(Paying { doing: Doing::Dispensing, ..paying })
    }

    fn on_dispensed(&mut self, paying: Paying, result: &Result<Answer, Failure>, m: &mut Machine) -> Step {
        match result {
            Ok(Answer::Dispensed(notes)) if *notes == paying.notes => {
                if m.journal.book().is_hot(&self.card.reference) {
                    self.retain(m);
                    return self.find_out(paying, Cause::CardReported, Some(Clearing::Reject), m);
                }
                m.tell(Command::EjectCard);
                m.show(Screen::TakeCard { then: AfterCard::Cash });
                m.set_taking();
                Step::Paying(Paying { doing: Doing::CardOut, ..paying })
            }
            // Never a part: what is on the stacker goes to the reject bin.
            Ok(_) => {
                m.count_error(Unit::Dispenser, Failure::NotDispensable);
                self.find_out(paying, Cause::Short, Some(Clearing::Reject), m)
            }
            Err(failure) => {
                m.count_error(Unit::Dispenser, *failure);
                self.find_out(paying, Cause::Failed(*failure), None, m)
            }
        }
    }

    fn on_card_out(&mut self, paying: Paying, signal: &Signal, m: &mut Machine) -> Step {
        match signal {
            Signal::Event(Event::CardTaken)
            | Signal::Ended(Ended {
                command: Command::EjectCard,
                result: Err(Failure::Nothing | Failure::AlreadyTaken),
            }) => self.card_gone(paying, m),
            Signal::Ended(Ended { command: Command::EjectCard, result: Err(failure) }) => {
                m.count_error(Unit::CardReader, *failure);
                m.stop(Timer::Taking);
                self.place = Place::Kept;
                m.jam_card();
                self.find_out(paying, Cause::CardStuck(*failure), Some(Clearing::Reject), m)
            }
            Signal::Elapsed(Timer::Taking) => {
                self.retain(m);
                self.find_out(paying, Cause::CardLeft, Some(Clearing::Reject), m)
            }
            Signal::Changed if m.journal.book().is_hot(&self.card.reference) => {
                m.stop(Timer::Taking);
                self.retain(m);
                self.find_out(paying, Cause::CardReported, Some(Clearing::Reject), m)
            }
            _ => Step::Paying(paying),
        }
    }

    fn card_gone(&mut self, paying: Paying, m: &mut Machine) -> Step {
        self.place = Place::Taken;
        m.stop(Timer::Taking);
        // The last moment at which a report can still keep the notes inside.
        if m.journal.book().is_hot(&self.card.reference) {
            return self.find_out(paying, Cause::CardReported, Some(Clearing::Reject), m);
        }
        let Some(written) = m.write(Record::Presenting { id: paying.id }) else {
            return self.find_out(paying, Cause::Failed(Failure::NotPresented), Some(Clearing::Reject), m);
        };
        m.tell_as_written(Command::Present, &written);
        m.show(Screen::Wait(Waiting::CountingOut));
        Step::Paying(Paying { doing: Doing::Presenting(Taken::NotYet), ..paying })
    }

    fn on_presented(
        &mut self,
        paying: Paying,
        taken: Taken,
        result: &Result<Answer, Failure>,
        m: &mut Machine,
    ) -> Step {
        match (result, taken) {
            (Ok(_) | Err(Failure::PartlyPresented), Taken::Already) => self.find_out(paying, Cause::Taken, None, m),
            (Ok(_) | Err(Failure::PartlyPresented), Taken::NotYet) => {
                if let Err(failure) = result {
                    m.count_error(Unit::Dispenser, *failure);
                }
                m.show(Screen::TakeCash { amount: paying.order.amount });
                m.set_taking();
                Step::Paying(Paying { doing: Doing::Presented, ..paying })
            }
            (Err(failure @ (Failure::NotPresented | Failure::ShutterStuck)), Taken::NotYet) => {
                m.count_error(Unit::Dispenser, *failure);
                self.find_out(paying, Cause::Failed(*failure), Some(Clearing::Reject), m)
            }
            (Err(failure), Taken::NotYet | Taken::Already) => {
                m.count_error(Unit::Dispenser, *failure);
                self.find_out(paying, Cause::Failed(*failure), None, m)
            }
        }
    }

    fn find_out(&mut self, paying: Paying, cause: Cause, first: Option<Clearing>, m: &mut Machine) -> Step {
        m.show(Screen::Wait(Waiting::CountingOut));
        m.settle(cause, first);
        Step::Paying(Paying { doing: Doing::Settling(cause), ..paying })
    }

    /// What became of it, told to the customer.
    fn settled(&mut self, paying: &Paying, cause: Cause, verdict: &Verdict, m: &mut Machine) -> Step {
        let Order { amount, receipt, account } = paying.order;
        let reference = paying.id;
        match verdict {
            Verdict::Completed(_) => {
                let fee = paying.approval.map_or(Amount::zero(amount.currency()), |approval| approval.fee);
                let balance = paying.approval.map(|approval| approval.balance);
                let transaction = paying.approval.map(|approval| approval.transaction);
                let done = Finished::Withdrawal { amount, fee, balance, transaction, reference };
                if receipt == Receipt::Wanted {
                    self.print(&done, account, m);
                }
                self.tell(Screen::Done(done), Then::Leave, m)
            }
            Verdict::Partial(_) if chosen(Mutant::ScreenLies) => self.not_charged(paying, Why::Machine, Then::Leave, m),
            Verdict::Partial(moved) => {
                let charged = Amount::new(paid(moved, m), amount.currency());
                self.tell(Screen::Sorry(Sorry::PartlyCharged { charged, reference }), Then::Leave, m)
            }
            Verdict::Reversed(_) => match cause {
                Cause::CardReported if self.place == Place::Kept => self.kept(paying, Why::CardReported, m),
                Cause::CardReported => self.not_charged(paying, Why::CardReported, Then::Leave, m),
                Cause::CardLeft => self.kept(paying, Why::CardNotTaken, m),
                Cause::NotTaken => self.not_charged(paying, Why::TooLong, Then::Leave, m),
                Cause::Taken | Cause::CardStuck(_) | Cause::Failed(_) | Cause::Short | Cause::Restarted => {
                    self.not_charged(paying, Why::Machine, Then::Menu, m)
                }
            },
            Verdict::Suspect(_) | Verdict::Clear(_) => {
                self.tell(Screen::Sorry(Sorry::Checking { reference }), Then::Leave, m)
            }
        }
    }

    /// Everything went back, and the card is in the machine.
    fn kept(&mut self, paying: &Paying, why: Why, m: &mut Machine) -> Step {
        let reference = paying.id;
        self.tell(Screen::Sorry(Sorry::CardKept { why, reference }), Then::Leave, m)
    }

    fn not_charged(&mut self, paying: &Paying, why: Why, then: Then, m: &mut Machine) -> Step {
        let reference = Some(paying.id);
        self.tell(Screen::Sorry(Sorry::NotCharged { why, reference }), then, m)
    }

    /// Ends an intent whose approval did not come: no note was ever to move.
    fn take_back(paying: &Paying, m: &mut Machine) {
        let reason = ReverseReason::LateResponse;
        let moved = Movement { dispensed: vec![0; paying.notes.len()], rejected: 0, retracted: 0 };
        let (id, original, evidence) = (m.journal.new_id(), paying.id, Evidence::default());
        m.advise(id, AdviceKind::Reversed { original, moved, reason, evidence });
    }

    /// A command was not given, because what should stand before it could not be written.
    pub(super) fn paying_undone(&mut self, paying: Paying, m: &mut Machine) -> Step {
        match paying.doing {
            Doing::Dispensing => self.not_charged(&paying, Why::Machine, Then::Leave, m),
            Doing::Presenting(_) => {
                self.find_out(paying, Cause::Failed(Failure::NotPresented), Some(Clearing::Reject), m)
            }
            Doing::Approving(..) | Doing::CardOut | Doing::Presented | Doing::Settling(_) => Step::Paying(paying),
        }
    }
}

/// The notes once more, by the same token: a defect.
fn again(paying: Paying, m: &mut Machine) -> Step {
    let approved = m.open_withdrawal().and_then(|open| open.approved.as_ref());
    if let Some(token) = approved.map(|approved| approved.token.clone()) {
        let (notes, amount) = (paying.notes.clone(), paying.order.amount);
        m.tell(Command::Dispense(Dispense { notes, amount, token }));
        m.tell(Command::Present);
    }
    Step::Paying(paying)
}

/// What a customer got by this movement, minor units.
fn paid(moved: &Movement, m: &Machine) -> i64 {
    let cassettes = m.cash.counters().map_or(&[][..], |counters| &counters.cassettes);
    let each = moved.dispensed.iter().zip(cassettes);
    let dispensed = each.map(|(notes, cassette)| i64::from(*notes).saturating_mul(cassette.denomination));
    dispensed.fold(0, i64::saturating_add).saturating_sub(moved.rejected).saturating_sub(moved.retracted)
}
