use std::error::Error;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use grpc_server::Shutdown;
use invoice_service::transfer::{self, ExportFormat};

use super::exit_code;
use super::organization::OrganizationFlags;
use crate::Command;
use crate::progress::Progress;

/// What is written, and where to.
#[derive(Debug, Clone, clap::Args)]
pub struct ExportCommand {
    /// What the file looks like.
    #[arg(long, value_enum, default_value = "jsonl")]
    format: ExportFormat,

    /// The file, which must not be there yet. Unset: standard output.
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,

    /// Whose invoices.
    #[command(flatten)]
    organization: OrganizationFlags,
}

impl ExportCommand {
    /// Writes the invoices of the product that `command` describes.
    pub async fn run(&self, command: &Command) -> ExitCode {
        exit_code(self.carry_out(command).await.map(|()| ExitCode::SUCCESS))
    }

    async fn carry_out(&self, command: &Command) -> Result<(), Box<dyn Error>> {
        telemetry::init("invoice-app", &command.process.log, &command.process.traces)?;
        let member = self.organization.find(command).await?;
        let progress = Progress::new(Shutdown::on_signals()?);
        let output: Box<dyn Write + Send> = match &self.output {
            Some(path) => Box::new(new_file(path)?),
            None => Box::new(io::stdout()),
        };
        let exported = transfer::export(
            &command.invoice,
            &command.data_dir,
            &member.organization_id,
            self.format,
            BufWriter::new(output),
            &progress,
        );
        let exported = exported.await;
        progress.end();
        tracing::info!(invoices = exported?, "exported");
        Ok(())
    }
}

/// A file that only its owner can read: it holds what invoices hold. Nothing is overwritten.
fn new_file(path: &Path) -> Result<File, Box<dyn Error>> {
    use std::os::unix::fs::OpenOptionsExt as _;
    let opened = File::options()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path);
    opened.map_err(|error| format!("{} cannot be made: {error}", path.display()).into())
}
