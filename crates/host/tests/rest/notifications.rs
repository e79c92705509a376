use serde_json::{Value, json};

use super::support::Site;

const OWN: &str = "/api/customers/current/notifications";

const ZOE: &str = r#"{"name":"Zoë","email":"zoe@example.org","password":"correct horse","account":{"type":"savings","currency":"EUR"}}"#;

async fn signed_up(site: &Site) -> String {
    let told = site.ask("POST /api/customers", "", ZOE).await.json();
    told["session"]["token"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn it_tells_of_security_and_money_until_a_customer_says_otherwise() {
    let site = Site::sandbox();
    let token = signed_up(&site).await;
    let usual = site.ask(&format!("GET {OWN}"), &token, "").await.json();
    assert_eq!(usual["webhook"], "all");
    let mail: Vec<&str> = usual["email"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    for kind in ["withdrawal", "deposit", "transfer_in", "fee", "reversal", "card_blocked", "pin_changed", "refused"] {
        assert!(mail.contains(&kind), "{kind}");
    }
    for kind in ["log_in", "log_out", "balance"] {
        assert!(!mail.contains(&kind), "{kind}");
    }
    let wishes = json!({"email": ["card_blocked", "withdrawal"], "webhook": "none"});
    site.ask(&format!("PUT {OWN}"), &token, r#"{"webhook":"none","email":["withdrawal","card_blocked"]}"#)
        .await
        .is(200, wishes.clone());
    site.ask(&format!("GET {OWN}"), &token, "").await.is(200, wishes);
    site.ask(&format!("PUT {OWN}"), &token, r#"{"webhook":"none"}"#)
        .await
        .is(200, json!({"email": usual["email"], "webhook": "none"}));
    site.ask(&format!("PUT {OWN}"), &token, "{}").await.is(200, usual);
}

#[tokio::test]
async fn it_refuses_channels_and_kinds_that_there_are_not() {
    let site = Site::sandbox();
    let token = signed_up(&site).await;
    let put = |body: &'static str| {
        let (site, token) = (&site, &token);
        async move { site.ask(&format!("PUT {OWN}"), token, body).await }
    };
    put(r#"{"log":"none"}"#).await.is_wrong_in("log");
    put(r#"{"pigeon":"all"}"#).await.is_wrong_in("pigeon");
    put(r#"{"email":["cash"]}"#).await.is_wrong_in("email[0]");
    put(r#"{"email":"some"}"#).await.is_wrong_in("email");
    site.ask(&format!("GET {OWN}"), "", "").await.is_problem(401, "unauthenticated");
    let operator = site.operator().await;
    site.ask(&format!("GET {OWN}"), &operator, "").await.is_problem(403, "forbidden");
    site.ask(&format!("PUT {OWN}"), &operator, r#"{"email":"all"}"#).await.is_problem(403, "forbidden");
}

#[tokio::test]
async fn it_shows_staff_what_was_given_up() {
    let site = Site::sandbox();
    let operator = site.operator().await;
    let nothing = json!({"dead_letters": [], "next_cursor": null});
    site.ask("GET /api/notifications/dead", &operator, "").await.is(200, nothing.clone());
    site.ask("GET /api/notifications/dead?limit=1&cursor=7", &operator, "").await.is(200, nothing);
    site.ask("GET /api/notifications/dead?cursor=x", &operator, "").await.is_wrong_in("cursor");
    site.ask("GET /api/notifications/dead", "", "").await.is_problem(401, "unauthenticated");
    let customer = signed_up(&site).await;
    site.ask("GET /api/notifications/dead", &customer, "").await.is_problem(403, "forbidden");
}
