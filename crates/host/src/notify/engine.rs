//! What moves the feeds: a task for each channel that reads events, sends them, and has the books written.
//!
//! Everything that could touch the money path is bounded: a page of events at a time, a few times a second, on a
//! connection for reading; and the books are a command among others, a few times a second, whatever the number of
//! deliveries.

use std::collections::HashMap;
use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use cashpoint_bank::bank::Bank;
use cashpoint_bank::desk::FeedState;
use cashpoint_bank::entropy::{Entropy, random_u64};
use cashpoint_bank::execute::Failure;
use cashpoint_bank::store::Outgoing;
use cashpoint_core::command::KeepFeed;
use cashpoint_core::id::{CustomerId, FeedHolder};
use cashpoint_core::notification::{Cursor, Place, Tenure};
use cashpoint_core::time::Timestamp;
use tokio::sync::{oneshot, watch};
use tokio::task::{self, JoinError, JoinHandle, JoinSet};

use super::bell::Bell;
use super::feed::{Books, Feed};
use super::figures::Figures;
use super::lane::{Lack, PLACES};
use super::{Channel, Limits, Log, Notification, Sent, Trouble};

/// Events read at once.
const PAGE: usize = 256;
/// Between two readings.
const READ_EVERY_MS: i64 = 50;
/// Without being told of a commit: another host may have made one.
const LOOK_EVERY_MS: i64 = 1_000;
/// The deliveries of a second are spread over it in steps: many begun at once would hold up whoever works beside them …
const STEP_MS: i64 = 5;
/// … and so would all that were missed while the machine did other things.
const MADE_UP_MS: i64 = 20;
/// What a delivery takes of the credit; a millisecond brings as much as deliveries are allowed in a second.
const DELIVERY: i64 = 1_000;
/// Between two entries in the books: what was delivered since the last goes out again after a crash.
const WRITE_EVERY_MS: i64 = 200;
/// After the bank could not be asked.
const PATIENCE_MS: i64 = 1_000;
/// How long a feed is held.
const LEASE_S: u32 = 30;
/// When it is held for longer, if there are others who would take it.
const RENEW_EVERY_MS: i64 = 10_000;
/// How long deliveries on their way may take when the host stops.
const DRAIN_MS: i64 = 3_000;

/// What to deliver with.
#[derive(Clone)]
pub struct Notifications {
    /// The channels, each with a name of its own.
    pub channels: Vec<Arc<dyn Channel>>,
    /// How much at once, how often, how long.
    pub limits: Limits,
    /// Whether other hosts deliver from the same database.
    pub tenure: Tenure,
    /// What holders are named and pauses spread with.
    pub entropy: Arc<dyn Entropy>,
}

impl Notifications {
    /// The log, with the usual limits.
    #[must_use]
    pub fn to_log(bank: &Bank, entropy: Arc<dyn Entropy>) -> Self {
        let channels: Vec<Arc<dyn Channel>> = vec![Arc::new(Log)];
        Self { channels, limits: Limits::default(), tenure: bank.tenure(), entropy }
    }

    /// And another channel.
    #[must_use]
    pub fn and(mut self, channel: impl Channel) -> Self {
        self.channels.push(Arc::new(channel));
        self
    }
}

/// Delivers until it is told to stop.
pub struct Notifier {
    stop: watch::Sender<()>,
    feeds: Vec<JoinHandle<()>>,
    figures: Vec<Arc<Figures>>,
}

impl Notifier {
    /// Begins to deliver. A channel that was never there begins with what happens from now on, so this comes before
    /// anything is served.
    pub async fn start(bank: &Bank, notifications: Notifications) -> Self {
        let Notifications { channels, limits, tenure, entropy } = notifications;
        let stop = watch::Sender::new(());
        let mut notifier = Self { stop, feeds: Vec::new(), figures: Vec::new() };
        for channel in channels {
            let bell = Arc::new(Bell::default());
            let rung = Arc::clone(&bell);
            bank.on_commit(Arc::new(move || rung.ring()));
            let number = i64::try_from(random_u64(entropy.as_ref()) >> 1).expect("63 bits fit");
            let figures = Arc::new(Figures::new(channel.name()));
            notifier.figures.push(Arc::clone(&figures));
            let limits = Limits { in_flight: limits.in_flight.min(channel.at_once()), ..limits };
            let (bank, entropy) = (bank.clone(), Arc::clone(&entropy));
            let holder = FeedHolder::new(number);
            let engine = Engine { bank, channel, limits, tenure, holder, entropy, figures, bell };
            let first = engine.claim().await;
            notifier.feeds.push(tokio::spawn(engine.run(first, notifier.stop.subscribe())));
        }
        notifier
    }

