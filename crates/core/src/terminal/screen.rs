//! What a person at the machine is shown and may choose, as data. Words, languages and looks are the page's matter.

use crate::account::Product;
use crate::id::{AccountNumber, TransferId};
use crate::mix::Notes;
use crate::money::Amount;
use crate::outcome::Refusal;
use crate::time::Timestamp;

use super::device::Key;
use super::language::Language;
use super::link::{Notice, OperationId, StatementLine};

/// What is on the screen.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Screen {
    /// Nobody is there. Says before the PIN what the machine cannot do today.
    Welcome {
        /// What it can do now.
        services: Services,
    },
    /// Which language?
    Language,
    /// Enter the PIN: so many digits are in.
    Pin {
        /// For what.
        purpose: PinPurpose,
        /// Digits so far.
        digits: u8,
        /// What went wrong before, if something did.
        trouble: Option<PinTrouble>,
    },
    /// What is it to be?
    Menu {
        /// The holder's name.
        name: String,
        /// What the machine can do now.
        services: Services,
        /// What there is to tell.
        notices: Vec<Notice>,
    },
    /// From or to which account?
    Account {
        /// For what.
        purpose: AccountPurpose,
        /// The accounts to choose from.
        accounts: Vec<(AccountNumber, Product)>,
    },
    /// How much? Only what can be paid is offered.
    Amount {
        /// For what.
        purpose: AmountPurpose,
        /// Amounts at a key press.
        offered: Vec<Amount>,
        /// The figure typed so far.
        typed: Amount,
        /// What was wrong with the last one.
        trouble: Option<AmountTrouble>,
    },
    /// To which account, by number?
    Target {
        /// Digits typed so far.
        typed: String,
        /// What was wrong with the last one.
        trouble: Option<TargetTrouble>,
    },
    /// Is this right? (transfers, stored ones say so; stored deposits too)
    Confirm(Confirm),
    /// A receipt?
    ReceiptChoice,
    /// Insert notes.
    InsertNotes {
        /// Counted so far.
        counted: Notes,
        /// Their sum.
        amount: Amount,
        /// Notes given back as not recognised.
        refused: u32,
    },
    /// Counted: store, more, or back?
    Counted {
        /// The notes.
        notes: Notes,
        /// Their sum.
        amount: Amount,
        /// Notes given back as not recognised.
        refused: u32,
        /// How it will be carried out.
        settled: Settled,
    },
    /// Something is being done.
    Wait(Waiting),
    /// A balance.
    Balance {
        /// The account.
        account: AccountNumber,
        /// How much.
        balance: Amount,
        /// As of when; a stale one says so.
        as_of: Timestamp,
        /// Whether it is of now.
        freshness: Freshness,
    },
    /// The last entries.
    Statement {
        /// The account.
        account: AccountNumber,
        /// Newest first.
        lines: Vec<StatementLine>,
    },
    /// Take the card (before any cash).
    TakeCard {
        /// What follows.
        then: AfterCard,
    },
    /// Take the cash.
    TakeCash {
        /// How much.
        amount: Amount,
    },
    /// Take the notes that were given back.
    TakeNotesBack,
    /// It is done.
    Done(Finished),
    /// It is not, and this is what it means for the customer's money.
    Sorry(Sorry),
    /// Need more time?
    MoreTime,
    /// The machine serves nobody now.
    OutOfService {
        /// Whether the customer's card is kept.
        card_kept: bool,
    },
}

impl Screen {
    /// Which screen it is, without what stands on it.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Welcome { .. } => "welcome",
            Self::Language => "language",
            Self::Pin { .. } => "pin",
            Self::Menu { .. } => "menu",
            Self::Account { .. } => "account",
            Self::Amount { .. } => "amount",
            Self::Target { .. } => "target",
            Self::Confirm(_) => "confirm",
            Self::ReceiptChoice => "receipt_choice",
            Self::InsertNotes { .. } => "insert_notes",
            Self::Counted { .. } => "counted",
            Self::Wait(_) => "wait",
            Self::Balance { .. } => "balance",
            Self::Statement { .. } => "statement",
            Self::TakeCard { .. } => "take_card",
            Self::TakeCash { .. } => "take_cash",
            Self::TakeNotesBack => "take_notes_back",
            Self::Done(_) => "done",
            Self::Sorry(_) => "sorry",
            Self::MoreTime => "more_time",
            Self::OutOfService { .. } => "out_of_service",
        }
    }
}

/// What the machine can do now.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Services {
    /// Whether the host is there.
    pub host: Connection,
    /// Pay cash.
    pub withdrawal: bool,
    /// Take notes.
    pub deposit: bool,
    /// Move money.
    pub transfer: bool,
    /// Tell balances.
    pub balance: bool,
    /// Tell entries.
    pub statement: bool,
    /// Change a PIN.
    pub pin_change: bool,
    /// Print receipts.
    pub receipt: bool,
}

/// Whether the host is there.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Connection {
    /// It is.
    Online,
    /// It is not.
    Offline,
}

/// What a PIN is asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PinPurpose {
    /// To begin.
    Begin,
    /// The PIN so far, before a change.
    Current,
    /// The new one.
    New,
    /// The new one once more.
    Repeat,
}

/// What was wrong with a PIN.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PinTrouble {
    /// It is wrong.
    Wrong,
    /// It is too short.
    TooShort,
    /// The two new ones differ.
    Different,
}

