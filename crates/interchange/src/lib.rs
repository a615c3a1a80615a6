//! Files of invoices: JSON Lines and CSV in both directions, and the JSON of browser invoice apps inwards.
//!
//! A file becomes [`Record`]s, one for each invoice, and every problem of every record is told with the line and the
//! field of the file. What an invoice must be is not known here: a record is what the file says, in the API's terms.

mod columns;
mod countries;
mod csv;
mod express;
mod format;
mod json_number;
mod json_object;
mod message;
mod reader;
mod record;
mod split;
mod writer;

pub use columns::{Column, Kind};
pub use express::ExpressOptions;
pub use format::{ExportFormat, Format};
pub use message::ContractError;
pub use reader::{Options, Read, ReadError, Reader};
pub use record::{Figure, Note, Problem, Record, Stated, StatedAmount};
pub use split::{Chunk, MAX_RECORD_BYTES};
pub use writer::{WriteError, Writer};
