//! A person at a machine: looks at the screen, does one thing, waits. What they want and how they behave is their plan.

use cashpoint_core::id::AccountNumber;
use cashpoint_core::money::Amount;
use cashpoint_core::terminal::device::Key;
use cashpoint_core::terminal::language::Language;
use cashpoint_core::terminal::screen::{Choice, MenuItem, Screen};
use cashpoint_devices::model::{CardSlot, Hardware, Inserted, PersonAction, Place, Quality, Shutter, Waiting};
use zeroize::Zeroizing;

/// What a person wants, and how they behave.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Their card's track 2.
    pub track2: String,
    /// Its PIN as they type it.
    pub pin: String,
    /// What they came for.
    pub wish: Wish,
    /// What they do with cash that is presented.
    pub cash: Takes,
    /// Whether they take their card.
    pub card: Takes,
}

/// What a person came for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Wish {
    /// Cash from an account.
    Cash(AccountNumber, Amount),
    /// To deposit notes of these values (minor units) and counts to an account.
    Deposit(AccountNumber, Vec<(i64, u32)>),
    /// To send money from one account to another.
    Send(AccountNumber, AccountNumber, Amount),
    /// To see a balance.
    Balance(AccountNumber),
}

/// What a person takes of what is within reach.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Takes {
    /// All.
    All,
    /// So many notes.
    Some(u32),
    /// Nothing.
    Nothing,
}

/// What a person does.
pub enum Act {
    /// Something at the devices.
    Hand(PersonAction),
    /// Something on the screen.
    Choice(Choice),
    /// They have what they came for, or gave up.
    Leaves,
}

/// A person, on their way through a visit.
#[derive(Debug)]
pub struct Person {
    plan: Plan,
    inserted_card: bool,
    inserted_notes: bool,
    typed: usize,
    took_part: bool,
    served: bool,
}

impl Person {
    /// A person in front of the machine.
    #[must_use]
    pub fn new(plan: Plan) -> Self {
        Self { plan, inserted_card: false, inserted_notes: false, typed: 0, took_part: false, served: false }
    }

    /// What they do next, if anything.
    pub fn act(&mut self, screen: Option<&Screen>, hardware: &Hardware) -> Option<Act> {
        if let Some(act) = self.take_what_lies_there(hardware) {
            return Some(Act::Hand(act));
        }
        let waits = |waiting| hardware.waiting().any(|now| now == waiting);
        if waits(Waiting::Card) && !self.inserted_card {
            self.inserted_card = true;
            return Some(Act::Hand(PersonAction::InsertCard(Zeroizing::new(self.plan.track2.clone()))));
        }
        if waits(Waiting::Pin) {
            return self.next_pin_key().map(|key| Act::Hand(PersonAction::Press(key)));
        }
        if waits(Waiting::Notes)
            && let Wish::Deposit(_, notes) = &self.plan.wish
            && !self.inserted_notes
        {
            self.inserted_notes = true;
            let insert = |&(denomination, count)| Inserted { denomination, quality: Quality::Good, count };
            return Some(Act::Hand(PersonAction::InsertNotes(notes.iter().map(insert).collect())));
        }
        self.answer(screen?)
    }

    fn take_what_lies_there(&mut self, hardware: &Hardware) -> Option<PersonAction> {
        if hardware.card_reader().slot() == CardSlot::Exit && self.plan.card == Takes::All {
            return Some(PersonAction::TakeCard);
        }
        let census = hardware.census();
        if !census.at(Place::ReturnSlot).is_empty() {
            return Some(PersonAction::TakeReturned);
        }
        if !census.at(Place::Exit).is_empty() && hardware.dispenser().shutter() == Shutter::Open {
            return match self.plan.cash {
                Takes::All => Some(PersonAction::TakeNotes),
                Takes::Some(count) if !self.took_part => {
                    self.took_part = true;
                    Some(PersonAction::TakeSome(count))
                }
                Takes::Some(_) | Takes::Nothing => None,
            };
        }
        None
    }

    fn next_pin_key(&mut self) -> Option<Key> {
        let pin = self.plan.pin.as_bytes();
        let at = self.typed % (pin.len() + 1);
        self.typed += 1;
        Some(pin.get(at).map_or(Key::Enter, |digit| Key::Digit(digit - b'0')))
    }

    fn answer(&mut self, screen: &Screen) -> Option<Act> {
        let choice = match screen {
            Screen::Language => Choice::Language(Language::English),
            Screen::Menu { .. } if self.served => Choice::Cancel,
            Screen::Menu { .. } => {
                self.served = true;
                Choice::Menu(match self.plan.wish {
                    Wish::Cash(..) => MenuItem::Withdrawal,
                    Wish::Deposit(..) => MenuItem::Deposit,
                    Wish::Send(..) => MenuItem::Transfer,
                    Wish::Balance(_) => MenuItem::Balance,
                })
            }
            Screen::Account { accounts, .. } => self.choose_account(accounts.iter().map(|(account, _)| *account)),
            Screen::Amount { trouble: Some(_), .. } => Choice::Cancel,
            Screen::Amount { typed, .. } => match &self.plan.wish {
                Wish::Cash(_, amount) | Wish::Send(_, _, amount) => next_figure(*amount, *typed),
                Wish::Deposit(..) | Wish::Balance(_) => Choice::Cancel,
            },
            Screen::Confirm(_) | Screen::Counted { .. } => Choice::Yes,
            Screen::ReceiptChoice | Screen::MoreTime => Choice::No,
            Screen::Balance { .. } | Screen::Statement { .. } => Choice::Cancel,
            Screen::Target { .. } => Choice::Cancel,
            Screen::Welcome { .. } if self.inserted_card => return Some(Act::Leaves),
            Screen::Welcome { .. }
            | Screen::Pin { .. }
            | Screen::InsertNotes { .. }
            | Screen::Wait(_)
            | Screen::TakeCard { .. }
            | Screen::TakeCash { .. }
            | Screen::TakeNotesBack
            | Screen::Done(_)
            | Screen::Sorry(_)
            | Screen::OutOfService { .. } => return None,
        };
        Some(Act::Choice(choice))
    }

    fn choose_account(&self, offered: impl Iterator<Item = AccountNumber> + Clone) -> Choice {
        let (first, second) = match &self.plan.wish {
            Wish::Cash(account, _) | Wish::Deposit(account, _) | Wish::Balance(account) => (*account, *account),
            Wish::Send(source, target, _) => (*source, *target),
        };
        let wanted = [first, second].into_iter().find(|wanted| offered.clone().any(|account| account == *wanted));
        wanted.map_or(Choice::Cancel, Choice::Account)
    }
}

/// What is pressed next by somebody who types a whole amount, with so much of it typed.
fn next_figure(wanted: Amount, typed: Amount) -> Choice {
    if typed == wanted {
        return Choice::Yes;
    }
    let figure = |amount: Amount| amount.to_string().split('.').next().unwrap_or_default().to_owned();
    let done = if typed.minor() == 0 { 0 } else { figure(typed).len() };
    let next = figure(wanted).as_bytes().get(done).copied();
    next.map_or(Choice::Cancel, |digit| Choice::Key(Key::Digit(digit - b'0')))
}
