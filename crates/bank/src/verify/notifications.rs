//! The books on which events were told to whom: they point at events that are there, and repeat them rightly.

use std::collections::HashMap;

use cashpoint_core::notification::{ChannelName, Wish};

use super::people::People;
use super::report::{Judge, Named, Report};
use crate::store::StoreError;
use crate::store::records::{DeadLetterRecord, EventRecord, Records};

/// Letters that were given up and whose event was not met yet, by customer and number.
pub(super) struct Letters {
    waiting: HashMap<(i64, i64), Vec<DeadLetterRecord>>,
    judge: Judge,
}

impl Letters {
    pub(super) fn read(records: &Records) -> Result<Self, StoreError> {
        let mut letters = Self { waiting: HashMap::new(), judge: Judge::of("notifications") };
        records.dead_letters(|row| {
            letters.judge.examine();
            let subject = Named("dead letter", row.id);
            if row.attempts < 1 || row.given_up < row.at || ChannelName::parse(&row.channel).is_err() {
                letters
                    .judge
                    .differs(format_args!("{subject}: given up untried, before it happened, or by no channel"));
            }
            letters.waiting.entry((row.customer, row.number)).or_default().push(row);
        })?;
        Ok(letters)
    }

    /// An event goes by; letters about it repeat it.
    pub(super) fn pass(&mut self, event: &EventRecord) {
        let Some(letters) = self.waiting.remove(&(event.customer, event.number)) else {
            return;
        };
        for letter in letters {
            let subject = Named("dead letter", letter.id);
            let columns = [
                ("kind", letter.kind, event.kind),
                ("at", letter.at, event.at),
                ("writer", letter.writer, event.writer),
                ("seq", letter.seq, event.seq),
                ("idx", letter.idx, event.idx),
            ];
            for (what, found, expected) in columns {
                self.judge.same(&subject, what, found, expected);
            }
        }
    }

    /// All events went by.
    pub(super) fn finish(mut self, records: &Records, people: &People, report: &mut Report) -> Result<(), StoreError> {
        let Self { waiting, judge } = &mut self;
        for letter in waiting.values().flatten() {
            judge.differs(format_args!("dead letter {}: its event is not there", letter.id));
        }
        records.feeds(|row| {
            judge.examine();
            let subject = Named("feed", &row.channel);
            if ChannelName::parse(&row.channel).is_err() {
                judge.differs(format_args!("{subject}: there is no such channel"));
            }
            let last = row.last.unwrap_or(-1);
            if row.place.is_some_and(|place| place > last || place < 0) {
                judge.differs(format_args!("{subject}: it is beyond event {last}, the last"));
            }
        })?;
        records.feed_waiting(|row| {
            judge.examine();
            let events = people.events(row.customer).unwrap_or_default();
            if row.number < 1 || row.number > events || row.attempts < 0 || row.due < row.since {
                let (customer, number) = (row.customer, row.number);
                judge.differs(format_args!("feed {}: event {number} of customer {customer} waits oddly", row.channel));
            }
        })?;
        records.wishes(|row| {
            judge.examine();
            if Wish::parse(&row.kinds).is_err() || ChannelName::parse(&row.channel).is_err() {
                let (customer, kinds) = (row.customer, &row.kinds);
                judge.differs(format_args!("customer {customer}: {kinds} by {} is no wish", row.channel));
            }
        })?;
        report.add(self.judge);
        Ok(())
    }
}
