//! How values look on the wire to the server, where the library's own conversions do not fit: 16 bytes as `uuid`, and
//! columns read as the codecs in `store/` want them.

use std::error::Error;

use bytes::{BufMut, BytesMut};
use cashpoint_core::id::TransferId;
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, to_sql_checked};

use crate::store::StoreError;
use crate::store::rows::{Row, corrupt};

/// 16 bytes, as the server's `uuid`.
#[derive(Clone, Copy, Debug)]
pub(in crate::store) struct Uuid(pub(in crate::store) [u8; 16]);

impl From<TransferId> for Uuid {
    fn from(id: TransferId) -> Self {
        Self(id.bits().to_be_bytes())
    }
}

impl ToSql for Uuid {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        out.put_slice(&self.0);
        Ok(IsNull::No)
    }

    fn accepts(kind: &Type) -> bool {
        *kind == Type::UUID
    }

    to_sql_checked!();
}

impl<'a> FromSql<'a> for Uuid {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn Error + Sync + Send>> {
        Ok(Self(raw.try_into()?))
    }

    fn accepts(kind: &Type) -> bool {
        *kind == Type::UUID
    }
}

/// A whole number of any width.
struct Whole(i64);

impl<'a> FromSql<'a> for Whole {
    fn from_sql(kind: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn Error + Sync + Send>> {
        if *kind == Type::INT4 {
            return i32::from_sql(kind, raw).map(|number| Self(number.into()));
        }
        i64::from_sql(kind, raw).map(Self)
    }

    fn accepts(kind: &Type) -> bool {
        matches!(*kind, Type::INT4 | Type::INT8)
    }
}

/// Bytes, whatever they stand for.
struct Raw<'a>(&'a [u8]);

impl<'a> FromSql<'a> for Raw<'a> {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn Error + Sync + Send>> {
        Ok(Self(raw))
    }

    fn accepts(kind: &Type) -> bool {
        matches!(*kind, Type::BYTEA | Type::UUID)
    }
}

fn value<'a, T: FromSql<'a>>(row: &'a tokio_postgres::Row, column: &str) -> Result<Option<T>, StoreError> {
    row.try_get::<_, Option<T>>(column).map_err(|error| corrupt(column, error))
}

impl Row for tokio_postgres::Row {
    type Error = StoreError;

    fn whole(&self, column: &str) -> Result<Option<i64>, StoreError> {
        Ok(value::<Whole>(self, column)?.map(|Whole(number)| number))
    }

    fn truth(&self, column: &str) -> Result<Option<bool>, StoreError> {
        value(self, column)
    }

    fn text(&self, column: &str) -> Result<Option<&str>, StoreError> {
        value(self, column)
    }

    fn bytes(&self, column: &str) -> Result<Option<&[u8]>, StoreError> {
        Ok(value::<Raw<'_>>(self, column)?.map(|Raw(bytes)| bytes))
    }
}
