//! What an operator can set.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use grpc_server::ConnectionLimits;
use settings::{Door, Mistakes, SecretText, ServiceUrl, SettingsError, secret_from};
use store_url::StoreUrl;
use telemetry::Metrics;
use tls::{ClientFlags, Protocols};

use crate::tls_config::TlsConfig;

/// The settings of invoice-service. Every field is a flag and an environment variable. Their ids carry the
/// service's name, so that one command line can hold the settings of all services.
#[derive(Debug, Clone, clap::Args)]
#[group(skip)]
pub struct Config {
    /// Address to listen on; port 0 takes a free one, which is logged.
    #[arg(id = "invoice_listen", long = "invoice-listen", env = "INVOICE_LISTEN_ADDR", value_name = "ADDR", default_value_t = Self::LISTEN)]
    pub listen: SocketAddr,

    /// Where invoices are kept: `sqlite:PATH`, `sqlite::memory:`, or `mongodb://…` and `mongodb+srv://…` for a replica
    /// set or sharded cluster. Unset: `sqlite:` and invoices.db in the data directory.
    #[arg(
        id = "invoice_store_url",
        long = "invoice-store-url",
        env = "INVOICE_STORE_URL",
        hide_env_values = true,
        value_name = "URL"
    )]
    pub store_url: Option<SecretText>,

    /// File that holds the store URL, for one with a password.
    #[arg(
        id = "invoice_store_url_file",
        long = "invoice-store-url-file",
        env = "INVOICE_STORE_URL_FILE",
        value_name = "FILE"
    )]
    pub store_url_file: Option<PathBuf>,

    /// What becomes of calls that change something while auth-service has been silent for 10 s, so that it is unknown which
    /// sessions were ended since. Reads go on in any case.
    #[arg(
        id = "invoice_revocation_stale",
        long = "revocation-stale",
        env = "INVOICE_REVOCATION_STALE",
        value_name = "WHAT",
        value_enum,
        default_value_t
    )]
    pub revocation_stale: WhenStale,

    /// Serve gRPC reflection, for grpcurl. Whoever reaches the port can then read the API's description.
    #[arg(
        id = "invoice_reflection",
        long = "invoice-reflection",
        env = "INVOICE_REFLECTION"
    )]
    pub reflection: bool,

    /// Listen beyond loopback although nothing is encrypted: right behind a proxy that terminates TLS.
    #[arg(
        id = "invoice_plaintext",
        long = "invoice-plaintext",
        env = "INVOICE_PLAINTEXT"
    )]
    pub plaintext: bool,

    /// How the port is encrypted.
    #[command(flatten)]
    pub tls: TlsConfig,

    /// Whose access tokens are accepted. No flags here: a process that runs auth-service too sets it by code.
    #[arg(skip)]
    pub trust: TrustConfig,

    /// What is granted to connections. No flags here: they belong to the process.
    #[arg(skip)]
    pub connections: ConnectionLimits,

    /// Where calls and store operations are counted. The services of one process share it.
    #[arg(skip)]
    pub metrics: Metrics,
}

/// What becomes of calls that change something while revocations may be missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum WhenStale {
    /// They go on: the token of a session that was ended works until it expires, 10 minutes at most.
    #[default]
    Allow,
    /// They are answered UNAVAILABLE until auth-service is heard again.
    Refuse,
}

/// Whose access tokens are accepted.
#[derive(Debug, Clone, clap::Args)]
#[group(skip)]
pub struct TrustConfig {
    /// Where auth-service is found, or its replicas with commas between them; the keys that verify access tokens, and what
    /// was revoked, come from there.
    #[arg(long, env = "AUTH_URL", value_name = "URL", default_value = Self::AUTH_URL)]
    pub auth_url: String,

    /// The issuer that access tokens must name: the `--auth-issuer` of auth-service.
    #[arg(long, env = "AUTH_ISSUER", value_name = "TEXT", default_value = Self::ISSUER)]
    pub auth_issuer: String,

    /// How auth-service is spoken to.
    #[command(flatten)]
    pub tls: ClientFlags,
}

impl TrustConfig {
    const AUTH_URL: &'static str = "http://127.0.0.1:50051";
    const ISSUER: &'static str = "invoiceapp";
}

impl Default for TrustConfig {
    fn default() -> Self {
        Self {
            auth_url: Self::AUTH_URL.to_owned(),
            auth_issuer: Self::ISSUER.to_owned(),
            tls: ClientFlags::default(),
        }
    }
}

impl Default for Config {
    /// What an empty command line means.
    fn default() -> Self {
        Self {
            listen: Self::LISTEN,
            store_url: None,
            store_url_file: None,
            revocation_stale: WhenStale::default(),
            reflection: false,
            plaintext: false,
            tls: TlsConfig::default(),
            trust: TrustConfig::default(),
            connections: ConnectionLimits::default(),
            metrics: Metrics::default(),
        }
    }
}

