//! The history of an invoice as clients see it.

use paging::ListIdentity;
use rpc_error::{FieldPath, Violations};
use tonic::{Request, Response, Status};

use proto::invoice::v1 as pb;

use super::text::Reader;
use super::{InvoiceService, caller, error, invoice_id, outward, page_token};
use crate::domain::history::{HistoryEntry, Verdict};
use crate::domain::ids::{InvoiceId, OrganizationId, Version};
use crate::store::{Cursor, CursorKey};

impl InvoiceService {
    pub(super) async fn events(
        &self,
        request: Request<pb::ListInvoiceEventsRequest>,
    ) -> Result<Response<pb::ListInvoiceEventsResponse>, Status> {
        let caller = caller(&request)?;
        let request = request.into_inner();
        let mut violations = Violations::new();
        let page_size = violations.check(FieldPath::new("page_size"), paging::size(request.page_size));
        let identity = identity(&caller.organization, &request.invoice_id);
        let root = FieldPath::root();
        let after = page_token::decode(&request.page_token, identity);
        let after = Reader::new(&root, &mut violations).value("page_token", after);
        let (Some(page_size), Some(after)) = (page_size, after) else {
            return Err(error::invalid(violations));
        };
        let id = invoice_id(&request.invoice_id, "invoice_id")?;
        let invoice = self.invoices.get_with_history(&caller, &id).await;
        let invoice = invoice.map_err(|error| error::status(error, id.as_str()))?;
        let entries = invoice.history.entries();
        let begin = after.map_or(0, |cursor| position(&cursor)).min(entries.len());
        let end = begin.saturating_add(page_size).min(entries.len());
        let next = (end < entries.len()).then(|| page_token::encode(&cursor(end, id), identity));
        Ok(Response::new(pb::ListInvoiceEventsResponse {
            events: entries[begin..end].iter().map(event).collect(),
            next_page_token: next.unwrap_or_default(),
        }))
    }

    pub(super) async fn verify_history(
        &self,
        request: Request<pb::VerifyInvoiceHistoryRequest>,
    ) -> Result<Response<pb::VerifyInvoiceHistoryResponse>, Status> {
        let caller = caller(&request)?;
        let id = invoice_id(&request.get_ref().invoice_id, "invoice_id")?;
        let invoice = self.invoices.get_with_history(&caller, &id).await;
        let invoice = invoice.map_err(|error| error::status(error, id.as_str()))?;
        let entries = invoice.history.entries();
        let first_bad = match invoice.history.verify(&invoice) {
            Verdict::Intact => None,
            Verdict::BadFrom(sequence) => Some(sequence),
        };
        Ok(Response::new(pb::VerifyInvoiceHistoryResponse {
            intact: first_bad.is_none(),
            first_bad_sequence: number(first_bad.unwrap_or_default()),
            event_count: i32::try_from(entries.len()).unwrap_or(i32::MAX),
            last_hash: entries.last().map(|entry| entry.hash.clone()).unwrap_or_default(),
        }))
    }
}

/// A token of one invoice's history holds for no other.
fn identity(organization: &OrganizationId, invoice_id: &str) -> ListIdentity {
    ListIdentity::new(
        organization.as_str(),
        format!("events of {invoice_id}").as_bytes(),
    )
}

/// The place in a history after `shown` entries. Entries are only ever added at the end.
fn cursor(shown: usize, id: InvoiceId) -> Cursor {
    Cursor {
        key: CursorKey::Integer(i64::try_from(shown).unwrap_or(i64::MAX)),
        id,
    }
}

fn position(cursor: &Cursor) -> usize {
    match cursor.key {
        CursorKey::Integer(shown) => usize::try_from(shown).unwrap_or_default(),
        CursorKey::Text(_) => 0,
    }
}

fn event(entry: &HistoryEntry) -> pb::InvoiceEvent {
    let changes = entry.changes.iter().map(|change| pb::FieldChange {
        field: change.field.clone(),
        before: change.before.clone(),
        after: change.after.clone(),
    });
    pb::InvoiceEvent {
        sequence: number(entry.sequence),
        time: Some(outward::timestamp(entry.time)),
        user_id: entry.user.clone(),
        session_id: entry.session.clone(),
        action: entry.action.clone(),
        request_id: entry.request_id.clone(),
        reason: entry.reason.clone(),
        changes: changes.collect(),
        etag: Version::new(entry.version).etag().to_string(),
        invoice_hash: entry.invoice_hash.clone(),
        hash: entry.hash.clone(),
    }
}

fn number(sequence: u32) -> i32 {
    i32::try_from(sequence).unwrap_or(i32::MAX)
}
