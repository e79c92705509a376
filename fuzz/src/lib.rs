//! Fuzz targets: every parser that bytes from outside reach, each with what must hold whatever the bytes are.
//!
//! A target takes bytes, and panics if something does not hold: that is a finding. The same targets run in two ways.
//! The tests replay the seeds in `corpus/` and then change them some thousand times, by a seed that they print: that
//! needs nothing but the stable compiler. `cargo xtask soak --only fuzz` runs them under libFuzzer, which is guided by
//! what code an input reaches. What is found there is fixed, and its input becomes a seed with a name that says what it
//! was.
//!
//! The configuration file comes from whoever runs the host, and is read as strictly. Not fuzzed here: the command line,
//! and TLS and SQLite, which have fuzzers of their own.

pub mod corpus;
pub mod mutation;
mod site;
mod targets;

/// A group of parsers that the same bytes make sense to.
#[derive(Debug)]
pub struct Target {
    /// Its name, and that of its folder in `corpus/`.
    pub name: &'static str,
    /// Gives the bytes to every parser of the group; panics if something does not hold.
    pub check: fn(&[u8]),
    /// Ends what the target keeps between inputs, after the last one; panics if something does not hold there.
    pub finish: fn(),
    /// Pieces that inputs are made of.
    pub dictionary: &'static [&'static str],
}

impl Target {
    /// Every target.
    pub const ALL: [Self; 14] = [
        targets::identifiers::TARGET,
        targets::amounts::TARGET,
        targets::json::TARGET,
        targets::bodies::TARGET,
        targets::listings::TARGET,
        targets::stored::TARGET,
        targets::headers::TARGET,
        targets::http::TARGET,
        targets::configuration::TARGET,
        targets::tokens::TARGET,
        targets::pin_blocks::TARGET,
        targets::key_blocks::TARGET,
        targets::link::TARGET,
        targets::journal::TARGET,
    ];

    /// The target of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<&'static Self> {
        const ALL: &[Target] = &Target::ALL;
        ALL.iter().find(|target| target.name == name)
    }
}
