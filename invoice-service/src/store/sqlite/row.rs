//! One invoice as a row: its document, and the columns that the indexes need.

use sqlite_engine::rusqlite::{self, Connection, named_params};

use crate::domain::history::History;
use crate::domain::ids::Version;
use crate::domain::state::State;
use crate::store::document::{HistoryEntryDocument, InvoiceDocument, Origin};
use crate::store::indexed::{IndexedFields, signed};
use crate::store::{StoreError, StoredInvoice, broken, document};

/// Adds a row.
pub(in crate::store) const INSERT: &str = "
    INSERT INTO invoice VALUES (:org_id, :id, :version, :deleted, :state, :kind, :customer_id, :currency_code, :number,
        :issue_date, :due_date, :gross_minor, :remaining_minor, :create_time_ms, :words, :create_request_id,
        :create_fingerprint, :document, :series, :period, :sequence, :history, :paid_minor, :credited_minor)";

/// The values of a row, ready to be bound.
pub(super) struct Row {
    fields: IndexedFields,
    document: Vec<u8>,
    history: Option<Vec<u8>>,
}

impl Row {
    pub(super) fn of(stored: &StoredInvoice) -> Result<Self, StoreError> {
        Ok(Self {
            fields: IndexedFields::of(stored)?,
            document: document::to_json(stored)?,
            history: history(stored)?,
        })
    }

    pub(super) fn insert(&self, connection: &Connection) -> Result<(), StoreError> {
        let mut statement = connection.prepare_cached(INSERT)?;
        let inserted = statement.execute(named_params! {
            ":org_id": self.fields.org_id,
            ":id": self.fields.id,
            ":version": self.fields.version,
            ":deleted": false,
            ":state": self.fields.state,
            ":kind": self.fields.kind,
            ":customer_id": self.fields.customer_id,
            ":currency_code": self.fields.currency_code,
            ":number": self.fields.number,
            ":issue_date": self.fields.issue_date,
            ":due_date": self.fields.due_date,
            ":gross_minor": self.fields.gross_minor,
            ":remaining_minor": self.fields.remaining_minor,
            ":create_time_ms": self.fields.create_time_ms,
            ":words": self.fields.words,
            ":create_request_id": self.fields.create_request_id,
            ":create_fingerprint": self.fields.create_fingerprint,
            ":document": self.document,
            ":series": self.fields.place.as_ref().map(|place| &place.series),
            ":period": self.fields.place.as_ref().map(|place| &place.period),
            ":sequence": self.fields.place.as_ref().map(|place| place.sequence),
            ":history": self.history,
            ":paid_minor": self.fields.paid_minor,
            ":credited_minor": self.fields.credited_minor,
        });
        match inserted {
            Ok(_) => Ok(()),
            // Ids are random, and request ids were looked for: only the place in a series can be taken.
            Err(error) if is_taken(&error) => Err(StoreError::NumberTaken),
            Err(error) => Err(error.into()),
        }
    }

    /// Writes the row over the version `expected`; `false` when there is no such version.
    pub(super) fn update(&self, connection: &Connection, expected: Version) -> Result<bool, StoreError> {
        let mut statement = connection.prepare_cached(
            "UPDATE invoice SET version = :version, state = :state, customer_id = :customer_id,
                 currency_code = :currency_code, number = :number, issue_date = :issue_date, due_date = :due_date,
                 gross_minor = :gross_minor, remaining_minor = :remaining_minor, words = :words, document = :document,
                 series = :series, period = :period, sequence = :sequence, history = :history,
                 paid_minor = :paid_minor, credited_minor = :credited_minor
             WHERE org_id = :org_id AND id = :id AND version = :expected AND deleted = 0",
        )?;
        let changed = statement.execute(named_params! {
            ":org_id": self.fields.org_id,
            ":id": self.fields.id,
            ":expected": signed(expected)?,
            ":version": self.fields.version,
            ":state": self.fields.state,
            ":customer_id": self.fields.customer_id,
            ":currency_code": self.fields.currency_code,
            ":number": self.fields.number,
            ":issue_date": self.fields.issue_date,
            ":due_date": self.fields.due_date,
            ":gross_minor": self.fields.gross_minor,
            ":remaining_minor": self.fields.remaining_minor,
            ":words": self.fields.words,
            ":document": self.document,
            ":series": self.fields.place.as_ref().map(|place| &place.series),
            ":period": self.fields.place.as_ref().map(|place| &place.period),
            ":sequence": self.fields.place.as_ref().map(|place| place.sequence),
            ":history": self.history,
            ":paid_minor": self.fields.paid_minor,
            ":credited_minor": self.fields.credited_minor,
        });
        match changed {
            Ok(changed) => Ok(changed == 1),
            // Of what an update changes, only the number is unique, and its place in the series.
            Err(error) if is_taken(&error) => Err(StoreError::NumberTaken),
            Err(error) => Err(error.into()),
        }
    }
}

fn is_taken(error: &rusqlite::Error) -> bool {
    let code = error.sqlite_error().map(|error| error.extended_code);
    code == Some(rusqlite::ffi::SQLITE_CONSTRAINT_UNIQUE)
}

/// The history as its column holds it; nothing when there is none.
fn history(stored: &StoredInvoice) -> Result<Option<Vec<u8>>, StoreError> {
    let entries = stored.invoice.history.entries();
    if entries.is_empty() {
        return Ok(None);
    }
    let entries: Vec<HistoryEntryDocument> = entries.iter().map(Into::into).collect();
    serde_json::to_vec(&entries).map(Some).map_err(broken)
}

/// The invoice that a document holds, with the history beside it, to be changed.
pub(super) fn decode_whole(document: Vec<u8>, history: Option<&[u8]>) -> Result<StoredInvoice, StoreError> {
    let mut stored = decode(&document)?;
    stored.origin = Origin::json(document);
    if let Some(history) = history {
        let entries: Vec<HistoryEntryDocument> = serde_json::from_slice(history).map_err(broken)?;
        let entries = entries.into_iter().map(TryInto::try_into);
        stored.invoice.history = History::from_stored(entries.collect::<Result<_, _>>().map_err(broken)?);
    }
    Ok(stored)
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
