//! Same request, same answer: `Idempotency-Key` on everything that moves money.

use crate::support::bank::AMPLE;
use crate::support::process::START;
use crate::support::{Answer, Ask, Demo, Online};

#[track_caller]
fn is_replay_of(first: &Answer, again: &Answer) {
    assert_eq!(again.header("idempotent-replayed"), Some("true"), "{again}");
    assert_eq!(again.comparable(), first.comparable());
}

#[test]
fn it_echoes_the_key_or_makes_one() {
    let demo = Demo::start();
    let online = Online::with(&demo, "savings", "100.00");
    let longest = "k".repeat(255);
    for key in ["k", "!~.-_/:", longest.as_str()] {
        let answer = online.deposit(&demo, "1.00").key(key).send();
        assert_eq!((answer.status(), answer.header("idempotency-key")), (201, Some(key)), "{answer}");
        assert_eq!(answer.header("idempotent-replayed"), None);
    }
    let made = |answer: Answer| {
        assert_eq!(answer.status(), 201, "{answer}");
        answer.header("idempotency-key").expect("the host makes a key").to_owned()
    };
    let (one, two) = (made(online.deposit(&demo, "1.00").send()), made(online.deposit(&demo, "1.00").send()));
    assert_ne!(one, two);
    let again = online.deposit(&demo, "1.00").key(&one).send();
    assert_eq!(again.header("idempotent-replayed"), Some("true"), "the key made by the host is good for a retry");
    let refused = online.withdraw(&demo, "400.00").send();
    assert!(refused.header("idempotency-key").is_some(), "a recorded refusal can be asked again too: {refused}");
    let target = Online::sign_up(&demo, "savings");
    made(online.transfer(&demo, &target.account, "1.00").send());
}

