//! Authenticated encryption of small values, and the MAC: the two primitives everything here is made of.
//!
//! AES-256-GCM (NIST SP 800-38D) with a random 96-bit nonce in front, which allows 2^32 values under one key; the
//! bank's keys seal one row each, or one data key per customer.

use aes_gcm::aead::{Aead, KeyInit, Payload};
use aes_gcm::{Aes256Gcm, Nonce};
use hmac::{Hmac, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

use super::KeyError;
use crate::entropy::{Entropy, random_bytes};

const NONCE_BYTES: usize = 12;

/// Seals `plaintext`: nonce, ciphertext, tag. `aad` is not stored and must be the same to open it.
pub(crate) fn seal(key: &[u8; 32], aad: &[u8], plaintext: &[u8], entropy: &dyn Entropy) -> Vec<u8> {
    seal_with_nonce(key, aad, plaintext, random_bytes(entropy))
}

/// Opens what [`seal`] made.
///
/// # Errors
/// [`KeyError::NotAuthentic`] for any other bytes, key or `aad`.
pub(crate) fn open(key: &[u8; 32], aad: &[u8], sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    let (nonce, ciphertext) = sealed.split_first_chunk::<NONCE_BYTES>().ok_or(KeyError::NotAuthentic)?;
    let payload = Payload { msg: ciphertext, aad };
    Aes256Gcm::new(&(*key).into())
        .decrypt(&Nonce::from(*nonce), payload)
        .map(Zeroizing::new)
        .map_err(|_| KeyError::NotAuthentic)
}

/// Joins parts so that no two lists of parts give the same bytes: each is preceded by its length.
pub(crate) fn associated_data(parts: &[&[u8]]) -> Vec<u8> {
    let mut joined = Vec::new();
    for part in parts {
        joined.extend_from_slice(&length_of(part));
        joined.extend_from_slice(part);
    }
    joined
}

/// HMAC-SHA-256 over the parts, framed as in [`associated_data`] without a copy of them.
pub(super) fn mac_of_parts(key: &[u8; 32], parts: &[&[u8]]) -> [u8; 32] {
    let framed = parts.iter().map(|part| (length_of(part), *part));
    let mut mac = new_mac(key);
    for (length, part) in framed {
        mac.update(&length);
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

fn new_mac(key: &[u8]) -> Hmac<Sha256> {
    Hmac::new_from_slice(key).expect("HMAC takes keys of any length")
}

fn length_of(part: &[u8]) -> [u8; 8] {
    u64::try_from(part.len()).expect("no slice is longer than 2^64").to_be_bytes()
}

fn seal_with_nonce(key: &[u8; 32], aad: &[u8], plaintext: &[u8], nonce: [u8; NONCE_BYTES]) -> Vec<u8> {
    let payload = Payload { msg: plaintext, aad };
    let ciphertext = Aes256Gcm::new(&(*key).into())
        .encrypt(&Nonce::from(nonce), payload)
        .expect("values are far below the 64 GiB that GCM can seal");
    [nonce.as_slice(), &ciphertext].concat()
}

#[cfg(test)]
mod tests {
    use data_encoding::HEXLOWER;

    use super::*;
    use crate::entropy::SeededEntropy;

    fn bytes(hex: &str) -> Vec<u8> {
        HEXLOWER.decode(hex.as_bytes()).unwrap()
    }

    /// "The Galois/Counter Mode of Operation", McGrew and Viega, test case 16.
    #[test]
    fn seals_like_the_published_aes_256_gcm_example() {
        let key = "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308";
        let plaintext = "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72\
                         1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39";
        let aad = "feedfacedeadbeeffeedfacedeadbeefabaddad2";
        let nonce = "cafebabefacedbaddecaf888";
        let ciphertext = "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa\
                          8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662";
        let tag = "76fc6ece0f4e1768cddf8853bb2d551b";

        let key: [u8; 32] = bytes(key).try_into().unwrap();
        let nonce_bytes = bytes(nonce).try_into().unwrap();
        let sealed = seal_with_nonce(&key, &bytes(aad), &bytes(plaintext), nonce_bytes);
        assert_eq!(HEXLOWER.encode(&sealed), [nonce, ciphertext, tag].concat());
        assert_eq!(*open(&key, &bytes(aad), &sealed).unwrap(), bytes(plaintext));
    }

    /// RFC 4231, test cases 1 and 2.
    #[test]
    fn macs_like_the_published_hmac_sha_256_examples() {
        let cases = [
            (
                vec![0x0b; 20],
                b"Hi There".as_slice(),
                "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
            ),
            (
                b"Jefe".to_vec(),
                b"what do ya want for nothing?",
                "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
            ),
        ];
        for (key, message, expected) in cases {
            let mut mac = new_mac(&key);
            mac.update(message);
            assert_eq!(HEXLOWER.encode(&mac.finalize().into_bytes()), expected);
        }
    }

    #[test]
    fn macs_the_framed_parts() {
        let (key, parts) = ([7; 32], [b"card".as_slice(), b"", b"1234"]);
        let mut whole = new_mac(&key);
        whole.update(&associated_data(&parts));
        let expected: [u8; 32] = whole.finalize().into_bytes().into();
        assert_eq!(mac_of_parts(&key, &parts), expected);
        assert_ne!(mac_of_parts(&key, &[b"ab", b"c"]), mac_of_parts(&key, &[b"a", b"bc"]));
        assert_ne!(mac_of_parts(&key, &[b"ab"]), mac_of_parts(&key, &[b"ab", b""]));
    }

    #[test]
    fn opens_nothing_that_was_changed_cut_or_moved() {
        let entropy = SeededEntropy::new(1);
        let sealed = seal(&[1; 32], b"row 1", b"value", &entropy);
        assert_eq!(open(&[1; 32], b"row 1", &sealed).unwrap().as_slice(), b"value");
        assert_eq!(open(&[1; 32], b"row 2", &sealed), Err(KeyError::NotAuthentic));
        assert_eq!(open(&[2; 32], b"row 1", &sealed), Err(KeyError::NotAuthentic));
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert_eq!(open(&[1; 32], b"row 1", &changed), Err(KeyError::NotAuthentic), "{at}");
            assert_eq!(open(&[1; 32], b"row 1", &sealed[..at]), Err(KeyError::NotAuthentic), "{at}");
        }
        assert_ne!(sealed, seal(&[1; 32], b"row 1", b"value", &entropy), "a fresh nonce each time");
    }
}
