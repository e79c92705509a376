//! Money to another account: the customer's own or one by number. While the host is away it is noted, and said so.

use crate::account::Product;
use crate::id::AccountNumber;
use crate::money::Amount;
use crate::outcome::Refusal;
use crate::terminal::device::Key;
use crate::terminal::link::{AdviceKind, OperationId, Reply, Request};
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
    Asking(OperationId, TransferAsked, Receipt, u8),
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
        if let Transfer::Asking(id, asked, receipt, attempt) = transfer {
            return self.on_asking(id, (asked, receipt, attempt), signal, m);
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
            (Transfer::Confirm(asked), Choice::Yes) if m.services(None).receipt => {
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
            Some(_) => self.send_transfer(id, (asked, receipt, 1), m),
            None => self.note_transfer(id, (asked, receipt), m),
        }
    }

    fn send_transfer(
        &mut self,
        id: OperationId,
        (asked, receipt, attempt): (TransferAsked, Receipt, u8),
        m: &mut Machine,
    ) -> Step {
        let session = self.holder.as_ref().and_then(|holder| holder.session);
        let Some(session) = session else { return self.apologise(Why::Bank, m) };
        let TransferAsked { source, target, amount } = asked;
        m.show(Screen::Wait(Waiting::AskingBank));
        m.ask(Request::Transfer { id, session, source, target, amount });
        Step::Transfer(Transfer::Asking(id, asked, receipt, attempt))
    }

    fn on_asking(
        &mut self,
        id: OperationId,
        (asked, receipt, attempt): (TransferAsked, Receipt, u8),
        signal: &Signal,
        m: &mut Machine,
    ) -> Step {
        let again = Step::Transfer(Transfer::Asking(id, asked, receipt, attempt));
        let Signal::Replied(request, reply) = signal else { return again };
        if !matches!(**request, Request::Transfer { id: answered, .. } if answered == id) {
            return again;
        }
        match reply {
            Ok(Reply::Transferred(done)) => {
                let balance = Some(done.source_balance);
                self.transferred((asked, receipt), (id, Settled::Now, balance), m)
            }
            Ok(Reply::Refused(refusal)) => self.transfer_refused(asked, refusal, m),
            // The host may have done it. It knows the transfer by its name, so asking again cannot do it twice.
            Ok(_) | Err(_) if attempt < MOST_ATTEMPTS => {
                self.send_transfer(id, (asked, receipt, attempt.saturating_add(1)), m)
            }
            Ok(_) | Err(_) => self.note_transfer(id, (asked, receipt), m),
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

    /// Notes a transfer for when the host is back, under the name under which it may have been asked for already.
    fn note_transfer(&mut self, id: OperationId, (asked, receipt): (TransferAsked, Receipt), m: &mut Machine) -> Step {
        let Some(holder) = &self.holder else { return self.leave(m) };
        let by = Asked { holder: &holder.right, now: m.now };
        let permit = offline::transfer(m.journal.book(), &by, asked, m.journal.room());
        let asked_already = holder.session.is_some();
        let (card, asked) = match permit {
            Ok(permit) => (permit.card(), permit.transfer()),
            // It may have been carried out, and nobody here can tell.
            Err(_) if asked_already => {
                return self.tell(Screen::Sorry(Sorry::Checking { reference: id }), Then::Menu, m);
            }
            Err(Reason::InvalidAmount) => return self.apologise(Why::Refused(Refusal::InvalidAmount), m),
            Err(Reason::SameAccount) => return self.apologise(Why::Refused(Refusal::SameAccount), m),
            Err(_) => return self.apologise(Why::Bank, m),
        };
        let TransferAsked { source, target, amount } = asked;
        if m.advise(id, AdviceKind::StoredTransfer { card, source, target, amount }).is_none() {
            return self.apologise(Why::Machine, m);
        }
        self.transferred((asked, receipt), (id, Settled::Later, None), m)
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
