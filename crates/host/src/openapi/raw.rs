//! Examples in the document exactly as they were written.
//!
//! A JSON library turns `100.00` into `100.0`, and the decimals are what an amount's example is to show. So an example
//! goes into the document as a text that only stands for it, and is put in its place when the document is written.

use serde_json::Value;
use utoipa::openapi::example::{Example, ExampleBuilder};

/// Begins a text that stands for an example; of Unicode's private use area, so no other text begins with it.
const MARK: char = '\u{e000}';

/// Examples that were given out.
#[derive(Default)]
pub(super) struct Examples(Vec<String>);

impl Examples {
    /// An example whose value is this JSON.
    pub(super) fn example(&mut self, summary: &str, json: impl Into<String>) -> Example {
        let value = Value::from(format!("{MARK}{}", self.0.len()));
        self.0.push(json.into());
        ExampleBuilder::new().summary(summary).value(Some(value)).build()
    }

    /// What was written where `value` stands for it.
    pub(super) fn written(&self, value: &Value) -> Option<&str> {
        let number: usize = value.as_str()?.strip_prefix(MARK)?.parse().ok()?;
        self.0.get(number).map(String::as_str)
    }

    /// Puts the examples in their places.
    pub(super) fn put_into(&self, document: &str) -> String {
        let mut written = String::with_capacity(document.len() + self.0.iter().map(String::len).sum::<usize>());
        let begin = format!("\"{MARK}");
        let mut parts = document.split(begin.as_str());
        written.push_str(parts.next().unwrap_or_default());
        for part in parts {
            let (number, rest) = part.split_once('"').expect("a text that stands for an example ends");
            let number: usize = number.parse().expect("it holds the example's number");
            written.push_str(&self.0[number]);
            written.push_str(rest);
        }
        written
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_keeps_decimals() {
        let mut examples = Examples::default();
        let (one, two) = (examples.example("One", r#"{"amount":100.00}"#), examples.example("Two", "1.0"));
        let document = serde_json::to_string(&[two, one]).unwrap();
        assert_eq!(
            examples.put_into(&document),
            r#"[{"summary":"Two","value":1.0},{"summary":"One","value":{"amount":100.00}}]"#
        );
    }
}
