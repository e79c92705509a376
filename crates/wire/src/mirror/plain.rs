//! Values of one text or number.

use cashpoint_core::account::Product;
use cashpoint_core::currency::Currency;
use cashpoint_core::id::{AccountNumber, CardId, CaseId, MachineId, SessionId, TransferId};
use cashpoint_core::money::Amount;
use cashpoint_core::secret::Pan;
use cashpoint_core::terminal::device::{CheckValue, DispenseToken, KeyBlock, Nonce, PinBlock};
use cashpoint_core::terminal::link::OperationId;
use cashpoint_core::time::Timestamp;
use data_encoding::HEXLOWER;
use serde::de::{Deserialize, Deserializer, Error as _};
use serde::ser::{Serialize, Serializer};
use zeroize::Zeroizing;

use super::Mirrored;

/// Values whose form is serde's own.
macro_rules! as_it_is {
    ($($type:ty),+) => {
        $(impl Mirrored for $type {
            fn write<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                self.serialize(to)
            }

            fn read<'de, D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                Self::deserialize(from)
            }
        })+
    };
}

as_it_is!(u8, u32, u64, i64, String);

/// Values that are a number behind a name.
macro_rules! as_number {
    ($($type:ty: $number:ty = $from:expr, $to:expr;)+) => {
        $(impl Mirrored for $type {
            fn write<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                let number: fn(Self) -> $number = $to;
                number(*self).serialize(to)
            }

            fn read<'de, D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                <$number>::deserialize(from).map($from)
            }
        })+
    };
}

as_number! {
    Timestamp: i64 = Self::from_micros, Self::micros;
    AccountNumber: u64 = Self::new, Self::number;
    CardId: i64 = Self::new, Self::number;
    CaseId: i64 = Self::new, Self::number;
    SessionId: i64 = Self::new, Self::number;
}

/// Values that have a text. What is read must be the text that would be written.
macro_rules! as_text {
    ($($type:ty: $what:literal, $read:expr, $write:expr;)+) => {
        $(impl Mirrored for $type {
            fn write<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                let write: fn(&Self) -> String = $write;
                Zeroizing::new(write(self)).serialize(to)
            }

            fn read<'de, D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                let (read, write): (fn(&str) -> Option<Self>, fn(&Self) -> String) = ($read, $write);
                let text = Zeroizing::new(String::deserialize(from)?);
                let value = read(&text).filter(|value| *Zeroizing::new(write(value)) == *text);
                value.ok_or_else(|| D::Error::custom(concat!("not ", $what)))
            }
        })+
    };
}

as_text! {
    Currency: "a currency", Self::from_code, |currency| currency.code().to_owned();
    MachineId: "a machine's id", |text| Self::parse(text).ok(), |id| id.as_str().to_owned();
    TransferId: "a transfer's id", |text| Self::parse(text).ok(), ToString::to_string;
    Product: "a product", |text| Self::parse(text).ok(), |product| product.name().to_owned();
    Pan: "a card number", |text| Self::parse(text).ok(), |pan| pan.expose().to_owned();
    OperationId: "an operation's id", |text| u128::from_str_radix(text, 16).ok().map(Self), |id| format!("{:032x}", id.0);
    Amount: "an amount", amount, |amount| format!("{amount} {}", amount.currency());
    DispenseToken: "a token", |text| Some(Self(text.to_owned())), |token| token.0.clone();
    KeyBlock: "a key block", |text| Some(Self(text.to_owned())), |block| block.0.clone();
}

/// Reads `-12.50 EUR`: whole minor units, all of the currency's decimals.
fn amount(text: &str) -> Option<Amount> {
    let (figure, code) = text.split_once(' ')?;
    let minor = figure.replacen('.', "", 1).parse().ok()?;
    Some(Amount::new(minor, Currency::from_code(code)?))
}

/// Bytes as lower-case hexadecimal digits.
impl<const N: usize> Mirrored for [u8; N] {
    fn write<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        Zeroizing::new(HEXLOWER.encode(self)).serialize(to)
    }

    fn read<'de, D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = Zeroizing::new(String::deserialize(from)?);
        let bytes = HEXLOWER.decode(text.as_bytes()).map(Zeroizing::new).ok();
        let bytes = bytes.and_then(|bytes| bytes.as_slice().try_into().ok());
        bytes.ok_or_else(|| D::Error::custom("not so many bytes in hexadecimal digits"))
    }
}

/// Values that are bytes behind a name.
macro_rules! as_bytes {
    ($($type:ident),+) => {
        $(impl Mirrored for $type {
            fn write<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                self.0.write(to)
            }

            fn read<'de, D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                Mirrored::read(from).map($type)
            }
        })+
    };
}

as_bytes!(Nonce, PinBlock, CheckValue);

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check<T: Mirrored>(json: &str, of: &str) {
        let read = T::read(&mut serde_json::Deserializer::from_str(json)).map_err(|error| error.to_string());
        let shown = read.map(|value| {
            let mut bytes = Vec::new();
            value.write(&mut serde_json::Serializer::new(&mut bytes)).unwrap();
            String::from_utf8(bytes).unwrap()
        });
        match of {
            "" => assert!(shown.is_err(), "{json} was taken"),
            expected => assert_eq!(shown.as_deref(), Ok(expected), "{json}"),
        }
    }

    #[test]
    fn a_value_has_one_form() {
        for good in
            [r#""-12.50 EUR""#, r#""0.00 EUR""#, r#""100 JPY""#, r#""-92233720368547758.08 USD""#, r#""0.250 KWD""#]
        {
            check::<Amount>(good, good);
        }
        for bad in [
            r#""12.5 EUR""#,
            r#""12.500 EUR""#,
            r#""+1.00 EUR""#,
            r#""1.00  EUR""#,
            r#""1.00EUR""#,
            r#""01.00 EUR""#,
            r#""1..00 EUR""#,
            r#""100.JPY""#,
            r#""-0.00 EUR""#,
            r#""1.00 eur""#,
            r#""99999999999999999999.00 EUR""#,
            "1",
        ] {
            check::<Amount>(bad, "");
        }
        let id = r#""000000000000000000000000000000ff""#;
        check::<OperationId>(id, id);
        for bad in [r#""ff""#, r#""000000000000000000000000000000FF""#, r#""+00000000000000000000000000000ff""#] {
            check::<OperationId>(bad, "");
        }
        check::<TransferId>(r#""01901234-5678-7abc-8def-0123456789ab""#, r#""01901234-5678-7abc-8def-0123456789ab""#);
        check::<TransferId>(r#""01901234-5678-7ABC-8DEF-0123456789AB""#, "");
        check::<CheckValue>(r#""0aff00""#, r#""0aff00""#);
        for bad in [r#""0AFF00""#, r#""0aff""#, r#""0aff0000""#, r#""0aff0""#, "[10,255,0]"] {
            check::<CheckValue>(bad, "");
        }
        check::<Timestamp>("-1", "-1");
        check::<Timestamp>("1.0", "");
        check::<Option<u32>>("null", "null");
    }

    #[test]
    fn a_wrong_card_number_is_not_repeated() {
        let error = Pan::read(&mut serde_json::Deserializer::from_str("\"45321234567890123456\"")).unwrap_err();
        assert_eq!(error.to_string(), "not a card number");
    }
}
