//! That each key leads to one request: its number, its place in the index, or its being too new for that.

use std::collections::HashSet;

use crate::store::StoreError;
use crate::store::records::{Id, Records, RequestRecord};
use crate::verify::report::{Judge, Named, Report};

/// Walks the requests in the order of their numbers.
pub(super) struct Index {
    judge: Judge,
    merged: i64,
    sealed: i64,
    swept: Option<Id>,
    /// Entries that the index has, and that it should have.
    entries: i64,
    expected: i64,
    /// Keys that are not in the index.
    newest: HashSet<Id>,
    last: i64,
    position: (i64, i64, i64),
}

impl Index {
    pub(super) fn read(records: &Records) -> Result<Self, StoreError> {
        let mut index = Self {
            judge: Judge::of("request_index"),
            merged: 0,
            sealed: 0,
            swept: None,
            entries: 0,
            expected: 0,
            newest: HashSet::new(),
            last: 0,
            position: (0, 0, -1),
        };
        let mut rows = 0;
        records.request_sweep(|row| {
            rows += 1;
            (index.merged, index.sealed, index.swept, index.entries) = (row.merged, row.sealed, row.swept, row.entries);
        })?;
        index.judge.same(&"requests", "rows that say which of them are in the index", rows, 1);
        Ok(index)
    }

    pub(super) fn check(&mut self, row: &RequestRecord) {
        let subject = Named("request", row.key);
        self.judge.examine();
        self.judge.same(&subject, "number", row.n, self.last.saturating_add(1));
        self.last = row.n;
        let position = (row.writer, row.seq, row.idx);
        if position <= self.position {
            self.judge.differs(format_args!("{subject}: numbered after one that was written later"));
        }
        self.position = position;
        let swept = row.n <= self.sealed && Some(row.key) <= self.swept;
        if row.n <= self.merged || swept {
            self.expected += 1;
            self.judge.same_or_none(&subject, "the number that its key leads to", row.indexed, Some(row.n));
        } else if let Some(other) = row.indexed {
            self.judge.differs(format_args!("{subject}: too new for the index, where its key leads to number {other}"));
        } else if !self.newest.insert(row.key) {
            self.judge.differs(format_args!("{subject}: there is another of this key"));
        }
    }

    pub(super) fn finish(mut self, report: &mut Report) {
        self.judge.same(&"requests", "entries of the index", self.entries, self.expected);
        let Self { merged, sealed, last, .. } = self;
        if merged < 0 || sealed < merged || last < sealed || (merged == sealed) != self.swept.is_none() {
            self.judge.differs(format_args!("requests: {last}, indexed up to {merged}, being indexed up to {sealed}"));
        }
        report.add(self.judge);
    }
}
