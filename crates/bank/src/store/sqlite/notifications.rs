//! Reading what those who deliver notifications need. Events have one stream here: a file has one writer at a time, and
//! numbers its events in the order of their commits.

use std::collections::VecDeque;

use cashpoint_core::id::{CustomerId, FeedHolder};
use cashpoint_core::notification::{ChannelName, Cursor, DeadLetter, Feed, Place, Waiting, Wish};
use rusqlite::{Connection, OptionalExtension, Row};

use crate::store::{Outgoing, StoreError, notifications as codec, rows};

/// The one stream.
const STREAM: u32 = 0;

/// An event with all that [`outgoing`] reads. First parameter: the channel.
const OUTGOING: &str = "SELECT e.*, k.name AS kind_name, m.id AS place, w.kinds AS wish
     FROM events e JOIN event_kinds k ON k.code = e.kind LEFT JOIN machines m ON m.number = e.machine
         LEFT JOIN wishes w ON w.customer = e.customer AND w.channel = ?";

/// A feed's row, if there is one.
pub(super) fn feed(connection: &Connection, channel: ChannelName) -> rusqlite::Result<Option<Feed>> {
    let mut feed = connection.prepare_cached("SELECT holder, until FROM feeds WHERE channel = ?")?;
    let feed =
        feed.query_row([channel.as_str()], |row| Ok((FeedHolder::new(row.get("holder")?), rows::time(row, "until")?)));
    let Some((holder, until)) = feed.optional()? else {
        return Ok(None);
    };
    let mut cursor = Cursor::default();
    let mut places = connection.prepare_cached("SELECT stream, place FROM feed_cursors WHERE channel = ?")?;
    let mut places = places.query([channel.as_str()])?;
    while let Some(row) = places.next()? {
        cursor.advance(Place { stream: rows::number(row, "stream")?, number: rows::number(row, "place")? });
    }
    Ok(Some(Feed { channel, holder, until, cursor }))
}

/// Customers whose deliveries wait on a feed.
pub(super) fn waiting(connection: &Connection, channel: ChannelName) -> rusqlite::Result<Vec<(CustomerId, Waiting)>> {
    let mut statement = connection
        .prepare_cached("SELECT customer, number, attempts, since, due, why FROM feed_waiting WHERE channel = ?")?;
    let found = statement.query_map([channel.as_str()], |row| codec::waiting(row))?;
    found.collect()
}

/// Where the events end.
pub(super) fn events_end(connection: &Connection) -> rusqlite::Result<Cursor> {
    let mut last = connection.prepare_cached("SELECT coalesce(max(id), 0) AS id FROM events")?;
    let number = last.query_row([], |row| rows::number(row, "id"))?;
    let mut cursor = Cursor::default();
    cursor.advance(Place { stream: STREAM, number });
    Ok(cursor)
}

/// Events behind the cursor, in order.
pub(super) fn events_after(
    connection: &Connection,
    channel: ChannelName,
    cursor: &Cursor,
    limit: usize,
) -> Result<Vec<Outgoing>, StoreError> {
    let after = i64::try_from(cursor.number(STREAM)).unwrap_or(i64::MAX);
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let mut statement = connection.prepare_cached(&format!("{OUTGOING} WHERE e.id > ? ORDER BY e.id LIMIT ?"))?;
    let events = statement.query_map((channel.as_str(), after, limit), outgoing)?;
    Ok(events.collect::<rusqlite::Result<_>>()?)
}

/// Where a customer's events stand from a number on, oldest first. Walks their chain backwards.
pub(super) fn event_places(
    connection: &Connection,
    customer: CustomerId,
    from: u64,
    limit: usize,
) -> rusqlite::Result<Vec<Place>> {
    let mut head = connection.prepare_cached("SELECT last_event FROM customer_states WHERE id = ?")?;
    let mut next: Option<i64> = head.query_row([customer.number()], |row| row.get(0)).optional()?.flatten();
    let mut link = connection.prepare_cached("SELECT id, number, previous FROM events WHERE id = ?")?;
    let mut places = VecDeque::new();
    while let Some(id) = next {
        let (place, number, previous) = link.query_row([id], |row| {
            let place = Place { stream: STREAM, number: rows::number(row, "id")? };
            Ok((place, rows::number::<_, u64>(row, "number")?, row.get("previous")?))
        })?;
        if number < from {
            break;
        }
        places.push_front(place);
        places.truncate(limit);
        next = previous;
    }
    Ok(places.into())
}

/// The events at these places, in this order.
pub(super) fn events_at(
    connection: &Connection,
    channel: ChannelName,
    places: &[Place],
) -> Result<Vec<Outgoing>, StoreError> {
    let mut statement = connection.prepare_cached(&format!("{OUTGOING} WHERE e.id = ?"))?;
    let event = |place: &Place| {
        let id = i64::try_from(place.number).unwrap_or(i64::MAX);
        statement.query_row((channel.as_str(), id), outgoing)
    };
    Ok(places.iter().map(event).collect::<rusqlite::Result<_>>()?)
}

fn outgoing(row: &Row<'_>) -> rusqlite::Result<Outgoing> {
    codec::outgoing(row, Place { stream: STREAM, number: rows::number(row, "id")? })
}

/// What a customer wants to be told of, by channel.
pub(super) fn wishes(connection: &Connection, customer: CustomerId) -> rusqlite::Result<Vec<(ChannelName, Wish)>> {
    let mut statement =
        connection.prepare_cached("SELECT channel, kinds FROM wishes WHERE customer = ? ORDER BY channel")?;
    let wishes = statement.query_map([customer.number()], |row| codec::wish(row))?;
    wishes.collect()
}

/// Deliveries that were given up, latest first, each with its place in that order.
pub(super) fn dead_letters(
    connection: &Connection,
    before: Option<i64>,
    limit: usize,
) -> rusqlite::Result<Vec<(i64, DeadLetter)>> {
    let mut statement = connection.prepare_cached(
        "SELECT d.*, k.name AS kind_name FROM dead_letters d JOIN event_kinds k ON k.code = d.kind
         WHERE ?1 IS NULL OR d.id < ?1 ORDER BY d.id DESC LIMIT ?2",
    )?;
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let letters = statement.query_map((before, limit), |row| codec::dead_letter(row))?;
    letters.collect()
}
