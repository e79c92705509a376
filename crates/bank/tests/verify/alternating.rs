//! A host that serves while others come, write a little and go: it remembers rows, loses leave to, and has it again.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use cashpoint_bank::bank::{Bank, Mode, Setting};
use cashpoint_bank::clock::SystemClock;
use cashpoint_bank::entropy::SystemEntropy;
use cashpoint_bank::request::{Content, Scope};
use cashpoint_bank::store::database::Database;
use cashpoint_core::command::{By, Deposit};
use cashpoint_core::decide::Replay;
use cashpoint_core::id::{AccountNumber, CustomerId};
use cashpoint_core::money::Decimal;

use crate::cluster::{Cluster, Files as Where};
use crate::copied::{address, copied, deposit_more, is_clean};
use crate::world;

const ACCOUNT: u64 = 10_001;

fn credits(server: &Cluster) -> i64 {
    server.sql("postgres", &format!("SELECT credits FROM accounts WHERE id = {ACCOUNT}")).parse().unwrap()
}

/// One dollar more, and the same request once more; how often it was first.
fn deposit(bank: &Bank, name: &str) -> i64 {
    let request = bank.request_id(Scope::Customer(CustomerId::TELLER), name, &Content::of("deposit", ""));
    let deposit = Deposit {
        by: By::Teller,
        request,
        account: AccountNumber::new(ACCOUNT),
        amount: Decimal::new(1, 0),
        machine: None,
    };
    let answers = [bank.execute(deposit).unwrap(), bank.execute(deposit).unwrap()];
    assert_eq!(answers[1].replay, Replay::Repeat);
    assert_eq!(answers[0].outcome, answers[1].outcome);
    i64::from(answers[0].replay == Replay::First)
}

/// What a guest answered is the answer here too, though this host presumes requests new.
fn is_told_of_the_guest(bank: &Bank, guest: i64) {
    let name = format!("guest-{guest}-0");
    let request = bank.request_id(Scope::Customer(CustomerId::TELLER), &name, &Content::of("after", ""));
    let account = AccountNumber::new(ACCOUNT);
    let retry = Deposit { by: By::Teller, request, account, amount: Decimal::new(1, 0), machine: None };
    let answer = bank.execute(retry).unwrap();
    assert_eq!(answer.replay, Replay::Repeat, "{:?}", answer.outcome);
    assert!(answer.outcome.is_ok());
}

#[test]
fn loses_nothing_while_others_come_and_go() {
    let (files, server) = (world::live(), Cluster::start(Where::Fast));
    copied(&files, &server).unwrap();
    let before = credits(&server);
    let database = Database::Postgres(address(&server));
    let setting = Setting::new(database, files.keys(), Arc::new(SystemClock), Arc::new(SystemEntropy));
    let bank = Bank::open(setting.with_mode(Mode::Sandbox)).unwrap().0;
    let done = AtomicBool::new(false);
    let (mut guests, mut deposited) = (0, 0);
    std::thread::scope(|scope| {
        let serve = |thread: usize| {
            let (bank, done) = (&bank, &done);
            move || {
                let mut deposited = 0;
                for number in 0.. {
                    deposited += deposit(bank, &format!("{thread}-{number}"));
                    if done.load(Ordering::Relaxed) {
                        break;
                    }
                }
                deposited
            }
        };
        let serving: Vec<_> = (0..6).map(|thread| scope.spawn(serve(thread))).collect();
        while guests < 3 {
            // Only once the host remembers rows is there something to lose.
            if server.sql("postgres", "SELECT writer FROM tenure WHERE what = 'held'").is_empty() {
                continue;
            }
            if guests > 0 {
                is_told_of_the_guest(&bank, guests - 1);
            }
            deposit_more(&files, &server, &format!("guest-{guests}"));
            guests += 1;
        }
        done.store(true, Ordering::Relaxed);
        deposited = serving.into_iter().map(|thread| thread.join().unwrap()).sum();
    });
    bank.close();
    assert!(deposited > 6, "{deposited}");
    assert_eq!(credits(&server), before + (deposited + 20 * guests) * 1_00);
    is_clean(&files, &server);
}
