//! The channel that is always there: one line in the host's log for each event. Ids, no personal data.

use std::sync::Arc;
use std::time::Duration;

use cashpoint_core::event::EventKind;
use cashpoint_core::notification::ChannelName;

use super::{Channel, Delivery, Notification, Sent, everything, name};

/// Writes to the log, as target `cashpoint::notification`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Log;

impl Channel for Log {
    fn name(&self) -> ChannelName {
        name("log")
    }

    fn usually(&self) -> fn(EventKind) -> bool {
        everything
    }

    fn at_once(&self) -> usize {
        256
    }

    fn deadline(&self) -> Duration {
        Duration::from_secs(1)
    }

    fn deliver(self: Arc<Self>, notification: Notification) -> Delivery {
        let Notification { id, event } = notification;
        let about = event.about;
        tracing::info!(
            target: "cashpoint::notification",
            id = %id,
            customer = %event.customer,
            number = event.number,
            kind = event.kind.name(),
            at = %event.at,
            account = about.account.map(tracing::field::display),
            amount = about.amount.map(tracing::field::display),
            currency = about.amount.map(|amount| amount.currency().code()),
            transaction = about.transfer.map(tracing::field::display),
            machine = about.machine.map(tracing::field::display),
            card = about.card.map(tracing::field::display),
            code = about.code,
        );
        Box::pin(std::future::ready(Sent::Delivered))
    }
}
