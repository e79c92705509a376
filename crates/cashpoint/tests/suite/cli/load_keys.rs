//! `cashpoint operator load-keys`

use crate::support::process::told;
use crate::support::{Demo, run};

const MACHINE: &str = r#"{"atm_id":"ATM950","location":"Hall","kind":"terminal","cassettes":[{"denomination":20.00,"currency":"USD","count":5}]}"#;

const SESSION: &str = r#"{"token":"<token>","expires_at":"<time>","idle_timeout_s":1800,"operator":{"operator_id":"<id>","role":"admin"}}"#;

#[test]
fn it_loads_the_keys_of_a_terminal_and_quotes_none() {
    let folder = tempfile::tempdir().unwrap();
    let demo = Demo::start_in(folder.path());
    let operator = r#"{"username":"operator","password":"operator"}"#;
    let session = demo.post("/api/operators/sessions").json(operator).expect(201, SESSION);
    let made = demo.post("/api/atms").bearer(session.member("token").text()).json(MACHINE).send();
    assert_eq!(made.status(), 201, "{made}");
    drop(demo);
    let file = folder.path().join("devices.keys.toml");
    let long = "1a".repeat(32);
    let text = format!(
        "key_block_protection = \"{long}\"\nauthenticate_host = \"{long}\"\nauthenticate_device = \"{long}\"\n\
         offline_verifier = \"{}{}\"\n",
        "10".repeat(8),
        "54".repeat(8)
    );
    std::fs::write(&file, &text).unwrap();
    let url = format!("sqlite:{}", folder.path().join("bank.db").display());
    let load =
        |machine: &str| told(&run(&["operator", "load-keys", machine, file.to_str().unwrap(), "--database", &url]));
    for _ in 0..2 {
        let (code, out, error) = load("ATM950");
        assert!(code == 0 && out.starts_with("loaded the keys of ATM950"), "{code} {out} {error}");
    }
    for machine in ["ATM001", "NOWHERE"] {
        let (code, out, error) = load(machine);
        assert!(code == 1 && out.is_empty() && error.contains("no machine"), "{code} {out} {error}");
    }
    std::fs::write(&file, text.replace("authenticate_host", "authenticate_guest")).unwrap();
    let (code, out, error) = load("ATM950");
    assert!(code == 1 && error.contains("authenticate_host") && !error.contains(&long), "{code} {out} {error}");
}
