//! `POST /api/accounts/{account_id}/deposit`

use crate::support::{Demo, Online};

#[test]
fn it_takes_cash_in_and_shows_a_receipt() {
    let demo = Demo::start();
    let staff = demo.staff();
    let visit = staff.visit("checking", "0");
    let pattern = |amount: &str, balance: &str| {
        format!(
            r#"{{"transaction_id":"<uuid>","account_id":"{}","amount":{amount},"fee":0.00,"balance":{balance},"currency":"USD","transaction_date":"<time>"}}"#,
            visit.account
        )
    };
    visit.deposit(&demo, "500").expect(201, &pattern("500.00", "500.00"));
    visit.deposit(&demo, "\"0.10\"").expect(201, &pattern("0.10", "500.10"));
    visit.deposit(&demo, "0.2").expect(201, &pattern("0.20", "500.30"));
    let machine = staff.ask("GET", &format!("/api/atms/{}", visit.machine.id)).send().json();
    assert_eq!(machine.member("deposit_bin").cents(), 500_30);
    assert_eq!(machine.member("cash").cents(), 10_500_30);
}

#[test]
fn it_holds_the_limits_of_one_deposit_and_of_the_day() {
    let demo = Demo::start();
    let online = Online::sign_up(&demo, "savings");
    let refused = |amount: &str, limit: &str| {
        online.deposit(&demo, amount).refused(422, "over_deposit_limit", &format!(r#""limit":{limit}"#));
    };
    refused("10000.01", "10000.00");
    assert_eq!(online.deposit(&demo, "10000.00").send().status(), 201);
    assert_eq!(online.deposit(&demo, "9000.00").send().status(), 201);
    refused("1000.01", "1000.00");
    assert_eq!(online.deposit(&demo, "1000").send().status(), 201);
    refused("0.01", "0.00");
    assert_eq!(online.balance(&demo), 20_000_00);
}
