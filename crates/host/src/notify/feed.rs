//! Which notifications of one channel may go now: order, retries, what is given up, how far the books may say it got.
//!
//! A state machine: events, results and the time come in; what to send and what to write down comes out. It sends
//! nothing, reads nothing and knows no clock.
//!
//! Order is kept per customer: each has a lane, and only its front may be on the way. A lane whose front failed *waits*:
//! it has a row in the books, and because a customer's events are a chain that can be read again from any number, that
//! one row stands for all events behind it. Lanes without a row hold the cursor back instead.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

use cashpoint_bank::desk::FeedState;
use cashpoint_bank::store::Outgoing;
use cashpoint_core::event::{Event, EventKind};
use cashpoint_core::id::CustomerId;
use cashpoint_core::notification::{ChannelName, Cursor, DeadLetter, Place, Waiting};
use cashpoint_core::time::Timestamp;

use super::figures::Snapshot;
use super::health::Health;
use super::lane::{Doing, Lack, Lane, More, PLACES, next};
use super::limits::Limits;
use super::{Notification, Sent};

/// The longest that a receiver may have one delivery wait by `Retry-After`.
const LONGEST_REQUEST_MS: i64 = 24 * 60 * 60 * 1_000;

/// Customers for whom something is read at once …
const READ_AT_ONCE: usize = 16;

/// … and for whom places are looked for, which may take long.
const LOOKED_FOR_AT_ONCE: usize = 4;

/// What is to be written down, all of it or nothing.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Books {
    pub(super) cursor: Cursor,
    pub(super) waiting: Vec<(CustomerId, Option<Waiting>)>,
    pub(super) dead: Vec<DeadLetter>,
}

/// One channel's feed.
pub(super) struct Feed {
    channel: ChannelName,
    limits: Limits,
    wants: fn(EventKind) -> bool,
    /// Taken in.
    cursor: Cursor,
    /// Taken in, and on nobody's row; each with when it happened.
    unsettled: BTreeMap<Place, Timestamp>,
    lanes: HashMap<CustomerId, Lane>,
    ready: VecDeque<CustomerId>,
    due: BTreeSet<(Timestamp, CustomerId)>,
    /// Customers whose events are being read.
    asked: Vec<CustomerId>,
    flying: usize,
    waiting: usize,
    given_up: u64,
    health: Health,
    /// Not yet in the books.
    changed: BTreeSet<CustomerId>,
    dead: Vec<DeadLetter>,
    /// Where lanes stand whose front was given up.
    graves: BTreeMap<Place, CustomerId>,
    written: Cursor,
    /// On the way into the books.
    writing: Option<Books>,
}

impl Feed {
    /// Goes on where the books say; `wants` is what the channel tells those who do not say otherwise.
    pub(super) fn new(channel: ChannelName, limits: Limits, wants: fn(EventKind) -> bool, state: FeedState) -> Self {
        let FeedState { cursor, waiting } = state;
        let due = waiting.iter().map(|(customer, row)| (row.due, *customer)).collect();
        Self {
            channel,
            limits,
            wants,
            written: cursor.clone(),
            cursor,
            unsettled: BTreeMap::new(),
            waiting: waiting.len(),
            lanes: waiting.into_iter().map(|(customer, row)| (customer, Lane::restored(row))).collect(),
            ready: VecDeque::new(),
            due,
            asked: Vec::new(),
            flying: 0,
            given_up: 0,
            health: Health::default(),
            changed: BTreeSet::new(),
            dead: Vec::new(),
            graves: BTreeMap::new(),
            writing: None,
        }
    }

    /// How far events were taken in: what to read on from.
    pub(super) fn cursor(&self) -> &Cursor {
        &self.cursor
    }

    /// How many more events may be taken in now.
    pub(super) fn room(&self, now: Timestamp) -> usize {
        if self.health.rests(now) { 0 } else { self.limits.window.saturating_sub(self.unsettled.len()) }
    }

