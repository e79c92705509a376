//! The host's sockets: REST, pages and health over HTTP/1.1.
//!
//! A request is authenticated, parsed by `cashpoint-wire`, put to the bank, and its answer written down. Nothing is
//! decided here, nothing is stored, and there is no SQL. Async begins and ends in this crate: the bank is asked through
//! its queue, or on a thread that may wait.

pub mod address;
mod answer;
mod app;
pub mod baseline;
mod edge;
mod health;
mod incoming;
pub mod limits;
mod look;
mod metrics;
pub mod notify;
mod openapi;
mod pages;
mod request_ids;
mod rest;
mod running;
pub mod server;

pub use app::{Link, Mount, Options};
pub use look::Looks;
pub use metrics::Metrics;
pub use rest::{operations_router, router};
pub use running::{Bound, Host, Listen};
