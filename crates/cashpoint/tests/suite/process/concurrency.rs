//! Many clients at once. The names begin with `concurrency`, by which the soak finds them.

use std::collections::BTreeMap;

use crate::support::dice::Dice;
use crate::support::http::Line;
use crate::support::process::verify_is_clean;
use crate::support::site::{all_at_once, lines};
use crate::support::{Ask, Demo, Online, Site, Staff};

/// How many to start with in the long form, and in the short.
pub(super) fn count(short: u64, long: u64) -> u64 {
    if std::env::var("CASHPOINT_SOAK").is_ok_and(|soak| soak == "1") { long } else { short }
}

#[expect(clippy::print_stdout, reason = "the soak collects these lines")]
pub(super) fn tell(what: &str) {
    println!("soak: {what}");
}

#[test]
fn concurrency_mixed_operations() {
    let folder = tempfile::tempdir().unwrap();
    let demo = Demo::start_in(folder.path());
    let (clients, operations) = (64, count(200, 1000));
    let seen = mixed_operations(&[&demo], "concurrency_mixed_operations", (clients, operations));
    verify_is_clean(&folder.path().join("bank.db"));
    tell(&format!("{clients} clients x {operations} mixed operations on 3 accounts, answers {seen:?}"));
}

/// So many clients with so many operations each, spread over hosts of one sandbox, all on the same three accounts.
pub(super) fn mixed_operations(sites: &[&Site], what: &str, (clients, operations): (u64, u64)) -> BTreeMap<u16, u64> {
    let limits = r#""daily_withdrawal_limit":null,"daily_deposit_limit":10000000,"withdrawal_limit":500"#;
    Staff::log_in(sites[0], "operator", "operator").set_policies(limits);
    let online = Online::with(sites[0], "savings", "500.00");
    let mut accounts = vec![online.account.clone()];
    for kind in ["savings", "checking"] {
        let body = format!(r#"{{"type":"{kind}","currency":"USD"}}"#);
        let opened = sites[0].post("/api/accounts").bearer(&online.token).json(body).send();
        accounts.push(opened.json().member("account_id").text().to_owned());
    }
    let dice = Dice::roll(what);
    let tokens: Vec<String> = (0..clients)
        .map(|_| online.log_in(sites[0], &online.password).send().json().member("token").text().to_owned())
        .collect();
    let mut sums: [i64; 3] = [500_00, 0, 0];
    let mut seen: BTreeMap<u16, u64> = BTreeMap::new();
    std::thread::scope(|scope| {
        let threads: Vec<_> = tokens
            .iter()
            .zip(sites.iter().cycle())
            .zip(0..)
            .map(|((token, site), n)| {
                let (accounts, mut dice) = (&accounts, dice.split(n));
                scope.spawn(move || {
                    let mut client = Client { line: site.line(), sums: [0; 3], seen: BTreeMap::new() };
                    for _ in 0..operations {
                        client.operate(site, token, accounts, &mut dice);
                    }
                    client
                })
            })
            .collect();
        for thread in threads {
            let client = thread.join().unwrap();
            sums.iter_mut().zip(client.sums).for_each(|(sum, own)| *sum += own);
            client.seen.into_iter().for_each(|(status, count)| *seen.entry(status).or_default() += count);
        }
    });
    for site in sites {
        let balance = |account: &String| crate::support::bank::balance(site, &online.token, account);
        let balances: Vec<i64> = accounts.iter().map(balance).collect();
        assert_eq!(balances, sums, "the balances are what the clients were told");
        assert!(balances[0] >= 0 && balances[1] >= 0 && balances[2] >= -100_00, "no floor was broken: {balances:?}");
    }
    assert_eq!(seen.values().sum::<u64>(), clients * operations);
    assert!(seen.keys().all(|status| matches!(status, 200 | 201 | 422)), "{seen:?}");
    assert!(seen[&422] > 0 && seen[&201] > clients * operations / 4, "the mix has refusals and successes: {seen:?}");
    seen
}

/// One of many, and what it was told.
struct Client {
    line: Line,
    sums: [i64; 3],
    seen: BTreeMap<u16, u64>,
}

impl Client {
    fn operate(&mut self, site: &Site, token: &str, accounts: &[String], dice: &mut Dice) {
        let at = usize::try_from(dice.below(3)).unwrap();
        let to = (at + 1 + usize::try_from(dice.below(2)).unwrap()) % 3;
        let cents = i64::try_from(1 + dice.below(300_00)).unwrap();
        let amount = format!("{}.{:02}", cents / 100, cents % 100);
        let path = |what: &str| format!("/api/accounts/{}/{what}", accounts[at]);
        let cash = format!(r#"{{"amount":{amount}}}"#);
        let kind = dice.below(10);
        let ask = match kind {
            0..=3 => site.post(&path("withdraw")).json(cash),
            4..=6 => site.post(&path("deposit")).json(cash),
            7..=8 => site
                .post(&path("transfer"))
                .json(format!(r#"{{"target_account_id":"{}","amount":{amount}}}"#, accounts[to])),
            _ => site.get(&path("balance")),
        };
        let answer = ask.bearer(token).send_on(&mut self.line).unwrap();
        *self.seen.entry(answer.status()).or_default() += 1;
        match (answer.status(), kind) {
            (201, 0..=3) => self.sums[at] -= cents + answer.json().member("fee").cents(),
            (201, 4..=6) => self.sums[at] += cents,
            (201, 7..=8) => {
                self.sums[at] -= cents;
                self.sums[to] += cents;
            }
            _ => {}
        }
    }
}

#[test]
fn concurrency_of_a_thousand_connected_clients() {
    let demo = Demo::start();
    let online = Online::with(&demo, "savings", "100.00");
    let mut lines = lines(&demo, 1000);
    for round in 0..count(3, 30) {
        let asks: Vec<Ask<'_>> = (0..1000)
            .map(|n| {
                if n % 2 == 0 {
                    online.deposit(&demo, "0.01")
                } else {
                    demo.get(&format!("/api/accounts/{}/balance", online.account)).bearer(&online.token)
                }
            })
            .collect();
        let answers = all_at_once(&asks, &mut lines);
        let served = answers.iter().filter(|answer| matches!(answer.status(), 200 | 201)).count();
        let other = answers.iter().find(|answer| !matches!(answer.status(), 200 | 201));
        assert_eq!(served, 1000, "round {round}: {}", other.map(ToString::to_string).unwrap_or_default());
    }
    assert_eq!(online.balance(&demo), 100_00 + 500 * i64::try_from(count(3, 30)).unwrap());
    tell(&format!("1000 connected clients at once, {} rounds, all served", count(3, 30)));
}

#[test]
fn concurrency_of_one_key() {
    let demo = Demo::start();
    let online = Online::with(&demo, "savings", "1000.00");
    let target = Online::sign_up(&demo, "savings");
    let mut lines = lines(&demo, 1000);
    for (ask, status) in [
        (online.withdraw(&demo, "7.00").key("w"), 201),
        (online.transfer(&demo, &target.account, "5.00").key("t"), 201),
        (online.withdraw(&demo, "600.00").key("n"), 422),
    ] {
        let answers = all_at_once(&vec![ask; 1000], &mut lines);
        let firsts = answers.iter().filter(|answer| answer.header("idempotent-replayed").is_none()).count();
        assert_eq!(firsts, 1, "one is the first, all others repeat it");
        for answer in &answers {
            assert_eq!(answer.status(), status, "{answer}");
            assert_eq!(answer.comparable(), answers[0].comparable());
        }
    }
    assert_eq!((online.balance(&demo), target.balance(&demo)), (988_00, 5_00));
    let history =
        demo.get(&format!("/api/accounts/{}/transactions", online.account)).bearer(&online.token).send().json();
    assert_eq!(history.member("transactions").list().len(), 3, "the deposit, one withdrawal, one transfer");
    tell("1000 concurrent sends of one key, three times: one effect, one answer");
}

#[test]
fn concurrency_of_wrong_pins() {
    let demo = Demo::start();
    let visit = demo.staff().visit("savings", "10.00");
    let mut lines = lines(&demo, 200);
    let known = visit.card.at(&demo, &visit.machine, visit.card.wrong_pin());
    let body = format!(r#"{{"card_number":"4929000000000006","pin":"1234","atm_id":"{}"}}"#, visit.machine.id);
    let unknown = demo.post("/api/sessions").json(body);
    for ask in [known, unknown] {
        let answers = all_at_once(&vec![ask; 200], &mut lines);
        let wrong = answers.iter().filter(|answer| answer.status() == 401).count();
        assert_eq!(wrong, 3, "exactly three are evaluated");
        for answer in answers.iter().filter(|answer| answer.status() != 401) {
            answer.refused(423, "card_blocked", r#""blocked_until":"<time>""#);
        }
    }
    visit.card.at(&demo, &visit.machine, &visit.card.pin).refused(423, "card_blocked", r#""blocked_until":"<time>""#);
    tell("200 concurrent wrong PINs: exactly three evaluated, for a known number and an unknown one");
}

/// Withdrawals of one account from everywhere at once never pay more than there is.
#[test]
fn concurrency_of_one_balance() {
    let demo = Demo::start();
    demo.staff().set_policies(r#""daily_withdrawal_limit":700.00"#);
    let poor = Online::with(&demo, "savings", "100.00");
    let rich = Online::with(&demo, "savings", "5000.00");
    let mut lines = lines(&demo, 300);
    for (online, amount, code, paid) in
        [(&poor, "7.00", "insufficient_funds", 14), (&rich, "33.00", "daily_limit_exceeded", 21)]
    {
        let asks: Vec<Ask<'_>> = (0..300).map(|_| online.withdraw(&demo, amount)).collect();
        let answers = all_at_once(&asks, &mut lines);
        assert_eq!(answers.iter().filter(|answer| answer.status() == 201).count(), paid);
        for answer in answers.iter().filter(|answer| answer.status() != 201) {
            assert_eq!(answer.json().member("code").text(), code, "{answer}");
        }
    }
    assert_eq!((poor.balance(&demo), rich.balance(&demo)), (2_00, 5000_00 - 21 * 33_00));
}
