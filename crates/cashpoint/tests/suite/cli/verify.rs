//! `cashpoint verify`: clean after everything, and it finds every raw edit.

use std::path::Path;

use crate::support::process::{told, verify_is_clean};
use crate::support::{Demo, Online, run};

/// A sandbox in which something of everything has happened.
fn lived_in(folder: &Path) {
    let demo = Demo::start_in(folder);
    let staff = demo.staff();
    let visit = staff.visit("checking", "100.00");
    let other = Online::with(&demo, "savings", "50.00");
    for answer in [
        visit.withdraw(&demo, "90").send(),
        visit.withdraw(&demo, "40").send(),
        visit.deposit(&demo, "500").send(),
        other.transfer(&demo, &visit.account, "5.00").send(),
        demo.post("/accounts/10001/withdraw").json(r#"{"amount":1}"#).send(),
    ] {
        assert!(matches!(answer.status(), 200 | 201), "{answer}");
    }
    let _ = other.withdraw(&demo, "400.00").send();
}

fn copy(from: &Path, to: &Path) {
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            std::fs::copy(&path, to.join(path.file_name().unwrap())).unwrap();
        }
    }
}

#[test]
fn it_finds_an_edited_balance_or_amount() {
    let folder = tempfile::tempdir().unwrap();
    lived_in(folder.path());
    verify_is_clean(&folder.path().join("bank.db"));
    for edit in [
        "UPDATE accounts SET credits = credits + 1 WHERE id = (SELECT max(id) FROM accounts)",
        "UPDATE accounts SET debits = debits + 1 WHERE id = (SELECT max(id) FROM accounts)",
        "UPDATE accounts SET credits = credits + 1, debits = debits + 1 WHERE id = (SELECT max(id) FROM accounts)",
        "UPDATE transfers SET amount = amount + 1 WHERE id = (SELECT max(id) FROM transfers)",
        "UPDATE transfers SET amount = amount + 100 WHERE id = (SELECT min(id) FROM transfers)",
        "DELETE FROM transfers WHERE id = (SELECT max(id) FROM transfers)",
        "DELETE FROM accounts WHERE id = (SELECT max(id) FROM accounts)",
    ] {
        let copied = tempfile::tempdir().unwrap();
        copy(folder.path(), copied.path());
        let database = copied.path().join("bank.db");
        let raw = rusqlite::Connection::open(&database).unwrap();
        raw.execute_batch("PRAGMA foreign_keys = OFF; PRAGMA ignore_check_constraints = ON").unwrap();
        assert_eq!(raw.execute(edit, []).unwrap(), 1, "{edit}");
        drop(raw);
        let url = format!("sqlite:{}", database.display());
        let (code, out, error) = told(&run(&["verify", "--database", &url]));
        assert_eq!(code, 1, "{edit}\n{out}\n{error}");
        let (code, out, _) = told(&run(&["verify", "--database", &url, "--json"]));
        assert_eq!(code, 1, "{edit}");
        assert!(serde_json::from_str::<serde_json::Value>(&out).is_ok(), "{out}");
    }
}

#[test]
fn it_may_look_while_a_host_runs() {
    let folder = tempfile::tempdir().unwrap();
    let demo = Demo::start_in(folder.path());
    let online = Online::sign_up(&demo, "savings");
    let done = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while !done.load(std::sync::atomic::Ordering::Relaxed) {
                    assert_eq!(online.deposit(&demo, "0.01").send().status(), 201);
                }
            });
        }
        let looked = std::panic::catch_unwind(|| (0..3).for_each(|_| verify_is_clean(&folder.path().join("bank.db"))));
        done.store(true, std::sync::atomic::Ordering::Relaxed);
        if let Err(panic) = looked {
            std::panic::resume_unwind(panic);
        }
    });
    let (code, out, _) =
        told(&run(&["verify", "--json", "--database", &format!("sqlite:{}", folder.path().join("bank.db").display())]));
    assert_eq!(code, 0, "{out}");
    assert!(serde_json::from_str::<serde_json::Value>(&out).is_ok(), "{out}");
}
