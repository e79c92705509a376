//! A strict reader of JSON objects, which knows the name of every field that is wrong.
//!
//! Every name must be known and stand there once; `null` is a value and not the same as nothing. A value is kept as the
//! text it came in until it is read as what it should be, so an amount is never a float. Nothing here is skipped,
//! guessed or converted.

use std::borrow::Cow;
use std::fmt;

use cashpoint_core::currency::Currency;
use cashpoint_core::id::{AccountNumber, NotAnId};
use cashpoint_core::money::{Decimal, DecimalError};
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::error::Category;
use serde_json::value::RawValue;

use crate::malformed::Malformed;
use crate::secret::SecretText;

/// Most fields of one object. Each is compared with all before it, so their number is bounded before that.
const MOST_FIELDS: usize = 256;

/// An object's fields, all of known names, none twice.
pub struct Object<'a> {
    /// Where it stands in the body: empty, or such as `account.`.
    path: String,
    members: Fields<'a>,
}

/// Fields in the order sent.
type Fields<'a> = Vec<(Text<'a>, &'a RawValue)>;

/// One field's value, not yet read.
#[derive(Clone, Copy)]
pub struct Value<'o, 'a> {
    path: &'o str,
    name: &'o str,
    index: Option<usize>,
    raw: &'a RawValue,
}

impl<'a> Object<'a> {
    /// Reads a whole body.
    ///
    /// # Errors
    /// [`Malformed`] unless it is one JSON object with nothing but fields named in `known`, each once.
    pub fn parse(body: &'a str, known: &[&str]) -> Result<Self, Malformed> {
        Self::checked(String::new(), Self::read(body)?, Some(known))
    }

    /// Reads a whole body whose fields may have any name.
    ///
    /// # Errors
    /// [`Malformed`] unless it is one JSON object in which no field is twice.
    pub fn parse_open(body: &'a str) -> Result<Self, Malformed> {
        Self::checked(String::new(), Self::read(body)?, None)
    }

    fn read(body: &'a str) -> Result<Fields<'a>, Malformed> {
        let read = serde_json::from_str(body).map(|Members(members)| members);
        read.map_err(|error| {
            Malformed::whole(match error.classify() {
                Category::Data => "the body must be a JSON object".to_owned(),
                Category::Io | Category::Syntax | Category::Eof => {
                    format!("not JSON: line {} column {}", error.line(), error.column())
                }
            })
        })
    }

    fn checked(path: String, members: Fields<'a>, known: Option<&[&str]>) -> Result<Self, Malformed> {
        if members.len() > MOST_FIELDS {
            return Err(Malformed::whole(format!("more than {MOST_FIELDS} fields")));
        }
        for (at, (Text(name), _)) in members.iter().enumerate() {
            if known.is_some_and(|known| !known.contains(&name.as_ref())) {
                return Err(Malformed::field(format_args!("{path}{name}"), "there is no such field here"));
            }
            if members[..at].iter().any(|(Text(earlier), _)| earlier == name) {
                return Err(Malformed::field(format_args!("{path}{name}"), "it is there twice"));
            }
        }
        Ok(Self { path, members })
    }

    /// A field that may be left out.
    #[must_use]
    pub fn optional<'o>(&'o self, name: &'o str) -> Option<Value<'o, 'a>> {
        self.members().find(|(member, _)| *member == name).map(|(_, value)| value)
    }

    /// A field that must be there.
    ///
    /// # Errors
    /// [`Malformed`] if it is not.
    pub fn required<'o>(&'o self, name: &'o str) -> Result<Value<'o, 'a>, Malformed> {
        self.optional(name).ok_or_else(|| Malformed::field(format_args!("{}{name}", self.path), "it is missing"))
    }

    /// The names that are there, in the order sent.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.members().map(|(name, _)| name)
    }

    /// Names and values, in the order sent.
    pub fn members(&self) -> impl Iterator<Item = (&str, Value<'_, 'a>)> {
        self.members.iter().map(|(Text(name), raw)| {
            let value = Value { path: &self.path, name, index: None, raw };
            (name.as_ref(), value)
        })
    }
}

