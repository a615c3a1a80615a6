use std::net::SocketAddr;

use telemetry::{LogConfig, TraceConfig};

use crate::HealthCommand;

/// What every process is told. Flatten it into the command line of a binary, once per process.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct ProcessConfig {
    /// Address of the admin port: /livez, /readyz, /metrics by plain HTTP. Port 0 takes a free one, which is logged.
    /// Unset: no admin port.
    #[arg(long, env = "INVOICE_APP_ADMIN_LISTEN_ADDR", value_name = "ADDR")]
    pub admin_listen: Option<SocketAddr>,

    /// Traces.
    #[command(flatten)]
    pub traces: TraceConfig,

    /// Logging.
    #[command(flatten)]
    pub log: LogConfig,
}

/// What a binary does instead of serving.
#[derive(Debug, Clone, clap::Subcommand)]
pub enum Action {
    /// Ask the running process whether it is ready: exit 0 when /readyz answers 200, else 1 and the reason.
    Health(HealthCommand),
}
