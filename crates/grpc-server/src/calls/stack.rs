use std::convert::Infallible;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use http::header::{CONTENT_TYPE, ORIGIN, TE};
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode, Version};
use http_body_util::Full;
use rpc_error::{RpcError, reason};
use telemetry::Server;
use tls::Protocols;
use tokio_util::sync::CancellationToken;
use tonic::body::Body;
use tonic::{Code, Status};
use tower::Service;

use super::arrival::Arrivals;
use super::body::{CallBody, Surroundings};
use super::deadline;
use super::framework_status::{CallFacts, settle};
use super::in_flight::{InFlight, Place};
use super::limits::{HEALTH_CHECK, is_reflection};
use super::log::CallLog;
use super::{CallLimits, Deadline, REQUEST_ID_HEADER, RequestId, UnsentBytes};
use crate::ConnectionInfo;
use crate::sending::CutOff;

/// Puts everything that surrounds a call around `inner`: a tonic `Routes`, or any service that answers gRPC.
///
/// In the extensions of the requests that `inner` sees are [`RequestId`], [`Deadline`] (unless the call has
/// none; also [`Deadline::current`]), [`ConnectionInfo`] and [`UnsentBytes`]. `inner` is dropped when the deadline passes or the caller goes away, so a
/// write that must not be cut in half runs in its own task and the handler waits for that.
///
/// `server` measures the calls; whatever runs for one has its names ([`telemetry::CallContext`]).
pub fn call_stack<S>(inner: S, limits: CallLimits, server: Server) -> CallStack<S> {
    CallStack {
        inner,
        around: Arc::new(Around {
            arrivals: Arrivals::new(&limits),
            in_flight: InFlight::new(&limits),
            unsent: UnsentBytes::new(limits.unsent_bytes),
            limits,
            server,
        }),
    }
}

/// What [`call_stack`] makes.
#[derive(Debug, Clone)]
pub struct CallStack<S> {
    inner: S,
    around: Arc<Around>,
}

#[derive(Debug)]
struct Around {
    limits: CallLimits,
    arrivals: Arrivals,
    in_flight: InFlight,
    unsent: UnsentBytes,
    server: Server,
}

impl<S, B> Service<Request<B>> for CallStack<S>
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let clone = self.inner.clone();
        let ready = std::mem::replace(&mut self.inner, clone);
        let around = Arc::clone(&self.around);
        let request = request.map(Body::new);
        async move { Ok(around.answer(ready, request).await) }.boxed()
    }
}

impl Around {
    async fn answer<S>(&self, inner: S, mut request: Request<Body>) -> Response<Body>
    where
        S: Service<Request<Body>, Response = Response<Body>, Error = Infallible>,
    {
        let id = RequestId::of(request.extensions(), request.headers());
        if !is_grpc(&request) {
            return not_grpc(&id);
        }
        let connection = request.extensions().get::<ConnectionInfo>().cloned();
        let (peer, draining) = match connection {
            Some(info) => (Some(info.peer), info.draining),
            None => (None, CancellationToken::new()),
        };
        let path = request.uri().path();
        let log = CallLog::begin(&self.server, path, request.headers(), id.clone(), peer);
        let deadline = deadline::of_call(request.headers(), path, &self.limits);
        let facts = CallFacts {
            id: id.clone(),
            compressed: is_compressed(request.headers()),
            answered: false,
        };
        request.extensions_mut().insert(id.clone());
        request.extensions_mut().insert(self.unsent.clone());
        deadline.and_then(|deadline| request.extensions_mut().insert(deadline));

        let handled = log.context().wrap(self.handle(inner, request, deadline));
        let mut response = match handled.await {
            Ok((response, place)) => {
                CutOff::set(deadline.map(|deadline| deadline.instant() + self.limits.taken_after_deadline));
                let surroundings = Surroundings {
                    facts,
                    deadline,
                    draining,
                    unsent: self.unsent.clone(),
                    place,
                };
                finish(response, surroundings, log)
            }
            Err(error) => {
                if error.reason() == reason::OVERLOADED {
                    self.server.count_refused();
                }
                let status = facts.status(error);
                log.end(status.code());
                status.into_http()
            }
        };
        let headers = response.headers_mut();
        headers.insert(REQUEST_ID_HEADER, id.to_header_value());
        response
    }

