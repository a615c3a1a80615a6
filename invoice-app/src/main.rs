//! The `invoice-app` binary: read the settings, start everything, say where it is.

use std::error::Error;
use std::io::Write as _;
use std::process::ExitCode;

use clap::Parser as _;
use grpc_server::Shutdown;
use invoice_app::{Command, Product, banner};

#[tokio::main]
async fn main() -> ExitCode {
    telemetry::exit_code(run(Command::parse()).await)
}

async fn run(command: Command) -> Result<(), Box<dyn Error>> {
    telemetry::init("invoice-app", &command.log, &command.traces)?;
    let shutdown = Shutdown::on_signals()?;
    let data_dir = command.data_dir.clone();
    let product = Product::start(command, shutdown).await?;
    // Nobody reads standard output? Then nobody misses it: serve all the same.
    let _printed = std::io::stdout().write_all(banner(product.addresses(), &data_dir).as_bytes());
    product.ended().await;
    Ok(())
}
