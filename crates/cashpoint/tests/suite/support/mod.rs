//! What the tests stand on: real processes of the real binary, a client that shows every byte, people and machines.

pub(crate) mod bank;
pub(crate) mod browser;
pub(crate) mod cable;
#[path = "../../../../bank/tests/cluster/mod.rs"]
pub(crate) mod cluster;
pub(crate) mod control;
pub(crate) mod deadline;
pub(crate) mod dice;
pub(crate) mod http;
pub(crate) mod json;
pub(crate) mod machine;
pub(crate) mod network;
pub(crate) mod person;
pub(crate) mod process;
pub(crate) mod site;

pub(crate) use bank::{Online, Staff, Visit};
pub(crate) use json::Json;
pub(crate) use process::{Demo, Host, run};
pub(crate) use site::{Answer, Ask, Site};
