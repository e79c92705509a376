//! One customer's visit, from the card that was read to the card that is gone.
//!
//! Each part of a visit is a file of its own and a [`Step`] with the data that is true then; a step takes what happened
//! and gives the next one. What is common to all of them is here: patience, keys, messages, and how a visit ends.

mod deposit;
mod inquiry;
mod menu;
mod paying;
mod pin;
mod pin_change;
mod receipt;
mod transfer;
mod withdrawal;

use crate::account::Product;
use crate::id::{AccountNumber, CardId, SessionId};
use crate::outcome::Refusal;
use crate::time::BusinessDate;

use super::device::{CardRead, Command, Event, Failure, Unit};
use super::hardware::Ended;
use super::keys;
use super::link::{AccountLine, Advice, AdviceKind, Notice, OperationId, Request};
use super::machine::{Machine, Signal};
use super::offline::PinRight;
use super::record::Record;
use super::screen::{AfterCard, Choice, Screen, Sorry, Why};
use super::{Alarm, Timer};

use deposit::Deposit;
use inquiry::Inquiry;
use menu::Purpose;
use paying::Paying;
use pin::Pin;
use pin_change::PinChange;
use transfer::Transfer;
use withdrawal::Withdrawal;

/// How long a message stays, milliseconds.
const MESSAGE_MS: u32 = 6_000;

/// How long bad news stays, milliseconds: it is longer, and has a reference to note.
const BAD_NEWS_MS: u32 = 15_000;

/// A customer at the machine.
#[derive(Debug)]
pub(super) struct Visit {
    card: CardRead,
    place: Place,
    holder: Option<Holder>,
    step: Step,
    patience: Patience,
    keys: Keys,
    timed: Timed,
}

/// Where the card is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Place {
    /// Inside, or at the exit.
    Inside,
    /// With the customer.
    Taken,
    /// With the machine: in its bin, or stuck.
    Kept,
}

/// Whether the customer was asked for more time.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Patience {
    Fresh,
    /// They are being asked; this was shown before.
    Asking(Box<Screen>),
    Spent,
}

/// Whether the pad tells its keys.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Keys {
    Told,
    /// It failed to; the screen serves alone.
    Silent,
}

/// For which screen the customer's time runs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Timed {
    Not,
    Shown(std::mem::Discriminant<Screen>),
}

/// Whether the customer did something just now.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Customer {
    Acted,
    Idle,
}

/// Whose card it is, once the PIN was right.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Holder {
    card: CardId,
    name: String,
    accounts: Vec<AccountLine>,
    session: Option<SessionId>,
    right: PinRight,
    notices: Vec<Notice>,
}

impl Holder {
    fn accounts(&self) -> Vec<(AccountNumber, Product)> {
        self.accounts.iter().map(|line| (line.account, line.product)).collect()
    }
}

/// What is going on.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Step {
    Language,
    Pin(Pin),
    Menu,
    Picking(Purpose),
    Inquiry(Inquiry),
    Withdrawal(Withdrawal),
    Paying(Paying),
    Deposit(Deposit),
    Transfer(Transfer),
    PinChange(PinChange),
    /// A message stays for a while.
    Telling(Then),
    /// The card is at the exit.
    Leaving,
    Over,
}

/// What follows a message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Then {
    Menu,
    Leave,
}

/// Whether a customer wants a receipt.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Receipt {
    Wanted,
    NotWanted,
}

impl Visit {
    /// Begins with a card that was read.
    pub(super) fn begin(card: CardRead, m: &mut Machine) -> Self {
        let mut visit = Self {
            card,
            place: Place::Inside,
            holder: None,
            step: Step::Language,
            patience: Patience::Fresh,
            keys: Keys::Told,
            timed: Timed::Not,
        };
        visit.step = visit.look_at_card(m);
        visit.attend(Customer::Acted, m);
        visit
    }

    /// Whether it has ended.
    pub(super) fn is_over(&self) -> bool {
        self.step == Step::Over
    }

