//! The road that every change takes: resolve, load, decide, commit, for a group of commands at once.
//!
//! There is no second road: nothing here knows what a command means, and nothing elsewhere commits.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use cashpoint_boundary::reached;
use cashpoint_core::change::{Change, Changes, DayMove, New, Stamp};
use cashpoint_core::command::Command;
use cashpoint_core::decide::{self, Moment, Replay};
use cashpoint_core::facts::{BusinessDay, Facts, Keys, Lookups, Terms};
use cashpoint_core::id::TransferId;
use cashpoint_core::outcome::Outcome;
use cashpoint_core::time::Timestamp;
use cashpoint_mutant::{Mutant, chosen};

use crate::bank::Mode;
use crate::calendar::{BusinessCalendar, CutoverTime};
use crate::clock::{Clock, ClockAgreement, WriterClock};
use crate::entropy::{Entropy, TransferIds};
use crate::measures::Measures;
use crate::store::{CommitError, Position, Recalled, Store, StoreError, Term};

/// What a command came to, once it is durable.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Answer {
    /// Done, or refused.
    pub outcome: Outcome,
    /// Whether it was given before.
    pub replay: Replay,
}

/// The world failed; sending the command again is safe. It had no effect, or, where the database was lost in the commit
/// itself, is answered by what was recorded.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Failure {
    /// Too much is waiting.
    Overloaded,
    /// The database cannot be read or written.
    DatabaseUnavailable,
    /// The host's clocks have parted; money waits until they agree.
    ClockDisagrees,
    /// A bug of ours.
    Internal,
}

impl std::fmt::Display for Failure {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(match self {
            Self::Overloaded => "too much is waiting; try again in a moment",
            Self::DatabaseUnavailable => "the database cannot be reached",
            Self::ClockDisagrees => "the host's clocks disagree; set the clock right or restart the host",
            Self::Internal => "a defect in the host; its log has the particulars",
        })
    }
}

impl std::error::Error for Failure {}

/// A host's clock and its store's may be so far apart, µs.
const STORE_TOLERANCE_US: i64 = 2_000_000;

/// Takes the answer, on the worker's thread.
pub type Reply = Box<dyn FnOnce(Result<Answer, Failure>) + Send>;

/// One worker's machinery: its store, its time, its facts.
pub(crate) struct Executor {
    store: Box<dyn Store>,
    facts: Facts,
    clock: Arc<dyn Clock>,
    time: WriterClock,
    entropy: Arc<dyn Entropy>,
    ids: TransferIds,
    calendar: BusinessCalendar,
    mode: Mode,
    clocks: ClockAgreement,
    measures: Arc<Measures>,
    last: (Position, Timestamp),
}

/// Why one attempt at a group came to nothing.
enum Setback {
    /// Somebody else was faster.
    Conflict,
    /// One of the commands makes us panic, or breaks a constraint.
    Defect,
    /// The same for all of them.
    Failed(Failure),
}

impl From<StoreError> for Setback {
    fn from(error: StoreError) -> Self {
        tracing::error!(%error, "the database cannot be read");
        Self::Failed(Failure::DatabaseUnavailable)
    }
}

impl From<CommitError> for Setback {
    fn from(error: CommitError) -> Self {
        match error {
            CommitError::Conflict => Self::Conflict,
            CommitError::Rejected(error) => {
                tracing::error!(%error, "the schema refuses what was decided");
                Self::Defect
            }
            CommitError::Unavailable(error) => error.into(),
        }
    }
}

/// A group that is being decided from memory while the one before is committed.
pub(crate) struct Open {
    term: Term,
    terms: Terms,
    changes: Changes,
    answers: Vec<Answer>,
}

/// Why a command is not decided from memory.
pub(crate) enum Unrecalled {
    /// The store has to be asked.
    Asks,
    /// A decision panicked, or rests on what is not so: what is remembered holds what must not be.
    Broken,
}

/// A group that is being committed.
pub(crate) struct Flying {
    changes: Arc<Changes>,
    answers: Vec<Answer>,
    began: Duration,
}

/// What became of a group that was to be sent off.
pub(crate) enum Launched {
    /// It is on its way.
    Off(Flying),
    /// There was nothing to commit: these are the answers.
    Nothing(Vec<Answer>),
    /// It came to nothing.
    Back(Failed),
}

/// What became of a group that was sent off.
pub(crate) enum Landed {
    /// It is on its way.
    Flies(Flying),
    /// It is durable: these are the answers.
    Committed(Vec<Answer>),
    /// It came to nothing.
    Failed(Failed),
}

