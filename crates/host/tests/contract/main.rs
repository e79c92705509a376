//! The interface's document against the host that publishes it: a client that knows nothing but the document sends what
//! the document shows and whatever it can think of, and holds every answer to it. In the end it says which refusals the
//! document promises and the host never gave.
//!
//! What the document says is itself held to a snapshot beside this folder. After a change that was meant:
//! `UPDATE_SNAPSHOTS=1 cargo nextest run -p cashpoint-host document_is_as`.

#![expect(clippy::unwrap_used, reason = "in a test a panic is the report")]

mod agreement;
mod client;
mod document;
mod everywhere;
mod rules;
mod snapshot;
mod troubles;
mod world;
