//! One of every screen, for tests of the page and for pictures of it. None of them is ever shown to a customer.

use cashpoint_core::account::Product;
use cashpoint_core::currency::Currency;
use cashpoint_core::id::{AccountNumber, TransferId};
use cashpoint_core::money::Amount;
use cashpoint_core::outcome::Refusal;
use cashpoint_core::terminal::link::{Notice, OperationId, StatementLine};
use cashpoint_core::terminal::screen::{
    AccountPurpose, AfterCard, AmountPurpose, AmountTrouble, Confirm, Connection, Finished, Freshness, PinPurpose,
    PinTrouble, Screen, Services, Settled, Sorry, TargetTrouble, Waiting, Why,
};
use cashpoint_core::time::Timestamp;

/// How many kinds of screens [`kind`] tells apart.
pub const KINDS: usize = 21;

/// Which kind of screen it is, from 0. A new kind of screen needs a sample before this compiles and its test passes.
#[must_use]
pub const fn kind(screen: &Screen) -> usize {
    match screen {
        Screen::Welcome { .. } => 0,
        Screen::Language => 1,
        Screen::Pin { .. } => 2,
        Screen::Menu { .. } => 3,
        Screen::Account { .. } => 4,
        Screen::Amount { .. } => 5,
        Screen::Target { .. } => 6,
        Screen::Confirm(_) => 7,
        Screen::ReceiptChoice => 8,
        Screen::InsertNotes { .. } => 9,
        Screen::Counted { .. } => 10,
        Screen::Wait(_) => 11,
        Screen::Balance { .. } => 12,
        Screen::Statement { .. } => 13,
        Screen::TakeCard { .. } => 14,
        Screen::TakeCash { .. } => 15,
        Screen::TakeNotesBack => 16,
        Screen::Done(_) => 17,
        Screen::Sorry(_) => 18,
        Screen::MoreTime => 19,
        Screen::OutOfService { .. } => 20,
    }
}

/// Every screen, with all that it can say, by a name that is fit for a file.
#[must_use]
pub fn screens() -> Vec<(String, Screen)> {
    let groups = [around(), pins(), choosing(), moving(), notes(), knowing(), taking(), done(), sorry()];
    groups.into_iter().flatten().map(|(name, screen)| (name.to_owned(), screen)).chain(refusals()).collect()
}

const AT: Timestamp = Timestamp::from_micros(1_795_190_700_000_000);
const CHECKING: AccountNumber = AccountNumber::new(1_000_010_001);
const SAVINGS: AccountNumber = AccountNumber::new(1_000_020_002);
const REFERENCE: OperationId = OperationId(0x3f2a_91c0_7be4_15d8_0000_0000_0000_002a);

const EVERYTHING: Services = Services {
    host: Connection::Online,
    withdrawal: true,
    deposit: true,
    transfer: true,
    balance: true,
    statement: true,
    pin_change: true,
    receipt: true,
};

const LITTLE: Services = Services {
    host: Connection::Offline,
    withdrawal: false,
    deposit: true,
    transfer: true,
    balance: true,
    statement: false,
    pin_change: false,
    receipt: false,
};

const fn usd(minor: i64) -> Amount {
    Amount::new(minor, Currency::USD)
}

