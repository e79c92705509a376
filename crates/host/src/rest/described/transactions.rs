//! Histories.

use cashpoint_wire::answer::history::EntryAnswer;
use cashpoint_wire::problem::Code;
use cashpoint_wire::schema::{EntryPage, EntryType, Instant, MachineEntryPage, MachineId};

use super::{cursor, limit};
use crate::openapi::{Need, Operation, Parameter, Tag, Verb, reference};

const ENTRY: &str = r#"{"transaction_id":"01901234-5678-7abc-8def-0123456789ab","type":"withdrawal","direction":"debit","status":"posted","amount":100.00,"balance":900.00,"currency":"USD","transaction_date":"2026-11-20T09:41:07.123Z","atm_id":"ATM123"}"#;

pub(in crate::rest) fn history() -> Operation {
    let kind = reference::<EntryType>();
    let instant =
        |name, description| Parameter { name, need: Need::Optional, description, schema: reference::<Instant>() };
    Operation::new(Verb::Get, "/api/accounts/{account_id}/transactions", "listTransactions")
        .says(
            Tag::Transactions,
            "Tells an account's history",
            "Newest first, by entry number: a fee comes before the withdrawal that it is for. Nothing ever expires.",
        )
        .in_session()
        .asks_the_bank()
        .parameter(Parameter { name: "type", need: Need::Optional, description: "Only entries of this type.", schema: kind })
        .parameter(instant("from", "Not before this instant."))
        .parameter(instant("to", "Before this instant."))
        .parameter(limit())
        .parameter(cursor())
        .refuses(&[Code::Forbidden, Code::AccountNotFound, Code::CardBlocked])
        .answers::<EntryPage>(&[(
            "The last page",
            r#"{"transactions":[{"transaction_id":"01901234-5678-7abc-8def-0123456789ab","type":"withdrawal","direction":"debit","status":"posted","amount":100.00,"balance":900.00,"currency":"USD","transaction_date":"2026-11-20T09:41:07.123Z","atm_id":"ATM123"}],"next_cursor":null}"#,
        )])
}

pub(in crate::rest) fn show() -> Operation {
    Operation::new(Verb::Get, "/api/transactions/{transaction_id}", "getTransaction")
        .says(
            Tag::Transactions,
            "Tells one transaction",
            "Seen from the session's account; from the source, if both accounts are the session's.",
        )
        .in_session()
        .asks_the_bank()
        .refuses(&[Code::Forbidden, Code::TransactionNotFound, Code::CardBlocked])
        .answers::<EntryAnswer>(&[("Transaction", ENTRY)])
}

pub(in crate::rest) fn of_machine() -> Operation {
    Operation::new(Verb::Get, "/api/transactions", "listMachineTransactions")
        .says(Tag::Transactions, "Tells a machine's transactions", "For staff. Newest first.")
        .in_session()
        .asks_the_bank()
        .parameter(Parameter {
            name: "atm_id",
            need: Need::Required,
            description: "Which machine.",
            schema: reference::<MachineId>(),
        })
        .parameter(limit())
        .parameter(cursor())
        .refuses(&[Code::Forbidden, Code::AtmNotFound, Code::CardBlocked])
        .answers::<MachineEntryPage>(&[(
            "The last page",
            r#"{"transactions":[{"transaction_id":"01901234-5678-7abc-8def-0123456789ab","type":"withdrawal","status":"posted","amount":100.00,"currency":"USD","transaction_date":"2026-11-20T09:41:07.123Z","atm_id":"ATM123","account_id":"12345","card_id":"217310923407360124"}],"next_cursor":null}"#,
        )])
}
