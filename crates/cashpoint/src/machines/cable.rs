//! The network cable between a terminal and its host: a relay of TCP with a plug that can be pulled. Pulled, connections
//! break, and new ones are closed at once; nothing that was on its way arrives later. It knows nothing of what it carries.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// How long after the system gave no connection it is asked for the next.
const PAUSE: Duration = Duration::from_millis(100);

/// Where the plug is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Plug {
    /// In its socket.
    In,
    /// Pulled.
    Out,
}

/// A cable, plugged in to begin with. Its connections end when it is dropped.
pub(crate) struct Cable {
    address: SocketAddr,
    plug: watch::Sender<Plug>,
}

impl Cable {
    /// From a port of its own to this address. Must be called inside of a tokio runtime.
    ///
    /// # Errors
    /// There is no port.
    pub(crate) async fn to(host: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let (plug, state) = watch::channel(Plug::In);
        tokio::spawn(relay(listener, host, state));
        Ok(Self { address, plug })
    }

    /// Where the terminal plugs in.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Where the plug is.
    pub(crate) fn plug(&self) -> Plug {
        *self.plug.borrow()
    }

    /// Pulls the plug, or puts it in.
    pub(crate) fn set(&self, plug: Plug) {
        self.plug.send_replace(plug);
    }
}

async fn relay(listener: TcpListener, host: SocketAddr, mut plug: watch::Receiver<Plug>) {
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            // Only that the cable is gone ends the relay.
            changed = plug.changed() => match changed {
                Ok(()) => continue,
                Err(_) => return,
            },
        };
        match accepted {
            Ok((terminal, _)) if *plug.borrow() == Plug::In => _ = tokio::spawn(carry(terminal, host, plug.clone())),
            Ok(_) => {}
            Err(error) => {
                tracing::debug!(%error, "the cable gets no connection");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

/// Carries one connection until either end closes it or the plug is pulled.
async fn carry(mut terminal: TcpStream, host: SocketAddr, mut plug: watch::Receiver<Plug>) {
    let carried = async {
        let mut host = TcpStream::connect(host).await?;
        terminal.set_nodelay(true)?;
        host.set_nodelay(true)?;
        copy_bidirectional(&mut terminal, &mut host).await
    };
    // However it ends, both ends are closed, which is all that either would be told.
    tokio::select! {
        _ = carried => {}
        _ = plug.wait_for(|plug| *plug == Plug::Out) => {}
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    /// A host that answers every byte with the next one.
    async fn host() -> SocketAddr {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            while let Ok((mut client, _)) = listener.accept().await {
                tokio::spawn(async move {
                    while let Ok(byte) = client.read_u8().await {
                        client.write_u8(byte + 1).await.unwrap();
                    }
                });
            }
        });
        address
    }

    async fn asks(line: &mut TcpStream, byte: u8) -> io::Result<u8> {
        line.write_u8(byte).await?;
        line.read_u8().await
    }

    #[tokio::test]
    async fn nothing_passes_while_the_plug_is_out() {
        let cable = Cable::to(host().await).await.unwrap();
        let mut before = TcpStream::connect(cable.address).await.unwrap();
        assert_eq!(asks(&mut before, 1).await.unwrap(), 2);
        cable.set(Plug::Out);
        assert_eq!(cable.plug(), Plug::Out);
        assert!(asks(&mut before, 1).await.is_err(), "a connection of before goes on");
        let mut meanwhile = TcpStream::connect(cable.address).await.unwrap();
        assert!(asks(&mut meanwhile, 1).await.is_err(), "a new connection reaches the host");
        cable.set(Plug::In);
        assert!(asks(&mut before, 1).await.is_err(), "a broken connection comes back");
        let mut after = TcpStream::connect(cable.address).await.unwrap();
        assert_eq!(asks(&mut after, 7).await.unwrap(), 8);
        drop(cable);
        assert!(asks(&mut after, 1).await.is_err(), "a connection outlives its cable");
    }
}
