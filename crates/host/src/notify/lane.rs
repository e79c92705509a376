//! One customer's deliveries on one channel, in order.

use std::collections::VecDeque;

use cashpoint_core::notification::{Place, Waiting};
use cashpoint_core::time::Timestamp;

use super::Notification;

/// Events of a waiting customer that are kept at hand; those behind them are read again when it is their turn.
pub(super) const AT_HAND: usize = if cfg!(test) { 3 } else { 16 };

/// Events of a waiting customer whose places are kept; those behind them are looked for again. A place is 16 bytes.
/// Tests have few, so that they come to the end of them.
pub(super) const PLACES: usize = if cfg!(test) { 5 } else { 4_096 };

/// What goes on in a lane.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) enum Doing {
    /// Nothing: the customer is among the ready, or waits.
    #[default]
    Nothing,
    /// The front is on its way.
    Sending,
    /// The next events are being read.
    Reading,
    /// The places of its events are being looked for.
    Looking,
    /// As before, and more were taken in meanwhile.
    Outrun,
    /// The front was given up; nothing goes before the books say so and have the cursor past it. Otherwise the next
    /// one could arrive, and after a crash the one that was given up behind it.
    Burying,
}

/// A customer's deliveries. The front is on its way or next.
#[derive(Debug, Default)]
pub(super) struct Lane {
    pub(super) queue: VecDeque<(Place, Notification)>,
    /// What comes behind the queue; only of one who waits.
    pub(super) behind: VecDeque<Place>,
    /// There may be more behind those; only of one who waits.
    pub(super) more: bool,
    pub(super) doing: Doing,
    /// As the books have it; none: nothing failed.
    pub(super) waits: Option<Waiting>,
}

/// What a lane lacks to go on.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Lack {
    /// The events at these places.
    Events(Vec<Place>),
    /// The places of events from this number on, at most [`PLACES`].
    Places(u64),
}

impl Lane {
    /// Of a customer who waits, by the books.
    pub(super) fn restored(row: Waiting) -> Self {
        Self { waits: Some(row), more: true, ..Self::default() }
    }

    /// Whether there is nothing left to do.
    pub(super) fn is_over(&self) -> bool {
        self.queue.is_empty() && self.behind.is_empty() && !self.more
    }

    /// One more event of a customer who waits.
    pub(super) fn append(&mut self, place: Place, notification: Notification) {
        match self.doing {
            Doing::Looking | Doing::Outrun => self.doing = Doing::Outrun,
            Doing::Nothing | Doing::Sending | Doing::Reading | Doing::Burying => {
                self.more |= self.behind.len() >= PLACES;
                let at_hand = self.behind.is_empty() && self.queue.len() < AT_HAND;
                if self.more {
                    // It is among those.
                } else if at_hand {
                    self.queue.push_back((place, notification));
                } else {
                    self.behind.push_back(place);
                }
            }
        }
    }

    /// From now on the customer waits; says at which places events stood that this held up.
    pub(super) fn park(&mut self, row: Waiting) -> Vec<Place> {
        self.waits = Some(row);
        let held: Vec<_> = self.queue.iter().map(|(place, _)| *place).collect();
        self.behind.extend(held.iter().skip(AT_HAND));
        self.queue.truncate(AT_HAND);
        held
    }

    /// What has to be read before the customer, who is ready, can go on; notes that it is.
    pub(super) fn lack(&mut self) -> Option<Lack> {
        let row = self.waits.as_ref().filter(|_| self.queue.is_empty())?;
        if self.behind.is_empty() {
            self.doing = Doing::Looking;
            return Some(Lack::Places(row.number));
        }
        self.doing = Doing::Reading;
        Some(Lack::Events(self.behind.iter().take(AT_HAND).copied().collect()))
    }

    /// The places that were looked for; `more` of them, if there were too many to tell.
    pub(super) fn found(&mut self, places: VecDeque<Place>, more: More) {
        self.more = more == More::Maybe || self.doing == Doing::Outrun;
        self.doing = Doing::Nothing;
        self.behind = places;
    }

    /// Of the next `asked` events these are wanted; `last` is the number of the last, wanted or not.
    pub(super) fn loaded(&mut self, asked: usize, wanted: VecDeque<(Place, Notification)>, last: u64, now: Timestamp) {
        self.doing = Doing::Nothing;
        self.behind.drain(..asked);
        self.queue = wanted;
        if self.queue.is_empty() {
            self.waits = Some(next(last + 1, now));
        }
    }
}

/// Whether there is more than was told.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum More {
    Maybe,
    No,
}

/// A row for the event that is next, not tried yet.
pub(super) const fn next(number: u64, now: Timestamp) -> Waiting {
    Waiting { number, attempts: 0, since: now, due: now, why: String::new() }
}
