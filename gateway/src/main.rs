//! The gateway as a process of its own.

use std::error::Error;
use std::process::ExitCode;

use clap::Parser as _;
use gateway::{App, Config};
use grpc_server::{ConnectionLimits, Shutdown};
use telemetry::{LogConfig, TraceConfig};

/// gRPC-Web and CORS edge of invoice-app.
#[derive(Debug, clap::Parser)]
#[command(name = "gateway", version)]
struct Command {
    #[command(flatten)]
    config: Config,
    #[command(flatten)]
    connections: ConnectionLimits,
    #[command(flatten)]
    log: LogConfig,
    #[command(flatten)]
    traces: TraceConfig,
}

#[tokio::main]
async fn main() -> ExitCode {
    telemetry::exit_code(run(Command::parse()).await)
}

async fn run(command: Command) -> Result<(), Box<dyn Error>> {
    telemetry::init("gateway", &command.log, &command.traces)?;
    let shutdown = Shutdown::on_signals()?;
    let app = App::build(Config {
        connections: command.connections,
        ..command.config
    })
    .await?;
    app.run(shutdown).await;
    Ok(())
}
