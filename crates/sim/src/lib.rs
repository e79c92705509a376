//! A simulated world around the shipping core, bank and device model: one thread, virtual time, no socket and no file but
//! the bank's own. What is simulated is only what lies between them: journals in memory, the network, people.

pub mod host;
pub mod journal;
pub mod person;
pub mod station;
pub mod world;
