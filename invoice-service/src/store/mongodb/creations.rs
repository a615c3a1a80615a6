//! Many new invoices at a time, and what request ids have created.

use mongo_engine::bson::{Document, RawDocument, RawDocumentBuf, doc};
use mongo_engine::mongodb::options::Hint;
use mongo_engine::{EngineError, OPERATION_TIME};

use super::entry::{self, Entry};
use super::{MongoInvoiceStore, schema};
use crate::domain::ids::{InvoiceId, OrganizationId};
use crate::domain::invoice::Invoice;
use crate::idempotency::{AppliedRequest, Fingerprint, RequestId};
use crate::store::{Creation, StoreError, StoredInvoice, broken};

impl MongoInvoiceStore {
    /// Ordered: the server stops at the first one that it refuses.
    pub(super) async fn add_in_order(
        &self,
        invoices: Vec<(Invoice, AppliedRequest)>,
    ) -> Result<(), StoreError> {
        if invoices.is_empty() {
            return Ok(());
        }
        let entries = invoices.into_iter().map(entry);
        let entries: Vec<RawDocumentBuf> = entries.collect::<Result<_, _>>()?;
        let invoices = self.invoices.clone();
        let insert = async move { invoices.insert_many(entries).ordered(true).await };
        match self.engine.run(insert).await {
            Ok(_) => Ok(()),
            // The id of an invoice is random.
            Err(EngineError::Duplicate) => Err(StoreError::NumberTaken),
            Err(error) => Err(error.into()),
        }
    }

    pub(super) async fn created_by_any(
        &self,
        organization: &OrganizationId,
        requests: &[RequestId],
    ) -> Result<Vec<Creation>, StoreError> {
        let ids: Vec<String> = requests.iter().map(ToString::to_string).collect();
        let filter = doc! { "org_id": organization.as_str(), "create_request_id": { "$in": ids } };
        let fields = doc! { "_id": 0, "create_request_id": 1, "create_fingerprint": 1, "deleted": 1 };
        let found = self.all(filter, fields, schema::BY_REQUEST).await?;
        found.iter().map(|entry| creation(entry)).collect()
    }

    pub(super) async fn existing_of(
        &self,
        organization: &OrganizationId,
        invoices: &[InvoiceId],
    ) -> Result<Vec<InvoiceId>, StoreError> {
        let ids: Vec<&str> = invoices.iter().map(InvoiceId::as_str).collect();
        let filter = doc! { "org_id": organization.as_str(), "_id": { "$in": ids }, "deleted": false };
        let found = self.all(filter, doc! { "_id": 1 }, schema::BY_ID).await?;
        found.iter().map(|entry| entry::id(entry)).collect()
    }

    /// What `fields` keeps of every entry that the filter matches, for as many as it names.
    async fn all(
        &self,
        filter: Document,
        fields: Document,
        index: &'static str,
    ) -> Result<Vec<RawDocumentBuf>, StoreError> {
        let invoices = self.invoices.clone();
        let find = async move {
            let find = invoices.find(filter).projection(fields);
            let mut cursor = find
                .hint(Hint::Name(index.to_owned()))
                .max_time(OPERATION_TIME)
                .await?;
            let mut found = Vec::new();
            while cursor.advance().await? {
                found.push(cursor.current().to_owned());
            }
            Ok(found)
        };
        Ok(self.engine.run(find).await?)
    }
}

fn entry((invoice, request): (Invoice, AppliedRequest)) -> Result<RawDocumentBuf, StoreError> {
    Entry::of(&StoredInvoice {
        created_by_request: Some(request),
        ..StoredInvoice::new(invoice)
    })?
    .into_document()
}

fn creation(entry: &RawDocument) -> Result<Creation, StoreError> {
    let id = entry.get_str("create_request_id").map_err(broken)?;
    let fingerprint =
        Fingerprint::from_bytes(entry::fingerprint(entry)?).ok_or_else(|| broken(NoFingerprint))?;
    Ok(Creation {
        request: AppliedRequest {
            id: RequestId::parse(id).map_err(broken)?,
            fingerprint,
        },
        is_deleted: entry.get_bool("deleted").map_err(broken)?,
    })
}

/// An entry whose fingerprint has another length than ours.
#[derive(Debug, thiserror::Error)]
#[error("a stored fingerprint is not 32 bytes")]
struct NoFingerprint;
