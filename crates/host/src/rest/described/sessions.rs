//! Log-ins, and sessions themselves.

use cashpoint_wire::answer::session::SessionAnswer;
use cashpoint_wire::problem::Code;
use cashpoint_wire::request::session::{LogInRequest, OperatorLogIn};

use crate::openapi::{Operation, Tag, Verb};

pub(in crate::rest) fn log_in() -> Operation {
    Operation::new(Verb::Post, "/api/sessions", "logIn")
        .says(
            Tag::Sessions,
            "Begins a customer's session",
            "With a card at a machine, whose credential must come along (not in a sandbox), or online. Rate-limited by address \
             and by identity. Three wrong PINs in a row block a card; unknown and wrong are indistinguishable.",
        )
        .perhaps_at_place()
        .commands_the_bank()
        .takes::<LogInRequest>(&[
            ("With a card", r#"{"card_number":"4532123456789012","pin":"1234","atm_id":"ATM001"}"#),
            ("Online", r#"{"email":"john.doe@example.com","password":"sandbox-john"}"#),
        ])
        .refuses(&[
            Code::WrongCredentials,
            Code::AtmNotFound,
            Code::AtmMismatch,
            Code::AtmInactive,
            Code::CardExpired,
            Code::CardLost,
            Code::CardStolen,
            Code::CardBlocked,
            Code::TooManyRequests,
        ])
        .creates::<SessionAnswer>(&[(
            "A card's session",
            r#"{"token":"cps_…","expires_at":"2026-11-20T09:46:07.123Z","idle_timeout_s":300,"customer":{"customer_id":"217310923407360123","name":"John Doe"},"card_id":"217310923407360124","accounts":[{"account_id":"12345","type":"savings","currency":"USD","primary":true}]}"#,
        )])
}

pub(in crate::rest) fn log_in_operator() -> Operation {
    Operation::new(Verb::Post, "/api/operators/sessions", "logInOperator")
        .says(Tag::Sessions, "Begins a session of staff", "Rate-limited by address and by identity.")
        .commands_the_bank()
        .takes::<OperatorLogIn>(&[("Staff", r#"{"username":"operator","password":"operator"}"#)])
        .refuses(&[Code::WrongCredentials, Code::TooManyRequests])
        .creates::<SessionAnswer>(&[(
            "A session of staff",
            r#"{"token":"cps_…","expires_at":"2026-11-20T10:11:07.123Z","idle_timeout_s":1800,"operator":{"operator_id":"217310923407360125","role":"admin"}}"#,
        )])
}

pub(in crate::rest) fn show() -> Operation {
    Operation::new(Verb::Get, "/api/sessions/current", "getSession")
        .says(Tag::Sessions, "Tells the session", "Of customers and of staff. Without the token, which is told once.")
        .in_session()
        .asks_the_bank()
        .refuses(&[Code::CardBlocked])
        .answers::<SessionAnswer>(&[(
            "An online session",
            r#"{"expires_at":"2026-11-20T10:11:07.123Z","idle_timeout_s":1800,"customer":{"customer_id":"217310923407360123","name":"John Doe"},"accounts":[{"account_id":"12345","type":"savings","currency":"USD","primary":true}]}"#,
        )])
}

pub(in crate::rest) fn log_out() -> Operation {
    Operation::new(Verb::Delete, "/api/sessions/current", "logOut")
        .says(Tag::Sessions, "Ends the session", "The token is dead afterwards.")
        .in_session()
        .commands_the_bank()
        .answers_nothing()
}
