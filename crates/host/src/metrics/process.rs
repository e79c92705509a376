//! What the system says about this process. On systems that do not say it in Linux's way it is not told.

use std::fs;

use super::text::{Kind, Text};

/// A page of memory, bytes: the usual one.
const PAGE: u64 = 4_096;

pub(super) fn tell(text: &mut Text) {
    // statm: all pages, then those in memory.
    let resident = fs::read_to_string("/proc/self/statm").ok();
    let pages: Option<u64> = resident.and_then(|statm| statm.split(' ').nth(1)?.parse().ok());
    if let Some(pages) = pages {
        text.single("process_resident_memory_bytes", Kind::Gauge, "Memory in use.", pages.saturating_mul(PAGE));
    }
    if let Ok(open) = fs::read_dir("/proc/self/fd") {
        text.single("process_open_fds", Kind::Gauge, "Open files and sockets.", open.count());
    }
}
