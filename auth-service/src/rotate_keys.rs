//! `rotate-keys`: replaces the keys that sign access tokens, beside services that run.

use std::error::Error;
use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;

use process::ProcessConfig;
use settings::SettingsError;

use crate::config::{Config, Settings};
use crate::domain::clock::Clock;
use crate::domain::security_event::EventKind;
use crate::events::security_events;
use crate::keys::{KeyChoice, KeyKeeper, KeysError, NOTICED_WITHIN};
use crate::master_key::{MasterKey, MasterKeyError};
use crate::store::{self, AuthStore};

/// Which keys are replaced, and how.
#[derive(Debug, Clone, clap::Args)]
pub struct RotateKeysCommand {
    /// Withdraw a key that somebody may have copied, by its id, or `active` for the one that signs now: every access
    /// token that it signed ends at once.
    #[arg(long, value_name = "KID")]
    pub revoke: Option<KeyChoice>,
}

/// Why the keys were not replaced. Each text is a sentence for the operator.
#[derive(Debug, thiserror::Error)]
pub enum RotateKeysError {
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
    /// The cryptography library failed its self-test.
    #[error(transparent)]
    Crypto(#[from] authn::CryptoError),
}

impl RotateKeysCommand {
    /// Replaces the keys of the store in `config` and prints what came of it, for the program `name`.
    ///
    /// # Errors
    /// A sentence for the operator.
    pub async fn run(
        &self,
        name: &'static str,
        process: &ProcessConfig,
        config: &Config,
        data_dir: &Path,
    ) -> Result<(), Box<dyn Error>> {
        telemetry::init(name, &process.log, &process.traces)?;
        let report = self.carry_out(config, data_dir, Clock::system()).await?;
        // Whoever closed standard output still gets the exit code.
        let _printed = std::io::stdout().write_all(report.as_bytes());
        Ok(())
    }

    /// Replaces the keys of the store in `config` and returns what came of it. When a key was revoked, every service that
    /// reaches the store has noticed by then.
    ///
    /// # Errors
    /// [`RotateKeysError`]
    pub async fn carry_out(
        &self,
        config: &Config,
        data_dir: &Path,
        clock: Clock,
    ) -> Result<String, RotateKeysError> {
        let settings = config.validate(data_dir)?;
        authn::install_crypto_provider()?;
        let store = store::open_beside(&settings.store).await?;
        let replaced = self.replace(Arc::clone(&store), &settings, clock).await;
        store.close().await;
        replaced
    }

    async fn replace(
        &self,
        store: Arc<dyn AuthStore>,
        settings: &Settings,
        clock: Clock,
    ) -> Result<String, RotateKeysError> {
        let (events, _no_sign_ins) = security_events(&store, &clock);
        let keeper = KeyKeeper {
            store,
            master: MasterKey::load(&settings.key_file)?,
            clock,
            period: settings.key_rotation,
            reading: tokio::sync::Mutex::default(),
        };
        Ok(match &self.revoke {
            None => {
                let (id, time) = keeper.rotate().await?;
                events.record_for_everyone(EventKind::SigningKeysRotated).await;
                format!(
                    "The key {id} signs from {time} on. Tokens of the key before it are valid until they end.\n"
                )
            }
            Some(choice) => {
                let id = keeper.revoke(choice).await?;
                events.record_for_everyone(EventKind::SigningKeyRevoked).await;
                tokio::time::sleep(NOTICED_WITHIN).await;
                format!("The key {id} is revoked. Access tokens that it signed are valid no more.\n")
            }
        })
    }
}