    /// Runs the handler within the limits.
    async fn handle<S>(
        &self,
        inner: S,
        request: Request<Body>,
        deadline: Option<Deadline>,
    ) -> Result<(Response<Body>, Option<Place>), RpcError>
    where
        S: Service<Request<Body>, Response = Response<Body>, Error = Infallible>,
    {
        let handled = self.receive_and_run(inner, request);
        match deadline {
            None => handled.await,
            Some(deadline) if deadline.remaining().is_zero() => Err(RpcError::deadline_exceeded()),
            Some(deadline) => tokio::time::timeout_at(deadline.instant(), deadline.scope(handled))
                .await
                .map_err(|_| RpcError::deadline_exceeded())?,
        }
    }

    async fn receive_and_run<S>(
        &self,
        mut inner: S,
        request: Request<Body>,
    ) -> Result<(Response<Body>, Option<Place>), RpcError>
    where
        S: Service<Request<Body>, Response = Response<Body>, Error = Infallible>,
    {
        let request = self.receive(request).await?;
        let place = self.in_flight.enter(request.uri().path(), &self.limits)?;
        // The handler is dropped after a panic, so nobody sees it broken. The hook has logged the cause.
        let handled = AssertUnwindSafe(async { inner.call(request).await }).catch_unwind();
        match handled.await {
            Ok(Ok(response)) => Ok((response, place.kept_for_the_body())),
            Ok(Err(never)) => match never {},
            Err(_panic) => Err(RpcError::internal()),
        }
    }

    /// The request with its body in memory. Reflection's is a stream, and a health check is answered when there
    /// is no room for requests either.
    async fn receive(&self, request: Request<Body>) -> Result<Request<Body>, RpcError> {
        let path = request.uri().path();
        if is_reflection(path) || path == HEALTH_CHECK {
            return Ok(request);
        }
        let (parts, body) = request.into_parts();
        let connection = parts.extensions.get::<ConnectionInfo>();
        let peer = connection.and_then(ConnectionInfo::unknown_peer);
        let message = self.arrivals.receive(body, peer).await?;
        Ok(Request::from_parts(parts, Body::new(Full::new(message))))
    }
}

/// Settles a status in the headers, or wraps the body whose trailers will bring it.
fn finish(mut response: Response<Body>, surroundings: Surroundings, log: CallLog) -> Response<Body> {
    if response.headers().contains_key(Status::GRPC_STATUS) {
        // Trailers-only: the body is empty, and stays so that the headers end the stream.
        log.end(settle(response.headers_mut(), &surroundings.facts));
        return response;
    }
    if response.status() != StatusCode::OK {
        log.end(Code::Unknown);
        return response;
    }
    response.map(|inner| Body::new(CallBody::new(inner, surroundings, log)))
}

/// `application/grpc`, or one of its `+codec` forms, in a request that no web page can make: a foreign page
/// may send other content types over HTTP/1 without asking (a "simple" request in the terms of CORS), and one
/// whose name was pointed at this machine (DNS rebinding) any of them, but never `te`, and no browser speaks
/// HTTP/2 without TLS. With TLS it does, but says that it is one.
fn is_grpc(request: &Request<Body>) -> bool {
    let headers = request.headers();
    if is_astray(request) {
        return false;
    }
    let is_grpc = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.as_bytes().strip_prefix(b"application/grpc"))
        .is_some_and(|rest| rest.is_empty() || rest.starts_with(b"+"));
    is_grpc && (request.version() == Version::HTTP_2 || headers.get(TE).is_some_and(|te| te == "trailers"))
}

/// Whether a browser has found a TLS port of a service. The gateway's port is for browsers and has a wall of its own.
///
/// Fetch (3.1, and Fetch Metadata 2) makes a browser send `origin` with every POST across origins, and `sec-fetch-mode`
/// with every request to an https URL; a page can take away neither.
fn is_astray(request: &Request<Body>) -> bool {
    let info = request.extensions().get::<ConnectionInfo>();
    let tls = info.and_then(|info| info.tls.as_ref());
    let headers = request.headers();
    tls.is_some_and(|tls| tls.protocols == Protocols::Grpc)
        && (headers.contains_key(ORIGIN) || headers.contains_key("sec-fetch-mode"))
}

fn is_compressed(headers: &HeaderMap) -> bool {
    headers
        .get("grpc-encoding")
        .is_some_and(|encoding| encoding != HeaderValue::from_static("identity"))
}

fn not_grpc(id: &RequestId) -> Response<Body> {
    let mut response = Response::new(Body::new(Full::from(
        "this port speaks gRPC only: content-type application/grpc over HTTP/2\n",
    )));
    *response.status_mut() = StatusCode::UNSUPPORTED_MEDIA_TYPE;
    let headers = response.headers_mut();
    headers.insert(
        CONTENT_TYPE,
        HeaderValue::from_static("text/plain; charset=utf-8"),
    );
    headers.insert(REQUEST_ID_HEADER, id.to_header_value());
    response
}