type Named = Vec<(&'static str, Screen)>;

fn around() -> Named {
    let notice = Notice::TransferRefused {
        at: AT,
        amount: usd(123_456),
        target: SAVINGS,
        code: "insufficient_funds".to_owned(),
    };
    let menu = |services, notices| Screen::Menu { name: "Ada Lovelace".to_owned(), services, notices };
    vec![
        ("welcome", Screen::Welcome { services: EVERYTHING }),
        ("welcome-little", Screen::Welcome { services: LITTLE }),
        ("language", Screen::Language),
        ("menu", menu(EVERYTHING, Vec::new())),
        ("menu-little", menu(LITTLE, Vec::new())),
        ("menu-notice", menu(EVERYTHING, vec![notice])),
        ("more-time", Screen::MoreTime),
        ("closed", Screen::OutOfService { card_kept: false }),
        ("closed-card-kept", Screen::OutOfService { card_kept: true }),
    ]
}

fn pins() -> Named {
    let pin = |purpose, digits, trouble| Screen::Pin { purpose, digits, trouble };
    vec![
        ("pin", pin(PinPurpose::Begin, 0, None)),
        ("pin-one", pin(PinPurpose::Begin, 1, None)),
        ("pin-three", pin(PinPurpose::Begin, 3, None)),
        ("pin-wrong", pin(PinPurpose::Begin, 0, Some(PinTrouble::Wrong))),
        ("pin-short", pin(PinPurpose::Begin, 0, Some(PinTrouble::TooShort))),
        ("pin-current", pin(PinPurpose::Current, 0, None)),
        ("pin-new", pin(PinPurpose::New, 12, None)),
        ("pin-repeat", pin(PinPurpose::Repeat, 2, None)),
        ("pin-different", pin(PinPurpose::New, 0, Some(PinTrouble::Different))),
    ]
}

fn choosing() -> Named {
    let accounts = vec![(CHECKING, Product::Checking), (SAVINGS, Product::Savings)];
    let account = |purpose| Screen::Account { purpose, accounts: accounts.clone() };
    let amount = |purpose, offered: &[i64], typed, trouble| Screen::Amount {
        purpose,
        offered: offered.iter().copied().map(usd).collect(),
        typed: usd(typed),
        trouble,
    };
    let nearest = AmountTrouble::NotDispensable { nearest: vec![usd(2_000), usd(4_000)] };
    let (other, transfer) = (AmountPurpose::OtherAmount, AmountPurpose::Transfer);
    vec![
        ("account-withdrawal", account(AccountPurpose::Withdrawal)),
        ("account-deposit", account(AccountPurpose::Deposit)),
        ("account-from", account(AccountPurpose::TransferFrom)),
        ("account-to", account(AccountPurpose::TransferTo)),
        ("account-balance", account(AccountPurpose::Balance)),
        ("account-statement", account(AccountPurpose::Statement)),
        ("amount-fast", amount(AmountPurpose::FastCash, &[2_000, 4_000, 6_000, 10_000, 20_000, 50_000], 0, None)),
        ("amount-typed", amount(other, &[], 12_000, None)),
        ("amount-nearest", amount(other, &[2_000, 4_000], 3_000, Some(nearest))),
        ("amount-none", amount(other, &[], 0, Some(AmountTrouble::NotDispensable { nearest: Vec::new() }))),
        ("amount-offline", amount(other, &[], 0, Some(AmountTrouble::OverOfflineLimit { limit: usd(30_000) }))),
        ("amount-nothing", amount(other, &[], 0, Some(AmountTrouble::OverOfflineLimit { limit: usd(0) }))),
        ("amount-transfer", amount(transfer, &[], 1_234_567_890, None)),
    ]
}

fn moving() -> Named {
    let target = |typed: &str, trouble| Screen::Target { typed: typed.to_owned(), trouble };
    let confirm = |settled| {
        Screen::Confirm(Confirm::Transfer { source: CHECKING, target: SAVINGS, amount: usd(123_456), settled })
    };
    vec![
        ("target", target("", None)),
        ("target-long", target("1234567890123456789", None)),
        ("target-wrong", target("", Some(TargetTrouble::NotAnAccount))),
        ("target-refused", target("", Some(TargetTrouble::Refused(Refusal::AccountNotFound)))),
        ("confirm", confirm(Settled::Now)),
        ("confirm-later", confirm(Settled::Later)),
        ("receipt", Screen::ReceiptChoice),
    ]
}

fn notes() -> Named {
    let counted = vec![(1_000, 3), (2_000, 12), (5_000, 1)];
    let insert =
        |counted: Vec<(i64, u32)>, amount, refused| Screen::InsertNotes { counted, amount: usd(amount), refused };
    let result = |settled, refused| Screen::Counted { notes: counted.clone(), amount: usd(32_000), refused, settled };
    vec![
        ("insert", insert(Vec::new(), 0, 0)),
        ("insert-more", insert(counted.clone(), 32_000, 1)),
        ("counted", result(Settled::Now, 0)),
        ("counted-later", result(Settled::Later, 2)),
        ("take-notes", Screen::TakeNotesBack),
    ]
}

fn knowing() -> Named {
    let wait = |waiting| Screen::Wait(waiting);
    let balance = |minor, freshness| Screen::Balance { account: CHECKING, balance: usd(minor), as_of: AT, freshness };
    let kinds = ["deposit", "withdrawal", "transfer_in", "transfer_out", "overdraft_fee", "reversal", "adjustment"];
    let line = |(at, kind): (i64, &&str)| StatementLine {
        at: AT.plus_s(-90_000 * at),
        kind: (*kind).to_owned(),
        amount: usd(if at % 2 == 0 { 123_456 } else { -10_000 }),
        balance: usd(1_000_000 - 7_777 * at),
    };
    // As many as there ever are.
    let lines = (0..10).zip(kinds.iter().cycle()).map(line).collect();
    vec![
        ("wait-card", wait(Waiting::ReadingCard)),
        ("wait-bank", wait(Waiting::AskingBank)),
        ("wait-out", wait(Waiting::CountingOut)),
        ("wait-in", wait(Waiting::CountingIn)),
        ("wait-print", wait(Waiting::Printing)),
        ("wait-start", wait(Waiting::Starting)),
        ("balance", balance(123_456_789, Freshness::Current)),
        ("balance-stale", balance(-5_050, Freshness::Stale)),
        ("statement", Screen::Statement { account: CHECKING, lines }),
        ("statement-empty", Screen::Statement { account: CHECKING, lines: Vec::new() }),
    ]
}

fn taking() -> Named {
    vec![
        ("take-card", Screen::TakeCard { then: AfterCard::Cash }),
        ("take-card-goodbye", Screen::TakeCard { then: AfterCard::Goodbye }),
        ("take-cash", Screen::TakeCash { amount: usd(10_000) }),
    ]
}

fn done() -> Named {
    let reference = REFERENCE;
    let withdrawal = |fee, balance| {
        let transaction = Some(TransferId::new(42));
        Screen::Done(Finished::Withdrawal { amount: usd(10_000), fee: usd(fee), balance, transaction, reference })
    };
    let deposit = |settled| Screen::Done(Finished::Deposit { amount: usd(32_000), settled, reference });
    let transfer =
        |settled, balance| Screen::Done(Finished::Transfer { amount: usd(123_456), settled, balance, reference });
    vec![
        ("done-cash", withdrawal(0, None)),
        ("done-cash-fee", withdrawal(2_500, Some(usd(-12_500)))),
        ("done-deposit", deposit(Settled::Now)),
        ("done-deposit-later", deposit(Settled::Later)),
        ("done-transfer", transfer(Settled::Now, Some(usd(876_544)))),
        ("done-transfer-later", transfer(Settled::Later, None)),
        ("done-pin", Screen::Done(Finished::PinChanged)),
        ("done-goodbye", Screen::Done(Finished::Goodbye)),
    ]
}

fn sorry() -> Named {
    let reference = REFERENCE;
    let not = |why, reference| Screen::Sorry(Sorry::NotCharged { why, reference });
    vec![
        ("sorry-machine", not(Why::Machine, Some(reference))),
        ("sorry-bank", not(Why::Bank, None)),
        ("sorry-too-long", not(Why::TooLong, Some(reference))),
        ("sorry-cancelled", not(Why::Cancelled, None)),
        ("sorry-partly", Screen::Sorry(Sorry::PartlyCharged { charged: usd(6_000), reference })),
        ("sorry-checking", Screen::Sorry(Sorry::Checking { reference })),
        ("sorry-kept-reported", Screen::Sorry(Sorry::CardKept { why: Why::CardReported, reference })),
        ("sorry-kept-long", Screen::Sorry(Sorry::CardKept { why: Why::CardNotTaken, reference })),
        ("sorry-refused-unreadable", Screen::Sorry(Sorry::CardRefused { why: Why::CardUnreadable })),
        ("sorry-refused-pins", Screen::Sorry(Sorry::CardRefused { why: Why::TooManyPins })),
    ]
}

/// Everything that a bank refuses and words are different for.
fn refusals() -> impl Iterator<Item = (String, Screen)> {
    let each = [
        Refusal::InsufficientFunds { available: usd(4_321) },
        Refusal::OverTransactionLimit { limit: usd(50_000) },
        Refusal::DailyLimitExceeded { remaining: usd(6_000) },
        Refusal::OverDepositLimit { limit: usd(200_000) },
        Refusal::AtmOutOfCash,
        Refusal::CardExpired,
        Refusal::CardStolen,
        Refusal::CardBlocked { until: None },
        Refusal::AccountClosed,
        Refusal::SameAccount,
        Refusal::CurrencyMismatch,
        Refusal::InvalidAmount,
        Refusal::SessionExpired,
        Refusal::TooManyRequests { retry_after_s: 60 },
        Refusal::AtmInactive,
        Refusal::Forbidden,
    ];
    each.into_iter().map(|refusal| {
        let name = format!("refused-{}", refusal.code().replace('_', "-"));
        (name, Screen::Sorry(Sorry::NotCharged { why: Why::Refused(refusal), reference: None }))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn there_is_one_of_every_kind_and_no_name_twice() {
        let screens = screens();
        let kinds: BTreeSet<_> = screens.iter().map(|(_, screen)| kind(screen)).collect();
        assert_eq!(kinds, (0..KINDS).collect());
        let names: BTreeSet<_> = screens.iter().map(|(name, _)| name).collect();
        assert_eq!(names.len(), screens.len());
    }
}
