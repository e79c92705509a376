//! The settings of the host: read by the binary, and by the fuzzers, who can reach no binary. Nobody else's business.

pub mod configuration;
pub mod notify;
