//! What a PIN is compared with while the host is away: HMAC-SHA256, keyed with a salt of the host's, of the format 0 PIN
//! block that one PIN pad makes under a key of its own.
//!
//! The pad and the host know the pad's key, the terminal knows salt and verifier: a stolen terminal without its pad has
//! nothing to try PINs against. How long a verifier serves is the host's matter, how often somebody may try the terminal's.

use cashpoint_core::secret::{Pan, Pin};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::cipher::TdesKey;
use crate::pin_block::encode_format_0;

/// Of a block that the pad made.
#[must_use]
pub fn of_block(salt: &[u8; 32], block: &[u8; 8]) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(salt).expect("HMAC takes keys of any length");
    mac.update(block);
    mac.finalize().into_bytes().into()
}

/// Of a PIN, at the host: the same as the pad with this key will give.
#[must_use]
pub fn of_pin(salt: &[u8; 32], pad: &TdesKey, pin: &Pin, pan: &Pan) -> [u8; 32] {
    of_block(salt, &Zeroizing::new(encode_format_0(pad, pin, pan)))
}

#[cfg(test)]
mod tests {
    use data_encoding::HEXLOWER;

    use super::*;

    #[test]
    fn a_verifier_is_of_one_pin_card_pad_and_salt() {
        let pads = [[0x10; 16], [0x32; 16]].map(|mut key| {
            key[8..].fill(0x54);
            TdesKey::new(&key).unwrap()
        });
        let pans = ["4000001234567899", "4000001234567881"].map(|pan| Pan::parse(pan).unwrap());
        let pins = ["2854", "2855"].map(|pin| Pin::parse(pin).unwrap());
        let verifier = of_pin(&[7; 32], &pads[0], &pins[0], &pans[0]);
        assert_eq!(verifier, of_block(&[7; 32], &encode_format_0(&pads[0], &pins[0], &pans[0])));
        assert_eq!(HEXLOWER.encode(&verifier), "71b13aa287b6d858b1d97b7ee54a5acd2f899755e52d8a54bc6fc08c580be203");
        for other in [
            of_pin(&[8; 32], &pads[0], &pins[0], &pans[0]),
            of_pin(&[7; 32], &pads[1], &pins[0], &pans[0]),
            of_pin(&[7; 32], &pads[0], &pins[1], &pans[0]),
            of_pin(&[7; 32], &pads[0], &pins[0], &pans[1]),
        ] {
            assert_ne!(other, verifier);
        }
    }
}
