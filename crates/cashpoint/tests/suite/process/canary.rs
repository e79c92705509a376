//! Secrets and personal data: in no log line, and (except as ciphertext or verifier) in no byte of the data folder.

use std::io::Write;
use std::path::Path;

use crate::support::process::{Bank, STAFF_PASSWORD, START, cashpoint};
use crate::support::{Host, Staff};

const PAN: &str = "4556737586899855";
const OTHER_PAN: &str = "6011000990139424871";
const PIN: &str = "739146028517";
const WRONG_PIN: &str = "285173914602";
const NEW_PIN: &str = "602851739146";
const PASSWORD: &str = "canary-PASSWORD-3f9a";
const NEW_PASSWORD: &str = "canary-PASSWORD-77b1";
const WRONG_PASSWORD: &str = "canary-PASSWORD-wrong";
const EMAIL: &str = "canary.person@secret-canary.example";
const STAFF_EMAIL: &str = "other.person@secret-canary.example";
const PHONE: &str = "+1 555 0199 7731";
const ADDRESS: &str = "77 Canary Wharf Road";

/// Something of everything that carries a secret, also where it goes wrong; gives the secrets that the host made.
fn live(host: &Host) -> Vec<String> {
    let mut made = Vec::new();
    let staff = host.staff("admin");
    made.push(staff.token.clone());
    let machine = staff.machine(&[("50.00", 100)]);
    let channel = machine.channel.clone().unwrap();
    made.push(channel.split_once('.').unwrap().1.to_owned());
    let terminal = r#"{"atm_id":"T1","location":"Here","kind":"terminal","cassettes":[{"denomination":50.00,"currency":"USD","count":9}]}"#;
    made.push(staff.ask("POST", "/api/atms").json(terminal).send().json().member("enrolment_code").text().to_owned());

    let sign_up = format!(
        r#"{{"name":"A Name","email":"{EMAIL}","password":"{PASSWORD}","phone":"{PHONE}","address":"{ADDRESS}","account":{{"type":"savings","currency":"USD"}}}}"#
    );
    let online = host.post("/api/customers").json(sign_up.clone()).send();
    assert_eq!(online.status(), 201, "{online}");
    let online = online.json();
    let (token, customer, account) =
        (online.at("/session/token").text(), online.member("customer_id").text(), online.member("account_id").text());
    made.push(token.to_owned());
    assert_eq!(host.post("/api/customers").json(sign_up).send().status(), 409);
    let by_staff = format!(
        r#"{{"name":"B","email":"{STAFF_EMAIL}","phone":"{PHONE}","accounts":[{{"type":"savings","currency":"USD","opening_balance":100}}]}}"#
    );
    assert_eq!(staff.ask("POST", "/api/operators/customers").json(by_staff).send().status(), 201);

    let card =
        format!(r#"{{"customer_id":"{customer}","account_ids":["{account}"],"card_number":"{PAN}","pin":"{PIN}"}}"#);
    let card = staff.ask("POST", "/api/cards").json(card).send();
    assert_eq!(card.status(), 201, "{card}");
    let card = card.json().member("card_id").text().to_owned();
    let own = format!(r#"{{"customer_id":"{customer}","account_ids":["{account}"]}}"#);
    made.push(staff.ask("POST", "/api/cards").json(own).send().json().member("card_number").text().to_owned());

    let enter = |pan: &str, pin: &str| {
        let body = format!(r#"{{"card_number":"{pan}","pin":"{pin}","atm_id":"{}"}}"#, machine.id);
        host.post("/api/sessions").channel(Some(&channel)).json(body).send()
    };
    let session = enter(PAN, PIN);
    assert_eq!(session.status(), 201, "{session}");
    made.push(session.json().member("token").text().to_owned());
    let token_at_machine = made.last().unwrap().clone();
    enter(PAN, WRONG_PIN).refused(401, "wrong_credentials", "");
    enter(OTHER_PAN, PIN).refused(401, "wrong_credentials", "");
    let cash = host.post(&format!("/api/accounts/{account}/deposit")).bearer(&token_at_machine).channel(Some(&channel));
    assert_eq!(cash.json(r#"{"amount":100}"#).send().status(), 201);
    let pins = format!(r#"{{"old_pin":"{PIN}","new_pin":"{NEW_PIN}"}}"#);
    host.put(&format!("/api/cards/{card}/pin")).bearer(&token_at_machine).json(pins).expect(204, "");
    let log_in = |password: &str| {
        host.post("/api/sessions").json(format!(r#"{{"email":"{EMAIL}","password":"{password}"}}"#)).send()
    };
    log_in(WRONG_PASSWORD).refused(401, "wrong_credentials", "");
    made.push(log_in(PASSWORD).json().member("token").text().to_owned());
    let passwords = format!(r#"{{"old_password":"{PASSWORD}","new_password":"{NEW_PASSWORD}"}}"#);
    host.put("/api/customers/current/password").bearer(token).json(passwords).expect(204, "");
    assert_eq!(host.get("/api/customers/current").bearer(token).send().status(), 200);
    blunder(host, &staff, token);
    made
}

/// Secrets in requests that are malformed, misplaced or too much.
fn blunder(host: &Host, staff: &Staff<'_>, token: &str) {
    let answers = [
        host.post("/api/sessions").json(format!(r#"{{"card_number":{PAN},"pin":"{PIN}","atm_id":"M"}}"#)).send(),
        host.post("/api/sessions").json(format!(r#"{{"card_number":"{PAN}x","pin":"{PIN}","atm_id":"M"}}"#)).send(),
        host.post("/api/sessions").json(format!(r#"{{"card_number":"{PAN}","pin":{PIN},"atm_id":"M"}}"#)).send(),
        host.post("/api/sessions").json(format!(r#"{{"card_number":"{PAN}","pin":"{PIN}0","atm_id":"M"}}"#)).send(),
        host.post("/api/sessions")
            .json(format!(r#"{{"card_number":"{PAN}","pin":"{PIN}","atm_id":"NOWHERE"}}"#))
            .send(),
        host.post("/api/sessions").json(format!(r#"{{"email":"{EMAIL}","password":"{PASSWORD}"#)).send(),
        host.post("/api/sessions").json(format!(r#"{{"email":["{EMAIL}"],"password":"{PASSWORD}"}}"#)).send(),
        host.post("/api/sessions").json(format!(r#"{{"email":"{EMAIL}","password":["{PASSWORD}"]}}"#)).send(),
        host.post("/api/customers")
            .json(format!(r#"{{"name":"A","email":"{EMAIL}","password":"{PASSWORD}","phone":"{PHONE}","account":5}}"#))
            .send(),
        host.patch("/api/customers/current").bearer(token).json(format!(r#"{{"phone":["{PHONE}"]}}"#)).send(),
        staff
            .ask("POST", "/api/cards")
            .json(format!(r#"{{"customer_id":"1","account_ids":["12345"],"card_number":"{PAN}","pin":"{PIN}"}}"#))
            .send(),
        host.post("/api/sessions").json(PAN).send(),
        host.get("/api/accounts").bearer(&format!("{token}{token}")).send(),
        host.get("/api/accounts").header("Authorization", &format!("Basic {token}")).send(),
    ];
    for answer in answers {
        assert!((400..500).contains(&answer.status()), "{answer}");
        for secret in [PAN, PIN, PASSWORD, EMAIL, PHONE, token] {
            assert!(!answer.text().contains(secret), "an answer repeats a secret: {answer}");
        }
    }
}

/// Every way in which a secret could stand there in clear.
fn spellings(secret: &str) -> Vec<Vec<u8>> {
    let bytes = secret.as_bytes();
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let wide: Vec<u8> = bytes.iter().flat_map(|byte| [*byte, 0]).collect();
    vec![bytes.to_vec(), hex.to_uppercase().into_bytes(), hex.into_bytes(), secret.to_lowercase().into_bytes(), wide]
}

fn contains(hay: &[u8], needle: &[u8]) -> bool {
    hay.windows(needle.len()).any(|window| window == needle)
}

/// Name and bytes of every file below.
fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push((path.display().to_string(), std::fs::read(&path).unwrap()));
        }
    }
    found
}

#[test]
fn canary_secrets_are_nowhere() {
    let bank = Bank::new(&["admin"]);
    let mut host = Host::on(bank, cashpoint().env("RUST_LOG", "trace").env("RUST_BACKTRACE", "1"));
    let made = live(&host);
    let given = [
        PAN,
        OTHER_PAN,
        PIN,
        WRONG_PIN,
        NEW_PIN,
        PASSWORD,
        NEW_PASSWORD,
        WRONG_PASSWORD,
        EMAIL,
        STAFF_EMAIL,
        PHONE,
        ADDRESS,
        STAFF_PASSWORD,
        "secret-canary",
        "Canary Wharf",
        "canary-PASSWORD",
    ];
    let secrets: Vec<&str> = given.into_iter().chain(made.iter().map(String::as_str)).collect();

    // The write-ahead log is looked at as a crash leaves it, then the whole as a graceful end does.
    for end in ["kill", "terminate"] {
        if end == "kill" {
            host.process().kill();
        } else {
            host.process().terminate();
            host.process().wait(START).expect("it ends");
        }
        let log = host.process().stderr();
        if end == "kill" {
            let requests = log.lines().filter(|line| line.contains("/api/")).count();
            assert!(requests > 10, "the log should say something of requests at trace level:\n{log}");
        }
        let mut places = files(host.bank().folder());
        assert!(places.iter().any(|(name, _)| name.ends_with("bank.db")), "the database is among what is searched");
        places.push(("the log".to_owned(), log.into_bytes()));
        for (name, bytes) in &places {
            for secret in &secrets {
                let found = spellings(secret).iter().any(|spelling| contains(bytes, spelling));
                assert!(!found, "{secret:?} stands in {name}");
            }
        }
        if end == "kill" {
            host = host.restart(cashpoint().env("RUST_LOG", "trace"));
        }
    }
}

#[test]
fn canary_search_finds_what_is_there() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("deep")).unwrap();
    let mut file = std::fs::File::create(folder.path().join("deep/file")).unwrap();
    file.write_all(&[b"..".as_slice(), &spellings(PAN)[2], b".."].concat()).unwrap();
    let found = files(folder.path());
    assert!(found.iter().any(|(_, bytes)| spellings(PAN).iter().any(|spelling| contains(bytes, spelling))));
    assert!(!found.iter().any(|(_, bytes)| spellings(PIN).iter().any(|spelling| contains(bytes, spelling))));
}
