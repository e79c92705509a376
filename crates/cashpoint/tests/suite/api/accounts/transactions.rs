//! `GET /api/accounts/{account_id}/transactions`

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::support::{Answer, Demo, Json, Online, Site};

/// An entry of any type.
const ENTRY: &str = r#"{"transaction_id":"<uuid>","type":"<text>","direction":"<text>","status":"posted","amount":"<money>","balance":"<money>","currency":"USD","transaction_date":"<time>","atm_id?":"<text>","counterparty_account_id?":"<account>","reverses?":"<uuid>"}"#;

fn page(site: &Site, online: &Online, query: &str) -> Answer {
    site.get(&format!("/api/accounts/{}/transactions{query}", online.account)).bearer(&online.token).send()
}

fn kinds(answer: &Answer) -> Vec<String> {
    let pattern = format!(r#"{{"transactions":[{ENTRY},"..."],"next_cursor":"<text|null>"}}"#);
    answer
        .expect(200, &pattern)
        .member("transactions")
        .list()
        .iter()
        .map(|entry| entry.member("type").text().to_owned())
        .collect()
}

#[test]
fn it_shows_every_kind_of_entry_newest_first() {
    let demo = Demo::start();
    let staff = demo.staff();
    let visit = staff.visit("checking", "100.00");
    let other = Online::with(&demo, "savings", "50.00");
    let mut ids = Vec::new();
    let mut keep = |answer: Answer| {
        assert_eq!(answer.status(), 201, "{answer}");
        ids.push(answer.json().member("transaction_id").text().to_owned());
    };
    keep(visit.deposit(&demo, "20").send());
    keep(other.transfer(&demo, &visit.account, "5.00").send());
    let ask = demo.post(&format!("/api/accounts/{}/transfer", visit.account)).bearer(&visit.token);
    keep(ask.json(format!(r#"{{"target_account_id":"{}","amount":25.00}}"#, other.account)).send());
    keep(visit.withdraw(&demo, "150").send());
    let (machine, from) = (&visit.machine.id, &other.account);
    let row = |id: &str, kind: &str, direction: &str, money: &str, more: &str| {
        format!(
            r#"{{"transaction_id":"{id}","type":"{kind}","direction":"{direction}","status":"posted",{money},"currency":"USD","transaction_date":"<time>"{more}}}"#
        )
    };
    let at = format!(r#","atm_id":"{machine}""#);
    let with = format!(r#","counterparty_account_id":"{from}""#);
    let rows = [
        row(
            "<uuid>",
            "overdraft_fee",
            "debit",
            r#""amount":15.00,"balance":-65.00"#,
            &format!(r#","atm_id?":"{machine}""#),
        ),
        row(&ids[3], "withdrawal", "debit", r#""amount":150.00,"balance":-50.00"#, &at),
        row(&ids[2], "transfer_out", "debit", r#""amount":25.00,"balance":100.00"#, &with),
        row(&ids[1], "transfer_in", "credit", r#""amount":5.00,"balance":125.00"#, &with),
        row(&ids[0], "deposit", "credit", r#""amount":20.00,"balance":120.00"#, &at),
        row("<uuid>", "deposit", "credit", r#""amount":100.00,"balance":100.00"#, ""),
    ];
    let ask = demo.get(&format!("/api/accounts/{}/transactions", visit.account)).bearer(&visit.token);
    ask.expect(200, &format!(r#"{{"transactions":[{}],"next_cursor":null}}"#, rows.join(",")));
}

#[test]
fn it_filters_by_type_and_time() {
    let demo = Demo::start();
    let online = Online::sign_up(&demo, "savings");
    let mut times = Vec::new();
    for amount in ["10.00", "20.00", "30.00"] {
        for ask in [online.deposit(&demo, amount), online.withdraw(&demo, "1.00")] {
            let answer = ask.send();
            assert_eq!(answer.status(), 201, "{answer}");
            times.push(answer.json().member("transaction_date").text().to_owned());
            // Times are told in milliseconds: two of the same one could not be told apart.
            std::thread::sleep(Duration::from_millis(2));
        }
    }
    assert_eq!(kinds(&page(&demo, &online, "?type=deposit")), ["deposit"; 3]);
    assert_eq!(kinds(&page(&demo, &online, "?type=withdrawal&limit=2")), ["withdrawal"; 2]);
    assert_eq!(kinds(&page(&demo, &online, "?type=reversal")).len(), 0);
    let between =
        |from: usize, to: usize| kinds(&page(&demo, &online, &format!("?from={}&to={}", times[from], times[to])));
    // `from` counts in, `to` does not; of three deposits and withdrawals by turns these are the second to the fourth.
    assert_eq!(between(1, 4), ["withdrawal", "deposit", "withdrawal"]);
    assert_eq!(between(2, 2).len(), 0);
    assert_eq!(kinds(&page(&demo, &online, &format!("?from={}&type=withdrawal", times[2]))), ["withdrawal"; 2]);
    assert_eq!(kinds(&page(&demo, &online, &format!("?to={}", times[0]))).len(), 0);
    assert_eq!(kinds(&page(&demo, &online, "?from=2999-01-01T00:00:00Z")).len(), 0);
}

#[test]
fn it_refuses_what_is_no_filter() {
    let demo = Demo::start();
    let online = Online::sign_up(&demo, "savings");
    for (query, field) in [
        ("?limit=0", "limit"),
        ("?limit=501", "limit"),
        ("?limit=-1", "limit"),
        ("?limit=many", "limit"),
        ("?limit=", "limit"),
        ("?type=theft", "type"),
        ("?from=yesterday", "from"),
        ("?to=2026-13-01T00:00:00Z", "to"),
        ("?cursor=nonsense", "cursor"),
        ("?cursor=", "cursor"),
        ("?page=2", "page"),
        ("?limit=1&limit=2", "limit"),
    ] {
        page(&demo, &online, query).refused(400, "invalid_request", &format!(r#""field":"{field}""#));
    }
    assert_eq!(kinds(&page(&demo, &online, "?limit=500")).len(), 0);
}

#[test]
fn it_keeps_a_cursor_to_its_own_account() {
    let demo = Demo::start();
    let (one, other) = (Online::with(&demo, "savings", "1.00"), Online::with(&demo, "savings", "1.00"));
    for online in [&one, &other] {
        assert_eq!(online.deposit(&demo, "1.00").send().status(), 201);
    }
    let cursor = page(&demo, &one, "?limit=1").json().member("next_cursor").text().to_owned();
    assert_eq!(kinds(&page(&demo, &one, &format!("?limit=1&cursor={cursor}"))).len(), 1);
    // Whatever it answers with another account's cursor, it shows nothing of that account.
    let answer = page(&demo, &other, &format!("?limit=1&cursor={cursor}"));
    if answer.status() == 200 {
        let own = page(&demo, &other, "").json();
        let own: Vec<&Json> =
            own.member("transactions").list().iter().map(|entry| entry.member("transaction_id")).collect();
        assert!(
            answer
                .json()
                .member("transactions")
                .list()
                .iter()
                .all(|entry| own.contains(&entry.member("transaction_id"))),
            "{answer}"
        );
    } else {
        answer.refused(400, "invalid_request", r#""field":"cursor""#);
    }
}

/// Entry `n` leaves a balance of `n` cents, so an account that gets a cent at a time shows every gap and every repeat.
#[test]
fn it_pages_through_ten_thousand_entries_while_new_ones_arrive() {
    const ENTRIES: i64 = 10_000;
    let demo = Demo::start();
    let online = Online::sign_up(&demo, "savings");
    let deposit = |count: i64| {
        for _ in 0..count {
            let answer = online.deposit(&demo, "0.01").send();
            assert_eq!(answer.status(), 201, "{answer}");
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..16 {
            scope.spawn(|| deposit(ENTRIES / 16));
        }
    });
    assert_eq!(online.balance(&demo), ENTRIES);
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                deposit(1);
            }
        });
        for limit in [500, 499, 37] {
            let (newest, seen) = read_all(&demo, &online, limit);
            assert_eq!(seen, newest, "pages of {limit}: complete from the newest to the first");
            assert!(newest >= ENTRIES);
        }
        done.store(true, Ordering::Relaxed);
    });
}

/// Follows the cursors to the end; gives the newest entry's number and how many there were, each exactly one below the
/// one before.
fn read_all(demo: &Demo, online: &Online, limit: usize) -> (i64, i64) {
    let (mut newest, mut seen) = (0, 0);
    let mut cursor = String::new();
    loop {
        let answer = page(demo, online, &format!("?limit={limit}{cursor}"));
        assert_eq!(answer.status(), 200, "{answer}");
        let body = answer.json();
        let entries = body.member("transactions").list();
        for entry in entries {
            let number = entry.member("balance").cents();
            if seen == 0 {
                newest = number;
            }
            assert_eq!(number, newest - seen, "pages of {limit}: every entry once, in order");
            seen += 1;
        }
        let Some(next) = body.member("next_cursor").some() else { return (newest, seen) };
        assert_eq!(entries.len(), limit, "only the last page is short");
        cursor = format!("&cursor={}", next.text());
    }
}
