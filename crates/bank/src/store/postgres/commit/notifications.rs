//! The bookkeeping of notifications: feeds, what waits, what was given up, who wants what.

use cashpoint_core::change::New;
use cashpoint_core::notification::{DeadLetter, Feed};

use super::{Fault, Group, Must, whole};
use crate::store::postgres::link::column;

impl<'a> Group<'a> {
    /// Everything about feeds and wishes, after the customers that they refer to.
    pub(super) fn notifications(&mut self) -> Result<(), Fault> {
        let changes = self.changes;
        for feed in changes.feeds.values() {
            self.feed(feed)?;
        }
        self.waiting()?;
        for new in &changes.new {
            if let New::DeadLetter(letter) = new {
                self.dead_letter(letter)?;
            }
        }
        self.wishes();
        Ok(())
    }

    fn feed(&mut self, feed: &'a Feed) -> Result<(), Fault> {
        let sql = if self.held.absent.feeds.contains(&feed.channel) {
            "INSERT INTO feeds (channel, holder, until) VALUES ($1, $2, $3)"
        } else {
            "INSERT INTO feeds (channel, holder, until) VALUES ($1, $2, $3)
             ON CONFLICT (channel) DO UPDATE SET holder = excluded.holder, until = excluded.until"
        };
        let channel = feed.channel.as_str();
        self.step(
            sql,
            vec![Box::new(channel), Box::new(feed.holder.number()), Box::new(feed.until.micros())],
            Must::Whatever,
        );
        let places = feed.cursor.0.values().map(|place| whole(*place)).collect::<Result<Vec<_>, _>>()?;
        self.step(
            "INSERT INTO feed_cursors (channel, stream, place)
             SELECT $1, p.stream, p.place FROM unnest($2::bigint[], $3::bigint[]) AS p (stream, place)
             ON CONFLICT (channel, stream) DO UPDATE SET place = excluded.place
                 WHERE feed_cursors.place <> excluded.place",
            vec![Box::new(channel), column(feed.cursor.0.keys().copied().map(i64::from)), Box::new(places)],
            Must::Whatever,
        );
        Ok(())
    }

    fn waiting(&mut self) -> Result<(), Fault> {
        let changes = self.changes;
        for ((channel, customer), row) in &changes.waiting {
            match row {
                Some(row) => self.step(
                    "INSERT INTO feed_waiting (channel, customer, number, attempts, since, due, why)
                     VALUES ($1, $2, $3, $4, $5, $6, $7)
                     ON CONFLICT (channel, customer) DO UPDATE SET number = excluded.number,
                         attempts = excluded.attempts, since = excluded.since, due = excluded.due, why = excluded.why",
                    vec![
                        Box::new(channel.as_str()),
                        Box::new(customer.number()),
                        Box::new(whole(row.number)?),
                        Box::new(i64::from(row.attempts)),
                        Box::new(row.since.micros()),
                        Box::new(row.due.micros()),
                        Box::new(&row.why),
                    ],
                    Must::Whatever,
                ),
                None => self.step(
                    "DELETE FROM feed_waiting WHERE channel = $1 AND customer = $2",
                    vec![Box::new(channel.as_str()), Box::new(customer.number())],
                    Must::Whatever,
                ),
            }
        }
        Ok(())
    }

    /// A letter that was given up before stays as it was: whoever followed on a feed may not have known.
    fn dead_letter(&mut self, letter: &'a DeadLetter) -> Result<(), Fault> {
        self.fresh.last_letter += 1;
        let (id, kind) = (self.fresh.last_letter, self.event_kind(letter.kind)?);
        self.step(
            "INSERT INTO dead_letters (id, channel, customer, number, kind, at, writer, seq, idx, attempts, given_up, why)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
             ON CONFLICT (channel, customer, number) DO NOTHING",
            vec![
                Box::new(id),
                Box::new(letter.channel.as_str()),
                Box::new(letter.customer.number()),
                Box::new(whole(letter.number)?),
                Box::new(kind),
                Box::new(letter.at.micros()),
                Box::new(i64::from(letter.id.writer)),
                Box::new(whole(letter.id.seq)?),
                Box::new(i64::from(letter.id.index)),
                Box::new(i64::from(letter.attempts)),
                Box::new(letter.given_up.micros()),
                Box::new(&letter.why),
            ],
            Must::Whatever,
        );
        Ok(())
    }

    fn wishes(&mut self) {
        let changes = self.changes;
        for ((customer, channel), wish) in &changes.wishes {
            match wish {
                Some(wish) => self.step(
                    "INSERT INTO wishes (customer, channel, kinds) VALUES ($1, $2, $3)
                     ON CONFLICT (customer, channel) DO UPDATE SET kinds = excluded.kinds",
                    vec![Box::new(customer.number()), Box::new(channel.as_str()), Box::new(wish.to_text())],
                    Must::Whatever,
                ),
                None => self.step(
                    "DELETE FROM wishes WHERE customer = $1 AND channel = $2",
                    vec![Box::new(customer.number()), Box::new(channel.as_str())],
                    Must::Whatever,
                ),
            }
        }
    }
}
