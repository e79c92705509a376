//! Reading what those who deliver notifications need. Each writer's events are a stream of their own. Across streams
//! they are handed out by their instant: it is that of the commit, which is later than that of every commit whose rows it
//! rests on, so a customer's events come in the order of their numbers.

use cashpoint_core::id::CustomerId;
use cashpoint_core::notification::{ChannelName, Cursor, DeadLetter, Place, Wish};

use super::history::{place, read};
use super::link::{Answer, Link, LinkError, Query, Value, column};
use super::{EVENTS_OF_A_WRITER, READ_ONLY, WITHIN, load};
use crate::store::notifications as codec;
use crate::store::{FeedRows, Outgoing, StoreError};

type Row = tokio_postgres::Row;

/// An event with all that [`outgoing`] reads. First parameter: the channel.
macro_rules! outgoing {
    ($from:literal, $rest:literal) => {
        concat!(
            "SELECT e.*, k.name AS kind_name, m.id AS place, w.kinds AS wish FROM ",
            $from,
            " JOIN event_kinds k ON k.code = e.kind LEFT JOIN machines m ON m.number = e.machine
                 LEFT JOIN wishes w ON w.customer = e.customer AND w.channel = $1 ",
            $rest
        )
    };
}

fn outgoing(row: &Row) -> Result<Outgoing, StoreError> {
    codec::outgoing(row, place(row)?)
}

/// A channel's feed, and the customers whose deliveries wait on it.
pub(super) fn feed(link: &mut Link, channel: ChannelName) -> Result<Option<FeedRows>, LinkError> {
    let about = || -> Vec<Value<'static>> { vec![Box::new(channel.as_str().to_owned())] };
    let queries = [
        Query::plain(READ_ONLY),
        Query::new("SELECT channel, holder, until FROM feeds WHERE channel = $1", about()),
        Query::new("SELECT stream, place FROM feed_cursors WHERE channel = $1", about()),
        Query::new(
            "SELECT customer, number, attempts, since, due, why FROM feed_waiting WHERE channel = $1 ORDER BY customer",
            about(),
        ),
        Query::plain("COMMIT"),
    ];
    let answers = link.run(&queries, WITHIN)?;
    let [_, Answer { rows: feeds, .. }, Answer { rows: places, .. }, Answer { rows: waiting, .. }, ..] =
        answers.as_slice()
    else {
        return Ok(None);
    };
    let Some(mut feed) = read(feeds, load::feed)?.pop() else { return Ok(None) };
    read(places, load::place)?.into_iter().for_each(|place| feed.cursor.advance(place));
    Ok(Some((feed, read(waiting, codec::waiting)?)))
}

/// Where the events end.
pub(super) fn events_end(link: &mut Link) -> Result<Cursor, LinkError> {
    let sql = "SELECT l.id FROM writers w CROSS JOIN LATERAL (SELECT greatest(
             (SELECT max(e.id) FROM events e WHERE e.id >= w.id * $1 AND e.id < (w.id + 1) * $1),
             (SELECT max(e.id) FROM archived_events e WHERE e.id >= w.id * $1 AND e.id < (w.id + 1) * $1)) AS id) AS l
         WHERE l.id IS NOT NULL";
    let answer = link.run_one(Query::new(sql, vec![Box::new(EVENTS_OF_A_WRITER)]), WITHIN)?;
    let mut cursor = Cursor::default();
    read(&answer.rows, place)?.into_iter().for_each(|place| cursor.advance(place));
    Ok(cursor)
}

/// Events behind the cursor.
pub(super) fn events_after(
    link: &mut Link,
    channel: ChannelName,
    cursor: &Cursor,
    limit: usize,
) -> Result<Vec<Outgoing>, LinkError> {
    let sql = outgoing!(
        "writers o LEFT JOIN unnest($2::bigint[], $3::bigint[]) AS c (stream, place) ON c.stream = o.id
         CROSS JOIN LATERAL (
             SELECT * FROM all_events b WHERE b.id > o.id * $4 + coalesce(c.place, 0) AND b.id < (o.id + 1) * $4
             ORDER BY b.id LIMIT $5) AS e",
        "ORDER BY e.at, e.id LIMIT $5"
    );
    let places = cursor.0.values().map(|place| i64::try_from(*place).unwrap_or(EVENTS_OF_A_WRITER));
    let values: Vec<Value<'_>> = vec![
        Box::new(channel.as_str().to_owned()),
        column(cursor.0.keys().copied().map(i64::from)),
        column(places),
        Box::new(EVENTS_OF_A_WRITER),
        Box::new(i64::try_from(limit).unwrap_or(i64::MAX)),
    ];
    read(&link.run_one(Query::new(sql, values), WITHIN)?.rows, outgoing)
}

/// The events at these places, in this order.
pub(super) fn events_at(link: &mut Link, channel: ChannelName, places: &[Place]) -> Result<Vec<Outgoing>, LinkError> {
    let sql = outgoing!(
        "unnest($2::bigint[]) WITH ORDINALITY AS p (id, at_place)
         CROSS JOIN LATERAL (SELECT * FROM all_events WHERE id = p.id LIMIT 1) AS e",
        "ORDER BY p.at_place"
    );
    let id = |place: &Place| {
        let number = i64::try_from(place.number).unwrap_or(EVENTS_OF_A_WRITER);
        i64::from(place.stream) * EVENTS_OF_A_WRITER + number
    };
    let values: Vec<Value<'_>> = vec![Box::new(channel.as_str().to_owned()), column(places.iter().map(id))];
    read(&link.run_one(Query::new(sql, values), WITHIN)?.rows, outgoing)
}

/// What a customer wants to be told of, by channel.
pub(super) fn wishes(link: &mut Link, customer: CustomerId) -> Result<Vec<(ChannelName, Wish)>, LinkError> {
    let sql = "SELECT channel, kinds FROM wishes WHERE customer = $1 ORDER BY channel";
    let answer = link.run_one(Query::new(sql, vec![Box::new(customer.number())]), WITHIN)?;
    read(&answer.rows, codec::wish)
}

/// Deliveries that were given up, latest first, each with its place in that order.
pub(super) fn dead_letters(
    link: &mut Link,
    before: Option<i64>,
    limit: usize,
) -> Result<Vec<(i64, DeadLetter)>, LinkError> {
    let sql = "SELECT d.*, k.name AS kind_name FROM dead_letters d JOIN event_kinds k ON k.code = d.kind
         WHERE d.id < $1 ORDER BY d.id DESC LIMIT $2";
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let values: Vec<Value<'_>> = vec![Box::new(before.unwrap_or(i64::MAX)), Box::new(limit)];
    read(&link.run_one(Query::new(sql, values), WITHIN)?.rows, codec::dead_letter)
}
