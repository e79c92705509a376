//! Every path there is, and what holds for all of them: methods, sessions, media types, shapes.

use std::collections::{BTreeMap, BTreeSet};

use crate::support::{Ask, Demo, Json, Online, Site};

/// Whose session a path wants.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Who {
    Anyone,
    /// Any session.
    Session,
    /// A card's or an online one.
    Customer,
    Online,
    /// The card's own.
    Card,
    CustomerOrStaff,
    Staff,
}

/// Method, path, whose session, and a body of the right shape (empty: it takes none).
type Route = (&'static str, &'static str, Who, &'static str);

/// The table of the contract.
const ROUTES: &[Route] = &[
    (
        "POST",
        "/api/customers",
        Who::Anyone,
        r#"{"name":"A","email":"x@example.com","password":"long enough","account":{"type":"savings","currency":"USD"}}"#,
    ),
    ("GET", "/api/customers/current", Who::Online, ""),
    ("PATCH", "/api/customers/current", Who::Online, r#"{"name":"B"}"#),
    (
        "PUT",
        "/api/customers/current/password",
        Who::Online,
        r#"{"old_password":"long enough","new_password":"longer still"}"#,
    ),
    ("POST", "/api/sessions", Who::Anyone, r#"{"email":"x@example.com","password":"long enough"}"#),
    ("GET", "/api/sessions/current", Who::Session, ""),
    ("DELETE", "/api/sessions/current", Who::Session, ""),
    ("GET", "/api/accounts", Who::Customer, ""),
    ("POST", "/api/accounts", Who::Online, r#"{"type":"savings","currency":"USD"}"#),
    ("POST", "/api/accounts/{account_id}/close", Who::Online, ""),
    ("GET", "/api/accounts/{account_id}/balance", Who::Customer, ""),
    ("POST", "/api/accounts/{account_id}/withdraw", Who::Customer, r#"{"amount":1.00}"#),
    ("POST", "/api/accounts/{account_id}/deposit", Who::Customer, r#"{"amount":1.00}"#),
    ("POST", "/api/accounts/{account_id}/transfer", Who::Customer, r#"{"target_account_id":"67890","amount":1.00}"#),
    ("GET", "/api/accounts/{account_id}/transactions", Who::Customer, ""),
    ("GET", "/api/transactions/{transaction_id}", Who::Customer, ""),
    ("GET", "/api/transactions", Who::Staff, ""),
    (
        "POST",
        "/api/operators/customers",
        Who::Staff,
        r#"{"name":"A","accounts":[{"type":"savings","currency":"USD"}]}"#,
    ),
    ("POST", "/api/cards", Who::Staff, r#"{"customer_id":"1","account_ids":["12345"]}"#),
    ("PUT", "/api/cards/{card_id}/pin", Who::Card, r#"{"old_pin":"1234","new_pin":"4321"}"#),
    ("POST", "/api/cards/{card_id}/pin", Who::Staff, ""),
    ("POST", "/api/cards/{card_id}/report", Who::CustomerOrStaff, r#"{"reason":"lost"}"#),
    ("POST", "/api/cards/{card_id}/unblock", Who::Staff, ""),
    ("DELETE", "/api/cards/{card_id}", Who::Staff, ""),
    ("POST", "/api/operators/sessions", Who::Anyone, r#"{"username":"operator","password":"operator"}"#),
    ("GET", "/api/counters", Who::Staff, ""),
    ("GET", "/api/customers/current/notifications", Who::Online, ""),
    ("PUT", "/api/customers/current/notifications", Who::Online, r#"{"email":"all"}"#),
    ("GET", "/api/notifications/dead", Who::Staff, ""),
    ("POST", "/api/counters", Who::Staff, r#"{"counter_id":"C1","location":"Here"}"#),
    (
        "POST",
        "/api/atms",
        Who::Staff,
        r#"{"atm_id":"A1","location":"Here","kind":"api","cassettes":[{"denomination":50.00,"currency":"USD","count":9}]}"#,
    ),
    ("GET", "/api/atms", Who::Staff, ""),
    ("GET", "/api/atms/{atm_id}", Who::Staff, ""),
    ("PATCH", "/api/atms/{atm_id}", Who::Staff, r#"{"location":"There"}"#),
    ("POST", "/api/atms/{atm_id}/enrolment-codes", Who::Staff, ""),
    (
        "POST",
        "/api/atms/{atm_id}/replenishments",
        Who::Staff,
        r#"{"cassettes":[{"denomination":50.00,"counted_out":1,"counted_in":1}]}"#,
    ),
    ("GET", "/api/atms/{atm_id}/replenishments/{replenishment_id}", Who::Staff, ""),
    ("GET", "/api/cases", Who::Staff, ""),
    ("GET", "/api/cases/{case_id}", Who::Staff, ""),
    ("POST", "/api/cases/{case_id}/resolve", Who::Staff, r#"{"paid":10.00}"#),
    ("GET", "/api/policies", Who::Staff, ""),
    ("PUT", "/api/policies", Who::Staff, r#"{"pin_tries":3}"#),
];

/// The request of a route, with ids that do not exist filled in.
fn ask<'a>(site: &'a Site, (method, path, _, body): &Route) -> Ask<'a> {
    let path = path.replace("{account_id}", "99999").replace("{card_id}", "123456789").replace("{atm_id}", "NOWHERE");
    let path = path.replace("{case_id}", "123456789").replace("{replenishment_id}", "1");
    let path = path.replace("{transaction_id}", "01932b3c-4d5e-7f60-8a1b-2c3d4e5f6071");
    let query = if *method == "GET" && path == "/api/transactions" { "?atm_id=NOWHERE" } else { "" };
    let ask = site.ask(method, &format!("{path}{query}"));
    if body.is_empty() { ask } else { ask.json(*body) }
}

#[test]
fn it_wants_a_session_that_lives() {
    let demo = Demo::start();
    let ended = Online::sign_up(&demo, "savings").token;
    demo.delete("/api/sessions/current").bearer(&ended).expect(204, "");
    for route in ROUTES.iter().filter(|(_, _, who, _)| *who != Who::Anyone) {
        ask(&demo, route).refused(401, "unauthenticated", "");
        ask(&demo, route).bearer("cps_0000000000000000000000000000000000000000000").refused(401, "unauthenticated", "");
        let answer = ask(&demo, route).bearer(&ended).send();
        if matches!(route.2, Who::Staff | Who::Card) {
            assert!(matches!(answer.status(), 401 | 403), "{answer}");
        } else {
            answer.refused(401, "session_expired", "");
        }
    }
}

#[test]
fn it_refuses_sessions_of_the_wrong_kind() {
    let demo = Demo::start();
    let staff = demo.staff();
    let card = staff.visit("savings", "10.00").token;
    let online = Online::sign_up(&demo, "savings").token;
    for route in ROUTES {
        let wrong: &[&str] = match route.2 {
            Who::Anyone | Who::Session | Who::CustomerOrStaff => &[],
            Who::Customer => &[&staff.token],
            Who::Online => &[&staff.token, &card],
            Who::Card => &[&staff.token],
            Who::Staff => &[&card, &online],
        };
        for token in wrong {
            ask(&demo, route).bearer(token).refused(403, "forbidden", "");
        }
    }
}

#[test]
fn it_answers_405_with_the_methods_that_there_are() {
    let demo = Demo::start();
    let staff = demo.staff();
    let mut methods: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (method, path, ..) in ROUTES {
        methods.entry(path).or_default().insert(method);
    }
    for (path, method) in
        [("/accounts/{account_id}/balance", "GET"), ("/openapi.json", "GET"), ("/docs", "GET"), ("/", "GET")]
    {
        methods.entry(path).or_default().insert(method);
    }
    for (path, allowed) in methods {
        for method in ["GET", "POST", "PUT", "PATCH", "DELETE", "TRACE"] {
            if allowed.contains(method) {
                continue;
            }
            let route = (method, path, Who::Staff, "");
            let answer = ask(&demo, &route).bearer(&staff.token).send();
            assert_eq!(answer.status(), 405, "{answer}");
            let listed: BTreeSet<&str> = answer.header("allow").unwrap_or_default().split(',').map(str::trim).collect();
            let listed: BTreeSet<&str> =
                listed.into_iter().filter(|method| !matches!(*method, "HEAD" | "OPTIONS")).collect();
            assert_eq!(listed, allowed, "{answer}");
            if !path.starts_with("/accounts") {
                answer.refused(405, "method_not_allowed", "");
            }
        }
    }
}

#[test]
fn it_reads_every_body_strictly() {
    let demo = Demo::start();
    let staff = demo.staff();
    let card = staff.visit("savings", "10.00").token;
    let online = Online::sign_up(&demo, "savings").token;
    for route in ROUTES.iter().filter(|(.., body)| !body.is_empty()) {
        let (method, path, who, body) = *route;
        let token = match who {
            Who::Anyone => "",
            Who::Staff | Who::CustomerOrStaff | Who::Session => staff.token.as_str(),
            Who::Card => card.as_str(),
            Who::Customer | Who::Online => online.as_str(),
        };
        let with = |body: &str| ask(&demo, &(method, path, who, "")).bearer(token).json(body).send();
        for malformed in ["", "{", "[]", "null", "\"x\"", "{\"a\":1}}"] {
            with(malformed).refused(400, "invalid_request", r#""field?":"<text>""#);
        }
        let unknown = format!(r#"{},"surprise":1}}"#, &body[..body.len() - 1]);
        with(&unknown).refused(400, "invalid_request", r#""field":"surprise""#);
        let first = body.split('"').nth(1).unwrap();
        let twice = format!(r#"{},"{first}":1}}"#, &body[..body.len() - 1]);
        with(&twice).refused(400, "invalid_request", &format!(r#""field":"{first}""#));
        let plain = ask(&demo, &(method, path, who, "")).bearer(token).header("Content-Type", "text/plain");
        plain.bytes(body.as_bytes().to_vec()).refused(415, "unsupported_media_type", "");
    }
}

#[test]
fn it_stands_in_the_openapi_document_as_it_is() {
    let demo = Demo::start();
    let answer = demo.get("/openapi.json").send();
    assert_eq!((answer.status(), answer.header("content-type")), (200, Some("application/json")), "{answer}");
    let document = answer.json();
    assert!(document.member("openapi").text().starts_with("3."), "{}", document.member("openapi"));
    let Json::Object(paths) = document.member("paths") else { panic!("the document has no paths") };
    let described: BTreeSet<(String, String)> = paths
        .iter()
        .filter(|(path, _)| path.starts_with("/api/"))
        .flat_map(|(path, item)| {
            let Json::Object(operations) = item else { panic!("{path} is no object") };
            let methods = operations.iter().map(|(method, _)| method.to_uppercase());
            let methods = methods.filter(|method| ["GET", "POST", "PUT", "PATCH", "DELETE"].contains(&method.as_str()));
            methods.map(move |method| (method, path.clone()))
        })
        .collect();
    let served: BTreeSet<(String, String)> =
        ROUTES.iter().map(|(method, path, ..)| ((*method).to_owned(), (*path).to_owned())).collect();
    let only_described: Vec<_> = described.difference(&served).collect();
    let only_served: Vec<_> = served.difference(&described).collect();
    assert!(only_described.is_empty(), "paths that these tests do not know: {only_described:?}");
    assert!(only_served.is_empty(), "paths that the document leaves out: {only_served:?}");
}
