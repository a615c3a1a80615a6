use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::{Duration, Instant};

use gateway::UpstreamConfig;
use grpc_server::{CallLimits, DrainPace, ReadinessView, Shutdown};
use invoice_service::TrustConfig;
use settings::{Mistakes, SettingsError};
use tls::ClientFlags;
use tokio::task::JoinHandle;

use crate::{Command, cookies};

/// How long the first fetch of the keys may take; it crosses loopback.
const KEYS_WITHIN: Duration = Duration::from_secs(5);
const LOOK_EVERY: Duration = Duration::from_millis(2);
/// For the services to end what is left after a gateway that took all the time there was. With the pace of a deployed
/// process, the time to cut connections, twice, and a second for the stores to close, that makes 29.8 s.
const AT_LEAST: Duration = Duration::from_millis(200);

/// Where the product listens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Addresses {
    /// The gateway: browsers and grpcurl.
    pub gateway: SocketAddr,
    /// auth-service.
    pub auth: SocketAddr,
    /// invoice-service.
    pub invoice: SocketAddr,
    /// Which of them speak TLS.
    pub encrypted: Encrypted,
}

/// Which ports speak TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Encrypted {
    /// The gateway's.
    pub gateway: bool,
    /// auth-service's.
    pub auth: bool,
    /// invoice-service's.
    pub invoice: bool,
}

