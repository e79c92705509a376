//! Money to another account: the customer's own or one by number. While the host is away it is noted, and said so.

use crate::account::Product;
use crate::id::{AccountNumber, CardId};
use crate::money::Amount;
use crate::outcome::Refusal;
use crate::terminal::Timer;
use crate::terminal::device::Key;
use crate::terminal::link::{AdviceKind, LinkFailure, OperationId, Reply, Request};
use crate::terminal::machine::{Machine, Signal};
use crate::terminal::offline::{self, Asked, Reason, TransferAsked};
use crate::terminal::screen::{
    AccountPurpose, AmountPurpose, AmountTrouble, Choice, Confirm, Finished, Screen, Settled, Sorry, TargetTrouble,
    Waiting, Why,
};

use super::withdrawal::typed;
use super::{Receipt, Step, Then, Visit, gives_up};

/// How often a transfer without an answer is asked for: it bears one name, so it is carried out once.
const MOST_ATTEMPTS: u8 = 3;

/// The longest account number, digits.
const LONGEST_NUMBER: usize = 19;

/// Where a transfer stands.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Transfer {
    /// To one of the customer's own?
    Target(AccountNumber),
    /// By number.
    Number(AccountNumber, String),
    /// How much, minor units typed so far.
    Amount(AccountNumber, AccountNumber, i64),
    /// Is this right?
    Confirm(TransferAsked),
    /// A receipt?
    Receipt(TransferAsked),
    /// The host is asked.
    Asking(OperationId, TransferAsked, Attempts),
    /// It may have been carried out, and the host is being told to see to it. This is on the screen meanwhile.
    Leaving(OperationId, TransferAsked),
}

/// How often the host was asked, and whether it may have heard.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Attempts {
    receipt: Receipt,
    count: u8,
    reached: Reached,
}

/// Whether a request may have come to the host.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Reached {
    /// None ever left.
    Never,
    Perhaps,
}

impl Visit {
    pub(super) fn begin_transfer(&mut self, source: AccountNumber, m: &mut Machine) -> Step {
        let accounts = self.other_accounts(source);
        if accounts.is_empty() {
            return self.ask_number(source, String::new(), None, m);
        }
        m.show(Screen::Account { purpose: AccountPurpose::TransferTo, accounts });
        Step::Transfer(Transfer::Target(source))
    }

    fn other_accounts(&self, source: AccountNumber) -> Vec<(AccountNumber, Product)> {
        let own = self.holder.as_ref().map_or_else(Vec::new, super::Holder::accounts);
        own.into_iter().filter(|(account, _)| *account != source).collect()
    }

    fn ask_number(
        &mut self,
        source: AccountNumber,
        typed: String,
        trouble: Option<TargetTrouble>,
        m: &mut Machine,
    ) -> Step {
        m.show(Screen::Target { typed: typed.clone(), trouble });
        Step::Transfer(Transfer::Number(source, typed))
    }

    fn ask_amount(
        &mut self,
        (source, target): (AccountNumber, AccountNumber),
        typed: i64,
        trouble: Option<AmountTrouble>,
        m: &mut Machine,
    ) -> Step {
        let line = self.holder.as_ref().and_then(|holder| holder.accounts.iter().find(|line| line.account == source));
        let Some(line) = line else { return self.menu(m) };
        let amount = Amount::new(typed, line.balance.currency());
        m.show(Screen::Amount { purpose: AmountPurpose::Transfer, offered: Vec::new(), typed: amount, trouble });
        Step::Transfer(Transfer::Amount(source, target, typed))
    }

    pub(super) fn on_transfer(&mut self, transfer: Transfer, signal: &Signal, m: &mut Machine) -> Step {
        match transfer {
            Transfer::Asking(id, asked, attempts) => return self.on_asking(id, (asked, attempts), signal, m),
            Transfer::Leaving(id, asked) => return self.on_left_to_host(id, asked, signal, m),
            Transfer::Target(_)
            | Transfer::Number(..)
            | Transfer::Amount(..)
            | Transfer::Confirm(_)
            | Transfer::Receipt(_) => {}
        }
        match signal {
            Signal::Chosen(Choice::No) if !matches!(transfer, Transfer::Receipt(_)) => self.menu(m),
            Signal::Chosen(choice) if !gives_up(signal) => self.on_transfer_choice(transfer, choice, m),
            signal if gives_up(signal) => self.leave(m),
            _ => Step::Transfer(transfer),
        }
    }

