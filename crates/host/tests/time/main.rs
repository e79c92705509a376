//! Everything that takes time to pass, through the host's own router, with a clock that the tests move: sessions that
//! end, blocks that lift, midnight in the bank's zone, rates, and clocks that jump.
//!
//! Each limit is asked one step before its edge and at it. Nothing here sleeps, and nothing waits for a real clock.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should say where")]

mod cards;
mod clocks;
mod days;
mod http;
mod pins;
mod sessions;
mod throttles;
mod world;
