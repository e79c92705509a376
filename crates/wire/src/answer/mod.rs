//! Answers as JSON. One file per part of the interface; each answer is made from values of the core.
//!
//! Ids and instants are texts, amounts numbers; what does not apply is left out, except where a `null` says something.

pub mod case;
pub mod cash;
pub mod customer;
pub mod history;
pub mod machine;
pub mod notification;
pub mod policy;
pub mod replenishment;
pub mod session;
pub mod terminal;

use std::fmt::Display;

use serde::ser::{Serialize, Serializer};

/// Most answers fit, so that they are written without moving.
const USUAL_LENGTH: usize = 384;

/// An answer's bytes.
///
/// # Panics
/// Never: keys are texts, and writing to memory does not fail.
#[must_use]
pub fn to_json(answer: &impl Serialize) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(USUAL_LENGTH);
    serde_json::to_writer(&mut bytes, answer).expect("answers have text keys, and memory takes them");
    bytes
}

/// Something that is written as the text it shows itself with.
#[derive(Clone, Copy, Debug)]
pub struct Text<T>(pub T);

impl<T: Display> Serialize for Text<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

/// Writes a field as the text it shows itself with.
pub(crate) fn shown<T: Display, S: Serializer>(value: &T, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(value)
}

/// As [`shown`], for a field that may be nothing.
pub(crate) fn shown_option<T: Display, S: Serializer>(value: &Option<T>, serializer: S) -> Result<S::Ok, S::Error> {
    match value {
        Some(value) => serializer.collect_str(value),
        None => serializer.serialize_none(),
    }
}

/// A list under its plural name, such as `{"accounts":[…]}`.
#[derive(Clone, Copy, Debug)]
pub struct Listed<'a, T>(pub &'static str, pub &'a [T]);

impl<T: Serialize> Serialize for Listed<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map([(self.0, self.1)])
    }
}
