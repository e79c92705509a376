//! The dispenser's side of a withdrawal that has begun: what lies where, which nonce it holds, and the way from "something
//! happened" to a verdict and its advice. The same way is gone after a crash, after a failure and after the notes were
//! taken: read the counters, ask for the present status, judge, clear the way once if the verdict says so, then tell.
//!
//! The verdict itself is [`super::recovery`]'s, what the customer is shown is the visit's.

use cashpoint_mutant::{Mutant, chosen};

use super::Alarm;
use super::book::{CardFate, Open, OpenWithdrawal, Step};
use super::device::{Answer, Command, Counters, Failure, Nonce, PresentStatus, Unit};
use super::hardware::Ended;
use super::link::ReverseReason;
use super::machine::{Machine, Signal};
use super::record::{Leave, Record};
use super::recovery::{self, Clearing, Doubt, Ending, Tried, Verdict, Word};

/// The nonce that the dispenser holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Held {
    /// Not known, or none.
    Unknown,
    /// The lease's, unless the device lost power since: asking for it might replace it.
    Assumed(Nonce),
    /// This one: it said so.
    Told(Nonce),
}

/// Why a withdrawal is being settled.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Cause {
    /// The notes were taken.
    Taken,
    /// They were not, in time.
    NotTaken,
    /// The card was not taken, so no notes were presented.
    CardLeft,
    /// The card is stuck with notes on the stacker: what a thief would bring about.
    CardStuck(Failure),
    /// The card was reported.
    CardReported,
    /// The dispenser failed.
    Failed(Failure),
    /// Fewer notes than asked for.
    Short,
    /// The terminal stopped in between.
    Restarted,
}

impl Cause {
    const fn reason(self) -> ReverseReason {
        match self {
            Self::Taken | Self::CardStuck(_) | Self::Failed(_) | Self::Short => ReverseReason::DeviceFailed,
            Self::NotTaken | Self::CardLeft => ReverseReason::CustomerCancelled,
            Self::CardReported => ReverseReason::CardReported,
            Self::Restarted => ReverseReason::Restarted,
        }
    }

