//! `invoice-app copy-store`: takes an installation from one database to another.

mod report;
mod urls;

use std::error::Error;
use std::io::Write as _;
use std::path::PathBuf;

use grpc_server::Shutdown;
use settings::{Mistakes, SecretText};
use store_copy::{Operator, Options, Part, Step};
use telemetry::{LogConfig, TraceConfig};

use crate::progress::Progress;

use urls::{Given, Installation};

/// Which installation is copied to where.
#[derive(Debug, Clone, clap::Args)]
pub struct CopyStoreCommand {
    /// The installation to copy.
    #[arg(long, value_name = "URL")]
    pub from: Option<SecretText>,

    /// File that holds --from, for a URL with a password.
    #[arg(long, value_name = "FILE")]
    pub from_file: Option<PathBuf>,

    /// Where it goes.
    #[arg(long, value_name = "URL")]
    pub to: Option<SecretText>,

    /// File that holds --to, for a URL with a password.
    #[arg(long, value_name = "FILE")]
    pub to_file: Option<PathBuf>,

    /// Instead of --from: the store of auth-service.
    #[arg(long, value_name = "URL")]
    pub from_auth: Option<SecretText>,

    /// File that holds --from-auth.
    #[arg(long, value_name = "FILE")]
    pub from_auth_file: Option<PathBuf>,

    /// Instead of --from: the store of invoice-service.
    #[arg(long, value_name = "URL")]
    pub from_invoice: Option<SecretText>,

    /// File that holds --from-invoice.
    #[arg(long, value_name = "FILE")]
    pub from_invoice_file: Option<PathBuf>,

    /// Instead of --to: the store of auth-service.
    #[arg(long, value_name = "URL")]
    pub to_auth: Option<SecretText>,

    /// File that holds --to-auth.
    #[arg(long, value_name = "FILE")]
    pub to_auth_file: Option<PathBuf>,

    /// Instead of --to: the store of invoice-service.
    #[arg(long, value_name = "URL")]
    pub to_invoice: Option<SecretText>,

    /// File that holds --to-invoice.
    #[arg(long, value_name = "FILE")]
    pub to_invoice_file: Option<PathBuf>,

    /// Copy into a target that holds records already. What is missing is added; what is only there stays; a record that
    /// is there with other content stops the copy.
    #[arg(long)]
    pub into_non_empty: bool,
}

impl Operator for Progress {
    fn begins(&self, step: Step, collection: &'static str, records: u64, done: u64) {
        let what = match step {
            Step::Copying => format!("copying {collection}"),
            Step::Verifying => format!("verifying {collection}"),
        };
        self.begin(what, records, done);
    }

    fn advances(&self, records: u64) {
        self.advance(records);
    }

    fn wants_to_stop(&self) -> bool {
        self.is_to_stop()
    }
}

/// The target does not hold what the source holds.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct NotEqual(String);

impl CopyStoreCommand {
    /// Copies, verifies, and prints what both sides hold.
    ///
    /// # Errors
    /// A sentence for the operator; what is not verified is an error too.
    pub async fn run(&self, log: &LogConfig, traces: &TraceConfig) -> Result<(), Box<dyn Error>> {
        telemetry::init("invoice-app", log, traces)?;
        let (from, to) = self.installations()?;
        let shutdown = Shutdown::on_signals()?;
        let parts = vec![
            Part {
                contents: auth_service::contents(),
                from: from.auth.clone(),
                to: to.auth.clone(),
            },
            Part {
                contents: invoice_service::contents(),
                from: from.invoice.clone(),
                to: to.invoice.clone(),
            },
        ];
        let options = Options {
            into_non_empty: self.into_non_empty,
        };
        let progress = Progress::new(shutdown);
        let copied = store_copy::copy(parts, options, &progress).await;
        progress.end();
        let copied = copied?;
        let report = report::report(&copied, &from, &to);
        // Whoever closed standard output still gets the exit code.
        let _printed = std::io::stdout().write_all(report.as_bytes());
        match report::difference(&copied) {
            None => Ok(()),
            Some(difference) => Err(Box::new(NotEqual(difference))),
        }
    }

    fn installations(&self) -> Result<(Installation, Installation), settings::SettingsError> {
        let mut mistakes = Mistakes::new();
        let from = Given {
            flag: "--from",
            whole: (self.from.as_ref(), self.from_file.as_deref()),
            auth: (self.from_auth.as_ref(), self.from_auth_file.as_deref()),
            invoice: (self.from_invoice.as_ref(), self.from_invoice_file.as_deref()),
        };
        let to = Given {
            flag: "--to",
            whole: (self.to.as_ref(), self.to_file.as_deref()),
            auth: (self.to_auth.as_ref(), self.to_auth_file.as_deref()),
            invoice: (self.to_invoice.as_ref(), self.to_invoice_file.as_deref()),
        };
        let from = from.installation(&mut mistakes);
        let to = to.installation(&mut mistakes);
        mistakes.unless_any(from.zip(to))
    }
}
