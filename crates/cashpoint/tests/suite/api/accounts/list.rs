//! `GET` and `POST /api/accounts`, `POST /api/accounts/{account_id}/close`

use crate::support::{Demo, Online};

const ACCOUNT: &str = r#"{"account_id":"<account>","type":"<text>","currency":"<text>","primary":"<bool>","created_at":"<time>","closed_at?":"<time>"}"#;

#[test]
fn it_lists_what_the_session_reaches() {
    let demo = Demo::start();
    let staff = demo.staff();
    let customer = staff.customer(&[("checking", "50.00"), ("savings", "800.00"), ("savings", "1.00")]);
    let card = staff.card(&customer, &[&customer.accounts[1], &customer.accounts[0]]);
    let token = card.enter(&demo, &staff.counter());
    let listed = demo.get("/api/accounts").bearer(&token).expect(200, &format!(r#"{{"accounts":[{ACCOUNT},"..."]}}"#));
    let seen: Vec<_> = listed
        .member("accounts")
        .list()
        .iter()
        .map(|account| {
            (
                account.member("account_id").text().to_owned(),
                account.member("type").text().to_owned(),
                account.member("primary").to_string(),
            )
        })
        .collect();
    let row = |n: usize, kind: &str, primary: &str| (customer.accounts[n].clone(), kind.to_owned(), primary.to_owned());
    assert_eq!(
        seen,
        [row(1, "savings", "true"), row(0, "checking", "false")],
        "the card's accounts, the primary one first"
    );
    demo.get(&format!("/api/accounts/{}/balance", customer.accounts[2])).bearer(&token).refused(
        404,
        "account_not_found",
        "",
    );
}

#[test]
fn it_opens_another_account_once_per_key() {
    let demo = Demo::start();
    let online = Online::sign_up(&demo, "savings");
    let open = |key: &str, body: &str| demo.post("/api/accounts").bearer(&online.token).key(key).json(body).send();
    let made = open("k1", r#"{"type":"checking","currency":"EUR"}"#);
    let account = made.expect(201, ACCOUNT);
    assert_eq!((account.member("type").text(), account.member("currency").text()), ("checking", "EUR"));
    let again = open("k1", r#"{"type":"checking","currency":"EUR"}"#);
    assert_eq!((again.status(), again.text()), (201, made.text()));
    assert_eq!(again.header("idempotent-replayed"), Some("true"));
    open("k1", r#"{"type":"savings","currency":"EUR"}"#).refused(422, "idempotency_key_reused", "");
    assert_eq!(open("k2", r#"{"type":"checking","currency":"EUR"}"#).status(), 201);
    let listed = demo.get("/api/accounts").bearer(&online.token).send().json();
    assert_eq!(listed.member("accounts").list().len(), 3);
    for (body, field) in [
        (r#"{"type":"current","currency":"USD"}"#, "type"),
        (r#"{"type":"savings","currency":"XYZ"}"#, "currency"),
        (r#"{"type":"savings","currency":"usd"}"#, "currency"),
        (r#"{"type":"savings"}"#, "currency"),
    ] {
        open("k3", body).refused(400, "invalid_request", &format!(r#""field":"{field}""#));
    }
}

#[test]
fn it_closes_only_an_empty_account_and_keeps_its_history() {
    let demo = Demo::start();
    let online = Online::with(&demo, "checking", "10.00");
    let close = || demo.post(&format!("/api/accounts/{}/close", online.account)).bearer(&online.token);
    close().refused(422, "account_not_empty", "");
    assert_eq!(online.withdraw(&demo, "20.00").send().status(), 201);
    close().refused(422, "account_not_empty", "");
    assert_eq!(online.deposit(&demo, "25.00").send().status(), 201);
    close().expect(204, "");
    online.withdraw(&demo, "1.00").refused(422, "account_closed", "");
    online.deposit(&demo, "1.00").refused(422, "account_closed", "");
    online.transfer(&demo, "99999", "1.00").refused(404, "account_not_found", "");
    let other = Online::with(&demo, "savings", "10.00");
    online.transfer(&demo, &other.account, "1.00").refused(422, "account_closed", "");
    other.transfer(&demo, &online.account, "1.00").refused(422, "account_closed", "");
    let history = demo.get(&format!("/api/accounts/{}/transactions", online.account)).bearer(&online.token).send();
    assert_eq!(history.json().member("transactions").list().len(), 4, "{history}");
}
