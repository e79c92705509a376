//! Where a connection stands, and since when: what its deadlines are measured by.
//!
//! A connection sets no timers and reads no clock. It notes each step in one word ([`Watch`]); now and then somebody
//! walks past all of them, and closes what he has seen at the same step for longer than its deadline: a request costs a
//! few uncontended atomic operations, an idle connection costs nothing, and nobody is closed too soon, however late the
//! walk comes under load. What is closed cannot also begin to act: both sides change the same word, and one of them
//! wins.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::task::Waker;
use std::time::Duration;

use tokio::task::AbortHandle;
use tokio::time::Instant;

use super::Deadlines;

/// What a connection waits for, or does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Stage {
    /// The TLS handshake.
    Handshake,
    /// The first byte of the first request.
    Fresh,
    /// The rest of a head.
    Head,
    /// The rest of a body.
    Body,
    /// The body was not there in time: its reader has been told, its answer comes.
    LateBody,
    /// The router.
    Handling,
    /// The head of the answer is there, its body is on its way out of the router.
    Answering,
    /// The answer is complete, and on its way out of our buffers.
    Flushing,
    /// The next request.
    Idle,
    /// Another protocol has taken over, with deadlines of its own.
    Upgraded,
    /// The client's end, after ours.
    Lingering,
    /// Nothing more: it is being closed, and may not begin anything.
    Closed,
}

const STAGES: [Stage; 12] = [
    Stage::Handshake,
    Stage::Fresh,
    Stage::Head,
    Stage::Body,
    Stage::LateBody,
    Stage::Handling,
    Stage::Answering,
    Stage::Flushing,
    Stage::Idle,
    Stage::Upgraded,
    Stage::Lingering,
    Stage::Closed,
];

/// A stage, and which one that is in the connection's life: stage in the lower 8 bits, a count above.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Mark(u64);

impl Mark {
    fn first(stage: Stage) -> Self {
        Self(stage as u64)
    }

    fn next(self, stage: Stage) -> Self {
        Self(((self.0 >> 8) + 1) << 8 | stage as u64)
    }

    fn stage(self) -> Stage {
        STAGES[usize::from(self.0.to_le_bytes()[0])]
    }
}

/// What a connection looked like when somebody walked past, and since when it has looked like that.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seen {
    mark: Mark,
    mark_since: Instant,
    blocks: u64,
    blocks_since: Instant,
}

/// How long each stage may last.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits(Deadlines);

impl Limits {
    pub(super) fn new(deadlines: Deadlines) -> Self {
        Self(deadlines)
    }

    /// How often connections are to be looked at.
    pub(super) fn tick(&self) -> Duration {
        let Deadlines { handshake, first_byte, header, body, answer, write, idle, linger, drain: _ } = self.0;
        let all = [handshake, first_byte, header, body, answer, write, idle, linger];
        let shortest = all.into_iter().min().expect("there are some");
        (shortest / 16).clamp(Duration::from_millis(5), Duration::from_millis(125))
    }

    fn of(&self, stage: Stage) -> Option<Duration> {
        match stage {
            Stage::Handshake => Some(self.0.handshake),
            Stage::Fresh => Some(self.0.first_byte),
            Stage::Head => Some(self.0.header),
            Stage::Body => Some(self.0.body),
            Stage::LateBody | Stage::Handling => Some(self.0.answer),
            Stage::Idle => Some(self.0.idle),
            Stage::Lingering => Some(self.0.linger),
            // An answer may come for ever (server-sent events); whether the client takes it is seen by `blocks`.
            Stage::Answering | Stage::Flushing | Stage::Upgraded | Stage::Closed => None,
        }
    }
}

/// What a look at a connection came to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Verdict {
    InTime,
    /// Its body was late, and its reader knows.
    BodyLate,
    /// It was over its time in this stage, and is closed.
    Closed(Stage),
    /// The client did not take what was sent in time; it is closed.
    Stalled,
}

/// Somebody to be woken.
#[derive(Debug, Default)]
struct Bell(Mutex<Option<Waker>>);

