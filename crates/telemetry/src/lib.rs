//! Logs of a process of the product: one line per event, on standard error.
//!
//! Standard output belongs to what a command prints for its user (the addresses, a token), so that it can be
//! piped. Lines are JSON unless standard error is a terminal. A panic is logged as one line like everything
//! else.
//!
//! Logging never holds up or ends a process. Lines wait in a bounded queue for a thread that writes them; when
//! nobody reads standard error, the queue fills and further lines are lost; when it cannot be written (a full
//! disk, a closed pipe), lines are lost at once.
//!
//! Call [`init`] once, first thing in `main`, with the process's [`LogConfig`], and return [`exit_code`] from
//! `main`, which writes what still waits.

mod config;
mod exit;
mod json;
mod panics;
mod queue;

use std::io::{self, IsTerminal as _};

use tracing_subscriber::filter::EnvFilter;
use tracing_subscriber::util::SubscriberInitExt as _;

pub use config::{LogConfig, LogFormat};
pub use exit::{chain, exit_code};
use queue::Queue;

/// Why logging could not be set up.
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
    /// Something in this process has set up logging already.
    #[error("logging was set up twice in this process: {0}")]
    Twice(#[from] tracing_subscriber::util::TryInitError),
}

/// Sends every log event of this process to standard error and every panic into the log.
///
/// `service` is the name of the process (`auth-service`, `invoice-app`); every JSON line carries it as
/// `service`.
///
/// # Errors
/// [`InitError::Filter`] for a filter nobody can read, [`InitError::Twice`] on a second call.
pub fn init(service: &'static str, config: &LogConfig) -> Result<(), InitError> {
    let filter = filter(&config.filter)?;
    let (queue, worker) = Queue::to_stderr();
    let backlog = queue.backlog();
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .log_internal_errors(false)
        .with_writer(queue);
    match config.format.unwrap_or_else(suited_to_stderr) {
        LogFormat::Json => lines
            .fmt_fields(tracing_subscriber::fmt::format::JsonFields::new())
            .event_format(json::JsonLine::new(service))
            .finish()
            .try_init()?,
        LogFormat::Text => lines.with_ansi(io::stderr().is_terminal()).finish().try_init()?,
    }
    queue::keep(worker);
    panics::log_them(backlog);
    Ok(())
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
    use super::filter;

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
