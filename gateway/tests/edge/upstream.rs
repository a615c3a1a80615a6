//! An upstream whose messages are plain strings, under the names that the gateway forwards. It is bare tonic:
//! what the gateway promises, it must keep without help from behind.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use futures::FutureExt as _;
use futures::StreamExt as _;
use futures::future::BoxFuture;
use futures::stream::{self, BoxStream};
use grpc_server::{ConnectionLimits, Listener, Shutdown, serve};
use http::{HeaderMap, Request, Response};
use http_body_util::BodyExt as _;
use proto::auth::v1::token_service_server::{TokenService, TokenServiceServer};
use proto::auth::v1::{GetJwksRequest, GetJwksResponse, Jwk, ValidateTokenRequest, ValidateTokenResponse};
use rpc_error::{FieldPath, Violations};
use tokio::sync::watch;
use tonic::Status;
use tonic::body::Body;
use tonic::service::Routes;
use tonic_prost::ProstCodec;
use tower::Service;

use crate::web_client::message;

pub(crate) type Seen = Arc<Mutex<Vec<(String, HeaderMap)>>>;

pub(crate) struct Upstream {
    pub(crate) addr: SocketAddr,
    pub(crate) shutdown: Shutdown,
    /// Path and headers of every call except health.
    pub(crate) seen: Seen,
    /// Lets `WatchInvoices` send its second message and end.
    pub(crate) release: watch::Sender<bool>,
    /// What `Flood` does.
    pub(crate) floods: Arc<Floods>,
}

/// Calls of `Flood`, a stream of large messages without end.
#[derive(Default)]
pub(crate) struct Floods {
    /// Calls that are open now.
    pub(crate) open: AtomicUsize,
    /// Messages that all calls together have made.
    pub(crate) messages: AtomicUsize,
}

struct Flood(Arc<Floods>);

impl Flood {
    fn begin(floods: &Arc<Floods>) -> Self {
        floods.open.fetch_add(1, Ordering::SeqCst);
        Self(Arc::clone(floods))
    }

    fn message(&self) -> String {
        self.0.messages.fetch_add(1, Ordering::SeqCst);
        "x".repeat(64 * 1024)
    }
}

impl Drop for Flood {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Upstream {
    pub(crate) async fn start() -> Self {
        let (release, released) = watch::channel(false);
        let seen = Seen::default();
        let floods = Arc::<Floods>::default();
        let invoices = Invoices {
            released,
            floods: Arc::clone(&floods),
            seen: Arc::clone(&seen),
        };
        let (health, health_server) = tonic_health::server::health_reporter();
        health
            .set_service_status(
                "invoiceapp.invoice.v1.InvoiceService",
                tonic_health::ServingStatus::Serving,
            )
            .await;
        let keys = Keys(Arc::clone(&seen));
        let routes = Routes::new(invoices.clone())
            .add_service(Accounts(invoices))
            .add_service(TokenServiceServer::new(keys))
            .add_service(health_server);
        let listener = Listener::bind("127.0.0.1:0".parse().unwrap()).await.unwrap();
        let addr = listener.local_addr();
        let shutdown = Shutdown::manual();
        tokio::spawn(serve(
            listener,
            routes,
            ConnectionLimits::default(),
            shutdown.clone(),
        ));
        Self {
            addr,
            shutdown,
            seen,
            release,
            floods,
        }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.addr)
    }

    pub(crate) fn calls(&self) -> usize {
        self.seen.lock().unwrap().len()
    }

    pub(crate) fn last_headers(&self) -> HeaderMap {
        self.seen.lock().unwrap().last().unwrap().1.clone()
    }
}

/// `auth-service` as far as keys go.
struct Keys(Seen);

#[tonic::async_trait]
impl TokenService for Keys {
    async fn validate_token(
        &self,
        _: tonic::Request<ValidateTokenRequest>,
    ) -> Result<tonic::Response<ValidateTokenResponse>, Status> {
        Ok(tonic::Response::new(ValidateTokenResponse::default()))
    }

    async fn get_jwks(
        &self,
        request: tonic::Request<GetJwksRequest>,
    ) -> Result<tonic::Response<GetJwksResponse>, Status> {
        let headers = request.metadata().clone().into_headers();
        self.0.lock().unwrap().push(("GetJwks".to_owned(), headers));
        let key = Jwk {
            kid: "key-1".to_owned(),
            ..Jwk::default()
        };
        Ok(tonic::Response::new(GetJwksResponse { keys: vec![key] }))
    }

    type WatchRevocationsStream =
        tokio_stream::Empty<Result<proto::auth::v1::WatchRevocationsResponse, Status>>;

    async fn watch_revocations(
        &self,
        _: tonic::Request<proto::auth::v1::WatchRevocationsRequest>,
    ) -> Result<tonic::Response<Self::WatchRevocationsStream>, Status> {
        Ok(tonic::Response::new(tokio_stream::empty()))
    }
}

#[derive(Clone)]
struct Invoices {
    released: watch::Receiver<bool>,
    floods: Arc<Floods>,
    seen: Seen,
}

impl tonic::server::NamedService for Invoices {
    const NAME: &'static str = "invoiceapp.invoice.v1.InvoiceService";
}

