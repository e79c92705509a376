use serde_json::json;

use super::support::{Site, with_header};

const HALL: &str = r#"{"atm_id":"HALL","location":"Hall","kind":"api","cassettes":[{"denomination":20.00,"currency":"USD","count":5}]}"#;

#[tokio::test]
async fn it_makes_shows_and_changes_machines() {
    let site = Site::sandbox();
    let operator = site.operator().await;
    let send = || site.send(with_header("POST /api/atms", &operator, HALL, ("idempotency-key", "hall")));
    let told = send().await;
    let mut machine = json!({"atm_id": "HALL", "location": "Hall", "kind": "api", "status": "active", "currency": "USD",
        "cash": 100.0, "in_flight": 0.0, "deposit_bin": 0.0, "cassettes": [{"denomination": 20.0, "count": 5}], "last_seen": null});
    let mut with_channel = machine.clone();
    with_channel["channel"] = json!(null);
    told.is(201, with_channel);
    assert!(told.json()["channel"].as_str().unwrap().starts_with("HALL.cpc_"));
    let again = send().await;
    again.is(201, machine.clone());
    assert_eq!(again.header("idempotent-replayed"), "true");
    site.ask("POST /api/atms", &operator, HALL).await.is_problem(409, "atm_id_taken");
    site.ask("GET /api/atms/HALL", &operator, "").await.is(200, machine.clone());
    let patch = r#"{"location":"Old hall","status":"inactive"}"#;
    (machine["location"], machine["status"]) = (json!("Old hall"), json!("inactive"));
    site.ask("PATCH /api/atms/HALL", &operator, patch).await.is(200, machine);
    let listed = site.ask("GET /api/atms", &operator, "").await.json();
    assert!(listed["atms"].as_array().unwrap().iter().any(|atm| atm["atm_id"] == "HALL"));
    let terminal = HALL.replace("api", "terminal").replace("HALL", "T1");
    let told = site.ask("POST /api/atms", &operator, &terminal).await.json();
    assert!(told["enrolment_code"].is_string() && told.get("channel").is_none());
    for id in ["NOWHERE", "A%20B", "%FF"] {
        site.ask(&format!("GET /api/atms/{id}"), &operator, "").await.is_problem(404, "atm_not_found");
        site.ask(&format!("PATCH /api/atms/{id}"), &operator, "{}").await.is_problem(404, "atm_not_found");
    }
}

#[tokio::test]
async fn it_counts_a_machines_cash() {
    let site = Site::sandbox();
    let operator = site.operator().await;
    assert_eq!(site.ask("POST /api/atms", &operator, HALL).await.status, 201);
    let line = "POST /api/atms/HALL/replenishments";
    let body = r#"{"cassettes":[{"denomination":20.00,"counted_out":4,"counted_in":10}]}"#;
    let send = || site.send(with_header(line, &operator, body, ("idempotency-key", "count")));
    let told = send().await;
    told.is(201, json!({"atm_id": "HALL", "currency": "USD", "cash": 200.0, "difference": -20.0}));
    let again = send().await;
    assert_eq!((again.text(), again.header("idempotent-replayed")), (told.text(), "true"));
    let machine = site.ask("GET /api/atms/HALL", &operator, "").await.json();
    assert_eq!((&machine["cash"], &machine["cassettes"][0]["count"]), (&json!(200.0), &json!(10)));
    site.ask("POST /api/atms/NOWHERE/replenishments", &operator, body).await.is_problem(404, "atm_not_found");
}

#[tokio::test]
async fn it_keeps_counters_on_paths_of_their_own() {
    let site = Site::sandbox();
    let operator = site.operator().await;
    let body = r#"{"counter_id":"DESK","location":"Lobby"}"#;
    let told = site.ask("POST /api/counters", &operator, body).await;
    told.is(201, json!({"counter_id": "DESK", "location": "Lobby", "status": "active", "channel": null}));
    assert!(told.json()["channel"].as_str().unwrap().starts_with("DESK.cpc_"));
    let counter = json!({"counter_id": "DESK", "location": "Lobby", "status": "active"});
    assert!(
        site.ask("GET /api/counters", &operator, "").await.json()["counters"].as_array().unwrap().contains(&counter)
    );
    site.ask("GET /api/atms/DESK", &operator, "").await.is_problem(404, "atm_not_found");
    site.ask("POST /api/counters", &operator, &body.replace("DESK", "ATM001")).await.is_problem(409, "atm_id_taken");
}
