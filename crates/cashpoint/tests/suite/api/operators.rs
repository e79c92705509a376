//! `/api/operators`, and what each role may

use crate::support::{Demo, Host};

#[test]
fn it_begins_a_session_of_staff() {
    let demo = Demo::start();
    let body = r#"{"username":"operator","password":"operator"}"#;
    let pattern = r#"{"token":"<token>","expires_at":"<time>","idle_timeout_s":1800,"operator":{"operator_id":"<id>","role":"admin"}}"#;
    let session = demo.post("/api/operators/sessions").json(body).expect(201, pattern);
    let token = session.member("token").text();
    demo.get("/api/sessions/current").bearer(token).expect(200, &pattern.replace(r#""token":"<token>","#, ""));
    demo.delete("/api/sessions/current").bearer(token).expect(204, "");
    demo.get("/api/atms").bearer(token).refused(401, "session_expired", "");
    // Nobody can enrol a second factor, and a code is not refused for that.
    let coded = r#"{"username":"operator","password":"operator","totp":"123456"}"#;
    demo.post("/api/operators/sessions").json(coded).expect(201, pattern);
    for (body, field) in [
        (r#"{"username":"operator"}"#, "password"),
        (r#"{"password":"operator"}"#, "username"),
        (r#"{"username":"operator","password":"operator","totp":1}"#, "totp"),
        (r#"{"username":"operator","password":"operator","email":"x"}"#, "email"),
    ] {
        demo.post("/api/operators/sessions").json(body).refused(
            400,
            "invalid_request",
            &format!(r#""field":"{field}""#),
        );
    }
}

#[test]
fn it_makes_customers_with_opening_balances() {
    let demo = Demo::start();
    let staff = demo.staff();
    let make = |key: &str, body: &str| staff.ask("POST", "/api/operators/customers").key(key).json(body).send();
    let body = r#"{"name":"Kim Lee","email":"kim@example.com","phone":"+82 2 123","address":"Seoul","accounts":[
        {"type":"checking","currency":"USD","opening_balance":50.00},
        {"type":"savings","currency":"JPY","opening_balance":"1000"},
        {"type":"savings","currency":"USD"}]}"#;
    let account = |kind: &str, currency: &str, primary: &str| {
        format!(r#"{{"account_id":"<account>","type":"{kind}","currency":"{currency}","primary":{primary}}}"#)
    };
    let accounts =
        [account("checking", "USD", "true"), account("savings", "JPY", "false"), account("savings", "USD", "false")];
    let pattern = format!(r#"{{"customer_id":"<id>","accounts":[{}]}}"#, accounts.join(","));
    let made = make("k1", body);
    made.expect(201, &pattern);
    let again = make("k1", body);
    assert_eq!((again.status(), again.text()), (201, made.text()));
    assert_eq!(again.header("idempotent-replayed"), Some("true"));
    make("k1", &body.replace("50.00", "51.00")).refused(422, "idempotency_key_reused", "");
    make("k2", body).refused(409, "email_taken", "");

    let none = r#"{"name":"No One","accounts":[]}"#;
    let answer = make("k3", none);
    assert!(matches!(answer.status(), 201 | 400), "{answer}");
    for (body, code, more) in [
        (r#"{"accounts":[]}"#, "invalid_request", r#""field":"name""#),
        (
            r#"{"name":"A","accounts":[{"type":"x","currency":"USD"}]}"#,
            "invalid_request",
            r#""field":"accounts[0].type""#,
        ),
        (
            r#"{"name":"A","accounts":[{"type":"savings","currency":"USD"},{"type":"savings"}]}"#,
            "invalid_request",
            r#""field":"accounts[1].currency""#,
        ),
        (
            r#"{"name":"A","accounts":[{"type":"savings","currency":"USD","opening_balance":-1}]}"#,
            "invalid_amount",
            r#""field?":"accounts[0].opening_balance""#,
        ),
        (
            r#"{"name":"A","accounts":[{"type":"savings","currency":"USD","opening_balance":true}]}"#,
            "invalid_request",
            r#""field":"accounts[0].opening_balance""#,
        ),
        (
            r#"{"name":"A","accounts":[{"type":"savings","currency":"JPY","opening_balance":1.5}]}"#,
            "invalid_amount",
            r#""field?":"<text>""#,
        ),
        (r#"{"name":"A","accounts":{}}"#, "invalid_request", r#""field":"accounts""#),
    ] {
        staff.ask("POST", "/api/operators/customers").json(body).refused(400, code, more);
    }
}

#[test]
fn it_lets_each_role_do_its_own_work() {
    let host = Host::start(&["admin", "clerk", "custodian", "auditor"]);
    let customer = r#"{"name":"A","accounts":[{"type":"savings","currency":"USD"}]}"#;
    let counter = |role: &str| format!(r#"{{"counter_id":"C-{role}","location":"Here"}}"#);
    for (role, tries, customers, machines, policies) in [
        ("admin", 4, 201, 201, 200),
        ("clerk", 5, 201, 403, 403),
        ("custodian", 6, 403, 201, 403),
        ("auditor", 7, 403, 403, 403),
    ] {
        let staff = host.staff(role);
        let answers = [
            (staff.ask("POST", "/api/operators/customers").json(customer).send(), customers),
            (staff.ask("POST", "/api/counters").json(counter(role)).send(), machines),
            (staff.ask("PUT", "/api/policies").json(format!(r#"{{"pin_tries":{tries}}}"#)).send(), policies),
            (staff.ask("GET", "/api/policies").send(), 200),
            (staff.ask("GET", "/api/atms").send(), 200),
        ];
        for (answer, status) in answers {
            assert_eq!(answer.status(), status, "{role}: {answer}");
            if status == 403 {
                answer.refused(403, "forbidden", "");
            }
        }
    }
}

#[test]
fn it_serves_customers_without_any_staff_and_says_so() {
    let host = Host::start(&[]);
    let online = crate::support::Online::sign_up(&host, "savings");
    assert_eq!(online.balance(&host), 0);
    let body = r#"{"username":"operator","password":"operator"}"#;
    host.post("/api/operators/sessions").json(body).refused(401, "wrong_credentials", "");
    // How to add an operator.
    host.logged("operator add");
}
