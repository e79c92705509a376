//! Screens that ask for something, and the one that waits for somebody to come.

use cashpoint_core::terminal::language::Language;
use cashpoint_core::terminal::link::Notice;
use cashpoint_core::terminal::screen::{
    AccountPurpose, AmountPurpose, AmountTrouble, Confirm, PinPurpose, PinTrouble, Screen, Services, Settled,
    TargetTrouble,
};

use super::super::words::{Choose, Words};
use super::telling::LastCard;
use super::{Face, Part, Picture, Speaker, Tone};

impl Speaker<'_> {
    /// What a screen shows besides its keys.
    pub(super) fn face(&self, screen: &Screen) -> Face {
        match screen {
            Screen::Welcome { services } => self.welcome(services),
            Screen::Language => self.ask_language(),
            Screen::Pin { purpose, digits, trouble } => self.pin(*purpose, *digits, *trouble),
            Screen::Menu { name, services, notices } => self.menu(name, services, notices),
            Screen::Account { purpose, .. } => Face::new(Picture::None, self.account_question(*purpose)),
            Screen::Amount { purpose, typed, trouble, .. } => {
                let typed = Part::Typed(self.words.amount.label.to_owned(), self.language.amount(*typed));
                self.amount(*purpose, typed, trouble.as_ref())
            }
            Screen::Target { typed, trouble } => self.target(typed, trouble.as_ref()),
            Screen::Confirm(confirm) => self.confirm(confirm),
            Screen::ReceiptChoice => choose(Picture::Receipt, &self.words.receipt),
            Screen::MoreTime => choose(Picture::Clock, &self.words.more_time).tone(Tone::Act),
            Screen::InsertNotes { counted, amount, refused } => self.insert_notes(counted, *amount, *refused),
            Screen::Counted { notes, amount, refused, settled } => {
                self.counted(notes, *amount).part(self.credited(*settled)).parts(self.refused_notes(*refused))
            }
            Screen::Wait(waiting) => self.wait(*waiting),
            Screen::Balance { account, balance, as_of, freshness } => {
                self.balance(*account, *balance).part(self.as_of(*as_of, *freshness))
            }
            Screen::Statement { account, lines } => self.statement(*account, lines),
            Screen::TakeCard { then } => self.take_card(*then),
            Screen::TakeCash { amount } => self.take_cash(*amount),
            Screen::TakeNotesBack => self.take_notes(),
            Screen::Done(finished) => self.done(finished),
            Screen::Sorry(sorry) => self.sorry(sorry),
            Screen::OutOfService { card_kept: true } => self.closed(LastCard::Kept),
            Screen::OutOfService { card_kept: false } => self.closed(LastCard::Gone),
        }
    }

    /// In every language, because nobody has chosen one yet.
    fn welcome(&self, services: &Services) -> Face {
        let said = |language| {
            let words = Words::of(language);
            let missing = Speaker { language, words, zone: self.zone }.missing(services);
            (words.welcome.title.to_owned(), missing.map(|list| (words.welcome.unavailable)(&list)))
        };
        let (title, missing) = said(self.language);
        let others = Language::ALL.into_iter().filter(|language| *language != self.language).map(|language| {
            let (title, missing) = said(language);
            Part::Also(language, std::iter::once(title).chain(missing).collect())
        });
        Face::new(Picture::InsertCard, title).parts(missing.map(Part::Note)).parts(others)
    }

    fn ask_language(&self) -> Face {
        let others = Language::ALL.into_iter().filter(|language| *language != self.language);
        let also = |language| Part::Also(language, vec![Words::of(language).welcome.language.to_owned()]);
        Face::new(Picture::None, self.words.welcome.language).parts(others.map(also))
    }

    fn pin(&self, purpose: PinPurpose, digits: u8, trouble: Option<PinTrouble>) -> Face {
        let words = &self.words.pin;
        let title = match purpose {
            PinPurpose::Begin => words.begin,
            PinPurpose::Current => words.current,
            PinPurpose::New => words.new,
            PinPurpose::Repeat => words.repeat,
        };
        let trouble = trouble.map(|trouble| match trouble {
            PinTrouble::Wrong => words.wrong,
            PinTrouble::TooShort => words.too_short,
            PinTrouble::Different => words.different,
        });
        Face::new(Picture::Pad, title)
            .parts(trouble.map(|trouble| Part::Trouble(trouble.to_owned())))
            .part(Part::Dots(digits, (words.digits)(digits)))
            .say(words.hint)
    }

    fn menu(&self, name: &str, services: &Services, notices: &[Notice]) -> Face {
        let words = &self.words.menu;
        let missing = self.missing(services).map(|list| Part::Note((words.unavailable)(&list)));
        let notices = notices.iter().map(|notice| Part::Trouble(self.notice(notice)));
        Face::new(Picture::None, words.title).say((words.hello)(name)).parts(notices).parts(missing)
    }

    fn notice(&self, notice: &Notice) -> String {
        match notice {
            Notice::TransferRefused { at, amount, target, code } => {
                let (amount, target) = (self.language.amount(*amount), self.language.account(*target));
                let why = self.words.refusal_code(code);
                (self.words.menu.transfer_refused)([&amount, &target, &self.moment(*at), why])
            }
        }
    }

    const fn account_question(&self, purpose: AccountPurpose) -> &'static str {
        let words = &self.words.account;
        match purpose {
            AccountPurpose::Withdrawal => words.withdrawal,
            AccountPurpose::Deposit => words.deposit,
            AccountPurpose::TransferFrom => words.transfer_from,
            AccountPurpose::TransferTo => words.transfer_to,
            AccountPurpose::Balance => words.balance,
            AccountPurpose::Statement => words.statement,
        }
    }

    fn amount(&self, purpose: AmountPurpose, typed: Part, trouble: Option<&AmountTrouble>) -> Face {
        let words = &self.words.amount;
        let trouble = trouble.map(|trouble| Part::Trouble(self.amount_trouble(trouble)));
        match purpose {
            AmountPurpose::FastCash => Face::new(Picture::None, words.fast_cash).parts(trouble),
            AmountPurpose::OtherAmount => {
                Face::new(Picture::None, words.typed).parts(trouble).part(typed).say(words.hint)
            }
            AmountPurpose::Transfer => {
                Face::new(Picture::None, words.transfer).parts(trouble).part(typed).say(words.hint)
            }
        }
    }

    fn amount_trouble(&self, trouble: &AmountTrouble) -> String {
        let words = &self.words.amount;
        match trouble {
            AmountTrouble::NotDispensable { nearest } if nearest.is_empty() => words.not_dispensable.to_owned(),
            AmountTrouble::NotDispensable { .. } => format!("{} {}", words.not_dispensable, words.nearest),
            AmountTrouble::Refused(refusal) => self.words.refusal(refusal, self.language),
            AmountTrouble::OverOfflineLimit { limit } if limit.minor() == 0 => words.nothing_now.to_owned(),
            AmountTrouble::OverOfflineLimit { limit } => (words.over_offline_limit)(&self.language.amount(*limit)),
        }
    }

    fn target(&self, typed: &str, trouble: Option<&TargetTrouble>) -> Face {
        let words = &self.words.transfer;
        let trouble = trouble.map(|trouble| match trouble {
            TargetTrouble::NotAnAccount => words.not_an_account.to_owned(),
            TargetTrouble::Refused(refusal) => self.words.refusal(refusal, self.language),
        });
        Face::new(Picture::None, words.target)
            .parts(trouble.map(Part::Trouble))
            .part(Part::Typed(words.label.to_owned(), self.language.figure(typed)))
            .say(words.hint)
    }

    fn confirm(&self, confirm: &Confirm) -> Face {
        let words = &self.words.transfer;
        match confirm {
            Confirm::Transfer { source, target, amount, settled } => {
                let facts = [
                    (words.from, self.language.account(*source)),
                    // Only the whole number tells whether it is the right one.
                    (words.to, self.language.figure(&target.to_string())),
                    (self.words.amount.label, self.language.amount(*amount)),
                ];
                let when = match settled {
                    Settled::Now => words.now,
                    Settled::Later => words.later,
                };
                let facts = facts.map(|(name, value)| (name.to_owned(), value)).to_vec();
                Face::new(Picture::None, words.confirm).part(Part::Facts(facts)).say(when)
            }
        }
    }
}

fn choose(picture: Picture, words: &Choose) -> Face {
    Face::new(picture, words.title).say(words.text)
}
