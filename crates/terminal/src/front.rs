//! The front of a terminal, as a page or a test sees it: what is on its screen, and a way to choose something there.
//!
//! A choice is bound to the page on which it was made: between a finger and the terminal the screen may have changed, and
//! what was the key for *balance* may now pay cash. Which page is shown is known for certain only on the terminal's own
//! thread, so it is compared there.

use std::fmt;
use std::sync::Arc;
use std::sync::mpsc::SyncSender;

use cashpoint_core::terminal::language::Language;
use cashpoint_core::terminal::screen::{Choice, Screen};
use tokio::sync::{oneshot, watch};

use crate::operation::Wake;

/// What is on the screen.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Shown {
    /// Which page it is, counted from 1 at the start of the process. A figure that grows by a digit is on the same page.
    pub page: u64,
    /// In which language.
    pub language: Language,
    /// What.
    pub screen: Screen,
}

impl Shown {
    /// The first page.
    #[must_use]
    pub fn first(screen: Screen) -> Self {
        Self { page: 1, language: Language::default(), screen }
    }

    /// What follows.
    #[must_use]
    pub fn next(&self, language: Language, screen: Screen) -> Self {
        let same = language == self.language && continues(&self.screen, &screen);
        Self { page: if same { self.page } else { self.page + 1 }, language, screen }
    }
}

/// Whether nothing but the figure that is being typed has changed: keys pressed quickly one after the other all count.
fn continues(before: &Screen, after: &Screen) -> bool {
    match (before, after) {
        (Screen::Pin { purpose: before, .. }, Screen::Pin { purpose: after, trouble, .. }) => {
            before == after && trouble.is_none()
        }
        (
            Screen::Amount { purpose: before, offered: offered_before, .. },
            Screen::Amount { purpose: after, offered, trouble, .. },
        ) => before == after && offered_before == offered && trouble.is_none(),
        (Screen::Target { .. }, Screen::Target { trouble, .. }) => trouble.is_none(),
        (before, after) => before == after,
    }
}

/// A choice as it was made.
#[derive(Debug)]
pub struct Press {
    /// On which page.
    pub page: u64,
    /// What.
    pub choice: Choice,
    /// Told when the terminal has taken it and shows what follows; `false`: another page was shown, and nothing was done.
    pub taken: oneshot::Sender<bool>,
}

/// Why a choice was not taken. Nothing was done.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum NotTaken {
    /// Something else is on the screen now.
    Stale,
    /// The terminal has ended, or cannot keep up.
    Gone,
}

impl fmt::Display for NotTaken {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Stale => "the screen has changed since",
            Self::Gone => "the terminal has ended",
        })
    }
}

impl std::error::Error for NotTaken {}

/// A terminal's screen and keys. Clones are of the same terminal.
#[derive(Clone, Debug)]
pub struct Front {
    shown: watch::Receiver<Arc<Shown>>,
    presses: SyncSender<Wake>,
}

impl Front {
    /// The front of whatever sends to `shown` and takes [`Wake::Pressed`] from `presses`.
    #[must_use]
    pub const fn new(shown: watch::Receiver<Arc<Shown>>, presses: SyncSender<Wake>) -> Self {
        Self { shown, presses }
    }

    /// What is on the screen, now and whenever it changes.
    #[must_use]
    pub fn shown(&self) -> watch::Receiver<Arc<Shown>> {
        self.shown.clone()
    }

    /// Chooses something on a page, and waits until that is done.
    ///
    /// # Errors
    /// [`NotTaken`].
    pub async fn choose(&self, page: u64, choice: Choice) -> Result<(), NotTaken> {
        let (taken, told) = oneshot::channel();
        let press = Wake::Pressed(Press { page, choice, taken });
        self.presses.try_send(press).map_err(|_| NotTaken::Gone)?;
        match told.await {
            Ok(true) => Ok(()),
            Ok(false) => Err(NotTaken::Stale),
            Err(_) => Err(NotTaken::Gone),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cashpoint_core::currency::Currency;
    use cashpoint_core::money::Amount;
    use cashpoint_core::terminal::screen::{AmountPurpose, AmountTrouble, PinPurpose, PinTrouble};

    #[test]
    fn counts_pages_but_not_the_digits_on_them() {
        let usd = |minor| Amount::new(minor, Currency::USD);
        let amount = |minor, trouble| Screen::Amount {
            purpose: AmountPurpose::OtherAmount,
            offered: Vec::new(),
            typed: usd(minor),
            trouble,
        };
        let pin = |digits, trouble| Screen::Pin { purpose: PinPurpose::Begin, digits, trouble };
        let english = Language::English;
        let mut shown = Shown::first(Screen::Language);
        let mut check = |language, screen: Screen, page| {
            shown = shown.next(language, screen);
            assert_eq!(shown.page, page, "{shown:?}");
        };
        check(english, Screen::Language, 1);
        check(english, pin(0, None), 2);
        check(english, pin(3, None), 2);
        check(english, pin(0, Some(PinTrouble::TooShort)), 3);
        check(english, amount(0, None), 4);
        check(english, amount(100, None), 4);
        check(english, amount(0, Some(AmountTrouble::OverOfflineLimit { limit: usd(1) })), 5);
        check(english, amount(100, None), 5);
        check(english, Screen::MoreTime, 6);
        check(english, amount(100, None), 7);
        check(Language::Arabic, amount(100, None), 8);
    }
}