/// What to do about a group that came to nothing.
pub(crate) enum Failed {
    /// It is to be executed again.
    Again,
    /// All of it is answered so.
    With(Failure),
}

impl Executor {
    pub(crate) fn new(
        store: Box<dyn Store>,
        time: WriterClock,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
        mode: Mode,
    ) -> Self {
        let calendar = BusinessCalendar::new("UTC", CutoverTime::MIDNIGHT).expect("UTC is a time zone");
        Self {
            store,
            facts: Facts::default(),
            clock,
            time,
            entropy,
            ids: TransferIds::new(),
            calendar,
            mode,
            clocks: ClockAgreement::Agrees,
            measures: Arc::default(),
            last: (Position { writer: 0, seq: 0 }, Timestamp::EPOCH),
        }
    }

    /// Counts together with others.
    pub(crate) fn counting(self, measures: Arc<Measures>) -> Self {
        Self { measures, ..self }
    }

    /// What is counted of groups.
    pub(crate) fn measures(&self) -> Arc<Measures> {
        Arc::clone(&self.measures)
    }

    /// What groups are timed with.
    pub(crate) fn clock(&self) -> Arc<dyn Clock> {
        Arc::clone(&self.clock)
    }

    /// The last commit.
    pub(crate) const fn last_commit(&self) -> Position {
        self.last.0
    }

    /// The last group's instant.
    pub(crate) const fn last_now(&self) -> Timestamp {
        self.last.1
    }

    /// Answers a group. Each answer stands for something durable, or for no effect at all.
    pub(crate) fn execute(&mut self, commands: &[Command]) -> Vec<Result<Answer, Failure>> {
        let remembered = !self.facts.is_empty();
        match self.attempt(commands) {
            Ok(answers) => answers.into_iter().map(Ok).collect(),
            Err(Setback::Failed(failure)) => vec![Err(failure); commands.len()],
            Err(Setback::Conflict) => match self.attempt(commands) {
                Ok(answers) => answers.into_iter().map(Ok).collect(),
                Err(Setback::Failed(failure)) => vec![Err(failure); commands.len()],
                Err(Setback::Conflict) => self.in_halves(commands, Failure::Overloaded),
                Err(Setback::Defect) => self.in_halves(commands, Failure::Internal),
            },
            // What was remembered may have been others' by then, and the decision have stumbled over that.
            Err(Setback::Defect) if remembered => self.execute(commands),
            Err(Setback::Defect) => self.in_halves(commands, Failure::Internal),
        }
    }

    /// The group again in halves, down to the one command that is to blame.
    fn in_halves(&mut self, commands: &[Command], verdict: Failure) -> Vec<Result<Answer, Failure>> {
        if commands.len() == 1 {
            return vec![Err(verdict)];
        }
        let (left, right) = commands.split_at(commands.len() / 2);
        let mut answers = self.execute(left);
        answers.extend(self.execute(right));
        answers
    }

    fn attempt(&mut self, commands: &[Command]) -> Result<Vec<Answer>, Setback> {
        let tried = catch_unwind(AssertUnwindSafe(|| self.decide_and_commit(commands))).unwrap_or_else(|_| {
            tracing::error!(commands = commands.len(), "a decision panicked");
            Err(Setback::Defect)
        });
        if tried.is_err() {
            // They hold what was decided and not committed.
            if !chosen(Mutant::RefusedRemembered) {
                self.facts.clear();
            }
            self.store.release();
        }
        tried
    }

    fn decide_and_commit(&mut self, commands: &[Command]) -> Result<Vec<Answer>, Setback> {
        let own = self.tick()?;
        self.last.1 = own;
        let mut lookups = Lookups::default();
        for command in commands {
            decide::lookups(command, &mut lookups);
        }
        let mut terms = self.store.resolve(&lookups, &mut self.facts)?;
        let resolved = self.instant(own)?;
        let (day, moved) = self.business_day(&terms, resolved);
        let mut keys = Keys::default();
        for command in commands {
            decide::keys(command, &self.facts, day.date, &mut keys);
        }
        self.store.load(&keys, &mut self.facts)?;
        let now = self.instant(own)?;
        self.last.1 = now;
        let mut changes = Changes::new(Stamp { now, business_date: day.date, policy_version: terms.policy_version });
        changes.day = moved;
        let answers = commands.iter().map(|command| self.decide(command, &mut terms, &mut changes)).collect();
        if changes.is_empty() {
            self.store.confirm()?;
            return Ok(answers);
        }
        if chosen(Mutant::AnsweredUncommitted) && commands.iter().any(|command| command.name() == "DepositAdvice") {
            self.facts.clear();
            self.store.release();
            return Ok(answers);
        }
        let began = self.clock.boot();
        commands.iter().for_each(|command| reached("commit", command.name(), "before"));
        match self.store.commit(&changes) {
            Ok(position) => self.committed(position, commands, (&changes, began)),
            Err(CommitError::Unavailable(_)) if chosen(Mutant::UnknownTakenForDone) => self.facts.clear(),
            Err(error) => return Err(error.into()),
        }
        Ok(answers)
    }

