use std::net::SocketAddr;
use std::path::PathBuf;

use client_address::TrustedProxies;
use grpc_server::{CallLimits, ConnectionLimits};
use settings::{Door, Mistakes, ServiceUrl, SettingsError};
use telemetry::Metrics;
use tls::{ClientFlags, Protocols, ServerFiles};

use crate::console::Folder;
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

    /// Where calls are counted. The services of one process share it.
    #[arg(skip)]
    pub metrics: Metrics,
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

    /// Folder of a built web page, such as web/console/dist, to serve at `/`. It is read once, at start, and may call the
    /// API. Unset: `/` says what this is.
    #[arg(long = "console-dir", env = "GATEWAY_CONSOLE_DIR", value_name = "DIR")]
    pub gateway_console_dir: Option<PathBuf>,

    /// Networks of the proxies in front, comma separated: `10.0.0.0/8,fd00::/8`. Their x-forwarded-for tells who calls;
    /// without one it is who connects. None by default.
    #[arg(
        long = "gateway-trusted-proxies",
        env = "GATEWAY_TRUSTED_PROXIES",
        value_name = "CIDRS",
        value_delimiter = ','
    )]
    pub gateway_trusted_proxies: Vec<String>,

    /// Listen beyond loopback although nothing is encrypted: right behind a proxy that terminates TLS.
    #[arg(long = "gateway-plaintext", env = "GATEWAY_PLAINTEXT")]
    pub gateway_plaintext: bool,

    /// PEM file with the certificate chain of the port, its own first. It is read again when it changes.
    #[arg(long = "gateway-tls-cert", env = "GATEWAY_TLS_CERT", value_name = "FILE")]
    pub gateway_tls_cert: Option<PathBuf>,

    /// PEM file with the private key of --gateway-tls-cert.
    #[arg(long = "gateway-tls-key", env = "GATEWAY_TLS_KEY", value_name = "FILE")]
    pub gateway_tls_key: Option<PathBuf>,
}

impl EdgeConfig {
    const LISTEN: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 8080);
}

impl Default for EdgeConfig {
    fn default() -> Self {
        Self {
            gateway_listen: Self::LISTEN,
            gateway_allowed_origins: Vec::new(),
            gateway_console_dir: None,
            gateway_trusted_proxies: Vec::new(),
            gateway_plaintext: false,
            gateway_tls_cert: None,
            gateway_tls_key: None,
        }
    }
}

/// Where the services are. A process that runs them itself fills this in by code.
#[derive(Debug, Clone, clap::Args)]
pub struct UpstreamConfig {
    /// Where auth-service is: http://host:port or https://host:port, or several with commas between them. Calls are
    /// spread over all addresses of all hosts; names are resolved again every 5 s.
    #[arg(
        long,
        env = "AUTH_URL",
        value_name = "URL",
        default_value = "http://127.0.0.1:50051"
    )]
    pub auth_url: String,

    /// Where invoice-service is, as for auth-service.
    #[arg(
        long,
        env = "INVOICE_URL",
        value_name = "URL",
        default_value = "http://127.0.0.1:50052"
    )]
    pub invoice_url: String,

    /// How they are spoken to.
    #[command(flatten)]
    pub tls: ClientFlags,
}

/// A configuration that has been read.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    pub(crate) auth: Vec<ServiceUrl>,
    pub(crate) invoice: Vec<ServiceUrl>,
    pub(crate) client: tls::Client,
    pub(crate) allowed_origins: Vec<Origin>,
    pub(crate) tls: Option<tls::Server>,
    pub(crate) trusted_proxies: TrustedProxies,
    pub(crate) console: Option<Folder>,
}

impl EdgeConfig {
    /// Checks what needs more than its syntax checked; changes nothing.
    ///
    /// # Errors
    /// Every mistake at once.
    pub fn check(&self) -> Result<(), SettingsError> {
        let mut mistakes = Mistakes::new();
        self.read(&mut mistakes);
        self.trusted_proxies(&mut mistakes);
        self.console(&mut mistakes);
        mistakes.unless_any(Some(()))
    }

    /// Whether the gateway speaks TLS.
    pub fn is_encrypted(&self) -> bool {
        self.gateway_tls_cert.is_some()
    }

    /// The proxies whose word is taken; none when a mistake was noted.
    fn trusted_proxies(&self, mistakes: &mut Mistakes) -> TrustedProxies {
        let parsed = TrustedProxies::parse(&self.gateway_trusted_proxies);
        mistakes
            .note("--gateway-trusted-proxies", parsed)
            .unwrap_or_default()
    }

