//! Money: whole minor units with a currency, and the decimal figures people write.
//!
//! A request's figure stays a [`Decimal`] until the currency is known, because `100.000` is a fine amount of dinars and
//! no amount of dollars. There are no floats, no division, no rounding of anything a customer asked for, no exchange
//! between currencies and no formatting for people (grouping, symbols) here.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};

use crate::currency::Currency;

/// The longest figure that is read, in characters: room for every amount and for long tails of zeros.
const LONGEST_FIGURE: usize = 64;

/// The most decimals a figure of [`LONGEST_FIGURE`] characters can have, `0.` taken off.
const MOST_DECIMALS: u8 = 62;

/// An exact amount of money: whole minor units of one currency. May be negative, as balances are.
///
/// `Ord` is deliberately absent: yen and dollars have no order. See [`Amount::checked_cmp`].
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Amount {
    minor: i64,
    currency: Currency,
}

impl Amount {
    /// The most that a single request may name: 10^13 minor units. A million requests of it still fit an account's
    /// running totals, and every amount up to it survives a JSON reader that knows only doubles.
    pub const LARGEST_REQUEST_MINOR: i64 = 10_000_000_000_000;

    /// `minor` whole minor units (cents, yen, fils) of `currency`.
    pub const fn new(minor: i64, currency: Currency) -> Amount {
        Amount { minor, currency }
    }

    /// No money, of `currency`.
    pub const fn zero(currency: Currency) -> Amount {
        Amount { minor: 0, currency }
    }

    /// Whole minor units.
    pub const fn minor(self) -> i64 {
        self.minor
    }

    /// The currency of this amount.
    pub const fn currency(self) -> Currency {
        self.currency
    }

    /// The sum; `None` if it does not fit or the currencies differ.
    pub fn checked_add(self, other: Amount) -> Option<Amount> {
        self.with_same(other, i64::checked_add)
    }

    /// The difference, possibly negative; `None` if it does not fit or the currencies differ.
    pub fn checked_sub(self, other: Amount) -> Option<Amount> {
        self.with_same(other, i64::checked_sub)
    }

    /// Which is more; `None` if the currencies differ.
    pub fn checked_cmp(self, other: Amount) -> Option<Ordering> {
        (self.currency == other.currency).then(|| self.minor.cmp(&other.minor))
    }

    fn with_same(self, other: Amount, operation: fn(i64, i64) -> Option<i64>) -> Option<Amount> {
        if self.currency != other.currency {
            return None;
        }
        Some(Amount { minor: operation(self.minor, other.minor)?, currency: self.currency })
    }
}

/// Exactly the currency's decimals and no currency: `100.00`, `-0.05`, yen `100`, dinars `1.000`.
impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.minor < 0 { "-" } else { "" };
        let decimals = self.currency.decimals();
        let unit = 10u64.pow(u32::from(decimals));
        let (whole, part) = (self.minor.unsigned_abs() / unit, self.minor.unsigned_abs() % unit);
        if decimals == 0 {
            return write!(f, "{sign}{whole}");
        }
        write!(f, "{sign}{whole}.{part:0width$}", width = usize::from(decimals))
    }
}

/// A figure as somebody wrote it, zero or more, before its currency is known.
///
/// Equal by value (`100` equals `100.00`), yet it remembers how many decimals were written, because a currency refuses
/// more than it has even if they are zeros.
#[derive(Clone, Copy)]
pub struct Decimal {
    /// The value is `digits / 10^scale`, with the least scale possible.
    digits: u64,
    scale: u8,
    /// Decimals as written, trailing zeros included: at least `scale`.
    written: u8,
}

/// Why a figure is not an amount. The edge answers `invalid_amount` to all of them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DecimalError {
    /// Not digits, or digits, one point, digits; this includes signs, exponents, spaces, leading zeros and `NaN`.
    Malformed,
    /// More digits than any amount has.
    TooManyDigits,
    /// Zero, where something is to move.
    Zero,
    /// More decimals than the currency has, even if they are zeros.
    TooManyDecimals,
    /// Over [`Amount::LARGEST_REQUEST_MINOR`].
    TooLarge,
}

