//! How a terminal and its host name a card to each other without its number: HMAC-SHA256 of the number under a key that
//! only they know, another for each terminal.

use std::fmt;

use cashpoint_core::secret::Pan;
use cashpoint_core::terminal::device::CardReference;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use zeroize::Zeroizing;

/// The key of one terminal's references. Wiped when dropped, never shown.
#[derive(Clone)]
pub struct CardKey(Zeroizing<[u8; 32]>);

impl fmt::Debug for CardKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("CardKey(…)")
    }
}

impl CardKey {
    /// Takes a key over.
    #[must_use]
    pub fn new(key: [u8; 32]) -> Self {
        Self(Zeroizing::new(key))
    }

    /// The key itself, to keep. It must not reach a log or a message.
    #[must_use]
    pub fn expose(&self) -> &[u8; 32] {
        &self.0
    }

    /// The card's name at this terminal.
    #[must_use]
    pub fn reference(&self, pan: &Pan) -> CardReference {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0[..]).expect("HMAC takes keys of any length");
        mac.update(pan.expose().as_bytes());
        mac.finalize().into_bytes().into()
    }
}

#[cfg(test)]
mod tests {
    use data_encoding::HEXLOWER;

    use super::*;

    #[test]
    fn a_card_has_one_name_at_one_terminal() {
        let (pan, other) = (Pan::parse("4000001234567899").unwrap(), Pan::parse("4000001234567898").unwrap());
        let reference = CardKey::new([7; 32]).reference(&pan);
        assert_eq!(HEXLOWER.encode(&reference), "27b2d70230682866d99177fdff692b25465d1e7d3bd37cda544b58909f6449e5");
        assert_ne!(reference, CardKey::new([8; 32]).reference(&pan));
        assert_ne!(reference, CardKey::new([7; 32]).reference(&other));
    }
}
