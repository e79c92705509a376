//! A file that only keeps disk space: dropped when the disk is full, so that what was begun can be written down; made
//! again when there is room.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// The file beside a journal.
pub(super) struct Ballast {
    path: PathBuf,
    bytes: u64,
    there: bool,
}

impl Ballast {
    /// Beside `journal`, of this many bytes.
    pub(super) fn beside(journal: &Path, bytes: u64) -> Self {
        let path = journal.with_extension("ballast");
        let mut ballast = Self { path, bytes, there: false };
        ballast.put_back();
        ballast
    }

    /// Whether the space is kept.
    pub(super) fn is_there(&self) -> bool {
        self.there
    }

    /// Gives the space up; whether there was any.
    pub(super) fn drop_it(&mut self) -> bool {
        let was = self.there;
        self.there = false;
        if was {
            tracing::warn!(bytes = self.bytes, "the disk is full: what was kept back is used now");
        }
        was && fs::remove_file(&self.path).is_ok()
    }

    /// Keeps the space again, if there is any.
    pub(super) fn put_back(&mut self) {
        if !self.there {
            self.there = self.make().is_ok();
            if !self.there {
                // A part of it would keep space from the journal and be no reserve.
                let _ = fs::remove_file(&self.path);
            }
        }
    }

    fn make(&self) -> io::Result<()> {
        let mut file = File::create(&self.path)?;
        let block = [0x5a; 4096];
        let mut left = self.bytes;
        while left > 0 {
            let now = usize::try_from(left.min(4096)).expect("at most a block");
            file.write_all(&block[..now])?;
            left -= now as u64;
        }
        file.sync_all()
    }
}
