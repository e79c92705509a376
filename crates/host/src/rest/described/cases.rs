//! Open questions about cash.

use cashpoint_wire::answer::case::{CaseAnswer, CasesAnswer};
use cashpoint_wire::problem::Code;
use cashpoint_wire::request::case::ResolutionBody;

use super::{case_status, cursor, limit};
use crate::openapi::{Operation, Tag, Verb};

const CASE: &str = r#"{"case_id":"217310923407360126","matter":"suspect","atm_id":"ATM901","account_id":"12345","card_id":"217310923407360124","amount":100.00,"currency":"USD","transaction_id":"01901234-5678-7abc-8def-0123456789ab","opened_at":"2026-11-20T09:41:07.123Z","short":0.00,"evidence":"reference=3f2a91c07be415d8000000000000002a; present=Unknown; failure=Jam","paid":null}"#;
const RESOLVED: &str = r#"{"case_id":"217310923407360126","matter":"suspect","atm_id":"ATM901","account_id":"12345","card_id":"217310923407360124","amount":100.00,"currency":"USD","transaction_id":"01901234-5678-7abc-8def-0123456789ab","opened_at":"2026-11-20T09:41:07.123Z","short":0.00,"evidence":"reference=3f2a91c07be415d8000000000000002a; present=Unknown; failure=Jam","paid":0.00}"#;
const PAGE: &str = r#"{"cases":[{"case_id":"217310923407360126","matter":"suspect","atm_id":"ATM901","account_id":"12345","card_id":"217310923407360124","amount":100.00,"currency":"USD","transaction_id":"01901234-5678-7abc-8def-0123456789ab","opened_at":"2026-11-20T09:41:07.123Z","short":0.00,"evidence":"reference=3f2a91c07be415d8000000000000002a; present=Unknown; failure=Jam","paid":null}],"next_cursor":null}"#;

/// For staff.
fn staff(verb: Verb, path: &'static str, id: &'static str) -> Operation {
    Operation::new(verb, path, id).in_session().refuses(&[Code::Forbidden, Code::CardBlocked])
}

pub(in crate::rest) fn list() -> Operation {
    staff(Verb::Get, "/api/cases", "listCases")
        .says(Tag::Machines, "Lists cases", "For staff. Oldest first; those that wait, unless all are asked for.")
        .asks_the_bank()
        .parameter(case_status())
        .parameter(limit())
        .parameter(cursor())
        .answers::<CasesAnswer>(&[("The last page", PAGE)])
}

pub(in crate::rest) fn show() -> Operation {
    staff(Verb::Get, "/api/cases/{case_id}", "getCase")
        .says(Tag::Machines, "Tells how a case stands", "For staff.")
        .asks_the_bank()
        .refuses(&[Code::NotFound])
        .answers::<CaseAnswer>(&[("Case", CASE)])
}

pub(in crate::rest) fn resolve() -> Operation {
    staff(Verb::Post, "/api/cases/{case_id}/resolve", "resolveCase")
        .says(
            Tag::Machines,
            "Resolves a case",
            "For custodians and administrators, who have counted and looked. What turned out paid is posted, the rest \
             given back; a case is resolved once. Of a deposit of unknown amount (0.00), what was found is named.",
        )
        .commands_the_bank()
        .takes::<ResolutionBody>(&[("Nothing was paid", r#"{"paid":0.00}"#)])
        .keyed()
        .refuses(&[Code::NotFound, Code::InvalidAmount, Code::Reversed])
        .answers::<CaseAnswer>(&[("Nothing was paid", RESOLVED)])
}
