//! How often the interesting situations were reached: a simulation that never gets into one shows nothing about it.

use std::collections::{BTreeMap, BTreeSet};

use cashpoint_bank::store::memory::CommitFault;
use cashpoint_core::case::Matter;
use cashpoint_core::id::{AccountNumber, MachineId};
use cashpoint_core::outcome::Refusal;
use cashpoint_core::terminal::link::{AdviceKind, LinkFailure, OperationId, Reply, Request, ReverseReason};
use cashpoint_core::terminal::screen::{
    AmountTrouble, Finished, Freshness, PinTrouble, Screen, Settled, Sorry, Waiting,
};
use cashpoint_core::terminal::{Alarm, JournalFailure};

use crate::audit::seen::{Disk, Holder, Power, Seen, Sight};
use crate::network::Network;

pub use super::situations::ALL;

/// How often each was reached.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Sometimes {
    counts: BTreeMap<&'static str, u64>,
    memory: Memory,
}

/// What has to be remembered, because a situation is more than one sight.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
struct Memory {
    /// Who is at a machine, and what it is doing with notes.
    visitors: BTreeMap<MachineId, Holder>,
    doing: BTreeMap<MachineId, Doing>,
    owners: BTreeMap<AccountNumber, Holder>,
    closed: BTreeSet<AccountNumber>,
    approved: BTreeSet<(MachineId, OperationId)>,
    reversed: BTreeSet<(MachineId, OperationId)>,
    advices: BTreeSet<(MachineId, OperationId)>,
    /// At which machines somebody was paid unasked, and at which wrong PINs were tried with their card.
    offline: BTreeMap<Holder, BTreeSet<MachineId>>,
    wrong: BTreeMap<Holder, BTreeSet<MachineId>>,
}

/// What a machine does with notes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Doing {
    CountsOut,
    Presents,
    CountsIn,
    Nothing,
}

impl Sometimes {
    /// Looks at a sight.
    pub fn note(&mut self, sight: &Sight) {
        for name in of(&sight.what).into_iter().flatten() {
            self.reach(name);
        }
        let Some(machine) = sight.machine else {
            return self.elsewhere(&sight.what);
        };
        if let Seen::Entered { holder, .. } = &sight.what {
            self.memory.visitors.insert(machine, *holder);
        } else if let Seen::Left = &sight.what {
            self.memory.visitors.remove(&machine);
        } else if let Seen::Shown(screen) = &sight.what {
            self.shown(machine, screen);
        } else if let Seen::Answered { request, reply, .. } = &sight.what {
            if let Request::Approve { id, .. } = &**request
                && self.memory.reversed.contains(&(machine, *id))
            {
                self.reach("approval asked for after its reversal");
            }
            if let Ok(reply) = reply {
                self.answered(machine, request, reply);
            }
        } else if let Seen::Died = &sight.what {
            self.reach("terminal died");
            match self.memory.doing.remove(&machine) {
                Some(Doing::CountsOut) => self.reach("terminal died while notes were counted out"),
                Some(Doing::Presents) => self.reach("terminal died with cash within reach"),
                Some(Doing::CountsIn) => self.reach("terminal died while notes were counted in"),
                Some(Doing::Nothing) | None => {}
            }
        }
    }

    /// What happens at no machine.
    fn elsewhere(&mut self, what: &Seen) {
        if let Seen::Opened { holder, account, .. } = what {
            self.memory.owners.insert(*account, *holder);
        } else if let Seen::Closed(account) = what {
            self.memory.closed.insert(*account);
        } else if let Seen::Reported { holder, .. } = what {
            if self.memory.visitors.values().any(|visitor| visitor == holder) {
                self.reach("card reported during its visit");
            }
        } else if *what == Seen::Died {
            self.reach("host died");
        }
    }

    fn shown(&mut self, machine: MachineId, screen: &Screen) {
        self.memory.doing.insert(machine, doing(screen));
        let Some(holder) = self.memory.visitors.get(&machine).copied() else { return };
        if let Screen::Done(Finished::Withdrawal { transaction: None, .. }) = screen {
            let machines = self.memory.offline.entry(holder).or_default();
            if machines.insert(machine) && machines.len() > 1 {
                self.reach("cash paid unasked at several machines to one card");
            }
        } else if let Screen::Pin { trouble: Some(PinTrouble::Wrong), .. } = screen {
            let machines = self.memory.wrong.entry(holder).or_default();
            if machines.insert(machine) && machines.len() > 1 {
                self.reach("wrong PINs at several machines");
            }
        } else if let Screen::Menu { .. } = screen {
            self.memory.wrong.remove(&holder);
        }
    }

