//! Requests by operation and status, and how long they took.

use std::collections::HashMap;
use std::time::Duration;

use axum::http::Method;
use cashpoint_bank::measures::{Counter, Histogram, TIMES_US};
use cashpoint_wire::problem::Code;

use super::text::{Kind, Text, Unit};
use crate::openapi::Operation;

/// Statuses that are counted by themselves; any other is counted as `other`.
const STATUSES: [u16; 17] = [200, 201, 204, 400, 401, 403, 404, 405, 409, 413, 415, 422, 423, 429, 500, 503, 0];
/// Where `other` stands.
const OTHER: usize = STATUSES.len() - 1;

/// A request that was answered.
pub(crate) struct Handled<'a> {
    pub(crate) method: &'a Method,
    /// The path's pattern; none if there is no such path.
    pub(crate) pattern: Option<&'a str>,
    pub(crate) status: u16,
    pub(crate) code: Option<Code>,
    pub(crate) took: Duration,
}

/// Counters of one operation, or of everything that is none.
struct Counted {
    method: &'static str,
    path: &'static str,
    statuses: [Counter; STATUSES.len()],
    took: Histogram,
}

/// See the module.
pub(super) struct Requests {
    counted: Vec<Counted>,
    /// By pattern: the methods that it has, each with its place in the list.
    places: HashMap<&'static str, Vec<(&'static str, usize)>>,
}

impl Requests {
    /// Counts requests to these; others in one place.
    pub(super) fn to<'a>(operations: impl Iterator<Item = &'a Operation>) -> Self {
        let mut counted = vec![Counted::new("-", "-")];
        let mut places: HashMap<_, Vec<_>> = HashMap::new();
        for operation in operations {
            places.entry(operation.path).or_default().push((operation.verb.name(), counted.len()));
            counted.push(Counted::new(operation.verb.name(), operation.path));
        }
        Self { counted, places }
    }

    pub(super) fn count(&self, handled: &Handled<'_>) {
        let methods = handled.pattern.and_then(|pattern| self.places.get(pattern));
        // A path has few methods. What came with another one is counted with what has no path: clients may make up
        // methods as they like.
        let own = methods.into_iter().flatten().find(|(method, _)| *method == handled.method.as_str());
        let counted = &self.counted[own.map_or(0, |(_, place)| *place)];
        let status = STATUSES.iter().position(|status| *status == handled.status).unwrap_or(OTHER);
        counted.statuses[status].count();
        counted.took.record_time(handled.took);
    }

    pub(super) fn tell(&self, text: &mut Text) {
        let help = "Requests answered, by method, path and status; - is what has no path here.";
        let mut family = text.family("cashpoint_http_requests_total", Kind::Counter, help);
        for Counted { method, path, statuses, .. } in &self.counted {
            for (status, counter) in STATUSES.iter().zip(statuses).filter(|(_, counter)| counter.total() > 0) {
                let status = if *status == 0 { "other".to_owned() } else { status.to_string() };
                family.sample(&[("method", method), ("path", path), ("status", &status)], counter.total());
            }
        }
        let help = "How long answers took, from the request's head to the answer's.";
        let mut family = text.family("cashpoint_http_request_duration_seconds", Kind::Histogram, help);
        for Counted { method, path, took, .. } in &self.counted {
            let distribution = took.distribution();
            if distribution.count > 0 {
                family.distribution(&[("method", method), ("path", path)], Unit::Micros, &distribution);
            }
        }
    }
}

impl Counted {
    fn new(method: &'static str, path: &'static str) -> Self {
        let statuses = std::array::from_fn(|_| Counter::default());
        Self { method, path, statuses, took: Histogram::new(TIMES_US) }
    }
}
