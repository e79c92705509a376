//! Telling customers what happened: how far each channel's feed got, what waits, what was given up, who wants what.
//!
//! The customers' events are the outbox; nothing is copied out of them. A feed remembers its place among them, and only
//! for customers with a delivery that failed, where that one stands. How a channel delivers is not known here.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::event::EventKind;
use crate::id::{CustomerId, FeedHolder, NotAnId};
use crate::time::Timestamp;

/// The name of a channel, and of its feed. 1 to 15 of `a–z`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ChannelName {
    bytes: [u8; 15],
    length: u8,
}

impl ChannelName {
    /// Reads a channel's name.
    ///
    /// # Errors
    /// [`NotAnId`] if it is empty, longer than 15 bytes or holds another character.
    pub fn parse(text: &str) -> Result<Self, NotAnId> {
        let length = u8::try_from(text.len()).map_err(|_| NotAnId)?;
        if !(1..=15).contains(&length) || !text.bytes().all(|b| b.is_ascii_lowercase()) {
            return Err(NotAnId);
        }
        let mut bytes = [0; 15];
        bytes[..text.len()].copy_from_slice(text.as_bytes());
        Ok(Self { bytes, length })
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.bytes[..usize::from(self.length)]).expect("only ASCII was taken in")
    }
}

impl fmt::Display for ChannelName {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.as_str())
    }
}

impl fmt::Debug for ChannelName {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "ChannelName({})", self.as_str())
    }
}

/// What receivers drop repeats by: the event's commit and its place in it. The same on every channel, for ever.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct NotificationId {
    /// The commit's writer …
    pub writer: u32,
    /// … and its number.
    pub seq: u64,
    /// The event's place among what the commit added.
    pub index: u32,
}

impl fmt::Display for NotificationId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}-{}-{}", self.writer, self.seq, self.index)
    }
}

/// Where an event stands among all events. Places are compared within a stream only: a store with one writer has one
/// stream, a shared store has one for each writer.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Place {
    /// The stream.
    pub stream: u32,
    /// Its order within the stream; numbers may be missing.
    pub number: u64,
}

/// How far a reader of events got: the last place in each stream, everything up to it included.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Cursor(pub BTreeMap<u32, u64>);

impl Cursor {
    /// The last number taken in of a stream; 0 before the first.
    #[must_use]
    pub fn number(&self, stream: u32) -> u64 {
        self.0.get(&stream).copied().unwrap_or(0)
    }

    /// Whether an event at this place was taken in.
    #[must_use]
    pub fn covers(&self, place: Place) -> bool {
        place.number <= self.number(place.stream)
    }

    /// Moves on to a place; never back.
    pub fn advance(&mut self, place: Place) {
        let number = self.0.entry(place.stream).or_insert(0);
        *number = (*number).max(place.number);
    }
}

/// Whether a database can have other hosts, who would want its feeds too.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Tenure {
    /// Whoever asks is the only one: whoever held a feed before is gone.
    Sole,
    /// A feed belongs to its holder until its time is over.
    Shared,
}

/// A channel's feed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Feed {
    /// The channel.
    pub channel: ChannelName,
    /// Who delivers it …
    pub holder: FeedHolder,
    /// … until when; others may take it from this instant on.
    pub until: Timestamp,
    /// Every event up to here was delivered, was not wanted, or belongs to a customer for whom one waits or was given
    /// up.
    pub cursor: Cursor,
}

/// A customer's delivery that failed and is tried again. Whatever else of theirs the feed's cursor covers waits
/// behind it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Waiting {
    /// The number of the event among the customer's.
    pub number: u64,
    /// How often it was tried. 0: it is next, the one before it was settled.
    pub attempts: u32,
    /// When it failed first, or became next.
    pub since: Timestamp,
    /// When it is tried again.
    pub due: Timestamp,
    /// What went wrong last, for people; nothing secret, no personal data.
    pub why: String,
}

/// A delivery that was given up. The customer's later events went on.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DeadLetter {
    /// The channel.
    pub channel: ChannelName,
    /// The notification.
    pub id: NotificationId,
    /// Whose.
    pub customer: CustomerId,
    /// The number of the event among the customer's.
    pub number: u64,
    /// What had happened.
    pub kind: EventKind,
    /// When it had happened.
    pub at: Timestamp,
    /// How often it was tried.
    pub attempts: u32,
    /// When it was given up.
    pub given_up: Timestamp,
    /// What went wrong last, for people; nothing secret, no personal data.
    pub why: String,
}

/// What a customer wants to be told of on a channel.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Wish {
    /// Everything, kinds that are yet to come included.
    All,
    /// Nothing.
    Nothing,
    /// These.
    Only(BTreeSet<EventKind>),
}

impl Wish {
    /// Whether an event of this kind is to be told.
    #[must_use]
    pub fn wants(&self, kind: EventKind) -> bool {
        match self {
            Self::All => true,
            Self::Nothing => false,
            Self::Only(kinds) => kinds.contains(&kind),
        }
    }

    /// As it is stored: `all`, `none`, or the kinds' names with commas between.
    #[must_use]
    pub fn to_text(&self) -> String {
        match self {
            Self::All => "all".to_owned(),
            Self::Nothing => "none".to_owned(),
            Self::Only(kinds) => kinds.iter().map(|kind| kind.name()).collect::<Vec<_>>().join(","),
        }
    }

    /// Reads what [`Self::to_text`] wrote.
    ///
    /// # Errors
    /// [`NotAnId`] for anything else.
    pub fn parse(text: &str) -> Result<Self, NotAnId> {
        match text {
            "all" => Ok(Self::All),
            "none" => Ok(Self::Nothing),
            "" => Ok(Self::Only(BTreeSet::new())),
            kinds => kinds.split(',').map(EventKind::parse).collect::<Result<_, _>>().map(Self::Only),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_names_of_lower_case_letters_alone() {
        assert_eq!(ChannelName::parse("webhook").map(|name| name.to_string()).as_deref(), Ok("webhook"));
        for bad in ["", "Email", "e-mail", "sms1", "abcdefghijklmnop", "ü"] {
            assert_eq!(ChannelName::parse(bad), Err(NotAnId), "{bad}");
        }
    }

    #[test]
    fn moves_forwards_within_each_stream() {
        let mut cursor = Cursor::default();
        let place = |stream, number| Place { stream, number };
        cursor.advance(place(1, 5));
        cursor.advance(place(2, 3));
        cursor.advance(place(1, 4));
        assert_eq!([cursor.number(1), cursor.number(2), cursor.number(3)], [5, 3, 0]);
        assert!(cursor.covers(place(1, 5)) && !cursor.covers(place(1, 6)) && !cursor.covers(place(2, 4)));
    }

    #[test]
    fn writes_wishes_down_and_reads_them_back() {
        let some = Wish::Only(BTreeSet::from([EventKind::Withdrawal, EventKind::CardBlocked]));
        assert_eq!(some.to_text(), "card_blocked,withdrawal");
        for wish in [some, Wish::All, Wish::Nothing, Wish::Only(BTreeSet::new())] {
            assert_eq!(Wish::parse(&wish.to_text()), Ok(wish));
        }
        assert_eq!(Wish::parse("withdrawal,"), Err(NotAnId));
        assert!(!Wish::Only(BTreeSet::from([EventKind::Fee])).wants(EventKind::Deposit));
    }
}
