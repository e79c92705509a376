//! Histories: chains of rows, each walked by the server in one statement, into the archive where they lead there.
//!
//! A step of a chain is `LATERAL (… LIMIT 1)`: one look at the hot table's key, and only where nothing is found one at the
//! archive's. A plain join with both is taken for one with everything, and the server reads both from end to end.

use cashpoint_core::id::{AccountNumber, CustomerId, MachineId, TransferId};
use cashpoint_core::notification::Place;

use super::link::{Link, LinkError, Query, Value};
use super::load::row_id;
use super::values::Uuid;
use super::{EVENTS_OF_A_WRITER, WITHIN};
use crate::store::history::{broken, delivered, history_entry, own_entry};
use crate::store::rows;
use crate::store::{Delivered, HistoryEntry, HistoryQuery, StoreError};

type Row = tokio_postgres::Row;

/// A transfer with everything that its meaning takes; `t` is its row.
macro_rules! transfer {
    ($with:literal, $from:literal) => {
        concat!(
            $with,
            " SELECT t.*, k.name AS kind_name, coalesce(d.code, d.id::text) AS debit_code,
                 coalesce(c.code, c.id::text) AS credit_code, d.currency, m.id AS place, s.state, s.paid, s.case_id
             FROM ",
            $from,
            " JOIN transfer_kinds k ON k.code = t.kind
                 JOIN accounts d ON d.id = t.debit JOIN accounts c ON c.id = t.credit
                 LEFT JOIN machines m ON m.number = t.machine LEFT JOIN withdrawal_states s ON s.id = t.id "
        )
    };
}

/// One transfer: its id.
const ONE: &str = concat!(transfer!("", "all_transfers t"), "WHERE t.id = $1");

/// The chain of an account's entries: the account, the first transfer, not before, before, how many.
const CHAIN: &str = concat!(
    transfer!(
        "WITH RECURSIVE chain (id, place, shown) AS (
             SELECT $2::uuid, 0::bigint, 0::bigint WHERE $5::bigint > 0
             UNION ALL
             SELECT CASE WHEN t.debit = $1 THEN t.debit_previous ELSE t.credit_previous END, p.place + 1,
                 p.shown + CASE WHEN t.at < $4 THEN 1 ELSE 0 END
             FROM chain p CROSS JOIN LATERAL (SELECT * FROM all_transfers WHERE id = p.id LIMIT 1) AS t
             WHERE t.at >= $3 AND p.shown + CASE WHEN t.at < $4 THEN 1 ELSE 0 END < $5
         )",
        "chain p CROSS JOIN LATERAL (SELECT * FROM all_transfers WHERE id = p.id LIMIT 1) AS t"
    ),
    "WHERE t.at >= $3 AND t.at < $4 ORDER BY p.place"
);

/// The chain of a machine's transfers: the first, how many.
const MACHINE_CHAIN: &str = concat!(
    transfer!(
        "WITH RECURSIVE chain (id, place) AS (
             SELECT $1::uuid, 1::bigint WHERE $2::bigint > 0
             UNION ALL
             SELECT t.machine_previous, p.place + 1
             FROM chain p CROSS JOIN LATERAL (SELECT * FROM all_transfers WHERE id = p.id LIMIT 1) AS t
             WHERE p.place < $2
         )",
        "chain p CROSS JOIN LATERAL (SELECT * FROM all_transfers WHERE id = p.id LIMIT 1) AS t"
    ),
    "ORDER BY p.place"
);

/// The chain of a customer's events, from the newest down to those after a number: the customer, the number. `e` is
/// the event's row; the rest of the statement follows.
macro_rules! events {
    ($select:literal, $rest:literal) => {
        concat!(
            "WITH RECURSIVE chain (id) AS (
                 SELECT last_event FROM customer_states WHERE id = $1
                 UNION ALL
                 SELECT e.previous FROM chain p
                     CROSS JOIN LATERAL (SELECT * FROM all_events WHERE id = p.id LIMIT 1) AS e WHERE e.number > $2
             ) SELECT ",
            $select,
            " FROM chain p CROSS JOIN LATERAL (SELECT * FROM all_events WHERE id = p.id LIMIT 1) AS e ",
            $rest
        )
    };
}

/// What one statement finds.
fn found(link: &mut Link, sql: &'static str, values: Vec<Value<'_>>) -> Result<Vec<Row>, LinkError> {
    Ok(link.run_one(Query::new(sql, values), WITHIN)?.rows)
}

/// What rows mean.
pub(super) fn read<T>(rows: &[Row], read: impl Fn(&Row) -> Result<T, StoreError>) -> Result<Vec<T>, LinkError> {
    rows.iter().map(read).collect::<Result<_, _>>().map_err(LinkError::Unreadable)
}