    fn committed(&mut self, position: Position, commands: &[Command], (changes, began): (&Changes, Duration)) {
        commands.iter().for_each(|command| reached("commit", command.name(), "after"));
        self.last.0 = position;
        self.measures.committed(changes, self.clock.boot().saturating_sub(began));
    }

    /// Decides commands from memory, as more of the group that is open; else says why it cannot.
    pub(crate) fn recall(&mut self, open: &mut Option<Open>, commands: &[Command]) -> Result<(), Unrecalled> {
        if self.store.overlapping().is_none() {
            return Err(Unrecalled::Asks);
        }
        let tried = catch_unwind(AssertUnwindSafe(|| self.decide_from_memory(open, commands)));
        let tried = tried.unwrap_or_else(|_| {
            tracing::error!(commands = commands.len(), "a decision panicked");
            Err(Unrecalled::Broken)
        });
        if tried.is_err() && open.as_ref().is_some_and(|open| open.answers.is_empty()) {
            *open = None;
        }
        tried
    }

    fn decide_from_memory(&mut self, open: &mut Option<Open>, commands: &[Command]) -> Result<(), Unrecalled> {
        let own = self.tick().map_err(|_| Unrecalled::Asks)?;
        let mut lookups = Lookups::default();
        commands.iter().for_each(|command| decide::lookups(command, &mut lookups));
        let recalled = self.store.overlapping().and_then(|store| store.recall(&lookups, &mut self.facts));
        let Recalled { terms, term } = recalled.ok_or(Unrecalled::Asks)?;
        let open = match open {
            Some(open) if open.term == term => open,
            Some(_) => return Err(Unrecalled::Asks),
            None => {
                let now = self.instant(own).map_err(|_| Unrecalled::Asks)?;
                let (day, moved) = self.business_day(&terms, now);
                if moved.is_some() {
                    return Err(Unrecalled::Asks);
                }
                let stamp = Stamp { now, business_date: day.date, policy_version: terms.policy_version };
                let changes = Changes::new(stamp);
                open.insert(Open { term, terms, changes, answers: Vec::with_capacity(commands.len()) })
            }
        };
        let mut keys = Keys::default();
        for command in commands {
            decide::keys(command, &self.facts, open.changes.stamp.business_date, &mut keys);
        }
        let filled = self.store.overlapping().and_then(|store| store.fill_up(&keys, &mut self.facts));
        filled.ok_or(Unrecalled::Asks)?;
        // A refusal that is not recorded leaves nothing that the store could refuse if the request was an old one.
        let mut unrecorded = Lookups::default();
        for command in commands {
            let answer = self.decide(command, &mut open.terms, &mut open.changes);
            if answer.outcome.as_ref().is_err_and(|refusal| !refusal.is_recorded()) {
                decide::lookups(command, &mut unrecorded);
            }
            open.answers.push(answer);
        }
        // What is known of the others was no presumption.
        unrecorded.requests.retain(|key| self.facts.requests.find(key).is_none());
        if unrecorded.requests.is_empty() {
            return Ok(());
        }
        match self.store.overlapping().and_then(|store| store.are_new(&unrecorded)) {
            Some(true) => Ok(()),
            Some(false) | None => Err(Unrecalled::Broken),
        }
    }

    /// Sends a group off that was decided from memory. If there is nothing to send, it only has to be true still, and is
    /// given back.
    pub(crate) fn launch(&mut self, open: Open, commands: &[Command]) -> Launched {
        let Open { term, changes, answers, .. } = open;
        self.last.1 = changes.stamp.now;
        let store = self.store.overlapping().expect("it was recalled from this store");
        if changes.is_empty() {
            return match store.confirm_recalled(term) {
                Ok(()) => Launched::Nothing(answers),
                Err(error) => Launched::Back(self.set_back(error)),
            };
        }
        commands.iter().for_each(|command| reached("commit", command.name(), "before"));
        let (changes, began) = (Arc::new(changes), self.clock.boot());
        store.launch(&changes, term);
        Launched::Off(Flying { changes, answers, began })
    }

