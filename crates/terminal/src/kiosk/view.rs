//! A screen as words, figures and keys, in a language: everything that its page, its speech and its tests need, and no
//! mark-up.

mod asking;
mod telling;

use cashpoint_core::account::Product;
use cashpoint_core::id::AccountNumber;
use cashpoint_core::terminal::keys::{Figures, Keys, Offer, keys};
use cashpoint_core::terminal::language::Language;
use cashpoint_core::terminal::screen::{Choice, Confirm, MenuItem, Screen, Services};
use cashpoint_core::time::Timestamp;
use jiff::tz::TimeZone;

use super::words::Words;
use crate::clock::ahead_s;
use crate::front::Shown;

/// A screen, ready to be drawn or spoken.
pub(super) struct View {
    pub(super) page: u64,
    pub(super) language: Language,
    pub(super) face: Face,
    /// What the lines of [`Self::keys`] are called.
    pub(super) labels: Vec<Label>,
    pub(super) keys: Keys,
    /// Whether nobody is being served: what a person set for themselves ends here.
    pub(super) visit: Visit,
}

/// Whether somebody is at the machine.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Visit {
    Someone,
    Nobody,
}

/// What a screen shows besides its keys.
pub(super) struct Face {
    pub(super) heading: String,
    pub(super) tone: Tone,
    pub(super) picture: Picture,
    pub(super) parts: Vec<Part>,
}

impl Face {
    fn new(picture: Picture, heading: impl Into<String>) -> Self {
        Self { heading: heading.into(), tone: Tone::Plain, picture, parts: Vec::new() }
    }

    fn tone(self, tone: Tone) -> Self {
        Self { tone, ..self }
    }

    fn part(mut self, part: Part) -> Self {
        self.parts.push(part);
        self
    }

    fn say(self, text: impl Into<String>) -> Self {
        self.part(Part::Say(text.into()))
    }

    fn parts(mut self, parts: impl IntoIterator<Item = Part>) -> Self {
        self.parts.extend(parts);
        self
    }
}

/// How a screen feels, and which sound comes with it in speech mode.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Tone {
    Plain,
    /// Something is to be taken.
    Act,
    Good,
    Bad,
}

/// A picture beside the heading.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Picture {
    None,
    InsertCard,
    TakeCard,
    Pad,
    Cash,
    NotesIn,
    Receipt,
    Clock,
    Wait,
    Done,
    Alert,
    Closed,
}

/// A part of what is shown, from the top down.
pub(super) enum Part {
    /// A sentence or two.
    Say(String),
    /// What went wrong, on a screen that asks again.
    Trouble(String),
    /// Beside the point, but good to know.
    Note(String),
    /// Names and values.
    Facts(Vec<(String, String)>),
    /// So many PIN digits are in, and how that is said.
    Dots(u8, String),
    /// What is being typed: its name and the figure so far.
    Typed(String, String),
    /// A reference to note.
    Reference(String),
    /// Rows under headings.
    Table { head: [String; 4], rows: Vec<[String; 4]> },
    /// The same in another language.
    Also(Language, Vec<String>),
}

/// What a line is called.
pub(super) struct Label {
    pub(super) text: String,
    /// In which language, if not in the screen's.
    pub(super) language: Option<Language>,
}

impl View {
    /// What is on the screen, with times as they are in `zone`.
    pub(super) fn of(shown: &Shown, zone: &TimeZone) -> Self {
        let speaker = Speaker { language: shown.language, words: Words::of(shown.language), zone };
        let keys = keys(&shown.screen);
        let labels = keys.lines.iter().map(|line| speaker.label(&shown.screen, &line.choice)).collect();
        let face = speaker.face(&shown.screen);
        let visit = match shown.screen {
            Screen::Welcome { .. } | Screen::OutOfService { .. } => Visit::Nobody,
            Screen::Language
            | Screen::Pin { .. }
            | Screen::Menu { .. }
            | Screen::Account { .. }
            | Screen::Amount { .. }
            | Screen::Target { .. }
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
            | Screen::MoreTime => Visit::Someone,
        };
        Self { page: shown.page, language: shown.language, face, labels, keys, visit }
    }

