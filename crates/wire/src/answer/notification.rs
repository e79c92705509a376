//! What customers want to be told of, what was given up, and the body of a webhook.

use cashpoint_core::event::Event;
use cashpoint_core::id::CustomerId;
use cashpoint_core::notification::{ChannelName, DeadLetter, NotificationId, Wish};
use cashpoint_core::time::Timestamp;
use serde::Serialize;
use serde::ser::{SerializeSeq, Serializer};
use utoipa::ToSchema;

use super::history::NotificationAnswer;
use super::shown;
use crate::schema;

/// What a customer wants to be told of, by channel: `{"email":["card_blocked","withdrawal"],"webhook":"all"}`.
#[derive(Clone, Debug)]
pub struct WishesAnswer(pub Vec<(ChannelName, Wish)>);

impl Serialize for WishesAnswer {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(channel, wish)| (channel.as_str(), Shown(wish))))
    }
}

struct Shown<'a>(&'a Wish);

impl Serialize for Shown<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Wish::All => serializer.serialize_str("all"),
            Wish::Nothing => serializer.serialize_str("none"),
            Wish::Only(kinds) => {
                let mut list = serializer.serialize_seq(Some(kinds.len()))?;
                for kind in kinds {
                    list.serialize_element(kind.name())?;
                }
                list.end()
            }
        }
    }
}

/// A page of deliveries that were given up, latest first.
#[derive(Clone, Serialize, Debug, ToSchema)]
pub struct DeadLettersAnswer {
    /// The deliveries.
    pub dead_letters: Vec<DeadLetterAnswer>,
    /// What to ask the next page with; null on the last.
    #[schema(required)]
    pub next_cursor: Option<String>,
}

/// A delivery that was given up.
#[derive(Clone, Serialize, Debug, ToSchema)]
pub struct DeadLetterAnswer {
    /// What was to be delivered.
    #[serde(serialize_with = "shown")]
    #[schema(value_type = schema::NotificationId)]
    notification_id: NotificationId,
    /// On which channel.
    #[serde(serialize_with = "shown")]
    #[schema(value_type = schema::ChannelName)]
    channel: ChannelName,
    /// To whom.
    #[serde(serialize_with = "shown")]
    #[schema(value_type = schema::CustomerId)]
    customer_id: CustomerId,
    /// Its number among the customer's events.
    number: u64,
    /// What had happened.
    #[serde(rename = "type")]
    #[schema(rename = "type", value_type = schema::EventType)]
    kind: &'static str,
    /// When that was.
    #[serde(serialize_with = "shown")]
    #[schema(value_type = schema::Instant)]
    created_at: Timestamp,
    /// How often it was tried.
    #[schema(value_type = schema::Count)]
    attempts: u32,
    /// When it was given up.
    #[serde(serialize_with = "shown")]
    #[schema(value_type = schema::Instant)]
    given_up_at: Timestamp,
    /// Why, for people.
    reason: String,
}

impl From<DeadLetter> for DeadLetterAnswer {
    fn from(letter: DeadLetter) -> Self {
        Self {
            notification_id: letter.id,
            channel: letter.channel,
            customer_id: letter.customer,
            number: letter.number,
            kind: letter.kind.name(),
            created_at: letter.at,
            attempts: letter.attempts,
            given_up_at: letter.given_up,
            reason: letter.why,
        }
    }
}

/// The body of a webhook: `{"type":"withdrawal","timestamp":"…","data":{…}}`, the data as the outbox shows it.
#[derive(Clone, Serialize, Debug)]
pub struct WebhookBody {
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(serialize_with = "shown")]
    timestamp: Timestamp,
    data: NotificationAnswer,
}

impl WebhookBody {
    /// The message about an event.
    #[must_use]
    pub fn new(id: NotificationId, event: &Event) -> Self {
        Self { kind: event.kind.name(), timestamp: event.at, data: NotificationAnswer::new(id.to_string(), event) }
    }
}

#[cfg(test)]
mod tests {
    use cashpoint_core::currency::Currency;
    use cashpoint_core::event::{About, EventKind};
    use cashpoint_core::money::Amount;
    use expect_test::{Expect, expect};

    use super::*;
    use crate::answer::to_json;

    const AT: Timestamp = Timestamp::from_micros(1_800_000_000_000_000);
    const ID: NotificationId = NotificationId { writer: 1, seq: 2, index: 3 };

    #[track_caller]
    fn check(answer: &impl Serialize, expected: Expect) {
        expected.assert_eq(&String::from_utf8(to_json(answer)).unwrap());
    }

    fn channel(name: &str) -> ChannelName {
        ChannelName::parse(name).unwrap()
    }

    #[test]
    fn it_shows_wishes_by_channel() {
        let some = Wish::Only([EventKind::Withdrawal, EventKind::CardBlocked].into());
        let none = Wish::Only([].into());
        let answer =
            WishesAnswer(vec![(channel("email"), some), (channel("webhook"), Wish::All), (channel("x"), none)]);
        check(&answer, expect![[r#"{"email":["card_blocked","withdrawal"],"webhook":"all","x":[]}"#]]);
        check(&WishesAnswer(vec![(channel("email"), Wish::Nothing)]), expect![[r#"{"email":"none"}"#]]);
    }

    #[test]
    fn it_lists_what_was_given_up() {
        let letter = DeadLetter {
            channel: channel("webhook"),
            id: ID,
            customer: CustomerId::new(77),
            number: 4,
            kind: EventKind::Deposit,
            at: AT,
            attempts: 20,
            given_up: AT,
            why: "HTTP 410".to_owned(),
        };
        let page = DeadLettersAnswer { dead_letters: vec![letter.into()], next_cursor: None };
        check(
            &page,
            expect![[
                r#"{"dead_letters":[{"notification_id":"1-2-3","channel":"webhook","customer_id":"77","number":4,"type":"deposit","created_at":"2027-01-15T08:00:00.000Z","attempts":20,"given_up_at":"2027-01-15T08:00:00.000Z","reason":"HTTP 410"}],"next_cursor":null}"#
            ]],
        );
    }

    #[test]
    fn it_wraps_a_notification_for_a_webhook() {
        let about = About { amount: Some(Amount::new(100_00, Currency::USD)), ..About::default() };
        let event = Event { customer: CustomerId::new(77), number: 4, kind: EventKind::Withdrawal, at: AT, about };
        check(
            &WebhookBody::new(ID, &event),
            expect![[
                r#"{"type":"withdrawal","timestamp":"2027-01-15T08:00:00.000Z","data":{"notification_id":"1-2-3","customer_id":"77","number":4,"type":"withdrawal","created_at":"2027-01-15T08:00:00.000Z","amount":100.00,"currency":"USD"}}"#
            ]],
        );
    }
}
