//! The interface in process: the shipping router over a bank in a temporary folder, with a clock that the tests set.
//! The tree of modules is that of the paths.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, its helpers too")]

mod accounts;
mod atms;
mod cards;
mod customers;
mod form;
mod health;
mod log;
mod notifications;
mod operators;
mod policies;
mod real;
mod running;
mod sandbox;
mod sessions;
mod support;
mod teller;
mod terminals;
mod transactions;
