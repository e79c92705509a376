//! `/api/customers`

use crate::support::{Demo, Online};

const SESSION: &str = r#"{"token":"<token>","expires_at":"<time>","idle_timeout_s":1800,"customer":{"customer_id":"<id>","name":"<text>"},"accounts":[{"account_id":"<account>","type":"<text>","currency":"<text>","primary":"<bool>"}]}"#;

#[test]
fn it_signs_up_and_begins_a_session() {
    let demo = Demo::start();
    let body = r#"{"name":"Zoë Müller","email":"zoe@example.com","password":"correct horse","phone":"+49 30 1234","address":"1 Street\nTown","account":{"type":"checking","currency":"EUR"}}"#;
    let pattern = format!(r#"{{"customer_id":"<id>","account_id":"<account>","session":{SESSION}}}"#);
    let made = demo.post("/api/customers").json(body).expect(201, &pattern);
    let (customer, account) = (made.member("customer_id").text(), made.member("account_id").text());
    assert_eq!(made.at("/session/customer/customer_id").text(), customer);
    assert_eq!(made.at("/session/accounts/0/account_id").text(), account);
    let token = made.at("/session/token").text();
    let balance = format!(r#"{{"account_id":"{account}","balance":0.00,"currency":"EUR","as_of":"<time>"}}"#);
    demo.get(&format!("/api/accounts/{account}/balance")).bearer(token).expect(200, &balance);
    let own = format!(
        r#"{{"customer_id":"{customer}","name":"Zoë Müller","email":"zoe@example.com","phone":"+49 30 1234","address":"1 Street\nTown","created_at":"<time>"}}"#
    );
    demo.get("/api/customers/current").bearer(token).expect(200, &own);
    for email in ["zoe@example.com", "ZOE@Example.com"] {
        let again = body.replace("zoe@example.com", email);
        demo.post("/api/customers").json(again).refused(409, "email_taken", "");
    }
}

#[test]
fn it_refuses_what_is_no_sign_up() {
    let demo = Demo::start();
    let body = |change: &dyn Fn(&mut serde_json::Value)| {
        let mut body = serde_json::json!({"name": "A", "email": "a@example.com", "password": "correct horse", "account": {"type": "savings", "currency": "USD"}});
        change(&mut body);
        body.to_string()
    };
    type Change<'a> = &'a dyn Fn(&mut serde_json::Value);
    let rows: [(Change<'_>, &str); 13] = [
        (&|b| b["name"] = "".into(), "name"),
        (&|b| b["name"] = "x".repeat(201).into(), "name"),
        (&|b| b["name"] = "a\u{0}b".into(), "name"),
        (&|b| b["name"] = serde_json::Value::Null, "name"),
        (&|b| b["email"] = "no address".into(), "email"),
        (&|b| b["email"] = "@".into(), "email"),
        (&|b| b["password"] = "short".into(), "password"),
        (&|b| b["password"] = "x".repeat(1025).into(), "password"),
        (&|b| b["phone"] = 5.into(), "phone"),
        (&|b| b["account"] = "savings".into(), "account"),
        (&|b| b["account"]["type"] = "gold".into(), "account.type"),
        (&|b| b["account"]["currency"] = "???".into(), "account.currency"),
        (&|b| b["account"]["opening_balance"] = 5.into(), "account.opening_balance"),
    ];
    for (change, field) in rows {
        let more = format!(r#""field":"{field}""#);
        demo.post("/api/customers").json(body(change)).refused(400, "invalid_request", &more);
    }
    assert_eq!(
        demo.post("/api/customers").json(body(&|_| {})).send().status(),
        201,
        "nothing was taken by the refused ones"
    );
}

#[test]
fn it_changes_ones_own_data() {
    let demo = Demo::start();
    let online = Online::sign_up(&demo, "savings");
    let other = Online::sign_up(&demo, "savings");
    let change = |body: &str| demo.patch("/api/customers/current").bearer(&online.token).json(body);
    let email = &online.email;
    let shown = |members: &str| format!(r#"{{"customer_id":"{}",{members},"created_at":"<time>"}}"#, online.customer);
    change(r#"{"name":"New Name","phone":"+1 555"}"#)
        .expect(200, &shown(&format!(r#""name":"New Name","email":"{email}","phone":"+1 555""#)));
    change(r#"{"phone":null,"address":"Here"}"#)
        .expect(200, &shown(&format!(r#""name":"New Name","email":"{email}","address":"Here""#)));
    change(&format!(r#"{{"email":"{}"}}"#, other.email)).refused(409, "email_taken", "");
    change(r#"{"email":"moved@example.com"}"#)
        .expect(200, &shown(r#""name":"New Name","email":"moved@example.com","address":"Here""#));
    online.log_in(&demo, &online.password).refused(401, "wrong_credentials", "");
    let moved = format!(r#"{{"email":"moved@example.com","password":"{}"}}"#, online.password);
    assert_eq!(demo.post("/api/sessions").json(moved).send().status(), 201);
    change(r#"{"customer_id":"1"}"#).refused(400, "invalid_request", r#""field":"customer_id""#);
    change(r#"{"name":null}"#).refused(400, "invalid_request", r#""field":"name""#);
    // The retired address is free again.
    let free = format!(r#"{{"email":"{email}"}}"#);
    assert_eq!(demo.patch("/api/customers/current").bearer(&other.token).json(free).send().status(), 200);
}

#[test]
fn it_changes_the_password_and_ends_the_other_sessions() {
    let demo = Demo::start();
    let online = Online::sign_up(&demo, "savings");
    let second = online.log_in(&demo, &online.password).send().json().member("token").text().to_owned();
    let change = |old: &str, new: &str| {
        let body = format!(r#"{{"old_password":"{old}","new_password":"{new}"}}"#);
        demo.put("/api/customers/current/password").bearer(&online.token).json(body)
    };
    change("not the password", "another password").refused(401, "wrong_credentials", "");
    change(&online.password, "short").refused(400, "invalid_request", r#""field":"new_password""#);
    assert_eq!(demo.get("/api/accounts").bearer(&second).send().status(), 200);
    change(&online.password, "another password").expect(204, "");
    demo.get("/api/accounts").bearer(&second).refused(401, "session_expired", "");
    assert_eq!(demo.get("/api/accounts").bearer(&online.token).send().status(), 200, "the session that asked goes on");
    online.log_in(&demo, &online.password).refused(401, "wrong_credentials", "");
    assert_eq!(online.log_in(&demo, "another password").send().status(), 201);
}

#[test]
fn it_keeps_what_a_customer_wants_to_be_told_of() {
    let demo = Demo::start();
    let online = Online::sign_up(&demo, "savings");
    let path = "/api/customers/current/notifications";
    let pattern = r#"{"email":"<text|list>","webhook":"<text|list>"}"#;
    let put = |body: &str| demo.put(path).bearer(&online.token).json(body).send();
    demo.get(path).bearer(&online.token).expect(200, pattern);
    let changed = put(r#"{"email":"none","webhook":["withdrawal","fee"]}"#);
    let shown = changed.expect(200, pattern);
    assert_eq!((shown.member("email").text(), shown.member("webhook").list().len()), ("none", 2));
    assert_eq!(demo.get(path).bearer(&online.token).send().text(), changed.text());
    for (body, field) in
        [(r#"{"pigeon":"all"}"#, "pigeon"), (r#"{"email":"some"}"#, "email"), (r#"{"email":[5]}"#, "email[0]")]
    {
        put(body).refused(400, "invalid_request", &format!(r#""field":"{field}""#));
    }
    assert_eq!(demo.get(path).bearer(&online.token).send().text(), changed.text(), "a refusal changes nothing");
}
