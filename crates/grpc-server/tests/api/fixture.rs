//! A server on a free port with a service whose messages are plain strings, and ways to call it.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use futures::future::BoxFuture;
use futures::stream::{self, BoxStream};
use futures::{FutureExt as _, StreamExt as _};
use grpc_server::{
    CallLimits, ConnectionLimits, Deadline, DrainPace, Drained, Listener, Readiness, RequestId, Shutdown,
    add_reflection, call_stack, methods, serve,
};
use http::uri::PathAndQuery;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use rpc_error::RpcError;
use telemetry::{CallContext, Metrics};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tonic::body::Body;
use tonic::service::Routes;
use tonic::transport::Channel;
use tonic::{Status, Streaming};
use tonic_prost::ProstCodec;
use tower::Service;

pub(crate) const PROMPT: DrainPace = DrainPace {
    announce: Duration::ZERO,
    finish: Duration::from_secs(25),
};

/// What `Large` answers to who names no other length.
pub(crate) const LARGE_KIB: usize = 100;

pub(crate) struct Server {
    pub(crate) addr: SocketAddr,
    pub(crate) shutdown: Shutdown,
    /// Lets every waiting `Wait` call answer.
    pub(crate) release: watch::Sender<bool>,
    pub(crate) ended: JoinHandle<Drained>,
    pub(crate) metrics: Metrics,
}

fn test_methods() -> Vec<String> {
    let own = ["Echo", "Large", "Wait", "Forever"].map(|method| format!("/test.Text/{method}"));
    methods(&[]).into_iter().chain(own).collect()
}

pub(crate) async fn start() -> Server {
    start_with(CallLimits::default(), ConnectionLimits::default()).await
}

pub(crate) async fn start_with(calls: CallLimits, connections: ConnectionLimits) -> Server {
    start_on(None, calls, connections).await
}

/// With TLS, when given.
pub(crate) async fn start_on(
    tls: Option<tls::Server>,
    calls: CallLimits,
    connections: ConnectionLimits,
) -> Server {
    let (release, released) = watch::channel(false);
    let shutdown = Shutdown::manual();
    let listener = Listener::bind("127.0.0.1:0".parse().unwrap()).await.unwrap();
    let metrics = Metrics::new();
    let listener = listener.with_tls(tls).measured(metrics.connections("test"));
    let addr = listener.local_addr();
    let mut readiness = Readiness::new(["test.Text"]);
    let routes = Routes::new(Text { released }).add_service(readiness.service().await);
    let routes = add_reflection(routes, &[]).unwrap();
    tokio::spawn(readiness.run(shutdown.clone()));
    let stack = call_stack(
        routes,
        calls.with_long_lived(["/test.Text/Forever"]),
        metrics.server("test", test_methods()),
    );
    let ended = tokio::spawn(serve(listener, stack, connections, shutdown.clone()));
    Server {
        addr,
        shutdown,
        release,
        ended,
        metrics,
    }
}

impl Server {
    pub(crate) async fn channel(&self) -> Channel {
        Channel::from_shared(format!("http://{}", self.addr))
            .unwrap()
            .connect()
            .await
            .unwrap()
    }

    pub(crate) async fn unary(
        &self,
        method: &'static str,
        text: &str,
    ) -> Result<tonic::Response<String>, Status> {
        unary(self.channel().await, method, tonic::Request::new(text.to_owned())).await
    }

    /// Any HTTP/2 request; the answer with its trailers merged into the headers.
    pub(crate) async fn raw(
        &self,
        request: http::request::Builder,
        path: &str,
        body: &[u8],
    ) -> Response<Bytes> {
        let client = Client::builder(TokioExecutor::new())
            .http2_only(true)
            .build_http();
        let request = request
            .method("POST")
            .uri(format!("http://{}{path}", self.addr))
            .body(Full::new(Bytes::copy_from_slice(body)))
            .unwrap();
        let (mut parts, body) = client.request(request).await.unwrap().into_parts();
        let body = body.collect().await.unwrap();
        parts.headers.extend(body.trailers().cloned().unwrap_or_default());
        Response::from_parts(parts, body.to_bytes())
    }
}

pub(crate) async fn unary(
    channel: Channel,
    method: &'static str,
    request: tonic::Request<String>,
) -> Result<tonic::Response<String>, Status> {
    let mut client = tonic::client::Grpc::new(channel);
    client.ready().await.unwrap();
    client.unary(request, path(method), ProstCodec::default()).await
}

