//! The keys in memory: which there are, and what is done under them.

use std::collections::BTreeMap;
use std::fmt;

use zeroize::Zeroizing;

use super::{KeyError, KeyPurpose};
use crate::entropy::{Entropy, random_bytes};

/// 32 bytes that are wiped when they are dropped.
pub(super) type KeyBytes = Zeroizing<[u8; 32]>;

/// Keys by purpose and version.
#[derive(Clone, Default)]
pub(super) struct KeyRing {
    keys: BTreeMap<(KeyPurpose, u32), KeyBytes>,
}

impl KeyRing {
    /// A ring with a first key for every purpose.
    pub(super) fn fresh(entropy: &dyn Entropy) -> Self {
        let mut ring = Self::default();
        for purpose in KeyPurpose::ALL {
            ring.add_version(purpose, entropy);
        }
        ring
    }

    /// Adds a key that was read; gives it back if its place is taken.
    pub(super) fn insert(&mut self, purpose: KeyPurpose, version: u32, key: KeyBytes) -> Result<(), KeyBytes> {
        if self.keys.contains_key(&(purpose, version)) {
            return Err(key);
        }
        self.keys.insert((purpose, version), key);
        Ok(())
    }

    /// Makes the next key for a purpose, from then on the current one; gives its version.
    pub(super) fn add_version(&mut self, purpose: KeyPurpose, entropy: &dyn Entropy) -> u32 {
        let version = self.current_version(purpose).map_or(1, |v| v + 1);
        self.keys.insert((purpose, version), Zeroizing::new(random_bytes(entropy)));
        version
    }

    /// Forgets an old key.
    pub(super) fn remove(&mut self, purpose: KeyPurpose, version: u32) -> Result<(), KeyError> {
        let removed = self.keys.remove(&(purpose, version));
        removed.map(drop).ok_or(KeyError::UnknownVersion { purpose, version })
    }

    pub(super) fn live_versions(&self, purpose: KeyPurpose) -> Vec<u32> {
        let all = (purpose, 0)..=(purpose, u32::MAX);
        self.keys.range(all).map(|((_, version), _)| *version).collect()
    }

    pub(super) fn current_version(&self, purpose: KeyPurpose) -> Option<u32> {
        self.live_versions(purpose).last().copied()
    }

    pub(super) fn key(&self, purpose: KeyPurpose, version: u32) -> Result<&KeyBytes, KeyError> {
        let key = self.keys.get(&(purpose, version));
        key.ok_or(KeyError::UnknownVersion { purpose, version })
    }

    /// Every key, in the order of purpose and version.
    pub(super) fn iter(&self) -> impl Iterator<Item = (KeyPurpose, u32, &KeyBytes)> {
        self.keys.iter().map(|((purpose, version), key)| (*purpose, *version, key))
    }
}

impl fmt::Debug for KeyRing {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_set().entries(self.keys.keys()).finish()
    }
}
