//! Customers and their own data.

use cashpoint_wire::answer::customer::{CustomerAnswer, CustomerCreatedAnswer, SignedUpAnswer};
use cashpoint_wire::problem::Code;
use cashpoint_wire::request::customer::{CustomerPatch, NewCustomerBody, PasswordChange, SignUpBody};

use crate::openapi::{Operation, Tag, Verb};

const CUSTOMER: &str = r#"{"customer_id":"217310923407360123","name":"John Doe","email":"john.doe@example.com","phone":"+1 555 0100","created_at":"2026-11-20T09:41:07.123Z"}"#;

pub(in crate::rest) fn sign_up() -> Operation {
    Operation::new(Verb::Post, "/api/customers", "signUp")
        .says(Tag::Customers, "Somebody becomes a customer", "Begins an online session at once. Rate-limited by address.")
        .commands_the_bank()
        .takes::<SignUpBody>(&[(
            "Sign-up",
            r#"{"name":"John Doe","email":"john@example.com","password":"correct horse","phone":"+1 555 0100","address":"1 Main Street\nSpringfield","account":{"type":"checking","currency":"USD"}}"#,
        )])
        .refuses(&[Code::EmailTaken, Code::TooManyRequests])
        .creates::<SignedUpAnswer>(&[(
            "Signed up",
            r#"{"customer_id":"217310923407360123","account_id":"12345","session":{"token":"cps_…","expires_at":"2026-11-20T10:11:07.123Z","idle_timeout_s":1800,"customer":{"customer_id":"217310923407360123","name":"John Doe"},"accounts":[{"account_id":"12345","type":"checking","currency":"USD","primary":true}]}}"#,
        )])
}

/// About a customer's own data.
fn own(verb: Verb, id: &'static str) -> Operation {
    Operation::new(verb, "/api/customers/current", id).in_session().refuses(&[Code::Forbidden, Code::CardBlocked])
}

pub(in crate::rest) fn show() -> Operation {
    own(Verb::Get, "getCustomer")
        .says(Tag::Customers, "Tells a customer's own data", "For a customer's online session.")
        .asks_the_bank()
        .answers::<CustomerAnswer>(&[("Customer", CUSTOMER)])
}

pub(in crate::rest) fn update() -> Operation {
    own(Verb::Patch, "updateCustomer")
        .says(
            Tag::Customers,
            "Changes a customer's own data",
            "For a customer's online session. What is not named stays; `null` takes telephone number or address away.",
        )
        .commands_the_bank()
        .takes::<CustomerPatch>(&[("Change", r#"{"email":"john.doe@example.com","address":null}"#)])
        .refuses(&[Code::EmailTaken])
        .answers::<CustomerAnswer>(&[("Customer", CUSTOMER)])
}

pub(in crate::rest) fn change_password() -> Operation {
    Operation::new(Verb::Put, "/api/customers/current/password", "changePassword")
        .says(Tag::Customers, "Changes a customer's password", "For a customer's online session. Ends the others.")
        .in_session()
        .commands_the_bank()
        .takes::<PasswordChange>(&[("Change", r#"{"old_password":"correct horse","new_password":"battery staple"}"#)])
        .refuses(&[Code::WrongCredentials, Code::Forbidden, Code::CardBlocked, Code::TooManyRequests])
        .answers_nothing()
}

pub(in crate::rest) fn create() -> Operation {
    Operation::new(Verb::Post, "/api/operators/customers", "createCustomer")
        .says(Tag::Customers, "Makes a customer", "For staff. Accounts are answered in the order given.")
        .in_session()
        .commands_the_bank()
        .takes::<NewCustomerBody>(&[(
            "With two accounts",
            r#"{"name":"Jane Smith","email":"jane@example.com","accounts":[{"type":"checking","currency":"USD","opening_balance":50.00},{"type":"savings","currency":"USD"}]}"#,
        )])
        .keyed()
        .refuses(&[Code::InvalidAmount, Code::Forbidden, Code::CardBlocked, Code::EmailTaken])
        .creates::<CustomerCreatedAnswer>(&[(
            "Customer",
            r#"{"customer_id":"217310923407360123","accounts":[{"account_id":"12345","type":"checking","currency":"USD","primary":true},{"account_id":"12346","type":"savings","currency":"USD","primary":false}]}"#,
        )])
}
