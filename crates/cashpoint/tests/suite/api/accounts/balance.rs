//! `GET /api/accounts/{account_id}/balance`

use crate::support::{Demo, Online};

#[test]
fn it_tells_the_balance_to_card_and_online_sessions() {
    let demo = Demo::start();
    let visit = demo.staff().visit("savings", "1000.00");
    let online = Online::with(&demo, "checking", "0.10");
    for (token, account, balance) in
        [(&visit.token, &visit.account, "1000.00"), (&online.token, &online.account, "0.10")]
    {
        let pattern = format!(r#"{{"account_id":"{account}","balance":{balance},"currency":"USD","as_of":"<time>"}}"#);
        demo.get(&format!("/api/accounts/{account}/balance")).bearer(token).expect(200, &pattern);
    }
}

#[test]
fn it_shows_each_currency_with_its_own_decimals() {
    let demo = Demo::start();
    let staff = demo.staff();
    let customer =
        staff.customer_in(&[("savings", "JPY", "1500"), ("savings", "KWD", "1.234"), ("checking", "EUR", "0")]);
    let accounts: Vec<&str> = customer.accounts.iter().map(String::as_str).collect();
    let token = staff.card(&customer, &accounts).enter(&demo, &staff.counter());
    for (account, currency, shown) in [(0, "JPY", "1500"), (1, "KWD", "1.234"), (2, "EUR", "0.00")] {
        let account = accounts[account];
        let pattern =
            format!(r#"{{"account_id":"{account}","balance":{shown},"currency":"{currency}","as_of":"<time>"}}"#);
        demo.get(&format!("/api/accounts/{account}/balance")).bearer(&token).expect(200, &pattern);
    }
}

#[test]
fn it_tells_a_malformed_account_id_from_an_unknown_one() {
    let demo = Demo::start();
    let token = Online::sign_up(&demo, "savings").token;
    for malformed in ["1234", "12345678901234567890", "abcde", "12345x", "-12345", "1234.5", "%20%2012345", "12345%00"]
    {
        let ask = demo.get(&format!("/api/accounts/{malformed}/balance")).bearer(&token);
        ask.refused(400, "invalid_account_id", r#""field?":"account_id""#);
    }
    for unknown in ["99999", "9999999999999999999", "10001"] {
        demo.get(&format!("/api/accounts/{unknown}/balance")).bearer(&token).refused(404, "account_not_found", "");
    }
}