    fn answered(&mut self, machine: MachineId, request: &Request, reply: &Reply) {
        if let Request::Approve { id, .. } = request {
            if let Reply::Approved(_) = reply {
                self.memory.approved.insert((machine, *id));
            }
        } else if let Request::Advice(advice) = request {
            if paid_in_or_out(&advice.kind).is_some_and(|account| self.memory.closed.contains(&account)) {
                self.reach("advice about a closed account");
            }
            if !self.memory.advices.insert((machine, advice.id)) {
                self.reach("advice told again");
            }
            if let AdviceKind::Reversed { original, .. } = advice.kind
                && self.memory.reversed.insert((machine, original))
            {
                let given = self.memory.approved.contains(&(machine, original));
                self.reach(if given { "approval that was given reversed" } else { "reversal before its original" });
            }
        } else if let (Request::Transfer { source, target, .. }, Reply::Transferred(_)) = (request, reply) {
            let owner = |account| self.memory.owners.get(account);
            if owner(source) != owner(target) {
                self.reach("transfer to somebody else");
            }
        }
    }

    /// Once more.
    pub fn reach(&mut self, name: &'static str) {
        debug_assert!(ALL.contains(&name), "{name}");
        *self.counts.entry(name).or_default() += 1;
    }

    /// Adds another run's.
    pub fn add(&mut self, other: &Self) {
        for (name, count) in &other.counts {
            *self.counts.entry(name).or_default() += count;
        }
    }

    /// How often each of [`ALL`] was reached.
    pub fn counts(&self) -> impl Iterator<Item = (&'static str, u64)> {
        ALL.iter().map(|name| (*name, self.counts.get(name).copied().unwrap_or(0)))
    }
}

const fn doing(screen: &Screen) -> Doing {
    match screen {
        Screen::Wait(Waiting::CountingOut) => Doing::CountsOut,
        Screen::TakeCash { .. } => Doing::Presents,
        Screen::Wait(Waiting::CountingIn) => Doing::CountsIn,
        Screen::Wait(Waiting::ReadingCard | Waiting::AskingBank | Waiting::Printing | Waiting::Starting)
        | Screen::Welcome { .. }
        | Screen::Language
        | Screen::Pin { .. }
        | Screen::Menu { .. }
        | Screen::Account { .. }
        | Screen::Amount { .. }
        | Screen::Target { .. }
        | Screen::Confirm(_)
        | Screen::ReceiptChoice
        | Screen::InsertNotes { .. }
        | Screen::Counted { .. }
        | Screen::Balance { .. }
        | Screen::Statement { .. }
        | Screen::TakeCard { .. }
        | Screen::TakeNotesBack
        | Screen::Done(_)
        | Screen::Sorry(_)
        | Screen::MoreTime
        | Screen::OutOfService { .. } => Doing::Nothing,
    }
}

/// What can be told from one sight.
fn of(what: &Seen) -> [Option<&'static str>; 2] {
    let one = |name| [Some(name), None];
    match what {
        Seen::Shown(screen) => [of_screen(screen), None],
        Seen::Answered { request, reply, .. } => of_answer(request, reply),
        Seen::Told(alarm) => [of_alarm(alarm), None],
        Seen::CardKept => one("card kept"),
        Seen::Closed(_) => one("account closed"),
        Seen::Repeated { .. } => one("message repeated"),
        Seen::Reported { .. } => one("card reported"),
        Seen::Line(network) => [of_line(*network), None],
        Seen::Armed(_) => one("device fault waiting"),
        Seen::ClockSet(ms) if ms.abs() >= 86_400_000 => [Some("clock set"), Some("clock set by a day")],
        Seen::ClockSet(ms) if *ms != 0 => one("clock set"),
        Seen::TurnedAway => one("customer turned away"),
        Seen::GivenBack(_) => one("notes given back"),
        Seen::Stolen(_) => one("notes stolen by staff"),
        Seen::Replenished { difference, held, .. } => of_count(*difference, *held),
        Seen::Unblocked(_) => one("card unlocked"),
        Seen::Resolved { case, .. } => one(match case.matter {
            Matter::Suspect(_) | Matter::OfflineSuspect(_) => "suspect resolved",
            Matter::DepositUnclear | Matter::OverCeiling(_) | Matter::DepositUnclaimed(_) => "deposit resolved",
            Matter::WithdrawalUnclaimed(_) | Matter::WithdrawalUnclear | Matter::ReturnUnclaimed(_) => {
                return [None; 2];
            }
        }),
        Seen::Altered { reply: Ok(Reply::Refused(_)), .. } => one("altered request refused"),
        Seen::Disk(disk) => one(of_disk(*disk)),
        Seen::CommitFailed(fault) => one(of_commit(*fault)),
        Seen::Power(Power::Off) => one("machine without power"),
        Seen::Opened { .. }
        | Seen::Ruled(_)
        | Seen::Loaded(_)
        | Seen::Fetched(_)
        | Seen::Secret(_)
        | Seen::Fed(_)
        | Seen::Command(_)
        | Seen::PinComparable
        | Seen::Wrote(..)
        | Seen::Heard(_)
        | Seen::Posted(_)
        | Seen::Reopened(_)
        | Seen::Ordered(_)
        | Seen::Entered { .. }
        | Seen::Left
        | Seen::Taken(_)
        | Seen::PutIn(_)
        | Seen::CardIn
        | Seen::CardOut
        | Seen::Altered { .. }
        | Seen::Power(_)
        | Seen::Staff(_)
        | Seen::Counted(..)
        | Seen::Died
        | Seen::Began
        | Seen::JournalFails(_)
        | Seen::ClockSet(_)
        | Seen::Healed => [None; 2],
    }
}

