//! The secrets of one terminal: those of its devices, as they were provisioned, and those that the host made for it.
//!
//! They are sealed together under a data key of their own, which the key store wraps; opened, they are only worked with
//! and never handed out, but for the card key, which the
//! terminal has too. Loading the devices' keys keeps what the host made.

use cashpoint_core::customer::Sealed;
use cashpoint_core::enrolled::SealedKeys;
use cashpoint_core::id::MachineId;
use cashpoint_core::money::Amount;
use cashpoint_core::secret::{Pan, Pin};
use cashpoint_core::terminal::device::{CardReference, DispenseId, DispenseToken, KeyBlock, Nonce, PinBlock};
use cashpoint_wire::card_reference::CardKey;
use cashpoint_wire::cipher::{AesKey, TdesKey};
use cashpoint_wire::key_block::{self, Header, ProtectionKey, Wrapped};
use cashpoint_wire::link::enrolment::EnrolmentSecret;
use cashpoint_wire::link::{PublicKey, SigningKey};
use cashpoint_wire::present_status::{DeviceTokenKey, SignedStatus};
use cashpoint_wire::{dispense_token, offline_verifier, pin_block, present_status};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use zeroize::Zeroizing;

use super::{KeyError, KeyStore, WrappedKey, associated_data, open, seal};
use crate::entropy::{Entropy, random_bytes};

/// Without a code that was issued; with one it is a number higher.
const VERSION: u8 = 1;
const MADE: usize = 32 + 32 + 32 + 16;
const PROVISIONED: usize = 32 + 32 + 32 + 16;
const ISSUED: usize = 32 + 32;

/// The keys of a terminal's devices, as they were provisioned. Cannot be printed.
pub struct DeviceKeys {
    /// Protects the keys that travel to the pad (AES-256).
    pub protection: Zeroizing<[u8; 32]>,
    /// Makes dispense tokens (`XFSAuthenticateHost`).
    pub host: Zeroizing<[u8; 32]>,
    /// Checks the dispenser's signed word (`XFSAuthenticateDevice`).
    pub device: Zeroizing<[u8; 32]>,
    /// The pad's own key for offline verifiers (two-key triple DES).
    pub verifier: Zeroizing<[u8; 16]>,
}

/// A terminal's secrets, opened. Cannot be printed.
pub struct TerminalSecrets {
    /// Names cards to this terminal.
    card: Zeroizing<[u8; 32]>,
    /// Makes the host's nonces for the device's signed word.
    present: Zeroizing<[u8; 32]>,
    /// The host signs with it what it says to this terminal.
    signing: Zeroizing<[u8; 32]>,
    /// Enciphers PINs on their way (AES-128).
    pin: Zeroizing<[u8; 16]>,
    devices: Option<DeviceKeys>,
    issued: Option<IssuedCode>,
}

/// What follows from an enrolment code that staff had made after the machine's first. Cannot be printed.
pub(crate) struct IssuedCode {
    /// What follows from it.
    pub(crate) secret: EnrolmentSecret,
    /// The terminal's key when it was made, if there was one.
    pub(crate) replaces: Option<[u8; 32]>,
}

impl TerminalSecrets {
    /// What the host makes for a terminal.
    #[must_use]
    pub fn make(entropy: &dyn Entropy) -> Self {
        Self {
            card: Zeroizing::new(random_bytes(entropy)),
            present: Zeroizing::new(random_bytes(entropy)),
            signing: Zeroizing::new(random_bytes(entropy)),
            pin: Zeroizing::new(random_bytes(entropy)),
            devices: None,
            issued: None,
        }
    }

    /// With the keys of the devices.
    #[must_use]
    pub fn with_devices(self, devices: DeviceKeys) -> Self {
        Self { devices: Some(devices), ..self }
    }

    /// With a code in the place of all earlier ones.
    #[must_use]
    pub(crate) fn with_code(self, issued: IssuedCode) -> Self {
        Self { issued: Some(issued), ..self }
    }

