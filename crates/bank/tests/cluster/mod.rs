//! PostgreSQL servers for tests: each a cluster of its own in a temporary folder, from the programs of the distribution's
//! package, gone with the test.
//!
//! The server refuses to run as root, so then it runs as `nobody`, in a folder that is that user's. Syncing stays on: hosts
//! refuse a server without. Where the machine has room in memory, the folder is there, and a sync costs nothing.

#![expect(dead_code, reason = "each of the test programs that share this uses its part of it")]

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read, Write as _};
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

/// Where Debian's packages put the server's programs, by version.
const PACKAGES: &str = "/usr/lib/postgresql";

/// User and group id of `nobody`.
const NOBODY: u32 = 65_534;

/// Room that a folder in memory must have.
const ROOM: u64 = 2 << 30;

/// Where a cluster's files are.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Files {
    /// In memory, if there is room: for tests that are not about durability.
    Fast,
    /// On a disk.
    Disk,
}

/// Where a server listens that is not reached by its socket alone.
const PORT: u16 = 5_432;

/// A running server.
pub(crate) struct Cluster {
    folder: TempDir,
    server: Option<Child>,
    settings: Vec<String>,
    port: u16,
}

impl Cluster {
    /// A new cluster with an empty database `postgres`.
    pub(crate) fn start(files: Files) -> Self {
        Self::with(files, &[])
    }

    /// As [`Self::start`], with these settings (`name=value`).
    pub(crate) fn with(files: Files, settings: &[&str]) -> Self {
        let folder = folder(files);
        run(Command::new("cp").arg("-a").arg(template(files)).arg(folder.path().join("data")));
        let settings = settings.iter().map(|setting| (*setting).to_owned()).collect();
        let mut cluster = Self { folder, server: None, settings, port: PORT };
        cluster.resume();
        cluster
    }

