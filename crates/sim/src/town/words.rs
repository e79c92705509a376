//! What was seen, in words, for whoever reads a failure: the exact values are the trace's matter.

use std::fmt::Write as _;

use cashpoint_bank::store::memory::CommitFault;
use cashpoint_core::mix::Notes;
use cashpoint_core::terminal::link::{AdviceKind, LinkFailure, OfflineOutcome, Reply, Request};
use cashpoint_core::terminal::screen::{Finished, Screen, Settled, Sorry};
use cashpoint_core::time::Timestamp;

use crate::audit::seen::{Disk, Power, Seen, Sight, value};
use crate::network::Network;
use crate::person::{Takes, Wish};

/// Adds a line about a sight; nothing about one from which nothing follows.
pub(super) fn line(text: &mut String, sight: &Sight, start: Timestamp) {
    let Some(words) = words(&sight.what) else { return };
    let ms = sight.at.since_ms(start);
    let place = sight.machine.map_or_else(|| "bank".to_owned(), |machine| machine.to_string());
    writeln!(text, "{:>7}.{:03} {place} {words}", ms / 1000, ms % 1000).expect("memory takes everything");
}

fn words(what: &Seen) -> Option<String> {
    let plain = |words: &str| Some(words.to_owned());
    match what {
        Seen::Entered { holder, wish, cash } => Some(format!("customer {holder} comes {}{}", wanted(wish), how(*cash))),
        Seen::Left => plain("the customer goes"),
        Seen::TurnedAway => plain("somebody goes away unserved"),
        Seen::Taken(notes) => Some(format!("somebody takes {} from the machine", sum(notes))),
        Seen::PutIn(notes) => Some(format!("somebody lays in {}", sum(notes))),
        Seen::GivenBack(notes) => Some(format!("somebody has {} back that they laid in", sum(notes))),
        Seen::Shown(screen) => shown(screen),
        Seen::CardIn => plain("a card goes in"),
        Seen::CardOut => plain("the card is taken"),
        Seen::CardKept => plain("the machine keeps the card"),
        Seen::Told(alarm) => Some(format!("the terminal alarms staff: {alarm:?}")),
        Seen::Answered { request, reply, .. } => Some(format!("{}: {}", asked(request), answered(reply))),
        Seen::Altered { request, reply } => {
            Some(format!("somebody asks for more under the same id: {}: {}", asked(request), answered(reply)))
        }
        Seen::Reported { holder, .. } => Some(format!("the card of customer {holder} is reported stolen")),
        Seen::Unblocked(_) => plain("staff let a locked card be used again"),
        Seen::Resolved { case, paid } => {
            Some(format!("staff resolve a case ({}) of {}: {}", case.matter.name(), case.amount, dollars(*paid)))
        }
        Seen::Closed(account) => Some(format!("account {account} is closed")),
        Seen::Loaded(notes) => Some(format!("staff lay in {}", sum(notes))),
        Seen::Fetched(notes) => Some(format!("staff take out {}", sum(notes))),
        Seen::Stolen(notes) => Some(format!("they keep {} of it for themselves", sum(notes))),
        Seen::Ordered(number) => Some(format!("staff order exchange {number} of the cassettes")),
        Seen::Replenished { number, difference, held } => Some(format!(
            "exchange {number} is posted: {} against the books, of it {} in cases",
            dollars(*difference),
            dollars(*held)
        )),
        Seen::Power(Power::Off) => plain("the machine loses power"),
        Seen::Power(Power::On) => plain("power is back"),
        Seen::Staff(action) => Some(format!("staff: {action:?}")),
        Seen::Counted(place, notes) => Some(format!("in the end there are {} in {place:?}", sum(notes))),
        Seen::Died => plain("the process ends"),
        Seen::Began => plain("the process begins"),
        Seen::Line(network) => Some(line_is(*network)),
        Seen::Armed(armed) => Some(format!("a fault waits: {:?} at {:?}", armed.fault, armed.step)),
        Seen::JournalFails(after) => Some(format!("the journal takes {after} more records and then none")),
        Seen::Disk(disk) => plain(of_disk(*disk)),
        Seen::CommitFailed(fault) => plain(of_commit(*fault)),
        Seen::ClockSet(ms) => Some(format!("the clock is {} s ahead", ms / 1000)),
        Seen::Healed => plain("nothing goes wrong any more"),
        Seen::Opened { .. }
        | Seen::Ruled(_)
        | Seen::Secret(_)
        | Seen::Fed(_)
        | Seen::Command(_)
        | Seen::PinComparable
        | Seen::Wrote(..)
        | Seen::Heard(_)
        | Seen::Posted(_)
        | Seen::Reopened(_)
        | Seen::Repeated { .. } => None,
    }
}