impl Config {
    const LISTEN: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 50052);

    /// Checks what needs more than its syntax checked; touches nothing.
    ///
    /// # Errors
    /// Every mistake at once.
    pub fn check(&self, data_dir: &Path) -> Result<(), SettingsError> {
        self.validate(data_dir).map(drop)
    }

    /// Where invoices are kept.
    fn store(&self, data_dir: &Path, mistakes: &mut Mistakes) -> Option<StoreUrl> {
        const FLAG: &str = "--invoice-store-url";
        let (text, file) = (self.store_url.as_ref(), self.store_url_file.as_deref());
        if text.is_none() && file.is_none() {
            return Some(StoreUrl::file(data_dir.join("invoices.db")));
        }
        let url = secret_from(FLAG, text, file, mistakes)?;
        mistakes.note(FLAG, url.expose().parse())
    }

    /// As [`Config::check`], with what was read.
    pub(crate) fn validate(&self, data_dir: &Path) -> Result<Settings, SettingsError> {
        let mut mistakes = Mistakes::new();
        let tls = self.tls.files().load(Protocols::Grpc, &mut mistakes);
        mistakes.listen(
            "invoice",
            self.listen,
            Door::new(self.tls.is_set(), self.plaintext),
        );
        let store = self.store(data_dir, &mut mistakes);
        let trust = &self.trust;
        let auth = trust
            .tls
            .service_urls("--auth-url", &trust.auth_url, &mut mistakes);
        let client = trust.tls.load(&mut mistakes);
        let read = store.zip(auth).zip(client);
        mistakes.unless_any(read.map(|((store, auth), client)| Settings {
            store,
            auth,
            client,
            tls,
        }))
    }
}

/// The settings that were checked.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    /// Where invoices are kept.
    pub(crate) store: StoreUrl,
    /// Where each replica of auth-service is found.
    pub(crate) auth: Vec<ServiceUrl>,
    /// How it is spoken to.
    pub(crate) client: tls::Client,
    /// How the port is encrypted.
    pub(crate) tls: Option<tls::Server>,
}

/// The command line of the `invoice-service` binary.
#[derive(Debug, clap::Parser)]
#[command(
    name = "invoice-service",
    version,
    about = "Owns the invoices collection; speaks gRPC."
)]
pub struct Command {
    /// The service's own settings.
    #[command(flatten)]
    config: Config,

    /// Whose access tokens are accepted.
    #[command(flatten)]
    trust: TrustConfig,

    /// What is granted to connections.
    #[command(flatten)]
    connections: ConnectionLimits,

    /// Where files are kept that have no setting of their own.
    #[arg(
        long,
        env = "INVOICE_APP_DATA_DIR",
        value_name = "DIR",
        default_value = "./data"
    )]
    pub data_dir: PathBuf,

    /// What every process has.
    #[command(flatten)]
    pub process: process::ProcessConfig,

    /// What to do instead of serving.
    #[command(subcommand)]
    pub action: Option<process::Action>,
}

impl Command {
    /// The settings of the service that is measured in `metrics`.
    pub fn into_config(self, metrics: Metrics) -> Config {
        Config {
            trust: self.trust,
            connections: self.connections,
            metrics,
            ..self.config
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;

    fn mistakes(arguments: &[&str]) -> Vec<String> {
        let arguments = std::iter::once("invoice-service").chain(arguments.iter().copied());
        Command::parse_from(arguments)
            .into_config(Metrics::new())
            .validate(Path::new("data"))
            .map_or_else(|error| error.mistakes().to_vec(), |_| vec![])
    }

    #[test]
    fn the_defaults_are_valid() {
        assert_eq!(mistakes(&[]), Vec::<String>::new());
    }

    #[test]
    fn every_mistake_is_reported_at_once_with_its_flag() {
        let found = mistakes(&[
            "--invoice-listen",
            "0.0.0.0:1",
            "--invoice-store-url",
            "postgres://x",
            "--auth-url",
            "127.0.0.1:50051",
        ]);
        let flags: Vec<_> = found.iter().filter_map(|text| text.split(':').next()).collect();
        assert_eq!(flags, ["--invoice-listen", "--invoice-store-url", "--auth-url"]);
    }

    #[test]
    fn auth_service_may_have_several_addresses_of_which_each_is_read() {
        assert_eq!(
            mistakes(&[
                "--auth-url=http://127.0.0.1:1,http://localhost:2",
                "--revocation-stale=refuse"
            ]),
            Vec::<String>::new()
        );
        let found = mistakes(&["--auth-url=http://127.0.0.1:1,nonsense,http://10.0.0.1:1"]);
        assert_eq!(found.len(), 2, "{found:?}");
    }

    #[test]
    fn the_flags_of_tls_are_read_and_their_mistakes_carry_them() {
        let found = mistakes(&[
            "--invoice-listen=0.0.0.0:1",
            "--invoice-tls-cert=/nowhere/tls.crt",
            "--invoice-tls-key=/nowhere/tls.key",
            "--invoice-tls-client-ca=/nowhere/ca.pem",
            "--auth-url=http://auth-service:50051",
            "--tls-cert=/nowhere/client.crt",
        ]);
        let flags: Vec<_> = found.iter().filter_map(|text| text.split(':').next()).collect();
        let expected = [
            "--invoice-tls-cert",
            "--invoice-tls-key",
            "--invoice-tls-client-ca",
            "--auth-url",
            "--tls-cert",
        ];
        assert_eq!(flags, expected, "the address needs no other word: {found:?}");
    }

    #[test]
    fn listening_beyond_loopback_needs_a_word() {
        assert_eq!(
            mistakes(&["--invoice-listen", "0.0.0.0:1", "--invoice-plaintext"]),
            Vec::<String>::new()
        );
    }
}
