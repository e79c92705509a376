//! The terminals of `cashpoint demo`: a person's whole way at one, `kill -9`, and the same machine again.

use std::path::Path;
use std::time::Duration;

use crate::support::control::Control;
use crate::support::deadline::Deadline;
use crate::support::network::SETTLING;
use crate::support::process::{Process, cashpoint, verify_is_clean};
use crate::support::{Demo, Json};

const JOHN: (&str, &str) = ("4532123456789012", "1234");

/// Twice what the interface promises: the machine may be busy.
const ENDING: Duration = Duration::from_secs(20);

/// The machine at the host, when none of its money is on the way any more.
#[track_caller]
fn settled(demo: &Demo, machine: &str) -> Json {
    let staff = demo.staff();
    let read = || staff.ask("GET", &format!("/api/atms/{machine}")).send().json();
    let settled = Deadline::after(SETTLING).wait(|| {
        let now = read();
        (now.member("in_flight").cents() == 0).then_some(now)
    });
    settled.unwrap_or_else(|| panic!("money stays on the way: {:?}", read()))
}

/// What the host believes of a machine's cassettes is what is in them.
#[track_caller]
fn agrees(demo: &Demo, control: &Control, machine: &str) {
    let believed = settled(demo, machine);
    let count = |cassette: &Json| cassette.member("count").to_string().parse().unwrap();
    let believed: Vec<_> = believed
        .member("cassettes")
        .list()
        .iter()
        .map(|cassette| (cassette.member("denomination").cents(), count(cassette)))
        .collect();
    assert_eq!(believed, control.cassettes());
}

/// Amounts of John's withdrawals at this machine, newest first, and his balance.
fn john(demo: &Demo, machine: &str) -> (Vec<i64>, i64) {
    let body = r#"{"email":"john.doe@example.com","password":"sandbox-john"}"#;
    let session = demo.post("/api/sessions").json(body).send().json();
    let token = session.member("token").text().to_owned();
    let account = session.member("accounts").list()[0].member("account_id").text().to_owned();
    let read = |what: &str| demo.get(&format!("/api/accounts/{account}/{what}")).bearer(&token).send().json();
    let here = read("transactions?type=withdrawal");
    let here = here.member("transactions").list().iter().filter(|entry| entry.member("atm_id").text() == machine);
    let amounts = here.map(|entry| entry.member("amount").cents()).collect();
    (amounts, read("balance").member("balance").cents())
}

#[test]
fn a_person_gets_cash_at_a_terminal_also_after_kill_nine() {
    let folder = tempfile::tempdir().unwrap();
    let mut demo = Demo::start_in(folder.path());
    let control = Control::of_demo(demo.process(), "ATM901");
    control.withdraw(JOHN.0, JOHN.1, "80");
    agrees(&demo, &control, "ATM901");
    assert_eq!(john(&demo, "ATM901"), (vec![80_00], 1420_00));
    let ready = format!("ready {}\n", demo.url());
    assert_eq!(demo.process().rest_of_stdout(), ready, "one line and no more");
    demo.process().kill();

    let mut demo = Demo::start_in(folder.path());
    let control = Control::of_demo(demo.process(), "ATM901");
    control.withdraw(JOHN.0, JOHN.1, "40");
    agrees(&demo, &control, "ATM901");
    assert_eq!(john(&demo, "ATM901"), (vec![40_00, 80_00], 1380_00));
    demo.terminate();
    let status = demo.process().wait(ENDING).unwrap_or_else(|| panic!("it goes on:\n{}", demo.process().stderr()));
    assert!(status.success(), "{status}");
    verify_is_clean(&folder.path().join("bank.db"));
}

/// Both terminals serve: they are enrolled, and their pads have the bank's key, which only their own keys open.
#[track_caller]
fn serve(demo: &mut Demo) {
    for machine in ["ATM901", "ATM902"] {
        let control = Control::of_demo(demo.process(), machine);
        control.wait_for("card");
        let loaded = Deadline::after(SETTLING).wait(|| (control.state()["pin_key_loaded"] == true).then_some(()));
        assert!(loaded.is_some(), "{machine} has no PIN key");
    }
}

fn left_over(folder: &Path) -> Vec<String> {
    let files = ["ATM901", "ATM902"]
        .map(|id| [format!("devices/{id}/state.keys.toml"), format!("terminals/{id}/keys.enrolling")]);
    files.into_iter().flatten().filter(|file| folder.join(file).exists()).collect()
}

#[test]
fn a_first_start_that_was_killed_is_taken_up() {
    for moment in [
        "devices/ATM901/state.keys.toml",
        "a terminal is enrolled terminal=ATM901",
        "devices/ATM902/state.keys.toml",
        "a terminal is enrolled terminal=ATM902",
        "terminal=ATM901 control=",
    ] {
        let folder = tempfile::tempdir().unwrap();
        let mut first =
            Process::spawn(cashpoint().args(["demo", "--listen", "127.0.0.1:0", "--data"]).arg(folder.path()));
        first.logged(moment);
        first.kill();
        let mut demo = Demo::start_in(folder.path());
        serve(&mut demo);
        assert_eq!(left_over(folder.path()), [""; 0], "killed at {moment}");
        drop(demo);
        verify_is_clean(&folder.path().join("bank.db"));
    }
}

#[test]
fn its_screens_are_pages_that_no_other_page_can_press() {
    let demo = Demo::start();
    let landing = demo.get("/").send();
    assert_eq!(landing.status(), 200, "{landing}");
    for machine in ["ATM901", "ATM902"] {
        let path = format!("/terminals/{machine}/screen");
        for path in [&path, &format!("/terminals/{machine}/panel")] {
            assert!(landing.text().contains(&format!("<a href=\"{path}\">")), "{landing}");
        }
        let page = demo.get(&path).send();
        assert_eq!(page.status(), 200, "{page}");
        assert!(page.text().contains(&format!("Machine {machine}")), "{page}");
        assert_eq!(demo.get(&format!("/terminals/{machine}")).send().status(), 303);
        let press = demo.post(&format!("/terminals/{machine}/press")).header("Origin", "http://evil.example");
        assert_eq!(press.send().status(), 403);
    }
}
