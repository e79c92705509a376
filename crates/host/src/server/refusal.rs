//! What a connection gets that is one too many: 503 at once over plain HTTP, and over TLS the end, since a handshake is
//! what there is no room for.

use std::sync::{Arc, LazyLock};

use cashpoint_wire::problem::{Code, MEDIA_TYPE, Problem};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::Counters;
use super::register::Register;

/// Refusals on their way out at once; beyond that connections are dropped.
pub(super) const FAREWELLS: usize = 256;

static REFUSAL: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let document = Problem::passing(Code::Overloaded, 1).to_json("refused");
    let mut answer = format!(
        "HTTP/1.1 503 Service Unavailable\r\ncontent-type: {MEDIA_TYPE}\r\nretry-after: 1\r\nx-request-id: refused\r\n\
         content-length: {}\r\nconnection: close\r\n\r\n",
        document.len()
    )
    .into_bytes();
    answer.extend(document);
    answer
});

/// Sends `stream` away.
pub(super) fn refuse(stream: TcpStream, register: &Arc<Register>) {
    Counters::add(&register.counters().refused);
    if register.options().tls.is_some() {
        return;
    }
    let Some(place) = register.farewell() else { return };
    let linger = register.options().deadlines.linger;
    tokio::spawn(async move {
        // Whoever does not take it in time does not get it.
        let _ = timeout(linger, say(stream)).await;
        drop(place);
    });
}

async fn say(mut stream: TcpStream) -> std::io::Result<()> {
    stream.write_all(&REFUSAL).await?;
    stream.shutdown().await?;
    // Until the client has closed too: a request still unread at the end would reset the answer away.
    let mut thrown_away = [0_u8; 1024];
    while stream.read(&mut thrown_away).await? > 0 {}
    Ok(())
}
