//! The text of the key file: TOML, read by hand so that nothing unknown passes and no message repeats its content.
//!
//! ```toml
//! format = 1
//! master = "…"            # 64 hexadecimal digits; absent when the master key comes from the environment
//!
//! [[key]]
//! purpose = "pin-verifier"
//! version = 1
//! sealed = "…"            # hexadecimal: nonce, ciphertext, tag (AES-256-GCM under the master key)
//! ```

use std::fmt::Write as _;

use data_encoding::{HEXLOWER, HEXLOWER_PERMISSIVE};
use toml::{Table, Value};
use zeroize::Zeroizing;

use super::ring::{KeyBytes, KeyRing};
use super::{KeyPurpose, associated_data, open, seal};
use crate::entropy::Entropy;

const FORMAT: i64 = 1;

const COMMENT: &str = "\
# The keys of this bank. Whoever loses this file loses every PIN and all personal data; whoever copies it together
# with the database can read them. Keep it at mode 0600, and a copy in a safe place apart from the database's.
";

/// The file, taken apart; its keys are still sealed.
pub(super) struct KeyFile {
    pub(super) master: Option<KeyBytes>,
    sealed: Vec<SealedKey>,
}

struct SealedKey {
    purpose: KeyPurpose,
    version: u32,
    sealed: Vec<u8>,
}

/// What is wrong with the text, in words that hold nothing secret.
pub(super) type Complaint = String;

impl KeyFile {
    /// Takes the text apart.
    pub(super) fn parse(text: &str) -> Result<Self, Complaint> {
        let mut table = text.parse::<Table>().map_err(|error| syntax_complaint(text, &error))?;
        let master = table.remove("master").map(master_key).transpose()?;
        if table.remove("format") != Some(Value::Integer(FORMAT)) {
            return Err(format!("`format` must be {FORMAT}"));
        }
        let sealed = match table.remove("key") {
            Some(Value::Array(keys)) => keys.into_iter().map(sealed_key).collect::<Result<_, _>>()?,
            Some(_) | None => return Err("there must be a list of `[[key]]`".to_owned()),
        };
        nothing_left(&table)?;
        Ok(Self { master, sealed })
    }

    /// Opens the keys. `Err(None)`: not under this master key.
    pub(super) fn open(&self, master: &KeyBytes) -> Result<KeyRing, Option<Complaint>> {
        let mut ring = KeyRing::default();
        for key in &self.sealed {
            let aad = key_aad(key.purpose, key.version);
            let opened = open(master, &aad, &key.sealed).map_err(|_| None)?;
            let bytes = <[u8; 32]>::try_from(opened.as_slice())
                .map_err(|_| Some("a sealed key does not have 32 bytes".to_owned()))?;
            let place = format!("{} version {}", key.purpose.name(), key.version);
            ring.insert(key.purpose, key.version, Zeroizing::new(bytes))
                .map_err(|_| Some(format!("the key {place} is there twice")))?;
        }
        match KeyPurpose::ALL.into_iter().find(|p| ring.current_version(*p).is_none()) {
            Some(purpose) => Err(Some(format!("there is no `{}` key", purpose.name()))),
            None => Ok(ring),
        }
    }
}

/// Writes the text of a key file, with the master key in it or without.
pub(super) fn write(
    ring: &KeyRing,
    master: &KeyBytes,
    master_in_file: Option<&KeyBytes>,
    entropy: &dyn Entropy,
) -> Zeroizing<String> {
    // Room for everything at once: growing would leave pieces of the master key behind in memory.
    let mut text = Zeroizing::new(String::with_capacity(1024 + 256 * ring.iter().count()));
    text.push_str(COMMENT);
    let mut line = |content: &str| {
        text.push_str(content);
        text.push('\n');
    };
    line(&format!("format = {FORMAT}"));
    if let Some(key) = master_in_file {
        let mut hex = Zeroizing::new([0; 64]);
        HEXLOWER.encode_mut(key.as_slice(), hex.as_mut_slice());
        let hex = std::str::from_utf8(hex.as_slice()).expect("hexadecimal is ASCII");
        line(&Zeroizing::new(format!("master = \"{hex}\"")));
    }
    for (purpose, version, key) in ring.iter() {
        let sealed = seal(master, &key_aad(purpose, version), key.as_slice(), entropy);
        let mut entry = String::from("\n[[key]]\n");
        let name = purpose.name();
        let sealed = HEXLOWER.encode(&sealed);
        write!(entry, "purpose = \"{name}\"\nversion = {version}\nsealed = \"{sealed}\"")
            .expect("writing to memory cannot fail");
        line(&entry);
    }
    text
}

/// The same keys, written anew: for the fuzzers, which read that again.
pub(crate) fn rewritten(text: &str, entropy: &dyn Entropy) -> Result<Zeroizing<String>, Complaint> {
    let file = KeyFile::parse(text)?;
    let master = file.master.as_ref().ok_or("no master key in it")?;
    let ring = file.open(master).map_err(|complaint| complaint.unwrap_or_else(|| "sealed otherwise".to_owned()))?;
    Ok(write(&ring, master, Some(master), entropy))
}

/// Reads 64 hexadecimal digits.
pub(super) fn key_from_hex(hex: &str) -> Option<KeyBytes> {
    let bytes = Zeroizing::new(HEXLOWER_PERMISSIVE.decode(hex.as_bytes()).ok()?);
    <[u8; 32]>::try_from(bytes.as_slice()).ok().map(Zeroizing::new)
}

fn key_aad(purpose: KeyPurpose, version: u32) -> Vec<u8> {
    associated_data(&[b"cashpoint key file", purpose.name().as_bytes(), &version.to_be_bytes()])
}

fn master_key(value: Value) -> Result<KeyBytes, Complaint> {
    let Value::String(hex) = value else {
        return Err("`master` must be a text in quotes".to_owned());
    };
    key_from_hex(&Zeroizing::new(hex)).ok_or_else(|| "`master` must be 64 hexadecimal digits".to_owned())
}

fn sealed_key(value: Value) -> Result<SealedKey, Complaint> {
    let Value::Table(mut table) = value else {
        return Err("each `[[key]]` must be a table".to_owned());
    };
    let name = table.remove("purpose");
    let name = name.as_ref().and_then(Value::as_str).ok_or("a `[[key]]` has no `purpose`")?;
    let purpose = KeyPurpose::from_name(name).ok_or_else(|| format!("unknown purpose `{name}`"))?;
    let version = table.remove("version").and_then(|v| v.as_integer());
    let version = version
        .and_then(|v| u32::try_from(v).ok())
        .filter(|v| *v > 0)
        .ok_or_else(|| format!("`version` of a `{name}` key must be a positive number"))?;
    let sealed = table.remove("sealed");
    let sealed = sealed
        .as_ref()
        .and_then(Value::as_str)
        .and_then(|hex| HEXLOWER_PERMISSIVE.decode(hex.as_bytes()).ok())
        .ok_or_else(|| format!("`sealed` of a `{name}` key must be hexadecimal"))?;
    nothing_left(&table)?;
    Ok(SealedKey { purpose, version, sealed })
}

fn nothing_left(table: &Table) -> Result<(), Complaint> {
    match table.keys().next() {
        Some(field) => Err(format!("unknown field `{field}`")),
        None => Ok(()),
    }
}

/// The line only: the parser's own text would show the line's content, and that may be the master key.
fn syntax_complaint(text: &str, error: &toml::de::Error) -> Complaint {
    let at = error.span().map_or(0, |span| span.start);
    let line = 1 + text.bytes().take(at).filter(|b| *b == b'\n').count();
    format!("line {line} is not TOML")
}