    /// The code that was issued last, if the machine's first is not the one.
    pub(crate) const fn issued_code(&self) -> Option<&IssuedCode> {
        self.issued.as_ref()
    }

    /// Whether the devices' keys are here: then their signed word is asked for.
    #[must_use]
    pub const fn has_devices(&self) -> bool {
        self.devices.is_some()
    }

    /// Seals them for `terminal`.
    ///
    /// # Errors
    /// [`KeyError::Unavailable`].
    pub fn seal(
        &self,
        terminal: MachineId,
        keys: &dyn KeyStore,
        entropy: &dyn Entropy,
    ) -> Result<SealedKeys, KeyError> {
        let mut bytes = Zeroizing::new(Vec::with_capacity(2 + MADE + PROVISIONED + ISSUED));
        bytes.extend_from_slice(&[VERSION + u8::from(self.issued.is_some()), u8::from(self.devices.is_some())]);
        for part in [&self.card, &self.present, &self.signing] {
            bytes.extend_from_slice(part.as_slice());
        }
        bytes.extend_from_slice(self.pin.as_slice());
        if let Some(devices) = &self.devices {
            for part in [&devices.protection, &devices.host, &devices.device] {
                bytes.extend_from_slice(part.as_slice());
            }
            bytes.extend_from_slice(devices.verifier.as_slice());
        }
        if let Some(IssuedCode { secret, replaces }) = &self.issued {
            bytes.extend_from_slice(secret.expose());
            bytes.extend(replaces.iter().flatten());
        }
        let data_key = Zeroizing::new(random_bytes::<32>(entropy));
        let aad = aad(terminal);
        let wrapped = keys.wrap(&aad, &data_key)?;
        let secrets = Sealed(seal(&data_key, &aad, &bytes, entropy));
        Ok(SealedKeys { data_key: (wrapped.version, Sealed(wrapped.sealed)), secrets })
    }

    /// Opens what [`Self::seal`] made for `terminal`.
    ///
    /// # Errors
    /// [`KeyError::NotAuthentic`], [`KeyError::UnknownVersion`], [`KeyError::Unavailable`].
    pub fn open(terminal: MachineId, keys: &dyn KeyStore, sealed: &SealedKeys) -> Result<Self, KeyError> {
        let aad = aad(terminal);
        let (version, data_key) = &sealed.data_key;
        let data_key = keys.unwrap(&aad, &WrappedKey { version: *version, sealed: data_key.0.clone() })?;
        let bytes = open(&data_key, &aad, &sealed.secrets.0)?;
        Self::read(&bytes).ok_or(KeyError::NotAuthentic)
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        let (&[version, provisioned], mut rest) = bytes.split_first_chunk()?;
        let made = Self {
            card: take(&mut rest)?,
            present: take(&mut rest)?,
            signing: take(&mut rest)?,
            pin: take(&mut rest)?,
            devices: None,
            issued: None,
        };
        let devices = match provisioned {
            0 => None,
            _ => Some(DeviceKeys {
                protection: take(&mut rest)?,
                host: take(&mut rest)?,
                device: take(&mut rest)?,
                verifier: take(&mut rest)?,
            }),
        };
        let issued = match version.checked_sub(VERSION)? {
            0 => None,
            1 => {
                let secret = EnrolmentSecret::new(*take(&mut rest)?);
                let replaces = if rest.is_empty() { None } else { Some(*take(&mut rest)?) };
                Some(IssuedCode { secret, replaces })
            }
            _ => return None,
        };
        rest.is_empty().then_some(Self { devices, issued, ..made })
    }

    /// How this terminal and the host name a card.
    #[must_use]
    pub fn card_reference(&self, pan: &Pan) -> CardReference {
        self.card_key().reference(pan)
    }

    /// What the terminal names cards with, to be told at its enrolment and nowhere else.
    #[must_use]
    pub fn card_key(&self) -> CardKey {
        CardKey::new(*self.card)
    }

