//! Another customer's account is none: every operation, byte for byte.

use crate::support::{Answer, Demo, Host, Online, Site};

/// Every operation on an account, as this session may try it.
fn tries(site: &Site, token: &str, account: &str, own: &str, channel: Option<&str>) -> Vec<Answer> {
    let transfer = format!(r#"{{"target_account_id":"{own}","amount":1.00}}"#);
    let at = |what: &str| format!("/api/accounts/{account}/{what}");
    let asks = [
        site.get(&at("balance")),
        site.get(&at("transactions")),
        site.get(&at("transactions?limit=1&type=deposit")),
        site.post(&at("withdraw")).key("k1").json(r#"{"amount":10.00}"#),
        site.post(&at("withdraw")).key("k2").json(r#"{"amount":100000.00}"#),
        site.post(&at("withdraw")).key("k3").json(r#"{"amount":10.001}"#),
        site.post(&at("withdraw")).key("k4").json(r#"{"amount":10.00,"atm_id":"NOWHERE"}"#),
        site.post(&at("deposit")).key("k5").json(r#"{"amount":10.00}"#),
        site.post(&at("deposit")).key("k6").json(r#"{"amount":99999.00}"#),
        site.post(&at("transfer")).key("k7").json(transfer),
        site.post(&at("transfer")).key("k8").json(format!(r#"{{"target_account_id":"{account}","amount":1.00}}"#)),
        site.post(&at("close")),
    ];
    asks.into_iter().map(|ask| ask.bearer(token).channel(channel).send()).collect()
}

#[test]
fn it_does_not_tell_another_customers_account_from_none() {
    let demo = Demo::start();
    let staff = demo.staff();
    let (own, foreign) = (staff.visit("savings", "1000.00"), staff.visit("checking", "1000.00"));
    let online = Online::with(&demo, "savings", "1000.00");
    let closed = Online::sign_up(&demo, "savings");
    demo.post(&format!("/api/accounts/{}/close", closed.account)).bearer(&closed.token).expect(204, "");
    for (token, mine) in [(&own.token, &own.account), (&online.token, &online.account)] {
        let none = tries(&demo, token, "9876543210987654321", mine, None);
        for answer in &none {
            // Only an online session may close, and a card session learns no more than that.
            if answer.status() == 403 {
                answer.refused(403, "forbidden", "")
            } else {
                answer.refused(404, "account_not_found", "")
            };
        }
        for other in [&foreign.account, &closed.account, "10001"] {
            for (none, some) in none.iter().zip(tries(&demo, token, other, mine, None)) {
                assert_eq!(some.comparable(), none.comparable(), "{some}");
            }
        }
    }
    // A customer's own account that this card does not reach is none either.
    let both = staff.customer(&[("savings", "1.00"), ("savings", "1.00")]);
    let token = staff.card(&both, &[&both.accounts[0]]).enter(&demo, &staff.counter());
    let none = tries(&demo, &token, "9876543210987654321", &both.accounts[0], None);
    for (none, some) in none.iter().zip(tries(&demo, &token, &both.accounts[1], &both.accounts[0], None)) {
        assert_eq!(some.comparable(), none.comparable(), "{some}");
    }
    assert_eq!((foreign.balance(&demo), own.balance(&demo), online.balance(&demo)), (1000_00, 1000_00, 1000_00));
}

#[test]
fn it_does_not_tell_them_apart_outside_a_sandbox_either() {
    let host = Host::start(&["admin"]);
    let staff = host.staff("admin");
    let (own, foreign) = (staff.visit("savings", "1000.00"), staff.visit("savings", "1000.00"));
    for channel in [own.machine.channel.as_deref(), None] {
        let none = tries(&host, &own.token, "9876543210987654321", &own.account, channel);
        for (none, some) in none.iter().zip(tries(&host, &own.token, &foreign.account, &own.account, channel)) {
            assert_eq!(some.comparable(), none.comparable(), "{some}");
        }
    }
    assert_eq!((own.balance(&host), foreign.balance(&host)), (1000_00, 1000_00));
}

#[test]
fn it_lets_a_transfer_find_others_accounts_but_shows_nothing_of_them() {
    let demo = Demo::start();
    let (own, other) = (Online::with(&demo, "savings", "10.00"), Online::with(&demo, "savings", "777.00"));
    let sent = own.transfer(&demo, &other.account, "1.00").send();
    assert_eq!(sent.status(), 201, "{sent}");
    assert!(!sent.text().contains("target_balance") && !sent.text().contains("778"), "{sent}");
}
