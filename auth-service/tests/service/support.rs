//! A real server on port 0, a clock that the test turns, and requests that are valid until a test spoils them.

use std::fmt::Debug;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use auth_service::{App, Clock, Config, HashingLimits, ThrottleConfig};
use grpc_server::{DrainPace, Shutdown};
use harness::mongo::ReplicaSet;
use jiff::Timestamp;
use proto::auth::v1 as pb;
use proto::auth::v1::auth_service_client::AuthServiceClient;
use proto::auth::v1::token_service_client::TokenServiceClient;
use rpc_error::Details;
use telemetry::Metrics;
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Request, Response, Status};

/// A good password.
pub(crate) const PASSWORD: &str = "seven quiet herons cross";

/// Makes each case, an `async fn(Service)`, a test on every store.
macro_rules! on_every_store {
    ($($case:ident)*) => {
        mod on_sqlite {
            $(#[tokio::test]
            async fn $case() {
                super::$case(crate::support::Service::start().await).await;
            })*
        }

        mod on_mongodb {
            $(#[tokio::test]
            async fn $case() {
                super::$case(crate::support::Service::start_on_mongodb().await).await;
            })*
        }
    };
}
pub(crate) use on_every_store;

/// When every test begins.
const START: i64 = 1_790_000_000;

/// A running auth-service with its files in a folder of its own.
pub(crate) struct Service {
    address: SocketAddr,
    channel: Channel,
    shutdown: Shutdown,
    ended: JoinHandle<()>,
    place: Place,
}

/// What outlives one start of a service.
#[derive(Clone)]
pub(crate) struct Place {
    config: Config,
    seconds: Arc<AtomicI64>,
    folder: Arc<TempDir>,
    /// The servers behind its store URL, when they are its own: they live as long.
    database: Option<Arc<ReplicaSet>>,
}

/// The settings of most tests: a free port, and room for every sign-in of their one address.
pub(crate) fn config() -> Config {
    let hashing = HashingLimits {
        workers: 2,
        queue: 500,
        deadline: Duration::from_mins(1),
    };
    Config {
        listen: SocketAddr::from(([127, 0, 0, 1], 0)),
        hashing,
        throttle: ThrottleConfig {
            sign_in_burst: 1_000_000,
            ..ThrottleConfig::default()
        },
        ..Config::default()
    }
}

/// [`config`] with a store.
pub(crate) fn config_on(store_url: &str) -> Config {
    Config {
        store_url: Some(store_url.to_owned().into()),
        ..config()
    }
}

impl Place {
    /// A new folder, at the time when every test begins.
    pub(crate) fn new(config: Config) -> Self {
        Self {
            config,
            seconds: Arc::new(AtomicI64::new(START)),
            folder: Arc::new(tempfile::tempdir().unwrap()),
            database: None,
        }
    }

    /// Starts a service there.
    ///
    /// # Errors
    /// The sentence for the operator.
    pub(crate) async fn start(self) -> Result<Service, String> {
        let app = App::build_with_clock(self.config.clone(), self.folder.path(), self.clock()).await;
        let app = app.map_err(|error| error.to_string())?;
        let address = app.local_addr();
        let shutdown = Shutdown::manual();
        let ended = tokio::spawn(app.run(shutdown.clone()));
        let endpoint = Endpoint::from_shared(format!("http://{address}")).unwrap();
        Ok(Service {
            address,
            channel: endpoint.connect().await.unwrap(),
            shutdown,
            ended,
            place: self,
        })
    }
}

impl Place {
    /// The clock that its services read.
    pub(crate) fn clock(&self) -> Clock {
        let read = Arc::clone(&self.seconds);
        Clock::new(move || Timestamp::from_second(read.load(Ordering::SeqCst)).unwrap())
    }
}

impl Service {
    /// Starts one in a new folder, on SQLite.
    pub(crate) async fn start() -> Self {
        Self::start_with(config()).await
    }

    /// The same with other settings.
    pub(crate) async fn start_with(config: Config) -> Self {
        Place::new(config).start().await.unwrap()
    }

    /// Starts one in a new folder, on a MongoDB of its own.
    pub(crate) async fn start_on_mongodb() -> Self {
        let set = ReplicaSet::start().await;
        let mut place = Place::new(config_on(&set.url("auth_of_a_test")));
        place.database = Some(Arc::new(set));
        place.start().await.unwrap()
    }

    /// Stops it as Ctrl-C does, and starts it again on the same data at the same time of its clock.
    pub(crate) async fn restart(self) -> Self {
        let place = self.place.clone();
        self.stop().await;
        place.start().await.unwrap()
    }

