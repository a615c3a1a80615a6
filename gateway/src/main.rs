//! The gateway as a process of its own.

use std::error::Error;
use std::process::ExitCode;

use clap::Parser as _;
use gateway::{App, Config};
use grpc_server::ConnectionLimits;
use process::{Action, Process, ProcessConfig};

/// gRPC-Web and CORS edge of invoice-app.
#[derive(Debug, clap::Parser)]
#[command(name = "gateway", version)]
struct Command {
    #[command(flatten)]
    config: Config,
    #[command(flatten)]
    connections: ConnectionLimits,
    #[command(flatten)]
    process: ProcessConfig,
    #[command(subcommand)]
    action: Option<Action>,
}

fn main() -> ExitCode {
    let command = Command::parse();
    process::run(run(command))
}

async fn run(command: Command) -> ExitCode {
    match &command.action {
        Some(Action::Health(health)) => health.run().await,
        None => telemetry::exit_code(serve(command).await),
    }
}

async fn serve(command: Command) -> Result<(), Box<dyn Error>> {
    let process = Process::start("gateway", &command.process).await?;
    let config = Config {
        connections: command.connections,
        metrics: process.metrics(),
        ..command.config
    };
    if let Some(app) = process.unless_stopped(App::build(config)).await {
        let app = app?;
        process.ready_when([("gateway", app.readiness())]);
        app.run(process.shutdown()).await;
    }
    process.end().await;
    Ok(())
}