pub(crate) async fn stream(
    channel: Channel,
    method: &'static str,
    text: &str,
) -> Result<Streaming<String>, Status> {
    let mut client = tonic::client::Grpc::new(channel);
    client.ready().await.unwrap();
    let request = tonic::Request::new(text.to_owned());
    client
        .server_streaming(request, path(method), ProstCodec::default())
        .await
        .map(tonic::Response::into_inner)
}

fn path(method: &'static str) -> PathAndQuery {
    PathAndQuery::from_static(method)
}

/// `test.Text`: each method does what its name says.
#[derive(Clone)]
pub(crate) struct Text {
    released: watch::Receiver<bool>,
}

impl tonic::server::NamedService for Text {
    const NAME: &'static str = "test.Text";
}

impl Service<Request<Body>> for Text {
    type Response = Response<Body>;
    type Error = std::convert::Infallible;
    type Future = BoxFuture<'static, Result<Response<Body>, Self::Error>>;

    fn poll_ready(&mut self, _: &mut std::task::Context<'_>) -> std::task::Poll<Result<(), Self::Error>> {
        std::task::Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let method = request.uri().path().rsplit('/').next().unwrap().to_owned();
        let handler = Handler {
            method,
            released: self.released.clone(),
        };
        async move {
            let codec = ProstCodec::<String, String>::default();
            let mut grpc = tonic::server::Grpc::new(codec).max_decoding_message_size(64);
            Ok(match handler.method.as_str() {
                "Stream" | "Forever" | "Ticks" | "StreamContext" | "StreamPanic" => {
                    grpc.server_streaming(handler, request).await
                }
                "Echo" | "Large" | "Wait" | "Panic" | "Fail" | "Deadline" | "Id" | "Context" => {
                    grpc.unary(handler, request).await
                }
                _ => Status::unimplemented("").into_http(),
            })
        }
        .boxed()
    }
}

#[derive(Clone)]
struct Handler {
    method: String,
    released: watch::Receiver<bool>,
}

impl tonic::server::UnaryService<String> for Handler {
    type Response = String;
    type Future = BoxFuture<'static, Result<tonic::Response<String>, Status>>;

    fn call(&mut self, request: tonic::Request<String>) -> Self::Future {
        let Self { method, mut released } = self.clone();
        async move {
            let text = match method.as_str() {
                "Wait" => {
                    released.wait_for(|released| *released).await.unwrap();
                    "waited".to_owned()
                }
                "Large" => "x".repeat(1024 * request.into_inner().parse().unwrap_or(LARGE_KIB)),
                "Panic" => panic!("asked to"),
                "Fail" => return Err(RpcError::internal().into()),
                "Deadline" => {
                    let deadline = request.extensions().get::<Deadline>().copied();
                    assert_eq!(Deadline::current(), deadline);
                    deadline.unwrap().remaining().as_millis().to_string()
                }
                "Context" => CallContext::current().request_id().unwrap().to_owned(),
                "Id" => request
                    .extensions()
                    .get::<RequestId>()
                    .unwrap()
                    .as_str()
                    .to_owned(),
                _ => request.into_inner(),
            };
            Ok(tonic::Response::new(text))
        }
        .boxed()
    }
}

impl tonic::server::ServerStreamingService<String> for Handler {
    type Response = String;
    type ResponseStream = BoxStream<'static, Result<String, Status>>;
    type Future = BoxFuture<'static, Result<tonic::Response<Self::ResponseStream>, Status>>;

    fn call(&mut self, _: tonic::Request<String>) -> Self::Future {
        let first = stream::iter([Ok("first".to_owned())]);
        let rest: BoxStream<'static, Result<String, Status>> = match self.method.as_str() {
            "Ticks" => stream::unfold((), |()| async {
                tokio::time::sleep(Duration::from_millis(20)).await;
                Some((Ok("tick".to_owned()), ()))
            })
            .boxed(),
            "StreamContext" => stream::once(async {
                tokio::task::yield_now().await;
                Ok(CallContext::current().request_id().unwrap().to_owned())
            })
            .boxed(),
            "StreamPanic" => stream::once(async {
                tokio::time::sleep(Duration::from_millis(20)).await;
                panic!("asked to")
            })
            .boxed(),
            _ => stream::pending().boxed(),
        };
        async move { Ok(tonic::Response::new(first.chain(rest).boxed())) }.boxed()
    }
}
