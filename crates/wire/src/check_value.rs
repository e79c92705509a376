//! Key check values: by what two sides see that they hold the same key, without telling it.
//!
//! Three bytes, as displays and `KeyManagement.ImportKey` show them. They are no proof of anything and no secret.

use cashpoint_core::terminal::device::CheckValue;

use crate::cipher::{AesKey, TdesKey};

/// Of an AES key: the left of its CMAC over a block of zeros.
#[must_use]
pub fn of_aes(key: &AesKey) -> CheckValue {
    let [first, second, third, ..] = key.cmac(&[&[0; 16]]);
    CheckValue([first, second, third])
}

/// Of a triple DES key: the left of an enciphered block of zeros.
#[must_use]
pub fn of_tdes(key: &TdesKey) -> CheckValue {
    let mut block = [0; 8];
    key.encrypt(&mut block);
    let [first, second, third, ..] = block;
    CheckValue([first, second, third])
}

#[cfg(test)]
mod tests {
    use data_encoding::HEXUPPER;

    use super::*;
    use crate::vectors::{hex, of, text};

    #[test]
    fn it_gives_the_published_values() {
        let mut seen = 0;
        for vector in of(include_str!("../tests/vectors/kcv.json")) {
            let key = hex(&vector, "key");
            let (value, name) = match text(&vector, "alg") {
                "DES" => continue,
                "TDES2" | "TDES3" => (of_tdes(&TdesKey::new(&key).unwrap()), "kcv3"),
                _ => (of_aes(&AesKey::new(&key).unwrap()), "kcv_cmac3"),
            };
            assert_eq!(HEXUPPER.encode(&value.0), text(&vector, name), "{vector}");
            seen += 1;
        }
        assert_eq!(seen, 10);
    }
}
