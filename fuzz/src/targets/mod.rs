//! The targets, one file each. Every input goes to every parser of its target.

pub(crate) mod amounts;
pub(crate) mod bodies;
pub(crate) mod configuration;
pub(crate) mod headers;
pub(crate) mod http;
pub(crate) mod identifiers;
pub(crate) mod json;
pub(crate) mod listings;
pub(crate) mod stored;
