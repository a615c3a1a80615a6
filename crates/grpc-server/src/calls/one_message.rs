use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::{Buf as _, Bytes};
use http_body::{Frame, SizeHint};
use rpc_error::{RpcError, reason};
use tonic::Status;
use tonic::body::Body;

use super::message_boundary::MessageBoundary;

/// A request body that fails when it goes on after its first message. Every rpc of the contract takes one; tonic
/// would answer the first and silently drop the rest.
#[derive(Debug)]
pub(super) struct OneMessage {
    inner: Body,
    boundary: MessageBoundary,
}

impl OneMessage {
    pub(super) fn new(inner: Body) -> Self {
        Self {
            inner,
            boundary: MessageBoundary::default(),
        }
    }

    /// Whether these bytes leave the body at one message at most.
    fn admits(&mut self, data: &Bytes) -> bool {
        let had_one = self.boundary.messages() > 0 && data.has_remaining();
        self.boundary.pass(data);
        let goes_on = self.boundary.messages() > 0 && !self.boundary.is_between_messages();
        !had_one && !goes_on && self.boundary.messages() <= 1
    }
}

impl http_body::Body for OneMessage {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let frame = std::task::ready!(Pin::new(&mut self.inner).poll_frame(cx));
        if let Some(Ok(frame)) = &frame
            && let Some(data) = frame.data_ref()
            && !self.admits(data)
        {
            return Poll::Ready(Some(Err(several())));
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

fn several() -> Status {
    RpcError::invalid_argument(reason::MESSAGE_MALFORMED, "the request is more than one message").into()
}

#[cfg(test)]
mod tests {
    use http_body_util::{BodyExt as _, StreamBody};

    use super::*;

    /// Whether a body that arrives in these pieces is read to its end.
    async fn passes(pieces: &[&'static [u8]]) -> bool {
        let frames: Vec<Result<_, Status>> = pieces
            .iter()
            .map(|piece| Ok(Frame::data(Bytes::from_static(piece))))
            .collect();
        let body = Body::new(StreamBody::new(futures::stream::iter(frames)));
        OneMessage::new(body).collect().await.is_ok()
    }

    #[tokio::test]
    async fn one_message_passes_however_it_is_cut_and_a_second_one_never_does() {
        assert!(passes(&[b"\0\0\0\0\x02ab"]).await);
        assert!(passes(&[b"\0\0", b"\0\0\x02", b"a", b"", b"b"]).await);
        assert!(passes(&[b"\0\0\0\0\0"]).await);
        assert!(passes(&[]).await);
        assert!(!passes(&[b"\0\0\0\0\x01a\0\0\0\0\x01b"]).await);
        assert!(!passes(&[b"\0\0\0\0\x01a", b"\0\0\0\0\x01b"]).await);
        assert!(!passes(&[b"\0\0\0\0\0", b"\0"]).await);
        assert!(!passes(&[b"\0\0\0\0\0\0\0\0\0\0"]).await);
    }
}
