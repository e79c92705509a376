//! Power loss. `kill -9` proves nothing about syncing: a database that never syncs survives it, because the kernel keeps
//! what was written. Here the writes, syncs and replies of a real host are recorded, and disks are built as they could
//! look had the power gone at some moment: each file as of its last finished sync, plus none, all, some, or a torn part
//! of what was written since. Every one of them must open, hold every operation that had been acknowledged by then, and
//! verify clean.
//!
//! The same test must fail for a host whose syncs do nothing. The journal of a terminal is tried likewise.

mod disk;
mod journal;
mod trace;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use cashpoint_bank::store::records::Records;
use cashpoint_bank::verify::verify;

use crate::support::Site;
use crate::support::dice::Dice;
use crate::support::process::{BINARY, Process, START, address, cashpoint};

use disk::{Disk, Since};
use trace::Trace;

/// Cards of the sandbox that stand at machines of their own: number, PIN, machine.
const PEOPLE: [(&str, &str, &str); 4] = [
    ("4532123456789012", "1234", "ATM001"),
    ("4532111111111111", "5678", "ATM002"),
    ("4532333333333333", "1111", "ATM004"),
    ("4532444444444444", "2222", "ATM005"),
];

/// What the host's syncs do.
#[derive(Clone, Copy, PartialEq)]
enum Syncs {
    Work,
    DoNothing,
}

#[expect(clippy::print_stdout, reason = "the soak collects this line")]
#[test]
fn power_loss_leaves_every_acknowledged_operation_and_a_clean_ledger() {
    let (operations, moments) = if std::env::var_os("CASHPOINT_SOAK").is_some() { (1_500, 500) } else { (400, 25) };
    let world = Recorded::of(operations, Syncs::Work);
    let states = world.each_state(moments, |state| match state.found {
        Ok(()) => {}
        Err(wrong) => panic!("power lost at {} with {:?} of what was not synced: {wrong}", state.moment, state.since),
    });
    println!("soak: {} operations acknowledged, {states} disks", world.trace.told.len());
}

#[test]
fn power_loss_takes_operations_from_a_host_that_does_not_sync() {
    let world = Recorded::of(60, Syncs::DoNothing);
    let mut lost = 0;
    let states = world.each_state(10, |state| lost += u32::from(state.found.is_err()));
    assert!(lost > 0, "none of {states} disks lost anything without a single sync: this test would find nothing");
}

/// A host's life, recorded.
struct Recorded {
    /// The folder before it.
    base: tempfile::TempDir,
    trace: Trace<u128>,
    dice: Dice,
}

/// One disk that the power loss could have left.
struct State {
    moment: usize,
    since: Since,
    found: Result<(), String>,
}

impl Recorded {
    /// Runs a host under `strace` while clients move money, and kills it.
    fn of(operations: u32, syncs: Syncs) -> Self {
        let dice = Dice::roll("power loss");
        let (base, live) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        // Made and closed before the recording: what is there now was there before the power failed.
        let mut made = Process::spawn(cashpoint().args(host(live.path())));
        made.ready();
        made.terminate();
        made.wait(START).expect("it ends");
        for file in std::fs::read_dir(live.path()).unwrap() {
            let file = file.unwrap();
            std::fs::copy(file.path(), base.path().join(file.file_name())).unwrap();
        }
        let out = base.path().join("trace.txt");
        let mut traced = Process::spawn(strace(&out, syncs).args(host(live.path())));
        let site = Site::new(address(&traced.ready()));
        let left = AtomicI64::new(i64::from(operations));
        let failed = AtomicBool::new(false);
        std::thread::scope(|scope| {
            for person in PEOPLE {
                let (site, left, failed) = (&site, &left, &failed);
                scope.spawn(move || {
                    if move_money(site, person, left).is_none() {
                        failed.store(true, Ordering::Relaxed);
                    }
                });
            }
        });
        assert!(!failed.load(Ordering::Relaxed), "a client got an answer it did not expect");
        // Its end would sync; the power would not wait for that.
        kill_what_it_watches(&traced);
        traced.wait(START).expect("strace ends with what it watches");
        let trace = Trace::read(&out, live.path(), |bytes| transaction(bytes).into_iter().collect());
        std::fs::remove_file(&out).unwrap();
        assert_eq!(trace.has_syncs(), syncs == Syncs::Work, "the recording shows what the host's syncs do");
        assert!(trace.told.len() >= usize::try_from(operations).unwrap(), "the recording holds every reply");
        Self { base, trace, dice }
    }

    /// Builds disks for `moments` moments and looks at each.
    fn each_state(&self, moments: u64, mut look: impl FnMut(State)) -> usize {
        let mut dice = self.dice.clone();
        let mut states = 0;
        for _ in 0..moments {
            let moment = usize::try_from(dice.below(self.trace.lines as u64 + 1)).unwrap();
            for since in [Since::None, Since::All, Since::Some, Since::Torn] {
                let disk = Disk::at(&self.trace, self.base.path(), moment, since, &mut dice);
                look(State { moment, since, found: self.look(&disk, moment) });
                states += 1;
            }
        }
        states
    }

