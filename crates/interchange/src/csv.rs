//! CSV as RFC 4180 has it, and what spreadsheets make of it.

use crate::columns::{Column, put};
use crate::message::{InvoiceJson, JsonError};
use crate::record::{Problem, Problems};
use crate::split::{Chunk, Layout, Piece, Splitter};
use proto::invoice::v1 as pb;
use serde_json::{Map, Value};

/// A table that has no row of names.
pub(crate) const NO_HEADER: &str = "must begin with a row of column names";
/// The column that tells which rows are one invoice.
pub(crate) const ID: &str = "id";

/// Why bytes are not a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RowError {
    Utf8,
    Quotes,
}

impl RowError {
    pub(crate) const fn reason(self) -> &'static str {
        match self {
            Self::Utf8 => "UTF8",
            Self::Quotes => "CSV_QUOTES",
        }
    }

    pub(crate) const fn text(self) -> &'static str {
        match self {
            Self::Utf8 => "must be text in UTF-8",
            Self::Quotes => {
                "must have double quotes around whole cells only, and two for one inside them (RFC 4180)"
            }
        }
    }
}

/// The cells of a row.
pub(crate) fn cells(row: &[u8]) -> Result<Vec<String>, RowError> {
    let text = str::from_utf8(row).map_err(|_| RowError::Utf8)?;
    let text = text.strip_suffix('\r').unwrap_or(text);
    let mut cells = Vec::new();
    let mut rest = text;
    loop {
        let cell;
        (cell, rest) = first_cell(rest)?;
        cells.push(cell);
        match rest.strip_prefix(',') {
            Some(next) => rest = next,
            None if rest.is_empty() => return Ok(cells),
            None => return Err(RowError::Quotes),
        }
    }
}

/// The cell that `text` begins with, and what follows it.
fn first_cell(text: &str) -> Result<(String, &str), RowError> {
    let Some(mut rest) = text.strip_prefix('"') else {
        let end = text.find(',').unwrap_or(text.len());
        let (cell, rest) = text.split_at(end);
        return if cell.contains('"') {
            Err(RowError::Quotes)
        } else {
            Ok((cell.to_owned(), rest))
        };
    };
    let mut cell = String::new();
    loop {
        let (before, after) = rest.split_once('"').ok_or(RowError::Quotes)?;
        cell.push_str(before);
        match after.strip_prefix('"') {
            Some(after) => {
                cell.push('"');
                rest = after;
            }
            None => return Ok((cell, after)),
        }
    }
}

/// Adds a cell to a row, in quotes where they are needed.
pub(crate) fn push_cell(row: &mut String, cell: &str) {
    if cell.contains(['"', ',', '\n', '\r']) || cell.starts_with(' ') || cell.ends_with(' ') {
        row.push('"');
        row.push_str(&cell.replace('"', "\"\""));
        row.push('"');
    } else {
        row.push_str(cell);
    }
}

/// Characters that make a spreadsheet run a cell as a formula when it begins with one, the full-width ones too.
const FORMULA: [char; 10] = [
    '=', '+', '-', '@', '\t', '\r', '\u{ff1d}', '\u{ff0b}', '\u{ff0d}', '\u{ff20}',
];

/// A cell that no spreadsheet runs: one that begins like a formula gets an apostrophe in front, which [`plain`] takes
/// away again. A number is none, and stays one.
pub(crate) fn harmless(cell: String) -> String {
    if begins_like_a_formula(&cell) {
        format!("'{cell}")
    } else {
        cell
    }
}

/// The text that [`harmless`] wrote.
pub(crate) fn plain(cell: &str) -> &str {
    match cell.strip_prefix('\'') {
        Some(text) if begins_like_a_formula(text) => text,
        Some(_) | None => cell,
    }
}

/// Apostrophes before it count as part of it, so that what was one in the text stays one.
fn begins_like_a_formula(text: &str) -> bool {
    text.trim_start_matches('\'').starts_with(FORMULA) && !is_number(text)
}

fn is_number(text: &str) -> bool {
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    match unsigned.split_once('.') {
        Some((integer, fraction)) => digits(integer) && digits(fraction),
        None => digits(unsigned),
    }
}

