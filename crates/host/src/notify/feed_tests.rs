use cashpoint_bank::entropy::{Entropy, SeededEntropy, random_below, random_u64};
use cashpoint_bank::store::{Delivered, Position};
use cashpoint_core::event::About;
use cashpoint_core::notification::Wish;

use super::*;
use crate::notify::Trouble;

const START: Timestamp = Timestamp::from_micros(1_800_000_000_000_000);

const LIMITS: Limits = Limits {
    in_flight: 4,
    per_second: 1_000,
    window: 16,
    attempts: 5,
    patience_ms: 3_600_000,
    first_pause_ms: 1_000,
    longest_pause_ms: 8_000,
};

/// Everything but balances.
fn usually(kind: EventKind) -> bool {
    kind != EventKind::BalanceRead
}

fn later(trouble: Trouble, after_ms: Option<i64>) -> Sent {
    Sent::Later { why: "HTTP 503".to_owned(), after_ms, trouble }
}

const fn customer(number: i64) -> CustomerId {
    CustomerId::new(number)
}

/// A bank's events and books, a feed, and time.
struct World {
    events: Vec<Outgoing>,
    /// What survives a crash.
    books: FeedState,
    dead: Vec<DeadLetter>,
    feed: Feed,
    now: Timestamp,
}

impl World {
    fn new() -> Self {
        Self::with(LIMITS)
    }

    fn with(limits: Limits) -> Self {
        let books = FeedState { cursor: Cursor::default(), waiting: Vec::new() };
        let feed = Feed::new(channel(), limits, usually, books.clone());
        Self { events: Vec::new(), books, dead: Vec::new(), feed, now: START }
    }

    /// Something happens.
    fn happens(&mut self, of: i64, kind: EventKind) {
        self.happens_to_who_wishes(of, kind, None);
    }

    fn happens_to_who_wishes(&mut self, of: i64, kind: EventKind, wish: Option<Wish>) {
        let number = u64::try_from(self.of(customer(of)).count()).unwrap() + 1;
        let place = Place { stream: 0, number: u64::try_from(self.events.len()).unwrap() * 2 + 2 };
        let event = Event { customer: customer(of), number, kind, at: self.now, about: About::default() };
        let delivered = Delivered { position: Position { writer: 1, seq: place.number }, index: 0, event };
        self.events.push(Outgoing { place, delivered, wish });
    }

    fn of(&self, customer: CustomerId) -> impl Iterator<Item = &Outgoing> {
        self.events.iter().filter(move |outgoing| outgoing.delivered.event.customer == customer)
    }

    /// Reads as the engine does: what is missing, then a page.
    fn read(&mut self, page: usize) {
        let reading = self.begin_reading(page);
        self.end_reading(reading);
    }

    /// What the bank tells now.
    fn begin_reading(&mut self, page: usize) -> Reading {
        let missing = self.feed.missing(self.now);
        let room = self.feed.room(self.now).min(page);
        let behind = self.events.iter().filter(|outgoing| !self.feed.cursor().covers(outgoing.place));
        let page: Vec<_> = behind.take(room).cloned().collect();
        let answer = |(customer, lack)| match lack {
            Lack::Places(number) => {
                let from = self.of(customer).filter(|outgoing| outgoing.delivered.event.number >= number);
                (customer, Found::Places(from.map(|outgoing| outgoing.place).take(PLACES).collect()))
            }
            Lack::Events(places) => {
                let at = |place: &Place| self.events.iter().find(|outgoing| outgoing.place == *place).cloned();
                (customer, Found::Events(places.iter().filter_map(at).collect()))
            }
        };
        Reading { found: missing.into_iter().map(answer).collect(), page }
    }

    /// What it told comes to the feed.
    fn end_reading(&mut self, reading: Reading) {
        for (customer, found) in reading.found {
            match found {
                Found::Places(places) => self.feed.found(customer, places, self.now),
                Found::Events(events) => self.feed.loaded(customer, &events, self.now),
            }
        }
        self.feed.offer(reading.page);
    }

    /// What may go now, as customer and number.
    fn begin(&mut self) -> Vec<(i64, u64)> {
        // Places, events, and what is ready then.
        for _ in 0..3 {
            self.read(100);
        }
        self.feed.begin(usize::MAX, self.now).iter().map(|n| (n.event.customer.number(), n.event.number)).collect()
    }

