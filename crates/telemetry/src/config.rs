/// What a process logs and how. Flatten it into the command line of a binary, once per process.
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
pub struct LogConfig {
    /// What to log: a level (error, warn, info, debug, trace), or levels by target, as in
    /// `info,gateway=debug`.
    #[arg(
        id = "log_filter",
        long = "log",
        env = "INVOICE_APP_LOG",
        value_name = "FILTER",
        default_value = LogConfig::DEFAULT_FILTER
    )]
    pub filter: String,

    /// How to write a line. Unset: text on a terminal, JSON anywhere else.
    #[arg(
        id = "log_format",
        long = "log-format",
        env = "INVOICE_APP_LOG_FORMAT",
        value_name = "FORMAT"
    )]
    pub format: Option<LogFormat>,
}

impl LogConfig {
    /// One line per call and everything that an operator should act on.
    pub const DEFAULT_FILTER: &'static str = "info";
}

impl Default for LogConfig {
    fn default() -> Self {
        Self {
            filter: Self::DEFAULT_FILTER.to_owned(),
            format: None,
        }
    }
}

/// How one log event is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum LogFormat {
    /// One JSON object per line.
    Json,
    /// One line of text for people.
    Text,
}

/// Where a process sends its traces. Flatten it into the command line of a binary, once per process.
#[derive(Debug, Clone, Default, PartialEq, Eq, clap::Args)]
pub struct TraceConfig {
    /// Collector that takes traces as OTLP over gRPC: http://host:4317. Unset: nothing is recorded.
    #[arg(long, env = "OTEL_EXPORTER_OTLP_ENDPOINT", value_name = "URL")]
    pub otlp_endpoint: Option<String>,
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::{LogConfig, LogFormat};

    #[derive(clap::Parser)]
    struct Command {
        #[command(flatten)]
        log: LogConfig,
    }

    #[test]
    fn flags_choose_filter_and_format() {
        let command = Command::parse_from(["x", "--log", "warn,gateway=debug", "--log-format", "json"]);
        assert_eq!(command.log.filter, "warn,gateway=debug");
        assert_eq!(command.log.format, Some(LogFormat::Json));
    }

    #[test]
    fn a_command_line_without_flags_is_the_default() {
        assert_eq!(Command::parse_from(["x"]).log, LogConfig::default());
    }
}
