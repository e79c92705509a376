//! `cashpoint tour`: passes on a demo that keeps the rules, and on no other.

use crate::support::Demo;
use crate::support::process::{cashpoint, finish, told};

fn tour(demo: &Demo) -> (i32, String) {
    let (code, out, error) = told(&finish(cashpoint().args(["tour", "--url", &demo.url()])));
    (code, format!("{out}{error}"))
}

#[test]
fn it_passes_again_and_again() {
    let demo = Demo::start();
    for round in 0..3 {
        let (code, said) = tour(&demo);
        assert_eq!(code, 0, "round {round}:\n{said}");
        for words in ["450.00", "remaining 200.00", "insufficient_funds", "daily_limit_exceeded", "card_blocked"] {
            assert!(said.contains(words), "it should tell of {words}:\n{said}");
        }
    }
}

#[test]
fn it_fails_when_a_rule_is_broken() {
    for broken in [
        r#""pin_tries":5"#,
        r#""pin_tries":2"#,
        r#""pin_blocks":1"#,
        r#""daily_withdrawal_limit":5000.00"#,
        r#""daily_withdrawal_limit":null"#,
        r#""daily_withdrawal_limit":1900.00"#,
        r#""withdrawal_limit":400.00"#,
        r#""withdrawal_limit":250.00,"daily_withdrawal_limit":null"#,
    ] {
        let demo = Demo::start();
        demo.staff().set_policies(broken);
        let (code, said) = tour(&demo);
        assert_eq!(code, 1, "{broken}:\n{said}");
    }
}
