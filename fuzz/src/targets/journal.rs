//! Records of a terminal's journal.
//!
//! What holds: what is read is written so that it is read back as the same, and equal records have equal bytes; an entry
//! stands in its chain as it was written and not otherwise.

use cashpoint_core::time::Timestamp;
use cashpoint_wire::journal::{ChainError, ChainKey, Head, Written, decode, encode};

use crate::Target;

/// See the module.
pub(crate) const TARGET: Target = Target {
    name: "journal",
    check,
    finish: || {},
    dictionary: &[
        "{\"v\":1,\"record\":{",
        "\"intent\":{",
        "\"advice\":{",
        "\"summary\":{",
        "\"cards\":[",
        "\"00000000000000000000000000000001\"",
        "\"0.01 EUR\"",
        "null",
        "-9223372036854775808",
        "18446744073709551615",
        "4294967296",
    ],
};

fn check(bytes: &[u8]) {
    let key = ChainKey::new([4; 32]);
    let head = key.chain(&Head::ORIGIN, 1, Timestamp::EPOCH, bytes);
    let entry = Written { n: 1, at: Timestamp::EPOCH, body: bytes, mac: head.mac };
    let read = key.read(&Head::ORIGIN, &entry);
    let edited = Written { body: &[bytes, b" "].concat(), ..entry };
    assert_eq!(key.read(&Head::ORIGIN, &edited).map(drop), Err(ChainError::Edited { n: 1 }));
    match decode(bytes) {
        Ok(record) => {
            let body = encode(&record);
            assert_eq!(decode(&body).as_ref(), Ok(&record));
            assert_eq!(encode(&decode(&body).expect("it was read just now")), body);
            assert_eq!(read.map(|(entry, _)| entry.record), Ok(record));
        }
        Err(_) => assert_eq!(read.map(drop), Err(ChainError::Unreadable { n: 1 })),
    }
}
