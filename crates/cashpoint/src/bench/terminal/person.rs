//! A person who takes cash: does at once what screen and devices ask for, and looks at the clock.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Result, bail};
use cashpoint_bank::clock::{Clock, SystemClock};
use cashpoint_core::terminal::language::Language;
use cashpoint_core::terminal::screen::{Choice, MenuItem, Screen};
use cashpoint_terminal::front::{NotTaken, Shown};
use zeroize::Zeroizing;

use super::place::Place;
use crate::bench::load::Client;

/// How long to wait before trying again what the devices do not let one do yet.
const AGAIN: Duration = Duration::from_millis(1);

/// One approved withdrawal, as the person saw it.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Visit {
    /// What was paid, minor units.
    pub(super) paid: i64,
    /// From the last key of the PIN to the notes.
    pub(super) machine: Duration,
    /// From the last key of the PIN to the menu.
    pub(super) log_in: Duration,
    /// From the choice of an amount to the card: the host's leave, and the notes counted out.
    pub(super) counting_out: Duration,
    /// From the card taken to the notes.
    pub(super) presenting: Duration,
}

/// What happened when.
#[derive(Default)]
struct Moments {
    pin: Option<Duration>,
    menu: Option<Duration>,
    amount: Option<Duration>,
    card_out: Option<Duration>,
    card_taken: Option<Duration>,
    cash: Option<Duration>,
}

/// Somebody in front of a machine.
pub(super) struct Person<'a> {
    place: &'a Place,
    hands: Client,
    moments: Moments,
    paid: i64,
}

impl<'a> Person<'a> {
    pub(super) fn at(place: &'a Place) -> Self {
        Self { place, hands: Client::new(place.control), moments: Moments::default(), paid: 0 }
    }

    /// A whole visit, until the machine waits for the next person.
    ///
    /// # Errors
    /// It went otherwise than a withdrawal that is approved goes.
    pub(super) async fn visit(mut self) -> Result<Visit> {
        let mut shown = self.place.front().shown();
        let track2 = Zeroizing::new(format!(r#"{{"action":"insert_card","track2":"{}"}}"#, *self.place.track2));
        self.act(&track2).await?;
        loop {
            let now = Arc::clone(&shown.borrow_and_update());
            if self.answer(&now).await? {
                return self.told();
            }
            shown.changed().await?;
        }
    }

    /// Does what a screen asks for; whether the visit is over.
    async fn answer(&mut self, shown: &Shown) -> Result<bool> {
        let choice = match &shown.screen {
            Screen::Welcome { .. } => return Ok(self.moments.cash.is_some()),
            Screen::Pin { digits: 0, .. } if self.moments.pin.is_none() => {
                self.moments.pin = Some(self.enter_pin().await?);
                return Ok(false);
            }
            Screen::TakeCard { .. } => {
                self.moments.card_out.get_or_insert(SystemClock.boot());
                if self.moments.card_taken.is_none() {
                    self.moments.card_taken = Some(self.act(r#"{"action":"take_card"}"#).await?);
                }
                return Ok(false);
            }
            Screen::TakeCash { amount } => {
                if self.moments.cash.is_none() {
                    self.moments.cash = Some(SystemClock.boot());
                    self.paid = amount.minor();
                    self.act(r#"{"action":"take_notes"}"#).await?;
                }
                return Ok(false);
            }
            Screen::Language => Choice::Language(Language::English),
            Screen::Menu { .. } => {
                self.moments.menu = Some(SystemClock.boot());
                Choice::Menu(MenuItem::FastCash)
            }
            Screen::Account { accounts, .. } if !accounts.is_empty() => Choice::Account(accounts[0].0),
            Screen::Amount { offered, trouble: None, .. } if !offered.is_empty() => {
                self.moments.amount = Some(SystemClock.boot());
                Choice::Amount(offered[0])
            }
            Screen::ReceiptChoice => Choice::No,
            Screen::MoreTime | Screen::Done(_) => Choice::Yes,
            Screen::Pin { .. } | Screen::Wait(_) => return Ok(false),
            Screen::Account { .. }
            | Screen::Amount { .. }
            | Screen::Target { .. }
            | Screen::Confirm(_)
            | Screen::InsertNotes { .. }
            | Screen::Counted { .. }
            | Screen::Balance { .. }
            | Screen::Statement { .. }
            | Screen::TakeNotesBack
            | Screen::Sorry(_)
            | Screen::OutOfService { .. } => bail!("the machine says {:?}", shown.screen),
        };
        match self.place.front().choose(shown.page, choice).await {
            // What is there instead is answered next.
            Ok(()) | Err(NotTaken::Stale) => Ok(false),
            Err(NotTaken::Gone) => bail!("the terminal has ended"),
        }
    }

    /// Types the PIN; when its last key was pressed. Not before the pad asks for it: what is typed earlier is for the
    /// screen before.
    async fn enter_pin(&mut self) -> Result<Duration> {
        while !self.place.state().await?["waiting"]
            .as_array()
            .is_some_and(|waiting| waiting.iter().any(|what| what == "pin"))
        {
            tokio::time::sleep(AGAIN).await;
        }
        let keys: Zeroizing<String> =
            Zeroizing::new(self.place.pin.expose().chars().map(|key| format!("\"{key}\",")).collect());
        self.act(&Zeroizing::new(format!(r#"{{"action":"press","keys":[{}"enter"]}}"#, *keys))).await
    }

    /// Does something at the devices as soon as they let one; when that was asked for.
    async fn act(&mut self, action: &str) -> Result<Duration> {
        let head = "POST /person HTTP/1.1\r\nhost: devices\r\ncontent-type: application/json\r\ncontent-length:";
        let request = Zeroizing::new(format!("{head} {}\r\n\r\n{action}", action.len()));
        let mut answer = Vec::new();
        loop {
            let began = SystemClock.boot();
            match self.hands.exchange(request.as_bytes(), &mut answer).await? {
                200 => return Ok(began),
                409 => tokio::time::sleep(AGAIN).await,
                status => bail!("the devices answer {status}"),
            }
        }
    }

    fn told(&self) -> Result<Visit> {
        let Moments { pin, menu, amount, card_out, card_taken, cash } = self.moments;
        let (Some(pin), Some(menu), Some(amount)) = (pin, menu, amount) else { bail!("a visit without a beginning") };
        let (Some(card_out), Some(card_taken), Some(cash)) = (card_out, card_taken, cash) else {
            bail!("a visit without cash");
        };
        Ok(Visit {
            paid: self.paid,
            machine: cash.saturating_sub(pin),
            log_in: menu.saturating_sub(pin),
            counting_out: card_out.saturating_sub(amount),
            presenting: cash.saturating_sub(card_taken),
        })
    }
}
