//! The XFS4IoT client: what the terminal's state machine says to its devices, in messages, and back.
//!
//! [`Devices`] takes commands of `cashpoint_core::terminal::device` and gives reports. Each command ends with exactly one
//! report of its unit. There is one task for each service, with one connection that is kept open; it does one command
//! after the other, as services do. What a failure means for a customer's money is not decided here, nothing is tried
//! again that might move money twice, and nothing is kept on disk. TLS is not spoken: devices are inside of the machine.

mod card;
mod cassettes;
mod deposit;
mod devices;
mod discovery;
mod exchange;
mod failure;
mod notes_out;
mod pad;
mod printer;
mod service;
mod session;
mod socket;
mod track2;

pub use devices::{Devices, Full, Problem};
pub use track2::{NotTrack2, Track2};

use std::time::Duration;

use cashpoint_wire::card_reference::CardKey;

/// Where the devices are and how they are spoken to.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where the services are.
    pub services: Services,
    /// Names of keys in the pad.
    pub keys: KeyNames,
    /// By it cards are named without their numbers.
    pub card_key: CardKey,
    /// How long things may take.
    pub timing: Timing,
}

/// Where the services are.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Services {
    /// At these addresses (`ws://…`), used byte for byte.
    Listed(Vec<String>),
    /// Whatever the publishers at these ports of a host name.
    Published {
        /// Name or address.
        host: String,
        /// Ports to ask, all at once.
        ports: Vec<u16>,
    },
}

impl Services {
    /// The ports of the specification on this machine.
    #[must_use]
    pub fn here() -> Self {
        let ports = std::iter::once(80).chain(5_846..=5_856).collect();
        Self::Published { host: "127.0.0.1".to_owned(), ports }
    }
}

/// Names of keys in the pad.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct KeyNames {
    /// Key of the PIN blocks that go to the host.
    pub pin: String,
    /// Key of the blocks that offline verifiers are made of.
    pub verifier: String,
    /// Key that key blocks are wrapped with.
    pub key_block: String,
}

impl Default for KeyNames {
    fn default() -> Self {
        Self { pin: "P0".to_owned(), verifier: "VERIFIER".to_owned(), key_block: "KBPK".to_owned() }
    }
}

/// How long things may take.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Timing {
    /// For commands that move nothing.
    pub query: Duration,
    /// For commands that move notes, cards or paper.
    pub motion: Duration,
    /// How much longer than its own limit a command may stay unanswered before the connection is given up; also how long
    /// an acknowledge and a connection may take.
    pub grace: Duration,
    /// Between two pings. After three without an answer the connection is given up.
    pub ping: Duration,
    /// Before the first attempt to connect again; doubles up to thirty times.
    pub retry: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            query: Duration::from_secs(10),
            motion: Duration::from_secs(60),
            grace: Duration::from_secs(10),
            ping: Duration::from_secs(10),
            retry: Duration::from_secs(1),
        }
    }
}
