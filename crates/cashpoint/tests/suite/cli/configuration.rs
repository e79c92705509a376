//! A TOML file, over it `CASHPOINT_*` variables, over them flags; `PORT` for the demo.

use std::path::Path;

use crate::support::machine::lasting_port;
use crate::support::process::{Process, START, address, cashpoint, finish, told};
use crate::support::{Demo, Site};

/// A file whose host would serve on `listen`.
fn file(folder: &Path, listen: u16, operations: u16) -> std::path::PathBuf {
    let path = folder.join("host.toml");
    let database = folder.join("file.db");
    let text = format!(
        "listen = \"127.0.0.1:{listen}\"\noperations = \"127.0.0.1:{operations}\"\ndatabase = \"sqlite:{}\"\n",
        database.display()
    );
    std::fs::write(&path, text).unwrap();
    path
}

#[test]
fn it_lets_variables_win_over_the_file_and_flags_over_both() {
    let folder = tempfile::tempdir().unwrap();
    let (in_file, in_variable, in_flag, operations) = (lasting_port(), lasting_port(), lasting_port(), lasting_port());
    let file = file(folder.path(), in_file, operations);
    let served = |variable: bool, flag: bool| {
        let mut command = cashpoint();
        command.args(["host", "--config"]).arg(&file);
        if variable {
            command.env("CASHPOINT_LISTEN", format!("127.0.0.1:{in_variable}"));
            command.env("CASHPOINT_DATABASE", format!("sqlite:{}", folder.path().join("variable.db").display()));
        }
        if flag {
            command.args(["--listen", &format!("127.0.0.1:{in_flag}")]);
        }
        let mut process = Process::spawn(&mut command);
        let address = address(&process.ready());
        assert_eq!(Site::new(([127, 0, 0, 1], operations).into()).get("/health/live").send().status(), 200);
        address.port()
    };
    assert_eq!(served(false, false), in_file);
    assert!(folder.path().join("file.db").is_file());
    assert_eq!(served(true, false), in_variable);
    assert!(folder.path().join("variable.db").is_file());
    assert_eq!(served(true, true), in_flag);
    assert_eq!(served(false, true), in_flag);
}

#[test]
fn it_refuses_keys_that_it_does_not_know() {
    let folder = tempfile::tempdir().unwrap();
    let good = file(folder.path(), 0, 0);
    let text = std::fs::read_to_string(&good).unwrap();
    for (more, named) in [
        ("listen = \"127.0.0.1:0\"\n", "listen"),
        ("sandbox = \"perhaps\"\n", "sandbox"),
        ("[tls]\ncert = \"x\"\n", "tls"),
        ("listen", ""),
    ] {
        let path = folder.path().join("bad.toml");
        std::fs::write(&path, format!("{text}{more}")).unwrap();
        let (code, _, error) = told(&finish(cashpoint().args(["host", "--config"]).arg(&path)));
        assert_eq!(code, 2, "{more}: {error}");
        assert!(error.contains(named), "it should name {named}:\n{error}");
    }
    for (name, value) in [("CASHPOINT_LISTEM", "127.0.0.1:0"), ("CASHPOINT_LISTEN", "somewhere")] {
        let (code, _, error) = told(&finish(cashpoint().args(["host", "--config"]).arg(&good).env(name, value)));
        assert_eq!(code, 2, "{name}={value}: {error}");
        assert!(error.to_lowercase().contains("liste"), "{error}");
    }
    let missing = folder.path().join("missing.toml");
    let (code, _, error) = told(&finish(cashpoint().args(["host", "--config"]).arg(&missing)));
    assert!(matches!(code, 2 | 3), "{error}");
    assert!(error.contains("missing.toml"), "{error}");
}

#[test]
fn it_honours_port_in_a_demo() {
    let port = lasting_port();
    let folder = tempfile::tempdir().unwrap();
    let mut process =
        Process::spawn(cashpoint().args(["demo", "--data"]).arg(folder.path()).env("PORT", port.to_string()));
    assert_eq!(process.ready(), format!("ready http://127.0.0.1:{port}"));
    drop(process);
    // The flag is nearer than the variable.
    let demo = Demo::with(cashpoint().args(["demo", "--data"]).arg(folder.path()).env("PORT", "1"));
    assert_ne!(demo.address().port(), 1);
    let (code, _, error) = told(&finish(cashpoint().args(["demo", "--data"]).arg(folder.path()).env("PORT", "many")));
    assert_eq!(code, 2, "{error}");
}

#[test]
fn it_leaves_nothing_of_a_temporary_demo() {
    let folder = tempfile::tempdir().unwrap();
    let mut demo = Demo::with(cashpoint().args(["demo", "--data", ":temp:"]).env("TMPDIR", folder.path()));
    let inside = || std::fs::read_dir(folder.path()).unwrap().count();
    assert_eq!(inside(), 1);
    demo.terminate();
    demo.process().wait(START).expect("it ends");
    assert_eq!(inside(), 0);
}
