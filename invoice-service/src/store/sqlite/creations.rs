//! Many new invoices at a time, and what request ids have created.

use sqlite_engine::rusqlite::{Connection, OptionalExtension as _, params};

use super::row::Row;
use crate::domain::ids::{InvoiceId, OrganizationId};
use crate::domain::invoice::Invoice;
use crate::idempotency::{AppliedRequest, Fingerprint, RequestId};
use crate::store::{Creation, StoreError, StoredInvoice, broken};

/// The row of a new invoice.
pub(super) fn row((invoice, request): (Invoice, AppliedRequest)) -> Result<Row, StoreError> {
    Row::of(&StoredInvoice {
        created_by_request: Some(request),
        ..StoredInvoice::new(invoice)
    })
}

/// What these requests have created.
pub(super) fn of(
    connection: &Connection,
    organization: &OrganizationId,
    requests: &[RequestId],
) -> Result<Vec<Creation>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT create_fingerprint, deleted FROM invoice WHERE org_id = ?1 AND create_request_id = ?2",
    )?;
    let mut creations = Vec::new();
    for id in requests {
        let found = statement
            .query_row(params![organization.as_str(), id.to_string()], |row| {
                Ok((row.get::<_, Vec<u8>>(0)?, row.get::<_, bool>(1)?))
            })
            .optional()?;
        if let Some((fingerprint, is_deleted)) = found {
            let fingerprint = Fingerprint::from_bytes(&fingerprint).ok_or_else(|| broken(NoFingerprint))?;
            creations.push(Creation {
                request: AppliedRequest { id: *id, fingerprint },
                is_deleted,
            });
        }
    }
    Ok(creations)
}

/// Whether an invoice is there.
pub(super) fn exists(
    connection: &Connection,
    organization: &OrganizationId,
    invoice: &InvoiceId,
) -> Result<bool, StoreError> {
    let mut statement =
        connection.prepare_cached("SELECT 1 FROM invoice WHERE org_id = ?1 AND id = ?2 AND deleted = 0")?;
    Ok(statement.exists([organization.as_str(), invoice.as_str()])?)
}

/// A row whose fingerprint has another length than ours.
#[derive(Debug, thiserror::Error)]
#[error("a stored fingerprint is not 32 bytes")]
struct NoFingerprint;
