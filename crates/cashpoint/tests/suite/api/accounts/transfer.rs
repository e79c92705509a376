//! `POST /api/accounts/{account_id}/transfer`

use crate::support::{Demo, Host, Online};

#[test]
fn it_moves_money_and_shows_the_targets_balance_only_to_its_owner() {
    let demo = Demo::start();
    let staff = demo.staff();
    let source = Online::with(&demo, "savings", "1000.00");
    let target = Online::sign_up(&demo, "checking");
    let pattern = |to: &str, amount: &str, balance: &str, more: &str| {
        format!(
            r#"{{"transaction_id":"<uuid>","source_account_id":"{}","target_account_id":"{to}","amount":{amount},"source_balance":{balance},{more}"currency":"USD","transaction_date":"<time>"}}"#,
            source.account
        )
    };
    source.transfer(&demo, &target.account, "150.00").expect(201, &pattern(&target.account, "150.00", "850.00", ""));
    let opened =
        demo.post("/api/accounts").bearer(&source.token).json(r#"{"type":"checking","currency":"USD"}"#).send();
    let own = opened.json().member("account_id").text().to_owned();
    let shown = pattern(&own, "0.50", "849.50", r#""target_balance":0.50,"#);
    source.transfer(&demo, &own, "\"0.50\"").expect(201, &shown);
    assert_eq!(target.balance(&demo), 150_00);

    // A card session may send too, from the accounts that the card reaches.
    let visit = staff.visit("savings", "20.00");
    let ask = demo.post(&format!("/api/accounts/{}/transfer", visit.account)).bearer(&visit.token);
    let sent = ask.json(format!(r#"{{"target_account_id":"{}","amount":20}}"#, target.account)).send();
    assert_eq!(sent.status(), 201, "{sent}");
    assert_eq!((visit.balance(&demo), target.balance(&demo)), (0, 170_00));
}

#[test]
fn it_never_overdraws_and_has_no_withdrawal_limit() {
    let demo = Demo::start();
    let source = Online::with(&demo, "checking", "5000.00");
    let target = Online::sign_up(&demo, "savings");
    source.transfer(&demo, &target.account, "5000.01").refused(422, "insufficient_funds", r#""available":5000.00"#);
    assert_eq!(source.transfer(&demo, &target.account, "5000.00").send().status(), 201);
    source.transfer(&demo, &target.account, "0.01").refused(422, "insufficient_funds", r#""available":0.00"#);
    assert_eq!((source.balance(&demo), target.balance(&demo)), (0, 5000_00));
}

#[test]
fn it_refuses_what_is_no_transfer() {
    let demo = Demo::start();
    let staff = demo.staff();
    let source = Online::with(&demo, "savings", "100.00");
    let euros = staff.customer_in(&[("savings", "EUR", "0")]).accounts[0].clone();
    source.transfer(&demo, &source.account, "1.00").refused(422, "same_account", "");
    source.transfer(&demo, &euros, "1.00").refused(422, "currency_mismatch", "");
    source.transfer(&demo, "99999", "1.00").refused(404, "account_not_found", "");
    source.transfer(&demo, "1234", "1.00").refused(400, "invalid_account_id", r#""field?":"target_account_id""#);
    source.transfer(&demo, "x", "1.00").refused(400, "invalid_account_id", r#""field?":"target_account_id""#);
    let closed = Online::sign_up(&demo, "savings");
    demo.post(&format!("/api/accounts/{}/close", closed.account)).bearer(&closed.token).expect(204, "");
    source.transfer(&demo, &closed.account, "1.00").refused(422, "account_closed", "");
    assert_eq!(source.balance(&demo), 100_00);
}

#[test]
fn it_needs_no_channel() {
    let host = Host::start(&["admin"]);
    let staff = host.staff("admin");
    let visit = staff.visit("savings", "100.00");
    let target = Online::sign_up(&host, "savings");
    let ask = host.post(&format!("/api/accounts/{}/transfer", visit.account)).bearer(&visit.token);
    let sent = ask.json(format!(r#"{{"target_account_id":"{}","amount":40.00}}"#, target.account)).send();
    assert_eq!(sent.status(), 201, "{sent}");
    let back = target.transfer(&host, &visit.account, "15.00").send();
    assert_eq!(back.status(), 201, "{back}");
    assert_eq!((visit.balance(&host), target.balance(&host)), (75_00, 25_00));
}
