//! The books on which events were told to whom, from rows.

use cashpoint_core::event::EventKind;
use cashpoint_core::id::CustomerId;
use cashpoint_core::notification::{ChannelName, DeadLetter, NotificationId, Place, Waiting, Wish};

use super::rows::{self, Read, Row};
use super::{Outgoing, history};

/// Columns: those of an event, see [`history::delivered`]; wish.
pub(super) fn outgoing<R: Row>(row: &R, place: Place) -> Read<R, Outgoing> {
    let wish = rows::parsed_if_any(row, "wish", |text| Wish::parse(text).ok())?;
    Ok(Outgoing { place, delivered: history::delivered(row)?, wish })
}

/// A row of `feed_waiting`.
pub(super) fn waiting<R: Row>(row: &R) -> Read<R, (CustomerId, Waiting)> {
    let waiting = Waiting {
        number: rows::number(row, "number")?,
        attempts: rows::number(row, "attempts")?,
        since: rows::time(row, "since")?,
        due: rows::time(row, "due")?,
        why: rows::text(row, "why")?,
    };
    Ok((rows::customer_id(row, "customer")?, waiting))
}

/// A row of `wishes`.
pub(super) fn wish<R: Row>(row: &R) -> Read<R, (ChannelName, Wish)> {
    Ok((channel(row)?, rows::parsed(row, "kinds", |text| Wish::parse(text).ok())?))
}

/// A row of `dead_letters`, and kind_name; with its number.
pub(super) fn dead_letter<R: Row>(row: &R) -> Read<R, (i64, DeadLetter)> {
    let letter = DeadLetter {
        channel: channel(row)?,
        id: NotificationId {
            writer: rows::number(row, "writer")?,
            seq: rows::number(row, "seq")?,
            index: rows::number(row, "idx")?,
        },
        customer: rows::customer_id(row, "customer")?,
        number: rows::number(row, "number")?,
        kind: rows::parsed(row, "kind_name", |name| EventKind::parse(name).ok())?,
        at: rows::time(row, "at")?,
        attempts: rows::number(row, "attempts")?,
        given_up: rows::time(row, "given_up")?,
        why: rows::text(row, "why")?,
    };
    Ok((rows::whole(row, "id")?, letter))
}

/// A channel's name.
pub(super) fn channel<R: Row>(row: &R) -> Read<R, ChannelName> {
    rows::parsed(row, "channel", |text| ChannelName::parse(text).ok())
}
