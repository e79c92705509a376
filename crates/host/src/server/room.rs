//! Room for connections in the system: its habitual limits (1,024 open files, 128 connections waiting to be taken) are
//! less than a host needs, and what is beyond them hangs instead of being refused.

use rustix::net::listen;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::net::TcpListener;
use tracing::warn;

/// Files that are no connections: databases, journals, listeners, logs, connections being sent away.
const OTHERS: u64 = 512;

/// Connections that may wait to be taken; the system may allow fewer (`net.core.somaxconn`). When they are too many,
/// Linux lets clients believe in connections that it has forgotten.
const WAITING: i32 = 4096;

/// Raises this process's limit of open files as far as it may, and returns how many of the wanted connections it leaves
/// room for: more would have to wait for a file.
pub(super) fn of_files(connections: usize) -> usize {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
    let now = match setrlimit(Resource::Nofile, raised) {
        Ok(()) => limit.maximum,
        Err(_) => limit.current,
    };
    let room = now.map_or(usize::MAX, left_for_connections);
    if room < connections {
        warn!(files = now, wanted = connections, room, "the limit of open files leaves no room for all connections");
    }
    connections.min(room)
}

/// Of very few files, half are for connections.
fn left_for_connections(files: u64) -> usize {
    usize::try_from(files.saturating_sub(OTHERS).max(files / 2)).unwrap_or(usize::MAX)
}

/// Lengthens the queue of a listener that was made with the usual one: the standard library's is 128.
pub(super) fn to_wait(listener: &TcpListener) {
    if let Err(error) = listen(listener, WAITING) {
        warn!(%error, "bursts of connections may be lost: the listener keeps its short queue");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_leaves_files_for_others() {
        let cases = [(0, 0), (200, 100), (1_024, 512), (20_000, 19_488), (1 << 30, (1 << 30) - 512)];
        for (files, room) in cases {
            assert_eq!(left_for_connections(files), room, "{files}");
        }
        assert!(of_files(10) == 10);
    }
}