    fn finish(&mut self, of: i64, sent: Sent) {
        self.feed.finished(customer(of), sent, self.now, 500);
    }

    fn wait(&mut self, ms: i64) {
        self.now = self.now.plus_ms(ms);
    }

    /// Has the books written.
    fn write(&mut self) {
        if let Some(books) = self.feed.take_books() {
            self.take_down(books);
            self.feed.wrote(Ok(()), self.now);
        }
    }

    fn take_down(&mut self, books: Books) {
        let Books { cursor, waiting, dead } = books;
        self.books.cursor = cursor;
        for (customer, row) in waiting {
            self.books.waiting.retain(|(known, _)| *known != customer);
            self.books.waiting.extend(row.map(|row| (customer, row)));
        }
        self.dead.extend(dead);
    }

    /// The host dies and another goes on.
    fn crash(&mut self) {
        self.feed = Feed::new(channel(), self.feed.limits, usually, self.books.clone());
    }
}

/// What was read for a feed, on its way to it.
struct Reading {
    found: Vec<(CustomerId, Found)>,
    page: Vec<Outgoing>,
}

enum Found {
    Places(Vec<Place>),
    Events(Vec<Outgoing>),
}

fn channel() -> ChannelName {
    ChannelName::parse("webhook").unwrap()
}

#[test]
fn sends_one_at_a_time_to_each_customer_and_many_at_once_to_all() {
    let mut world = World::new();
    for of in [1, 1, 2, 3, 1, 4, 5, 6] {
        world.happens(of, EventKind::Deposit);
    }
    assert_eq!(world.begin(), [(1, 1), (2, 1), (3, 1), (4, 1)]);
    assert_eq!(world.begin(), []);
    world.finish(1, Sent::Delivered);
    world.finish(2, Sent::Delivered);
    assert_eq!(world.begin(), [(5, 1), (6, 1)], "who was served goes to the end of the queue");
    world.finish(6, Sent::Delivered);
    assert_eq!(world.begin(), [(1, 2)]);
}

#[test]
fn holds_up_a_customer_whose_delivery_failed_and_nobody_else() {
    let mut world = World::new();
    for of in [1, 2, 1] {
        world.happens(of, EventKind::Deposit);
    }
    assert_eq!(world.begin(), [(1, 1), (2, 1)]);
    world.finish(1, later(Trouble::Message, None));
    world.finish(2, Sent::Delivered);
    world.happens(1, EventKind::Withdrawal);
    world.happens(2, EventKind::Withdrawal);
    assert_eq!(world.begin(), [(2, 2)]);
    world.wait(1_000 - 1);
    assert_eq!(world.begin(), []);
    assert_eq!(world.feed.next_at(world.now), Some(world.now.plus_ms(1)));
    world.wait(1);
    for number in [1, 2, 3] {
        assert_eq!(world.begin(), [(1, number)]);
        world.finish(1, Sent::Delivered);
    }
    assert_eq!(world.begin(), []);
}

#[test]
fn waits_twice_as_long_each_time_and_then_gives_up_and_goes_on() {
    let mut world = World::new();
    world.happens(1, EventKind::Deposit);
    world.happens(1, EventKind::Withdrawal);
    assert_eq!(world.begin(), [(1, 1)]);
    for pause in [1_000, 2_000, 4_000, 8_000] {
        world.finish(1, later(Trouble::Message, None));
        world.wait(pause - 1);
        assert_eq!(world.begin(), []);
        world.wait(1);
        assert_eq!(world.begin(), [(1, 1)]);
    }
    world.finish(1, later(Trouble::Message, None));
    assert_eq!(world.begin(), [], "nothing goes before the letter is in the books");
    world.write();
    let letter = &world.dead[0];
    assert_eq!((letter.customer, letter.number, letter.attempts), (customer(1), 1, 5));
    assert_eq!((letter.kind, letter.why.as_str()), (EventKind::Deposit, "HTTP 503"));
    assert_eq!(letter.id, world.events[0].delivered.id());
    assert_eq!(world.begin(), [(1, 2)], "with tries of its own");
    world.finish(1, Sent::Delivered);
    world.write();
    assert_eq!((world.dead.len(), world.books.waiting.len()), (1, 0));
}

