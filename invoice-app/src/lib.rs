//! All three services in one process: the product as a newcomer starts it.
//!
//! Nothing is wired differently than between processes: each service binds a real socket, on loopback, and the others
//! find it there.

mod banner;
mod cookies;
mod copy_store;
mod product;
mod progress;
mod transfer;

use std::path::PathBuf;

use grpc_server::ConnectionLimits;
use process::{HealthCommand, ProcessConfig};
use telemetry::Metrics;
use tls::ClientFlags;

pub use banner::banner;
pub use copy_store::CopyStoreCommand;
pub use product::{Addresses, BuildError, Encrypted, Product};
pub use transfer::{ExportCommand, ImportCommand};

/// The command line of the `invoice-app` binary: the settings of every service, and where their files are.
#[derive(Debug, clap::Parser)]
#[command(
    name = "invoice-app",
    version,
    about = "The invoicing backend in one process: auth-service, invoice-service and gateway on SQLite.",
    after_help = "Reflection is on at every port. Data is one folder: stop the process and copy it to back it up."
)]
pub struct Command {
    /// Where everything is kept: databases and keys. Made on first start.
    #[arg(
        long,
        env = "INVOICE_APP_DATA_DIR",
        value_name = "DIR",
        default_value = "./data"
    )]
    pub data_dir: PathBuf,

    /// The gateway.
    #[command(flatten)]
    pub gateway: gateway::EdgeConfig,

    /// auth-service.
    #[command(flatten)]
    pub auth: auth_service::Config,

    /// invoice-service.
    #[command(flatten)]
    pub invoice: invoice_service::Config,

    /// How the services are spoken to when their ports are encrypted.
    #[command(flatten)]
    pub tls: ClientFlags,

    /// What each port grants to connections.
    #[command(flatten)]
    pub connections: ConnectionLimits,

    /// What every process has.
    #[command(flatten)]
    pub process: ProcessConfig,

    /// Where all three services are measured.
    #[arg(skip)]
    pub metrics: Metrics,

    /// What to do instead of serving.
    #[command(subcommand)]
    pub action: Option<Action>,
}

/// What the binary does instead of serving.
#[derive(Debug, clap::Subcommand)]
pub enum Action {
    /// Ask the running process whether it is ready: exit 0 when /readyz answers 200, else 1 and the reason.
    Health(HealthCommand),
    /// Replace the key that signs access tokens, while the product runs or not.
    ///
    /// The next key takes over and a new next one is made. It takes over at once if every service can know it, which is
    /// 10 minutes after it was made. Nobody has to sign in again.
    RotateKeys(auth_service::RotateKeysCommand),
    /// Copy an installation (users, sessions, keys, invoices) to another database, and verify the copy.
    ///
    /// From SQLite to MongoDB, back, or between two of a kind. The services of the source must be stopped. Nothing in the
    /// target is overwritten. Interrupted, the same command goes on where it stopped; until the copy is verified, no service
    /// opens the target.
    ///
    /// An installation is `sqlite:DIR` or just DIR, a data directory with auth.db and invoices.db, or `mongodb://…` without a
    /// database, a cluster with the databases invoiceapp_auth and invoiceapp_invoice. With names of your own, give the two
    /// stores one by one, as --auth-store-url and --invoice-store-url have them.
    CopyStore(Box<CopyStoreCommand>),
    /// Import invoices from a file: all of them, or with a problem anywhere in it, none.
    ///
    /// JSON Lines as `export` writes it, CSV, or the JSON of browser invoice apps. Every problem is told with the line and the
    /// field of the file. Interrupted, the same command goes on where it stopped; what is there already is left as it is. On
    /// SQLite the service must be stopped; on MongoDB it may run, but should issue nothing meanwhile. docs/IMPORT.md has the
    /// formats.
    ///
    /// Exit status: 0 when everything is stored or, in a dry run, could be; 1 when the file has problems; 2 when the command
    /// could not be carried out.
    Import(Box<ImportCommand>),
    /// Write all invoices of an organization to a file, while the product runs or not.
    ///
    /// Exit status: 0 when everything is written, else 2.
    Export(ExportCommand),
}
