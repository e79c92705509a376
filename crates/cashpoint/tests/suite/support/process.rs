//! Real processes: each test starts its own, on a port that the system picks and a folder that goes away.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::SocketAddr;
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rustix::process::Signal;

use super::cluster::{Cluster, Files};
use super::deadline::Deadline;
use super::machine::lasting_port;
use super::site::Site;
use super::{Answer, Staff};

/// The release of this test run.
pub(crate) const BINARY: &str = env!("CARGO_BIN_EXE_cashpoint");

/// Longest that a start or an end may take: a debug build on a busy machine.
pub(crate) const START: Duration = Duration::from_secs(120);

/// The binary with none of our variables that steer it.
pub(crate) fn cashpoint() -> Command {
    let mut command = Command::new(BINARY);
    for (name, _) in std::env::vars_os() {
        let name_text = name.to_string_lossy();
        if name_text.starts_with("CASHPOINT_") || name_text == "PORT" || name_text == "RUST_LOG" {
            command.env_remove(&name);
        }
    }
    command.env("COLUMNS", "100").stdin(Stdio::null());
    command
}

/// Runs the binary to its end.
pub(crate) fn run(arguments: &[&str]) -> Output {
    finish(cashpoint().args(arguments))
}

/// Runs a command to its end, or ends it when that takes too long.
#[track_caller]
pub(crate) fn finish(command: &mut Command) -> Output {
    finish_within(command, START)
}

/// As [`finish`], with a limit of its own.
#[track_caller]
pub(crate) fn finish_within(command: &mut Command, limit: Duration) -> Output {
    let mut process = Process::spawn(command);
    let status = process.wait(limit).unwrap_or_else(|| panic!("{command:?} does not end:\n{}", process.stderr()));
    Output { status, stdout: process.rest_of_stdout().into_bytes(), stderr: process.stderr().into_bytes() }
}

/// Both streams as text, and the exit code.
pub(crate) fn told(output: &Output) -> (i32, String, String) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code().unwrap_or(-1), text(&output.stdout), text(&output.stderr))
}

/// One running process; ends with this value.
pub(crate) struct Process {
    child: Child,
    stdout: Arc<Mutex<String>>,
    stderr: Arc<Mutex<String>>,
    readers: Vec<std::thread::JoinHandle<()>>,
}

impl Process {
    /// Starts it and keeps what it says.
    pub(crate) fn spawn(command: &mut Command) -> Self {
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let (stdout, stderr) = <(Arc<_>, Arc<_>)>::default();
        let readers = vec![
            keep(child.stdout.take().expect("piped"), Arc::clone(&stdout)),
            keep(child.stderr.take().expect("piped"), Arc::clone(&stderr)),
        ];
        Self { child, stdout, stderr, readers }
    }

    /// Waits for the line `ready http://ADDRESS` and gives it.
    #[track_caller]
    pub(crate) fn ready(&mut self) -> String {
        self.ready_or_ended().unwrap_or_else(|| panic!("it ended instead of getting ready:\n{}", self.stderr()))
    }

    /// As [`Self::ready`], of one that may end before: then none.
    #[track_caller]
    pub(crate) fn ready_or_ended(&mut self) -> Option<String> {
        let line = Deadline::after(START).wait(|| {
            // In this order: what it said before it ended has been read.
            let ended = self.has_ended();
            let said = self.stdout.lock().unwrap().clone();
            match said.split_once('\n') {
                Some((line, _)) => Some(Some(line.to_owned())),
                None => ended.then_some(None),
            }
        });
        line.unwrap_or_else(|| panic!("it does not get ready:\n{}", self.stderr()))
    }

    /// Waits for a later line that begins like this, and gives the rest of it.
    #[track_caller]
    pub(crate) fn line(&mut self, beginning: &str) -> String {
        let line = Deadline::after(START).wait(|| {
            let said = self.stdout.lock().unwrap().clone();
            let whole = said.split_inclusive('\n').filter_map(|line| line.strip_suffix('\n'));
            whole.filter_map(|line| line.strip_prefix(beginning).map(str::to_owned)).next()
        });
        line.unwrap_or_else(|| panic!("it does not say {beginning}…:\n{}", self.stderr()))
    }

    /// Waits until its log has a line with this, and gives the line.
    #[track_caller]
    pub(crate) fn logged(&self, what: &str) -> String {
        let line = Deadline::after(START).wait(|| {
            let said = self.stderr();
            said.split_inclusive('\n').find(|line| line.contains(what) && line.ends_with('\n')).map(str::to_owned)
        });
        line.unwrap_or_else(|| panic!("it does not log {what:?}:\n{}", self.stderr()))
    }

