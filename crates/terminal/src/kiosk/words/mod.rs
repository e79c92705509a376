//! What the screens say, in every language.
//!
//! Each language is one value of [`Words`]: one that lacks a message does not compile, and a message with figures takes
//! them as arguments, so that none can be forgotten or put in twice, and each language has its own plurals. No message
//! names a part of the machine or of the network; each says what happened, whether the account was charged, and what to
//! do next.

mod arabic;
mod english;
mod german;
mod spanish;

use cashpoint_core::outcome::Refusal;
use cashpoint_core::terminal::language::Language;

/// A message with one figure or name in it, as it is written in the language.
pub(super) type With = fn(&str) -> String;

/// The messages of one language.
pub(super) struct Words {
    pub(super) frame: Frame,
    pub(super) services: Services,
    pub(super) welcome: Welcome,
    pub(super) pin: Pin,
    pub(super) menu: Menu,
    pub(super) account: Account,
    pub(super) amount: AmountWords,
    pub(super) transfer: Transfer,
    pub(super) receipt: Choose,
    pub(super) deposit: Deposit,
    pub(super) wait: Wait,
    pub(super) balance: Balance,
    pub(super) statement: Statement,
    pub(super) take: Take,
    pub(super) done: Done,
    pub(super) sorry: Sorry,
    pub(super) why: Why,
    pub(super) more_time: Choose,
    pub(super) closed: Closed,
}

/// A question with two answers.
pub(super) struct Choose {
    pub(super) title: &'static str,
    pub(super) text: &'static str,
    pub(super) yes: &'static str,
    pub(super) no: &'static str,
}

/// What stands around every screen.
pub(super) struct Frame {
    /// Which machine it is.
    pub(super) machine: With,
    pub(super) tools: &'static str,
    pub(super) choices: &'static str,
    pub(super) figures: &'static str,
    pub(super) speech: &'static str,
    pub(super) speech_is_on: &'static str,
    pub(super) speech_is_off: &'static str,
    /// The browser has no voice for the language.
    pub(super) no_voice: &'static str,
    pub(super) dark: &'static str,
    pub(super) light: &'static str,
    pub(super) dark_hint: &'static str,
    pub(super) cut_title: &'static str,
    pub(super) cut_text: &'static str,
    pub(super) stale: &'static str,
    pub(super) back: &'static str,
    pub(super) cancel: &'static str,
    pub(super) clear: &'static str,
    pub(super) enter: &'static str,
    /// Spoken: the key of a line, and the line.
    pub(super) press: fn(&str, &str) -> String,
    /// Spoken: what *cancel* does.
    pub(super) press_cancel: &'static str,
    pub(super) reference: With,
}

/// Names of services, as in "not available today: …".
pub(super) struct Services {
    pub(super) withdrawal: &'static str,
    pub(super) deposit: &'static str,
    pub(super) transfer: &'static str,
    pub(super) balance: &'static str,
    pub(super) statement: &'static str,
    pub(super) pin_change: &'static str,
    pub(super) receipt: &'static str,
}

/// Before anybody has chosen a language.
pub(super) struct Welcome {
    pub(super) title: &'static str,
    pub(super) unavailable: With,
    pub(super) language: &'static str,
}

/// Asking for PINs.
pub(super) struct Pin {
    pub(super) begin: &'static str,
    pub(super) current: &'static str,
    pub(super) new: &'static str,
    pub(super) repeat: &'static str,
    pub(super) hint: &'static str,
    pub(super) digits: fn(u8) -> String,
    pub(super) wrong: &'static str,
    pub(super) too_short: &'static str,
    pub(super) different: &'static str,
}

/// The menu.
pub(super) struct Menu {
    pub(super) title: &'static str,
    pub(super) hello: With,
    pub(super) unavailable: With,
    pub(super) fast_cash: &'static str,
    pub(super) withdrawal: &'static str,
    pub(super) deposit: &'static str,
    pub(super) transfer: &'static str,
    pub(super) balance: &'static str,
    pub(super) statement: &'static str,
    pub(super) pin_change: &'static str,
    /// Amount, account, date, and why not.
    pub(super) transfer_refused: fn([&str; 4]) -> String,
}

/// Choosing an account.
pub(super) struct Account {
    pub(super) withdrawal: &'static str,
    pub(super) deposit: &'static str,
    pub(super) transfer_from: &'static str,
    pub(super) transfer_to: &'static str,
    pub(super) balance: &'static str,
    pub(super) statement: &'static str,
    pub(super) checking: &'static str,
    pub(super) savings: &'static str,
    pub(super) other: &'static str,
}

