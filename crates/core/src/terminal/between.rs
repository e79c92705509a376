//! Between visits: what devices left open is settled when they work, the reader is cleared, the dispenser's nonce is kept
//! fresh, and the screen says what can be done.

use super::atm::{Card, Stage, Terminal};
use super::book::Open;
use super::cash::{Cause, Held};
use super::device::{Answer, CashInState, Command, Event, Failure, Unit, Way};
use super::hardware::{Condition, Ended};
use super::language::Language;
use super::link::AdviceKind;
use super::machine::{Machine, Signal, Stuck};
use super::recovery::{Customer, Tried};
use super::screen::{AfterCard, Screen};
use super::service::Whom;
use super::{Alarm, Timer};

impl Terminal {
    /// A device works, perhaps again: what it left open is settled.
    pub(super) fn attend(&mut self, signal: &Signal) {
        let customer = self.customer();
        let in_visit = customer == Customer::There;
        let card_known = self.is_card_known();
        let served = matches!(self.stage, Stage::Visited(_));
        let m = &mut self.machine;
        let Signal::Ended(Ended { command, result }) = signal else { return };
        if matches!(command, Command::Probe(Unit::Acceptor)) && *result != Err(Failure::Lost) {
            m.attend_acceptor(customer);
        }
        let Ok(answer) = result else { return };
        match (command, answer) {
            (_, Answer::Works(Unit::Dispenser)) if m.cash.is_stuck() => m.resume_settling(),
            (_, Answer::Works(Unit::Dispenser)) if in_visit || m.cash.is_settling() => {}
            (_, Answer::Works(Unit::Dispenser)) if m.open_withdrawal().is_some() => {
                if card_known {
                    m.settle_left_open();
                }
            }
            (_, Answer::Works(Unit::Dispenser)) => {
                m.cash.looked_at();
                m.tell(Command::ReadCounters);
            }
            (Command::ReadCounters, Answer::Counters(counters)) => {
                if counters.way == Way::Inside && !served && m.is_cash_settled() && m.cash.may_tidy() {
                    m.tell(Command::Reject);
                }
            }
            (Command::Reject, _) if !in_visit && m.is_cash_settled() => m.tell(Command::ReadCounters),
            (_, Answer::Works(Unit::Acceptor)) if !in_visit && !served && m.is_cash_settled() => {
                m.tell(Command::CashInStatus);
            }
            // A deposit that took nothing yet is ended. Notes that lie there are a case: nobody gets them unseen.
            (Command::CashInStatus, Answer::CashInStatus(status))
                if (status.state, status.accepted.is_empty()) == (CashInState::Active, true)
                    && !served
                    && m.is_cash_settled() =>
            {
                m.tell(Command::ReturnNotes);
            }
            (_, Answer::Works(Unit::CardReader)) if matches!(self.stage, Stage::Starting(Card::Unasked)) => {
                m.tell(Command::EjectCard);
            }
            (_, _) => {}
        }
    }

    /// Whether the customer of what moves cash now is known to be there.
    pub(super) fn customer(&self) -> Customer {
        match &self.stage {
            Stage::Visited(visit) if visit.moves_cash() => Customer::There,
            Stage::Visited(_) | Stage::Asleep | Stage::Starting(_) | Stage::Idle => Customer::Gone,
        }
    }

    /// What is to be done when nothing else is.
    pub(super) fn rest(&mut self) {
        match &self.stage {
            Stage::Asleep => return,
            Stage::Starting(card) => {
                let card = *card;
                if self.is_card_known() {
                    self.machine.take_up_open();
                }
                if !self.is_in_order(card) {
                    return;
                }
                self.stage = Stage::Idle;
            }
            Stage::Visited(visit) => {
                if !visit.is_over() {
                    return;
                }
                self.machine.stop(Timer::Customer);
                self.stage = Stage::Idle;
            }
            Stage::Idle => {}
        }
        self.machine.take_up_open();
        self.machine.import_key();
        self.machine.exchange_cassettes();
        self.welcome();
        let m = &mut self.machine;
        let dispenser_free = m.devices.works(Unit::Dispenser) && m.devices.is_free(Unit::Dispenser);
        if dispenser_free && m.uplink.is_online() && m.is_cash_settled() {
            match m.cash.held() {
                Held::Told(nonce)
                    if m.journal.book().lease_used() > 0
                        && Some(nonce) == m.journal.book().lease().map(|lease| lease.nonce) =>
                {
                    m.tell(Command::ClearNonce);
                    m.tell(Command::FetchNonce);
                }
                Held::Told(_) => {}
                Held::Unknown | Held::Assumed(_) => m.tell(Command::FetchNonce),
            }
        }
        m.forget();
    }

