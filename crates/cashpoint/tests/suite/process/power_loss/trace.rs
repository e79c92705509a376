//! What `strace -f -y -xx` wrote, as the writes, syncs and replies of one process.

use std::collections::HashMap;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

/// A recorded life. Moments are line numbers.
pub(super) struct Trace {
    pub(super) lines: usize,
    /// What happened to files in the folder, in the order of beginning.
    pub(super) steps: Vec<Step>,
    pub(super) replies: Vec<Reply>,
}

/// An answer that told a transaction id.
pub(super) struct Reply {
    /// When its sending began.
    pub(super) sent: usize,
    pub(super) transaction: u128,
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

impl Trace {
    pub(super) fn read(file: &Path, folder: &Path) -> Self {
        let mut trace = Self { lines: 0, steps: Vec::new(), replies: Vec::new() };
        let mut unfinished: HashMap<String, (usize, String)> = HashMap::new();
        for line in BufReader::new(std::fs::File::open(file).unwrap()).split(b'\n') {
            let line = String::from_utf8(line.unwrap()).expect("-xx writes ASCII");
            let (thread, call) = line.split_once(' ').expect("a thread's id and its call");
            let (now, call) = (trace.lines, call.trim_start());
            trace.lines += 1;
            if let Some(begun) = call.strip_suffix(" <unfinished ...>") {
                trace.reply(now, begun);
                unfinished.insert(thread.to_owned(), (now, begun.to_owned()));
            } else if let Some(rest) = call.strip_prefix("<... ") {
                let (_, rest) = rest.split_once(" resumed>").expect("the end of an unfinished call");
                if let Some((began, begun)) = unfinished.remove(thread) {
                    trace.step(folder, began, now, &(begun + rest));
                }
            } else {
                trace.reply(now, call);
                trace.step(folder, now, now, call);
            }
        }
        trace.steps.sort_by_key(|step| step.began);
        trace
    }

    /// Looks for a reply in what begins to be sent.
    fn reply(&mut self, now: usize, call: &str) {
        const MEMBER: &[u8] = br#""transaction_id":""#;
        if !["write(", "writev(", "sendto("].iter().any(|name| call.starts_with(name)) {
            return;
        }
        let bytes = strings(call).concat();
        if !bytes.starts_with(b"HTTP/1.1 201") {
            return;
        }
        let Some(found) = bytes.windows(MEMBER.len()).position(|window| window == MEMBER) else {
            return;
        };
        let id = &bytes[found + MEMBER.len()..][..36];
        let hex: String = id.iter().map(|b| char::from(*b)).filter(|c| *c != '-').collect();
        self.replies.push(Reply { sent: now, transaction: u128::from_str_radix(&hex, 16).unwrap() });
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
