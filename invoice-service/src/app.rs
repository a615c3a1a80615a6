//! The service as one value: build it, ask for its address, run it.

use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use authn::{Authenticated, RemoteKeys, Replicas, RevocationFeed, Validator, ValidatorConfig};
use grpc_server::{
    CallLimits, ConnectionLimits, Listener, MAX_REQUEST_BYTES, Readiness, ReadinessView, ReflectionError,
    Shutdown, add_reflection, call_stack, methods, serve,
};
use proto::invoice::v1::customer_service_server::CustomerServiceServer;
use proto::invoice::v1::invoice_service_server::InvoiceServiceServer;
use proto::invoice::v1::profile_service_server::ProfileServiceServer;
use settings::{ServiceUrl, SettingsError};
use tls::Connector;
use tonic::server::NamedService as _;
use tonic::service::Routes;
use tonic::transport::{Channel, Endpoint};

use crate::config::{Config, Settings, WhenStale};
use crate::customers::Customers;
use crate::invoices::Invoices;
use crate::methods_that_write::WRITES;
use crate::rpc::{CustomerService, InvoiceService, ProfileService};
use crate::store::{self, Store};

/// The audience of every access token of the product (RFC 9068).
const AUDIENCE: &str = "invoiceapp";
/// The service's name in metrics and traces.
const SERVICE: &str = "invoice-service";
/// The method whose stream stays open until its token ends.
const WATCH: &str = "/invoiceapp.invoice.v1.InvoiceService/WatchInvoices";
/// Fetching keys gives up on a connection after this; it tries again by itself.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// A connection to auth-service that is dead is noticed within the sum of both, sooner than the revocation feed is stale.
const KEEPALIVE: Duration = Duration::from_secs(4);
const KEEPALIVE_ANSWER: Duration = Duration::from_secs(4);

/// invoice-service, ready to run: the store is open and the port is bound.
pub struct App {
    listener: Listener,
    connections: ConnectionLimits,
    routes: Routes,
    readiness: Readiness,
    validator: Arc<Validator>,
    store: Arc<dyn Store>,
    calls: telemetry::Server,
}

/// Why the service cannot start. Each text is a sentence for the operator.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// Settings that make no sense.
    #[error(transparent)]
    Config(#[from] SettingsError),
    /// The store cannot be opened.
    #[error(transparent)]
    Store(#[from] store_url::OpenError),
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
    /// Opens the store, then binds the port; nothing is served yet. Needs a runtime. Keys and revocations come in the
    /// background: auth-service need not be there, but without them the service is not ready.
    ///
    /// # Errors
    /// [`BuildError`], one variant per cause.
    pub async fn build(config: Config, data_dir: &Path) -> Result<Self, BuildError> {
        let settings = config.validate(data_dir)?;
        authn::install_crypto_provider()?;
        if let Some(tls) = &settings.tls {
            tls.measure(&config.metrics);
        }
        settings.client.measure(&config.metrics);
        let store = store::open(&settings.store).await?;
        let database = config.metrics.database(SERVICE, settings.store.system());
        let store = store::observed(store, &database);
        let validator = validator(&config, &settings);
        let mut readiness = readiness(&store, &validator);
        let mut routes =
            routes(&store, &validator, held_back(&config)).add_service(readiness.service().await);
        if config.reflection {
            routes = add_reflection(routes, &[proto::invoice::FILE_DESCRIPTOR_SET])?;
        }
        // Last: who connects to a port that nobody serves yet hangs, and a store may be awaited for long.
        let listener = match Listener::bind(config.listen).await {
            Ok(listener) => listener
                .with_tls(settings.tls)
                .measured(config.metrics.connections("invoice-service")),
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
            validator,
            store,
            calls: config
                .metrics
                .server(SERVICE, methods(&[proto::invoice::FILE_DESCRIPTOR_SET])),
        })
    }

    /// The address that is bound.
    pub fn local_addr(&self) -> SocketAddr {
        self.listener.local_addr()
    }

    /// Whether tokens can be judged: keys and revocations are here. Until then every call is answered UNAVAILABLE.
    pub fn has_keys(&self) -> bool {
        self.validator.is_ready()
    }

    /// How this service is, for others than gRPC clients.
    pub fn readiness(&self) -> ReadinessView {
        self.readiness.view()
    }

    /// Serves until `shutdown`, drains, and closes the store.
    pub async fn run(self, shutdown: Shutdown) {
        tracing::info!(address = %self.local_addr(), "invoice-service listens");
        tokio::spawn(self.readiness.run(shutdown.clone()));
        let limits = CallLimits::default().with_long_lived([WATCH]);
        let service = call_stack(self.routes, limits, self.calls);
        serve(self.listener, service, self.connections, shutdown).await;
        self.store.close().await;
    }
}

