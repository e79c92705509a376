//! Who may remember rows from one group to the next: nobody, or one writer of all.
//!
//! A row of the database says who. Every group of every writer reads it under a lock in its own transaction: the one that
//! remembers must find itself there, all others must find nobody. So while it is there nobody else commits, and what it
//! remembers is what stands in the database; a writer that finds another there puts nobody there and waits for the group
//! that is under way. No clock and no time-out is part of this: `docs/adr/0018-one-writer-that-remembers.md`.

use std::sync::Arc;
use std::time::Duration;

use super::WITHIN;
use super::link::{Answer, Link, LinkError, Query};
use crate::clock::Clock;
use crate::store::StoreError;
use crate::store::rows::{self, Row as _};

/// A writer that lost it, or could not have it, asks again after the first of these, then after twice as long each time, up
/// to the second: hosts that take turns are better off locking rows.
const PAUSE: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(64));

/// Whoever had it for so long was not taking turns.
const LONG: Duration = Duration::from_secs(60);

/// For a group of the writer that remembers; the clock is read under the lock.
const HOLD: &str = "SELECT h.writer, (SELECT w.writer FROM tenure w WHERE w.what = 'wanted') AS wanted,
         (extract(epoch FROM clock_timestamp()) * 1000000)::bigint AS clock
     FROM tenure h WHERE h.what = 'held' FOR NO KEY UPDATE OF h";

/// For a group of any other writer.
const SHARE: &str = "SELECT writer FROM tenure WHERE what = 'held' FOR SHARE";

/// Whether a writer that asks for nothing but its own rows may remember them.
#[derive(Clone)]
pub enum Remembering {
    /// It may, while it is the only one that writes; this clock is steady.
    Alone(Arc<dyn Clock>),
    /// It never does: each group locks its rows.
    Never,
}

/// A writer's standing.
pub(super) struct Tenure {
    writer: i64,
    /// None: it is never asked for.
    clock: Option<Arc<dyn Clock>>,
    /// Counts the times that it was had.
    terms: u64,
    had: Had,
    pause: Duration,
}

/// By the clock's time since the start of the machine.
#[derive(Clone, Copy)]
enum Had {
    Since(Duration),
    /// Not had; asked for from then on.
    Not(Duration),
}

/// What the row said to the writer that remembers.
pub(super) struct Held {
    /// The server's clock, µs, and when that was heard.
    pub(super) clock: (i64, Duration),
    /// Another wants to write.
    pub(super) wanted: bool,
}

impl Tenure {
    pub(super) fn new(writer: u32, remembering: Remembering) -> Self {
        let clock = match remembering {
            Remembering::Alone(clock) => Some(clock),
            Remembering::Never => None,
        };
        Self { writer: writer.into(), clock, terms: 0, had: Had::Not(Duration::ZERO), pause: PAUSE.0 }
    }

    /// How long the machine has run; nothing is asked of it where nothing is remembered.
    pub(super) fn uptime(&self) -> Duration {
        self.clock.as_ref().map_or(Duration::ZERO, |clock| clock.boot())
    }

    /// Which time it is that this writer remembers; none if it does not.
    pub(super) const fn term(&self) -> Option<u64> {
        match self.had {
            Had::Since(_) => Some(self.terms),
            Had::Not(_) => None,
        }
    }

    /// Asks for it, if that is due; says whether it was given just now. What was remembered before is worth nothing then.
    pub(super) fn claim(&mut self, link: &mut Link) -> Result<bool, LinkError> {
        if self.clock.is_none() || !matches!(self.had, Had::Not(due) if due <= self.uptime()) {
            return Ok(false);
        }
        // Whoever waited for it would keep others waiting behind.
        let claim = "UPDATE tenure SET writer = $1 WHERE what IN (
                 SELECT what FROM tenure WHERE what = 'held' AND writer IS NULL FOR NO KEY UPDATE NOWAIT)";
        match link.run_one(Query::new(claim, vec![Box::new(self.writer)]), WITHIN) {
            Ok(answer) if answer.changed == 1 => {
                // Whoever wanted it before and still does says so again.
                link.run_one(Query::plain("UPDATE tenure SET writer = NULL WHERE what = 'wanted'"), WITHIN)?;
                self.terms += 1;
                self.had = Had::Since(self.uptime());
                Ok(true)
            }
            // Groups of others are under way, or it is another's.
            Ok(_) | Err(LinkError::Refused(..)) => {
                self.lose();
                Ok(false)
            }
            Err(error) => Err(error),
        }
    }

    /// Takes it from whoever has it, so that every writer locks its rows again.
    pub(super) fn revoke(&mut self, link: &mut Link) -> Result<(), LinkError> {
        let wanted = "UPDATE tenure SET writer = $1 WHERE what = 'wanted'";
        link.run_one(Query::new(wanted, vec![Box::new(self.writer)]), WITHIN)?;
        link.run_one(
            Query::plain("UPDATE tenure SET writer = NULL WHERE what = 'held' AND writer IS NOT NULL"),
            WITHIN,
        )?;
        self.lose();
        Ok(())
    }

    /// Gives it up for another that wants to write.
    pub(super) fn yield_up(&mut self, link: &mut Link) -> Result<(), LinkError> {
        self.lose();
        let sql = "UPDATE tenure SET writer = NULL WHERE what = 'held' AND writer = $1";
        link.run_one(Query::new(sql, vec![Box::new(self.writer)]), WITHIN).map(drop)
    }

    /// It is another's, or nobody knows whose.
    pub(super) fn lose(&mut self) {
        let now = self.uptime();
        self.pause = match self.had {
            Had::Since(begun) if now.saturating_sub(begun) >= LONG => PAUSE.0,
            Had::Since(_) | Had::Not(_) => (self.pause * 2).min(PAUSE.1),
        };
        self.had = Had::Not(now + self.pause);
    }

    /// The statement by which a group makes sure of it.
    pub(super) const fn sure(&self) -> Query<'static> {
        Query::plain(match self.had {
            Had::Since(_) => HOLD,
            Had::Not(_) => SHARE,
        })
    }

    /// What [`Self::sure`] was answered; none if the group must not go on.
    pub(super) fn found(&self, answer: &Answer) -> Result<Option<Option<Held>>, StoreError> {
        let row = answer.rows.first().ok_or_else(|| rows::corrupt::<StoreError>("tenure", "there is no row"))?;
        let writer = row.whole("writer")?;
        Ok(match self.had {
            Had::Not(_) => writer.is_none().then_some(None),
            Had::Since(_) if writer == Some(self.writer) => {
                let clock = (rows::whole(row, "clock")?, self.uptime());
                Some(Some(Held { clock, wanted: row.whole("wanted")?.is_some() }))
            }
            Had::Since(_) => None,
        })
    }

    /// Whether it is this writer's still, for a group that writes nothing.
    pub(super) fn stands(&self, link: &mut Link) -> Result<bool, LinkError> {
        let answer = link.run_one(Query::plain("SELECT writer FROM tenure WHERE what = 'held'"), WITHIN)?;
        let writer = answer.rows.first().map(|row| row.whole("writer")).transpose().map_err(LinkError::Unreadable)?;
        Ok(writer.flatten() == Some(self.writer))
    }
}
