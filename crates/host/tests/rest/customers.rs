use serde_json::json;

use super::support::Site;

const ZOE: &str = r#"{"name":"Zoë","email":"zoe@example.org","password":"correct horse","phone":"+1 555 0100","account":{"type":"savings","currency":"EUR"}}"#;

#[tokio::test]
async fn it_signs_somebody_up() {
    let site = Site::sandbox();
    let told = site.ask("POST /api/customers", "", ZOE).await;
    assert_eq!(told.status, 201, "{}", told.text());
    let body = told.json();
    let (customer, account) = (body["customer_id"].clone(), body["account_id"].clone());
    assert_eq!(body["session"]["customer"], json!({"customer_id": customer, "name": "Zoë"}));
    assert_eq!(
        body["session"]["accounts"][0],
        json!({"account_id": account, "type": "savings", "currency": "EUR", "primary": true})
    );
    let token = body["session"]["token"].as_str().unwrap();
    site.ask("GET /api/customers/current", token, "").await.is(
        200,
        json!({"customer_id": customer, "name": "Zoë", "email": "zoe@example.org", "phone": "+1 555 0100", "created_at": null}),
    );
    site.ask("POST /api/customers", "", ZOE).await.is_problem(409, "email_taken");
    site.ask("POST /api/customers", "", &ZOE.replace("correct horse", "short")).await.is_wrong_in("password");
    site.ask("POST /api/customers", "", &ZOE.replace("savings", "gold")).await.is_wrong_in("account.type");
}

#[tokio::test]
async fn it_changes_a_customers_data_and_password() {
    let site = Site::sandbox();
    let signed_up = site.ask("POST /api/customers", "", ZOE).await.json();
    let token = signed_up["session"]["token"].as_str().unwrap();
    let patch = r#"{"name":"Zoe","phone":null,"address":"1 Road\nTown"}"#;
    let told = site.ask("PATCH /api/customers/current", token, patch).await;
    told.is(
        200,
        json!({"customer_id": null, "name": "Zoe", "email": "zoe@example.org", "address": "1 Road\nTown", "created_at": null}),
    );
    let taken = r#"{"email":"john.doe@example.com"}"#;
    site.ask("PATCH /api/customers/current", token, taken).await.is_problem(409, "email_taken");
    let log_in = r#"{"email":"zoe@example.org","password":"correct horse"}"#;
    let other = site.log_in(log_in).await;
    let wrong = r#"{"old_password":"wrong horse","new_password":"battery staple"}"#;
    site.ask("PUT /api/customers/current/password", token, wrong).await.is_problem(401, "wrong_credentials");
    let short = r#"{"old_password":"correct horse","new_password":"short"}"#;
    site.ask("PUT /api/customers/current/password", token, short).await.is_wrong_in("new_password");
    let right = r#"{"old_password":"correct horse","new_password":"battery staple"}"#;
    assert_eq!(site.ask("PUT /api/customers/current/password", token, right).await.status, 204);
    assert_eq!(site.ask("GET /api/sessions/current", token, "").await.status, 200);
    site.ask("GET /api/sessions/current", &other, "").await.is_problem(401, "session_expired");
    site.ask("POST /api/sessions", "", log_in).await.is_problem(401, "wrong_credentials");
}
