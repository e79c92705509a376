use proptest::prelude::*;
use serde_json::Value;

use super::*;
use crate::vectors::{hex, of, text};

const VECTORS: &str = include_str!("../../tests/vectors/tr31.json");

impl KeyBlockError {
    /// As the vectors call it.
    const fn name(self) -> &'static str {
        match self {
            Self::ProtectionKeyLength => "KBPK_LENGTH",
            Self::TooShort => "TOO_SHORT",
            Self::VersionUnsupported => "VERSION_UNSUPPORTED",
            Self::LengthCharset => "LENGTH_CHARSET",
            Self::LengthMismatch => "LENGTH_MISMATCH",
            Self::Header => "HEADER",
            Self::Hex => "HEX",
            Self::MacMismatch => "MAC_MISMATCH",
            Self::KeyLength => "KEY_LENGTH",
            Self::TooStrong | Self::Weak | Self::Usage => "of our own",
        }
    }
}

fn protection(vector: &Value) -> Result<ProtectionKey, KeyBlockError> {
    ProtectionKey::new(&hex(vector, "kbpk"))
}

/// Opens a vector's block; what is inside must be the vector's.
fn check_opens(vector: &Value) -> (Header, Wrapped) {
    let by = protection(vector).unwrap();
    let (header, key) = unwrap(&by, text(vector, "key_block")).unwrap_or_else(|error| panic!("{error:?}: {vector}"));
    assert_eq!(key.bytes(), hex(vector, "key"), "{vector}");
    let optional: Vec<_> = header
        .optional
        .iter()
        .map(|block| (String::from_utf8(block.id.to_vec()).unwrap(), block.data.clone()))
        .collect();
    let expected = vector["optional_blocks"].as_object().unwrap();
    let expected: Vec<_> = expected.iter().map(|(id, data)| (id.clone(), data.as_str().unwrap().to_owned())).collect();
    assert_eq!(optional, expected, "{vector}");
    (header, key)
}

/// Makes a vector's block again, each stage as the vector has it.
fn check_makes(vector: &Value, header: &Header, key: &Wrapped) {
    let by = protection(vector).unwrap();
    assert_eq!(by.encryption().expose(), hex(vector, "kbek"), "{vector}");
    assert_eq!(by.authentication().expose(), hex(vector, "kbak"), "{vector}");
    let pad = hex(vector, "pad");
    let mut fill = [0; 30];
    fill[..pad.len()].copy_from_slice(&pad);
    assert_eq!(*clear_data(key, &fill), hex(vector, "clear_key_data"), "{vector}");
    assert_eq!(wrap(&by, header, key, &fill).unwrap().0, text(vector, "key_block"), "{vector}");
}

#[test]
fn it_agrees_with_the_published_vectors() {
    let (mut made, mut opened, mut refused) = (0, 0, 0);
    for vector in of(VECTORS) {
        let version_d = text(&vector, "key_block").starts_with('D');
        match text(&vector, "op") {
            "wrap+unwrap" if version_d => {
                let (header, key) = check_opens(&vector);
                opened += 1;
                // Those that hide less of their key's length than we do are read and not made.
                if !text(&vector, "id").ends_with("nomask") {
                    check_makes(&vector, &header, &key);
                    made += 1;
                }
            }
            "wrap+unwrap" => {
                let error = protection(&vector).and_then(|by| unwrap(&by, text(&vector, "key_block"))).map(drop);
                assert_eq!(error, Err(KeyBlockError::VersionUnsupported), "{vector}");
                refused += 1;
            }
            "unwrap" => {
                check_opens(&vector);
                opened += 1;
            }
            _ => {
                let error = protection(&vector).and_then(|by| unwrap(&by, text(&vector, "key_block"))).map(drop);
                assert_eq!(error.map_err(KeyBlockError::name), Err(text(&vector, "error")), "{vector}");
                refused += 1;
            }
        }
    }
    assert_eq!((made, opened, refused), (15, 18, 18));
}

fn by(length: usize) -> ProtectionKey {
    ProtectionKey::new(&[0x5A; 32][..length]).unwrap()
}

fn aes(length: usize) -> Wrapped {
    Wrapped::Aes(AesKey::new(&[0x3C; 32][..length]).unwrap())
}

#[test]
fn it_finds_every_changed_character() {
    let block = wrap(&by(32), &Header::pin_pad(), &aes(16), &[9; 30]).unwrap().0;
    assert_eq!((&block[..16], block.len()), ("D0144P0AE00N0000", 144));
    for at in 0..block.len() {
        for bit in 0..7 {
            let mut bytes = block.clone().into_bytes();
            bytes[at] ^= 1 << bit;
            let changed = String::from_utf8(bytes).unwrap();
            assert!(unwrap(&by(32), &changed).is_err(), "{changed}");
        }
    }
    assert_eq!(unwrap(&by(16), &block).map(drop), Err(KeyBlockError::MacMismatch));
}

