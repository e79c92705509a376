//! `cashpoint copy`: a sandbox with traffic moves to a server; hosts there answer as the one before did.

use std::path::Path;
use std::process::{Command, Output};
use std::time::Duration;

use crate::support::cluster::{Cluster, Files};
use crate::support::deadline::Deadline;
use crate::support::machine::lasting_port;
use crate::support::process::{Process, address, cashpoint, finish_within, told, verify_is_clean};
use crate::support::{Answer, Ask, Demo, Online, Site};

/// Longest that copying a small bank may take on a busy machine.
pub(super) const WITHIN: Duration = Duration::from_secs(120);

pub(super) fn copy(folder: &Path, server: &Cluster) -> Command {
    let mut command = cashpoint();
    let from = format!("sqlite:{}", folder.join("bank.db").display());
    command.args(["copy", "--from", &from, "--to", &server.url("postgres")]);
    command
}

#[track_caller]
pub(super) fn copied(output: &Output) {
    let (code, out, error) = told(output);
    assert_eq!(code, 0, "{out}\n{error}");
    assert!(out.contains("both sides agree"), "{out}");
}

/// A host of the sandbox on the server.
pub(super) fn host(folder: &Path, server: &Cluster) -> (Process, Site) {
    let mut command = cashpoint();
    command.args(["host", "--sandbox", "--listen", "127.0.0.1:0", "--database", &server.url("postgres"), "--keys"]);
    command.arg(folder.join("keys.toml")).args(["--operations", &format!("127.0.0.1:{}", lasting_port())]);
    let mut process = Process::spawn(&mut command);
    let site = Site::new(address(&process.ready()));
    (process, site)
}

#[track_caller]
pub(super) fn verify_there(folder: &Path, server: &Cluster) {
    let mut command = cashpoint();
    command.args(["verify", "--database", &server.url("postgres"), "--keys"]).arg(folder.join("keys.toml"));
    let (code, out, error) = told(&finish_within(&mut command, WITHIN));
    assert_eq!(code, 0, "{out}\n{error}");
}

/// What somebody did before the move, and asks for again after it.
struct Before {
    visit: crate::support::Visit,
    online: Online,
}

impl Before {
    fn live(demo: &Demo) -> Self {
        let visit = demo.staff().visit("checking", "1000.00");
        let online = Online::with(demo, "savings", "500.00");
        for answer in [
            visit.deposit(demo, "200").send(),
            online.transfer(demo, &visit.account, "5.00").send(),
            online.withdraw(demo, "7.00").send(),
            demo.post("/accounts/10001/withdraw").json(r#"{"amount":1}"#).send(),
        ] {
            assert!(matches!(answer.status(), 200 | 201), "{answer}");
        }
        Self { visit, online }
    }

    /// Requests that are the same each time they are sent.
    fn keyed<'a>(&self, site: &'a Site) -> [Ask<'a>; 3] {
        [
            self.visit.withdraw(site, "30").key("the-visit's"),
            self.online.withdraw(site, "0.10").key("the-counter's"),
            self.online.withdraw(site, "100000.00").key("too-much"),
        ]
    }

    /// Balances, histories, machines, and who is logged in.
    #[track_caller]
    fn told(&self, site: &Site) -> Vec<(u16, String)> {
        let accounts = [(&self.visit.account, &self.visit.token), (&self.online.account, &self.online.token)];
        let mut asks: Vec<Ask<'_>> = Vec::new();
        for (account, token) in accounts {
            asks.push(site.get(&format!("/api/accounts/{account}/transactions")).bearer(token));
            asks.push(
                site.get(&format!("/api/accounts/{account}/transactions?limit=1&type=transfer_in")).bearer(token),
            );
            asks.push(site.get("/api/accounts").bearer(token));
        }
        let mut said: Vec<_> = asks.into_iter().map(|ask| ask.send().comparable()).collect();
        assert!(said.iter().all(|(status, _)| *status == 200), "{said:?}");
        let balances = [self.visit.balance(site), self.online.balance(site)];
        said.extend(balances.map(|cents| (200, cents.to_string())));
        said
    }
}

