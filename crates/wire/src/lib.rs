//! Bytes that cross a network: JSON bodies in and out, problem documents, and the one table of their codes; tokens, PIN
//! blocks and key blocks of the field; a terminal's link and its journal.
//!
//! A request's body becomes values of `cashpoint-core` here and is never looked at again; an answer is made from
//! them. There are no sockets here, no storage and no rules: whether an account exists or an amount is too much is
//! not this crate's question.

pub mod answer;
pub mod card_reference;
pub mod check_value;
pub mod cipher;
pub mod dispense_token;
pub mod instant;
pub mod journal;
pub mod key_block;
pub mod link;
pub mod malformed;
mod mirror;
pub mod money;
pub mod object;
pub mod offline_verifier;
pub mod pin_block;
pub mod present_status;
pub mod problem;
pub mod request;
pub mod schema;
pub mod secret;
pub mod teller;
mod token_text;
#[cfg(test)]
mod vectors;
pub mod webhook;
pub mod xfs;
