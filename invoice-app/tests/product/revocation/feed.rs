//! The revocation feed, said by the test: it stands where auth-service is asked by other services. Keys are those of the
//! real auth-service.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::channel::mpsc::{UnboundedReceiver, UnboundedSender, unbounded};
use proto::auth::v1::token_service_client::TokenServiceClient;
use proto::auth::v1::token_service_server::{TokenService, TokenServiceServer};
use proto::auth::v1::watch_revocations_response::Event;
use proto::auth::v1::{
    GetJwksRequest, GetJwksResponse, Heartbeat, Jwk, RevocationSnapshot, SessionRevoked,
    ValidateTokenRequest, ValidateTokenResponse, WatchRevocationsRequest, WatchRevocationsResponse,
};
use tokio::net::TcpListener;
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;
use tonic::{Request, Response, Status};

/// As often as auth-service.
const HEARTBEAT: Duration = Duration::from_secs(2);

type Said = Result<WatchRevocationsResponse, Status>;

pub(crate) struct Feed {
    pub(crate) address: SocketAddr,
    state: Arc<State>,
}

struct State {
    keys: Vec<Jwk>,
    told: Mutex<Told>,
}

#[derive(Default)]
struct Told {
    sessions: Vec<SessionRevoked>,
    streams: Vec<UnboundedSender<Said>>,
}

impl Told {
    fn say(&mut self, event: &Event) {
        let message = WatchRevocationsResponse {
            event: Some(event.clone()),
        };
        self.streams
            .retain(|stream| stream.unbounded_send(Ok(message.clone())).is_ok());
    }
}

impl Feed {
    /// With the keys of the auth-service at `auth`.
    pub(crate) async fn with_keys_of(auth: SocketAddr) -> Self {
        let mut tokens = TokenServiceClient::new(harness::channel(auth).await);
        let keys = tokens
            .get_jwks(GetJwksRequest {})
            .await
            .unwrap()
            .into_inner()
            .keys;
        let told = Mutex::default();
        let state = Arc::new(State { keys, told });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = Server::builder()
            .add_service(TokenServiceServer::from_arc(Arc::clone(&state)))
            .serve_with_incoming(TcpIncoming::from(listener));
        tokio::spawn(async move { server.await.unwrap() });
        let beating = Arc::clone(&state);
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(HEARTBEAT).await;
                beating
                    .told
                    .lock()
                    .unwrap()
                    .say(&Event::Heartbeat(Heartbeat { time: None }));
            }
        });
        Self { address, state }
    }

    /// Says, to all who listen and to all who will, that this session has ended; twice, since that is allowed.
    pub(crate) fn tell(&self, session: &str) {
        let session = SessionRevoked {
            session_id: session.to_owned(),
            drop_time: None,
        };
        let mut told = self.state.told.lock().unwrap();
        for _ in 0..2 {
            told.say(&Event::SessionRevoked(session.clone()));
        }
        told.sessions.push(session);
    }

    /// From now on snapshots know nothing of what was told so far, as with a replica that lags.
    pub(crate) fn forget(&self) {
        self.state.told.lock().unwrap().sessions.clear();
    }
}

#[tonic::async_trait]
impl TokenService for State {
    async fn validate_token(
        &self,
        _request: Request<ValidateTokenRequest>,
    ) -> Result<Response<ValidateTokenResponse>, Status> {
        Err(Status::unimplemented("not here"))
    }

    async fn get_jwks(&self, _request: Request<GetJwksRequest>) -> Result<Response<GetJwksResponse>, Status> {
        let keys = self.keys.clone();
        Ok(Response::new(GetJwksResponse { keys }))
    }

    type WatchRevocationsStream = UnboundedReceiver<Said>;

    async fn watch_revocations(
        &self,
        _request: Request<WatchRevocationsRequest>,
    ) -> Result<Response<Self::WatchRevocationsStream>, Status> {
        let (say, said) = unbounded();
        let mut told = self.told.lock().unwrap();
        let snapshot = Event::Snapshot(RevocationSnapshot {
            sessions: told.sessions.clone(),
            users: Vec::new(),
            keys: self.keys.clone(),
            complete: true,
        });
        let message = WatchRevocationsResponse {
            event: Some(snapshot),
        };
        let _sent = say.unbounded_send(Ok(message));
        told.streams.push(say);
        Ok(Response::new(said))
    }
}
