//! Screens that tell something: notes counted, balances, what is to be taken, and how it ended.

use cashpoint_core::id::AccountNumber;
use cashpoint_core::mix::Notes;
use cashpoint_core::money::Amount;
use cashpoint_core::terminal::language::Language;
use cashpoint_core::terminal::link::{OperationId, StatementLine};
use cashpoint_core::terminal::screen::{AfterCard, Finished, Freshness, Settled, Sorry, Waiting, Why};
use cashpoint_core::time::Timestamp;

use super::super::words::Words;
use super::{Face, Part, Picture, Speaker, Tone};

/// Digits of a reference that stand together.
const GROUP: usize = 4;

/// What became of the last card before a machine went out of service.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum LastCard {
    /// It is in the machine.
    Kept,
    /// It is not.
    Gone,
}

impl Speaker<'_> {
    pub(super) fn insert_notes(&self, counted: &Notes, amount: Amount, refused: u32) -> Face {
        let words = &self.words.deposit;
        let mut face = Face::new(Picture::NotesIn, words.insert).tone(Tone::Act).say(words.hint);
        if !counted.is_empty() {
            face = face.part(Part::Facts(vec![(words.so_far.to_owned(), self.language.amount(amount))]));
        }
        face.parts(self.refused_notes(refused))
    }

    pub(super) fn counted(&self, notes: &Notes, amount: Amount) -> Face {
        let words = &self.words.deposit;
        let note = |(denomination, count): &(i64, u32)| {
            let value = self.language.amount(Amount::new(*denomination, amount.currency()));
            (
                words.notes.to_owned(),
                self.language.figure(&format!("{count} × {}", value.replace(['\u{2066}', '\u{2069}'], ""))),
            )
        };
        let mut facts: Vec<_> = notes.iter().map(note).collect();
        facts.push((words.total.to_owned(), self.language.amount(amount)));
        Face::new(Picture::None, words.counted).part(Part::Facts(facts))
    }

    pub(super) fn credited(&self, settled: Settled) -> Part {
        let words = &self.words.deposit;
        Part::Say(
            match settled {
                Settled::Now => words.now,
                Settled::Later => words.later,
            }
            .to_owned(),
        )
    }

    pub(super) fn refused_notes(&self, refused: u32) -> Option<Part> {
        (refused > 0).then(|| Part::Trouble((self.words.deposit.refused)(refused)))
    }

    pub(super) fn wait(&self, waiting: Waiting) -> Face {
        let words = &self.words.wait;
        let title = match waiting {
            Waiting::ReadingCard => words.reading_card,
            Waiting::AskingBank => words.asking_bank,
            Waiting::CountingOut => words.counting_out,
            Waiting::CountingIn => words.counting_in,
            Waiting::Printing => words.printing,
            Waiting::Starting => words.starting,
        };
        Face::new(Picture::Wait, title).say(words.text)
    }

    pub(super) fn balance(&self, account: AccountNumber, balance: Amount) -> Face {
        let facts = vec![(self.language.account(account), self.language.amount(balance))];
        Face::new(Picture::None, self.words.balance.title).part(Part::Facts(facts))
    }

    pub(super) fn as_of(&self, at: Timestamp, freshness: Freshness) -> Part {
        let at = self.moment(at);
        match freshness {
            Freshness::Current => Part::Say((self.words.balance.as_of)(&at)),
            Freshness::Stale => Part::Trouble((self.words.balance.stale)(&at)),
        }
    }

    pub(super) fn statement(&self, account: AccountNumber, lines: &[StatementLine]) -> Face {
        let words = &self.words.statement;
        let face = Face::new(Picture::None, words.title).say(self.language.account(account));
        if lines.is_empty() {
            return face.say(words.none);
        }
        let row = |line: &StatementLine| {
            [
                self.moment(line.at),
                self.words.entry(&line.kind).to_owned(),
                self.language.amount(line.amount),
                self.language.amount(line.balance),
            ]
        };
        let head = [words.date, words.entry, words.amount, words.balance].map(str::to_owned);
        face.part(Part::Table { head, rows: lines.iter().map(row).collect() })
    }

    pub(super) fn take_card(&self, then: AfterCard) -> Face {
        let words = &self.words.take;
        let then = match then {
            AfterCard::Cash => words.then_cash,
            AfterCard::Goodbye => words.goodbye,
        };
        Face::new(Picture::TakeCard, words.card).tone(Tone::Act).say(then)
    }

    pub(super) fn take_cash(&self, amount: Amount) -> Face {
        let words = &self.words.take;
        let face = Face::new(Picture::Cash, words.cash).tone(Tone::Act);
        face.part(Part::Facts(vec![(self.words.amount.label.to_owned(), self.language.amount(amount))]))
            .say(words.cash_hint)
    }

    pub(super) fn take_notes(&self) -> Face {
        let words = &self.words.take;
        Face::new(Picture::Cash, words.notes).tone(Tone::Act).say(words.notes_hint)
    }

    pub(super) fn done(&self, finished: &Finished) -> Face {
        let words = &self.words.done;
        let amount_in = |said: fn(&str) -> String, amount: &Amount| said(&self.language.amount(*amount));
        let good = |title: &str| Face::new(Picture::Done, title).tone(Tone::Good);
        match finished {
            Finished::Withdrawal { amount, fee, balance, transaction: _, reference } => {
                let fee = Some(fee).filter(|fee| fee.minor() != 0).map(|fee| amount_in(words.fee, fee));
                let balance = balance.as_ref().map(|balance| amount_in(words.balance, balance));
                good(words.withdrawal)
                    .say(amount_in(words.charged, amount))
                    .parts(fee.into_iter().chain(balance).map(Part::Say))
                    .part(self.reference(*reference))
            }
            Finished::Deposit { amount, settled, reference } => {
                let said = match settled {
                    Settled::Now => words.deposited_now,
                    Settled::Later => words.deposited_later,
                };
                good(words.deposit).say(amount_in(said, amount)).part(self.reference(*reference))
            }
            Finished::Transfer { amount, settled, balance, reference } => {
                let (title, said) = match settled {
                    Settled::Now => (words.transfer, words.transferred_now),
                    Settled::Later => (words.transfer_later, words.transferred_later),
                };
                let balance = balance.as_ref().map(|balance| Part::Say(amount_in(words.balance, balance)));
                good(title).say(amount_in(said, amount)).parts(balance).part(self.reference(*reference))
            }
            Finished::PinChanged => good(words.pin_changed).say(words.pin_changed_text),
            Finished::Goodbye => good(words.goodbye).say(words.goodbye_text),
        }
    }

    pub(super) fn sorry(&self, sorry: &Sorry) -> Face {
        let words = &self.words.sorry;
        let bad = |title: &str| Face::new(Picture::Alert, title).tone(Tone::Bad);
        match sorry {
            Sorry::NotCharged { why, reference } => {
                bad(words.not_charged).say(self.why(why)).parts(reference.map(|reference| self.reference(reference)))
            }
            Sorry::PartlyCharged { charged, reference } => {
                bad(&(words.partly_charged)(&self.language.amount(*charged)))
                    .say(words.partly_text)
                    .part(self.reference(*reference))
            }
            Sorry::Checking { reference } => {
                bad(words.checking).say(words.checking_text).part(self.reference(*reference)).say(words.note_it)
            }
            Sorry::CardKept { why, reference } => {
                bad(words.card_kept).say(self.why(why)).say(words.card_kept_text).part(self.reference(*reference))
            }
            Sorry::CardRefused { why } => bad(words.card_refused).say(self.why(why)).say(words.card_refused_text),
        }
    }

    fn why(&self, why: &Why) -> String {
        let words = &self.words.why;
        match why {
            Why::Machine => words.machine,
            Why::Bank => words.bank,
            Why::Refused(refusal) => return self.words.refusal(refusal, self.language),
            Why::CardUnreadable => words.card_unreadable,
            Why::TooLong => words.too_long,
            Why::Cancelled => words.cancelled,
            Why::CardReported => words.card_reported,
            Why::CardNotTaken => words.card_not_taken,
            Why::TooManyPins => words.too_many_pins,
        }
        .to_owned()
    }

    /// As on the receipt, in groups that can be read out and noted.
    fn reference(&self, reference: OperationId) -> Part {
        let digits = reference.to_string();
        let groups: Vec<_> = digits.as_bytes().chunks(GROUP).map(String::from_utf8_lossy).collect();
        Part::Reference((self.words.frame.reference)(&self.language.figure(&groups.join(" "))))
    }

    /// In every language: whoever comes has not chosen one.
    pub(super) fn closed(&self, card: LastCard) -> Face {
        let said = |language| {
            let words = &Words::of(language).closed;
            let kept = (card == LastCard::Kept).then(|| words.card_kept.to_owned());
            (words.title.to_owned(), std::iter::once(words.text.to_owned()).chain(kept))
        };
        let (title, texts) = said(self.language);
        let others = Language::ALL.into_iter().filter(|language| *language != self.language).map(|language| {
            let (title, texts) = said(language);
            Part::Also(language, vec![title, texts.collect::<Vec<_>>().join(" ")])
        });
        Face::new(Picture::Closed, title).tone(Tone::Bad).parts(texts.map(Part::Say)).parts(others)
    }
}
