//! The interface's paths. One file per part, its handlers named for what they do; the table of routes is here.

mod accounts;
mod atms;
mod cards;
mod counters;
mod customers;
mod operators;
mod policies;
mod sandbox;
mod sessions;
mod teller;
mod transactions;

use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::routing::{get, post, put};
use cashpoint_bank::bank::Bank;
use cashpoint_wire::problem::Code;

use crate::answer::Refused;
use crate::app::{App, Mount, Options};
use crate::{edge, health, pages};

/// Everything that the outside sees of a host; health too, if it has but one port.
pub fn router(bank: Bank, options: Options) -> Router {
    let app = App::new(bank, options);
    let mut routes = api().merge(people());
    if app.bank().is_sandbox() {
        routes = routes.merge(sandbox::routes()).merge(teller::routes());
    }
    routes = match app.options().mount {
        Mount::OnePort => routes.merge(operations()),
        Mount::Apart => routes,
    };
    wrapped(routes, app)
}

/// What the operator's own port serves.
pub fn operations_router(bank: Bank, options: Options) -> Router {
    wrapped(operations(), App::new(bank, options))
}

fn wrapped(routes: Router<App>, app: App) -> Router {
    let edge = from_fn_with_state(app.clone(), edge::edge);
    routes.fallback(nowhere).layer(edge).with_state(app)
}

async fn nowhere() -> Refused {
    Code::NotFound.into()
}

fn operations() -> Router<App> {
    Router::new().route("/health/live", get(health::live)).route("/health/ready", get(health::ready))
}

fn people() -> Router<App> {
    Router::new().route("/", get(pages::landing)).route("/docs/errors", get(pages::errors))
}

fn api() -> Router<App> {
    Router::new()
        .route("/api/customers", post(customers::sign_up))
        .route("/api/customers/current", get(customers::show).patch(customers::update))
        .route("/api/customers/current/password", put(customers::change_password))
        .route("/api/sessions", post(sessions::log_in))
        .route("/api/sessions/current", get(sessions::show).delete(sessions::log_out))
        .route("/api/accounts", get(accounts::list).post(accounts::open))
        .route("/api/accounts/{account_id}/close", post(accounts::close))
        .route("/api/accounts/{account_id}/balance", get(accounts::balance))
        .route("/api/accounts/{account_id}/withdraw", post(accounts::withdraw))
        .route("/api/accounts/{account_id}/deposit", post(accounts::deposit))
        .route("/api/accounts/{account_id}/transfer", post(accounts::transfer))
        .route("/api/accounts/{account_id}/transactions", get(transactions::history))
        .route("/api/transactions", get(transactions::of_machine))
        .route("/api/transactions/{transaction_id}", get(transactions::show))
        .route("/api/operators/customers", post(operators::create_customer))
        .route("/api/operators/sessions", post(operators::log_in))
        .route("/api/cards", post(cards::issue))
        .route("/api/cards/{card_id}", axum::routing::delete(cards::remove))
        .route("/api/cards/{card_id}/pin", put(cards::change_pin).post(cards::reset_pin))
        .route("/api/cards/{card_id}/report", post(cards::report))
        .route("/api/cards/{card_id}/unblock", post(cards::unblock))
        .route("/api/counters", get(counters::list).post(counters::create))
        .route("/api/atms", get(atms::list).post(atms::create))
        .route("/api/atms/{atm_id}", get(atms::show).patch(atms::update))
        .route("/api/atms/{atm_id}/replenishments", post(atms::replenish))
        .route("/api/policies", get(policies::show).put(policies::change))
}
