//! The steps of a visit: what tests hang lines, reports and faults on. A screen or request that is new does not compile
//! until somebody says which step it is.

use cashpoint_core::terminal::link::{AdviceKind, Request};
use cashpoint_core::terminal::screen::{Screen, Waiting};

/// A step of a visit, as the person or the network sees it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Moment {
    /// A language is chosen.
    Language,
    /// The PIN is entered.
    Pin,
    /// The host is asked for the session.
    LogIn,
    /// What is it to be?
    Menu,
    /// For which account, or to which?
    Account,
    /// How much?
    Amount,
    /// Is it right?
    Confirm,
    /// A receipt?
    Receipt,
    /// The acceptor makes itself ready.
    CountingIn,
    /// Notes are laid in.
    InsertNotes,
    /// They are counted.
    Counted,
    /// The host is asked, or told, of what the customer came for.
    Deed,
    /// Notes go to the stacker, or out.
    CountingOut,
    /// The card is at the exit.
    TakeCard,
    /// Cash is within reach.
    TakeCash,
    /// Notes are given back.
    TakeNotesBack,
    /// What became of it is on the screen.
    Told,
}

/// The moment at which a screen is shown; none: nothing of a visit's.
#[must_use]
pub fn shown(screen: &Screen) -> Option<Moment> {
    Some(match screen {
        Screen::Language => Moment::Language,
        Screen::Pin { .. } => Moment::Pin,
        Screen::Menu { .. } => Moment::Menu,
        Screen::Account { .. } | Screen::Target { .. } => Moment::Account,
        Screen::Amount { .. } => Moment::Amount,
        Screen::Confirm(_) => Moment::Confirm,
        Screen::ReceiptChoice => Moment::Receipt,
        Screen::InsertNotes { .. } => Moment::InsertNotes,
        Screen::Counted { .. } => Moment::Counted,
        Screen::Wait(waiting) => match waiting {
            Waiting::CountingOut => Moment::CountingOut,
            Waiting::CountingIn => Moment::CountingIn,
            Waiting::ReadingCard | Waiting::AskingBank | Waiting::Printing | Waiting::Starting => return None,
        },
        Screen::TakeCard { .. } => Moment::TakeCard,
        Screen::TakeCash { .. } => Moment::TakeCash,
        Screen::TakeNotesBack => Moment::TakeNotesBack,
        Screen::Balance { .. } | Screen::Done(_) | Screen::Sorry(_) => Moment::Told,
        Screen::Welcome { .. } | Screen::Statement { .. } | Screen::MoreTime | Screen::OutOfService { .. } => {
            return None;
        }
    })
}

/// The moment at which a request is about to leave.
#[must_use]
pub fn asked(request: &Request) -> Option<Moment> {
    match request {
        Request::LogIn { .. } => Some(Moment::LogIn),
        Request::Balance { .. } | Request::Transfer { .. } | Request::Approve { .. } => Some(Moment::Deed),
        Request::Advice(advice) => match advice.kind {
            AdviceKind::Deposited { .. } => Some(Moment::Deed),
            AdviceKind::Completed { .. }
            | AdviceKind::Reversed { .. }
            | AdviceKind::Suspect { .. }
            | AdviceKind::DepositUnclear { .. }
            | AdviceKind::OfflineWithdrawn { .. }
            | AdviceKind::StoredTransfer { .. }
            | AdviceKind::OfflineTries { .. }
            | AdviceKind::CardRetained { .. }
            | AdviceKind::Replenished { .. } => None,
        },
        Request::LogOut { .. } | Request::Statement { .. } | Request::ChangePin { .. } | Request::Heartbeat(_) => None,
    }
}
