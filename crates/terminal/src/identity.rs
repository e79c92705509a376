//! Who a terminal is: its keys, and the host's, as enrolment left them in one file that only the terminal may read.
//!
//! Real machines keep these in a security module; the file stands where that will be asked.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use cashpoint_core::id::MachineId;
use cashpoint_core::sources::Entropy;
use cashpoint_files::ReadError;
use data_encoding::HEXLOWER;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, Zeroizing};

/// A terminal's keys.
pub struct Identity {
    /// Which machine it is.
    pub terminal: MachineId,
    /// Where its host is, for example `https://bank.example:8443`.
    pub host: String,
    /// The host's public key (Ed25519).
    pub host_key: [u8; 32],
    /// What it signs with (Ed25519 seed).
    pub signing_key: Zeroizing<[u8; 32]>,
    /// What its journal is chained with.
    pub chain_key: Zeroizing<[u8; 32]>,
    /// What it names cards by; the host knows it too.
    pub card_key: Zeroizing<[u8; 32]>,
}

impl fmt::Debug for Identity {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Identity({})", self.terminal)
    }
}

/// Why there is no identity.
#[derive(Debug)]
pub enum IdentityError {
    /// The file cannot be read or written.
    Io {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Others may read it.
    Open {
        /// Which file.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// It does not say what it should. Never what it does say.
    Malformed {
        /// Which file.
        path: PathBuf,
        /// Which key of it.
        what: &'static str,
    },
}

impl fmt::Display for IdentityError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io { path, source } => {
                write!(out, "the terminal's keys {}: {source}; `cashpoint terminal enrol` makes them", path.display())
            }
            Self::Open { path, mode } => {
                write!(out, "the terminal's keys {} can be read by others (mode {mode:04o}): chmod 600", path.display())
            }
            Self::Malformed { path, what } => {
                write!(out, "the terminal's keys {}: `{what}` is not right", path.display())
            }
        }
    }
}

impl std::error::Error for IdentityError {}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    terminal: String,
    host: String,
    host_key: String,
    signing_key: String,
    chain_key: String,
    card_key: String,
}

impl Drop for Stored {
    fn drop(&mut self) {
        self.signing_key.zeroize();
        self.chain_key.zeroize();
        self.card_key.zeroize();
    }
}

impl Identity {
    /// Reads the file.
    ///
    /// # Errors
    /// [`IdentityError`].
    pub fn read(path: &Path) -> Result<Self, IdentityError> {
        let stored: Stored = read_private(path)?;
        let malformed = |what| IdentityError::Malformed { path: path.to_owned(), what };
        let key = |text: &str, what| key(text).ok_or_else(|| malformed(what));
        Ok(Self {
            terminal: MachineId::parse(&stored.terminal).map_err(|_| malformed("terminal"))?,
            host: stored.host.clone(),
            host_key: *key(&stored.host_key, "host_key")?,
            signing_key: key(&stored.signing_key, "signing_key")?,
            chain_key: key(&stored.chain_key, "chain_key")?,
            card_key: key(&stored.card_key, "card_key")?,
        })
    }

    /// Writes a new file, for its owner alone; one that is there stays as it is.
    ///
    /// # Errors
    /// [`IdentityError::Io`], also if there is one already.
    pub fn write_new(&self, path: &Path) -> Result<(), IdentityError> {
        let hex = |key: &[u8; 32]| HEXLOWER.encode(key);
        let stored = Stored {
            terminal: self.terminal.to_string(),
            host: self.host.clone(),
            host_key: hex(&self.host_key),
            signing_key: hex(&self.signing_key),
            chain_key: hex(&self.chain_key),
            card_key: hex(&self.card_key),
        };
        write_private(path, &stored)
    }
}

