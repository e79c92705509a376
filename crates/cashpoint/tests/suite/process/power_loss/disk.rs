//! A disk as the power loss could have left it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::support::dice::Dice;

use super::trace::{Step, Trace, What};

/// How much of what was written since a file's last finished sync is on the disk.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) enum Since {
    None,
    All,
    /// Each write or not, by chance.
    Some,
    /// Up to one write, and of that only whole sectors from its beginning.
    Torn,
}

/// A disk: the files, in a folder of their own.
pub(super) struct Disk(tempfile::TempDir);

/// The smallest piece that a disk writes whole.
const SECTOR: u64 = 512;

impl Disk {
    /// The disk after a power loss at `moment`: what was in `base`, what was synced by then, and `since`.
    pub(super) fn at<T>(trace: &Trace<T>, base: &Path, moment: usize, since: Since, dice: &mut Dice) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut files: BTreeMap<PathBuf, Vec<u8>> = BTreeMap::new();
        for file in std::fs::read_dir(base).unwrap() {
            let file = file.unwrap();
            files.insert(file.file_name().into(), std::fs::read(file.path()).unwrap());
        }
        let folder_synced = synced(trace, Path::new(""), moment);
        let mut steps: BTreeMap<&Path, Vec<&Step>> = BTreeMap::new();
        for step in trace.steps.iter().filter(|step| step.began < moment) {
            steps.entry(&step.file).or_default().push(step);
        }
        for (file, steps) in steps {
            // The index of the log lives in shared memory and is made anew; locks hold nothing.
            if file.as_os_str().is_empty() || file.to_string_lossy().ends_with("-shm") || file.ends_with("bank.db.lock")
            {
                continue;
            }
            let created = steps.iter().find(|step| matches!(step.what, What::Created));
            let entered = files.contains_key(file) || created.is_none_or(|step| step.ended <= folder_synced);
            if !entered && since == Since::None {
                continue;
            }
            let content = files.remove(file).unwrap_or_default();
            files.insert(file.to_owned(), after(content, &steps, synced(trace, file, moment), since, dice));
        }
        for (name, content) in files {
            std::fs::write(folder.path().join(name), content).unwrap();
        }
        Self(folder)
    }

    pub(super) fn folder(&self) -> &Path {
        self.0.path()
    }
}

/// When the last sync of `file` that had ended by `moment` began: what had ended before that is on the disk.
fn synced<T>(trace: &Trace<T>, file: &Path, moment: usize) -> usize {
    let syncs = trace.steps.iter().filter(|step| step.file == file && matches!(step.what, What::Sync));
    syncs.filter(|step| step.ended < moment).map(|step| step.began).max().unwrap_or(0)
}

fn after(mut content: Vec<u8>, steps: &[&Step], synced: usize, since: Since, dice: &mut Dice) -> Vec<u8> {
    let pending = steps.iter().filter(|step| step.ended >= synced && !matches!(step.what, What::Sync)).count() as u64;
    let tear = dice.below(pending.max(1));
    let mut number = 0;
    for step in steps {
        if step.ended < synced {
            apply(&mut content, &step.what, u64::MAX);
            continue;
        }
        let kept = match since {
            Since::None => 0,
            Since::All => u64::MAX,
            Since::Some => dice.below(2) * u64::MAX,
            Since::Torn if number < tear => u64::MAX,
            Since::Torn if number == tear => SECTOR * dice.below(9),
            Since::Torn => 0,
        };
        apply(&mut content, &step.what, kept);
        number += u64::from(!matches!(step.what, What::Sync));
    }
    content
}

/// Does a step to a file, of a write at most the first `most` bytes.
fn apply(content: &mut Vec<u8>, what: &What, most: u64) {
    let place = |number: u64| usize::try_from(number).expect("files here are small");
    match what {
        What::Created | What::Sync => {}
        What::Cut { length } if most == u64::MAX => content.resize(place(*length), 0),
        What::Cut { .. } => {}
        What::Write { at, bytes } => {
            let bytes = &bytes[..place(most.min(bytes.len() as u64))];
            if bytes.is_empty() {
                return;
            }
            let (from, to) = (place(*at), place(*at) + bytes.len());
            if content.len() < to {
                content.resize(to, 0);
            }
            content[from..to].copy_from_slice(bytes);
        }
    }
}
