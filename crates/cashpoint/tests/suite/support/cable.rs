//! A cable between a terminal and its host: a relay of TCP that a test can pull, cut, or make deaf in one direction.
//!
//! It listens for as long as it lives, so its port is nobody else's while a host is away. What it swallowed is not made up
//! for later: when the line changes, connections that lost bytes are closed.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// What becomes of bytes on a cable.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Line {
    /// They arrive.
    Up,
    /// Connections break, and new ones are closed at once.
    Refused,
    /// Nothing arrives in either direction, and nobody is told: a pulled plug.
    Silent,
    /// What the terminal says arrives; what the host says does not.
    AnswersLost,
    /// What the terminal says does not arrive.
    RequestsLost,
}

/// In which direction bytes go.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Way {
    ToHost,
    ToTerminal,
}

/// A cable, up to begin with.
pub(crate) struct Cable {
    address: SocketAddr,
    shared: Arc<Mutex<Shared>>,
}

struct Shared {
    line: Line,
    /// Both ends of every connection that was made since the line last changed.
    ends: Vec<TcpStream>,
}

impl Cable {
    /// From a port of its own to this address.
    pub(crate) fn to(host: SocketAddr) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Mutex::new(Shared { line: Line::Up, ends: Vec::new() }));
        let own = Arc::clone(&shared);
        // Ends with the test's process: nothing else ends a listener that waits.
        std::thread::spawn(move || {
            for terminal in listener.incoming().map_while(Result::ok) {
                relay(terminal, host, &own);
            }
        });
        Self { address, shared }
    }

    /// Where the terminal plugs in.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Changes the line. What was under way over it breaks off, but for a plug that is pulled: that tells nobody.
    pub(crate) fn set(&self, line: Line) {
        let mut shared = self.shared.lock().unwrap();
        let was = std::mem::replace(&mut shared.line, line);
        let keeps = was == Line::Up && !matches!(line, Line::Up | Line::Refused);
        if !keeps {
            for end in shared.ends.drain(..) {
                // It may have been closed already.
                let _ = end.shutdown(Shutdown::Both);
            }
        }
    }
}

fn relay(terminal: TcpStream, host: SocketAddr, shared: &Arc<Mutex<Shared>>) {
    let mut held = shared.lock().unwrap();
    if held.line == Line::Refused {
        return;
    }
    let Ok(server) = TcpStream::connect(host) else { return };
    for stream in [&terminal, &server] {
        stream.set_nodelay(true).unwrap();
        held.ends.push(stream.try_clone().unwrap());
    }
    drop(held);
    let back = (server.try_clone().unwrap(), terminal.try_clone().unwrap());
    for (from, to, way) in [(terminal, server, Way::ToHost), (back.0, back.1, Way::ToTerminal)] {
        let shared = Arc::clone(shared);
        std::thread::spawn(move || carry(from, to, way, &shared));
    }
}

/// Carries bytes one way until either end is closed.
fn carry(mut from: TcpStream, mut to: TcpStream, way: Way, shared: &Mutex<Shared>) {
    let mut bytes = [0; 16_384];
    while let Ok(read @ 1..) = from.read(&mut bytes) {
        let arrives = match (shared.lock().unwrap().line, way) {
            (Line::Up, _) | (Line::AnswersLost, Way::ToHost) | (Line::RequestsLost, Way::ToTerminal) => true,
            (Line::Refused | Line::Silent, _)
            | (Line::AnswersLost, Way::ToTerminal)
            | (Line::RequestsLost, Way::ToHost) => false,
        };
        if arrives && to.write_all(&bytes[..read]).is_err() {
            break;
        }
    }
    // Without this end, the other one waits for nothing. Either may be closed already.
    let _ = to.shutdown(Shutdown::Both);
    let _ = from.shutdown(Shutdown::Both);
}
