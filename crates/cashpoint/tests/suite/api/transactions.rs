//! `GET /api/transactions/{transaction_id}`

use crate::support::{Demo, Online};

#[test]
fn it_shows_one_transaction_from_the_sessions_side() {
    let demo = Demo::start();
    let staff = demo.staff();
    let (source, target) = (Online::with(&demo, "savings", "100.00"), Online::sign_up(&demo, "savings"));
    let sent = source.transfer(&demo, &target.account, "30.00").send().json();
    let id = sent.member("transaction_id").text();
    let read = |token: &str, id: &str| demo.get(&format!("/api/transactions/{id}")).bearer(token);
    let pattern = |kind: &str, direction: &str, balance: &str, other: &str| {
        format!(
            r#"{{"transaction_id":"{id}","type":"{kind}","direction":"{direction}","status":"posted","amount":30.00,"balance":{balance},"currency":"USD","transaction_date":"<time>","counterparty_account_id":"{other}"}}"#
        )
    };
    read(&source.token, id).expect(200, &pattern("transfer_out", "debit", "70.00", &target.account));
    read(&target.token, id).expect(200, &pattern("transfer_in", "credit", "30.00", &source.account));

    // Between accounts of one customer it is seen from the source.
    let opened = demo.post("/api/accounts").bearer(&source.token).json(r#"{"type":"savings","currency":"USD"}"#).send();
    let own = opened.json().member("account_id").text().to_owned();
    let within = source.transfer(&demo, &own, "30.00").send().json().member("transaction_id").text().to_owned();
    read(&source.token, &within).expect(200, &pattern("transfer_out", "debit", "40.00", &own).replace(id, &within));

    let visit = staff.visit("savings", "100.00");
    let paid = visit.withdraw(&demo, "50").send().json().member("transaction_id").text().to_owned();
    let shown = format!(
        r#"{{"transaction_id":"{paid}","type":"withdrawal","direction":"debit","status":"posted","amount":50.00,"balance":50.00,"currency":"USD","transaction_date":"<time>","atm_id":"{}"}}"#,
        visit.machine.id
    );
    read(&visit.token, &paid).expect(200, &shown);
}

#[test]
fn it_shows_nothing_out_of_reach() {
    let demo = Demo::start();
    let (owner, stranger) = (Online::with(&demo, "savings", "100.00"), Online::sign_up(&demo, "savings"));
    let paid = owner.withdraw(&demo, "50").send().json().member("transaction_id").text().to_owned();
    let read = |id: &str| demo.get(&format!("/api/transactions/{id}")).bearer(&stranger.token).send();
    let foreign = read(&paid);
    foreign.refused(404, "transaction_not_found", "");
    let unknown = read("01932b3c-4d5e-7f60-8a1b-2c3d4e5f6071");
    assert_eq!(foreign.comparable(), unknown.comparable());
    for malformed in ["1", "x", "01932b3c4d5e7f608a1b2c3d4e5f6071x"] {
        let answer = read(malformed);
        assert!(matches!(answer.status(), 400 | 404), "{answer}");
    }
}
