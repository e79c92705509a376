//! The bookkeeping of notifications: feeds, what waits, what was given up, who wants what.

use cashpoint_core::change::New;
use cashpoint_core::notification::{DeadLetter, Feed};
use rusqlite::params;

use super::{Fault, Group, whole};

impl Group<'_> {
    /// Everything about feeds and wishes, after the customers that they refer to.
    pub(super) fn notifications(&self) -> Result<(), Fault> {
        for feed in self.changes.feeds.values() {
            self.feed(feed)?;
        }
        self.waiting()?;
        for new in &self.changes.new {
            if let New::DeadLetter(letter) = new {
                self.dead_letter(letter)?;
            }
        }
        self.wishes()
    }

    fn feed(&self, feed: &Feed) -> Result<(), Fault> {
        let channel = feed.channel.as_str();
        self.statement(
            "INSERT INTO feeds (channel, holder, until) VALUES (?, ?, ?)
             ON CONFLICT (channel) DO UPDATE SET holder = excluded.holder, until = excluded.until",
        )?
        .execute((channel, feed.holder.number(), feed.until.micros()))?;
        let mut statement = self.statement(
            "INSERT INTO feed_cursors (channel, stream, place) VALUES (?, ?, ?)
             ON CONFLICT (channel, stream) DO UPDATE SET place = excluded.place",
        )?;
        for (stream, place) in &feed.cursor.0 {
            statement.execute((channel, stream, whole(*place)?))?;
        }
        Ok(())
    }

    fn waiting(&self) -> Result<(), Fault> {
        let mut insert = self.statement(
            "INSERT INTO feed_waiting (channel, customer, number, attempts, since, due, why) VALUES (?, ?, ?, ?, ?, ?, ?)
             ON CONFLICT (channel, customer) DO UPDATE SET number = excluded.number, attempts = excluded.attempts,
                 since = excluded.since, due = excluded.due, why = excluded.why",
        )?;
        let mut delete = self.statement("DELETE FROM feed_waiting WHERE channel = ? AND customer = ?")?;
        for ((channel, customer), row) in &self.changes.waiting {
            match row {
                Some(row) => insert.execute(params![
                    channel.as_str(),
                    customer.number(),
                    whole(row.number)?,
                    row.attempts,
                    row.since.micros(),
                    row.due.micros(),
                    row.why,
                ])?,
                None => delete.execute((channel.as_str(), customer.number()))?,
            };
        }
        Ok(())
    }

    /// A letter that was given up before stays as it was: whoever followed on a feed may not have known.
    fn dead_letter(&self, letter: &DeadLetter) -> Result<(), Fault> {
        self.statement(
            "INSERT INTO dead_letters (channel, customer, number, kind, at, writer, seq, idx, attempts, given_up, why)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
             ON CONFLICT (channel, customer, number) DO NOTHING",
        )?
        .execute(params![
            letter.channel.as_str(),
            letter.customer.number(),
            whole(letter.number)?,
            self.memory.event_kind(letter.kind)?,
            letter.at.micros(),
            letter.id.writer,
            whole(letter.id.seq)?,
            letter.id.index,
            letter.attempts,
            letter.given_up.micros(),
            letter.why,
        ])?;
        Ok(())
    }

    fn wishes(&self) -> Result<(), Fault> {
        let mut insert = self.statement(
            "INSERT INTO wishes (customer, channel, kinds) VALUES (?, ?, ?)
             ON CONFLICT (customer, channel) DO UPDATE SET kinds = excluded.kinds",
        )?;
        let mut delete = self.statement("DELETE FROM wishes WHERE customer = ? AND channel = ?")?;
        for ((customer, channel), wish) in &self.changes.wishes {
            match wish {
                Some(wish) => insert.execute((customer.number(), channel.as_str(), wish.to_text()))?,
                None => delete.execute((customer.number(), channel.as_str()))?,
            };
        }
        Ok(())
    }
}