/// The columns of a file in its order.
#[derive(Debug, Clone)]
pub(crate) struct Table {
    columns: Vec<Column>,
    id: usize,
}

impl Table {
    /// The table that has this first row.
    pub(crate) fn of_header(header: &Chunk, known: &[Column]) -> Result<Self, Vec<Problem>> {
        let mut problems = Problems::of(header.line);
        let names = match cells(&header.bytes) {
            Ok(names) => names,
            Err(error) => {
                problems.push("", error.reason(), error.text());
                return problems.unless_any(Self::empty());
            }
        };
        let mut columns: Vec<Column> = Vec::new();
        for name in names.iter().map(|name| name.trim()) {
            let twice = columns.iter().any(|column| column.name == name);
            match known.iter().find(|column| column.name == name) {
                Some(_) if twice => problems.push(name, "CSV_COLUMN_TWICE", "must be a column once"),
                Some(column) => columns.push(column.clone()),
                None if names.len() == 1 && name.contains([';', '\t']) => {
                    problems.push("", "CSV_DELIMITER", "must have its columns separated by commas");
                }
                None => problems.push(
                    name,
                    "CSV_COLUMN_UNKNOWN",
                    "must be the name of a column (docs/IMPORT.md)",
                ),
            }
        }
        let id = columns.iter().position(|column| column.name == ID);
        if id.is_none() {
            let text = "must be among the columns: it tells which rows are one invoice";
            problems.push(ID, "CSV_COLUMN_MISSING", text);
        }
        problems.unless_any(Self {
            columns,
            id: id.unwrap_or_default(),
        })
    }

    fn empty() -> Self {
        Self {
            columns: Vec::new(),
            id: 0,
        }
    }

    /// The id in a row; blank when it cannot be read.
    pub(crate) fn id_of(&self, row: &[u8]) -> String {
        let cells = cells(row).unwrap_or_default();
        cells
            .get(self.id)
            .map(|cell| plain(cell).to_owned())
            .unwrap_or_default()
    }

    /// The invoice that these rows are, and the line of the file that each of its lines is on.
    pub(crate) fn read(
        &self,
        rows: &Chunk,
        json: &InvoiceJson,
    ) -> Result<(pb::Invoice, Vec<u64>), Vec<Problem>> {
        let mut problems = Problems::of(rows.line);
        let mut invoice = Map::new();
        let mut lines: Vec<(u64, Value)> = Vec::new();
        let mut first: Option<Vec<String>> = None;
        for row in split(rows) {
            problems.line = row.line;
            let cells = match cells(&row.bytes) {
                Ok(cells) if cells.len() == self.columns.len() => cells,
                Ok(cells) => {
                    let text = format!("must have {} cells, not {}", self.columns.len(), cells.len());
                    problems.push("", "CSV_CELLS", text);
                    continue;
                }
                Err(error) => {
                    problems.push("", error.reason(), error.text());
                    continue;
                }
            };
            if problems.id.is_empty() {
                problems.id = cells
                    .get(self.id)
                    .map(|cell| plain(cell).to_owned())
                    .unwrap_or_default();
            }
            let line = self.row(&cells, first.as_deref(), &mut invoice, &mut problems);
            if !line.is_empty() {
                lines.push((row.line, Value::Object(line)));
            }
            first.get_or_insert(cells);
        }
        let places: Vec<u64> = lines.iter().map(|(line, _)| *line).collect();
        if !lines.is_empty() {
            let lines = lines.into_iter().map(|(_, line)| line).collect();
            invoice.insert("lines".to_owned(), Value::Array(lines));
        }
        let (line, id) = (rows.line, problems.id.clone());
        let value = problems.unless_any(Value::Object(invoice))?;
        match json.read_value(value) {
            Ok(invoice) => Ok((invoice, places)),
            Err(error) => {
                let mut problems = Problems::of(line);
                problems.id = id;
                problem_of(&error, &places, &mut problems);
                Err(problems.unless_any(()).err().unwrap_or_default())
            }
        }
    }

