//! How the feeds stand, for whoever watches the host.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use cashpoint_core::notification::ChannelName;
use cashpoint_core::time::Timestamp;

use super::Sent;

/// One feed's figures, counted since the host started.
#[derive(Debug)]
pub struct Figures {
    channel: ChannelName,
    delivered: AtomicU64,
    failed: AtomicU64,
    dead: AtomicU64,
    in_flight: AtomicU64,
    waiting: AtomicU64,
    /// When the oldest event happened that is not dealt with, microseconds; 0: there is none.
    oldest: AtomicI64,
}

/// A feed's figures at one moment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Standing {
    /// The channel.
    pub channel: ChannelName,
    /// Deliveries that arrived.
    pub delivered: u64,
    /// Deliveries that failed, each time that they did.
    pub failed: u64,
    /// Deliveries that were given up.
    pub dead: u64,
    /// Deliveries on their way.
    pub in_flight: u64,
    /// Customers with a delivery that waits.
    pub waiting: u64,
    /// How long ago the oldest event happened that nobody was told of and that does not wait, milliseconds.
    pub lag_ms: i64,
}

/// What a feed knows of itself.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Snapshot {
    pub(super) in_flight: usize,
    pub(super) waiting: usize,
    /// Given up since the feed was taken over.
    pub(super) dead: u64,
    /// When the oldest event happened that is on nobody's row.
    pub(super) oldest: Option<Timestamp>,
}

impl Figures {
    pub(super) const fn new(channel: ChannelName) -> Self {
        Self {
            channel,
            delivered: AtomicU64::new(0),
            failed: AtomicU64::new(0),
            dead: AtomicU64::new(0),
            in_flight: AtomicU64::new(0),
            waiting: AtomicU64::new(0),
            oldest: AtomicI64::new(0),
        }
    }

    pub(super) fn count(&self, sent: &Sent) {
        let counter = match sent {
            Sent::Delivered => &self.delivered,
            Sent::Later { .. } | Sent::Never { .. } => &self.failed,
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn set(&self, snapshot: Snapshot) {
        let Snapshot { in_flight, waiting, dead, oldest } = snapshot;
        let count = |number| u64::try_from(number).unwrap_or(u64::MAX);
        self.in_flight.store(count(in_flight), Ordering::Relaxed);
        self.waiting.store(count(waiting), Ordering::Relaxed);
        self.dead.store(dead, Ordering::Relaxed);
        self.oldest.store(oldest.map_or(0, Timestamp::micros), Ordering::Relaxed);
    }

    /// The figures now.
    #[must_use]
    pub fn standing(&self, now: Timestamp) -> Standing {
        let of = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let lag_ms = match self.oldest.load(Ordering::Relaxed) {
            0 => 0,
            oldest => now.since_ms(Timestamp::from_micros(oldest)).max(0),
        };
        Standing {
            channel: self.channel,
            delivered: of(&self.delivered),
            failed: of(&self.failed),
            dead: of(&self.dead),
            in_flight: of(&self.in_flight),
            waiting: of(&self.waiting),
            lag_ms,
        }
    }
}
