//! The encrypting PIN pad: keys pressed, the PIN it holds, the keys it holds.
//!
//! A PIN leaves it only enciphered, in a block of ISO 9564-1 format 4 under the host's PIN key or of format 0 under the pad's
//! own verifier key, and is gone afterwards. The PIN key comes as a key block and is kept as one.

use aes::Aes256;
use aes::cipher::{BlockCipherEncrypt as _, KeyInit as _};
use cashpoint_core::secret::{Pan, Pin};
use cashpoint_core::terminal::device::{
    Answer, CheckValue, Event, Failure, Key, KeyBlock, PinBlock, PinEntered, Report, Unit,
};
use cashpoint_wire::cipher::{AesKey, TdesKey};
use cashpoint_wire::key_block::{self, ProtectionKey};
use cashpoint_wire::{check_value, pin_block};
use hmac::{Hmac, Mac as _};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use zeroize::Zeroizing;

use super::{Hardware, Outcome, Step, Stopped, Waiting};

/// Fewest digits of a PIN.
const SHORTEST_PIN: usize = 4;
/// Most digits of a PIN; the pad ignores further ones.
const LONGEST_PIN: usize = 12;

/// The PIN pad.
#[derive(Clone, Default, Serialize, Deserialize)]
pub struct Pad {
    /// The block that brought the PIN key; it is opened again whenever the key is used.
    pin_key: Option<KeptBlock>,
    /// How many random blocks were drawn, so that none is ever drawn twice.
    draws: u64,
    #[serde(skip)]
    digits: Zeroizing<String>,
    #[serde(skip)]
    pin: Option<Pin>,
}

/// A key block as it came.
#[derive(Clone, Serialize, Deserialize)]
#[serde(transparent)]
struct KeptBlock(String);

impl std::fmt::Debug for Pad {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Pad").field("draws", &self.draws).finish_non_exhaustive()
    }
}

impl Pad {
    /// Whether the PIN key is loaded.
    #[must_use]
    pub const fn has_pin_key(&self) -> bool {
        self.pin_key.is_some()
    }

    /// Whether a whole PIN is held.
    #[must_use]
    pub const fn has_pin(&self) -> bool {
        self.pin.is_some()
    }

    /// How many digits were entered so far.
    #[must_use]
    pub fn digits(&self) -> usize {
        self.digits.len()
    }

    pub(super) fn forget_pin(&mut self) {
        self.pin = None;
        self.digits = Zeroizing::default();
    }

    /// Both kinds of entry forget the PIN of before.
    pub(super) fn forget_pin_if(&mut self, waiting: Waiting) {
        match waiting {
            Waiting::Pin | Waiting::Keys => self.forget_pin(),
            Waiting::Card | Waiting::Notes => {}
        }
    }
}

impl Hardware {
    /// Sixteen bytes that no other draw of this machine gives: its counter, enciphered.
    pub(super) fn draw(&mut self) -> [u8; 16] {
        self.pad.draws += 1;
        let mut block = [0; 16];
        block[..8].copy_from_slice(&self.pad.draws.to_be_bytes());
        let cipher = Aes256::new((&self.keys.seed.0).into());
        cipher.encrypt_block((&mut block).into());
        block
    }

    pub(super) fn press(&mut self, key: Key) -> Vec<Report> {
        if self.waiting.contains(&Waiting::Keys) {
            return self.event(Unit::PinPad, Event::Key(key));
        }
        match key {
            Key::Digit(digit) => self.enter_digit(digit),
            Key::DoubleZero | Key::Function(_) => Vec::new(),
            Key::Clear => {
                self.pad.digits = Zeroizing::default();
                self.event(Unit::PinPad, Event::PinDigits(0))
            }
            Key::Enter if self.pad.digits.len() < SHORTEST_PIN => Vec::new(),
            Key::Enter => {
                let pin = Pin::parse(&self.pad.digits).expect("4 to 12 digits were let in");
                let count = u8::try_from(self.pad.digits.len()).expect("at most 12");
                self.end_pin_entry(Some(pin), PinEntered::Digits(count))
            }
            Key::Cancel => self.end_pin_entry(None, PinEntered::GivenUp),
        }
    }

