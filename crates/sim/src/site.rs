//! One machine that has served somebody, its bank and its people: what a test of many visits stands on.

use std::path::{Path, PathBuf};

use cashpoint_bank::sandbox::{PEOPLE, Person as Holder};
use cashpoint_core::id::{AccountNumber, MachineId};
use cashpoint_core::terminal::book::Book;
use cashpoint_core::terminal::screen::{Finished, Freshness, Screen, Settled, Sorry};

use crate::bench::{self, Books, FILLING, brought, walked_away_with};
use crate::host::BankHost;
use crate::network::Network;
use crate::person::{Person, Wish};
use crate::world::World;

/// Has two accounts.
pub const DANA: Holder = PEOPLE[5];

/// Her savings, and what is on them at first.
pub const SAVINGS: (AccountNumber, i64) = (AccountNumber::new(400_000_000_061), 800_00);

/// Her checking account, and what is on it at first.
pub const CHECKING: (AccountNumber, i64) = (AccountNumber::new(400_000_000_062), 50_00);

/// Whatever a policy can have done while the host is away.
pub const GENEROUS: [(&str, &str); 4] = [
    ("offline_balance", "stale"),
    ("offline_deposit", "store"),
    ("offline_transfer", "store"),
    ("offline_withdrawal", "limited"),
];

/// What a customer gets.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Gets {
    /// What they came for, by the host's word.
    Now,
    /// What they came for, by the terminal's: the balance of an earlier date, cash under the lease, or the promise that it
    /// is seen to.
    Later,
    /// Nothing, and are told so.
    Nothing,
    /// The word that it is being checked.
    Checked,
}

/// The machine and its world.
pub struct Site {
    folder: PathBuf,
    /// The world.
    pub world: World<BankHost>,
}

impl Site {
    /// A machine in `folder` that has served Dana while the host was there, under this policy.
    #[must_use]
    pub fn new(folder: &Path, policy: &[(&str, &str)]) -> Self {
        let mut host = BankHost::new(folder, bench::noon());
        let station = bench::machine(&mut host, MachineId::parse("ATM901").expect("it is a name"));
        if !policy.is_empty() {
            host.set_policy(policy);
        }
        let mut site = Self { folder: folder.to_owned(), world: World::new(station, host, bench::noon()) };
        site.world.pass(10);
        site.serve(&DANA, Wish::Balance(SAVINGS.0));
        site
    }

    /// Somebody comes with a wish and goes.
    pub fn serve(&mut self, holder: &Holder, wish: Wish) -> Gets {
        let from = self.world.station.shown.len();
        self.world.enter(Person::new(bench::plan(holder, wish)));
        self.stay();
        got(&self.world.station.shown[from..])
    }

    /// Until the person has gone, or it is in vain.
    pub fn stay(&mut self) {
        let until = self.world.now().plus_s(200);
        while self.world.is_visited() && self.world.step(until) {}
        self.world.leave();
        self.world.pass(5);
    }

    /// The line goes down, and the terminal notices.
    pub fn cut(&mut self) {
        self.world.network = Network::Cut;
        self.world.pass(10);
    }

    /// The line is up, and everything is given time to be told.
    pub fn mend(&mut self) {
        self.world.weather = None;
        self.world.network = Network::Up;
        self.world.pass(90);
    }

    /// What follows from the machine's journal.
    ///
    /// # Panics
    /// If it is not what was written.
    #[must_use]
    pub fn book(&self) -> Book {
        let entries = self.world.station.journal.entries().expect("it is as it was written");
        Book::read(&entries).expect("it does not contradict itself")
    }

    /// What the bank's records say.
    #[must_use]
    pub fn books(&self) -> Books {
        Books::read(&self.folder)
    }

    /// Checks that the ledger is what the notes are, that nothing waits, and that nobody has to look.
    ///
    /// # Panics
    /// If that is not so.
    pub fn audit(&self) -> Books {
        let (books, book, hardware) = (self.books(), self.book(), &self.world.station.hardware);
        assert_eq!((book.waiting(), book.open()), (0, None));
        assert!(hardware.census().is_conserved(), "notes were made or lost");
        let cash = FILLING + brought(hardware) - walked_away_with(hardware);
        let station = self.world.station.id;
        assert_eq!((books.cash(station), books.in_flight(station), &books.cases), (cash, 0, &vec![]));
        let screen = self.world.station.screen();
        assert!(matches!(screen, Some(Screen::Welcome { .. })), "{screen:?}");
        books
    }
}

/// What a customer got, by what they were shown.
///
/// # Panics
/// If that is neither: a part of it was charged, or the card is kept.
#[must_use]
pub fn got(shown: &[Screen]) -> Gets {
    let mut gets = Gets::Nothing;
    for screen in shown {
        if let Screen::Balance { freshness, .. } = screen {
            gets = match freshness {
                Freshness::Current => Gets::Now,
                Freshness::Stale => Gets::Later,
            };
        }
        if let Screen::Done(done) = screen {
            let settled = match done {
                Finished::Withdrawal { transaction: Some(_), .. } => Settled::Now,
                Finished::Withdrawal { transaction: None, .. } => Settled::Later,
                Finished::Deposit { settled, .. } | Finished::Transfer { settled, .. } => *settled,
                Finished::PinChanged | Finished::Goodbye => continue,
            };
            gets = match settled {
                Settled::Now => Gets::Now,
                Settled::Later => Gets::Later,
            };
        }
        if let Screen::Sorry(sorry) = screen {
            gets = match sorry {
                Sorry::Checking { .. } => Gets::Checked,
                Sorry::NotCharged { .. } | Sorry::CardRefused { .. } => Gets::Nothing,
                Sorry::PartlyCharged { .. } | Sorry::CardKept { .. } => panic!("{sorry:?}"),
            };
        }
    }
    gets
}