    /// Takes in the events behind the cursor.
    pub(super) fn offer(&mut self, events: Vec<Outgoing>) {
        for outgoing in events {
            if self.cursor.covers(outgoing.place) {
                continue;
            }
            self.cursor.advance(outgoing.place);
            if let Some(notification) = self.wanted(&outgoing) {
                self.admit(outgoing.place, notification);
            }
        }
    }

    fn wanted(&self, outgoing: &Outgoing) -> Option<Notification> {
        let event = outgoing.delivered.event;
        let wanted = match &outgoing.wish {
            Some(wish) => wish.wants(event.kind),
            None => (self.wants)(event.kind),
        };
        wanted.then(|| Notification { id: outgoing.delivered.id(), event })
    }

    fn admit(&mut self, place: Place, notification: Notification) {
        let customer = notification.event.customer;
        let lane = self.lanes.entry(customer).or_default();
        if lane.waits.is_some() {
            lane.append(place, notification);
            return;
        }
        self.unsettled.insert(place, notification.event.at);
        if lane.queue.is_empty() {
            self.ready.push_back(customer);
        }
        lane.queue.push_back((place, notification));
    }

    /// What has to be read for customers who wait. Each is answered with [`Self::found`] or [`Self::loaded`], or all
    /// with [`Self::not_loaded`].
    pub(super) fn missing(&mut self, now: Timestamp) -> Vec<(CustomerId, Lack)> {
        self.asked.clear();
        if self.health.rests(now) {
            return Vec::new();
        }
        self.wake(now);
        let (mut missing, mut looked_for) = (Vec::new(), 0);
        let lanes = &mut self.lanes;
        self.ready.retain(|customer| {
            if missing.len() >= READ_AT_ONCE || looked_for >= LOOKED_FOR_AT_ONCE {
                return true;
            }
            let lack = lanes.get_mut(customer).expect("who is ready has a lane").lack();
            let Some(lack) = lack else {
                return true;
            };
            looked_for += usize::from(matches!(lack, Lack::Places(_)));
            missing.push((*customer, lack));
            false
        });
        self.asked = missing.iter().map(|(customer, _)| *customer).collect();
        missing
    }

    /// Where a customer's events stand from the number asked for on. Those that the cursor has not come to yet are left
    /// for it.
    pub(super) fn found(&mut self, customer: CustomerId, places: Vec<Place>, now: Timestamp) {
        let told = places.len();
        let covered: VecDeque<_> = places.into_iter().filter(|place| self.cursor.covers(*place)).collect();
        let more = if told >= PLACES && covered.len() == told { More::Maybe } else { More::No };
        let lane = self.lanes.get_mut(&customer).expect("whose events were missing has a lane");
        lane.found(covered, more);
        self.go_on(customer, now);
    }

    /// The events at the places asked for.
    pub(super) fn loaded(&mut self, customer: CustomerId, events: &[Outgoing], now: Timestamp) {
        let wanted: VecDeque<_> =
            events.iter().filter_map(|outgoing| Some((outgoing.place, self.wanted(outgoing)?))).collect();
        let last = events.last().expect("a lane asks for no events only when there are none").delivered.event.number;
        let lane = self.lanes.get_mut(&customer).expect("whose events were missing has a lane");
        lane.loaded(events.len(), wanted, last, now);
        self.go_on(customer, now);
    }

    /// What was missing could not be read; it is to be asked for again.
    pub(super) fn not_loaded(&mut self) {
        for customer in std::mem::take(&mut self.asked) {
            self.lanes.get_mut(&customer).expect("whose events were missing has a lane").doing = Doing::Nothing;
            self.ready.push_back(customer);
        }
    }

    /// The deliveries that may go now, at most so many. Each is answered with [`Self::finished`].
    pub(super) fn begin(&mut self, at_most: usize, now: Timestamp) -> Vec<Notification> {
        if self.health.rests(now) {
            return Vec::new();
        }
        self.wake(now);
        let most = self.health.at_once(self.limits.in_flight);
        let mut begun = Vec::new();
        let mut unread = VecDeque::new();
        while self.flying < most
            && begun.len() < at_most
            && let Some(customer) = self.ready.pop_front()
        {
            let lane = self.lanes.get_mut(&customer).expect("who is ready has a lane");
            match lane.queue.front() {
                Some((_, notification)) => {
                    lane.doing = Doing::Sending;
                    self.flying += 1;
                    begun.push(*notification);
                }
                None => unread.push_back(customer),
            }
        }
        self.ready.extend(unread);
        begun
    }

