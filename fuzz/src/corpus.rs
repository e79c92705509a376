//! The seeds in `corpus/`, kept as files that people can read.
//!
//! A file's ending says how it becomes bytes: `.hex` is hexadecimal digits, with comments from `#` on; in `.http` each
//! line ends as HTTP wants it, and the last line's end does not count; in any other file the last line's end does not
//! count.

use std::fs;
use std::path::Path;

use data_encoding::HEXLOWER_PERMISSIVE;

use crate::Target;

/// One seed.
#[derive(Clone, Debug)]
pub struct Seed {
    /// Its file's name.
    pub name: String,
    /// What the target gets.
    pub bytes: Vec<u8>,
}

/// The seeds of a target, by name.
///
/// # Panics
/// If the folder is not there, empty, or holds a file that cannot be read: then the source tree is not whole.
#[must_use]
pub fn seeds(target: &Target) -> Vec<Seed> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target.name);
    let listing = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut seeds: Vec<_> = listing
        .map(|entry| {
            let entry = entry.expect("a listed folder goes on being listed");
            let name = entry.file_name().to_string_lossy().into_owned();
            let file = fs::read(entry.path()).unwrap_or_else(|error| panic!("{name}: {error}"));
            Seed { bytes: bytes_of(&name, file), name }
        })
        .collect();
    assert!(!seeds.is_empty(), "{} has no seeds", target.name);
    seeds.sort_by(|one, other| one.name.cmp(&other.name));
    seeds
}

fn bytes_of(name: &str, mut file: Vec<u8>) -> Vec<u8> {
    if name.ends_with(".hex") {
        let text = String::from_utf8_lossy(&file);
        let lines = text.lines().map(|line| line.split_once('#').map_or(line, |(digits, _)| digits));
        let digits: String = lines.flat_map(str::chars).filter(|c| !c.is_whitespace()).collect();
        return HEXLOWER_PERMISSIVE.decode(digits.as_bytes()).unwrap_or_else(|error| panic!("{name}: {error}"));
    }
    if file.ends_with(b"\n") {
        file.pop();
    }
    if name.ends_with(".http") {
        let lines: Vec<_> = file.split(|byte| *byte == b'\n').collect();
        return lines.join(b"\r\n".as_slice());
    }
    file
}

/// The target's dictionary in libFuzzer's own format.
#[must_use]
pub fn dictionary(target: &Target) -> String {
    let escaped = |byte: u8| match byte {
        b'"' | b'\\' => format!("\\{}", char::from(byte)),
        b' '..=b'~' => char::from(byte).to_string(),
        other => format!("\\x{other:02x}"),
    };
    target.dictionary.iter().map(|word| format!("\"{}\"\n", word.bytes().map(escaped).collect::<String>())).collect()
}
