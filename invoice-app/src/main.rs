//! The `invoice-app` binary: read the settings, start everything, say where it is.

use std::error::Error;
use std::io::Write as _;
use std::process::ExitCode;

use clap::Parser as _;
use invoice_app::{Action, Command, Product, banner};
use process::Process;

fn main() -> ExitCode {
    let command = Command::parse();
    process::run(run(command))
}

async fn run(command: Command) -> ExitCode {
    match &command.action {
        Some(Action::Health(health)) => health.run().await,
        Some(Action::RotateKeys(rotate)) => {
            let rotated = rotate.run("invoice-app", &command.process, &command.auth, &command.data_dir);
            telemetry::exit_code(rotated.await)
        }
        Some(Action::CopyStore(copy)) => {
            let copied = copy.run(&command.process.log, &command.process.traces).await;
            telemetry::exit_code(copied)
        }
        Some(Action::Import(import)) => import.run(&command).await,
        Some(Action::Export(export)) => export.run(&command).await,
        None => telemetry::exit_code(serve(command).await),
    }
}

async fn serve(mut command: Command) -> Result<(), Box<dyn Error>> {
    let process = Process::start("invoice-app", &command.process).await?;
    let data_dir = command.data_dir.clone();
    let has_console = command.gateway.gateway_console_dir.is_some();
    command.metrics = process.metrics();
    let starting = Box::pin(Product::start(command, process.shutdown()));
    if let Some(product) = process.unless_stopped(starting).await {
        let product = product?;
        process.ready_when(product.readiness());
        // Nobody reads standard output? Then nobody misses it: serve all the same.
        let _printed =
            std::io::stdout().write_all(banner(product.addresses(), &data_dir, has_console).as_bytes());
        product.ended().await;
    }
    process.end().await;
    Ok(())
}
