//! `cashpoint terminal`: starts with its devices and its host away, ends when it is told to, and keeps its journal to itself.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::support::Host;
use crate::support::cable::{Cable, Line};
use crate::support::machine::lasting_port;
use crate::support::process::{Process, cashpoint, finish, told, verify_is_clean};

/// Twice what the help page promises: the machine may be busy.
const ENDING: Duration = Duration::from_secs(20);

/// What enrolment leaves: keys of a terminal whose host answers at no port.
fn keys(folder: &Path) -> PathBuf {
    let path = folder.join("keys.toml");
    // The host's key is that of RFC 8032, test 1: it has to be a point of the curve.
    let host_key = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";
    let key = |byte: &str| byte.repeat(32);
    let text = format!(
        "terminal = \"ATM901\"\nhost = \"http://127.0.0.1:{}\"\nhost_key = \"{host_key}\"\nsigning_key = \"{}\"\n\
         chain_key = \"{}\"\ncard_key = \"{}\"\n",
        lasting_port(),
        key("02"),
        key("03"),
        key("04")
    );
    std::fs::write(&path, text).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    path
}

fn terminal(folder: &Path) -> Command {
    let mut command = cashpoint();
    let devices = format!("ws://127.0.0.1:{}/xfs4iot/v1.0", lasting_port());
    command.args(["terminal", "--devices", &devices, "--keys"]).arg(folder.join("keys.toml"));
    command.arg("--journal").arg(folder.join("journal.db"));
    command
}

#[test]
fn it_starts_alone_and_ends_when_told() {
    let folder = tempfile::tempdir().unwrap();
    keys(folder.path());
    for _ in 0..2 {
        let mut running = Process::spawn(&mut terminal(folder.path()));
        assert_eq!(running.ready(), "ready");
        // The journal is in use, and a second process says so and does not start.
        let (code, out, error) = told(&finish(&mut terminal(folder.path())));
        assert_eq!((code, out.as_str()), (3, ""), "{error}");
        assert!(error.contains("in use"), "{error}");
        running.terminate();
        let status = running.wait(ENDING).unwrap_or_else(|| panic!("it goes on:\n{}", running.stderr()));
        assert!(status.success(), "{status}\n{}", running.stderr());
        for secret in ["0202", "0303", "0404"] {
            assert!(!running.stderr().contains(secret), "a key is in the log:\n{}", running.stderr());
        }
    }
}

#[test]
fn it_takes_its_settings_in_layers() {
    let folder = tempfile::tempdir().unwrap();
    let keys = keys(folder.path());
    let config = folder.path().join("terminal.toml");
    let with = |text: &str| std::fs::write(&config, text).unwrap();
    let run = |variable: Option<(&str, &str)>, flags: &[&str]| {
        let mut command = cashpoint();
        command.args(["terminal", "--config"]).arg(&config).args(flags).envs(variable);
        told(&finish(&mut command))
    };
    // Each layer names another machine, which is refused by its name.
    with(&format!("keys = {keys:?}\nid = \"FILE1\"\n"));
    for (variable, flags, named) in [
        (None, &[][..], "FILE1"),
        (Some(("CASHPOINT_TERMINAL_ID", "VARIABLE1")), &[], "VARIABLE1"),
        (Some(("CASHPOINT_TERMINAL_ID", "VARIABLE1")), &["--id", "FLAG1"], "FLAG1"),
    ] {
        let (code, _, error) = run(variable, flags);
        assert_eq!(code, 2, "{error}");
        assert!(error.contains(named) && error.contains("ATM901"), "{named}: {error}");
    }
    with("keyz = \"x\"\n");
    let (code, _, error) = run(None, &[]);
    assert!(code == 2 && error.contains("keyz"), "{code}: {error}");
    with("keys = \"/nowhere/keys.toml\"\n");
    let (code, _, error) = run(None, &[]);
    assert!(code == 3 && error.contains("/nowhere/keys.toml"), "{code}: {error}");
    // Variables of a terminal are none of the host's business.
    let (code, _, error) =
        told(&finish(cashpoint().args(["host", "--database", "mysql://x"]).env("CASHPOINT_TERMINAL_ID", "ATM901")));
    assert!(code == 2 && error.contains("mysql"), "{code}: {error}");
}

