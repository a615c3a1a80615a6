//! What this store holds, for the copy from one database to another. Every field is copied as it is stored, those of the
//! indexes and what is left of deleted drafts too, so that lists, searches and request ids stay what they are.

use mongo_engine::bson::spec::BinarySubtype;
use mongo_engine::bson::{
    Binary, RawDocument, RawDocumentBuf, deserialize_from_slice, doc, serialize_to_bson,
    serialize_to_raw_document_buf,
};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sqlite_engine::rusqlite::{Connection, Row, named_params};
use store_copy::{Collection, Contents, RecordError, lost_member};

use super::document::{CustomerDocument, HistoryEntryDocument, InvoiceDocument, ProfileDocument};
use super::mongodb::{DATABASE, schema};
use super::sqlite::{MIGRATIONS, customer, profile, row};

/// What invoice-service stores.
pub fn contents() -> Contents {
    Contents {
        service: "invoice-service",
        migrations: MIGRATIONS,
        schema: schema::schema(),
        default_database: DATABASE,
        collections: &[
            Collection {
                name: schema::INVOICES,
                key: &["org_id", "_id"],
                index: schema::BY_ID,
                table: "invoice",
                key_columns: &["org_id", "id"],
                columns: "org_id, id, version, deleted, state, kind, customer_id, currency_code, number, issue_date, \
                      due_date, gross_minor, remaining_minor, create_time_ms, words, create_request_id, \
                      create_fingerprint, document, series, period, sequence, history",
                from_row: |row| canonical(&StoredEntry::from_row(row)?),
                insert: |connection, entry| read(entry)?.insert(connection),
                canonical: |entry| canonical(&read(entry)?),
            },
            Collection {
                name: schema::PROFILES,
                key: &["org_id"],
                index: schema::BY_ORGANIZATION,
                table: "profile",
                key_columns: &["org_id"],
                columns: "org_id, version, document",
                from_row: |row| StoredProfileEntry::from_row(row)?.canonical(),
                insert: |connection, entry| StoredProfileEntry::read(entry)?.insert(connection),
                canonical: |entry| StoredProfileEntry::read(entry)?.canonical(),
            },
            Collection {
                name: schema::CUSTOMERS,
                key: &["org_id", "_id"],
                index: schema::CUSTOMER_BY_ID,
                table: "customer",
                key_columns: &["org_id", "id"],
                columns: "org_id, id, version, deleted, name_key, create_time_ms, words, create_request_id, \
                      create_fingerprint, document",
                from_row: |row| StoredCustomerEntry::from_row(row)?.canonical(),
                insert: |connection, entry| StoredCustomerEntry::read(entry)?.insert(connection),
                canonical: |entry| StoredCustomerEntry::read(entry)?.canonical(),
            },
        ],
    }
}

/// An entry of the collection, and a row of the table.
#[derive(Serialize, Deserialize)]
struct StoredEntry {
    #[serde(rename = "_id")]
    id: String,
    org_id: String,
    deleted: bool,
    version: i64,
    state: String,
    kind: String,
    customer_id: String,
    currency_code: String,
    number: String,
    issue_date: String,
    due_date: String,
    gross_minor: i64,
    remaining_minor: i64,
    create_time_ms: i64,
    words: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    create_request_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    create_fingerprint: Option<Binary>,
    /// Absent of a deleted draft.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    document: Option<InvoiceDocument>,
    /// These three are absent until it is issued.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    series: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    period: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sequence: Option<i64>,
    /// Absent of what has not changed since histories are kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    history: Option<Vec<HistoryEntryDocument>>,
}

/// An entry of the collection of customers, and a row of their table.
#[derive(Serialize, Deserialize)]
struct StoredCustomerEntry {
    #[serde(rename = "_id")]
    id: String,
    org_id: String,
    deleted: bool,
    version: i64,
    name_key: String,
    create_time_ms: i64,
    words: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    create_request_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    create_fingerprint: Option<Binary>,
    /// Absent of a deleted customer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    document: Option<CustomerDocument>,
}

