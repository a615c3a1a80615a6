use std::sync::Arc;
use std::task::{Context, Poll};

use futures::FutureExt as _;
use futures::future::BoxFuture;
use http::uri::PathAndQuery;
use http::{Request, Response};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use tonic::body::Body;
use tower::Service;

use crate::upstream::Upstream;

/// An upstream as a channel for a generated client: for the gateway's own unary calls (health, keys), on the
/// same connections as those it forwards.
#[derive(Debug, Clone)]
pub(crate) struct UpstreamChannel(pub(crate) Arc<Upstream>);

impl Service<Request<Body>> for UpstreamChannel {
    type Response = Response<Incoming>;
    type Error = Box<dyn std::error::Error + Send + Sync>;
    type Future = BoxFuture<'static, Result<Self::Response, Self::Error>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let upstream = Arc::clone(&self.0);
        async move {
            let (parts, body) = request.into_parts();
            let body = body.collect().await?.to_bytes();
            let root = PathAndQuery::from_static("/");
            let path = parts.uri.path_and_query().unwrap_or(&root);
            // The call stops counting here: its response is one small message.
            let (response, _open) = upstream.post(path, &parts.headers, &body).await?;
            Ok(response)
        }
        .boxed()
    }
}
