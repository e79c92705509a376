//! A terminal's journal under power loss. What a terminal tells its host says how far its journal goes, and what it has
//! its devices do stands there as an intent: at every moment the disk must hold both.

use std::path::{Path, PathBuf};
use std::time::Duration;

use cashpoint_core::terminal::book::Book;
use cashpoint_core::terminal::record::Entry;
use cashpoint_terminal::identity::Identity;
use cashpoint_terminal::journal::{JournalFile, Limits};
use cashpoint_terminal::operation::Chained;
use cashpoint_wire::journal::ChainKey;
use data_encoding::HEXLOWER;

use crate::support::dice::Dice;
use crate::support::machine::Motion;
use crate::support::network::{Network, Wiring};
use crate::support::person::{Person, Wish, visit};
use crate::support::process::START;

use super::disk::{Disk, Since};
use super::trace::Trace;
use super::{Syncs, kill_what_it_watches, strace};

/// How long a visit may take: every call of the terminal is written down meanwhile.
const VISIT: Duration = Duration::from_secs(90);

/// Device commands that move notes, and the record that has to stand in the journal before each.
const INTENDED: [(&str, &str); 3] = [
    ("\"CashDispenser.Dispense\"", "dispensing"),
    ("\"CashDispenser.Present\"", "presenting"),
    ("\"CashAcceptor.CashInEnd\"", "storing"),
];

/// What a terminal told somebody.
enum Told {
    /// The host: its journal goes up to here.
    Head { n: u64, mac: [u8; 32] },
    /// A device: to do what this kind of record intends.
    Command(&'static str),
}

#[expect(clippy::print_stdout, reason = "the soak collects this line")]
#[test]
fn power_loss_leaves_every_record_that_a_terminal_acted_on() {
    let (visits, moments) = if std::env::var_os("CASHPOINT_SOAK").is_some() { (20, 400) } else { (4, 20) };
    let life = Life::of(visits, Syncs::Work);
    for (_, record) in INTENDED {
        let sent = life.trace.told.iter().any(|told| matches!(told.what, Told::Command(kind) if kind == record));
        assert!(sent, "no command was recorded that rests on {record:?}");
    }
    let mut disks = 0;
    life.each_disk(moments, |moment, since, found| {
        disks += 1;
        if let Err(wrong) = found {
            panic!("power lost at {moment} with {since:?} of what was not synced: {wrong}");
        }
    });
    println!("soak: {} things told by a terminal, {disks} disks", life.trace.told.len());
}

#[test]
fn power_loss_takes_records_from_a_terminal_that_does_not_sync() {
    let life = Life::of(1, Syncs::DoNothing);
    let (mut lost, mut disks) = (0, 0);
    // Enough that some are after a record that was acted on.
    life.each_disk(80, |_, _, found| {
        disks += 1;
        lost += u32::from(found.is_err());
    });
    assert!(lost > 0, "none of {disks} disks lost anything without a single sync: this test would find nothing");
}

/// A terminal's life, recorded.
struct Life {
    /// What was on its disk before.
    base: tempfile::TempDir,
    file: PathBuf,
    identity: Identity,
    trace: Trace<Told>,
    dice: Dice,
}

impl Life {
    /// Runs a terminal under `strace` while people withdraw and pay in, and kills it.
    fn of(visits: u32, syncs: Syncs) -> Self {
        let dice = Dice::roll("power loss of a terminal");
        let mut network = Network::start(1, Wiring::Direct, Motion(0));
        let holder = network.holder(10_000);
        let machine = &mut network.machines[0];
        machine.kill_terminal();
        let (base, journal) = (tempfile::tempdir().unwrap(), machine.journal());
        let (folder, file) = (journal.parent().unwrap(), PathBuf::from(journal.file_name().unwrap()));
        for name in [file.clone(), with_wal(&file)] {
            if folder.join(&name).exists() {
                std::fs::copy(folder.join(&name), base.path().join(&name)).unwrap();
            }
        }
        let out = base.path().join("trace.txt");
        machine.start_terminal_by(&mut strace(&out, syncs));
        network.in_service();
        for n in 0..visits {
            let wish = if n % 2 == 0 { Wish::Cash(80) } else { Wish::Deposit(2) };
            assert!(visit(&mut network.machines[0], Person::new(&holder, wish), VISIT, |_| {}), "{wish:?}");
        }
        let mut traced = network.machines[0].terminal.take().expect("just started");
        kill_what_it_watches(&traced);
        traced.wait(START).expect("strace ends with what it watches");
        let trace = Trace::read(&out, folder, told);
        std::fs::remove_file(&out).unwrap();
        assert_eq!(trace.has_syncs(), syncs == Syncs::Work, "the recording shows what the terminal's syncs do");
        let heads = trace.told.iter().filter(|told| matches!(told.what, Told::Head { .. })).count();
        assert!(heads > 3, "only {heads} messages to the host were recorded");
        let identity = Identity::read(&network.machines[0].keys()).unwrap();
        Self { base, file, identity, trace, dice }
    }

