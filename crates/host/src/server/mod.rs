//! The host's listener: connections in, requests to the router, answers out.

mod counters;
mod options;

use std::future::Future;
use std::net::SocketAddr;

use axum::Router;
use tokio::net::TcpListener;

pub use counters::Counters;
pub use options::{Deadlines, ServerOptions};

/// Who is at the other end of the connection that a request came over: an extension of every request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Peer(pub SocketAddr);

/// What a server has done in its life.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ServeSummary {
    /// Connections taken.
    pub accepted: u64,
    /// Connections refused because there were too many.
    pub refused: u64,
    /// Requests refused because too many were being answered.
    pub shed: u64,
    /// Connections and bodies that were over their time.
    pub late: u64,
    /// Connections that were cut at the end because their last answer was not out by the drain deadline.
    pub cut: usize,
}

/// Serves `router` on `listener` until `stop` resolves; then takes no more connections and finishes what is in flight,
/// for at most the drain deadline.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    options: ServerOptions,
    stop: impl Future<Output = ()>,
) -> ServeSummary {
    let counters = &options.counters;
    tokio::pin!(stop);
    loop {
        let (stream, peer) = tokio::select! {
            accepted = listener.accept() => match accepted { Ok(accepted) => accepted, Err(_) => continue },
            () = &mut stop => break,
        };
        Counters::add(&counters.accepted);
        let router = router.clone();
        let service = hyper::service::service_fn(move |mut request: hyper::Request<hyper::body::Incoming>| {
            request.extensions_mut().insert(Peer(peer));
            tower::ServiceExt::oneshot(router.clone(), request)
        });
        let io = hyper_util::rt::TokioIo::new(stream);
        tokio::spawn(hyper::server::conn::http1::Builder::new().serve_connection(io, service));
    }
    ServeSummary {
        accepted: counters.accepted(),
        refused: counters.refused(),
        shed: counters.shed(),
        late: counters.late(),
        cut: 0,
    }
}
