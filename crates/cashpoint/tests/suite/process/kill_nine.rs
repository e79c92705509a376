//! `kill -9` of the host at random moments under load: nothing acknowledged is lost, nothing happens twice.
//!
//! Each client has an account, keys of its own, and a log of what it sent and was told. An operation that got no answer is
//! sent again under its key after the restart; from then on its answer is as good as any other.

use std::collections::BTreeMap;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tempfile::TempDir;

use super::concurrency::{count, tell};
use super::shared::{SharedBank, SharedHost};
use crate::support::cluster::{Cluster, Files};
use crate::support::dice::Dice;
use crate::support::http::Line;
use crate::support::process::{Process, cashpoint, verify_is_clean};
use crate::support::{Answer, Ask, Json, Online, Site, Staff};

const CLIENTS: u64 = 8;

/// Keys sent again after each restart, for each client: the latest, and some from any time before.
const LATEST: usize = 50;
const EARLIER: u64 = 20;

/// What one operation was, and what came back.
struct Sent {
    key: String,
    what: &'static str,
    body: String,
    answer: Option<(u16, String)>,
}

struct Client {
    online: Online,
    others: Vec<String>,
    dice: Dice,
    log: Vec<Sent>,
}

impl Client {
    fn ask<'a>(&self, site: &'a Site, sent: &Sent) -> Ask<'a> {
        let path = format!("/api/accounts/{}/{}", self.online.account, sent.what);
        site.post(&path).bearer(&self.online.token).key(&sent.key).json(sent.body.clone())
    }

    /// Operates until the host is gone.
    fn operate(&mut self, site: &Site, gone: &AtomicBool) {
        let Ok(mut line) = Line::open(site.address()) else { return };
        while !gone.load(Ordering::Relaxed) {
            let cents = 1 + self.dice.below(20_00);
            let amount = format!("{}.{:02}", cents / 100, cents % 100);
            let (what, body) = match self.dice.below(4) {
                0 | 1 => ("withdraw", format!(r#"{{"amount":{amount}}}"#)),
                2 => ("deposit", format!(r#"{{"amount":{amount}}}"#)),
                _ => {
                    let target = self.dice.one_of(&self.others).clone();
                    ("transfer", format!(r#"{{"target_account_id":"{target}","amount":{amount}}}"#))
                }
            };
            let key = format!("{}-{:x}", self.log.len(), self.dice.next());
            let sent = Sent { key, what, body, answer: None };
            let answer = self.ask(site, &sent).send_on(&mut line);
            let lost = answer.is_err();
            self.log.push(Sent { answer: answer.ok().map(|answer| told(&answer)), ..sent });
            if lost {
                return;
            }
        }
    }

    /// Sends again what got no answer, then some of what did: the same answers as before.
    fn retry(&mut self, site: &Site) -> (usize, usize) {
        let mut line = site.line();
        let (mut settled, mut repeated) = (0, 0);
        for n in 0..self.log.len() {
            if self.log[n].answer.is_none() {
                let answer = self.ask(site, &self.log[n]).send_on(&mut line).unwrap();
                self.log[n].answer = Some(told(&answer));
                settled += 1;
            }
        }
        let latest = self.log.len().saturating_sub(LATEST)..self.log.len();
        let earlier: Vec<usize> = match latest.start {
            0 => Vec::new(),
            start => (0..EARLIER).map(|_| usize::try_from(self.dice.below(start as u64)).unwrap()).collect(),
        };
        for n in latest.chain(earlier) {
            let answer = self.ask(site, &self.log[n]).send_on(&mut line).unwrap();
            assert_eq!(answer.header("idempotent-replayed"), Some("true"), "{answer}");
            assert_eq!(Some(told(&answer)), self.log[n].answer, "the first answer of {}", self.log[n].key);
            repeated += 1;
        }
        (settled, repeated)
    }

    /// Transaction and amount of everything that was approved.
    fn acknowledged(&self) -> BTreeMap<String, i64> {
        let approved = self.log.iter().filter_map(|sent| sent.answer.as_ref()).filter(|(status, _)| *status == 201);
        let entry = |(_, body): &(u16, String)| {
            let body = Json::parse(body).unwrap();
            (body.member("transaction_id").text().to_owned(), body.member("amount").cents())
        };
        approved.map(entry).collect()
    }
}

/// The answer without what differs from one sending to the next.
fn told(answer: &Answer) -> (u16, String) {
    assert!(matches!(answer.status(), 201 | 422), "{answer}");
    answer.comparable()
}

/// Every entry that this account's owner made, and the balance as the entries add up.
pub(super) fn history(site: &Site, online: &Online) -> (BTreeMap<String, i64>, i64) {
    let (mut own, mut balance, mut cursor) = (BTreeMap::new(), 0, String::new());
    loop {
        let path = format!("/api/accounts/{}/transactions?limit=500{cursor}", online.account);
        let page = site.get(&path).bearer(&online.token).send();
        assert_eq!(page.status(), 200, "{page}");
        let page = page.json();
        for entry in page.member("transactions").list() {
            let amount = entry.member("amount").cents();
            balance += if entry.member("direction").text() == "credit" { amount } else { -amount };
            if entry.member("type").text() != "transfer_in" {
                let twice = own.insert(entry.member("transaction_id").text().to_owned(), amount);
                assert_eq!(twice, None, "every transaction once");
            }
        }
        let Some(next) = page.member("next_cursor").some() else { return (own, balance) };
        cursor = format!("&cursor={}", next.text());
    }
}

/// What is killed and started again.
enum Ground {
    /// A demo, on a folder.
    Folder(TempDir),
    /// A host, on a database server.
    Server(SharedBank),
}

impl Ground {
    fn command(&self) -> Command {
        match self {
            Self::Folder(folder) => {
                let mut command = cashpoint();
                command.args(["demo", "--listen", "127.0.0.1:0", "--data"]).arg(folder.path());
                command
            }
            Self::Server(bank) => bank.command(),
        }
    }

    #[track_caller]
    fn start(&self) -> SharedHost {
        SharedHost::run(&mut self.command())
    }

    /// A host that is killed while it recovers from the kill before.
    fn kill_while_starting(&self, moment: Duration) {
        let mut starting = Process::spawn(&mut self.command());
        std::thread::sleep(moment);
        starting.kill();
    }

    #[track_caller]
    fn verify_is_clean(&self) {
        match self {
            Self::Folder(folder) => verify_is_clean(&folder.path().join("bank.db")),
            Self::Server(bank) => bank.verify_is_clean(),
        }
    }
}

fn set_up(site: &Site, dice: &Dice) -> Vec<Client> {
    let limits = r#""daily_withdrawal_limit":null,"daily_deposit_limit":10000000"#;
    Staff::log_in(site, "operator", "operator").set_policies(limits);
    let onlines: Vec<Online> = (0..CLIENTS).map(|_| Online::sign_up(site, "savings")).collect();
    let others = |own: &Online| {
        onlines.iter().map(|other| other.account.clone()).filter(|other| *other != own.account).collect()
    };
    onlines
        .iter()
        .zip(0..)
        .map(|(online, n)| Client {
            online: online.clone(),
            others: others(online),
            dice: dice.split(n),
            log: Vec::new(),
        })
        .collect()
}

#[test]
fn kill_nine() {
    is_killed(&Ground::Folder(tempfile::tempdir().unwrap()), "kill_nine", count(5, 50));
}

#[test]
fn kill_nine_on_a_database_server() {
    let server = Cluster::start(Files::Disk);
    is_killed(&Ground::Server(SharedBank::on(&[&server])), "kill_nine_on_a_database_server", count(3, 50));
}

fn is_killed(ground: &Ground, what: &str, kills: u64) {
    let mut dice = Dice::roll(what);
    let mut host = ground.start();
    let mut clients = set_up(&host, &dice);
    let (mut settled, mut repeated) = (0, 0);
    for _ in 0..kills {
        // Some kills hit a host that has just begun, some one in full swing.
        let moment = Duration::from_micros(dice.below(600_000));
        let gone = AtomicBool::new(false);
        let site = Site::new(host.address());
        std::thread::scope(|scope| {
            let (site, gone) = (&site, &gone);
            let threads: Vec<_> =
                clients.iter_mut().map(|client| scope.spawn(move || client.operate(site, gone))).collect();
            std::thread::sleep(moment);
            host.process.kill();
            gone.store(true, Ordering::Relaxed);
            threads.into_iter().for_each(|thread| thread.join().unwrap());
        });
        if dice.below(3) == 0 {
            ground.kill_while_starting(Duration::from_micros(dice.below(150_000)));
        }
        host = ground.start();
        for client in &mut clients {
            let (unanswered, again) = client.retry(&host);
            settled += unanswered;
            repeated += again;
        }
        check(&host, &clients);
        ground.verify_is_clean();
    }
    let acknowledged: usize = clients.iter().map(|client| client.acknowledged().len()).sum();
    tell(&format!(
        "{what}: {kills} kills, {acknowledged} acknowledged, {settled} unanswered settled by a retry, {repeated} repeats equal"
    ));
}

/// What was acknowledged is there exactly once, and nothing else.
fn check(site: &Site, clients: &[Client]) {
    for client in clients {
        let (entries, balance) = history(site, &client.online);
        assert_eq!(entries, client.acknowledged(), "account {}", client.online.account);
        assert_eq!(balance, client.online.balance(site));
    }
}
