//! PIN blocks: ISO 9564-1 formats 0 (triple DES) and 4 (AES).
//!
//! A block that does not open to a PIN says so by one error and in the same time, whatever is wrong with it: told apart, the
//! reasons would let whoever may send blocks find a PIN digit by digit. Nothing here knows whether a PIN is right, nor how
//! often somebody may try.

use std::fmt;

use cashpoint_core::secret::{Pan, Pin};
use cashpoint_core::terminal::device::PinBlock;
use subtle::{Choice, ConditionallySelectable as _, ConstantTimeEq as _, ConstantTimeLess as _};
use zeroize::{Zeroize as _, Zeroizing};

use crate::cipher::{AesKey, TdesKey};

/// The block does not open to a PIN under this key and for this card. Not a wrong PIN, and not to be counted as one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Unreadable;

/// What is wrong with a block, in the order in which it is looked at. Never leaves this module.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fault {
    Control,
    Length,
    Digit,
    Fill,
}

impl fmt::Display for Unreadable {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("the PIN block cannot be opened")
    }
}

impl std::error::Error for Unreadable {}

/// Makes a block of format 0. The same PIN and card give the same block.
#[must_use]
pub fn encode_format_0(key: &TdesKey, pin: &Pin, pan: &Pan) -> [u8; 8] {
    let mut block = clear_format_0(pin, pan.expose());
    key.encrypt(&mut block);
    *block
}

/// Opens a block of format 0.
///
/// # Errors
/// [`Unreadable`].
pub fn decode_format_0(key: &TdesKey, block: &[u8], pan: &Pan) -> Result<Pin, Unreadable> {
    let mut clear = Zeroizing::new(<[u8; 8]>::try_from(block).map_err(|_| Unreadable)?);
    key.decrypt(&mut clear);
    read_format_0(&clear, pan.expose()).map_err(|_| Unreadable)
}

/// Makes a block of format 4. `fill` is random and used once.
#[must_use]
pub fn encode_format_4(key: &AesKey, pin: &Pin, pan: &Pan, fill: [u8; 8]) -> PinBlock {
    let mut block = pin_field(pin, fill);
    key.encrypt(&mut block);
    mix(&mut block[..], &*pan_field(pan.expose()));
    key.encrypt(&mut block);
    PinBlock(*block)
}

/// Opens a block of format 4. A block that was made for another card does not open.
///
/// # Errors
/// [`Unreadable`].
pub fn decode_format_4(key: &AesKey, block: &PinBlock, pan: &Pan) -> Result<Pin, Unreadable> {
    read_format_4(key, block, pan.expose()).map_err(|_| Unreadable)
}

fn read_format_0(clear: &[u8; 8], pan: &str) -> Result<Pin, Fault> {
    let mut field = Zeroizing::new(*clear);
    mix(&mut field[..], &*pan_part(pan));
    read(&field, 0x0, 0xF)
}

fn read_format_4(key: &AesKey, block: &PinBlock, pan: &str) -> Result<Pin, Fault> {
    let mut clear = Zeroizing::new(block.0);
    key.decrypt(&mut clear);
    mix(&mut clear[..], &*pan_field(pan));
    key.decrypt(&mut clear);
    let field: &[u8; 8] = clear.first_chunk().expect("sixteen bytes begin with eight");
    read(field, 0x4, 0xA)
}

