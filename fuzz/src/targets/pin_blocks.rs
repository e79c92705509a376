//! PIN blocks of formats 0 and 4.
//!
//! What holds: whatever the block is, it opens to nothing or to the PIN that it would have been made of. The first bytes
//! of an input are taken as an enciphered block and as one in clear, or nearly nothing would open.

use cashpoint_core::secret::Pan;
use cashpoint_core::terminal::device::PinBlock;
use cashpoint_wire::cipher::{AesKey, TdesKey};
use cashpoint_wire::pin_block::{decode_format_0, decode_format_4, encode_format_0, encode_format_4};

use crate::Target;

/// See the module.
pub(crate) const TARGET: Target =
    Target { name: "pin_blocks", check, finish: || {}, dictionary: &["\u{4}", "\u{12}", "D", "F", "\u{c}", "AAAA"] };

const CARD: &str = "4000001234567899";
/// Format 4's field of that card.
const CARD_FIELD: [u8; 16] = [0x44, 0, 0, 0x01, 0x23, 0x45, 0x67, 0x89, 0x90, 0, 0, 0, 0, 0, 0, 0];

fn check(bytes: &[u8]) {
    let pan = Pan::parse(CARD).expect("it has 16 digits");
    let tdes = TdesKey::new(b"a key of 16 byte").expect("its halves differ");
    let aes = AesKey::new(b"another of 16 by").expect("it has 16 bytes");
    if bytes.len() != 8 {
        assert!(decode_format_0(&tdes, bytes, &pan).is_err(), "a block has eight bytes");
    }
    if let Some(block) = bytes.first_chunk::<8>() {
        let mut enciphered = *block;
        tdes.encrypt(&mut enciphered);
        for block in [*block, enciphered] {
            if let Ok(pin) = decode_format_0(&tdes, &block, &pan) {
                assert_eq!(encode_format_0(&tdes, &pin, &pan), block);
            }
        }
    }
    if let Some(field) = bytes.first_chunk::<16>() {
        let mut enciphered = *field;
        aes.encrypt(&mut enciphered);
        for (byte, other) in enciphered.iter_mut().zip(CARD_FIELD) {
            *byte ^= other;
        }
        aes.encrypt(&mut enciphered);
        let fill = *field.last_chunk().expect("sixteen bytes end with eight");
        match decode_format_4(&aes, &PinBlock(enciphered), &pan) {
            Ok(pin) => assert_eq!(encode_format_4(&aes, &pin, &pan, fill), PinBlock(enciphered)),
            Err(error) => assert_eq!(error.to_string(), "the PIN block cannot be opened"),
        }
    }
}
