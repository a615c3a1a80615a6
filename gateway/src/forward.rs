use std::convert::Infallible;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use client_address::{ClientAddress, TrustedProxies};
use futures::FutureExt as _;
use futures::future::BoxFuture;
use grpc_server::{ConnectionInfo, Deadline, RequestId, UnsentBytes};
use http::header::CONTENT_TYPE;
use http::uri::PathAndQuery;
use http::{HeaderMap, Request, Response, StatusCode};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use rpc_error::{RpcError, reason};
use telemetry::{Server, UpstreamCall, chain};
use tonic::Status;
use tonic::body::Body;
use tower::Service;

use crate::forwarded_body::{ForwardedBody, Limits, status_in};
use crate::headers;
use crate::routes::RouteTable;
use crate::upstream::{OpenCall, Upstream};

/// When to try an upstream again that is not there.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// Passes gRPC calls on to the services in the route table, as bytes.
///
/// Every rpc of the contract takes one message of at most [`MAX_REQUEST_BYTES`](grpc_server::MAX_REQUEST_BYTES),
/// and the call stack has read the request whole before it comes here. So the upstream gets the right
/// `content-length` (a gRPC-Web-text client's is of the encoded bytes), never half a request, and a refused call
/// can be sent again. Responses are passed on as they come.
#[derive(Debug, Clone)]
pub(crate) struct Forward {
    routes: Arc<RouteTable>,
    measured: Server,
    trusted: TrustedProxies,
}

impl Forward {
    /// To `routes`. The client's address is the one that `trusted` proxies tell, else the TCP peer's.
    pub(crate) fn new(routes: Arc<RouteTable>, measured: Server, trusted: TrustedProxies) -> Self {
        Self {
            routes,
            measured,
            trusted,
        }
    }

    async fn forward<B>(&self, request: Request<B>) -> Result<Response<Body>, RpcError>
    where
        B: http_body::Body<Data = Bytes>,
    {
        let (parts, body) = request.into_parts();
        let path = parts.uri.path();
        let unknown = || RpcError::unimplemented("no such service or method here");
        let way = self.routes.find(path).ok_or_else(unknown)?;
        let (upstream, cookies) = (way.upstream, way.cookies.of_call(&parts.headers));
        let target = PathAndQuery::try_from(path).map_err(|_| unknown())?;
        let message = body.collect().await.map_err(|_| unreadable())?.to_bytes();
        let extensions = &parts.extensions;
        let deadline = extensions.get::<Deadline>().copied();
        let address = extensions
            .get::<ConnectionInfo>()
            .map(|info| ClientAddress::new(info.peer.ip(), &parts.headers, &self.trusted));
        let mut headers =
            headers::to_upstream(&parts.headers, extensions.get::<RequestId>(), deadline, address);
        let mut measured = self.measured.begin_upstream(path, upstream.host());
        measured.inject(&mut headers);
        cookies.add_to_upstream(&parts.headers, &mut headers);
        match send(upstream, &target, &headers, &message).await {
            Ok((response, open)) => {
                let limits = Limits {
                    deadline,
                    unsent: extensions.get::<UnsentBytes>().cloned(),
                };
                let set = cookies.set_by(response.headers());
                let mut response = passed_on(response, open, limits, upstream, measured);
                response.headers_mut().extend(set);
                Ok(response)
            }
            Err(error) => {
                measured.end(error.code());
                Err(error)
            }
        }
    }
}

impl<B> Service<Request<B>> for Forward
where
    B: http_body::Body<Data = Bytes> + Send + 'static,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let this = self.clone();
        async move {
            let answered = this.forward(request).await;
            Ok(answered.unwrap_or_else(|error| Status::from(error).into_http()))
        }
        .boxed()
    }
}

fn unreadable() -> RpcError {
    RpcError::invalid_argument(reason::MESSAGE_MALFORMED, "the request's body cannot be read")
}

/// The upstream's response, as soon as its headers are here.
async fn send(
    upstream: &Upstream,
    path: &PathAndQuery,
    headers: &HeaderMap,
    message: &Bytes,
) -> Result<(Response<Incoming>, OpenCall), RpcError> {
    let (response, open) = upstream.post(path, headers, message).await.map_err(|error| {
        tracing::warn!(error = chain(&error), "upstream call failed");
        unavailable()
    })?;
    if response.status() != StatusCode::OK || !is_grpc(response.headers()) {
        let name = upstream.name();
        tracing::warn!(upstream = name, status = %response.status(), "upstream does not speak gRPC");
        return Err(unavailable());
    }
    Ok((response, open))
}

/// The response for the client.
fn passed_on(
    response: Response<Incoming>,
    open: OpenCall,
    limits: Limits,
    upstream: &Upstream,
    mut measured: UpstreamCall,
) -> Response<Body> {
    let (parts, body) = response.into_parts();
    let headers = headers::to_client(&parts.headers);
    let body = if headers.contains_key(headers::GRPC_STATUS) {
        // Trailers-only: the headers are the end of the stream.
        measured.end(status_in(&headers));
        Body::empty()
    } else {
        Body::new(ForwardedBody::new(body, open, limits, upstream.name(), measured))
    };
    let mut response = Response::new(body);
    *response.headers_mut() = headers;
    response
}

fn is_grpc(headers: &HeaderMap) -> bool {
    headers
        .get(CONTENT_TYPE)
        .is_some_and(|value| value.as_bytes().starts_with(b"application/grpc"))
}

/// What a client learns of an upstream that did not answer.
pub(crate) fn unavailable() -> RpcError {
    RpcError::unavailable(
        reason::BACKEND_UNAVAILABLE,
        "the service behind the gateway cannot be reached; try again shortly",
        RETRY_AFTER,
    )
}