    /// Whether it sees to the open withdrawal or deposit itself.
    pub(super) const fn moves_cash(&self) -> bool {
        matches!(self.step, Step::Paying(_) | Step::Deposit(_))
    }

    /// Takes what happened.
    pub(super) fn on(&mut self, signal: Signal, m: &mut Machine) {
        let signal = match signal {
            Signal::Event(Event::Key(key)) => match keys::choice(&m.screen, key) {
                Some(choice) => Signal::Chosen(choice),
                None => return,
            },
            other => other,
        };
        let acted = matches!(&signal, Signal::Chosen(_) | Signal::Event(Event::PinDigits(_)));
        if let Some(signal) = self.mind_patience(signal, m) {
            self.mind_keys(&signal);
            let step = std::mem::replace(&mut self.step, Step::Over);
            self.step = self.advance(step, &signal, m);
        }
        self.attend(if acted { Customer::Acted } else { Customer::Idle }, m);
    }

    /// A command was not given, because what should stand before it could not be written: it moves money, or lets a PIN
    /// be tried.
    pub(super) fn on_undone(&mut self, m: &mut Machine) {
        let step = std::mem::replace(&mut self.step, Step::Over);
        self.step = match step {
            Step::Paying(paying) => self.paying_undone(paying, m),
            Step::Deposit(deposit) => self.deposit_undone(deposit, m),
            Step::Pin(_) => self.refuse_card(Why::Machine, m),
            other => other,
        };
        self.attend(Customer::Idle, m);
    }

    /// A record that the customer was told of was not written after all.
    pub(super) fn on_unwritten(&mut self, record: &Record, m: &mut Machine) {
        if let Record::Advice(Advice { id, kind: AdviceKind::StoredTransfer { .. }, .. }) = record {
            self.step = self.transfer_unwritten(*id, m);
        }
    }

    fn advance(&mut self, step: Step, signal: &Signal, m: &mut Machine) -> Step {
        match step {
            Step::Language => self.on_language(signal, m),
            Step::Pin(pin) => self.on_pin(pin, signal, m),
            Step::Menu => self.on_menu(signal, m),
            Step::Picking(purpose) => self.on_picking(purpose, signal, m),
            Step::Inquiry(inquiry) => self.on_inquiry(inquiry, signal, m),
            Step::Withdrawal(withdrawal) => self.on_withdrawal(withdrawal, signal, m),
            Step::Paying(paying) => self.on_paying(paying, signal, m),
            Step::Deposit(deposit) => self.on_deposit(deposit, signal, m),
            Step::Transfer(transfer) => self.on_transfer(transfer, signal, m),
            Step::PinChange(change) => self.on_pin_change(change, signal, m),
            Step::Telling(then) => self.on_telling(then, signal, m),
            Step::Leaving => self.on_leaving(signal, m),
            Step::Over => Step::Over,
        }
    }

    /// A reported or expired card goes no further than this.
    fn look_at_card(&mut self, m: &mut Machine) -> Step {
        if m.journal.book().is_hot(&self.card.reference) {
            return self.keep_card(Why::CardReported, m);
        }
        let days = i32::try_from(m.now.micros().div_euclid(86_400_000_000)).unwrap_or(i32::MAX);
        let (year, month, _) = BusinessDate::from_days(days).civil();
        let (last_year, last_month) = self.card.expires;
        if (2_000 + i32::from(last_year), last_month) < (year, month) {
            return self.refuse_card(Why::Refused(Refusal::CardExpired), m);
        }
        m.show(Screen::Language);
        Step::Language
    }

    fn on_language(&mut self, signal: &Signal, m: &mut Machine) -> Step {
        match signal {
            Signal::Chosen(Choice::Language(language)) => {
                m.speak(*language);
                self.begin_pin(None, 0, m)
            }
            other if gives_up(other) => self.leave(m),
            _ => Step::Language,
        }
    }