impl StoredCustomerEntry {
    fn read(entry: &RawDocument) -> Result<Self, RecordError> {
        let entry: Self = deserialize_from_slice(entry.as_bytes()).map_err(RecordError::invalid)?;
        if let Some(document) = &entry.document {
            document.check_schema().map_err(RecordError::invalid)?;
        }
        Ok(entry)
    }

    fn canonical(&self) -> Result<RawDocumentBuf, RecordError> {
        serialize_to_raw_document_buf(self).map_err(RecordError::invalid)
    }

    fn from_row(row: &Row<'_>) -> Result<Self, RecordError> {
        let json: Option<Vec<u8>> = row.get("document")?;
        let document: Option<CustomerDocument> =
            json.map(|json| read_whole(&json, "document")).transpose()?;
        if let Some(document) = &document {
            document.check_schema().map_err(RecordError::invalid)?;
        }
        let fingerprint: Option<Vec<u8>> = row.get("create_fingerprint")?;
        Ok(Self {
            id: row.get("id")?,
            org_id: row.get("org_id")?,
            deleted: row.get("deleted")?,
            version: row.get("version")?,
            name_key: row.get("name_key")?,
            create_time_ms: row.get("create_time_ms")?,
            words: row.get("words")?,
            create_request_id: row.get("create_request_id")?,
            create_fingerprint: fingerprint.map(|bytes| Binary {
                subtype: BinarySubtype::Generic,
                bytes,
            }),
            document,
        })
    }

    fn insert(&self, connection: &Connection) -> Result<(), RecordError> {
        let document = self.document.as_ref().map(serde_json::to_vec).transpose();
        let mut statement = connection.prepare_cached(customer::INSERT)?;
        statement.execute(named_params! {
            ":org_id": self.org_id,
            ":id": self.id,
            ":version": self.version,
            ":deleted": self.deleted,
            ":name_key": self.name_key,
            ":create_time_ms": self.create_time_ms,
            ":words": self.words,
            ":create_request_id": self.create_request_id,
            ":create_fingerprint": self.create_fingerprint.as_ref().map(|binary| &binary.bytes),
            ":document": document.map_err(RecordError::invalid)?,
        })?;
        Ok(())
    }
}

/// An entry of the collection of profiles, and a row of their table.
#[derive(Serialize, Deserialize)]
struct StoredProfileEntry {
    #[serde(rename = "_id")]
    id: String,
    org_id: String,
    version: i64,
    document: ProfileDocument,
}

impl StoredProfileEntry {
    fn read(entry: &RawDocument) -> Result<Self, RecordError> {
        let entry: Self = deserialize_from_slice(entry.as_bytes()).map_err(RecordError::invalid)?;
        entry.document.check_schema().map_err(RecordError::invalid)?;
        Ok(entry)
    }

    fn canonical(&self) -> Result<RawDocumentBuf, RecordError> {
        serialize_to_raw_document_buf(self).map_err(RecordError::invalid)
    }

    fn from_row(row: &Row<'_>) -> Result<Self, RecordError> {
        let json: Vec<u8> = row.get("document")?;
        let document: ProfileDocument = read_whole(&json, "document")?;
        document.check_schema().map_err(RecordError::invalid)?;
        let org_id: String = row.get("org_id")?;
        Ok(Self {
            id: org_id.clone(),
            org_id,
            version: row.get("version")?,
            document,
        })
    }

    fn insert(&self, connection: &Connection) -> Result<(), RecordError> {
        let document = serde_json::to_vec(&self.document).map_err(RecordError::invalid)?;
        let mut statement = connection.prepare_cached(profile::INSERT)?;
        statement.execute(named_params! {
            ":org_id": self.org_id,
            ":version": self.version,
            ":document": document,
        })?;
        Ok(())
    }
}

fn canonical(entry: &StoredEntry) -> Result<RawDocumentBuf, RecordError> {
    serialize_to_raw_document_buf(entry).map_err(RecordError::invalid)
}