    /// A new cluster that listens on 127.0.0.1 too, where it asks for a password, and with this certificate and key (PEM)
    /// speaks TLS.
    pub(crate) fn in_the_open(certified: Option<(&str, &str)>) -> Self {
        let mut cluster = Self::start(Files::Fast);
        cluster.sql("postgres", &format!("ALTER ROLE cashpoint PASSWORD '{PASSWORD}'"));
        let mut settings = vec!["listen_addresses=127.0.0.1".to_owned()];
        let mut keep = |name: &str, what: &str, text: &str| {
            let file = cluster.folder.path().join(name);
            fs::write(&file, text).expect("temporary files can be written");
            fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).expect("it is ours");
            give(&file);
            settings.push(format!("{what}={}", file.display()));
        };
        keep("hba.conf", "hba_file", "local all all trust\nhost all all 127.0.0.1/32 scram-sha-256\n");
        if let Some((certificate, key)) = certified {
            keep("server.crt", "ssl_cert_file", certificate);
            keep("server.key", "ssl_key_file", key);
            settings.push("ssl=on".to_owned());
        }
        cluster.kill();
        cluster.settings = settings;
        let free = || TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|listener| listener.local_addr());
        cluster.listen_at(std::iter::repeat_with(|| free().expect("there is a free port").port()));
        cluster
    }

    /// Starts the server at the first of some ports that nobody takes before it does: another test may.
    pub(crate) fn listen_at(&mut self, ports: impl Iterator<Item = u16>) {
        let mut said = String::new();
        for port in ports.take(5) {
            self.port = port;
            match self.try_to_resume() {
                Ok(()) => return,
                Err(why) => said = why,
            }
        }
        panic!("the database server ended:\n{said}");
    }

    /// A copy of a running server that follows it, as a hot standby named `standby`.
    pub(crate) fn standby_of(primary: &Self, files: Files) -> Self {
        let folder = folder(files);
        copy_of(primary, &folder.path().join("data"));
        let mut cluster = Self { folder, server: None, settings: primary.settings.clone(), port: PORT };
        cluster.resume();
        cluster
    }

    /// Follows another server as its hot standby from now on, with its files instead of one's own.
    pub(crate) fn follow(&mut self, primary: &Self) {
        self.kill();
        let data = self.folder.path().join("data");
        fs::remove_dir_all(&data).expect("they were the test's");
        copy_of(primary, &data);
        self.resume();
    }

    /// Starts the server on the files as they are.
    pub(crate) fn resume(&mut self) {
        self.try_to_resume().unwrap_or_else(|said| panic!("the database server ended:\n{said}"));
    }

    /// As [`Self::resume`]; else what it said before it ended.
    fn try_to_resume(&mut self) -> Result<(), String> {
        let mut server = program("postgres");
        server.arg("-D").arg(self.folder.path().join("data")).stdin(Stdio::null()).stdout(Stdio::null());
        for setting in ["listen_addresses=", "max_connections=60", "shared_buffers=64MB", "log_min_messages=warning"] {
            server.args(["-c", setting]);
        }
        // Shared memory in the folder goes with it, however the server ends.
        server.args(["-c", "dynamic_shared_memory_type=mmap"]);
        server.args(["-c", &format!("unix_socket_directories={}", self.socket().display())]);
        server.args(["-c", &format!("port={}", self.port)]);
        for setting in &self.settings {
            server.args(["-c", setting]);
        }
        let mut server = server.stderr(Stdio::piped()).spawn().expect("the server's program is there");
        let mut log = BufReader::new(server.stderr.take().expect("it was piped"));
        let mut said = String::new();
        loop {
            let from = said.len();
            if log.read_line(&mut said).expect("a log is text") == 0 {
                server.wait().expect("it is ours");
                return Err(said);
            }
            if said[from..].contains("ready to accept") {
                break;
            }
        }
        self.server = Some(server);
        // Whoever does not read what the server says stops it in the end.
        std::thread::spawn(move || std::io::copy(&mut log, &mut std::io::sink()));
        Ok(())
    }

    /// `kill -9`, of the server and all its processes.
    pub(crate) fn kill(&mut self) {
        let Some(mut server) = self.server.take() else { return };
        // Its children end by themselves when they find that it is gone, but not at once.
        // (`ps` fails where there are none: of a test that fails, that would be a panic too many.)
        let children = Command::new("ps").args(["-o", "pid=", "--ppid", &server.id().to_string()]).output();
        let children = children.map(|listed| String::from_utf8_lossy(&listed.stdout).into_owned()).unwrap_or_default();
        server.kill().expect("it is ours");
        for child in children.split_whitespace() {
            let _ = Command::new("kill").args(["-9", child]).stderr(Stdio::null()).status();
        }
        server.wait().expect("it is ours");
        let lock = self.folder.path().join("data/postmaster.pid");
        // The segment that keeps a second server away would stay until the machine starts again, which has 4,096 in all.
        let written = fs::read_to_string(&lock).unwrap_or_default();
        if let Some(segment) = written.lines().nth(6).and_then(|line| line.split_whitespace().last()) {
            let _ = Command::new("ipcrm").args(["-m", segment]).stderr(Stdio::null()).status();
        }
        let _ = fs::remove_file(lock);
    }

    /// Makes a standby a server that takes writes.
    pub(crate) fn promote(&self) {
        run(program("pg_ctl").args(["promote", "-w", "-D"]).arg(self.folder.path().join("data")));
    }

    /// The folder of the server's socket.
    pub(crate) fn socket(&self) -> PathBuf {
        self.folder.path().to_owned()
    }

    /// The address of a database.
    pub(crate) fn url(&self, database: &str) -> String {
        url(&[self], database)
    }

    /// The address of a database where a server is that was started by [`Self::in_the_open`].
    pub(crate) fn open_url(&self, host: &str, options: &str) -> String {
        format!("postgres://cashpoint:{PASSWORD}@{host}:{}/postgres?hostaddr=127.0.0.1&{options}", self.port)
    }

    /// What a statement answers, as psql prints it without ornaments.
    pub(crate) fn sql(&self, database: &str, sql: &str) -> String {
        let mut psql = self.psql(database);
        output(psql.args(["-c", sql])).trim_end().to_owned()
    }

    /// A statement must break a constraint (SQLSTATE class 23).
    pub(crate) fn refuses(&self, database: &str, sql: &str) {
        let mut psql = self.psql(database);
        let done = psql.args(["-v", "VERBOSITY=sqlstate", "-c", sql]).output().expect("psql is there");
        let said = String::from_utf8_lossy(&done.stderr);
        assert!(!done.status.success() && said.contains("ERROR:  23"), "{sql}: {said}");
    }

    /// Somebody who says this to the server, as a host would, and then nothing more.
    pub(crate) fn stand_still(&self, database: &str, script: &str) -> Child {
        let mut psql = self.psql(database);
        psql.env("PGAPPNAME", "cashpoint").stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut psql = psql.spawn().expect("psql is there");
        writeln!(psql.stdin.as_mut().expect("it was piped"), "{script}").expect("it reads");
        psql
    }

    fn psql(&self, database: &str) -> Command {
        let mut psql = program("psql");
        psql.args(["-XAtq", "-v", "ON_ERROR_STOP=1", "-U", "cashpoint", "-d", database, "-p", &self.port.to_string()]);
        psql.arg("-h").arg(self.socket());
        psql
    }
}

