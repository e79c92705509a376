use serde_json::json;

use super::support::{JOHN, Site, with_header};

#[tokio::test]
async fn it_issues_a_card_and_tells_its_secrets_once() {
    let site = Site::sandbox();
    let operator = site.operator().await;
    let made = r#"{"name":"Al","accounts":[{"type":"savings","currency":"USD"}]}"#;
    let made = site.ask("POST /api/operators/customers", &operator, made).await.json();
    let body =
        json!({"customer_id": made["customer_id"], "account_ids": [made["accounts"][0]["account_id"]]}).to_string();
    let send = || site.send(with_header("POST /api/cards", &operator, &body, ("idempotency-key", "card")));
    let told = send().await;
    told.is(201, json!({"card_id": null, "card_number": null, "expires": null, "pin": null}));
    let card = told.json();
    let again = send().await;
    again.is(201, json!({"card_id": card["card_id"], "expires": card["expires"]}));
    assert_eq!(again.header("idempotent-replayed"), "true");
    let log_in = json!({"card_number": card["card_number"], "pin": card["pin"], "atm_id": "ATM001"}).to_string();
    let token = site.log_in(&log_in).await;

    let path = format!("/api/cards/{}", card["card_id"].as_str().unwrap());
    let change = json!({"old_pin": card["pin"], "new_pin": "8520"}).to_string();
    assert_eq!(site.ask(&format!("PUT {path}/pin"), &token, &change).await.status, 204);
    site.ask(&format!("PUT {path}/pin"), &token, &change).await.is_problem(401, "wrong_credentials");
    let reset = site.ask(&format!("POST {path}/pin"), &operator, "").await;
    reset.is(201, json!({"pin": null}));
    assert_eq!(site.ask(&format!("POST {path}/unblock"), &operator, "").await.status, 204);
    assert_eq!(site.ask(&format!("POST {path}/report"), &token, r#"{"reason":"lost"}"#).await.status, 204);
    site.ask("GET /api/sessions/current", &token, "").await.is_problem(401, "session_expired");
    let log_in =
        json!({"card_number": card["card_number"], "pin": reset.json()["pin"], "atm_id": "ATM001"}).to_string();
    site.ask("POST /api/sessions", "", &log_in).await.is_problem(422, "card_lost");
    assert_eq!(site.ask(&format!("DELETE {path}"), &operator, "").await.status, 204);
    site.ask("POST /api/sessions", "", &log_in).await.is_problem(401, "wrong_credentials");
}

#[tokio::test]
async fn it_knows_no_card_by_a_wrong_id() {
    let site = Site::sandbox();
    let operator = site.operator().await;
    for id in ["999999999", "0", "-1", "x", "%FF", "99999999999999999999"] {
        for (line, body) in
            [("POST N/unblock", ""), ("POST N/pin", ""), ("DELETE N", ""), ("POST N/report", r#"{"reason":"lost"}"#)]
        {
            let line = line.replace('N', &format!("/api/cards/{id}"));
            site.ask(&line, &operator, body).await.is_problem(404, "not_found");
        }
    }
}

#[tokio::test]
async fn it_names_what_is_wrong_with_a_card() {
    let site = Site::sandbox();
    let (operator, john) = (site.operator().await, site.log_in(JOHN).await);
    let session = site.ask("GET /api/sessions/current", &john, "").await.json();
    let (customer, account) = (&session["customer"]["customer_id"], &session["accounts"][0]["account_id"]);
    let card = |number: &str, pin: &str| {
        json!({"customer_id": customer, "account_ids": [account], "card_number": number, "pin": pin}).to_string()
    };
    site.ask("POST /api/cards", &operator, &card("123", "1234")).await.is_wrong_in("card_number");
    site.ask("POST /api/cards", &operator, &card("9999000000000000", "123")).await.is_wrong_in("pin");
    site.ask("POST /api/cards", &operator, &card("4532123456789012", "1234"))
        .await
        .is_problem(409, "card_number_taken");
    let told = site.ask("POST /api/cards", &operator, r#"{"customer_id":"77","account_ids":["1"]}"#).await;
    told.is_problem(400, "invalid_account_id");
    assert_eq!(told.json()["field"], "account_ids[0]");
}

#[tokio::test]
async fn it_says_of_a_repeated_refusal_that_it_is_one() {
    let site = Site::sandbox();
    let operator = site.operator().await;
    let person = r#"{"name":"Al","email":"al@example.com","password":"long enough","account":{"type":"savings","currency":"USD"}}"#;
    let person = site.ask("POST /api/customers", "", person).await.json();
    let (customer, account) = (&person["customer_id"], person["account_id"].as_str().unwrap());
    let token = person["session"]["token"].as_str().unwrap();
    assert_eq!(site.ask(&format!("POST /api/accounts/{account}/close"), token, "").await.status, 204);
    let terminal = json!({"atm_id": "T1", "location": "Here", "kind": "terminal",
        "cassettes": [{"denomination": 20.00, "currency": "USD", "count": 5}]});
    assert_eq!(site.ask("POST /api/atms", &operator, &terminal.to_string()).await.status, 201);
    let card = json!({"customer_id": customer, "account_ids": [account]}).to_string();
    let count = r#"{"cassettes":[{"denomination":20.00,"counted_out":5,"counted_in":5}]}"#.to_owned();
    let cases =
        [("POST /api/cards", card, "account_closed"), ("POST /api/atms/T1/replenishments", count, "terminal_only")];
    for (line, body, code) in cases {
        let send = || site.send(with_header(line, &operator, &body, ("idempotency-key", code)));
        let (first, again) = (send().await, send().await);
        first.is_problem(422, code);
        again.is_problem(422, code);
        assert_eq!((first.header("idempotent-replayed"), again.header("idempotent-replayed")), ("", "true"), "{line}");
    }
}