    /// Whether it is known what became of a card that was in the reader at the start, or the reader cannot tell: what the
    /// card did is a part of what became of the notes.
    fn is_card_known(&self) -> bool {
        match self.stage {
            Stage::Starting(Card::Unasked) => {
                matches!(self.machine.devices.condition(Unit::CardReader), Condition::Failed(_))
            }
            Stage::Starting(Card::AtExit | Card::None | Card::Stuck)
            | Stage::Asleep
            | Stage::Idle
            | Stage::Visited(_) => true,
        }
    }

    /// Whether every device has answered, and what was open is settled as far as it can be now.
    fn is_in_order(&self, card: Card) -> bool {
        let m = &self.machine;
        let asked = Unit::ALL.into_iter().all(|unit| m.devices.condition(unit) != Condition::Unasked);
        let quiet = [Unit::Dispenser, Unit::Acceptor].into_iter().all(|unit| m.devices.is_free(unit));
        let reader = match card {
            Card::None | Card::Stuck => true,
            Card::Unasked => !m.devices.works(Unit::CardReader),
            Card::AtExit => false,
        };
        asked && quiet && reader && m.uplink.was_heard()
    }

    /// Waits for a card, or says that it is no use.
    fn welcome(&mut self) {
        let m = &mut self.machine;
        let services = m.services(Whom::Anybody);
        let something = [
            services.withdrawal,
            services.deposit,
            services.transfer,
            services.balance,
            services.statement,
            services.pin_change,
        ];
        if m.serves() && something.contains(&true) {
            // Whoever comes next has not chosen yet.
            m.speak(Language::default());
            m.show(Screen::Welcome { services });
            if m.devices.is_free(Unit::CardReader) {
                m.tell(Command::ReadCard);
            }
        } else {
            m.show(Screen::OutOfService { card_kept: m.stuck == Stuck::Card });
            if m.devices.running(Unit::CardReader) == Some(&Command::ReadCard) {
                m.cancel(Unit::CardReader);
            }
        }
    }
}

impl Machine {
    /// Settles what is open though nobody is being served: the journal could not be written when it was to end, or the
    /// device could not be asked.
    fn take_up_open(&mut self) {
        if !self.journal.writes() || !self.journal.is_folded() || self.cash.is_settling() || self.intake.is_settling() {
            return;
        }
        match self.journal.book().open() {
            Some(Open::Withdrawal(open)) if open.step.dispensing().is_none() || self.devices.works(Unit::Dispenser) => {
                self.settle_left_open();
            }
            Some(Open::Withdrawal(_)) => {}
            Some(Open::Deposit(_)) => self.attend_acceptor(Customer::Gone),
            None => {}
        }
    }

    /// Settles a withdrawal that nobody is waiting for any more. A card that is stuck now may have been so all the time.
    fn settle_left_open(&mut self) {
        if self.stuck == Stuck::Card || self.devices.condition(Unit::CardReader) == Condition::Failed(Failure::Jam) {
            self.jam_card();
        }
        self.settle(Cause::Restarted, None);
    }

    /// The acceptor can be asked, working or not: what it left open is settled. One that is jammed still tells how the
    /// deposit stands, and may never work again by itself.
    fn attend_acceptor(&mut self, customer: Customer) {
        let asked = self.devices.condition(Unit::Acceptor) != Condition::Unasked;
        if !asked || !self.devices.is_reachable(Unit::Acceptor) {
            return;
        }
        if self.intake.is_settling() {
            self.resume_deposit();
        } else if customer == Customer::Gone
            && self.journal.is_folded()
            && matches!(self.journal.book().open(), Some(Open::Deposit(_)))
            && self.end_given_back().is_none()
        {
            self.settle_deposit(Customer::Gone, Tried::Nothing);
        }
    }
}

/// Gets a card out of the reader when nobody is being served; one that is not taken is kept.
pub(super) fn clear_reader(card: Card, signal: &Signal, m: &mut Machine) -> Card {
    match signal {
        Signal::Ended(Ended { command: Command::EjectCard, result: Ok(_) }) => {
            m.show(Screen::TakeCard { then: AfterCard::Goodbye });
            m.set_taking();
            Card::AtExit
        }
        Signal::Ended(Ended { command: Command::EjectCard, result: Err(Failure::Nothing | Failure::AlreadyTaken) })
        | Signal::Event(Event::CardTaken) => {
            m.stop(Timer::Taking);
            Card::None
        }
        Signal::Ended(Ended { command: Command::EjectCard, result: Err(failure) }) => {
            m.alarm(Alarm::Device(Unit::CardReader, *failure));
            Card::Stuck
        }
        Signal::Elapsed(Timer::Taking) if card == Card::AtExit => {
            let id = m.journal.new_id();
            m.advise(id, AdviceKind::CardRetained { card: None });
            m.tell(Command::RetainCard);
            m.alarm(Alarm::CardRetained);
            Card::None
        }
        _ => card,
    }
}
