//! XFS4IoT messages, specification 2024-3, both directions: what a terminal and its devices say to each other.
//!
//! [`envelope`] has what goes through a socket, [`message`] the table of all messages, the other modules their payloads
//! by interface. What a message means for a transaction is not known here, nor are chips, forms, checks, tellers,
//! images and the other things of the specification that an ATM of this project does not have. Older versions of the
//! specification are not read.
//!
//! Sources: the message classes and the service framework of KAL's XFS4IoT SP-Dev (MIT), and the JSON schema of
//! specification 2021-1. `tests/schemas` has both as JSON Schema; a test holds every message against them.

pub mod acceptor;
pub mod capabilities;
pub mod cash;
pub mod dispenser;
pub mod envelope;
pub mod keyboard;
pub mod message;
pub mod pin_pad;
pub mod printer;
pub mod publisher;
pub mod reader;
pub mod service;
pub mod status;
pub mod storage;
pub mod value;
pub mod word;