    /// What the host signs with what it says to this terminal.
    pub(crate) fn signing_key(&self) -> SigningKey {
        SigningKey::from_seed(&self.signing)
    }

    /// What this terminal checks with what the host says to it.
    #[must_use]
    pub fn host_key(&self) -> PublicKey {
        self.signing_key().public()
    }

    /// The host's nonce for the device's signed word about one use of its leave: nobody else can foresee it, and it need
    /// not be remembered.
    #[must_use]
    pub fn present_nonce(&self, leave: &[u8; 16], which: u8) -> Nonce {
        let digest = hmac(&self.present[..], &[leave, &[which]]);
        Nonce(*digest.first_chunk().expect("a digest has more than 16 bytes"))
    }

    /// Leave to dispense up to `amount` for the dispenser's nonce; none without the devices' keys.
    #[must_use]
    pub fn dispense_token(&self, nonce: Nonce, amount: Amount) -> Option<DispenseToken> {
        let key = dispense_token::HostTokenKey::new(*self.devices.as_ref()?.host);
        Some(dispense_token::make(&key, &nonce.into(), amount))
    }

    /// The name of that leave in the device's signed word.
    #[must_use]
    pub fn dispense_id(&self, nonce: Nonce, amount: Amount) -> Option<DispenseId> {
        let token = self.dispense_token(nonce, amount)?.0;
        let hex = &token.as_bytes()[token.len() - 64..];
        let bytes = data_encoding::HEXUPPER.decode(hex).expect("a token ends with hexadecimal digits");
        Some(bytes.try_into().expect("64 digits are 32 bytes"))
    }

    /// The device's signed word for one of the host's nonces; none if it is not the device's, or for another nonce.
    #[must_use]
    pub fn signed_status(&self, nonce: Nonce, token: &str) -> Option<SignedStatus> {
        let key = DeviceTokenKey::new(*self.devices.as_ref()?.device);
        present_status::read(&key, &nonce.into(), token).ok()
    }

    /// The PIN in a block that the pad made for this card; none if the block is none.
    #[must_use]
    pub fn open_pin(&self, block: &PinBlock, pan: &Pan) -> Option<Pin> {
        pin_block::decode_format_4(&self.pin_key(), block, pan).ok()
    }

    /// What lets this terminal's pad compare a PIN by itself.
    #[must_use]
    pub fn offline_verifier(&self, salt: &[u8; 32], pin: &Pin, pan: &Pan) -> Option<[u8; 32]> {
        let key = TdesKey::new(self.devices.as_ref()?.verifier.as_slice()).ok()?;
        Some(offline_verifier::of_pin(salt, &key, pin, pan))
    }

    /// The PIN key for the pad, under the pad's protection key.
    #[must_use]
    pub fn pin_key_block(&self, entropy: &dyn Entropy) -> Option<KeyBlock> {
        let protection = ProtectionKey::new(self.devices.as_ref()?.protection.as_slice()).ok()?;
        let fill = random_bytes(entropy);
        key_block::wrap(&protection, &Header::pin_pad(), &Wrapped::Aes(self.pin_key()), &fill).ok()
    }

    /// The check value of the PIN key, by which it is seen whether the pad has it.
    #[must_use]
    pub fn pin_key_check(&self) -> cashpoint_core::terminal::device::CheckValue {
        cashpoint_wire::check_value::of_aes(&self.pin_key())
    }

    fn pin_key(&self) -> AesKey {
        AesKey::new(self.pin.as_slice()).expect("16 bytes are an AES key")
    }
}

fn aad(terminal: MachineId) -> Vec<u8> {
    associated_data(&[b"cashpoint terminal secrets", terminal.as_str().as_bytes()])
}

fn take<const N: usize>(from: &mut &[u8]) -> Option<Zeroizing<[u8; N]>> {
    let (part, rest) = from.split_first_chunk::<N>()?;
    *from = rest;
    Some(Zeroizing::new(*part))
}

