use serde_json::json;

use super::support::{JANE, JOHN, Site};

#[tokio::test]
async fn it_pages_through_a_history() {
    let site = Site::sandbox();
    let token = site.log_in(JOHN).await;
    let account = site.account(&token).await;
    for amount in [10, 20, 30] {
        let line = format!("POST /api/accounts/{account}/withdraw");
        assert_eq!(site.ask(&line, &token, &format!("{{\"amount\":{amount}}}")).await.status, 201);
    }
    let line = format!("GET /api/accounts/{account}/transactions");
    let all = site.ask(&line, &token, "").await.json();
    let entry = &all["transactions"][0];
    let id = entry["transaction_id"].as_str().unwrap();
    assert_eq!(
        *entry,
        json!({"transaction_id": id, "type": "withdrawal", "direction": "debit", "status": "posted", "amount": 30.0,
            "balance": 1440.0, "currency": "USD", "transaction_date": "2027-01-15T08:00:00.000Z", "atm_id": "ATM001"})
    );
    assert_eq!((&all["transactions"][3]["type"], &all["next_cursor"]), (&json!("deposit"), &json!(null)));
    let mut paged = Vec::new();
    let mut query = "?limit=1".to_owned();
    loop {
        let page = site.ask(&format!("{line}{query}"), &token, "").await.json();
        paged.extend(page["transactions"].as_array().unwrap().clone());
        match page["next_cursor"].as_str() {
            Some(cursor) => query = format!("?limit=1&cursor={cursor}"),
            None => break,
        }
    }
    assert_eq!(json!(paged), all["transactions"]);
    let deposits = site.ask(&format!("{line}?type=deposit&from=2027-01-15T08:00:00Z"), &token, "").await.json();
    assert_eq!(deposits["transactions"].as_array().unwrap().len(), 1);
    let none = site.ask(&format!("{line}?to=2027-01-15T08:00:00Z"), &token, "").await.json();
    assert_eq!(none, json!({"transactions": [], "next_cursor": null}));
    assert_eq!(site.ask(&format!("GET /api/transactions/{id}"), &token, "").await.json(), *entry);
}

#[tokio::test]
async fn it_refuses_parameters_that_are_wrong() {
    let site = Site::sandbox();
    let token = site.log_in(JOHN).await;
    let account = site.account(&token).await;
    for (query, field) in [
        ("limit=0", "limit"),
        ("limit=501", "limit"),
        ("limit=x", "limit"),
        ("type=gift", "type"),
        ("from=now", "from"),
        ("to=2027-01-15", "to"),
        ("page=1", "page"),
        ("limit=1&limit=1", "limit"),
        ("cursor=nonsense", "cursor"),
    ] {
        site.ask(&format!("GET /api/accounts/{account}/transactions?{query}"), &token, "").await.is_wrong_in(field);
    }
    site.ask("GET /api/transactions", &token, "").await.is_wrong_in("atm_id");
}

#[tokio::test]
async fn it_hides_transactions_of_others() {
    let site = Site::sandbox();
    let (john, jane) = (site.log_in(JOHN).await, site.log_in(JANE).await);
    let account = site.account(&jane).await;
    let history = site.ask(&format!("GET /api/accounts/{account}/transactions"), &jane, "").await.json();
    let id = history["transactions"][0]["transaction_id"].as_str().unwrap();
    let others = site.ask(&format!("GET /api/transactions/{id}"), &john, "").await;
    others.is_problem(404, "transaction_not_found");
    for none in ["01901234-5678-7abc-8def-0123456789ab", "nonsense", "%FF"] {
        let told = site.ask(&format!("GET /api/transactions/{none}"), &john, "").await;
        assert_eq!(told.but_for_request_id(), others.but_for_request_id(), "{none}");
    }
}

#[tokio::test]
async fn it_shows_staff_what_a_machine_did() {
    let site = Site::sandbox();
    let (john, operator) = (site.log_in(JOHN).await, site.operator().await);
    let account = site.account(&john).await;
    site.ask(&format!("POST /api/accounts/{account}/withdraw"), &john, r#"{"amount":10}"#).await;
    let told = site.ask("GET /api/transactions?atm_id=ATM001&limit=1", &operator, "").await.json();
    let entry = &told["transactions"][0];
    assert_eq!(
        (&entry["type"], &entry["amount"], &entry["atm_id"]),
        (&json!("withdrawal"), &json!(10.0), &json!("ATM001"))
    );
    assert_eq!(entry["account_id"], json!(account));
    site.ask("GET /api/transactions?atm_id=NOWHERE", &operator, "").await.is_problem(404, "atm_not_found");
}
