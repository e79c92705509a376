//! What a worker does with the commands that it took: one group is committed while the next is decided, where the store
//! remembers what decisions rest on; else one group after the other.
//!
//! A group that is decided already waits for the one before to be committed, and grows meanwhile. If that one comes to
//! nothing, what was decided after it is worth nothing, and both are executed again.

use std::sync::Arc;
use std::time::Duration;

use cashpoint_core::command::Command;
use tracing::Span;

use crate::clock::Clock;
use crate::execute::{Answer, Executor, Failed, Failure, Flying, Landed, Launched, Open, Reply, Unrecalled};
use crate::measures::Measures;
use crate::queue::{Listeners, Submitted, TARGET};
use crate::store::Position;

/// Commands that are answered together.
pub(crate) struct Batch {
    commands: Vec<Command>,
    replies: Vec<Reply>,
    spans: Vec<Span>,
    began: Duration,
    /// When the command that waited longest was submitted.
    oldest: Duration,
}

impl Batch {
    pub(crate) fn add(&mut self, command: Command, reply: Reply, submitted: Option<Submitted>) {
        self.commands.push(command);
        self.replies.push(reply);
        if let Some(Submitted { at, span }) = submitted {
            self.oldest = self.oldest.min(at);
            if !span.is_none() {
                self.spans.push(span);
            }
        }
    }

    /// Takes what waited for others to go along with.
    pub(crate) fn take_along(&mut self, along: &mut Vec<(Command, Reply)>) {
        for (command, reply) in along.drain(..) {
            self.add(command, reply, None);
        }
    }

    /// Answers everybody.
    pub(crate) fn answer(self, answers: Vec<Result<Answer, Failure>>) {
        for (reply, answer) in self.replies.into_iter().zip(answers) {
            reply(answer);
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.commands.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.commands.is_empty()
    }

    fn waited(&self) -> Duration {
        self.began.saturating_sub(self.oldest)
    }

    fn append(&mut self, later: Self) {
        self.commands.extend(later.commands);
        self.replies.extend(later.replies);
        self.spans.extend(later.spans);
    }
}

/// A worker's groups.
pub(crate) struct Pipe {
    executor: Executor,
    measures: Arc<Measures>,
    clock: Arc<dyn Clock>,
    listeners: Listeners,
    /// Decided, and not yet sent off.
    open: Option<Open>,
    opened: Option<Batch>,
    flying: Option<(Batch, Flying)>,
}

impl Pipe {
    pub(crate) fn new(executor: Executor, listeners: Listeners) -> Self {
        let (measures, clock) = (executor.measures(), executor.clock());
        Self { executor, measures, clock, listeners, open: None, opened: None, flying: None }
    }

    /// A batch that begins now.
    pub(crate) fn batch(&self) -> Batch {
        let began = self.clock.boot();
        Batch { commands: Vec::new(), replies: Vec::new(), spans: Vec::new(), began, oldest: began }
    }

    /// Whether a group is being committed.
    pub(crate) const fn is_flying(&self) -> bool {
        self.flying.is_some()
    }

    /// How many commands may be taken, where a group has so many at most.
    pub(crate) fn room(&self, group: usize) -> usize {
        group.saturating_sub(self.opened.as_ref().map_or(0, Batch::len)).max(1)
    }

    /// Decides the batch, now or with the group that is open, and sends off what can be.
    pub(crate) fn take(&mut self, batch: Batch, group: usize) {
        if !batch.is_empty() {
            self.measures.taken(batch.len(), batch.waited());
            match self.executor.recall(&mut self.open, &batch.commands) {
                Ok(()) => match &mut self.opened {
                    Some(opened) => opened.append(batch),
                    None => self.opened = Some(batch),
                },
                Err(Unrecalled::Asks) => {
                    self.settle();
                    self.execute_again(batch);
                }
                Err(Unrecalled::Broken) => {
                    self.open = None;
                    self.land(Duration::MAX);
                    self.executor.forget();
                    self.redo();
                    self.execute_again(batch);
                }
            }
        }
        if self.opened.as_ref().is_some_and(|opened| opened.len() >= group) {
            self.land(Duration::MAX);
        }
        if self.flying.is_none() {
            self.launch();
        }
    }

    /// Waits until nothing is open and nothing under way.
    pub(crate) fn settle(&mut self) {
        while self.flying.is_some() || self.open.is_some() {
            self.land(Duration::MAX);
            if self.flying.is_none() {
                self.launch();
            }
        }
    }

    fn launch(&mut self) {
        let Some(open) = self.open.take() else { return };
        let batch = self.opened.take().expect("whatever is open was taken from commands");
        match self.executor.launch(open, &batch.commands) {
            Launched::Off(flying) => self.flying = Some((batch, flying)),
            Launched::Nothing(answers) => self.answer(batch, answers.into_iter().map(Ok).collect()),
            Launched::Back(failed) => self.failed(batch, &failed),
        }
    }

    /// Waits for the group that is being committed, so long.
    pub(crate) fn land(&mut self, within: Duration) {
        let Some((batch, flying)) = self.flying.take() else { return };
        match self.executor.land(flying, &batch.commands, within) {
            Landed::Flies(flying) => self.flying = Some((batch, flying)),
            Landed::Committed(answers) => {
                // The next one first: whoever is answered has something to do elsewhere.
                self.launch();
                self.answer(batch, answers.into_iter().map(Ok).collect());
            }
            Landed::Failed(failed) => {
                // What was decided after it rests on it.
                self.open = None;
                self.failed(batch, &failed);
                self.redo();
            }
        }
    }

    fn failed(&mut self, batch: Batch, failed: &Failed) {
        match failed {
            Failed::Again => self.execute_again(batch),
            Failed::With(failure) => {
                let answers = vec![Err(*failure); batch.len()];
                self.answer(batch, answers);
            }
        }
    }

    /// Executes what was decided in vain.
    fn redo(&mut self) {
        if let Some(batch) = self.opened.take() {
            self.execute_again(batch);
        }
    }

    /// Executes a batch by itself, while no group is open; whoever waits for it is told by the caller.
    pub(crate) fn execute(&mut self, batch: &Batch) -> Vec<Result<Answer, Failure>> {
        if batch.is_empty() {
            return Vec::new();
        }
        self.measures.taken(batch.len(), batch.waited());
        let answers = self.executor.execute(&batch.commands);
        self.note(batch, &answers);
        answers
    }

    /// Who is told after each group.
    pub(crate) fn listeners(&self) -> Listeners {
        self.listeners.clone()
    }

    fn execute_again(&mut self, batch: Batch) {
        let answers = self.executor.execute(&batch.commands);
        self.answer(batch, answers);
    }

    fn answer(&mut self, batch: Batch, answers: Vec<Result<Answer, Failure>>) {
        self.note(&batch, &answers);
        batch.answer(answers);
        self.listeners.tell();
    }

    fn note(&self, batch: &Batch, answers: &[Result<Answer, Failure>]) {
        self.measures.answered(answers, self.clock.boot().saturating_sub(batch.began), self.executor.last_now());
        tell(self.executor.last_commit(), batch);
    }
}

/// Says in each request's span which commit it was part of, for whoever follows one request through the host.
fn tell(Position { writer, seq }: Position, batch: &Batch) {
    let (commands, waited_us) = (batch.len(), u64::try_from(batch.waited().as_micros()).unwrap_or(u64::MAX));
    for span in &batch.spans {
        tracing::debug!(target: TARGET, parent: span, writer, seq, commands, waited_us, "committed");
    }
}
