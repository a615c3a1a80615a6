use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use futures::future::BoxFuture;
use http::HeaderMap;
use http_body::{Body as HttpBody, Frame};
use rpc_error::{RpcError, reason};
use tokio::time::{Sleep, sleep};
use tokio_util::sync::CancellationToken;
use tonic::Code;
use tonic::body::Body;

use super::framework_status::{CallFacts, settle};
use super::in_flight::Place;
use super::log::CallLog;
use super::message_boundary::MessageBoundary;
use super::{Deadline, UnsentBytes};
use crate::sending::LARGE;

/// While draining, a body that has sent fewer than two messages may still be a unary response on its way
/// through a gateway; after this much silence it is a stream.
const DRAIN_QUIET: Duration = Duration::from_secs(1);
/// When a client that lost its stream to a shutdown may come back, to another replica or to the next process.
const RETRY_AFTER: Duration = Duration::from_secs(1);

type Polled = Poll<Option<Result<Frame<Bytes>, tonic::Status>>>;

/// What a response's body needs to know of its call.
pub(super) struct Surroundings {
    pub(super) facts: CallFacts,
    pub(super) deadline: Option<Deadline>,
    pub(super) draining: CancellationToken,
    /// Where its large frames are counted.
    pub(super) unsent: UnsentBytes,
    /// What it keeps until its end.
    pub(super) place: Option<Place>,
}

/// The body of a call's response: the handler's, ended early with a status when the deadline passes, the
/// server drains, the handler panics or too much waits to be sent.
pub(super) struct CallBody {
    /// `None` when the end has been sent.
    inner: Option<Body>,
    boundary: MessageBoundary,
    facts: CallFacts,
    deadline: Option<Pin<Box<Sleep>>>,
    drain: Drain,
    unsent: UnsentBytes,
    log: Option<CallLog>,
    _place: Option<Place>,
}

impl CallBody {
    pub(super) fn new(inner: Body, surroundings: Surroundings, log: CallLog) -> Self {
        let Surroundings {
            facts,
            deadline,
            draining,
            unsent,
            place,
        } = surroundings;
        Self {
            inner: Some(inner),
            boundary: MessageBoundary::default(),
            facts,
            deadline: deadline.map(|deadline| Box::pin(tokio::time::sleep_until(deadline.instant()))),
            drain: Drain::Waiting(Box::pin(draining.cancelled_owned())),
            unsent,
            log: Some(log),
            _place: place,
        }
    }

    /// Ends the body with `trailers`, whose status is settled and logged.
    fn end(&mut self, mut trailers: HeaderMap) -> Polled {
        let code = settle(&mut trailers, &self.facts);
        self.finish(code);
        Poll::Ready(Some(Ok(Frame::trailers(trailers))))
    }

    fn end_with(&mut self, error: RpcError) -> Polled {
        let mut trailers = HeaderMap::new();
        match self.facts.status(error).add_header(&mut trailers) {
            Ok(()) => self.end(trailers),
            Err(status) => Poll::Ready(Some(Err(status))),
        }
    }

    fn finish(&mut self, code: Code) {
        self.inner = None;
        if let Some(log) = self.log.take() {
            log.end(code);
        }
    }

    fn poll_inner(&mut self, cx: &mut Context<'_>) -> Polled {
        let Some(inner) = self.inner.as_mut() else {
            return Poll::Ready(None);
        };
        let poll = || Pin::new(inner).poll_frame(cx);
        let poll_in_call = || match &self.log {
            Some(log) => log.context().run(poll),
            None => poll(),
        };
        // The body is dropped after a panic, so nobody sees it broken.
        match catch_unwind(AssertUnwindSafe(poll_in_call)) {
            Ok(polled) => polled,
            Err(_) => self.end_with(RpcError::internal()),
        }
    }

    fn past_deadline(&mut self, cx: &mut Context<'_>) -> bool {
        self.deadline
            .as_mut()
            .is_some_and(|deadline| deadline.as_mut().poll(cx).is_ready())
    }

    fn pass(&mut self, data: Bytes) -> Polled {
        let data = if data.len() < LARGE {
            data
        } else {
            match self.unsent.hold(data) {
                Ok(held) => held,
                Err(error) => return self.end_with(error),
            }
        };
        self.boundary.pass(&data);
        self.facts.answered |= self.boundary.messages() > 0;
        self.drain.heard();
        Poll::Ready(Some(Ok(Frame::data(data))))
    }
}

impl HttpBody for CallBody {
    type Data = Bytes;
    type Error = tonic::Status;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Polled {
        let this = &mut *self;
        if this.inner.is_none() {
            return Poll::Ready(None);
        }
        if this.past_deadline(cx) {
            return this.end_with(RpcError::deadline_exceeded());
        }
        if this.drain.ends(&this.boundary, cx) {
            return this.end_with(shutting_down());
        }
        match ready!(this.poll_inner(cx)) {
            Some(Ok(frame)) => match frame.into_data().map_err(Frame::into_trailers) {
                Ok(data) => this.pass(data),
                Err(Ok(trailers)) if this.inner.is_some() => this.end(trailers),
                Err(Ok(trailers)) => Poll::Ready(Some(Ok(Frame::trailers(trailers)))),
                // HTTP has no third kind.
                Err(Err(frame)) => Poll::Ready(Some(Ok(frame))),
            },
            Some(Err(error)) => {
                tracing::warn!(%error, request_id = %this.facts.id, "response body failed");
                this.end_with(RpcError::internal())
            }
            None => {
                this.finish(Code::Ok);
                Poll::Ready(None)
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_none()
    }
}

fn shutting_down() -> RpcError {
    RpcError::unavailable(
        reason::SHUTTING_DOWN,
        "this server is going down; open the stream again",
        RETRY_AFTER,
    )
}

/// Decides when a body has to end because the server drains.
enum Drain {
    /// Not draining yet.
    Waiting(BoxFuture<'static, ()>),
    /// Draining; the time since the last frame.
    Draining(Pin<Box<Sleep>>),
}

impl Drain {
    /// A stream (two messages, or silent for a while) ends at the next message boundary; a unary response
    /// goes on.
    fn ends(&mut self, boundary: &MessageBoundary, cx: &mut Context<'_>) -> bool {
        if let Self::Waiting(draining) = self {
            if draining.as_mut().poll(cx).is_pending() {
                return false;
            }
            *self = Self::Draining(Box::pin(sleep(DRAIN_QUIET)));
        }
        let Self::Draining(quiet) = self else {
            return false;
        };
        let is_quiet = quiet.as_mut().poll(cx).is_ready();
        boundary.is_between_messages() && (is_quiet || boundary.messages() >= 2)
    }

    fn heard(&mut self) {
        if matches!(self, Self::Draining(_)) {
            *self = Self::Draining(Box::pin(sleep(DRAIN_QUIET)));
        }
    }
}
