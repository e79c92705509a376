use axum::http::Request;
use cashpoint_host::Options;
use serde_json::json;
use tower::ServiceExt;

use super::support::Site;

#[tokio::test]
async fn it_tells_health_on_the_one_port_or_apart() {
    let one = Site::sandbox();
    one.ask("GET /health/live", "", "").await.is(200, json!({"status": "live"}));
    one.ask("GET /health/ready", "", "").await.is(200, json!({"status": "ready"}));
    let apart = Site::real();
    apart.ask("GET /health/live", "", "").await.is_problem(404, "not_found");
    let operations = cashpoint_host::operations_router(apart.bank.clone(), Options::default());
    for (path, status) in [("/health/live", 200), ("/health/ready", 200), ("/api/accounts", 404)] {
        let request = Request::get(path).body(axum::body::Body::empty()).unwrap();
        assert_eq!(operations.clone().oneshot(request).await.unwrap().status(), status, "{path}");
    }
}
