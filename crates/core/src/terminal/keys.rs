//! Keys of the pad and beside the screen as choices on what is shown: function keys count down its lines, *enter* is yes,
//! *clear* is no, *cancel* gives the card back. Digits stay keys; who takes a figure reads them.
//!
//! A page that shows a [`Screen`] asks here which keys it has, so that touching a line and pressing its key are one.

use super::device::Key;
use super::language::Language;
use super::screen::{AccountPurpose, AmountPurpose, Choice, MenuItem, Screen, Services};

/// The keys of a screen that have a meaning, for whoever draws them.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Keys {
    /// What the function keys choose, from the first one down.
    pub lines: Vec<Line>,
    /// Whether figures are typed: digits, *clear* and *enter*. None where only the pad may see them.
    pub figures: Figures,
    /// One step back, if there is one that is no line.
    pub back: Option<Choice>,
    /// End the visit, if that is possible here.
    pub cancel: Option<Choice>,
}

/// A line of a screen. It keeps its place, and so its key, while it cannot be had.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Line {
    /// What it chooses.
    pub choice: Choice,
    /// Whether it can be had now.
    pub offer: Offer,
}

/// Whether something can be had now.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Offer {
    /// It can.
    Now,
    /// Its key does nothing.
    NotNow,
}

/// Whether a screen takes digits.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Figures {
    /// It does.
    Typed,
    /// It does not; *enter* and *clear* mean yes and no.
    None,
    /// The PIN pad takes them, and tells nobody which.
    Secret,
}

impl Line {
    /// What its key chooses now, if anything.
    #[must_use]
    pub fn taken(&self) -> Option<Choice> {
        match self.offer {
            Offer::Now => Some(self.choice.clone()),
            Offer::NotNow => None,
        }
    }
}

/// What a key chooses on a screen; `None`: nothing.
pub(super) fn choice(screen: &Screen, key: Key) -> Option<Choice> {
    match key {
        Key::Digit(_) | Key::DoubleZero => Some(Choice::Key(key)),
        Key::Cancel => Some(Choice::Cancel),
        Key::Enter if matches!(screen, Screen::Language) => Some(Choice::Language(Language::default())),
        Key::Enter => Some(Choice::Yes),
        Key::Clear if figures(screen) == Figures::Typed => Some(Choice::Key(key)),
        Key::Clear => Some(Choice::No),
        Key::Function(number) => lines(screen).get(usize::from(number).checked_sub(1)?).and_then(Line::taken),
    }
}

/// The keys of a screen.
#[must_use]
pub fn keys(screen: &Screen) -> Keys {
    let (back, cancel) = match screen {
        Screen::Language | Screen::Pin { .. } | Screen::Menu { .. } => (None, Some(Choice::Cancel)),
        Screen::Account { .. } | Screen::Amount { .. } | Screen::Target { .. } => {
            (Some(Choice::No), Some(Choice::Cancel))
        }
        Screen::Confirm(_) | Screen::ReceiptChoice | Screen::InsertNotes { .. } => (None, Some(Choice::Cancel)),
        Screen::Counted { .. }
        | Screen::Balance { .. }
        | Screen::Statement { .. }
        | Screen::MoreTime
        | Screen::Done(_)
        | Screen::Sorry(_)
        | Screen::Welcome { .. }
        | Screen::Wait(_)
        | Screen::TakeCard { .. }
        | Screen::TakeCash { .. }
        | Screen::TakeNotesBack
        | Screen::OutOfService { .. } => (None, None),
    };
    Keys { lines: lines(screen), figures: figures(screen), back, cancel }
}

const fn figures(screen: &Screen) -> Figures {
    match screen {
        Screen::Pin { .. } => Figures::Secret,
        Screen::Target { .. } => Figures::Typed,
        Screen::Amount { purpose, .. } => match purpose {
            AmountPurpose::FastCash => Figures::None,
            AmountPurpose::OtherAmount | AmountPurpose::Transfer => Figures::Typed,
        },
        Screen::Welcome { .. }
        | Screen::Language
        | Screen::Menu { .. }
        | Screen::Account { .. }
        | Screen::Confirm(_)
        | Screen::ReceiptChoice
        | Screen::InsertNotes { .. }
        | Screen::Counted { .. }
        | Screen::Wait(_)
        | Screen::Balance { .. }
        | Screen::Statement { .. }
        | Screen::TakeCard { .. }
        | Screen::TakeCash { .. }
        | Screen::TakeNotesBack
        | Screen::Done(_)
        | Screen::Sorry(_)
        | Screen::MoreTime
        | Screen::OutOfService { .. } => Figures::None,
    }
}

/// The lines of a screen, in the order of the function keys.
fn lines(screen: &Screen) -> Vec<Line> {
    if let Screen::Menu { services, .. } = screen {
        return menu(services);
    }
    choices(screen).into_iter().map(|choice| Line { choice, offer: Offer::Now }).collect()
}

fn choices(screen: &Screen) -> Vec<Choice> {
    match screen {
        Screen::Language => Language::ALL.map(Choice::Language).to_vec(),
        Screen::Account { purpose, accounts } => {
            let other = (*purpose == AccountPurpose::TransferTo).then_some(Choice::OtherAccount);
            accounts.iter().map(|(number, _)| Choice::Account(*number)).chain(other).collect()
        }
        Screen::Amount { purpose, offered, .. } => {
            let other = (*purpose == AmountPurpose::FastCash).then_some(Choice::OtherAmount);
            offered.iter().copied().map(Choice::Amount).chain(other).collect()
        }
        Screen::Counted { .. } => vec![Choice::Yes, Choice::More, Choice::No],
        Screen::Confirm(_) | Screen::ReceiptChoice | Screen::MoreTime => vec![Choice::Yes, Choice::No],
        Screen::Balance { .. } | Screen::Statement { .. } => vec![Choice::Yes, Choice::Cancel],
        Screen::InsertNotes { .. } | Screen::Done(_) | Screen::Sorry(_) => vec![Choice::Yes],
        Screen::Welcome { .. }
        | Screen::Pin { .. }
        | Screen::Target { .. }
        | Screen::Wait(_)
        | Screen::TakeCard { .. }
        | Screen::TakeCash { .. }
        | Screen::TakeNotesBack
        | Screen::Menu { .. }
        | Screen::OutOfService { .. } => Vec::new(),
    }
}

fn menu(services: &Services) -> Vec<Line> {
    let lines = [
        (services.withdrawal, MenuItem::FastCash),
        (services.withdrawal, MenuItem::Withdrawal),
        (services.deposit, MenuItem::Deposit),
        (services.transfer, MenuItem::Transfer),
        (services.balance, MenuItem::Balance),
        (services.statement, MenuItem::Statement),
        (services.pin_change, MenuItem::PinChange),
    ];
    let line = |(can, item)| Line { choice: Choice::Menu(item), offer: if can { Offer::Now } else { Offer::NotNow } };
    lines.map(line).to_vec()
}
