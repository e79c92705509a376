//! What the interface's document says of each path, apart from what the code says by itself. One file per part; the table
//! that puts each of these before its handler is in `rest`.

pub(super) mod accounts;
pub(super) mod cards;
pub(super) mod cases;
pub(super) mod customers;
pub(super) mod machines;
pub(super) mod notifications;
pub(super) mod open;
pub(super) mod sandbox;
pub(super) mod sessions;
pub(super) mod transactions;

use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{Object, RefOr, Schema};

use crate::openapi::{Need, Parameter};

/// `limit`: entries on a page.
fn limit() -> Parameter {
    let count = ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(1)).maximum(Some(500));
    optional("limit", "At most so many: 1 to 500; 50 unless given.", count)
}

/// `status`: which cases.
fn case_status() -> Parameter {
    let names = ObjectBuilder::new().schema_type(Type::String).enum_values(Some(["open", "all"]));
    optional("status", "`open`: those that wait, unless given; `all`: those that are resolved too.", names)
}

/// `cursor`: where the page before ended.
fn cursor() -> Parameter {
    optional(
        "cursor",
        "`next_cursor` of the page before.",
        ObjectBuilder::new().schema_type(Type::String).min_length(Some(1)),
    )
}

fn optional(name: &'static str, description: &'static str, schema: impl Into<Object>) -> Parameter {
    Parameter { name, need: Need::Optional, description, schema: RefOr::T(Schema::Object(schema.into())) }
}