    /// How it ended, if it does within `limit`.
    pub(crate) fn wait(&mut self, limit: Duration) -> Option<ExitStatus> {
        let status = Deadline::after(limit).wait(|| self.child.try_wait().expect("it is our child"))?;
        for reader in self.readers.drain(..) {
            reader.join().unwrap();
        }
        Some(status)
    }

    /// Whether it has ended by itself.
    pub(crate) fn has_ended(&mut self) -> bool {
        self.wait(Duration::ZERO).is_some()
    }

    /// Its process id.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// SIGTERM.
    pub(crate) fn terminate(&self) {
        self.signal(Signal::TERM);
    }

    /// SIGSTOP: it stands still wherever it is.
    pub(crate) fn stand_still(&self) {
        self.signal(Signal::STOP);
    }

    /// SIGCONT: it goes on as if nothing had happened.
    pub(crate) fn go_on(&self) {
        self.signal(Signal::CONT);
    }

    fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.child.id()).ok().and_then(rustix::process::Pid::from_raw);
        rustix::process::kill_process(pid.expect("a child has an id"), signal).unwrap();
    }

    /// SIGKILL, and waits for the end.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.wait(START).expect("nothing survives SIGKILL");
    }

    /// What it said so far on stderr.
    pub(crate) fn stderr(&self) -> String {
        self.stderr.lock().unwrap().clone()
    }

    /// What it said so far on stdout.
    pub(crate) fn rest_of_stdout(&self) -> String {
        self.stdout.lock().unwrap().clone()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Fails only if it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            let said = self.stderr();
            let from = said.len().saturating_sub(4000);
            let from = (from..said.len()).find(|at| said.is_char_boundary(*at)).unwrap_or(said.len());
            eprintln!("the end of what the process said:\n{}", &said[from..]);
        }
    }
}

fn keep(stream: impl Read + Send + 'static, into: Arc<Mutex<String>>) -> std::thread::JoinHandle<()> {
    std::thread::spawn(move || {
        let mut stream = BufReader::new(stream);
        let mut line = Vec::new();
        while stream.read_until(b'\n', &mut line).is_ok_and(|read| read > 0) {
            into.lock().unwrap().push_str(&String::from_utf8_lossy(&line));
            line.clear();
        }
    })
}

/// The address in `ready http://ADDRESS`; the line has to be exactly that.
#[track_caller]
pub(crate) fn address(line: &str) -> SocketAddr {
    let address = line.strip_prefix("ready http://").and_then(|address| address.parse().ok());
    address.unwrap_or_else(|| panic!("{line:?} should be `ready http://ADDRESS`"))
}

/// A running `cashpoint demo`.
pub(crate) struct Demo {
    process: Process,
    site: Site,
    // Goes last: the process must have ended before its folder goes.
    folder: Option<tempfile::TempDir>,
}

impl Demo {
    /// On a fresh temporary bank.
    #[track_caller]
    pub(crate) fn start() -> Self {
        // The process is ended too hard to clear its own temporary folder, so it makes it in ours.
        let folder = tempfile::tempdir().unwrap();
        let mut demo = Self::with(cashpoint().args(["demo", "--data", ":temp:"]).env("TMPDIR", folder.path()));
        demo.folder = Some(folder);
        demo
    }

    /// On a folder that stays.
    #[track_caller]
    pub(crate) fn start_in(folder: &Path) -> Self {
        Self::with(cashpoint().arg("demo").arg("--data").arg(folder))
    }

    /// With the arguments given, and a port that the system picks.
    #[track_caller]
    pub(crate) fn with(command: &mut Command) -> Self {
        let mut process = Process::spawn(command.args(["--listen", "127.0.0.1:0"]));
        let site = Site::new(address(&process.ready()));
        Self { process, site, folder: None }
    }

    /// The sandbox's own operator, logged in.
    #[track_caller]
    pub(crate) fn staff(&self) -> Staff<'_> {
        Staff::log_in(&self.site, "operator", "operator")
    }

    /// SIGTERM, while others still use it.
    pub(crate) fn terminate(&self) {
        self.process.terminate();
    }

    /// The process.
    pub(crate) fn process(&mut self) -> &mut Process {
        &mut self.process
    }
}

impl Deref for Demo {
    type Target = Site;

    fn deref(&self) -> &Site {
        &self.site
    }
}

/// Password of every operator that tests add.
pub(crate) const STAFF_PASSWORD: &str = "a staff password";

/// A running `cashpoint host` on a real bank, with the operators `admin`, and others as asked.
pub(crate) struct Host {
    process: Process,
    site: Site,
    operations: Site,
    bank: Bank,
}

/// Where a bank's rows are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Rows {
    /// In a file.
    File,
    /// On a database server.
    Server,
}

/// The folder of a real bank, and the server where its rows are if they are not there.
pub(crate) struct Bank {
    server: Option<Cluster>,
    folder: tempfile::TempDir,
}

