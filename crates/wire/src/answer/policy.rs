//! The policy in force.

use cashpoint_core::money::Decimal;
use serde::ser::{Serialize, SerializeMap, Serializer};

use crate::money::Figure;

/// A policy value as it is shown.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ShownValue {
    /// An amount without a currency.
    Figure(Decimal),
    /// A number of things or seconds.
    Count(u32),
    /// A text.
    Text(String),
    /// No limit: `null`.
    Off,
}

/// `{"version":3,"policies":{"withdrawal_limit":500.00,…}}`.
#[derive(Clone, Debug)]
pub struct PoliciesAnswer {
    /// Counts from 1.
    pub version: u32,
    /// Every value by name.
    pub policies: Vec<(&'static str, ShownValue)>,
}

impl Serialize for ShownValue {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Figure(figure) => Figure(*figure).serialize(serializer),
            Self::Count(count) => serializer.serialize_u32(*count),
            Self::Text(text) => serializer.serialize_str(text),
            Self::Off => serializer.serialize_none(),
        }
    }
}

impl Serialize for PoliciesAnswer {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        struct Values<'a>(&'a [(&'static str, ShownValue)]);
        impl Serialize for Values<'_> {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_map(self.0.iter().map(|(name, value)| (name, value)))
            }
        }
        let mut map = serializer.serialize_map(Some(2))?;
        map.serialize_entry("version", &self.version)?;
        map.serialize_entry("policies", &Values(&self.policies))?;
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;

    #[test]
    fn it_shows_every_kind_of_value() {
        let policies = vec![
            ("withdrawal_limit", ShownValue::Figure(Decimal::new(500_00, 2))),
            ("daily_transfer_limit", ShownValue::Off),
            ("pin_tries", ShownValue::Count(3)),
            ("time_zone", ShownValue::Text("UTC".into())),
        ];
        let answer = PoliciesAnswer { version: 1, policies };
        expect![[r#"{"version":1,"policies":{"withdrawal_limit":500.00,"daily_transfer_limit":null,"pin_tries":3,"time_zone":"UTC"}}"#]].assert_eq(&serde_json::to_string(&answer).unwrap());
    }
}
