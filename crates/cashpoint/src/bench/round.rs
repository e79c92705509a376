//! One round over HTTP: the server that does nothing and the host (or hosts), one after the other, under the same load.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::{Context, Result};
use cashpoint_bank::bank::Bank;
use cashpoint_host::server::{ServerOptions, serve};
use cashpoint_host::{Host, Listen, Mount, Options, baseline};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

use super::load::{self, Ask, Stats, quantile_ms};
use super::mix::Mix;
use super::report::{HttpRun, rounded};
use super::server::Pgbench;
use super::size;
use crate::configuration::loopback;

/// More refusals than one in so many answers make a run void.
const REFUSALS_ONE_IN: u64 = 100;

/// The servers, in a runtime of their own, and the load, in another.
pub(super) struct Arena {
    servers: Runtime,
    load: Runtime,
    hosts: Vec<Host>,
    baseline_at: SocketAddr,
}

impl Arena {
    /// Starts the server that does nothing and a host on ports that the system picks.
    ///
    /// # Errors
    /// There are no threads, no ports.
    pub(super) fn start(bank: &Bank) -> Result<Self> {
        let (servers, load) = (runtime("host")?, runtime("load")?);
        let baseline_at = servers.block_on(async {
            let listener = TcpListener::bind(loopback(0)).await?;
            let baseline_at = listener.local_addr()?;
            // It ends with its runtime.
            tokio::spawn(serve(listener, baseline::router(), ServerOptions::default(), std::future::pending()));
            anyhow::Ok(baseline_at)
        })?;
        let mut arena = Self { servers, load, hosts: Vec::new(), baseline_at };
        arena.join(bank)?;
        Ok(arena)
    }

    /// Starts another host beside, which gets its share of the load from now on.
    ///
    /// # Errors
    /// There are no ports.
    pub(super) fn join(&mut self, bank: &Bank) -> Result<()> {
        let listen = Listen { public: loopback(0), operations: loopback(0) };
        let options = Options { mount: Mount::OnePort, ..Options::default() };
        let host = Host::start(bank.clone(), listen, options, ServerOptions::default());
        self.hosts.push(self.servers.block_on(host)?);
        Ok(())
    }

    /// Measures the baseline, then the hosts; before these, `pgbench` has the server settle.
    ///
    /// # Errors
    /// The connections cannot be made, or the server does not settle.
    pub(super) fn round(
        &self,
        mix: &Arc<Mix>,
        (connections, seconds): (u32, u32),
        pgbench: Option<&Pgbench>,
    ) -> Result<HttpRun> {
        let hosts: Vec<SocketAddr> = self.hosts.iter().map(Host::local_addr).collect();
        let baseline = self.drive(&[self.baseline_at], mix, (connections, seconds))?;
        pgbench.map_or(Ok(()), Pgbench::settle)?;
        let host = self.drive(&hosts, mix, (connections, seconds))?;
        Ok(compared(connections, &baseline, &host))
    }

    fn drive(&self, addresses: &[SocketAddr], mix: &Arc<Mix>, (connections, seconds): (u32, u32)) -> Result<Stats> {
        let mix = Arc::clone(mix);
        let ask: Arc<Ask> = Arc::new(move |dice, out| mix.ask(dice, out));
        let driven = self.load.block_on(load::drive(addresses, size(connections), seconds.into(), ask));
        driven.with_context(|| format!("{connections} connections"))
    }

    /// Sends each request once to the host; how many were answered 2xx.
    ///
    /// # Errors
    /// A connection cannot be made, or breaks.
    pub(super) fn once(&self, requests: Vec<Vec<u8>>) -> Result<usize> {
        let first = self.hosts.first().expect("an arena has a host");
        Ok(self.load.block_on(load::once(first.local_addr(), 64, requests))?)
    }

    /// Ends the servers. The bank stays the caller's to close.
    pub(super) fn stop(self) {
        for host in self.hosts {
            self.servers.block_on(host.stop());
        }
        self.load.shutdown_background();
        self.servers.shutdown_background();
    }
}

fn runtime(name: &str) -> Result<Runtime> {
    Ok(tokio::runtime::Builder::new_multi_thread().thread_name(name).enable_all().build()?)
}

fn compared(connections: u32, baseline: &Stats, host: &Stats) -> HttpRun {
    let (requests_per_s, baseline_per_s) = (host.per_second(host.ok), baseline.per_second(baseline.ok));
    let errors = host.errors + baseline.errors + baseline.refused;
    HttpRun {
        connections,
        requests_per_s: rounded(requests_per_s, 1),
        durable_per_s: rounded(host.per_second(host.created), 1),
        baseline_per_s: rounded(baseline_per_s, 1),
        ratio: if baseline_per_s > 0.0 { rounded(requests_per_s / baseline_per_s, 3) } else { 0.0 },
        p50_ms: rounded(quantile_ms(&host.latency, 0.5), 3),
        p99_ms: rounded(quantile_ms(&host.latency, 0.99), 3),
        p999_ms: rounded(quantile_ms(&host.latency, 0.999), 3),
        refusals: host.refused,
        errors,
        void: errors > 0 || host.ok == 0 || host.refused * REFUSALS_ONE_IN > host.ok + host.refused,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stats(ok: u64, refused: u64, errors: u64) -> Stats {
        let mut latency = load::new_histogram();
        for micros in 1..=1_000 {
            latency.saturating_record(micros);
        }
        Stats { ok, created: ok / 2, refused, errors, seconds: 2.0, latency }
    }

    #[test]
    fn compares_successful_answers_of_both() {
        let run = compared(256, &stats(1_000, 0, 0), &stats(400, 2, 0));
        assert_eq!((run.requests_per_s, run.durable_per_s, run.baseline_per_s), (200.0, 100.0, 500.0));
        assert_eq!((run.ratio, run.p50_ms, run.refusals, run.void), (0.4, 0.5, 2, false));
    }

    #[test]
    fn calls_a_run_void_for_any_error_or_over_one_refusal_in_a_hundred() {
        for (baseline, host, void) in [
            (stats(100, 0, 0), stats(99, 1, 0), false),
            (stats(100, 0, 0), stats(98, 2, 0), true),
            (stats(100, 0, 0), stats(100, 0, 1), true),
            (stats(100, 0, 1), stats(100, 0, 0), true),
            (stats(100, 1, 0), stats(100, 0, 0), true),
            (stats(100, 0, 0), stats(0, 0, 0), true),
        ] {
            assert_eq!(compared(1, &baseline, &host).void, void);
        }
    }
}