    /// Stops it as Ctrl-C does.
    pub(crate) async fn stop(self) {
        drop(self.channel);
        self.shutdown.begin(DrainPace::INTERACTIVE);
        self.ended.await.unwrap();
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn channel(&self) -> Channel {
        self.channel.clone()
    }

    pub(crate) fn data_dir(&self) -> &Path {
        self.place.folder.path()
    }

    pub(crate) fn config(&self) -> &Config {
        &self.place.config
    }

    pub(crate) fn clock(&self) -> Clock {
        self.place.clock()
    }

    /// Moves the service's clock.
    pub(crate) fn advance(&self, seconds: i64) {
        self.place.seconds.fetch_add(seconds, Ordering::SeqCst);
    }

    /// What the service counts.
    pub(crate) fn metrics(&self) -> Metrics {
        self.place.config.metrics.clone()
    }

    pub(crate) fn now(&self) -> i64 {
        self.place.seconds.load(Ordering::SeqCst)
    }

    pub(crate) fn auth(&self) -> AuthServiceClient<Channel> {
        AuthServiceClient::new(self.channel())
    }

    pub(crate) fn tokens(&self) -> TokenServiceClient<Channel> {
        TokenServiceClient::new(self.channel())
    }

    pub(crate) async fn register(&self, email: &str) -> pb::RegisterResponse {
        self.auth()
            .register(registration(email))
            .await
            .unwrap()
            .into_inner()
    }

    /// The tokens of a new user.
    pub(crate) async fn signed_in(&self) -> pb::Tokens {
        self.register("ada@example.com").await.tokens.unwrap()
    }

    pub(crate) async fn login(&self, email: &str, password: &str) -> Result<pb::LoginResponse, Status> {
        let (email, password) = (email.to_owned(), password.to_owned());
        let request = pb::LoginRequest {
            email,
            password,
            client_label: String::new(),
            device_token: String::new(),
        };
        self.auth().login(request).await.map(Response::into_inner)
    }

    pub(crate) async fn get_me(&self, access_token: &str) -> Result<pb::GetMeResponse, Status> {
        self.auth()
            .get_me(bearer(access_token, pb::GetMeRequest {}))
            .await
            .map(Response::into_inner)
    }

    pub(crate) async fn refresh(&self, refresh_token: &str) -> Result<pb::Tokens, Status> {
        let request = pb::RefreshTokenRequest {
            refresh_token: refresh_token.to_owned(),
        };
        let response = self.auth().refresh_token(request).await?;
        Ok(response.into_inner().tokens.unwrap())
    }

    pub(crate) async fn validate(&self, access_token: &str, audience: &str) -> Result<pb::Claims, Status> {
        let (access_token, audience) = (access_token.to_owned(), audience.to_owned());
        let response = self
            .tokens()
            .validate_token(pb::ValidateTokenRequest {
                access_token,
                audience,
            })
            .await?;
        Ok(response.into_inner().claims.unwrap())
    }

    /// Signs out with an access token.
    pub(crate) async fn logout(&self, access_token: &str) -> Result<(), Status> {
        let request = bearer(
            access_token,
            pb::LogoutRequest {
                refresh_token: String::new(),
            },
        );
        self.auth().logout(request).await.map(Response::into_inner)
    }

    /// Signs out with a refresh token.
    pub(crate) async fn logout_with(&self, refresh_token: &str) -> Result<(), Status> {
        let request = pb::LogoutRequest {
            refresh_token: refresh_token.to_owned(),
        };
        self.auth().logout(request).await.map(Response::into_inner)
    }
}

pub(crate) fn registration(email: &str) -> pb::RegisterRequest {
    pb::RegisterRequest {
        email: email.to_owned(),
        password: PASSWORD.to_owned(),
        display_name: "Ada Lovelace".to_owned(),
        organization_name: "Analytical Engines".to_owned(),
        client_label: "Firefox on Linux".to_owned(),
    }
}

pub(crate) fn bearer<T>(access_token: &str, message: T) -> Request<T> {
    let mut request = Request::new(message);
    request
        .metadata_mut()
        .insert("authorization", format!("Bearer {access_token}").parse().unwrap());
    request
}

/// The code and reason of a refusal.
#[track_caller]
pub(crate) fn refusal<T: Debug>(result: Result<T, Status>) -> (Code, String) {
    let status = result.unwrap_err();
    (status.code(), Details::of(&status).reason().to_owned())
}

/// `UNAUTHENTICATED` with a reason.
pub(crate) fn unauthenticated(reason: &str) -> (Code, String) {
    (Code::Unauthenticated, reason.to_owned())
}

/// The violations of a refusal as (path, reason).
#[track_caller]
pub(crate) fn violations(status: &Status) -> Vec<(String, String)> {
    let details = Details::of(status);
    assert_eq!(
        (status.code(), details.reason()),
        (Code::InvalidArgument, "FIELDS_INVALID")
    );
    details
        .violations()
        .into_iter()
        .map(|(path, reason)| (path.to_owned(), reason.to_owned()))
        .collect()
}

/// Expected violations.
pub(crate) fn owned(violations: &[(&str, &str)]) -> Vec<(String, String)> {
    violations
        .iter()
        .map(|(path, reason)| ((*path).to_owned(), (*reason).to_owned()))
        .collect()
}