/// Reads `control | length | digits | fill`, the time not depending on what is wrong.
fn read(field: &[u8; 8], control: u8, fill: u8) -> Result<Pin, Fault> {
    let mut nibbles = Zeroizing::new([0u8; 16]);
    for (pair, byte) in nibbles.chunks_exact_mut(2).zip(field) {
        pair.copy_from_slice(&[byte >> 4, byte & 0x0F]);
    }
    let length = nibbles[1];
    let right_control = nibbles[0].ct_eq(&control);
    let right_length = !length.ct_lt(&4) & length.ct_lt(&13);
    let (mut right_digits, mut right_fill) = (Choice::from(1), Choice::from(1));
    let mut text = Zeroizing::new([0u8; 14]);
    for (place, (nibble, character)) in (0u8..).zip(nibbles[2..].iter().zip(text.iter_mut())) {
        let is_digit = place.ct_lt(&length);
        right_digits &= !is_digit | nibble.ct_lt(&10);
        right_fill &= is_digit | nibble.ct_eq(&fill);
        *character = u8::conditional_select(&b'0', &(b'0' + nibble), nibble.ct_lt(&10));
    }
    if (right_control & right_length & right_digits & right_fill).into() {
        let text = std::str::from_utf8(&text[..usize::from(length)]).expect("only digits were written");
        return Ok(Pin::parse(text).expect("4 to 12 digits are a PIN"));
    }
    let faults = [(right_control, Fault::Control), (right_length, Fault::Length), (right_digits, Fault::Digit)];
    let first = faults.into_iter().find(|(right, _)| !bool::from(*right));
    Err(first.map_or(Fault::Fill, |(_, fault)| fault))
}

/// Format 0 before it is enciphered: the PIN's field mixed with the card's digits.
fn clear_format_0(pin: &Pin, pan: &str) -> Zeroizing<[u8; 8]> {
    let mut block = field(0x0, pin, 0xF);
    mix(&mut block[..], &*pan_part(pan));
    block
}

/// `control | length | digits | fill`, 16 nibbles.
fn field(control: u8, pin: &Pin, fill: u8) -> Zeroizing<[u8; 8]> {
    let digits = pin.expose().as_bytes();
    let mut nibbles = Zeroizing::new([fill; 16]);
    nibbles[0] = control;
    nibbles[1] = u8::try_from(digits.len()).expect("a PIN has at most 12 digits");
    for (nibble, digit) in nibbles[2..].iter_mut().zip(digits) {
        *nibble = digit - b'0';
    }
    packed(&nibbles)
}

/// Format 4's field of the PIN: as above, then eight random bytes.
fn pin_field(pin: &Pin, mut fill: [u8; 8]) -> Zeroizing<[u8; 16]> {
    let mut whole = Zeroizing::new([0; 16]);
    whole[..8].copy_from_slice(&*field(0x4, pin, 0xA));
    whole[8..].copy_from_slice(&fill);
    fill.zeroize();
    whole
}

/// Format 0's part of the card: four zeros, then the 12 digits before the check digit, filled with zeros from the left.
fn pan_part(pan: &str) -> Zeroizing<[u8; 8]> {
    let mut nibbles = Zeroizing::new([0; 16]);
    let digits = pan.bytes().rev().skip(1).take(12);
    for (nibble, digit) in nibbles.iter_mut().rev().zip(digits) {
        *nibble = digit - b'0';
    }
    packed(&nibbles)
}

/// Format 4's field of the card: its digits over 12, its digits (at least 12, filled with zeros from the left), zeros.
fn pan_field(pan: &str) -> Zeroizing<[u8; 16]> {
    let over = pan.len().saturating_sub(12);
    let mut nibbles = Zeroizing::new([0; 32]);
    nibbles[0] = u8::try_from(over).expect("a card number has at most 19 digits");
    for (nibble, digit) in nibbles[1..=12 + over].iter_mut().rev().zip(pan.bytes().rev()) {
        *nibble = digit - b'0';
    }
    packed(&nibbles)
}

fn packed<const N: usize, const M: usize>(nibbles: &[u8; N]) -> Zeroizing<[u8; M]> {
    let mut bytes = Zeroizing::new([0; M]);
    for (byte, pair) in bytes.iter_mut().zip(nibbles.chunks_exact(2)) {
        *byte = pair[0] << 4 | pair[1];
    }
    bytes
}

fn mix(block: &mut [u8], with: &[u8]) {
    for (byte, other) in block.iter_mut().zip(with) {
        *byte ^= other;
    }
}

