//! Clients that go on whatever happens: what gets no answer is sent again under its key, wherever somebody answers.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::process::kill_nine::history;
use crate::support::deadline::Deadline;
use crate::support::dice::Dice;
use crate::support::http::Line;
use crate::support::{Answer, Ask, Json, Online, Site};

/// What one operation was, and what came back.
struct Sent {
    key: String,
    what: &'static str,
    body: String,
    answer: Option<(u16, String)>,
}

/// A customer with an account, and a log of everything they did.
pub(super) struct Client {
    pub(super) online: Online,
    others: Vec<String>,
    dice: Dice,
    log: Vec<Sent>,
}

/// So many customers, with no limits to speak of.
pub(super) fn clients(site: &Site, dice: &Dice, count: u64) -> Vec<Client> {
    let onlines: Vec<Online> = (0..count).map(|_| Online::with(site, "savings", "1000.00")).collect();
    let all: Vec<String> = onlines.iter().map(|online| online.account.clone()).collect();
    let client = |(online, n): (Online, u64)| {
        let others = all.iter().filter(|other| **other != online.account).cloned().collect();
        Client { online, others, dice: dice.split(n), log: Vec::new() }
    };
    onlines.into_iter().zip(0..).map(client).collect()
}

impl Client {
    fn ask<'a>(&self, site: &'a Site, sent: &Sent) -> Ask<'a> {
        let path = format!("/api/accounts/{}/{}", self.online.account, sent.what);
        site.post(&path).bearer(&self.online.token).key(&sent.key).json(sent.body.clone())
    }

    fn next(&mut self) -> Sent {
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
        Sent { key: format!("{}-{:x}", self.log.len(), self.dice.next()), what, body, answer: None }
    }

    /// Operates until told to stop, on one host after the other.
    pub(super) fn operate(&mut self, sites: &[&Site], stop: &AtomicBool) {
        let mut at = usize::try_from(self.dice.below(sites.len() as u64)).unwrap();
        let mut line: Option<Line> = None;
        while !stop.load(Ordering::Relaxed) {
            let sent = self.next();
            let open = line.take().map_or_else(|| Line::open(sites[at].address()), Ok);
            let answer = open.and_then(|mut open| {
                let answer = self.ask(sites[at], &sent).send_on(&mut open)?;
                line = Some(open);
                Ok(answer)
            });
            let answer = answer.ok().and_then(|answer| told(&answer));
            if answer.is_none() {
                // Whoever refuses at once would otherwise be asked without end.
                std::thread::sleep(Duration::from_millis(10));
                at = (at + 1) % sites.len();
                line = None;
            }
            self.log.push(Sent { answer, ..sent });
        }
    }

    /// Sends again what got no answer, then the latest of what did: the same answers as before.
    pub(super) fn settle(&mut self, site: &Site) -> (usize, usize) {
        let (mut settled, mut repeated) = (0, 0);
        for n in 0..self.log.len() {
            if self.log[n].answer.is_none() {
                let again = || self.ask(site, &self.log[n]).try_send().ok().and_then(|answer| told(&answer));
                let answer = Deadline::after(Duration::from_secs(60)).wait(again);
                self.log[n].answer = Some(answer.expect("somebody serves again"));
                settled += 1;
            }
        }
        for n in self.log.len().saturating_sub(30)..self.log.len() {
            let again = || Some(self.ask(site, &self.log[n]).send()).filter(|answer| answer.status() != 503);
            let answer = Deadline::after(Duration::from_secs(60)).wait(again).expect("somebody serves again");
            assert_eq!(answer.header("idempotent-replayed"), Some("true"), "{answer}");
            assert_eq!(told(&answer), self.log[n].answer, "the first answer of {}", self.log[n].key);
            repeated += 1;
        }
        (settled, repeated)
    }

    /// How many were answered.
    pub(super) fn answered(&self) -> usize {
        self.log.iter().filter(|sent| sent.answer.is_some()).count()
    }

    /// What was acknowledged is there exactly once, and nothing else but the first deposit.
    pub(super) fn check(&self, site: &Site) {
        let approved = self.log.iter().filter_map(|sent| sent.answer.as_ref()).filter(|(status, _)| *status == 201);
        let entry = |(_, body): &(u16, String)| {
            let body = Json::parse(body).unwrap();
            (body.member("transaction_id").text().to_owned(), body.member("amount").cents())
        };
        let expected: BTreeMap<String, i64> = approved.map(entry).collect();
        let (mut entries, balance) = history(site, &self.online);
        entries.retain(|id, amount| *amount != 1000_00 || expected.contains_key(id));
        assert_eq!(entries, expected, "account {}", self.online.account);
        assert_eq!(balance, self.online.balance(site));
    }
}

/// The answer without what differs from one sending to the next; none if the bank could not be asked.
fn told(answer: &Answer) -> Option<(u16, String)> {
    if answer.status() == 503 {
        return None;
    }
    assert!(matches!(answer.status(), 201 | 422), "{answer}");
    Some(answer.comparable())
}
