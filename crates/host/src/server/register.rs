//! All connections of one server: who is let in, who is over his time, who is still there at the end.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use cashpoint_bank::entropy::SystemEntropy;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;
use tracing::debug;

use super::refusal::FAREWELLS;
use super::stage::{Limits, Seen, Stage, Verdict, Watch};
use super::{Counters, ServerOptions};
use crate::address::Address;
use crate::request_ids::RequestIds;

/// See the module.
#[derive(Debug)]
pub(super) struct Register {
    limits: Limits,
    options: ServerOptions,
    /// Most connections at once.
    capacity: usize,
    stopping: AtomicBool,
    farewells: Arc<Semaphore>,
    ids: RequestIds,
    open: Mutex<Open>,
}

#[derive(Debug, Default)]
struct Open {
    next: u64,
    watches: HashMap<u64, (Arc<Watch>, Option<Seen>)>,
    addresses: HashMap<Address, usize>,
}

impl Register {
    pub(super) fn new(options: ServerOptions, capacity: usize) -> Self {
        Self {
            limits: Limits::new(options.deadlines),
            options,
            capacity,
            stopping: AtomicBool::new(false),
            farewells: Arc::new(Semaphore::new(FAREWELLS)),
            ids: RequestIds::new(&SystemEntropy),
            open: Mutex::default(),
        }
    }

    pub(super) fn options(&self) -> &ServerOptions {
        &self.options
    }

    pub(super) fn counters(&self) -> &Counters {
        &self.options.counters
    }

    /// A name for a request that does not reach the router, which would name it.
    pub(super) fn next_id(&self) -> String {
        self.ids.next()
    }

    /// How often to call [`Register::sweep`].
    pub(super) fn tick(&self) -> Duration {
        self.limits.tick()
    }

    /// Lets a connection in, or not: there are too many of them, or of its address.
    pub(super) fn admit(self: &Arc<Self>, peer: SocketAddr) -> Option<Ticket> {
        let stage = if self.options.tls.is_some() { Stage::Handshake } else { Stage::Fresh };
        let address = self.counted(peer);
        let mut open = self.lock();
        if open.watches.len() >= self.capacity {
            return None;
        }
        if let Some((address, most)) = address {
            let there = open.addresses.entry(address).or_default();
            if *there >= most {
                return None;
            }
            *there += 1;
        }
        let number = open.next;
        open.next += 1;
        let watch = Arc::new(Watch::new(stage));
        open.watches.insert(number, (watch.clone(), None));
        self.counters().open.store(open.watches.len(), Ordering::Relaxed);
        Counters::add(&self.counters().accepted);
        Some(Ticket { register: self.clone(), number, address: address.map(|(address, _)| address), watch, peer })
    }

    /// The address that counts for `peer`, and the most connections it may have.
    fn counted(&self, peer: SocketAddr) -> Option<(Address, usize)> {
        let most = self.options.connections_per_address?;
        let ip = peer.ip().to_canonical();
        let several = ip.is_loopback() || self.options.proxies.include(ip);
        (!several).then(|| (Address::of(ip), most))
    }

    /// Closes what is over its time at `now`.
    pub(super) fn sweep(&self, now: Instant) {
        for (number, (watch, last)) in &mut self.lock().watches {
            let last = last.get_or_insert_with(|| watch.seen(now));
            let (what, stage) = match watch.look(last, &self.limits, now) {
                Verdict::InTime => continue,
                Verdict::BodyLate => ("answers a body that did not come in time", Stage::Body),
                Verdict::Closed(stage) => ("closes a connection that was over its time", stage),
                Verdict::Stalled => ("closes a connection that takes no answers", watch.stage()),
            };
            if stage != Stage::Lingering {
                Counters::add(&self.counters().late);
            }
            debug!(connection = number, ?stage, "{what}");
        }
    }

    /// From now on answers say that the connection ends.
    pub(super) fn stop(&self) {
        self.stopping.store(true, Ordering::Relaxed);
    }

