//! What the host counts, in the text format of Prometheus.
//!
//! Everything that happens often is counted in atomics that are there before it happens: no names are made, nothing is
//! allocated and nothing waits for it while a request is answered, and what is counted takes the same memory whether
//! anybody looks or not. Histograms have fixed bounds for that reason: an exporter that keeps values until they are
//! asked for grows when nobody asks. The rest is read when somebody asks. What the names mean stands in
//! `docs/operations.md`.

mod process;
mod requests;
mod text;
mod watch;

use std::sync::{Arc, OnceLock};

use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use cashpoint_bank::measures::Counter;
use cashpoint_core::outcome::Refusal;
use cashpoint_wire::problem::Code;

use crate::app::App;
use crate::notify::Figures;
use crate::openapi::Operation;
use crate::server::Counters;

pub(crate) use requests::Handled;
use requests::Requests;

/// What a host counts beside what its bank does, and where it finds what others count. Shared by all of a host's ports.
#[derive(Default)]
pub struct Metrics {
    requests: OnceLock<Requests>,
    refusals: Refusals,
    server: OnceLock<Arc<Counters>>,
    feeds: OnceLock<Vec<Arc<Figures>>>,
}

impl std::fmt::Debug for Metrics {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Metrics").finish_non_exhaustive()
    }
}

struct Refusals([Counter; Code::ALL.len()]);

impl Default for Refusals {
    fn default() -> Self {
        Self(std::array::from_fn(|_| Counter::default()))
    }
}

impl Metrics {
    /// Shows what the server of the public interface counts; only the first one's.
    pub fn watch_server(&self, counters: Arc<Counters>) {
        // One host has one public interface.
        let _ = self.server.set(counters);
    }

    /// Shows how these feeds of notifications stand; only the first ones.
    pub fn watch_feeds(&self, feeds: Vec<Arc<Figures>>) {
        // One host has one set of feeds.
        let _ = self.feeds.set(feeds);
    }

    /// Counts requests to these operations from now on.
    pub(crate) fn watch_requests<'a>(&self, operations: impl Iterator<Item = &'a Operation>) {
        // A second router of one host has the same ones.
        let _ = self.requests.set(Requests::to(operations));
    }

    /// Counts a request that was answered.
    pub(crate) fn count(&self, handled: &Handled<'_>) {
        if let Some(code) = handled.code {
            self.refusals.0[code as usize].count();
        }
        if let Some(requests) = self.requests.get() {
            requests.count(handled);
        }
    }
}

/// `/metrics`
pub(crate) async fn metrics(State(app): State<App>) -> impl IntoResponse {
    // While the database is away, or nobody has time to read it, everything else is told all the same.
    let machines = app.at_desk(|bank| bank.machines_watched().map(Ok::<_, Refusal>)).await.ok();
    let text = watch::told(&app, machines.as_deref());
    ([(CONTENT_TYPE, text::MEDIA_TYPE)], text)
}
