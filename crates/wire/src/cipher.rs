//! AES and triple DES under keys of the field's sizes, as PIN blocks and key blocks need them: single blocks and a MAC.
//!
//! The ciphers are RustCrypto's. There is no mode here but these, and no key is made here. Keys cannot be printed and are
//! wiped when dropped; which purpose a key serves is said by the types around it.

use std::fmt;

use aes::cipher::{BlockCipherDecrypt as _, BlockCipherEncrypt as _};
use aes::{Aes128, Aes192, Aes256};
use cmac::{Cmac, KeyInit as _};
use des::{TdesEde2, TdesEde3};
use zeroize::Zeroizing;

/// An AES key of 16, 24 or 32 bytes.
#[derive(Clone)]
pub enum AesKey {
    /// 128 bits.
    Aes128(Zeroizing<[u8; 16]>),
    /// 192 bits.
    Aes192(Zeroizing<[u8; 24]>),
    /// 256 bits.
    Aes256(Zeroizing<[u8; 32]>),
}

/// A triple DES key of 16 bytes (K1, K2, K1) or 24. Its parity bits do not matter.
#[derive(Clone)]
pub enum TdesKey {
    /// Two keys.
    Double(Zeroizing<[u8; 16]>),
    /// Three keys.
    Triple(Zeroizing<[u8; 24]>),
}

/// The bytes are no key of this cipher: of another length, or (triple DES) weak: parts that are equal or known to be weak.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BadKey;

impl fmt::Display for BadKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("not a key of this cipher")
    }
}

impl std::error::Error for BadKey {}

impl AesKey {
    /// Takes a key over.
    ///
    /// # Errors
    /// [`BadKey`] unless it has 16, 24 or 32 bytes.
    pub fn new(bytes: &[u8]) -> Result<Self, BadKey> {
        if let Ok(key) = bytes.try_into() {
            Ok(Self::Aes128(Zeroizing::new(key)))
        } else if let Ok(key) = bytes.try_into() {
            Ok(Self::Aes192(Zeroizing::new(key)))
        } else {
            bytes.try_into().map(|key| Self::Aes256(Zeroizing::new(key))).map_err(|_| BadKey)
        }
    }

    /// The key itself. It must not reach a log, a message or a store in clear.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        match self {
            Self::Aes128(key) => &key[..],
            Self::Aes192(key) => &key[..],
            Self::Aes256(key) => &key[..],
        }
    }

    /// Enciphers one block in place.
    pub fn encrypt(&self, block: &mut [u8; 16]) {
        match self {
            Self::Aes128(key) => Aes128::new((&**key).into()).encrypt_block(block.into()),
            Self::Aes192(key) => Aes192::new((&**key).into()).encrypt_block(block.into()),
            Self::Aes256(key) => Aes256::new((&**key).into()).encrypt_block(block.into()),
        }
    }

    /// Deciphers one block in place.
    pub fn decrypt(&self, block: &mut [u8; 16]) {
        match self {
            Self::Aes128(key) => Aes128::new((&**key).into()).decrypt_block(block.into()),
            Self::Aes192(key) => Aes192::new((&**key).into()).decrypt_block(block.into()),
            Self::Aes256(key) => Aes256::new((&**key).into()).decrypt_block(block.into()),
        }
    }

    /// AES-CMAC (NIST SP 800-38B) over the parts one after the other.
    #[must_use]
    pub fn cmac(&self, parts: &[&[u8]]) -> [u8; 16] {
        fn over<M: cmac::Mac<OutputSize = cmac::digest::consts::U16>>(mut mac: M, parts: &[&[u8]]) -> [u8; 16] {
            for part in parts {
                mac.update(part);
            }
            mac.finalize().into_bytes().into()
        }
        match self {
            Self::Aes128(key) => over(Cmac::<Aes128>::new((&**key).into()), parts),
            Self::Aes192(key) => over(Cmac::<Aes192>::new((&**key).into()), parts),
            Self::Aes256(key) => over(Cmac::<Aes256>::new((&**key).into()), parts),
        }
    }
}

impl TdesKey {
    /// Takes a key over.
    ///
    /// # Errors
    /// [`BadKey`] unless it has 16 or 24 bytes, or if it is weak.
    pub fn new(bytes: &[u8]) -> Result<Self, BadKey> {
        let mut odd = Zeroizing::new([0; 24]);
        let odd = odd.get_mut(..bytes.len()).ok_or(BadKey)?;
        odd.copy_from_slice(bytes);
        for byte in &mut *odd {
            *byte ^= u8::from(byte.count_ones().is_multiple_of(2));
        }
        if let Ok(key) = bytes.try_into() {
            des::weak_key_test(odd).map_err(|_| BadKey)?;
            return Ok(Self::Double(Zeroizing::new(key)));
        }
        let key = bytes.try_into().map_err(|_| BadKey)?;
        des::weak_key_test(odd).map_err(|_| BadKey)?;
        Ok(Self::Triple(Zeroizing::new(key)))
    }

    /// The key itself. It must not reach a log, a message or a store in clear.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        match self {
            Self::Double(key) => &key[..],
            Self::Triple(key) => &key[..],
        }
    }

    /// Enciphers one block in place.
    pub fn encrypt(&self, block: &mut [u8; 8]) {
        match self {
            Self::Double(key) => TdesEde2::new((&**key).into()).encrypt_block(block.into()),
            Self::Triple(key) => TdesEde3::new((&**key).into()).encrypt_block(block.into()),
        }
    }

    /// Deciphers one block in place.
    pub fn decrypt(&self, block: &mut [u8; 8]) {
        match self {
            Self::Double(key) => TdesEde2::new((&**key).into()).decrypt_block(block.into()),
            Self::Triple(key) => TdesEde3::new((&**key).into()).decrypt_block(block.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_takes_keys_of_the_ciphers_lengths_only() {
        let key: Vec<u8> = (0..64).map(|at| at * 3 + 1).collect();
        for length in 0..key.len() {
            assert_eq!(AesKey::new(&key[..length]).is_ok(), [16, 24, 32].contains(&length), "{length}");
            assert_eq!(TdesKey::new(&key[..length]).is_ok(), [16, 24].contains(&length), "{length}");
        }
    }

    #[test]
    fn it_refuses_weak_triple_des() {
        let (one, two, weak) = ([0x12; 8], [0x34; 8], [0x01; 8]);
        // The same but for the bits that DES does not look at.
        let same_as_one = [0x13; 8];
        for parts in [&[one, one][..], &[one, same_as_one], &[one, weak], &[one, two, two], &[one, one, two]] {
            assert!(TdesKey::new(&parts.concat()).is_err(), "{parts:?}");
        }
        assert!(TdesKey::new(&[one, two].concat()).is_ok());
    }
}