    /// How the feeds stand, in the order of the channels.
    #[must_use]
    pub fn figures(&self) -> &[Arc<Figures>] {
        &self.figures
    }

    /// Begins nothing more, waits a moment for what is on its way, and has the books written.
    pub async fn stop(self) {
        self.stop.send_replace(());
        for feed in self.feeds {
            if let Err(error) = feed.await {
                tracing::error!(%error, "a feed of notifications panicked");
            }
        }
    }
}

/// One channel's engine.
struct Engine {
    bank: Bank,
    channel: Arc<dyn Channel>,
    limits: Limits,
    tenure: Tenure,
    holder: FeedHolder,
    entropy: Arc<dyn Entropy>,
    figures: Arc<Figures>,
    bell: Arc<Bell>,
}

/// Why an engine no longer delivers.
enum Ended {
    Stopped,
    /// Another host has the feed.
    Lost,
}

/// When the books are to be written.
#[derive(Clone, Copy)]
enum Urgency {
    /// With whatever else is written next.
    Along,
    AtOnce,
}

/// What was read for a feed.
struct Reading {
    found: Vec<(CustomerId, Vec<Place>)>,
    loaded: Vec<(CustomerId, Vec<Outgoing>)>,
    page: Vec<Outgoing>,
    /// The page is as long as it was allowed to be.
    more: bool,
}

type ReadTask = JoinHandle<Result<Reading, Failure>>;
type WriteTask = JoinHandle<Result<bool, Failure>>;

/// A feed that is being delivered.
struct Run<'a> {
    engine: &'a Engine,
    feed: Feed,
    flights: JoinSet<Sent>,
    /// Whose delivery a task is.
    aboard: HashMap<task::Id, CustomerId>,
    reading: Option<ReadTask>,
    writing: Option<WriteTask>,
    /// There may be events behind the cursor.
    news: bool,
    /// Thousandths of deliveries that may begin before the next step, and when the last one was.
    credit: i64,
    stepped: Timestamp,
    read_at: Timestamp,
    look_at: Timestamp,
    write_at: Timestamp,
    renew_at: Timestamp,
    /// When to end at the latest, once the host stops.
    end_at: Option<Timestamp>,
    lost: bool,
}

impl Engine {
    async fn claim(&self) -> Result<Option<FeedState>, Failure> {
        let (bank, holder, tenure) = (self.bank.clone(), self.holder, self.tenure);
        let name = self.channel.name();
        let claimed = task::spawn_blocking(move || bank.claim_feed(name, holder, (tenure, LEASE_S))).await;
        claimed.unwrap_or(Err(Failure::Internal))
    }

    async fn run(self, first: Result<Option<FeedState>, Failure>, mut stop: watch::Receiver<()>) {
        let channel = self.channel.name();
        let mut claimed = first;
        loop {
            let pause_ms = match claimed {
                Ok(Some(state)) => match self.deliver(state, &mut stop).await {
                    Ended::Stopped => return,
                    Ended::Lost => {
                        tracing::warn!(%channel, "another host delivers this feed now");
                        RENEW_EVERY_MS
                    }
                },
                Ok(None) => RENEW_EVERY_MS,
                Err(error) => {
                    tracing::error!(%channel, %error, "a feed cannot be taken");
                    PATIENCE_MS
                }
            };
            tokio::select! {
                () = sleep_ms(pause_ms) => {}
                // A sender that is gone means the same as one that says so.
                _ = stop.changed() => return,
            }
            claimed = self.claim().await;
        }
    }

    async fn deliver(&self, state: FeedState, stop: &mut watch::Receiver<()>) -> Ended {
        let now = self.bank.now();
        let mut run = Run {
            engine: self,
            feed: Feed::new(self.channel.name(), self.limits, self.channel.usually(), state),
            flights: JoinSet::new(),
            aboard: HashMap::new(),
            reading: None,
            writing: None,
            news: true,
            credit: 0,
            stepped: now.plus_ms(-STEP_MS),
            read_at: now,
            look_at: now,
            write_at: now,
            renew_at: now.plus_ms(RENEW_EVERY_MS),
            end_at: None,
            lost: false,
        };
        while !run.is_over() {
            let now = self.bank.now();
            run.begin(now);
            let pause = run.pause(now);
            tokio::select! {
                Some(done) = run.flights.join_next_with_id(), if !run.flights.is_empty() => run.landed(done),
                read = maybe(&mut run.reading) => run.read(read),
                wrote = maybe(&mut run.writing) => run.wrote(wrote),
                () = self.bell.rung() => run.news = true,
                () = tokio::time::sleep(pause) => {}
                _ = stop.changed(), if run.end_at.is_none() => run.end_at = Some(self.bank.now().plus_ms(DRAIN_MS)),
            }
        }
        if run.lost {
            return Ended::Lost;
        }
        run.let_go().await;
        Ended::Stopped
    }
}

