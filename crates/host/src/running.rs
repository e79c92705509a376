//! A host that serves, for programs and for tests in one process with it.

use std::io;
use std::net::SocketAddr;

use axum::Router;
use cashpoint_bank::bank::Bank;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::app::{Mount, Options};
use crate::look::Looks;
use crate::rest::{operations_router, router};
use crate::server::{ServeSummary, ServerOptions, serve};

/// Where a host listens.
#[derive(Clone, Copy, Debug)]
pub struct Listen {
    /// The public interface.
    pub public: SocketAddr,
    /// Health and metrics; unused if everything is on one port.
    pub operations: SocketAddr,
}

/// A host that serves until it is told to stop.
pub struct Host {
    local: SocketAddr,
    operations: Option<SocketAddr>,
    stop: watch::Sender<()>,
    servers: Vec<JoinHandle<ServeSummary>>,
}

/// A host whose ports are open: who connects waits until it serves.
pub struct Bound {
    public: (TcpListener, SocketAddr),
    operations: Option<(TcpListener, SocketAddr)>,
}

impl Bound {
    /// Opens the ports.
    ///
    /// # Errors
    /// An address cannot be bound.
    pub async fn open(listen: Listen, mount: Mount) -> io::Result<Self> {
        let public = bind(listen.public).await?;
        let operations = match mount {
            Mount::OnePort => None,
            Mount::Apart => Some(bind(listen.operations).await?),
        };
        Ok(Self { public, operations })
    }

    /// Where the public interface will be.
    #[must_use]
    pub const fn local_addr(&self) -> SocketAddr {
        self.public.1
    }

    /// Begins to serve; must be called inside of a tokio runtime. The bank stays the caller's to close.
    #[must_use]
    pub fn serve(self, bank: Bank, options: Options, server: ServerOptions) -> Host {
        self.serve_with(bank, options, server, Router::new())
    }

    /// The same with pages of others on the public port, under paths that the host itself has not.
    #[must_use]
    pub fn serve_with(self, bank: Bank, options: Options, server: ServerOptions, beside: Router) -> Host {
        let (public, local) = self.public;
        options.metrics.watch_server(server.counters.clone());
        let mut host = Host { local, operations: None, stop: watch::Sender::new(()), servers: Vec::new() };
        if let Some((listener, address)) = self.operations {
            host.operations = Some(address);
            // Plain, and with caps of its own: a crowd at the public port must not hide whether the host lives.
            host.serve(listener, operations_router(bank.clone(), options.clone()), ServerOptions::default());
        }
        let server = ServerOptions { looks: Looks::of(&bank), ..server };
        host.serve(public, router(bank, options).merge(beside), server);
        host
    }
}

async fn bind(address: SocketAddr) -> io::Result<(TcpListener, SocketAddr)> {
    let listener = TcpListener::bind(address).await?;
    let local = listener.local_addr()?;
    Ok((listener, local))
}

impl Host {
    /// Binds, and begins to serve. The bank stays the caller's to close.
    ///
    /// # Errors
    /// An address cannot be bound.
    pub async fn start(bank: Bank, listen: Listen, options: Options, server: ServerOptions) -> io::Result<Self> {
        let bound = Bound::open(listen, options.mount).await?;
        Ok(bound.serve(bank, options, server))
    }

    fn serve(&mut self, listener: TcpListener, router: Router, options: ServerOptions) {
        let mut stop = self.stop.subscribe();
        let stopped = async move {
            // A sender that is gone means the same as one that says so.
            let _ = stop.changed().await;
        };
        self.servers.push(tokio::spawn(serve(listener, router, options, stopped)));
    }

    /// Where the public interface is.
    #[must_use]
    pub const fn local_addr(&self) -> SocketAddr {
        self.local
    }

    /// Where health is, if it has a port of its own.
    #[must_use]
    pub const fn operations_addr(&self) -> Option<SocketAddr> {
        self.operations
    }

    /// Takes no more connections, finishes what is in flight within the drain deadline, and says what was done: the
    /// public interface's summary comes last.
    pub async fn stop(self) -> Vec<ServeSummary> {
        self.stop.send_replace(());
        let mut summaries = Vec::new();
        for server in self.servers {
            match server.await {
                Ok(summary) => summaries.push(summary),
                Err(error) => tracing::error!(%error, "a server panicked"),
            }
        }
        summaries
    }
}
