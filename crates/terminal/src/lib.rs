//! The shell of one ATM: it moves bytes between the state machine of `cashpoint_core::terminal`, the devices, the
//! journal file and the host. Nothing is decided here.

pub mod clock;
pub mod enrol;
pub mod front;
pub mod identity;
pub mod journal;
pub mod kiosk;
pub mod operation;
pub mod process;
pub mod timers;
pub mod uplink;
pub mod xfs;
