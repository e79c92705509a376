//! The interface's paths. One file per part, its handlers named for what they do; the table of routes is here.

mod accounts;
mod atms;
mod cards;
mod cases;
mod counters;
mod customers;
mod described;
mod notifications;
mod operators;
mod policies;
mod replenishments;
mod sandbox;
mod sessions;
mod teller;
mod terminals;
mod transactions;

use axum::Router;
use axum::middleware::from_fn_with_state;
use cashpoint_bank::bank::Bank;
use cashpoint_wire::problem::Code;

use crate::answer::Refused;
use crate::app::{App, Mount, Options};
use crate::openapi::{Published, Routes};
use crate::{edge, health, metrics, pages};

/// Everything that the outside sees of a host; health and metrics too, if it has but one port.
pub fn router(bank: Bank, options: Options) -> Router {
    let app = App::new(bank, options);
    let mut routes = api().and(people()).and(terminals::routes());
    if app.bank().is_sandbox() {
        routes = routes.and(sandbox::routes()).and(teller::routes());
    }
    routes = match app.options().mount {
        Mount::OnePort => routes.and(operations()),
        Mount::Apart => routes,
    };
    app.publish(Published::about(routes.operations()));
    app.options().metrics.watch_requests(routes.all());
    wrapped(routes, app)
}

/// What the operator's own port serves: health and metrics. `options` are those of the router whose host it is.
pub fn operations_router(bank: Bank, options: Options) -> Router {
    wrapped(operations(), App::new(bank, options))
}

fn wrapped(routes: Routes, app: App) -> Router {
    let edge = from_fn_with_state(app.clone(), edge::edge);
    routes.into_router().fallback(nowhere).layer(edge).with_state(app)
}

async fn nowhere() -> Refused {
    Code::NotFound.into()
}

fn operations() -> Routes {
    use described::open;
    Routes::new().on(open::live(), health::live).on(open::ready(), health::ready).on(open::metrics(), metrics::metrics)
}

fn people() -> Routes {
    use described::open;
    Routes::new()
        .on(open::landing(), pages::landing)
        .on(open::document(), pages::document)
        .on(open::documentation(), pages::documentation)
        .on(open::errors(), pages::errors)
        .on(open::style(), pages::style)
}

fn api() -> Routes {
    money().and(people_and_cards()).and(machines())
}

fn money() -> Routes {
    use described::{accounts as of_accounts, transactions as histories};
    Routes::new()
        .on(of_accounts::list(), accounts::list)
        .on(of_accounts::open(), accounts::open)
        .on(of_accounts::close(), accounts::close)
        .on(of_accounts::balance(), accounts::balance)
        .on(of_accounts::withdraw(), accounts::withdraw)
        .on(of_accounts::deposit(), accounts::deposit)
        .on(of_accounts::transfer(), accounts::transfer)
        .on(histories::history(), transactions::history)
        .on(histories::of_machine(), transactions::of_machine)
        .on(histories::show(), transactions::show)
}

fn people_and_cards() -> Routes {
    use described::{
        cards as of_cards, customers as of_customers, notifications as of_notifications, sessions as of_sessions,
    };
    Routes::new()
        .on(of_sessions::log_in(), sessions::log_in)
        .on(of_sessions::show(), sessions::show)
        .on(of_sessions::log_out(), sessions::log_out)
        .on(of_sessions::log_in_operator(), operators::log_in)
        .on(of_customers::sign_up(), customers::sign_up)
        .on(of_customers::show(), customers::show)
        .on(of_customers::update(), customers::update)
        .on(of_customers::change_password(), customers::change_password)
        .on(of_customers::create(), operators::create_customer)
        .on(of_notifications::show(), notifications::show)
        .on(of_notifications::change(), notifications::change)
        .on(of_notifications::dead(), notifications::dead)
        .on(of_cards::issue(), cards::issue)
        .on(of_cards::remove(), cards::remove)
        .on(of_cards::change_pin(), cards::change_pin)
        .on(of_cards::reset_pin(), cards::reset_pin)
        .on(of_cards::report(), cards::report)
        .on(of_cards::unblock(), cards::unblock)
}

fn machines() -> Routes {
    use described::{cases as of_cases, machines as of_machines};
    Routes::new()
        .on(of_machines::list_counters(), counters::list)
        .on(of_machines::create_counter(), counters::create)
        .on(of_machines::list(), atms::list)
        .on(of_machines::create(), atms::create)
        .on(of_machines::show(), atms::show)
        .on(of_machines::update(), atms::update)
        .on(of_machines::issue_code(), atms::issue_code)
        .on(of_machines::replenish(), replenishments::create)
        .on(of_machines::replenishment(), replenishments::show)
        .on(of_cases::list(), cases::list)
        .on(of_cases::show(), cases::show)
        .on(of_cases::resolve(), cases::resolve)
        .on(of_machines::policies(), policies::show)
        .on(of_machines::change_policies(), policies::change)
}
