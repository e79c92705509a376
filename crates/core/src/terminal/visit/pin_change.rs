//! A new PIN: the one so far, the new one, and the new one once more.
//!
//! Each is entered into the pad and leaves it as a block for the host, because the pad forgets a PIN with the block that
//! it makes of it, and blocks of one PIN never look alike. So the terminal cannot tell whether the new ones agree and
//! does not try: all three go to the host, which opens them where keys are kept, and compares.

use crate::outcome::Refusal;
use crate::terminal::device::{Answer, Command, Event, Failure, PinBlock, PinEntered, Unit};
use crate::terminal::hardware::Ended;
use crate::terminal::link::{Reply, Request};
use crate::terminal::machine::{Machine, Signal};
use crate::terminal::screen::{Finished, PinPurpose, PinTrouble, Screen, Waiting, Why};

use super::pin::SHORTEST_PIN;
use super::{Step, Then, Visit, gives_up};

/// Wrong PINs in a row after which the card is given back.
const MOST_WRONG: u8 = 3;

/// What has been entered.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Entered {
    Nothing,
    Current(PinBlock),
    New(PinBlock, PinBlock),
}

impl Entered {
    const fn next(&self) -> PinPurpose {
        match self {
            Self::Nothing => PinPurpose::Current,
            Self::Current(_) => PinPurpose::New,
            Self::New(..) => PinPurpose::Repeat,
        }
    }
}

/// Where the change stands.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct PinChange {
    entered: Entered,
    wrong: u8,
    doing: Doing,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Doing {
    Entering,
    Sealing,
    Asking,
}

impl Visit {
    pub(super) fn begin_pin_change(&mut self, m: &mut Machine) -> Step {
        self.enter_pin(Entered::Nothing, 0, None, m)
    }

    fn enter_pin(&mut self, entered: Entered, wrong: u8, trouble: Option<PinTrouble>, m: &mut Machine) -> Step {
        m.cancel(Unit::PinPad);
        m.tell(Command::EnterPin);
        m.show(Screen::Pin { purpose: entered.next(), digits: 0, trouble });
        Step::PinChange(PinChange { entered, wrong, doing: Doing::Entering })
    }

    pub(super) fn on_pin_change(&mut self, change: PinChange, signal: &Signal, m: &mut Machine) -> Step {
        match (change.doing, signal) {
            (Doing::Entering, Signal::Event(Event::PinDigits(digits))) => {
                m.show(Screen::Pin { purpose: change.entered.next(), digits: *digits, trouble: None });
                Step::PinChange(change)
            }
            (Doing::Entering, Signal::Ended(Ended { command: Command::EnterPin, result })) => match result {
                Ok(Answer::Pin(PinEntered::Digits(digits))) if *digits < SHORTEST_PIN => {
                    self.enter_pin(change.entered, change.wrong, Some(PinTrouble::TooShort), m)
                }
                Ok(Answer::Pin(PinEntered::Digits(_))) => {
                    m.tell(Command::OnlinePinBlock(self.card.pan.clone()));
                    Step::PinChange(PinChange { doing: Doing::Sealing, ..change })
                }
                Ok(Answer::Pin(PinEntered::GivenUp)) | Err(Failure::Cancelled | Failure::TimedOut) => self.leave(m),
                Ok(_) | Err(_) => self.pad_failed(result, m),
            },
            (Doing::Entering, signal) if gives_up(signal) => self.leave(m),
            (Doing::Sealing, Signal::Ended(Ended { command: Command::OnlinePinBlock(_), result })) => match result {
                Ok(Answer::PinBlock(block)) => self.sealed(change, block.clone(), m),
                Ok(_) | Err(_) => self.pad_failed(result, m),
            },
            (Doing::Asking, Signal::Replied(request, reply)) if matches!(**request, Request::ChangePin { .. }) => {
                match reply {
                    Ok(Reply::PinChanged) => self.tell(Screen::Done(Finished::PinChanged), Then::Menu, m),
                    Ok(Reply::Refused(refusal)) => self.change_refused(change, refusal, m),
                    Ok(_) | Err(_) => self.apologise(Why::Bank, m),
                }
            }
            (Doing::Entering | Doing::Sealing | Doing::Asking, _) => Step::PinChange(change),
        }
    }

    fn sealed(&mut self, change: PinChange, block: PinBlock, m: &mut Machine) -> Step {
        let (old, new) = match &change.entered {
            Entered::Nothing => return self.enter_pin(Entered::Current(block), change.wrong, None, m),
            Entered::Current(old) => {
                return self.enter_pin(Entered::New(old.clone(), block), change.wrong, None, m);
            }
            Entered::New(old, new) => (old.clone(), new.clone()),
        };
        let Some(session) = self.session(m) else { return self.apologise(Why::Bank, m) };
        m.show(Screen::Wait(Waiting::AskingBank));
        m.ask(Request::ChangePin { session, pan: self.card.pan.clone(), old, new, repeat: block });
        Step::PinChange(PinChange { doing: Doing::Asking, ..change })
    }

    fn change_refused(&mut self, change: PinChange, refusal: &Refusal, m: &mut Machine) -> Step {
        match (refusal, change.entered) {
            (Refusal::InvalidRequest { field: "repeat" }, Entered::New(old, _) | Entered::Current(old)) => {
                self.enter_pin(Entered::Current(old), change.wrong, Some(PinTrouble::Different), m)
            }
            (Refusal::WrongCredentials, _) => match change.wrong.saturating_add(1) {
                wrong @ 0..MOST_WRONG => self.enter_pin(Entered::Nothing, wrong, Some(PinTrouble::Wrong), m),
                MOST_WRONG.. => self.refuse_card(Why::TooManyPins, m),
            },
            (other, _) => self.refused(other, m),
        }
    }
}