    /// Whether the customer is asked for more time, was, or goes. `None`: nothing else is to be done about it.
    fn mind_patience(&mut self, signal: Signal, m: &mut Machine) -> Option<Signal> {
        match (&self.patience, &signal) {
            (Patience::Fresh, Signal::Elapsed(Timer::Customer)) => {
                if !awaits_customer(&m.screen) {
                    return None;
                }
                self.patience = Patience::Asking(Box::new(m.screen.clone()));
                m.show(Screen::MoreTime);
                None
            }
            (Patience::Asking(before), Signal::Chosen(choice)) => {
                let before = (**before).clone();
                self.patience = Patience::Spent;
                m.show(before);
                match choice {
                    Choice::No | Choice::Cancel => Some(Signal::Chosen(Choice::Cancel)),
                    Choice::Language(_)
                    | Choice::Menu(_)
                    | Choice::Account(_)
                    | Choice::OtherAccount
                    | Choice::Amount(_)
                    | Choice::OtherAmount
                    | Choice::Yes
                    | Choice::More
                    | Choice::Key(_) => None,
                }
            }
            (Patience::Asking(_), _) => {
                let over = m.screen != Screen::MoreTime || signal == Signal::Elapsed(Timer::Customer);
                if over || matches!(signal, Signal::Event(Event::PinDigits(_))) {
                    self.patience = Patience::Spent;
                }
                Some(signal)
            }
            (Patience::Spent, Signal::Elapsed(Timer::Customer)) if !awaits_customer(&m.screen) => None,
            (Patience::Fresh | Patience::Spent, _) => Some(signal),
        }
    }

    /// A pad that cannot tell its keys is not asked again and again; one that was away is, when it works again.
    fn mind_keys(&mut self, signal: &Signal) {
        if let Signal::Ended(Ended { command: Command::AcceptKeys, result: Err(failure) }) = signal
            && !matches!(failure, Failure::Cancelled | Failure::TimedOut | Failure::Lost)
        {
            self.keys = Keys::Silent;
        }
    }

    /// Lets the customer's time run while they are waited for, and the pad tell its keys.
    fn attend(&mut self, customer: Customer, m: &mut Machine) {
        let awaited = awaits_customer(&m.screen) && self.step != Step::Over;
        match (awaited, self.timed) {
            (true, Timed::Shown(_) | Timed::Not) => {
                let shown = Timed::Shown(std::mem::discriminant(&m.screen));
                if customer == Customer::Acted || self.timed != shown {
                    self.timed = shown;
                    let customer_s = m.settings().map_or(30, |settings| settings.customer_s);
                    m.set(Timer::Customer, customer_s.saturating_mul(1_000));
                }
            }
            (false, Timed::Shown(_)) => {
                self.timed = Timed::Not;
                m.stop(Timer::Customer);
            }
            (false, Timed::Not) => {}
        }
        let pad_free = m.devices.works(Unit::PinPad) && m.devices.is_free(Unit::PinPad);
        if awaited && pad_free && self.keys == Keys::Told && !matches!(m.screen, Screen::Pin { .. }) {
            m.tell(Command::AcceptKeys);
        }
    }

    fn tell(&mut self, screen: Screen, then: Then, m: &mut Machine) -> Step {
        let ms = if matches!(screen, Screen::Sorry(_)) { BAD_NEWS_MS } else { MESSAGE_MS };
        m.show(screen);
        m.set(Timer::Message, ms);
        Step::Telling(then)
    }

    fn apologise(&mut self, why: Why, m: &mut Machine) -> Step {
        self.tell(Screen::Sorry(Sorry::NotCharged { why, reference: None }), Then::Menu, m)
    }

    fn refuse_card(&mut self, why: Why, m: &mut Machine) -> Step {
        self.tell(Screen::Sorry(Sorry::CardRefused { why }), Then::Leave, m)
    }