    /// The files of the console; none when it is not asked for, or when a mistake was noted.
    fn console(&self, mistakes: &mut Mistakes) -> Option<Folder> {
        let folder = self.gateway_console_dir.as_ref()?;
        mistakes.note("--console-dir", Folder::read(folder))
    }

    /// The TLS and the origins, with everything that is wrong here noted.
    fn read(&self, mistakes: &mut Mistakes) -> (Option<tls::Server>, Vec<Origin>) {
        let files = ServerFiles {
            certificate: self.gateway_tls_cert.clone(),
            key: self.gateway_tls_key.clone(),
            ..ServerFiles::none("gateway")
        };
        let tls = files.load(Protocols::Web, mistakes);
        let door = Door::new(self.is_encrypted(), self.gateway_plaintext);
        mistakes.listen("gateway", self.gateway_listen, door);
        let parse =
            |text: &String| Origin::parse(text.trim()).map_err(|mistake| format!("{text:?}: {mistake}"));
        let origins = self.gateway_allowed_origins.iter().map(parse);
        let origins = origins
            .filter_map(|origin| mistakes.note("--gateway-allowed-origins", origin))
            .collect();
        (tls, origins)
    }
}

impl Config {
    /// Everything that can be checked without touching the network.
    ///
    /// # Errors
    /// Every mistake at once.
    pub(crate) fn settings(&self) -> Result<Settings, SettingsError> {
        let mut mistakes = Mistakes::new();
        let (tls, allowed_origins) = self.edge.read(&mut mistakes);
        let trusted_proxies = self.edge.trusted_proxies(&mut mistakes);
        let console = self.edge.console(&mut mistakes);
        let UpstreamConfig {
            auth_url,
            invoice_url,
            tls: client,
        } = &self.upstreams;
        let auth = client.service_urls("--auth-url", auth_url, &mut mistakes);
        let invoice = client.service_urls("--invoice-url", invoice_url, &mut mistakes);
        let upstreams = auth.zip(invoice).zip(client.load(&mut mistakes));
        mistakes.unless_any(upstreams.map(|((auth, invoice), client)| Settings {
            auth,
            invoice,
            client,
            allowed_origins,
            tls,
            trusted_proxies,
            console,
        }))
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::{Config, TrustedProxies};

    #[test]
    fn every_mistake_is_reported_at_once() {
        let config = Config::parse_from([
            "gateway",
            "--gateway-listen=0.0.0.0:1",
            "--auth-url=http://auth",
            "--invoice-url=nowhere",
            "--allowed-origins=*,http://localhost:5173",
            "--gateway-trusted-proxies=10.0.0.0/8,0.0.0.0/0",
            "--console-dir=/nowhere/dist",
        ]);
        let errors = config.settings().unwrap_err();
        let [listen, origin, proxies, console, auth, invoice] = errors.mistakes() else {
            panic!("{errors}");
        };
        assert!(listen.starts_with("--gateway-listen: 0.0.0.0:1") && listen.contains("--gateway-plaintext"));
        assert!(auth.starts_with("--auth-url:") && auth.contains("--plaintext-upstreams"));
        assert!(invoice.starts_with("--invoice-url:"));
        assert!(console.starts_with("--console-dir: /nowhere/dist cannot be read: No such file"));
        assert_eq!(
            proxies,
            "--gateway-trusted-proxies: 0.0.0.0/0 is everybody: any client could then choose its own address"
        );
        assert!(origin.starts_with("--gateway-allowed-origins:") && origin.contains("\"*\""));
    }

    #[test]
    fn the_flags_of_tls_are_read_and_their_mistakes_carry_them() {
        let config = Config::parse_from([
            "gateway",
            "--gateway-listen=0.0.0.0:1",
            "--gateway-tls-cert=/nowhere/tls.crt",
            "--auth-url=https://auth-service:50051",
            "--tls-ca=/nowhere/ca.pem",
        ]);
        let errors = config.settings().unwrap_err();
        let [edge, client] = errors.mistakes() else {
            panic!("{errors}");
        };
        assert_eq!(edge, "--gateway-tls-cert: needs --gateway-tls-key");
        assert!(
            client.starts_with("--tls-ca: /nowhere/ca.pem cannot be read"),
            "{client}"
        );
    }

    #[test]
    fn the_defaults_are_valid_and_allow_no_page() {
        let settings = Config::parse_from(["gateway"]).settings().unwrap();
        assert_eq!(settings.auth[0].authority(), "127.0.0.1:50051");
        assert_eq!(settings.invoice[0].authority(), "127.0.0.1:50052");
        assert!(settings.allowed_origins.is_empty());
        assert_eq!(settings.trusted_proxies, TrustedProxies::none());
    }
}
