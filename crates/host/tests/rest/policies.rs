use serde_json::json;

use super::support::{JOHN, Site};

#[tokio::test]
async fn it_changes_what_holds_for_the_next_operation() {
    let site = Site::sandbox();
    let (operator, john) = (site.operator().await, site.log_in(JOHN).await);
    let account = site.account(&john).await;
    let before = site.ask("GET /api/policies", &operator, "").await;
    assert!(before.text().contains("\"withdrawal_limit\":500.00"), "{}", before.text());
    assert_eq!(before.json()["policies"]["daily_transfer_limit"], json!(null));
    let told = site
        .ask("PUT /api/policies", &operator, r#"{"withdrawal_limit":20.00,"pin_tries":5,"time_zone":"Europe/Berlin"}"#)
        .await;
    assert_eq!(told.status, 200, "{}", told.text());
    let after = told.json();
    assert_eq!(after["version"].as_u64().unwrap(), before.json()["version"].as_u64().unwrap() + 1);
    assert_eq!(
        (&after["policies"]["pin_tries"], &after["policies"]["time_zone"]),
        (&json!(5), &json!("Europe/Berlin"))
    );
    assert_eq!(site.ask("GET /api/policies", &operator, "").await.json(), after);
    let told = site.ask(&format!("POST /api/accounts/{account}/withdraw"), &john, r#"{"amount":30}"#).await;
    told.is_problem(422, "over_transaction_limit");
    assert_eq!(told.json()["limit"], 20.0);
    for (body, field) in [
        (r#"{"colour":1}"#, "colour"),
        (r#"{"pin_tries":0}"#, "pin_tries"),
        (r#"{"pin_tries":1.5}"#, "pin_tries"),
        (r#"{"time_zone":"Mars/Olympus"}"#, "time_zone"),
        (r#"{"withdrawal_limit":null}"#, "withdrawal_limit"),
        (r#"{"withdrawal_limit":true}"#, "withdrawal_limit"),
    ] {
        site.ask("PUT /api/policies", &operator, body).await.is_wrong_in(field);
    }
}
