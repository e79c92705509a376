use super::support::{JOHN, Site};

#[tokio::test]
async fn it_shows_what_would_have_gone_out() {
    let site = Site::sandbox();
    let token = site.log_in(JOHN).await;
    let account = site.account(&token).await;
    site.ask(&format!("POST /api/accounts/{account}/withdraw"), &token, r#"{"amount":10}"#).await;
    let customer = site.ask("GET /api/sessions/current", &token, "").await.json()["customer"]["customer_id"].clone();
    let line = format!("GET /sandbox/outbox?customer_id={}", customer.as_str().unwrap());
    let told = site.ask(&line, "", "").await.json();
    let all = told["notifications"].as_array().unwrap();
    let last = all.last().unwrap();
    assert_eq!((last["type"].as_str(), last["amount"].as_f64()), (Some("withdrawal"), Some(10.0)));
    assert_eq!(last["account_id"].as_str(), Some(account.as_str()));
    let numbers: Vec<_> = all.iter().map(|one| one["number"].as_u64().unwrap()).collect();
    assert_eq!(numbers, (1..=numbers.len() as u64).collect::<Vec<_>>());
    let rest = site.ask(&format!("{line}&after=1&limit=1"), "", "").await.json();
    assert_eq!(rest["notifications"].as_array().unwrap(), &all[1..2]);
    site.ask("GET /sandbox/outbox", "", "").await.is_wrong_in("customer_id");
    site.ask("GET /sandbox/outbox?customer_id=x", "", "").await.is_wrong_in("customer_id");
}
