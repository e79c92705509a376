//! `/sandbox`: what a sandbox shows beside the interface.

use axum::extract::State;
use cashpoint_core::id::CustomerId;
use cashpoint_core::outcome::Refusal;
use cashpoint_wire::answer::Listed;
use cashpoint_wire::answer::history::NotificationAnswer;
use cashpoint_wire::malformed::Malformed;
use cashpoint_wire::request::listing::Query;

use super::{described, teller};
use crate::answer::{Answered, Reply};
use crate::app::App;
use crate::incoming::Incoming;
use crate::openapi::Routes;

pub(super) fn routes() -> Routes {
    Routes::new().on(described::sandbox::outbox(), outbox).guarded(teller::neighbours_only)
}

/// GET `/sandbox/outbox?customer_id=`: oldest first; `after` a notification's number, at most `limit`.
async fn outbox(State(app): State<App>, incoming: Incoming) -> Answered {
    let query = Query::new(incoming.query()?, &["customer_id", "after", "limit"])?;
    let customer = query.parsed("customer_id", "a customer's id", |text| CustomerId::parse(text).ok())?;
    let customer = customer.ok_or_else(|| Malformed::field("customer_id", "it is missing"))?;
    let after = query.parsed("after", "a notification's number", |text| text.parse().ok())?.unwrap_or(0);
    let limit = match query.text("limit") {
        Some(_) => query.limit()?,
        None => 500,
    };
    let delivered = app.at_desk(move |bank| bank.outbox(customer, after, limit).map(Ok::<_, Refusal>)).await?;
    let notifications: Vec<_> =
        delivered.iter().map(|one| NotificationAnswer::new(one.id().to_string(), &one.event)).collect();
    Ok(Reply::ok(&Listed("notifications", &notifications)))
}