#[test]
fn gives_up_when_the_time_is_over_and_at_once_where_it_is_hopeless() {
    let mut world = World::with(Limits { patience_ms: 10_000, ..LIMITS });
    world.happens(1, EventKind::Deposit);
    world.happens(2, EventKind::Deposit);
    assert_eq!(world.begin(), [(1, 1), (2, 1)]);
    world.finish(2, Sent::Never { why: "HTTP 410".to_owned() });
    world.finish(1, later(Trouble::Message, Some(9_999)));
    world.wait(12_000);
    assert_eq!(world.begin(), [(1, 1)]);
    world.finish(1, later(Trouble::Message, None));
    world.write();
    let given_up: Vec<_> = world.dead.iter().map(|letter| (letter.customer, letter.attempts)).collect();
    assert_eq!(given_up, [(customer(2), 1), (customer(1), 2)]);
    assert_eq!(world.books.cursor, *world.feed.cursor());
}

#[test]
fn spreads_its_pauses_and_never_undercuts_what_was_asked_for() {
    for jitter in [0, 250, 500, 1_000, u64::MAX] {
        for attempts in 1..100 {
            let pause = LIMITS.pause_ms(attempts, None, jitter);
            let usual = 8_000.min(1_000 << (attempts - 1).min(10));
            assert!((usual * 3 / 4..=usual * 5 / 4).contains(&pause), "{pause} after {attempts}");
            let asked = LIMITS.pause_ms(attempts, Some(5_000), jitter);
            assert!((5_000..=5_500).contains(&asked), "{asked}");
        }
    }
    assert_ne!(LIMITS.pause_ms(1, None, 0), LIMITS.pause_ms(1, None, 1_000));
}

#[test]
fn leaves_the_whole_channel_alone_when_the_receiver_asks_for_it() {
    let mut world = World::new();
    for of in [1, 2] {
        world.happens(of, EventKind::Deposit);
    }
    assert_eq!(world.begin(), [(1, 1), (2, 1)]);
    world.finish(1, later(Trouble::Channel, Some(30_000)));
    world.finish(2, Sent::Delivered);
    world.happens(3, EventKind::Deposit);
    world.wait(29_999);
    assert_eq!(world.begin(), []);
    assert_eq!(world.feed.next_at(world.now), Some(world.now.plus_ms(1)));
    world.wait(1);
    assert_eq!(world.begin(), [(3, 1)]);
}

#[test]
fn tries_a_channel_that_answers_nobody_with_one_delivery() {
    let mut world = World::new();
    for of in 1..=20 {
        world.happens(of, EventKind::Deposit);
    }
    for round in 0..2 {
        world.wait(1_000 * round);
        let begun = world.begin();
        assert_eq!(begun.len(), 4);
        for (of, _) in begun {
            world.finish(of, later(Trouble::Channel, None));
        }
    }
    world.wait(999);
    assert_eq!((world.begin().len(), world.feed.room(world.now)), (0, 0));
    world.wait(1);
    assert_eq!(world.begin().len(), 1);
    assert_eq!(world.begin().len(), 0);
}

#[test]
fn tells_customers_what_they_want_to_know() {
    let mut world = World::new();
    let only = Wish::Only([EventKind::BalanceRead].into());
    world.happens(1, EventKind::BalanceRead);
    world.happens_to_who_wishes(2, EventKind::BalanceRead, Some(only.clone()));
    world.happens_to_who_wishes(2, EventKind::Withdrawal, Some(only));
    world.happens_to_who_wishes(3, EventKind::Withdrawal, Some(Wish::Nothing));
    world.happens_to_who_wishes(4, EventKind::BalanceRead, Some(Wish::All));
    assert_eq!(world.begin(), [(2, 1), (4, 1)]);
    world.finish(2, Sent::Delivered);
    world.finish(4, Sent::Delivered);
    assert_eq!(world.begin(), []);
    world.write();
    assert_eq!(world.books.cursor, *world.feed.cursor());
}

