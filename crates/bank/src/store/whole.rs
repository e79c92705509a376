//! A bank's rows as a whole: which tables there are, and where what a file holds stands on a server.
//!
//! Columns are those that the server has; each is read from the file's column of the same name, but for those named here.
//! A table or column that a later version adds on both sides is taken along by itself, and one that it adds on one side
//! alone is an error, so nothing can be forgotten. Nothing is decoded: a row arrives as it was.

use std::error::Error;

use bytes::BytesMut;
use tokio_postgres::types::{IsNull, ToSql, Type, to_sql_checked};

use super::StoreError;

/// Tables, each after those that it refers to. The bank's own mark is last: without it there is no bank.
pub(crate) const TABLES: &[(&str, Filled)] = &[
    ("writers", Filled::Copied),
    ("policies", Filled::Copied),
    ("commits", Filled::Copied),
    ("business_day", Filled::Copied),
    ("customers", Filled::Copied),
    ("customer_states", Filled::Copied),
    ("emails", Filled::Copied),
    ("tries", Filled::Copied),
    ("operators", Filled::Copied),
    ("machines", Filled::Copied),
    ("machine_states", Filled::Copied),
    ("holdings", Filled::Copied),
    ("accounts", Filled::Copied),
    ("cards", Filled::Copied),
    ("card_accounts", Filled::Copied),
    ("card_states", Filled::Copied),
    ("card_numbers", Filled::Copied),
    ("card_pins", Filled::Copied),
    ("unknown_pins", Filled::Copied),
    ("sessions", Filled::Copied),
    ("session_states", Filled::Copied),
    ("transfer_kinds", Filled::WithTheSchema),
    ("transfers", Filled::Copied),
    ("bank_totals", Filled::Computed),
    ("requests", Filled::Copied),
    ("daily_use", Filled::Copied),
    ("withdrawals", Filled::Copied),
    ("cases", Filled::Copied),
    ("withdrawal_states", Filled::Copied),
    ("event_kinds", Filled::WithTheSchema),
    ("events", Filled::Copied),
    ("audit", Filled::Copied),
    ("feeds", Filled::Copied),
    ("feed_cursors", Filled::Copied),
    ("feed_waiting", Filled::Copied),
    ("dead_letters", Filled::Copied),
    ("wishes", Filled::Copied),
    ("terminals", Filled::Copied),
    ("terminal_keys", Filled::Copied),
    ("leases", Filled::Copied),
    ("visits", Filled::Copied),
    ("notices", Filled::Copied),
    ("replenishments", Filled::Copied),
    ("archived_transfers", Filled::LeftEmpty),
    ("archived_events", Filled::LeftEmpty),
    ("tenure", Filled::ItsOwn),
    ("bank", Filled::Copied),
];

/// Where a table's rows on the server come from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Filled {
    /// From the file's table.
    Copied,
    /// From the migrations, which gave the file the same.
    WithTheSchema,
    /// From other rows on the server.
    Computed,
    /// Nowhere: a file has no such table, and what is copied comes without any.
    LeftEmpty,
    /// From the migrations, which gave the file nothing like it.
    ItsOwn,
}

impl Filled {
    /// Whether an empty bank's table has rows.
    pub(crate) const fn comes_with_the_schema(self) -> bool {
        match self {
            Self::WithTheSchema | Self::ItsOwn => true,
            Self::Copied | Self::Computed | Self::LeftEmpty => false,
        }
    }
}

/// What a column holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    Whole,
    Truth,
    Text,
    Bytes,
    /// 16 bytes.
    Id,
}

impl Kind {
    /// By the server's name of the type.
    pub(crate) fn of(name: &str) -> Option<Self> {
        [
            ("bigint", Self::Whole),
            ("boolean", Self::Truth),
            ("text", Self::Text),
            ("bytea", Self::Bytes),
            ("uuid", Self::Id),
        ]
        .into_iter()
        .find(|(known, _)| *known == name)
        .map(|(_, kind)| kind)
    }

    /// The server's type.
    pub(crate) const fn on_the_server(self) -> Type {
        match self {
            Self::Whole => Type::INT8,
            Self::Truth => Type::BOOL,
            Self::Text => Type::TEXT,
            Self::Bytes => Type::BYTEA,
            Self::Id => Type::UUID,
        }
    }

