//! Where reports are read, if not where money is moved: a copy of the database that follows it, seconds behind perhaps.
//!
//! Nothing that is decided rests on it, no session and no permission is looked up there. Whatever it does not answer, or
//! does not know yet, the database itself is asked.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::clock::Clock;
use crate::desk::Stop;
use crate::readers::Readers;
use crate::store::database::Database;
use crate::store::{Presence, Reads};

/// So long nobody asks a replica that did not answer.
const PAUSE: Duration = Duration::from_secs(5);

/// The replica.
pub(crate) struct Replica {
    database: Database,
    readers: Readers,
    presence: Arc<Presence>,
    clock: Arc<dyn Clock>,
    /// Once it did not answer: until when it is not asked, on the boot-time clock.
    away: Mutex<Option<Duration>>,
}

impl Replica {
    pub(crate) fn new(database: Database, clock: Arc<dyn Clock>) -> Self {
        let presence = Arc::<Presence>::default();
        let readers = Readers::new(database.clone(), Arc::clone(&presence));
        Self { database, readers, presence, clock, away: Mutex::default() }
    }

    /// What it has; none if it is away, or refuses: it may only be behind.
    pub(crate) fn read<T>(&self, query: impl FnOnce(&mut dyn Reads) -> Result<T, Stop>) -> Option<T> {
        let now = self.clock.boot();
        let away = *self.away.lock().expect("no holder of this lock can panic");
        if away.is_some_and(|until| now < until) {
            return None;
        }
        let read = self.readers.with(|reads| match query(reads) {
            Err(Stop::Store(error)) => Err(error),
            result => Ok(result.ok()),
        });
        let until = read.as_ref().err().map(|_| now + PAUSE);
        *self.away.lock().expect("no holder of this lock can panic") = until;
        match read {
            Ok(found) => {
                if away.is_some() {
                    tracing::info!(replica = %self.database, "the replica is there again");
                }
                found
            }
            Err(error) => {
                if away.is_none() {
                    tracing::warn!(%error, replica = %self.database, "the replica is away: reports are read where money is moved");
                }
                // The connections that it had are of no use any more.
                self.presence.goes();
                self.presence.comes();
                None
            }
        }
    }
}
