//! A simulated world around the shipping core, bank and device model: one thread, virtual time, no socket and no file but
//! the bank's own. What is simulated is only what lies between them: journals in memory, the network, people.

pub mod bench;
pub mod chance;
pub mod host;
pub mod journal;
pub mod moment;
pub mod network;
pub mod person;
pub mod site;
pub mod station;
pub mod world;
