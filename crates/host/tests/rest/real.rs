//! Outside a sandbox: channel credentials, and nothing that only a sandbox has.

use serde_json::{Value, json};

use super::support::{Site, Told, request};

struct World {
    site: Site,
    operator: String,
    card: Value,
    channel: String,
}

async fn world() -> World {
    let site = Site::real();
    let begun =
        site.ask("POST /api/operators/sessions", "", r#"{"username":"chief","password":"correct horse"}"#).await;
    let operator = begun.json()["token"].as_str().unwrap().to_owned();
    let machine = r#"{"atm_id":"A1","location":"Hall","kind":"api","cassettes":[{"denomination":20.00,"currency":"USD","count":50}]}"#;
    let machine = site.ask("POST /api/atms", &operator, machine).await.json();
    let customer = r#"{"name":"Al","accounts":[{"type":"savings","currency":"USD","opening_balance":100}]}"#;
    let customer = site.ask("POST /api/operators/customers", &operator, customer).await.json();
    let body = json!({"customer_id": customer["customer_id"], "account_ids": [customer["accounts"][0]["account_id"]]});
    let card = site.ask("POST /api/cards", &operator, &body.to_string()).await.json();
    let channel = machine["channel"].as_str().unwrap().to_owned();
    World { site, operator, card, channel }
}

impl World {
    async fn ask(&self, line: &str, token: &str, body: &str, channel: &str) -> Told {
        let mut request = request(line, token, body);
        request.headers_mut().insert("cashpoint-channel", channel.parse().unwrap());
        self.site.send(request).await
    }

    async fn log_in(&self, channel: &str) -> Told {
        let body = json!({"card_number": self.card["card_number"], "pin": self.card["pin"], "atm_id": "A1"});
        self.ask("POST /api/sessions", "", &body.to_string(), channel).await
    }
}

#[tokio::test]
async fn it_moves_cash_only_where_it_stands() {
    let world = world().await;
    let forged = format!("A1.cpc_{}", "A".repeat(43));
    for wrong in ["", "A1", &forged, &world.channel[..world.channel.len() - 1], &world.channel.replace("A1", "A2")] {
        world.log_in(wrong).await.is_problem(403, "channel_required");
    }
    let begun = world.log_in(&world.channel).await;
    assert_eq!(begun.status, 201, "{}", begun.text());
    let (token, account) = (begun.json()["token"].clone(), begun.json()["accounts"][0]["account_id"].clone());
    let (token, account) = (token.as_str().unwrap(), account.as_str().unwrap());
    for way in ["withdraw", "deposit"] {
        let line = format!("POST /api/accounts/{account}/{way}");
        world.ask(&line, token, r#"{"amount":20}"#, &forged).await.is_problem(403, "channel_required");
        world.site.ask(&line, token, r#"{"amount":20}"#).await.is_problem(403, "channel_required");
        world.ask(&line, token, r#"{"amount":null}"#, "").await.is_wrong_in("amount");
        world.ask(&line, "", r#"{"amount":20}"#, "").await.is_problem(401, "unauthenticated");
        assert_eq!(world.ask(&line, token, r#"{"amount":20}"#, &world.channel).await.status, 201);
    }
    assert_eq!(
        world.site.ask(&format!("GET /api/accounts/{account}/balance"), token, "").await.json()["balance"],
        100.0
    );
}

#[tokio::test]
async fn it_has_nothing_of_a_sandbox() {
    let world = world().await;
    for line in ["GET /accounts/10001/balance", "POST /accounts/10001/withdraw", "GET /sandbox/outbox?customer_id=1"] {
        world.site.ask(line, "", "").await.is_problem(404, "not_found");
    }
    let body = json!({"customer_id": "77", "account_ids": ["12345"], "card_number": "4111111111111111"}).to_string();
    world.site.ask("POST /api/cards", &world.operator, &body).await.is_wrong_in("card_number");
}

#[tokio::test]
async fn it_tires_of_log_ins_from_one_address() {
    let world = world().await;
    let mut refused = None;
    for _ in 0..101 {
        let told = world
            .site
            .ask("POST /api/sessions", "", r#"{"card_number":"9999000000000000","pin":"1234","atm_id":"NOWHERE"}"#)
            .await;
        if told.status == 429 {
            refused = Some(told);
            break;
        }
    }
    let refused = refused.expect("100 at once, and no more");
    refused.is_problem(429, "too_many_requests");
    assert_eq!(refused.header("retry-after"), "1");
    world.site.clock.advance(std::time::Duration::from_secs(1));
    let told = world
        .site
        .ask("POST /api/sessions", "", r#"{"card_number":"9999000000000000","pin":"1234","atm_id":"NOWHERE"}"#)
        .await;
    assert_ne!(told.status, 429);
}
