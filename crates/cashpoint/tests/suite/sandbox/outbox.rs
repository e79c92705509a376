//! `/sandbox/outbox`: the notifications that would have gone out

use crate::support::{Demo, Online};

#[test]
fn it_keeps_what_would_have_gone_out() {
    let demo = Demo::start();
    let online = Online::with(&demo, "checking", "100.00");
    let other = Online::sign_up(&demo, "savings");
    assert_eq!(online.withdraw(&demo, "120.00").send().status(), 201);
    let transfer = other.transfer(&demo, &online.account, "1.00").send();
    assert_eq!(transfer.status(), 422, "{transfer}");
    let one = r#"{"notification_id":"<text>","customer_id":"<id>","number":"<count>","type":"<text>","created_at":"<time>","account_id?":"<account>","amount?":"<money>","currency?":"USD","transaction_id?":"<uuid>","atm_id?":"<text>","card_id?":"<id>","code?":"<text>"}"#;
    let pattern = format!(r#"{{"notifications":[{one},"..."]}}"#);
    let read = |customer: &str| demo.get(&format!("/sandbox/outbox?customer_id={customer}")).expect(200, &pattern);
    let sent = read(&online.customer);
    let sent = sent.member("notifications").list();
    let numbers: Vec<u64> = sent.iter().map(|one| one.member("number").to_string().parse().unwrap()).collect();
    assert!(numbers.windows(2).all(|pair| pair[0] != pair[1]), "{numbers:?}");
    let amounts: Vec<i64> = sent
        .iter()
        .filter(|one| *one.member("amount") != crate::support::Json::Null)
        .map(|one| one.member("amount").cents())
        .collect();
    for amount in [100_00, 120_00, 15_00] {
        assert!(amounts.contains(&amount), "no notification of {amount}: {amounts:?}");
    }
    assert!(sent.iter().all(|one| one.member("customer_id").text() == online.customer));
    let nobody = read("999999999999");
    assert_eq!(nobody.member("notifications").list().len(), 0);
}
