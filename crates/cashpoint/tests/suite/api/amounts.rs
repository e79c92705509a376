//! Amounts: one value has several spellings, and most spellings are no amount.

use crate::support::{Demo, Online};

#[test]
fn it_takes_every_spelling_of_an_amount_and_answers_with_one() {
    let demo = Demo::start();
    for amount in ["100", "100.0", "100.00", "\"100\"", "\"100.0\"", "\"100.00\"", "  100  "] {
        let online = Online::with(&demo, "savings", "100.00");
        let paid = online.withdraw(&demo, amount).send();
        assert_eq!(paid.status(), 201, "{paid}");
        let shown = paid.json();
        assert_eq!(
            (shown.member("amount").to_string(), shown.member("balance").to_string()),
            ("100.00".to_owned(), "0.00".to_owned())
        );
    }
}

#[test]
fn it_adds_tenths_exactly() {
    let demo = Demo::start();
    let online = Online::sign_up(&demo, "savings");
    for (amount, balance) in [
        ("0.1", "0.10"),
        ("0.2", "0.30"),
        ("0.7", "1.00"),
        ("1.10", "2.10"),
        ("\"4.35\"", "6.45"),
        ("1.005", ""),
        ("0.29", "6.74"),
    ] {
        let answer = online.deposit(&demo, amount).send();
        if balance.is_empty() {
            answer.refused(400, "invalid_amount", r#""field?":"<text>""#);
        } else {
            assert_eq!(answer.json().member("balance").to_string(), balance, "{answer}");
        }
    }
}

#[test]
fn it_refuses_what_is_no_amount() {
    let demo = Demo::start();
    let online = Online::with(&demo, "savings", "100.00");
    let target = Online::sign_up(&demo, "savings");
    let long = "1".repeat(5000);
    let long_text = format!("\"{long}\"");
    let invalid_amount = [
        "100.000",
        "\"100.000\"",
        "0.001",
        "0",
        "0.00",
        "\"0\"",
        "-1",
        "-0.01",
        "\"-1\"",
        "-0",
        "1e2",
        "1E2",
        "1e-2",
        "\"1e2\"",
        "\"NaN\"",
        "\"Infinity\"",
        "\"\"",
        "\" 1\"",
        "\"1 \"",
        "\"1,00\"",
        "\"1_000\"",
        "\"0x10\"",
        "\"+1\"",
        "\".5\"",
        "\"5.\"",
        "\"١\"",
        "\"$5\"",
        "\"00001.00000000000000000000000000000001\"",
        "100000000000.01",
        "1000000000000",
        "99999999999999999999999999",
        long.as_str(),
        long_text.as_str(),
    ];
    let invalid_request = ["null", "true", "false", "[]", "[100]", "{}", r#"{"value":100}"#];
    let not_json =
        ["NaN", "Infinity", "-Infinity", "+1", ".5", "5.", "01", "0x10", "1_000", "1,00", "", "--1", "1e", "ten"];
    for amount in invalid_amount {
        let field = r#""field?":"<text>""#;
        online.withdraw(&demo, amount).refused(400, "invalid_amount", field);
        online.deposit(&demo, amount).refused(400, "invalid_amount", field);
        online.transfer(&demo, &target.account, amount).refused(400, "invalid_amount", field);
    }
    for amount in invalid_request {
        online.withdraw(&demo, amount).refused(400, "invalid_request", r#""field":"amount""#);
        online.deposit(&demo, amount).refused(400, "invalid_request", r#""field":"amount""#);
        online.transfer(&demo, &target.account, amount).refused(400, "invalid_request", r#""field":"amount""#);
    }
    for amount in not_json {
        online.withdraw(&demo, amount).refused(400, "invalid_request", r#""field?":"<text>""#);
    }
    assert_eq!((online.balance(&demo), target.balance(&demo)), (100_00, 0));
}

/// 10^13 minor units are the most that can be asked for, and accounts can hold more.
#[test]
fn it_goes_to_the_edge_of_what_can_be_asked_for() {
    let demo = Demo::start();
    let staff = demo.staff();
    staff.set_policies(r#""deposit_limit":"100000000000.00","daily_deposit_limit":"100000000000.00""#);
    let most = "100000000000.00";
    let online = Online::sign_up(&demo, "savings");
    let paid = online.deposit(&demo, most).send();
    assert_eq!(paid.status(), 201, "{paid}");
    assert_eq!(paid.json().member("balance").to_string(), most);
    for over in ["100000000000.01", "\"100000000000.01\"", "100000000001"] {
        online.deposit(&demo, over).refused(400, "invalid_amount", r#""field?":"<text>""#);
    }
    let target = staff.visit("savings", most);
    assert_eq!(online.transfer(&demo, &target.account, most).send().status(), 201);
    assert_eq!(target.balance(&demo), 20_000_000_000_000);
    assert_eq!(online.balance(&demo), 0);
}
