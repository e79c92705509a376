//! Key blocks: a key enciphered and bound to what it is for (TR-31 / ANSI X9.143, version D).
//!
//! AES and triple DES keys of 16 to 32 bytes under an AES key of at least their strength. The real length of a key does not
//! show. Other versions and other kinds of keys are refused. Which key goes where is not known here, and none is made.

mod header;

use std::fmt;

use cashpoint_core::terminal::device::KeyBlock;
use data_encoding::HEXUPPER;
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use crate::cipher::{AesKey, TdesKey};
pub use header::{Header, OptionalBlock};

/// The key under which others travel (KBPK). It does nothing else.
#[derive(Clone)]
pub struct ProtectionKey(AesKey);

/// A key that travels.
#[derive(Clone)]
pub enum Wrapped {
    /// AES.
    Aes(AesKey),
    /// Triple DES; every byte has odd parity.
    Tdes(TdesKey),
}

/// Why a key block is not made or does not open. Everything after the form (the MAC and what it covers) tells itself apart
/// here, for tests and alarms, but not in its text.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum KeyBlockError {
    /// The protection key has not 16, 24 or 32 bytes.
    ProtectionKeyLength,
    /// There is not even room for a header, or for a key after it.
    TooShort,
    /// Another version than D.
    VersionUnsupported,
    /// The length is not four digits.
    LengthCharset,
    /// The length is not that of the text, or no multiple of 16.
    LengthMismatch,
    /// A field of the header, or an optional block, is not as it must be.
    Header,
    /// The rest is not upper-case hexadecimal digits.
    Hex,
    /// Not made with the protection key, or changed since.
    MacMismatch,
    /// The length of the key inside does not fit the block, or its algorithm.
    KeyLength,
    /// The key inside is stronger than the one that protects it.
    TooStrong,
    /// A triple DES key of wrong parity, or a weak one.
    Weak,
    /// Not a key for this purpose.
    Usage,
}

/// Random bytes that hide the length of a key; used once.
pub type Fill = [u8; 30];

/// Bytes of an AES key as it travels, and of a triple DES key: shorter ones are filled up to them.
const AES_ROOM: usize = 32;
const TDES_ROOM: usize = 24;

const MAC_BYTES: usize = 16;

impl ProtectionKey {
    /// Takes a key over.
    ///
    /// # Errors
    /// [`KeyBlockError::ProtectionKeyLength`].
    pub fn new(bytes: &[u8]) -> Result<Self, KeyBlockError> {
        AesKey::new(bytes).map(Self).map_err(|_| KeyBlockError::ProtectionKeyLength)
    }

    /// The key for the contents.
    fn encryption(&self) -> AesKey {
        self.derived(0x0000)
    }

    /// The key for the MAC.
    fn authentication(&self) -> AesKey {
        self.derived(0x0001)
    }

    fn derived(&self, usage: u16) -> AesKey {
        let length = self.0.expose().len();
        let algorithm: u16 = match self.0 {
            AesKey::Aes128(_) => 2,
            AesKey::Aes192(_) => 3,
            AesKey::Aes256(_) => 4,
        };
        let bits = u16::try_from(length * 8).expect("an AES key has at most 256 bits");
        let mut key = Zeroizing::new([0; 32]);
        for (counter, half) in (1u8..).zip(key.chunks_exact_mut(16)) {
            let [usage, algorithm, bits] = [usage, algorithm, bits].map(u16::to_be_bytes);
            half.copy_from_slice(&self.0.cmac(&[&[counter], &usage, &[0], &algorithm, &bits]));
        }
        AesKey::new(&key[..length]).expect("the length is that of an AES key")
    }
}

impl Wrapped {
    fn bytes(&self) -> &[u8] {
        match self {
            Self::Aes(key) => key.expose(),
            Self::Tdes(key) => key.expose(),
        }
    }

    /// The letter of its algorithm.
    const fn algorithm(&self) -> u8 {
        match self {
            Self::Aes(_) => b'A',
            Self::Tdes(_) => b'T',
        }
    }

    /// Strength in bits (NIST SP 800-57, part 1).
    fn strength(&self) -> usize {
        match self {
            Self::Aes(key) => key.expose().len() * 8,
            Self::Tdes(_) => 112,
        }
    }

    /// The key of a PIN pad or of its host: usage `P0`, AES, not for everything.
    ///
    /// # Errors
    /// [`KeyBlockError::Usage`].
    pub fn into_pin_key(self, header: &Header) -> Result<AesKey, KeyBlockError> {
        match self {
            Self::Aes(key) if header.usage == *b"P0" && matches!(header.mode, b'E' | b'D' | b'B') => Ok(key),
            Self::Aes(_) | Self::Tdes(_) => Err(KeyBlockError::Usage),
        }
    }
}