#[cfg(test)]
mod tests {
    use data_encoding::HEXUPPER;
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;
    use crate::vectors::{hex, of, text};

    const VECTORS: &str = include_str!("../tests/vectors/pin_blocks.json");

    impl Fault {
        /// As the vectors call it.
        const fn name(self) -> &'static str {
            match self {
                Self::Control => "CONTROL_NIBBLE",
                Self::Length => "PIN_LENGTH",
                Self::Digit => "PIN_DIGIT",
                Self::Fill => "FILL",
            }
        }
    }

    fn pin(text: &str) -> Pin {
        Pin::parse(text).unwrap()
    }

    fn tdes(vector: &Value) -> TdesKey {
        TdesKey::new(&hex(vector, "key")).unwrap()
    }

    fn aes(vector: &Value) -> AesKey {
        AesKey::new(&hex(vector, "key")).unwrap()
    }

    fn check_format_0(vector: &Value) {
        let (secret, digits) = (pin(text(vector, "pin")), text(vector, "pan"));
        assert_eq!(HEXUPPER.encode(&*clear_format_0(&secret, digits)), text(vector, "clear_block"), "{vector}");
        // One vector has a shorter number than cards have.
        let Ok(pan) = Pan::parse(digits) else {
            assert!(digits.len() < 12, "{vector}");
            return;
        };
        let block = encode_format_0(&tdes(vector), &secret, &pan);
        assert_eq!(HEXUPPER.encode(&block), text(vector, "encrypted_block"), "{vector}");
        let opened = decode_format_0(&tdes(vector), &block, &pan).unwrap();
        assert_eq!(opened.expose(), secret.expose());
    }

    fn check_format_4(vector: &Value) {
        let (secret, digits, key) = (pin(text(vector, "pin")), text(vector, "pan"), aes(vector));
        let fill = hex(vector, "fill").try_into().unwrap();
        let mut block = pin_field(&secret, fill);
        assert_eq!(HEXUPPER.encode(&*block), text(vector, "pin_field"), "{vector}");
        assert_eq!(HEXUPPER.encode(&*pan_field(digits)), text(vector, "pan_field"), "{vector}");
        key.encrypt(&mut block);
        assert_eq!(HEXUPPER.encode(&*block), text(vector, "intermediate_a"), "{vector}");
        // Two vectors have shorter numbers than cards have.
        let Ok(pan) = Pan::parse(digits) else {
            assert!(digits.len() < 12, "{vector}");
            return;
        };
        let block = encode_format_4(&key, &secret, &pan, fill);
        assert_eq!(HEXUPPER.encode(&block.0), text(vector, "encrypted_block"), "{vector}");
        assert_eq!(decode_format_4(&key, &block, &pan).unwrap().expose(), secret.expose());
    }

    /// The block does not open, and within this module it is known why.
    fn check_fault(vector: &Value) {
        let (block, pan) = (hex(vector, "encrypted_block"), Pan::parse(text(vector, "pan")).unwrap());
        let (opened, fault) = if vector["format"] == 0 {
            let read = <[u8; 8]>::try_from(&block[..]).map(|mut clear| {
                tdes(vector).decrypt(&mut clear);
                read_format_0(&clear, pan.expose())
            });
            (decode_format_0(&tdes(vector), &block, &pan), read.ok())
        } else {
            let block = PinBlock(block.try_into().unwrap());
            let read = read_format_4(&aes(vector), &block, pan.expose());
            (decode_format_4(&aes(vector), &block, &pan), Some(read))
        };
        assert!(opened.is_err(), "{vector}");
        let name = fault.map_or("BLOCK_SIZE", |read| read.err().map_or("none", Fault::name));
        let expected = text(vector, "error");
        assert!(name == expected || expected == "CONTROL_NIBBLE_OR_OTHER", "{name}: {vector}");
    }

    /// From one key and format to another: no intermediate result leaves.
    fn check_translation(vector: &Value) {
        let (from, to) = (&vector["from"], &vector["to"]);
        let pan = Pan::parse(text(vector, "pan")).unwrap();
        let block = hex(from, "encrypted_block");
        let secret = if from["format"] == 0 {
            decode_format_0(&tdes(from), &block, &pan)
        } else {
            decode_format_4(&aes(from), &PinBlock(block.try_into().unwrap()), &pan)
        }
        .unwrap();
        let made = if to["format"] == 0 {
            encode_format_0(&tdes(to), &secret, &pan).to_vec()
        } else {
            encode_format_4(&aes(to), &secret, &pan, hex(to, "fill").try_into().unwrap()).0.to_vec()
        };
        assert_eq!(HEXUPPER.encode(&made), text(to, "encrypted_block"), "{vector}");
    }

    #[test]
    fn it_agrees_with_the_published_vectors() {
        let ours = |format: &Value| *format == 0 || *format == 4;
        let mut seen = [0; 5];
        for vector in of(VECTORS) {
            let kind = match (text(&vector, "op"), vector["format"].as_i64()) {
                ("encode+decode", Some(0)) => {
                    check_format_0(&vector);
                    0
                }
                ("encode+decode", Some(4)) => {
                    check_format_4(&vector);
                    1
                }
                ("decode-fails", Some(0 | 4)) => {
                    check_fault(&vector);
                    2
                }
                ("encode-fails", _) => {
                    let (pin, pan) = (Pin::parse(text(&vector, "pin")), Pan::parse(text(&vector, "pan")));
                    assert!(pin.is_err() || pan.is_err(), "{vector}");
                    3
                }
                ("translate", _) if ours(&vector["from"]["format"]) && ours(&vector["to"]["format"]) => {
                    check_translation(&vector);
                    4
                }
                _ => continue,
            };
            seen[kind] += 1;
        }
        assert_eq!(seen, [19, 14, 15, 6, 3]);
    }

    #[test]
    fn it_opens_nothing_under_another_key_or_for_another_card() {
        let (key, other) = (AesKey::new(&[1; 16]).unwrap(), AesKey::new(&[2; 16]).unwrap());
        let (pan, another) = (Pan::parse("4000001234567899").unwrap(), Pan::parse("4000001234567898").unwrap());
        let block = encode_format_4(&key, &pin("2854"), &pan, [7; 8]);
        assert!(decode_format_4(&key, &block, &pan).is_ok());
        assert!(decode_format_4(&other, &block, &pan).is_err());
        assert!(decode_format_4(&key, &block, &another).is_err());
        assert_ne!(block, encode_format_4(&key, &pin("2854"), &pan, [8; 8]));
    }

    proptest! {
        #[test]
        fn it_opens_what_it_makes(
            digits in "[0-9]{4,12}", number in "[0-9]{12,19}", key in any::<[u8; 32]>(), fill in any::<[u8; 8]>(),
        ) {
            let (secret, pan) = (pin(&digits), Pan::parse(&number).unwrap());
            let aes = AesKey::new(&key).unwrap();
            let opened = decode_format_4(&aes, &encode_format_4(&aes, &secret, &pan, fill), &pan);
            prop_assert!(opened.is_ok_and(|opened| opened.expose() == digits));
            prop_assume!(TdesKey::new(&key[..24]).is_ok());
            let tdes = TdesKey::new(&key[..24]).unwrap();
            let opened = decode_format_0(&tdes, &encode_format_0(&tdes, &secret, &pan), &pan);
            prop_assert!(opened.is_ok_and(|opened| opened.expose() == digits));
        }

        #[test]
        fn what_it_opens_it_would_have_made(field in any::<[u8; 8]>(), number in "[0-9]{12,19}") {
            if let Ok(secret) = read_format_0(&field, &number) {
                prop_assert_eq!(*clear_format_0(&secret, &number), field);
            }
        }
    }
}
