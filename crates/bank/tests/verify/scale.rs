//! A bank with very many transfers, made by very many customers at once.

use std::sync::Arc;
use std::sync::mpsc::channel;

use cashpoint_bank::bank::{Bank, Mode, Setting};
use cashpoint_bank::clock::SystemClock;
use cashpoint_bank::crowd::{Crowd, Member};
use cashpoint_bank::entropy::SeededEntropy;
use cashpoint_bank::request::{Content, Scope};
use cashpoint_bank::sandbox::seed;
use cashpoint_core::command::{By, Caller, Command, Deposit, Standing, Transfer, Withdraw};
use cashpoint_core::id::MachineId;
use cashpoint_core::money::Decimal;

use crate::world::Files;

/// Commands that wait at once: a group, and the next one.
const AT_ONCE: usize = 2_048;

/// Lets `members` customers move money `times` times at a hundred machines, and closes the bank.
pub(crate) fn busy(members: usize, times: usize) -> Files {
    let files = Files::new();
    let entropy = Arc::new(SeededEntropy::new(1));
    let setting = Setting::new(files.database(), files.keys(), Arc::new(SystemClock), entropy).with_mode(Mode::Sandbox);
    let bank = Bank::open(setting).unwrap().0;
    seed(&bank).unwrap();
    let mut crowd = Crowd::begin(&bank, 100).unwrap();
    let mut people = Vec::new();
    crowd.add(members, |member| people.push(member)).unwrap();
    let (sender, answers) = channel();
    for number in 0..times {
        if number >= AT_ONCE {
            answers.recv().unwrap();
        }
        let sender = sender.clone();
        let reply = move |answer: Result<cashpoint_bank::execute::Answer, _>| {
            sender.send(answer.expect("the world does not fail").outcome.expect("nothing is refused")).unwrap();
        };
        bank.submit(command(&bank, number, &people, crowd.machines()), Box::new(reply));
    }
    for _ in 0..times.min(AT_ONCE) {
        answers.recv().unwrap();
    }
    bank.close();
    files
}

/// 7 withdrawals, 2 deposits and 1 transfer in ten, spread over everybody.
fn command(bank: &Bank, number: usize, people: &[Member], machines: &[MachineId]) -> Command {
    let Member { account, session, .. } = people[number * 7 % people.len()];
    let machine = Some(machines[number * 13 % machines.len()]);
    let by = By::Session(Caller { session, standing: Standing::Sandbox });
    let customer = session.customer().unwrap();
    let request = bank.request_id(Scope::Customer(customer), &format!("busy-{number}"), &Content::of("busy", ""));
    let amount = Decimal::new(10, 0);
    match number % 10 {
        0..7 => Withdraw { by, request, account, amount, machine }.into(),
        7..9 => Deposit { by, request, account, amount, machine }.into(),
        _ => {
            let target = people[(number * 7 + 1) % people.len()].account;
            Transfer { session, request, source: account, target, amount }.into()
        }
    }
}
