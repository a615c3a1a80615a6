//! An auth-service that says exactly what a test tells it to.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use authn::{Authenticated, FeedPace, Jwk, RemoteKeys, Replicas, RevocationFeed, Validator, VerifyingKey};
use jiff::Timestamp;
use proto::auth::v1::token_service_server::{TokenService, TokenServiceServer};
use proto::auth::v1::watch_revocations_response::Event;
use proto::auth::v1::{
    GetJwksRequest, GetJwksResponse, Heartbeat, KeysChanged, RevocationSnapshot, SessionRevoked, UserRevoked,
    ValidateTokenRequest, ValidateTokenResponse, WatchRevocationsRequest, WatchRevocationsResponse,
};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_stream::wrappers::{TcpListenerStream, UnboundedReceiverStream};
use tonic::transport::{Channel, Endpoint, Server};
use tonic::{Code, Request, Response, Status};

use crate::support::{Handler, NOW, Signer, call, config};

/// Every call of a test service is for this method.
pub(crate) const METHOD: &str = "/invoiceapp.invoice.v1.InvoiceService/GetInvoice";
/// As deployed, but fast; staleness comes late enough for a busy machine.
pub(crate) const PACE: FeedPace = FeedPace {
    stale_after: Duration::from_mins(1),
    give_up_after: Duration::from_mins(1),
    first_back_off: Duration::from_millis(5),
    longest_back_off: Duration::from_millis(50),
};

type Said = Result<WatchRevocationsResponse, Status>;

/// The server's end of one stream; the stream ends when this is dropped.
pub(crate) struct Stream(mpsc::UnboundedSender<Said>);

impl Stream {
    pub(crate) fn say(&self, event: Option<Event>) {
        // A client that has given the stream up hears no more.
        let _heard = self.0.send(Ok(WatchRevocationsResponse { event }));
    }

    pub(crate) fn snapshot(&self, sessions: Vec<SessionRevoked>, keys: &[&Signer]) {
        self.say(Some(Event::Snapshot(RevocationSnapshot {
            sessions,
            users: Vec::new(),
            keys: jwks(keys),
            complete: true,
        })));
    }

    pub(crate) fn part(&self, sessions: Vec<SessionRevoked>, users: Vec<UserRevoked>) {
        self.say(Some(Event::Snapshot(RevocationSnapshot {
            sessions,
            users,
            keys: Vec::new(),
            complete: false,
        })));
    }

    pub(crate) fn session(&self, session: SessionRevoked) {
        self.say(Some(Event::SessionRevoked(session)));
    }

    pub(crate) fn user(&self, user: UserRevoked) {
        self.say(Some(Event::UserRevoked(user)));
    }

    pub(crate) fn keys(&self, keys: &[&Signer]) {
        self.say(Some(Event::KeysChanged(KeysChanged { keys: jwks(keys) })));
    }

    pub(crate) fn heartbeat(&self) {
        self.say(Some(Event::Heartbeat(Heartbeat { time: None })));
    }

    /// Returns when the client has left.
    pub(crate) async fn closed(&self) {
        self.0.closed().await;
    }
}

fn jwks(keys: &[&Signer]) -> Vec<proto::auth::v1::Jwk> {
    keys.iter()
        .map(|signer| signer.verifying_key().to_jwk().into())
        .collect()
}

/// An ended session, `ses_…` with this last digit.
pub(crate) fn ended(digit: u8) -> SessionRevoked {
    SessionRevoked {
        session_id: session(digit),
        drop_time: Some(seconds(NOW + 600)),
    }
}

pub(crate) fn session(digit: u8) -> String {
    format!("ses_01k5nzzzzzzzzzzzzzzzzzzzz{digit}")
}

pub(crate) fn seconds(seconds: i64) -> prost_types::Timestamp {
    prost_types::Timestamp { seconds, nanos: 0 }
}

/// The server. It publishes the keys of `published` by GetJwks, and hands each stream to the test.
#[derive(Clone)]
pub(crate) struct Issuer {
    published: Arc<Mutex<Vec<Jwk>>>,
    pub(crate) fetches: Arc<AtomicUsize>,
    /// Of an earlier release, it has no feed.
    pub(crate) is_early: Arc<AtomicBool>,
    opened: mpsc::UnboundedSender<Stream>,
}

#[tonic::async_trait]
impl TokenService for Issuer {
    async fn validate_token(
        &self,
        _request: Request<ValidateTokenRequest>,
    ) -> Result<Response<ValidateTokenResponse>, Status> {
        Err(Status::unimplemented("not here"))
    }

    async fn get_jwks(&self, _request: Request<GetJwksRequest>) -> Result<Response<GetJwksResponse>, Status> {
        self.fetches.fetch_add(1, Ordering::SeqCst);
        let published = self.published.lock().unwrap();
        let keys = published.iter().cloned().map(Into::into).collect();
        Ok(Response::new(GetJwksResponse { keys }))
    }

    type WatchRevocationsStream = UnboundedReceiverStream<Said>;