fn hmac(key: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    parts.iter().for_each(|part| mac.update(part));
    mac.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use cashpoint_core::currency::Currency;

    use super::*;
    use crate::entropy::SeededEntropy;
    use crate::keys::FileKeyStore;

    fn devices() -> DeviceKeys {
        let mut verifier = [0x10; 16];
        verifier[8..].fill(0x54);
        DeviceKeys {
            protection: Zeroizing::new([1; 32]),
            host: Zeroizing::new([2; 32]),
            device: Zeroizing::new([3; 32]),
            verifier: Zeroizing::new(verifier),
        }
    }

    #[test]
    fn opens_for_its_terminal_what_was_sealed_for_it() {
        let entropy = Arc::new(SeededEntropy::new(1));
        let keys = FileKeyStore::in_memory(entropy.clone());
        let (own, other) = (MachineId::parse("ATM901").unwrap(), MachineId::parse("ATM902").unwrap());
        let pan = Pan::parse("4000001234567899").unwrap();
        let code = |replaces| IssuedCode { secret: EnrolmentSecret::new([6; 32]), replaces };
        let make = || TerminalSecrets::make(&*entropy);
        for secrets in [
            make(),
            make().with_devices(devices()),
            make().with_code(code(None)),
            make().with_code(code(Some([7; 32]))).with_devices(devices()),
        ] {
            let sealed = secrets.seal(own, &keys, &*entropy).unwrap();
            let opened = TerminalSecrets::open(own, &keys, &sealed).unwrap();
            assert_eq!(opened.card_reference(&pan), secrets.card_reference(&pan));
            assert_eq!(opened.has_devices(), secrets.has_devices());
            let issued = |of: &TerminalSecrets| of.issued_code().map(|code| (*code.secret.expose(), code.replaces));
            assert_eq!(issued(&opened), issued(&secrets));
            let amount = Amount::new(100_00, Currency::USD);
            assert_eq!(opened.dispense_token(Nonce([4; 16]), amount), secrets.dispense_token(Nonce([4; 16]), amount));
            assert!(matches!(TerminalSecrets::open(other, &keys, &sealed), Err(KeyError::NotAuthentic)));
        }
    }

    #[test]
    fn opens_a_pin_only_from_its_own_pads_block() {
        let entropy = SeededEntropy::new(2);
        let secrets = TerminalSecrets::make(&entropy).with_devices(devices());
        let (pin, pan) = (Pin::parse("2854").unwrap(), Pan::parse("4000001234567899").unwrap());
        let block = pin_block::encode_format_4(&secrets.pin_key(), &pin, &pan, [5; 8]);
        assert_eq!(secrets.open_pin(&block, &pan).unwrap().expose(), "2854");
        let stranger = TerminalSecrets::make(&entropy);
        assert!(stranger.open_pin(&block, &pan).is_none());
        assert!(stranger.offline_verifier(&[7; 32], &pin, &pan).is_none(), "its pad's key is not known");
        let pad = TdesKey::new(devices().verifier.as_slice()).unwrap();
        let of_pad = offline_verifier::of_block(&[7; 32], &pin_block::encode_format_0(&pad, &pin, &pan));
        assert_eq!(secrets.offline_verifier(&[7; 32], &pin, &pan), Some(of_pad), "as the pad's own word");
        assert_eq!(secrets.card_reference(&pan), CardKey::new(*secrets.card).reference(&pan));
        assert!(secrets.pin_key_block(&entropy).is_some());
    }

    #[test]
    fn makes_another_nonce_for_each_use_of_each_leave() {
        let secrets = TerminalSecrets::make(&SeededEntropy::new(3));
        let all = [([1; 16], 0), ([1; 16], 1), ([2; 16], 0)].map(|(leave, which)| secrets.present_nonce(&leave, which));
        assert!(all[0] != all[1] && all[0] != all[2] && all[1] != all[2]);
    }
}
