//! `/api/cards`

use crate::support::bank::AMPLE;
use crate::support::{Answer, Demo, Host, Online};

#[test]
fn it_makes_cards_and_shows_their_secrets_once() {
    let demo = Demo::start();
    let staff = demo.staff();
    let customer = staff.customer(&[("savings", "10.00"), ("checking", "10.00")]);
    let body = format!(r#"{{"customer_id":"{}","account_ids":["{}"]}}"#, customer.id, customer.accounts[0]);
    let issue = |key: &str, body: &str| staff.ask("POST", "/api/cards").key(key).json(body).send();
    let shown = r#"{"card_id":"<id>","card_number":"<pan>","expires":"<month>","pin":"<pin>"}"#;
    let card = issue("k1", &body).expect(201, shown);
    let pattern =
        format!(r#"{{"card_id":"{}","expires":"{}"}}"#, card.member("card_id").text(), card.member("expires").text());
    let again = issue("k1", &body);
    again.expect(201, &pattern);
    assert_eq!(again.header("idempotent-replayed"), Some("true"));
    let second = issue("k2", &body).expect(201, shown);
    assert_ne!(second.member("card_number"), card.member("card_number"), "a customer may have several cards");

    // What is given is taken.
    let given = format!(
        r#"{{"customer_id":"{}","account_ids":["{}","{}"],"card_number":"4556737586899855","pin":"13579"}}"#,
        customer.id, customer.accounts[1], customer.accounts[0]
    );
    let pattern = r#"{"card_id":"<id>","card_number":"4556737586899855","expires":"<month>","pin?":"13579"}"#;
    issue("k3", &given).expect(201, pattern);
    issue("k4", &given).refused(409, "card_number_taken", "");
    let body = r#"{"card_number":"4556737586899855","pin":"13579","atm_id":"ATM001"}"#;
    assert_eq!(demo.post("/api/sessions").json(body).send().status(), 201);
}

#[test]
fn it_refuses_what_is_no_card() {
    let demo = Demo::start();
    let staff = demo.staff();
    let customer = staff.customer(&[("savings", "10.00")]);
    let foreign = staff.customer(&[("savings", "10.00")]);
    let (id, account) = (&customer.id, &customer.accounts[0]);
    let rows = [
        (format!(r#"{{"customer_id":"{id}","account_ids":[]}}"#), 400, "invalid_request", r#""field":"account_ids""#),
        (
            format!(r#"{{"customer_id":"{id}","account_ids":"{account}"}}"#),
            400,
            "invalid_request",
            r#""field":"account_ids""#,
        ),
        (format!(r#"{{"customer_id":"{id}","account_ids":["1"]}}"#), 400, "invalid_account_id", r#""field":"<text>""#),
        (format!(r#"{{"customer_id":"{id}","account_ids":["99999"]}}"#), 404, "account_not_found", ""),
        (
            format!(r#"{{"customer_id":"{id}","account_ids":["{}"]}}"#, foreign.accounts[0]),
            404,
            "account_not_found",
            "",
        ),
        (format!(r#"{{"customer_id":"1","account_ids":["{account}"]}}"#), 404, "not_found", ""),
        (
            format!(r#"{{"customer_id":"{id}","account_ids":["{account}"],"pin":"123"}}"#),
            400,
            "invalid_request",
            r#""field":"pin""#,
        ),
        (
            format!(r#"{{"customer_id":"{id}","account_ids":["{account}"],"card_number":"1"}}"#),
            400,
            "invalid_request",
            r#""field":"card_number""#,
        ),
    ];
    for (body, status, code, more) in rows {
        staff.ask("POST", "/api/cards").json(body).refused(status, code, more);
    }
}

#[test]
fn it_refuses_published_test_numbers_outside_a_sandbox() {
    let host = Host::start(&["admin"]);
    let staff = host.staff("admin");
    let customer = staff.customer(&[("savings", "10.00")]);
    for number in ["4111111111111111", "4242424242424242", "5555555555554444", "378282246310005"] {
        let body = format!(
            r#"{{"customer_id":"{}","account_ids":["{}"],"card_number":"{number}"}}"#,
            customer.id, customer.accounts[0]
        );
        staff.ask("POST", "/api/cards").json(body).refused(400, "invalid_request", r#""field":"card_number""#);
    }
}

#[test]
fn it_blocks_a_card_after_three_wrong_pins_in_a_row() {
    let demo = Demo::start();
    let staff = demo.staff();
    let visit = staff.visit("savings", "100.00");
    let (card, elsewhere) = (&visit.card, staff.machine(AMPLE));
    let wrong = |machine| card.at(&demo, machine, card.wrong_pin()).refused(401, "wrong_credentials", "");
    // Two wrong ones and a right one leave nothing behind.
    wrong(&visit.machine);
    wrong(&elsewhere);
    let token = card.enter(&demo, &visit.machine);
    wrong(&visit.machine);
    wrong(&elsewhere);
    wrong(&visit.machine);
    let now =
        demo.post("/api/operators/sessions").json(r#"{"username":"operator","password":"operator"}"#).send().json();
    let blocked = card.at(&demo, &visit.machine, &card.pin).refused(423, "card_blocked", r#""blocked_until":"<time>""#);
    let instant = |text: &str| text.parse::<jiff::Timestamp>().unwrap().as_second();
    // An operator session that begins now expires in 30 minutes, as the block does.
    let apart = instant(now.member("expires_at").text()) - instant(blocked.member("blocked_until").text());
    assert!(apart.abs() < 30, "the block lasts 30 minutes, off by {apart} s");
    card.at(&demo, &elsewhere, card.wrong_pin()).refused(423, "card_blocked", r#""blocked_until":"<time>""#);

    // It refuses every command of the card, ends no session and is not recorded.
    let withdraw = || {
        let ask = demo.post(&format!("/api/accounts/{}/withdraw", visit.account)).bearer(&token).key("k");
        ask.json(r#"{"amount":10}"#).send()
    };
    withdraw().refused(423, "card_blocked", r#""blocked_until":"<time>""#);
    demo.get(&format!("/api/accounts/{}/balance", visit.account)).bearer(&token).refused(
        423,
        "card_blocked",
        r#""blocked_until":"<time>""#,
    );
    staff.ask("POST", &format!("/api/cards/{}/unblock", card.id)).expect(204, "");
    assert_eq!(withdraw().status(), 201);
    card.enter(&demo, &visit.machine);
}

#[test]
fn it_locks_a_card_after_three_blocks() {
    let demo = Demo::start();
    let staff = demo.staff();
    staff.set_policies(r#""pin_blocks":1"#);
    let visit = staff.visit("savings", "100.00");
    for _ in 0..3 {
        visit.card.at(&demo, &visit.machine, visit.card.wrong_pin()).refused(401, "wrong_credentials", "");
    }
    let locked = || {
        visit.card.at(&demo, &visit.machine, &visit.card.pin).refused(423, "card_blocked", r#""blocked_until":null"#)
    };
    locked();
    // A new PIN lifts no lock.
    let reset = staff.ask("POST", &format!("/api/cards/{}/pin", visit.card.id)).expect(201, r#"{"pin":"<pin>"}"#);
    locked();
    staff.ask("POST", &format!("/api/cards/{}/unblock", visit.card.id)).expect(204, "");
    visit.card.at(&demo, &visit.machine, reset.member("pin").text()).expect(201, r#""<object>""#);
}

#[test]
fn it_counts_and_blocks_an_unknown_number_the_same_way() {
    let demo = Demo::start();
    let visit = demo.staff().visit("savings", "100.00");
    let unknown = |pin: &str| {
        let body = format!(r#"{{"card_number":"4929000000000006","pin":"{pin}","atm_id":"{}"}}"#, visit.machine.id);
        demo.post("/api/sessions").json(body).send()
    };
    let known = || visit.card.at(&demo, &visit.machine, visit.card.wrong_pin()).send();
    for pin in ["1111", "2222", "3333"] {
        assert_eq!(unknown(pin).comparable(), known().comparable());
    }
    let pattern = r#""blocked_until":"<time>""#;
    unknown("4444").refused(423, "card_blocked", pattern);
    known().refused(423, "card_blocked", pattern);
}

#[test]
fn it_changes_and_resets_pins() {
    let demo = Demo::start();
    let staff = demo.staff();
    let visit = staff.visit("savings", "100.00");
    let change = |token: &str, old: &str, new: &str| {
        let body = format!(r#"{{"old_pin":"{old}","new_pin":"{new}"}}"#);
        demo.put(&format!("/api/cards/{}/pin", visit.card.id)).bearer(token).json(body).send()
    };
    let log_in = |pin: &str| visit.card.at(&demo, &visit.machine, pin).send();
    let (old, wrong) = (visit.card.pin.as_str(), visit.card.wrong_pin());
    change(&visit.token, old, "123").refused(400, "invalid_request", r#""field":"new_pin""#);
    change(&visit.token, wrong, "86420").refused(401, "wrong_credentials", "");
    change(&visit.token, old, "86420").expect(204, "");
    log_in(old).refused(401, "wrong_credentials", "");
    let token = log_in("86420").expect(201, r#""<object>""#).member("token").text().to_owned();
    // Only this card's own session may.
    let online = Online::sign_up(&demo, "savings");
    let other = staff.visit("savings", "100.00");
    change(&staff.token, "86420", "97531").refused(403, "forbidden", "");
    for stranger in [&online.token, &other.token] {
        change(stranger, "86420", "97531").refused(404, "not_found", "");
    }
    // A wrong old PIN counts as a try.
    for _ in 0..3 {
        change(&token, wrong, "97531").refused(401, "wrong_credentials", "");
    }
    change(&token, "86420", "97531").refused(423, "card_blocked", r#""blocked_until":"<time>""#);
    log_in("86420").refused(423, "card_blocked", r#""blocked_until":"<time>""#);
    staff.ask("POST", &format!("/api/cards/{}/unblock", visit.card.id)).expect(204, "");
    let reset = staff.ask("POST", &format!("/api/cards/{}/pin", visit.card.id)).expect(201, r#"{"pin":"<pin>"}"#);
    log_in(reset.member("pin").text()).expect(201, r#""<object>""#);
}

#[test]
fn it_ends_the_sessions_of_a_reported_card_at_once() {
    let demo = Demo::start();
    let staff = demo.staff();
    for (reason, code) in [("lost", "card_lost"), ("stolen", "card_stolen")] {
        let by_staff = staff.visit("savings", "100.00");
        let by_holder = staff.visit("savings", "100.00");
        let body = format!(r#"{{"reason":"{reason}"}}"#);
        let path = |card: &str| format!("/api/cards/{card}/report");
        let other = staff.visit("savings", "1.00");
        let answer: Answer = demo.post(&path(&by_holder.card.id)).bearer(&other.token).json(body.clone()).send();
        answer.refused(404, "not_found", "");
        staff.ask("POST", &path(&by_staff.card.id)).json(body.clone()).expect(204, "");
        demo.post(&path(&by_holder.card.id)).bearer(&by_holder.token).json(body).expect(204, "");
        for visit in [by_staff, by_holder] {
            visit.withdraw(&demo, "10").refused(401, "session_expired", "");
            demo.get("/api/sessions/current").bearer(&visit.token).refused(401, "session_expired", "");
            visit.card.at(&demo, &visit.machine, visit.card.wrong_pin()).refused(401, "wrong_credentials", "");
            visit.card.at(&demo, &visit.machine, &visit.card.pin).refused(422, code, "");
        }
    }
    let visit = staff.visit("savings", "1.00");
    let report = |body: &str| staff.ask("POST", &format!("/api/cards/{}/report", visit.card.id)).json(body);
    report(r#"{"reason":"eaten"}"#).refused(400, "invalid_request", r#""field":"reason""#);
    report("{}").refused(400, "invalid_request", r#""field":"reason""#);
    staff.ask("POST", "/api/cards/999999999999/report").json(r#"{"reason":"lost"}"#).refused(404, "not_found", "");
}

#[test]
fn it_reports_ones_own_card_online() {
    let demo = Demo::start();
    let staff = demo.staff();
    let online = Online::sign_up(&demo, "savings");
    let body = format!(r#"{{"customer_id":"{}","account_ids":["{}"]}}"#, online.customer, online.account);
    let card = staff.ask("POST", "/api/cards").json(body).send().json().member("card_id").text().to_owned();
    let report =
        |token: &str| demo.post(&format!("/api/cards/{card}/report")).bearer(token).json(r#"{"reason":"lost"}"#);
    report(&Online::sign_up(&demo, "savings").token).refused(404, "not_found", "");
    report(&online.token).expect(204, "");
    assert_eq!(
        demo.get("/api/accounts").bearer(&online.token).send().status(),
        200,
        "an online session is not the card's"
    );
}

#[test]
fn it_takes_a_card_away_for_good() {
    let demo = Demo::start();
    let staff = demo.staff();
    let visit = staff.visit("savings", "100.00");
    staff.ask("DELETE", &format!("/api/cards/{}", visit.card.id)).expect(204, "");
    demo.get("/api/sessions/current").bearer(&visit.token).refused(401, "session_expired", "");
    visit.card.at(&demo, &visit.machine, &visit.card.pin).refused(401, "wrong_credentials", "");
    for (method, path) in [("DELETE", ""), ("POST", "/unblock"), ("POST", "/pin")] {
        staff.ask(method, &format!("/api/cards/999999999999{path}")).refused(404, "not_found", "");
        staff.ask(method, &format!("/api/cards/x{path}")).refused(404, "not_found", "");
    }
}
