//! The host's listener: connections in, requests to the router, answers out; over TLS or plain.
//!
//! What it adds to hyper is patience with an end: a deadline for every stage of a connection ([`Deadlines`]), caps on
//! connections and requests, and a stop that lets answers out. It has no queue: a connection has one request at a time,
//! read, handled and answered before the next one is looked at, and what is beyond the caps is refused at once. It
//! speaks HTTP/1.1 only, and does not know what is served.
//!
//! *Invariant*: a connection that is being closed for its time begins no request, and a request that reached the router
//! is cut only by the deadlines for its answer, or by its client.

mod answered_by_hyper;
mod body;
mod connection;
mod counters;
mod options;
mod refusal;
mod register;
mod room;
mod self_signed;
mod shedding;
mod socket;
mod stage;
mod tls;

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Interval, MissedTickBehavior, interval, sleep};
use tracing::{debug, info, warn};

pub use body::LateBody;
pub use counters::Counters;
pub use options::{Deadlines, ServerOptions};
pub use self_signed::{SelfSigned, SelfSignedError, self_signed};
pub use tls::{TlsError, load as load_tls};

use register::Register;
use shedding::Shedding;

/// How often a stopping server looks whether its last answers are out.
const DRAIN_STEP: Duration = Duration::from_millis(5);

/// Who is at the other end of the connection that a request came over: an extension of every request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Peer(pub SocketAddr);

/// An extension of answers that refuse because too much was waiting: the server counts them, and tells of them together.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Overloaded;

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
/// for at most the drain deadline. Raises the process's limit of open files as far as it may, and lengthens the listener's
/// queue.
///
/// A future that is dropped before its end cuts all its connections.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    options: ServerOptions,
    stop: impl Future<Output = ()>,
) -> ServeSummary {
    room::to_wait(&listener);
    let capacity = room::of_files(options.connections);
    let register = Arc::new(Register::new(options, capacity));
    let cut_when_dropped = CutWhenDropped(&register);
    let mut clockwork = Clockwork::new(&register);
    accept(&listener, &router, &mut clockwork, stop).await;
    drop(listener);
    let cut = drain(&mut clockwork).await;
    drop(cut_when_dropped);
    let counters = register.counters();
    ServeSummary {
        accepted: counters.accepted(),
        refused: counters.refused(),
        shed: counters.shed(),
        late: counters.late(),
        cut,
    }
}

struct CutWhenDropped<'a>(&'a Register);

impl Drop for CutWhenDropped<'_> {
    fn drop(&mut self) {
        self.0.cut();
    }
}

/// What walks past all connections, again and again.
struct Clockwork<'a> {
    register: &'a Arc<Register>,
    interval: Interval,
    shedding: Shedding,
}

impl<'a> Clockwork<'a> {
    fn new(register: &'a Arc<Register>) -> Self {
        let mut interval = interval(register.tick());
        interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self { register, interval, shedding: Shedding::default() }
    }

    /// Waits for the next time, and walks. Nothing is lost if it is dropped while it waits.
    async fn tick(&mut self) {
        self.interval.tick().await;
        // The runtime's clock as it is now; the tick knows only when it should have been.
        let now = sleep(Duration::ZERO).deadline();
        self.register.sweep(now);
        self.shedding.look(self.register.counters(), now);
    }
}

async fn accept(
    listener: &TcpListener,
    router: &Router,
    clockwork: &mut Clockwork<'_>,
    stop: impl Future<Output = ()>,
) {
    let mut stop = std::pin::pin!(stop);
    // After the system could not hand over a connection, nothing is asked of it until the next tick.
    let mut failed = None;
    loop {
        let register = clockwork.register;
        tokio::select! {
            biased;
            () = &mut stop => return,
            () = clockwork.tick() => failed = None,
            accepted = listener.accept(), if failed.is_none() => match accepted {
                Ok((stream, peer)) => welcome(stream, peer, router, register),
                Err(error) => failed = lasting(error, register),
            },
        }
    }
}

fn welcome(stream: TcpStream, peer: SocketAddr, router: &Router, register: &Arc<Register>) {
    let Some(ticket) = register.admit(peer) else { return refusal::refuse(stream, register) };
    if let Err(error) = stream.set_nodelay(true) {
        debug!(%peer, %error, "connection gone before it was served");
        return;
    }
    let watch = ticket.watch().clone();
    let task = tokio::spawn(connection::carry(stream, ticket, router.clone()));
    watch.carried_by(task.abort_handle());
}

/// Whether an error of `accept` concerns more than the one connection that it was about.
fn lasting(error: io::Error, register: &Register) -> Option<io::Error> {
    let of_one = matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionRefused
    );
    if of_one {
        return None;
    }
    Counters::add(&register.counters().accept_errors);
    warn!(%error, "cannot take connections");
    Some(error)
}

/// Lets answers out; returns how many connections had to be cut.
async fn drain(clockwork: &mut Clockwork<'_>) -> usize {
    let register = clockwork.register;
    register.stop();
    let mut deadline = std::pin::pin!(sleep(register.options().deadlines.drain));
    loop {
        let left = register.close_unused();
        if left == 0 {
            return 0;
        }
        tokio::select! {
            () = &mut deadline => {
                info!(connections = left, "cuts what is not done by the drain deadline");
                return register.cut();
            }
            () = clockwork.tick() => {}
            () = sleep(DRAIN_STEP) => {}
        }
    }
}