impl Decimal {
    /// `digits / 10^scale`, written with `scale` decimals: `Decimal::new(50_000, 2)` is 500.00. Zero is allowed.
    ///
    /// # Panics
    ///
    /// If `scale` is over 62, which is a mistake in the caller's text and no input.
    pub const fn new(digits: u64, scale: u8) -> Decimal {
        assert!(scale <= MOST_DECIMALS, "a figure has at most 62 decimals");
        let mut least = Decimal { digits, scale, written: scale };
        while least.scale > 0 && least.digits.is_multiple_of(10) {
            least.digits /= 10;
            least.scale -= 1;
        }
        least
    }

    /// Reads the figure of something that is to move: `100`, `100.0`, `0.10`, but never zero.
    ///
    /// # Errors
    ///
    /// [`DecimalError::Malformed`], [`DecimalError::TooManyDigits`] and [`DecimalError::Zero`].
    pub fn parse(text: &str) -> Result<Decimal, DecimalError> {
        let figure = Decimal::parse_or_zero(text)?;
        if figure.is_zero() { Err(DecimalError::Zero) } else { Ok(figure) }
    }

    /// Reads a figure that may be zero: opening balances, fees, policy values. The same strict form as [`parse`].
    ///
    /// [`parse`]: Decimal::parse
    ///
    /// # Errors
    ///
    /// [`DecimalError::Malformed`] and [`DecimalError::TooManyDigits`].
    pub fn parse_or_zero(text: &str) -> Result<Decimal, DecimalError> {
        let (whole, fraction) = match text.split_once('.') {
            Some((_, "")) => return Err(DecimalError::Malformed),
            Some(parts) => parts,
            None => (text, ""),
        };
        let mut characters = whole.bytes().chain(fraction.bytes());
        let leading_zero = whole.len() > 1 && whole.starts_with('0');
        if whole.is_empty() || leading_zero || !characters.all(|c| c.is_ascii_digit()) {
            return Err(DecimalError::Malformed);
        }
        if text.len() > LONGEST_FIGURE {
            return Err(DecimalError::TooManyDigits);
        }
        // Without the zeros at its end, so that their number never makes a value too long to hold.
        let significant = fraction.trim_end_matches('0');
        let mut digits = 0u64;
        for character in whole.bytes().chain(significant.bytes()) {
            let next = digits.checked_mul(10).and_then(|d| d.checked_add(u64::from(character - b'0')));
            digits = next.ok_or(DecimalError::TooManyDigits)?;
        }
        let short = |part: &str| u8::try_from(part.len()).expect("a figure has at most 64 characters");
        Ok(Decimal { digits, scale: short(significant), written: short(fraction) })
    }

    /// Whether the figure is nothing.
    pub const fn is_zero(self) -> bool {
        self.digits == 0
    }

    /// The value with no zeros at its end and no lonely point: equal figures have equal text. What a request's
    /// fingerprint is taken over.
    pub fn canonical(self) -> String {
        Decimal { written: self.scale, ..self }.to_string()
    }

    /// A thousand times the value, if that is a whole number: the milliseconds of a figure in seconds.
    pub fn thousandths(self) -> Option<u64> {
        let missing = 3u32.checked_sub(u32::from(self.scale))?;
        self.digits.checked_mul(10u64.pow(missing))
    }

    /// The figure as an amount of `currency`, exactly.
    ///
    /// # Errors
    ///
    /// [`DecimalError::TooManyDecimals`] if more were written than the currency has, [`DecimalError::TooLarge`] over
    /// [`Amount::LARGEST_REQUEST_MINOR`].
    pub fn to_amount(self, currency: Currency) -> Result<Amount, DecimalError> {
        if self.written > currency.decimals() {
            return Err(DecimalError::TooManyDecimals);
        }
        match i64::try_from(self.minor_rounded_down(currency)) {
            Ok(minor) if minor <= Amount::LARGEST_REQUEST_MINOR => Ok(Amount::new(minor, currency)),
            Ok(_) | Err(_) => Err(DecimalError::TooLarge),
        }
    }

    /// A policy figure (a limit, a floor, a fee) as an amount of `currency`.
    ///
    /// One figure serves all currencies, so decimals that this currency lacks are cut off: 500.50 is 500 yen, never 501,
    /// and a limit is never exceeded by rounding. A figure too large to hold becomes the largest amount, which as a
    /// limit means the same.
    pub fn limit_in(self, currency: Currency) -> Amount {
        Amount::new(i64::try_from(self.minor_rounded_down(currency)).unwrap_or(i64::MAX), currency)
    }

