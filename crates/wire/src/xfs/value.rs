//! Values that messages are made of and that are neither words nor flat objects.

use std::fmt;
use std::marker::PhantomData;
use std::str::FromStr;

use cashpoint_core::currency::Currency;
use cashpoint_core::money::{Amount, Decimal};
use data_encoding::BASE64;
use serde::de::{Error as _, MapAccess, Visitor};
use serde::ser::{Error as _, SerializeMap};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;
use zeroize::Zeroizing;

use super::storage::CashCount;
use super::word::{Kept, Tolerant, plain};

/// The version of one message: `major.minor`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Version {
    /// Changes when a message can no longer be read as before. Never zero.
    pub major: u16,
    /// Changes when something was added.
    pub minor: u16,
}

impl Version {
    /// `major.minor`.
    #[must_use]
    pub const fn new(major: u16, minor: u16) -> Self {
        Self { major, minor }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}.{}", self.major, self.minor)
    }
}

impl FromStr for Version {
    type Err = NotAVersion;

    fn from_str(text: &str) -> Result<Self, NotAVersion> {
        let part = |digits: &str| {
            let plain = digits.bytes().all(|byte| byte.is_ascii_digit()) && (digits == "0" || !digits.starts_with('0'));
            if plain { digits.parse::<u16>().map_err(|_| NotAVersion) } else { Err(NotAVersion) }
        };
        let (major, minor) = text.split_once('.').ok_or(NotAVersion)?;
        match part(major)? {
            0 => Err(NotAVersion),
            major => Ok(Self { major, minor: part(minor)? }),
        }
    }
}

/// A text that is no version.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NotAVersion;

/// A JSON number, zero or more, without ever having been a float.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Number(pub Decimal);

impl Number {
    /// An amount in major units, as XFS4IoT writes it. None if it is below zero.
    #[must_use]
    pub fn of(amount: Amount) -> Option<Self> {
        let minor = u64::try_from(amount.minor()).ok()?;
        Some(Self(Decimal::new(minor, amount.currency().decimals())))
    }

    /// The number as an amount of a currency. None if it has more decimals than the currency, or is too large.
    #[must_use]
    pub fn amount(self, currency: Currency) -> Option<Amount> {
        // Only what is significant counts: 100.000 is a hundred in every currency.
        let least = Decimal::parse_or_zero(&self.0.canonical()).ok()?;
        least.to_amount(currency).ok()
    }

    /// Reads a number as JSON writes it, exponents included.
    fn read(text: &str) -> Option<Self> {
        let (figure, exponent) = match text.split_once(['e', 'E']) {
            Some((figure, exponent)) => (figure, exponent.parse::<i32>().ok()?),
            None => return Decimal::parse_or_zero(text).ok().map(Self),
        };
        let (whole, fraction) = figure.split_once('.').unwrap_or((figure, ""));
        // The point moves; more places than an amount has are not followed.
        let places = usize::try_from(exponent.unsigned_abs()).ok().filter(|places| *places <= 32)?;
        let zeros = "0".repeat(places);
        let moved = if exponent >= 0 {
            let digits = format!("{fraction}{zeros}");
            let (up, rest) = digits.split_at(places);
            (format!("{whole}{up}"), rest.to_owned())
        } else {
            let digits = format!("{zeros}{whole}");
            let (rest, down) = digits.split_at(digits.len() - places);
            (rest.to_owned(), format!("{down}{fraction}"))
        };
        let whole = match moved.0.trim_start_matches('0') {
            "" => "0",
            digits => digits,
        };
        let text = match moved.1.as_str() {
            "" => whole.to_owned(),
            fraction => format!("{whole}.{fraction}"),
        };
        Decimal::parse_or_zero(&text).ok().map(Self)
    }
}

impl Serialize for Number {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        RawValue::from_string(self.0.canonical()).map_err(S::Error::custom)?.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        Self::read(raw.get()).ok_or_else(|| D::Error::custom("not an amount"))
    }
}

impl Tolerant for Number {
    fn tolerant<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Self>, D::Error> {
        // Not through `Option`, which a raw value does not pass.
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        match raw.get() {
            "null" => Ok(None),
            text => Self::read(text).map(Some).ok_or_else(|| D::Error::custom("not an amount")),
        }
    }
}

/// An object whose property names are data, such as ids of storage units: in the order in which it was written.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Entries<T>(pub Vec<(String, T)>);

impl<T> Default for Entries<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> Entries<T> {
    /// The value of a name.
    #[must_use]
    pub fn of(&self, name: &str) -> Option<&T> {
        self.0.iter().find(|(listed, _)| listed == name).map(|(_, value)| value)
    }
}

impl<N: Into<String>, T> FromIterator<(N, T)> for Entries<T> {
    fn from_iter<I: IntoIterator<Item = (N, T)>>(entries: I) -> Self {
        Self(entries.into_iter().map(|(name, value)| (name.into(), value)).collect())
    }
}

impl<T: Serialize> Serialize for Entries<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name, value)))
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Entries<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Reader<T> {
            type Value = Entries<T>;

            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Entries<T>, A::Error> {
                let mut entries = Entries::default();
                while let Some((name, value)) = map.next_entry::<String, T>()? {
                    if entries.of(&name).is_some() {
                        return Err(A::Error::custom("the same property twice"));
                    }
                    entries.0.push((name, value));
                }
                Ok(entries)
            }
        }
        deserializer.deserialize_map(Reader(PhantomData))
    }
}