    fn enter_digit(&mut self, digit: u8) -> Vec<Report> {
        if self.pad.digits.len() == LONGEST_PIN || digit > 9 {
            return Vec::new();
        }
        // Room for all digits from the start: a text that grows would leave copies behind.
        let mut digits = Zeroizing::new(String::with_capacity(LONGEST_PIN));
        digits.push_str(&self.pad.digits);
        digits.push(char::from(b'0' + digit));
        self.pad.digits = digits;
        let count = u8::try_from(self.pad.digits.len()).expect("at most 12");
        self.event(Unit::PinPad, Event::PinDigits(count))
    }

    fn end_pin_entry(&mut self, pin: Option<Pin>, entered: PinEntered) -> Vec<Report> {
        self.waiting.remove(&Waiting::Pin);
        self.pad.forget_pin();
        self.pad.pin = pin;
        let outcome = self.pad_step(Step::EnterPin, Answer::Pin(entered));
        self.end(Unit::PinPad, outcome)
    }

    fn pad_step(&mut self, step: Step, answer: Answer) -> Outcome {
        self.before(Unit::PinPad, step)?;
        self.after(Unit::PinPad, step)?;
        Ok(answer)
    }

    /// The format 4 block of the PIN held and this card, under the PIN key. The PIN is gone afterwards.
    pub(super) fn online_pin_block(&mut self, pan: &Pan) -> Outcome {
        let key = self.pin_key().ok_or(Failure::Key)?;
        let drawn = self.draw();
        let (fill, _) = drawn.split_first_chunk::<8>().expect("sixteen bytes begin with eight");
        let pin = self.use_pin()?;
        let block: PinBlock = pin_block::encode_format_4(&key, &pin, pan, *fill);
        self.after(Unit::PinPad, Step::PinBlock)?;
        Ok(Answer::PinBlock(block))
    }

    /// The format 0 block of the PIN held and this card, under the verifier key. The PIN is gone afterwards.
    ///
    /// # Errors
    /// [`Failure::NoPin`], [`Failure::Key`], or what a fault does.
    pub(super) fn own_block(&mut self, pan: &Pan) -> Result<Zeroizing<[u8; 8]>, Stopped> {
        let key = TdesKey::new(&self.keys.verifier.0).map_err(|_| Failure::Key)?;
        let pin = self.use_pin()?;
        let block = Zeroizing::new(pin_block::encode_format_0(&key, &pin, pan));
        self.after(Unit::PinPad, Step::PinBlock)?;
        Ok(block)
    }

    pub(super) fn offline_verifier(&mut self, pan: &Pan, salt: &[u8; 32]) -> Outcome {
        let block = self.own_block(pan)?;
        let mut mac = Hmac::<Sha256>::new_from_slice(salt).expect("HMAC takes keys of any length");
        mac.update(&*block);
        Ok(Answer::OfflineVerifier(mac.finalize().into_bytes().into()))
    }

    fn use_pin(&mut self) -> Result<Pin, Stopped> {
        self.before(Unit::PinPad, Step::PinBlock)?;
        self.pad.pin.take().ok_or(Failure::NoPin.into())
    }

    /// Takes a PIN key in place of an earlier one.
    pub(super) fn import_key(&mut self, block: &KeyBlock) -> Outcome {
        self.before(Unit::PinPad, Step::ImportKey)?;
        let key = self.open_pin_key(&block.0).ok_or(Failure::Key)?;
        self.pad.pin_key = Some(KeptBlock(block.0.clone()));
        self.after(Unit::PinPad, Step::ImportKey)?;
        Ok(Answer::KeyImported(check_value::of_aes(&key)))
    }

    /// The check value of the PIN key, if there is one.
    #[must_use]
    pub fn pin_key_check(&self) -> Option<CheckValue> {
        self.pin_key().map(|key| check_value::of_aes(&key))
    }

    fn pin_key(&self) -> Option<AesKey> {
        self.open_pin_key(&self.pad.pin_key.as_ref()?.0)
    }

    /// What a block under this pad's protection key holds, if it is a PIN key.
    fn open_pin_key(&self, block: &str) -> Option<AesKey> {
        let protection = ProtectionKey::new(&self.keys.key_block.0).ok()?;
        let (header, wrapped) = key_block::unwrap(&protection, block).ok()?;
        wrapped.into_pin_key(&header).ok()
    }
}
