//! Keys of the pad as choices on what is shown: function keys count down the list, *enter* is yes, *clear* is no,
//! *cancel* gives the card back. Digits stay keys; who takes a figure reads them.

use super::device::Key;
use super::screen::{Choice, MenuItem, Screen};

/// The menu's lines in the order of the function keys.
const MENU: [MenuItem; 7] = [
    MenuItem::FastCash,
    MenuItem::Withdrawal,
    MenuItem::Deposit,
    MenuItem::Transfer,
    MenuItem::Balance,
    MenuItem::Statement,
    MenuItem::PinChange,
];

/// Languages in the order of the function keys.
const LANGUAGES: [[u8; 2]; 4] = [*b"en", *b"de", *b"fr", *b"es"];

/// What a key chooses on a screen; `None`: nothing.
pub(super) fn choice(screen: &Screen, key: Key) -> Option<Choice> {
    match key {
        Key::Digit(_) | Key::DoubleZero => Some(Choice::Key(key)),
        Key::Cancel => Some(Choice::Cancel),
        Key::Enter if matches!(screen, Screen::Language) => Some(Choice::Language(LANGUAGES[0])),
        Key::Enter => Some(Choice::Yes),
        Key::Clear if is_typed(screen) => Some(Choice::Key(key)),
        Key::Clear => Some(Choice::No),
        Key::Function(number) => listed(screen, usize::from(number).checked_sub(1)?),
    }
}

const fn is_typed(screen: &Screen) -> bool {
    matches!(screen, Screen::Amount { .. } | Screen::Target { .. })
}

/// The line of a screen at this place, counted from zero.
fn listed(screen: &Screen, at: usize) -> Option<Choice> {
    let yes_no = [Choice::Yes, Choice::No];
    match screen {
        Screen::Language => LANGUAGES.get(at).copied().map(Choice::Language),
        Screen::Menu { .. } => MENU.get(at).copied().map(Choice::Menu),
        Screen::Account { accounts, .. } if at == accounts.len() => Some(Choice::OtherAccount),
        Screen::Account { accounts, .. } => accounts.get(at).map(|(number, _)| Choice::Account(*number)),
        Screen::Amount { offered, .. } if at == offered.len() => Some(Choice::OtherAmount),
        Screen::Amount { offered, .. } => offered.get(at).copied().map(Choice::Amount),
        Screen::Counted { .. } => [Choice::Yes, Choice::More, Choice::No].get(at).cloned(),
        Screen::Confirm(_) | Screen::ReceiptChoice | Screen::MoreTime => yes_no.get(at).cloned(),
        Screen::Balance { .. } | Screen::Statement { .. } | Screen::Done(_) | Screen::Sorry(_) => {
            yes_no.get(at).cloned()
        }
        Screen::Welcome { .. }
        | Screen::Pin { .. }
        | Screen::Target { .. }
        | Screen::InsertNotes { .. }
        | Screen::Wait(_)
        | Screen::TakeCard { .. }
        | Screen::TakeCash { .. }
        | Screen::TakeNotesBack
        | Screen::OutOfService { .. } => None,
    }
}