/// Every service, behind the check of tokens.
fn routes(store: &Arc<dyn Store>, validator: &Arc<Validator>, held_back: &'static [&'static str]) -> Routes {
    let invoices = Invoices::new(Arc::clone(store));
    let customers = CustomerService::new(Customers::new(Arc::clone(store), invoices.clone()));
    let customers = CustomerServiceServer::new(customers).max_decoding_message_size(MAX_REQUEST_BYTES);
    let profiles = ProfileService::new(invoices.profiles().clone());
    let profiles = ProfileServiceServer::new(profiles).max_decoding_message_size(MAX_REQUEST_BYTES);
    let invoices =
        InvoiceServiceServer::new(InvoiceService::new(invoices)).max_decoding_message_size(MAX_REQUEST_BYTES);
    Routes::new(Authenticated::new(invoices, Arc::clone(validator)).hold_back_while_stale(held_back))
        .add_service(Authenticated::new(profiles, Arc::clone(validator)).hold_back_while_stale(held_back))
        .add_service(Authenticated::new(customers, Arc::clone(validator)).hold_back_while_stale(held_back))
}

fn validator(config: &Config, settings: &Settings) -> Arc<Validator> {
    let auth = replicas(settings);
    let keys = Arc::new(RemoteKeys::start(auth.clone()));
    let feed = RevocationFeed::start(auth, Arc::clone(&keys));
    feed.measure(&config.metrics, SERVICE);
    let expected = ValidatorConfig {
        issuer: config.trust.auth_issuer.clone(),
        audience: AUDIENCE.to_owned(),
    };
    Arc::new(Validator::new(expected, keys).with_revocations(feed))
}

/// The replicas of auth-service. Each is connected to when it is first used, and again whenever the connection is lost.
fn replicas(settings: &Settings) -> Replicas {
    let connector = Connector::new(settings.client.clone());
    let channel = |url: &ServiceUrl| -> Channel {
        Endpoint::from(url.uri())
            .connect_timeout(CONNECT_TIMEOUT)
            .http2_keep_alive_interval(KEEPALIVE)
            .keep_alive_timeout(KEEPALIVE_ANSWER)
            .connect_with_connector_lazy(connector.clone())
    };
    settings.auth.iter().map(channel).collect()
}

fn held_back(config: &Config) -> &'static [&'static str] {
    match config.revocation_stale {
        WhenStale::Allow => &[],
        WhenStale::Refuse => WRITES,
    }
}

/// Ready when the store answers and keys and revocations have come once; auth-service may be down afterwards.
fn readiness(store: &Arc<dyn Store>, validator: &Arc<Validator>) -> Readiness {
    let (store, validator) = (Arc::clone(store), Arc::clone(validator));
    Readiness::new([
        InvoiceServiceServer::<InvoiceService>::NAME,
        ProfileServiceServer::<ProfileService>::NAME,
        CustomerServiceServer::<CustomerService>::NAME,
    ])
    .check("store", move || {
        let store = Arc::clone(&store);
        async move { store.ping().await.is_ok() }
    })
    .check("signing keys and revocations", move || {
        let ready = validator.is_ready();
        async move { ready }
    })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{App, Config};

    async fn build(listen: &str, folder: &Path) -> Result<App, String> {
        let config = Config {
            listen: listen.parse().unwrap(),
            ..Config::default()
        };
        App::build(config, folder)
            .await
            .map_err(|error| error.to_string())
    }

    #[tokio::test]
    async fn the_store_is_open_before_the_port_and_closed_when_there_is_none() {
        let [one, other] = [(); 2].map(|()| tempfile::tempdir().unwrap());
        let first = build("127.0.0.1:0", one.path()).await.unwrap();
        let taken = first.local_addr().to_string();
        let no_store = build(&taken, one.path()).await.err().unwrap();
        assert!(no_store.contains("invoices.db.lock"), "{no_store}");
        let no_port = build(&taken, other.path()).await.err().unwrap();
        assert!(no_port.contains("cannot listen on"), "{no_port}");
        build("127.0.0.1:0", other.path()).await.unwrap();
    }
}
