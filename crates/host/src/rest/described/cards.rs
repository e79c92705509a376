//! Cards and PINs.

use cashpoint_wire::answer::customer::{CardAnswer, PinAnswer};
use cashpoint_wire::problem::Code;
use cashpoint_wire::request::card::{CardBody, CardReport, PinChange};

use crate::openapi::{Operation, Tag, Verb};

pub(in crate::rest) fn issue() -> Operation {
    Operation::new(Verb::Post, "/api/cards", "issueCard")
        .says(
            Tag::Cards,
            "Makes a card",
            "For staff. Number and PIN are made unless given, and shown this once: a repeated answer is without them. \
             Published test numbers are refused outside a sandbox.",
        )
        .in_session()
        .commands_the_bank()
        .takes::<CardBody>(&[
            ("Made here", r#"{"customer_id":"217310923407360123","account_ids":["12345","12346"]}"#),
            (
                "Given",
                r#"{"customer_id":"217310923407360123","account_ids":["12345"],"card_number":"4539578763621486","pin":"4321"}"#,
            ),
        ])
        .keyed()
        .refuses(&[
            Code::InvalidAccountId,
            Code::Forbidden,
            Code::CardBlocked,
            Code::NotFound,
            Code::AccountNotFound,
            Code::AccountClosed,
            Code::CardNumberTaken,
        ])
        .creates::<CardAnswer>(&[(
            "The first time",
            r#"{"card_id":"217310923407360124","card_number":"4539578763621486","expires":"2029-11","pin":"4321"}"#,
        )])
}

pub(in crate::rest) fn remove() -> Operation {
    Operation::new(Verb::Delete, "/api/cards/{card_id}", "removeCard")
        .says(Tag::Cards, "Withdraws a card for good", "For staff. Its sessions end.")
        .in_session()
        .commands_the_bank()
        .refuses(&[Code::Forbidden, Code::NotFound])
        .answers_nothing()
}

pub(in crate::rest) fn change_pin() -> Operation {
    Operation::new(Verb::Put, "/api/cards/{card_id}/pin", "changePin")
        .says(Tag::Cards, "Changes a card's PIN", "For a session of that card. A wrong old PIN counts as a try.")
        .in_session()
        .commands_the_bank()
        .takes::<PinChange>(&[("Change", r#"{"old_pin":"4321","new_pin":"8520"}"#)])
        .refuses(&[Code::WrongCredentials, Code::Forbidden, Code::NotFound, Code::CardBlocked, Code::CardExpired])
        .answers_nothing()
}

pub(in crate::rest) fn reset_pin() -> Operation {
    Operation::new(Verb::Post, "/api/cards/{card_id}/pin", "resetPin")
        .says(Tag::Cards, "Gives a card a new PIN", "For staff. Shown this once; blocks and locks stay. Takes no body.")
        .in_session()
        .commands_the_bank()
        .refuses(&[Code::Forbidden, Code::NotFound])
        .creates::<PinAnswer>(&[("The new PIN", r#"{"pin":"0417"}"#)])
}

pub(in crate::rest) fn report() -> Operation {
    Operation::new(Verb::Post, "/api/cards/{card_id}/report", "reportCard")
        .says(
            Tag::Cards,
            "Reports a card lost or stolen",
            "For its holder or staff. Its sessions end, terminals learn it at once.",
        )
        .in_session()
        .commands_the_bank()
        .takes::<CardReport>(&[("Lost", r#"{"reason":"lost"}"#), ("Stolen", r#"{"reason":"stolen"}"#)])
        .refuses(&[Code::Forbidden, Code::NotFound, Code::CardBlocked])
        .answers_nothing()
}

pub(in crate::rest) fn unblock() -> Operation {
    Operation::new(Verb::Post, "/api/cards/{card_id}/unblock", "unblockCard")
        .says(Tag::Cards, "Lifts a card's block or lock", "For staff. Takes no body.")
        .in_session()
        .commands_the_bank()
        .refuses(&[Code::Forbidden, Code::NotFound])
        .answers_nothing()
}
