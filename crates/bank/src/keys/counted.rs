//! A key store that counts what is asked of it: that known and unknown identities cost the same is a promise, and a
//! promise that is counted can be tested.

use std::sync::atomic::{AtomicU64, Ordering};

use zeroize::Zeroizing;

use super::{KeyError, KeyPurpose, KeyStore, MacPurpose, WrappedKey};

/// See the module.
pub(crate) struct Counted<K> {
    keys: K,
    macs: AtomicU64,
}

impl<K> Counted<K> {
    pub(crate) fn new(keys: K) -> Self {
        Self { keys, macs: AtomicU64::new(0) }
    }

    /// How many MACs were made.
    pub(crate) fn macs(&self) -> u64 {
        self.macs.load(Ordering::Relaxed)
    }
}

impl<K: KeyStore> KeyStore for Counted<K> {
    fn current_version(&self, purpose: KeyPurpose) -> Result<u32, KeyError> {
        self.keys.current_version(purpose)
    }

    fn live_versions(&self, purpose: KeyPurpose) -> Result<Vec<u32>, KeyError> {
        self.keys.live_versions(purpose)
    }

    fn mac(&self, purpose: MacPurpose, version: u32, parts: &[&[u8]]) -> Result<[u8; 32], KeyError> {
        self.macs.fetch_add(1, Ordering::Relaxed);
        self.keys.mac(purpose, version, parts)
    }

    fn wrap(&self, context: &[u8], key: &[u8; 32]) -> Result<WrappedKey, KeyError> {
        self.keys.wrap(context, key)
    }

    fn unwrap(&self, context: &[u8], wrapped: &WrappedKey) -> Result<Zeroizing<[u8; 32]>, KeyError> {
        self.keys.unwrap(context, wrapped)
    }
}