    /// Takes over what a row says of the invoice, and returns what it says of a line.
    fn row(
        &self,
        cells: &[String],
        first: Option<&[String]>,
        invoice: &mut Map<String, Value>,
        problems: &mut Problems,
    ) -> Map<String, Value> {
        let mut line = Map::new();
        for (position, (column, cell)) in self.columns.iter().zip(cells).enumerate() {
            if cell.is_empty() {
                continue;
            }
            let earlier = first.and_then(|first| first.get(position));
            match (column.of_line, earlier) {
                (false, Some(earlier)) if earlier != cell => {
                    let text = "must be blank or the same in every row of an invoice";
                    problems.push(&column.name, "CSV_ROWS_DIFFER", text);
                    continue;
                }
                (false, Some(_)) => continue,
                (false, None) | (true, _) => {}
            }
            match column.kind.read(plain(cell)) {
                Ok(value) if column.of_line => {
                    let name = column.name.strip_prefix("lines.").unwrap_or(&column.name);
                    put(&mut line, name, value);
                }
                Ok(value) => put(invoice, &column.name, value),
                Err(text) => problems.push(&column.name, "TYPE", text),
            }
        }
        line
    }
}

/// The rows of one invoice.
pub(crate) fn split(rows: &Chunk) -> Vec<Chunk> {
    let mut found = Vec::new();
    // Reading from memory does not fail, and each row fits where all of them did.
    if let Ok(mut splitter) = Splitter::new(rows.bytes.as_slice(), Layout::Rows) {
        while let Ok(Piece::Chunk(mut row)) = splitter.next() {
            row.line += rows.line - 1;
            found.push(row);
        }
    }
    found
}

/// What is wrong in a JSON cell, in the row that has it.
fn problem_of(error: &JsonError, lines: &[u64], problems: &mut Problems) {
    let inner = error
        .at
        .strip_prefix("lines[")
        .and_then(|rest| rest.split_once(']'));
    let place = inner.and_then(|(position, rest)| {
        let position: usize = position.parse().ok()?;
        Some((*lines.get(position)?, format!("lines{rest}")))
    });
    let (line, at) = place.unwrap_or((problems.line, error.at.clone()));
    problems.push_on(line, at, "TYPE", format!("cannot be read: {}", error.error));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_what_rfc_4180_says() {
        for (row, expected) in [
            ("", vec![""]),
            ("a,b", vec!["a", "b"]),
            ("a,,", vec!["a", "", ""]),
            ("\"a,\"\"b\"\"\n\",c\r", vec!["a,\"b\"\n", "c"]),
            ("\"\",\" \"", vec!["", " "]),
        ] {
            assert_eq!(cells(row.as_bytes()).unwrap(), expected, "{row:?}");
        }
        for row in ["a\"b", "\"a", "\"a\"b", "\"a\" ,b"] {
            assert_eq!(cells(row.as_bytes()), Err(RowError::Quotes), "{row:?}");
        }
        assert_eq!(cells(b"a,\xff"), Err(RowError::Utf8));
    }

    #[test]
    fn what_is_written_reads_back() {
        let texts = ["", "a", " a ", "a,b", "\"", "a\nb", "ü€", "\r\n"];
        let mut row = String::new();
        for (position, text) in texts.iter().enumerate() {
            if position > 0 {
                row.push(',');
            }
            push_cell(&mut row, text);
        }
        assert_eq!(cells(row.as_bytes()).unwrap(), texts);
    }

    #[test]
    fn no_cell_begins_like_a_formula_and_every_text_comes_back() {
        for text in [
            "=1+1",
            "+49 30 1234",
            "-SUM(A1)",
            "@x",
            "\tx",
            "'=1",
            "''=1",
            "'quoted'",
            "-",
            "plain",
            "-1.5",
            "-1",
            "\u{ff1d}1",
            "--1",
            "-1.",
            "",
        ] {
            let cell = harmless(text.to_owned());
            assert_eq!(plain(&cell), text, "{cell:?}");
            assert!(!cell.starts_with(FORMULA) || is_number(&cell), "{cell:?}");
        }
        assert_eq!(harmless("=1".to_owned()), "'=1");
        assert_eq!(harmless("-1.50".to_owned()), "-1.50");
    }
}
