//! The command line.

mod bench;
mod configuration;
mod exits;
mod field;
mod help;
mod load_keys;
mod logs;
mod tour;
mod verify;
