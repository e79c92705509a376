//! What a new writer does once: it makes the bank where there is none, and gets a number that no other has. And how a
//! server that it finds later is known to be one that has heard of it.

use cashpoint_core::policy::Policy;
use cashpoint_core::time::Timestamp;

use super::WITHIN;
use super::commit;
use super::link::{Link, LinkError, Query, Value};
use super::schema::PostgresError;
use crate::bank::Mode;
use crate::store::rows::{self, Row as _};
use crate::store::{PROGRAM, StoreError, policies};

/// What the bank that is here is; none if none was ever made.
pub(super) fn mark(link: &mut Link) -> Result<Option<Mode>, PostgresError> {
    let answer = link.run_one(Query::plain("SELECT sandbox FROM bank"), WITHIN)?;
    let sandbox = answer.rows.first().map(|row| rows::truth(row, "sandbox")).transpose()?;
    Ok(sandbox.map(|sandbox| if sandbox { Mode::Sandbox } else { Mode::Real }))
}

/// Makes a bank in an empty schema: its mark, and the first version of its policy. Of several hosts, one does.
pub(super) fn found(link: &mut Link, mode: Mode) -> Result<(), PostgresError> {
    let bank = "INSERT INTO bank (id, sandbox, program) VALUES (1, $1, $2) ON CONFLICT (id) DO NOTHING";
    let policy = "INSERT INTO policies (version, settings) VALUES (1, $1) ON CONFLICT (version) DO NOTHING";
    let queries = [
        Query::plain("BEGIN"),
        Query::new(policy, vec![Box::new(policies::to_text(&Policy::default()))]),
        Query::new(bank, vec![Box::new(mode == Mode::Sandbox), Box::new(PROGRAM)]),
        Query::plain("COMMIT"),
    ];
    link.run(&queries, WITHIN)?;
    Ok(())
}

/// A writer, as the database knows it.
#[derive(Clone)]
pub(super) struct Incarnation {
    pub(super) number: u32,
    /// Its program, and since when: no other writer's row says the same, whatever its number.
    mark: String,
}

impl Incarnation {
    /// A new one. Of several that come at once, each gets its own number.
    pub(super) fn register(link: &mut Link) -> Result<Self, PostgresError> {
        let sql = "INSERT INTO writers (id, program)
             SELECT coalesce(max(id), 0) + 1, $1 || ', since ' || clock_timestamp()::text FROM writers
             RETURNING id, program";
        loop {
            match link.run_one(Query::new(sql, vec![Box::new(PROGRAM)]), WITHIN) {
                Ok(answer) => {
                    let row = answer.rows.first().expect("one row was added");
                    return Ok(Self { number: rows::number(row, "id")?, mark: rows::text(row, "program")? });
                }
                Err(LinkError::Refused(code, _)) if commit::is_conflict(&code) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Waits until whatever stands in the database is wherever commits must be before they are answered. A server that
    /// began again shows commits that never came to its standbys, and nobody may be answered by those. A commit of one's
    /// own comes after all of them.
    ///
    /// # Errors
    /// Also on a server that has not heard of this writer, since what it wrote may be missing there, and its number
    /// another's.
    pub(super) fn has_all_kept(&self, link: &mut Link) -> Result<(), LinkError> {
        let sql = "UPDATE writers SET program = program WHERE id = $1 AND program = $2";
        let values: Vec<Value<'_>> = vec![Box::new(i64::from(self.number)), Box::new(&self.mark)];
        match link.run_one(Query::new(sql, values), WITHIN)?.changed {
            1 => Ok(()),
            _ => {
                let why = "the server has never heard of this writer: commits are missing there; restart the host";
                Err(LinkError::Unreadable(StoreError(why.into())))
            }
        }
    }
}

/// The latest instant that a commit carries: within a writer the last has it.
pub(super) fn highest_now(link: &mut Link) -> Result<Option<Timestamp>, LinkError> {
    let sql = "SELECT max((SELECT c.now FROM commits c WHERE c.writer = w.id ORDER BY c.seq DESC LIMIT 1)) AS now FROM writers w";
    let answer = link.run_one(Query::plain(sql), WITHIN)?;
    let now = answer.rows.first().map(|row| row.whole("now")).transpose().map_err(LinkError::Unreadable)?;
    Ok(now.flatten().map(Timestamp::from_micros))
}