    fn on_telling(&mut self, then: Then, signal: &Signal, m: &mut Machine) -> Step {
        let then = match signal {
            Signal::Event(Event::CardTaken) => {
                self.place = Place::Taken;
                return Step::Telling(then);
            }
            Signal::Chosen(Choice::Cancel) => Then::Leave,
            Signal::Chosen(_) | Signal::Elapsed(Timer::Message) => then,
            _ => return Step::Telling(then),
        };
        m.stop(Timer::Message);
        match then {
            Then::Menu if self.place == Place::Inside && self.holder.is_some() && m.serves() => self.menu(m),
            Then::Menu | Then::Leave => self.leave(m),
        }
    }

    /// Gives the card back, if it is still here.
    fn leave(&mut self, m: &mut Machine) -> Step {
        self.log_out(m);
        m.cancel(Unit::PinPad);
        match self.place {
            Place::Taken | Place::Kept => Step::Over,
            Place::Inside => {
                m.tell(Command::EjectCard);
                m.show(Screen::TakeCard { then: AfterCard::Goodbye });
                m.set_taking();
                Step::Leaving
            }
        }
    }

    fn on_leaving(&mut self, signal: &Signal, m: &mut Machine) -> Step {
        match signal {
            Signal::Event(Event::CardTaken) => {
                m.stop(Timer::Taking);
                Step::Over
            }
            Signal::Elapsed(Timer::Taking) => self.keep_card(Why::CardNotTaken, m),
            Signal::Ended(Ended { command: Command::EjectCard, result: Err(failure) }) => {
                m.stop(Timer::Taking);
                match failure {
                    Failure::Nothing | Failure::AlreadyTaken => {}
                    other => m.alarm(Alarm::Device(Unit::CardReader, *other)),
                }
                Step::Over
            }
            _ => Step::Leaving,
        }
    }

    /// Keeps the card and says why.
    fn keep_card(&mut self, why: Why, m: &mut Machine) -> Step {
        self.log_out(m);
        m.cancel(Unit::PinPad);
        let reference = self.retain(m);
        self.tell(Screen::Sorry(Sorry::CardKept { why, reference }), Then::Leave, m)
    }

    /// Keeps the card; under which reference that is known.
    fn retain(&mut self, m: &mut Machine) -> OperationId {
        let known = m.journal.book().profile(&self.card.reference).map(|profile| profile.card);
        let card = self.holder.as_ref().map(|holder| holder.card).or(known);
        let id = m.journal.new_id();
        m.advise(id, AdviceKind::CardRetained { card });
        m.tell(Command::RetainCard);
        m.alarm(Alarm::CardRetained);
        self.place = Place::Kept;
        id
    }

    fn log_out(&mut self, m: &mut Machine) {
        if let Some(session) = self.session(m) {
            m.ask(Request::LogOut { session });
        }
        if let Some(holder) = &mut self.holder {
            holder.session = None;
        }
    }

    /// The session, if the host is there to honour it.
    fn session(&self, m: &Machine) -> Option<SessionId> {
        self.holder.as_ref().and_then(|holder| holder.session).filter(|_| m.uplink.is_online())
    }
}

/// Whether the customer stops, or does nothing even though they were asked.
const fn gives_up(signal: &Signal) -> bool {
    matches!(signal, Signal::Chosen(Choice::Cancel) | Signal::Elapsed(Timer::Customer))
}

/// Whether the screen waits for a choice.
const fn awaits_customer(screen: &Screen) -> bool {
    match screen {
        Screen::Language
        | Screen::Pin { .. }
        | Screen::Menu { .. }
        | Screen::Account { .. }
        | Screen::Amount { .. }
        | Screen::Target { .. }
        | Screen::Confirm(_)
        | Screen::ReceiptChoice
        | Screen::InsertNotes { .. }
        | Screen::Counted { .. }
        | Screen::Balance { .. }
        | Screen::Statement { .. }
        | Screen::MoreTime => true,
        Screen::Welcome { .. }
        | Screen::Wait(_)
        | Screen::TakeCard { .. }
        | Screen::TakeCash { .. }
        | Screen::TakeNotesBack
        | Screen::Done(_)
        | Screen::Sorry(_)
        | Screen::OutOfService { .. } => false,
    }
}
