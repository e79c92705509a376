//! What hyper answers by itself: a status line without a body, to what is no request (400), or to a head that is too
//! long (414, 431). It has no hook for that, so what it writes when nothing has been asked is completed here: every
//! answer has a request id, and to what is no request there is a problem document.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use cashpoint_wire::problem::{Code, MEDIA_TYPE, Problem};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::connection::Connection;
use super::stage::Stage;

/// See the module. Above TLS: it has to see what is written.
pub(super) struct Completed<S> {
    stream: S,
    connection: Arc<Connection>,
    /// What goes out instead of what hyper wrote, and how much of it has.
    instead: Option<(Vec<u8>, usize)>,
}

impl<S> Completed<S> {
    pub(super) fn new(stream: S, connection: Arc<Connection>) -> Self {
        Self { stream, connection, instead: None }
    }

    /// Whether `bytes` are an answer of hyper's own: nothing was asked, and an answer to a request is out of our buffers
    /// before the next head is looked at.
    fn is_own(&self, bytes: &[u8]) -> bool {
        let nothing_asked = matches!(self.connection.watch().stage(), Stage::Fresh | Stage::Head | Stage::Idle);
        nothing_asked && bytes.starts_with(b"HTTP/1.1 4") && bytes.ends_with(b"\r\n\r\n")
    }

    fn completed(&self, bytes: &[u8]) -> Vec<u8> {
        let id = self.connection.name_refusal();
        let named = format!("x-request-id: {id}\r\ncache-control: no-store\r\nx-content-type-options: nosniff\r\n");
        if !bytes.starts_with(b"HTTP/1.1 400 ") {
            let head = &bytes[..bytes.len() - 2];
            return [head, named.as_bytes(), b"\r\n"].concat();
        }
        let mut problem = Problem::new(Code::InvalidRequest);
        problem.detail = Some("this is no HTTP/1.1 request".to_owned());
        let document = problem.to_json(id);
        let length = document.len();
        let head = format!(
            "HTTP/1.1 400 Bad Request\r\ncontent-type: {MEDIA_TYPE}\r\n{named}content-length: {length}\r\n\
             connection: close\r\n\r\n"
        );
        [head.into_bytes(), document].concat()
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Completed<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Completed<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = &mut *self;
        if this.instead.is_none() && this.is_own(bytes) {
            this.instead = Some((this.completed(bytes), 0));
        }
        let Some((instead, sent)) = &mut this.instead else {
            return Pin::new(&mut this.stream).poll_write(context, bytes);
        };
        while *sent < instead.len() {
            match ready!(Pin::new(&mut this.stream).poll_write(context, &instead[*sent..]))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                taken => *sent += taken,
            }
        }
        this.instead = None;
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match slices.iter().find(|slice| !slice.is_empty()) {
            Some(first) if self.instead.is_some() || self.is_own(first) => self.poll_write(context, first),
            Some(_) | None => Pin::new(&mut self.stream).poll_write_vectored(context, slices),
        }
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
