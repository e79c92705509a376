//! The key store that is shipped: a file of sealed keys.
//!
//! The file is its owner's alone and replaced as a whole, so that after a power cut there is the old file or the new one. Its keys are sealed under a master key that comes
//! from the environment, where a secret manager can put it, or else lies in the file itself, which protects as much
//! as the file's mode does.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, RwLock, RwLockReadGuard};

use cashpoint_files::ReadError;
use zeroize::Zeroizing;

use super::file_error::KeyFileError;
use super::file_format::{self, KeyFile, key_from_hex};
use super::ring::{KeyBytes, KeyRing};
use super::sealing::{mac_of_parts, open, seal};
use super::{KeyError, KeyPurpose, KeyStore, MacPurpose, WrappedKey};
use crate::entropy::{Entropy, random_bytes};

/// Environment variable that holds the master key: 64 hexadecimal digits.
pub const MASTER_KEY_VARIABLE: &str = "CASHPOINT_MASTER_KEY";

/// Where the key that seals the others comes from.
#[derive(Clone)]
pub enum MasterKey {
    /// From the environment (or wherever the caller keeps it); it is never written.
    Given(Zeroizing<[u8; 32]>),
    /// From the key file itself.
    InFile,
}

impl MasterKey {
    /// Takes [`MASTER_KEY_VARIABLE`] if it is set, and the file's own key otherwise.
    ///
    /// # Errors
    /// [`KeyFileError::MasterKeyMalformed`] if it is set to anything but 64 hexadecimal digits.
    pub fn from_environment() -> Result<Self, KeyFileError> {
        match std::env::var_os(MASTER_KEY_VARIABLE) {
            None => Ok(Self::InFile),
            Some(value) => {
                let text = value.into_string().map_err(|_| KeyFileError::MasterKeyMalformed)?;
                Self::from_hex(&Zeroizing::new(text))
            }
        }
    }

    /// Reads 64 hexadecimal digits.
    ///
    /// # Errors
    /// [`KeyFileError::MasterKeyMalformed`] for anything else.
    pub fn from_hex(hex: &str) -> Result<Self, KeyFileError> {
        let key = key_from_hex(hex).ok_or(KeyFileError::MasterKeyMalformed)?;
        Ok(Self::Given(key))
    }
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Given(_) => "Given(****)",
            Self::InFile => "InFile",
        })
    }
}

/// The key file was made just now; printed, it is what the operator should read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FirstStart {
    path: PathBuf,
    master: MasterKeyPlace,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum MasterKeyPlace {
    Elsewhere,
    InFile,
}

impl fmt::Display for FirstStart {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.display();
        write!(out, "made new keys in {path}; keep a copy apart from the database's: ")?;
        out.write_str("without it every PIN and all personal data are lost. ")?;
        match self.master {
            MasterKeyPlace::InFile => write!(
                out,
                "The master key lies in the file itself; to keep it elsewhere, set {MASTER_KEY_VARIABLE} before the \
                 first start"
            ),
            MasterKeyPlace::Elsewhere => {
                write!(out, "The file opens only with the {MASTER_KEY_VARIABLE} of now; keep that too")
            }
        }
    }
}

/// Versioned keys in a file, or in memory alone.
pub struct FileKeyStore {
    home: Home,
    ring: RwLock<KeyRing>,
    entropy: Arc<dyn Entropy>,
}

enum Home {
    Memory,
    File { path: PathBuf, master: MasterKey },
}

