//! What a new writer does once: it makes the bank where there is none, and gets a number that no other has.

use cashpoint_core::policy::Policy;
use cashpoint_core::time::Timestamp;

use super::WITHIN;
use super::commit;
use super::link::{Link, LinkError, Query};
use super::schema::PostgresError;
use crate::bank::Mode;
use crate::store::rows::{self, Row as _};
use crate::store::{PROGRAM, policies};

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

/// The number of a new writer. Of several that come at once, each gets its own.
pub(super) fn register(link: &mut Link) -> Result<u32, PostgresError> {
    let sql = "INSERT INTO writers (id, program) SELECT coalesce(max(id), 0) + 1, $1 FROM writers RETURNING id";
    loop {
        match link.run_one(Query::new(sql, vec![Box::new(PROGRAM)]), WITHIN) {
            Ok(answer) => {
                let row = answer.rows.first().expect("one row was added");
                return Ok(rows::number(row, "id")?);
            }
            Err(LinkError::Refused(code, _)) if commit::is_conflict(&code) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// The latest instant that a commit carries: within a writer the last has it.
pub(super) fn highest_now(link: &mut Link) -> Result<Option<Timestamp>, PostgresError> {
    let sql = "SELECT max((SELECT c.now FROM commits c WHERE c.writer = w.id ORDER BY c.seq DESC LIMIT 1)) AS now FROM writers w";
    let answer = link.run_one(Query::plain(sql), WITHIN)?;
    let now = answer.rows.first().map(|row| row.whole("now")).transpose()?.flatten();
    Ok(now.map(Timestamp::from_micros))
}
