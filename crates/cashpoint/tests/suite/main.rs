//! Everything that the outside of Cashpoint promises, asked of the real binary over real sockets.
//!
//! The tree follows the paths of the interface. Each test starts its own sandbox or bank and states behaviour as tables
//! for one `check` (`support::site::Answer::expect` and `refused`), which knows what holds for every answer. What takes
//! time to pass (idle sessions, blocks that lift, midnight) is not here: the release binary's clock cannot be set.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should say where")]

mod api;
mod browser;
mod cli;
mod deploy;
mod process;
mod readme;
mod sandbox;
mod support;
