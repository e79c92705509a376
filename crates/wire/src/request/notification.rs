//! What a customer wants to be told of. Which channels there are is the host's to know.

use std::collections::BTreeSet;

use cashpoint_core::event::EventKind;
use cashpoint_core::notification::Wish;

use crate::malformed::Malformed;
use crate::object::{Object, Value};

/// Reads `{"email":["withdrawal",…],"webhook":"all"}`: a channel's value is `"all"`, `"none"` or a list of kinds of
/// events, not empty.
///
/// # Errors
/// [`Malformed`] names the channel, or the place in its list, that is wrong.
pub fn read(body: &str) -> Result<Vec<(String, Wish)>, Malformed> {
    let object = Object::parse_open(body)?;
    object.members().map(|(channel, value)| Ok((channel.to_owned(), wish(value)?))).collect()
}

fn wish(value: Value<'_, '_>) -> Result<Wish, Malformed> {
    if value.is_text() {
        return match value.text()?.as_ref() {
            "all" => Ok(Wish::All),
            "none" => Ok(Wish::Nothing),
            _ => Err(value.must_be("\"all\", \"none\" or a list of kinds of events")),
        };
    }
    let kinds: BTreeSet<EventKind> = value
        .list(EventKind::ALL.len())?
        .into_iter()
        .map(|kind| kind.parsed("a kind of event, such as withdrawal", EventKind::parse))
        .collect::<Result<_, _>>()?;
    Ok(Wish::Only(kinds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_reads_all_none_and_lists() {
        let some = Wish::Only([EventKind::Withdrawal, EventKind::Fee].into());
        let read = read(r#"{"email":["withdrawal","fee"],"webhook":"all","x":"none"}"#).unwrap();
        let of = |channel: &str, wish| (channel.to_owned(), wish);
        assert_eq!(read, [of("email", some), of("webhook", Wish::All), of("x", Wish::Nothing)]);
    }

    #[test]
    fn it_names_what_is_wrong() {
        let check = |body: &str, expected: Option<&str>| match read(body) {
            Err(Malformed::Request { field, .. }) => assert_eq!(field.as_deref(), expected, "{body}"),
            other => panic!("{body}: {other:?}"),
        };
        check("[]", None);
        check(r#"{"email":"some"}"#, Some("email"));
        check(r#"{"email":null}"#, Some("email"));
        check(r#"{"email":true}"#, Some("email"));
        check(r#"{"email":[]}"#, Some("email"));
        check(r#"{"email":["withdrawal","cash"]}"#, Some("email[1]"));
        check(r#"{"email":[1]}"#, Some("email[0]"));
        check(r#"{"email":"all","email":"none"}"#, Some("email"));
    }
}