impl<T: Tolerant> Tolerant for Entries<T> {
    fn tolerant<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Self>, D::Error> {
        let entries = Option::<Entries<Kept<T>>>::deserialize(deserializer)?;
        let kept = |entries: Entries<Kept<T>>| {
            Self(entries.0.into_iter().filter_map(|(name, kept)| kept.0.map(|value| (name, value))).collect())
        };
        Ok(entries.map(kept))
    }
}

/// Notes by cash item id, beside those that were not recognized.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Counts {
    /// Notes that were not recognized.
    pub unrecognized: Option<u32>,
    /// Cash item id and how many of it.
    pub items: Vec<(String, CashCount)>,
}

impl Counts {
    /// Notes of one item, all fit.
    #[must_use]
    pub fn fit(item: impl Into<String>, count: u32) -> Self {
        let count = CashCount { fit: Some(count), ..CashCount::default() };
        Self { unrecognized: None, items: vec![(item.into(), count)] }
    }

    /// All notes, whatever their state; recognized or not.
    #[must_use]
    pub fn total(&self) -> u32 {
        let recognized = self.items.iter().map(|(_, count)| count.total());
        recognized.fold(self.unrecognized.unwrap_or(0), u32::saturating_add)
    }
}

impl Serialize for Counts {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        if let Some(unrecognized) = self.unrecognized {
            map.serialize_entry("unrecognized", &unrecognized)?;
        }
        for (item, count) in &self.items {
            map.serialize_entry(item, count)?;
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for Counts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Counts;

            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("counts")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Counts, A::Error> {
                let mut counts = Counts::default();
                while let Some(item) = map.next_key::<String>()? {
                    let listed = counts.items.iter().any(|(known, _)| *known == item);
                    if listed || (item == "unrecognized" && counts.unrecognized.is_some()) {
                        return Err(A::Error::custom("the same cash item twice"));
                    }
                    if item == "unrecognized" {
                        counts.unrecognized = map.next_value()?;
                    } else if let Some(count) = map.next_value()? {
                        counts.items.push((item, count));
                    }
                }
                Ok(counts)
            }
        }
        deserializer.deserialize_map(Reader)
    }
}

/// A text that must not be shown: a card number, a PIN block, what is on a stripe. Wiped when dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Takes a text over.
    #[must_use]
    pub fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// Bytes, as base64.
    #[must_use]
    pub fn of_bytes(bytes: &[u8]) -> Self {
        Self::new(BASE64.encode(bytes))
    }

    /// The text. It must not reach a log or a message to a person.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// What the text is the base64 of, standard alphabet with padding. None: it is not base64.
    #[must_use]
    pub fn bytes(&self) -> Option<Zeroizing<Vec<u8>>> {
        BASE64.decode(self.0.as_bytes()).ok().map(Zeroizing::new)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("****")
    }
}

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::new)
    }
}

/// A value that does not show itself, such as which key was pressed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Masked<T>(pub T);

impl<T> fmt::Debug for Masked<T> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("****")
    }
}

impl<T: Serialize> Serialize for Masked<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Masked<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        T::deserialize(deserializer).map(Self)
    }
}

impl<T: Tolerant> Tolerant for Masked<T> {
    fn tolerant<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Self>, D::Error> {
        Ok(T::tolerant(deserializer)?.map(Self))
    }
}

plain!(Counts, Secret);

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, euros: Option<i64>) {
        let read = serde_json::from_str::<Number>(text).ok();
        let amount = read.and_then(|number| number.amount(Currency::EUR));
        assert_eq!(amount.map(Amount::minor), euros, "{text}");
    }

    #[test]
    fn it_reads_amounts_exactly() {
        check("100", Some(10_000));
        check("100.0", Some(10_000));
        check("100.000", Some(10_000));
        check("0.05", Some(5));
        check("1e2", Some(10_000));
        check("1.5E+1", Some(1_500));
        check("1250.0e-2", Some(1_250));
        check("0", Some(0));
        check("0.005", None);
        check("-1", None);
        check("1e99", None);
        check("\"100\"", None);
        check("92233720368547758.07", None);
    }

    #[test]
    fn it_writes_amounts_in_their_shortest_form() {
        let written =
            |minor, currency| serde_json::to_string(&Number::of(Amount::new(minor, currency)).unwrap()).unwrap();
        assert_eq!(written(10_000, Currency::EUR), "100");
        assert_eq!(written(5, Currency::EUR), "0.05");
        assert_eq!(written(700, Currency::JPY), "700");
        assert!(Number::of(Amount::new(-1, Currency::EUR)).is_none());
    }

    #[test]
    fn it_knows_versions() {
        assert_eq!("2.0".parse(), Ok(Version::new(2, 0)));
        assert_eq!("3.11".parse(), Ok(Version::new(3, 11)));
        for text in ["", "2", "0.1", "2.", ".1", "02.0", "2.01", "2.0.0", "+2.0", "99999.0"] {
            assert_eq!(text.parse::<Version>(), Err(NotAVersion), "{text}");
        }
    }

    #[test]
    fn it_shows_no_secret() {
        let secret = Secret::of_bytes(b"5413330089020011=2512");
        assert_eq!(format!("{secret:?} {:?}", Masked(7)), "**** ****");
        assert_eq!(secret.bytes().unwrap().as_slice(), b"5413330089020011=2512");
    }

    #[test]
    fn it_keeps_the_order_of_units_and_refuses_one_twice() {
        let units: Entries<u32> = serde_json::from_str(r#"{"unit9":1,"unit1":2}"#).unwrap();
        assert_eq!(units.0, [("unit9".to_owned(), 1), ("unit1".to_owned(), 2)]);
        assert!(serde_json::from_str::<Entries<u32>>(r#"{"unit1":1,"unit1":2}"#).is_err());
    }
}
