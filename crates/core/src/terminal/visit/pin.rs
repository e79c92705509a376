//! Proving the card's holder: by the host, or, while it is away, by what the pad makes of the PIN.

use crate::outcome::Refusal;
use crate::terminal::Timer;
use crate::terminal::device::{Answer, Command, Event, Failure, PinEntered, Unit};
use crate::terminal::hardware::Ended;
use crate::terminal::link::{AdviceKind, LoggedIn, Reply, Request};
use crate::terminal::machine::{Machine, Signal};
use crate::terminal::offline::{self, Checked, Counted, PinRight, Reason};
use crate::terminal::record::{CardProfile, Record};
use crate::terminal::screen::{PinPurpose, PinTrouble, Screen, Waiting, Why};

use super::{Holder, Step, Visit, gives_up};

/// The fewest digits of a PIN (ISO 9564-1).
pub(super) const SHORTEST_PIN: u8 = 4;

/// Wrong PINs in one visit after which the card is given back.
const MOST_WRONG: u8 = 3;

/// Where the proof stands; with wrong PINs so far.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Pin {
    /// The customer types.
    Entering { wrong: u8 },
    /// The pad makes the block for the host.
    Sealing { wrong: u8 },
    /// The host compares.
    Asking { wrong: u8 },
    /// The pad makes what is compared here.
    Comparing { counted: Counted, wrong: u8 },
}

impl Visit {
    /// Asks for the PIN, unless nobody could say whether it is right.
    pub(super) fn begin_pin(&mut self, trouble: Option<PinTrouble>, wrong: u8, m: &mut Machine) -> Step {
        if !m.uplink.is_online()
            && let Err(reason) = offline::begin_try(m.journal.book(), &self.card.reference, m.now)
        {
            return self.not_provable(reason, m);
        }
        m.cancel(Unit::PinPad);
        m.tell(Command::EnterPin);
        m.show(Screen::Pin { purpose: PinPurpose::Begin, digits: 0, trouble });
        Step::Pin(Pin::Entering { wrong })
    }

    fn not_provable(&mut self, reason: Reason, m: &mut Machine) -> Step {
        match reason {
            Reason::CardReported => self.keep_card(Why::CardReported, m),
            Reason::TooManyTries => self.refuse_card(Why::TooManyPins, m),
            Reason::NotOffered
            | Reason::NoSettings
            | Reason::Busy
            | Reason::UnknownCard
            | Reason::VerifierExpired
            | Reason::HotListStale
            | Reason::ClockSetBack
            | Reason::NoLease
            | Reason::LeaseExpired
            | Reason::LeaseVoid
            | Reason::LeaseUsedUp { .. }
            | Reason::OverCardLimit { .. }
            | Reason::OverOutageLimit { .. }
            | Reason::OverWithdrawalLimit { .. }
            | Reason::InvalidAmount
            | Reason::UnknownAccount
            | Reason::SameAccount
            | Reason::JournalFull => self.refuse_card(Why::Bank, m),
        }
    }

    pub(super) fn on_pin(&mut self, pin: Pin, signal: &Signal, m: &mut Machine) -> Step {
        match (pin, signal) {
            (Pin::Entering { wrong }, signal) => self.on_entering(wrong, signal, m),
            (Pin::Sealing { wrong }, Signal::Ended(Ended { command: Command::OnlinePinBlock(_), result })) => {
                match result {
                    Ok(Answer::PinBlock(block)) => {
                        m.show(Screen::Wait(Waiting::AskingBank));
                        m.ask(Request::LogIn { pan: self.card.pan.clone(), pin: block.clone() });
                        Step::Pin(Pin::Asking { wrong })
                    }
                    Ok(_) | Err(_) => self.pad_failed(result, m),
                }
            }
            (Pin::Asking { wrong }, Signal::Replied(request, reply)) if is_log_in(request) => match reply {
                Ok(Reply::LoggedIn(logged_in)) => self.logged_in(logged_in, m),
                Ok(Reply::Refused(refusal)) => self.log_in_refused(refusal, wrong, m),
                // The block is used up. If the policy knows a way without the host, the PIN is asked for once more.
                Ok(_) | Err(_) => self.begin_pin(None, wrong, m),
            },
            (
                Pin::Comparing { counted, wrong },
                Signal::Ended(Ended { command: Command::OfflineVerifier { .. }, result }),
            ) => match result {
                Ok(Answer::OfflineVerifier(made)) => self.compare(counted, made, wrong, m),
                Ok(_) | Err(_) => {
                    m.write(counted.withdraw());
                    self.pad_failed(result, m)
                }
            },
            (pin, _) => Step::Pin(pin),
        }
    }

