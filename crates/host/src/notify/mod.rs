//! Telling customers what happened, on every channel that the operator set up.
//!
//! The bank's events are the outbox. Each channel has a feed, which `feed` keeps in order and `engine` moves: it reads
//! events behind a cursor, hands them to the channel, and has the bank note how far it got. Nothing here is on the road of
//! money: a receiver that fails, stalls or is gone for days holds up its own feed only. What a channel is stands in its own
//! file, and a new one is a new file and a line in `CHOICES` and in the host's configuration.
//!
//! Delivery is at least once: after a crash what was on its way goes out again, under the same id.

mod bell;
mod email;
mod engine;
mod feed;
mod figures;
mod health;
mod lane;
mod limits;
mod log;
#[doc(hidden)] // Nobody else's business, but the fuzzers'.
pub mod retry_after;
mod webhook;
mod words;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use cashpoint_core::event::{Event, EventKind};
use cashpoint_core::notification::{ChannelName, NotificationId};

pub use email::{Email, EmailError, EmailSetting};
pub use engine::{Notifications, Notifier};
pub use figures::{Figures, Standing};
pub use health::Trouble;
pub use limits::Limits;
pub use log::Log;
pub use webhook::{Webhook, WebhookError};

/// Something to tell a customer of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Notification {
    /// What receivers drop repeats by; the outbox of a sandbox shows the same.
    pub id: NotificationId,
    /// What happened.
    pub event: Event,
}

/// What became of a delivery.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Sent {
    /// It arrived, or there is nobody to tell.
    Delivered,
    /// It did not; it is to be tried again.
    Later {
        /// What went wrong, for people; nothing secret, no personal data.
        why: String,
        /// The receiver asked to be left alone for so many milliseconds.
        after_ms: Option<i64>,
        /// What that says of the channel.
        trouble: Trouble,
    },
    /// It never will.
    Never {
        /// Why, for people; nothing secret, no personal data.
        why: String,
    },
}

/// A delivery on its way.
pub type Delivery = Pin<Box<dyn Future<Output = Sent> + Send>>;

/// A way to tell customers. The engine keeps order, retries and time limits; a channel delivers one thing.
pub trait Channel: Send + Sync + 'static {
    /// The channel's name, for ever: its feed has it in the books.
    fn name(&self) -> ChannelName;

    /// Whether customers who do not say otherwise are told of such events.
    fn usually(&self) -> fn(EventKind) -> bool;

    /// How many deliveries may be on their way at once.
    fn at_once(&self) -> usize;

    /// How long a delivery may take.
    fn deadline(&self) -> Duration;

    /// Delivers once. Dropped when the engine's time limit is over, or when the host stops.
    fn deliver(self: Arc<Self>, notification: Notification) -> Delivery;
}

/// A channel whose customers may choose what they are told of.
pub(crate) struct Choice {
    pub(crate) name: &'static str,
    /// What that is until they do.
    pub(crate) usually: fn(EventKind) -> bool,
}

/// The channels to choose for, in the order of their names.
pub(crate) const CHOICES: [Choice; 2] =
    [Choice { name: email::NAME, usually: email::usually }, Choice { name: webhook::NAME, usually: everything }];

/// Every kind of event.
const fn everything(_: EventKind) -> bool {
    true
}

/// A name that is written in the program.
fn name(text: &str) -> ChannelName {
    ChannelName::parse(text).expect("channels are named in lower-case letters")
}
