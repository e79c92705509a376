//! What the host is measured against: the money path's routes with nothing behind them.
//!
//! A request's body is read and parsed as the host does it, and the answer, head and body, is as long as the host's.
//! There is no session, no bank, no request id and no log line: what is left is what any HTTP server costs.

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{DefaultBodyLimit, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderName, HeaderValue, X_CONTENT_TYPE_OPTIONS};
use axum::http::{Response, StatusCode};
use axum::routing::{get, post};
use cashpoint_core::currency::Currency;
use cashpoint_core::id::{AccountNumber, TransferId};
use cashpoint_core::money::Amount;
use cashpoint_core::outcome::{Balance, Receipt, TransferReceipt};
use cashpoint_core::time::Timestamp;
use cashpoint_wire::answer::cash::{BalanceAnswer, CashAnswer, TransferAnswer};
use cashpoint_wire::answer::to_json;
use cashpoint_wire::request::cash::{CashRequest, TransferRequest};

use crate::incoming::LONGEST_BODY;

const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// As long as every request id, and as the keys of the benchmark.
const ID: HeaderValue = HeaderValue::from_static("01901234-5678-7abc-8def-0123456789ab");

/// The answers, written once.
#[derive(Clone)]
struct Constants {
    withdrawn: Bytes,
    deposited: Bytes,
    transferred: Bytes,
    balance: Bytes,
}

/// Routes that do nothing but parse and answer.
pub fn router() -> Router {
    Router::new()
        .route("/api/accounts/{account_id}/balance", get(balance))
        .route("/api/accounts/{account_id}/withdraw", post(withdraw))
        .route("/api/accounts/{account_id}/deposit", post(deposit))
        .route("/api/accounts/{account_id}/transfer", post(transfer))
        .layer(DefaultBodyLimit::max(LONGEST_BODY))
        .with_state(Constants::written())
}

impl Constants {
    /// Typical answers: 12 digits of account number, a balance that is still near the million it began with.
    fn written() -> Self {
        let (account, target) = (AccountNumber::new(500_000_000_001), AccountNumber::new(500_000_000_002));
        let amount = |minor| Amount::new(minor, Currency::USD);
        let transaction = TransferId::new(0x0190_1234_5678_7abc_8def_0123_4567_89ab);
        let at = Timestamp::from_micros(1_800_000_000_123_456);
        let receipt = |notes| Receipt {
            transaction,
            account,
            amount: amount(10_00),
            fee: amount(0),
            balance: amount(999_990_00),
            at,
            notes,
        };
        let transferred = TransferReceipt {
            transaction,
            source: account,
            target,
            amount: amount(1_00),
            source_balance: amount(999_999_00),
            target_balance: None,
            at,
        };
        Self {
            withdrawn: to_json(&CashAnswer::from(&receipt(vec![(10_00, 1)]))).into(),
            deposited: to_json(&CashAnswer::from(&receipt(Vec::new()))).into(),
            transferred: to_json(&TransferAnswer::from(&transferred)).into(),
            balance: to_json(&BalanceAnswer::from(&Balance { account, balance: amount(999_990_00), at })).into(),
        }
    }
}

async fn balance(State(constants): State<Constants>) -> Response<Body> {
    answer(StatusCode::OK, constants.balance)
}

async fn withdraw(State(constants): State<Constants>, body: Bytes) -> Response<Body> {
    parsed::<CashRequest>(&body, constants.withdrawn)
}

async fn deposit(State(constants): State<Constants>, body: Bytes) -> Response<Body> {
    parsed::<CashRequest>(&body, constants.deposited)
}

async fn transfer(State(constants): State<Constants>, body: Bytes) -> Response<Body> {
    parsed::<TransferRequest>(&body, constants.transferred)
}

fn parsed<B: cashpoint_wire::request::Body>(body: &[u8], constant: Bytes) -> Response<Body> {
    let request = std::str::from_utf8(body).ok().and_then(|text| B::parse(text).ok());
    // Kept from being optimized away: the request must really have been read.
    match std::hint::black_box(request) {
        Some(_) => {
            let mut response = answer(StatusCode::CREATED, constant);
            response.headers_mut().insert(IDEMPOTENCY_KEY, ID);
            response
        }
        None => answer(StatusCode::BAD_REQUEST, Bytes::new()),
    }
}

fn answer(status: StatusCode, body: Bytes) -> Response<Body> {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(X_REQUEST_ID, ID);
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

#[cfg(test)]
mod tests {
    use axum::http::Request;
    use tower::ServiceExt;

    use super::*;

    async fn status(method: &str, path: &str, body: &'static str) -> u16 {
        let request = Request::builder().method(method).uri(format!("/api/accounts/500000000001/{path}"));
        let request = request.header(CONTENT_TYPE, "application/json").body(Body::from(body)).unwrap();
        router().oneshot(request).await.unwrap().status().as_u16()
    }

    #[tokio::test]
    async fn it_reads_what_it_is_sent() {
        assert_eq!(status("GET", "balance", "").await, 200);
        assert_eq!(status("POST", "withdraw", r#"{"amount":10.00,"atm_id":"CROWD1"}"#).await, 201);
        assert_eq!(status("POST", "withdraw", r#"{"amount":10.00,"atm":"CROWD1"}"#).await, 400);
        assert_eq!(status("POST", "deposit", r#"{"amount":10.00}"#).await, 201);
        assert_eq!(status("POST", "transfer", r#"{"target_account_id":"500000000002","amount":1.00}"#).await, 201);
        assert_eq!(status("POST", "transfer", r#"{"amount":1.00}"#).await, 400);
    }
}
