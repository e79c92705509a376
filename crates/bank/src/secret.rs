//! Card numbers, PINs and passwords: making the first two, and the type of the last.
//!
//! A password shows itself masked in `Debug`, has no `Display`, gives its text only through `expose`, and is wiped when
//! it is dropped. Whether a PIN or password is right is not decided here.

use std::fmt;

use zeroize::Zeroizing;

pub use cashpoint_core::secret::{Malformed, Pan, Pin};

use crate::entropy::{Entropy, random_below};

/// Where generated numbers begin: 9 is for national use, by the country whose number follows (ISO/IEC 7812-1), and
/// 999 is one that ISO 3166-1 leaves to users. So such a card is no other issuer's.
pub const GENERATED_PREFIX: &str = "9999";

/// Makes a number of 16 digits that begins with [`GENERATED_PREFIX`], its check digit right.
#[must_use]
pub fn generate_pan(entropy: &dyn Entropy) -> Pan {
    let mut digits = Zeroizing::new(String::with_capacity(15));
    digits.push_str(GENERATED_PREFIX);
    digits.extend((0..11).map(|_| random_digit(entropy)));
    Pan::complete(&digits).expect("fifteen digits are enough")
}

/// Makes a PIN of four digits, each equally likely but the twenty-four that everybody tries first: one digit four
/// times, and runs up or down such as 1234.
#[must_use]
pub fn generate_pin(entropy: &dyn Entropy) -> Pin {
    loop {
        let digits: Zeroizing<String> = Zeroizing::new((0..4).map(|_| random_digit(entropy)).collect());
        let pin = Pin::parse(&digits).expect("four digits are a PIN");
        if !pin.is_run() {
            return pin;
        }
    }
}

/// A password, as it was typed: any Unicode text, compared byte by byte.
#[derive(Clone)]
pub struct Password(Zeroizing<String>);

impl Password {
    /// The shortest that may be chosen, in bytes.
    pub const SHORTEST: usize = 8;

    /// The longest that is looked at, in bytes.
    pub const LONGEST: usize = 1024;

    /// Takes a password that somebody chooses.
    ///
    /// # Errors
    /// [`Malformed`] unless it has [`Password::SHORTEST`] to [`Password::LONGEST`] bytes.
    pub fn choose(text: &str) -> Result<Self, Malformed> {
        let attempt = Self::attempt(text)?;
        if text.len() < Self::SHORTEST { Err(Malformed) } else { Ok(attempt) }
    }

    /// Takes a password that somebody tries at a log-in. A short one is no error of form there: it is as wrong as
    /// any other and costs the same work.
    ///
    /// # Errors
    /// [`Malformed`] if it is longer than [`Password::LONGEST`] bytes.
    pub fn attempt(text: &str) -> Result<Self, Malformed> {
        if text.len() > Self::LONGEST {
            return Err(Malformed);
        }
        Ok(Self(Zeroizing::new(text.to_owned())))
    }

    /// The text. It must not reach a log, a message or a store.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("****")
    }
}

fn random_digit(entropy: &dyn Entropy) -> char {
    char::from(b'0' + u8::try_from(random_below(10, entropy)).expect("one digit fits"))
}

#[cfg(test)]
mod tests {
    use zeroize::ZeroizeOnDrop;

    use super::*;
    use crate::entropy::SeededEntropy;

    #[test]
    fn generates_card_numbers_that_are_nobodys() {
        let entropy = SeededEntropy::new(1);
        let mut seen = std::collections::BTreeSet::new();
        for _ in 0..1_000 {
            let pan = generate_pan(&entropy);
            let text = pan.expose();
            assert!(text.len() == 16 && text.starts_with("9999") && pan.luhn_ok(), "{text}");
            assert!(!pan.is_published_test_number());
            seen.insert(text.to_owned());
        }
        assert_eq!(seen.len(), 1_000);
    }

    #[test]
    fn generates_every_pin_but_the_first_guesses() {
        let entropy = SeededEntropy::new(2);
        let mut seen = std::collections::BTreeSet::new();
        for _ in 0..150_000 {
            seen.insert(generate_pin(&entropy).expose().to_owned());
        }
        for weak in ["0000", "9999", "1234", "0123", "6789", "9876", "3210"] {
            assert!(!seen.contains(weak), "{weak}");
        }
        assert_eq!(seen.len(), 10_000 - 24);
    }

    #[test]
    fn takes_passwords_within_their_lengths() {
        assert!(Password::choose("8 bytes!").is_ok() && Password::choose(&"x".repeat(1024)).is_ok());
        assert!(Password::choose("7 bytes").is_err() && Password::choose(&"x".repeat(1025)).is_err());
        assert!(Password::attempt("").is_ok() && Password::attempt("7 bytes").is_ok());
        assert!(Password::attempt(&"x".repeat(1025)).is_err());
        assert_eq!(Password::attempt(" as typed ").unwrap().expose(), " as typed ");
    }

    #[test]
    fn shows_no_password() {
        assert_eq!(format!("{:?}", Password::choose("correct horse").unwrap()), "****");
    }

    #[test]
    fn is_wiped_when_dropped() {
        fn wiped_on_drop<T: ZeroizeOnDrop>(_: &T) {}
        wiped_on_drop(&Password::choose("correct horse").unwrap().0);
    }
}
