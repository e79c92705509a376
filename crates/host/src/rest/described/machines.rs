//! ATMs, counters, and the operator's choices.

use axum::http::StatusCode;
use cashpoint_bank::desk::policy_names;
use cashpoint_wire::answer::machine::{CounterAnswer, EnrolmentCodeAnswer, MachineAnswer};
use cashpoint_wire::answer::policy::PoliciesAnswer;
use cashpoint_wire::answer::replenishment::ReplenishmentAnswer;
use cashpoint_wire::problem::Code;
use cashpoint_wire::request::machine::{CounterBody, MachineBody, MachinePatch, ReplenishmentBody};
use cashpoint_wire::schema::{CounterList, MachineList, PolicyPatch};

use crate::openapi::{Operation, Tag, Verb};

const MACHINE: &str = r#"{"atm_id":"ATM123","location":"Head Office","kind":"api","status":"active","currency":"USD","cash":10000.00,"in_flight":0.00,"deposit_bin":0.00,"cassettes":[{"denomination":20.00,"count":500}],"last_seen":null}"#;

/// For staff.
fn staff(verb: Verb, path: &'static str, id: &'static str) -> Operation {
    Operation::new(verb, path, id).in_session().refuses(&[Code::Forbidden, Code::CardBlocked])
}

pub(in crate::rest) fn list_counters() -> Operation {
    staff(Verb::Get, "/api/counters", "listCounters")
        .says(Tag::Machines, "Lists all counters", "For staff.")
        .asks_the_bank()
        .answers::<CounterList>(&[(
            "Counters",
            r#"{"counters":[{"counter_id":"DESK1","location":"Head Office","status":"active"}]}"#,
        )])
}

