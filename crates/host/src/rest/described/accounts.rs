//! Accounts, and everything that moves money.

use cashpoint_wire::answer::cash::{BalanceAnswer, CashAnswer, TransferAnswer};
use cashpoint_wire::answer::customer::AccountAnswer;
use cashpoint_wire::problem::Code;
use cashpoint_wire::request::cash::{CashRequest, TransferRequest};
use cashpoint_wire::request::customer::AccountRequest;
use cashpoint_wire::schema::AccountList;

use crate::openapi::{Operation, Tag, Verb};

pub(in crate::rest) fn list() -> Operation {
    Operation::new(Verb::Get, "/api/accounts", "listAccounts")
        .says(Tag::Accounts, "Lists the accounts that the session reaches", "A card's own, or all of a customer's.")
        .in_session()
        .asks_the_bank()
        .refuses(&[Code::Forbidden, Code::CardBlocked])
        .answers::<AccountList>(&[(
            "Accounts",
            r#"{"accounts":[{"account_id":"12345","type":"savings","currency":"USD","primary":true,"created_at":"2026-11-20T09:41:07.123Z"}]}"#,
        )])
}

pub(in crate::rest) fn open() -> Operation {
    Operation::new(Verb::Post, "/api/accounts", "openAccount")
        .says(Tag::Accounts, "Opens another account", "For a customer's online session.")
        .in_session()
        .commands_the_bank()
        .takes::<AccountRequest>(&[("A savings account", r#"{"type":"savings","currency":"USD"}"#)])
        .keyed()
        .refuses(&[Code::Forbidden, Code::CardBlocked])
        .creates::<AccountAnswer>(&[(
            "Account",
            r#"{"account_id":"12346","type":"savings","currency":"USD","primary":false,"created_at":"2026-11-20T09:41:07.123Z"}"#,
        )])
}

pub(in crate::rest) fn close() -> Operation {
    Operation::new(Verb::Post, "/api/accounts/{account_id}/close", "closeAccount")
        .says(
            Tag::Accounts,
            "Closes an account",
            "Only when its balance is zero; its history stays readable. Takes no body.",
        )
        .in_session()
        .commands_the_bank()
        .refuses(&[Code::Forbidden, Code::AccountNotFound, Code::AccountClosed, Code::AccountNotEmpty])
        .answers_nothing()
}

pub(in crate::rest) fn balance() -> Operation {
    Operation::new(Verb::Get, "/api/accounts/{account_id}/balance", "getBalance")
        .says(
            Tag::Accounts,
            "Tells an account's balance",
            "Ordered with the withdrawals around it, and remembered as an event.",
        )
        .in_session()
        .commands_the_bank()
        .refuses(&[Code::Forbidden, Code::AccountNotFound, Code::CardBlocked, Code::CardExpired])
        .answers::<BalanceAnswer>(&[(
            "Balance",
            r#"{"account_id":"12345","balance":1000.00,"currency":"USD","as_of":"2026-11-20T09:41:07.123Z"}"#,
        )])
}

/// What withdrawals and deposits have in common.
fn cash(path: &'static str, id: &'static str) -> Operation {
    Operation::new(Verb::Post, path, id)
        .at_place()
        .commands_the_bank()
        .takes::<CashRequest>(&[
            ("At a machine", r#"{"amount":100.00,"atm_id":"ATM123"}"#),
            ("Where the session is", r#"{"amount":100.00}"#),
        ])
        .keyed()
        .refuses(&[
            Code::InvalidAmount,
            Code::Forbidden,
            Code::AccountNotFound,
            Code::AtmNotFound,
            Code::AtmMismatch,
            Code::AtmInactive,
            Code::TerminalOnly,
            Code::CurrencyMismatch,
            Code::CardBlocked,
            Code::CardExpired,
            Code::AccountClosed,
        ])
}

const PLACE: &str = "`atm_id` may be left out: it is then the session's machine, or for an online session the counter. A card \
    session's own machine is the only one that it may name.";

pub(in crate::rest) fn withdraw() -> Operation {
    cash("/api/accounts/{account_id}/withdraw", "withdraw")
        .says(
            Tag::Accounts,
            "Pays cash out",
            format!("{PLACE} `notes` is what a machine of kind `api` is to hand over."),
        )
        .refuses(&[
            Code::OverTransactionLimit,
            Code::DailyLimitExceeded,
            Code::InsufficientFunds,
            Code::AtmOutOfCash,
            Code::AmountNotDispensable,
        ])
        .creates::<CashAnswer>(&[(
            "Withdrawn",
            r#"{"transaction_id":"01901234-5678-7abc-8def-0123456789ab","account_id":"12345","amount":100.00,"fee":0.00,"balance":900.00,"currency":"USD","transaction_date":"2026-11-20T09:41:07.123Z","notes":[{"denomination":50.00,"count":2}]}"#,
        )])
}

pub(in crate::rest) fn deposit() -> Operation {
    cash("/api/accounts/{account_id}/deposit", "deposit")
        .says(Tag::Accounts, "Takes cash in", PLACE)
        .refuses(&[Code::OverDepositLimit])
        .creates::<CashAnswer>(&[(
            "Deposited",
            r#"{"transaction_id":"01901234-5678-7abc-8def-0123456789ab","account_id":"12345","amount":100.00,"fee":0.00,"balance":1100.00,"currency":"USD","transaction_date":"2026-11-20T09:41:07.123Z"}"#,
        )])
}

pub(in crate::rest) fn transfer() -> Operation {
    Operation::new(Verb::Post, "/api/accounts/{account_id}/transfer", "transfer")
        .says(Tag::Accounts, "Moves money to another account", "Never overdraws. Both accounts have the same currency.")
        .in_session()
        .commands_the_bank()
        .takes::<TransferRequest>(&[("To another account", r#"{"target_account_id":"67890","amount":150.00}"#)])
        .keyed()
        .refuses(&[
            Code::InvalidAmount,
            Code::Forbidden,
            Code::AccountNotFound,
            Code::SameAccount,
            Code::CurrencyMismatch,
            Code::CardBlocked,
            Code::CardExpired,
            Code::AccountClosed,
            Code::DailyLimitExceeded,
            Code::InsufficientFunds,
        ])
        .creates::<TransferAnswer>(&[(
            "Transferred",
            r#"{"transaction_id":"01901234-5678-7abc-8def-0123456789ab","source_account_id":"12345","target_account_id":"67890","amount":150.00,"source_balance":850.00,"currency":"USD","transaction_date":"2026-11-20T09:41:07.123Z"}"#,
        )])
}
