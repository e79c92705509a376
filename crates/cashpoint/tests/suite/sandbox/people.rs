//! The people and machines that a sandbox begins with.

use crate::support::Demo;

#[test]
fn it_has_people_with_cards_at_their_machines() {
    let demo = Demo::start();
    for (name, card, pin, machine, balance) in [
        ("John Doe", "4532123456789012", "1234", "ATM001", "1500.00"),
        ("Jane Smith", "4532111111111111", "5678", "ATM002", "2000.00"),
        ("Bob Johnson", "4532222222222222", "9999", "ATM003", "200.00"),
        ("Alice Brown", "4532333333333333", "1111", "ATM004", "3000.00"),
        ("Charlie Davis", "4532444444444444", "2222", "ATM005", "1000.00"),
        ("Dana Reed", "4539578763621486", "4321", "ATM123", "800.00"),
    ] {
        let body = format!(r#"{{"card_number":"{card}","pin":"{pin}","atm_id":"{machine}"}}"#);
        let session = demo.post("/api/sessions").json(body).expect(201, r#""<object>""#);
        assert_eq!(session.at("/customer/name").text(), name);
        let primary = session.at("/accounts/0");
        assert_eq!(
            (primary.member("type").text(), primary.member("primary").to_string().as_str()),
            ("savings", "true"),
            "{name}"
        );
        let (account, token) = (primary.member("account_id").text(), session.member("token").text());
        let balance_of = |account: &str, balance: &str| {
            let pattern =
                format!(r#"{{"account_id":"{account}","balance":{balance},"currency":"USD","as_of":"<time>"}}"#);
            demo.get(&format!("/api/accounts/{account}/balance")).bearer(token).expect(200, &pattern);
        };
        balance_of(account, balance);
        if name == "Dana Reed" {
            let second = session.at("/accounts/1");
            assert_eq!(second.member("type").text(), "checking");
            balance_of(second.member("account_id").text(), "50.00");
        } else {
            assert_eq!(session.member("accounts").list().len(), 1, "{name}");
        }
    }
}

#[test]
fn it_has_machines_that_hold_ten_thousand_each() {
    let demo = Demo::start();
    let listed = demo.staff().ask("GET", "/api/atms").send().json();
    for (id, location) in [
        ("ATM001", "Main Street"),
        ("ATM002", "Downtown"),
        ("ATM003", "Uptown"),
        ("ATM004", "Airport"),
        ("ATM005", "Mall"),
        ("ATM123", "Head Office"),
    ] {
        let machine = listed.member("atms").list().iter().find(|machine| machine.member("atm_id").text() == id);
        let machine = machine.unwrap_or_else(|| panic!("there is no {id}"));
        let pattern = format!(
            r#"{{"atm_id":"{id}","location":"{location}","kind":"api","status":"active","currency":"USD","cash":10000.00,"in_flight":0.00,"deposit_bin":0.00,"cassettes":[{{"denomination":50.00,"count":100}},{{"denomination":20.00,"count":200}},{{"denomination":10.00,"count":100}}],"last_seen":"<time|null>"}}"#
        );
        let differences = machine.differences(&crate::support::Json::parse(&pattern).unwrap());
        assert!(differences.is_empty(), "{differences:?}");
    }
}

#[test]
fn it_keeps_what_was_played_between_runs() {
    let folder = tempfile::tempdir().unwrap();
    let demo = Demo::start_in(folder.path());
    assert_eq!(demo.post("/accounts/10001/withdraw").json(r#"{"amount":1}"#).send().status(), 200);
    for file in ["bank.db", "keys.toml"] {
        assert!(folder.path().join(file).is_file(), "{file}");
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(folder.path().join("keys.toml")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    drop(demo);
    let again = Demo::start_in(folder.path());
    assert!(again.get("/accounts/10001/balance").send().text().contains("999.00"));
}