const fn of_disk(disk: Disk) -> &'static str {
    match disk {
        Disk::Torn => "torn record dropped",
        Disk::Untold => "record there that was not acknowledged",
        Disk::Short => "journal without room",
    }
}

const fn of_commit(fault: CommitFault) -> &'static str {
    match fault {
        CommitFault::Away => "commit refused",
        CommitFault::AnswerLost => "commit whose answer was lost",
        CommitFault::DiskFull => "commit on a full disk",
    }
}

/// What a count of the cassettes found.
const fn of_count(difference: i64, held: i64) -> [Option<&'static str>; 2] {
    let found = match difference {
        ..0 if held > 0 => Some("shortage held in a case"),
        ..0 => Some("shortage found"),
        0 => None,
        1.. => Some("overage found"),
    };
    [Some("cassettes exchanged"), found]
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
        Screen::Done(Finished::PinChanged) => "PIN changed",
        Screen::Counted { refused: 1.., .. } => "notes not recognised",
        Screen::Done(Finished::Goodbye)
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
    let asked = match (request, reply) {
        (Request::Advice(advice), _) => of_advice(&advice.kind),
        (Request::LogIn { .. }, Ok(Reply::Refused(Refusal::CardBlocked { until }))) => {
            Some(if until.is_some() { "card blocked" } else { "card locked" })
        }
        (Request::LogIn { .. }, Ok(Reply::Refused(_))) => Some("log-in refused"),
        (Request::Approve { .. }, Ok(Reply::Refused(Refusal::DailyLimitExceeded { .. }))) => {
            Some("daily limit reached")
        }
        (Request::Approve { .. }, Ok(Reply::Refused(_))) => Some("withdrawal refused"),
        (Request::Approve { .. }, Ok(Reply::Approved(approved))) if approved.fee.minor() > 0 => {
            Some("overdraft fee charged")
        }
        (Request::Transfer { .. }, Ok(Reply::Refused(_))) => Some("transfer refused"),
        (_, _) => None,
    };
    let answered = match reply {
        Ok(Reply::Acknowledged(done)) if done.case.is_some() && is_deposit(request) => Some("deposit held in suspense"),
        Ok(Reply::Acknowledged(done)) if done.case.is_some() => Some("case opened"),
        Ok(Reply::Acknowledged(done)) if done.declined.is_some() => Some("stored transfer refused"),
        Ok(Reply::Acknowledged(_)) => of_movement(request),
        Ok(Reply::Refused(Refusal::AccountClosed)) => Some("refused: account closed"),
        Err(_) => Some("answer that the host could not give"),
        Ok(_) => None,
    };
    [asked, answered]
}

/// The account that an advice itself names.
const fn paid_in_or_out(kind: &AdviceKind) -> Option<AccountNumber> {
    match kind {
        AdviceKind::Deposited { account, .. }
        | AdviceKind::DepositUnclear { account, .. }
        | AdviceKind::OfflineWithdrawn { account, .. } => Some(*account),
        AdviceKind::StoredTransfer { target, .. } => Some(*target),
        AdviceKind::Completed { .. }
        | AdviceKind::Reversed { .. }
        | AdviceKind::Suspect { .. }
        | AdviceKind::OfflineTries { .. }
        | AdviceKind::CardRetained { .. }
        | AdviceKind::Replenished { .. } => None,
    }
}

fn is_deposit(request: &Request) -> bool {
    matches!(request, Request::Advice(advice) if matches!(advice.kind, AdviceKind::Deposited { .. }))
}

/// Where notes went that were not paid.
fn of_movement(request: &Request) -> Option<&'static str> {
    let Request::Advice(advice) = request else { return None };
    let (AdviceKind::Completed { moved, .. } | AdviceKind::Reversed { moved, .. }) = &advice.kind else { return None };
    match (moved.rejected, moved.retracted) {
        (_, 1..) => Some("notes retracted"),
        (1.., _) => Some("notes rejected"),
        (_, _) => None,
    }
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
        Alarm::Journal(JournalFailure::Full) => Some("journal full"),
        Alarm::Journal(JournalFailure::DiskFull) => Some("journal on a full disk"),
        Alarm::Journal(JournalFailure::Broken) => Some("journal broken"),
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
