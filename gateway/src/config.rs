use std::fmt;
use std::net::SocketAddr;

use grpc_server::{CallLimits, ConnectionLimits};
use http::Uri;
use http::uri::{Authority, Scheme};

use crate::origin::Origin;

/// Everything the gateway is told. `App::build` validates it.
#[derive(Debug, Clone, clap::Parser)]
pub struct Config {
    /// The gateway's own settings.
    #[command(flatten)]
    pub edge: EdgeConfig,
    /// Where the services are.
    #[command(flatten)]
    pub upstreams: UpstreamConfig,
    /// What is granted to connections. No flags here: they belong to the process.
    #[arg(skip)]
    pub connections: ConnectionLimits,
    /// What is granted to calls.
    #[arg(skip)]
    pub calls: CallLimits,
}

/// The settings that only the gateway has; their flags carry its name, so they can stand beside those of
/// other services.
#[derive(Debug, Clone, clap::Args)]
pub struct EdgeConfig {
    /// Where browsers and native clients connect. Port 0 takes a free one.
    #[arg(
        long = "gateway-listen",
        env = "GATEWAY_LISTEN_ADDR",
        value_name = "ADDR",
        default_value_t = Self::LISTEN
    )]
    pub gateway_listen: SocketAddr,

    /// Web pages that may call the API, comma separated: exact origins such as
    /// `https://app.example.com`. None by default; there is no wildcard.
    #[arg(
        long = "gateway-allowed-origins",
        visible_alias = "allowed-origins",
        env = "GATEWAY_ALLOWED_ORIGINS",
        value_name = "ORIGINS",
        value_delimiter = ','
    )]
    pub gateway_allowed_origins: Vec<String>,
}

impl EdgeConfig {
    const LISTEN: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 8080);
}

impl Default for EdgeConfig {
    fn default() -> Self {
        Self {
            gateway_listen: Self::LISTEN,
            gateway_allowed_origins: Vec::new(),
        }
    }
}

/// Where the services are. A process that runs them itself fills this in by code.
#[derive(Debug, Clone, clap::Args)]
pub struct UpstreamConfig {
    /// Where auth-service is: http://host:port.
    #[arg(
        long,
        env = "AUTH_URL",
        value_name = "URL",
        default_value = "http://127.0.0.1:50051"
    )]
    pub auth_url: String,

    /// Where invoice-service is: http://host:port.
    #[arg(
        long,
        env = "INVOICE_URL",
        value_name = "URL",
        default_value = "http://127.0.0.1:50052"
    )]
    pub invoice_url: String,
}

/// A configuration that has been read.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    pub(crate) auth: Authority,
    pub(crate) invoice: Authority,
    pub(crate) allowed_origins: Vec<Origin>,
}

/// Every mistake in a [`Config`], one sentence each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigErrors(Vec<String>);

impl ConfigErrors {
    /// The sentences.
    pub fn as_slice(&self) -> &[String] {
        &self.0
    }
}

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("; "))
    }
}

impl std::error::Error for ConfigErrors {}

impl Config {
    /// Checks everything that can be checked without touching the network.
    ///
    /// # Errors
    /// All mistakes at once.
    pub fn validate(&self) -> Result<(), ConfigErrors> {
        self.settings().map(drop)
    }

    pub(crate) fn settings(&self) -> Result<Settings, ConfigErrors> {
        let mut mistakes = Vec::new();
        let auth = noted(upstream("AUTH_URL", &self.upstreams.auth_url), &mut mistakes);
        let invoice = noted(
            upstream("INVOICE_URL", &self.upstreams.invoice_url),
            &mut mistakes,
        );
        let mut allowed_origins = Vec::new();
        let listed = self.edge.gateway_allowed_origins.iter().map(|text| text.trim());
        // An empty variable lists nothing.
        for text in listed.filter(|text| !text.is_empty()) {
            let origin = Origin::parse(text)
                .map_err(|mistake| format!("GATEWAY_ALLOWED_ORIGINS: {text:?}: {mistake}"));
            allowed_origins.extend(noted(origin, &mut mistakes));
        }
        match (auth, invoice) {
            (Some(auth), Some(invoice)) if mistakes.is_empty() => Ok(Settings {
                auth,
                invoice,
                allowed_origins,
            }),
            _ => Err(ConfigErrors(mistakes)),
        }
    }
}

fn noted<T>(result: Result<T, String>, mistakes: &mut Vec<String>) -> Option<T> {
    result.map_err(|mistake| mistakes.push(mistake)).ok()
}

/// The authority of an `http://host:port` URL. Services speak plaintext on loopback; TLS between them is not
/// there yet.
fn upstream(variable: &str, text: &str) -> Result<Authority, String> {
    let wrong = || format!("{variable}: {text:?} is not http://host:port");
    let parts = text.parse::<Uri>().map_err(|_| wrong())?.into_parts();
    let plain_path = parts.path_and_query.is_none_or(|path| path == "/");
    match parts.authority {
        Some(authority)
            if plain_path && parts.scheme == Some(Scheme::HTTP) && !authority.as_str().contains('@') =>
        {
            Ok(authority)
        }
        Some(_) | None => Err(wrong()),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::Config;

    #[test]
    fn every_mistake_is_reported_at_once() {
        let config = Config::parse_from([
            "gateway",
            "--auth-url=https://auth",
            "--invoice-url=nowhere",
            "--allowed-origins=*, http://localhost:5173,",
        ]);
        let errors = config.validate().unwrap_err();
        let [auth, invoice, origin] = errors.as_slice() else {
            panic!("{errors}");
        };
        assert!(auth.contains("AUTH_URL") && auth.contains("https://auth"));
        assert!(invoice.contains("INVOICE_URL"));
        assert!(origin.contains("GATEWAY_ALLOWED_ORIGINS") && origin.contains("\"*\""));
    }

    #[test]
    fn the_defaults_are_valid_and_allow_no_page() {
        let settings = Config::parse_from(["gateway"]).settings().unwrap();
        assert_eq!(settings.auth, "127.0.0.1:50051");
        assert_eq!(settings.invoice, "127.0.0.1:50052");
        assert!(settings.allowed_origins.is_empty());
    }

    #[test]
    fn an_upstream_is_a_plain_host_and_port() {
        for wrong in [
            "http://user@host",
            "http://host/path",
            "host:1",
            "http://host?x",
            "ftp://host",
            "",
        ] {
            assert!(super::upstream("X", wrong).is_err(), "{wrong:?}");
        }
        assert_eq!(super::upstream("X", "http://[::1]:9/").unwrap(), "[::1]:9");
    }
}
