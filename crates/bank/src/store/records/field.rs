//! How columns are read, from either database.

use super::Id;
use crate::store::{StoreError, postgres, rows};

/// A column's value, from either database.
pub(super) trait Field: Sized {
    fn of_sqlite(row: &rusqlite::Row<'_>, column: usize) -> Result<Self, StoreError>;
    fn of_postgres(row: &tokio_postgres::Row, column: usize) -> Result<Self, StoreError>;
}

/// A value of a type that both libraries read.
macro_rules! fields {
    ($($type:ty),*) => {
        $(impl Field for $type {
            fn of_sqlite(row: &rusqlite::Row<'_>, column: usize) -> Result<Self, StoreError> {
                Ok(row.get(column)?)
            }

            fn of_postgres(row: &tokio_postgres::Row, column: usize) -> Result<Self, StoreError> {
                row.try_get(column).map_err(|error| StoreError(Box::new(error)))
            }
        })*
    };
}

fields! { i64, Option<i64>, bool, String, Option<String>, Vec<u8>, Option<Vec<u8>> }

/// A value that stands in the server as another one.
macro_rules! fields_by {
    ($($type:ty, $stored:ty, $read:expr);* $(;)?) => {
        $(impl Field for $type {
            fn of_sqlite(row: &rusqlite::Row<'_>, column: usize) -> Result<Self, StoreError> {
                Ok(row.get(column)?)
            }

            fn of_postgres(row: &tokio_postgres::Row, column: usize) -> Result<Self, StoreError> {
                let stored: $stored = row.try_get(column).map_err(|error| StoreError(Box::new(error)))?;
                $read(stored)
            }
        })*
    };
}

fn narrow(number: i64) -> Result<u32, StoreError> {
    u32::try_from(number).map_err(|_| rows::corrupt("a version", number))
}

fields_by! {
    u32, i64, narrow;
    Option<u32>, Option<i64>, |number: Option<i64>| number.map(narrow).transpose();
    Id, postgres::Uuid, |id: postgres::Uuid| Ok(Id(u128::from_be_bytes(id.0)));
    Option<Id>, Option<postgres::Uuid>, |id: Option<postgres::Uuid>| Ok(id.map(|id| Id(u128::from_be_bytes(id.0))));
}
