//! The service as one value: build it, ask for its address, run it.

use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use authn::{Authenticated, Validator, ValidatorConfig};
use grpc_server::{
    CallLimits, ConnectionLimits, Listener, Readiness, ReadinessView, ReflectionError, Shutdown,
    add_reflection, call_stack, methods, serve,
};
use proto::auth::v1::auth_service_server::AuthServiceServer;
use proto::auth::v1::token_service_server::TokenServiceServer;
use settings::SettingsError;
use tokio::sync::oneshot;
use tonic::server::NamedService as _;
use tonic::service::Routes;

use crate::accounts::Accounts;
use crate::config::{Config, Settings};
use crate::devices::DeviceTokens;
use crate::domain::clock::Clock;
use crate::events::{self, EventWriter};
use crate::feed::Feed;
use crate::hashing::HashingPool;
use crate::keys::{KeyKeeper, KeyRing, KeysError};
use crate::master_key::{MasterKey, MasterKeyError};
use crate::passwords::Passwords;
use crate::profile::Profiles;
use crate::rpc::{ANONYMOUS, AuthService, TokenService, UseCases};
use crate::sessions::Sessions;
use crate::store::{self, AuthStore};
use crate::sweeper;
use crate::throttle::Throttle;
use crate::tokens::{AUDIENCE, AccessTokens, RefreshTokens};

/// 4 KiB: no request of this service is larger than a token or a password and some names.
const MAX_REQUEST_BYTES: usize = 4 * 1024;
/// Is open for as long as a service lives.
const WATCH_REVOCATIONS: &str = "/invoiceapp.auth.v1.TokenService/WatchRevocations";
/// The service's name in metrics and traces.
const SERVICE: &str = "auth-service";

/// auth-service, ready to run: the store is open, the keys are loaded and the port is bound.
pub struct App {
    listener: Listener,
    connections: ConnectionLimits,
    routes: Routes,
    readiness: Readiness,
    store: Arc<dyn AuthStore>,
    keys: (Arc<KeyKeeper>, Arc<KeyRing>),
    calls: telemetry::Server,
    clock: Clock,
    event_writer: EventWriter,
}

