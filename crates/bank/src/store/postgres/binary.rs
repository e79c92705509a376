//! Rows for a `COPY … FROM STDIN BINARY`, as the server wants them: each value with its length before it, in the column's
//! own form. The caller's columns, their order and their types are those of its statement.

use bytes::{BufMut as _, Bytes, BytesMut};

use super::values::Uuid;

/// What such a stream begins with: a mark, no flags, no extension.
const HEAD: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";

/// Rows that are being put together.
pub(super) struct Binary {
    out: BytesMut,
    columns: i16,
}

impl Binary {
    /// Of so many columns; about so many bytes in all.
    pub(super) fn new(columns: i16, room: usize) -> Self {
        let mut out = BytesMut::with_capacity(HEAD.len() + room + 2);
        out.put_slice(HEAD);
        Self { out, columns }
    }

    /// A row begins; its values follow, one for each column.
    pub(super) fn row(&mut self) -> &mut Self {
        self.out.put_i16(self.columns);
        self
    }

    pub(super) fn whole(&mut self, value: i64) -> &mut Self {
        self.out.put_i32(8);
        self.out.put_i64(value);
        self
    }

    pub(super) fn whole_if_any(&mut self, value: Option<i64>) -> &mut Self {
        match value {
            Some(value) => self.whole(value),
            None => self.nothing(),
        }
    }

    pub(super) fn id(&mut self, value: impl Into<Uuid>) -> &mut Self {
        self.bytes(&value.into().0)
    }

    pub(super) fn id_if_any(&mut self, value: Option<impl Into<Uuid>>) -> &mut Self {
        match value {
            Some(value) => self.id(value),
            None => self.nothing(),
        }
    }

    pub(super) fn text_if_any(&mut self, value: Option<&str>) -> &mut Self {
        match value {
            Some(value) => self.bytes(value.as_bytes()),
            None => self.nothing(),
        }
    }

    /// At most a gigabyte: the server has no longer values.
    pub(super) fn bytes(&mut self, value: &[u8]) -> &mut Self {
        self.out.put_i32(i32::try_from(value.len()).expect("no value is as long as two gigabytes"));
        self.out.put_slice(value);
        self
    }

    fn nothing(&mut self) -> &mut Self {
        self.out.put_i32(-1);
        self
    }

    /// No more rows.
    pub(super) fn finish(mut self) -> Bytes {
        self.out.put_i16(-1);
        self.out.freeze()
    }
}
