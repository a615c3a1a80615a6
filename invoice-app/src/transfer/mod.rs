//! `invoice-app import` and `invoice-app export`.

mod export;
mod import;
mod organization;
mod report;

use std::error::Error;
use std::process::ExitCode;

use invoice_service::transfer::{Operator, Step};

pub use export::ExportCommand;
pub use import::ImportCommand;

use crate::progress::Progress;

/// The file has problems, and nothing of it was stored.
const REFUSED: u8 = 1;
/// The command was not carried out; clap ends with the same for flags that make no sense.
const FAILED: u8 = 2;

impl Operator for Progress {
    fn begins(&self, step: Step, total: u64) {
        let what = match step {
            Step::Checking => "checking (bytes)",
            Step::Storing => "storing invoices",
            Step::Exporting => "exporting invoices",
        };
        self.begin(what.to_owned(), total, 0);
    }

    fn advances(&self, done: u64) {
        self.advance(done);
    }

    fn wants_to_stop(&self) -> bool {
        self.is_to_stop()
    }
}

/// What the process ends with, after an error was logged on one line.
fn exit_code(ended: Result<ExitCode, Box<dyn Error>>) -> ExitCode {
    match ended {
        Ok(code) => {
            telemetry::exit_code(Ok(()));
            code
        }
        Err(error) => {
            telemetry::exit_code(Err(error));
            ExitCode::from(FAILED)
        }
    }
}