/// Makes a key block.
///
/// # Errors
/// [`KeyBlockError::Header`], [`KeyBlockError::TooStrong`] and (triple DES of wrong parity) [`KeyBlockError::Weak`].
pub fn wrap(by: &ProtectionKey, header: &Header, key: &Wrapped, fill: &Fill) -> Result<KeyBlock, KeyBlockError> {
    if key.strength() > by.0.expose().len() * 8 {
        return Err(KeyBlockError::TooStrong);
    }
    if matches!(key, Wrapped::Tdes(_)) && !has_odd_parity(key.bytes()) {
        return Err(KeyBlockError::Weak);
    }
    let mut clear = clear_data(key, fill);
    let header = header.text(key.algorithm(), 2 * (clear.len() + MAC_BYTES))?;
    let mac = by.authentication().cmac(&[header.as_bytes(), &clear]);
    encipher(&by.encryption(), mac, &mut clear);
    Ok(KeyBlock(format!("{header}{}{}", HEXUPPER.encode(&clear), HEXUPPER.encode(&mac))))
}

/// Opens a key block.
///
/// # Errors
/// [`KeyBlockError`], the first that applies, in its order.
pub fn unwrap(by: &ProtectionKey, block: &str) -> Result<(Header, Wrapped), KeyBlockError> {
    let (header, algorithm, length) = Header::read(block)?;
    let (header_text, rest) = block.split_at(length);
    let bytes = HEXUPPER.decode(rest.as_bytes()).map_err(|_| KeyBlockError::Hex)?;
    let mut clear = Zeroizing::new(bytes);
    let mac = *clear.last_chunk::<MAC_BYTES>().ok_or(KeyBlockError::TooShort)?;
    let enciphered = clear.len() - MAC_BYTES;
    clear.truncate(enciphered);
    if clear.is_empty() || !clear.len().is_multiple_of(16) {
        return Err(KeyBlockError::TooShort);
    }
    decipher(&by.encryption(), mac, &mut clear);
    let expected = by.authentication().cmac(&[header_text.as_bytes(), &clear]);
    if !bool::from(expected.ct_eq(&mac)) {
        return Err(KeyBlockError::MacMismatch);
    }
    let key = read_clear(algorithm, &clear)?;
    if key.strength() > by.0.expose().len() * 8 {
        return Err(KeyBlockError::TooStrong);
    }
    Ok((header, key))
}

/// The key's length in bits, the key, and random bytes up to where the longest of its kind would end.
fn clear_data(key: &Wrapped, fill: &Fill) -> Zeroizing<Vec<u8>> {
    let bytes = key.bytes();
    let room = match key {
        Wrapped::Aes(_) => AES_ROOM,
        Wrapped::Tdes(_) => TDES_ROOM,
    };
    let total = (2 + room).next_multiple_of(16);
    let bits = u16::try_from(bytes.len() * 8).expect("keys have at most 256 bits");
    let mut clear = Zeroizing::new(Vec::with_capacity(total));
    clear.extend_from_slice(&bits.to_be_bytes());
    clear.extend_from_slice(bytes);
    let missing = total - clear.len();
    clear.extend_from_slice(&fill[..missing]);
    clear
}

fn read_clear(algorithm: u8, clear: &[u8]) -> Result<Wrapped, KeyBlockError> {
    let (bits, rest) = clear.split_first_chunk::<2>().ok_or(KeyBlockError::KeyLength)?;
    let bits = usize::from(u16::from_be_bytes(*bits));
    let bytes = rest.get(..bits / 8).filter(|_| bits.is_multiple_of(8)).ok_or(KeyBlockError::KeyLength)?;
    if algorithm == b'A' {
        return AesKey::new(bytes).map(Wrapped::Aes).map_err(|_| KeyBlockError::KeyLength);
    }
    if ![16, 24].contains(&bytes.len()) {
        return Err(KeyBlockError::KeyLength);
    }
    if !has_odd_parity(bytes) {
        return Err(KeyBlockError::Weak);
    }
    TdesKey::new(bytes).map(Wrapped::Tdes).map_err(|_| KeyBlockError::Weak)
}

fn has_odd_parity(key: &[u8]) -> bool {
    key.iter().all(|byte| !byte.count_ones().is_multiple_of(2))
}

/// Cipher block chaining, in place.
fn encipher(key: &AesKey, start: [u8; 16], data: &mut [u8]) {
    let mut before = start;
    for block in data.as_chunks_mut::<16>().0 {
        mix(block, &before);
        key.encrypt(block);
        before = *block;
    }
}

fn decipher(key: &AesKey, start: [u8; 16], data: &mut [u8]) {
    let mut before = start;
    for block in data.as_chunks_mut::<16>().0 {
        let enciphered = *block;
        key.decrypt(block);
        mix(block, &before);
        before = enciphered;
    }
}

fn mix(block: &mut [u8; 16], with: &[u8; 16]) {
    for (byte, other) in block.iter_mut().zip(with) {
        *byte ^= other;
    }
}

impl fmt::Display for KeyBlockError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::ProtectionKeyLength => "the protection key has not 16, 24 or 32 bytes",
            Self::TooShort => "the key block is too short",
            Self::VersionUnsupported => "the key block is not of version D",
            Self::LengthCharset => "the key block's length is not a number",
            Self::LengthMismatch => "the key block has not the length that it says",
            Self::Header => "the key block's header is malformed",
            Self::Hex => "the key block is not hexadecimal",
            Self::MacMismatch | Self::KeyLength | Self::TooStrong | Self::Weak => "the key block does not open",
            Self::Usage => "the key is not for this purpose",
        })
    }
}

impl std::error::Error for KeyBlockError {}

#[cfg(test)]
mod tests;
