//! The bank alone: withdrawals put into its queue so that groups of a wanted size form.
//!
//! Twice as many commands are kept waiting as a group may hold: while one group commits, the next is complete. What a
//! request costs before the queue (its name is two SHA-256) is spent here too, on another thread than the bank's.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use anyhow::{Result, bail};
use cashpoint_bank::bank::Bank;
use cashpoint_bank::clock::{Clock, SystemClock};
use cashpoint_bank::execute::Answer;
use cashpoint_bank::request::{Content, Scope, request_id};
use cashpoint_core::command::{By, Caller, Standing, Withdraw};
use cashpoint_core::id::{AccountNumber, MachineId};
use cashpoint_core::money::Decimal;
use cashpoint_core::outcome::Done;
use cashpoint_core::session::Session;
use cashpoint_core::time::Timestamp;
use hdrhistogram::Histogram;

use super::ground::{Ground, crowd, progress};
use super::load::{Dice, new_histogram, quantile_ms};
use super::report::{EngineReport, EngineRun, rounded};
use super::{EngineBench, size};
use crate::Verdict;

/// 10.00.
const AMOUNT: Decimal = Decimal::new(10_00, 2);

/// What one reply said. All commands of a group have the same instant.
enum Said {
    Withdrawn(Timestamp),
    Refused,
    Failed,
}

pub(super) fn run(bench: &EngineBench) -> Result<Verdict> {
    let EngineBench { common, groups_of } = bench;
    let ground = Ground::new(common.database.as_ref())?;
    let bank = ground.open()?;
    let mut members = Vec::with_capacity(size(common.accounts));
    let crowd = crowd(&bank, size(common.accounts), |member| members.push((member.account, member.session)))?;
    let machines = crowd.machines().to_vec();
    drop(crowd);
    bank.close();
    drop(bank);

    let bar = progress(groups_of.len() * size(common.rounds), "rounds");
    let mut load = Load { members, machines, dice: Dice::new(42), requests: 0 };
    let (mut runs, mut median) = (Vec::new(), Vec::new());
    for &groups_of in groups_of {
        bar.set_message(format!("groups of {groups_of}"));
        let mut own = Vec::new();
        for _ in 0..common.rounds {
            let bank = ground.open_with_groups(Some(size(groups_of)))?;
            own.push(load.measure(&bank, groups_of, common.seconds)?);
            bank.close();
            bar.inc(1);
        }
        median.push(EngineRun::median(&own));
        runs.append(&mut own);
    }
    bar.finish_and_clear();
    let largest = median.iter().max_by_key(|run| run.groups_of).expect("there is a size to measure").clone();
    let sound = runs.iter().all(|run| run.errors == 0 && run.refusals == 0);
    let report = EngineReport { largest, accounts: common.accounts, seconds: common.seconds, median, runs };
    common.print(&report)?;
    if sound {
        return Ok(Verdict::Yes);
    }
    eprintln!("cashpoint: some withdrawals were refused or failed: the figures are void");
    Ok(Verdict::No)
}

/// Everybody who may withdraw, and where.
struct Load {
    members: Vec<(AccountNumber, Session)>,
    machines: Vec<MachineId>,
    dice: Dice,
    requests: u64,
}

/// What is counted.
struct Count {
    groups: u64,
    withdrawn: u64,
    refused: u64,
    failed: u64,
    /// From group to group, microseconds.
    intervals: Histogram<u64>,
}

impl Load {
    /// A second to warm up, then `seconds` that count.
    fn measure(&mut self, bank: &Bank, groups_of: u32, seconds: u32) -> Result<EngineRun> {
        let (sender, receiver) = channel();
        for _ in 0..2 * groups_of {
            self.submit(bank, &sender);
        }
        self.keep_up(bank, (&sender, &receiver), Duration::from_secs(1));
        let began = SystemClock.boot();
        let count = self.keep_up(bank, (&sender, &receiver), Duration::from_secs(seconds.into()));
        let seconds = SystemClock.boot().saturating_sub(began).as_secs_f64();
        drop(sender);
        // What is under way is answered before the bank is closed.
        receiver.iter().for_each(drop);
        if count.groups == 0 {
            bail!("no group was committed in {seconds:.1} s");
        }
        #[expect(clippy::cast_precision_loss, reason = "rates for people")]
        let (withdrawn, groups) = (count.withdrawn as f64, count.groups as f64);
        Ok(EngineRun {
            groups_of,
            durable_per_s: rounded(withdrawn / seconds, 1),
            group_p50_ms: rounded(quantile_ms(&count.intervals, 0.5), 3),
            group_p99_ms: rounded(quantile_ms(&count.intervals, 0.99), 3),
            mean_group: rounded(withdrawn / groups, 1),
            refusals: count.refused,
            errors: count.failed,
        })
    }

    /// One more command for every answer, for so long.
    fn keep_up(&mut self, bank: &Bank, replies: (&Sender<Said>, &Receiver<Said>), time: Duration) -> Count {
        let mut count = Count { groups: 0, withdrawn: 0, refused: 0, failed: 0, intervals: new_histogram() };
        let began = SystemClock.boot();
        let (mut last, mut group) = (began, None);
        loop {
            let said = replies.1.recv().expect("this thread holds a sender");
            self.submit(bank, replies.0);
            match said {
                Said::Withdrawn(at) if group == Some(at) => {
                    count.withdrawn += 1;
                    continue;
                }
                Said::Withdrawn(at) => {
                    count.withdrawn += 1;
                    count.groups += 1;
                    group = Some(at);
                }
                Said::Refused => count.refused += 1,
                Said::Failed => count.failed += 1,
            }
            // Once a group, and whenever something is wrong.
            let now = SystemClock.boot();
            count.intervals.saturating_record(u64::try_from((now - last).as_micros()).unwrap_or(u64::MAX));
            last = now;
            if now.saturating_sub(began) >= time {
                return count;
            }
        }
    }

    fn submit(&mut self, bank: &Bank, replies: &Sender<Said>) {
        self.requests += 1;
        let (account, session) = self.members[self.dice.below(self.members.len())];
        let machine = self.machines[self.dice.below(self.machines.len())];
        let content = Content {
            account: Some(account),
            amount: Some(AMOUNT),
            atm_id: Some(machine.as_str()),
            ..Content::of("withdraw", "")
        };
        let scope = Scope::Customer(session.customer().expect("the crowd are customers"));
        let request = request_id(scope, &format!("bench-{}", self.requests), &content);
        let by = By::Session(Caller { session, standing: Standing::Sandbox });
        let withdraw = Withdraw { by, request, account, amount: AMOUNT, machine: Some(machine) };
        let replies = replies.clone();
        let reply = move |answer: Result<Answer, _>| {
            let said = match answer.map(|answer| answer.outcome) {
                Ok(Ok(Done::Withdrawn(receipt))) => Said::Withdrawn(receipt.at),
                Ok(Ok(_)) | Err(_) => Said::Failed,
                Ok(Err(_)) => Said::Refused,
            };
            // Nobody listens any more when the measurement is over.
            let _ = replies.send(said);
        };
        bank.submit(withdraw, Box::new(reply));
    }
}