/// Choosing an amount.
pub(super) struct AmountWords {
    pub(super) fast_cash: &'static str,
    pub(super) typed: &'static str,
    pub(super) transfer: &'static str,
    pub(super) label: &'static str,
    pub(super) hint: &'static str,
    pub(super) other: &'static str,
    pub(super) not_dispensable: &'static str,
    pub(super) nearest: &'static str,
    pub(super) over_offline_limit: With,
    pub(super) nothing_now: &'static str,
}

/// Sending money.
pub(super) struct Transfer {
    pub(super) target: &'static str,
    pub(super) label: &'static str,
    pub(super) hint: &'static str,
    pub(super) not_an_account: &'static str,
    pub(super) confirm: &'static str,
    pub(super) from: &'static str,
    pub(super) to: &'static str,
    pub(super) now: &'static str,
    pub(super) later: &'static str,
    pub(super) yes: &'static str,
    pub(super) no: &'static str,
}

/// Notes in.
pub(super) struct Deposit {
    pub(super) insert: &'static str,
    pub(super) hint: &'static str,
    pub(super) so_far: &'static str,
    pub(super) ready: &'static str,
    pub(super) refused: fn(u32) -> String,
    pub(super) counted: &'static str,
    pub(super) notes: &'static str,
    pub(super) total: &'static str,
    pub(super) now: &'static str,
    pub(super) later: &'static str,
    pub(super) store: &'static str,
    pub(super) more: &'static str,
    pub(super) give_back: &'static str,
}

/// Waiting.
pub(super) struct Wait {
    pub(super) text: &'static str,
    pub(super) reading_card: &'static str,
    pub(super) asking_bank: &'static str,
    pub(super) counting_out: &'static str,
    pub(super) counting_in: &'static str,
    pub(super) printing: &'static str,
    pub(super) starting: &'static str,
}

/// A balance.
pub(super) struct Balance {
    pub(super) title: &'static str,
    pub(super) as_of: With,
    pub(super) stale: With,
    pub(super) again: &'static str,
    pub(super) leave: &'static str,
}

/// The last entries.
pub(super) struct Statement {
    pub(super) title: &'static str,
    pub(super) none: &'static str,
    pub(super) date: &'static str,
    pub(super) entry: &'static str,
    pub(super) amount: &'static str,
    pub(super) balance: &'static str,
    pub(super) deposit: &'static str,
    pub(super) withdrawal: &'static str,
    pub(super) transfer_in: &'static str,
    pub(super) transfer_out: &'static str,
    pub(super) overdraft_fee: &'static str,
    pub(super) reversal: &'static str,
    pub(super) other: &'static str,
}

/// Taking things from the machine.
pub(super) struct Take {
    pub(super) card: &'static str,
    pub(super) then_cash: &'static str,
    pub(super) goodbye: &'static str,
    pub(super) cash: &'static str,
    pub(super) cash_hint: &'static str,
    pub(super) notes: &'static str,
    pub(super) notes_hint: &'static str,
}

/// Good news.
pub(super) struct Done {
    pub(super) withdrawal: &'static str,
    pub(super) charged: With,
    pub(super) fee: With,
    pub(super) balance: With,
    pub(super) deposit: &'static str,
    pub(super) deposited_now: With,
    pub(super) deposited_later: With,
    pub(super) transfer: &'static str,
    pub(super) transfer_later: &'static str,
    pub(super) transferred_now: With,
    pub(super) transferred_later: With,
    pub(super) pin_changed: &'static str,
    pub(super) pin_changed_text: &'static str,
    pub(super) goodbye: &'static str,
    pub(super) goodbye_text: &'static str,
    pub(super) go_on: &'static str,
}

/// Bad news.
pub(super) struct Sorry {
    pub(super) not_charged: &'static str,
    pub(super) partly_charged: With,
    pub(super) partly_text: &'static str,
    pub(super) checking: &'static str,
    pub(super) checking_text: &'static str,
    pub(super) note_it: &'static str,
    pub(super) card_kept: &'static str,
    pub(super) card_kept_text: &'static str,
    pub(super) card_refused: &'static str,
    pub(super) card_refused_text: &'static str,
}

