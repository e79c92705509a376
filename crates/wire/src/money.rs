//! Amounts as JSON numbers: always exactly the currency's decimals, never through a float.

use std::fmt::Write as _;

use cashpoint_core::money::{Amount, Decimal};
use serde::ser::{Error as _, Serialize, Serializer};
use serde_json::value::RawValue;

/// An amount that serialises as a JSON number: `100.00`, `-0.05`, yen `100`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Money(pub Amount);

/// A figure without a currency, such as a limit, that serialises as a JSON number with at least two decimals.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Figure(pub Decimal);

impl From<Amount> for Money {
    fn from(amount: Amount) -> Self {
        Self(amount)
    }
}

impl Serialize for Money {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        number(serializer, format_args!("{}", self.0))
    }
}

impl Serialize for Figure {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let least = self.0.canonical();
        let zeros = match least.split_once('.') {
            None => ".00",
            Some((_, decimals)) if decimals.len() == 1 => "0",
            Some(_) => "",
        };
        number(serializer, format_args!("{least}{zeros}"))
    }
}

/// Writes a decimal figure as a number, as it stands. The text is made on the stack: answers are full of amounts.
fn number<S: Serializer>(serializer: S, figure: std::fmt::Arguments<'_>) -> Result<S::Ok, S::Error> {
    let mut text = Short::default();
    text.write_fmt(figure).map_err(S::Error::custom)?;
    let raw: &RawValue = serde_json::from_str(text.as_str()).map_err(S::Error::custom)?;
    raw.serialize(serializer)
}

/// Room for every amount and every figure: the longest figure that is read has 64 characters.
struct Short {
    bytes: [u8; 72],
    length: usize,
}

impl Default for Short {
    fn default() -> Self {
        Self { bytes: [0; 72], length: 0 }
    }
}

impl Short {
    fn as_str(&self) -> &str {
        std::str::from_utf8(&self.bytes[..self.length]).expect("only whole texts are written")
    }
}

impl std::fmt::Write for Short {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        let end = self.length + text.len();
        let room = self.bytes.get_mut(self.length..end).ok_or(std::fmt::Error)?;
        room.copy_from_slice(text.as_bytes());
        self.length = end;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use cashpoint_core::currency::Currency;

    use super::*;

    #[track_caller]
    fn check(minor: i64, currency: Currency, json: &str) {
        let money = Money(Amount::new(minor, currency));
        assert_eq!(serde_json::to_string(&money).unwrap(), json);
    }

    #[test]
    fn it_writes_exactly_the_currencys_decimals() {
        check(10_000, Currency::USD, "100.00");
        check(0, Currency::USD, "0.00");
        check(-5, Currency::USD, "-0.05");
        check(100, Currency::JPY, "100");
        check(1_005, Currency::KWD, "1.005");
        check(i64::MAX, Currency::USD, "92233720368547758.07");
        check(i64::MIN, Currency::JPY, "-9223372036854775808");
    }

    #[test]
    fn it_writes_figures_with_two_decimals_or_more() {
        let figure = |text| serde_json::to_string(&Figure(Decimal::parse_or_zero(text).unwrap())).unwrap();
        for (text, shown) in [("500", "500.00"), ("0", "0.00"), ("0.5", "0.50"), ("1.005", "1.005"), ("1.000", "1.00")]
        {
            assert_eq!(figure(text), shown);
        }
    }
}
