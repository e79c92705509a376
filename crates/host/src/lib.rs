//! Placeholder.

pub mod address;
pub mod limits;
pub mod server;
