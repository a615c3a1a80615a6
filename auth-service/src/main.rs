//! The `auth-service` binary: read the settings, build, run.

use std::error::Error;
use std::process::ExitCode;

use auth_service::{Action, App, Command};
use clap::Parser as _;
use process::Process;

fn main() -> ExitCode {
    let command = Command::parse();
    process::run(run(command))
}

async fn run(command: Command) -> ExitCode {
    match &command.action {
        Some(Action::Health(health)) => health.run().await,
        Some(Action::RotateKeys(rotate)) => {
            let (process, config) = (&command.process, command.config());
            let rotated = rotate.run("auth-service", process, config, &command.data_dir);
            telemetry::exit_code(rotated.await)
        }
        None => telemetry::exit_code(serve(command).await),
    }
}

async fn serve(command: Command) -> Result<(), Box<dyn Error>> {
    let process = Process::start("auth-service", &command.process).await?;
    let data_dir = command.data_dir.clone();
    if let Some(app) = process
        .unless_stopped(App::build(command.into_config(process.metrics()), &data_dir))
        .await
    {
        let app = app?;
        process.ready_when([("auth-service", app.readiness())]);
        app.run(process.shutdown()).await;
    }
    process.end().await;
    Ok(())
}