/// The keys that a terminal makes itself, as a draft of its identity.
pub(crate) struct OwnKeys {
    /// What it signs with (Ed25519 seed).
    pub(crate) signing: Zeroizing<[u8; 32]>,
    /// What its journal is chained with.
    pub(crate) chain: Zeroizing<[u8; 32]>,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct StoredOwnKeys {
    signing_key: String,
    chain_key: String,
}

impl Drop for StoredOwnKeys {
    fn drop(&mut self) {
        self.signing_key.zeroize();
        self.chain_key.zeroize();
    }
}

impl OwnKeys {
    /// Those in the file; a file with new ones if there is none.
    pub(crate) fn read_or_make(path: &Path, entropy: &dyn Entropy) -> Result<Self, IdentityError> {
        match read_private(path) {
            Ok(stored) => Self::of(&stored, path),
            Err(IdentityError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
                let (mut signing, mut chain) = (Zeroizing::new([0; 32]), Zeroizing::new([0; 32]));
                entropy.fill(&mut *signing);
                entropy.fill(&mut *chain);
                let stored =
                    StoredOwnKeys { signing_key: HEXLOWER.encode(&*signing), chain_key: HEXLOWER.encode(&*chain) };
                write_private(path, &stored)?;
                Ok(Self { signing, chain })
            }
            Err(error) => Err(error),
        }
    }

    fn of(stored: &StoredOwnKeys, path: &Path) -> Result<Self, IdentityError> {
        let key = |text, what| key(text).ok_or_else(|| IdentityError::Malformed { path: path.to_owned(), what });
        Ok(Self { signing: key(&stored.signing_key, "signing_key")?, chain: key(&stored.chain_key, "chain_key")? })
    }
}

/// Reads a file of keys that only its owner may read.
fn read_private<T: DeserializeOwned>(path: &Path) -> Result<T, IdentityError> {
    let text = cashpoint_files::read(path).map_err(|error| match error {
        ReadError::Io(source) => IdentityError::Io { path: path.to_owned(), source },
        ReadError::OpenToOthers { mode } => IdentityError::Open { path: path.to_owned(), mode },
    })?;
    // The complaint of the parser would quote the line, and so a key.
    toml::from_str(&text).map_err(|_| IdentityError::Malformed { path: path.to_owned(), what: "TOML" })
}

/// Writes a new file of keys for its owner alone; one that is there stays as it is.
fn write_private(path: &Path, stored: &impl Serialize) -> Result<(), IdentityError> {
    let text = Zeroizing::new(toml::to_string(stored).expect("texts are TOML"));
    cashpoint_files::write_new(path, text.as_bytes())
        .map_err(|source| IdentityError::Io { path: path.to_owned(), source })
}

fn key(text: &str) -> Option<Zeroizing<[u8; 32]>> {
    let bytes = Zeroizing::new(HEXLOWER.decode(text.as_bytes()).ok()?);
    <[u8; 32]>::try_from(bytes.as_slice()).ok().map(Zeroizing::new)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::MetadataExt;

    use super::*;

    fn identity() -> Identity {
        Identity {
            terminal: MachineId::parse("ATM901").unwrap(),
            host: "http://127.0.0.1:8080".to_owned(),
            host_key: [1; 32],
            signing_key: Zeroizing::new([2; 32]),
            chain_key: Zeroizing::new([3; 32]),
            card_key: Zeroizing::new([4; 32]),
        }
    }

    #[test]
    fn is_written_once_for_its_owner_alone_and_read_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys.toml");
        identity().write_new(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
        let read = Identity::read(&path).unwrap();
        assert_eq!((read.terminal, read.host_key, *read.card_key), (identity().terminal, [1; 32], [4; 32]));
        let again = identity().write_new(&path);
        assert!(matches!(again, Err(IdentityError::Io { .. })), "{again:?}");
    }

    #[test]
    fn complains_without_quoting_a_key() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys.toml");
        assert!(matches!(Identity::read(&path), Err(IdentityError::Io { .. })));
        identity().write_new(&path).unwrap();
        let whole = fs::read_to_string(&path).unwrap();
        for broken in [whole.replace("0303", "zz03"), whole.replace("card_key", "key"), whole.replace('"', "")] {
            fs::write(&path, broken).unwrap();
            let complaint = Identity::read(&path).unwrap_err().to_string();
            assert!(!complaint.contains("0303") && !complaint.contains("0202"), "{complaint}");
        }
        fs::write(&path, whole).unwrap();
        fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o644)).unwrap();
        assert!(matches!(Identity::read(&path), Err(IdentityError::Open { mode: 0o644, .. })));
    }
}
