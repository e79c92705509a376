//! `cashpoint archive`: old history leaves the hot tables while a host serves, and customers see no difference.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use cashpoint_bank::bank::{Bank, Mode, Setting};
use cashpoint_bank::clock::{Clock, ManualClock, SystemClock};
use cashpoint_bank::entropy::SystemEntropy;
use cashpoint_bank::request::{Content, Scope};
use cashpoint_bank::sandbox::{PEOPLE, seed};
use cashpoint_bank::secret::{Pan, Pin};
use cashpoint_core::command::{By, Caller, Standing, Withdraw};
use cashpoint_core::id::MachineId;
use cashpoint_core::money::Decimal;

use super::copy::{WITHIN, copied, copy, host, verify_there};
use crate::support::cluster::{Cluster, Files};
use crate::support::deadline::Deadline;
use crate::support::process::{Process, cashpoint, finish_within, told};
use crate::support::{Answer, Site};

const DAY: Duration = Duration::from_secs(86_400);

/// A sandbox of a hundred days: its first person withdrew on each but the last sixty.
fn age(folder: &Path) {
    let clock = Arc::new(ManualClock::new(SystemClock.wall().plus_s(-100 * 86_400)));
    let files = (folder.join("bank.db"), folder.join("keys.toml"));
    let setting = Setting::new(files.0, files.1, clock.clone(), Arc::new(SystemEntropy)).with_mode(Mode::Sandbox);
    let bank = Bank::open(setting).unwrap().0;
    seed(&bank).unwrap();
    let machine = MachineId::parse("ATM001").unwrap();
    for day in 0..40 {
        let (number, pin) = (Pan::parse(PEOPLE[0].number).unwrap(), Pin::parse("1234").unwrap());
        let visit = bank.log_in_with_card(number, pin, machine, Standing::Sandbox).unwrap().unwrap();
        let (session, account) = (visit.session, visit.accounts[0].account.identity.number);
        let scope = Scope::Customer(session.customer().unwrap());
        let by = By::Session(Caller { session, standing: Standing::Sandbox });
        let request = bank.request_id(scope, &format!("day-{day}"), &Content::of("aged", ""));
        let amount = Decimal::new(10, 0);
        bank.execute(Withdraw { by, request, account, amount, machine: Some(machine) }).unwrap().outcome.unwrap();
        clock.advance(DAY);
    }
    clock.advance(59 * DAY);
    bank.close();
}

/// The month that begins last, as the server reckons it.
fn this_month(server: &Cluster) -> String {
    server.sql("postgres", "SELECT to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM')")
}

fn archive(server: &Cluster, before: &str) -> std::process::Command {
    let mut command = cashpoint();
    command.args(["archive", "--database", &server.url("postgres"), "--before", before]);
    command
}

/// All pages of the first person's history.
#[track_caller]
fn history(site: &Site) -> Vec<String> {
    let body = format!(r#"{{"card_number":"{}","pin":"1234","atm_id":"ATM001"}}"#, PEOPLE[0].number);
    let session = site.post("/api/sessions").json(body).send();
    assert_eq!(session.status(), 201, "{session}");
    let session = session.json();
    let (token, account) = (session.member("token").text(), session.at("/accounts/0/account_id").text());
    let (mut all, mut cursor) = (Vec::new(), String::new());
    loop {
        let path = format!("/api/accounts/{account}/transactions?limit=9{cursor}");
        let page: Answer = site.get(&path).bearer(token).send();
        assert_eq!(page.status(), 200, "{page}");
        let page = page.json();
        all.extend(page.member("transactions").list().iter().map(|entry| format!("{entry:?}")));
        match page.member("next_cursor").some() {
            Some(next) => cursor = format!("&cursor={}", next.text()),
            None => return all,
        }
    }
}

#[test]
fn it_takes_old_history_away_while_a_host_serves() {
    let (folder, server) = (tempfile::tempdir().unwrap(), Cluster::start(Files::Fast));
    age(folder.path());
    copied(&finish_within(&mut copy(folder.path(), &server), WITHIN));
    let (_host, site) = host(folder.path(), &server);
    let before = history(&site);
    assert_eq!(before.len(), 41, "the opening balance, and forty withdrawals");
    let sql = |sql: &str| server.sql("postgres", sql);
    let hot = || sql("SELECT count(*) FROM transfers").parse::<u32>().unwrap();
    let archived = || sql("SELECT count(*) FROM archived_transfers").parse::<u32>().unwrap();
    let all = hot();
    // Killed in the middle: the rows move slowly, a few at a time.
    sql("CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(0.2); RETURN NEW; END'");
    sql("CREATE TRIGGER slow BEFORE INSERT ON archived_transfers FOR EACH ROW EXECUTE FUNCTION slow()");
    let mut attempt = Process::spawn(archive(&server, &this_month(&server)).args(["--at-once", "2"]));
    Deadline::after(WITHIN).wait(|| (attempt.has_ended() || archived() >= 4).then_some(())).expect("it begins");
    assert!(!attempt.has_ended(), "{}", attempt.stderr());
    attempt.kill();
    let moving = || sql("SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'WITH due%' AND state = 'active'");
    Deadline::after(WITHIN).wait(|| (moving() == "0").then_some(())).expect("the server notices");
    let moved = archived();
    assert!(moved >= 4 && hot() > 0, "it was in the middle: {moved} of {all}");
    assert_eq!(moved + hot(), all, "each is in one of the two");
    assert_eq!(history(&site), before);
    verify_there(folder.path(), &server);
    sql("DROP TRIGGER slow ON archived_transfers");
    let (code, out, error) = told(&finish_within(&mut archive(&server, &this_month(&server)), WITHIN));
    assert_eq!(code, 0, "{error}");
    assert!(out.starts_with(&format!("archived {} transfers and ", all - moved)), "{out}");
    assert_eq!((hot(), archived()), (0, all));
    assert_eq!(history(&site), before, "it is all in the archive now");
    verify_there(folder.path(), &server);
}

#[test]
fn it_archives_what_is_over_on_a_server_and_nothing_else() {
    let server = Cluster::start(Files::Fast);
    let ends_with = |expected: i32, command: &mut std::process::Command| {
        let (code, out, error) = told(&finish_within(command, WITHIN));
        assert_eq!((code, out.as_str()), (expected, ""), "{command:?}: {error}");
        error
    };
    for month in ["2026", "2026-13", "august"] {
        ends_with(2, &mut archive(&server, month));
    }
    let error = ends_with(2, cashpoint().args(["archive", "--database", "sqlite:bank.db", "--before", "2020-01"]));
    assert!(error.contains("keeps all of its history"), "{error}");
    ends_with(3, &mut archive(&server, "2020-01"));
    let folder = tempfile::tempdir().unwrap();
    drop(host(folder.path(), &server));
    let error = ends_with(1, &mut archive(&server, "9999-01"));
    assert!(error.contains("has not begun"), "{error}");
}
