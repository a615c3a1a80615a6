//! What an operator can set.

use std::net::SocketAddr;
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::time::Duration;

use grpc_server::ConnectionLimits;
use jiff::SignedDuration;
use settings::{Door, Mistakes, SecretText, SettingsError, secret_from};
use store_url::StoreUrl;
use telemetry::Metrics;
use tls::Protocols;

use crate::cookie_form::CookieForm;
use crate::domain::session::SessionLimits;
use crate::rotate_keys::RotateKeysCommand;
use crate::throttle_config::{ThrottleConfig, ThrottleSettings};
use crate::tls_config::TlsConfig;

/// The settings of auth-service. Every field is a flag and an environment variable. Their ids carry the service's name,
/// so that one command line can hold the settings of all services.
#[derive(Debug, Clone, clap::Args)]
#[group(skip)]
pub struct Config {
    /// Address to listen on; port 0 takes a free one, which is logged.
    #[arg(
        id = "auth_listen",
        long = "auth-listen",
        env = "AUTH_LISTEN_ADDR",
        value_name = "ADDR",
        default_value = Self::LISTEN
    )]
    pub listen: SocketAddr,

    /// Where users, sessions and keys are kept: `sqlite:PATH`, `sqlite::memory:`, or `mongodb://…` and `mongodb+srv://…`
    /// for a replica set or sharded cluster. Unset: `sqlite:` and auth.db in the data directory.
    #[arg(
        id = "auth_store_url",
        long = "auth-store-url",
        env = "AUTH_STORE_URL",
        hide_env_values = true,
        value_name = "URL"
    )]
    pub store_url: Option<SecretText>,

    /// File that holds the store URL, for one with a password.
    #[arg(
        id = "auth_store_url_file",
        long = "auth-store-url-file",
        env = "AUTH_STORE_URL_FILE",
        value_name = "FILE"
    )]
    pub store_url_file: Option<PathBuf>,

    /// File with the master key that protects signing keys and refresh tokens; made on first start, mode 0600. Every
    /// replica needs the same. Unset: keys/master.key in the data directory.
    #[arg(
        id = "auth_key_file",
        long = "auth-key-file",
        env = "AUTH_KEY_FILE",
        value_name = "FILE"
    )]
    pub key_file: Option<PathBuf>,

    /// The issuer that access tokens name.
    #[arg(
        id = "auth_issuer",
        long = "auth-issuer",
        env = "AUTH_ISSUER",
        value_name = "TEXT",
        default_value = Self::ISSUER
    )]
    pub issuer: String,

    /// Life of an access token in seconds, 60 to 900. Shorter: more refreshes. Longer: a stolen one works longer.
    #[arg(
        id = "auth_access_token_seconds",
        long = "auth-access-token-seconds",
        env = "AUTH_ACCESS_TOKEN_SECONDS",
        value_name = "SECONDS",
        default_value_t = Self::ACCESS_TOKEN_SECONDS
    )]
    pub access_token_seconds: u32,

    /// Days after which a session ends that was not refreshed, 1 to 365.
    #[arg(
        id = "auth_session_idle_days",
        long = "auth-session-idle-days",
        env = "AUTH_SESSION_IDLE_DAYS",
        value_name = "DAYS",
        default_value_t = Self::SESSION_IDLE_DAYS
    )]
    pub session_idle_days: u16,

    /// Days after which a session ends in any case, 1 to 365.
    #[arg(
        id = "auth_session_days",
        long = "auth-session-days",
        env = "AUTH_SESSION_DAYS",
        value_name = "DAYS",
        default_value_t = Self::SESSION_DAYS
    )]
    pub session_days: u16,

    /// Form of the cookies that keep tokens, for browsers that ask for cookies. Unset: secure. In invoice-app loopback,
    /// when its gateway is on loopback without TLS, trusted proxies or allowed origins with https.
    #[arg(
        id = "auth_cookies",
        long = "auth-cookies",
        env = "AUTH_COOKIES",
        value_name = "FORM"
    )]
    pub cookies: Option<CookieForm>,

    /// Days that a key signs access tokens before the next one takes over, 1 to 365.
    #[arg(
        id = "auth_key_rotation_days",
        long = "auth-key-rotation-days",
        env = "AUTH_KEY_ROTATION_DAYS",
        value_name = "DAYS",
        default_value_t = Self::KEY_ROTATION_DAYS
    )]
    pub key_rotation_days: u16,

    /// Serve gRPC reflection, for grpcurl. Whoever reaches the port can then read the API's description.
    #[arg(id = "auth_reflection", long = "auth-reflection", env = "AUTH_REFLECTION")]
    pub reflection: bool,

    /// Listen beyond loopback although nothing is encrypted: right behind a proxy that terminates TLS.
    #[arg(id = "auth_plaintext", long = "auth-plaintext", env = "AUTH_PLAINTEXT")]
    pub plaintext: bool,

    /// How the port is encrypted.
    #[command(flatten)]
    pub tls: TlsConfig,

    /// What holds back whoever guesses passwords.
    #[command(flatten)]
    pub throttle: ThrottleConfig,

    /// How many passwords are hashed at a time, and how many may wait. No flags: the defaults follow the machine.
    #[arg(skip)]
    pub hashing: HashingLimits,

    /// What is granted to connections. No flags here: they belong to the process.
    #[arg(skip)]
    pub connections: ConnectionLimits,

    /// Where calls and store operations are counted. The services of one process share it.
    #[arg(skip)]
    pub metrics: Metrics,
}

