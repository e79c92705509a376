//! Card numbers, PINs and passwords: values that cannot be printed by accident.
//!
//! Each shows itself masked in `Debug`, has no `Display`, gives its text only through `expose`, and is wiped when it
//! is dropped. Whether a PIN or password is right is not decided here.

use std::fmt;

use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::entropy::{Entropy, random_below};

/// The text does not have the form that was asked for. Says nothing about the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed;

impl fmt::Display for Malformed {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("not of the form asked for")
    }
}

impl std::error::Error for Malformed {}

/// Digits of a fixed room, so that no growing text leaves a copy behind.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
struct Digits<const N: usize> {
    length: usize,
    ascii: [u8; N],
}

impl<const N: usize> Digits<N> {
    fn parse(text: &str, shortest: usize) -> Result<Self, Malformed> {
        let length = text.len();
        let form = (shortest..=N).contains(&length) && text.bytes().all(|b| b.is_ascii_digit());
        if !form {
            return Err(Malformed);
        }
        let mut ascii = [b'0'; N];
        ascii[..length].copy_from_slice(text.as_bytes());
        Ok(Self { length, ascii })
    }

    fn as_str(&self) -> &str {
        std::str::from_utf8(&self.ascii[..self.length]).expect("only digits were taken in")
    }
}

/// A card's number: 12 to 19 digits (ISO/IEC 7812-1), its check digit not necessarily right.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct Pan(Digits<19>);

impl Pan {
    /// Where generated numbers begin: 9 is for national use, by the country whose number follows (ISO/IEC 7812-1), and
    /// 999 is one that ISO 3166-1 leaves to users. So such a card is no other issuer's.
    pub const GENERATED_PREFIX: &'static str = "9999";

    /// Reads a card number: digits alone, without spaces.
    ///
    /// # Errors
    /// [`Malformed`] unless it is 12 to 19 ASCII digits.
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        Digits::parse(text, 12).map(Self)
    }

    /// Makes a number of 16 digits that begins with [`Pan::GENERATED_PREFIX`], its check digit right.
    #[must_use]
    pub fn generate(entropy: &dyn Entropy) -> Self {
        let mut digits = Digits { length: 16, ascii: [b'0'; 19] };
        let (prefix, rest) = digits.ascii.split_at_mut(Self::GENERATED_PREFIX.len());
        prefix.copy_from_slice(Self::GENERATED_PREFIX.as_bytes());
        rest[..11].fill_with(|| random_digit(entropy));
        // The check digit is the one of ten that makes the sum right.
        digits.ascii[15] = (b'0'..=b'9')
            .find(|check| {
                digits.ascii[15] = *check;
                luhn_sum(&digits.ascii[..16]).is_multiple_of(10)
            })
            .expect("one of ten consecutive sums is a multiple of ten");
        Self(digits)
    }

    /// Whether the last digit is the check digit of the others (ISO/IEC 7812-1, annex B).
    #[must_use]
    pub fn luhn_ok(&self) -> bool {
        luhn_sum(self.expose().as_bytes()).is_multiple_of(10)
    }

    /// Whether payment companies publish this number for testing, so that no real card has it.
    #[must_use]
    pub fn is_published_test_number(&self) -> bool {
        PUBLISHED_TEST_NUMBERS.contains(&self.expose())
    }

    /// The last four digits, which may be shown and printed.
    #[must_use]
    pub fn last4(&self) -> &str {
        let text = self.expose();
        &text[text.len() - 4..]
    }

    /// The whole number. It must not reach a log, a message or a store in clear.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.as_str()
    }
}

impl fmt::Debug for Pan {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "****{}", self.last4())
    }
}

/// Numbers that card schemes, acquirers and payment libraries publish for testing.
const PUBLISHED_TEST_NUMBERS: [&str; 36] = [
    "2222405343248877",
    "2222990905257051",
    "2223003122003222",
    "2223007648726984",
    "2223577120017656",
    "30569309025904",
    "3056930009020004",
    "3530111333300000",
    "3566002020360505",
    "3566111111111113",
    "36227206271667",
    "371449635398431",
    "378282246310005",
    "378734493671000",
    "38520000023237",
    "4000056655665556",
    "4000002500003155",
    "4000000000000002",
    "4000000000009995",
    "4000002760003184",
    "4012888888881881",
    "4111111111111111",
    "4222222222222",
    "4242424242424242",
    "5105105105105100",
    "5200828282828210",
    "5424000000000015",
    "5454545454545454",
    "5555341244441115",
    "5555555555554444",
    "6011000990139424",
    "6011000400000000",
    "6011111111111117",
    "6011601160116611",
    "6200000000000005",
    "6205500000000000004",
];

/// A personal identification number: 4 to 12 digits (ISO 9564-1).
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct Pin(Digits<12>);

impl Pin {
    /// Reads a PIN.
    ///
    /// # Errors
    /// [`Malformed`] unless it is 4 to 12 ASCII digits.
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        Digits::parse(text, 4).map(Self)
    }

    /// Makes a PIN of four digits, each equally likely but the twenty-four that everybody tries first: one digit four
    /// times, and runs up or down such as 1234.
    #[must_use]
    pub fn generate(entropy: &dyn Entropy) -> Self {
        loop {
            let mut digits = Digits { length: 4, ascii: [b'0'; 12] };
            digits.ascii[..4].fill_with(|| random_digit(entropy));
            if !is_run(&digits.ascii[..4]) {
                return Self(digits);
            }
        }
    }

    /// The digits. They must not reach a log, a message or a store.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.as_str()
    }
}