    async fn watch_revocations(
        &self,
        _request: Request<WatchRevocationsRequest>,
    ) -> Result<Response<Self::WatchRevocationsStream>, Status> {
        if self.is_early.load(Ordering::SeqCst) {
            return Err(Status::unimplemented("of an earlier release"));
        }
        let (say, said) = mpsc::unbounded_channel();
        self.opened
            .send(Stream(say))
            .map_err(|_| Status::unavailable("the test is over"))?;
        Ok(Response::new(UnboundedReceiverStream::new(said)))
    }
}

impl Issuer {
    pub(crate) fn publish(&self, keys: &[&Signer]) {
        let keys = keys.iter().map(|signer| signer.verifying_key());
        *self.published.lock().unwrap() = keys.map(|key: VerifyingKey| key.to_jwk()).collect();
    }
}

/// A running [`Issuer`].
pub(crate) struct RunningIssuer {
    pub(crate) issuer: Issuer,
    address: SocketAddr,
    streams: mpsc::UnboundedReceiver<Stream>,
    server: JoinHandle<()>,
}

impl RunningIssuer {
    pub(crate) async fn start(keys: &[&Signer]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (opened, streams) = mpsc::unbounded_channel();
        let issuer = Issuer {
            published: Arc::default(),
            fetches: Arc::default(),
            is_early: Arc::default(),
            opened,
        };
        issuer.publish(keys);
        let server = Server::builder()
            .add_service(TokenServiceServer::new(issuer.clone()))
            .serve_with_incoming(TcpListenerStream::new(listener));
        Self {
            issuer,
            address,
            streams,
            server: tokio::spawn(async move { server.await.unwrap() }),
        }
    }

    pub(crate) fn channel(&self) -> Channel {
        let url = format!("http://{}", self.address);
        Endpoint::from_shared(url).unwrap().connect_lazy()
    }

    /// The next stream that a client opens.
    pub(crate) async fn stream(&mut self) -> Stream {
        let opened = tokio::time::timeout(Duration::from_secs(10), self.streams.recv());
        opened.await.unwrap().unwrap()
    }

    /// Ends it with all its connections.
    pub(crate) async fn stop(self) {
        self.server.abort();
        self.server.await.unwrap_err();
    }
}

/// A service whose validator follows an issuer, and a clock that stands until it is set.
pub(crate) struct Guarded {
    pub(crate) validator: Arc<Validator>,
    pub(crate) service: Authenticated<Handler>,
    pub(crate) now: Arc<AtomicI64>,
    pub(crate) metrics: telemetry::Metrics,
}

impl Guarded {
    pub(crate) fn new(auth: impl Into<Replicas>, pace: FeedPace) -> Self {
        let auth = auth.into();
        let now = Arc::new(AtomicI64::new(NOW));
        let clock = {
            let now = Arc::clone(&now);
            move || Timestamp::from_second(now.load(Ordering::SeqCst)).unwrap()
        };
        let keys = Arc::new(RemoteKeys::start(auth.clone()));
        let feed = RevocationFeed::start_with(auth, Arc::<RemoteKeys>::clone(&keys), pace, clock.clone());
        let metrics = telemetry::Metrics::new();
        feed.measure(&metrics, "test");
        let validator = Validator::new(config(), keys)
            .with_clock(clock)
            .with_revocations(feed);
        let validator = Arc::new(validator);
        Self {
            service: Authenticated::new(Handler::default(), Arc::clone(&validator)),
            validator,
            now,
            metrics,
        }
    }

    /// What becomes of a call with this token: its reason, or the empty text when it is let in.
    pub(crate) async fn outcome(&self, token: &str) -> String {
        let bearer = format!("Bearer {token}");
        let mut service = self.service.clone();
        match call(&mut service, METHOD, &[("authorization", &bearer)]).await {
            Ok(_) => String::new(),
            Err((Code::Unauthenticated | Code::Unavailable, reason)) => reason,
            Err(other) => panic!("{other:?}"),
        }
    }

    /// Waits until a call with this token has this outcome.
    pub(crate) async fn until(&self, token: &str, outcome: &str) {
        self.until_it_holds(async || self.outcome(token).await == outcome)
            .await;
    }

    pub(crate) async fn until_it_holds(&self, holds: impl AsyncFn() -> bool) {
        let wait = async {
            while !holds().await {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(10), wait).await.unwrap();
    }

    /// A figure of the feed's metrics.
    pub(crate) fn figure(&self, name: &str) -> f64 {
        let text = self.metrics.to_text();
        let prefix = format!("revocation_feed_{name}{{service=\"test\"}} ");
        let line = text.lines().find_map(|line| line.strip_prefix(&prefix));
        line.unwrap().parse().unwrap()
    }
}

/// A guarded service that follows `issuer` and has its first, empty snapshot.
pub(crate) async fn guarded_by(
    issuer: &mut RunningIssuer,
    keys: &[&Signer],
    pace: FeedPace,
) -> (Guarded, Stream) {
    let guarded = Guarded::new(issuer.channel(), pace);
    let stream = issuer.stream().await;
    stream.snapshot(Vec::new(), keys);
    guarded
        .until_it_holds(async || guarded.validator.is_ready())
        .await;
    (guarded, stream)
}
