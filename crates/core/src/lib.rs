//! The rules of an ATM network, and nothing else.
//!
//! Facts, a command and a moment come in; a [`decide::Decision`] comes out. There is deliberately no clock, no
//! randomness, no storage, no network, no thread, no time zone and no serialisation here: who calls this crate reads
//! before, writes after, and brings every id and instant along.

pub mod account;
pub mod card;
pub mod case;
pub mod change;
pub mod command;
pub mod currency;
pub mod customer;
pub mod decide;
pub mod enrolled;
pub mod event;
pub mod facts;
pub mod id;
pub mod ledger;
pub mod machine;
pub mod mix;
pub mod money;
pub mod notification;
pub mod outcome;
pub mod policy;
pub mod replenishment;
pub mod secret;
pub mod session;
pub mod sources;
pub mod terminal;
pub mod time;
pub mod withdrawal;
