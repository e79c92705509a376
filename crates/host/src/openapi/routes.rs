//! Handlers, each behind the operation that it carries out.

use axum::Router;
use axum::extract::Request;
use axum::handler::Handler;
use axum::middleware::Next;
use axum::response::Response;
use axum::routing::{MethodFilter, on};

use super::{Operation, Verb};
use crate::app::App;

/// A part of the interface: its routes, and what is documented of them, which is the same list but for the machines' own.
pub(crate) struct Routes {
    router: Router<App>,
    operations: Vec<Operation>,
    between_machines: Vec<Operation>,
}

impl Routes {
    pub(crate) fn new() -> Self {
        Self { router: Router::new(), operations: Vec::new(), between_machines: Vec::new() }
    }

    /// Has `handler` carry out `operation`.
    pub(crate) fn on<H: Handler<T, App>, T: 'static>(mut self, operation: Operation, handler: H) -> Self {
        self = self.routed(&operation, handler);
        self.operations.push(operation);
        self
    }

    /// As [`Self::on`], for what only programs of ours say to each other: its messages are no JSON of the interface, and
    /// its form is the terminal link's to describe.
    pub(crate) fn between_machines<H: Handler<T, App>, T: 'static>(mut self, operation: Operation, handler: H) -> Self {
        self = self.routed(&operation, handler);
        self.between_machines.push(operation);
        self
    }

    fn routed<H: Handler<T, App>, T: 'static>(mut self, operation: &Operation, handler: H) -> Self {
        let filter = match operation.verb {
            Verb::Get => MethodFilter::GET,
            Verb::Post => MethodFilter::POST,
            Verb::Put => MethodFilter::PUT,
            Verb::Patch => MethodFilter::PATCH,
            Verb::Delete => MethodFilter::DELETE,
        };
        self.router = self.router.route(operation.path, on(filter, handler));
        self
    }

    /// Has every request to the routes so far pass `guard`.
    pub(crate) fn guarded<F>(mut self, guard: fn(Request, Next) -> F) -> Self
    where
        F: Future<Output = Response> + Send + 'static,
    {
        self.router = self.router.layer(axum::middleware::from_fn(guard));
        self
    }

    /// Both.
    pub(crate) fn and(mut self, other: Self) -> Self {
        self.router = self.router.merge(other.router);
        self.operations.extend(other.operations);
        self.between_machines.extend(other.between_machines);
        self
    }

    /// What is documented.
    pub(crate) fn operations(&self) -> &[Operation] {
        &self.operations
    }

    /// Everything that is served, for counting.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Operation> {
        self.operations.iter().chain(&self.between_machines)
    }

    /// What is served.
    pub(crate) fn into_router(self) -> Router<App> {
        self.router
    }
}
