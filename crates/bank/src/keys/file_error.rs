//! What can be wrong with a key file, and what to do about it.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use super::file::MASTER_KEY_VARIABLE;
use super::{KeyError, KeyPurpose};

/// Why a key file could not be used.
#[derive(Debug)]
pub enum KeyFileError {
    /// There is no such file.
    Missing {
        /// Where it was looked for.
        path: PathBuf,
    },
    /// Reading or writing failed.
    Io {
        /// The key file.
        path: PathBuf,
        /// `"read"` or `"write"`.
        doing: &'static str,
        /// What the system said.
        source: io::Error,
    },
    /// Others than the owner may read or write the file.
    OpenToOthers {
        /// The key file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The file's text is not a key file's.
    Malformed {
        /// The key file.
        path: PathBuf,
        /// What is wrong; holds nothing secret.
        complaint: String,
    },
    /// The environment's master key is not 64 hexadecimal digits.
    MasterKeyMalformed,
    /// Neither the environment nor the file has a master key.
    MasterKeyMissing {
        /// The key file.
        path: PathBuf,
    },
    /// The environment and the file both have a master key.
    TwoMasterKeys {
        /// The key file.
        path: PathBuf,
    },
    /// The file is not sealed under this master key, or was changed.
    WrongMasterKey {
        /// The key file.
        path: PathBuf,
    },
    /// The current version cannot be retired.
    Current {
        /// What the key is for.
        purpose: KeyPurpose,
        /// Its version.
        version: u32,
    },
    /// There is no such version to retire.
    Unknown(KeyError),
}

impl KeyFileError {
    pub(super) fn io(path: &Path, doing: &'static str, source: io::Error) -> Self {
        let path = path.to_owned();
        Self::Io { path, doing, source }
    }
}

impl fmt::Display for KeyFileError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing { path } => write!(out, "there is no key file {}", path.display()),
            Self::Io { path, doing, source } => {
                write!(out, "cannot {doing} the key file {}: {source}", path.display())
            }
            Self::OpenToOthers { path, mode } => {
                let path = path.display();
                write!(out, "the key file {path} has mode {mode:04o}: others could read or change it. ")?;
                write!(out, "If nobody has, run: chmod 600 {path}")
            }
            Self::Malformed { path, complaint } => {
                write!(out, "the key file {} cannot be understood: {complaint}", path.display())
            }
            Self::MasterKeyMalformed => {
                write!(out, "{MASTER_KEY_VARIABLE} must be 64 hexadecimal digits")
            }
            Self::MasterKeyMissing { path } => write!(
                out,
                "the key file {} holds no master key: set {MASTER_KEY_VARIABLE} to the one it was made with",
                path.display()
            ),
            Self::TwoMasterKeys { path } => write!(
                out,
                "the key file {} holds a master key and {MASTER_KEY_VARIABLE} is set: unset it, or, if both are the \
                 same, remove the `master` line from the file",
                path.display()
            ),
            Self::WrongMasterKey { path } => write!(
                out,
                "the master key does not open the key file {}: it is another one, or the file was changed",
                path.display()
            ),
            Self::Current { purpose, version } => write!(
                out,
                "version {version} of the {} key is the current one: rotate before retiring it",
                purpose.name()
            ),
            Self::Unknown(error) => error.fmt(out),
        }
    }
}

impl std::error::Error for KeyFileError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io { source, .. } => Some(source),
            Self::Unknown(error) => Some(error),
            Self::Missing { .. }
            | Self::OpenToOthers { .. }
            | Self::Malformed { .. }
            | Self::MasterKeyMalformed
            | Self::MasterKeyMissing { .. }
            | Self::TwoMasterKeys { .. }
            | Self::WrongMasterKey { .. }
            | Self::Current { .. } => None,
        }
    }
}
