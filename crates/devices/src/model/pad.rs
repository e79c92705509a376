//! The encrypting PIN pad: keys pressed, the PIN it holds, the keys it holds.
//!
//! A PIN leaves it only enciphered, in a block of ISO 9564-1 format 4 under the host's PIN key or of format 0 under the pad's
//! own verifier key, and is gone afterwards. The PIN key comes as a key block and is kept as one.

use aes::Aes256;
use aes::cipher::{BlockCipherEncrypt as _, KeyInit as _};
use cashpoint_core::secret::Pin;
use cashpoint_core::terminal::device::{Answer, Event, Key, PinEntered, Report, Unit};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::{Hardware, Outcome, Step, Waiting};

/// Fewest digits of a PIN.
const SHORTEST_PIN: usize = 4;
/// Most digits of a PIN; the pad ignores further ones.
const LONGEST_PIN: usize = 12;

/// The PIN pad.
#[derive(Clone, Default, Serialize, Deserialize)]
pub struct Pad {
    /// The block that brought the PIN key; it is opened again whenever the key is used.
    pin_key: Option<String>,
    /// How many random blocks were drawn, so that none is ever drawn twice.
    draws: u64,
    #[serde(skip)]
    digits: Zeroizing<String>,
    #[serde(skip)]
    pin: Option<Pin>,
}

impl std::fmt::Debug for Pad {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Pad").field("draws", &self.draws).finish_non_exhaustive()
    }
}

/// Why a key block was not taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ImportFailure;

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
}
