//! `/api/sessions`

use crate::support::bank::AMPLE;
use crate::support::{Demo, Host, Json, Online, Visit};

const ACCOUNT: &str = r#"{"account_id":"<account>","type":"<text>","currency":"USD","primary":"<bool>"}"#;

/// Seconds from one instant to another.
fn seconds_between(from: &Json, to: &Json) -> i64 {
    let instant = |json: &Json| json.text().parse::<jiff::Timestamp>().unwrap();
    instant(to).as_second() - instant(from).as_second()
}

fn is_alive(demo: &Demo, token: &str) -> bool {
    demo.get("/api/sessions/current").bearer(token).send().status() == 200
}

#[test]
fn it_begins_a_session_at_a_machine() {
    let demo = Demo::start();
    let staff = demo.staff();
    let customer = staff.customer(&[("checking", "50.00"), ("savings", "800.00")]);
    let card = staff.card(&customer, &[&customer.accounts[1], &customer.accounts[0]]);
    let pattern = format!(
        r#"{{"token":"<token>","expires_at":"<time>","idle_timeout_s":300,"customer":{{"customer_id":"{}","name":"{}"}},"card_id":"{}","accounts":[
            {{"account_id":"{}","type":"savings","currency":"USD","primary":true}},
            {{"account_id":"{}","type":"checking","currency":"USD","primary":false}}]}}"#,
        customer.id, customer.name, card.id, customer.accounts[1], customer.accounts[0]
    );
    let session = card.at(&demo, &staff.machine(AMPLE), &card.pin).expect(201, &pattern);
    let token = session.member("token").text();
    let balance = demo.get(&format!("/api/accounts/{}/balance", customer.accounts[0])).bearer(token).send().json();
    let left = seconds_between(balance.member("as_of"), session.member("expires_at"));
    assert!((270..=300).contains(&left), "an ATM session ends after 5 minutes without activity, not {left} s");
    let shown = pattern.replace(r#""token":"<token>","#, "");
    demo.get("/api/sessions/current").bearer(token).expect(200, &shown);
}

