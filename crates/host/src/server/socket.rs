//! A connection's socket, which notes what passes through it. Below TLS, so that it sees a dripping handshake too.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use super::register::Ticket;

/// See the module. Holds the connection's ticket: what takes the socket over (another protocol) takes its place too.
#[derive(Debug)]
pub(super) struct Socket {
    stream: TcpStream,
    ticket: Ticket,
    ending: Ending,
}

#[derive(Debug, PartialEq, Eq)]
enum Ending {
    NotYet,
    /// Our end is closed, the client's is not.
    Lingering,
    Done,
}

impl Socket {
    pub(super) fn new(stream: TcpStream, ticket: Ticket) -> Self {
        Self { stream, ticket, ending: Ending::NotYet }
    }

    fn poll_linger(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let mut thrown_away = [0_u8; 4096];
        loop {
            let mut buffer = ReadBuf::new(&mut thrown_away);
            let read = ready!(Pin::new(&mut self.stream).poll_read(context, &mut buffer));
            if read.is_err() || buffer.filled().is_empty() {
                return Poll::Ready(());
            }
        }
    }

    fn note<T>(&self, written: &Poll<T>) {
        if written.is_pending() {
            self.ticket.watch().blocked();
        }
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(context, buffer)?;
        let watch = self.ticket.watch();
        if read.is_pending() {
            // The end of the file is what another protocol sees of our stopping.
            return if watch.is_ended(context.waker()) { Poll::Ready(Ok(())) } else { Poll::Pending };
        }
        if buffer.filled().len() > before && !watch.received() {
            buffer.set_filled(before);
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Socket {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.note(&written);
        written
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.note(&written);
        written
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        // Whoever writes to us flushes us only when it has nothing left to write.
        ready!(Pin::new(&mut self.stream).poll_flush(context))?;
        self.ticket.watch().flushed();
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.ending == Ending::NotYet {
            ready!(Pin::new(&mut self.stream).poll_shutdown(context))?;
            self.ending = if self.ticket.watch().lingers() { Ending::Lingering } else { Ending::Done };
        }
        if self.ending == Ending::Lingering {
            ready!(self.poll_linger(context));
            self.ending = Ending::Done;
        }
        Poll::Ready(Ok(()))
    }
}
