//! The targets, one file each. Every input goes to every parser of its target.

pub(crate) mod amounts;
pub(crate) mod bodies;
pub(crate) mod configuration;
pub(crate) mod headers;
pub(crate) mod http;
pub(crate) mod identifiers;
pub(crate) mod journal;
pub(crate) mod json;
pub(crate) mod key_blocks;
pub(crate) mod link;
pub(crate) mod listings;
pub(crate) mod pin_blocks;
pub(crate) mod stored;
pub(crate) mod tokens;
