//! The hardware of an ATM: a pure model with named faults, and an XFS4IoT server around it.
//!
//! The model knows notes, cards and paper; it knows no account, no host and no policy.

pub mod model;
pub mod server;
