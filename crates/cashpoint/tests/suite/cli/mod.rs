//! The command line.

mod bench;
mod configuration;
mod exits;
mod help;
mod tour;
mod verify;
