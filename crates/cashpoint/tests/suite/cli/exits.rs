//! Exit codes: 0 ok, 1 the answer is no, 2 usage, 3 the world failed, with one clear line on stderr.

use std::net::TcpListener;
use std::process::Command;
use std::time::Duration;

use crate::support::machine::lasting_port;
use crate::support::process::{Bank, Process, STAFF_PASSWORD, address, cashpoint, finish, told};
use crate::support::{Demo, Host, Online, Site};

/// What is promised is ten seconds, eight of which it may wait for who is still sending: a busy machine gets as long again.
const ENDS_WITHIN: Duration = Duration::from_secs(20);

/// An enrolment code that no host has given out.
const CODE: &str = "AAAAA-AAAAA-AAAAA-AAAAA-AAAAA-A";

#[track_caller]
fn ends_with(code: i32, command: &mut Command) -> String {
    let (actual, out, error) = told(&finish(command));
    assert_eq!(actual, code, "{command:?}\n{out}\n{error}");
    assert!(!out.contains("ready "), "{command:?} got ready:\n{out}");
    assert!(
        !error.contains("panicked") && !error.is_empty(),
        "{command:?} should say in a clear line what is wrong:\n{error}"
    );
    error
}

fn host(bank: &Bank, more: &[&str]) -> Command {
    let mut command = cashpoint();
    let operations = format!("127.0.0.1:{}", lasting_port());
    command.args(["host", "--database", &bank.url(), "--operations", &operations]).args(more);
    if !more.contains(&"--listen") {
        command.args(["--listen", "127.0.0.1:0"]);
    }
    command
}

#[test]
fn it_ends_with_2_when_it_is_used_wrongly() {
    for arguments in [
        &[][..],
        &["fly"],
        &["demo", "--fly"],
        &["demo", "--listen", "nowhere"],
        &["tour", "--url"],
        &["operator"],
        &["operator", "add"],
        &["operator", "add", "a", "--role", "king", "--database", "sqlite:x.db"],
        &["verify"],
        &["migrate"],
        &["completions", "cmd"],
        &["host", "--listen", "localhost"],
        &["host", "--database", "mysql://x"],
        &["host", "--most-waiting", "0"],
        &["verify", "--database", "bank.db"],
        &["terminal", "--devices", "http://127.0.0.1:5846"],
        &[
            "terminal",
            "--devices",
            "ws://127.0.0.1:1/xfs4iot/v1.0",
            "--devices",
            "ws://127.0.0.1:1/xfs4iot/v1.0/Printer",
        ],
        &["terminal", "enrol", "--host", "http://127.0.0.1:1", "--code", "ABCD", "--id", "ATM901", "--keys", "k.toml"],
        &["terminal", "enrol", "--host", "http://127.0.0.1:1", "--code", CODE, "--id", "ATM 901", "--keys", "k.toml"],
        &["terminal", "enrol", "--host", "127.0.0.1:1", "--code", CODE, "--id", "ATM901", "--keys", "k.toml"],
        &["terminal", "--id", "ATM901", "enrol", "--host", "x", "--code", CODE, "--id", "ATM901", "--keys", "k.toml"],
    ] {
        ends_with(2, cashpoint().args(arguments));
    }
}

#[test]
fn it_ends_with_3_when_the_world_fails() {
    let taken = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let taken = taken.local_addr().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("demo");
    let error = ends_with(3, cashpoint().args(["demo", "--listen", &taken.to_string(), "--data"]).arg(&data));
    assert!(error.contains(&taken.port().to_string()), "it should name the port:\n{error}");
    ends_with(3, &mut host(&Bank::new(&[]), &["--listen", &taken.to_string()]));

    let text = folder.path().join("text.db");
    std::fs::write(&text, "this is no database, but it is long enough to be looked at ".repeat(100)).unwrap();
    let nowhere = folder.path().join("no/such/folder/bank.db");
    for path in [&text, &nowhere] {
        let url = format!("sqlite:{}", path.display());
        let error = ends_with(
            3,
            cashpoint().args(["host", "--listen", "127.0.0.1:0", "--operations", "127.0.0.1:0", "--database", &url]),
        );
        let near = path.parent().unwrap().display().to_string();
        assert!(error.contains(&near), "it should name the place:\n{error}");
        ends_with(3, cashpoint().args(["verify", "--database", &url]));
    }
    let missing = format!("sqlite:{}", folder.path().join("missing.db").display());
    ends_with(3, cashpoint().args(["verify", "--database", &missing]));
    assert!(!folder.path().join("missing.db").exists(), "verify makes no database");
    let nobody = format!("http://127.0.0.1:{}", lasting_port());
    ends_with(3, cashpoint().args(["tour", "--url", &nobody]));
}

