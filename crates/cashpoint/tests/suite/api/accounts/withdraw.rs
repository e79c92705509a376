//! `POST /api/accounts/{account_id}/withdraw`

use crate::support::bank::{AMPLE, Machine};
use crate::support::{Demo, Host, Online};

#[test]
fn it_pays_in_the_fewest_notes_and_shows_a_receipt() {
    let demo = Demo::start();
    let visit = demo.staff().visit("savings", "1000.00");
    let rows = [
        ("100.00", "900.00", r#"[{"denomination":50.00,"count":2}]"#),
        ("90", "810.00", r#"[{"denomination":50.00,"count":1},{"denomination":20.00,"count":2}]"#),
        ("\"60.00\"", "750.00", r#"[{"denomination":50.00,"count":1},{"denomination":10.00,"count":1}]"#),
        (
            "80.0",
            "670.00",
            r#"[{"denomination":50.00,"count":1},{"denomination":20.00,"count":1},{"denomination":10.00,"count":1}]"#,
        ),
    ];
    for (amount, balance, notes) in rows {
        let shown: f64 = amount.trim_matches('"').parse().unwrap();
        let pattern = format!(
            r#"{{"transaction_id":"<uuid>","account_id":"{}","amount":{shown:.2},"fee":0.00,"balance":{balance},"currency":"USD","transaction_date":"<time>","notes":{notes}}}"#,
            visit.account
        );
        visit.withdraw(&demo, amount).expect(201, &pattern);
    }
    assert_eq!(visit.balance(&demo), 670_00);
}

#[test]
fn it_takes_no_notes_at_a_counter() {
    let demo = Demo::start();
    let staff = demo.staff();
    let at_counter = staff.visit_at(&staff.counter(), "savings", "10.00");
    let online = Online::with(&demo, "savings", "10.00");
    let pattern = r#"{"transaction_id":"<uuid>","account_id":"<account>","amount":0.01,"fee":0.00,"balance":9.99,"currency":"USD","transaction_date":"<time>"}"#;
    at_counter.withdraw(&demo, "0.01").expect(201, pattern);
    online.withdraw(&demo, "0.01").expect(201, pattern);
}

#[test]
fn it_holds_the_limit_of_one_withdrawal() {
    let demo = Demo::start();
    let visit = demo.staff().visit("savings", "3000.00");
    for amount in ["500.01", "510", "1999.99", "3000.01", "99999999999"] {
        visit.withdraw(&demo, amount).refused(422, "over_transaction_limit", r#""limit":500.00"#);
    }
    assert_eq!(visit.balance(&demo), 3000_00, "a refusal moves nothing");
    assert_eq!(visit.withdraw(&demo, "500.00").send().status(), 201);
}

#[test]
fn it_holds_the_daily_limit_over_all_accounts_and_cards() {
    let demo = Demo::start();
    let staff = demo.staff();
    let visit = staff.visit("savings", "3000.00");
    for _ in 0..4 {
        assert_eq!(visit.withdraw(&demo, "450.00").send().status(), 201);
    }
    visit.withdraw(&demo, "300.00").refused(422, "daily_limit_exceeded", r#""remaining":200.00"#);
    visit.withdraw(&demo, "210").refused(422, "daily_limit_exceeded", r#""remaining":200.00"#);
    assert_eq!(visit.withdraw(&demo, "200.00").send().status(), 201);
    visit.withdraw(&demo, "10").refused(422, "daily_limit_exceeded", r#""remaining":0.00"#);
    assert_eq!(visit.balance(&demo), 1000_00);

    // Two accounts, two cards, two machines: one customer, one limit.
    let customer = staff.customer(&[("savings", "2000.00"), ("checking", "2000.00")]);
    let (first, second) = (&customer.accounts[0], &customer.accounts[1]);
    let machines = [staff.machine(AMPLE), staff.machine(AMPLE)];
    let cards = [staff.card(&customer, &[first]), staff.card(&customer, &[second, first])];
    let tokens = [cards[0].enter(&demo, &machines[0]), cards[1].enter(&demo, &machines[1])];
    let withdraw = |token: usize, account: &str, amount: &str| {
        let ask = demo.post(&format!("/api/accounts/{account}/withdraw")).bearer(&tokens[token]);
        ask.json(format!(r#"{{"amount":{amount}}}"#)).send()
    };
    for (token, account) in [(0, first), (1, second), (1, first), (0, first)] {
        assert_eq!(withdraw(token, account, "480").status(), 201);
    }
    for (token, account) in [(0, first), (1, second), (1, first)] {
        withdraw(token, account, "90").refused(422, "daily_limit_exceeded", r#""remaining":80.00"#);
    }
}

#[test]
fn it_lets_checking_overdraw_to_the_floor_with_one_fee() {
    let demo = Demo::start();
    let online = Online::with(&demo, "checking", "100.00");
    let took = |amount: &str, fee: &str, balance: &str| {
        let pattern = format!(
            r#"{{"transaction_id":"<uuid>","account_id":"{}","amount":{amount},"fee":{fee},"balance":{balance},"currency":"USD","transaction_date":"<time>"}}"#,
            online.account
        );
        online.withdraw(&demo, amount).expect(201, &pattern);
    };
    let short = |amount: &str, available: &str| {
        let more = format!(r#""available":{available}"#);
        online.withdraw(&demo, amount).refused(422, "insufficient_funds", &more);
    };
    short("185.01", "185.00");
    assert_eq!(online.balance(&demo), 100_00, "a refusal takes no fee");
    took("100.00", "0.00", "0.00");
    short("85.01", "85.00");
    took("85.00", "15.00", "-100.00");
    short("0.01", "0.00");
    assert_eq!(online.balance(&demo), -100_00, "a refusal takes no fee");

    let page = demo.get(&format!("/api/accounts/{}/transactions", online.account)).bearer(&online.token).send().json();
    let seen: Vec<_> = page
        .member("transactions")
        .list()
        .iter()
        .map(|entry| {
            let text = |name: &str| entry.member(name).text().to_owned();
            (text("type"), text("direction"), entry.member("amount").cents(), entry.member("balance").cents())
        })
        .collect();
    let row = |kind: &str, direction: &str, amount, balance| (kind.to_owned(), direction.to_owned(), amount, balance);
    assert_eq!(
        seen,
        [
            row("overdraft_fee", "debit", 15_00, -100_00),
            row("withdrawal", "debit", 85_00, -85_00),
            row("withdrawal", "debit", 100_00, 0),
            row("deposit", "credit", 100_00, 100_00),
        ]
    );

    // Below zero again, a fee again; a deposit that only lessens the debt costs nothing.
    assert_eq!(online.deposit(&demo, "60.00").send().status(), 201);
    took("10.00", "15.00", "-65.00");
    short("20.01", "20.00");
    took("20.00", "15.00", "-100.00");
}

#[test]
fn it_never_overdraws_savings() {
    let demo = Demo::start();
    let online = Online::with(&demo, "savings", "30.00");
    online.withdraw(&demo, "30.01").refused(422, "insufficient_funds", r#""available":30.00"#);
    assert_eq!(online.withdraw(&demo, "30.00").send().status(), 201);
    online.withdraw(&demo, "0.01").refused(422, "insufficient_funds", r#""available":0.00"#);
    assert_eq!(online.balance(&demo), 0);
}

#[test]
fn it_names_the_nearest_amounts_that_a_machine_can_pay() {
    let demo = Demo::start();
    let staff = demo.staff();
    let twenties = [("20.00", 10)].as_slice();
    let both = [("50.00", 3), ("20.00", 3)].as_slice();
    // With at most 50 notes, 100 + 49 × 5 is the most that these pay at once.
    let small = [("100.00", 1), ("5.00", 100)].as_slice();
    for (cassettes, amount, nearest) in [
        (twenties, "30", Some("[20.00,40.00]")),
        (twenties, "19.99", Some("[20.00]")),
        (twenties, "200", None),
        (twenties, "199", Some("[180.00,200.00]")),
        (both, "60", None),
        (both, "80", Some("[70.00,90.00]")),
        (both, "30", Some("[20.00,40.00]")),
        (small, "345", None),
        (small, "400", Some("[345.00]")),
    ] {
        let visit = staff.visit_at(&staff.machine(cassettes), "savings", "1000.00");
        let answer = visit.withdraw(&demo, amount).send();
        match nearest {
            None => assert_eq!(answer.status(), 201, "{answer}"),
            Some(nearest) => {
                answer.refused(422, "amount_not_dispensable", &format!(r#""nearest":{nearest}"#));
            }
        }
    }
}

#[test]
fn it_pays_no_more_than_the_machine_holds() {
    let demo = Demo::start();
    let staff = demo.staff();
    let visit = staff.visit_at(&staff.machine(&[("50.00", 4)]), "savings", "1000.00");
    visit.withdraw(&demo, "250").refused(422, "atm_out_of_cash", "");
    assert_eq!(visit.withdraw(&demo, "150").send().status(), 201);
    visit.withdraw(&demo, "100").refused(422, "atm_out_of_cash", "");
    // Deposited notes are in the machine, but in no cassette.
    assert_eq!(visit.deposit(&demo, "500").send().status(), 201);
    visit.withdraw(&demo, "100").refused(422, "atm_out_of_cash", "");
    assert_eq!(visit.withdraw(&demo, "50").send().status(), 201);
    visit.withdraw(&demo, "50").refused(422, "atm_out_of_cash", "");
    let machine = staff.ask("GET", &format!("/api/atms/{}", visit.machine.id)).send().json();
    assert_eq!(machine.member("cash").cents(), 500_00);
    assert_eq!(machine.member("deposit_bin").cents(), 500_00);
    assert_eq!(machine.at("/cassettes/0/count").to_string(), "0");
}

#[test]
fn it_keeps_currencies_apart() {
    let demo = Demo::start();
    let staff = demo.staff();
    let customer = staff.customer_in(&[("savings", "EUR", "100.00")]);
    let account = &customer.accounts[0];
    let card = staff.card(&customer, &[account]);
    let ask = |token: &str, what: &str| {
        demo.post(&format!("/api/accounts/{account}/{what}")).bearer(token).json(r#"{"amount":50}"#).send()
    };
    let at_dollars = card.enter(&demo, &staff.machine(AMPLE));
    ask(&at_dollars, "withdraw").refused(422, "currency_mismatch", "");
    ask(&at_dollars, "deposit").refused(422, "currency_mismatch", "");
    // A counter takes any.
    let at_counter = card.enter(&demo, &staff.counter());
    assert_eq!(ask(&at_counter, "withdraw").json().member("currency").text(), "EUR");
    assert_eq!(ask(&at_counter, "deposit").json().member("balance").cents(), 100_00);
}

#[test]
fn it_moves_cash_in_a_sandbox_at_the_machine_that_the_request_names() {
    let demo = Demo::start();
    let staff = demo.staff();
    let visit = staff.visit("savings", "1000.00");
    let other = staff.machine(AMPLE);
    let online = Online::with(&demo, "savings", "1000.00");
    let withdraw = |token: &str, account: &str, machine: &str| {
        let ask = demo.post(&format!("/api/accounts/{account}/withdraw")).bearer(token);
        ask.json(format!(r#"{{"amount":100,"atm_id":"{machine}"}}"#)).send()
    };
    assert_eq!(withdraw(&visit.token, &visit.account, &visit.machine.id).status(), 201);
    withdraw(&visit.token, &visit.account, &other.id).refused(422, "atm_mismatch", "");
    withdraw(&visit.token, &visit.account, "NOWHERE").refused(404, "atm_not_found", "");
    assert_eq!(withdraw(&online.token, &online.account, &other.id).status(), 201);
    withdraw(&online.token, &online.account, "NOWHERE").refused(404, "atm_not_found", "");
    staff.switch(&other.id, "inactive");
    withdraw(&online.token, &online.account, &other.id).refused(422, "atm_inactive", "");
    staff.switch(&other.id, "active");
    assert_eq!(withdraw(&online.token, &online.account, &other.id).status(), 201);
    let terminal = r#"{"atm_id":"T1","location":"Here","kind":"terminal","cassettes":[{"denomination":50.00,"currency":"USD","count":9}]}"#;
    assert_eq!(staff.ask("POST", "/api/atms").json(terminal).send().status(), 201);
    withdraw(&online.token, &online.account, "T1").refused(422, "terminal_only", "");
}

#[test]
fn it_pays_outside_a_sandbox_only_where_the_cash_stands() {
    let host = Host::start(&["admin"]);
    let staff = host.staff("admin");
    let visit = staff.visit("savings", "1000.00");
    let (elsewhere, counter) = (staff.machine(AMPLE), staff.counter());
    let own = visit.machine.channel.as_deref();
    assert!(own.is_some(), "a machine's credential is shown when it is made");
    let damaged = own.map(|channel| format!("{}!", &channel[..channel.len() - 1]));
    let with_other_id = own.map(|channel| format!("{}.{}", elsewhere.id, channel.split_once('.').unwrap().1));
    let online = Online::sign_up(&host, "savings");
    let ask = |token: &str, account: &str, channel: Option<&str>, what: &str| {
        let ask = host.post(&format!("/api/accounts/{account}/{what}")).bearer(token).channel(channel);
        ask.json(r#"{"amount":100.00}"#).send()
    };
    for what in ["withdraw", "deposit"] {
        for wrong in [None, damaged.as_deref(), with_other_id.as_deref(), Some("nonsense"), Some(".")] {
            ask(&visit.token, &visit.account, wrong, what).refused(403, "channel_required", "");
            ask(&online.token, &online.account, wrong, what).refused(403, "channel_required", "");
        }
        ask(&visit.token, &visit.account, elsewhere.channel.as_deref(), what).refused(422, "atm_mismatch", "");
        ask(&visit.token, &visit.account, counter.channel.as_deref(), what).refused(422, "atm_mismatch", "");
    }
    assert_eq!(visit.balance(&host), 1000_00, "no cash moved");
    assert_eq!(ask(&visit.token, &visit.account, own, "withdraw").status(), 201);
    assert_eq!(ask(&online.token, &online.account, counter.channel.as_deref(), "deposit").status(), 201);
    let named = |machine: &Machine, channel: Option<&str>| {
        let ask =
            host.post(&format!("/api/accounts/{}/withdraw", online.account)).bearer(&online.token).channel(channel);
        ask.json(format!(r#"{{"amount":50.00,"atm_id":"{}"}}"#, machine.id)).send()
    };
    named(&elsewhere, counter.channel.as_deref()).refused(422, "atm_mismatch", "");
    assert_eq!(named(&elsewhere, elsewhere.channel.as_deref()).status(), 201);
    assert_eq!(online.balance(&host), 50_00);
}