    /// Those whose time has come are ready.
    fn wake(&mut self, now: Timestamp) {
        while let Some((due, customer)) = self.due.first().copied()
            && due <= now
        {
            self.due.remove(&(due, customer));
            self.ready.push_back(customer);
        }
    }

    /// What became of a delivery. `jitter` is any number; it spreads out those who wait.
    pub(super) fn finished(&mut self, customer: CustomerId, sent: Sent, now: Timestamp, jitter: u64) {
        self.flying -= 1;
        self.lanes.get_mut(&customer).expect("who was sent to has a lane").doing = Doing::Nothing;
        match sent {
            Sent::Delivered => {
                self.health.answered();
                self.pass(customer, now);
            }
            Sent::Never { why } => self.give_up(customer, why, now),
            Sent::Later { why, after_ms, trouble } => {
                let after_ms = after_ms.map(|ms| ms.clamp(0, LONGEST_REQUEST_MS));
                self.health.failed(trouble, after_ms, now);
                self.retry(customer, why, after_ms, (now, jitter));
            }
        }
    }

    /// The front of the lane is dealt with.
    fn pass(&mut self, customer: CustomerId, now: Timestamp) {
        let lane = self.lanes.get_mut(&customer).expect("only who has a lane is dealt with");
        let (place, notification) = lane.queue.pop_front().expect("the front was on its way");
        if let Some(waits) = &mut lane.waits {
            *waits = next(notification.event.number + 1, now);
        } else {
            self.unsettled.remove(&place);
        }
        self.go_on(customer, now);
    }

    /// To the lane's next event, or to its end.
    fn go_on(&mut self, customer: CustomerId, now: Timestamp) {
        let lane = self.lanes.get_mut(&customer).expect("only who has a lane goes on");
        if let Some(waits) = &mut lane.waits {
            self.changed.insert(customer);
            if let Some((_, front)) = lane.queue.front()
                && front.event.number != waits.number
            {
                *waits = next(front.event.number, now);
            }
        }
        if lane.is_over() {
            self.waiting -= usize::from(lane.waits.is_some());
            self.lanes.remove(&customer);
        } else {
            self.ready.push_back(customer);
        }
    }

    fn give_up(&mut self, customer: CustomerId, why: String, now: Timestamp) {
        let lane = self.lanes.get_mut(&customer).expect("only who has a lane is given up");
        let (place, Notification { id, event }) = *lane.queue.front().expect("the front was on its way");
        lane.doing = Doing::Burying;
        let attempts = lane.waits.as_ref().map_or(0, |waits| waits.attempts) + 1;
        let Event { customer, number, kind, at, .. } = event;
        if let Some(waits) = &mut lane.waits {
            *waits = next(number + 1, now);
            self.changed.insert(customer);
        } else {
            self.unsettled.remove(&place);
        }
        let channel = self.channel;
        self.graves.insert(place, customer);
        self.given_up += 1;
        self.dead.push(DeadLetter { channel, id, customer, number, kind, at, attempts, given_up: now, why });
    }

    /// The books say that the front was given up, and will not come back to it.
    fn buried(&mut self, customer: CustomerId, now: Timestamp) {
        let lane = self.lanes.get_mut(&customer).expect("whose front is given up has a lane");
        lane.doing = Doing::Nothing;
        lane.queue.pop_front();
        self.go_on(customer, now);
    }