impl Run<'_> {
    fn is_over(&self) -> bool {
        let quiet = self.feed.is_quiet() && self.writing.is_none();
        self.lost || self.end_at.is_some_and(|end| quiet || end <= self.engine.bank.now())
    }

    /// Begins whatever may begin now.
    fn begin(&mut self, now: Timestamp) {
        if self.end_at.is_none() {
            self.step(now);
            for notification in self.feed.begin(usize::try_from(self.credit / DELIVERY).unwrap_or(0), now) {
                self.credit -= DELIVERY;
                self.send(notification);
            }
            if self.reading.is_none() && self.read_at <= now {
                self.begin_reading(now);
            }
        }
        if self.writing.is_none() && self.write_at <= now {
            self.begin_writing(now);
        }
        self.engine.figures.set(self.feed.snapshot());
    }

    /// Allows what may begin in the time since the last step.
    fn step(&mut self, now: Timestamp) {
        let passed_ms = now.since_ms(self.stepped);
        if passed_ms < STEP_MS {
            return;
        }
        let a_ms = i64::try_from(self.engine.limits.per_second).unwrap_or(i64::MAX / DELIVERY);
        let earned = a_ms.saturating_mul(passed_ms.min(MADE_UP_MS));
        self.credit = self.credit.saturating_add(earned).min(a_ms.saturating_mul(MADE_UP_MS).max(DELIVERY));
        self.stepped = self.stepped.plus_ms(passed_ms);
    }

    fn send(&mut self, notification: Notification) {
        let channel = &self.engine.channel;
        let (deadline, delivery) = (channel.deadline(), Arc::clone(channel).deliver(notification));
        let flight = self.flights.spawn(async move {
            let timed_out = |_| Sent::Later { why: "timed out".to_owned(), after_ms: None, trouble: Trouble::Channel };
            tokio::time::timeout(deadline, delivery).await.unwrap_or_else(timed_out)
        });
        self.aboard.insert(flight.id(), notification.event.customer);
    }

    fn begin_reading(&mut self, now: Timestamp) {
        let missing = self.feed.missing(now);
        self.news |= self.look_at <= now;
        let room = if self.news { self.feed.room(now).min(PAGE) } else { 0 };
        if missing.is_empty() && room == 0 {
            if self.feed.has_ready() {
                // Looking through those who are ready takes long if they are many.
                self.read_at = now.plus_ms(READ_EVERY_MS);
            }
            return;
        }
        if room > 0 {
            self.news = false;
            self.look_at = now.plus_ms(LOOK_EVERY_MS);
            // Before the reading: what is committed after it rings.
            self.engine.bell.listen();
        }
        let (bank, channel, cursor) =
            (self.engine.bank.clone(), self.engine.channel.name(), self.feed.cursor().clone());
        self.reading = Some(task::spawn_blocking(move || {
            let (mut found, mut loaded) = (Vec::new(), Vec::new());
            for (customer, lack) in missing {
                match lack {
                    Lack::Places(number) => found.push((customer, bank.outgoing_places(customer, number, PLACES)?)),
                    Lack::Events(places) => loaded.push((customer, bank.outgoing_at(channel, &places)?)),
                }
            }
            let page = if room == 0 { Vec::new() } else { bank.outgoing(channel, &cursor, room)? };
            let more = room > 0 && page.len() >= room;
            Ok(Reading { found, loaded, page, more })
        }));
    }

    fn begin_writing(&mut self, now: Timestamp) {
        let renew = self.engine.tenure == Tenure::Shared && self.renew_at <= now;
        let books = match self.feed.take_books() {
            Some(books) => books,
            None if renew => Books { cursor: self.feed.written().clone(), waiting: Vec::new(), dead: Vec::new() },
            None => return,
        };
        // Behind a letter somebody waits; for everything else there is time.
        let urgency = if books.dead.is_empty() { Urgency::Along } else { Urgency::AtOnce };
        self.writing = Some(self.keep(books, LEASE_S, urgency));
        self.write_at = now.plus_ms(WRITE_EVERY_MS);
        self.renew_at = now.plus_ms(RENEW_EVERY_MS);
    }

    /// Puts the books into the bank's queue.
    fn keep(&self, books: Books, lease_s: u32, urgency: Urgency) -> WriteTask {
        let Books { cursor, waiting, dead } = books;
        let (channel, holder) = (self.engine.channel.name(), self.engine.holder);
        let (sender, receiver) = oneshot::channel();
        let command = KeepFeed { channel, holder, lease_s, cursor, waiting, dead };
        let reply = Box::new(move |answer| drop(sender.send(answer)));
        match urgency {
            Urgency::Along => self.engine.bank.submit_along(command, reply),
            Urgency::AtOnce => self.engine.bank.submit(command, reply),
        }
        // A worker that ended between taking and answering drops the reply.
        let answered = async { receiver.await.unwrap_or(Err(Failure::Overloaded)) };
        tokio::spawn(async { answered.await.map(|answer| answer.outcome.is_ok()) })
    }

    /// How long nothing can happen by itself.
    fn pause(&self, now: Timestamp) -> Duration {
        let mut next = now.plus_ms(LOOK_EVERY_MS);
        let mut by = |at: Timestamp| next = next.min(at);
        if let Some(at) = self.feed.next_at(now) {
            by(at);
        }
        // Whatever could be read at this moment is: a reading wakes by itself, and so does what makes the next possible.
        let to_read = self.feed.has_ready() || (self.news && self.feed.room(now) > 0);
        if self.reading.is_none() && to_read && self.read_at > now {
            by(self.read_at);
        }
        if self.credit < DELIVERY && self.feed.has_ready() {
            by(self.stepped.plus_ms(STEP_MS));
        }
        if self.writing.is_none() && self.feed.is_unwritten() {
            by(self.write_at);
        }
        if let Some(end) = self.end_at {
            by(end);
        }
        let ms = next.since_ms(now).clamp(1, LOOK_EVERY_MS);
        Duration::from_millis(u64::try_from(ms).expect("it was clamped above zero"))
    }

    /// Deliveries that are done: the one that was waited for, and all others that are done too.
    fn landed(&mut self, done: Result<(task::Id, Sent), JoinError>) {
        let now = self.engine.bank.now();
        let mut next = Some(done);
        while let Some(done) = next {
            let (id, sent) = done.unwrap_or_else(|error| {
                tracing::error!(%error, channel = %self.engine.channel.name(), "a delivery panicked");
                let why = "a defect of the host".to_owned();
                (error.id(), Sent::Later { why, after_ms: None, trouble: Trouble::Message })
            });
            let customer = self.aboard.remove(&id).expect("every flight has somebody aboard");
            self.engine.figures.count(&sent);
            self.feed.finished(customer, sent, now, random_u64(self.engine.entropy.as_ref()));
            next = self.flights.try_join_next_with_id();
        }
    }

    fn read(&mut self, read: Result<Result<Reading, Failure>, JoinError>) {
        self.reading = None;
        let now = self.engine.bank.now();
        match read.unwrap_or(Err(Failure::Internal)) {
            Ok(Reading { found, loaded, page, more }) => {
                for (customer, places) in found {
                    self.feed.found(customer, places, now);
                }
                for (customer, events) in loaded {
                    self.feed.loaded(customer, &events, now);
                }
                self.news |= more;
                self.feed.offer(page);
                self.read_at = now.plus_ms(READ_EVERY_MS);
            }
            Err(error) => {
                tracing::warn!(%error, channel = %self.engine.channel.name(), "events cannot be read");
                self.feed.not_loaded();
                self.news = true;
                self.read_at = now.plus_ms(PATIENCE_MS);
            }
        }
    }

    fn wrote(&mut self, wrote: Result<Result<bool, Failure>, JoinError>) {
        self.writing = None;
        match wrote.unwrap_or(Err(Failure::Internal)) {
            Ok(true) => self.feed.wrote(Ok(()), self.engine.bank.now()),
            Ok(false) => self.lost = true,
            Err(error) => {
                tracing::warn!(%error, channel = %self.engine.channel.name(), "the books of a feed cannot be written");
                let now = self.engine.bank.now();
                self.feed.wrote(Err(()), now);
                self.write_at = now.plus_ms(PATIENCE_MS);
            }
        }
    }

    /// The last entry in the books, which lets go of the feed.
    async fn let_go(mut self) {
        self.flights.abort_all();
        if let Some(writing) = self.writing.take() {
            self.wrote(writing.await);
        }
        let none = |cursor: &Cursor| Books { cursor: cursor.clone(), waiting: Vec::new(), dead: Vec::new() };
        let books = self.feed.take_books().unwrap_or_else(|| none(self.feed.written()));
        match self.keep(books, 0, Urgency::AtOnce).await.unwrap_or(Err(Failure::Internal)) {
            Ok(_) => {}
            Err(error) => {
                let channel = self.engine.channel.name();
                tracing::warn!(%channel, %error, "the books of a feed were not closed: some of it will go out again");
            }
        }
    }
}

/// What a task comes to, if there is one; else nothing, ever.
async fn maybe<T>(task: &mut Option<JoinHandle<T>>) -> Result<T, JoinError> {
    match task {
        Some(task) => task.await,
        None => pending().await,
    }
}

async fn sleep_ms(ms: i64) {
    tokio::time::sleep(Duration::from_millis(u64::try_from(ms).unwrap_or(0))).await;
}
