use axum::body::Body;
use axum::http::Request;

use super::support::{JOHN, Site, Told, request, with_header};

#[track_caller]
fn is_exactly(told: &Told, status: u16, body: &str) {
    assert_eq!((told.status.as_u16(), told.text().as_str()), (status, body));
    assert_eq!((told.header("content-type"), told.header("x-request-id").len()), ("application/json", 36));
}

fn error(code: u16, text: &str) -> String {
    format!(r#"{{"success":false,"error":"{text}","code":{code}}}"#)
}

#[tokio::test]
async fn it_moves_money_over_the_counter() {
    let site = Site::sandbox();
    let balance =
        |amount| format!(r#"{{"success":true,"data":{{"account_number":"10001","balance":{amount}}},"code":200}}"#);
    let moved =
        |amount| format!(r#"{{"success":true,"data":{{"account_number":"10001","new_balance":{amount}}},"code":200}}"#);
    is_exactly(&site.ask("GET /accounts/10001/balance", "", "").await, 200, &balance("1000.00"));
    is_exactly(&site.ask("POST /accounts/10001/withdraw", "", r#"{"amount":100.0}"#).await, 200, &moved("900.00"));
    is_exactly(&site.ask("POST /accounts/10001/deposit", "", r#"{"amount":"0.01"}"#).await, 200, &moved("900.01"));
    let keyed =
        || site.send(with_header("POST /accounts/10001/deposit", "", r#"{"amount":1}"#, ("idempotency-key", "k")));
    is_exactly(&keyed().await, 200, &moved("901.01"));
    let again = keyed().await;
    is_exactly(&again, 200, &moved("901.01"));
    assert_eq!((again.header("idempotency-key"), again.header("idempotent-replayed")), ("k", "true"));
    let told = site.ask("GET /accounts/100000/balance", "", "").await;
    assert_eq!(told.json()["data"]["balance"], 10_000.0);
}

#[tokio::test]
async fn it_refuses_in_a_shape_of_its_own() {
    let site = Site::sandbox();
    let john = site.log_in(JOHN).await;
    let customers = site.account(&john).await;
    let withdraw = "POST /accounts/10001/withdraw";
    is_exactly(&site.ask(withdraw, "", r#"{"amount":1000.01}"#).await, 400, &error(400, "Insufficient funds"));
    for amount in ["0", "-1", "1e2", "1.001", "\"x\""] {
        let told = site.ask(withdraw, "", &format!("{{\"amount\":{amount}}}")).await;
        is_exactly(&told, 400, &error(400, "Invalid amount"));
    }
    for body in ["{", "[]", "{}", r#"{"amount":null}"#, r#"{"amount":true}"#, r#"{"amount":1,"x":1}"#] {
        is_exactly(&site.ask(withdraw, "", body).await, 400, &error(400, "Invalid request"));
    }
    for bad in ["1", "1234", "abcde", "12345678901234567890", "%FF"] {
        let told = site.ask(&format!("GET /accounts/{bad}/balance"), "", "").await;
        is_exactly(&told, 400, &error(400, "Invalid account id"));
    }
    for none in ["99999", "010001", &customers] {
        let told = site.ask(&format!("GET /accounts/{none}/balance"), "", "").await;
        is_exactly(&told, 404, &error(404, "Account not found"));
        let told = site.ask(&format!("POST /accounts/{none}/withdraw"), "", r#"{"amount":1}"#).await;
        is_exactly(&told, 404, &error(404, "Account not found"));
    }
    let told = site.ask("GET /accounts/10001/withdraw", "", "").await;
    is_exactly(&told, 405, &error(405, "Method not allowed"));
    assert_eq!(told.header("allow"), "POST");
    is_exactly(&site.ask("GET /accounts/10001/nothing", "", "").await, 404, &error(404, "Not found"));
    let send = |content_type: &str, body: &str| {
        let request =
            Request::post("/accounts/10001/withdraw").header("host", "localhost").header("content-type", content_type);
        site.send(request.body(Body::from(body.to_owned())).unwrap())
    };
    is_exactly(&site.ask(withdraw, "", "").await, 415, &error(415, "Unsupported media type"));
    is_exactly(&send("application/json", "").await, 415, &error(415, "Unsupported media type"));
    is_exactly(&send("text/plain", r#"{"amount":1}"#).await, 415, &error(415, "Unsupported media type"));
    let mut large = request(withdraw, "", "{}");
    large.headers_mut().insert("content-length", "65537".parse().unwrap());
    is_exactly(&site.send(large).await, 413, &error(413, "Body too large"));
    let balance = site.ask("GET /accounts/10001/balance", "", "").await;
    assert_eq!(balance.json()["data"]["balance"], 1_000.0);
}

#[tokio::test]
async fn it_answers_only_neighbours() {
    let site = Site::sandbox();
    let ask = |host: &str, origin: Option<&str>| {
        let mut request = request("POST /accounts/10001/deposit", "", r#"{"amount":1}"#);
        request.headers_mut().insert("host", host.parse().unwrap());
        origin.map(|origin| request.headers_mut().insert("origin", origin.parse().unwrap()));
        site.send(request)
    };
    assert_eq!(ask("127.0.0.1:8080", None).await.status, 200);
    assert_eq!(ask("localhost:8080", Some("http://localhost:8080")).await.status, 200);
    is_exactly(&ask("rebound.example.org", None).await, 403, &error(403, "Forbidden"));
    is_exactly(&ask("localhost:8080", Some("http://example.org")).await, 403, &error(403, "Forbidden"));
    is_exactly(&ask("localhost:8080", Some("null")).await, 403, &error(403, "Forbidden"));
    let balance = site.ask("GET /accounts/10001/balance", "", "").await;
    assert_eq!(balance.json()["data"]["balance"], 1_002.0);
}
