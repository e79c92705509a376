//! The machine's state on the disk: what is physically in it and what its devices keep without power.
//!
//! One JSON file for its owner's eyes, replaced whole. It holds the
//! pad's keys, as the memory of a real pad does; it never holds what is on a card, a PIN or a receipt.

use std::fmt;
use std::path::PathBuf;
use std::{fs, io};

use cashpoint_boundary::reached;
use zeroize::Zeroizing;

use crate::model::Hardware;

/// The state cannot be read or written.
#[derive(Debug)]
pub struct DiskError {
    /// Which file.
    pub path: PathBuf,
    /// Why.
    pub source: io::Error,
}

impl fmt::Display for DiskError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "the devices' state {}", self.path.display())
    }
}

impl std::error::Error for DiskError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.source)
    }
}

/// A machine's state file.
#[derive(Clone)]
pub struct StateFile {
    path: PathBuf,
    /// What stands in it.
    written: Zeroizing<Vec<u8>>,
}

impl fmt::Debug for StateFile {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("StateFile").field("path", &self.path).finish_non_exhaustive()
    }
}

impl StateFile {
    /// The file with this name, which need not be there.
    #[must_use]
    pub fn at(path: PathBuf) -> Self {
        Self { path, written: Zeroizing::new(Vec::new()) }
    }

    /// The machine in it, with its power just come on; none if there is no such file.
    ///
    /// # Errors
    /// It is there and cannot be read, or is not a machine's state.
    pub fn load(&self) -> Result<Option<Hardware>, DiskError> {
        let bytes = match fs::read(&self.path) {
            Ok(bytes) => Zeroizing::new(bytes),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(self.error(error)),
        };
        // The parser's own words may repeat what stands in the file.
        let unreadable = |_| self.error(io::Error::new(io::ErrorKind::InvalidData, "not a machine's state"));
        let mut hardware: Hardware = serde_json::from_slice(&bytes).map_err(unreadable)?;
        hardware.power_up();
        Ok(Some(hardware))
    }

    /// Writes a machine's state, synced.
    ///
    /// # Errors
    /// It cannot be written; then what stands there is the state of before.
    pub fn save(&mut self, hardware: &Hardware) -> Result<(), DiskError> {
        let bytes = Zeroizing::new(serde_json::to_vec(hardware).expect("a machine is numbers, texts and lists"));
        self.write(bytes)
    }

    /// As [`StateFile::save`] from an asynchronous task, if anything changed.
    pub(super) async fn keep(mut self, hardware: &Hardware) -> Result<Self, DiskError> {
        let bytes = Zeroizing::new(serde_json::to_vec(hardware).expect("a machine is numbers, texts and lists"));
        if bytes == self.written {
            return Ok(self);
        }
        let path = self.path.clone();
        let writing = tokio::task::spawn_blocking(move || self.write(bytes).map(|()| self));
        writing.await.map_err(|stopped| DiskError { path, source: io::Error::other(stopped) })?
    }

    fn write(&mut self, bytes: Zeroizing<Vec<u8>>) -> Result<(), DiskError> {
        reached("state", "file", "before");
        cashpoint_files::replace(&self.path, &bytes).map_err(|error| self.error(error))?;
        reached("state", "file", "after");
        self.written = bytes;
        Ok(())
    }

    fn error(&self, source: io::Error) -> DiskError {
        DiskError { path: self.path.clone(), source }
    }
}