#[test]
fn it_lets_one_host_have_a_database_whatever_the_seconds_flags() {
    let first = Host::start(&[]);
    let online = Online::sign_up(&first, "savings");
    for flags in [&[][..], &["--sandbox"], &["--listen", "0.0.0.0:0", "--behind-proxy", "10.0.0.0/8"]] {
        let error = ends_with(3, &mut host(first.bank(), flags));
        assert!(error.contains("bank.db"), "it should name the database:\n{error}");
    }
    ends_with(3, cashpoint().args(["operator", "add", "late", "--role", "clerk", "--database", &first.bank().url()]));
    assert_eq!(online.balance(&first), 0, "the first one goes on");

    let folder = tempfile::tempdir().unwrap();
    let _demo = Demo::start_in(folder.path());
    ends_with(3, cashpoint().args(["demo", "--listen", "127.0.0.1:0", "--data"]).arg(folder.path()));
    let url = format!("sqlite:{}", folder.path().join("bank.db").display());
    ends_with(
        3,
        cashpoint().args(["host", "--listen", "127.0.0.1:0", "--operations", "127.0.0.1:0", "--database", &url]),
    );
}

#[test]
fn it_takes_a_database_back_after_a_kill() {
    let mut first = Host::start(&["admin"]);
    first.process().kill();
    let mut second = Process::spawn(&mut host(first.bank(), &[]));
    address(&second.ready());
}

#[test]
fn it_ends_with_2_when_sandbox_and_bank_are_mixed_up() {
    let real = Bank::new(&["admin"]);
    ends_with(2, &mut host(&real, &["--sandbox"]));
    let folder = tempfile::tempdir().unwrap();
    drop(Demo::start_in(folder.path()));
    let url = format!("sqlite:{}", folder.path().join("bank.db").display());
    let with = |more: &[&str]| {
        let mut command = cashpoint();
        command.args(["host", "--listen", "127.0.0.1:0", "--operations", "127.0.0.1:0", "--database", &url]).args(more);
        command
    };
    ends_with(2, &mut with(&[]));
    let mut sandbox = Process::spawn(&mut with(&["--sandbox"]));
    let site = Site::new(address(&sandbox.ready()));
    assert_eq!(site.get("/accounts/10001/balance").send().status(), 200);
}

#[test]
fn it_does_not_listen_in_the_open_without_tls_or_a_proxy() {
    let bank = Bank::new(&[]);
    for open in ["0.0.0.0:0", "[::]:0"] {
        ends_with(2, &mut host(&bank, &["--listen", open]));
    }
    let mut behind = Process::spawn(&mut host(&bank, &["--listen", "0.0.0.0:0", "--behind-proxy", "10.0.0.0/8"]));
    let line = behind.ready();
    assert!(line.starts_with("ready http://0.0.0.0:"), "{line}");
    drop(behind);

    // A proxy makes no sandbox safe.
    let sandbox = Bank::new(&[]);
    ends_with(2, &mut host(&sandbox, &["--sandbox", "--listen", "0.0.0.0:0", "--behind-proxy", "10.0.0.0/8"]));

    let folder = tempfile::tempdir().unwrap();
    ends_with(2, cashpoint().args(["demo", "--listen", "0.0.0.0:0", "--data"]).arg(folder.path()));
    let mut exposed = Process::spawn(
        cashpoint().args(["demo", "--expose-sandbox", "--listen", "0.0.0.0:0", "--data"]).arg(folder.path()),
    );
    exposed.ready();
    exposed.logged("this sandbox can be reached from elsewhere");
}