    /// What of a column is summed up on the server: with the number of rows, what two tables are compared by.
    pub(crate) fn sum(self, column: &str) -> String {
        match self {
            Self::Whole => format!("sum(\"{column}\")"),
            Self::Truth => format!("count(*) FILTER (WHERE \"{column}\")"),
            Self::Text | Self::Bytes => format!("sum(octet_length(\"{column}\"))"),
            Self::Id => format!("count(\"{column}\")"),
        }
    }
}

/// One value of a row.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Value {
    Null,
    Whole(i64),
    Truth(bool),
    Text(String),
    Bytes(Vec<u8>),
    Id([u8; 16]),
}

impl Value {
    /// What it adds to its column's sum, as [`Kind::sum`] reckons.
    fn weight(&self) -> i128 {
        match self {
            Self::Null => 0,
            Self::Whole(number) => (*number).into(),
            Self::Truth(truth) => (*truth).into(),
            Self::Text(text) => length(text.len()),
            Self::Bytes(bytes) => length(bytes.len()),
            Self::Id(_) => 1,
        }
    }
}

fn length(bytes: usize) -> i128 {
    i128::try_from(bytes).expect("memory has less than 2^127 bytes")
}

/// Never what it holds: secrets are among it, if only sealed ones.
impl std::fmt::Debug for Value {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("a value")
    }
}

impl ToSql for Value {
    fn to_sql(&self, kind: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        match self {
            Self::Null => Ok(IsNull::Yes),
            Self::Whole(number) => number.to_sql(kind, out),
            Self::Truth(truth) => truth.to_sql(kind, out),
            Self::Text(text) => text.to_sql(kind, out),
            Self::Bytes(bytes) => bytes.to_sql(kind, out),
            Self::Id(id) => {
                out.extend_from_slice(id);
                Ok(IsNull::No)
            }
        }
    }

    fn accepts(kind: &Type) -> bool {
        [Type::INT8, Type::BOOL, Type::TEXT, Type::BYTEA, Type::UUID].contains(kind)
    }

    to_sql_checked!();
}

/// A table's columns on the server, in its order.
#[derive(Clone, Debug)]
pub(crate) struct Table {
    pub(crate) name: &'static str,
    pub(crate) filled: Filled,
    pub(crate) columns: Vec<(String, Kind)>,
}

impl Table {
    /// What its rows are read by from a file.
    pub(crate) fn query(&self) -> String {
        let columns: Vec<String> = self.columns.iter().map(|(column, _)| in_a_file(self.name, column)).collect();
        format!("SELECT {} FROM \"{}\"", columns.join(", "), self.name)
    }

    /// Where its columns stand that hold a number of an event.
    pub(crate) fn event_columns(&self) -> Vec<usize> {
        let names: &[&str] = match self.name {
            "events" => &["id", "previous"],
            "customer_states" => &["last_event"],
            _ => &[],
        };
        (0..self.columns.len()).filter(|at| names.contains(&self.columns[*at].0.as_str())).collect()
    }
}

/// A column of the server as an expression over the file's table.
fn in_a_file(table: &str, column: &str) -> String {
    match (table, column) {
        // On a server a customer's account has no code, and the bank's own have their totals by writer.
        ("accounts", "code") => "CASE WHEN customer IS NULL THEN code END".to_owned(),
        ("accounts", "debits" | "credits") => format!("CASE WHEN code LIKE 'bank:%' THEN 0 ELSE {column} END"),
        _ => format!("\"{column}\""),
    }
}

/// Fills the totals of the bank's own accounts on the server, by writer.
pub(crate) const BANK_TOTALS: &str = "INSERT INTO bank_totals (account, writer, debits, credits)
     SELECT posted.account, posted.writer, sum(posted.debits)::bigint, sum(posted.credits)::bigint
     FROM (SELECT debit AS account, writer, amount AS debits, 0 AS credits FROM transfers
         UNION ALL SELECT credit, writer, 0, amount FROM transfers) AS posted
         JOIN accounts a ON a.id = posted.account
     WHERE a.code LIKE 'bank:%' GROUP BY posted.account, posted.writer";

/// How many rows there are, and each column's sum.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Sums {
    pub(crate) rows: i128,
    pub(crate) columns: Vec<i128>,
}