    /// Waits so long for the group that was sent off; gives it back if it is still on its way.
    pub(crate) fn land(&mut self, flying: Flying, commands: &[Command], within: Duration) -> Landed {
        let store = self.store.overlapping().expect("it was sent off by this store");
        match store.land(within) {
            None => Landed::Flies(flying),
            Some(Ok(position)) => {
                let Flying { changes, answers, began } = flying;
                self.last.1 = changes.stamp.now;
                self.committed(position, commands, (&changes, began));
                Landed::Committed(answers)
            }
            Some(Err(error)) => Landed::Failed(self.set_back(error)),
        }
    }

    /// Nothing that was decided and not committed stays.
    pub(crate) fn forget(&mut self) {
        self.facts.clear();
    }

    /// A group that was decided from memory came to nothing.
    fn set_back(&mut self, error: CommitError) -> Failed {
        self.forget();
        match Setback::from(error) {
            Setback::Conflict | Setback::Defect => Failed::Again,
            Setback::Failed(failure) => Failed::With(failure),
        }
    }

    /// One command; the next sees its changes, those of the policy included.
    fn decide(&mut self, command: &Command, terms: &mut Terms, changes: &mut Changes) -> Answer {
        let Stamp { now, business_date, .. } = changes.stamp;
        let policy_version = terms.policy_version;
        let fresh = TransferId::new(self.ids.next_base(now, self.entropy.as_ref()));
        let moment = Moment { now, business_date, policy: &terms.policy, policy_version, fresh };
        let decision = decide::decide(&self.facts, command, moment);
        for change in decision.changes {
            if let Change::New(New::Policy(version, policy)) = &change {
                terms.policy_version = *version;
                terms.policy = Arc::new(policy.clone());
            }
            changes.apply(change, &mut self.facts);
        }
        Answer { outcome: decision.outcome, replay: decision.replay }
    }

    /// The group's instant; none while the clocks disagree, unless it is all play.
    fn tick(&mut self) -> Result<Timestamp, Setback> {
        let (now, clocks) = self.time.tick(self.clock.reading());
        if clocks != self.clocks {
            match clocks {
                ClockAgreement::Agrees => tracing::info!("the clocks agree again"),
                ClockAgreement::Disagrees { wall_ahead_us } => {
                    tracing::error!(wall_ahead_us, "the wall clock has parted from the boot-time clock");
                }
            }
        }
        self.clocks = clocks;
        match (clocks, self.mode) {
            (ClockAgreement::Disagrees { .. }, Mode::Real) => Err(Setback::Failed(Failure::ClockDisagrees)),
            (ClockAgreement::Disagrees { .. }, Mode::Sandbox) | (ClockAgreement::Agrees, _) => Ok(now),
        }
    }

    /// The instant that the store goes by; none if the host's clock is too far from it, unless it is all play. The store
    /// read it after `own` and before now, and may have waited for rows in between.
    fn instant(&mut self, own: Timestamp) -> Result<Timestamp, Setback> {
        let instant = self.store.instant(own);
        let now = self.tick()?;
        let apart_us = (own.micros() - instant.micros()).max(instant.micros() - now.micros());
        if apart_us > STORE_TOLERANCE_US && self.mode == Mode::Real {
            tracing::error!(apart_us, "the host's clock is not the database server's");
            return Err(Setback::Failed(Failure::ClockDisagrees));
        }
        Ok(instant)
    }

    /// The day that the group counts on, and the cut-over if it is the first at or after it.
    fn business_day(&mut self, terms: &Terms, now: Timestamp) -> (BusinessDay, Option<DayMove>) {
        if let Some(day) = terms.day
            && now < day.next_cutover
        {
            return (day, None);
        }
        if self.calendar.zone_name() != terms.policy.time_zone {
            match BusinessCalendar::new(&terms.policy.time_zone, CutoverTime::MIDNIGHT) {
                Ok(calendar) => self.calendar = calendar,
                Err(error) => tracing::error!(%error, "the policy's time zone is not known; the last one stays"),
            }
        }
        let reckoned = self.calendar.date_at(now);
        let date = terms.day.map_or(reckoned, |day| day.date.max(reckoned));
        let to = BusinessDay { date, next_cutover: self.calendar.next_cutover(now) };
        (to, Some(DayMove { from: terms.day.map(|day| day.date), to }))
    }
}