/// The password of [`Cluster::in_the_open`].
pub(crate) const PASSWORD: &str = "opensesame";

/// The address of a database that one of these servers has.
pub(crate) fn url(servers: &[&Cluster], database: &str) -> String {
    let host = |cluster: &&Cluster| cluster.socket().display().to_string().replace('/', "%2F");
    let hosts: Vec<String> = servers.iter().map(host).collect();
    format!("postgres://cashpoint@{}/{database}", hosts.join(","))
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A folder that the server may use.
fn folder(files: Files) -> TempDir {
    let folder =
        tempfile::Builder::new().prefix("cashpoint-").tempdir_in(base(files)).expect("temporary folders can be made");
    give(folder.path());
    folder
}

/// Copies a running server's files, such that a server on them follows it.
fn copy_of(primary: &Cluster, to: &Path) {
    let from = format!("host={} user=cashpoint application_name=standby", primary.socket().display());
    run(program("pg_basebackup").args(["-d", &from, "-R", "-c", "fast", "-X", "stream", "-D"]).arg(to));
}

/// Gives a folder, or a file, to the user as whom the server runs.
pub(crate) fn give(place: &Path) {
    if is_root() {
        chown(place, Some(NOBODY), Some(NOBODY)).expect("root may give away what it has");
    }
}

fn base(files: Files) -> PathBuf {
    let memory = Path::new("/dev/shm");
    let has_room = || {
        let room = rustix::fs::statvfs(memory).map(|found| found.f_bavail * found.f_frsize);
        room.is_ok_and(|room| room >= ROOM)
    };
    if files == Files::Fast && has_room() { memory.to_owned() } else { std::env::temp_dir() }
}

fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0)
}

/// A cluster that nobody ever wrote to, made once and copied for each test.
fn template(files: Files) -> PathBuf {
    let version = output(program("postgres").arg("--version"));
    let number = version.split_whitespace().nth(2).expect("it says its version");
    let name = format!("cashpoint-template-{number}-{}", fs::metadata("/proc/self").map_or(0, |own| own.uid()));
    let place = base(files).join(&name);
    let lock = File::create(base(files).join(format!("{name}.lock"))).expect("temporary files can be made");
    lock.lock().expect("a file can be locked");
    if place.join("PG_VERSION").exists() {
        return place;
    }
    let making = folder(files);
    let data = making.path().join("data");
    run(program("initdb")
        .args(["-U", "cashpoint", "-A", "trust", "-E", "UTF8", "--no-locale", "--wal-segsize=1", "-D"])
        .arg(&data));
    run(Command::new("mv").arg(&data).arg(&place));
    place
}

/// One of the server's programs, run as a user who may.
fn program(name: &str) -> Command {
    as_user(&programs().join(name))
}

/// A program, run as the user as whom the server runs.
pub(crate) fn as_user(program: &Path) -> Command {
    // It goes when the thread that began it does, however that ends.
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL"]);
    if is_root() {
        command.args(["--reuid", &NOBODY.to_string(), "--regid", &NOBODY.to_string(), "--clear-groups"]);
    }
    command.arg("--").arg(program).current_dir("/");
    command
}

/// The folder of the newest server that is installed.
fn programs() -> PathBuf {
    let versions = fs::read_dir(PACKAGES).into_iter().flatten().flatten();
    let versions = versions.filter_map(|version| version.file_name().to_str()?.parse::<u32>().ok());
    let newest = versions.filter(|version| Path::new(PACKAGES).join(format!("{version}/bin/initdb")).exists()).max();
    let newest = newest.expect(
        "PostgreSQL's server is not installed: run scripts/install-test-tools (Debian: apt-get install postgresql)",
    );
    Path::new(PACKAGES).join(format!("{newest}/bin"))
}

fn run(command: &mut Command) {
    drop(output(command));
}

fn output(command: &mut Command) -> String {
    let mut done = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program is there");
    let mut said = String::new();
    done.stdout.take().expect("it was piped").read_to_string(&mut said).expect("it prints text");
    let done = done.wait_with_output().expect("it ends");
    assert!(done.status.success(), "{command:?}: {said}{}", String::from_utf8_lossy(&done.stderr));
    said
}
