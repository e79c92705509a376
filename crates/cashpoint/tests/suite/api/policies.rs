//! `/api/policies`

use crate::support::{Demo, Json, Online};

/// The value of a policy in an answer; figures are without a currency, so `500` and `500.00` are one value.
fn value(answer: &Json, name: &str) -> String {
    let value = answer.member("policies").member(name).to_string();
    if value.contains('.') { value.trim_end_matches('0').trim_end_matches('.').to_owned() } else { value }
}

#[test]
fn it_shows_every_value_and_keeps_versions() {
    let demo = Demo::start();
    let staff = demo.staff();
    let shown = staff.ask("GET", "/api/policies").expect(200, r#"{"version":"<count>","policies":"<object>"}"#);
    for (name, expected) in [
        ("withdrawal_limit", "500"),
        ("daily_withdrawal_limit", "2000"),
        ("daily_transfer_limit", "null"),
        ("deposit_limit", "10000"),
        ("daily_deposit_limit", "20000"),
        ("overdraft_limit", "100"),
        ("overdraft_fee", "15"),
        ("pin_tries", "3"),
        ("pin_block_s", "1800"),
        ("pin_blocks", "3"),
        ("atm_session_idle_s", "300"),
        ("online_session_idle_s", "1800"),
        ("online_session_s", "86400"),
        // A sandbox is a hundred times as patient.
        ("address_sign_up_every_s", "0.1"),
    ] {
        assert_eq!(value(&shown, name), expected, "{name}");
    }
    let changed = staff.ask("PUT", "/api/policies").json(r#"{"pin_tries":4,"withdrawal_limit":"250.00"}"#).send();
    assert_eq!(changed.status(), 200, "{changed}");
    let version = |answer: &Json| answer.member("version").to_string().parse::<u32>().unwrap();
    assert_eq!(version(&changed.json()), version(&shown) + 1);
    let now = staff.ask("GET", "/api/policies").send();
    assert_eq!(now.text(), changed.text());
    assert_eq!(value(&now.json(), "pin_tries"), "4");
    assert_eq!(value(&now.json(), "withdrawal_limit"), "250");
    assert_eq!(value(&now.json(), "deposit_limit"), "10000", "what is not named stays");
}

#[test]
fn it_refuses_what_is_no_policy_and_changes_nothing() {
    let demo = Demo::start();
    let staff = demo.staff();
    let before = staff.ask("GET", "/api/policies").send();
    for (body, code) in [
        ("{}", "invalid_request"),
        (r#"{"generosity":5}"#, "invalid_request"),
        (r#"{"pin_tries":5,"generosity":5}"#, "invalid_request"),
        (r#"{"pin_tries":"many"}"#, "invalid_request"),
        (r#"{"pin_tries":0}"#, "invalid_request"),
        (r#"{"pin_tries":1.5}"#, "invalid_request"),
        (r#"{"pin_tries":null}"#, "invalid_request"),
        (r#"{"pin_tries":true}"#, "invalid_request"),
        (r#"{"time_zone":"Mars/Olympus"}"#, "invalid_request"),
        (r#"{"withdrawal_limit":-1}"#, "invalid_amount"),
        (r#"{"withdrawal_limit":500.001}"#, "invalid_request"),
        (r#"{"overdraft_fee":"15.005"}"#, "invalid_request"),
        (r#"{"address_sign_up_every_s":0.0001}"#, "invalid_request"),
    ] {
        staff.ask("PUT", "/api/policies").json(body).refused(400, code, r#""field?":"<text>""#);
    }
    let told = staff.ask("PUT", "/api/policies").json(r#"{"withdrawal_limit":500.001}"#).send().json();
    assert_eq!(told.member("field").text(), "withdrawal_limit");
    assert_eq!(told.member("detail").text(), "it must be an amount from 0 to 100000000000 with at most 2 decimals");
    assert_eq!(staff.ask("GET", "/api/policies").send().text(), before.text());
}

#[test]
fn it_bites_on_the_next_operation_and_the_next_session() {
    let demo = Demo::start();
    let staff = demo.staff();
    let visit = staff.visit("savings", "1000.00");
    let online = Online::with(&demo, "checking", "10.00");
    staff.set_policies(r#""withdrawal_limit":40.00,"overdraft_fee":1.00,"overdraft_limit":20.00,"deposit_limit":5.00"#);
    visit.withdraw(&demo, "50").refused(422, "over_transaction_limit", r#""limit":40.00"#);
    assert_eq!(visit.withdraw(&demo, "40").send().status(), 201);
    online.withdraw(&demo, "30.00").refused(422, "insufficient_funds", r#""available":29.00"#);
    let overdrawn = online.withdraw(&demo, "29.00").send().json();
    assert_eq!((overdrawn.member("fee").cents(), overdrawn.member("balance").cents()), (1_00, -20_00));
    online.deposit(&demo, "5.01").refused(422, "over_deposit_limit", r#""limit":5.00"#);
    staff.set_policies(r#""daily_withdrawal_limit":50.00"#);
    visit.withdraw(&demo, "20").refused(422, "daily_limit_exceeded", r#""remaining":10.00"#);
    staff.set_policies(r#""daily_withdrawal_limit":30.00"#);
    visit.withdraw(&demo, "10").refused(422, "daily_limit_exceeded", r#""remaining":0.00"#);
    staff.set_policies(r#""daily_withdrawal_limit":null,"withdrawal_limit":5000"#);
    assert_eq!(visit.withdraw(&demo, "960").send().status(), 201);

    staff.set_policies(r#""daily_transfer_limit":10.00"#);
    let rich = Online::with(&demo, "savings", "5.00");
    for _ in 0..3 {
        assert_eq!(rich.deposit(&demo, "5.00").send().status(), 201);
    }
    assert_eq!(rich.transfer(&demo, &online.account, "6.00").send().status(), 201);
    rich.transfer(&demo, &online.account, "5.00").refused(422, "daily_limit_exceeded", r#""remaining":4.00"#);

    // A changed session time holds for the next session.
    staff.set_policies(r#""atm_session_idle_s":60,"online_session_idle_s":120"#);
    let idle = |token: &str| {
        demo.get("/api/sessions/current").bearer(token).send().json().member("idle_timeout_s").to_string()
    };
    assert_eq!((idle(&visit.token).as_str(), idle(&online.token).as_str()), ("300", "1800"));
    let token = visit.card.enter(&demo, &visit.machine);
    let again = online.log_in(&demo, &online.password).send().json().member("token").text().to_owned();
    assert_eq!((idle(&token).as_str(), idle(&again).as_str()), ("60", "120"));

    // And so for tries.
    staff.set_policies(r#""pin_tries":1,"pin_block_s":60"#);
    visit.card.at(&demo, &visit.machine, visit.card.wrong_pin()).refused(401, "wrong_credentials", "");
    visit.card.at(&demo, &visit.machine, &visit.card.pin).refused(423, "card_blocked", r#""blocked_until":"<time>""#);
}
