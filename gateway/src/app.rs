use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use grpc_server::{
    ConnectionLimits, Listener, Readiness, ReadinessView, ReflectionError, Shutdown, add_reflection, methods,
    serve,
};
use settings::SettingsError;
use tls::Connector;
use tonic::service::Routes;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use crate::config::Config;
use crate::console::Console;
use crate::forward::Forward;
use crate::jwks::Jwks;
use crate::routes::RouteTable;
use crate::security_headers::HttpsOnly;
use crate::upstream::Upstream;
use crate::upstream_channel::UpstreamChannel;
use crate::web::{self, Pages};

/// For an upstream to say how it is; longer is an answer too.
const HEALTH_TIMEOUT: Duration = Duration::from_secs(1);

/// Why the gateway cannot start.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// The configuration has mistakes.
    #[error(transparent)]
    Config(#[from] SettingsError),
    /// The address cannot be bound.
    #[error("cannot listen on {address} (GATEWAY_LISTEN_ADDR): {source}")]
    Listen {
        /// The configured address.
        address: SocketAddr,
        /// What the operating system says.
        source: io::Error,
    },
    /// A fault of the build.
    #[error(transparent)]
    Reflection(#[from] ReflectionError),
}

/// A gateway that is bound and ready to run. It starts whether or not its upstreams are there.
pub struct App {
    listener: Listener,
    router: Router,
    readiness: Readiness,
    connections: ConnectionLimits,
}

impl App {
    /// Validates `config` and binds the port; nothing is served yet.
    ///
    /// # Errors
    /// [`BuildError`]; nothing is left behind.
    pub async fn build(config: Config) -> Result<Self, BuildError> {
        let settings = config.settings()?;
        settings.client.measure(&config.metrics);
        if let Some(tls) = &settings.tls {
            tls.measure(&config.metrics);
        }
        let connector = Connector::new(settings.client);
        let auth = Arc::new(Upstream::new("auth-service", settings.auth, &connector));
        let invoice = Arc::new(Upstream::new("invoice-service", settings.invoice, &connector));
        let routes = Arc::new(RouteTable::new(&auth, &invoice));
        let mut readiness = readiness(&routes);
        let local = add_reflection(
            Routes::new(readiness.service().await),
            &[proto::FILE_DESCRIPTOR_SET],
        )?;
        let address = config.edge.gateway_listen;
        let https_only = https_only(address, settings.tls.is_some());
        let listener = Listener::bind(address)
            .await
            .map_err(|source| BuildError::Listen { address, source })?
            .with_tls(settings.tls)
            .measured(config.metrics.connections("gateway"));
        let calls = config
            .metrics
            .server("gateway", methods(&[proto::FILE_DESCRIPTOR_SET]));
        let pages = Pages {
            allowed: settings.allowed_origins,
            console: settings.console.map(|folder| Arc::new(Console::new(folder))),
        };
        let router = web::router(
            local,
            Forward::new(Arc::clone(&routes), calls.clone(), settings.trusted_proxies),
            config.calls.with_long_lived(routes.long_lived()),
            pages,
            Arc::new(Jwks::new(auth)),
            calls,
            https_only,
        );
        Ok(Self {
            listener,
            router,
            readiness,
            connections: config.connections,
        })
    }

    /// The address that is really bound.
    pub fn local_addr(&self) -> SocketAddr {
        self.listener.local_addr()
    }

    /// How this gateway is, for others than gRPC clients.
    pub fn readiness(&self) -> ReadinessView {
        self.readiness.view()
    }

    /// Serves until `shutdown`, then drains; returns when the last connection is closed.
    pub async fn run(self, shutdown: Shutdown) {
        tracing::info!(address = %self.local_addr(), "gateway listens");
        tokio::spawn(self.readiness.run(shutdown.clone()));
        let drained = serve(self.listener, self.router, self.connections, shutdown).await;
        tracing::info!(cut_connections = drained.cut_connections, "gateway ended");
    }
}

fn https_only(address: SocketAddr, has_tls: bool) -> HttpsOnly {
    if has_tls && !address.ip().is_loopback() {
        HttpsOnly::Yes
    } else {
        HttpsOnly::No
    }
}

/// The gateway itself is ready when it runs; each service when its upstream says so. One dead upstream must
/// not take the way to the others out of a load balancer.
fn readiness(routes: &RouteTable) -> Readiness {
    let names: Vec<&str> = routes.services().map(|(service, _)| service).collect();
    routes
        .services()
        .fold(Readiness::new(names), |readiness, (service, upstream)| {
            let client = HealthClient::new(UpstreamChannel(Arc::clone(upstream)));
            readiness.check_service(service, upstream.name(), move || serves(client.clone(), service))
        })
}

async fn serves(mut client: HealthClient<UpstreamChannel>, service: &'static str) -> bool {
    let mut request = tonic::Request::new(HealthCheckRequest {
        service: service.to_owned(),
    });
    request.set_timeout(HEALTH_TIMEOUT);
    match client.check(request).await {
        Ok(answer) => answer.into_inner().status() == ServingStatus::Serving,
        Err(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::{HttpsOnly, https_only};

    #[test]
    fn browsers_are_bound_to_tls_where_there_is_tls_but_never_on_loopback() {
        for (address, has_tls, expected) in [
            ("0.0.0.0:443", true, HttpsOnly::Yes),
            ("[::]:443", true, HttpsOnly::Yes),
            ("10.1.2.3:443", true, HttpsOnly::Yes),
            ("0.0.0.0:80", false, HttpsOnly::No),
            ("127.0.0.1:443", true, HttpsOnly::No),
            ("[::1]:443", true, HttpsOnly::No),
        ] {
            assert_eq!(
                https_only(address.parse().unwrap(), has_tls),
                expected,
                "{address}"
            );
        }
    }
}
