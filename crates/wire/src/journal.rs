//! What a terminal's journal holds as bytes, and the chain of MACs that makes a gap, an edit or a cut show.
//!
//! A record's body is JSON of version 1: `{"v":1,"record":…}`. The MAC of entry n is HMAC-SHA256 under the terminal's chain
//! key over the MAC of entry n − 1 (32 zero bytes before the first), n and the instant (each 8 bytes, big-endian; the instant
//! in microseconds since 1970) and the body. Files, sync and size limits are the terminal's matter; so is what follows
//! from the records.

use std::fmt;

use cashpoint_core::terminal::record::{Entry, Record};
use cashpoint_core::time::Timestamp;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

/// The version of the bodies that are written, and the only one that is read.
const VERSION: u32 = 1;

/// The key of a terminal's chain. Wiped when dropped, never shown.
#[derive(Clone)]
pub struct ChainKey(Zeroizing<[u8; 32]>);

/// The end of a chain: it stands for everything up to there.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Head {
    /// The last entry's number; 0: there is none yet.
    pub n: u64,
    /// Its MAC.
    pub mac: [u8; 32],
}

/// An entry as it is stored.
#[derive(Clone, Copy)]
pub struct Written<'a> {
    /// Its number.
    pub n: u64,
    /// When it was written, by the terminal's clock.
    pub at: Timestamp,
    /// The record, as [`encode`] writes it.
    pub body: &'a [u8],
    /// Its MAC.
    pub mac: [u8; 32],
}

/// What is wrong with a stored journal, and where. Nothing of what it holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ChainError {
    /// Entries are missing: after `after` comes `found`.
    Gap {
        /// The last good entry.
        after: u64,
        /// The next that is there.
        found: u64,
    },
    /// Entries are not in their order, or one is there twice: after `after` comes `found`.
    Reordered {
        /// The last good entry.
        after: u64,
        /// The next that is there.
        found: u64,
    },
    /// The entry is not what was written there under this key.
    Edited {
        /// Which.
        n: u64,
    },
    /// The end is missing: `known` was written once.
    Truncated {
        /// The last entry that is there.
        last: u64,
        /// What is known to have been written.
        known: u64,
    },
    /// The chain is whole, but not the one that is known: it was written anew.
    Replaced {
        /// The entry that differs.
        n: u64,
    },
    /// The entry is what was written, and this program does not understand it.
    Unreadable {
        /// Which.
        n: u64,
    },
}

/// The bytes are no record of a version that is understood here.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NotARecord;

impl Head {
    /// Before the first entry.
    pub const ORIGIN: Self = Self { n: 0, mac: [0; 32] };
}

/// The number and the beginning of the MAC: enough to tell two apart.
impl fmt::Debug for Head {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [first, second, third, fourth, ..] = self.mac;
        write!(out, "Head({} {first:02x}{second:02x}{third:02x}{fourth:02x}…)", self.n)
    }
}

impl ChainKey {
    /// Takes a key over.
    #[must_use]
    pub fn new(key: [u8; 32]) -> Self {
        Self(Zeroizing::new(key))
    }

    /// The head that an entry makes behind another.
    #[must_use]
    pub fn chain(&self, head: &Head, n: u64, at: Timestamp, body: &[u8]) -> Head {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0[..]).expect("HMAC takes keys of any length");
        for part in [&head.mac[..], &n.to_be_bytes(), &at.micros().to_be_bytes(), body] {
            mac.update(part);
        }
        Head { n, mac: mac.finalize().into_bytes().into() }
    }

    /// Checks that an entry stands behind `head` as it was written, and reads it.
    ///
    /// # Errors
    /// [`ChainError`], but for the two that need to know the end.
    pub fn read(&self, head: &Head, entry: &Written<'_>) -> Result<(Entry, Head), ChainError> {
        let next = self.check(head, entry)?;
        let record = decode(entry.body).map_err(|NotARecord| ChainError::Unreadable { n: entry.n })?;
        Ok((Entry { n: entry.n, at: entry.at, record }, next))
    }

    /// Checks entries from behind `head` on, up to and past what is `known` of them: the head that they make.
    ///
    /// # Errors
    /// [`ChainError`], the first; whether the records can be read is not looked at.
    pub fn verify<'a>(
        &self,
        head: Head,
        entries: impl IntoIterator<Item = Written<'a>>,
        known: &Head,
    ) -> Result<Head, ChainError> {
        let is_known = |head: &Head| head.n != known.n || bool::from(head.mac.ct_eq(&known.mac));
        let (mut last, mut entries) = (head, entries.into_iter());
        loop {
            if !is_known(&last) {
                return Err(ChainError::Replaced { n: last.n });
            }
            match entries.next() {
                Some(entry) => last = self.check(&last, &entry)?,
                None if last.n < known.n => return Err(ChainError::Truncated { last: last.n, known: known.n }),
                None => return Ok(last),
            }
        }
    }

    fn check(&self, head: &Head, entry: &Written<'_>) -> Result<Head, ChainError> {
        let (after, found) = (head.n, entry.n);
        if found <= after {
            return Err(ChainError::Reordered { after, found });
        }
        if found != after + 1 {
            return Err(ChainError::Gap { after, found });
        }
        let next = self.chain(head, found, entry.at, entry.body);
        if next.mac.ct_eq(&entry.mac).into() { Ok(next) } else { Err(ChainError::Edited { n: found }) }
    }
}

/// A record's body. Equal records have equal bodies.
#[must_use]
pub fn encode(record: &Record) -> Vec<u8> {
    serde_json::to_vec(&BodyRef { v: VERSION, record }).expect("records are JSON")
}

/// Reads a body.
///
/// # Errors
/// [`NotARecord`] for anything that [`encode`] does not write, but for white space and the order of fields.
pub fn decode(body: &[u8]) -> Result<Record, NotARecord> {
    let body: Body = serde_json::from_slice(body).map_err(|_| NotARecord)?;
    if body.v == VERSION { Ok(body.record) } else { Err(NotARecord) }
}

#[derive(Serialize)]
struct BodyRef<'a> {
    v: u32,
    #[serde(serialize_with = "crate::mirror::borrowed")]
    record: &'a Record,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    v: u32,
    #[serde(with = "crate::mirror")]
    record: Record,
}

impl fmt::Display for ChainError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Gap { after, found } => write!(out, "entries are missing between {after} and {found}"),
            Self::Reordered { after, found } => write!(out, "entry {found} stands after entry {after}"),
            Self::Edited { n } => write!(out, "entry {n} was changed"),
            Self::Truncated { last, known } => write!(out, "it ends with entry {last}, but {known} was written"),
            Self::Replaced { n } => write!(out, "entry {n} is not the one that is known"),
            Self::Unreadable { n } => write!(out, "entry {n} is of a kind that this program does not know"),
        }
    }
}

impl std::error::Error for ChainError {}

impl fmt::Display for NotARecord {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("not a record of a version that is understood here")
    }
}

impl std::error::Error for NotARecord {}

#[cfg(test)]
mod tests;