#[test]
fn it_puts_no_strong_key_under_a_weak_one() {
    let error = wrap(&by(16), &Header::pin_pad(), &aes(32), &[0; 30]).map(drop);
    assert_eq!(error, Err(KeyBlockError::TooStrong));
    assert!(wrap(&by(24), &Header::pin_pad(), &aes(24), &[0; 30]).is_ok());
}

#[test]
fn it_takes_triple_des_of_odd_parity_only() {
    let even = Wrapped::Tdes(TdesKey::new(&[[0x11; 8], [0x23; 8]].concat()).unwrap());
    assert_eq!(wrap(&by(16), &Header::pin_pad(), &even, &[0; 30]).map(drop), Err(KeyBlockError::Weak));
    // Made by somebody who does not look at parity.
    let mut clear = clear_data(&even, &[0; 30]);
    let header = Header::pin_pad().text(b'T', 2 * (clear.len() + 16)).unwrap();
    let mac = by(16).authentication().cmac(&[header.as_bytes(), &clear]);
    encipher(&by(16).encryption(), mac, &mut clear);
    let block = format!("{header}{}{}", HEXUPPER.encode(&clear), HEXUPPER.encode(&mac));
    assert_eq!(unwrap(&by(16), &block).map(drop), Err(KeyBlockError::Weak));
}

#[test]
fn it_gives_a_pin_key_only_for_pins() {
    let pins = Header::pin_pad();
    assert!(aes(16).into_pin_key(&pins).is_ok());
    for header in [Header { usage: *b"D0", ..pins.clone() }, Header { mode: b'X', ..pins.clone() }] {
        assert_eq!(aes(16).into_pin_key(&header).map(drop), Err(KeyBlockError::Usage));
    }
    let tdes = Wrapped::Tdes(TdesKey::new(&[[0x10; 8], [0x23; 8]].concat()).unwrap());
    assert_eq!(tdes.into_pin_key(&pins).map(drop), Err(KeyBlockError::Usage));
}

#[test]
fn it_makes_no_header_that_it_would_not_read() {
    let pins = Header::pin_pad();
    let label = |id: [u8; 2], data: &str| vec![OptionalBlock { id, data: data.to_owned() }];
    for header in [
        Header { usage: *b"P ", ..pins.clone() },
        Header { usage: [0xC3, 0xA4], ..pins.clone() },
        Header { mode: 0, ..pins.clone() },
        Header { exportability: b'X', ..pins.clone() },
        Header { optional: label(*b"PB", "0"), ..pins.clone() },
        Header { optional: label(*b"L\n", "0"), ..pins.clone() },
        Header { optional: label(*b"LB", "\u{e4}"), ..pins.clone() },
        Header { optional: label(*b"LB", &"x".repeat(9_990)), ..pins.clone() },
        Header { optional: vec![label(*b"LB", "x").remove(0); 100], ..pins.clone() },
    ] {
        assert_eq!(wrap(&by(32), &header, &aes(16), &[0; 30]).map(drop), Err(KeyBlockError::Header));
    }
}

proptest! {
    #[test]
    fn it_opens_what_it_makes(
        key in any::<[u8; 32]>(), protection in any::<[u8; 32]>(), length in prop::sample::select(vec![16usize, 24, 32]),
        fill in prop::array::uniform30(any::<u8>()), blocks in prop::collection::vec(("[A-OQ-Z][A-Z0-9]", "[ -~]{0,300}"), 0..4),
    ) {
        let optional = blocks.iter().map(|(id, data)| OptionalBlock { id: id.as_bytes().try_into().unwrap(), data: data.clone() });
        let header = Header { optional: optional.collect(), ..Header::pin_pad() };
        let by = ProtectionKey::new(&protection).unwrap();
        let key = Wrapped::Aes(AesKey::new(&key[..length]).unwrap());
        let block = wrap(&by, &header, &key, &fill).unwrap();
        prop_assert!(block.0.len().is_multiple_of(16));
        let (read, opened) = unwrap(&by, &block.0).unwrap();
        prop_assert_eq!(read, header);
        prop_assert_eq!(opened.bytes(), key.bytes());
    }

    #[test]
    fn it_takes_any_text_without_harm(text in "D[0-9]{4}P0AE00N0[0-3]00.{0,200}") {
        prop_assert!(unwrap(&by(16), &text).is_err());
    }
}