/// Why the service cannot start. Each text is a sentence for the operator.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// Settings that make no sense.
    #[error(transparent)]
    Config(#[from] SettingsError),
    /// The key file cannot be used.
    #[error(transparent)]
    MasterKey(#[from] MasterKeyError),
    /// The store cannot be opened.
    #[error(transparent)]
    Store(#[from] store_url::OpenError),
    /// The signing keys cannot be used.
    #[error(transparent)]
    Keys(#[from] KeysError),
    /// The threads that hash passwords cannot be started.
    #[error("cannot start hashing passwords: {0}")]
    Hashing(#[source] io::Error),
    /// The port cannot be bound.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// The address asked for.
        address: SocketAddr,
        /// What the operating system said.
        source: io::Error,
    },
    /// The cryptography library failed its self-test.
    #[error(transparent)]
    Crypto(#[from] authn::CryptoError),
    /// A fault of the build.
    #[error(transparent)]
    Reflection(#[from] ReflectionError),
}

impl App {
    /// Opens the store, loads or makes the keys, and then binds the port; nothing is served yet. Needs a runtime.
    ///
    /// # Errors
    /// [`BuildError`], one variant per cause.
    pub async fn build(config: Config, data_dir: &Path) -> Result<Self, BuildError> {
        Self::build_with_clock(config, data_dir, Clock::system()).await
    }

    /// [`App::build`] with another clock, for tests.
    ///
    /// # Errors
    /// [`BuildError`], one variant per cause.
    pub async fn build_with_clock(config: Config, data_dir: &Path, clock: Clock) -> Result<Self, BuildError> {
        let settings = config.validate(data_dir)?;
        authn::install_crypto_provider()?;
        if let Some(tls) = &settings.tls {
            tls.measure(&config.metrics);
        }
        let store = store::open(&settings.store).await?;
        let database = config.metrics.database(SERVICE, settings.store.system());
        let store = store::observed(store, &database);
        let (keeper, refresh_tokens) = keeper(&settings, &store, &clock).await?;
        let devices = DeviceTokens::new(keeper.master.device_token_key());
        let keys = Arc::new(keeper.load().await?);
        let (hashing, throttle) = hashing(&config, &settings, &clock)?;
        let validator = Arc::new(validator(&config, &keys, &clock));
        let (events, event_writer) = events::security_events(&store, &clock);
        let events = Arc::new(events);
        let access_tokens = AccessTokens {
            keys: Arc::clone(&keys),
            issuer: config.issuer.clone(),
            life: settings.access_token_life,
        };
        let sessions = Arc::new(Sessions {
            store: Arc::clone(&store),
            access_tokens,
            refresh_tokens,
            limits: settings.sessions,
            events: Arc::clone(&events),
            clock: clock.clone(),
        });
        let accounts = Accounts {
            store: Arc::clone(&store),
            hashing: Arc::clone(&hashing),
            throttle: Arc::clone(&throttle),
            devices,
            sessions: Arc::clone(&sessions),
            events: Arc::clone(&events),
            clock: clock.clone(),
        };
        let uses = UseCases {
            accounts,
            sessions: Arc::clone(&sessions),
            passwords: Passwords {
                store: Arc::clone(&store),
                hashing,
                throttle,
                sessions: Arc::clone(&sessions),
                events: Arc::clone(&events),
                clock: clock.clone(),
            },
            profiles: Profiles {
                store: Arc::clone(&store),
            },
            events,
        };

        let cookies = config.cookies.unwrap_or_default();
        let validator_of_auth = Arc::clone(&validator);
        let trusted_proxies = settings.throttle.trusted_proxies;
        let auth = AuthService::new(uses, validator_of_auth, cookies, trusted_proxies);
        let auth = AuthServiceServer::new(auth).max_decoding_message_size(MAX_REQUEST_BYTES);
        let auth = Authenticated::new(auth, Arc::clone(&validator)).anonymous(ANONYMOUS);
        let feed = Feed {
            store: Arc::clone(&store),
            keeper: Arc::clone(&keeper),
            keys: Arc::clone(&keys),
            clock: clock.clone(),
        };
        let tokens = TokenService::new(sessions, validator, feed);
        let tokens = TokenServiceServer::new(tokens).max_decoding_message_size(MAX_REQUEST_BYTES);
        let mut readiness = readiness(&store);
        let mut routes = Routes::new(auth)
            .add_service(tokens)
            .add_service(readiness.service().await);
        if config.reflection {
            routes = add_reflection(routes, &[proto::auth::FILE_DESCRIPTOR_SET])?;
        }
        // Last: who connects to a port that nobody serves yet hangs, and a store may be awaited for long.
        let listener = match Listener::bind(config.listen).await {
            Ok(listener) => listener
                .with_tls(settings.tls)
                .measured(config.metrics.connections("auth-service")),
            Err(source) => {
                store.close().await;
                let address = config.listen;
                return Err(BuildError::Listen { address, source });
            }
        };
        Ok(Self {
            listener,
            connections: config.connections,
            routes: routes.prepare(),
            readiness,
            store,
            keys: (keeper, keys),
            clock,
            event_writer,
            calls: config
                .metrics
                .server(SERVICE, methods(&[proto::auth::FILE_DESCRIPTOR_SET])),
        })
    }

    /// The address that is bound.
    pub fn local_addr(&self) -> SocketAddr {
        self.listener.local_addr()
    }

    /// How this service is, for others than gRPC clients.
    pub fn readiness(&self) -> ReadinessView {
        self.readiness.view()
    }

    /// Serves until `shutdown`, drains, and closes the store.
    pub async fn run(self, shutdown: Shutdown) {
        tracing::info!(address = %self.local_addr(), "auth-service listens");
        tokio::spawn(self.readiness.run(shutdown.clone()));
        let service = call_stack(
            self.routes,
            CallLimits::default().with_long_lived([WATCH_REVOCATIONS]),
            self.calls,
        );
        let sweeper = sweeper::sweep_until(shutdown.clone(), Arc::clone(&self.store), self.clock);
        let sweeper = tokio::spawn(sweeper);
        let (keeper, keys) = self.keys;
        let keeper = tokio::spawn(keeper.keep_until(shutdown.clone(), keys));
        let (drain, drains) = oneshot::channel();
        let event_writer = tokio::spawn(self.event_writer.run(drains));
        serve(self.listener, service, self.connections, shutdown).await;
        // The last calls are over, and what they left is written.
        drop(drain);
        let _ = event_writer.await;
        // They end with the shutdown; a panic is logged by the hook.
        let _ = tokio::join!(sweeper, keeper);
        self.store.close().await;
    }
}

/// The threads that hash passwords, and what is refused before they are asked.
fn hashing(
    config: &Config,
    settings: &Settings,
    clock: &Clock,
) -> Result<(Arc<HashingPool>, Arc<Throttle>), BuildError> {
    let sign_ins = config.metrics.sign_ins(SERVICE);
    let hashing = HashingPool::start(config.hashing, sign_ins.clone()).map_err(BuildError::Hashing)?;
    let patience = config.hashing.deadline;
    let throttle = Throttle::new(settings.throttle.addresses, patience, clock, sign_ins);
    Ok((Arc::new(hashing), Arc::new(throttle)))
}

/// Who keeps the signing keys, and what else comes from the master key. That is made only beside an empty store.
async fn keeper(
    settings: &Settings,
    store: &Arc<dyn AuthStore>,
    clock: &Clock,
) -> Result<(Arc<KeyKeeper>, RefreshTokens), BuildError> {
    let master = if store.signing_keys().await.map_err(KeysError::from)?.is_empty() {
        MasterKey::load_or_create(&settings.key_file)?
    } else {
        MasterKey::load(&settings.key_file)?
    };
    let refresh_tokens = RefreshTokens::new(master.refresh_token_key());
    let keeper = KeyKeeper {
        store: Arc::clone(store),
        master,
        clock: clock.clone(),
        period: settings.key_rotation,
        reading: tokio::sync::Mutex::default(),
    };
    Ok((Arc::new(keeper), refresh_tokens))
}

fn validator(config: &Config, keys: &Arc<KeyRing>, clock: &Clock) -> Validator {
    let expected = ValidatorConfig {
        issuer: config.issuer.clone(),
        audience: AUDIENCE.to_owned(),
    };
    let (keys, clock) = (Arc::clone(keys), clock.clone());
    Validator::new(expected, keys).with_clock(move || clock.now())
}

/// Ready when the store answers.
fn readiness(store: &Arc<dyn AuthStore>) -> Readiness {
    let store = Arc::clone(store);
    let names = [
        AuthServiceServer::<AuthService>::NAME,
        TokenServiceServer::<TokenService>::NAME,
    ];
    Readiness::new(names).check("store", move || {
        let store = Arc::clone(&store);
        async move { store.ping().await.is_ok() }
    })
}