    /// The value in minor units, cut off below and ending at `u64::MAX` above.
    fn minor_rounded_down(self, currency: Currency) -> u64 {
        let decimals = u32::from(currency.decimals());
        let scale = u32::from(self.scale);
        if scale <= decimals {
            return self.digits.saturating_mul(10u64.pow(decimals - scale));
        }
        // A power that does not fit is larger than any digits: nothing is left of them.
        10u64.checked_pow(scale - decimals).map_or(0, |power| self.digits / power)
    }
}

impl PartialEq for Decimal {
    fn eq(&self, other: &Decimal) -> bool {
        (self.digits, self.scale) == (other.digits, other.scale)
    }
}

impl Eq for Decimal {}

impl Hash for Decimal {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (self.digits, self.scale).hash(state);
    }
}

/// As written, with the zeros at its end: reading it again gives the same figure.
impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scale = usize::from(self.scale);
        // At least one digit stands before the point.
        let digits = format!("{:0width$}", self.digits, width = scale + 1);
        let (whole, fraction) = digits.split_at(digits.len() - scale);
        if self.written == 0 {
            return f.write_str(whole);
        }
        write!(f, "{whole}.{fraction:0<width$}", width = usize::from(self.written))
    }
}

impl fmt::Debug for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Decimal({self})")
    }
}

impl fmt::Display for DecimalError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            DecimalError::Malformed => "not a plain decimal number",
            DecimalError::TooManyDigits => "too many digits",
            DecimalError::Zero => "zero is not an amount that can move",
            DecimalError::TooManyDecimals => "more decimals than the currency has",
            DecimalError::TooLarge => "larger than any amount that can move at once",
        })
    }
}

