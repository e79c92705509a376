//! The command line.

mod bench;
mod configuration;
mod exits;
mod help;
mod logs;
mod tour;
mod verify;
