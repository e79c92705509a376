//! Which services there are: asked of the publishers of a host, or read from a list.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use cashpoint_core::terminal::device::Report;
use cashpoint_wire::xfs::envelope::{CompletionCode, Message};
use cashpoint_wire::xfs::message::{Answer, CommandName, Event};
use cashpoint_wire::xfs::publisher::{GetServices, Services as Published};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::devices::Registry;
use super::service::ServiceTask;
use super::socket::{Broken, Socket};
use super::{Config, Services, Timing};

/// How much longer than the first retry to wait before publishers are asked again.
const AGAIN: u32 = 5;

/// Starts a task for each service, and looks for more as long as a unit is missing. Ending it ends them all.
pub(super) async fn run(config: Arc<Config>, registry: Arc<Registry>, reports: mpsc::Sender<Report>) {
    let mut tasks = JoinSet::new();
    let mut known = BTreeSet::new();
    loop {
        let addresses = match &config.services {
            Services::Listed(addresses) => addresses.clone(),
            Services::Published { host, ports } if !registry.is_complete() => {
                published(host, ports, config.timing).await
            }
            Services::Published { .. } => Vec::new(),
        };
        for address in addresses {
            if known.insert(address.clone()) {
                let (config, registry) = (Arc::clone(&config), Arc::clone(&registry));
                tasks.spawn(ServiceTask { address, config, registry, reports: reports.clone() }.run());
            }
        }
        tokio::select! {
            () = reports.closed() => return,
            () = sleep(config.timing.retry * AGAIN) => {}
        }
    }
}

/// Addresses of all services that the publishers at these ports know.
async fn published(host: &str, ports: &[u16], timing: Timing) -> Vec<String> {
    let mut asking = JoinSet::new();
    for port in ports {
        let address = format!("ws://{host}:{port}/xfs4iot/v1.0");
        // Most ports have nobody behind them, which need not be waited for as long as for a device.
        let short = timing.grace.min(Duration::from_secs(3));
        asking.spawn(async move { timeout(short, ask(&address, short, timing.ping)).await });
    }
    let mut addresses = Vec::new();
    while let Some(asked) = asking.join_next().await {
        match asked {
            Ok(Ok(Ok(found))) => addresses.extend(found),
            Ok(Ok(Err(broken))) => tracing::trace!(?broken, "no publisher here"),
            Ok(Err(_)) | Err(_) => tracing::debug!("a publisher did not answer"),
        }
    }
    addresses
}

async fn ask(address: &str, grace: Duration, ping: Duration) -> Result<Vec<String>, Broken> {
    let mut socket = Socket::open(address, grace, ping).await?;
    let id = socket.send(GetServices {}.into(), CommandName::GetServices.version(), Some(grace)).await?;
    let mut addresses = Vec::new();
    let mut gather = |services: Published| {
        let listed = services.services.into_iter().flatten().filter_map(|service| service.uri);
        addresses.extend(listed);
    };
    loop {
        match socket.next().await? {
            Message::Event(_, Event::ServiceDetail(services)) => gather(services),
            Message::Completion(completion) if completion.id == id => {
                return match (completion.code, completion.answer) {
                    (CompletionCode::Success, Some(Answer::GetServices(services))) => {
                        gather(services);
                        Ok(addresses)
                    }
                    _ => Err(Broken::Nonsense),
                };
            }
            Message::Acknowledge(_, Some(_)) => return Err(Broken::Refused),
            Message::Acknowledge(_, None) | Message::Completion(_) | Message::Event(..) | Message::Unknown(_) => {}
        }
    }
}
