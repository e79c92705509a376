//! Answered requests: appended by number, found by key.
//!
//! A key is a digest: entered into a B-tree as it comes, each dirties a page of its own. So the keys of the newest
//! requests stay in memory, as a generation. When it is full it is sealed and swept into the index in key order, a slice
//! with every few commits, while the next generation fills; so neighbours share a page, and no commit does it all. Which
//! keys are in the index stands in the same transaction (`request_sweep`), and at the start the others are read from
//! their rows. No background work is done: a slice is a part of the commit that pays for it.

use std::collections::{BTreeMap, HashSet};

use cashpoint_core::id::RequestKey;
use rusqlite::{Connection, OptionalExtension};

/// A generation is at most so large: with the one that is swept, about 20 MB.
const LARGEST: i64 = 262_144;

/// And at least so large.
const SMALLEST: i64 = 32;

/// In between, a generation is this part of the index, so that about twenty of its keys share a page.
const PART: i64 = 4;

/// So many keys are swept for each that is added: a sweep is over when the next generation is half full.
const PACE: usize = 2;

/// Fewer keys than this are not swept alone, so that a commit of one command mostly writes no page of the index.
const LEAST: usize = 16;

/// What is known of requests without asking the database.
pub(super) struct Requests {
    /// The number of the last.
    last: i64,
    mark: Mark,
    /// Keys that are in no other place.
    newest: BTreeMap<RequestKey, i64>,
    /// Keys of the generation that is swept which are not in the index yet.
    sealed: BTreeMap<RequestKey, i64>,
    /// The last number of that generation.
    sealed_to: i64,
    /// How many keys are to be swept for what was added.
    owed: usize,
    /// Keys that were looked for since the last commit and that no request has.
    absent: HashSet<RequestKey>,
}

/// Which requests are in the index, as `request_sweep` says it.
#[derive(Clone, Copy)]
struct Mark {
    /// All up to here, …
    merged: i64,
    /// … and of those up to here …
    sealed: i64,
    /// … the ones up to this key.
    swept: Option<RequestKey>,
}

/// What a commit adds and sweeps: to be accepted when it has succeeded.
pub(super) struct Batch {
    added: Vec<(RequestKey, i64)>,
    /// How many keys of the sealed generation go, and the mark after that.
    sweep: Option<(usize, Mark)>,
}

impl Requests {
    /// Reads what is not in the index.
    pub(super) fn read(connection: &Connection) -> rusqlite::Result<Self> {
        let mark = connection.query_row("SELECT merged, sealed, swept FROM request_sweep", [], |row| {
            Ok(Mark { merged: row.get(0)?, sealed: row.get(1)?, swept: row.get(2)? })
        })?;
        let (newest, sealed, absent) = Default::default();
        let mut requests = Self { last: mark.merged, mark, newest, sealed, sealed_to: mark.sealed, owed: 0, absent };
        let mut statement = connection.prepare("SELECT n, key FROM requests WHERE n > ? ORDER BY n")?;
        let mut rows = statement.query([mark.merged])?;
        while let Some(row) = rows.next()? {
            let (number, key): (i64, RequestKey) = (row.get(0)?, row.get(1)?);
            if number > mark.sealed {
                requests.newest.insert(key, number);
            } else if Some(key) > mark.swept {
                requests.sealed.insert(key, number);
            }
            requests.last = number;
        }
        requests.seal_if_full();
        Ok(requests)
    }

    /// The number of the request with a key.
    pub(super) fn find(&mut self, connection: &Connection, key: &RequestKey) -> rusqlite::Result<Option<i64>> {
        let found = self.look_up(connection, key)?;
        if found.is_none() {
            self.absent.insert(*key);
        }
        Ok(found)
    }

    fn look_up(&self, connection: &Connection, key: &RequestKey) -> rusqlite::Result<Option<i64>> {
        if let Some(number) = self.newest.get(key).or_else(|| self.sealed.get(key)) {
            return Ok(Some(*number));
        }
        let mut statement = connection.prepare_cached("SELECT n FROM request_index WHERE key = ?")?;
        statement.query_row([key], |row| row.get(0)).optional()
    }

    /// The number of the next request.
    pub(super) const fn next(&self) -> i64 {
        self.last + 1
    }

    /// What was looked for before is to be looked for again.
    pub(super) fn begin(&mut self) {
        self.absent.clear();
    }

    /// Numbers new requests, in this order; none if one of the keys is taken.
    pub(super) fn number(
        &self,
        connection: &Connection,
        keys: impl Iterator<Item = RequestKey>,
    ) -> rusqlite::Result<Option<Batch>> {
        let mut added: Vec<(RequestKey, i64)> = keys.zip(self.next()..).collect();
        added.sort_unstable();
        if added.windows(2).any(|pair| pair[0].0 == pair[1].0) {
            return Ok(None);
        }
        for (key, _) in &added {
            if !self.absent.contains(key) && self.look_up(connection, key)?.is_some() {
                return Ok(None);
            }
        }
        let sweep = self.slice(self.owed + PACE * added.len());
        Ok(Some(Batch { added, sweep }))
    }

    /// How much of the sealed generation is due, and how things stand after it.
    fn slice(&self, owed: usize) -> Option<(usize, Mark)> {
        let left = self.sealed.len();
        if left == 0 || owed < left.min(LEAST) {
            return None;
        }
        let due = owed.min(left);
        let (merged, sealed) = (self.mark.merged, self.sealed_to);
        match self.sealed.keys().nth(due - 1).filter(|_| due < left) {
            Some(key) => Some((due, Mark { merged, sealed, swept: Some(*key) })),
            None => Some((left, Mark { merged: sealed, sealed, swept: None })),
        }
    }

    /// Writes the batch's slice of the index, in the transaction that adds its rows.
    pub(super) fn sweep(&self, connection: &Connection, batch: &Batch) -> rusqlite::Result<()> {
        let Some((due, mark)) = &batch.sweep else {
            return Ok(());
        };
        let mut insert = connection.prepare_cached("INSERT INTO request_index (key, n) VALUES (?, ?)")?;
        for (key, number) in self.sealed.iter().take(*due) {
            insert.execute((key, number))?;
        }
        let mut update = connection.prepare_cached("UPDATE request_sweep SET merged = ?, sealed = ?, swept = ?")?;
        update.execute((mark.merged, mark.sealed, mark.swept))?;
        Ok(())
    }

    /// The batch is committed.
    pub(super) fn accept(&mut self, batch: Batch) {
        self.absent.clear();
        self.owed += PACE * batch.added.len();
        self.last += i64::try_from(batch.added.len()).expect("a group has less than 2^63 requests");
        self.newest.extend(batch.added);
        if let Some((due, mark)) = batch.sweep {
            self.owed = 0;
            self.mark = mark;
            match mark.swept {
                Some(_) => {
                    for _ in 0..due {
                        self.sealed.pop_first();
                    }
                }
                None => self.sealed.clear(),
            }
        }
        self.seal_if_full();
    }

    fn seal_if_full(&mut self) {
        let generation = (self.mark.merged / PART).clamp(SMALLEST, LARGEST);
        let full = i64::try_from(self.newest.len()).is_ok_and(|newest| newest >= generation);
        if self.sealed.is_empty() && full {
            self.sealed = std::mem::take(&mut self.newest);
            self.sealed_to = self.last;
            self.owed = 0;
        }
    }
}
