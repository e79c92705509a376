//! `cashpoint verify --journal … --devices …`: clean after real use, and it finds and names what was changed in the field.

use std::path::Path;
use std::time::Duration;

use serde_json::Value;

use crate::support::machine::{FILLED, Machine, Motion};
use crate::support::network::{Network, Wiring};
use crate::support::person::{Person, Wish, visit};
use crate::support::process::{cashpoint, finish, told};
use crate::support::run;

const VISIT: Duration = Duration::from_secs(60);

/// A bank with a machine at which somebody got cash and somebody paid in; nothing runs any more.
fn used() -> Network {
    let mut network = Network::start(1, Wiring::Direct, Motion(0));
    let holder = network.holder(1_000);
    for wish in [Wish::Cash(130), Wish::Deposit(3), Wish::Cash(20)] {
        assert!(visit(&mut network.machines[0], Person::new(&holder, wish), VISIT, |_| {}), "{wish:?}");
        network.settled(&network.machines[0], std::slice::from_ref(&holder), FILLED);
    }
    let (code, told) = network.verified(&[]);
    assert_eq!(code, 0, "{told}");
    for line in ["journals", "machine_notes", "everything agrees"] {
        assert!(told.contains(line), "{line}: {told}");
    }
    assert!(!told.contains("mirror"), "every machine was looked into: {told}");
    network
}

/// Runs it on the files in this folder: exit code, and the report.
fn verify(folder: &Path, machine: &Machine) -> (i32, Value) {
    let file = |path: &Path| folder.join(path.file_name().unwrap());
    let mut command = cashpoint();
    command.args(["verify", "--json", "--database", &format!("sqlite:{}", folder.join("bank.db").display())]);
    command.arg("--journal").arg(file(&machine.journal())).arg("--devices").arg(file(&machine.state_file()));
    let (code, out, error) = told(&finish(&mut command));
    (code, serde_json::from_str(&out).unwrap_or_else(|_| panic!("{out}\n{error}")))
}

/// Changes a database behind everybody's back.
fn execute(database: &Path, sql: &str) {
    let raw = rusqlite::Connection::open(database).unwrap();
    raw.execute_batch("PRAGMA foreign_keys = OFF; PRAGMA ignore_check_constraints = ON").unwrap();
    assert!(raw.execute(sql, []).unwrap() > 0, "{sql}");
}

/// Takes a note out of the first cassette of a state, and with `entered` makes it never have been there.
fn take_note(state: &Path, entered: bool) {
    let mut machine: Value = serde_json::from_str(&std::fs::read_to_string(state).unwrap()).unwrap();
    let less = |count: &mut Value| *count = Value::from(count.as_u64().unwrap() - 1);
    let places = machine["census"]["places"].as_array_mut().unwrap();
    let cassette = places.iter_mut().find(|place| place[0]["cassette"] == 0).unwrap();
    less(&mut cassette[1][0][1]);
    if entered {
        less(&mut machine["census"]["entered"][0][1]);
    }
    std::fs::write(state, machine.to_string()).unwrap();
}

/// A check that must object, some of its words, and what was done to a copy of the files.
type Edit<'a> = (&'a str, &'a str, &'a dyn Fn(&Path));

#[test]
fn it_finds_what_was_changed_in_journals_machines_and_ledger() {
    let network = used();
    let machine = &network.machines[0];
    let more = "UPDATE transfers SET amount = amount + 100 WHERE id = (SELECT max(id) FROM transfers)";
    let edits: [Edit<'_>; 8] = [
        ("journals", "entry 2 was", &|folder| {
            execute(&folder.join("ATM901.db"), "UPDATE records SET at = at + 1 WHERE n = 2");
        }),
        ("journals", "entry 4 was", &|folder| {
            let sql = "UPDATE records SET body = CAST(replace(CAST(body AS TEXT), '0', '1') AS BLOB) WHERE n = 4";
            execute(&folder.join("ATM901.db"), sql);
        }),
        ("journals", "entries are missing", &|folder| {
            execute(&folder.join("ATM901.db"), "DELETE FROM records WHERE n = 3");
        }),
        ("journals", "ends at entry 3", &|folder| {
            execute(&folder.join("ATM901.db"), "DELETE FROM records WHERE n > 3");
        }),
        ("machine_notes", "a note lies nowhere", &|folder| take_note(&folder.join("ATM901.devices.json"), false)),
        ("machine_notes", "lie in it, expected", &|folder| take_note(&folder.join("ATM901.devices.json"), true)),
        ("machine_notes", "lie in it, expected", &|folder| execute(&folder.join("bank.db"), more)),
        ("journals", "the host knows nothing of it", &|folder| {
            execute(&folder.join("bank.db"), "DELETE FROM requests WHERE n = (SELECT max(n) FROM requests)");
        }),
    ];
    for (check, what, edit) in edits {
        let copy = tempfile::tempdir().unwrap();
        for file in std::fs::read_dir(network.bank.folder()).unwrap() {
            let file = file.unwrap().path();
            std::fs::copy(&file, copy.path().join(file.file_name().unwrap())).unwrap();
        }
        edit(copy.path());
        let (code, report) = verify(copy.path(), machine);
        let differences = report["differences"].as_array().unwrap();
        let found = |found: &&Value| found["check"] == check && found["what"].as_str().unwrap().contains(what);
        assert_eq!(code, 1, "{check}: {what}: {report}");
        assert!(differences.iter().any(|difference| found(&difference)), "{check}: {what}: {differences:?}");
    }
}

#[test]
fn it_says_what_it_needs() {
    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("bank.db");
    let url = format!("sqlite:{}", database.display());
    drop(crate::support::Demo::start_in(folder.path()));
    let journal = folder.path().join("atm/terminal.db");
    let journal = journal.to_str().unwrap();
    let (code, _, error) = told(&run(&["verify", "--database", &url, "--devices", "x.json"]));
    assert!(code == 2 && error.contains("--journal"), "{code} {error}");
    let (code, _, error) = told(&run(&["verify", "--database", &url, "--journal", journal]));
    assert!(code == 3 && error.contains("terminal.keys.toml"), "{code} {error}");
    let (code, out, _) = told(&run(&["verify", "--database", &url]));
    assert!(code == 0 && out.contains("against the host's mirror"), "{code} {out}");
}
