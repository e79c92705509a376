//! A person at a machine: looks at the screen, does one thing, waits. What they want and how they behave is their plan.

use cashpoint_core::id::AccountNumber;
use cashpoint_core::money::Amount;
use cashpoint_core::terminal::device::Key;
use cashpoint_core::terminal::language::Language;
use cashpoint_core::terminal::screen::{AccountPurpose, Choice, MenuItem, PinPurpose, Screen};
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
    /// The PIN to be, for those who come for one.
    pub new_pin: String,
    /// Notes that they lay in besides, which no acceptor should take.
    pub bad_notes: Vec<Inserted>,
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
    /// Another PIN.
    NewPin,
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
            return self.next_pin_key(screen).map(|key| Act::Hand(PersonAction::Press(key)));
        }
        if waits(Waiting::Notes)
            && let Wish::Deposit(_, notes) = &self.plan.wish
            && !self.inserted_notes
        {
            self.inserted_notes = true;
            let insert = |&(denomination, count)| Inserted { denomination, quality: Quality::Good, count };
            let laid_in = notes.iter().map(insert).chain(self.plan.bad_notes.iter().copied());
            return Some(Act::Hand(PersonAction::InsertNotes(laid_in.collect())));
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

    /// All PINs have one length.
    fn next_pin_key(&mut self, screen: Option<&Screen>) -> Option<Key> {
        let new = matches!(screen, Some(Screen::Pin { purpose: PinPurpose::New | PinPurpose::Repeat, .. }));
        let pin = if new { self.plan.new_pin.as_bytes() } else { self.plan.pin.as_bytes() };
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
                    Wish::NewPin => MenuItem::PinChange,
                })
            }
            Screen::Account { purpose, accounts } => {
                self.choose_account(*purpose, accounts.iter().map(|(account, _)| *account))
            }
            Screen::Amount { trouble: Some(_), .. } => Choice::Cancel,
            Screen::Amount { typed, .. } => match &self.plan.wish {
                Wish::Cash(_, amount) | Wish::Send(_, _, amount) => next_figure(*amount, *typed),
                Wish::Deposit(..) | Wish::Balance(_) | Wish::NewPin => Choice::Cancel,
            },
            Screen::Confirm(_) | Screen::Counted { .. } => Choice::Yes,
            Screen::ReceiptChoice | Screen::MoreTime => Choice::No,
            Screen::Balance { .. } | Screen::Statement { .. } => Choice::Cancel,
            Screen::Target { trouble: Some(_), .. } => Choice::Cancel,
            Screen::Target { typed, .. } => self.next_digit(typed),
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

    fn choose_account(&self, purpose: AccountPurpose, mut offered: impl Iterator<Item = AccountNumber>) -> Choice {
        let wanted = match (&self.plan.wish, purpose) {
            (Wish::Send(_, target, _), AccountPurpose::TransferTo) => *target,
            (Wish::Cash(account, _) | Wish::Deposit(account, _) | Wish::Balance(account), _) => *account,
            (Wish::Send(source, ..), _) => *source,
            (Wish::NewPin, _) => return Choice::Cancel,
        };
        match (offered.any(|account| account == wanted), purpose) {
            (true, _) => Choice::Account(wanted),
            (false, AccountPurpose::TransferTo) => Choice::OtherAccount,
            (false, _) => Choice::Cancel,
        }
    }

    /// What is pressed next by somebody who types the number of the account to send to.
    fn next_digit(&self, typed: &str) -> Choice {
        let Wish::Send(_, target, _) = &self.plan.wish else { return Choice::Cancel };
        let number = target.number().to_string();
        match number.as_bytes().get(typed.len()) {
            Some(digit) => Choice::Key(Key::Digit(digit - b'0')),
            None => Choice::Yes,
        }
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
