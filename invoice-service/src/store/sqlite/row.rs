//! One invoice as a row: its document, and the columns that the indexes need.

use sqlite_engine::rusqlite::{Connection, named_params};

use super::broken;
use crate::domain::ids::Version;
use crate::domain::state::State;
use crate::search::Words;
use crate::store::document::{InvoiceDocument, day, kind_name};
use crate::store::{StoreError, StoredInvoice, document};

/// What a due date or number that is absent is stored as: it sorts after every other text, as lists want it.
const LAST: &str = "\u{10FFFF}";

/// The text, or what stands for a blank one in a column that sorts blanks last.
pub(super) fn or_last(text: &str) -> &str {
    if text.is_empty() { LAST } else { text }
}

/// The values of a row, ready to be bound.
pub(super) struct Row {
    org_id: String,
    id: String,
    version: i64,
    state: &'static str,
    kind: &'static str,
    customer_id: String,
    currency_code: &'static str,
    number: String,
    issue_date: String,
    due_date: String,
    gross_minor: i64,
    remaining_minor: i64,
    create_time_ms: i64,
    words: String,
    create_request_id: Option<String>,
    create_fingerprint: Option<Vec<u8>>,
    document: Vec<u8>,
}

impl Row {
    pub(super) fn of(stored: &StoredInvoice) -> Result<Self, StoreError> {
        let invoice = &stored.invoice;
        let header = &invoice.header;
        let request = stored.created_by_request.as_ref();
        Ok(Self {
            org_id: invoice.identity.organization_id.to_string(),
            id: invoice.identity.id.to_string(),
            version: version(invoice.version)?,
            state: invoice.state.name(),
            kind: kind_name(invoice.kind),
            customer_id: header
                .customer_id
                .as_ref()
                .map(ToString::to_string)
                .unwrap_or_default(),
            currency_code: header.currency.code(),
            number: invoice
                .number
                .as_ref()
                .map_or(LAST, |number| number.as_str())
                .to_owned(),
            issue_date: day(header.issue_date),
            due_date: or_last(&day(header.effective_due_date())).to_owned(),
            gross_minor: invoice.totals.gross.get(),
            remaining_minor: invoice.totals.remaining.get(),
            create_time_ms: invoice.create_time.as_millisecond(),
            words: Words::of_invoice(invoice)
                .iter()
                .flat_map(|word| [" ", word])
                .collect(),
            create_request_id: request.map(|request| request.id.to_string()),
            create_fingerprint: request.map(|request| request.fingerprint.as_bytes().to_vec()),
            document: serde_json::to_vec(&InvoiceDocument::from(stored)).map_err(broken)?,
        })
    }

    pub(super) fn insert(&self, connection: &Connection) -> Result<(), StoreError> {
        let mut statement = connection.prepare_cached(
            "INSERT INTO invoice VALUES (:org_id, :id, :version, 0, :state, :kind, :customer_id, :currency_code, :number,
                 :issue_date, :due_date, :gross_minor, :remaining_minor, :create_time_ms, :words, :create_request_id,
                 :create_fingerprint, :document)",
        )?;
        statement.execute(named_params! {
            ":org_id": self.org_id,
            ":id": self.id,
            ":version": self.version,
            ":state": self.state,
            ":kind": self.kind,
            ":customer_id": self.customer_id,
            ":currency_code": self.currency_code,
            ":number": self.number,
            ":issue_date": self.issue_date,
            ":due_date": self.due_date,
            ":gross_minor": self.gross_minor,
            ":remaining_minor": self.remaining_minor,
            ":create_time_ms": self.create_time_ms,
            ":words": self.words,
            ":create_request_id": self.create_request_id,
            ":create_fingerprint": self.create_fingerprint,
            ":document": self.document,
        })?;
        Ok(())
    }

    /// Writes the row over the version `expected`; `false` when there is no such version.
    pub(super) fn update(&self, connection: &Connection, expected: Version) -> Result<bool, StoreError> {
        let mut statement = connection.prepare_cached(
            "UPDATE invoice SET version = :version, state = :state, customer_id = :customer_id,
                 currency_code = :currency_code, number = :number, issue_date = :issue_date, due_date = :due_date,
                 gross_minor = :gross_minor, remaining_minor = :remaining_minor, words = :words, document = :document
             WHERE org_id = :org_id AND id = :id AND version = :expected AND deleted = 0",
        )?;
        let changed = statement.execute(named_params! {
            ":org_id": self.org_id,
            ":id": self.id,
            ":expected": version(expected)?,
            ":version": self.version,
            ":state": self.state,
            ":customer_id": self.customer_id,
            ":currency_code": self.currency_code,
            ":number": self.number,
            ":issue_date": self.issue_date,
            ":due_date": self.due_date,
            ":gross_minor": self.gross_minor,
            ":remaining_minor": self.remaining_minor,
            ":words": self.words,
            ":document": self.document,
        })?;
        Ok(changed == 1)
    }
}

/// SQLite's integers are signed.
fn version(version: Version) -> Result<i64, StoreError> {
    i64::try_from(version.get()).map_err(broken)
}

/// The invoice that a document holds.
pub(super) fn decode(document: &[u8]) -> Result<StoredInvoice, StoreError> {
    let document: InvoiceDocument = serde_json::from_slice(document).map_err(broken)?;
    document.try_into().map_err(broken)
}

/// The state that a column holds.
pub(super) fn state(name: &str) -> Result<State, StoreError> {
    document::state(name).map_err(broken)
}