#[test]
fn keeps_the_books_behind_what_is_on_its_way() {
    let mut world = World::new();
    for of in [1, 2, 3] {
        world.happens(of, EventKind::Deposit);
    }
    assert_eq!(world.begin().len(), 3);
    world.finish(1, Sent::Delivered);
    world.finish(3, Sent::Delivered);
    world.write();
    assert!(world.books.cursor.covers(world.events[0].place) && !world.books.cursor.covers(world.events[1].place));
    world.crash();
    assert_eq!(world.begin(), [(2, 1), (3, 1)], "at least once");
    world.finish(2, later(Trouble::Message, None));
    world.finish(3, Sent::Delivered);
    world.happens(2, EventKind::Withdrawal);
    world.read(100);
    world.write();
    assert_eq!(world.books.cursor, *world.feed.cursor(), "a row stands for what waits");
    assert_eq!(world.books.waiting.len(), 1);
    world.crash();
    assert_eq!(world.begin(), []);
    world.wait(1_000);
    for number in [1, 2] {
        assert_eq!(world.begin(), [(2, number)]);
        world.finish(2, Sent::Delivered);
    }
    world.write();
    assert_eq!(world.books.waiting, []);
}

#[test]
fn writes_again_what_could_not_be_written() {
    let mut world = World::new();
    for of in [1, 2] {
        world.happens(of, EventKind::Deposit);
    }
    assert_eq!(world.begin().len(), 2);
    world.finish(1, later(Trouble::Message, None));
    world.finish(2, Sent::Never { why: "HTTP 410".to_owned() });
    let books = world.feed.take_books().unwrap();
    assert_eq!((books.waiting.len(), books.dead.len()), (1, 1));
    assert_eq!(world.feed.take_books(), None, "one at a time");
    world.feed.wrote(Err(()), world.now);
    assert_eq!(world.feed.take_books(), Some(books));
    world.feed.wrote(Ok(()), world.now);
    assert_eq!(world.feed.take_books(), None);
}

#[test]
fn begins_no_more_than_it_is_let() {
    let mut world = World::new();
    for of in 1..=6 {
        world.happens(of, EventKind::Deposit);
    }
    world.read(100);
    assert_eq!(world.feed.begin(0, world.now), []);
    assert_eq!(world.feed.begin(3, world.now).len(), 3);
    assert_eq!(world.feed.begin(3, world.now).len(), 1, "four may be on their way");
}

#[test]
fn takes_in_no_more_than_fits_the_window() {
    let mut world = World::new();
    for _ in 0..40 {
        world.happens(1, EventKind::Deposit);
    }
    world.read(100);
    assert_eq!(world.feed.room(world.now), 0);
    assert_eq!(world.feed.snapshot().oldest, Some(START));
    assert_eq!(world.begin(), [(1, 1)]);
    world.finish(1, Sent::Delivered);
    assert_eq!(world.feed.room(world.now), 1);
}

#[test]
fn reads_again_for_whom_reading_failed() {
    let mut world = World::new();
    world.happens(1, EventKind::Deposit);
    world.begin();
    world.finish(1, later(Trouble::Message, None));
    world.write();
    world.crash();
    world.wait(1_000);
    assert_eq!(world.feed.missing(world.now), [(customer(1), Lack::Places(1))]);
    assert_eq!(world.feed.begin(usize::MAX, world.now), []);
    world.feed.not_loaded();
    assert_eq!(world.begin(), [(1, 1)]);
}

