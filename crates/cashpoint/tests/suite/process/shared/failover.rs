//! The primary is killed under load and its standby promoted: hosts find it by themselves, and nothing is lost or doubled.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::SharedBank;
use super::load::{Client, clients};
use crate::process::concurrency::{count, tell};
use crate::support::cluster::{Cluster, Files};
use crate::support::deadline::Deadline;
use crate::support::dice::Dice;
use crate::support::network::SETTLING;
use crate::support::{Site, Staff};

/// Service is to be back within this after a promotion.
const BACK_WITHIN: Duration = Duration::from_secs(10);

/// What an objective of 99.9 % leaves of thirty days, in seconds.
const UNAVAILABLE_S: f64 = 30.0 * 86_400.0 * 0.001;

/// Makes a primary wait for its standby with every commit.
fn synchronous(primary: &Cluster) {
    primary.sql("postgres", "ALTER SYSTEM SET synchronous_standby_names = 'standby'");
    primary.sql("postgres", "SELECT pg_reload_conf()");
    let state = || primary.sql("postgres", "SELECT sync_state FROM pg_stat_replication");
    let joined = Deadline::after(SETTLING).wait(|| (state() == "sync").then_some(()));
    assert!(joined.is_some(), "the standby follows: {}", state());
}

#[test]
fn failover_of_the_database() {
    let rounds = count(1, 20);
    let dice = Dice::roll("failover_of_the_database");
    let mut primary = Cluster::start(Files::Disk);
    let mut standby = Cluster::standby_of(&primary, Files::Disk);
    synchronous(&primary);
    let bank = SharedBank::on(&[&primary, &standby]);
    let hosts = [bank.host(), bank.host()];
    let limits = r#""daily_withdrawal_limit":null,"daily_deposit_limit":10000000"#;
    Staff::log_in(&hosts[0], "operator", "operator").set_policies(limits);
    let mut clients = clients(&hosts[0], &dice, 6);
    let (mut moments, mut away, mut longest) = (dice.split(99), Duration::ZERO, Duration::ZERO);
    for _ in 0..rounds {
        let stop = AtomicBool::new(false);
        let sites: [&Site; 2] = [&hosts[0], &hosts[1]];
        let probes: Vec<_> = hosts.iter().map(|host| super::Online::with(host, "savings", "1.00")).collect();
        std::thread::scope(|scope| {
            let (sites, stop) = (&sites, &stop);
            let threads: Vec<_> =
                clients.iter_mut().map(|client| scope.spawn(move || client.operate(sites, stop))).collect();
            std::thread::sleep(Duration::from_millis(300 + moments.below(700)));
            let outage = Deadline::after(Duration::from_secs(60));
            primary.kill();
            standby.promote();
            let promoted = Deadline::after(BACK_WITHIN);
            for (host, probe) in hosts.iter().zip(&probes) {
                let back = promoted.wait(|| {
                    let answer = probe.deposit(host, "0.01").try_send().ok()?;
                    (answer.status() == 201).then_some(())
                });
                assert!(back.is_some(), "a host does not find the new primary:\n{}", host.process.stderr());
            }
            longest = longest.max(promoted.elapsed());
            away += outage.elapsed();
            std::thread::sleep(Duration::from_millis(300));
            stop.store(true, Ordering::Relaxed);
            threads.into_iter().for_each(|thread| thread.join().unwrap());
        });
        for client in &mut clients {
            client.settle(&hosts[0]);
            client.check(&hosts[1]);
        }
        bank.verify_is_clean();
        // The one that was killed comes back as the standby of the other.
        std::mem::swap(&mut primary, &mut standby);
        standby.follow(&primary);
        synchronous(&primary);
    }
    let answered: usize = clients.iter().map(Client::answered).sum();
    let away = away.as_secs_f64();
    tell(&format!(
        "{rounds} failovers, {answered} answered, {away:.1} s without service in all, longest {:.1} s after a promotion; \
         {:.0} such failovers a month stay within 99.9 %",
        longest.as_secs_f64(),
        UNAVAILABLE_S / (away / f64::from(u32::try_from(rounds).unwrap()))
    ));
}