#[test]
fn it_ends_with_0_when_it_is_asked_to_end() {
    let mut demo = Demo::start();
    let idle: Vec<_> = (0..50).map(|_| demo.line()).collect();
    let mut half = demo.line();
    half.write(b"POST /api/customers HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n").unwrap();
    let online = Online::with(&demo, "savings", "1.00");
    let mut kept = demo.line();
    online.deposit(&demo, "1.00").send_on(&mut kept).unwrap();
    demo.process().terminate();
    let status = demo.process().wait(ENDS_WITHIN).expect("it ends in time");
    assert_eq!(status.code(), Some(0), "{}", demo.process().stderr());
    drop((idle, half, kept));
    let said = demo.process().rest_of_stdout();
    assert_eq!(said.lines().count(), 1, "stdout is for the one line:\n{said}");
}

#[test]
fn it_answers_what_it_has_accepted_before_it_ends() {
    let folder = tempfile::tempdir().unwrap();
    let mut demo = Demo::start_in(folder.path());
    let online = Online::with(&demo, "savings", "1.00");
    let acknowledged = std::sync::atomic::AtomicI64::new(100);
    std::thread::scope(|scope| {
        let site: &Site = &demo;
        for _ in 0..4 {
            scope.spawn(|| {
                while let Ok(answer) = online.deposit(site, "0.01").try_send() {
                    match answer.status() {
                        201 => acknowledged.fetch_add(1, std::sync::atomic::Ordering::Relaxed),
                        503 => break,
                        _ => panic!("{answer}"),
                    };
                }
            });
        }
        while acknowledged.load(std::sync::atomic::Ordering::Relaxed) < 300 {
            std::thread::yield_now();
        }
        demo.terminate();
    });
    let status = demo.process().wait(ENDS_WITHIN).expect("it ends in time under load");
    assert_eq!(status.code(), Some(0));
    let again = Demo::start_in(folder.path());
    // A graceful end answers everything that it did, so the clients know the balance to the cent.
    assert_eq!(online.balance(&again), acknowledged.into_inner());
}

#[test]
fn it_adds_operators_only_once_and_with_a_password() {
    let bank = Bank::new(&["admin"]);
    let folder = tempfile::tempdir().unwrap();
    let (good, short) = (folder.path().join("good"), folder.path().join("short"));
    std::fs::write(&good, format!("{STAFF_PASSWORD}\n")).unwrap();
    std::fs::write(&short, "short\n").unwrap();
    let add = |name: &str, file: &std::path::Path| {
        let mut command = cashpoint();
        command
            .args(["operator", "add", name, "--role", "clerk", "--database", &bank.url(), "--password-file"])
            .arg(file);
        command
    };
    ends_with(1, &mut add("admin", &good));
    ends_with(1, &mut add("other", &short));
    ends_with(3, &mut add("other", &folder.path().join("missing")));
    let (code, out, _) = told(&finish(&mut add("other", &good)));
    assert_eq!(code, 0);
    assert!(out.contains("other"), "{out}");
}

#[test]
fn it_migrates_what_is_there_and_makes_nothing() {
    let bank = Bank::new(&["admin"]);
    let (code, out, error) = told(&finish(cashpoint().args(["migrate", "--database", &bank.url()])));
    assert_eq!(code, 0, "{error}");
    assert!(out.contains("schema version"), "{out}");
    let missing = bank.folder().join("missing.db");
    ends_with(3, cashpoint().args(["migrate", "--database", &format!("sqlite:{}", missing.display())]));
    assert!(!missing.exists());
    let running = Host::start(&[]);
    ends_with(3, cashpoint().args(["migrate", "--database", &running.bank().url()]));
}
