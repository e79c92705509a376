//! How often the interesting situations were reached: a simulation that never gets into one shows nothing about it.

use std::collections::BTreeMap;

use cashpoint_core::terminal::Alarm;
use cashpoint_core::terminal::link::{AdviceKind, LinkFailure, Reply, Request, ReverseReason};
use cashpoint_core::terminal::screen::{AmountTrouble, Finished, Freshness, PinTrouble, Screen, Settled, Sorry};

use crate::audit::seen::{Seen, Sight};
use crate::network::Network;

/// Everything that a long run must reach, by name.
pub const ALL: [&str; 46] = [
    "amount over the offline limit",
    "amount that no notes make",
    "answer that the host could not give",
    "balance from an earlier date",
    "card kept",
    "card refused",
    "card reported",
    "case opened",
    "cash being checked",
    "cash paid offline",
    "cash paid online",
    "cash unknown to the device",
    "clock set",
    "customer not charged",
    "customer partly charged",
    "customer turned away",
    "deposit credited",
    "deposit stored",
    "deposit unclear",
    "device fault waiting",
    "host died",
    "journal failed",
    "line cut",
    "line without answers",
    "line without requests",
    "log-in refused",
    "machine stopped after too many errors",
    "message repeated",
    "notes given back",
    "offline tries told",
    "offline withdrawal told",
    "repeated message taken",
    "reversed: card reported",
    "reversed: customer cancelled",
    "reversed: device failed",
    "reversed: late response",
    "reversed: partly taken",
    "reversed: restarted",
    "stored transfer refused",
    "suspect told",
    "terminal died",
    "transfer done",
    "transfer stored",
    "withdrawal completed",
    "withdrawal refused",
    "wrong PIN",
];

/// How often each was reached.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Sometimes(BTreeMap<&'static str, u64>);

impl Sometimes {
    /// Looks at a sight.
    pub fn note(&mut self, sight: &Sight) {
        let mut reached = |name: &'static str| *self.0.entry(name).or_default() += 1;
        match &sight.what {
            Seen::Shown(screen) => of_screen(screen).into_iter().for_each(reached),
            Seen::Answered { request, reply, .. } => of_answer(request, reply).into_iter().flatten().for_each(reached),
            Seen::Told(alarm) => of_alarm(alarm).into_iter().for_each(reached),
            Seen::Died if sight.machine.is_some() => reached("terminal died"),
            Seen::Died => reached("host died"),
            Seen::CardKept => reached("card kept"),
            Seen::Repeated { taken, .. } => {
                reached("message repeated");
                if *taken > 0 {
                    reached("repeated message taken");
                }
            }
            Seen::Reported { .. } => reached("card reported"),
            Seen::Line(network) => of_line(*network).into_iter().for_each(reached),
            Seen::Armed(_) => reached("device fault waiting"),
            Seen::JournalFails(_) => {}
            Seen::ClockSet(ms) if *ms != 0 => reached("clock set"),
            Seen::TurnedAway => reached("customer turned away"),
            Seen::GivenBack(_) => reached("notes given back"),
            Seen::Opened { .. }
            | Seen::Ruled(_)
            | Seen::Loaded(_)
            | Seen::Fetched(_)
            | Seen::Stolen(_)
            | Seen::Ordered(_)
            | Seen::Replenished { .. }
            | Seen::Unblocked(_)
            | Seen::Resolved { .. }
            | Seen::Closed(_)
            | Seen::Altered { .. }
            | Seen::Power(_)
            | Seen::Entered { .. }
            | Seen::Left
            | Seen::Taken(_)
            | Seen::PutIn(_)
            | Seen::CardIn
            | Seen::CardOut
            | Seen::Staff(_)
            | Seen::Counted(..)
            | Seen::Began
            | Seen::ClockSet(_)
            | Seen::Healed => {}
        }
    }

    /// Adds another run's.
    pub fn add(&mut self, other: &Self) {
        for (name, count) in &other.0 {
            *self.0.entry(name).or_default() += count;
        }
    }

    /// How often each of [`ALL`] was reached.
    pub fn counts(&self) -> impl Iterator<Item = (&'static str, u64)> {
        ALL.into_iter().map(|name| (name, self.0.get(name).copied().unwrap_or(0)))
    }
}

