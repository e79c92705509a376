//! Doors for the fuzzers of `fuzz/`: readers of bytes that come back from files, and nobody else's business.
//!
//! Nothing is done here that the bank does not do itself, and no other program should use it.

use cashpoint_core::id::TransferId;
use cashpoint_core::outcome::Outcome;
use cashpoint_core::policy::Policy;
use zeroize::Zeroizing;

use crate::desk::history;
use crate::entropy::Entropy;
use crate::keys;
use crate::store::{codec, policies};

/// A recorded answer, read from a row of the database.
///
/// # Errors
/// What is wrong with it, for people; so everywhere here.
pub fn read_outcome(bytes: &[u8]) -> Result<Outcome, String> {
    codec::decode(bytes).map_err(|error| error.to_string())
}

/// A recorded answer as it is written.
///
/// # Errors
/// Some refusals are never recorded.
pub fn write_outcome(outcome: &Outcome) -> Result<Vec<u8>, String> {
    codec::encode(outcome).map_err(|error| error.to_string())
}

/// A version of the policy, read from a row of the database.
///
/// # Errors
/// Not every line is as it should be.
pub fn read_policy(text: &str) -> Result<Policy, String> {
    policies::from_text(text)
}

/// A version of the policy as it is written.
#[must_use]
pub fn write_policy(policy: &Policy) -> String {
    policies::to_text(policy)
}

/// A cursor of an account's history, and itself written anew.
#[must_use]
pub fn reread_cursor(text: &str) -> Option<(u64, TransferId, String)> {
    let (number, transfer) = history::parse_cursor(text).ok()?;
    Some((number, transfer, history::cursor(number, transfer)))
}

/// A cursor of a machine's transfers, and itself written anew.
#[must_use]
pub fn reread_machine_cursor(text: &str) -> Option<(TransferId, String)> {
    let transfer = history::parse_machine_cursor(text).ok()?;
    Some((transfer, history::machine_cursor(transfer)))
}

/// A key file with its master key in it, its keys opened and written anew.
///
/// # Errors
/// What is wrong with it, in words that hold nothing secret.
pub fn rewrite_key_file(text: &str, entropy: &dyn Entropy) -> Result<Zeroizing<String>, String> {
    keys::rewritten(text, entropy)
}
