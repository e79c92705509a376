//! Which answer comes when several would be true: the order of the contract.

use crate::support::bank::AMPLE;
use crate::support::{Answer, Demo, Host, Online};

#[test]
fn it_looks_at_size_route_method_media_and_shape_before_the_session() {
    let demo = Demo::start();
    let declared = |method: &str, path: &str| {
        let mut line = demo.line();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\nContent-Length: 70000\r\n\r\n",
            demo.address()
        );
        Answer::to(&request, line.exchange(request.as_bytes()).unwrap())
    };
    declared("POST", "/nowhere").refused(413, "body_too_large", "");
    declared("DELETE", "/api/accounts/12345/withdraw").refused(413, "body_too_large", "");
    let text = |method: &str, path: &str, body: &str| {
        demo.ask(method, path).header("Content-Type", "text/plain").bytes(body.as_bytes().to_vec()).send()
    };
    text("DELETE", "/api/nowhere", "{").refused(404, "not_found", "");
    text("PUT", "/api/accounts/12345/withdraw", "{").refused(405, "method_not_allowed", "");
    text("POST", "/api/accounts/12345/withdraw", "{").refused(415, "unsupported_media_type", "");
    let json = |path: &str, body: &str| demo.post(path).json(body).send();
    json("/api/accounts/12345/withdraw", "{").refused(400, "invalid_request", "");
    json("/api/accounts/12345/withdraw", r#"{"amount":"x"}"#).refused(400, "invalid_amount", r#""field?":"amount""#);
    json("/api/accounts/1/withdraw", r#"{"amount":1}"#).refused(400, "invalid_account_id", r#""field?":"account_id""#);
    json("/api/accounts/12345/withdraw", r#"{"amount":1}"#).refused(401, "unauthenticated", "");
    json("/api/accounts/12345/withdraw", r#"{"amount":1.001}"#).refused(401, "unauthenticated", "");
}

#[test]
fn it_looks_at_session_channel_account_and_amount_before_the_key() {
    let host = Host::start(&["admin"]);
    let staff = host.staff("admin");
    let visit = staff.visit("savings", "1000.00");
    let ended = Online::sign_up(&host, "savings");
    host.delete("/api/sessions/current").bearer(&ended.token).expect(204, "");
    let ask = |token: &str, channel: Option<&str>, account: &str, amount: &str| {
        let ask = host.post(&format!("/api/accounts/{account}/withdraw")).bearer(token).channel(channel).key("k");
        ask.json(format!(r#"{{"amount":{amount}}}"#)).send()
    };
    let (token, own) = (&visit.token, visit.machine.channel.as_deref());
    let paid = ask(token, own, &visit.account, "100");
    assert_eq!(paid.status(), 201, "{paid}");
    ask(&ended.token, None, "99999", "1.001").refused(401, "session_expired", "");
    ask(token, None, "99999", "1.001").refused(403, "channel_required", "");
    ask(token, own, "99999", "1.001").refused(404, "account_not_found", "");
    ask(token, own, &visit.account, "1.001").refused(400, "invalid_amount", r#""field?":"<text>""#);
    ask(token, own, &visit.account, "100.000").refused(400, "invalid_amount", r#""field?":"<text>""#);
    ask(token, own, &visit.account, "501").refused(422, "idempotency_key_reused", "");
    let again = ask(token, own, &visit.account, "100");
    assert_eq!((again.text(), again.header("idempotent-replayed")), (paid.text(), Some("true")));
}

#[test]
fn it_looks_at_the_key_before_accounts_machines_and_limits() {
    let demo = Demo::start();
    let staff = demo.staff();
    let online = Online::with(&demo, "savings", "100.00");
    assert_eq!(
        online.transfer(&demo, &Online::sign_up(&demo, "savings").account, "1.00").key("t").send().status(),
        201
    );
    online.transfer(&demo, &online.account, "1.00").key("t").refused(422, "idempotency_key_reused", "");
    online.transfer(&demo, &online.account, "1000.00").refused(422, "same_account", "");
    let euros = staff.customer_in(&[("savings", "EUR", "0")]).accounts[0].clone();
    online.transfer(&demo, &euros, "1000.00").refused(422, "currency_mismatch", "");

    // Machine, then state, then limits, then funds, then the machine's cash, then its notes.
    let withdraw = |online: &Online, amount: &str, machine: &str| {
        let ask = demo.post(&format!("/api/accounts/{}/withdraw", online.account)).bearer(&online.token);
        ask.json(format!(r#"{{"amount":{amount},"atm_id":"{machine}"}}"#)).send()
    };
    let (machine, poor) = (staff.machine(AMPLE), staff.machine(&[("20.00", 3)]));
    let closed = Online::sign_up(&demo, "savings");
    demo.post(&format!("/api/accounts/{}/close", closed.account)).bearer(&closed.token).expect(204, "");
    withdraw(&closed, "501", "NOWHERE").refused(404, "atm_not_found", "");
    staff.switch(&machine.id, "inactive");
    withdraw(&closed, "501", &machine.id).refused(422, "atm_inactive", "");
    staff.switch(&machine.id, "active");
    withdraw(&closed, "501", &machine.id).refused(422, "account_closed", "");
    staff.set_policies(r#""daily_withdrawal_limit":400"#);
    withdraw(&online, "501", &poor.id).refused(422, "over_transaction_limit", r#""limit":500.00"#);
    withdraw(&online, "401", &poor.id).refused(422, "daily_limit_exceeded", r#""remaining":400.00"#);
    withdraw(&online, "101", &poor.id).refused(422, "insufficient_funds", r#""available":99.00"#);
    withdraw(&online, "71", &poor.id).refused(422, "atm_out_of_cash", "");
    withdraw(&online, "31", &poor.id).refused(422, "amount_not_dispensable", r#""nearest":[20.00,40.00]"#);

    let terminal = r#"{"atm_id":"T1","location":"Here","kind":"terminal","cassettes":[{"denomination":50.00,"currency":"USD","count":9}]}"#;
    assert_eq!(staff.ask("POST", "/api/atms").json(terminal).send().status(), 201);
    withdraw(&closed, "501", "T1").refused(422, "terminal_only", "");
    staff.switch("T1", "inactive");
    withdraw(&closed, "501", "T1").refused(422, "atm_inactive", "");
    let visit = staff.visit("savings", "1.00");
    let elsewhere = demo.post(&format!("/api/accounts/{}/withdraw", visit.account)).bearer(&visit.token);
    elsewhere.json(r#"{"amount":501,"atm_id":"T1"}"#).refused(422, "atm_mismatch", "");
}

#[test]
fn it_looks_at_machine_block_pin_and_report_in_this_order_at_log_in() {
    let demo = Demo::start();
    let staff = demo.staff();
    let visit = staff.visit("savings", "1.00");
    let enter = |machine: &str, pin: &str| {
        let body = format!(r#"{{"card_number":"{}","pin":"{pin}","atm_id":"{machine}"}}"#, visit.card.number);
        demo.post("/api/sessions").json(body).send()
    };
    let (pin, wrong) = (visit.card.pin.as_str(), visit.card.wrong_pin());
    staff.ask("POST", &format!("/api/cards/{}/report", visit.card.id)).json(r#"{"reason":"stolen"}"#).expect(204, "");
    for _ in 0..2 {
        enter("NOWHERE", wrong).refused(404, "atm_not_found", "");
        enter(&visit.machine.id, wrong).refused(401, "wrong_credentials", "");
        enter(&visit.machine.id, pin).refused(422, "card_stolen", "");
    }
    for _ in 0..3 {
        enter(&visit.machine.id, wrong).refused(401, "wrong_credentials", "");
    }
    enter(&visit.machine.id, pin).refused(423, "card_blocked", r#""blocked_until":"<time>""#);
    enter(&visit.machine.id, wrong).refused(423, "card_blocked", r#""blocked_until":"<time>""#);
    enter("NOWHERE", pin).refused(404, "atm_not_found", "");
}
