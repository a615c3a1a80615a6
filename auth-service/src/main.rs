//! The `auth-service` binary: read the settings, build, run.

use std::error::Error;
use std::process::ExitCode;

use auth_service::{App, Command};
use clap::Parser as _;
use grpc_server::Shutdown;

#[tokio::main]
async fn main() -> ExitCode {
    telemetry::exit_code(run(Command::parse()).await)
}

async fn run(command: Command) -> Result<(), Box<dyn Error>> {
    telemetry::init("auth-service", &command.log, &command.traces)?;
    let shutdown = Shutdown::on_signals()?;
    let data_dir = command.data_dir.clone();
    App::build(command.into_config(), &data_dir)
        .await?
        .run(shutdown)
        .await;
    Ok(())
}
