//! What a change stream tells of an invoice.

use mongo_engine::bson::{Document, RawDocumentBuf, deserialize_from_document, doc, serialize_to_document};
use mongo_engine::mongodb::Collection;
use mongo_engine::mongodb::change_stream::event::ResumeToken;
use mongo_engine::{EngineError, OPERATION_TIME};
use serde::Deserialize;

use crate::domain::ids::{InvoiceId, OrganizationId, Version};
use crate::store::feed::{Change, ChangeKind, Place};
use crate::store::{StoreError, broken};

/// No token of a server is longer.
const LONGEST_TOKEN: usize = 1024;

/// A change, of an organization that the change stream may not have told.
pub(super) struct Changed {
    pub(super) organization: Option<OrganizationId>,
    pub(super) change: Change,
}

/// What writes and deletes invoices, without their content: a watch may be for one that cannot be read any more, and a
/// process does not hold what nobody asked for.
pub(super) fn pipeline() -> [Document; 2] {
    let inserted = doc! { "operationType": { "$in": ["insert", "replace"] } };
    let written = doc! { "updateDescription.updatedFields.version": { "$exists": true } };
    let deleted = doc! { "updateDescription.updatedFields.deleted": true };
    [
        doc! { "$match": { "$or": [inserted, written, deleted] } },
        doc! { "$project": {
            "documentKey": 1,
            "fullDocument.org_id": 1,
            "fullDocument.version": 1,
            "fullDocument.deleted": 1,
            "updateDescription.updatedFields.version": 1,
            "updateDescription.updatedFields.deleted": 1,
            "updateDescription.updatedFields.document.org_id": 1,
        } },
    ]
}

/// An event of the stream.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ChangeDocument {
    #[serde(rename = "_id")]
    token: TokenDocument,
    document_key: DocumentKey,
    full_document: Option<FullDocument>,
    update_description: Option<UpdateDocument>,
}

#[derive(Debug, Deserialize)]
struct TokenDocument {
    #[serde(rename = "_data")]
    data: String,
}

/// The organization is there where the collection is sharded by it.
#[derive(Debug, Deserialize)]
struct DocumentKey {
    #[serde(rename = "_id")]
    id: String,
    org_id: Option<String>,
}

#[derive(Debug, Deserialize)]
struct FullDocument {
    org_id: String,
    version: i64,
    deleted: bool,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct UpdateDocument {
    updated_fields: UpdatedFields,
}

#[derive(Debug, Deserialize)]
struct UpdatedFields {
    version: Option<i64>,
    deleted: Option<bool>,
    document: Option<OwnedDocument>,
}

#[derive(Debug, Deserialize)]
struct OwnedDocument {
    org_id: Option<String>,
}

impl ChangeDocument {
    /// The change; none when it is nothing that a watch tells.
    pub(super) fn read(self) -> Result<Option<Changed>, StoreError> {
        let (version, is_deleted, organization) = match (self.full_document, self.update_description) {
            (Some(full), _) => (Some(full.version), full.deleted, Some(full.org_id)),
            (None, Some(UpdateDocument { updated_fields })) => {
                let organization = updated_fields.document.and_then(|document| document.org_id);
                let is_deleted = updated_fields.deleted == Some(true);
                (updated_fields.version, is_deleted, organization)
            }
            (None, None) => return Ok(None),
        };
        let kind = match version {
            _ if is_deleted => ChangeKind::Deleted,
            Some(version) => ChangeKind::Written {
                version: Version::new(u64::try_from(version).map_err(broken)?),
            },
            None => return Ok(None),
        };
        let organization = organization.or(self.document_key.org_id);
        let organization = organization.map(|id| OrganizationId::parse(&id)).transpose();
        Ok(Some(Changed {
            organization: organization.map_err(broken)?,
            change: Change {
                place: Place::new(&self.token.data),
                invoice: InvoiceId::parse(&self.document_key.id).map_err(broken)?,
                kind,
            },
        }))
    }
}

/// Whose invoice it is. The deletion of an invoice says that only where the collection is sharded. This is the one query
/// that does not begin with the organization: it is by the index that every collection has on `_id`.
pub(super) async fn organization_of(
    invoices: &Collection<RawDocumentBuf>,
    invoice: &InvoiceId,
) -> Result<Option<OrganizationId>, StoreError> {
    let find = invoices
        .find_one(doc! { "_id": invoice.as_str() })
        .projection(doc! { "_id": 0, "org_id": 1 })
        .max_time(OPERATION_TIME);
    let found = find.await.map_err(EngineError::from)?;
    let id = found
        .as_deref()
        .map(|entry| entry.get_str("org_id").map_err(broken));
    let id = id
        .transpose()?
        .map(|id| OrganizationId::parse(id).map_err(broken));
    id.transpose()
}

/// The place that a token of the server stands for. Tokens are hexadecimal and, as the server's manual says, compare as
/// what they stand for does.
pub(super) fn place(token: &ResumeToken) -> Result<Place, StoreError> {
    let token = serialize_to_document(token).map_err(broken)?;
    Ok(Place::new(token.get_str("_data").map_err(broken)?))
}

/// The server's token for a place; none when it cannot be one.
pub(super) fn token(place: &Place) -> Option<ResumeToken> {
    let data = place.as_str();
    let is_hexadecimal = data.bytes().all(|byte| byte.is_ascii_hexdigit());
    let is_shaped = is_hexadecimal && (1..=LONGEST_TOKEN).contains(&data.len());
    is_shaped.then(|| deserialize_from_document(doc! { "_data": data }).ok())?
}