#[test]
fn it_begins_a_session_online() {
    let demo = Demo::start();
    let online = Online::sign_up(&demo, "checking");
    let pattern = format!(
        r#"{{"token":"<token>","expires_at":"<time>","idle_timeout_s":1800,"customer":{{"customer_id":"{}","name":"<text>"}},"accounts":[{ACCOUNT}]}}"#,
        online.customer
    );
    let session = online.log_in(&demo, &online.password).expect(201, &pattern);
    let token = session.member("token").text();
    let balance = demo.get(&format!("/api/accounts/{}/balance", online.account)).bearer(token).send().json();
    let left = seconds_between(balance.member("as_of"), session.member("expires_at"));
    assert!((1770..=1800).contains(&left), "an online session ends after 30 minutes without activity, not {left} s");
    demo.get("/api/sessions/current").bearer(token).expect(200, &pattern.replace(r#""token":"<token>","#, ""));
    assert!(is_alive(&demo, &online.token), "several online sessions may live");
    let elsewhere = online.log_in(&demo, &online.password).send().json();
    assert_ne!(elsewhere.member("token").text(), token, "every session has a token of its own");
    let shouted = format!(r#"{{"email":"{}","password":"{}"}}"#, online.email.to_uppercase(), online.password);
    assert_eq!(demo.post("/api/sessions").json(shouted).send().status(), 201, "the case of an address does not matter");
}

#[test]
fn it_ends_a_session() {
    let demo = Demo::start();
    let visit = demo.staff().visit("savings", "10.00");
    let online = Online::sign_up(&demo, "savings");
    for (token, account) in [(&visit.token, &visit.account), (&online.token, &online.account)] {
        demo.delete("/api/sessions/current").bearer(token).expect(204, "");
        demo.get("/api/sessions/current").bearer(token).refused(401, "session_expired", "");
        demo.get(&format!("/api/accounts/{account}/balance")).bearer(token).refused(401, "session_expired", "");
        demo.delete("/api/sessions/current").bearer(token).refused(401, "session_expired", "");
    }
}

#[test]
fn it_does_not_tell_unknown_from_wrong() {
    let demo = Demo::start();
    let staff = demo.staff();
    let visit = staff.visit("savings", "10.00");
    let online = Online::sign_up(&demo, "savings");
    let by_card = |number: &str, pin: &str| {
        let body = format!(r#"{{"card_number":"{number}","pin":"{pin}","atm_id":"{}"}}"#, visit.machine.id);
        demo.post("/api/sessions").json(body).send()
    };
    let by_email = |email: &str, password: &str| {
        demo.post("/api/sessions").json(format!(r#"{{"email":"{email}","password":"{password}"}}"#)).send()
    };
    let by_name = |path: &str, name: &str, password: &str| {
        demo.post(path).json(format!(r#"{{"username":"{name}","password":"{password}"}}"#)).send()
    };
    let answers = [
        by_card(&visit.card.number, visit.card.wrong_pin()),
        by_card("4000000000000002", "1234"),
        by_card("400000000000", "123456789012"),
        by_email(&online.email, "not the password"),
        by_email("nobody@example.com", "not the password"),
        by_name("/api/operators/sessions", "operator", "not the password"),
        by_name("/api/operators/sessions", "nobody", "not the password"),
    ];
    for answer in &answers {
        answer.refused(401, "wrong_credentials", "");
        assert_eq!(answer.comparable(), answers[0].comparable());
    }
    assert!(is_alive(&demo, &visit.token), "a failed log-in ends nothing");
}

#[test]
fn it_refuses_what_is_no_log_in() {
    let demo = Demo::start();
    let rows = [
        ("{}", r#""field":"<text>""#),
        (r#"{"card_number":"4532123456789012","pin":"1234"}"#, r#""field":"atm_id""#),
        (r#"{"card_number":"4532123456789012","atm_id":"ATM001"}"#, r#""field":"pin""#),
        (r#"{"pin":"1234","atm_id":"ATM001"}"#, r#""field":"card_number""#),
        (r#"{"card_number":4532123456789012,"pin":"1234","atm_id":"ATM001"}"#, r#""field":"card_number""#),
        (r#"{"card_number":"4532123456789012","pin":1234,"atm_id":"ATM001"}"#, r#""field":"pin""#),
        (r#"{"card_number":"4532123456789012","pin":"123","atm_id":"ATM001"}"#, r#""field":"pin""#),
        (r#"{"card_number":"4532123456789012","pin":"1234567890123","atm_id":"ATM001"}"#, r#""field":"pin""#),
        (r#"{"card_number":"4532123456789012","pin":"12a4","atm_id":"ATM001"}"#, r#""field":"pin""#),
        (r#"{"card_number":"45321234567","pin":"1234","atm_id":"ATM001"}"#, r#""field":"card_number""#),
        (r#"{"card_number":"45321234567890123456","pin":"1234","atm_id":"ATM001"}"#, r#""field":"card_number""#),
        (r#"{"card_number":"4532 1234 5678 9012","pin":"1234","atm_id":"ATM001"}"#, r#""field":"card_number""#),
        (r#"{"card_number":"4532123456789012","pin":"1234","atm_id":""}"#, r#""field":"atm_id""#),
        (r#"{"card_number":"4532123456789012","pin":"1234","atm_id":"ATM 001"}"#, r#""field":"atm_id""#),
        (r#"{"card_number":"4532123456789012","pin":"1234","atm_id":"ATM001","email":"a@b.c"}"#, r#""field":"<text>""#),
        (r#"{"email":"a@example.com"}"#, r#""field":"password""#),
        (r#"{"password":"a password"}"#, r#""field":"email""#),
        (r#"{"email":null,"password":"a password"}"#, r#""field":"email""#),
        (r#"{"email":"a@example.com","password":["a"]}"#, r#""field":"password""#),
        (r#"{"email":"a@example.com","password":"a password","totp":"12345"}"#, r#""field":"totp""#),
        (r#"{"email":"a@example.com","password":"a password","remember":true}"#, r#""field":"remember""#),
    ];
    for (body, field) in rows {
        demo.post("/api/sessions").json(body).refused(400, "invalid_request", field);
    }
    // Nobody can enrol a second factor: a code tells nothing, neither with the right password nor with a wrong one.
    let coded = |password: &str| {
        let body = format!(r#"{{"email":"john.doe@example.com","password":"{password}","totp":"123456"}}"#);
        demo.post("/api/sessions").json(body).send()
    };
    assert_eq!(coded("sandbox-john").status(), 201);
    coded("another").refused(401, "wrong_credentials", "");
    let nowhere = r#"{"card_number":"4532123456789012","pin":"1234","atm_id":"NOWHERE"}"#;
    demo.post("/api/sessions").json(nowhere).refused(404, "atm_not_found", "");
}

#[test]
fn it_ends_the_older_session_of_the_card_and_of_the_machine() {
    let demo = Demo::start();
    let staff = demo.staff();
    let first = staff.visit("savings", "10.00");
    let elsewhere = staff.machine(AMPLE);
    let token = first.card.enter(&demo, &elsewhere);
    demo.get("/api/accounts").bearer(&first.token).refused(401, "session_expired", "");
    first.withdraw(&demo, "10").refused(401, "session_expired", "");
    assert!(is_alive(&demo, &token));
    // Another customer steps up to that machine.
    let next = staff.visit_at(&elsewhere, "savings", "10.00");
    assert!(!is_alive(&demo, &token));
    assert!(is_alive(&demo, &next.token));
    // A wrong PIN, or an unknown card, ends nothing.
    first.card.at(&demo, &elsewhere, first.card.wrong_pin()).refused(401, "wrong_credentials", "");
    assert!(is_alive(&demo, &next.token));
    // The same card again at the same machine.
    let again = next.card.enter(&demo, &elsewhere);
    assert!(!is_alive(&demo, &next.token));
    assert!(is_alive(&demo, &again));
}

#[test]
fn it_leaves_one_live_session_when_a_card_is_at_two_machines_at_once() {
    let demo = Demo::start();
    let staff = demo.staff();
    let Visit { card, machine, .. } = staff.visit("savings", "10.00");
    let machines = [machine, staff.machine(AMPLE)];
    for round in 0..100 {
        let tokens = std::thread::scope(|scope| {
            let enter = |n: usize| {
                let (card, machine, demo) = (&card, &machines[n], &demo);
                scope.spawn(move || card.enter(demo, machine))
            };
            [enter(0), enter(1)].map(|thread| thread.join().unwrap())
        });
        let alive = tokens.iter().filter(|token| is_alive(&demo, token)).count();
        assert_eq!(alive, 1, "round {round}");
    }
}

#[test]
fn it_needs_the_machines_credential_outside_a_sandbox() {
    let host = Host::start(&["admin"]);
    let staff = host.staff("admin");
    let visit = staff.visit("savings", "10.00");
    let (other, counter) = (staff.machine(AMPLE), staff.counter());
    let enter = |channel: Option<&str>, machine: &str| {
        let body =
            format!(r#"{{"card_number":"{}","pin":"{}","atm_id":"{machine}"}}"#, visit.card.number, visit.card.pin);
        host.post("/api/sessions").channel(channel).json(body)
    };
    enter(None, &visit.machine.id).refused(403, "channel_required", "");
    enter(Some("wrong.secret"), &visit.machine.id).refused(403, "channel_required", "");
    enter(other.channel.as_deref(), &visit.machine.id).refused(422, "atm_mismatch", "");
    assert_eq!(enter(other.channel.as_deref(), &other.id).send().status(), 201);
    assert_eq!(enter(counter.channel.as_deref(), &counter.id).send().status(), 201);
    // Online needs no channel.
    let online = Online::sign_up(&host, "savings");
    assert_eq!(online.log_in(&host, &online.password).send().status(), 201);
}

#[test]
fn it_refuses_a_machine_that_is_switched_off() {
    let demo = Demo::start();
    let staff = demo.staff();
    let visit = staff.visit("savings", "10.00");
    staff.switch(&visit.machine.id, "inactive");
    visit.card.at(&demo, &visit.machine, &visit.card.pin).refused(422, "atm_inactive", "");
    assert!(is_alive(&demo, &visit.token));
}

#[test]
fn it_knows_no_other_token() {
    let demo = Demo::start();
    let online = Online::sign_up(&demo, "savings");
    let token = &online.token;
    let cut = &token[..token.len() - 1];
    for header in [
        "Bearer".to_owned(),
        "Bearer ".to_owned(),
        format!("Bearer {cut}"),
        format!("Bearer {token}x"),
        format!("Bearer {token} {token}"),
        format!("Basic {token}"),
        token.clone(),
        "Bearer \u{1}".to_owned(),
    ] {
        let answer = demo.get("/api/sessions/current").header("Authorization", &header).send();
        assert!(answer.status() == 401 || header.contains('\u{1}') && answer.status() == 400, "{header:?}: {answer}");
    }
    demo.get("/api/sessions/current").header("authorization", &format!("bearer {token}")).expect(200, r#""<object>""#);
}