pub(in crate::rest) fn create_counter() -> Operation {
    staff(Verb::Post, "/api/counters", "createCounter")
        .says(Tag::Machines, "Makes a counter", "For staff. Its channel credential is shown this once.")
        .commands_the_bank()
        .takes::<CounterBody>(&[("Counter", r#"{"counter_id":"DESK1","location":"Head Office"}"#)])
        .keyed()
        .refuses(&[Code::AtmIdTaken])
        .creates::<CounterAnswer>(&[(
            "The first time",
            r#"{"counter_id":"DESK1","location":"Head Office","status":"active","channel":"DESK1.cpc_…"}"#,
        )])
}

pub(in crate::rest) fn list() -> Operation {
    staff(Verb::Get, "/api/atms", "listAtms")
        .says(Tag::Machines, "Lists all ATMs", "For staff.")
        .asks_the_bank()
        .answers::<MachineList>(&[(
            "ATMs",
            r#"{"atms":[{"atm_id":"ATM123","location":"Head Office","kind":"api","status":"active","currency":"USD","cash":10000.00,"in_flight":0.00,"deposit_bin":0.00,"cassettes":[{"denomination":20.00,"count":500}],"last_seen":null}]}"#,
        )])
}

pub(in crate::rest) fn create() -> Operation {
    staff(Verb::Post, "/api/atms", "createAtm")
        .says(
            Tag::Machines,
            "Makes an ATM",
            "For staff. One of kind `api` answers with its channel credential, a terminal with a one-time enrolment code, \
             shown this once. All cassettes have one currency.",
        )
        .commands_the_bank()
        .takes::<MachineBody>(&[(
            "ATM",
            r#"{"atm_id":"ATM123","location":"Head Office","kind":"api","cassettes":[{"denomination":20.00,"currency":"USD","count":500}]}"#,
        )])
        .keyed()
        .refuses(&[Code::InvalidAmount, Code::AtmIdTaken])
        .creates::<MachineAnswer>(&[(
            "The first time",
            r#"{"atm_id":"ATM123","location":"Head Office","kind":"api","status":"active","currency":"USD","cash":10000.00,"in_flight":0.00,"deposit_bin":0.00,"cassettes":[{"denomination":20.00,"count":500}],"last_seen":null,"channel":"ATM123.cpc_…"}"#,
        )])
}

pub(in crate::rest) fn show() -> Operation {
    staff(Verb::Get, "/api/atms/{atm_id}", "getAtm")
        .says(Tag::Machines, "Tells how an ATM stands", "For staff.")
        .asks_the_bank()
        .refuses(&[Code::AtmNotFound])
        .answers::<MachineAnswer>(&[("ATM", MACHINE)])
}

pub(in crate::rest) fn update() -> Operation {
    staff(Verb::Patch, "/api/atms/{atm_id}", "updateAtm")
        .says(Tag::Machines, "Changes an ATM", "For staff. What is not named stays. What a machine does while the host is away, and that a journal is taken as it \
             is after it was doubted, is said of enrolled terminals.")
        .commands_the_bank()
        .takes::<MachinePatch>(&[("Switch off", r#"{"status":"inactive"}"#), ("Move", r#"{"location":"Airport"}"#)])
        .refuses(&[Code::AtmNotFound, Code::InvalidAmount])
        .answers::<MachineAnswer>(&[("ATM", MACHINE)])
}

pub(in crate::rest) fn issue_code() -> Operation {
    staff(Verb::Post, "/api/atms/{atm_id}/enrolment-codes", "issueEnrolmentCode")
        .says(
            Tag::Machines,
            "Makes a new enrolment code for a terminal",
            "For administrators: when the first code was lost, or the machine has another computer. Of several codes the last \
             one serves, once. When it is used, the terminal's key of before is believed no more; until then everything stays. \
             A journal that does not go on from what is known is doubted until staff take it as it is.",
        )
        .commands_the_bank()
        .refuses(&[Code::AtmNotFound])
        .creates::<EnrolmentCodeAnswer>(&[(
            "Code",
            r#"{"atm_id":"ATM901","enrolment_code":"ABCDE-FGHIJ-KLMNO-PQRST-UVWXY-Z"}"#,
        )])
}

pub(in crate::rest) fn replenish() -> Operation {
    staff(Verb::Post, "/api/atms/{atm_id}/replenishments", "replenishAtm")
        .says(
            Tag::Machines,
            "Counts, empties and fills an ATM",
            "For staff. What was counted is sent; what differs from the books is posted. A terminal has it as an order: it \
             finishes its visit, tells what waits, and exchanges its cassettes; it posts then. An order without any count \
             opens the exchange; the next request ends it with what was counted meanwhile (an empty one: with nothing).",
        )
        .commands_the_bank()
        .takes::<ReplenishmentBody>(&[
            (
                "Count",
                r#"{"cassettes":[{"denomination":20.00,"counted_out":499,"counted_in":500}],"deposit_bin":0.00}"#,
            ),
            ("Open a terminal", r#"{"cassettes":[]}"#),
        ])
        .keyed()
        .refuses(&[Code::InvalidAmount, Code::AtmNotFound, Code::TerminalOnly, Code::ReplenishmentOpen])
        .creates::<ReplenishmentAnswer>(&[(
            "One note was missing",
            r#"{"atm_id":"ATM123","currency":"USD","cash":10000.00,"difference":-20.00}"#,
        )])
        .or_answers(StatusCode::ACCEPTED, "The terminal has it as an order.")
}

pub(in crate::rest) fn replenishment() -> Operation {
    staff(Verb::Get, "/api/atms/{atm_id}/replenishments/{replenishment_id}", "getReplenishment")
        .says(Tag::Machines, "Tells how far a terminal's replenishment is", "For staff.")
        .asks_the_bank()
        .refuses(&[Code::AtmNotFound, Code::NotFound])
        .answers::<ReplenishmentAnswer>(&[
            (
                "Staff may open the safe",
                r#"{"atm_id":"ATM901","currency":"USD","replenishment_id":"3","status":"open","operator_id":"217310923407360125","ordered_at":"2026-11-20T09:41:07.123Z"}"#,
            ),
            (
                "Posted; half of what was missing belongs to an open case",
                r#"{"atm_id":"ATM901","currency":"USD","cash":10000.00,"difference":-40.00,"in_cases":20.00,"replenishment_id":"3","status":"done","operator_id":"217310923407360125","ordered_at":"2026-11-20T09:41:07.123Z","posted_at":"2026-11-20T09:52:31.004Z","found":"left=498; out=2; unknown=0; rejected=; retracted=; filled=500"}"#,
            ),
        ])
}

const POLICIES: &str = r#"{"version":2,"policies":{"withdrawal_limit":500.00,"daily_withdrawal_limit":2000.00,"daily_transfer_limit":null,"pin_tries":3,"time_zone":"UTC"}}"#;

fn known() -> String {
    policy_names().iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

pub(in crate::rest) fn policies() -> Operation {
    staff(Verb::Get, "/api/policies", "getPolicies")
        .says(Tag::Policies, "Tells the policy in force", format!("For staff. The values: {}.", known()))
        .asks_the_bank()
        .answers::<PoliciesAnswer>(&[("Policy", POLICIES)])
}

pub(in crate::rest) fn change_policies() -> Operation {
    staff(Verb::Put, "/api/policies", "changePolicies")
        .says(
            Tag::Policies,
            "Changes policy values",
            format!("For administrators. What is not named stays; versions are kept. The values: {}.", known()),
        )
        .commands_the_bank()
        .takes_schema::<PolicyPatch>(&[("Limits", r#"{"withdrawal_limit":500.00,"daily_transfer_limit":null}"#)])
        .with_names("PolicyPatch", &policy_names())
        .refuses(&[Code::InvalidAmount])
        .answers::<PoliciesAnswer>(&[("Policy", POLICIES)])
}
