//! A machine with a power switch: its devices and its terminal, which goes on from its journal when power comes back. Off
//! is a loss of power: the terminal ends in the middle of whatever it is about, and so do its devices.

use std::net::SocketAddr;

use anyhow::{Context, Result};
use axum::Router;
use cashpoint_core::id::MachineId;
use cashpoint_devices::server::Hands;
use cashpoint_terminal::identity::Identity;
use cashpoint_terminal::kiosk::{self, Hosts, Kiosk};
use cashpoint_terminal::process::Running;
use cashpoint_terminal::xfs::Services;
use jiff::tz::TimeZone;
use tokio::sync::{Mutex, watch};

use super::Place;
use super::cable::Cable;
use crate::terminal;

/// Which way the switch is turned.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Switch {
    /// There is power.
    On,
    /// There is none.
    Off,
}

/// A machine of a demo.
pub(crate) struct Switched {
    place: Place,
    /// Where its devices' services are.
    services: SocketAddr,
    hosts: Hosts,
    hands: Hands,
    cable: Cable,
    /// Held while the switch is turned.
    terminal: Mutex<Option<Running>>,
    /// Its screen's page, while it has power.
    screen: watch::Sender<Option<Router>>,
}

impl Switched {
    /// A machine without power.
    pub(super) fn off(place: Place, services: SocketAddr, hosts: Hosts, (hands, cable): (Hands, Cable)) -> Self {
        let screen = watch::Sender::new(None);
        Self { place, services, hosts, hands, cable, terminal: Mutex::new(None), screen }
    }

    /// Its id.
    pub(crate) const fn id(&self) -> MachineId {
        self.place.id
    }

    /// Where it stands.
    pub(crate) const fn location(&self) -> &'static str {
        self.place.location
    }

    /// By which names its pages are reached.
    pub(crate) const fn hosts(&self) -> Hosts {
        self.hosts
    }

    /// Hands at its devices.
    pub(crate) const fn hands(&self) -> &Hands {
        &self.hands
    }

    /// Its network cable.
    pub(crate) const fn cable(&self) -> &Cable {
        &self.cable
    }

    /// The page of its screen, while it has power.
    pub(crate) fn screen(&self) -> Option<Router> {
        self.screen.borrow().clone()
    }

    /// Whether it has power.
    pub(crate) fn power(&self) -> Switch {
        if self.screen.borrow().is_some() { Switch::On } else { Switch::Off }
    }

    /// Turns the switch. Must be called inside of a tokio runtime.
    ///
    /// # Errors
    /// The terminal does not start: its files cannot be read or written. Then there is no power.
    pub(crate) async fn switch(&self, to: Switch) -> Result<()> {
        let mut terminal = self.terminal.lock().await;
        match (to, terminal.take()) {
            (Switch::On, Some(running)) => *terminal = Some(running),
            (Switch::On, None) => {
                let running = self.start().await.with_context(|| format!("starting {}", self.place.id))?;
                *terminal = Some(running);
            }
            (Switch::Off, None) => {}
            (Switch::Off, Some(running)) => {
                self.screen.send_replace(None);
                let cut = tokio::task::spawn_blocking(move || running.cut());
                self.hands.switch_off().await?;
                cut.await.context("the terminal's end")?;
                tracing::info!(terminal = %self.place.id, "the machine's power is off");
            }
        }
        Ok(())
    }

    async fn start(&self) -> Result<Running> {
        self.hands.switch_on().await?;
        let mut identity = Identity::read(&self.place.keys)?;
        identity.host = self.cable.url();
        let services = Services::Published { host: self.services.ip().to_string(), ports: vec![self.services.port()] };
        let running = Running::start(terminal::setting(identity, self.place.journal.clone(), services))?;
        let (machine, zone) = (self.place.id, TimeZone::system());
        let kiosk = Kiosk { machine, front: running.front(), zone, hosts: self.hosts };
        self.screen.send_replace(Some(kiosk::router(kiosk)));
        Ok(running)
    }

    /// Ends the terminal as a process ends it that is told to.
    pub(super) async fn stop(&self) {
        if let Some(running) = self.terminal.lock().await.take() {
            terminal::stop(running).await;
        }
    }
}
