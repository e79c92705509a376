//! The interface's document (OpenAPI 3.1), made from the table of routes: a handler is only reached through an
//! [`Operation`], which says everything about it that a caller should know, so there is no route without documentation
//! and no documentation without a route.
//!
//! What an operation says about fields comes from the bodies' own types, and what it says about refusals from the one
//! table of codes. Which codes a path can give is written down by hand, and held to what a running host does by tests.

mod document;
mod operation;
mod page;
mod raw;
mod routes;

pub(crate) use operation::{Need, Operation, Parameter, Tag, Verb, reference};
pub(crate) use routes::Routes;

/// What a host publishes about itself.
pub(crate) struct Published {
    /// The document.
    pub(crate) json: String,
    /// The document for people.
    pub(crate) page: String,
}

impl Published {
    /// About these operations.
    pub(crate) fn about(operations: &[Operation]) -> Self {
        let document = document::document(operations);
        Self { json: document.to_json(), page: page::documentation(&document) }
    }
}
