//! A host that serves while others come, write a little and go: it remembers rows, loses leave to, and has it again.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use cashpoint_bank::bank::{Bank, Mode, Setting};
use cashpoint_bank::clock::SystemClock;
use cashpoint_bank::desk::MachineRequest;
use cashpoint_bank::entropy::SystemEntropy;
use cashpoint_bank::request::{Content, Scope};
use cashpoint_bank::sandbox::OPERATOR;
use cashpoint_bank::secret::Password;
use cashpoint_bank::store::database::Database;
use cashpoint_core::command::{By, Deposit};
use cashpoint_core::decide::Replay;
use cashpoint_core::id::{AccountNumber, CustomerId, FeedHolder, MachineId};
use cashpoint_core::machine::MachineKind;
use cashpoint_core::money::Decimal;
use cashpoint_core::notification::{ChannelName, Tenure};

use crate::cluster::{Cluster, Files as Where};
use crate::copied::{address, copied, deposit_more, is_clean};
use crate::world::{self, Files};

const ACCOUNT: u64 = 10_001;

/// A bank that serves on what was copied to a server, and remembers rows while nobody else writes.
fn serving(files: &Files, server: &Cluster) -> Bank {
    let database = Database::Postgres(address(server));
    let setting = Setting::new(database, files.keys(), Arc::new(SystemClock), Arc::new(SystemEntropy));
    Bank::open(setting.with_mode(Mode::Sandbox)).unwrap().0
}

fn remembers(server: &Cluster) -> bool {
    !server.sql("postgres", "SELECT writer FROM tenure WHERE what = 'held'").is_empty()
}

fn credits(server: &Cluster) -> i64 {
    server.sql("postgres", &format!("SELECT credits FROM accounts WHERE id = {ACCOUNT}")).parse().unwrap()
}

/// One dollar more.
fn request(bank: &Bank, name: &str) -> Deposit {
    Deposit {
        by: By::Teller,
        request: bank.request_id(Scope::Customer(CustomerId::TELLER), name, &Content::of("deposit", "")),
        account: AccountNumber::new(ACCOUNT),
        amount: Decimal::new(1, 0),
        machine: None,
    }
}

/// One dollar more, and the same request once more; how often it was first.
fn deposit(bank: &Bank, name: &str) -> i64 {
    let deposit = request(bank, name);
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
    let bank = serving(&files, &server);
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
            if !remembers(&server) {
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

#[test]
fn remembers_on_while_another_asks_for_its_feed() {
    let (files, server) = (world::live(), Cluster::start(Where::Fast));
    copied(&files, &server).unwrap();
    let (bank, channel) = (serving(&files, &server), ChannelName::parse("paper").unwrap());
    let claim = |bank: &Bank, holder| {
        let held = bank.claim_feed(channel, FeedHolder::new(holder), (Tenure::Shared, 3_600)).unwrap();
        held.is_some()
    };
    assert!(claim(&bank, 1), "it is the only one");
    let standby = serving(&files, &server);
    for number in 0.. {
        deposit(&bank, &number.to_string());
        if remembers(&server) {
            break;
        }
    }
    for _ in 0..3 {
        assert!(!claim(&standby, 2), "another has it");
    }
    deposit(&bank, "last");
    assert!(remembers(&server), "whoever asks in vain changes nothing");
}

/// Ends every connection of hosts, whatever it is at.
const CUT: &str = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'cashpoint'";

/// A commit whose answer is lost while the next group is decided: nothing is lost, nothing happens twice.
#[test]
fn loses_nothing_when_its_connections_are_cut() {
    // Most of the time a commit is on its way.
    let (files, server) = (world::live(), Cluster::with(Where::Fast, &["commit_delay=8000", "commit_siblings=0"]));
    copied(&files, &server).unwrap();
    let before = credits(&server);
    let (mut answered, mut again) = (0, 0);
    for round in 0..12 {
        // Whoever comes may remember rows at once.
        server.sql("postgres", "UPDATE tenure SET writer = NULL");
        let bank = serving(&files, &server);
        let done = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let serve = |thread: usize| {
                let (bank, done) = (&bank, &done);
                move || until_done(bank, &format!("{round}-{thread}"), done)
            };
            let serving: Vec<_> = (0..6).map(|thread| scope.spawn(serve(thread))).collect();
            assert!((0..1_000).any(|_| remembers(&server)), "it is the only one");
            std::thread::sleep(Duration::from_millis(7 * round));
            server.sql("postgres", CUT);
            std::thread::sleep(Duration::from_millis(100));
            done.store(true, Ordering::Relaxed);
            for thread in serving {
                let (more, failed) = thread.join().unwrap();
                (answered, again) = (answered + more, again + failed);
            }
        });
        bank.close();
    }
    assert!(answered > 100 && again > 0, "{answered} answered, asked for again {again} times");
    assert_eq!(credits(&server), before + answered * 1_00);
    is_clean(&files, &server);
}

/// Deposits a dollar again and again, each until there is an answer; how many, and how often there was none.
fn until_done(bank: &Bank, name: &str, done: &AtomicBool) -> (i64, u32) {
    let (mut answered, mut again) = (0, 0);
    while !done.load(Ordering::Relaxed) {
        let request = request(bank, &format!("{name}-{answered}"));
        while bank.execute(request).is_err() {
            again += 1;
            std::thread::sleep(Duration::from_millis(2));
        }
        answered += 1;
    }
    (answered, again)
}

/// After so many groups the host presumes requests new again.
const GROUPS: usize = 70;

/// The host knows the rows that the guest added, and that the request was the one that added them only if it looks: a name
/// that is taken leaves no record, so nothing would be refused.
#[test]
fn repeats_a_guests_answer_where_it_would_refuse_without_a_record() {
    let (files, server) = (world::live(), Cluster::start(Where::Fast));
    copied(&files, &server).unwrap();
    let bank = serving(&files, &server);
    let password = Password::attempt(OPERATOR.1).unwrap();
    let admin = bank.log_in_operator(OPERATOR.0, password).unwrap().unwrap().session;
    let make = |bank: &Bank, name: &str| {
        let request = MachineRequest {
            machine: MachineId::parse(name).unwrap(),
            kind: MachineKind::Counter,
            location: "Test".to_owned(),
            currency: None,
            cassettes: Vec::new(),
        };
        bank.create_machine(admin, name, request).unwrap().map(|(_, replay)| replay)
    };
    let mut deposits = 0..;
    let mut serve = || deposit(&bank, &deposits.next().unwrap().to_string());
    for name in ["GUEST1", "GUEST2"] {
        let guest = serving(&files, &server);
        assert_eq!(make(&guest, name), Ok(Replay::First));
        guest.close();
        while !remembers(&server) {
            serve();
        }
        for _ in 0..GROUPS {
            serve();
        }
        assert_eq!(make(&bank, name), Ok(Replay::Repeat), "what the guest answered");
    }
    bank.close();
    is_clean(&files, &server);
}