    fn on_entering(&mut self, wrong: u8, signal: &Signal, m: &mut Machine) -> Step {
        match signal {
            Signal::Event(Event::PinDigits(digits)) => {
                m.show(Screen::Pin { purpose: PinPurpose::Begin, digits: *digits, trouble: None });
                Step::Pin(Pin::Entering { wrong })
            }
            Signal::Ended(Ended { command: Command::EnterPin, result }) => match result {
                Ok(Answer::Pin(PinEntered::Digits(digits))) if *digits < SHORTEST_PIN => {
                    self.begin_pin(Some(PinTrouble::TooShort), wrong, m)
                }
                Ok(Answer::Pin(PinEntered::Digits(_))) => self.entered(wrong, m),
                Ok(Answer::Pin(PinEntered::GivenUp)) | Err(Failure::Cancelled | Failure::TimedOut) => self.leave(m),
                Ok(_) | Err(_) => self.pad_failed(result, m),
            },
            signal if gives_up(signal) => self.leave(m),
            _ => Step::Pin(Pin::Entering { wrong }),
        }
    }

    /// The PIN is in the pad.
    fn entered(&mut self, wrong: u8, m: &mut Machine) -> Step {
        m.show(Screen::Wait(Waiting::AskingBank));
        if m.uplink.is_online() {
            m.tell(Command::OnlinePinBlock(self.card.pan.clone()));
            return Step::Pin(Pin::Sealing { wrong });
        }
        let attempt = match offline::begin_try(m.journal.book(), &self.card.reference, m.now) {
            Ok(attempt) => attempt,
            Err(reason) => return self.not_provable(reason, m),
        };
        // Counted before it is compared: cutting the power must not win a try.
        let (record, counted) = attempt.count();
        if m.write(record).is_none() {
            return self.refuse_card(Why::Machine, m);
        }
        m.tell(Command::OfflineVerifier { pan: self.card.pan.clone(), salt: counted.salt() });
        Step::Pin(Pin::Comparing { counted, wrong })
    }

    fn compare(&mut self, counted: Counted, made: &[u8; 32], wrong: u8, m: &mut Machine) -> Step {
        let Some(profile) = m.journal.book().profile(&self.card.reference).cloned() else {
            return self.refuse_card(Why::Machine, m);
        };
        match counted.compare(made) {
            Checked::Right(right) => {
                m.write(right.record());
                self.holder = Some(Holder {
                    card: profile.card,
                    name: profile.name,
                    accounts: profile.accounts,
                    session: None,
                    right,
                    notices: Vec::new(),
                });
                self.menu(m)
            }
            Checked::Wrong { left } => {
                let id = m.journal.new_id();
                m.advise(id, AdviceKind::OfflineTries { card: profile.card, wrong: 1 });
                match left {
                    0 => self.refuse_card(Why::TooManyPins, m),
                    1.. => self.wrong_pin(wrong, m),
                }
            }
        }
    }

    fn wrong_pin(&mut self, wrong: u8, m: &mut Machine) -> Step {
        match wrong.saturating_add(1) {
            wrong @ 0..MOST_WRONG => self.begin_pin(Some(PinTrouble::Wrong), wrong, m),
            MOST_WRONG.. => self.refuse_card(Why::TooManyPins, m),
        }
    }

    fn logged_in(&mut self, logged_in: &LoggedIn, m: &mut Machine) -> Step {
        let reference = self.card.reference;
        let keeps = m.settings().is_some_and(|settings| offline::offers_anything(&settings.partition));
        if keeps {
            m.write(Record::Card(CardProfile {
                reference,
                card: logged_in.card,
                name: logged_in.name.clone(),
                accounts: logged_in.accounts.clone(),
                verifier: logged_in.verifier,
                at: m.now,
            }));
        }
        self.holder = Some(Holder {
            card: logged_in.card,
            name: logged_in.name.clone(),
            accounts: logged_in.accounts.clone(),
            session: Some(logged_in.session),
            right: PinRight::compared_by_host(reference),
            notices: logged_in.notices.clone(),
        });
        self.menu(m)
    }

    fn log_in_refused(&mut self, refusal: &Refusal, wrong: u8, m: &mut Machine) -> Step {
        if *refusal == Refusal::WrongCredentials {
            return self.wrong_pin(wrong, m);
        }
        self.refused_for_good(refusal, m)
    }

    /// A refusal that leaves nothing to do for this card here and now.
    pub(super) fn refused_for_good(&mut self, refusal: &Refusal, m: &mut Machine) -> Step {
        match refusal {
            Refusal::CardStolen | Refusal::CardLost => self.keep_card(Why::CardReported, m),
            // A report ends the card's session at the host.
            Refusal::SessionExpired if m.journal.book().is_hot(&self.card.reference) => {
                self.keep_card(Why::CardReported, m)
            }
            Refusal::CardBlocked { .. } => self.refuse_card(Why::TooManyPins, m),
            other => self.refuse_card(Why::Refused(other.clone()), m),
        }
    }

    /// The pad did not do its part.
    pub(super) fn pad_failed(&mut self, result: &Result<Answer, Failure>, m: &mut Machine) -> Step {
        if *result == Err(Failure::Key) {
            m.pin_key = None;
        }
        m.stop(Timer::Customer);
        self.refuse_card(Why::Machine, m)
    }
}

const fn is_log_in(request: &Request) -> bool {
    matches!(request, Request::LogIn { .. })
}
