//! The terminal as a whole, tried between a journal in memory, counting devices, a host with books, and people.

mod away;
mod chance;
mod crashes;
mod rig;
mod servicing;
mod visits;
