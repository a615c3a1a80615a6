//! What every process of the product has around its services: the runtime, the flags that all binaries share, signals,
//! telemetry, the admin port, and the `health` command that asks it.

mod admin;
mod config;
mod health;
mod readyz;
mod run;
#[cfg(test)]
mod tests;

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use grpc_server::{Listener, ReadinessView, Shutdown};
use telemetry::Metrics;

use admin::AdminServer;
pub use config::{Action, ProcessConfig};
pub use health::HealthCommand;
use readyz::Checks;
pub use run::run;

/// Somebody starts us and kills us when we are still there after 30 s; this much of it is left for what comes after the
/// last span, the log's last lines among it.
const GONE_AFTER: Duration = Duration::from_millis(29_400);

/// Why a process cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Log or traces cannot be set up.
    #[error(transparent)]
    Telemetry(#[from] telemetry::InitError),
    /// The process may not listen to signals.
    #[error("cannot listen to signals: {0}")]
    Signals(#[source] io::Error),
    /// The admin port cannot be bound.
    #[error("--admin-listen (INVOICE_APP_ADMIN_LISTEN_ADDR): cannot listen on {address}: {source}")]
    Listen {
        /// The address asked for.
        address: SocketAddr,
        /// What the operating system said.
        source: io::Error,
    },
}

/// A process that logs, listens to signals and answers at its admin port.
#[derive(Debug)]
pub struct Process {
    shutdown: Shutdown,
    metrics: Metrics,
    checks: Checks,
    admin: Option<AdminServer>,
}

impl Process {
    /// Sets up log, traces and signals, and serves the admin port, which says "not ready" until
    /// [`Process::ready_when`]. `name` is the process's name in log and traces.
    ///
    /// # Errors
    /// [`StartError`].
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub async fn start(name: &'static str, config: &ProcessConfig) -> Result<Self, StartError> {
        telemetry::init(name, &config.log, &config.traces)?;
        let shutdown = Shutdown::on_signals().map_err(StartError::Signals)?;
        let metrics = Metrics::new();
        let checks = Checks::new(shutdown.clone());
        let admin = match config.admin_listen {
            Some(address) => {
                let listener = Listener::bind(address)
                    .await
                    .map_err(|source| StartError::Listen { address, source })?;
                Some(AdminServer::start(listener, checks.clone(), metrics.clone()))
            }
            None => None,
        };
        Ok(Self {
            shutdown,
            metrics,
            checks,
            admin,
        })
    }

    /// The process's metrics, for the settings of each of its services.
    pub fn metrics(&self) -> Metrics {
        self.metrics.clone()
    }

    /// The switch that a signal turns.
    pub fn shutdown(&self) -> Shutdown {
        self.shutdown.clone()
    }

    /// What `start` gives, or `None` when the process is told to end first: a database that is waited for must not hold
    /// that up.
    pub async fn unless_stopped<T>(&self, start: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            started = start => Some(started),
            _pace = self.shutdown.begun() => None,
        }
    }

    /// From now on `/readyz` says what `services` say, each with its name. Only the first call counts.
    pub fn ready_when(&self, services: impl IntoIterator<Item = (&'static str, ReadinessView)>) {
        self.checks.set(services.into_iter().collect());
    }

    /// Sends the last spans and closes the admin port, after every service has ended.
    pub async fn end(self) {
        let elapsed = self.shutdown.elapsed().unwrap_or_default();
        telemetry::end_traces(GONE_AFTER.saturating_sub(elapsed));
        if let Some(admin) = self.admin {
            admin.end().await;
        }
    }
}
