//! A small mail server on loopback (RFC 5321, as far as one sender needs), which can be told to misbehave.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

use crate::inbox::{Arrival, Inbox};

pub(crate) struct MailServer {
    pub(crate) inbox: Inbox,
    /// The latest message, as it came.
    pub(crate) latest: std::sync::Mutex<String>,
    unwell: AtomicBool,
    turns: AtomicU64,
    pub(crate) address: SocketAddr,
}

/// What happens to a message.
enum Fate {
    Taken,
    /// Taken, and the connection breaks before the answer.
    TakenUnsaid,
    Refused(&'static str),
    Stalled,
    Broken,
}

impl MailServer {
    pub(crate) async fn start() -> Arc<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = Arc::new(Self {
            inbox: Inbox::default(),
            latest: std::sync::Mutex::default(),
            unwell: AtomicBool::new(false),
            turns: AtomicU64::new(0),
            address,
        });
        let own = Arc::clone(&server);
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let own = Arc::clone(&own);
                tokio::spawn(async move {
                    // A connection that breaks is part of the play.
                    let _ = own.serve(stream).await;
                });
            }
        });
        server
    }

    pub(crate) fn url(&self) -> String {
        format!("smtp://{}", self.address)
    }

    pub(crate) fn misbehave(&self, unwell: bool) {
        self.unwell.store(unwell, Ordering::SeqCst);
    }

    fn fate(&self) -> Fate {
        if !self.unwell.load(Ordering::SeqCst) {
            return Fate::Taken;
        }
        match self.turns.fetch_add(1, Ordering::SeqCst) % 8 {
            0 => Fate::Refused("451 4.3.0 not now\r\n"),
            1 => Fate::Stalled,
            2 => Fate::Broken,
            3 => Fate::TakenUnsaid,
            4 => Fate::Refused("452 4.2.2 full\r\n"),
            5 => Fate::Refused("421 4.3.2 closing\r\n"),
            _ => Fate::Taken,
        }
    }

    async fn serve(&self, stream: TcpStream) -> std::io::Result<()> {
        let mut stream = BufReader::new(stream);
        stream.write_all(b"220 mail.example ready\r\n").await?;
        let (mut line, mut to) = (String::new(), String::new());
        loop {
            line.clear();
            if stream.read_line(&mut line).await? == 0 {
                return Ok(());
            }
            let verb = line.get(..4).unwrap_or_default().to_ascii_uppercase();
            let answer: &[u8] = match verb.as_str() {
                "EHLO" => b"250-mail.example\r\n250 8BITMIME\r\n",
                "RCPT" => {
                    to = line.split(['<', '>']).nth(1).unwrap_or_default().to_owned();
                    b"250 ok\r\n"
                }
                "DATA" => {
                    stream.write_all(b"354 go on\r\n").await?;
                    let message = read_message(&mut stream).await?;
                    if !self.judge(&mut stream, &message, &to).await? {
                        return Ok(());
                    }
                    continue;
                }
                "QUIT" => {
                    stream.write_all(b"221 bye\r\n").await?;
                    return Ok(());
                }
                _ => b"250 ok\r\n",
            };
            stream.write_all(answer).await?;
        }
    }

    /// Whether the connection goes on.
    async fn judge(&self, stream: &mut BufReader<TcpStream>, message: &str, to: &str) -> std::io::Result<bool> {
        let fate = self.fate();
        if let Fate::Taken | Fate::TakenUnsaid = fate {
            let id = message.lines().find_map(|line| line.strip_prefix("Message-ID: <")).unwrap();
            let id = id.split('@').next().unwrap().to_owned();
            *self.latest.lock().unwrap() = message.to_owned();
            self.inbox.take(Arrival { id, whose: to.to_owned() });
        }
        match fate {
            Fate::Taken => stream.write_all(b"250 taken\r\n").await.map(|()| true),
            Fate::Refused(answer) => stream.write_all(answer.as_bytes()).await.map(|()| true),
            Fate::Stalled => std::future::pending().await,
            Fate::Broken | Fate::TakenUnsaid => Ok(false),
        }
    }
}

/// Up to the line with nothing but a dot.
async fn read_message(stream: &mut BufReader<TcpStream>) -> std::io::Result<String> {
    let mut message = String::new();
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await? == 0 || line == ".\r\n" {
            return Ok(message);
        }
        message.push_str(&line);
    }
}