#[test]
fn it_refuses_an_invalid_key() {
    let demo = Demo::start();
    let online = Online::with(&demo, "savings", "100.00");
    let too_long = "k".repeat(256);
    for key in ["", " ", "a b", "a\tb", "schlüssel", too_long.as_str()] {
        let answer = online.withdraw(&demo, "1.00").key(key).send();
        answer.refused(400, "invalid_request", r#""field":"Idempotency-Key""#);
    }
    let twice = online.withdraw(&demo, "1.00").key("one").key("two").send();
    twice.refused(400, "invalid_request", r#""field":"Idempotency-Key""#);
    assert_eq!(online.balance(&demo), 100_00);
}

#[test]
fn it_answers_a_repeat_with_the_first_answer() {
    let demo = Demo::start();
    let staff = demo.staff();
    let visit = staff.visit("checking", "1000.00");
    let target = Online::sign_up(&demo, "savings");
    let transfer = demo.post(&format!("/api/accounts/{}/transfer", visit.account)).bearer(&visit.token);
    let rows: [(&str, Ask<'_>, u16); 5] = [
        ("w", visit.withdraw(&demo, "90"), 201),
        ("d", visit.deposit(&demo, "10.00"), 201),
        ("t", transfer.json(format!(r#"{{"target_account_id":"{}","amount":5}}"#, target.account)), 201),
        ("n", visit.withdraw(&demo, "95.55"), 422),
        ("l", visit.withdraw(&demo, "501"), 422),
    ];
    let firsts: Vec<Answer> = rows
        .iter()
        .map(|(key, ask, status)| {
            let first = ask.clone().key(key).send();
            assert_eq!(first.status(), *status, "{first}");
            assert_eq!(first.header("idempotent-replayed"), None, "{first}");
            first
        })
        .collect();
    let balance = visit.balance(&demo);
    assert_eq!(balance, 915_00);
    for ((key, ask, _), first) in rows.iter().zip(&firsts) {
        for _ in 0..2 {
            is_replay_of(first, &ask.clone().key(key).send());
        }
    }
    assert_eq!(visit.balance(&demo), balance);

    // After anything that would decide it otherwise now.
    staff.set_policies(r#""withdrawal_limit":1000,"daily_withdrawal_limit":1"#);
    staff.switch(&visit.machine.id, "inactive");
    for ((key, ask, _), first) in rows.iter().zip(&firsts) {
        is_replay_of(first, &ask.clone().key(key).send());
    }
}

#[test]
fn it_takes_equal_amounts_for_one_content() {
    let demo = Demo::start();
    let online = Online::with(&demo, "savings", "1000.00");
    let first = online.withdraw(&demo, "100").key("k").send();
    assert_eq!(first.status(), 201, "{first}");
    for same in ["100.0", "100.00", "\"100\"", "\"100.00\""] {
        is_replay_of(&first, &online.withdraw(&demo, same).key("k").send());
    }
    assert_eq!(online.balance(&demo), 900_00);
}

#[test]
fn it_refuses_a_key_with_another_content_and_moves_nothing() {
    let demo = Demo::start();
    let staff = demo.staff();
    let customer = staff.customer(&[("savings", "1000.00"), ("savings", "1000.00")]);
    let (one, two) = (customer.accounts[0].as_str(), customer.accounts[1].as_str());
    let machine = staff.machine(AMPLE);
    let token = staff.card(&customer, &[one, two]).enter(&demo, &machine);
    let (target, other) = (Online::sign_up(&demo, "savings"), Online::sign_up(&demo, "savings"));
    let ask = |account: &str, what: &str, body: String| {
        demo.post(&format!("/api/accounts/{account}/{what}")).bearer(&token).json(body).key("k").send()
    };
    let cash = |amount: &str| format!(r#"{{"amount":{amount}}}"#);
    let at = |amount: &str| format!(r#"{{"amount":{amount},"atm_id":"{}"}}"#, machine.id);
    let to = |target: &str, amount: &str| format!(r#"{{"target_account_id":"{target}","amount":{amount}}}"#);
    let balances = || [one, two].map(|account| crate::support::bank::balance(&demo, &token, account));
    assert_eq!(ask(one, "withdraw", cash("100")).status(), 201);
    let after = balances();
    for (account, what, body) in [
        (one, "withdraw", cash("110")),
        (one, "withdraw", cash("600")),
        (one, "withdraw", at("100")),
        (two, "withdraw", cash("100")),
        (one, "deposit", cash("100")),
        (one, "transfer", to(&target.account, "100")),
    ] {
        ask(account, what, body).refused(422, "idempotency_key_reused", "");
    }
    let ask = |account: &str, target: &str, amount: &str| {
        let ask = demo.post(&format!("/api/accounts/{account}/transfer")).bearer(&token).key("t");
        ask.json(to(target, amount)).send()
    };
    assert_eq!(balances(), after);
    assert_eq!(ask(one, &target.account, "10").status(), 201);
    let after = balances();
    for (account, to, amount) in
        [(one, &other.account, "10"), (one, &target.account, "11"), (two, &target.account, "10")]
    {
        ask(account, to, amount).refused(422, "idempotency_key_reused", "");
    }
    assert_eq!((balances(), target.balance(&demo), other.balance(&demo)), (after, 10_00, 0));
}

#[test]
fn it_repeats_a_decline_even_after_the_money_came() {
    let demo = Demo::start();
    let online = Online::with(&demo, "savings", "10.00");
    let ask = || online.withdraw(&demo, "50.00").key("k").send();
    let declined = ask();
    declined.refused(422, "insufficient_funds", r#""available":10.00"#);
    assert_eq!(online.deposit(&demo, "500.00").send().status(), 201);
    is_replay_of(&declined, &ask());
    assert_eq!(online.balance(&demo), 510_00);
    assert_eq!(online.withdraw(&demo, "50.00").key("another").send().status(), 201);
}

#[test]
fn it_keeps_the_keys_of_customers_apart_and_those_of_one_together() {
    let demo = Demo::start();
    let staff = demo.staff();
    let (one, two) = (Online::with(&demo, "savings", "100.00"), Online::with(&demo, "savings", "100.00"));
    for online in [&one, &two] {
        let answer = online.withdraw(&demo, "10.00").key("same").send();
        assert_eq!((answer.status(), answer.header("idempotent-replayed")), (201, None), "{answer}");
    }
    assert_eq!((one.balance(&demo), two.balance(&demo)), (90_00, 90_00));

    // The customer is the scope, not the session: a retry may come from another one.
    let again = one.log_in(&demo, &one.password).send().json().member("token").text().to_owned();
    let path = format!("/api/accounts/{}/withdraw", one.account);
    let retry = demo.post(&path).bearer(&again).key("same").json(r#"{"amount":10.00}"#).send();
    assert_eq!(retry.header("idempotent-replayed"), Some("true"), "{retry}");
    // Operators and the teller have scopes of their own.
    let body = r#"{"name":"A","accounts":[{"type":"savings","currency":"USD"}]}"#;
    let made = staff.ask("POST", "/api/operators/customers").key("same").json(body).send();
    assert_eq!((made.status(), made.header("idempotent-replayed")), (201, None), "{made}");
    let teller = demo.post("/accounts/10001/deposit").key("same").json(r#"{"amount":1}"#).send();
    assert_eq!((teller.status(), teller.header("idempotent-replayed")), (200, None), "{teller}");
}

#[test]
fn it_decides_anew_what_was_not_recorded() {
    let demo = Demo::start();
    let staff = demo.staff();
    let visit = staff.visit("savings", "100.00");
    let path = format!("/api/accounts/{}/withdraw", visit.account);
    let ask = |token: &str, body: &str| demo.post(&path).bearer(token).key("k").json(body).send();
    ask(&visit.token, "{").refused(400, "invalid_request", "");
    ask(&visit.token, r#"{"amount":0}"#).refused(400, "invalid_amount", r#""field?":"amount""#);
    ask("", r#"{"amount":10}"#).refused(401, "unauthenticated", "");
    ask(&visit.token, r#"{"amount":10,"atm_id":"NOWHERE"}"#).refused(404, "atm_not_found", "");
    for _ in 0..3 {
        visit.card.at(&demo, &visit.machine, visit.card.wrong_pin()).refused(401, "wrong_credentials", "");
    }
    ask(&visit.token, r#"{"amount":10}"#).refused(423, "card_blocked", r#""blocked_until":"<time>""#);
    staff.ask("POST", &format!("/api/cards/{}/unblock", visit.card.id)).expect(204, "");
    let paid = ask(&visit.token, r#"{"amount":10}"#);
    assert_eq!((paid.status(), paid.header("idempotent-replayed")), (201, None), "{paid}");
}

#[test]
fn it_replays_across_restarts() {
    let folder = tempfile::tempdir().unwrap();
    let mut demo = Demo::start_in(folder.path());
    let online = Online::with(&demo, "savings", "1000.00");
    let other = Online::sign_up(&demo, "savings");
    let visit = demo.staff().visit("savings", "1000.00");
    let asks: [&dyn Fn(&Demo) -> Answer; 6] = [
        &|demo| online.withdraw(demo, "100.00").key("k1").send(),
        &|demo| online.withdraw(demo, "501").key("k2").send(),
        &|demo| online.deposit(demo, "7.77").key("k3").send(),
        &|demo| online.transfer(demo, &other.account, "1.11").key("k4").send(),
        &|demo| visit.withdraw(demo, "190").key("k5").send(),
        &|demo| demo.post("/accounts/10001/withdraw").key("k6").json(r#"{"amount":50}"#).send(),
    ];
    let firsts: Vec<Answer> = asks.iter().map(|ask| ask(&demo)).collect();
    assert_eq!(firsts.iter().map(Answer::status).collect::<Vec<_>>(), [201, 422, 201, 201, 201, 200]);
    for end in ["kill", "terminate"] {
        if end == "kill" {
            demo.process().kill();
        } else {
            demo.process().terminate();
            demo.process().wait(START).expect("it ends");
        }
        demo = Demo::start_in(folder.path());
        for (ask, first) in asks.iter().zip(&firsts) {
            is_replay_of(first, &ask(&demo));
        }
        assert_eq!((online.balance(&demo), visit.balance(&demo)), (906_66, 810_00));
    }
}