impl fmt::Debug for Pin {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("****")
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

fn random_digit(entropy: &dyn Entropy) -> u8 {
    b'0' + u8::try_from(random_below(10, entropy)).expect("one digit fits")
}

/// Sum of the digits, every second one from the right doubled and its digits added; the check digit makes it end in 0.
fn luhn_sum(digits: &[u8]) -> u32 {
    let value = |(place, digit): (usize, &u8)| {
        let digit = u32::from(digit - b'0');
        let doubled = digit * (1 + u32::from(place % 2 == 1));
        doubled / 10 + doubled % 10
    };
    digits.iter().rev().enumerate().map(value).sum()
}

/// Whether each digit differs from the one before by the same −1, 0 or 1.
fn is_run(digits: &[u8]) -> bool {
    let mut steps = digits.windows(2).map(|pair| i16::from(pair[1]) - i16::from(pair[0]));
    let first = steps.next().expect("there are several digits");
    first.abs() <= 1 && steps.all(|step| step == first)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entropy::SeededEntropy;

    #[test]
    fn reads_card_numbers_of_12_to_19_digits() {
        for good in ["123456789012", "4532123456789012", "1234567890123456789"] {
            assert_eq!(Pan::parse(good).unwrap().expose(), good);
        }
        for bad in [
            "",
            "12345678901",
            "12345678901234567890",
            "4532 1234 5678 9012",
            "453212345678901x",
            "４５３２１２３４５６７８",
        ] {
            assert_eq!(Pan::parse(bad).unwrap_err(), Malformed, "{bad}");
        }
    }

    #[test]
    fn knows_right_check_digits() {
        for good in ["4111111111111111", "378282246310005", "4539578763621486", "6304000000000000"] {
            assert!(Pan::parse(good).unwrap().luhn_ok(), "{good}");
        }
        assert!(!Pan::parse("4111111111111112").unwrap().luhn_ok());
        assert!(!Pan::parse("4111111111111121").unwrap().luhn_ok());
    }

    #[test]
    fn published_test_numbers_are_known_and_well_formed() {
        for number in PUBLISHED_TEST_NUMBERS {
            let pan = Pan::parse(number).unwrap();
            assert!(pan.luhn_ok() && pan.is_published_test_number(), "{number}");
        }
        assert!(!Pan::parse("4539578763621486").unwrap().is_published_test_number());
    }

    #[test]
    fn generates_card_numbers_that_are_nobodys() {
        let entropy = SeededEntropy::new(1);
        let mut seen = std::collections::BTreeSet::new();
        for _ in 0..1_000 {
            let pan = Pan::generate(&entropy);
            let text = pan.expose();
            assert!(text.len() == 16 && text.starts_with("9999") && pan.luhn_ok(), "{text}");
            assert!(!pan.is_published_test_number());
            seen.insert(text.to_owned());
        }
        assert_eq!(seen.len(), 1_000);
    }

    #[test]
    fn reads_pins_of_4_to_12_digits() {
        for good in ["0000", "123456789012"] {
            assert_eq!(Pin::parse(good).unwrap().expose(), good);
        }
        for bad in ["", "123", "1234567890123", "12a4", "-123", "12 4"] {
            assert_eq!(Pin::parse(bad).unwrap_err(), Malformed, "{bad}");
        }
    }

    #[test]
    fn generates_every_pin_but_the_first_guesses() {
        let entropy = SeededEntropy::new(2);
        let mut seen = std::collections::BTreeSet::new();
        for _ in 0..150_000 {
            seen.insert(Pin::generate(&entropy).expose().to_owned());
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
    fn shows_nothing_but_the_last_four_digits() {
        let pan = Pan::parse("4532123456789012").unwrap();
        assert_eq!((format!("{pan:?}").as_str(), pan.last4()), ("****9012", "9012"));
        assert_eq!(format!("{:?}", Pin::parse("4711").unwrap()), "****");
        assert_eq!(format!("{:?}", Password::choose("correct horse").unwrap()), "****");
        assert!(!format!("{Malformed} {Malformed:?}").contains("4711"));
    }

    #[test]
    fn is_wiped_when_dropped() {
        fn wiped_on_drop<T: ZeroizeOnDrop>(_: &T) {}
        let mut pan = Pan::parse("4532123456789012").unwrap();
        let mut pin = Pin::parse("4711").unwrap();
        let password = Password::choose("correct horse").unwrap();
        wiped_on_drop(&pan);
        wiped_on_drop(&pin);
        wiped_on_drop(&password.0);
        // What the drop does, seen while the memory may still be looked at.
        pan.zeroize();
        pin.zeroize();
        assert_eq!((pan.0.ascii, pan.0.length), ([0; 19], 0));
        assert_eq!((pin.0.ascii, pin.0.length), ([0; 12], 0));
    }
}
