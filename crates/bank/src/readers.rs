//! Connections for reading: made when needed, kept, never more than [`Readers::MOST`].
//!
//! While the database is away nobody waits for a connection: a read is refused at once.

use std::sync::{Arc, Condvar, Mutex};

use crate::store::database::Database;
use crate::store::{Presence, Reads, StoreError};

/// The connections.
pub(crate) struct Readers {
    database: Database,
    /// Of a writer: it knows first when the database goes and comes.
    presence: Arc<Presence>,
    state: Mutex<Idle>,
    returned: Condvar,
}

#[derive(Default)]
struct Idle {
    connections: Vec<Connection>,
    made: usize,
}

/// A connection, and how often the database had been lost when it was made.
struct Connection {
    reads: Box<dyn Reads>,
    losses: u64,
}

impl Readers {
    const MOST: usize = 8;

    pub(crate) fn new(database: Database, presence: Arc<Presence>) -> Self {
        Self { database, presence, state: Mutex::default(), returned: Condvar::new() }
    }

    /// Reads on a connection that sees what was committed last.
    pub(crate) fn with<T>(&self, query: impl FnOnce(&mut dyn Reads) -> Result<T, StoreError>) -> Result<T, StoreError> {
        let mut lent = Lent { readers: self, connection: Some(self.take()?) };
        query(lent.connection.as_mut().expect("it goes back only when dropped").reads.as_mut())
    }

    fn take(&self) -> Result<Connection, StoreError> {
        let mut state = self.state.lock().expect("no holder of this lock can panic");
        loop {
            if self.presence.is_away() {
                return Err(StoreError("the database server is away".into()));
            }
            let losses = self.presence.losses();
            while let Some(connection) = state.connections.pop() {
                if connection.losses == losses {
                    return Ok(connection);
                }
                state.made -= 1;
            }
            if state.made < Self::MOST {
                // Counted first, and made without the lock: a server may take its time.
                state.made += 1;
                drop(state);
                let made = self.database.reader();
                return made.map(|reads| Connection { reads, losses }).inspect_err(|_| self.give_up());
            }
            state = self.returned.wait(state).expect("no holder of this lock can panic");
        }
    }

    /// One connection less.
    fn give_up(&self) {
        self.state.lock().expect("no holder of this lock can panic").made -= 1;
        self.returned.notify_one();
    }
}

/// A connection on loan: goes back also when the query panics.
struct Lent<'a> {
    readers: &'a Readers,
    connection: Option<Connection>,
}

impl Drop for Lent<'_> {
    fn drop(&mut self) {
        let Some(connection) = self.connection.take() else { return };
        if connection.reads.is_lost() {
            self.readers.give_up();
            return;
        }
        let mut state = self.readers.state.lock().expect("no holder of this lock can panic");
        state.connections.push(connection);
        self.readers.returned.notify_one();
    }
}