    /// Builds disks for `moments` moments and looks at each.
    fn each_disk(&self, moments: u64, mut look: impl FnMut(usize, Since, Result<(), String>)) {
        let mut dice = self.dice.clone();
        for _ in 0..moments {
            let moment = usize::try_from(dice.below(self.trace.lines as u64 + 1)).unwrap();
            for since in [Since::None, Since::All, Since::Some, Since::Torn] {
                let disk = Disk::at(&self.trace, self.base.path(), moment, since, &mut dice);
                look(moment, since, self.look(&disk, moment));
            }
        }
    }

    /// Whether the disk's journal can be read, makes sense, and holds what was told.
    fn look(&self, disk: &Disk, moment: usize) -> Result<(), String> {
        let path = disk.folder().join(&self.file);
        let key = ChainKey::new(*self.identity.chain_key);
        let limits = Limits { reserve: 4_096, ..Limits::default() };
        let (journal, entries) = JournalFile::open(&path, key, limits).map_err(|error| error.to_string())?;
        Book::read(&entries).map_err(|wrong| format!("{wrong:?}"))?;
        let mut commands: Vec<&str> = Vec::new();
        for told in self.trace.told.iter().filter(|told| told.sent < moment) {
            match told.what {
                Told::Head { n, mac } if n > 0 && journal.at(n).is_none_or(|head| head.mac != mac) => {
                    return Err(format!("the host was told of record {n}, and it is gone"));
                }
                Told::Head { .. } => {}
                Told::Command(record) => commands.push(record),
            }
        }
        for (_, record) in INTENDED {
            let (done, intended) = (commands.iter().filter(|done| **done == record).count(), count(&entries, record));
            if done > intended {
                return Err(format!("{done} commands, but {intended} times {record:?} before them"));
            }
        }
        Ok(())
    }
}

fn count(entries: &[Entry], record: &str) -> usize {
    entries.iter().filter(|entry| entry.record.name() == record).count()
}

fn with_wal(file: &Path) -> PathBuf {
    PathBuf::from(format!("{}-wal", file.display()))
}

/// What a terminal tells by these bytes.
fn told(sent: &[u8]) -> Vec<Told> {
    match sent {
        [b'{', ..] | [b'P', b'O', b'S', b'T', ..] => head(sent).into_iter().collect(),
        [0x81, ..] => commands(sent),
        _ => Vec::new(),
    }
}

/// How far the journal goes by a message to the host.
fn head(sent: &[u8]) -> Option<Told> {
    let text = String::from_utf8_lossy(sent);
    let (_, head) = text.split_once(r#""head":{"n":"#)?;
    let (n, rest) = head.split_once(r#","mac":""#)?;
    let mac = HEXLOWER.decode(rest.get(..64)?.as_bytes()).ok()?;
    Some(Told::Head { n: n.parse().ok()?, mac: mac.try_into().ok()? })
}

/// The commands in masked text frames (RFC 6455).
fn commands(mut sent: &[u8]) -> Vec<Told> {
    let mut found = Vec::new();
    while let [0x81, length, rest @ ..] = sent {
        let (length, rest) = match (length & 0x7f, rest) {
            (126, [a, b, rest @ ..]) => (usize::from(u16::from_be_bytes([*a, *b])), rest),
            (127, _) => break,
            (short, rest) => (usize::from(short), rest),
        };
        let Some((mask, rest)) = rest.split_at_checked(4) else { break };
        let Some((payload, rest)) = rest.split_at_checked(length) else { break };
        let text: Vec<u8> = payload.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask).collect();
        let text = String::from_utf8_lossy(&text);
        found.extend(INTENDED.iter().filter(|(name, _)| text.contains(name)).map(|(_, record)| Told::Command(record)));
        sent = rest;
    }
    found
}
