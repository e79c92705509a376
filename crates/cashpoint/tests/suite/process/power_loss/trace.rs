//! What `strace -f -y -xx` wrote, as the writes, syncs and replies of one process.

use std::collections::HashMap;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

/// A recorded life. Moments are line numbers.
pub(super) struct Trace<T> {
    pub(super) lines: usize,
    /// What happened to files in the folder, in the order of beginning.
    pub(super) steps: Vec<Step>,
    /// What the process told others.
    pub(super) told: Vec<Told<T>>,
}

/// Something that others were told: from then on it must be true.
pub(super) struct Told<T> {
    /// When its sending began.
    pub(super) sent: usize,
    pub(super) what: T,
}

/// One thing that happened to a file, or to the folder itself (an empty name).
pub(super) struct Step {
    pub(super) file: PathBuf,
    pub(super) began: usize,
    pub(super) ended: usize,
    pub(super) what: What,
}

pub(super) enum What {
    Created,
    Write { at: u64, bytes: Vec<u8> },
    Cut { length: u64 },
    Sync,
}

impl<T> Trace<T> {
    /// Reads a recording; `tells` finds in the bytes of one sending what others learn by them.
    pub(super) fn read(file: &Path, folder: &Path, tells: impl Fn(&[u8]) -> Vec<T>) -> Self {
        let mut trace = Self { lines: 0, steps: Vec::new(), told: Vec::new() };
        let mut unfinished: HashMap<String, (usize, String)> = HashMap::new();
        for line in BufReader::new(std::fs::File::open(file).unwrap()).split(b'\n') {
            let line = String::from_utf8(line.unwrap()).expect("-xx writes ASCII");
            let (thread, call) = line.split_once(' ').expect("a thread's id and its call");
            let (now, call) = (trace.lines, call.trim_start());
            trace.lines += 1;
            if let Some(begun) = call.strip_suffix(" <unfinished ...>") {
                trace.sending(now, begun, &tells);
                unfinished.insert(thread.to_owned(), (now, begun.to_owned()));
            } else if let Some(rest) = call.strip_prefix("<... ") {
                let (_, rest) = rest.split_once(" resumed>").expect("the end of an unfinished call");
                if let Some((began, begun)) = unfinished.remove(thread) {
                    trace.step(folder, began, now, &(begun + rest));
                }
            } else {
                trace.sending(now, call, &tells);
                trace.step(folder, now, now, call);
            }
        }
        trace.steps.sort_by_key(|step| step.began);
        trace
    }

    /// Whether anything was synced.
    pub(super) fn has_syncs(&self) -> bool {
        self.steps.iter().any(|step| matches!(step.what, What::Sync))
    }

    fn sending(&mut self, now: usize, call: &str, tells: impl Fn(&[u8]) -> Vec<T>) {
        if ["write(", "writev(", "sendto("].iter().any(|name| call.starts_with(name)) {
            let told = tells(&strings(call).concat()).into_iter();
            self.told.extend(told.map(|what| Told { sent: now, what }));
        }
    }

    fn step(&mut self, folder: &Path, began: usize, ended: usize, call: &str) {
        let (name, _) = call.split_once('(').unwrap_or((call, ""));
        let Some((arguments, result)) = call.rsplit_once(" = ") else { return };
        let failed = result.starts_with("-1 ");
        if failed || !["openat", "pwrite64", "fsync", "fdatasync", "ftruncate"].contains(&name) {
            let moved = !failed && ["rename", "unlink", "pwritev"].contains(&name);
            assert!(!moved, "the recording has a call that this test does not know: {}", &call[..call.len().min(200)]);
            return;
        }
        let target = path(if name == "openat" { result } else { arguments });
        let Some(file) = target.and_then(|path| path.strip_prefix(folder).ok().map(Path::to_owned)) else {
            return;
        };
        let numbers = numbers(arguments);
        let what = match name {
            "openat" if call.contains("O_CREAT") => What::Created,
            "openat" => return,
            "pwrite64" => {
                let [.., asked, at] = numbers[..] else { panic!("pwrite64 has a length and a place") };
                let bytes = strings(call).concat();
                assert_eq!(bytes.len() as u64, asked, "strace cut a write off");
                What::Write { at, bytes }
            }
            "ftruncate" => What::Cut { length: *numbers.last().expect("ftruncate has a length") },
            _ => What::Sync,
        };
        self.steps.push(Step { file, began, ended, what });
    }
}

/// The path behind the first descriptor of a text.
fn path(text: &str) -> Option<PathBuf> {
    let (_, path) = text.split_once('<')?;
    let (path, _) = path.split_once('>')?;
    Some(PathBuf::from(String::from_utf8(decode(path)).ok()?))
}

/// The quoted strings of a call.
fn strings(call: &str) -> Vec<Vec<u8>> {
    call.split('"').skip(1).step_by(2).map(decode).collect()
}

/// The plain numbers among a call's arguments, after its strings.
fn numbers(arguments: &str) -> Vec<u64> {
    let after_text = arguments.rsplit_once('"').map_or(arguments, |(_, rest)| rest);
    after_text.split([',', ')']).filter_map(|word| word.trim().parse().ok()).collect()
}

fn decode(text: &str) -> Vec<u8> {
    let pairs = text.as_bytes().chunks_exact(4);
    let byte = |escaped: &[u8]| u8::from_str_radix(std::str::from_utf8(&escaped[2..]).ok()?, 16).ok();
    pairs.map(|escaped| byte(escaped).expect("two hexadecimal digits after \\x")).collect()
}