/// What an account is chosen for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AccountPurpose {
    /// To take cash from.
    Withdrawal,
    /// To deposit to.
    Deposit,
    /// To send from.
    TransferFrom,
    /// To send to: one of the customer's own, or another by number.
    TransferTo,
    /// To tell the balance of.
    Balance,
    /// To tell the entries of.
    Statement,
}

/// What an amount is asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AmountPurpose {
    /// Cash, offered at a key press.
    FastCash,
    /// Cash, typed.
    OtherAmount,
    /// A transfer.
    Transfer,
}

/// What was wrong with an amount.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum AmountTrouble {
    /// The notes cannot make it: the nearest that they can.
    NotDispensable {
        /// One or two amounts.
        nearest: Vec<Amount>,
    },
    /// The host or the policy said no.
    Refused(Refusal),
    /// More than may be paid while the host is away.
    OverOfflineLimit {
        /// What may.
        limit: Amount,
    },
}

/// What was wrong with an account number.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum TargetTrouble {
    /// It is none.
    NotAnAccount,
    /// The host said no.
    Refused(Refusal),
}

/// What is to be confirmed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Confirm {
    /// A transfer.
    Transfer {
        /// From.
        source: AccountNumber,
        /// To.
        target: AccountNumber,
        /// How much.
        amount: Amount,
        /// How it will be carried out.
        settled: Settled,
    },
}

/// How something will be, or was, carried out.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Settled {
    /// At once.
    Now,
    /// When the host is back; a transfer may be refused then.
    Later,
}

/// What is being waited for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Waiting {
    /// The card is read.
    ReadingCard,
    /// The host is asked.
    AskingBank,
    /// Notes are counted out.
    CountingOut,
    /// Notes are counted in, stored or given back.
    CountingIn,
    /// The receipt is printed.
    Printing,
    /// The machine puts itself in order.
    Starting,
}

/// Whether a balance is of now.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Freshness {
    /// It is.
    Current,
    /// The last one known.
    Stale,
}

/// What follows when the card is taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AfterCard {
    /// The cash.
    Cash,
    /// Nothing.
    Goodbye,
}

/// What is done.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Finished {
    /// The cash was taken.
    Withdrawal {
        /// How much.
        amount: Amount,
        /// Overdraft fee.
        fee: Amount,
        /// The balance, if it is known.
        balance: Option<Amount>,
        /// The transaction, if the host has named it.
        transaction: Option<TransferId>,
        /// The terminal's own reference.
        reference: OperationId,
    },
    /// Notes are stored.
    Deposit {
        /// How much.
        amount: Amount,
        /// Whether it is credited already.
        settled: Settled,
        /// The terminal's own reference.
        reference: OperationId,
    },
    /// Money moved, or will be.
    Transfer {
        /// How much.
        amount: Amount,
        /// Whether it moved already.
        settled: Settled,
        /// The balance afterwards, if it is known.
        balance: Option<Amount>,
        /// The terminal's own reference.
        reference: OperationId,
    },
    /// The PIN is changed.
    PinChanged,
    /// Nothing was wanted.
    Goodbye,
}

/// Bad news, and what it means for the customer's money.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Sorry {
    /// Nothing was charged, or everything went back.
    NotCharged {
        /// Why.
        why: Why,
        /// The terminal's own reference, if anything was journalled.
        reference: Option<OperationId>,
    },
    /// Only what was taken is charged.
    PartlyCharged {
        /// That much.
        charged: Amount,
        /// The terminal's own reference.
        reference: OperationId,
    },
    /// Nobody knows yet; it is being checked.
    Checking {
        /// The terminal's own reference.
        reference: OperationId,
    },
    /// The card is kept.
    CardKept {
        /// Why.
        why: Why,
        /// The terminal's own reference.
        reference: OperationId,
    },
    /// The card cannot be used here now.
    CardRefused {
        /// Why.
        why: Why,
    },
}

/// Why something did not work, as far as a customer is to know.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Why {
    /// The machine could not do it.
    Machine,
    /// The bank cannot be asked now.
    Bank,
    /// The bank said no.
    Refused(Refusal),
    /// The card cannot be read.
    CardUnreadable,
    /// The customer took too long.
    TooLong,
    /// The customer stopped it.
    Cancelled,
    /// The card was reported.
    CardReported,
    /// The card was not taken from the exit in time.
    CardNotTaken,
    /// Too many wrong PINs.
    TooManyPins,
}

/// What a person chooses.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Choice {
    /// A language.
    Language(Language),
    /// Something from the menu.
    Menu(MenuItem),
    /// An account of those offered.
    Account(AccountNumber),
    /// Another account than those offered, by number.
    OtherAccount,
    /// An amount of those offered.
    Amount(Amount),
    /// Another amount than those offered.
    OtherAmount,
    /// Yes, go on, store, print.
    Yes,
    /// No.
    No,
    /// Insert more notes.
    More,
    /// Stop and give the card back.
    Cancel,
    /// A key, as on the pad.
    Key(Key),
}

/// A line of the menu.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum MenuItem {
    /// Cash at a key press.
    FastCash,
    /// Cash.
    Withdrawal,
    /// Notes in.
    Deposit,
    /// Money between accounts.
    Transfer,
    /// How much there is.
    Balance,
    /// The last entries.
    Statement,
    /// A new PIN.
    PinChange,
}