    fn retry(&mut self, customer: CustomerId, why: String, after_ms: Option<i64>, (now, jitter): (Timestamp, u64)) {
        let lane = self.lanes.get_mut(&customer).expect("only who has a lane is tried again");
        let (_, front) = lane.queue.front().expect("the front was on its way");
        let before = lane.waits.as_ref().filter(|waits| waits.attempts > 0);
        let attempts = before.map_or(0, |waits| waits.attempts) + 1;
        let since = before.map_or(now, |waits| waits.since);
        if attempts >= self.limits.attempts || now.since_ms(since) >= self.limits.patience_ms {
            self.give_up(customer, why, now);
            return;
        }
        let due = now.plus_ms(self.limits.pause_ms(attempts, after_ms, jitter));
        let waits = Waiting { number: front.event.number, attempts, since, due, why };
        if lane.waits.is_some() {
            lane.waits = Some(waits);
        } else {
            // From here on the row stands for them.
            self.waiting += 1;
            for place in lane.park(waits) {
                self.unsettled.remove(&place);
            }
        }
        self.changed.insert(customer);
        self.due.insert((due, customer));
    }

    /// What the books do not say yet. Each is answered with [`Self::wrote`]; there is but one at a time.
    pub(super) fn take_books(&mut self) -> Option<Books> {
        if !self.is_unwritten() {
            return None;
        }
        let cursor = self.settled();
        let changed = std::mem::take(&mut self.changed);
        let row = |customer| self.lanes.get(&customer).and_then(|lane| lane.waits.clone());
        let waiting = changed.into_iter().map(|customer| (customer, row(customer))).collect();
        let books = Books { cursor, waiting, dead: std::mem::take(&mut self.dead) };
        self.writing = Some(books.clone());
        Some(books)
    }

    /// Whether the books were written. If not, the same is to be written again, with what came meanwhile.
    pub(super) fn wrote(&mut self, written: Result<(), ()>, now: Timestamp) {
        let Some(books) = self.writing.take() else {
            return;
        };
        match written {
            Ok(()) => {
                self.written = books.cursor;
                let covered = |place: &Place| self.written.covers(*place);
                let passed: Vec<_> = self.graves.extract_if(.., |place, _| covered(place)).collect();
                for (_, customer) in passed {
                    self.buried(customer, now);
                }
            }
            Err(()) => {
                self.changed.extend(books.waiting.into_iter().map(|(customer, _)| customer));
                self.dead.splice(0..0, books.dead);
            }
        }
    }

    /// The cursor as the books may have it: nothing behind it is on nobody's row.
    fn settled(&self) -> Cursor {
        let mut cursor: BTreeMap<u32, u64> = self.cursor.0.clone();
        for (stream, number) in &mut cursor {
            let whole = Place { stream: *stream, number: 0 }..=Place { stream: *stream, number: u64::MAX };
            if let Some((first, _)) = self.unsettled.range(whole).next() {
                *number = first.number - 1;
            }
        }
        Cursor(cursor)
    }

    /// When to look again, if nothing happens before.
    pub(super) fn next_at(&self, now: Timestamp) -> Option<Timestamp> {
        self.health.rest_end(now).or_else(|| self.due.first().map(|(due, _)| *due))
    }

    /// Whether anything is on its way.
    pub(super) fn is_quiet(&self) -> bool {
        self.flying == 0
    }

    /// Whether there is something that the books do not say, and that is not on its way there.
    pub(super) fn is_unwritten(&self) -> bool {
        self.writing.is_none() && (!self.changed.is_empty() || !self.dead.is_empty() || self.settled() != self.written)
    }

    /// The cursor as the books have it.
    pub(super) fn written(&self) -> &Cursor {
        &self.written
    }

    /// Whether somebody is ready, and could go or be read.
    pub(super) fn has_ready(&self) -> bool {
        !self.ready.is_empty()
    }

    /// The feed's figures.
    pub(super) fn snapshot(&self) -> Snapshot {
        let oldest = self.unsettled.first_key_value().map(|(_, at)| *at);
        Snapshot { in_flight: self.flying, waiting: self.waiting, dead: self.given_up, oldest }
    }
}

#[cfg(test)]
#[path = "feed_tests.rs"]
mod tests;