fn of_screen(screen: &Screen) -> Option<&'static str> {
    Some(match screen {
        Screen::Done(Finished::Withdrawal { transaction: Some(_), .. }) => "cash paid online",
        Screen::Done(Finished::Withdrawal { transaction: None, .. }) => "cash paid offline",
        Screen::Done(Finished::Deposit { settled: Settled::Now, .. }) => "deposit credited",
        Screen::Done(Finished::Deposit { settled: Settled::Later, .. }) => "deposit stored",
        Screen::Done(Finished::Transfer { settled: Settled::Now, .. }) => "transfer done",
        Screen::Done(Finished::Transfer { settled: Settled::Later, .. }) => "transfer stored",
        Screen::Sorry(Sorry::NotCharged { .. }) => "customer not charged",
        Screen::Sorry(Sorry::PartlyCharged { .. }) => "customer partly charged",
        Screen::Sorry(Sorry::Checking { .. }) => "cash being checked",
        Screen::Sorry(Sorry::CardRefused { .. }) => "card refused",
        Screen::Balance { freshness: Freshness::Stale, .. } => "balance from an earlier date",
        Screen::Pin { trouble: Some(PinTrouble::Wrong), .. } => "wrong PIN",
        Screen::Amount { trouble: Some(AmountTrouble::NotDispensable { .. }), .. } => "amount that no notes make",
        Screen::Amount { trouble: Some(AmountTrouble::OverOfflineLimit { .. }), .. } => "amount over the offline limit",
        Screen::Done(Finished::PinChanged | Finished::Goodbye)
        | Screen::Sorry(Sorry::CardKept { .. })
        | Screen::Balance { .. }
        | Screen::Pin { .. }
        | Screen::Amount { .. }
        | Screen::Welcome { .. }
        | Screen::Language
        | Screen::Menu { .. }
        | Screen::Account { .. }
        | Screen::Target { .. }
        | Screen::Confirm(_)
        | Screen::ReceiptChoice
        | Screen::InsertNotes { .. }
        | Screen::Counted { .. }
        | Screen::Wait(_)
        | Screen::Statement { .. }
        | Screen::TakeCard { .. }
        | Screen::TakeCash { .. }
        | Screen::TakeNotesBack
        | Screen::MoreTime
        | Screen::OutOfService { .. } => return None,
    })
}

fn of_answer(request: &Request, reply: &Result<Reply, LinkFailure>) -> [Option<&'static str>; 2] {
    let asked = match request {
        Request::Advice(advice) => of_advice(&advice.kind),
        Request::LogIn { .. } if matches!(reply, Ok(Reply::Refused(_))) => Some("log-in refused"),
        Request::Approve { .. } if matches!(reply, Ok(Reply::Refused(_))) => Some("withdrawal refused"),
        Request::LogIn { .. }
        | Request::LogOut { .. }
        | Request::Balance { .. }
        | Request::Statement { .. }
        | Request::Transfer { .. }
        | Request::ChangePin { .. }
        | Request::Approve { .. }
        | Request::Heartbeat(_) => None,
    };
    let answered = match reply {
        Ok(Reply::Acknowledged(done)) if done.case.is_some() => Some("case opened"),
        Ok(Reply::Acknowledged(done)) if done.declined.is_some() => Some("stored transfer refused"),
        Err(_) => Some("answer that the host could not give"),
        Ok(_) => None,
    };
    [asked, answered]
}

fn of_advice(kind: &AdviceKind) -> Option<&'static str> {
    match kind {
        AdviceKind::Completed { .. } => Some("withdrawal completed"),
        AdviceKind::Reversed { reason, .. } => Some(match reason {
            ReverseReason::CustomerCancelled => "reversed: customer cancelled",
            ReverseReason::LateResponse => "reversed: late response",
            ReverseReason::DeviceFailed => "reversed: device failed",
            ReverseReason::PartlyTaken => "reversed: partly taken",
            ReverseReason::Restarted => "reversed: restarted",
            ReverseReason::CardReported => "reversed: card reported",
        }),
        AdviceKind::Suspect { .. } => Some("suspect told"),
        AdviceKind::DepositUnclear { .. } => Some("deposit unclear"),
        AdviceKind::OfflineWithdrawn { .. } => Some("offline withdrawal told"),
        AdviceKind::OfflineTries { .. } => Some("offline tries told"),
        AdviceKind::Deposited { .. }
        | AdviceKind::StoredTransfer { .. }
        | AdviceKind::CardRetained { .. }
        | AdviceKind::Replenished { .. } => None,
    }
}

fn of_alarm(alarm: &Alarm) -> Option<&'static str> {
    match alarm {
        Alarm::CashUnknown => Some("cash unknown to the device"),
        Alarm::Journal(_) => Some("journal failed"),
        Alarm::TooManyErrors => Some("machine stopped after too many errors"),
        Alarm::Device(..)
        | Alarm::JournalTampered
        | Alarm::AdviceRefused { .. }
        | Alarm::NotAccepted
        | Alarm::CardRetained => None,
    }
}

const fn of_line(network: Network) -> Option<&'static str> {
    match network {
        Network::Cut => Some("line cut"),
        Network::AnswersLost => Some("line without answers"),
        Network::RequestsLost => Some("line without requests"),
        Network::Up | Network::Slow { .. } => None,
    }
}
