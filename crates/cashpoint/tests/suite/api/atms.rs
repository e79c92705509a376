//! `/api/atms`, `/api/counters`, and a machine's transactions

use crate::support::bank::AMPLE;
use crate::support::{Demo, Host};

/// A machine as it is shown, with these members in place of `…`.
fn shown(id: &str, members: &str) -> String {
    format!(r#"{{"atm_id":"{id}",{members},"last_seen":"<time|null>"}}"#)
}

#[test]
fn it_makes_machines_and_shows_their_credential_once() {
    let host = Host::start(&["admin"]);
    let staff = host.staff("admin");
    let make = |key: &str, body: &str| staff.ask("POST", "/api/atms").key(key).json(body).send();
    let body = r#"{"atm_id":"ATM123","location":"Head Office","kind":"api","cassettes":[{"denomination":50,"currency":"USD","count":100},{"denomination":"20.00","currency":"USD","count":200}]}"#;
    let members = |more: &str| {
        format!(
            r#""location":"Head Office","kind":"api","status":"active","currency":"USD","cash":9000.00,"in_flight":0.00,"deposit_bin":0.00,"cassettes":[{{"denomination":50.00,"count":100}},{{"denomination":20.00,"count":200}}]{more}"#
        )
    };
    let made = make("k1", body).expect(201, &shown("ATM123", &members(r#","channel":"<text>""#)));
    let channel = made.member("channel").text();
    assert!(channel.starts_with("ATM123.") && channel.len() > 40, "a credential is the machine's id and a long secret");
    let again = make("k1", body);
    again.expect(201, &shown("ATM123", &members("")));
    assert_eq!(again.header("idempotent-replayed"), Some("true"));
    make("k2", body).refused(409, "atm_id_taken", "");
    staff.ask("GET", "/api/atms/ATM123").expect(200, &shown("ATM123", &members("")));
    let terminal = body.replace("ATM123", "T1").replace("\"api\"", "\"terminal\"");
    let terminal = make("k3", &terminal)
        .expect(201, &shown("T1", &members(r#","enrolment_code":"<text>""#).replace("\"api\"", "\"terminal\"")));
    assert!(terminal.member("enrolment_code").text().len() >= 8);
    let list = format!(
        r#"{{"atms":[{},{}]}}"#,
        shown("ATM123", &members("")),
        shown("T1", &members("").replace("\"api\"", "\"terminal\""))
    );
    staff.ask("GET", "/api/atms").expect(200, &list);
    staff.ask("GET", "/api/atms/NOWHERE").refused(404, "atm_not_found", "");
}

#[test]
fn it_makes_counters_with_a_credential() {
    let host = Host::start(&["admin"]);
    let staff = host.staff("admin");
    let make = |body: &str| staff.ask("POST", "/api/counters").json(body).send();
    let body = r#"{"counter_id":"HALL-1","location":"The hall"}"#;
    let made =
        make(body).expect(201, r#"{"counter_id":"HALL-1","location":"The hall","status":"active","channel":"<text>"}"#);
    assert!(made.member("channel").text().starts_with("HALL-1."));
    make(body).refused(409, "atm_id_taken", "");
    let machine = r#"{"atm_id":"HALL-1","location":"x","kind":"api","cassettes":[{"denomination":50,"currency":"USD","count":1}]}"#;
    staff.ask("POST", "/api/atms").json(machine).refused(409, "atm_id_taken", "");
    staff.ask("GET", "/api/atms").expect(200, r#"{"atms":[]}"#);
    for (body, field) in [
        (r#"{"counter_id":"","location":"x"}"#, "counter_id"),
        (r#"{"counter_id":"a b","location":"x"}"#, "counter_id"),
        (r#"{"counter_id":"C1"}"#, "location"),
        (r#"{"counter_id":"C1","location":""}"#, "location"),
    ] {
        make(body).refused(400, "invalid_request", &format!(r#""field":"{field}""#));
    }
}

#[test]
fn it_refuses_what_is_no_machine() {
    let demo = Demo::start();
    let staff = demo.staff();
    let cassette = r#"{"denomination":20.00,"currency":"USD","count":5}"#;
    let body = |id: &str, kind: &str, cassettes: &str| {
        format!(r#"{{"atm_id":"{id}","location":"Here","kind":"{kind}","cassettes":[{cassettes}]}}"#)
    };
    let long = "x".repeat(32);
    let rows = [
        (body("", "api", cassette), "invalid_request", "atm_id"),
        (body(&long, "api", cassette), "invalid_request", "atm_id"),
        (body("A/B", "api", cassette), "invalid_request", "atm_id"),
        (body("M", "counter", cassette), "invalid_request", "kind"),
        (body("M", "safe", cassette), "invalid_request", "kind"),
        (body("M", "api", ""), "invalid_request", "cassettes"),
        (
            body("M", "api", r#"{"denomination":0,"currency":"USD","count":5}"#),
            "invalid_amount",
            "cassettes[0].denomination",
        ),
        (
            body("M", "api", r#"{"denomination":20,"currency":"USD","count":-5}"#),
            "invalid_request",
            "cassettes[0].count",
        ),
        (
            body("M", "api", r#"{"denomination":20,"currency":"USD","count":1.5}"#),
            "invalid_request",
            "cassettes[0].count",
        ),
        (
            body("M", "api", &format!(r#"{cassette},{{"denomination":20,"currency":"EUR","count":5}}"#)),
            "invalid_request",
            "cassettes[1].currency",
        ),
        (body("M", "api", r#"{"denomination":20.005,"currency":"USD","count":5}"#), "invalid_amount", "<text>"),
    ];
    for (body, code, field) in rows {
        staff.ask("POST", "/api/atms").json(body).refused(400, code, &format!(r#""field?":"{field}""#));
    }
    staff.ask("GET", "/api/atms/M").refused(404, "atm_not_found", "");
}

#[test]
fn it_changes_place_and_state_of_a_machine() {
    let demo = Demo::start();
    let staff = demo.staff();
    let machine = staff.machine(&[("20.00", 5)]);
    let change = |body: &str| staff.ask("PATCH", &format!("/api/atms/{}", machine.id)).json(body);
    let pattern = |location: &str, status: &str| {
        let members = format!(
            r#""location":"{location}","kind":"api","status":"{status}","currency":"USD","cash":100.00,"in_flight":0.00,"deposit_bin":0.00,"cassettes":[{{"denomination":20.00,"count":5}}]"#
        );
        shown(&machine.id, &members)
    };
    change(r#"{"location":"Upstairs"}"#).expect(200, &pattern("Upstairs", "active"));
    change(r#"{"status":"inactive"}"#).expect(200, &pattern("Upstairs", "inactive"));
    change(r#"{"location":"Downstairs","status":"active"}"#).expect(200, &pattern("Downstairs", "active"));
    for (body, field) in
        [(r#"{"status":"broken"}"#, "status"), (r#"{"kind":"terminal"}"#, "kind"), (r#"{"location":null}"#, "location")]
    {
        change(body).refused(400, "invalid_request", &format!(r#""field":"{field}""#));
    }
    staff.ask("PATCH", "/api/atms/NOWHERE").json(r#"{"status":"active"}"#).refused(404, "atm_not_found", "");
}

#[test]
fn it_counts_every_bin_at_a_replenishment() {
    let demo = Demo::start();
    let staff = demo.staff();
    let visit = staff.visit_at(&staff.machine(&[("50.00", 10), ("20.00", 10)]), "savings", "1000.00");
    assert_eq!(visit.withdraw(&demo, "190").send().status(), 201);
    assert_eq!(visit.deposit(&demo, "60").send().status(), 201);
    let path = format!("/api/atms/{}/replenishments", visit.machine.id);
    // 3 × 50 and 2 × 20 left the machine: 7 and 8 should be there; one 20 is missing, and 5.00 too much is in the bin.
    let body = r#"{"cassettes":[{"denomination":50.00,"counted_out":7,"counted_in":100},{"denomination":20.00,"counted_out":7,"counted_in":50}],"deposit_bin":65.00}"#;
    let count = |body: &str| staff.ask("POST", &path).key("r1").json(body).send();
    let members = r#""location":"Somewhere","kind":"api","status":"active","currency":"USD","cash":6000.00,"in_flight":0.00,"deposit_bin":0.00,"cassettes":[{"denomination":50.00,"count":100},{"denomination":20.00,"count":50}]"#;
    let counted = count(body);
    let pattern = format!(r#"{{"atm_id":"{}","currency":"USD","cash":6000.00,"difference":-15.00}}"#, visit.machine.id);
    counted.expect(201, &pattern);
    let again = count(body);
    assert_eq!((again.status(), again.text()), (201, counted.text()));
    assert_eq!(again.header("idempotent-replayed"), Some("true"));
    count(&body.replace("65.00", "66.00")).refused(422, "idempotency_key_reused", "");
    staff.ask("GET", &format!("/api/atms/{}", visit.machine.id)).expect(200, &shown(&visit.machine.id, members));
    staff.ask("POST", &path).json(r#"{"cassettes":[{"denomination":50.00,"counted_out":-1,"counted_in":0}]}"#).refused(
        400,
        "invalid_request",
        r#""field":"cassettes[0].counted_out""#,
    );
    staff.ask("POST", "/api/atms/NOWHERE/replenishments").json(body).refused(404, "atm_not_found", "");
}

#[test]
fn it_lists_a_machines_transactions_to_staff() {
    let demo = Demo::start();
    let staff = demo.staff();
    let visit = staff.visit_at(&staff.machine(AMPLE), "savings", "1000.00");
    for n in 0..5 {
        let answer = if n % 2 == 0 { visit.withdraw(&demo, "50") } else { visit.deposit(&demo, "10") }.send();
        assert_eq!(answer.status(), 201, "{answer}");
    }
    let entry = format!(
        r#"{{"transaction_id":"<uuid>","type":"<text>","status":"posted","amount":"<money>","currency":"USD","transaction_date":"<time>","atm_id":"{}","account_id?":"{}","card_id?":"{}"}}"#,
        visit.machine.id, visit.account, visit.card.id
    );
    let pattern = format!(r#"{{"transactions":[{entry},"..."],"next_cursor":"<text|null>"}}"#);
    let read = |query: &str| {
        let page =
            staff.ask("GET", &format!("/api/transactions?atm_id={}{query}", visit.machine.id)).expect(200, &pattern);
        let ids: Vec<String> = page
            .member("transactions")
            .list()
            .iter()
            .map(|entry| entry.member("transaction_id").text().to_owned())
            .collect();
        (ids, page.member("next_cursor").clone())
    };
    let (all, _) = read("&limit=500");
    let mut paged = Vec::new();
    let mut cursor = String::new();
    loop {
        let (mut ids, next) = read(&format!("&limit=2{cursor}"));
        paged.append(&mut ids);
        let Some(next) = next.some() else { break };
        cursor = format!("&cursor={}", next.text());
    }
    assert_eq!(paged, all, "pages and the whole list agree");
    assert!(all.len() >= 5);
    let mut sorted = all.clone();
    sorted.sort_by(|a, b| b.cmp(a));
    sorted.dedup();
    assert_eq!(sorted, all, "newest first, each once");
    staff.ask("GET", "/api/transactions").refused(400, "invalid_request", r#""field":"atm_id""#);
    staff.ask("GET", "/api/transactions?atm_id=NOWHERE").refused(404, "atm_not_found", "");
}