/// A random life of a feed: events, failures, lost answers, failed writes, crashes. Whatever happened, in the end every
/// event that somebody wanted arrived or was given up, and, repeats dropped by id, in order for each customer.
fn lives(seed: u64) {
    let entropy = SeededEntropy::new(seed);
    let dice = |sides: u64| random_below(sides, &entropy as &dyn Entropy);
    let mut world = World::new();
    let mut flying: Vec<Notification> = Vec::new();
    let mut arrived: Vec<Notification> = Vec::new();
    let mut reading = None;
    let kinds = [EventKind::Deposit, EventKind::BalanceRead, EventKind::Withdrawal];
    let total = 40 + dice(200);
    let mut steps = 0;
    loop {
        let happy = u64::try_from(world.events.len()).unwrap() >= total && steps > 2_000;
        steps += 1;
        assert!(steps < 200_000, "seed {seed}: it comes to no end");
        match dice(8) {
            0 if u64::try_from(world.events.len()).unwrap() < total => {
                let kind = kinds[usize::try_from(dice(3)).unwrap()];
                let wish =
                    [None, None, Some(Wish::All), Some(Wish::Nothing)][usize::try_from(dice(4)).unwrap()].clone();
                world.happens_to_who_wishes(i64::try_from(dice(5)).unwrap() + 1, kind, wish);
            }
            1 => match reading.take() {
                None => reading = Some(world.begin_reading(usize::try_from(dice(6)).unwrap())),
                Some(_) if !happy && dice(5) == 0 => world.feed.not_loaded(),
                Some(told) => world.end_reading(told),
            },
            2 | 3 => {
                for notification in world.feed.begin(usize::MAX, world.now) {
                    let twice = flying.iter().any(|other| other.event.customer == notification.event.customer);
                    assert!(!twice, "seed {seed}: two at once to one customer");
                    flying.push(notification);
                }
                assert!(flying.len() <= LIMITS.in_flight);
            }
            4 | 5 if !flying.is_empty() => {
                let at = usize::try_from(dice(u64::try_from(flying.len()).unwrap())).unwrap();
                let notification = flying.swap_remove(at);
                let (sent, arrives) = fate(if happy { 9 } else { dice(10) });
                arrived.extend(arrives.then_some(notification));
                world.feed.finished(notification.event.customer, sent, world.now, random_u64(&entropy));
            }
            6 => match world.feed.take_books() {
                Some(_) if !happy && dice(4) == 0 => world.feed.wrote(Err(()), world.now),
                Some(books) => {
                    world.take_down(books);
                    world.feed.wrote(Ok(()), world.now);
                }
                None if happy && world.feed.is_quiet() && world.books == end(&world) => break,
                None => {}
            },
            7 if !happy && dice(40) == 0 => {
                // Of those on their way some arrive, and nobody knows.
                arrived.extend(flying.drain(..).filter(|_| dice(2) == 0));
                reading = None;
                world.crash();
            }
            _ => world.wait(i64::try_from(dice(700)).unwrap()),
        }
    }
    check_life(seed, &world, &arrived);
}

/// What becomes of a delivery, and whether it arrives.
fn fate(dice: u64) -> (Sent, bool) {
    match dice {
        0 => (later(Trouble::Channel, None), false),
        1 => (later(Trouble::Message, None), false),
        2 => (later(Trouble::Channel, Some(3_000)), false),
        3 => (Sent::Never { why: "HTTP 410".to_owned() }, false),
        4 => (later(Trouble::Channel, None), true),
        _ => (Sent::Delivered, true),
    }
}

/// The books when everything is done.
fn end(world: &World) -> FeedState {
    let mut cursor = Cursor::default();
    if let Some(last) = world.events.last() {
        cursor.advance(last.place);
    }
    FeedState { cursor, waiting: Vec::new() }
}

fn check_life(seed: u64, world: &World, arrived: &[Notification]) {
    for of in 1..=5 {
        let wanted: Vec<u64> = world
            .of(customer(of))
            .filter(|outgoing| world.feed.wanted(outgoing).is_some())
            .map(|outgoing| outgoing.delivered.event.number)
            .collect();
        let mut once: Vec<u64> = Vec::new();
        for notification in arrived.iter().filter(|n| n.event.customer == customer(of)) {
            if !once.contains(&notification.event.number) {
                once.push(notification.event.number);
            }
        }
        assert!(once.is_sorted(), "seed {seed}: customer {of} was told out of order: {once:?}");
        assert!(once.iter().all(|number| wanted.contains(number)), "seed {seed}: told what nobody wanted");
        let dead: Vec<u64> = world.dead.iter().filter(|l| l.customer == customer(of)).map(|l| l.number).collect();
        for number in wanted {
            let told = once.contains(&number) || dead.contains(&number);
            assert!(told, "seed {seed}: customer {of} was never told of {number}");
        }
    }
}

#[test]
fn loses_nothing_and_keeps_order_through_any_life() {
    let lives_lived = if std::env::var_os("CASHPOINT_SOAK").is_some() { 3_000 } else { 150 };
    for seed in 0..lives_lived {
        lives(seed);
    }
}
