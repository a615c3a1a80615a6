use std::io;
use std::path::PathBuf;

use interchange::{ContractError, ReadError, WriteError};
use settings::SettingsError;
use store_url::OpenError;

use crate::domain::ids::IdError;
use crate::store::StoreError;

/// Why a command could not be carried out. Each text is a sentence for the operator.
#[derive(Debug, thiserror::Error)]
pub enum TransferError {
    /// Settings that make no sense.
    #[error(transparent)]
    Config(#[from] SettingsError),
    /// The store cannot be opened.
    #[error(transparent)]
    Store(#[from] OpenError),
    /// The store failed. What is stored stays; the same command goes on from there.
    #[error("the invoice store failed; the same command goes on where it stopped")]
    StoreFailed(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// An organization or user of another shape than ours.
    #[error(transparent)]
    Id(#[from] IdError),
    /// The file is not there, or refuses.
    #[error("{} cannot be read", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the operating system said, or what is wrong with it as a whole.
        source: io::Error,
    },
    /// The file is not what it was when it was checked.
    #[error("{} has changed while it was read; the same command begins anew with what it is now", .0.display())]
    FileChanged(PathBuf),
    /// The operator has stopped it.
    #[error("stopped; {0}")]
    Cancelled(&'static str),
    /// The operator has stopped it.
    #[error("stopped after {stored} of {all} invoices; the same command goes on where it stopped")]
    Stopped {
        /// How many are stored.
        stored: u64,
        /// How many were to be stored.
        all: u64,
    },
    /// Somebody else has issued an invoice of a later day meanwhile.
    #[error(
        "stopped after {stored} of {all} invoices: an invoice of a later day was issued meanwhile, and numbers follow the \
         calendar; import while nobody issues invoices"
    )]
    Overtaken {
        /// How many are stored.
        stored: u64,
        /// How many were to be stored.
        all: u64,
    },
    /// The output refuses.
    #[error(transparent)]
    Output(#[from] WriteError),
    /// A fault of the build.
    #[error(transparent)]
    Contract(#[from] ContractError),
}

impl From<StoreError> for TransferError {
    fn from(error: StoreError) -> Self {
        Self::StoreFailed(Box::new(error))
    }
}

impl TransferError {
    /// An error of the file at `path`.
    pub(super) fn of_file(path: &std::path::Path, error: impl Into<ReadError>) -> Self {
        match error.into() {
            ReadError::Input(source) => Self::File {
                path: path.to_owned(),
                source,
            },
            ReadError::Contract(error) => Self::Contract(error),
        }
    }
}
