use std::io::{self, Write};

use proto::invoice::v1 as pb;
use serde_json::Value;

use crate::columns::{Column, Kind, at, cell, columns};
use crate::csv::{harmless, push_cell};
use crate::format::ExportFormat;
use crate::message::{ContractError, InvoiceJson};

/// Why an invoice was not written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The output refuses.
    #[error("the output cannot be written")]
    Output(#[from] io::Error),
    /// It has no JSON: a fault of the build.
    #[error("an invoice cannot be put into JSON")]
    Json(#[from] serde_json::Error),
}

/// Writes invoices, one after the other.
#[derive(Debug)]
pub struct Writer<W> {
    output: W,
    json: InvoiceJson,
    columns: Option<Vec<Column>>,
    begun: bool,
}

impl<W: Write> Writer<W> {
    /// A writer that has written nothing yet.
    ///
    /// # Errors
    /// [`ContractError`]
    pub fn new(output: W, format: ExportFormat) -> Result<Self, ContractError> {
        let json = InvoiceJson::new()?;
        let columns = match format {
            ExportFormat::Jsonl => None,
            ExportFormat::Csv => Some(columns(json.descriptor())),
        };
        Ok(Self {
            output,
            json,
            columns,
            begun: false,
        })
    }

    /// Writes an invoice.
    ///
    /// # Errors
    /// [`WriteError`]
    pub fn write(&mut self, invoice: &pb::Invoice) -> Result<(), WriteError> {
        let Some(columns) = &self.columns else {
            let mut line = self.json.write(invoice)?;
            line.push(b'\n');
            return Ok(self.output.write_all(&line)?);
        };
        if !self.begun {
            self.output.write_all(header(columns).as_bytes())?;
            self.begun = true;
        }
        let invoice = self.json.write_value(invoice)?;
        Ok(self.output.write_all(rows(columns, &invoice).as_bytes())?)
    }

    /// Ends the file. A table without invoices still has its row of names.
    ///
    /// # Errors
    /// [`WriteError`]
    pub fn finish(mut self) -> Result<(), WriteError> {
        if let (Some(columns), false) = (&self.columns, self.begun) {
            self.output.write_all(header(columns).as_bytes())?;
        }
        Ok(self.output.flush()?)
    }
}

fn header(columns: &[Column]) -> String {
    row(columns.iter().map(|column| column.name.clone()))
}

/// One row for each line, or one for an invoice without lines.
fn rows(columns: &[Column], invoice: &Value) -> String {
    let lines = invoice.get("lines").and_then(Value::as_array);
    let lines = lines.map(Vec::as_slice).unwrap_or_default();
    let mut text = String::new();
    for position in 0..lines.len().max(1) {
        text.push_str(&row(columns.iter().map(|column| {
            let value = if column.of_line {
                let name = column.name.strip_prefix("lines.").unwrap_or(&column.name);
                lines.get(position).and_then(|line| at(line, name))
            } else if position > 0 && column.kind == Kind::Json {
                None
            } else {
                at(invoice, &column.name)
            };
            harmless(cell(value))
        })));
    }
    text
}

fn row(cells: impl Iterator<Item = String>) -> String {
    let mut row = String::new();
    for (position, cell) in cells.enumerate() {
        if position > 0 {
            row.push(',');
        }
        push_cell(&mut row, &cell);
    }
    row.push_str("\r\n");
    row
}
