//! Card numbers and PINs: values that cannot be printed by accident.
//!
//! Each shows itself masked in `Debug`, has no `Display`, gives its text only through `expose`, and is wiped when it
//! is dropped. Whether a PIN is right is not decided here, and none is made here: there is no randomness in the core.

use std::fmt;

use zeroize::{Zeroize, ZeroizeOnDrop};

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
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
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
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub struct Pan(Digits<19>);

impl Pan {
    /// Reads a card number: digits alone, without spaces.
    ///
    /// # Errors
    /// [`Malformed`] unless it is 12 to 19 ASCII digits.
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        Digits::parse(text, 12).map(Self)
    }

    /// Takes a card number without its last digit, and adds the check digit that makes it right.
    ///
    /// # Errors
    /// [`Malformed`] unless it is 11 to 18 ASCII digits.
    pub fn complete(text: &str) -> Result<Self, Malformed> {
        let mut digits = Digits::<19>::parse(text, 11)?;
        let last = digits.length;
        if last == digits.ascii.len() {
            return Err(Malformed);
        }
        digits.length += 1;
        // The check digit is the one of ten that makes the sum right.
        digits.ascii[last] = (b'0'..=b'9')
            .find(|check| {
                digits.ascii[last] = *check;
                luhn_sum(&digits.ascii[..=last]).is_multiple_of(10)
            })
            .expect("one of ten consecutive sums is a multiple of ten");
        Ok(Self(digits))
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

    /// Whether it is one that everybody tries first: one digit again and again, or a run up or down such as 1234.
    #[must_use]
    pub fn is_run(&self) -> bool {
        let digits = self.expose().as_bytes();
        let mut steps = digits.windows(2).map(|pair| i16::from(pair[1]) - i16::from(pair[0]));
        let first = steps.next().expect("there are several digits");
        first.abs() <= 1 && steps.all(|step| step == first)
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

/// Sum of the digits, every second one from the right doubled and its digits added; the check digit makes it end in 0.
fn luhn_sum(digits: &[u8]) -> u32 {
    let value = |(place, digit): (usize, &u8)| {
        let digit = u32::from(digit - b'0');
        let doubled = digit * (1 + u32::from(place % 2 == 1));
        doubled / 10 + doubled % 10
    };
    digits.iter().rev().enumerate().map(value).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

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
    fn reads_pins_of_4_to_12_digits() {
        for good in ["0000", "123456789012"] {
            assert_eq!(Pin::parse(good).unwrap().expose(), good);
        }
        for bad in ["", "123", "1234567890123", "12a4", "-123", "12 4"] {
            assert_eq!(Pin::parse(bad).unwrap_err(), Malformed, "{bad}");
        }
    }

    #[test]
    fn completes_card_numbers() {
        assert_eq!(
            Pan::complete("411111111111111").map(|pan| pan.expose().to_owned()).as_deref(),
            Ok("4111111111111111")
        );
        assert_eq!(Pan::complete("123456789012345678").map(|pan| pan.luhn_ok()), Ok(true));
        for bad in ["1234567890", "1234567890123456789", "12345678901x"] {
            assert!(Pan::complete(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn shows_nothing_but_the_last_four_digits() {
        let pan = Pan::parse("4532123456789012").unwrap();
        assert_eq!((format!("{pan:?}").as_str(), pan.last4()), ("****9012", "9012"));
        assert_eq!(format!("{:?}", Pin::parse("4711").unwrap()), "****");
        assert!(!format!("{Malformed} {Malformed:?}").contains("4711"));
    }

    #[test]
    fn is_wiped_when_dropped() {
        fn wiped_on_drop<T: ZeroizeOnDrop>(_: &T) {}
        let mut pan = Pan::parse("4532123456789012").unwrap();
        let mut pin = Pin::parse("4711").unwrap();
        wiped_on_drop(&pan);
        wiped_on_drop(&pin);
        // What the drop does, seen while the memory may still be looked at.
        pan.zeroize();
        pin.zeroize();
        assert_eq!((pan.0.ascii, pan.0.length), ([0; 19], 0));
        assert_eq!((pin.0.ascii, pin.0.length), ([0; 12], 0));
    }
}
