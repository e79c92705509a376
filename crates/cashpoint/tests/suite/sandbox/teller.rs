//! `/accounts/{n}`: the teller surface

use crate::support::{Demo, Host, Online};

fn success(account: &str, member: &str, amount: &str) -> String {
    format!(r#"{{"success":true,"data":{{"account_number":"{account}","{member}":{amount}}},"code":200}}"#)
}

#[test]
fn it_has_ten_accounts_to_play_with() {
    let demo = Demo::start();
    for n in 1..=10 {
        let account = if n == 10 { "100000".to_owned() } else { format!("1000{n}") };
        let answer = demo.get(&format!("/accounts/{account}/balance")).send();
        assert_eq!(answer.text(), success(&account, "balance", &format!("{n}000.00")));
        answer.expect(200, &success(&account, "balance", &format!("{n}000.00")));
    }
}

#[test]
fn it_pays_and_takes_without_limits() {
    let demo = Demo::start();
    let rows = [
        ("10001", "withdraw", r#"{"amount":100.0}"#, "900.00"),
        ("10001", "deposit", r#"{"amount":0.01}"#, "900.01"),
        ("10001", "withdraw", r#"{"amount":"900.01"}"#, "0.00"),
        ("100000", "withdraw", r#"{"amount":10000}"#, "0.00"),
        ("10009", "deposit", r#"{"amount":50000}"#, "59000.00"),
        ("10002", "withdraw", r#"{"amount":1999.99}"#, "0.01"),
    ];
    for (account, what, body, balance) in rows {
        let answer = demo.post(&format!("/accounts/{account}/{what}")).json(body).send();
        assert_eq!(answer.text(), success(account, "new_balance", balance), "{answer}");
        answer.expect(200, &success(account, "new_balance", balance));
    }
}

#[test]
fn it_answers_errors_in_its_own_shape() {
    let demo = Demo::start();
    let johns = {
        let body = r#"{"card_number":"4532123456789012","pin":"1234","atm_id":"ATM001"}"#;
        demo.post("/api/sessions").json(body).send().json().at("/accounts/0/account_id").text().to_owned()
    };
    let signed_up = Online::sign_up(&demo, "savings").account;
    let refused = |answer: crate::support::Answer, status: u16| {
        assert_eq!(answer.status(), status, "{answer}");
        assert_eq!(answer.header("content-type"), Some("application/json"), "{answer}");
        let pattern = format!(r#"{{"success":false,"error":"<text>","code":{status}}}"#);
        let differences = answer.json().differences(&crate::support::Json::parse(&pattern).unwrap());
        assert!(differences.is_empty(), "{answer}\n{differences:?}");
        assert!(answer.header("x-request-id").is_some(), "{answer}");
        answer
    };
    let post = |path: &str, body: &str| demo.post(path).json(body).send();
    let short = refused(post("/accounts/10001/withdraw", r#"{"amount":1000.01}"#), 400);
    assert_eq!(short.text(), r#"{"success":false,"error":"Insufficient funds","code":400}"#);
    for amount in ["0", "-5", "1e2", "100.000", "\"x\"", "null", "true", "[]", "1e400", "99999999999999999999"] {
        refused(post("/accounts/10001/withdraw", &format!(r#"{{"amount":{amount}}}"#)), 400);
        refused(post("/accounts/10001/deposit", &format!(r#"{{"amount":{amount}}}"#)), 400);
    }
    for body in [" ", "{", "[]", "{}", r#"{"amount":5,"tip":1}"#, r#"{"amount":5,"amount":5}"#, "\u{1}"] {
        refused(post("/accounts/10001/withdraw", body), 400);
    }
    for account in ["1", "1234", "abcde", "12345678901234567890", "-10001", "1000a"] {
        refused(demo.get(&format!("/accounts/{account}/balance")).send(), 400);
        refused(post(&format!("/accounts/{account}/deposit"), r#"{"amount":5}"#), 400);
    }
    for account in ["10010", "99999", "9999999999999999999", johns.as_str(), signed_up.as_str()] {
        refused(demo.get(&format!("/accounts/{account}/balance")).send(), 404);
        refused(post(&format!("/accounts/{account}/withdraw"), r#"{"amount":5}"#), 404);
        refused(post(&format!("/accounts/{account}/deposit"), r#"{"amount":5}"#), 404);
    }
    for (method, path) in [
        ("POST", "balance"),
        ("DELETE", "balance"),
        ("GET", "withdraw"),
        ("PUT", "withdraw"),
        ("GET", "deposit"),
        ("PATCH", "deposit"),
    ] {
        let answer = refused(demo.ask(method, &format!("/accounts/10001/{path}")).send(), 405);
        assert!(answer.header("allow").is_some(), "{answer}");
    }
    refused(demo.post("/accounts/10001/withdraw").send(), 415);
    refused(post("/accounts/10001/withdraw", ""), 415);
    let text = demo.post("/accounts/10001/withdraw").header("Content-Type", "text/plain");
    refused(text.bytes(br#"{"amount":5}"#.to_vec()).send(), 415);
    let balance = demo.get("/accounts/10001/balance").send();
    assert_eq!(balance.text(), success("10001", "balance", "1000.00"), "nothing moved");
}

#[test]
fn it_repeats_answers_under_a_key() {
    let demo = Demo::start();
    let ask =
        |amount: &str| demo.post("/accounts/10003/withdraw").key("k").json(format!(r#"{{"amount":{amount}}}"#)).send();
    let first = ask("100.0");
    assert_eq!(
        (first.status(), first.header("idempotency-key"), first.header("idempotent-replayed")),
        (200, Some("k"), None)
    );
    let again = ask("100.00");
    assert_eq!((again.text(), again.header("idempotent-replayed")), (first.text(), Some("true")));
    let other = ask("200");
    assert_eq!(other.status(), 400, "{other}");
    assert_eq!(demo.get("/accounts/10003/balance").send().text(), success("10003", "balance", "2900.00"));
}

#[test]
fn it_answers_only_this_machine() {
    let demo = Demo::start();
    let port = demo.address().port();
    let with = |header: &str, value: &str, path: &str| {
        demo.get(&format!("/accounts/10001/{path}")).header(header, value).send().status()
    };
    for host in [format!("127.0.0.1:{port}"), format!("localhost:{port}"), format!("[::1]:{port}")] {
        assert_eq!(with("Host", &host, "balance"), 200, "{host}");
        let own = demo.get("/accounts/10001/balance").header("Host", &host).header("Origin", &format!("http://{host}"));
        assert_eq!(own.send().status(), 200, "{host} as its own origin");
    }
    for (header, value) in [
        ("Host", format!("bank.example:{port}")),
        ("Host", format!("127.0.0.1.example.com:{port}")),
        ("Host", format!("localhost.example.com:{port}")),
        ("Host", "192.0.2.1".to_owned()),
        ("Origin", "http://evil.example".to_owned()),
        ("Origin", "null".to_owned()),
        ("Origin", format!("https://localhost.evil.example:{port}")),
    ] {
        assert_eq!(with(header, &value, "balance"), 403, "{header}: {value}");
        let post = demo.post("/accounts/10001/withdraw").header(header, &value).json(r#"{"amount":5}"#).send();
        assert_eq!(post.status(), 403, "{post}");
        let outbox = demo.get("/sandbox/outbox?customer_id=1").header(header, &value).send();
        assert_eq!(outbox.status(), 403, "{outbox}");
    }
    assert_eq!(demo.get("/accounts/10001/balance").send().text(), success("10001", "balance", "1000.00"));
}

#[test]
fn it_is_not_there_in_a_real_bank() {
    let host = Host::start(&[]);
    host.get("/accounts/10001/balance").refused(404, "not_found", "");
    host.post("/accounts/10001/deposit").json(r#"{"amount":5}"#).refused(404, "not_found", "");
    host.get("/sandbox/outbox?customer_id=1").refused(404, "not_found", "");
    let john = r#"{"card_number":"4532123456789012","pin":"1234","atm_id":"ATM001"}"#;
    let answer = host.post("/api/sessions").json(john).send();
    assert!(matches!(answer.status(), 403 | 404), "{answer}");
    host.post("/api/operators/sessions").json(r#"{"username":"operator","password":"operator"}"#).refused(
        401,
        "wrong_credentials",
        "",
    );
}