    fn on_transfer_choice(&mut self, transfer: Transfer, choice: &Choice, m: &mut Machine) -> Step {
        match (transfer, choice) {
            (Transfer::Target(source), Choice::Account(target))
                if self.other_accounts(source).iter().any(|(account, _)| account == target) =>
            {
                self.ask_amount((source, *target), 0, None, m)
            }
            (Transfer::Target(source), Choice::OtherAccount) => self.ask_number(source, String::new(), None, m),
            (Transfer::Number(source, digits), Choice::Key(key)) => {
                self.ask_number(source, with_key(digits, *key), None, m)
            }
            (Transfer::Number(source, digits), Choice::Yes) => match AccountNumber::parse(&digits) {
                Ok(target) if target == source => {
                    let trouble = TargetTrouble::Refused(Refusal::SameAccount);
                    self.ask_number(source, String::new(), Some(trouble), m)
                }
                Ok(target) => self.ask_amount((source, target), 0, None, m),
                Err(_) => self.ask_number(source, String::new(), Some(TargetTrouble::NotAnAccount), m),
            },
            (Transfer::Amount(source, target, so_far), Choice::Key(key)) => {
                self.ask_amount((source, target), typed(so_far, *key), None, m)
            }
            (Transfer::Amount(source, target, so_far), Choice::Yes) if so_far > 0 => {
                self.ask_confirmation((source, target), so_far, m)
            }
            (Transfer::Confirm(asked), Choice::Yes) if m.prints() => {
                m.show(Screen::ReceiptChoice);
                Step::Transfer(Transfer::Receipt(asked))
            }
            (Transfer::Confirm(asked), Choice::Yes) | (Transfer::Receipt(asked), Choice::No) => {
                self.carry_out(asked, Receipt::NotWanted, m)
            }
            (Transfer::Receipt(asked), Choice::Yes) => self.carry_out(asked, Receipt::Wanted, m),
            (transfer, _) => Step::Transfer(transfer),
        }
    }

    fn ask_confirmation(
        &mut self,
        (source, target): (AccountNumber, AccountNumber),
        minor: i64,
        m: &mut Machine,
    ) -> Step {
        let line = self.holder.as_ref().and_then(|holder| holder.accounts.iter().find(|line| line.account == source));
        let Some(line) = line else { return self.menu(m) };
        let amount = Amount::new(minor, line.balance.currency());
        let settled = if self.session(m).is_some() { Settled::Now } else { Settled::Later };
        m.show(Screen::Confirm(Confirm::Transfer { source, target, amount, settled }));
        Step::Transfer(Transfer::Confirm(TransferAsked { source, target, amount }))
    }

    fn carry_out(&mut self, asked: TransferAsked, receipt: Receipt, m: &mut Machine) -> Step {
        let id = m.journal.new_id();
        match self.session(m) {
            Some(_) => self.send_transfer(id, asked, Attempts { receipt, count: 1, reached: Reached::Never }, m),
            None => self.note_transfer(id, (asked, receipt), m),
        }
    }

    fn send_transfer(&mut self, id: OperationId, asked: TransferAsked, attempts: Attempts, m: &mut Machine) -> Step {
        let session = self.holder.as_ref().and_then(|holder| holder.session);
        let Some(session) = session else { return self.apologise(Why::Bank, m) };
        let TransferAsked { source, target, amount } = asked;
        m.show(Screen::Wait(Waiting::AskingBank));
        m.ask(Request::Transfer { id, session, source, target, amount });
        Step::Transfer(Transfer::Asking(id, asked, attempts))
    }

    fn on_asking(
        &mut self,
        id: OperationId,
        (asked, attempts): (TransferAsked, Attempts),
        signal: &Signal,
        m: &mut Machine,
    ) -> Step {
        let again = Step::Transfer(Transfer::Asking(id, asked, attempts));
        let Signal::Replied(request, reply) = signal else { return again };
        if !matches!(**request, Request::Transfer { id: answered, .. } if answered == id) {
            return again;
        }
        let Attempts { receipt, count, mut reached } = attempts;
        match reply {
            Ok(Reply::Transferred(done)) => {
                let balance = Some(done.source_balance);
                return self.transferred((asked, receipt), (id, Settled::Now, balance), m);
            }
            // Whom it does not serve any more it tells nothing of what it did before.
            Ok(Reply::Refused(refusal)) if reached == Reached::Perhaps && !refusal.is_recorded() => {
                return self.leave_to_host(id, (asked, receipt), m);
            }
            Ok(Reply::Refused(refusal)) => return self.transfer_refused(asked, refusal, m),
            Err(LinkFailure::Unreachable) => {}
            Ok(_) | Err(LinkFailure::TimedOut | LinkFailure::Busy | LinkFailure::Rejected) => {
                reached = Reached::Perhaps
            }
        }
        match reached {
            // The host may have done it. It knows the transfer by its name, so asking again cannot do it twice.
            Reached::Never | Reached::Perhaps if count < MOST_ATTEMPTS => {
                self.send_transfer(id, asked, Attempts { receipt, count: count.saturating_add(1), reached }, m)
            }
            Reached::Never => self.note_transfer(id, (asked, receipt), m),
            Reached::Perhaps => self.leave_to_host(id, (asked, receipt), m),
        }
    }

