//! Key blocks of TR-31 version D.
//!
//! What holds: a text opens only if it was made with the protection key, and then it is made again from what was inside;
//! whatever a header says, what is made of it opens to the same.

use cashpoint_wire::cipher::AesKey;
use cashpoint_wire::key_block::{Header, KeyBlockError, OptionalBlock, ProtectionKey, Wrapped, unwrap, wrap};
use data_encoding::HEXUPPER;

use crate::Target;

/// See the module.
pub(crate) const TARGET: Target = Target {
    name: "key_blocks",
    check,
    finish: || {},
    dictionary: &[
        "D0144P0AE00N0000",
        "D0112P0TE00N",
        "D0160",
        "0100",
        "0200",
        "PB10",
        "LB10",
        "KC0C",
        "0002",
        "00FE",
        "FF",
    ],
};

/// Of a published vector, whose blocks are among the seeds.
const PROTECTION: &[u8] = b"EEED358BFF95E7F72E82D2FBC6EA0040F12A0678D8D626682309184A1F51B4A1";

fn check(bytes: &[u8]) {
    let by = HEXUPPER.decode(PROTECTION).expect("it is hexadecimal");
    let by = ProtectionKey::new(&by).expect("it has 32 bytes");
    if let Ok(text) = std::str::from_utf8(bytes) {
        let opened = unwrap(&by, text);
        let other = ProtectionKey::new(&[7; 32]).expect("it has 32 bytes");
        if opened.is_ok() {
            assert_eq!(unwrap(&other, text).map(drop), Err(KeyBlockError::MacMismatch));
        }
    }
    made(bytes, &by);
}

/// The bytes as what a header is to say.
fn made(bytes: &[u8], by: &ProtectionKey) {
    let Some((fields, rest)) = bytes.split_first_chunk::<6>() else { return };
    let texts = rest.split(|byte| *byte == b'|').filter_map(|text| std::str::from_utf8(text).ok());
    let optional = texts.filter_map(|text| {
        let (id, data) = text.split_at_checked(2)?;
        Some(OptionalBlock { id: id.as_bytes().try_into().ok()?, data: data.to_owned() })
    });
    let header = Header {
        usage: [fields[0], fields[1]],
        mode: fields[2],
        key_version: [fields[3], fields[4]],
        exportability: fields[5],
        optional: optional.collect(),
    };
    let key = Wrapped::Aes(AesKey::new(&[fields[0]; 16]).expect("it has 16 bytes"));
    match wrap(by, &header, &key, &[fields[1]; 30]) {
        Ok(block) => {
            assert!(block.0.len().is_multiple_of(16) && block.0.starts_with('D'));
            let (read, opened) = unwrap(by, &block.0).unwrap_or_else(|error| panic!("{error:?}: {}", block.0));
            assert_eq!(read, header);
            let Wrapped::Aes(opened) = opened else { panic!("it was an AES key") };
            assert_eq!(opened.expose(), [fields[0]; 16]);
        }
        Err(error) => assert_eq!(error, KeyBlockError::Header),
    }
}
