//! The `auth-service` binary: read the settings, build, run.

use std::error::Error;

use auth_service::{App, Command};
use clap::Parser as _;
use grpc_server::Shutdown;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let command = Command::parse();
    telemetry::init("auth-service", &command.log)?;
    let app = App::build(command.config, &command.data_dir).await?;
    app.run(Shutdown::on_signals()?).await;
    Ok(())
}
