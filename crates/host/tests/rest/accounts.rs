use serde_json::json;

use super::support::{DANA, JANE, JOHN, Site, Told, with_header};

async fn keyed(site: &Site, line: &str, token: &str, body: &str, key: &str) -> Told {
    site.send(with_header(line, token, body, ("idempotency-key", key))).await
}

#[tokio::test]
async fn it_pays_takes_in_and_tells_balances() {
    let site = Site::sandbox();
    let token = site.log_in(JOHN).await;
    let account = site.account(&token).await;
    let told = site.ask(&format!("GET /api/accounts/{account}/balance"), &token, "").await;
    told.is(200, json!({"account_id": account, "balance": 1500.00, "currency": "USD", "as_of": null}));
    assert!(told.text().contains("\"balance\":1500.00,"), "{}", told.text());
    let told = site
        .ask(&format!("POST /api/accounts/{account}/withdraw"), &token, r#"{"amount":100.00,"atm_id":"ATM001"}"#)
        .await;
    told.is(
        201,
        json!({"transaction_id": null, "account_id": account, "amount": 100.0, "fee": 0.0, "balance": 1400.0,
            "currency": "USD", "transaction_date": null, "notes": [{"denomination": 50.0, "count": 2}]}),
    );
    assert!(told.text().contains("\"amount\":100.00,\"fee\":0.00,\"balance\":1400.00,"), "{}", told.text());
    assert_eq!(told.header("idempotency-key").len(), 36);
    assert_eq!(told.header("idempotent-replayed"), "");
    let told = site.ask(&format!("POST /api/accounts/{account}/deposit"), &token, r#"{"amount":"0.10"}"#).await;
    told.is(
        201,
        json!({"transaction_id": null, "account_id": account, "amount": 0.1, "fee": 0.0, "balance": 1400.1,
            "currency": "USD", "transaction_date": null}),
    );
}

#[tokio::test]
async fn it_transfers() {
    let site = Site::sandbox();
    let (dana, jane) = (site.log_in(DANA).await, site.log_in(JANE).await);
    let own = site.ask("GET /api/accounts", &dana, "").await.json();
    let (savings, checking) = (own["accounts"][0]["account_id"].clone(), own["accounts"][1]["account_id"].clone());
    let line = format!("POST /api/accounts/{}/transfer", savings.as_str().unwrap());
    let body = json!({"target_account_id": checking, "amount": "150.00"}).to_string();
    site.ask(&line, &dana, &body).await.is(
        201,
        json!({"transaction_id": null, "source_account_id": savings, "target_account_id": checking, "amount": 150.0,
            "source_balance": 650.0, "target_balance": 200.0, "currency": "USD", "transaction_date": null}),
    );
    let others = site.account(&jane).await;
    let body = json!({"target_account_id": others, "amount": 1}).to_string();
    site.ask(&line, &dana, &body).await.is(
        201,
        json!({"transaction_id": null, "source_account_id": savings, "target_account_id": others, "amount": 1.0,
            "source_balance": 649.0, "currency": "USD", "transaction_date": null}),
    );
    let body = json!({"target_account_id": savings, "amount": 1}).to_string();
    site.ask(&line, &dana, &body).await.is_problem(422, "same_account");
    let body = json!({"target_account_id": "99999", "amount": 1}).to_string();
    site.ask(&line, &dana, &body).await.is_problem(404, "account_not_found");
    let body = json!({"target_account_id": "999", "amount": 1}).to_string();
    let told = site.ask(&line, &dana, &body).await;
    told.is_problem(400, "invalid_account_id");
    assert_eq!(told.json()["field"], "target_account_id");
}

#[tokio::test]
async fn it_gives_the_same_answer_to_the_same_request() {
    let site = Site::sandbox();
    let token = site.log_in(JOHN).await;
    let account = site.account(&token).await;
    let line = format!("POST /api/accounts/{account}/withdraw");
    for (key, body) in
        [("paid", r#"{"amount":100.00}"#), ("refused", r#"{"amount":450.05}"#), ("~!", r#"{"amount":500.01}"#)]
    {
        let first = keyed(&site, &line, &token, body, key).await;
        let again = keyed(&site, &line, &token, body, key).await;
        assert_eq!(first.status, again.status);
        assert_eq!(first.but_for_request_id(), again.but_for_request_id());
        assert_eq!((first.header("idempotency-key"), again.header("idempotency-key")), (key, key));
        assert_eq!((first.header("idempotent-replayed"), again.header("idempotent-replayed")), ("", "true"));
    }
    let written_otherwise = keyed(&site, &line, &token, r#"{"amount":"100"}"#, "paid").await;
    assert_eq!((written_otherwise.status.as_u16(), written_otherwise.header("idempotent-replayed")), (201, "true"));
    let other = keyed(&site, &line, &token, r#"{"amount":50.00}"#, "paid").await;
    other.is_problem(422, "idempotency_key_reused");
    assert_eq!(other.header("idempotency-key"), "paid");
    let balance = site.ask(&format!("GET /api/accounts/{account}/balance"), &token, "").await;
    assert_eq!(balance.json()["balance"], 1400.0);
}

#[tokio::test]
async fn it_refuses_keys_that_are_none() {
    let site = Site::sandbox();
    let token = site.log_in(JOHN).await;
    let account = site.account(&token).await;
    let line = format!("POST /api/accounts/{account}/deposit");
    let longest = "x".repeat(255);
    assert_eq!(keyed(&site, &line, &token, r#"{"amount":1}"#, &longest).await.status, 201);
    for bad in ["", "a b", "a\tb", &"x".repeat(256)] {
        let told = keyed(&site, &line, &token, r#"{"amount":1}"#, bad).await;
        told.is_wrong_in("Idempotency-Key");
        assert_eq!(told.header("idempotency-key"), "");
    }
    let mut twice = with_header(&line, &token, r#"{"amount":1}"#, ("idempotency-key", "a"));
    twice.headers_mut().append("idempotency-key", "b".parse().unwrap());
    site.send(twice).await.is_wrong_in("Idempotency-Key");
    let malformed = keyed(&site, &line, &token, r#"{"amount":null}"#, "kept").await;
    malformed.is_wrong_in("amount");
    assert_eq!(malformed.header("idempotency-key"), "kept");
}

#[tokio::test]
async fn it_says_what_stands_in_the_way() {
    let site = Site::sandbox();
    let token = site.log_in(JOHN).await;
    let account = site.account(&token).await;
    let (withdraw, deposit) =
        (format!("POST /api/accounts/{account}/withdraw"), format!("POST /api/accounts/{account}/deposit"));
    for (line, body, code, extra, value) in [
        (&withdraw, r#"{"amount":500.01}"#, "over_transaction_limit", "limit", json!(500.0)),
        (&withdraw, r#"{"amount":15}"#, "amount_not_dispensable", "nearest", json!([10.0, 20.0])),
        (&deposit, r#"{"amount":10000.01}"#, "over_deposit_limit", "limit", json!(10_000.0)),
        (&withdraw, r#"{"amount":10,"atm_id":"ATM002"}"#, "atm_mismatch", "code", json!("atm_mismatch")),
    ] {
        let told = site.ask(line, &token, body).await;
        told.is_problem(422, code);
        assert_eq!(told.json()[extra], value, "{}", told.text());
    }
    site.ask(&withdraw, &token, r#"{"amount":10,"atm_id":"ATM999"}"#).await.is_problem(404, "atm_not_found");
    for amount in ["0", "-1", "1e2", "100.000", "\"x\"", "10000000000000000"] {
        let told = site.ask(&withdraw, &token, &format!("{{\"amount\":{amount}}}")).await;
        told.is_problem(400, "invalid_amount");
    }
}

#[tokio::test]
async fn it_cannot_tell_anothers_account_from_none() {
    let site = Site::sandbox();
    let (john, jane) = (site.log_in(JOHN).await, site.log_in(JANE).await);
    let others = site.account(&jane).await;
    for (line, body) in [
        ("GET /api/accounts/N/balance", ""),
        ("GET /api/accounts/N/transactions", ""),
        ("POST /api/accounts/N/withdraw", r#"{"amount":10}"#),
        ("POST /api/accounts/N/withdraw", r#"{"amount":1000000}"#),
        ("POST /api/accounts/N/withdraw", r#"{"amount":10.000}"#),
        ("POST /api/accounts/N/deposit", r#"{"amount":10}"#),
        ("POST /api/accounts/N/transfer", r#"{"target_account_id":"67890","amount":1}"#),
    ] {
        let told = site.ask(&line.replace('N', &others), &john, body).await;
        told.is_problem(404, "account_not_found");
        for nobodys in ["99999", "10001", "012345", "9999999999999999999"] {
            let none = site.ask(&line.replace('N', nobodys), &john, body).await;
            assert_eq!(none.but_for_request_id(), told.but_for_request_id(), "{line} {nobodys}");
        }
    }
}

#[tokio::test]
async fn it_opens_lists_and_closes_accounts() {
    let site = Site::sandbox();
    let token = site.log_in(r#"{"email":"john.doe@example.com","password":"sandbox-john"}"#).await;
    let body = r#"{"type":"checking","currency":"EUR"}"#;
    let opened = keyed(&site, "POST /api/accounts", &token, body, "one").await;
    opened.is(
        201,
        json!({"account_id": null, "type": "checking", "currency": "EUR", "primary": false, "created_at": null}),
    );
    let again = keyed(&site, "POST /api/accounts", &token, body, "one").await;
    assert_eq!((again.text(), again.header("idempotent-replayed")), (opened.text(), "true"));
    let listed = site.ask("GET /api/accounts", &token, "").await.json();
    assert_eq!(listed["accounts"].as_array().unwrap().len(), 2);
    assert_eq!(listed["accounts"][1], opened.json());
    let id = opened.json()["account_id"].as_str().unwrap().to_owned();
    let closed = site.ask(&format!("POST /api/accounts/{id}/close"), &token, "").await;
    assert_eq!((closed.status.as_u16(), closed.body.len()), (204, 0));
    let first = listed["accounts"][0]["account_id"].as_str().unwrap();
    site.ask(&format!("POST /api/accounts/{first}/close"), &token, "").await.is_problem(422, "account_not_empty");
    let card = site.log_in(JOHN).await;
    keyed(&site, "POST /api/accounts", &card, body, "two").await.is_problem(403, "forbidden");
    site.ask(&format!("POST /api/accounts/{first}/close"), &card, "").await.is_problem(403, "forbidden");
}