    pub(super) const fn words(&self) -> &'static Words {
        Words::of(self.language)
    }

    /// The key of a line, counted from 0: a number, or where numbers are typed a function key.
    pub(super) fn key(&self, line: usize) -> String {
        match self.keys.figures {
            Figures::Typed => format!("F{}", line + 1),
            Figures::None | Figures::Secret => (line + 1).to_string(),
        }
    }

    /// The screen read out: what it says, then its choices by number.
    pub(super) fn speech(&self) -> String {
        let frame = &self.words().frame;
        let mut said = vec![sentence(&self.face.heading)];
        for part in &self.face.parts {
            match part {
                Part::Say(text) | Part::Trouble(text) | Part::Note(text) | Part::Reference(text) => {
                    said.push(sentence(text));
                }
                Part::Facts(facts) => said.extend(facts.iter().map(|(name, value)| format!("{name}: {value}."))),
                Part::Dots(_, text) => said.push(sentence(text)),
                Part::Typed(name, value) => said.push(format!("{name}: {value}.")),
                Part::Table { rows, .. } => said.extend(rows.iter().map(|row| format!("{}.", row.join(", ")))),
                Part::Also(..) => {}
            }
        }
        let lines = self.keys.lines.iter().zip(&self.labels).enumerate();
        let offered = lines.filter(|(_, (line, _))| line.offer == Offer::Now);
        said.extend(offered.map(|(at, (_, label))| (frame.press)(&self.key(at), &label.text)));
        if self.keys.cancel.is_some() {
            said.push(frame.press_cancel.to_owned());
        }
        said.join(" ")
    }

    /// What is said when a figure has grown: never digits that are secret.
    pub(super) fn echo(&self) -> String {
        let said = self.face.parts.iter().find_map(|part| match part {
            Part::Dots(_, text) => Some(text.clone()),
            Part::Typed(_, value) => Some(value.clone()),
            Part::Say(_)
            | Part::Trouble(_)
            | Part::Note(_)
            | Part::Facts(_)
            | Part::Reference(_)
            | Part::Table { .. }
            | Part::Also(..) => None,
        });
        said.unwrap_or_default()
    }
}

/// A text that a voice ends like a sentence.
fn sentence(text: &str) -> String {
    if text.ends_with(['.', '?', '!', '؟']) { text.to_owned() } else { format!("{text}.") }
}

/// Who puts a screen into words.
struct Speaker<'a> {
    language: Language,
    words: &'static Words,
    zone: &'a TimeZone,
}

