//! The system of record: takes commands in groups from resolve to commit, keeps keys, secrets and time.
//!
//! Synchronous, on whichever thread calls it. It knows nothing of HTTP, of JSON or of async, and it decides nothing:
//! what a command may do is `cashpoint-core`'s.

pub mod bank;
pub mod calendar;
pub mod clock;
pub mod copy;
pub mod crowd;
pub mod desk;
pub mod entropy;
pub mod execute;
#[doc(hidden)]
pub mod fuzzing;
pub mod keys;
pub mod link;
pub mod measures;
pub mod password;
pub mod personal;
pub mod pin;
mod pipe;
mod queue;
mod readers;
mod remembered;
mod replica;
pub mod request;
pub mod sandbox;
pub mod secret;
pub mod store;
pub mod tokens;
pub mod verify;
mod worker;
