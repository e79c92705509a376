//! A simulated world around the shipping core, bank and device model: one thread, virtual time, no socket and no file but
//! the bank's own. What is simulated is only what lies between them: journals in memory, the network, people.
//!
//! `world` is one machine; `town` is many at one bank, with faults drawn from a seed, and `audit` says what must be true of
//! it.

pub mod audit;
pub mod bench;
pub mod chance;
pub mod explore;
pub mod host;
pub mod journal;
pub mod moment;
pub mod network;
pub mod person;
pub mod report;
pub mod series;
pub mod site;
pub mod station;
pub mod town;
pub mod world;
