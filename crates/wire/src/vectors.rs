//! Reads the published vectors beside the tests.

use data_encoding::HEXUPPER;
use serde_json::Value;

/// The vectors of a file. Its first element says where they come from.
pub(crate) fn of(file: &str) -> Vec<Value> {
    let all: Vec<Value> = serde_json::from_str(file).expect("the vectors are JSON");
    all.into_iter().skip(1).collect()
}

/// A text of a vector; empty if it has none of this name.
pub(crate) fn text<'v>(vector: &'v Value, name: &str) -> &'v str {
    vector[name].as_str().unwrap_or_default()
}

/// Bytes of a vector.
pub(crate) fn hex(vector: &Value, name: &str) -> Vec<u8> {
    HEXUPPER.decode(text(vector, name).as_bytes()).expect("the vectors' bytes are hexadecimal")
}