/// Why, and what to do next.
pub(super) struct Why {
    pub(super) machine: &'static str,
    pub(super) bank: &'static str,
    pub(super) card_unreadable: &'static str,
    pub(super) too_long: &'static str,
    pub(super) cancelled: &'static str,
    pub(super) card_reported: &'static str,
    pub(super) card_not_taken: &'static str,
    pub(super) too_many_pins: &'static str,
    pub(super) not_covered: With,
    pub(super) funds: &'static str,
    pub(super) over_limit: With,
    pub(super) over_daily_limit: With,
    pub(super) over_deposit_limit: With,
    pub(super) machine_cash: &'static str,
    pub(super) card_expired: &'static str,
    pub(super) account: &'static str,
    pub(super) same_account: &'static str,
    pub(super) currency: &'static str,
    pub(super) amount: &'static str,
    pub(super) session: &'static str,
    pub(super) too_often: &'static str,
    pub(super) other: &'static str,
}

/// Nobody is served.
pub(super) struct Closed {
    pub(super) title: &'static str,
    pub(super) text: &'static str,
    pub(super) card_kept: &'static str,
}

impl Words {
    /// Those of a language.
    pub(super) const fn of(language: Language) -> &'static Self {
        match language {
            Language::English => &english::WORDS,
            Language::German => &german::WORDS,
            Language::Spanish => &spanish::WORDS,
            Language::Arabic => &arabic::WORDS,
        }
    }

    /// Why something was refused. What a customer cannot act on is not told apart.
    pub(super) fn refusal(&self, refusal: &Refusal, language: Language) -> String {
        let why = &self.why;
        match refusal {
            Refusal::InsufficientFunds { available } => (why.not_covered)(&language.amount(*available)),
            Refusal::OverTransactionLimit { limit } => (why.over_limit)(&language.amount(*limit)),
            Refusal::DailyLimitExceeded { remaining } => (why.over_daily_limit)(&language.amount(*remaining)),
            Refusal::OverDepositLimit { limit } => (why.over_deposit_limit)(&language.amount(*limit)),
            Refusal::AtmOutOfCash | Refusal::AmountNotDispensable { .. } => why.machine_cash.to_owned(),
            Refusal::CardExpired => why.card_expired.to_owned(),
            Refusal::CardStolen | Refusal::CardLost => why.card_reported.to_owned(),
            Refusal::CardBlocked { .. } => why.too_many_pins.to_owned(),
            Refusal::AccountNotFound | Refusal::AccountClosed => why.account.to_owned(),
            Refusal::SameAccount => why.same_account.to_owned(),
            Refusal::CurrencyMismatch => why.currency.to_owned(),
            Refusal::InvalidAmount => why.amount.to_owned(),
            Refusal::SessionExpired => why.session.to_owned(),
            Refusal::TooManyRequests { .. } => why.too_often.to_owned(),
            Refusal::AtmInactive | Refusal::AtmMismatch | Refusal::AtmNotFound | Refusal::TerminalOnly => {
                why.machine.to_owned()
            }
            Refusal::WrongCredentials
            | Refusal::Forbidden
            | Refusal::ChannelRequired
            | Refusal::TransactionNotFound
            | Refusal::NotFound
            | Refusal::InvalidRequest { .. }
            | Refusal::EmailTaken
            | Refusal::AtmIdTaken
            | Refusal::CardNumberTaken
            | Refusal::AccountNotEmpty
            | Refusal::IdempotencyKeyReused
            | Refusal::ReplenishmentOpen
            | Refusal::Reversed
            | Refusal::Moved
            | Refusal::NumberTaken => why.other.to_owned(),
        }
    }

    /// The same of a stored transfer, of which the host told no more than a code.
    pub(super) fn refusal_code(&self, code: &str) -> &'static str {
        let why = &self.why;
        match code {
            "insufficient_funds" => why.funds,
            "account_not_found" | "account_closed" => why.account,
            "same_account" => why.same_account,
            "currency_mismatch" => why.currency,
            "invalid_amount" => why.amount,
            "card_expired" => why.card_expired,
            "card_stolen" | "card_lost" => why.card_reported,
            _ => why.other,
        }
    }

    /// An entry's kind, as the interface names it.
    pub(super) fn entry(&self, kind: &str) -> &'static str {
        let words = &self.statement;
        match kind {
            "deposit" => words.deposit,
            "withdrawal" => words.withdrawal,
            "transfer_in" => words.transfer_in,
            "transfer_out" => words.transfer_out,
            "overdraft_fee" => words.overdraft_fee,
            "reversal" => words.reversal,
            _ => words.other,
        }
    }
}