impl Bell {
    fn hang(&self, waker: &Waker) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(waker.clone());
    }

    fn ring(&self) {
        let waker = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

/// One connection as its deadlines see it. Shared by its socket, its bodies, and whoever walks past.
#[derive(Debug)]
pub(super) struct Watch {
    mark: AtomicU64,
    /// Odd while the socket takes no more; a count, so that one time can be told from the next.
    blocks: AtomicU64,
    /// Whether a body was left unread, so that a plain close would reset the connection under the answer.
    unread: AtomicBool,
    body: Bell,
    end: Bell,
    task: OnceLock<AbortHandle>,
}

impl Watch {
    pub(super) fn new(stage: Stage) -> Self {
        Self {
            mark: AtomicU64::new(Mark::first(stage).0),
            blocks: AtomicU64::new(0),
            unread: AtomicBool::new(false),
            body: Bell::default(),
            end: Bell::default(),
            task: OnceLock::new(),
        }
    }

    /// Names the task that carries the connection; it cannot be closed before.
    pub(super) fn carried_by(&self, task: AbortHandle) {
        self.task.set(task).expect("a connection has one task");
    }

    fn mark(&self) -> Mark {
        Mark(self.mark.load(Ordering::Acquire))
    }

    pub(super) fn stage(&self) -> Stage {
        self.mark().stage()
    }

    fn is_blocked(&self) -> bool {
        self.blocks.load(Ordering::Acquire) % 2 == 1
    }

    /// Goes on to `to` if the present stage allows; false if not.
    fn advance(&self, to: Stage, allowed: impl Fn(Stage) -> bool) -> bool {
        let step = |mark| allowed(Mark(mark).stage()).then(|| Mark(mark).next(to).0);
        self.mark.fetch_update(Ordering::AcqRel, Ordering::Acquire, step).is_ok()
    }

    /// The handshake is done.
    pub(super) fn shaken(&self) {
        self.advance(Stage::Fresh, |stage| stage == Stage::Handshake);
    }

    /// Bytes have come. False: too late, they are not to be looked at.
    pub(super) fn received(&self) -> bool {
        match self.stage() {
            Stage::Fresh | Stage::Idle => {
                self.advance(Stage::Head, |stage| matches!(stage, Stage::Fresh | Stage::Idle))
                    || self.stage() != Stage::Closed
            }
            Stage::Closed => false,
            Stage::Handshake
            | Stage::Head
            | Stage::Body
            | Stage::LateBody
            | Stage::Handling
            | Stage::Answering
            | Stage::Flushing
            | Stage::Upgraded
            | Stage::Lingering => true,
        }
    }

    /// A head is complete; `then` says what comes: the body, or the handling. False: too late, it is not to be acted on.
    pub(super) fn head_read(&self, then: Stage) -> bool {
        self.unread.store(false, Ordering::Relaxed);
        self.advance(then, |stage| stage != Stage::Closed)
    }

    /// The body is complete.
    pub(super) fn body_read(&self) {
        self.advance(Stage::Handling, |stage| stage == Stage::Body);
    }

    /// The body will not be read to its end.
    pub(super) fn body_left(&self) {
        self.unread.store(true, Ordering::Relaxed);
        self.body_read();
    }

    /// Whether the body is late; if not, `waker` is woken when it is.
    pub(super) fn body_is_late(&self, waker: &Waker) -> bool {
        self.body.hang(waker);
        self.stage() == Stage::LateBody
    }

    /// The head of the answer is there. True if the body of its request was late.
    pub(super) fn answered(&self) -> bool {
        let late = self.stage() == Stage::LateBody;
        self.advance(Stage::Answering, |stage| stage != Stage::Closed);
        late
    }

    /// The answer hands the connection over to another protocol.
    pub(super) fn upgraded(&self) {
        self.advance(Stage::Upgraded, |stage| stage != Stage::Closed);
    }

    /// The last byte of the answer is in our buffers.
    pub(super) fn answer_complete(&self) {
        self.advance(Stage::Flushing, |stage| stage == Stage::Answering);
    }

    /// The socket takes no more for now.
    pub(super) fn blocked(&self) {
        if !self.is_blocked() {
            self.blocks.fetch_add(1, Ordering::AcqRel);
        }
    }

    /// Our buffers are empty.
    pub(super) fn flushed(&self) {
        if self.is_blocked() {
            self.blocks.fetch_add(1, Ordering::AcqRel);
        }
        if self.stage() == Stage::Flushing {
            self.advance(Stage::Idle, |stage| stage == Stage::Flushing);
        }
    }

    /// Our end is closed. True if the client's is to be waited for: it may still be sending, and a reset would take the
    /// answer away from it.
    pub(super) fn lingers(&self) -> bool {
        let sending = self.unread.load(Ordering::Relaxed) || self.stage() == Stage::Head;
        sending && self.advance(Stage::Lingering, |stage| stage != Stage::Closed)
    }

    /// Whether this is the end; if not, `waker` is woken when it comes. Only for other protocols, which are not carried
    /// by a task of ours.
    pub(super) fn is_ended(&self, waker: &Waker) -> bool {
        if self.stage() == Stage::Upgraded {
            self.end.hang(waker);
        }
        self.stage() == Stage::Closed
    }

    /// What there is to see at `now`.
    pub(super) fn seen(&self, now: Instant) -> Seen {
        let (mark, blocks) = (self.mark(), self.blocks.load(Ordering::Acquire));
        Seen { mark, mark_since: now, blocks, blocks_since: now }
    }

    /// Looks whether everything is in time at `now`, and does what is to be done if not; `last` is what was seen the
    /// last time.
    pub(super) fn look(&self, last: &mut Seen, limits: &Limits, now: Instant) -> Verdict {
        let mut seen = self.seen(now);
        if seen.mark == last.mark {
            seen.mark_since = last.mark_since;
        }
        if seen.blocks == last.blocks {
            seen.blocks_since = last.blocks_since;
        }
        *last = seen;
        if seen.blocks % 2 == 1 && now - seen.blocks_since >= limits.0.write {
            return if self.close(seen.mark) { Verdict::Stalled } else { Verdict::InTime };
        }
        match limits.of(seen.mark.stage()) {
            Some(limit) if now - seen.mark_since >= limit => self.end_stage(seen.mark),
            Some(_) | None => Verdict::InTime,
        }
    }

    fn end_stage(&self, mark: Mark) -> Verdict {
        let stage = mark.stage();
        if stage != Stage::Body {
            return if self.close(mark) { Verdict::Closed(stage) } else { Verdict::InTime };
        }
        if !self.replace(mark, Stage::LateBody) {
            return Verdict::InTime;
        }
        self.body.ring();
        Verdict::BodyLate
    }

    /// Goes on to `to` if the connection still stands at `mark`; false if it went on by itself.
    fn replace(&self, mark: Mark, to: Stage) -> bool {
        self.mark.compare_exchange(mark.0, mark.next(to).0, Ordering::AcqRel, Ordering::Acquire).is_ok()
    }

    /// Closes the connection if nothing is under way on it.
    pub(super) fn close_if_unused(&self) {
        let mark = self.mark();
        let unused = matches!(mark.stage(), Stage::Handshake | Stage::Fresh | Stage::Idle | Stage::Upgraded);
        if unused && !self.is_blocked() {
            self.close(mark);
        }
    }

    /// Closes the connection, whatever is under way.
    pub(super) fn cut(&self) {
        self.advance(Stage::Closed, |_| true);
        self.end.ring();
        if let Some(task) = self.task.get() {
            task.abort();
        }
    }

    /// Closes the connection if it still stands at `mark`; false if it went on, or has no task yet.
    fn close(&self, mark: Mark) -> bool {
        let Some(task) = self.task.get() else { return false };
        let closed = self.replace(mark, Stage::Closed);
        if closed {
            self.end.ring();
            task.abort();
        }
        closed
    }
}