/// Why the product cannot start. Each text is a sentence for the person who starts it.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// Settings that make no sense.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// auth-service cannot.
    #[error("auth-service: {0}")]
    Auth(#[from] auth_service::BuildError),
    /// invoice-service cannot.
    #[error("invoice-service: {0}")]
    Invoice(#[from] invoice_service::BuildError),
    /// The gateway cannot.
    #[error("gateway: {0}")]
    Gateway(#[from] gateway::BuildError),
    /// auth-service runs but hands out no keys.
    #[error("invoice-service got no signing keys from auth-service within {} s", KEYS_WITHIN.as_secs())]
    NoKeys,
}

/// The product, serving.
#[derive(Debug)]
pub struct Product {
    addresses: Addresses,
    readiness: [(&'static str, ReadinessView); 3],
    servers: [JoinHandle<()>; 3],
}

impl Product {
    /// Builds the three services and serves them until `shutdown`. Returns when all of them answer calls.
    ///
    /// # Errors
    /// [`BuildError`]; what had been started is stopped again.
    pub async fn start(command: Command, shutdown: Shutdown) -> Result<Self, BuildError> {
        let services = Shutdown::manual();
        match Self::start_all(command, &shutdown, &services).await {
            Ok(product) => Ok(product),
            Err(error) => {
                shutdown.begin(DrainPace::INTERACTIVE);
                services.abort();
                Err(error)
            }
        }
    }

    /// Every mistake in the settings of all three services, before anything is made or bound.
    fn check(command: &Command) -> Result<(), SettingsError> {
        let mut mistakes = Mistakes::new();
        mistakes.append(command.gateway.check());
        cookies::check(command.auth.cookies, &command.gateway, &mut mistakes);
        mistakes.append(command.auth.check(&command.data_dir));
        mistakes.append(command.invoice.check(&command.data_dir));
        command.tls.load(&mut mistakes);
        mistakes.unless_any(Some(()))
    }

    async fn start_all(
        command: Command,
        shutdown: &Shutdown,
        services: &Shutdown,
    ) -> Result<Self, BuildError> {
        Self::check(&command)?;
        let Command {
            data_dir,
            gateway,
            auth,
            invoice,
            tls,
            connections,
            process: _,
            metrics,
            action: _,
        } = command;
        let encrypted = Encrypted {
            gateway: gateway.is_encrypted(),
            auth: auth.tls.is_set(),
            invoice: invoice.tls.is_set(),
        };
        // The calls between the three stay on this machine, whatever address it is called by.
        let tls = ClientFlags {
            plaintext_upstreams: true,
            ..tls
        };
        let issuer = auth.issuer.clone();
        let auth = auth_service::Config {
            connections: connections.clone(),
            metrics: metrics.clone(),
            reflection: true,
            cookies: Some(cookies::form(auth.cookies, &gateway)),
            throttle: behind_own_gateway(auth.throttle, auth.listen.ip()),
            ..auth
        };
        let auth = auth_service::App::build(auth, &data_dir).await?;
        let auth_address = auth.local_addr();
        let auth_readiness = auth.readiness();
        // Serves before the next is built, so that the keys are there as soon as somebody asks for them.
        let auth = tokio::spawn(auth.run(services.clone()));

        let trust = TrustConfig {
            auth_url: url(auth_address, encrypted.auth),
            auth_issuer: issuer,
            tls: tls.clone(),
        };
        let invoice = invoice_service::Config {
            trust,
            connections: connections.clone(),
            metrics: metrics.clone(),
            reflection: true,
            ..invoice
        };
        let invoice = invoice_service::App::build(invoice, &data_dir).await?;
        let invoice_address = invoice.local_addr();

        let upstreams = UpstreamConfig {
            auth_url: url(auth_address, encrypted.auth),
            invoice_url: url(invoice_address, encrypted.invoice),
            tls,
        };
        let gateway = gateway::App::build(gateway::Config {
            edge: gateway,
            upstreams,
            connections,
            metrics,
            calls: CallLimits::default(),
        })
        .await?;
        let addresses = Addresses {
            gateway: gateway.local_addr(),
            auth: auth_address,
            invoice: invoice_address,
            encrypted,
        };
        let readiness = [
            ("auth-service", auth_readiness),
            ("invoice-service", invoice.readiness()),
            ("gateway", gateway.readiness()),
        ];
        wait_for_keys(&invoice).await?;
        let servers = [
            tokio::spawn(invoice.run(services.clone())),
            tokio::spawn(gateway_first(gateway, shutdown.clone(), services.clone())),
            auth,
        ];
        Ok(Self {
            addresses,
            readiness,
            servers,
        })
    }

    /// Where the product listens.
    pub fn addresses(&self) -> Addresses {
        self.addresses
    }

    /// How each service is, for the admin port.
    pub fn readiness(&self) -> [(&'static str, ReadinessView); 3] {
        self.readiness.clone()
    }

    /// Waits until every service has drained and closed its store.
    pub async fn ended(self) {
        for server in self.servers {
            if let Err(error) = server.await {
                tracing::error!(%error, "a server ended in a panic");
            }
        }
    }
}

/// Serves the gateway, and when it has ended, ends the services behind it: what it has accepted can still be forwarded.
///
/// The services get what the gateway left of the time that the whole shutdown may take; a call that went to one of them
/// directly before the shutdown began has had that time already.
async fn gateway_first(gateway: gateway::App, shutdown: Shutdown, services: Shutdown) {
    tokio::spawn(abort_together(shutdown.clone(), services.clone()));
    let began = async {
        let pace = shutdown.begun().await;
        (pace, Instant::now())
    };
    let gateway = tokio::spawn(gateway.run(shutdown.clone()));
    let (gateway, (pace, began)) = tokio::join!(gateway, began);
    if let Err(error) = gateway {
        tracing::error!(%error, "the gateway ended in a panic");
    }
    let left = (pace.announce + pace.finish).saturating_sub(began.elapsed());
    services.begin(DrainPace {
        announce: Duration::ZERO,
        finish: left.max(AT_LEAST),
    });
}

async fn abort_together(shutdown: Shutdown, services: Shutdown) {
    shutdown.aborted().await;
    services.abort();
}

async fn wait_for_keys(invoice: &invoice_service::App) -> Result<(), BuildError> {
    let arrived = async {
        while !invoice.has_keys() {
            tokio::time::sleep(LOOK_EVERY).await;
        }
    };
    tokio::time::timeout(KEYS_WITHIN, arrived)
        .await
        .map_err(|_| BuildError::NoKeys)
}

/// The gateway of this process reaches auth-service from this machine: from loopback, or from the address that auth-service
/// listens at.
fn behind_own_gateway(
    mut throttle: auth_service::ThrottleConfig,
    listen: IpAddr,
) -> auth_service::ThrottleConfig {
    let own = [Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into(), listen];
    let own = own.into_iter().filter(|address| !address.is_unspecified());
    throttle
        .trusted_proxies
        .extend(own.map(|address| address.to_string()));
    throttle
}

/// Where a server that listens at `address` is found from this machine.
fn url(address: SocketAddr, encrypted: bool) -> String {
    let scheme = if encrypted { "https" } else { "http" };
    let host = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip @ (IpAddr::V4(_) | IpAddr::V6(_)) => ip,
    };
    format!("{scheme}://{}", SocketAddr::new(host, address.port()))
}

#[cfg(test)]
mod tests {
    use super::{behind_own_gateway, url};

    #[test]
    fn the_gateway_beside_it_is_trusted_wherever_auth_service_listens_and_nobody_else() {
        for (listen, trusted) in [
            ("127.0.0.1", "127.0.0.1 ::1 127.0.0.1"),
            ("0.0.0.0", "127.0.0.1 ::1"),
            ("::", "127.0.0.1 ::1"),
            ("192.0.2.7", "127.0.0.1 ::1 192.0.2.7"),
        ] {
            let throttle =
                behind_own_gateway(auth_service::ThrottleConfig::default(), listen.parse().unwrap());
            assert_eq!(throttle.trusted_proxies.join(" "), trusted);
        }
    }

    #[test]
    fn a_server_on_every_address_is_found_on_loopback() {
        assert_eq!(url("0.0.0.0:1".parse().unwrap(), false), "http://127.0.0.1:1");
        assert_eq!(url("[::]:1".parse().unwrap(), true), "https://[::1]:1");
        assert_eq!(url("10.1.2.3:1".parse().unwrap(), false), "http://10.1.2.3:1");
    }
}
