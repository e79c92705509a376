//! What only a sandbox has: the teller's accounts, and the notifications that would have gone out.

use cashpoint_wire::problem::Code;
use cashpoint_wire::schema::{CustomerId, NotificationList, TellerBalance, TellerReceipt};
use cashpoint_wire::teller::TellerRequest;
use utoipa::openapi::schema::{ObjectBuilder, Type};

use super::optional;
use crate::openapi::{Need, Operation, Parameter, Tag, Verb, reference};

const NEIGHBOURS: &str = "Answers only callers on the same machine: a loopback `Host`, and no foreign `Origin`.";

/// Something at the teller's.
fn teller(verb: Verb, path: &'static str, id: &'static str) -> Operation {
    // No clock refuses here: a sandbox notes that its clocks disagree, and goes on.
    Operation::new(verb, path, id).asks_the_bank().of_the_teller().refuses(&[Code::AccountNotFound])
}

/// What withdrawals and deposits have in common.
fn cash(path: &'static str, id: &'static str) -> Operation {
    teller(Verb::Post, path, id)
        .takes::<TellerRequest>(&[("Amount", r#"{"amount":100.0}"#)])
        .keyed()
        .refuses(&[Code::InvalidAmount])
        .answers::<TellerReceipt>(&[(
            "Done",
            r#"{"success":true,"data":{"account_number":"10001","new_balance":900.00},"code":200}"#,
        )])
}

pub(in crate::rest) fn balance() -> Operation {
    teller(Verb::Get, "/accounts/{n}/balance", "tellerBalance")
        .says(Tag::Sandbox, "Tells a teller account's balance", NEIGHBOURS)
        .answers::<TellerBalance>(&[(
            "Balance",
            r#"{"success":true,"data":{"account_number":"10001","balance":1000.00},"code":200}"#,
        )])
}

pub(in crate::rest) fn withdraw() -> Operation {
    cash("/accounts/{n}/withdraw", "tellerWithdraw")
        .says(Tag::Sandbox, "Pays cash out of a teller account", NEIGHBOURS)
        .refuses(&[Code::InsufficientFunds])
}

pub(in crate::rest) fn deposit() -> Operation {
    cash("/accounts/{n}/deposit", "tellerDeposit").says(Tag::Sandbox, "Takes cash into a teller account", NEIGHBOURS)
}

pub(in crate::rest) fn outbox() -> Operation {
    let after = ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(0));
    let limit = ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(1)).maximum(Some(500));
    let customer = reference::<CustomerId>();
    let need = Need::Required;
    Operation::new(Verb::Get, "/sandbox/outbox", "listNotifications")
        .says(Tag::Sandbox, "Lists the notifications that would have gone out", NEIGHBOURS)
        .asks_the_bank()
        .parameter(Parameter { name: "customer_id", need, description: "Whose.", schema: customer })
        .parameter(optional("after", "Only those with a higher number.", after))
        .parameter(optional("limit", "At most so many: 1 to 500; 500 unless given.", limit))
        .refuses(&[Code::Forbidden])
        .answers::<NotificationList>(&[(
            "Notifications",
            r#"{"notifications":[{"notification_id":"1-204-0","customer_id":"217310923407360123","number":3,"type":"withdrawal","created_at":"2026-11-20T09:41:07.123Z","account_id":"12345","amount":100.00,"currency":"USD","transaction_id":"01901234-5678-7abc-8def-0123456789ab","atm_id":"ATM123"}]}"#,
        )])
}