impl FileKeyStore {
    /// Opens the key file, or makes it with fresh keys if there is none; then, and only then, the note says so.
    ///
    /// Use [`FileKeyStore::open`] where a database already exists: fresh keys would open nothing in it.
    ///
    /// # Errors
    /// [`KeyFileError`], except `Missing`.
    pub fn open_or_create(
        path: &Path,
        master: MasterKey,
        entropy: Arc<dyn Entropy>,
    ) -> Result<(Self, Option<FirstStart>), KeyFileError> {
        match Self::open(path, master.clone(), Arc::clone(&entropy)) {
            Err(KeyFileError::Missing { .. }) => {}
            opened => return opened.map(|store| (store, None)),
        }
        let ring = KeyRing::fresh(&*entropy);
        let in_file = match &master {
            MasterKey::Given(_) => None,
            MasterKey::InFile => Some(Zeroizing::new(random_bytes(&*entropy))),
        };
        let sealing = match (&master, &in_file) {
            (MasterKey::Given(key), _) => key,
            (MasterKey::InFile, key) => key.as_ref().expect("made above"),
        };
        let text = file_format::write(&ring, sealing, in_file.as_ref(), &*entropy);
        match cashpoint_files::write_new(path, text.as_bytes()) {
            // Another process was quicker, and its keys are already in use.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                return Self::open(path, master, entropy).map(|store| (store, None));
            }
            result => result.map_err(|source| KeyFileError::io(path, "write", source))?,
        }
        let note = FirstStart {
            path: path.to_owned(),
            master: match &master {
                MasterKey::Given(_) => MasterKeyPlace::Elsewhere,
                MasterKey::InFile => MasterKeyPlace::InFile,
            },
        };
        let home = Home::File { path: path.to_owned(), master };
        Ok((Self::new(home, ring, entropy), Some(note)))
    }

    /// Opens the key file.
    ///
    /// # Errors
    /// [`KeyFileError`]; nothing is changed.
    pub fn open(path: &Path, master: MasterKey, entropy: Arc<dyn Entropy>) -> Result<Self, KeyFileError> {
        let (ring, _) = read(path, &master)?;
        let home = Home::File { path: path.to_owned(), master };
        Ok(Self::new(home, ring, entropy))
    }

    /// Fresh keys that end with the process; for simulation, benchmarks and tests.
    #[must_use]
    pub fn in_memory(entropy: Arc<dyn Entropy>) -> Self {
        Self::new(Home::Memory, KeyRing::fresh(&*entropy), entropy)
    }

    /// Adds a new version, which becomes the current one, and gives its number. Old versions stay live.
    ///
    /// # Errors
    /// [`KeyFileError`]; the keys are as they were.
    pub fn rotate(&self, purpose: KeyPurpose) -> Result<u32, KeyFileError> {
        self.change(|ring| Ok(ring.add_version(purpose, &*self.entropy)))
    }

    /// Forgets an old version. Whatever is still stored under it can never be read or found again.
    ///
    /// # Errors
    /// [`KeyFileError::Current`] for the current version, [`KeyFileError::Unknown`] if there is none such; else as
    /// [`FileKeyStore::rotate`].
    pub fn retire(&self, purpose: KeyPurpose, version: u32) -> Result<(), KeyFileError> {
        self.change(|ring| {
            if ring.current_version(purpose) == Some(version) {
                return Err(KeyFileError::Current { purpose, version });
            }
            ring.remove(purpose, version).map_err(KeyFileError::Unknown)
        })
    }

    fn new(home: Home, ring: KeyRing, entropy: Arc<dyn Entropy>) -> Self {
        let ring = RwLock::new(ring);
        Self { home, ring, entropy }
    }

    /// Changes the keys on disk first and in memory after.
    fn change<T>(&self, how: impl FnOnce(&mut KeyRing) -> Result<T, KeyFileError>) -> Result<T, KeyFileError> {
        let mut current = self.ring.write().expect("no holder of this lock can panic");
        let Home::File { path, master } = &self.home else {
            return how(&mut current);
        };
        // Read again, because a command beside the running host may have rotated since.
        let (mut ring, in_file) = read(path, master)?;
        let result = how(&mut ring)?;
        let sealing = match (master, &in_file) {
            (MasterKey::Given(key), _) | (MasterKey::InFile, Some(key)) => key,
            (MasterKey::InFile, None) => unreachable!("`read` fails without a master key"),
        };
        let text = file_format::write(&ring, sealing, in_file.as_ref(), &*self.entropy);
        cashpoint_files::replace(path, text.as_bytes()).map_err(|source| KeyFileError::io(path, "write", source))?;
        *current = ring;
        Ok(result)
    }

    fn ring(&self) -> RwLockReadGuard<'_, KeyRing> {
        self.ring.read().expect("no holder of this lock can panic")
    }
}

