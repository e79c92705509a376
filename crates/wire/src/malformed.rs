//! What is wrong with a request's form.

use std::fmt;

/// How much of a field's name is repeated to whoever sent it.
const LONGEST_FIELD: usize = 80;

/// A request that does not have the form it should have. Says where, and never repeats a value.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Malformed {
    /// Not JSON, or a field is missing, unknown, twice there or of the wrong type.
    Request {
        /// Which field, as the interface names it; none if there is no field to name.
        field: Option<String>,
        /// What is wrong with it, for people.
        detail: String,
    },
    /// A number or text that is no amount.
    Amount {
        /// Which field.
        field: String,
        /// Why not, for people.
        detail: String,
    },
    /// A text that is no account id.
    AccountId {
        /// Which field or part of the path.
        field: String,
    },
}

impl Malformed {
    /// Something is wrong with one field.
    #[must_use]
    pub fn field(field: impl fmt::Display, detail: impl Into<String>) -> Self {
        Self::Request { field: Some(Self::shown(field)), detail: detail.into() }
    }

    /// A field's name as it is told back: names come from outside too, and may have any length.
    pub(crate) fn shown(field: impl fmt::Display) -> String {
        field.to_string().chars().take(LONGEST_FIELD).collect()
    }

    /// Something is wrong with the whole.
    #[must_use]
    pub fn whole(detail: impl Into<String>) -> Self {
        Self::Request { field: None, detail: detail.into() }
    }
}
