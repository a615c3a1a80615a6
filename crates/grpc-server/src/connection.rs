use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use http::{Request, Response};
use http_body::Body;
use hyper::body::Incoming;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use tls::{Protocols, Stream};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;
use tonic::transport::server::TcpConnectInfo;
use tower::Service;

use crate::ConnectionLimits;
use crate::activity::{Activity, Metered, OpenBody};
use crate::handshake::Handshakes;
use crate::sending::{SentBody, Streams};

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// The HTTP/2 preface (24 bytes) and the empty SETTINGS frame (9 bytes) that must follow it.
const SMALLEST_HTTP2_START: u64 = 33;
/// How often a draining connection is asked whether it still does something.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// A draining connection without calls and without traffic for this many looks (1 s) belongs to a peer that
/// ignores GOAWAY, or is not there.
const QUIET_LOOKS: u32 = 4;

/// Which connection a request came in on; in the extensions of every request that [`serve`](crate::serve)
/// passes on.
#[derive(Debug, Clone)]
pub struct ConnectionInfo {
    /// Who sent the request: the other end of the TCP connection.
    pub peer: SocketAddr,
    /// What is known from the TLS handshake; `None` on a plaintext connection.
    pub tls: Option<TlsInfo>,
    /// Cancelled when streams have to end.
    pub(crate) draining: CancellationToken,
}

impl ConnectionInfo {
    /// The address of a peer that has not shown a certificate of ours. One that has is a gateway, which calls for many
    /// people from one address.
    pub(crate) fn unknown_peer(&self) -> Option<IpAddr> {
        let name = self.tls.as_ref().and_then(|tls| tls.peer_name.as_ref());
        name.is_none().then_some(self.peer.ip())
    }
}

/// What the TLS handshake of a connection said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsInfo {
    /// The verified name of the peer: the one on the allow-list, or without a list the first of its certificate. `None`
    /// when this server asks for no certificates.
    pub peer_name: Option<Arc<str>>,
    /// What the server offers; with [`Protocols::Grpc`] it is not meant for browsers.
    pub protocols: Protocols,
}

/// A connection that nothing was read from yet.
pub(crate) struct Accepted {
    pub(crate) stream: TcpStream,
    pub(crate) peer: SocketAddr,
    /// With TLS.
    pub(crate) handshakes: Option<Handshakes>,
    /// By then the peer must have said something that counts.
    pub(crate) first_bytes: Instant,
}

/// The signals that end a connection.
#[derive(Debug, Clone)]
pub(crate) struct Phases {
    /// GOAWAY; calls in flight go on, streams end.
    pub(crate) draining: CancellationToken,
    /// Cut.
    pub(crate) aborting: CancellationToken,
}

/// HTTP/1 and HTTP/2 under `limits`. Protection against rapid resets (CVE-2023-44487) is hyper's default.
pub(crate) fn protocol(limits: &ConnectionLimits) -> auto::Builder<Streams> {
    let mut builder = auto::Builder::new(Streams);
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.http1_head)
        .max_buf_size(limits.http1_buffer_bytes);
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(limits.ping_interval)
        .keep_alive_timeout(limits.ping_timeout)
        .max_concurrent_streams(limits.max_concurrent_streams)
        .max_header_list_size(limits.header_list_bytes)
        .initial_stream_window_size(limits.stream_window_bytes)
        .initial_connection_window_size(limits.connection_window_bytes)
        .max_send_buf_size(limits.send_buffer_bytes);
    builder
}

