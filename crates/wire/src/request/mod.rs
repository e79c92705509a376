//! Request bodies and query strings, read into what the bank is asked with. One file per part of the interface.

pub mod card;
pub mod case;
pub mod cash;
pub mod customer;
pub mod listing;
pub mod machine;
pub mod notification;
pub mod partition;
pub mod policy;
pub mod session;

use crate::malformed::Malformed;
use crate::object::Object;

/// Longest location, name or address line, in characters.
pub(crate) const LONGEST_LINE: usize = 200;

/// A body that is read from a JSON object.
pub trait Body: Sized {
    /// The fields that it may have.
    const FIELDS: &'static [&'static str];

    /// Reads the fields.
    ///
    /// # Errors
    /// [`Malformed`] says which field is wrong.
    fn read(object: &Object<'_>) -> Result<Self, Malformed>;

    /// Reads a whole body.
    ///
    /// # Errors
    /// [`Malformed`] says what is wrong.
    fn parse(body: &str) -> Result<Self, Malformed> {
        Self::read(&Object::parse(body, Self::FIELDS)?)
    }
}

#[cfg(test)]
mod tests;
