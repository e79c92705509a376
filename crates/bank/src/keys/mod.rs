//! The keys of the bank, behind an interface that never hands one out.
//!
//! [`KeyStore`] offers what a hardware security module offers: operations named by purpose and version. What is
//! shipped is [`FileKeyStore`], a file with sealed keys. Keys are versioned, because rotation takes time: new values
//! are made under the current version while old ones are still found under the others.

mod counted;
mod file;
mod file_error;
mod file_format;
mod provisioned;
mod ring;
mod sealing;
mod terminal;

use std::fmt;

use zeroize::Zeroizing;

pub(crate) use counted::Counted;
pub use file::{FileKeyStore, FirstStart, MASTER_KEY_VARIABLE, MasterKey};
pub use file_error::KeyFileError;
pub(crate) use file_format::rewritten;
pub use provisioned::NotProvisioned;
pub(crate) use sealing::{associated_data, open, seal};
pub(crate) use terminal::IssuedCode;
pub use terminal::{DeviceKeys, TerminalSecrets};

/// What a key that makes MACs is for. Each has keys of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MacPurpose {
    /// PIN verifiers.
    PinVerifier,
    /// The look-up index of card numbers.
    CardIndex,
    /// The look-up index of email addresses.
    EmailIndex,
}

/// What a key is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum KeyPurpose {
    /// Making MACs.
    Mac(MacPurpose),
    /// Wrapping the data keys of personal data.
    Wrap,
}

impl KeyPurpose {
    /// Every purpose that the bank has a key for.
    pub const ALL: [Self; 4] = [
        Self::Mac(MacPurpose::PinVerifier),
        Self::Mac(MacPurpose::CardIndex),
        Self::Mac(MacPurpose::EmailIndex),
        Self::Wrap,
    ];

    /// The name in the key file and in messages.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Mac(MacPurpose::PinVerifier) => "pin-verifier",
            Self::Mac(MacPurpose::CardIndex) => "card-index",
            Self::Mac(MacPurpose::EmailIndex) => "email-index",
            Self::Wrap => "personal-data-wrap",
        }
    }

    /// The purpose of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|purpose| purpose.name() == name)
    }
}

impl From<MacPurpose> for KeyPurpose {
    fn from(purpose: MacPurpose) -> Self {
        Self::Mac(purpose)
    }
}

/// Operations under the bank's keys.
pub trait KeyStore: Send + Sync {
    /// The version that new values are made under.
    ///
    /// # Errors
    /// [`KeyError::Unavailable`] if the store cannot be asked.
    fn current_version(&self, purpose: KeyPurpose) -> Result<u32, KeyError>;

    /// The versions under which values may still be stored, ascending; the last one is the current one.
    ///
    /// # Errors
    /// [`KeyError::Unavailable`] if the store cannot be asked.
    fn live_versions(&self, purpose: KeyPurpose) -> Result<Vec<u32>, KeyError>;

    /// HMAC-SHA-256 over the parts, each preceded by its length (8 bytes, big-endian), so that no two lists of parts
    /// are the same message.
    ///
    /// # Errors
    /// [`KeyError::UnknownVersion`], [`KeyError::Unavailable`].
    fn mac(&self, purpose: MacPurpose, version: u32, parts: &[&[u8]]) -> Result<[u8; 32], KeyError>;

    /// Seals a data key under the current wrapping key. `aad` says whose key it is and is needed to unwrap it.
    ///
    /// # Errors
    /// [`KeyError::Unavailable`] if the store cannot be asked.
    fn wrap(&self, aad: &[u8], key: &[u8; 32]) -> Result<WrappedKey, KeyError>;

    /// Gives back a data key.
    ///
    /// # Errors
    /// [`KeyError::UnknownVersion`]; [`KeyError::NotAuthentic`] if the bytes were changed or belong to another `aad`;
    /// [`KeyError::Unavailable`].
    fn unwrap(&self, aad: &[u8], wrapped: &WrappedKey) -> Result<Zeroizing<[u8; 32]>, KeyError>;
}

/// A data key as it is stored: sealed, so it may be printed and copied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrappedKey {
    /// Version of the wrapping key.
    pub version: u32,
    /// Nonce (12 bytes), ciphertext (32), tag (16).
    pub sealed: Vec<u8>,
}

/// Why an operation under a key failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyError {
    /// The store holds no such key: it was retired, or the database belongs to another key store.
    UnknownVersion {
        /// What the key was wanted for.
        purpose: KeyPurpose,
        /// Which one was wanted.
        version: u32,
    },
    /// Sealed bytes were changed, cut, or belong somewhere else.
    NotAuthentic,
    /// The store did not answer; trying again may help. The shipped file store never gives this.
    Unavailable(String),
}

impl fmt::Display for KeyError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownVersion { purpose, version } => {
                write!(out, "the key store holds no {} key of version {version}", purpose.name())
            }
            Self::NotAuthentic => out.write_str("sealed bytes are not authentic: changed, cut, or from another place"),
            Self::Unavailable(why) => write!(out, "the key store is not available: {why}"),
        }
    }
}

impl std::error::Error for KeyError {}