/// Bounds on the hashing of passwords, which costs 19 MiB and about 15 ms of a core each time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HashingLimits {
    /// Threads. All cores but one: a flood of sign-ins leaves one to everybody else.
    pub workers: usize,
    /// Passwords that may wait; one more is refused at once. 16 per worker: a quarter of a second.
    pub queue: usize,
    /// The longest wait. Afterwards the answer would come too late for a person anyway.
    pub deadline: Duration,
}

impl Default for HashingLimits {
    fn default() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
        let workers = cores.saturating_sub(1).max(1);
        Self {
            workers,
            queue: 16 * workers,
            deadline: Duration::from_secs(1),
        }
    }
}

impl Default for Config {
    /// What an empty command line means.
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 50051)),
            store_url: None,
            store_url_file: None,
            key_file: None,
            issuer: Self::ISSUER.to_owned(),
            access_token_seconds: Self::ACCESS_TOKEN_SECONDS,
            session_idle_days: Self::SESSION_IDLE_DAYS,
            session_days: Self::SESSION_DAYS,
            cookies: None,
            key_rotation_days: Self::KEY_ROTATION_DAYS,
            reflection: false,
            plaintext: false,
            tls: TlsConfig::default(),
            throttle: ThrottleConfig::default(),
            hashing: HashingLimits::default(),
            connections: ConnectionLimits::default(),
            metrics: Metrics::default(),
        }
    }
}

impl Config {
    const LISTEN: &'static str = "127.0.0.1:50051";
    const ISSUER: &'static str = "invoiceapp";
    const ACCESS_TOKEN_SECONDS: u32 = 600;
    const SESSION_IDLE_DAYS: u16 = 7;
    const SESSION_DAYS: u16 = 30;
    const KEY_ROTATION_DAYS: u16 = 30;

    /// Checks what needs more than its syntax checked; touches nothing.
    ///
    /// # Errors
    /// Every mistake at once.
    pub fn check(&self, data_dir: &Path) -> Result<(), SettingsError> {
        self.validate(data_dir).map(drop)
    }

    /// Where users, sessions and keys are kept.
    fn store(&self, data_dir: &Path, mistakes: &mut Mistakes) -> Option<StoreUrl> {
        const FLAG: &str = "--auth-store-url";
        let (text, file) = (self.store_url.as_ref(), self.store_url_file.as_deref());
        if text.is_none() && file.is_none() {
            return Some(StoreUrl::file(data_dir.join("auth.db")));
        }
        let url = secret_from(FLAG, text, file, mistakes)?;
        mistakes.note(FLAG, url.expose().parse())
    }