    pub(super) fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Relaxed)
    }

    /// Closes what waits for a request; returns how many connections are left.
    pub(super) fn close_unused(&self) -> usize {
        let open = self.lock();
        open.watches.values().for_each(|(watch, _)| watch.close_if_unused());
        open.watches.len()
    }

    /// Closes everything; returns how many connections that were.
    pub(super) fn cut(&self) -> usize {
        let open = self.lock();
        open.watches.values().for_each(|(watch, _)| watch.cut());
        open.watches.len()
    }

    /// A place for one more request; none if there are as many as there may be.
    pub(super) fn place(&self) -> Option<Place<'_>> {
        let counters = self.counters();
        let place = Place(counters);
        let before = counters.in_flight.fetch_add(1, Ordering::Relaxed);
        if before < self.options.requests {
            return Some(place);
        }
        Counters::add(&counters.shed);
        None
    }

    /// A place for one more connection that is being sent away.
    pub(super) fn farewell(&self) -> Option<OwnedSemaphorePermit> {
        self.farewells.clone().try_acquire_owned().ok()
    }

    fn lock(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A request being answered.
pub(super) struct Place<'a>(&'a Counters);

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A connection that was let in; it counts until this is dropped.
#[derive(Debug)]
pub(super) struct Ticket {
    register: Arc<Register>,
    number: u64,
    address: Option<Address>,
    watch: Arc<Watch>,
    peer: SocketAddr,
}

impl Ticket {
    pub(super) fn register(&self) -> &Arc<Register> {
        &self.register
    }

    pub(super) fn watch(&self) -> &Arc<Watch> {
        &self.watch
    }

    pub(super) fn peer(&self) -> SocketAddr {
        self.peer
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let mut open = self.register.lock();
        open.watches.remove(&self.number);
        self.register.counters().open.store(open.watches.len(), Ordering::Relaxed);
        let Some(address) = self.address else { return };
        if let Some(there) = open.addresses.get_mut(&address) {
            *there -= 1;
            if *there == 0 {
                open.addresses.remove(&address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::address::Proxies;

    fn register(connections: usize, per_address: usize) -> Arc<Register> {
        let options = ServerOptions {
            connections_per_address: Some(per_address),
            proxies: Proxies::new(vec!["10.0.0.0/8".parse().unwrap()]),
            ..ServerOptions::default()
        };
        Arc::new(Register::new(options, connections))
    }

    fn admitted(register: &Arc<Register>, peers: &[&str], times: usize) -> Vec<Ticket> {
        let peers = peers.iter().cycle().take(peers.len() * times);
        peers.filter_map(|peer| register.admit(peer.parse().unwrap())).collect()
    }

    #[test]
    fn it_admits_so_many_of_an_address_and_one_more_when_one_leaves() {
        let register = register(100, 3);
        // One /64, and one IPv4 address however it is written.
        let mut six = admitted(&register, &["[2001:db8::1]:1", "[2001:db8::2]:2"], 5);
        let mut four = admitted(&register, &["203.0.113.7:1", "[::ffff:203.0.113.7]:2"], 5);
        assert_eq!((six.len(), four.len()), (3, 3));
        assert_eq!(admitted(&register, &["[2001:db8:0:1::1]:1", "203.0.113.8:1"], 1).len(), 2);
        drop((six.pop(), four.pop()));
        assert_eq!(admitted(&register, &["[2001:db8::3]:1"], 1).len(), 1);
        let again = admitted(&register, &["[2001:db8::3]:1", "203.0.113.7:1"], 5);
        assert_eq!(again.len(), 2);
        drop((six, four, again));
        let open = register.lock();
        assert!(open.addresses.is_empty() && open.watches.is_empty());
    }

    #[test]
    fn it_counts_neither_loopback_nor_proxies_by_address() {
        let register = register(100, 3);
        let inside = admitted(&register, &["127.0.0.1:1", "[::1]:1", "[::ffff:127.0.0.1]:1", "10.1.2.3:1"], 10);
        assert_eq!((inside.len(), register.counters().open()), (40, 40));
    }

    #[test]
    fn it_admits_so_many_in_all() {
        let register = register(10, 3);
        let mut inside = admitted(&register, &["127.0.0.1:1"], 20);
        assert_eq!((inside.len(), register.counters().open()), (10, 10));
        // Who is refused for the total does not count for his address either.
        assert_eq!(admitted(&register, &["203.0.113.7:1"], 20).len(), 0);
        inside.truncate(5);
        let more = admitted(&register, &["203.0.113.7:1"], 20);
        assert_eq!((more.len(), register.counters().open()), (3, 8));
        assert_eq!(register.counters().accepted(), 13);
    }
}
