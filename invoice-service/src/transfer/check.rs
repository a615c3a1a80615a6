//! The first reading of a file: everything is checked, nothing is stored.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::io::BufRead;
use std::path::Path;

use interchange::{Chunk, Figure, Options, Problem, Read, Reader, Record, Stated, StatedAmount};
use jiff::Timestamp;
use prost::Message as _;
use proto::invoice::v1 as pb;
use rpc_error::Violations;

use super::Operator;
use super::error::TransferError;
use super::import::Importer;
use super::plan::Planned;
use super::replay::{Numbering, replay};
use super::report::{Difference, ImportReport, PlacedNote};
use crate::domain::decimal::Decimal;
use crate::domain::invoice::Invoice;
use crate::domain::money::MinorUnits;
use crate::domain::totals::compute;
use crate::idempotency::{AppliedRequest, Fingerprint, RequestId};

/// The method of the fingerprints of imports.
const METHOD: &str = "ImportInvoice";
/// A command that only reads from memory and computes lets its signals be heard between so many invoices.
const AT_A_TIME: u64 = 64;

/// A file under check.
pub(super) struct Check<'a> {
    importer: &'a Importer,
    options: &'a Options,
    numbering: Numbering<'a>,
    /// Which record has a request id, by the line that it is on.
    seen: HashMap<RequestId, u64>,
    pub(super) report: ImportReport,
    pub(super) planned: Vec<Planned>,
}

impl<'a> Check<'a> {
    pub(super) fn new(importer: &'a Importer, options: &'a Options, numbering: Numbering<'a>) -> Self {
        Self {
            importer,
            options,
            numbering,
            seen: HashMap::new(),
            report: ImportReport::default(),
            planned: Vec::new(),
        }
    }

    /// Reads all of the file at `path`.
    ///
    /// # Errors
    /// Those of the file, and [`TransferError::Cancelled`].
    pub(super) async fn all<R: BufRead>(
        &mut self,
        reader: &mut Reader<R>,
        path: &Path,
        operator: &dyn Operator,
    ) -> Result<(), TransferError> {
        let mut read = 0;
        loop {
            let next = reader.next_record();
            match next.map_err(|error| TransferError::of_file(path, error))? {
                Read::Record(chunk, record) => {
                    let end = chunk.offset + u64::try_from(chunk.bytes.len()).unwrap_or_default();
                    operator.advances(end.saturating_sub(read));
                    read = end;
                    self.record(&chunk, &record);
                }
                Read::Bad(problems) => {
                    self.report.invoices += 1;
                    self.bad(problems);
                }
                Read::End => break,
            }
            if self.report.invoices.is_multiple_of(AT_A_TIME) {
                tokio::task::yield_now().await;
                if operator.wants_to_stop() {
                    return Err(TransferError::Cancelled("nothing is stored"));
                }
            }
        }
        if self.report.invoices == 0 {
            self.bad(vec![Problem {
                line: 1,
                id: String::new(),
                at: String::new(),
                reason: "FILE_EMPTY",
                text: "must hold an invoice: there is none in it".to_owned(),
            }]);
        }
        Ok(())
    }

    fn bad(&mut self, problems: Vec<Problem>) {
        self.report.bad_invoices += 1;
        for problem in problems {
            self.report.problems.push(problem);
        }
    }

    fn record(&mut self, chunk: &Chunk, record: &Record) {
        self.report.invoices += 1;
        for name in &record.ignored {
            *self.report.ignored.entry(name.clone()).or_default() += 1;
        }
        for note in &record.notes {
            self.report.notes.push(PlacedNote {
                line: chunk.line,
                id: record.id.clone(),
                note: note.clone(),
            });
        }
        let place = Place { chunk, record };
        let request = match self.request(&place) {
            Ok(request) => request,
            Err(problem) => return self.bad(vec![problem]),
        };
        let (importer, numbering) = (self.importer, self.numbering);
        let invoice = match replay(record, importer, request.id, numbering, Timestamp::now()) {
            Ok(invoice) => invoice,
            Err(violations) => {
                let problems = place.problems(&violations, self.options);
                return self.bad(problems);
            }
        };
        for stated in &record.stated {
            match difference(stated, &invoice) {
                Ok(None) => {}
                Ok(Some((stated_amount, computed))) => self.report.differences.push(Difference {
                    line: place.line_of(&stated.figure),
                    id: record.id.clone(),
                    at: stated.at.clone(),
                    stated: stated_amount,
                    computed,
                    currency_code: invoice.header.currency.to_string(),
                }),
                Err(text) => {
                    let problem = place.problem(stated.at.clone(), "DECIMAL_MALFORMED", text);
                    return self.bad(vec![problem]);
                }
            }
        }
        let is_draft = invoice.number.is_none();
        self.planned.push(Planned {
            line: chunk.line,
            offset: chunk.offset,
            length: chunk.bytes.len(),
            id: record.id.as_str().into(),
            request,
            state: invoice.state,
            day: invoice.header.issue_date.filter(|_| !is_draft),
            number: record.invoice.number.as_str().into(),
        });
    }