const fn of_disk(disk: Disk) -> &'static str {
    match disk {
        Disk::Torn => "a part of a record is there, and is dropped",
        Disk::Untold => "a record is there that nobody heard to be written",
        Disk::Short => "the journal has room only for what was begun",
    }
}

const fn of_commit(fault: CommitFault) -> &'static str {
    match fault {
        CommitFault::Away => "a commit fails: the database is away",
        CommitFault::AnswerLost => "a commit is done, and nobody hears of it",
        CommitFault::DiskFull => "a commit fails: the disk is full",
    }
}

fn wanted(wish: &Wish) -> String {
    match wish {
        Wish::Cash(account, amount) => format!("for {amount} from {account}"),
        Wish::Deposit(account, notes) => format!("to lay in {} for {account}", sum(notes)),
        Wish::Send(source, target, amount) => format!("to send {amount} from {source} to {target}"),
        Wish::Balance(account) => format!("to see what is on {account}"),
        Wish::NewPin => "for another PIN".to_owned(),
    }
}

fn how(takes: Takes) -> String {
    match takes {
        Takes::All => String::new(),
        Takes::Some(count) => format!(", and takes {count} notes of what comes"),
        Takes::Nothing => ", and leaves what comes".to_owned(),
    }
}

/// Steps on the way are left out.
fn shown(screen: &Screen) -> Option<String> {
    match screen {
        Screen::Done(done) => match done {
            Finished::Withdrawal { amount, transaction, .. } => {
                let asked = if transaction.is_some() { "" } else { " without asking the bank" };
                Some(format!("the screen says: {amount} paid{asked}"))
            }
            Finished::Deposit { amount, settled, .. } => {
                Some(format!("the screen says: {amount} laid in, {}", when(*settled)))
            }
            Finished::Transfer { amount, settled, .. } => {
                Some(format!("the screen says: {amount} sent, {}", when(*settled)))
            }
            Finished::PinChanged => Some("the screen says: the PIN is changed".to_owned()),
            Finished::Goodbye => None,
        },
        Screen::Sorry(sorry) => Some(match sorry {
            Sorry::NotCharged { why, .. } => format!("the screen says: nothing charged ({why:?})"),
            Sorry::PartlyCharged { charged, .. } => format!("the screen says: only {charged} charged"),
            Sorry::Checking { .. } => "the screen says: it is being checked".to_owned(),
            Sorry::CardKept { why, .. } => format!("the screen says: the card is kept ({why:?})"),
            Sorry::CardRefused { why } => format!("the screen says: the card is refused ({why:?})"),
        }),
        Screen::TakeCash { amount } => Some(format!("{amount} lies within reach")),
        Screen::OutOfService { .. } => Some("the screen says: out of service".to_owned()),
        Screen::Welcome { .. }
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
        | Screen::Wait(_)
        | Screen::Balance { .. }
        | Screen::Statement { .. }
        | Screen::TakeCard { .. }
        | Screen::TakeNotesBack
        | Screen::MoreTime => None,
    }
}

const fn when(settled: Settled) -> &'static str {
    match settled {
        Settled::Now => "at once",
        Settled::Later => "when the bank is back",
    }
}

