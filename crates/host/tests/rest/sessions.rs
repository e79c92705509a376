use std::time::Duration;

use serde_json::json;

use super::support::{DANA, JANE, JOHN, Site};

#[tokio::test]
async fn it_begins_and_ends_a_card_session() {
    let site = Site::sandbox();
    let told = site.ask("POST /api/sessions", "", JOHN).await;
    let account = json!({"account_id": null, "type": "savings", "currency": "USD", "primary": true});
    told.is(
        201,
        json!({"token": null, "expires_at": "2027-01-15T08:05:00.000Z", "idle_timeout_s": 300,
            "customer": {"customer_id": null, "name": "John Doe"}, "card_id": null, "accounts": [account]}),
    );
    let token = told.json()["token"].as_str().unwrap().to_owned();
    let shown = site.ask("GET /api/sessions/current", &token, "").await;
    let mut without_token = told.json();
    without_token.as_object_mut().unwrap().remove("token");
    assert_eq!(shown.json(), without_token);
    let ended = site.ask("DELETE /api/sessions/current", &token, "").await;
    assert_eq!((ended.status.as_u16(), ended.body.len()), (204, 0));
    site.ask("GET /api/sessions/current", &token, "").await.is_problem(401, "session_expired");
    let dana = site.ask("POST /api/sessions", "", DANA).await.json();
    assert_eq!(dana["accounts"][0]["type"], "savings");
    assert_eq!(
        dana["accounts"][1],
        json!({"account_id": dana["accounts"][1]["account_id"], "type": "checking", "currency": "USD", "primary": false})
    );
}

#[tokio::test]
async fn it_begins_online_and_operator_sessions() {
    let site = Site::sandbox();
    let body = r#"{"email":"john.doe@example.com","password":"sandbox-john"}"#;
    let told = site.ask("POST /api/sessions", "", body).await;
    assert_eq!(told.status, 201, "{}", told.text());
    assert!(told.json().get("card_id").is_none() && told.json()["idle_timeout_s"] == 1_800);
    let told = site.ask("POST /api/operators/sessions", "", r#"{"username":"operator","password":"operator"}"#).await;
    let operator = json!({"operator_id": null, "role": "admin"});
    told.is(201, json!({"token": null, "expires_at": null, "idle_timeout_s": 1800, "operator": operator}));
}

#[tokio::test]
async fn it_answers_alike_to_wrong_and_unknown() {
    let site = Site::sandbox();
    let mut answers = Vec::new();
    for (path, body) in [
        ("/api/sessions", JOHN.replace("\"1234\"", "\"9999\"")),
        ("/api/sessions", JOHN.replace("4532123456789012", "4532123456789013")),
        ("/api/sessions", r#"{"email":"john.doe@example.com","password":"wrong password"}"#.to_owned()),
        ("/api/sessions", r#"{"email":"nobody@example.com","password":"wrong password"}"#.to_owned()),
        ("/api/operators/sessions", r#"{"username":"operator","password":"x"}"#.to_owned()),
        ("/api/operators/sessions", r#"{"username":"nobody","password":"x"}"#.to_owned()),
    ] {
        let told = site.ask(&format!("POST {path}"), "", &body).await;
        told.is_problem(401, "wrong_credentials");
        answers.push(told.but_for_request_id());
    }
    answers.dedup();
    assert_eq!(answers.len(), 1);
}

#[tokio::test]
async fn it_names_what_is_wrong_with_a_log_in() {
    let site = Site::sandbox();
    for (from, to, field) in [
        ("4532123456789012", "4532 1234 5678 9012", "card_number"),
        ("4532123456789012", "12345678901", "card_number"),
        ("\"1234\"", "\"123\"", "pin"),
        ("\"1234\"", "\"12345678901234\"", "pin"),
        ("\"1234\"", "1234", "pin"),
        ("\"ATM001\"", "\"ATM 001\"", "atm_id"),
    ] {
        site.ask("POST /api/sessions", "", &JOHN.replace(from, to)).await.is_wrong_in(field);
    }
    let long = format!(r#"{{"email":"a@b","password":"{}"}}"#, "x".repeat(1_025));
    site.ask("POST /api/sessions", "", &long).await.is_wrong_in("password");
    let nowhere = JOHN.replace("ATM001", "ATM999");
    site.ask("POST /api/sessions", "", &nowhere).await.is_problem(404, "atm_not_found");
}

#[tokio::test]
async fn it_blocks_a_card_until_the_time_it_names() {
    let site = Site::sandbox();
    let wrong = JANE.replace("5678", "0000");
    for _ in 0..3 {
        site.ask("POST /api/sessions", "", &wrong).await.is_problem(401, "wrong_credentials");
    }
    let told = site.ask("POST /api/sessions", "", JANE).await;
    told.is_problem(423, "card_blocked");
    assert_eq!(told.json()["blocked_until"], "2027-01-15T08:30:00.000Z");
    site.clock.advance(Duration::from_secs(1_800));
    assert_eq!(site.ask("POST /api/sessions", "", JANE).await.status, 201);
}

#[tokio::test]
async fn it_ends_an_idle_session() {
    let site = Site::sandbox();
    let token = site.log_in(JOHN).await;
    site.clock.advance(Duration::from_secs(299));
    assert_eq!(site.ask("GET /api/accounts", &token, "").await.status, 200);
    site.clock.advance(Duration::from_secs(301));
    site.ask("GET /api/accounts", &token, "").await.is_problem(401, "session_expired");
}