impl KeyStore for FileKeyStore {
    fn current_version(&self, purpose: KeyPurpose) -> Result<u32, KeyError> {
        let version = self.ring().current_version(purpose);
        Ok(version.expect("a ring has a key for every purpose"))
    }

    fn live_versions(&self, purpose: KeyPurpose) -> Result<Vec<u32>, KeyError> {
        Ok(self.ring().live_versions(purpose))
    }

    fn mac(&self, purpose: MacPurpose, version: u32, parts: &[&[u8]]) -> Result<[u8; 32], KeyError> {
        let ring = self.ring();
        Ok(mac_of_parts(ring.key(purpose.into(), version)?, parts))
    }

    fn wrap(&self, aad: &[u8], key: &[u8; 32]) -> Result<WrappedKey, KeyError> {
        let ring = self.ring();
        let version = ring.current_version(KeyPurpose::Wrap);
        let version = version.expect("a ring has a key for every purpose");
        let wrapping = ring.key(KeyPurpose::Wrap, version)?;
        let sealed = seal(wrapping, aad, key, &*self.entropy);
        Ok(WrappedKey { version, sealed })
    }

    fn unwrap(&self, aad: &[u8], wrapped: &WrappedKey) -> Result<Zeroizing<[u8; 32]>, KeyError> {
        let ring = self.ring();
        let wrapping = ring.key(KeyPurpose::Wrap, wrapped.version)?;
        let opened = open(wrapping, aad, &wrapped.sealed)?;
        let key = <[u8; 32]>::try_from(opened.as_slice()).map_err(|_| KeyError::NotAuthentic)?;
        Ok(Zeroizing::new(key))
    }
}

impl fmt::Debug for FileKeyStore {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let home = match &self.home {
            Home::Memory => "memory".to_owned(),
            Home::File { path, .. } => path.display().to_string(),
        };
        write!(out, "FileKeyStore({home}, {:?})", *self.ring())
    }
}

/// Reads and opens the file; gives the master key too if it lies in the file.
fn read(path: &Path, master: &MasterKey) -> Result<(KeyRing, Option<KeyBytes>), KeyFileError> {
    let owned = || path.to_owned();
    let text = read_private(path)?;
    let file = KeyFile::parse(&text).map_err(|complaint| KeyFileError::Malformed { path: owned(), complaint })?;
    let sealing = match (master, &file.master) {
        (MasterKey::Given(key), None) | (MasterKey::InFile, Some(key)) => key,
        (MasterKey::Given(_), Some(_)) => {
            return Err(KeyFileError::TwoMasterKeys { path: owned() });
        }
        (MasterKey::InFile, None) => return Err(KeyFileError::MasterKeyMissing { path: owned() }),
    };
    let ring = file.open(sealing).map_err(|complaint| match complaint {
        None => KeyFileError::WrongMasterKey { path: owned() },
        Some(complaint) => KeyFileError::Malformed { path: owned(), complaint },
    })?;
    Ok((ring, file.master))
}

fn read_private(path: &Path) -> Result<Zeroizing<String>, KeyFileError> {
    let owned = || path.to_owned();
    cashpoint_files::read(path).map_err(|error| match error {
        ReadError::Io(source) if source.kind() == io::ErrorKind::NotFound => KeyFileError::Missing { path: owned() },
        ReadError::Io(source) => KeyFileError::io(path, "read", source),
        ReadError::OpenToOthers { mode } => KeyFileError::OpenToOthers { path: owned(), mode },
    })
}

#[cfg(test)]
#[path = "file_tests.rs"]
mod tests;
