//! Reading what is not remembered yet while the writer is under way with a group: on a connection of its own, which cannot
//! write.
//!
//! That is safe where rows are remembered. Nobody else writes; whatever the group under way changes is remembered, so it is
//! not asked for here. If that is over meanwhile, nothing that was read here is ever committed. And it is the writer's own
//! server that is asked, never one that was left behind and still answers.

use std::time::Duration;

use cashpoint_core::facts::{Facts, Keys, Lookups};

use super::address::Address;
use super::link::{Link, LinkError, Query};
use super::load::{self, Held, Lock, Taking};
use super::{READ_ONLY, resolve, schema};

/// Whoever asks has a way without this.
const WITHIN: Duration = Duration::from_secs(2);

/// The connection, and what it read that only the writer wants to know.
pub(super) struct Aside {
    address: Address,
    /// And the server that it leads to.
    link: Option<(Link, String)>,
    held: Held,
}

impl Aside {
    pub(super) fn new(address: Address) -> Self {
        Self { address, link: None, held: Held::default() }
    }

    /// What was read of chains' heads since it was taken last.
    pub(super) fn take_held(&mut self) -> Held {
        std::mem::take(&mut self.held)
    }

    /// Finds the identities that are not known; none if this server cannot be asked.
    pub(super) fn resolve(&mut self, server: &str, lookups: &Lookups, facts: &mut Facts) -> Option<()> {
        if facts.has_resolved(lookups) {
            return Some(());
        }
        let missing = facts.unresolved(lookups);
        self.ask(server, |link, _| resolve::identities(link, &missing, facts).map(drop))
    }

    /// Whether none of these requests is there; none if this server cannot be asked.
    pub(super) fn are_new(&mut self, server: &str, lookups: &Lookups) -> Option<bool> {
        let mut found = Facts::default();
        let requests = Lookups { requests: lookups.requests.clone(), ..Lookups::default() };
        self.ask(server, |link, _| resolve::identities(link, &requests, &mut found).map(drop))?;
        Some(requests.requests.iter().all(|key| found.requests.find(key).is_none()))
    }

    /// Reads the rows that are not known; none if this server cannot be asked.
    pub(super) fn load(&mut self, server: &str, keys: &Keys, facts: &mut Facts) -> Option<()> {
        if facts.has_loaded(keys) {
            return Some(());
        }
        let missing = facts.unloaded(keys);
        self.ask(server, |link, held| rows(link, &missing, (facts, held)))
    }

    fn ask(&mut self, server: &str, work: impl FnOnce(&mut Link, &mut Held) -> Result<(), LinkError>) -> Option<()> {
        if server.is_empty() {
            return None;
        }
        if self.link.as_ref().is_none_or(|(_, its)| its != server) {
            let mut link = schema::connect_aside(&self.address).ok()?;
            let its = schema::server(&mut link).ok()?;
            self.link = Some((link, its));
        }
        let (link, its) = self.link.as_mut()?;
        if its != server {
            return None;
        }
        let done = work(link, &mut self.held);
        done.inspect_err(|error| {
            tracing::debug!(%error, "what is not remembered is read by the writer itself");
            self.link = None;
        })
        .ok()
    }
}

/// Reads rows as they stand; of one state of the database.
pub(super) fn rows(link: &mut Link, missing: &Keys, (facts, held): (&mut Facts, &mut Held)) -> Result<(), LinkError> {
    let asks = load::asks(missing, Lock::Nothing);
    if asks.is_empty() {
        facts.settle_rows(missing);
        return Ok(());
    }
    let (queries, takes) = asks.into_iter().unzip::<_, _, Vec<Query<'_>>, Vec<load::Take>>();
    let mut batch = vec![Query::plain(READ_ONLY)];
    batch.extend(queries);
    batch.push(Query::plain("COMMIT"));
    let answers = link.run(&batch, WITHIN)?;
    let mut taking = Taking { facts, held, keys: missing };
    load::take(&takes, &answers[1..], &mut taking).map_err(LinkError::Unreadable)?;
    // Nobody else can have added what was absent.
    held.absent = Keys::default();
    Ok(())
}
