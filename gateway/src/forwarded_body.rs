use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::HeaderMap;
use http_body::{Body, Frame};
use hyper::body::Incoming;
use telemetry::chain;
use tonic::Status;

use crate::forward::unavailable;
use crate::headers::{self, GRPC_STATUS};
use crate::upstream::OpenCall;

/// An upstream's response body on its way to the client: frames as they come, trailers by the allow-list, and
/// always an end with a status, also when the upstream's connection breaks in the middle.
pub(crate) struct ForwardedBody {
    /// `None` when the end has been passed on.
    inner: Option<Incoming>,
    upstream: &'static str,
    _open: OpenCall,
}

impl ForwardedBody {
    pub(crate) fn new(inner: Incoming, open: OpenCall, upstream: &'static str) -> Self {
        Self {
            inner: Some(inner),
            upstream,
            _open: open,
        }
    }

    fn end(&mut self, trailers: &HeaderMap) -> Frame<Bytes> {
        self.inner = None;
        Frame::trailers(headers::to_client(trailers))
    }

    fn broken(&mut self, cause: &str) -> Frame<Bytes> {
        tracing::warn!(upstream = self.upstream, cause, "upstream response broke off");
        let mut trailers = HeaderMap::new();
        // Fails only for metadata that is no header; this status has none.
        let _added = Status::from(unavailable()).add_header(&mut trailers);
        self.end(&trailers)
    }
}

impl Body for ForwardedBody {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let Some(inner) = self.inner.as_mut() else {
            return Poll::Ready(None);
        };
        let frame = match ready!(Pin::new(inner).poll_frame(cx)) {
            Some(Ok(frame)) => match frame.into_trailers() {
                Ok(trailers) if trailers.contains_key(GRPC_STATUS) => self.end(&trailers),
                Ok(_) => self.broken("trailers without a status"),
                Err(data) => data,
            },
            Some(Err(error)) => self.broken(&chain(&error)),
            None => self.broken("no trailers"),
        };
        Poll::Ready(Some(Ok(frame)))
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_none()
    }
}