fn read(entry: &RawDocument) -> Result<StoredEntry, RecordError> {
    let entry: StoredEntry = deserialize_from_slice(entry.as_bytes()).map_err(RecordError::invalid)?;
    if let Some(document) = &entry.document {
        document.check_schema().map_err(RecordError::invalid)?;
    }
    Ok(entry)
}

impl StoredEntry {
    fn from_row(row: &Row<'_>) -> Result<Self, RecordError> {
        let document: Option<Vec<u8>> = row.get("document")?;
        let history: Option<Vec<u8>> = row.get("history")?;
        let fingerprint: Option<Vec<u8>> = row.get("create_fingerprint")?;
        Ok(Self {
            id: row.get("id")?,
            org_id: row.get("org_id")?,
            deleted: row.get("deleted")?,
            version: row.get("version")?,
            state: row.get("state")?,
            kind: row.get("kind")?,
            customer_id: row.get("customer_id")?,
            currency_code: row.get("currency_code")?,
            number: row.get("number")?,
            issue_date: row.get("issue_date")?,
            due_date: row.get("due_date")?,
            gross_minor: row.get("gross_minor")?,
            remaining_minor: row.get("remaining_minor")?,
            create_time_ms: row.get("create_time_ms")?,
            words: row.get("words")?,
            create_request_id: row.get("create_request_id")?,
            create_fingerprint: fingerprint.map(|bytes| Binary {
                subtype: BinarySubtype::Generic,
                bytes,
            }),
            document: document.as_deref().map(read_json).transpose()?,
            series: row.get("series")?,
            period: row.get("period")?,
            sequence: row.get("sequence")?,
            history: history.as_deref().map(read_history).transpose()?,
        })
    }

    fn insert(&self, connection: &Connection) -> Result<(), RecordError> {
        let document = self.document.as_ref().map(serde_json::to_vec).transpose();
        let history = self.history.as_ref().map(serde_json::to_vec).transpose();
        let mut statement = connection.prepare_cached(row::INSERT)?;
        statement.execute(named_params! {
            ":org_id": self.org_id,
            ":id": self.id,
            ":version": self.version,
            ":deleted": self.deleted,
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
            ":create_fingerprint": self.create_fingerprint.as_ref().map(|binary| &binary.bytes),
            ":document": document.map_err(RecordError::invalid)?,
            ":series": self.series,
            ":period": self.period,
            ":sequence": self.sequence,
            ":history": history.map_err(RecordError::invalid)?,
            ":paid_minor": self.document.as_ref().map_or(0, InvoiceDocument::paid_minor),
            ":credited_minor": self.document.as_ref().map_or(0, InvoiceDocument::credited_minor),
        })?;
        Ok(())
    }
}

/// The document of a row.
fn read_json(json: &[u8]) -> Result<InvoiceDocument, RecordError> {
    let document: InvoiceDocument = read_whole(json, "document")?;
    document.check_schema().map_err(RecordError::invalid)?;
    Ok(document)
}

/// The history of a row.
fn read_history(json: &[u8]) -> Result<Vec<HistoryEntryDocument>, RecordError> {
    read_whole(json, "history")
}

/// What a column called `name` holds, every member of which must be kept.
fn read_whole<T: Serialize + DeserializeOwned>(json: &[u8], name: &str) -> Result<T, RecordError> {
    let value: T = serde_json::from_slice(json).map_err(RecordError::invalid)?;
    let again = serde_json::to_vec(&value).map_err(RecordError::invalid)?;
    if again != json {
        let original: serde_json::Value = serde_json::from_slice(json).map_err(RecordError::invalid)?;
        let original = serialize_to_bson(&original).map_err(RecordError::invalid)?;
        let kept = serialize_to_bson(&value).map_err(RecordError::invalid)?;
        if let Some(member) = lost_member(&doc! { name: original }, &doc! { name: kept }) {
            return Err(RecordError::UnknownMember(member));
        }
    }
    Ok(value)
}