    fn transfer_refused(&mut self, asked: TransferAsked, refusal: &Refusal, m: &mut Machine) -> Step {
        let between = (asked.source, asked.target);
        match refusal {
            Refusal::InsufficientFunds { .. } | Refusal::DailyLimitExceeded { .. } | Refusal::InvalidAmount => {
                self.ask_amount(between, 0, Some(AmountTrouble::Refused(refusal.clone())), m)
            }
            Refusal::AccountNotFound | Refusal::AccountClosed | Refusal::CurrencyMismatch => {
                self.ask_number(asked.source, String::new(), Some(TargetTrouble::Refused(refusal.clone())), m)
            }
            other => self.refused(other, m),
        }
    }

    /// Notes a transfer of which the host never heard for when it is back, if the policy does.
    fn note_transfer(&mut self, id: OperationId, (asked, receipt): (TransferAsked, Receipt), m: &mut Machine) -> Step {
        let Some(holder) = &self.holder else { return self.leave(m) };
        let by = Asked { holder: &holder.right, now: m.now };
        let permit = offline::transfer(m.journal.book(), &by, asked, m.journal.room());
        let (card, asked) = match permit {
            Ok(permit) => (permit.card(), permit.transfer()),
            Err(Reason::InvalidAmount) => return self.apologise(Why::Refused(Refusal::InvalidAmount), m),
            Err(Reason::SameAccount) => return self.apologise(Why::Refused(Refusal::SameAccount), m),
            Err(_) => return self.apologise(Why::Bank, m),
        };
        if m.advise(id, stored(card, asked)).is_none() {
            return self.apologise(Why::Machine, m);
        }
        self.transferred((asked, receipt), (id, Settled::Later, None), m)
    }

    /// The host may have carried it out, and no answer came. Whatever the policy says of transfers that begin while the
    /// host is away, this one began before: it is left to the host under its name, so that it is done once or refused,
    /// and the customer hears which, here or at their next visit.
    fn leave_to_host(&mut self, id: OperationId, (asked, receipt): (TransferAsked, Receipt), m: &mut Machine) -> Step {
        let Some(holder) = &self.holder else { return self.leave(m) };
        let by = Asked { holder: &holder.right, now: m.now };
        let noted = offline::transfer(m.journal.book(), &by, asked, m.journal.room()).is_ok();
        let unclear = Screen::Sorry(Sorry::Checking { reference: id });
        if m.advise(id, stored(holder.card, asked)).is_none() {
            return self.tell(unclear, Then::Menu, m);
        }
        if noted {
            self.transferred((asked, receipt), (id, Settled::Later, None), m);
        } else {
            self.tell(unclear, Then::Menu, m);
        }
        Step::Transfer(Transfer::Leaving(id, asked))
    }

    /// The customer is told what became of it as long as they look at its message.
    fn on_left_to_host(&mut self, id: OperationId, asked: TransferAsked, signal: &Signal, m: &mut Machine) -> Step {
        match signal {
            Signal::Acknowledged(of, declined) if *of == id => {
                m.stop(Timer::Message);
                match declined {
                    None => self.transferred((asked, Receipt::NotWanted), (id, Settled::Now, None), m),
                    Some(refusal) => self.transfer_refused(asked, refusal, m),
                }
            }
            _ => match self.on_telling(Then::Menu, signal, m) {
                Step::Telling(_) => Step::Transfer(Transfer::Leaving(id, asked)),
                next => next,
            },
        }
    }

    /// What the host was to see to could not be written: nobody here can say whether it was carried out.
    pub(super) fn transfer_unwritten(&mut self, id: OperationId, m: &mut Machine) -> Step {
        match self.step {
            Step::Transfer(Transfer::Leaving(left, _)) if left == id => {
                self.tell(Screen::Sorry(Sorry::Checking { reference: id }), Then::Menu, m)
            }
            _ => self.apologise(Why::Machine, m),
        }
    }

    fn transferred(
        &mut self,
        (asked, receipt): (TransferAsked, Receipt),
        (reference, settled, balance): (OperationId, Settled, Option<Amount>),
        m: &mut Machine,
    ) -> Step {
        let done = Finished::Transfer { amount: asked.amount, settled, balance, reference };
        if receipt == Receipt::Wanted {
            self.print(&done, asked.source, m);
        }
        self.tell(Screen::Done(done), Then::Menu, m)
    }
}

/// What the host is told of it.
const fn stored(card: CardId, TransferAsked { source, target, amount }: TransferAsked) -> AdviceKind {
    AdviceKind::StoredTransfer { card, source, target, amount }
}

/// Digits of an account number after one more key.
fn with_key(mut digits: String, key: Key) -> String {
    match key {
        Key::Digit(digit @ 0..=9) if digits.len() < LONGEST_NUMBER => digits.push(char::from(b'0' + digit)),
        Key::DoubleZero if digits.len() + 1 < LONGEST_NUMBER => digits.push_str("00"),
        Key::Clear => digits.clear(),
        Key::Digit(_) | Key::DoubleZero | Key::Enter | Key::Cancel | Key::Function(_) => {}
    }
    digits
}