impl Sums {
    pub(crate) fn of(table: &Table) -> Self {
        Self { rows: 0, columns: vec![0; table.columns.len()] }
    }

    pub(crate) fn add(&mut self, row: &[Value]) {
        self.rows += 1;
        for (sum, value) in self.columns.iter_mut().zip(row) {
            *sum += value.weight();
        }
    }

    /// Where the sums of two sides differ, in words.
    pub(crate) fn differences(&self, other: &Self, table: &Table) -> Vec<String> {
        let name = table.name;
        let mut found = Vec::new();
        if self.rows != other.rows {
            found.push(format!("{name}: {} rows there, {} here", self.rows, other.rows));
        }
        for ((column, _), (there, here)) in table.columns.iter().zip(self.columns.iter().zip(&other.columns)) {
            if there != here {
                found.push(format!("{name}.{column}: the sum is {there} there and {here} here"));
            }
        }
        found
    }
}

/// How the one stream of a file's events becomes a stream for each writer: writers came one after the other, so each
/// has a run of numbers.
pub(crate) struct Streams {
    /// Writer, its first event's number, its last's.
    runs: Vec<(i64, i64, i64)>,
    /// Numbers on the server: the writer times this, and its own count.
    of_a_writer: i64,
}

impl Streams {
    /// `runs`: writer, first, last; in the order of numbers.
    pub(crate) fn new(runs: Vec<(i64, i64, i64)>, of_a_writer: i64) -> Result<Self, StoreError> {
        let overlap = runs.windows(2).any(|pair| pair[0].2 >= pair[1].1);
        if overlap || runs.iter().any(|(_, first, last)| last - first >= of_a_writer - 1) {
            return Err(StoreError("the writers' events are not one after the other".into()));
        }
        Ok(Self { runs, of_a_writer })
    }

    /// An event's number on the server.
    pub(crate) fn number(&self, event: i64) -> Result<i64, StoreError> {
        let run = self.runs.iter().find(|(_, first, last)| (*first..=*last).contains(&event));
        let number = run.map(|(writer, first, _)| writer * self.of_a_writer + (event - first) + 1);
        number.ok_or_else(|| StoreError(format!("event {event} is no writer's").into()))
    }

    /// A feed's place in the file's one stream as its places in the writers' streams: those that it has begun.
    ///
    /// # Errors
    /// The row is none of a feed's.
    pub(crate) fn cursors(&self, row: &[Value]) -> Result<Vec<Vec<Value>>, StoreError> {
        let [channel, _, Value::Whole(place)] = row else {
            return Err(StoreError("a feed has no place".into()));
        };
        let begun = self.runs.iter().filter(|(_, first, _)| first <= place);
        let places = begun.map(|(writer, first, last)| (*writer, place.min(last) - first + 1));
        let row = |(stream, place)| vec![channel.clone(), Value::Whole(stream), Value::Whole(place)];
        Ok(places.map(row).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gives_each_writer_a_stream_of_its_own() {
        let streams = Streams::new(vec![(1, 1, 5), (3, 6, 6), (4, 7, 20)], 100).expect("they follow each other");
        let number = |event| streams.number(event).expect("there is such an event");
        assert_eq!([1, 5, 6, 7, 20].map(number), [101, 105, 301, 401, 414]);
        assert!(streams.number(0).is_err() && streams.number(21).is_err());
        let cursors = |place| {
            let row = [Value::Text("log".to_owned()), Value::Whole(0), Value::Whole(place)];
            let rows = streams.cursors(&row).expect("it is a feed's");
            let places = rows.iter().map(|row| match row.as_slice() {
                [Value::Text(channel), Value::Whole(stream), Value::Whole(place)] if channel == "log" => {
                    (*stream, *place)
                }
                _ => panic!("a feed's place has three columns"),
            });
            places.collect::<Vec<_>>()
        };
        assert_eq!(cursors(0), []);
        assert_eq!(cursors(3), [(1, 3)]);
        assert_eq!(cursors(7), [(1, 5), (3, 1), (4, 1)]);
        assert_eq!(cursors(99), [(1, 5), (3, 1), (4, 14)]);
        assert!(streams.cursors(&[Value::Null]).is_err());
        assert!(Streams::new(vec![(1, 1, 5), (2, 5, 6)], 100).is_err());
        assert!(Streams::new(vec![(1, 1, 100)], 100).is_err());
    }
}
