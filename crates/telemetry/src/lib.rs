//! Logs, metrics and traces of a process of the product.
//!
//! **Logs** are one line per event, on standard error. Standard output belongs to what a command prints for its user
//! (the addresses, a token), so that it can be piped. Lines are JSON unless standard error is a terminal; those of a call
//! carry its request id, and its trace id when it has one ([`CallContext`]). A panic is logged as one line like
//! everything else.
//!
//! Logging never holds up or ends a process. Lines wait in a bounded queue for a thread that writes them; when
//! nobody reads standard error, the queue fills and further lines are lost; when it cannot be written (a full
//! disk, a closed pipe), lines are lost at once.
//!
//! **Metrics** are one [`Metrics`] per process. **Traces** are made beside them, by the same calls of [`Server`] and
//! [`Database`], when the process has a collector.
//!
//! Call [`init`] once, first thing in `main`, with the process's [`LogConfig`] and [`TraceConfig`], and return
//! [`exit_code`] from `main`, which writes what still waits.

mod call;
mod config;
mod database;
mod exit;
mod line;
mod metrics;
mod panics;
mod queue;
mod server;
mod status_code;
mod traces;

use std::io::{self, IsTerminal as _};

use tracing_subscriber::filter::EnvFilter;
use tracing_subscriber::util::SubscriberInitExt as _;

pub use call::CallContext;
pub use config::{LogConfig, LogFormat, TraceConfig};
pub use database::{Database, Operation, StoreErrorKind, StoreFailure};
pub use exit::{chain, end_traces, exit_code};
pub use metrics::{Connections, FeedStanding, Metrics, OpenConnection, Refusal, SignIns, TlsStanding};
use queue::Queue;
pub use server::{Call, Server, UpstreamCall};
pub use status_code::code_name;

/// Why logs and traces could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum InitError {
    /// The filter is not a list of `level` and `target=level`.
    #[error(
        "--log (INVOICE_APP_LOG): {filter:?} is not a log filter, such as `info` or `info,gateway=debug`"
    )]
    Filter {
        /// What was set.
        filter: String,
    },
    /// The endpoint is not where a collector can be.
    #[error("--otlp-endpoint (OTEL_EXPORTER_OTLP_ENDPOINT): {endpoint:?} is not http://host:port")]
    Endpoint {
        /// What was set.
        endpoint: String,
    },
    /// The exporter refuses what one of OpenTelemetry's own variables says.
    #[error("cannot export traces: {0}")]
    Exporter(#[from] opentelemetry_otlp::ExporterBuildError),
    /// Something in this process has set up logging already.
    #[error("logging was set up twice in this process: {0}")]
    Twice(#[from] tracing_subscriber::util::TryInitError),
}

/// Sends every log event of this process to standard error, every panic into the log, and spans to the collector if
/// there is one.
///
/// `service` is the name of the process (`auth-service`, `invoice-app`); every JSON line carries it as
/// `service`, every span as `service.name`.
///
/// # Errors
/// [`InitError`]: what was set makes no sense, or this is the second call.
///
/// # Panics
/// With an endpoint, outside a tokio runtime.
pub fn init(service: &'static str, log: &LogConfig, traces: &TraceConfig) -> Result<(), InitError> {
    let filter = filter(&log.filter)?;
    let endpoint = traces.otlp_endpoint.as_deref().map(endpoint).transpose()?;
    let (queue, worker) = Queue::to_stderr();
    let backlog = queue.backlog();
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .log_internal_errors(false)
        .with_writer(queue);
    match log.format.unwrap_or_else(suited_to_stderr) {
        LogFormat::Json => lines
            .fmt_fields(tracing_subscriber::fmt::format::JsonFields::new())
            .event_format(line::JsonLine::new(service))
            .finish()
            .try_init()?,
        LogFormat::Text => {
            let colored = io::stderr().is_terminal();
            lines
                .with_ansi(colored)
                .event_format(line::TextLine::new(colored))
                .finish()
                .try_init()?;
        }
    }
    queue::keep(worker);
    panics::log_them(backlog);
    if let Some(endpoint) = endpoint {
        traces::start(service, endpoint)?;
    }
    Ok(())
}

/// The collector speaks plaintext OTLP; one that is farther away is reached through an agent on this machine.
fn endpoint(text: &str) -> Result<&str, InitError> {
    let wrong = || InitError::Endpoint {
        endpoint: text.to_owned(),
    };
    let uri: http::Uri = text.parse().map_err(|_| wrong())?;
    let plain_path = uri.path() == "/" && uri.query().is_none();
    let has_user = uri
        .authority()
        .is_some_and(|authority| authority.as_str().contains('@'));
    if uri.scheme_str() == Some("http") && uri.port_u16().is_some() && plain_path && !has_user {
        Ok(text)
    } else {
        Err(wrong())
    }
}

fn filter(text: &str) -> Result<EnvFilter, InitError> {
    // The parser would take `not a filter` for the name of a target that never logs.
    let parsed = EnvFilter::try_new(text)
        .ok()
        .filter(|_| !text.contains(char::is_whitespace));
    parsed.ok_or_else(|| InitError::Filter {
        filter: text.to_owned(),
    })
}

/// People read a terminal, programs read everything else.
fn suited_to_stderr() -> LogFormat {
    if io::stderr().is_terminal() {
        LogFormat::Text
    } else {
        LogFormat::Json
    }
}

#[cfg(test)]
mod tests {
    use super::{endpoint, filter};

    #[test]
    fn a_collector_is_found_at_a_plain_host_and_port() {
        for good in ["http://127.0.0.1:4317", "http://collector:4317/"] {
            assert!(endpoint(good).is_ok(), "{good}");
        }
        for bad in [
            "collector:4317",
            "https://collector:4317",
            "http://collector",
            "http://u:p@c:1",
            "http://c:1/v1",
        ] {
            assert!(endpoint(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_filter_that_would_silence_everything_is_refused() {
        for good in ["info", "warn,gateway=debug", "off"] {
            assert!(filter(good).is_ok(), "{good}");
        }
        for bad in ["!!", "not a log filter", "info, gateway=debug", "gateway=loud"] {
            assert!(filter(bad).is_err(), "{bad}");
        }
    }
}
