//! What a PIN leaves behind: a MAC under a key that is not in the database.
//!
//! Four digits are searched in a second, however they are hashed; so a stolen database must not be enough, and the
//! verifier is keyed. Whether a PIN may be tried at all, and counting wrong ones, is the core's.

use cashpoint_core::card::{PinKey, Verifier};
use cashpoint_core::id::CardId;

use crate::keys::{KeyError, KeyStore, MacPurpose};
use crate::secret::Pin;

/// What the right PIN of this card makes under the current key; stored with the card.
///
/// # Errors
/// [`KeyError`] if the key store fails.
pub fn verifier(keys: &dyn KeyStore, card: CardId, pin: &Pin) -> Result<Verifier, KeyError> {
    let version = keys.current_version(MacPurpose::PinVerifier.into())?;
    under(keys, PinKey::Card(card), version, pin)
}

/// What a PIN that was entered makes under every live key, the current one last; compared with the stored verifier by
/// `decide`. For a number that no card has, the same work is done, and the result equals no card's verifier.
///
/// # Errors
/// [`KeyError`] if the key store fails.
pub fn candidates(keys: &dyn KeyStore, whose: PinKey, pin: &Pin) -> Result<Vec<Verifier>, KeyError> {
    let versions = keys.live_versions(MacPurpose::PinVerifier.into())?;
    versions.into_iter().map(|version| under(keys, whose, version, pin)).collect()
}

fn under(keys: &dyn KeyStore, whose: PinKey, version: u32, pin: &Pin) -> Result<Verifier, KeyError> {
    let pin = pin.expose().as_bytes();
    let mac = match whose {
        PinKey::Card(card) => {
            let id = card.number().to_be_bytes();
            keys.mac(MacPurpose::PinVerifier, version, &[b"card", &id, pin])
        }
        PinKey::Unknown(index) => keys.mac(MacPurpose::PinVerifier, version, &[b"number", &index, pin]),
    }?;
    Ok(Verifier { version, mac })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::entropy::SeededEntropy;
    use crate::keys::FileKeyStore;

    const CARD: CardId = CardId::new(7);

    fn keys() -> FileKeyStore {
        FileKeyStore::in_memory(Arc::new(SeededEntropy::new(1)))
    }

    fn pin(text: &str) -> Pin {
        Pin::parse(text).unwrap()
    }

    fn is_right(keys: &FileKeyStore, stored: Verifier, whose: PinKey, entered: &str) -> bool {
        stored.matches(&candidates(keys, whose, &pin(entered)).unwrap())
    }

    #[test]
    fn knows_the_right_pin_of_the_right_card_alone() {
        let keys = keys();
        let stored = verifier(&keys, CARD, &pin("1234")).unwrap();
        assert!(is_right(&keys, stored, PinKey::Card(CARD), "1234"));
        for wrong in ["1235", "12340", "0123", "4321"] {
            assert!(!is_right(&keys, stored, PinKey::Card(CARD), wrong), "{wrong}");
        }
        assert!(!is_right(&keys, stored, PinKey::Card(CardId::new(8)), "1234"));
        let mut index = [0; 32];
        index[24..].copy_from_slice(&CARD.number().to_be_bytes());
        assert!(!is_right(&keys, stored, PinKey::Unknown(index), "1234"));
    }

    #[test]
    fn finds_old_verifiers_after_a_rotation_and_makes_new_ones_under_the_new_key() {
        let keys = keys();
        let old = verifier(&keys, CARD, &pin("1234")).unwrap();
        keys.rotate(MacPurpose::PinVerifier.into()).unwrap();
        let new = verifier(&keys, CARD, &pin("1234")).unwrap();
        assert_eq!((old.version, new.version), (1, 2));
        assert_ne!(old.mac, new.mac);
        for stored in [old, new] {
            assert!(is_right(&keys, stored, PinKey::Card(CARD), "1234"));
            assert!(!is_right(&keys, stored, PinKey::Card(CARD), "1235"));
        }
        let made = candidates(&keys, PinKey::Unknown([1; 32]), &pin("1234")).unwrap();
        assert_eq!(made.iter().map(|v| v.version).collect::<Vec<_>>(), [1, 2]);
    }

    #[test]
    fn another_bank_with_the_same_card_and_pin_has_another_verifier() {
        let other = FileKeyStore::in_memory(Arc::new(SeededEntropy::new(2)));
        let here = verifier(&keys(), CARD, &pin("1234")).unwrap();
        assert_ne!(here, verifier(&other, CARD, &pin("1234")).unwrap());
    }
}