impl Speaker<'_> {
    /// Date and time where the machine stands.
    fn moment(&self, at: Timestamp) -> String {
        self.language.moment(at.plus_s(i64::from(ahead_s(self.zone, at))))
    }

    fn account(&self, number: AccountNumber, product: Product) -> String {
        let name = match product {
            Product::Checking => self.words.account.checking,
            Product::Savings => self.words.account.savings,
        };
        format!("{name} {}", self.language.account(number))
    }

    /// What cannot be done, as a list; `None` if everything can.
    fn missing(&self, services: &Services) -> Option<String> {
        let names = &self.words.services;
        let all = [
            (services.withdrawal, names.withdrawal),
            (services.deposit, names.deposit),
            (services.transfer, names.transfer),
            (services.balance, names.balance),
            (services.statement, names.statement),
            (services.pin_change, names.pin_change),
            (services.receipt, names.receipt),
        ];
        let missing: Vec<_> = all.into_iter().filter(|(can, _)| !can).map(|(_, name)| name).collect();
        let comma = match self.language {
            Language::English | Language::German | Language::Spanish => ", ",
            Language::Arabic => "، ",
        };
        (!missing.is_empty()).then(|| missing.join(comma))
    }

    fn label(&self, screen: &Screen, line: &Choice) -> Label {
        let text = match line {
            Choice::Language(language) => {
                return Label { text: language.own_name().to_owned(), language: Some(*language) };
            }
            Choice::Menu(item) => self.item(*item).to_owned(),
            Choice::Account(number) => self.known_account(screen, *number),
            Choice::OtherAccount => self.words.account.other.to_owned(),
            Choice::Amount(amount) => self.language.amount(*amount),
            Choice::OtherAmount => self.words.amount.other.to_owned(),
            Choice::Yes => self.yes(screen).to_owned(),
            Choice::No => self.no(screen).to_owned(),
            Choice::More => self.words.deposit.more.to_owned(),
            Choice::Cancel => self.words.balance.leave.to_owned(),
            Choice::Key(_) => unreachable!("a line of a screen is a choice, not a key of the pad"),
        };
        Label { text, language: None }
    }

    const fn item(&self, item: MenuItem) -> &'static str {
        let menu = &self.words.menu;
        match item {
            MenuItem::FastCash => menu.fast_cash,
            MenuItem::Withdrawal => menu.withdrawal,
            MenuItem::Deposit => menu.deposit,
            MenuItem::Transfer => menu.transfer,
            MenuItem::Balance => menu.balance,
            MenuItem::Statement => menu.statement,
            MenuItem::PinChange => menu.pin_change,
        }
    }

    fn known_account(&self, screen: &Screen, number: AccountNumber) -> String {
        let product = match screen {
            Screen::Account { accounts, .. } => accounts.iter().find(|(account, _)| *account == number),
            Screen::Welcome { .. }
            | Screen::Language
            | Screen::Pin { .. }
            | Screen::Menu { .. }
            | Screen::Amount { .. }
            | Screen::Target { .. }
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
            | Screen::OutOfService { .. } => None,
        };
        product.map_or_else(|| self.language.account(number), |(_, product)| self.account(number, *product))
    }

    const fn yes(&self, screen: &Screen) -> &'static str {
        let words = self.words;
        match screen {
            Screen::Confirm(Confirm::Transfer { .. }) => words.transfer.yes,
            Screen::ReceiptChoice => words.receipt.yes,
            Screen::InsertNotes { .. } => words.deposit.ready,
            Screen::Counted { .. } => words.deposit.store,
            Screen::Balance { .. } | Screen::Statement { .. } => words.balance.again,
            Screen::MoreTime => words.more_time.yes,
            Screen::Welcome { .. }
            | Screen::Language
            | Screen::Pin { .. }
            | Screen::Menu { .. }
            | Screen::Account { .. }
            | Screen::Amount { .. }
            | Screen::Target { .. }
            | Screen::Wait(_)
            | Screen::TakeCard { .. }
            | Screen::TakeCash { .. }
            | Screen::TakeNotesBack
            | Screen::Done(_)
            | Screen::Sorry(_)
            | Screen::OutOfService { .. } => words.done.go_on,
        }
    }

    const fn no(&self, screen: &Screen) -> &'static str {
        let words = self.words;
        match screen {
            Screen::Confirm(Confirm::Transfer { .. }) => words.transfer.no,
            Screen::ReceiptChoice => words.receipt.no,
            Screen::Counted { .. } => words.deposit.give_back,
            Screen::MoreTime => words.more_time.no,
            Screen::Welcome { .. }
            | Screen::Language
            | Screen::Pin { .. }
            | Screen::Menu { .. }
            | Screen::Account { .. }
            | Screen::Amount { .. }
            | Screen::Target { .. }
            | Screen::InsertNotes { .. }
            | Screen::Balance { .. }
            | Screen::Statement { .. }
            | Screen::Wait(_)
            | Screen::TakeCard { .. }
            | Screen::TakeCash { .. }
            | Screen::TakeNotesBack
            | Screen::Done(_)
            | Screen::Sorry(_)
            | Screen::OutOfService { .. } => words.frame.back,
        }
    }
}
