//! Personal data and card numbers: sealed where they are stored, and found again through keyed indexes.
//!
//! Each customer has one random data key, wrapped by the key store; throwing the wrapped key away erases everything
//! that was sealed under it. Column and row are bound into each sealed value, so none can be moved to another place.
//! Names are not sealed: staff search by them.

use std::fmt;

use cashpoint_core::customer::Sealed;
use cashpoint_core::id::{CustomerId, Index};
use zeroize::Zeroizing;

use crate::entropy::Entropy;
use crate::keys::{KeyError, KeyPurpose, KeyStore, MacPurpose, WrappedKey};
use crate::keys::{associated_data, open, seal};
use crate::secret::Pan;

/// Where a sealed value is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PersonalColumn {
    /// A customer's email address; the row is the customer's.
    Email,
    /// A customer's telephone number; the row is the customer's.
    Phone,
    /// A customer's postal address; the row is the customer's.
    Address,
    /// A card's number; the row is the card's.
    CardNumber,
}

impl PersonalColumn {
    /// The name that is sealed with the value. Changing one makes what is stored unreadable.
    const fn name(self) -> &'static str {
        match self {
            Self::Email => "customer.email",
            Self::Phone => "customer.phone",
            Self::Address => "customer.address",
            Self::CardNumber => "card.number",
        }
    }
}

/// The data key of one customer, for as long as it is needed; wiped after.
pub struct DataKey(Zeroizing<[u8; 32]>);

impl DataKey {
    /// Makes the data key of a new customer, and its wrapped form to store.
    ///
    /// # Errors
    /// [`KeyError`] if the key store fails.
    pub fn generate(
        keys: &dyn KeyStore,
        customer: CustomerId,
        entropy: &dyn Entropy,
    ) -> Result<(Self, WrappedKey), KeyError> {
        let mut key = Zeroizing::new([0; 32]);
        entropy.fill(key.as_mut_slice());
        let wrapped = keys.wrap(&owner(customer), &key)?;
        Ok((Self(key), wrapped))
    }

    /// Unwraps the data key of this customer.
    ///
    /// # Errors
    /// [`KeyError`] if it is another customer's, was changed, or its wrapping key is gone.
    pub fn unwrap(keys: &dyn KeyStore, customer: CustomerId, wrapped: &WrappedKey) -> Result<Self, KeyError> {
        keys.unwrap(&owner(customer), wrapped).map(Self)
    }

    /// Seals one value for its place.
    #[must_use]
    pub fn seal(&self, column: PersonalColumn, row: i64, plaintext: &str, entropy: &dyn Entropy) -> Sealed {
        Sealed(seal(&self.0, &place(column, row), plaintext.as_bytes(), entropy))
    }

    /// Opens one value from its place.
    ///
    /// # Errors
    /// [`KeyError::NotAuthentic`] if it was changed, comes from another place, or is another customer's.
    pub fn open(&self, column: PersonalColumn, row: i64, sealed: &Sealed) -> Result<Zeroizing<String>, KeyError> {
        let opened = open(&self.0, &place(column, row), &sealed.0)?;
        let text = std::str::from_utf8(&opened).map_err(|_| KeyError::NotAuthentic)?;
        Ok(Zeroizing::new(text.to_owned()))
    }
}

impl fmt::Debug for DataKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("DataKey(****)")
    }
}

/// Wraps a data key anew if a rotation has left it under an old wrapping key; `None` if there is nothing to do. What
/// was sealed under the data key stays as it is.
///
/// # Errors
/// [`KeyError`] as for [`DataKey::unwrap`].
pub fn rewrap(keys: &dyn KeyStore, customer: CustomerId, wrapped: &WrappedKey) -> Result<Option<WrappedKey>, KeyError> {
    if wrapped.version == keys.current_version(KeyPurpose::Wrap)? {
        return Ok(None);
    }
    let key = keys.unwrap(&owner(customer), wrapped)?;
    keys.wrap(&owner(customer), &key).map(Some)
}

/// An index under one version of its key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VersionedIndex {
    /// Key version.
    pub version: u32,
    /// The keyed digest.
    pub index: Index,
}

/// The indexes of a card number under every live key, the current one last. Look up under all; store under the last,
/// and under all while a rotation is under way.
///
/// # Errors
/// [`KeyError`] if the key store fails.
pub fn card_indexes(keys: &dyn KeyStore, pan: &Pan) -> Result<Vec<VersionedIndex>, KeyError> {
    indexes(keys, MacPurpose::CardIndex, pan.expose().as_bytes())
}

/// The indexes of an email address under every live key, the current one last; used as [`card_indexes`] are. Addresses
/// that differ by surrounding space or case alone have the same.
///
/// # Errors
/// [`KeyError`] if the key store fails.
pub fn email_indexes(keys: &dyn KeyStore, email: &str) -> Result<Vec<VersionedIndex>, KeyError> {
    let email = Zeroizing::new(email.trim().to_lowercase());
    indexes(keys, MacPurpose::EmailIndex, email.as_bytes())
}

fn indexes(keys: &dyn KeyStore, purpose: MacPurpose, value: &[u8]) -> Result<Vec<VersionedIndex>, KeyError> {
    let under = |version| {
        let index = keys.mac(purpose, version, &[value])?;
        Ok(VersionedIndex { version, index })
    };
    keys.live_versions(purpose.into())?.into_iter().map(under).collect()
}