    /// Whether the disk holds what had been acknowledged.
    fn look(&self, disk: &Disk, moment: usize) -> Result<(), String> {
        let database = disk.folder().join("bank.db");
        let connection = rusqlite::Connection::open(&database).map_err(|error| error.to_string())?;
        let mut find = connection.prepare("SELECT 1 FROM transfers WHERE id = ?").map_err(|error| error.to_string())?;
        for reply in self.trace.told.iter().filter(|reply| reply.sent < moment) {
            let there = find.exists([reply.what.to_be_bytes()]).map_err(|error| error.to_string())?;
            if !there {
                return Err(format!("transaction {:032x} had been acknowledged and is gone", reply.what));
            }
        }
        let records = Records::open(&database).map_err(|error| error.to_string())?;
        let report = verify(&records, None).map_err(|error| error.to_string())?;
        match report.differences.first() {
            None => Ok(()),
            Some(difference) => Err(format!("verify: {}: {}", difference.check, difference.what)),
        }
    }
}

/// The arguments of a host with play data.
fn host(folder: &Path) -> Vec<String> {
    let database = format!("sqlite:{}", folder.join("bank.db").display());
    let anywhere = "127.0.0.1:0";
    ["host", "--sandbox", "--listen", anywhere, "--operations", anywhere, "--database", &database]
        .map(str::to_owned)
        .to_vec()
}

/// The binary under `strace`; its arguments are still to come.
fn strace(out: &Path, syncs: Syncs) -> Command {
    let mut command = Command::new("strace");
    command.args(["-f", "-y", "-xx", "-s", "1000000"]);
    command.args(["-e", "trace=openat,write,writev,sendto,pwrite64,pwritev,fsync,fdatasync,ftruncate,rename,unlink"]);
    command.arg("-o").arg(out).arg(BINARY);
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("CASHPOINT_") {
            command.env_remove(&name);
        }
    }
    if syncs == Syncs::DoNothing {
        // What `synchronous=OFF` comes to, below SQLite: the release binary has no switch for it.
        command.env("LD_PRELOAD", without_syncs());
    }
    command
}

/// The transaction that an answer of the host tells.
fn transaction(sent: &[u8]) -> Option<u128> {
    const MEMBER: &[u8] = br#""transaction_id":""#;
    if !sent.starts_with(b"HTTP/1.1 201") {
        return None;
    }
    let found = sent.windows(MEMBER.len()).position(|window| window == MEMBER)?;
    let id = &sent[found + MEMBER.len()..][..36];
    let hex: String = id.iter().map(|b| char::from(*b)).filter(|c| *c != '-').collect();
    Some(u128::from_str_radix(&hex, 16).expect("an id is hexadecimal"))
}

/// SIGKILL for what is recorded: `strace` is its parent.
fn kill_what_it_watches(traced: &Process) {
    let parent = traced.id();
    let children = std::fs::read_to_string(format!("/proc/{parent}/task/{parent}/children")).unwrap();
    for child in children.split_whitespace() {
        let pid = rustix::process::Pid::from_raw(child.parse().unwrap()).expect("a child has an id");
        rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
    }
}

/// A library in whose presence `fsync` and `fdatasync` succeed and do nothing.
fn without_syncs() -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let (source, library) = (folder.join("without_syncs.c"), folder.join("without_syncs.so"));
    std::fs::write(&source, "int fsync(int f){return 0;}\nint fdatasync(int f){return 0;}\n").unwrap();
    let built = Command::new("cc").args(["-shared", "-fPIC", "-o"]).arg(&library).arg(&source).status();
    assert!(built.expect("a C compiler is there: the project needs one").success());
    library
}

/// One person deposits, and withdraws every tenth time (the day has its limit), while there is something left to do.
fn move_money(site: &Site, (card, pin, machine): (&str, &str, &str), left: &AtomicI64) -> Option<()> {
    let body = format!(r#"{{"card_number":"{card}","pin":"{pin}","atm_id":"{machine}"}}"#);
    let session = site.post("/api/sessions").json(body).send();
    let session = session.json();
    let token = session.member("token").text();
    let account = session.member("accounts").list()[0].member("account_id").text();
    let mut way = ["withdraw"].into_iter().chain(["deposit"; 9]).cycle();
    while left.fetch_sub(1, Ordering::Relaxed) > 0 {
        let path = format!("/api/accounts/{account}/{}", way.next()?);
        let answer = site.post(&path).bearer(token).json(r#"{"amount":10.00}"#.to_owned()).send();
        if answer.status() != 201 {
            return None;
        }
    }
    Some(())
}
