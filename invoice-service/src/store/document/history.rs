use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::DocumentError;
use crate::domain::history::{Change, HistoryEntry};

/// One entry of an invoice's history. Histories are kept beside the document, not in it, so that lists do not read them.
#[derive(Debug, Serialize, Deserialize)]
pub(in crate::store) struct HistoryEntryDocument {
    sequence: u32,
    version: u64,
    time_ms: i64,
    user: String,
    session: String,
    action: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    request_id: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    reason: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    changes: Vec<ChangeDocument>,
    invoice_hash: String,
    hash: String,
}

#[derive(Debug, Serialize, Deserialize)]
struct ChangeDocument {
    field: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    before: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    after: String,
}

impl From<&HistoryEntry> for HistoryEntryDocument {
    fn from(entry: &HistoryEntry) -> Self {
        let change = |change: &Change| ChangeDocument {
            field: change.field.clone(),
            before: change.before.clone(),
            after: change.after.clone(),
        };
        Self {
            sequence: entry.sequence,
            version: entry.version,
            time_ms: entry.time.as_millisecond(),
            user: entry.user.clone(),
            session: entry.session.clone(),
            action: entry.action.clone(),
            request_id: entry.request_id.clone(),
            reason: entry.reason.clone(),
            changes: entry.changes.iter().map(change).collect(),
            invoice_hash: entry.invoice_hash.clone(),
            hash: entry.hash.clone(),
        }
    }
}

impl TryFrom<HistoryEntryDocument> for HistoryEntry {
    type Error = DocumentError;

    fn try_from(entry: HistoryEntryDocument) -> Result<Self, DocumentError> {
        let time = Timestamp::from_millisecond(entry.time_ms);
        let change = |change: ChangeDocument| Change {
            field: change.field,
            before: change.before,
            after: change.after,
        };
        Ok(Self {
            sequence: entry.sequence,
            version: entry.version,
            time: time.map_err(|_| DocumentError::Field {
                field: "history.time_ms",
            })?,
            user: entry.user,
            session: entry.session,
            action: entry.action,
            request_id: entry.request_id,
            reason: entry.reason,
            changes: entry.changes.into_iter().map(change).collect(),
            invoice_hash: entry.invoice_hash,
            hash: entry.hash,
        })
    }
}