fn owner(customer: CustomerId) -> Vec<u8> {
    associated_data(&[b"customer data key", &customer.number().to_be_bytes()])
}

fn place(column: PersonalColumn, row: i64) -> Vec<u8> {
    associated_data(&[column.name().as_bytes(), &row.to_be_bytes()])
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::entropy::SeededEntropy;
    use crate::keys::FileKeyStore;

    const ALICE: CustomerId = CustomerId::new(11);
    const BOB: CustomerId = CustomerId::new(12);
    const EMAIL: PersonalColumn = PersonalColumn::Email;

    fn bank() -> (FileKeyStore, SeededEntropy) {
        (FileKeyStore::in_memory(Arc::new(SeededEntropy::new(1))), SeededEntropy::new(2))
    }

    #[test]
    fn opens_in_its_own_place_alone() {
        let (keys, entropy) = bank();
        let (key, _) = DataKey::generate(&keys, ALICE, &entropy).unwrap();
        let sealed = key.seal(EMAIL, 11, "alice@example.com", &entropy);
        assert_eq!(key.open(EMAIL, 11, &sealed).unwrap().as_str(), "alice@example.com");
        let elsewhere = [(PersonalColumn::Phone, 11), (PersonalColumn::CardNumber, 11), (EMAIL, 12)];
        for (column, row) in elsewhere {
            assert_eq!(key.open(column, row, &sealed), Err(KeyError::NotAuthentic), "{column:?} {row}");
        }
        let (other, _) = DataKey::generate(&keys, BOB, &entropy).unwrap();
        assert_eq!(other.open(EMAIL, 11, &sealed), Err(KeyError::NotAuthentic));
    }

    #[test]
    fn what_is_stored_does_not_contain_the_value_and_differs_each_time() {
        let (keys, entropy) = bank();
        let (key, _) = DataKey::generate(&keys, ALICE, &entropy).unwrap();
        let sealed = [(); 2].map(|()| key.seal(EMAIL, 11, "alice@example.com", &entropy));
        assert_ne!(sealed[0], sealed[1]);
        assert!(!sealed[0].0.windows(5).any(|part| part == b"alice"));
    }

    #[test]
    fn a_stored_data_key_opens_for_its_customer_alone() {
        let (keys, entropy) = bank();
        let (key, wrapped) = DataKey::generate(&keys, ALICE, &entropy).unwrap();
        let sealed = key.seal(EMAIL, 11, "alice@example.com", &entropy);
        let again = DataKey::unwrap(&keys, ALICE, &wrapped).unwrap();
        assert_eq!(again.open(EMAIL, 11, &sealed).unwrap().as_str(), "alice@example.com");
        assert_eq!(DataKey::unwrap(&keys, BOB, &wrapped).unwrap_err(), KeyError::NotAuthentic);
    }

    #[test]
    fn rotation_wraps_data_keys_anew_and_leaves_what_they_sealed() {
        let (keys, entropy) = bank();
        let (key, wrapped) = DataKey::generate(&keys, ALICE, &entropy).unwrap();
        let sealed = key.seal(EMAIL, 11, "alice@example.com", &entropy);
        assert_eq!(rewrap(&keys, ALICE, &wrapped), Ok(None));

        keys.rotate(KeyPurpose::Wrap).unwrap();
        assert_eq!(rewrap(&keys, BOB, &wrapped), Err(KeyError::NotAuthentic));
        let anew = rewrap(&keys, ALICE, &wrapped).unwrap().unwrap();
        assert_eq!(anew.version, 2);
        keys.retire(KeyPurpose::Wrap, 1).unwrap();
        let key = DataKey::unwrap(&keys, ALICE, &anew).unwrap();
        assert_eq!(key.open(EMAIL, 11, &sealed).unwrap().as_str(), "alice@example.com");
        assert!(matches!(DataKey::unwrap(&keys, ALICE, &wrapped), Err(KeyError::UnknownVersion { .. })));
    }

    #[test]
    fn email_indexes_ignore_space_around_and_case() {
        let (keys, _) = bank();
        let index = |email| email_indexes(&keys, email).unwrap();
        assert_eq!(index(" Alice@Example.COM\t"), index("alice@example.com"));
        assert_eq!(index("ÄNNE@example.com"), index("änne@example.com"));
        assert_ne!(index("alice@example.com"), index("alicea@example.com"));
    }

    #[test]
    fn indexes_are_found_under_old_and_new_keys_after_a_rotation() {
        let (keys, _) = bank();
        let pan = Pan::parse("4532123456789012").unwrap();
        let before = card_indexes(&keys, &pan).unwrap();
        keys.rotate(MacPurpose::CardIndex.into()).unwrap();
        let after = card_indexes(&keys, &pan).unwrap();
        assert_eq!(after.iter().map(|i| i.version).collect::<Vec<_>>(), [1, 2]);
        assert_eq!(before[0], after[0]);
        assert_ne!(after[0].index, after[1].index);
    }

    #[test]
    fn emails_and_card_numbers_of_the_same_text_have_different_indexes() {
        let (keys, _) = bank();
        let pan = Pan::parse("4532123456789012").unwrap();
        assert_ne!(card_indexes(&keys, &pan), email_indexes(&keys, pan.expose()));
    }

    #[test]
    fn data_keys_are_not_shown() {
        let (keys, entropy) = bank();
        let (key, _) = DataKey::generate(&keys, ALICE, &entropy).unwrap();
        assert_eq!(format!("{key:?}"), "DataKey(****)");
    }
}
