//! `/api`, and the pages beside it.

mod accounts;
mod amounts;
mod atms;
mod cards;
mod customers;
mod documents;
mod health;
mod idempotency;
mod malformed;
mod operators;
mod others;
mod policies;
mod precedence;
mod routes;
mod sessions;
mod throttles;
mod transactions;
