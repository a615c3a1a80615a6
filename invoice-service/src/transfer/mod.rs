//! Files of invoices, in and out: what an operator's command does beside the service.
//!
//! An imported invoice goes through the same conversion and the same domain as one that a client sends: it is drafted,
//! issued, paid and so on, one history entry each, and stored whole by one write. A file is read twice. The first time
//! everything is checked and nothing is stored; the second time, in the order of the numbers to be given, it is stored.

mod check;
mod error;
mod export;
mod import;
mod plan;
mod replay;
mod report;
mod storing;

pub use error::TransferError;
pub use export::export;
pub use import::{ImportOptions, Importer, import};
pub use interchange::{ExportFormat, ExpressOptions, Format, Note, Options, Problem};
pub use report::{Difference, ImportReport, Listed, PlacedNote, Renumbered};

/// Who runs a command: is told how far it is, and may stop it.
pub trait Operator: Sync {
    /// A step begins, of so many bytes or invoices.
    fn begins(&self, step: Step, total: u64);

    /// So many of them more are done.
    fn advances(&self, done: u64);

    /// Whether to stop. What is stored then can be gone on from.
    fn wants_to_stop(&self) -> bool;
}

/// What is being done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// The file is read and checked. Counted in bytes.
    Checking,
    /// Invoices are stored. Counted in invoices.
    Storing,
    /// Invoices are written out. Counted in invoices, of which it is not known how many there are.
    Exporting,
}
