//! Whether the host lives, and whether it can do its work.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use cashpoint_core::outcome::Refusal;

use crate::app::App;

/// The process answers.
pub(crate) async fn live() -> impl IntoResponse {
    json(StatusCode::OK, r#"{"status":"live"}"#)
}

/// The database answers too.
pub(crate) async fn ready(State(app): State<App>) -> impl IntoResponse {
    match app.at_desk(|bank| bank.healthy().map(Ok::<_, Refusal>)).await {
        Ok(()) => json(StatusCode::OK, r#"{"status":"ready"}"#),
        Err(_) => json(StatusCode::SERVICE_UNAVAILABLE, r#"{"status":"unavailable"}"#),
    }
}

fn json(status: StatusCode, body: &'static str) -> impl IntoResponse + use<> {
    (status, [("content-type", "application/json")], body)
}
