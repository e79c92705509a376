//! How a machine is built: its cassettes, what its acceptor knows, its capacities and its keys.
//!
//! Chosen when a machine is made, and kept with its state. The keys stand for what a real pad and dispenser hold in memory
//! that forgets when it is opened; here they lie in the machine's state file, which is for its owner's eyes alone.

use cashpoint_core::currency::Currency;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use data_encoding::HEXLOWER;

/// Bytes that a machine's keys are made from.
pub const RANDOM_BYTES: usize = 32 * 4 + 16;

/// One cassette that dispenses.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct CassetteFitting {
    /// Value of a note, minor units.
    pub denomination: i64,
    /// Notes that it is filled with.
    pub notes: u32,
    /// Notes that it can hold.
    pub capacity: u32,
    /// It counts as low below this.
    pub low: u32,
}

/// How a machine is built.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Fitting {
    /// The currency of all its notes.
    #[serde(serialize_with = "code", deserialize_with = "from_code")]
    pub currency: Currency,
    /// Cassettes that dispense, by position.
    pub cassettes: Vec<CassetteFitting>,
    /// Denominations that the acceptor knows, minor units.
    pub accepted: Vec<i64>,
    /// Most notes in one dispense.
    pub most_notes: u32,
    /// Notes that the escrow holds.
    pub escrow: u32,
    /// Receipts that the paper lasts for.
    pub receipts: u32,
    /// How long the machine takes to come back after a power failure, milliseconds.
    pub restart_ms: u32,
    /// How long a dropped connection stays down, milliseconds.
    pub reconnect_ms: u32,
    /// How long a nonce lives, seconds; 0 is for ever.
    pub nonce_s: u32,
}

impl Fitting {
    /// A machine with these cassettes (denomination in minor units, notes), which accepts the same denominations.
    #[must_use]
    pub fn with(currency: Currency, cassettes: &[(i64, u32)]) -> Self {
        let cassette = |&(denomination, notes): &(i64, u32)| CassetteFitting {
            denomination,
            notes,
            capacity: notes.max(2500),
            low: 50,
        };
        let mut accepted: Vec<i64> = cassettes.iter().map(|(denomination, _)| *denomination).collect();
        accepted.sort_unstable();
        accepted.dedup();
        Self {
            currency,
            cassettes: cassettes.iter().map(cassette).collect(),
            accepted,
            most_notes: 40,
            escrow: 200,
            receipts: 1000,
            restart_ms: 3000,
            reconnect_ms: 1000,
            nonce_s: 36 * 3600,
        }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature that serde asks for")]
fn code<S: Serializer>(currency: &Currency, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(currency.code())
}

fn from_code<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Currency, D::Error> {
    let code = String::deserialize(deserializer)?;
    Currency::from_code(&code).ok_or_else(|| serde::de::Error::custom("not a currency"))
}

/// A machine's own keys. Wiped when dropped, never shown.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop, Serialize, Deserialize)]
pub struct DeviceKeys {
    /// Protects the key blocks that bring the PIN key (AES-256).
    pub(super) key_block: Key<32>,
    /// Checks the host's dispense tokens (`XFSAuthenticateHost`).
    pub(super) authenticate_host: Key<32>,
    /// Signs the device's present status (`XFSAuthenticateDevice`).
    pub(super) authenticate_device: Key<32>,
    /// Enciphers the blocks that PINs are compared with offline (TDES, two parts).
    pub(super) verifier: Key<16>,
    /// Nonces and fill digits are drawn with it; no two draws of one machine are alike.
    pub(super) seed: Key<32>,
}

/// A key of `N` bytes.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub(super) struct Key<const N: usize>(pub(super) [u8; N]);

impl<const N: usize> Serialize for Key<N> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&Zeroizing::new(HEXLOWER.encode(&self.0)))
    }
}

impl<'de, const N: usize> Deserialize<'de> for Key<N> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Zeroizing::new(String::deserialize(deserializer)?);
        let bytes = HEXLOWER.decode(text.as_bytes()).ok().map(Zeroizing::new);
        let key = bytes.and_then(|bytes| <[u8; N]>::try_from(bytes.as_slice()).ok());
        key.map(Self).ok_or_else(|| serde::de::Error::custom("not a key of this length"))
    }
}

impl std::fmt::Debug for DeviceKeys {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("DeviceKeys(…)")
    }
}

impl DeviceKeys {
    /// Makes a machine's keys from bytes that nobody can guess.
    #[must_use]
    pub fn from_random(random: &[u8; RANDOM_BYTES]) -> Self {
        fn part<const N: usize>(rest: &mut &[u8]) -> Key<N> {
            let (first, after) = rest.split_first_chunk::<N>().expect("the parts add up to the whole");
            *rest = after;
            Key(*first)
        }
        let mut rest = random.as_slice();
        Self {
            key_block: part(&mut rest),
            authenticate_host: part(&mut rest),
            authenticate_device: part(&mut rest),
            verifier: part(&mut rest),
            seed: part(&mut rest),
        }
    }

    /// The provisioning file's text (TOML): what the host must know of this machine's keys.
    #[must_use]
    pub fn provisioning(&self) -> Zeroizing<String> {
        let hex = |key: &[u8]| Zeroizing::new(HEXLOWER.encode(key));
        Zeroizing::new(format!(
            "# Keys of one machine's devices. Give them to the host (cashpoint operator load-keys), then delete this file.\n\
             key_block_protection = \"{}\"\n\
             authenticate_host = \"{}\"\n\
             authenticate_device = \"{}\"\n\
             offline_verifier = \"{}\"\n",
            *hex(&self.key_block.0),
            *hex(&self.authenticate_host.0),
            *hex(&self.authenticate_device.0),
            *hex(&self.verifier.0),
        ))
    }
}