#[test]
fn an_enrolment_that_fails_leaves_no_keys_and_overwrites_none() {
    let folder = tempfile::tempdir().unwrap();
    let there = keys(folder.path());
    let before = std::fs::read(&there).unwrap();
    let host = format!("http://127.0.0.1:{}", lasting_port());
    let enrol = |file: &Path| {
        let mut command = cashpoint();
        command.args(["terminal", "enrol", "--host", &host, "--id", "ATM901"]);
        command.args(["--code", "AAAAA-AAAAA-AAAAA-AAAAA-AAAAA-A", "--keys"]).arg(file);
        told(&finish(&mut command))
    };
    let (code, out, error) = enrol(&there);
    assert_eq!((code, out.as_str()), (2, ""), "{error}");
    assert_eq!(std::fs::read(&there).unwrap(), before);
    let new = folder.path().join("new.toml");
    let (code, _, error) = enrol(&new);
    assert_eq!(code, 3, "{error}");
    assert!(!new.exists() && error.contains("does not answer"), "{error}");
    let (code, _, error) = enrol(&folder.path().join("nowhere/keys.toml"));
    assert!(code == 3 && error.contains("nowhere"), "{code}: {error}");
}

#[test]
fn an_enrolment_whose_answer_was_lost_is_asked_for_again_and_a_lost_machine_gets_a_new_code() {
    let host = Host::start(&["admin", "custodian"]);
    let machine = r#"{"atm_id":"ATM901","location":"Hall","kind":"terminal","cassettes":[{"denomination":50,"currency":"USD","count":100}]}"#;
    let made = host.staff("admin").ask("POST", "/api/atms").key("k1").json(machine).send().json();
    let folder = tempfile::tempdir().unwrap();
    let cable = Cable::to(host.address());
    let enrol = |code: &str, file: &str| {
        let mut command = cashpoint();
        command.args(["terminal", "enrol", "--host", &cable.url(), "--id", "ATM901", "--code", code, "--keys"]);
        command.arg(folder.path().join(file));
        command
    };
    let first = made.member("enrolment_code").text();
    cable.set(Line::AnswersLost);
    let mut lost = Process::spawn(&mut enrol(first, "keys.toml"));
    host.logged("a terminal is enrolled");
    cable.set(Line::Refused);
    assert_eq!(lost.wait(ENDING).and_then(|status| status.code()), Some(3), "{}", lost.stderr());
    assert!(!folder.path().join("keys.toml").exists() && folder.path().join("keys.enrolling").exists());
    cable.set(Line::Up);
    let (status, _, error) = told(&finish(&mut enrol(first, "keys.toml")));
    assert_eq!(status, 0, "{error}");
    assert!(folder.path().join("keys.toml").exists() && !folder.path().join("keys.enrolling").exists());

    let codes = "/api/atms/ATM901/enrolment-codes";
    host.staff("custodian").ask("POST", codes).refused(403, "forbidden", "");
    let issued = host.staff("admin").ask("POST", codes).expect(201, r#"{"atm_id":"ATM901","enrolment_code":"<text>"}"#);
    let (status, _, error) = told(&finish(&mut enrol(issued.member("enrolment_code").text(), "second.toml")));
    assert_eq!(status, 0, "{error}");
    let (status, _, _) = told(&finish(&mut enrol(first, "third.toml")));
    assert_eq!(status, 1, "the first code serves nobody any more");
    verify_is_clean(&host.bank().database());
}

#[test]
fn it_is_enrolled_once_and_then_runs_under_its_name() {
    let host = Host::start(&["admin"]);
    let machine = r#"{"atm_id":"ATM901","location":"Hall","kind":"terminal","cassettes":[{"denomination":50,"currency":"USD","count":100}]}"#;
    let made = host.staff("admin").ask("POST", "/api/atms").key("k1").json(machine).send();
    assert_eq!(made.status(), 201);
    let made = made.json();
    let code = made.member("enrolment_code").text();
    let folder = tempfile::tempdir().unwrap();
    let enrol = |file: &str| {
        let mut command = cashpoint();
        command.args(["terminal", "enrol", "--host", &host.url(), "--id", "ATM901", "--code", code, "--keys"]);
        told(&finish(command.arg(folder.path().join(file))))
    };
    let (status, out, error) = enrol("keys.toml");
    assert_eq!(status, 0, "{error}");
    assert!(out.starts_with("ATM901 is enrolled at http://") && !out.contains(code), "{out}");
    let mode = std::fs::metadata(folder.path().join("keys.toml")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let (status, out, error) = enrol("second.toml");
    assert_eq!((status, out.as_str()), (1, ""), "{error}");
    assert!(error.contains("refuses") && !folder.path().join("second.toml").exists(), "{error}");
    let mut running = Process::spawn(terminal(folder.path()).args(["--id", "ATM901"]));
    assert_eq!(running.ready(), "ready");
    running.terminate();
    assert!(running.wait(ENDING).is_some_and(|status| status.success()), "{}", running.stderr());
}
