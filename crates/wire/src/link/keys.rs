//! The keys of the link: Ed25519, one pair for each terminal and one for the host.

use std::fmt;

use ed25519_dalek::{Signature, Signer as _, SigningKey as Secret, VerifyingKey};

/// What one side signs with. Wiped when dropped, never shown.
#[derive(Clone)]
pub struct SigningKey(Secret);

/// What the other side checks with.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct PublicKey(VerifyingKey);

/// The bytes are no key that a signature may be checked with.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NotAKey;

impl SigningKey {
    /// The key of 32 random bytes.
    #[must_use]
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        Self(Secret::from_bytes(seed))
    }

    /// What the other side checks with.
    #[must_use]
    pub fn public(&self) -> PublicKey {
        PublicKey(self.0.verifying_key())
    }

    /// Signs a message of one kind; a signature of one kind is none of another.
    pub(super) fn sign(&self, kind: &str, message: &[u8]) -> [u8; 64] {
        self.0.sign(&[kind.as_bytes(), message].concat()).to_bytes()
    }
}

impl PublicKey {
    /// Takes a key over.
    ///
    /// # Errors
    /// [`NotAKey`], also for keys under which several messages have one signature.
    pub fn from_bytes(bytes: &[u8; 32]) -> Result<Self, NotAKey> {
        let key = VerifyingKey::from_bytes(bytes).map_err(|_| NotAKey)?;
        if key.is_weak() { Err(NotAKey) } else { Ok(Self(key)) }
    }

    /// The key, for storing and sending.
    #[must_use]
    pub fn to_bytes(self) -> [u8; 32] {
        self.0.to_bytes()
    }

    /// Whether the message of this kind was signed with the other half. Each message has one good signature.
    pub(super) fn has_signed(&self, kind: &str, message: &[u8], signature: &[u8; 64]) -> bool {
        let signature = Signature::from_bytes(signature);
        self.0.verify_strict(&[kind.as_bytes(), message].concat(), &signature).is_ok()
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [first, second, third, fourth, ..] = self.to_bytes();
        write!(out, "PublicKey({first:02x}{second:02x}{third:02x}{fourth:02x}…)")
    }
}

impl fmt::Display for NotAKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("not a public key")
    }
}

impl std::error::Error for NotAKey {}
