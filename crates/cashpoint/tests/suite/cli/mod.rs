//! The command line.

mod archive;
mod bench;
mod configuration;
mod copy;
mod exits;
mod field;
mod help;
mod load_keys;
mod logs;
mod simulate;
mod tour;
mod verify;