    /// As [`Config::check`], with what was read.
    pub(crate) fn validate(&self, data_dir: &Path) -> Result<Settings, SettingsError> {
        let mut mistakes = Mistakes::new();
        let tls = self.tls.files().load(Protocols::Grpc, &mut mistakes);
        mistakes.listen("auth", self.listen, Door::new(self.tls.is_set(), self.plaintext));
        let store = self.store(data_dir, &mut mistakes);
        if self.issuer.trim().is_empty() || self.issuer.len() > 200 {
            mistakes.push("--auth-issuer", "must be 1 to 200 bytes, such as `invoiceapp`");
        }
        if !(60..=900).contains(&self.access_token_seconds) {
            let seconds = self.access_token_seconds;
            mistakes.push(
                "--auth-access-token-seconds",
                format_args!("{seconds} is not 60 to 900"),
            );
        }
        for (flag, days) in [
            ("--auth-session-idle-days", self.session_idle_days),
            ("--auth-session-days", self.session_days),
            ("--auth-key-rotation-days", self.key_rotation_days),
        ] {
            if !(1..=365).contains(&days) {
                mistakes.push(flag, format_args!("{days} is not 1 to 365"));
            }
        }
        let throttle = self.throttle.validate(&mut mistakes);
        mistakes.unless_any(store.map(|store| self.settings(store, tls, throttle, data_dir)))
    }

    fn settings(
        &self,
        store: StoreUrl,
        tls: Option<tls::Server>,
        throttle: ThrottleSettings,
        data_dir: &Path,
    ) -> Settings {
        let days = |days: u16| SignedDuration::from_hours(24 * i64::from(days));
        Settings {
            store,
            tls,
            throttle,
            key_file: self
                .key_file
                .clone()
                .unwrap_or_else(|| data_dir.join("keys/master.key")),
            access_token_life: SignedDuration::from_secs(self.access_token_seconds.into()),
            sessions: SessionLimits {
                idle: days(self.session_idle_days),
                absolute: days(self.session_days),
            },
            key_rotation: days(self.key_rotation_days),
        }
    }
}

/// The settings that were checked.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    pub(crate) store: StoreUrl,
    pub(crate) tls: Option<tls::Server>,
    pub(crate) throttle: ThrottleSettings,
    pub(crate) key_file: PathBuf,
    pub(crate) access_token_life: SignedDuration,
    pub(crate) sessions: SessionLimits,
    /// How long a key signs.
    pub(crate) key_rotation: SignedDuration,
}

/// The command line of the `auth-service` binary.
#[derive(Debug, clap::Parser)]
#[command(
    name = "auth-service",
    version,
    about = "Owns users, sessions and keys; speaks gRPC."
)]
pub struct Command {
    /// The service's own settings.
    #[command(flatten)]
    config: Config,

    /// Where files are kept that have no setting of their own.
    #[arg(
        long,
        env = "INVOICE_APP_DATA_DIR",
        value_name = "DIR",
        default_value = "./data"
    )]
    pub data_dir: PathBuf,

    /// What is granted to connections.
    #[command(flatten)]
    connections: ConnectionLimits,

    /// What every process has.
    #[command(flatten)]
    pub process: process::ProcessConfig,

    /// What to do instead of serving.
    #[command(subcommand)]
    pub action: Option<Action>,
}

/// What the binary does instead of serving.
#[derive(Debug, clap::Subcommand)]
pub enum Action {
    /// Ask the running process whether it is ready: exit 0 when /readyz answers 200, else 1 and the reason.
    Health(process::HealthCommand),
    /// Replace the key that signs access tokens, while services run or not.
    ///
    /// The next key takes over and a new next one is made. It takes over at once if every service can know it, which is
    /// 10 minutes after it was made. Nobody has to sign in again. Needs the store and the key file of auth-service.
    RotateKeys(RotateKeysCommand),
}

impl Command {
    /// The settings of the service.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// The settings of the service that is measured in `metrics`, the process's limits among them.
    pub fn into_config(self, metrics: Metrics) -> Config {
        Config {
            connections: self.connections,
            metrics,
            ..self.config
        }
    }
}

#[cfg(test)]
mod tests;