impl Service<Request<Body>> for Invoices {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let path = request.uri().path().to_owned();
        let headers = request.headers().clone();
        self.seen.lock().unwrap().push((path.clone(), headers));
        let handler = Handler {
            method: path.rsplit('/').next().unwrap().to_owned(),
            released: self.released.clone(),
            floods: Arc::clone(&self.floods),
        };
        async move {
            let mut grpc = tonic::server::Grpc::new(ProstCodec::<String, String>::default());
            Ok(match handler.method.as_str() {
                "WatchInvoices" | "Flood" => grpc.server_streaming(handler, request).await,
                "NoTrailers" => {
                    let mut response = Response::new(Body::new(http_body_util::Full::from(message("x"))));
                    let grpc = http::HeaderValue::from_static("application/grpc");
                    response.headers_mut().insert("content-type", grpc);
                    response
                }
                "ChangePassword" => with_cookies_in_trailers(),
                "NotGrpc" => Response::new(Body::new(http_body_util::Full::from("<html>"))),
                _ => grpc.unary(handler, request).await,
            })
        }
        .boxed()
    }
}

/// `AuthService` with the same methods, and one whose trailers have a cookie too.
#[derive(Clone)]
struct Accounts(Invoices);

impl tonic::server::NamedService for Accounts {
    const NAME: &'static str = "invoiceapp.auth.v1.AuthService";
}

impl Service<Request<Body>> for Accounts {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        self.0.call(request)
    }
}

/// The cookies that every answer tries to set.
pub(crate) const SET_COOKIES: [&str; 5] = [
    "__Host-invoiceapp-refresh=r; Path=/; HttpOnly",
    "invoiceapp-refresh=r; Path=/; HttpOnly",
    "__Host-invoiceapp-device=d; Path=/; HttpOnly",
    "invoiceapp-device=d; Path=/; HttpOnly",
    "session=s",
];

fn set_cookies(headers: &mut HeaderMap) {
    for cookie in SET_COOKIES {
        headers.append("set-cookie", http::HeaderValue::from_static(cookie));
    }
}

/// A message whose trailers set cookies.
fn with_cookies_in_trailers() -> Response<Body> {
    let mut trailers = HeaderMap::new();
    set_cookies(&mut trailers);
    trailers.insert("grpc-status", http::HeaderValue::from_static("0"));
    let body = http_body_util::Full::from(message("x"));
    let mut response = Response::new(Body::new(body.with_trailers(async { Some(Ok(trailers)) })));
    let grpc = http::HeaderValue::from_static("application/grpc");
    response.headers_mut().insert("content-type", grpc);
    response
}

#[derive(Clone)]
struct Handler {
    method: String,
    released: watch::Receiver<bool>,
    floods: Arc<Floods>,
}

impl tonic::server::UnaryService<String> for Handler {
    type Response = String;
    type Future = BoxFuture<'static, Result<tonic::Response<String>, Status>>;

    fn call(&mut self, request: tonic::Request<String>) -> Self::Future {
        let method = self.method.clone();
        async move {
            match method.as_str() {
                "CreateInvoice" => Err(with_violations(2)),
                "Logout" => {
                    let mut refused = Status::unauthenticated("refused");
                    set_cookies(refused.metadata_mut().as_mut());
                    Err(refused)
                }
                "ManyProblems" => Err(with_long_details()),
                "Wait" => std::future::pending().await,
                "Page" => Ok(tonic::Response::new("x".repeat(1024 * 1024))),
                _ => {
                    let mut answer = tonic::Response::new(request.into_inner());
                    let metadata = answer.metadata_mut();
                    metadata.insert("x-idempotent-replay", "true".parse().unwrap());
                    metadata.insert("x-internal", "secret".parse().unwrap());
                    set_cookies(metadata.as_mut());
                    Ok(answer)
                }
            }
        }
        .boxed()
    }
}

/// An error with `count` violations of 250 bytes each.
fn with_violations(count: usize) -> Status {
    let mut violations = Violations::new();
    for index in 0..count {
        let path = FieldPath::new("invoice")
            .field("lines")
            .index(index)
            .field("quantity");
        violations.push(path, "DECIMAL_MALFORMED", "write a decimal number. ".repeat(9));
    }
    Status::from(violations.into_result().unwrap_err())
}

/// An error with more than 16 KiB of details: Protobuf merges encodings that follow each other.
fn with_long_details() -> Status {
    let short = with_violations(2);
    let details = short.details().repeat(32);
    Status::with_details(short.code(), short.message(), details.into())
}

impl tonic::server::ServerStreamingService<String> for Handler {
    type Response = String;
    type ResponseStream = BoxStream<'static, Result<String, Status>>;
    type Future = BoxFuture<'static, Result<tonic::Response<Self::ResponseStream>, Status>>;

    fn call(&mut self, _: tonic::Request<String>) -> Self::Future {
        if self.method == "Flood" {
            let flood = Flood::begin(&self.floods);
            let messages = stream::repeat_with(move || Ok(flood.message()));
            return async move { Ok(tonic::Response::new(messages.boxed())) }.boxed();
        }
        let mut released = self.released.clone();
        let first = stream::iter([Ok("first".to_owned())]);
        let second = stream::once(async move {
            released.wait_for(|released| *released).await.unwrap();
            Ok("second".to_owned())
        });
        async move { Ok(tonic::Response::new(first.chain(second).boxed())) }.boxed()
    }
}