impl Bank {
    /// With an operator per role, each called like it.
    #[track_caller]
    pub(crate) fn new(roles: &[&str]) -> Self {
        Self::kept(Rows::File, roles)
    }

    /// As [`Self::new`], with its rows there.
    #[track_caller]
    pub(crate) fn kept(rows: Rows, roles: &[&str]) -> Self {
        let server = (rows == Rows::Server).then(|| Cluster::start(Files::Fast));
        let bank = Self { server, folder: tempfile::tempdir().unwrap() };
        let password = tempfile::NamedTempFile::new().unwrap();
        writeln!(password.as_file(), "{STAFF_PASSWORD}").unwrap();
        for role in roles {
            let mut command = cashpoint();
            command.args(["operator", "add", role, "--role", role, "--password-file"]).arg(password.path());
            let (code, _, error) = told(&finish(bank.name(&mut command)));
            assert_eq!(code, 0, "adding the operator {role}: {error}");
        }
        bank
    }

    /// Where its files are.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Its database file.
    pub(crate) fn database(&self) -> PathBuf {
        self.folder.path().join("bank.db")
    }

    /// Its database as the command line wants it.
    pub(crate) fn url(&self) -> String {
        match &self.server {
            None => format!("sqlite:{}", self.database().display()),
            Some(server) => server.url("postgres"),
        }
    }

    /// Adds to a command which bank it is about.
    pub(crate) fn name<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        command.args(["--database", &self.url()]);
        if self.server.is_some() {
            command.arg("--keys").arg(self.folder().join("keys.toml"));
        }
        command
    }

    /// The one number that a query of its database gives.
    #[track_caller]
    pub(crate) fn number(&self, sql: &str) -> i64 {
        match &self.server {
            None => {
                let connection = rusqlite::Connection::open(self.database()).unwrap();
                connection.query_row(sql, [], |row| row.get(0)).unwrap()
            }
            Some(server) => server.sql("postgres", sql).parse().unwrap(),
        }
    }

    /// `cashpoint verify` finds nothing.
    #[track_caller]
    pub(crate) fn verify_is_clean(&self) {
        let (code, out, error) = told(&finish(self.name(cashpoint().arg("verify"))));
        assert_eq!(code, 0, "verify:\n{out}\n{error}");
    }
}

impl Host {
    /// On a fresh real bank with these operators.
    #[track_caller]
    pub(crate) fn start(roles: &[&str]) -> Self {
        Self::on(Bank::new(roles), &mut cashpoint())
    }

    /// On this bank; `command` may carry variables.
    #[track_caller]
    pub(crate) fn on(bank: Bank, command: &mut Command) -> Self {
        let operations = SocketAddr::from(([127, 0, 0, 1], lasting_port()));
        bank.name(command.arg("host")).args(["--listen", "127.0.0.1:0"]);
        let mut process = Process::spawn(command.args(["--operations", &operations.to_string()]));
        let site = Site::new(address(&process.ready()));
        Self { process, site, operations: Site::new(operations), bank }
    }

    /// The same bank with a new process, after this one has ended.
    #[track_caller]
    pub(crate) fn restart(self, command: &mut Command) -> Self {
        let Self { mut process, bank, .. } = self;
        process.wait(START).expect("it has ended");
        Self::on(bank, command)
    }

    /// An operator called like their role, logged in.
    #[track_caller]
    pub(crate) fn staff(&self, role: &str) -> Staff<'_> {
        Staff::log_in(&self.site, role, STAFF_PASSWORD)
    }

    /// Health and metrics.
    pub(crate) fn operations(&self) -> &Site {
        &self.operations
    }

    /// Waits until its log has a line with this.
    #[track_caller]
    pub(crate) fn logged(&self, what: &str) {
        self.process.logged(what);
    }

    /// Its files.
    pub(crate) fn bank(&self) -> &Bank {
        &self.bank
    }

    /// The process.
    pub(crate) fn process(&mut self) -> &mut Process {
        &mut self.process
    }
}

impl Deref for Host {
    type Target = Site;

    fn deref(&self) -> &Site {
        &self.site
    }
}

/// `cashpoint verify` on this database finds nothing.
#[track_caller]
pub(crate) fn verify_is_clean(database: &Path) {
    let url = format!("sqlite:{}", database.display());
    let (code, out, error) = told(&run(&["verify", "--database", &url]));
    assert_eq!(code, 0, "verify:\n{out}\n{error}");
}

/// The host still answers, whatever was done to it before.
#[track_caller]
pub(crate) fn is_unharmed(site: &Site, token: &str, account: &str) -> Answer {
    let answer = site.get(&format!("/api/accounts/{account}/balance")).bearer(token).send();
    assert_eq!(answer.status(), 200, "the host is harmed: {answer}");
    answer
}