#[test]
fn it_moves_a_bank_to_a_server_where_everything_goes_on() {
    let (folder, server) = (tempfile::tempdir().unwrap(), Cluster::start(Files::Fast));
    let mut demo = Demo::start_in(folder.path());
    let before = Before::live(&demo);
    let first: Vec<Answer> = before.keyed(&demo).map(|ask| ask.send()).into();
    assert_eq!(first.iter().map(Answer::status).collect::<Vec<_>>(), [201, 201, 422]);
    let told_before = before.told(&demo);
    let (code, _, error) = told(&finish_within(&mut copy(folder.path(), &server), WITHIN));
    assert_eq!(code, 3, "it is served still");
    assert!(error.contains("another host is running"), "{error}");
    demo.terminate();
    demo.process().wait(WITHIN).expect("it ends");
    copied(&finish_within(&mut copy(folder.path(), &server), WITHIN));
    let hosts = [host(folder.path(), &server), host(folder.path(), &server)];
    for (_, site) in &hosts {
        assert_eq!(before.told(site), told_before);
        for (ask, first) in before.keyed(site).into_iter().zip(&first) {
            let again = ask.send();
            assert_eq!(again.comparable(), first.comparable());
            assert_eq!(again.header("idempotent-replayed"), Some("true"), "{again}");
        }
    }
    let [(_, left), (_, right)] = &hosts;
    let paid = before.online.withdraw(left, "10.00").send();
    assert_eq!(paid.status(), 201, "{paid}");
    assert_eq!(before.online.balance(right), 500_00 - 5_00 - 7_00 - 10 - 10_00);
    verify_there(folder.path(), &server);
    verify_is_clean(&folder.path().join("bank.db"));
    let (code, _, error) = told(&finish_within(&mut copy(folder.path(), &server), WITHIN));
    assert_eq!(code, 3, "something is there");
    assert!(error.contains("name an empty one"), "{error}");
}

#[test]
fn it_leaves_nothing_behind_when_it_is_killed() {
    let (folder, server) = (tempfile::tempdir().unwrap(), Cluster::start(Files::Fast));
    let mut demo = Demo::start_in(folder.path());
    Before::live(&demo);
    demo.process().kill();
    let sql = |sql: &str| server.sql("postgres", sql);
    // An empty schema, in which one table takes its time.
    let mut other = cashpoint();
    let keys = tempfile::tempdir().unwrap();
    other.args(["operator", "add", "x", "--role", "admin", "--database", &server.url("postgres"), "--password-file"]);
    std::fs::write(keys.path().join("password"), "a long enough password\n").unwrap();
    other.arg(keys.path().join("password")).arg("--keys").arg(keys.path().join("keys.toml"));
    let (code, _, error) = told(&finish_within(&mut other, WITHIN));
    assert_eq!(code, 0, "{error}");
    sql("TRUNCATE bank, writers, policies, business_day, operators CASCADE");
    sql("CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(0.1); RETURN NEW; END'");
    sql("CREATE TRIGGER slow BEFORE INSERT ON events FOR EACH ROW EXECUTE FUNCTION slow()");
    let copying = || sql("SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'COPY%' AND state = 'active'");
    let mut attempt = Process::spawn(&mut copy(folder.path(), &server));
    let seen = Deadline::after(WITHIN).wait(|| (attempt.has_ended() || copying() == "1").then_some(()));
    assert!(seen.is_some() && !attempt.has_ended(), "it is in the middle of it: {}", attempt.stderr());
    attempt.kill();
    Deadline::after(WITHIN).wait(|| (copying() == "0").then_some(())).expect("the server notices");
    for table in ["writers", "accounts", "transfers", "events", "bank"] {
        assert_eq!(sql(&format!("SELECT count(*) FROM {table}")), "0", "{table}");
    }
    sql("DROP TRIGGER slow ON events");
    copied(&finish_within(&mut copy(folder.path(), &server), WITHIN));
    verify_there(folder.path(), &server);
}

#[test]
fn it_moves_from_a_file_to_a_server_and_no_other_way() {
    for (from, to) in [
        ("sqlite:a.db", "sqlite:b.db"),
        ("postgres://x@localhost/a", "postgres://x@localhost/b"),
        ("postgres://x@localhost/a", "sqlite:b.db"),
        ("a.db", "postgres://x@localhost/b"),
        ("sqlite:a.db", "b"),
    ] {
        let mut command = cashpoint();
        let (code, out, error) = told(&finish_within(command.args(["copy", "--from", from, "--to", to]), WITHIN));
        assert_eq!((code, out.as_str()), (2, ""), "{from} to {to}: {error}");
    }
    let missing = ["copy", "--from", "sqlite:/nowhere/a.db", "--to", "postgres://x@localhost/b"];
    let (code, _, error) = told(&finish_within(cashpoint().args(missing), WITHIN));
    assert_eq!(code, 3, "{error}");
}