    const fn failure(self) -> Option<Failure> {
        match self {
            Self::CardStuck(failure) | Self::Failed(failure) => Some(failure),
            Self::Taken | Self::NotTaken | Self::CardLeft | Self::CardReported | Self::Short | Self::Restarted => None,
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Phase {
    /// The notes are brought to safety, because it is known where they are.
    Clearing,
    /// The counters are read.
    Counting,
    /// The present status is asked for.
    Asking,
    /// The used nonce is forgotten, and a new one fetched.
    RenewingNonce,
    /// The dispenser cannot be reached.
    Stuck,
}

/// A withdrawal on its way to a verdict.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Settling {
    cause: Cause,
    phase: Phase,
    tried: Tried,
    counters: Option<Counters>,
    present: Option<PresentStatus>,
    failure: Option<Failure>,
    verdict: Option<Verdict>,
}

/// The dispenser as the terminal sees it.
#[derive(Debug)]
pub(super) struct Cash {
    counters: Option<Counters>,
    held: Held,
    settling: Option<Settling>,
    /// Whether notes that nobody claims were to be rejected since the dispenser was last looked at.
    tidied: Tried,
}

impl Cash {
    pub(super) const fn new() -> Self {
        Self { counters: None, held: Held::Unknown, settling: None, tidied: Tried::Nothing }
    }

    /// The counters as last read.
    pub(super) const fn counters(&self) -> Option<&Counters> {
        self.counters.as_ref()
    }

    pub(super) const fn held(&self) -> Held {
        self.held
    }

    /// The nonce that the dispenser holds, as far as is known.
    pub(super) const fn nonce(&self) -> Option<Nonce> {
        match self.held {
            Held::Unknown => None,
            Held::Assumed(nonce) | Held::Told(nonce) => Some(nonce),
        }
    }

    /// The nonce that may serve for a lease.
    pub(super) fn fresh_nonce(&self) -> Option<Nonce> {
        match self.held {
            Held::Told(nonce) if self.settling.is_none() => Some(nonce),
            Held::Told(_) | Held::Unknown | Held::Assumed(_) => None,
        }
    }

    /// Whether unclaimed notes may be rejected: once for each look at the dispenser, lest it never ends.
    pub(super) fn may_tidy(&mut self) -> bool {
        std::mem::replace(&mut self.tidied, Tried::Clearing) == Tried::Nothing
    }

    pub(super) fn looked_at(&mut self) {
        self.tidied = Tried::Nothing;
    }

    pub(super) fn hold(&mut self, held: Held) {
        self.held = held;
    }

    /// The dispenser was away, and may have lost power and with it its nonce: only that of a lease is worth a try.
    pub(super) fn doubt_nonce(&mut self, lease: Option<Nonce>) {
        if let Held::Told(nonce) = self.held {
            self.held = if lease == Some(nonce) { Held::Assumed(nonce) } else { Held::Unknown };
        }
    }

    pub(super) const fn is_settling(&self) -> bool {
        self.settling.is_some()
    }

    pub(super) fn is_stuck(&self) -> bool {
        self.settling.as_ref().is_some_and(|settling| settling.phase == Phase::Stuck)
    }

    fn phase(&self) -> Option<Phase> {
        self.settling.as_ref().map(|settling| settling.phase)
    }
}

impl Machine {
    /// Finds out what became of the open withdrawal, and tells the host. `first`: the way is cleared before anything is
    /// asked, because it is known where the notes are.
    pub(super) fn settle(&mut self, cause: Cause, first: Option<Clearing>) {
        if chosen(Mutant::IntentForgotten) && cause == Cause::Restarted {
            return;
        }
        let failure = cause.failure();
        let (tried, phase) = (Tried::Nothing, Phase::Counting);
        self.cash.settling =
            Some(Settling { cause, phase, tried, counters: None, present: None, failure, verdict: None });
        match self.open_withdrawal().map(|open| (open.step.dispensing().is_none(), open.approved.as_ref())) {
            Some((true, Some(approved))) => {
                let nonce = approved.present_nonce;
                return self.ask_of_nothing(nonce);
            }
            Some((true, None)) => return self.judge(),
            Some((false, _)) | None => {}
        }
        match (first, self.devices.is_reachable(Unit::Dispenser)) {
            (_, false) => self.stick(),
            (None, true) => self.enter(Phase::Counting, Command::ReadCounters),
            (Some(clearing), true) => self.enter(Phase::Clearing, command(clearing)),
        }
    }

    /// Takes back what was approved just now and is not to be dispensed.
    pub(super) fn settle_undispensed(&mut self, cause: Cause, nonce: Nonce) {
        let (tried, phase, failure) = (Tried::Nothing, Phase::Asking, cause.failure());
        self.cash.settling =
            Some(Settling { cause, phase, tried, counters: None, present: None, failure, verdict: None });
        self.ask_of_nothing(nonce);
    }

    /// No note was ever to move, which the journal knows and the host does not: it wants the device's word, for the nonce
    /// that came with the approval.
    fn ask_of_nothing(&mut self, nonce: Nonce) {
        if self.devices.is_reachable(Unit::Dispenser) {
            self.enter(Phase::Asking, Command::PresentStatus { nonce: Some(nonce) });
        } else {
            self.judge();
        }
    }

    /// The dispenser works, after it could not be reached.
    pub(super) fn resume_settling(&mut self) {
        if self.cash.is_stuck() {
            self.enter(Phase::Counting, Command::ReadCounters);
        }
    }

    /// The dispenser is gone, and with it whatever it was doing: what became of the notes is asked when it is back.
    pub(super) fn stick(&mut self) {
        if let Some(settling) = &mut self.cash.settling
            && settling.phase != Phase::Stuck
        {
            settling.phase = Phase::Stuck;
            self.signal(Signal::CashUnknown);
        }
    }

    /// Takes the end of a command of the dispenser, if it is one that settles.
    pub(super) fn settle_on(&mut self, ended: &Ended) {
        self.note(ended);
        let Some(phase) = self.cash.phase() else { return };
        if ended.result == Err(Failure::Lost) && phase != Phase::Stuck {
            self.stick();
            return;
        }
        match (phase, &ended.command) {
            (Phase::Clearing, Command::Reject | Command::Retract) => {
                self.keep_failure(ended);
                self.enter(Phase::Counting, Command::ReadCounters);
            }
            (Phase::Counting, Command::ReadCounters) => self.counted(ended),
            (Phase::Asking, Command::PresentStatus { .. }) => self.told_present(ended),
            (Phase::RenewingNonce, Command::FetchNonce) => self.conclude(),
            // Ends of what was told before, or of the clearing of a nonce, which the fetching after it follows.
            (Phase::Clearing | Phase::Counting | Phase::Asking | Phase::RenewingNonce | Phase::Stuck, _) => {}
        }
    }

    /// What a dispenser's answer says besides: its counters and its nonce.
    fn note(&mut self, ended: &Ended) {
        match (&ended.command, &ended.result) {
            (Command::ReadCounters, Ok(Answer::Counters(counters))) => self.cash.counters = Some(counters.clone()),
            (Command::FetchNonce, Ok(Answer::Nonce(nonce))) => self.cash.held = Held::Told(*nonce),
            (Command::FetchNonce | Command::ClearNonce, Err(_)) | (Command::ClearNonce, Ok(_)) => {
                self.cash.held = Held::Unknown;
            }
            (Command::Dispense(_), Err(Failure::Token | Failure::NoNonce)) => self.cash.held = Held::Unknown,
            (_, Ok(_) | Err(_)) => {}
        }
    }

    fn keep_failure(&mut self, ended: &Ended) {
        let (Some(settling), Err(failure)) = (&mut self.cash.settling, &ended.result) else { return };
        settling.failure = settling.failure.or(Some(*failure));
    }

    fn enter(&mut self, phase: Phase, command: Command) {
        if let Some(settling) = &mut self.cash.settling {
            settling.phase = phase;
            self.tell(command);
        }
    }

    fn counted(&mut self, ended: &Ended) {
        let nonce = self.present_nonce();
        let Some(settling) = &mut self.cash.settling else { return };
        settling.counters = match &ended.result {
            Ok(Answer::Counters(counters)) => Some(counters.clone()),
            Ok(_) | Err(_) => None,
        };
        self.keep_failure(ended);
        self.enter(Phase::Asking, Command::PresentStatus { nonce });
    }

    fn told_present(&mut self, ended: &Ended) {
        let Some(settling) = &mut self.cash.settling else { return };
        settling.present = match &ended.result {
            Ok(Answer::PresentStatus(status)) => Some(status.clone()),
            Ok(_) | Err(_) => None,
        };
        self.keep_failure(ended);
        self.judge();
    }

    fn present_nonce(&self) -> Option<Nonce> {
        let open = self.open_withdrawal()?;
        match open.step.dispensing() {
            Some(dispensing) => dispensing.present_nonce,
            None => open.approved.as_ref().map(|approved| approved.present_nonce),
        }
    }

    /// The withdrawal that the journal holds open.
    pub(super) fn open_withdrawal(&self) -> Option<&OpenWithdrawal> {
        match self.journal.book().open() {
            Some(Open::Withdrawal(open)) => Some(open),
            Some(Open::Deposit(_)) | None => None,
        }
    }

    fn judge(&mut self) {
        let Some(open) = self.open_withdrawal() else { return self.drop_settling() };
        let Some(settling) = &self.cash.settling else { return };
        let word =
            Word { counters: settling.counters.as_ref(), present: settling.present.as_ref(), tried: settling.tried };
        // A card that jams while notes wait on the stacker is how a reversal is forced: no money goes back by itself.
        let verdict = match settling.cause {
            Cause::CardStuck(_) => Verdict::Suspect(Doubt::CardJammed),
            Cause::Taken
            | Cause::NotTaken
            | Cause::CardLeft
            | Cause::CardReported
            | Cause::Failed(_)
            | Cause::Short
            | Cause::Restarted => recovery::judge(open, &word),
        };
        let used_a_nonce = matches!(open.intent.leave, Leave::Host { .. }) && open.step.dispensing().is_some();
        let Some(settling) = &mut self.cash.settling else { return };
        if let Verdict::Clear(clearing) = verdict {
            settling.tried = Tried::Clearing;
            return self.enter(Phase::Clearing, command(clearing));
        }
        settling.verdict = Some(verdict);
        if used_a_nonce {
            self.enter(Phase::RenewingNonce, Command::ClearNonce);
            self.tell(Command::FetchNonce);
        } else {
            self.conclude();
        }
    }

    /// Writes how it ended. If nothing can be written the withdrawal stays open, and is judged again later.
    fn conclude(&mut self) {
        let Some(settling) = self.cash.settling.take() else { return };
        let (Some(verdict), Some(open)) = (settling.verdict, self.open_withdrawal()) else { return };
        let word =
            Word { counters: settling.counters.as_ref(), present: settling.present.as_ref(), tried: settling.tried };
        let evidence = recovery::evidence(open, &word, settling.failure);
        let (intent, leave) = (open.intent.id, open.intent.leave);
        // No approval is known here, so none brought a nonce to ask the device with: to the host it came too late.
        let reason = match open.step {
            Step::Intended => ReverseReason::LateResponse,
            Step::Approved | Step::Dispensing(_) | Step::Presenting(_) => settling.cause.reason(),
        };
        match recovery::ending(open, &verdict, reason, evidence) {
            Some(Ending::Advice(kind)) => {
                let id = match leave {
                    Leave::Host { .. } => self.journal.new_id(),
                    Leave::Lease { .. } => intent,
                };
                self.advise(id, kind);
            }
            Some(Ending::Dropped) => {
                self.write(Record::Dropped { id: intent });
            }
            None => {}
        }
        match &verdict {
            Verdict::Suspect(_) => self.alarm(Alarm::CashUnknown),
            Verdict::Completed(_) | Verdict::Partial(_) => self.errors = 0,
            Verdict::Reversed(_) | Verdict::Clear(_) => {}
        }
        self.signal(Signal::Settled(verdict));
    }

    /// The card is stuck while notes may lie on the stacker. Written before anything else is done with them: after a
    /// crash the card may be free again, and everything else in order.
    pub(super) fn jam_card(&mut self) {
        if let Some(open) = self.open_withdrawal()
            && matches!(open.step, Step::Dispensing(_))
            && open.card == CardFate::Moves
        {
            let id = open.intent.id;
            self.write(Record::CardJammed { id });
        }
    }

    fn drop_settling(&mut self) {
        self.cash.settling = None;
    }
}

const fn command(clearing: Clearing) -> Command {
    match clearing {
        Clearing::Reject => Command::Reject,
        Clearing::Retract => Command::Retract,
    }
}