    /// What the record is stored under: an id that its own id makes, or its content where it has none.
    fn request(&mut self, place: &Place<'_>) -> Result<AppliedRequest, Problem> {
        let record = place.record;
        let fingerprint = fingerprint(record);
        let derived = |nth: u64| AppliedRequest {
            id: request_id(record, fingerprint, nth),
            fingerprint,
        };
        let mut nth = 0;
        loop {
            let request = derived(nth);
            match self.seen.entry(request.id) {
                Entry::Vacant(place_of) => {
                    place_of.insert(place.chunk.line);
                    return Ok(request);
                }
                Entry::Occupied(earlier) if !record.id.is_empty() => {
                    let text = format!(
                        "must not be the id of an earlier invoice, which begins on line {}",
                        earlier.get()
                    );
                    return Err(place.problem("id".to_owned(), "DUPLICATE_ID", text));
                }
                // The same content once more, without an id: another invoice.
                Entry::Occupied(_) => nth += 1,
            }
        }
    }
}

/// The id that a record is stored under: the `nth` of those with this content, if it has no id of its own.
fn request_id(record: &Record, fingerprint: Fingerprint, nth: u64) -> RequestId {
    if record.id.is_empty() {
        RequestId::derived(&[b"import", b"content", fingerprint.as_bytes(), &nth.to_be_bytes()])
    } else {
        RequestId::derived(&[b"import", b"id", record.id.as_bytes()])
    }
}

/// The fingerprint of what is taken over of a record: not of what is computed or given anew, which another export of the
/// same invoice may have otherwise.
pub(super) fn fingerprint(record: &Record) -> Fingerprint {
    let payment = |payment: &pb::Payment| pb::Payment {
        id: String::new(),
        create_time: None,
        ..payment.clone()
    };
    let invoice = pb::Invoice {
        id: String::new(),
        etag: String::new(),
        create_time: None,
        update_time: None,
        issue_time: None,
        overdue: false,
        payment_state: 0,
        payments: record.invoice.payments.iter().map(payment).collect(),
        ..record.invoice.clone()
    };
    Fingerprint::of(METHOD, &invoice.encode_to_vec())
}

/// A record and where it is.
struct Place<'a> {
    chunk: &'a Chunk,
    record: &'a Record,
}

impl Place<'_> {
    fn problem(&self, at: String, reason: &'static str, text: String) -> Problem {
        Problem {
            line: self.chunk.line,
            id: self.record.id.clone(),
            at,
            reason,
            text,
        }
    }

    /// Violations, by the names that the file has for the fields.
    fn problems(&self, violations: &Violations, options: &Options) -> Vec<Problem> {
        let violations = violations.as_slice().iter();
        violations
            .map(|violation| {
                let path = violation.path.as_str();
                let line = position(path).and_then(|position| self.record.places.get(position));
                Problem {
                    line: line.copied().unwrap_or(self.chunk.line),
                    ..self.problem(
                        options.format.name_of(path),
                        violation.reason,
                        violation.description.clone(),
                    )
                }
            })
            .collect()
    }

    fn line_of(&self, figure: &Figure) -> u64 {
        let place = match figure {
            Figure::LineNet(position) | Figure::LineAmount(position) => self.record.places.get(*position),
            Figure::Net | Figure::Tax | Figure::Gross => None,
        };
        place.copied().unwrap_or(self.chunk.line)
    }
}

/// The position of the line of the invoice that a path leads to.
fn position(path: &str) -> Option<usize> {
    let rest = path.strip_prefix("invoice.lines[")?;
    rest.split_once(']')?.0.parse().ok()
}

/// The stated figure and the one that it comes to, when they differ.
///
/// # Errors
/// What a stated figure must be.
fn difference(stated: &Stated, invoice: &Invoice) -> Result<Option<(String, String)>, String> {
    let currency = invoice.header.currency;
    let amount = match &stated.amount {
        StatedAmount::Minor(minor) => MinorUnits::new(*minor).map_err(|error| error.to_string())?,
        StatedAmount::Decimal(text) => {
            let decimal = Decimal::parse(text).map_err(|error| error.to_string())?;
            MinorUnits::of_decimal(decimal, currency).map_err(|error| error.to_string())?
        }
    };
    let line_net = |position: usize| invoice.lines.get(position).map(|line| line.net);
    let computed = match stated.figure {
        Figure::Net => Some(invoice.totals.net),
        Figure::Tax => Some(invoice.totals.tax),
        Figure::Gross => Some(invoice.totals.gross),
        Figure::LineAmount(position) if invoice.header.prices_include_tax => {
            amount_with_tax(invoice, position)
        }
        Figure::LineNet(position) | Figure::LineAmount(position) => line_net(position),
    };
    Ok(computed.filter(|computed| *computed != amount).map(|computed| {
        let stated = match &stated.amount {
            StatedAmount::Minor(_) => amount.in_unit_of(currency),
            StatedAmount::Decimal(text) => text.clone(),
        };
        (stated, computed.in_unit_of(currency))
    }))
}

/// What a line comes to in the prices as they stand, which include tax.
fn amount_with_tax(invoice: &Invoice, position: usize) -> Option<MinorUnits> {
    let mut content = invoice.content();
    content.header.prices_include_tax = false;
    compute(&content).ok()?.line_nets.get(position).copied()
}
