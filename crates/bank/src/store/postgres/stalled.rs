//! Sessions of hosts that stand still with locks in their hands.
//!
//! The server ends a session by itself that has a transaction and says nothing (`idle_in_transaction_session_timeout`), but
//! not one that is in the middle of a statement and owes the server its rows: for that it waits without end, locks and all,
//! and no time-out of a statement counts. So whoever waits in vain for a lock ends such sessions. Nothing is lost: a commit
//! owes nothing, and the host finds its group undone.

use super::WITHIN;
use super::link::{Link, LinkError, Query};

/// Those of hosts on this database that have kept the server waiting for as long as an idle transaction may last.
const END: &str = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
     WHERE datname = current_database() AND usename = current_user AND application_name = current_setting('application_name')
         AND backend_xid IS NOT NULL AND pid <> pg_backend_pid() AND state = 'active' AND wait_event_type = 'Client'
         AND state_change < clock_timestamp() - interval '5 s'";

/// Ends them. A server that cannot say so, or will not, is left alone.
pub(super) fn end(link: &mut Link) -> Result<(), LinkError> {
    match link.run_one(Query::plain(END), WITHIN) {
        Ok(answer) if answer.rows.is_empty() => Ok(()),
        Ok(answer) => {
            tracing::warn!(sessions = answer.rows.len(), "ended sessions that stood still with locks in their hands");
            Ok(())
        }
        Err(LinkError::Refused(..)) => Ok(()),
        Err(error) => Err(error),
    }
}
