//! A terminal's journal in memory. Written through the same bytes and chain as the real one, so that what a restart reads
//! went through both. What its key's holder or anybody else may do to a file can be done to it.

use std::cell::RefCell;

use cashpoint_core::terminal::JournalFailure;
use cashpoint_core::terminal::journal::{Fill, Journal};
use cashpoint_core::terminal::record::{Entry, Record};
use cashpoint_core::time::Timestamp;
use cashpoint_wire::journal::{ChainError, ChainKey, Head, Written, encode};

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
    /// Bytes that it may use.
    pub limit: u64,
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
        let read = RefCell::default();
        Self { key, base, written, dropped, used: 0, read, limit: 1 << 20, failure: None, fails_after: 0 }
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
        (self.base, self.written, self.dropped, self.used) = (Head::ORIGIN, Vec::new(), Vec::new(), 0);
    }

    /// Somebody cuts its last entries off.
    pub fn cut(&mut self, entries: usize) {
        self.read.get_mut().clear();
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

/// Bytes that an entry takes.
const fn size(body: &[u8]) -> u64 {
    body.len() as u64 + 64
}

impl Journal for MemoryJournal {
    fn append(&mut self, record: &Record, at: Timestamp) -> Result<Fill, JournalFailure> {
        match (self.failure, self.fails_after) {
            (Some(failure), 0) => return Err(failure),
            (Some(_), _) => self.fails_after -= 1,
            (None, _) => {}
        }
        let (body, last) = (encode(record), self.head());
        self.used += size(&body);
        self.written.push((self.key.chain(&last, last.n + 1, at, &body), at, body));
        Ok(self.fill())
    }

    fn forget(&mut self, keep_from: u64) -> Result<Fill, JournalFailure> {
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
