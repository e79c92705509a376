//! Card numbers, PINs and keys in what is seen and in what stays behind.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::fmt::Write as _;
use std::mem::{Discriminant, discriminant};

use cashpoint_core::terminal::link::Request;

use super::seen::{Seen, Sight};
use super::{Broken, broken};

/// How many sights of a kind are all looked at; of those after them one in so many is.
const ALL_OF_THE_FIRST: u64 = 50;
const ONE_IN: u64 = 64;

/// How many PIN blocks are remembered: they are never the same twice.
const BLOCKS: usize = 64;

/// What must be nowhere.
#[derive(Default)]
pub(super) struct Secrets {
    /// By how each begins.
    by_beginning: BTreeMap<[u8; 4], Vec<Vec<u8>>>,
    blocks: VecDeque<[u8; 16]>,
    counts: HashMap<Discriminant<Seen>, u64>,
    text: String,
}

impl Secrets {
    pub(super) fn see(&mut self, sight: &Sight) -> Result<(), Broken> {
        if let Seen::Secret(secret) = &sight.what {
            add(&mut self.by_beginning, &secret.0);
            return Ok(());
        }
        if let Seen::Answered { request, .. } = &sight.what {
            self.remember(request);
        }
        let count = self.counts.entry(discriminant(&sight.what)).or_default();
        *count += 1;
        if *count > ALL_OF_THE_FIRST && !count.is_multiple_of(ONE_IN) {
            return Ok(());
        }
        self.text.clear();
        write!(self.text, "{:?}", sight.what).expect("memory takes everything");
        self.invariant_31_secrets_are_nowhere("what is seen", self.text.as_bytes(), &self.by_beginning)
    }

    fn remember(&mut self, request: &Request) {
        let blocks = match request {
            Request::LogIn { pin, .. } => vec![pin],
            Request::ChangePin { old, new, repeat, .. } => vec![old, new, repeat],
            Request::LogOut { .. }
            | Request::Balance { .. }
            | Request::Statement { .. }
            | Request::Transfer { .. }
            | Request::Approve { .. }
            | Request::Advice(_)
            | Request::Heartbeat(_) => return,
        };
        self.blocks.extend(blocks.into_iter().map(|block| block.0));
        self.blocks.drain(..self.blocks.len().saturating_sub(BLOCKS));
    }

    /// Everything that stays behind is searched to its end, PIN blocks included.
    pub(super) fn settled(&self, kept: &[(String, Vec<u8>)]) -> Result<(), Broken> {
        let mut all = self.by_beginning.clone();
        self.blocks.iter().for_each(|block| add(&mut all, block));
        kept.iter().try_for_each(|(place, bytes)| self.invariant_31_secrets_are_nowhere(place, bytes, &all))
    }

    /// No card number, PIN, PIN block or key.
    fn invariant_31_secrets_are_nowhere(
        &self,
        place: &str,
        bytes: &[u8],
        secrets: &BTreeMap<[u8; 4], Vec<Vec<u8>>>,
    ) -> Result<(), Broken> {
        let mut begins = [false; 256];
        secrets.keys().for_each(|beginning| begins[usize::from(beginning[0])] = true);
        let found = (0..bytes.len()).find(|at| {
            let rest = &bytes[*at..];
            begins[usize::from(rest[0])]
                && rest
                    .first_chunk()
                    .and_then(|beginning| secrets.get(beginning))
                    .is_some_and(|those| those.iter().any(|secret| rest.starts_with(secret)))
        });
        broken("invariant_31_secrets_are_nowhere", found.map(|at| format!("in {place}, at byte {at}")))
    }
}

fn add(secrets: &mut BTreeMap<[u8; 4], Vec<Vec<u8>>>, secret: &[u8]) {
    if let Some(beginning) = secret.first_chunk() {
        secrets.entry(*beginning).or_default().push(secret.to_vec());
    }
}
