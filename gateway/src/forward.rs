use std::convert::Infallible;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures::FutureExt as _;
use futures::future::BoxFuture;
use grpc_server::{ConnectionInfo, Deadline, MAX_REQUEST_BYTES, REQUEST_ID_HEADER, RequestId};
use http::header::CONTENT_TYPE;
use http::uri::PathAndQuery;
use http::{HeaderMap, Request, Response, StatusCode};
use http_body_util::BodyExt as _;
use rpc_error::{RpcError, reason};
use telemetry::chain;
use tonic::Status;
use tonic::body::Body;
use tower::Service;

use crate::forwarded_body::ForwardedBody;
use crate::headers;
use crate::routes::RouteTable;
use crate::upstream::Upstream;

/// A message's flag and length before it.
const MESSAGE_PREFIX: usize = 5;
/// A request above the limit is still read, and thrown away, up to here: a client that is answered and closed
/// upon while it sends sees a broken connection instead of the answer.
const MOST_READ: usize = 16 * 1024 * 1024;
/// 5 s: for a request to arrive, however long its deadline is; 256 KiB take that on a bad mobile connection. Who
/// sends slower only occupies a place among the calls in flight.
const ARRIVAL: Duration = Duration::from_secs(5);
/// When to try an upstream again that is not there.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// Passes gRPC calls on to the services in the route table, as bytes.
///
/// Every rpc of the contract takes one message of at most [`MAX_REQUEST_BYTES`], so a request is read whole
/// before anything is sent: the upstream gets the right `content-length` (a gRPC-Web-text client's is of the
/// encoded bytes), never half a request, and a refused call can be sent again. Responses are passed on as
/// they come.
#[derive(Debug, Clone)]
pub(crate) struct Forward {
    routes: Arc<RouteTable>,
}

impl Forward {
    pub(crate) fn new(routes: Arc<RouteTable>) -> Self {
        Self { routes }
    }

    async fn forward<B>(&self, request: Request<B>) -> Result<Response<Body>, RpcError>
    where
        B: http_body::Body<Data = Bytes>,
    {
        let (parts, body) = request.into_parts();
        let path = parts.uri.path();
        let unknown = || RpcError::unimplemented("no such service or method here");
        let upstream = self.routes.find(path).ok_or_else(unknown)?;
        let target = PathAndQuery::try_from(path).map_err(|_| unknown())?;
        let message = read_in_time(body, ARRIVAL).await?;
        let extensions = &parts.extensions;
        let deadline = extensions.get::<Deadline>().copied();
        let headers = headers::to_upstream(
            &parts.headers,
            extensions.get::<RequestId>(),
            deadline,
            extensions.get::<ConnectionInfo>().map(|info| info.peer.ip()),
        );
        send(upstream, &target, &headers, &message, deadline).await
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

/// The bytes of a request that arrives within `limit`. The call's own deadline is kept around all of this, by the
/// call stack.
///
/// # Errors
/// `DEADLINE_EXCEEDED`, and those of [`read_whole`].
async fn read_in_time(body: impl http_body::Body<Data = Bytes>, limit: Duration) -> Result<Bytes, RpcError> {
    tokio::time::timeout(limit, read_whole(body))
        .await
        .map_err(|_| RpcError::deadline_exceeded())?
}

/// The bytes of a request.
///
/// # Errors
/// `INVALID_ARGUMENT`: larger than one largest message, or not readable (broken base64, a client that went
/// away).
async fn read_whole(body: impl http_body::Body<Data = Bytes>) -> Result<Bytes, RpcError> {
    let mut body = std::pin::pin!(body);
    let mut whole = BytesMut::new();
    let mut read = 0;
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| malformed())?;
        let Ok(data) = frame.into_data() else {
            continue;
        };
        read += data.len();
        if read <= MAX_REQUEST_BYTES + MESSAGE_PREFIX {
            whole.extend_from_slice(&data);
        } else if read > MOST_READ {
            break;
        }
    }
    if read > MAX_REQUEST_BYTES + MESSAGE_PREFIX {
        return Err(RpcError::invalid_argument(
            reason::MESSAGE_TOO_LARGE,
            format!("a request is at most {} KiB", MAX_REQUEST_BYTES / 1024),
        ));
    }
    Ok(whole.freeze())
}

fn malformed() -> RpcError {
    RpcError::invalid_argument(reason::MESSAGE_MALFORMED, "the request's body cannot be read")
}

async fn send(
    upstream: &Upstream,
    path: &PathAndQuery,
    headers: &HeaderMap,
    message: &Bytes,
    deadline: Option<Deadline>,
) -> Result<Response<Body>, RpcError> {
    let (response, open) = upstream.post(path, headers, message).await.map_err(|error| {
        let request_id = headers.get(REQUEST_ID_HEADER);
        tracing::warn!(?request_id, error = chain(&error), "upstream call failed");
        unavailable()
    })?;
    let (parts, body) = response.into_parts();
    if parts.status != StatusCode::OK || !is_grpc(&parts.headers) {
        let name = upstream.name();
        tracing::warn!(upstream = name, status = %parts.status, "upstream does not speak gRPC");
        return Err(unavailable());
    }
    let headers = headers::to_client(&parts.headers);
    let body = if headers.contains_key(headers::GRPC_STATUS) {
        // Trailers-only: the headers are the end of the stream.
        Body::empty()
    } else {
        Body::new(ForwardedBody::new(body, open, deadline, upstream.name()))
    };
    let mut response = Response::new(body);
    *response.headers_mut() = headers;
    Ok(response)
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

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::time::Duration;

    use bytes::Bytes;
    use futures::{StreamExt as _, stream};
    use http_body::Frame;
    use http_body_util::{Full, StreamBody};
    use rpc_error::reason;

    use super::read_in_time;

    const LIMIT: Duration = Duration::from_millis(100);

    fn byte() -> Frame<Bytes> {
        Frame::data(Bytes::from_static(b"x"))
    }

    #[tokio::test]
    async fn a_request_that_does_not_arrive_in_time_is_given_up() {
        let stuck = StreamBody::new(stream::iter([Ok::<_, Infallible>(byte())]).chain(stream::pending()));
        let dripping = StreamBody::new(stream::repeat(()).then(async |()| {
            tokio::time::sleep(LIMIT / 10).await;
            Ok::<_, Infallible>(byte())
        }));
        for given_up in [
            tokio::time::timeout(LIMIT * 50, read_in_time(stuck, LIMIT)).await,
            tokio::time::timeout(LIMIT * 50, read_in_time(dripping, LIMIT)).await,
        ] {
            let error = given_up.unwrap().unwrap_err();
            assert_eq!(error.reason(), reason::DEADLINE_EXCEEDED);
        }
        let whole = read_in_time(Full::new(Bytes::from_static(b"xyz")), LIMIT).await;
        assert_eq!(whole.unwrap(), "xyz");
    }
}