fn limit(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

/// One transfer.
pub(super) fn transfer(link: &mut Link, id: TransferId) -> Result<Option<HistoryEntry>, LinkError> {
    let rows = found(link, ONE, vec![Box::new(Uuid::from(id))])?;
    Ok(read(&rows, history_entry)?.pop())
}

/// A page of an account's history, newest first.
pub(super) fn account(link: &mut Link, query: &HistoryQuery) -> Result<Vec<HistoryEntry>, LinkError> {
    let Some(account) = row_id(query.account) else { return Ok(Vec::new()) };
    let Some(first) = first(link, query, account)? else { return Ok(Vec::new()) };
    let from = query.from.map_or(i64::MIN, |from| from.micros());
    let to = query.to.map_or(i64::MAX, |to| to.micros());
    let values: Vec<Value<'_>> = vec![
        Box::new(account),
        Box::new(Uuid::from(first)),
        Box::new(from),
        Box::new(to),
        Box::new(limit(query.limit)),
    ];
    let page = read(&found(link, CHAIN, values)?, history_entry)?;
    check(&page, query.account, query.limit, (query.from.is_none(), query.to.is_none()))?;
    Ok(page)
}

/// Where the page begins.
fn first(link: &mut Link, query: &HistoryQuery, account: i64) -> Result<Option<TransferId>, LinkError> {
    match query.before {
        None => {
            let rows = found(link, "SELECT head FROM accounts WHERE id = $1", vec![Box::new(account)])?;
            Ok(read(&rows, |row| rows::transfer_id_if_any(row, "head"))?.pop().flatten())
        }
        Some((number, holder)) => {
            let shown = transfer(link, holder)?;
            let entry = shown.and_then(|shown| own_entry(&shown.transfer, query.account));
            Ok(entry.filter(|entry| entry.number == number).and_then(|entry| entry.previous))
        }
    }
}

/// A page that is not cut by time ends because it is full, or with the account's first entry.
fn check(
    page: &[HistoryEntry],
    account: AccountNumber,
    limit: usize,
    (from_the_first, to_the_last): (bool, bool),
) -> Result<(), LinkError> {
    let Some(last) = page.last().filter(|_| from_the_first && to_the_last && page.len() < limit) else {
        return Ok(());
    };
    match own_entry(&last.transfer, account).and_then(|entry| entry.previous) {
        Some(missing) => Err(LinkError::Unreadable(broken(missing))),
        None => Ok(()),
    }
}

/// A machine's latest transfers before one of them, newest first.
pub(super) fn machine(
    link: &mut Link,
    machine: MachineId,
    before: Option<TransferId>,
    most: usize,
) -> Result<Vec<HistoryEntry>, LinkError> {
    let rows = match before {
        None => {
            let sql = "SELECT h.last_transfer AS next FROM machines m JOIN holdings h ON h.machine = m.number WHERE m.id = $1";
            found(link, sql, vec![Box::new(machine.as_str().to_owned())])?
        }
        Some(shown) => {
            let sql = "SELECT t.machine_previous AS next FROM all_transfers t JOIN machines m ON m.number = t.machine
                 WHERE t.id = $1 AND m.id = $2";
            found(link, sql, vec![Box::new(Uuid::from(shown)), Box::new(machine.as_str().to_owned())])?
        }
    };
    let Some(first) = read(&rows, |row| rows::transfer_id_if_any(row, "next"))?.pop().flatten() else {
        return Ok(Vec::new());
    };
    let values: Vec<Value<'_>> = vec![Box::new(Uuid::from(first)), Box::new(limit(most))];
    read(&found(link, MACHINE_CHAIN, values)?, history_entry)
}

/// A customer's events after a number, oldest first.
pub(super) fn events(
    link: &mut Link,
    customer: CustomerId,
    after: u64,
    most: usize,
) -> Result<Vec<Delivered>, LinkError> {
    let sql = events!(
        "e.*, k.name AS kind_name, m.id AS place",
        "JOIN event_kinds k ON k.code = e.kind LEFT JOIN machines m ON m.number = e.machine
         WHERE e.number > $2 ORDER BY e.number LIMIT $3"
    );
    let after = i64::try_from(after).unwrap_or(i64::MAX);
    let values: Vec<Value<'_>> = vec![Box::new(customer.number()), Box::new(after), Box::new(limit(most))];
    read(&found(link, sql, values)?, delivered)
}

/// Where a customer's events stand from a number on, oldest first.
pub(super) fn places(link: &mut Link, customer: CustomerId, from: u64, most: usize) -> Result<Vec<Place>, LinkError> {
    let sql = events!("e.id", "WHERE e.number > $2 ORDER BY e.number LIMIT $3");
    let after = i64::try_from(from).unwrap_or(i64::MAX).saturating_sub(1);
    let values: Vec<Value<'_>> = vec![Box::new(customer.number()), Box::new(after), Box::new(limit(most))];
    read(&found(link, sql, values)?, place)
}

/// The place of the event whose row this is: its writer, and the writer's own count.
pub(super) fn place(row: &Row) -> Result<Place, StoreError> {
    let id = rows::whole(row, "id")?;
    let (stream, number) = (id.div_euclid(EVENTS_OF_A_WRITER), id.rem_euclid(EVENTS_OF_A_WRITER));
    let stream = u32::try_from(stream).map_err(|_| rows::corrupt::<StoreError>("events.id", id))?;
    Ok(Place { stream, number: number.unsigned_abs() })
}
