//! What customers want to be told of.

use cashpoint_wire::answer::notification::{DeadLettersAnswer, WishesAnswer};
use cashpoint_wire::problem::Code;

use super::{cursor, limit};
use crate::notify::CHOICES;
use crate::openapi::{Operation, Tag, Verb};

const WISHES: &str = r#"{"email":["card_blocked","withdrawal"],"webhook":"all"}"#;

/// About a customer's own wishes.
fn own(verb: Verb, id: &'static str) -> Operation {
    Operation::new(verb, "/api/customers/current/notifications", id)
        .in_session()
        .refuses(&[Code::Forbidden])
        .answers::<WishesAnswer>(&[("Wishes", WISHES)])
}

pub(in crate::rest) fn show() -> Operation {
    own(Verb::Get, "getNotificationWishes")
        .says(
            Tag::Customers,
            "Tells what a customer is told of",
            "For a customer's online session. By channel: everything, nothing, or kinds of events.",
        )
        .asks_the_bank()
        .refuses(&[Code::CardBlocked])
}

pub(in crate::rest) fn change() -> Operation {
    own(Verb::Put, "changeNotificationWishes")
        .says(
            Tag::Customers,
            "Changes what a customer is told of",
            "For a customer's online session. A channel that is not named tells what it usually does.",
        )
        .commands_the_bank()
        .takes_schema::<WishesAnswer>(&[("Wishes", WISHES)])
        .with_names("WishesAnswer", &CHOICES.map(|choice| choice.name))
}

pub(in crate::rest) fn dead() -> Operation {
    Operation::new(Verb::Get, "/api/notifications/dead", "listDeadLetters")
        .says(Tag::Operations, "Lists deliveries that were given up", "For staff. Latest first.")
        .in_session()
        .asks_the_bank()
        .parameter(limit())
        .parameter(cursor())
        .refuses(&[Code::Forbidden, Code::CardBlocked])
        .answers::<DeadLettersAnswer>(&[(
            "The last page",
            r#"{"dead_letters":[{"notification_id":"1-204-0","channel":"webhook","customer_id":"217310923407360123","number":3,"type":"withdrawal","created_at":"2026-11-20T09:41:07.123Z","attempts":20,"given_up_at":"2026-11-21T09:41:07.123Z","reason":"HTTP 410"}],"next_cursor":null}"#,
        )])
}
