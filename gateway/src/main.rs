//! The gateway as a process of its own.

use std::error::Error;
use std::process::ExitCode;

use clap::Parser as _;
use gateway::{App, Config};
use grpc_server::{ConnectionLimits, Shutdown};
use telemetry::LogConfig;

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
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(Command::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(error, "cannot start");
            ExitCode::FAILURE
        }
    }
}

async fn run(command: Command) -> Result<(), Box<dyn Error>> {
    telemetry::init("gateway", &command.log)?;
    let shutdown = Shutdown::on_signals()?;
    let app = App::build(Config {
        connections: command.connections,
        ..command.config
    })
    .await?;
    app.run(shutdown).await;
    Ok(())
}
