//! A terminal's journal in memory. Written through the same bytes and chain as the real one, so that what a restart reads
//! went through both. What its key's holder or anybody else may do to a file can be done to it.
//!
//! Its disk fails as a real one does: an append whose end nobody hears may have left all of its record, a part, or nothing.
//! What that comes to is known when the journal is opened again, and until then it takes nothing: a record that is whole is
//! there, and a part of one is dropped. `tests/journal.rs` holds it and the terminal's file to the same.

use std::cell::RefCell;

use cashpoint_core::terminal::JournalFailure;
use cashpoint_core::terminal::journal::{Fill, Journal};
use cashpoint_core::terminal::record::{Entry, Record};
use cashpoint_core::time::Timestamp;
use cashpoint_wire::journal::{ChainError, ChainKey, Head, Written, encode};

/// The bytes that a journal's reserve is at first, as the real one's.
const RESERVE: u64 = 1 << 20;

/// What is found behind the last acknowledged entry of a journal that is opened.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Tail {
    /// Nothing.
    Nothing,
    /// A part of a record: it was dropped.
    Torn,
    /// A record that nobody heard to be there.
    Whole,
}

/// A journal that never forgets what it acknowledged.
#[derive(Clone)]
pub struct MemoryJournal {
    key: ChainKey,
    base: Head,
    written: Vec<(Head, Timestamp, Vec<u8>)>,
    /// Of entries that were dropped, as the real one keeps them.
    dropped: Vec<Head>,
    /// Bytes that it uses.
    used: u64,
    /// The first of what is written as it was read once: nobody has laid hands on it since.
    read: RefCell<Vec<Entry>>,
    /// Behind what is written, the bytes of a record of which nobody heard whether it is there.
    tail: Vec<u8>,
    /// Set by a failure after which nobody knows what the disk holds, until the journal is opened again.
    broken: bool,
    /// Bytes that it may use in ordinary work.
    pub limit: u64,
    /// Bytes that are kept back for finishing what was begun.
    pub reserve: u64,
    /// How many bytes of a record reach the disk if nobody hears the end of its writing.
    pub reaches: usize,
    /// What the next appends come to, if not success.
    pub failure: Option<JournalFailure>,
    /// Appends that still succeed before `failure` holds.
    pub fails_after: u64,
}

impl MemoryJournal {
    /// An empty one of 1 MiB.
    #[must_use]
    pub fn new(key: [u8; 32]) -> Self {
        let (key, base) = (ChainKey::new(key), Head::ORIGIN);
        let (written, dropped) = (Vec::new(), Vec::new());
        Self {
            key,
            base,
            written,
            dropped,
            used: 0,
            read: RefCell::default(),
            tail: Vec::new(),
            broken: false,
            limit: 1 << 20,
            reserve: RESERVE,
            reaches: 0,
            failure: None,
            fails_after: 0,
        }
    }

    /// Opens it, as a process does that begins: what it holds, and what lay behind the last acknowledged entry.
    ///
    /// # Errors
    /// It is not what was written. It is left as it is.
    pub fn open(&mut self) -> Result<(Vec<Entry>, Tail), ChainError> {
        let bytes = std::mem::take(&mut self.tail);
        self.broken = false;
        let tail = match (whole(&bytes), bytes.as_slice()) {
            (Some((head, at, body)), _) => {
                self.used += size(&body);
                self.written.push((head, at, body));
                Tail::Whole
            }
            (None, []) => Tail::Nothing,
            (None, _) => Tail::Torn,
        };
        Ok((self.entries()?, tail))
    }

    /// Power fails while a record is written: nothing is acknowledged, and the disk has what it has.
    pub fn tear(&mut self, record: &Record, at: Timestamp) {
        if self.broken {
            return;
        }
        let (body, last) = (encode(record), self.head());
        self.tail = bytes_of(self.key.chain(&last, last.n + 1, at, &body), at, &body);
        self.tail.truncate(self.reaches);
        self.broken = true;
    }

    /// Whether it takes nothing until it is opened again.
    #[must_use]
    pub const fn is_broken(&self) -> bool {
        self.broken
    }

    /// Whether it can be written, after it failed.
    ///
    /// # Errors
    /// It cannot.
    pub fn self_test(&self) -> Result<(), JournalFailure> {
        self.has_room()?;
        self.failure.map_or(Ok(()), Err)
    }

    fn has_room(&self) -> Result<(), JournalFailure> {
        if self.broken {
            return Err(JournalFailure::Broken);
        }
        let full = self.used >= self.limit + self.reserve;
        if full { Err(JournalFailure::Full) } else { Ok(()) }
    }

    /// Whether the disk takes something now.
    fn disk_takes(&mut self) -> Result<(), JournalFailure> {
        match (self.failure, self.fails_after) {
            (Some(failure), 0) => Err(failure),
            (Some(_), _) => {
                self.fails_after -= 1;
                Ok(())
            }
            (None, _) => Ok(()),
        }
    }