fn asked(request: &Request) -> String {
    match request {
        Request::Approve { id, account, amount, .. } => {
            format!("asks to pay {amount} from {account} ({})", short(id.0))
        }
        Request::Transfer { source, target, amount, .. } => format!("asks to send {amount} from {source} to {target}"),
        Request::Advice(advice) => told(&advice.kind),
        Request::LogIn { .. }
        | Request::LogOut { .. }
        | Request::Balance { .. }
        | Request::Statement { .. }
        | Request::ChangePin { .. }
        | Request::Heartbeat(_) => format!("asks: {}", request.name()),
    }
}

fn told(kind: &AdviceKind) -> String {
    match kind {
        AdviceKind::Completed { original, .. } => format!("tells that {} was paid", short(original.0)),
        AdviceKind::Reversed { original, reason, moved, .. } => format!(
            "takes {} back ({reason:?}; {} rejected, {} retracted)",
            short(original.0),
            dollars(moved.rejected),
            dollars(moved.retracted)
        ),
        AdviceKind::Suspect { original, .. } => format!("does not know whether {} was paid", short(original.0)),
        AdviceKind::Deposited { account, amount, .. } => format!("tells of {amount} laid in for {account}"),
        AdviceKind::DepositUnclear { account, amount, .. } => {
            format!("does not know what became of {amount} for {account}")
        }
        AdviceKind::OfflineWithdrawn { account, amount, outcome, .. } => match outcome {
            OfflineOutcome::Paid(_) => format!("tells that it paid up to {amount} from {account} unasked"),
            OfflineOutcome::Suspect => format!("does not know whether it paid {amount} from {account} unasked"),
        },
        AdviceKind::StoredTransfer { source, target, amount, .. } => {
            format!("tells that {amount} is to go from {source} to {target}")
        }
        AdviceKind::OfflineTries { wrong, .. } => format!("tells of {wrong} wrong PINs"),
        AdviceKind::CardRetained { .. } => "tells that it kept a card".to_owned(),
        AdviceKind::Replenished { number, .. } => format!("tells that exchange {number} is done"),
    }
}

fn answered(reply: &Result<Reply, LinkFailure>) -> String {
    match reply {
        Ok(Reply::Refused(refusal)) => format!("no ({refusal:?})"),
        Ok(Reply::Acknowledged(done)) => match (done.case, &done.declined) {
            (Some(case), _) => format!("recorded, case {case}"),
            (None, Some(declined)) => format!("recorded and declined ({declined:?})"),
            (None, None) => "recorded".to_owned(),
        },
        Ok(Reply::Approved(approved)) if approved.fee.minor() > 0 => format!("yes, for a fee of {}", approved.fee),
        Ok(
            Reply::LoggedIn(_)
            | Reply::LoggedOut
            | Reply::Balance(_)
            | Reply::Statement(_)
            | Reply::Transferred(_)
            | Reply::PinChanged
            | Reply::Approved(_)
            | Reply::News(_),
        ) => "yes".to_owned(),
        Err(why) => format!("no answer ({why:?})"),
    }
}

fn line_is(network: Network) -> String {
    match network {
        Network::Up => "the line is up".to_owned(),
        Network::Cut => "the line is cut".to_owned(),
        Network::AnswersLost => "the line carries no answers".to_owned(),
        Network::RequestsLost => "the line carries no requests".to_owned(),
        Network::Slow { there_ms, back_ms } => format!("the line is slow: {there_ms} ms there, {back_ms} ms back"),
    }
}

/// Enough of an operation's name to tell it from others.
fn short(id: u128) -> String {
    format!("…{:05x}", id & 0xf_ffff)
}

fn sum(notes: &Notes) -> String {
    dollars(value(notes))
}

fn dollars(minor: i64) -> String {
    let sign = if minor < 0 { "-" } else { "" };
    format!("{sign}{}.{:02}", minor.abs() / 100, minor.abs() % 100)
}
