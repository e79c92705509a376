use serde_json::json;

use super::support::{Site, with_header};

#[tokio::test]
async fn it_makes_a_customer_once() {
    let site = Site::sandbox();
    let operator = site.operator().await;
    let body = r#"{"name":"Al","email":"al@example.org","accounts":[{"type":"checking","currency":"USD","opening_balance":50.00},{"type":"savings","currency":"EUR"}]}"#;
    let send = || site.send(with_header("POST /api/operators/customers", &operator, body, ("idempotency-key", "al")));
    let told = send().await;
    told.is(
        201,
        json!({"customer_id": null, "accounts": [
            {"account_id": null, "type": "checking", "currency": "USD", "primary": true},
            {"account_id": null, "type": "savings", "currency": "EUR", "primary": false}]}),
    );
    let again = send().await;
    assert_eq!((again.text(), again.header("idempotent-replayed")), (told.text(), "true"));
    let taken = body.replace("\"Al\"", "\"Alfred\"");
    site.ask("POST /api/operators/customers", &operator, &taken).await.is_problem(409, "email_taken");
    let bad = body.replace("50.00", "-50");
    let told = site.ask("POST /api/operators/customers", &operator, &bad).await;
    told.is_problem(400, "invalid_amount");
    assert_eq!(told.json()["field"], "accounts[0].opening_balance");
}