impl<'a> Value<'_, 'a> {
    /// A text.
    ///
    /// # Errors
    /// [`Malformed`] for any other type; so everywhere below.
    pub fn text(self) -> Result<Cow<'a, str>, Malformed> {
        if !self.raw.get().starts_with('"') {
            return Err(self.must_be("a text"));
        }
        let text: Result<Text<'a>, _> = serde_json::from_str(self.raw.get());
        text.map(|Text(text)| text).map_err(|_| self.must_be("a text of Unicode characters"))
    }

    /// A text to hide.
    ///
    /// # Errors
    /// [`Malformed`] unless it is a text.
    pub fn secret(self) -> Result<SecretText, Malformed> {
        self.text().map(|text| SecretText::new(text.into_owned()))
    }

    /// A line for people: not blank, no control characters, at most `longest` characters.
    ///
    /// # Errors
    /// [`Malformed`] for anything else.
    pub fn line(self, longest: usize) -> Result<String, Malformed> {
        let text = self.text()?;
        let fits = text.chars().count() <= longest && !text.chars().any(char::is_control);
        if !fits || text.trim().is_empty() {
            return Err(self.must_be(format_args!("1 to {longest} characters, none of them a control character")));
        }
        Ok(text.into_owned())
    }

    /// A text that `parse` understands; `what` says what that is.
    ///
    /// # Errors
    /// [`Malformed`] if it does not.
    pub fn parsed<T, E>(self, what: &str, parse: impl FnOnce(&str) -> Result<T, E>) -> Result<T, Malformed> {
        parse(&self.text()?).map_err(|_| self.must_be(what))
    }

    /// A currency's code.
    ///
    /// # Errors
    /// [`Malformed`] if there is no such currency.
    pub fn currency(self) -> Result<Currency, Malformed> {
        self.parsed("the code of a currency, such as USD", |text| Currency::from_code(text).ok_or(NotAnId))
    }

    /// An account id.
    ///
    /// # Errors
    /// [`Malformed::AccountId`] for a text that is none.
    pub fn account(self) -> Result<AccountNumber, Malformed> {
        AccountNumber::parse(&self.text()?).map_err(|_| Malformed::AccountId { field: Malformed::shown(self) })
    }

    /// The figure of an amount that is to move, never zero: a number or a text.
    ///
    /// # Errors
    /// [`Malformed::Amount`] for a number or text that is none, otherwise as above.
    pub fn amount(self) -> Result<Decimal, Malformed> {
        self.figure(Decimal::parse)
    }

    /// The figure of an amount that may be zero: a number or a text.
    ///
    /// # Errors
    /// As [`Self::amount`].
    pub fn amount_or_zero(self) -> Result<Decimal, Malformed> {
        self.figure(Decimal::parse_or_zero)
    }

    fn figure(self, parse: fn(&str) -> Result<Decimal, DecimalError>) -> Result<Decimal, Malformed> {
        let no_amount =
            |detail: &dyn fmt::Display| Malformed::Amount { field: Malformed::shown(self), detail: detail.to_string() };
        let read = |text: &str| parse(text).map_err(|error| no_amount(&error));
        match self.raw.get().as_bytes().first() {
            Some(b'0'..=b'9' | b'-') => read(self.raw.get()),
            Some(b'"') => match serde_json::from_str::<Text<'a>>(self.raw.get()) {
                Ok(Text(text)) => read(&text),
                Err(_) => Err(no_amount(&DecimalError::Malformed)),
            },
            Some(_) | None => Err(self.must_be("an amount: a number or a text")),
        }
    }

    /// A whole number of things.
    ///
    /// # Errors
    /// [`Malformed`] unless it is a JSON number without sign, decimals or exponent, below 2^32.
    pub fn count(self) -> Result<u32, Malformed> {
        let digits = self.raw.get();
        let plain = digits.bytes().all(|b| b.is_ascii_digit());
        let number = digits.parse().ok().filter(|_| plain);
        number.ok_or_else(|| self.must_be("a whole number"))
    }

    /// Whether it is `null`.
    #[must_use]
    pub fn is_null(self) -> bool {
        self.raw.get() == "null"
    }

    /// Whether it is a text.
    #[must_use]
    pub fn is_text(self) -> bool {
        self.raw.get().starts_with('"')
    }

    /// An object with fields of `known` names.
    ///
    /// # Errors
    /// [`Malformed`] for any other type or field.
    pub fn object(self, known: &[&str]) -> Result<Object<'a>, Malformed> {
        match serde_json::from_str(self.raw.get()) {
            Ok(Members(members)) => Object::checked(format!("{self}."), members, Some(known)),
            Err(_) => Err(self.must_be("an object")),
        }
    }

    /// A list.
    ///
    /// # Errors
    /// [`Malformed`] for any other type, an empty list, or one with more than `longest` elements.
    pub fn list(self, longest: usize) -> Result<Vec<Self>, Malformed> {
        let elements = self.list_or_none(longest)?;
        if elements.is_empty() { Err(self.must_be(format_args!("a list of 1 to {longest}"))) } else { Ok(elements) }
    }

    /// A list that may be empty.
    ///
    /// # Errors
    /// [`Malformed`] for any other type, or a list with more than `longest` elements.
    pub fn list_or_none(self, longest: usize) -> Result<Vec<Self>, Malformed> {
        let elements: Vec<&'a RawValue> = serde_json::from_str(self.raw.get()).map_err(|_| self.must_be("a list"))?;
        if elements.len() > longest {
            return Err(self.must_be(format_args!("a list of at most {longest}")));
        }
        let element = |(index, raw)| Self { index: Some(index), raw, ..self };
        Ok(elements.into_iter().enumerate().map(element).collect())
    }

    /// The value does not fit: it must be `what`.
    pub fn must_be(self, what: impl fmt::Display) -> Malformed {
        Malformed::field(self, format!("it must be {what}"))
    }
}

/// Where the value stands: `amount`, `account.type`, `cassettes[0].count`.
impl fmt::Display for Value<'_, '_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}{}", self.path, self.name)?;
        self.index.map_or(Ok(()), |index| write!(out, "[{index}]"))
    }
}

/// A text that is borrowed from the body unless it has escapes.
struct Text<'a>(Cow<'a, str>);

impl<'de> Deserialize<'de> for Text<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Text<'de>;

            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("a text")
            }

            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Borrowed(text)))
            }

            fn visit_str<E>(self, text: &str) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Owned(text.to_owned())))
            }
        }
        deserializer.deserialize_str(Reader)
    }
}

/// An object's fields in the order sent, repeated ones included.
struct Members<'a>(Fields<'a>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Members<'de>;

            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members<'de>, A::Error> {
                let mut members = Vec::with_capacity(4);
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Reader)
    }
}