impl std::error::Error for DecimalError {}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;

    const USD: Currency = Currency::USD;

    fn read(text: &str, currency: Currency) -> Result<Amount, DecimalError> {
        Decimal::parse(text)?.to_amount(currency)
    }

    #[track_caller]
    fn check(text: &str, currency: Currency, minor: Result<i64, DecimalError>) {
        assert_eq!(read(text, currency).map(Amount::minor), minor, "{text} {currency}");
    }

    #[test]
    fn takes_up_to_the_currencys_decimals() {
        for text in ["100", "100.0", "100.00"] {
            check(text, USD, Ok(10_000));
        }
        check("0.10", USD, Ok(10));
        check("0.01", USD, Ok(1));
        check("100", Currency::JPY, Ok(100));
        check("1", Currency::KWD, Ok(1_000));
        check("1.005", Currency::KWD, Ok(1_005));
        check("1.5", Currency::from_code("CLF").unwrap(), Ok(15_000));
    }

    #[test]
    fn tells_thousandths_where_they_are_whole() {
        let cases =
            [("0", Some(0)), ("10", Some(10_000)), ("0.1", Some(100)), ("0.10000", Some(100)), ("1.005", Some(1_005))];
        for (text, expected) in cases {
            assert_eq!(Decimal::parse_or_zero(text).unwrap().thousandths(), expected, "{text}");
        }
        for text in ["0.0001", "18446744073709551615"] {
            assert_eq!(Decimal::parse_or_zero(text).unwrap().thousandths(), None, "{text}");
        }
    }

    #[test]
    fn refuses_more_decimals_even_if_they_are_zeros() {
        check("100.000", USD, Err(DecimalError::TooManyDecimals));
        check("0.001", USD, Err(DecimalError::TooManyDecimals));
        check("100.0", Currency::JPY, Err(DecimalError::TooManyDecimals));
        check("1.0000", Currency::KWD, Err(DecimalError::TooManyDecimals));
        check(&format!("1.{}", "0".repeat(62)), USD, Err(DecimalError::TooManyDecimals));
    }

    #[test]
    fn refuses_what_is_not_a_plain_decimal() {
        let malformed = [
            "", ".", "-", "+", "-1", "+1", "-0", "-0.5", "1e2", "1E2", "1e-2", "NaN", "nan", "inf", "Infinity", "007",
            "00", "00.5", "01", ".5", "5.", "1..2", "1.2.3", "1,000", "1_000", " 1", "1 ", "1\n", "0x10", "1.5e3",
            "١٠٠", "１", "1.٥", "null", "\"1\"", "1.-5", "1.+5", "--1", "\0", "1\0",
        ];
        for text in malformed {
            assert_eq!(Decimal::parse(text), Err(DecimalError::Malformed), "{text:?}");
            assert_eq!(Decimal::parse_or_zero(text), Err(DecimalError::Malformed), "{text:?}");
        }
    }

    #[test]
    fn takes_zero_only_where_it_is_asked_to() {
        for text in ["0", "0.0", "0.00"] {
            assert_eq!(Decimal::parse(text), Err(DecimalError::Zero));
            assert_eq!(Decimal::parse_or_zero(text), Ok(Decimal::new(0, 2)));
            assert_eq!(Decimal::parse_or_zero(text).unwrap().to_amount(USD), Ok(Amount::zero(USD)));
        }
    }

    #[test]
    fn holds_the_largest_amount_and_refuses_one_more() {
        check("100000000000.00", USD, Ok(10_000_000_000_000));
        check("100000000000.01", USD, Err(DecimalError::TooLarge));
        check("10000000000000", Currency::JPY, Ok(10_000_000_000_000));
        check("10000000000001", Currency::JPY, Err(DecimalError::TooLarge));
        check("10000000000.000", Currency::KWD, Ok(10_000_000_000_000));
        check("18446744073709551615", USD, Err(DecimalError::TooLarge));
        check("18446744073709551616", USD, Err(DecimalError::TooManyDigits));
        check(&"9".repeat(64), USD, Err(DecimalError::TooManyDigits));
        check(&"9".repeat(100_000), USD, Err(DecimalError::TooManyDigits));
    }

    #[test]
    fn is_exact_where_binary_fractions_are_not() {
        let sum = read("0.1", USD).unwrap().checked_add(read("0.2", USD).unwrap());
        assert_eq!(sum, read("0.3", USD).ok());
        let tenth = read("0.10", USD).unwrap();
        let ten = (0..100).try_fold(Amount::zero(USD), |sum, _| sum.checked_add(tenth));
        assert_eq!(ten, Some(Amount::new(1_000, USD)));
    }

    #[test]
    fn refuses_overflow_and_other_currencies() {
        let (most, least) = (Amount::new(i64::MAX, USD), Amount::new(i64::MIN, USD));
        let (cent, yen) = (Amount::new(1, USD), Amount::new(1, Currency::JPY));
        assert_eq!(most.checked_add(cent), None);
        assert_eq!(least.checked_sub(cent), None);
        assert_eq!(Amount::zero(USD).checked_sub(least), None);
        assert_eq!(cent.checked_add(yen), None);
        assert_eq!(cent.checked_sub(yen), None);
        assert_eq!(cent.checked_cmp(yen), None);
        assert_ne!(cent, yen);
        assert_eq!(least.checked_cmp(cent), Some(Ordering::Less));
        assert_eq!(cent.checked_sub(Amount::new(6, USD)).unwrap().to_string(), "-0.05");
    }

    #[test]
    fn shows_exactly_the_currencys_decimals() {
        let shown = |minor, currency| Amount::new(minor, currency).to_string();
        assert_eq!(shown(10_000, USD), "100.00");
        assert_eq!(shown(-5, USD), "-0.05");
        assert_eq!(shown(0, USD), "0.00");
        assert_eq!(shown(-100, Currency::JPY), "-100");
        assert_eq!(shown(1_000, Currency::KWD), "1.000");
        assert_eq!(shown(7, Currency::KWD), "0.007");
        assert_eq!(shown(i64::MIN, USD), "-92233720368547758.08");
    }

    #[test]
    fn is_equal_by_value_however_it_was_written() {
        let same = ["100", "100.0", "100.00", "100.000"].map(|text| Decimal::parse(text).unwrap());
        assert_eq!(same.iter().collect::<HashSet<_>>().len(), 1);
        assert!(same.iter().all(|figure| *figure == Decimal::new(10_000, 2) && figure.canonical() == "100"));
        assert_eq!(same.map(|figure| figure.to_string()), ["100", "100.0", "100.00", "100.000"]);
        assert_eq!(Decimal::parse("0.10").unwrap().canonical(), "0.1");
        assert_eq!(Decimal::new(0, 2).canonical(), "0");
        assert_ne!(Decimal::new(1, 0), Decimal::new(1, 1));
    }

    #[test]
    fn scales_a_policy_figure_by_cutting_off() {
        let limit = |digits, scale, currency| Decimal::new(digits, scale).limit_in(currency).to_string();
        assert_eq!(limit(50_000, 2, USD), "500.00");
        assert_eq!(limit(50_000, 2, Currency::JPY), "500");
        assert_eq!(limit(50_099, 2, Currency::JPY), "500");
        assert_eq!(limit(50_000, 2, Currency::KWD), "500.000");
        assert_eq!(limit(0, 2, Currency::KWD), "0.000");
        assert_eq!(limit(u64::MAX, 62, USD), "0.00");
        assert_eq!(Decimal::new(u64::MAX, 0).limit_in(USD), Amount::new(i64::MAX, USD));
    }

    /// The same rules over 128-bit integers and text, written without looking at the code above.
    fn model(whole: u64, fraction: &str, decimals: u32) -> Result<i64, DecimalError> {
        let significant = fraction.trim_end_matches('0');
        let value = format!("{whole}{significant}").parse::<i128>().unwrap();
        if value == 0 {
            return Err(DecimalError::Zero);
        }
        if value > i128::from(u64::MAX) {
            return Err(DecimalError::TooManyDigits);
        }
        if fraction.len() > decimals as usize {
            return Err(DecimalError::TooManyDecimals);
        }
        let padded = format!("{fraction:0<width$}", width = decimals as usize);
        let minor = format!("{whole}{padded}").parse::<i128>().unwrap();
        if minor > 10_000_000_000_000 { Err(DecimalError::TooLarge) } else { Ok(i64::try_from(minor).unwrap()) }
    }

    fn currency() -> impl Strategy<Value = Currency> {
        proptest::sample::select(Currency::all().collect::<Vec<_>>())
    }

    fn whole() -> impl Strategy<Value = u64> {
        prop_oneof![0u64..1_000, 99_999_999_000u64..100_000_001_000, any::<u64>()]
    }

    proptest! {
        #[test]
        fn reads_like_the_model(whole in whole(), fraction in "[0-9]{0,4}0{0,3}", currency in currency()) {
            let text = if fraction.is_empty() { whole.to_string() } else { format!("{whole}.{fraction}") };
            let expected = model(whole, &fraction, u32::from(currency.decimals()));
            prop_assert_eq!(read(&text, currency).map(Amount::minor), expected);
            if let Ok(figure) = Decimal::parse(&text) {
                prop_assert_eq!(figure.to_string(), text);
                prop_assert_eq!(Decimal::parse(&figure.canonical()), Ok(figure));
            }
        }

        #[test]
        fn shows_what_it_reads(minor in 1..=Amount::LARGEST_REQUEST_MINOR, currency in currency()) {
            let amount = Amount::new(minor, currency);
            prop_assert_eq!(read(&amount.to_string(), currency), Ok(amount));
        }

        #[test]
        fn adds_like_the_model(a in any::<i64>(), b in any::<i64>(), shift in 0u32..63) {
            let (a, b) = (a >> shift, b >> shift);
            let (left, right) = (Amount::new(a, USD), Amount::new(b, USD));
            let fits = |wide: i128| i64::try_from(wide).ok().map(|minor| Amount::new(minor, USD));
            prop_assert_eq!(left.checked_add(right), fits(i128::from(a) + i128::from(b)));
            prop_assert_eq!(left.checked_sub(right), fits(i128::from(a) - i128::from(b)));
            prop_assert_eq!(left.checked_cmp(right), Some(a.cmp(&b)));
        }

        #[test]
        fn never_panics_and_takes_only_the_plain_form(text in "[0-9.eE+\\- ]{0,8}|\\PC{0,12}") {
            let plain = !text.is_empty()
                && text.split('.').count() <= 2
                && text.split('.').all(|part| !part.is_empty() && part.bytes().all(|c| c.is_ascii_digit()))
                && (!text.starts_with('0') || text == "0" || text.starts_with("0."));
            prop_assert_eq!(Decimal::parse_or_zero(&text).is_ok(), plain);
        }
    }
}
