use std::io::{self, BufRead};

use proto::invoice::v1 as pb;

use crate::columns::{Column, columns};
use crate::csv::{self, Table};
use crate::express::{self, ExpressOptions};
use crate::format::Format;
use crate::message::{ContractError, InvoiceJson};
use crate::record::{Figure, Problem, Problems, Record, Stated, StatedAmount};
use crate::split::{Chunk, Layout, MAX_RECORD_BYTES, Piece, Splitter};

/// How a file is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// What it looks like.
    pub format: Format,
    /// What the JSON of browser invoice apps does not say; the other formats say it themselves.
    pub express: ExpressOptions,
}

/// Why a file cannot be read at all.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The file refuses.
    #[error("the file cannot be read")]
    Input(#[from] io::Error),
    /// A fault of the build.
    #[error(transparent)]
    Contract(#[from] ContractError),
}

/// What came next in a file.
#[derive(Debug)]
pub enum Read {
    /// An invoice.
    Record(Chunk, Box<Record>),
    /// What should have been one.
    Bad(Vec<Problem>),
    /// Nothing more.
    End,
}

/// Reads a file of invoices, one at a time.
#[derive(Debug)]
pub struct Reader<R> {
    splitter: Splitter<R>,
    parser: Parser,
    /// The first row of the next invoice of a table.
    waiting: Option<Chunk>,
}

#[derive(Debug, Clone)]
struct Parser {
    options: Options,
    json: InvoiceJson,
    table: Option<Table>,
}

/// A program that writes UTF-16 begins with one of these.
const UTF_16: [[u8; 2]; 2] = [[0xFF, 0xFE], [0xFE, 0xFF]];

impl<R: BufRead> Reader<R> {
    /// A reader at the beginning of `input`.
    ///
    /// # Errors
    /// [`ReadError`]
    pub fn new(mut input: R, options: Options) -> Result<Self, ReadError> {
        let layout = match options.format {
            Format::Jsonl => Layout::Lines,
            Format::Csv => Layout::Rows,
            Format::Express => Layout::Objects,
        };
        let begins = input.fill_buf()?;
        if UTF_16.iter().any(|mark| begins.starts_with(mark)) {
            let error = io::Error::new(io::ErrorKind::InvalidData, "it is UTF-16; save it as UTF-8");
            return Err(error.into());
        }
        Ok(Self {
            splitter: Splitter::new(input, layout)?,
            parser: Parser {
                options,
                json: InvoiceJson::new()?,
                table: None,
            },
            waiting: None,
        })
    }

    /// The columns that a table can have, in the order in which they are written.
    ///
    /// # Errors
    /// [`ContractError`]
    pub fn columns() -> Result<Vec<Column>, ContractError> {
        Ok(columns(InvoiceJson::new()?.descriptor()))
    }

    /// What comes next. After [`Read::End`], nothing more.
    ///
    /// # Errors
    /// Those of the input.
    pub fn next_record(&mut self) -> io::Result<Read> {
        let chunk = match self.parser.options.format {
            Format::Jsonl | Format::Express => match self.splitter.next()? {
                Piece::Chunk(chunk) => chunk,
                Piece::End => return Ok(Read::End),
                Piece::TooLong(line) => return Ok(too_long(line)),
                Piece::Lost(line, text) => return Ok(lost(line, text)),
            },
            Format::Csv => match self.rows()? {
                Ok(chunk) => chunk,
                Err(read) => return Ok(read),
            },
        };
        Ok(match self.parser.parse(&chunk) {
            Ok(record) => Read::Record(chunk, Box::new(record)),
            Err(problems) => Read::Bad(problems),
        })
    }

    /// Reads again what [`Reader::next_record`] gave, whose bytes were at `chunk.offset` of the same file.
    ///
    /// # Errors
    /// What is wrong with it: nothing, if it is the same.
    pub fn parse(&self, chunk: &Chunk) -> Result<Record, Vec<Problem>> {
        self.parser.parse(chunk)
    }

    /// The rows of the next invoice, or what came instead.
    fn rows(&mut self) -> io::Result<Result<Chunk, Read>> {
        if self.parser.table.is_none() {
            let header = match self.row()? {
                Ok(header) => header,
                Err(read) => return Ok(Err(read)),
            };
            let known = columns(self.parser.json.descriptor());
            match Table::of_header(&header, &known) {
                Ok(table) => self.parser.table = Some(table),
                Err(problems) => {
                    self.splitter.give_up();
                    return Ok(Err(Read::Bad(problems)));
                }
            }
        }
        let mut rows = match self.waiting.take() {
            Some(row) => row,
            None => match self.row()? {
                Ok(row) => row,
                Err(read) => return Ok(Err(read)),
            },
        };
        let id = self.parser.id_of(&rows);
        let mut is_too_long = false;
        loop {
            let row = match self.splitter.next()? {
                Piece::Chunk(row) => row,
                Piece::End => break,
                Piece::TooLong(_) | Piece::Lost(..) => {
                    is_too_long = true;
                    continue;
                }
            };
            if id.is_empty() || self.parser.id_of(&row) != id {
                self.waiting = Some(row);
                break;
            }
            is_too_long |= rows.bytes.len() + row.bytes.len() > MAX_RECORD_BYTES;
            if !is_too_long {
                append(&mut rows, &row);
            }
        }
        Ok(if is_too_long {
            Err(too_long(rows.line))
        } else {
            Ok(rows)
        })
    }

    fn row(&mut self) -> io::Result<Result<Chunk, Read>> {
        Ok(match self.splitter.next()? {
            Piece::Chunk(chunk) => Ok(chunk),
            Piece::End => Err(Read::End),
            Piece::TooLong(line) => Err(too_long(line)),
            Piece::Lost(line, text) => Err(lost(line, text)),
        })
    }
}

/// Adds a row as it stands in the file: blank lines in between were left out, and come back by their number.
fn append(rows: &mut Chunk, row: &Chunk) {
    let start = usize::try_from(row.offset - rows.offset).unwrap_or(rows.bytes.len());
    let gap = start.saturating_sub(rows.bytes.len());
    let missing = usize::try_from(row.line - rows.line - line_breaks(&rows.bytes)).unwrap_or_default();
    // The line break of the row before, what stood on blank lines, and their line breaks.
    rows.bytes.push(b'\n');
    rows.bytes
        .resize(rows.bytes.len() + gap.saturating_sub(missing), b' ');
    rows.bytes
        .resize(rows.bytes.len() + missing.saturating_sub(1), b'\n');
    rows.bytes.extend_from_slice(&row.bytes);
}

fn line_breaks(bytes: &[u8]) -> u64 {
    let lines = bytes.split(|byte| *byte == b'\n').skip(1);
    u64::try_from(lines.count()).unwrap_or_default()
}

fn too_long(line: u64) -> Read {
    let text = "must be an invoice of at most 16 MiB";
    Read::Bad(vec![Problem::of_record(line, "RECORD_TOO_LONG", text)])
}

fn lost(line: u64, text: &str) -> Read {
    Read::Bad(vec![Problem::of_record(line, "FILE_MALFORMED", text)])
}

impl Parser {
    fn id_of(&self, row: &Chunk) -> String {
        self.table
            .as_ref()
            .map(|table| table.id_of(&row.bytes))
            .unwrap_or_default()
    }

    fn parse(&self, chunk: &Chunk) -> Result<Record, Vec<Problem>> {
        let text = || {
            str::from_utf8(&chunk.bytes).map_err(|error| {
                let before = &chunk.bytes[..error.valid_up_to()];
                vec![Problem::of_record(
                    chunk.line + line_breaks(before),
                    "UTF8",
                    "must be text in UTF-8",
                )]
            })
        };
        match self.options.format {
            Format::Express => express::read(text()?, chunk.line, &self.options.express),
            Format::Jsonl => {
                let invoice = self.json.read(text()?).map_err(|error| {
                    let mut problems = Problems::of(chunk.line);
                    let reason = if error.error.is_data() {
                        "TYPE"
                    } else {
                        "JSON_MALFORMED"
                    };
                    problems.push(error.at, reason, format!("cannot be read: {}", error.error));
                    problems.unless_any(()).err().unwrap_or_default()
                })?;
                let stated = stated(&invoice, self.options.format);
                Ok(record(invoice, stated))
            }
            Format::Csv => {
                let Some(table) = &self.table else {
                    return Err(vec![Problem::of_record(
                        chunk.line,
                        "FILE_MALFORMED",
                        csv::NO_HEADER,
                    )]);
                };
                let (invoice, places) = table.read(chunk, &self.json)?;
                let mut stated = stated(&invoice, self.options.format);
                // A table need not have every figure, and one that is missing reads as 0.
                stated.retain(|stated| stated.amount != StatedAmount::Minor(0));
                Ok(Record {
                    places,
                    ..record(invoice, stated)
                })
            }
        }
    }
}

fn record(invoice: pb::Invoice, stated: Vec<Stated>) -> Record {
    Record {
        id: invoice.id.clone(),
        invoice,
        stated,
        notes: Vec::new(),
        ignored: Vec::new(),
        places: Vec::new(),
    }
}

/// The figures that an invoice in the API's words has.
fn stated(invoice: &pb::Invoice, format: Format) -> Vec<Stated> {
    let stated = |path: &str, figure, amount| Stated {
        at: format.name_of(path),
        figure,
        amount: StatedAmount::Minor(amount),
    };
    let lines = invoice.lines.iter().enumerate();
    let mut all: Vec<_> = lines
        .filter(|(_, line)| line.net_minor != 0)
        .map(|(position, line)| {
            let path = format!("lines[{position}].net_minor");
            stated(&path, Figure::LineNet(position), line.net_minor)
        })
        .collect();
    if let Some(totals) = &invoice.totals {
        all.push(stated("totals.net_minor", Figure::Net, totals.net_minor));
        all.push(stated("totals.tax_minor", Figure::Tax, totals.tax_minor));
        all.push(stated("totals.gross_minor", Figure::Gross, totals.gross_minor));
    }
    all
}
