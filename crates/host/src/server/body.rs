//! Bodies that note when they end: the request's, which may be late, and the answer's.

use std::error::Error;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::body::{Body, Bytes};
use hyper::body::{Body as _, Frame, Incoming, SizeHint};

use super::stage::Watch;

/// A body was not complete in time. Whoever reads it finds this among the sources of the error; the answer is the last
/// one on its connection.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LateBody;

impl LateBody {
    /// Whether this is why `error` came about.
    #[must_use]
    pub fn caused(error: &(dyn Error + 'static)) -> bool {
        let mut next = Some(error);
        while let Some(error) = next {
            if error.is::<Self>() {
                return true;
            }
            next = error.source();
        }
        false
    }
}

impl fmt::Display for LateBody {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("the body did not come in time")
    }
}

impl Error for LateBody {}

/// A request's body.
pub(super) struct RequestBody {
    incoming: Incoming,
    watch: Arc<Watch>,
    state: Reading,
}

#[derive(PartialEq, Eq)]
enum Reading {
    More,
    Ended,
    Late,
}

impl RequestBody {
    pub(super) fn new(incoming: Incoming, watch: Arc<Watch>) -> Self {
        let state = if incoming.is_end_stream() { Reading::Ended } else { Reading::More };
        Self { incoming, watch, state }
    }

    fn end(&mut self) {
        self.state = Reading::Ended;
        self.watch.body_read();
    }
}

impl hyper::body::Body for RequestBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        if self.state != Reading::More {
            return Poll::Ready(None);
        }
        match Pin::new(&mut self.incoming).poll_frame(context) {
            Poll::Ready(Some(Ok(frame))) => {
                if self.incoming.is_end_stream() {
                    self.end();
                }
                Poll::Ready(Some(Ok(frame)))
            }
            Poll::Ready(Some(Err(error))) => Poll::Ready(Some(Err(axum::Error::new(error)))),
            Poll::Ready(None) => {
                self.end();
                Poll::Ready(None)
            }
            Poll::Pending if self.watch.body_is_late(context.waker()) => {
                self.state = Reading::Late;
                Poll::Ready(Some(Err(axum::Error::new(LateBody))))
            }
            Poll::Pending => Poll::Pending,
        }
    }

    fn is_end_stream(&self) -> bool {
        self.state != Reading::More
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.size_hint()
    }
}

impl Drop for RequestBody {
    fn drop(&mut self) {
        if self.state != Reading::Ended {
            self.watch.body_left();
        }
    }
}

/// An answer's body. HTTP drops it when its last byte is in the buffers, or at once if none of it is to be sent.
pub(super) struct AnswerBody {
    body: Body,
    /// None where another protocol takes over.
    watch: Option<Arc<Watch>>,
}

impl AnswerBody {
    pub(super) fn new(body: Body, watch: Option<Arc<Watch>>) -> Self {
        Self { body, watch }
    }
}

impl hyper::body::Body for AnswerBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for AnswerBody {
    fn drop(&mut self) {
        if let Some(watch) = &self.watch {
            watch.answer_complete();
        }
    }
}