    /// What a restart reads.
    ///
    /// # Errors
    /// It is not what was written.
    pub fn entries(&self) -> Result<Vec<Entry>, ChainError> {
        let mut read = self.read.borrow_mut();
        let mut last = read.len().checked_sub(1).map_or(self.base, |at| self.written[at].0);
        for (head, at, body) in &self.written[read.len()..] {
            let written = Written { n: head.n, at: *at, body, mac: head.mac };
            let (entry, head) = self.key.read(&last, &written)?;
            last = head;
            read.push(entry);
        }
        Ok(read.clone())
    }

    /// The bytes of what it holds, as they would lie in a file.
    pub fn bytes(&self) -> impl Iterator<Item = &[u8]> {
        self.written.iter().map(|(_, _, body)| body.as_slice())
    }

    /// The last entry's number and MAC.
    #[must_use]
    pub fn head(&self) -> Head {
        self.written.last().map_or(self.base, |(head, _, _)| *head)
    }

    /// Those of an earlier entry, if it is still there.
    #[must_use]
    pub fn at(&self, n: u64) -> Option<Head> {
        if n == self.base.n {
            return Some(self.base);
        }
        let written = self.written.binary_search_by_key(&n, |(head, _, _)| head.n).map(|at| self.written[at].0);
        written.or_else(|_| self.dropped.binary_search_by_key(&n, |head| head.n).map(|at| self.dropped[at])).ok()
    }

    /// Somebody deletes it.
    pub fn delete(&mut self) {
        self.read.get_mut().clear();
        self.tail.clear();
        (self.base, self.written, self.dropped, self.used) = (Head::ORIGIN, Vec::new(), Vec::new(), 0);
    }

    /// Somebody cuts its last entries off.
    pub fn cut(&mut self, entries: usize) {
        self.read.get_mut().clear();
        self.tail.clear();
        let cut = self.written.split_off(self.written.len().saturating_sub(entries));
        self.used -= cut.iter().map(|(_, _, body)| size(body)).sum::<u64>();
    }

    /// Somebody puts another record in the place of an entry, and leaves the MACs as they are.
    pub fn edit(&mut self, n: u64, record: &Record) {
        self.read.get_mut().clear();
        if let Some((_, _, body)) = self.written.iter_mut().find(|(head, _, _)| head.n == n) {
            self.used -= size(body);
            *body = encode(record);
            self.used += size(body);
        }
    }

    /// Somebody who has the key puts another record in the place of an entry, and makes everything after it fit.
    pub fn forge(&mut self, n: u64, record: &Record) {
        self.edit(n, record);
        let mut last = self.base;
        for (head, at, body) in &mut self.written {
            *head = self.key.chain(&last, head.n, *at, body);
            last = *head;
        }
    }

    /// How full it is.
    #[must_use]
    pub fn fill(&self) -> Fill {
        Fill { used: self.used, limit: self.limit }
    }
}

/// An entry as it lies on a disk: its body's length, number, instant, MAC, body.
fn bytes_of(head: Head, at: Timestamp, body: &[u8]) -> Vec<u8> {
    let length = u64::try_from(body.len()).expect("a record is small");
    [&length.to_be_bytes()[..], &head.n.to_be_bytes(), &at.micros().to_be_bytes(), &head.mac, body].concat()
}

/// The entry that bytes are; none: they are none, or a part of one.
fn whole(bytes: &[u8]) -> Option<(Head, Timestamp, Vec<u8>)> {
    let (length, rest) = bytes.split_first_chunk()?;
    let (n, rest) = rest.split_first_chunk()?;
    let (at, rest) = rest.split_first_chunk()?;
    let (mac, body) = rest.split_first_chunk()?;
    let all = u64::try_from(body.len()).is_ok_and(|length_there| length_there == u64::from_be_bytes(*length));
    let head = Head { n: u64::from_be_bytes(*n), mac: *mac };
    all.then(|| (head, Timestamp::from_micros(i64::from_be_bytes(*at)), body.to_vec()))
}

/// Bytes that an entry takes.
const fn size(body: &[u8]) -> u64 {
    body.len() as u64 + 64
}

impl Journal for MemoryJournal {
    fn append(&mut self, record: &Record, at: Timestamp) -> Result<Fill, JournalFailure> {
        self.has_room()?;
        if let Err(failure) = self.disk_takes() {
            if failure == JournalFailure::Broken {
                self.tear(record, at);
            }
            return Err(failure);
        }
        let (body, last) = (encode(record), self.head());
        self.used += size(&body);
        self.written.push((self.key.chain(&last, last.n + 1, at, &body), at, body));
        Ok(self.fill())
    }

    fn forget(&mut self, keep_from: u64) -> Result<Fill, JournalFailure> {
        if self.broken {
            return Err(JournalFailure::Broken);
        }
        if let Err(failure) = self.disk_takes() {
            self.broken = failure == JournalFailure::Broken;
            return Err(failure);
        }
        let dropped = self.written.iter().take_while(|(head, _, _)| head.n < keep_from).count();
        let read = self.read.get_mut();
        read.drain(..dropped.min(read.len()));
        for (head, _, body) in self.written.drain(..dropped) {
            self.used -= size(&body);
            self.dropped.push(head);
        }
        if dropped > 0
            && let Some(last) = self.dropped.last()
        {
            self.base = *last;
        }
        Ok(self.fill())
    }
}