/// Serves one connection to its end: the peer's, the first bytes' deadline, or the drain's. Returns whether
/// it was cut with calls in flight.
pub(crate) async fn drive<S, B>(
    accepted: Accepted,
    service: S,
    protocol: auto::Builder<Streams>,
    phases: Phases,
) -> bool
where
    S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
    B: Body<Data = Bytes> + Send + Unpin + 'static,
    B::Error: Into<BoxError>,
{
    let Accepted {
        stream,
        peer,
        handshakes,
        first_bytes,
    } = accepted;
    let (stream, tls) = match handshakes {
        None => (Stream::Plain(stream), None),
        Some(handshakes) => {
            // Nothing is in flight before the handshake: it ends with the deadline, and as soon as the drain begins.
            let shaken = tokio::select! {
                shaken = timeout_at(first_bytes, handshakes.accept(stream, peer)) => shaken.ok().flatten(),
                () = phases.draining.cancelled() => None,
                () = phases.aborting.cancelled() => None,
            };
            let Some((stream, info)) = shaken else {
                return false;
            };
            (stream, Some(info))
        }
    };
    let activity = Arc::new(Activity::default());
    let tcp = TcpConnectInfo {
        local_addr: stream.tcp().local_addr().ok(),
        remote_addr: Some(peer),
    };
    let service = ConnectionService {
        inner: service,
        info: ConnectionInfo {
            peer,
            tls,
            draining: phases.draining.clone(),
        },
        tcp,
        activity: Arc::clone(&activity),
    };
    let io = TokioIo::new(Metered {
        io: stream,
        activity: Arc::clone(&activity),
    });
    let mut connection = pin!(protocol.serve_connection(io, TowerToHyperService::new(service)));

    tokio::select! {
        ended = connection.as_mut() => { log_end(peer, ended); return false }
        () = silence(&activity, first_bytes) => return false,
        () = phases.aborting.cancelled() => return activity.calls_open() > 0,
        () = phases.draining.cancelled() => {}
    }
    connection.as_mut().graceful_shutdown();
    tokio::select! {
        ended = connection.as_mut() => { log_end(peer, ended); false }
        () = quiet(&activity) => false,
        () = phases.aborting.cancelled() => activity.calls_open() > 0,
    }
}

/// Errors of a connection are the peer's affair: resets, bad frames, time-outs.
fn log_end(peer: SocketAddr, ended: Result<(), BoxError>) {
    if let Err(error) = ended {
        tracing::debug!(%peer, error, "connection ended");
    }
}

/// Ends when the peer has said nothing that counts by `first_bytes`. (The head of an HTTP/1 request has
/// hyper's own deadline.)
async fn silence(activity: &Activity, first_bytes: Instant) {
    tokio::time::sleep_until(first_bytes).await;
    if has_spoken(activity) {
        std::future::pending::<()>().await;
    }
}

/// Whether the peer has sent a whole start of HTTP/2, or a request.
fn has_spoken(activity: &Activity) -> bool {
    activity.bytes_read() >= SMALLEST_HTTP2_START || activity.calls_begun() > 0
}

/// Ends when a draining connection has nothing left to do but does not close; sooner when it never had anything to do.
async fn quiet(activity: &Activity) {
    let enough = if has_spoken(activity) { QUIET_LOOKS } else { 1 };
    let mut moved = activity.bytes_moved();
    let mut looks = 0;
    while looks < enough {
        tokio::time::sleep(LOOK_EVERY).await;
        let now = activity.bytes_moved();
        looks = if activity.calls_open() == 0 && now == moved {
            looks + 1
        } else {
            0
        };
        moved = now;
    }
}

/// Tells the application where a request came from and counts it while it is open.
#[derive(Clone)]
struct ConnectionService<S> {
    inner: S,
    info: ConnectionInfo,
    tcp: TcpConnectInfo,
    activity: Arc<Activity>,
}

impl<S, B> Service<Request<Incoming>> for ConnectionService<S>
where
    S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
    B: Body<Data = Bytes> + Send + Unpin + 'static,
{
    type Response = Response<SentBody<OpenBody<B>>>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<Incoming>) -> Self::Future {
        let call = self.activity.begin_call();
        let extensions = request.extensions_mut();
        extensions.insert(self.info.clone());
        extensions.insert(self.tcp.clone());
        self.inner
            .call(request)
            .map(|answered| {
                answered.map(|response| response.map(|inner| SentBody::new(OpenBody { inner, _call: call })))
            })
            .boxed()
    }
}
