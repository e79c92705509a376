//! A terminal's journal in memory. Written through the same bytes and chain as the real one, so that what a restart reads
//! went through both.

use cashpoint_core::terminal::JournalFailure;
use cashpoint_core::terminal::journal::{Fill, Journal};
use cashpoint_core::terminal::record::{Entry, Record};
use cashpoint_core::time::Timestamp;
use cashpoint_wire::journal::{ChainKey, Head, Written, encode};

/// A journal that never forgets what it acknowledged.
pub struct MemoryJournal {
    key: ChainKey,
    base: Head,
    written: Vec<(Head, Timestamp, Vec<u8>)>,
    /// Bytes that it may use.
    pub limit: u64,
    /// What the next appends come to, if not success.
    pub failure: Option<JournalFailure>,
}

impl MemoryJournal {
    /// An empty one of 1 MiB.
    #[must_use]
    pub fn new(key: [u8; 32]) -> Self {
        Self { key: ChainKey::new(key), base: Head::ORIGIN, written: Vec::new(), limit: 1 << 20, failure: None }
    }

    /// What a restart reads.
    ///
    /// # Panics
    /// If it is not what was written: nobody tampers with memory.
    #[must_use]
    pub fn entries(&self) -> Vec<Entry> {
        let mut last = self.base;
        let read = self.written.iter().map(|(head, at, body)| {
            let written = Written { n: head.n, at: *at, body, mac: head.mac };
            let (entry, head) = self.key.read(&last, &written).expect("it is as it was written");
            last = head;
            entry
        });
        read.collect()
    }

    /// The last entry's number and MAC.
    #[must_use]
    pub fn head(&self) -> Head {
        self.written.last().map_or(self.base, |(head, _, _)| *head)
    }

    fn fill(&self) -> Fill {
        let used = self.written.iter().map(|(_, _, body)| body.len() as u64 + 64).sum();
        Fill { used, limit: self.limit }
    }
}

impl Journal for MemoryJournal {
    fn append(&mut self, record: &Record, at: Timestamp) -> Result<Fill, JournalFailure> {
        if let Some(failure) = self.failure {
            return Err(failure);
        }
        let (body, last) = (encode(record), self.head());
        self.written.push((self.key.chain(&last, last.n + 1, at, &body), at, body));
        Ok(self.fill())
    }

    fn forget(&mut self, keep_from: u64) -> Result<Fill, JournalFailure> {
        let dropped = self.written.iter().take_while(|(head, _, _)| head.n < keep_from).count();
        if let Some((head, _, _)) = self.written.drain(..dropped).next_back() {
            self.base = head;
        }
        Ok(self.fill())
    }
}
