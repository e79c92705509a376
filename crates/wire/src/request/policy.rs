//! Policy values. Which names there are, and what each may be, is the bank's to know.

use cashpoint_core::money::Decimal;

use crate::malformed::Malformed;
use crate::object::Object;

/// A policy value as it was sent.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum SentValue {
    /// `null`: no limit.
    Nothing,
    /// A number.
    Number(Decimal),
    /// A text.
    Text(String),
}

/// Reads `{"name": value, …}`, in the order sent.
///
/// # Errors
/// [`Malformed`] unless it is an object of numbers, texts and `null`s, with at least one of them.
pub fn read(body: &str) -> Result<Vec<(String, SentValue)>, Malformed> {
    let object = Object::parse_open(body)?;
    let mut values = Vec::new();
    for (name, value) in object.members() {
        let sent = if value.is_null() {
            SentValue::Nothing
        } else if value.is_text() {
            SentValue::Text(value.text()?.into_owned())
        } else {
            SentValue::Number(value.amount_or_zero()?)
        };
        values.push((name.to_owned(), sent));
    }
    if values.is_empty() { Err(Malformed::whole("no value is named")) } else { Ok(values) }
}
