//! One invoice as an entry of the collection: its document, and beside it the fields that the indexes need.

use std::mem;

use mongo_engine::bson::{
    self, Binary, Document, RawArrayBuf, RawDocument, RawDocumentBuf, deserialize_from_slice, doc,
    serialize_to_raw_document_buf, spec::BinarySubtype,
};

use crate::domain::history::History;
use crate::domain::ids::{InvoiceId, Version};
use crate::domain::invoice::InvoiceKind;
use crate::domain::number::LastNumber;
use crate::domain::state::State;
use crate::store::document::{self, HistoryEntryDocument, InvoiceDocument, Origin};
use crate::store::indexed::{self, IndexedFields};
use crate::store::{StoreError, StoredInvoice, broken};

/// What is stored of an invoice that is not deleted.
#[derive(Clone)]
pub(super) struct Entry {
    pub(super) fields: IndexedFields,
    pub(super) document: RawDocumentBuf,
    pub(super) history: Vec<RawDocumentBuf>,
}

impl Entry {
    pub(super) fn of(stored: &StoredInvoice) -> Result<Self, StoreError> {
        Ok(Self {
            fields: IndexedFields::of(stored)?,
            document: document::to_bson(stored)?,
            history: history(stored)?,
        })
    }

    /// The update that makes the entry that `stored` was read from this one. New entries of the history are added to those
    /// that are there, so that these stay byte for byte, with what a newer release may have put into them.
    pub(super) fn update(stored: &StoredInvoice) -> Result<Document, StoreError> {
        let mut entry = Self::of(stored)?;
        let added = match stored.origin.history_entries() {
            Some(there) => mem::take(&mut entry.history).into_iter().skip(there).collect(),
            None => Vec::new(),
        };
        let entry = Document::try_from(entry.into_document()?).map_err(broken)?;
        let mut update = doc! { "$set": entry };
        if !added.is_empty() {
            let added: Result<Vec<Document>, _> = added.into_iter().map(Document::try_from).collect();
            update.insert("$push", doc! { "history": { "$each": added.map_err(broken)? } });
        }
        Ok(update)
    }

    pub(super) fn into_document(self) -> Result<RawDocumentBuf, StoreError> {
        let Self {
            fields,
            document,
            history,
        } = self;
        let mut entry = RawDocumentBuf::new();
        let mut put = |name: &str, value: bson::RawBson| {
            let name = bson::raw::CString::try_from(name).map_err(broken)?;
            entry.append(name, value);
            Ok::<_, StoreError>(())
        };
        put("_id", fields.id.into())?;
        put("org_id", fields.org_id.into())?;
        put("deleted", false.into())?;
        put("version", fields.version.into())?;
        put("state", fields.state.into())?;
        put("kind", fields.kind.into())?;
        put("customer_id", fields.customer_id.into())?;
        put("currency_code", fields.currency_code.into())?;
        put("number", fields.number.into())?;
        put("issue_date", fields.issue_date.into())?;
        put("due_date", fields.due_date.into())?;
        put("gross_minor", fields.gross_minor.into())?;
        put("remaining_minor", fields.remaining_minor.into())?;
        put("create_time_ms", fields.create_time_ms.into())?;
        put("words", fields.words.into())?;
        if let (Some(id), Some(fingerprint)) = (fields.create_request_id, fields.create_fingerprint) {
            put("create_request_id", id.into())?;
            let bytes = Binary {
                subtype: BinarySubtype::Generic,
                bytes: fingerprint,
            };
            put("create_fingerprint", bytes.into())?;
        }
        if let Some(place) = fields.place {
            put("series", place.series.into())?;
            put("period", place.period.into())?;
            put("sequence", place.sequence.into())?;
        }
        put("document", document.into())?;
        if !history.is_empty() {
            let entries: RawArrayBuf = history.into_iter().collect();
            put("history", entries.into())?;
        }
        Ok(entry)
    }
}

fn history(stored: &StoredInvoice) -> Result<Vec<RawDocumentBuf>, StoreError> {
    let entries = stored.invoice.history.entries().iter();
    entries
        .map(|entry| serialize_to_raw_document_buf(&HistoryEntryDocument::from(entry)).map_err(broken))
        .collect()
}

/// The history beside an invoice; empty where it was not read or there is none.
fn read_history(entry: &RawDocument) -> Result<History, StoreError> {
    let mut entries = Vec::new();
    if let Some(history) = entry.get("history").map_err(broken)? {
        for item in history.as_array().ok_or_else(no_invoice)? {
            let item = item.map_err(broken)?.as_document().ok_or_else(no_invoice)?;
            let item: HistoryEntryDocument = deserialize_from_slice(item.as_bytes()).map_err(broken)?;
            entries.push(item.try_into().map_err(broken)?);
        }
    }
    Ok(History::from_stored(entries))
}

/// An entry whose parts have other types than ours.
fn no_invoice() -> StoreError {
    StoreError::Broken("an entry that is no invoice".into())
}

/// The last number that an entry stands for.
pub(super) fn last_number(entry: &RawDocument) -> Result<LastNumber, StoreError> {
    let text = |name| entry.get_str(name).map_err(broken);
    let sequence = entry.get_i64("sequence").map_err(broken)?;
    let sequence = u32::try_from(sequence).map_err(broken)?;
    indexed::last_number(text("period")?, sequence, text("issue_date")?)
}

/// The invoice that an entry holds; `None` when it has been deleted.
pub(super) fn decode(entry: &RawDocument) -> Result<Option<StoredInvoice>, StoreError> {
    let Some(document) = entry.get("document").map_err(broken)? else {
        return Ok(None);
    };
    let document = document.as_document().ok_or_else(no_invoice)?;
    let known: InvoiceDocument = deserialize_from_slice(document.as_bytes()).map_err(broken)?;
    let mut stored = StoredInvoice::try_from(known).map_err(broken)?;
    stored.invoice.history = read_history(entry)?;
    let history_entries = stored.invoice.history.entries().len();
    stored.origin = Origin::bson(document.to_owned()).with_history_entries(history_entries);
    Ok(Some(stored))
}

/// The id of an entry.
pub(super) fn id(entry: &RawDocument) -> Result<InvoiceId, StoreError> {
    InvoiceId::parse(entry.get_str("_id").map_err(broken)?).map_err(broken)
}

/// What the request that created an entry asked for.
pub(super) fn fingerprint(entry: &RawDocument) -> Result<&[u8], StoreError> {
    Ok(entry.get_binary("create_fingerprint").map_err(broken)?.bytes)
}

/// What an entry says of an invoice that is not deleted.
pub(super) struct Found {
    pub(super) version: Version,
    pub(super) state: State,
    pub(super) kind: InvoiceKind,
}

impl Found {
    pub(super) fn of(entry: &RawDocument) -> Result<Self, StoreError> {
        let version = entry.get_i64("version").map_err(broken)?;
        Ok(Self {
            version: Version::new(u64::try_from(version).map_err(broken)?),
            state: document::state(entry.get_str("state").map_err(broken)?).map_err(broken)?,
            kind: document::kind(entry.get_str("kind").map_err(broken)?).map_err(broken)?,
        })
    }
}
