//! The rpcs that move an invoice from state to state.

use prost::Message;
use rpc_error::{FieldPath, Violations};
use tonic::{Request, Response, Status};

use proto::invoice::v1 as pb;

use super::text::Reader;
use super::{InvoiceService, applied, caller, error, etag, invoice_id, inward};
use crate::domain::date::CalendarDate;
use crate::domain::history::Reason;
use crate::domain::ids::{Etag, InvoiceId};
use crate::domain::invoice::SeriesId;
use crate::domain::number::SeriesUnknown;
use crate::idempotency::AppliedRequest;
use crate::invoices::{Numbering, Target};

/// The invoice that a request is about, in which version and under which request id.
pub(super) struct Named {
    pub(super) id: InvoiceId,
    etag: Option<Etag>,
    pub(super) request: Option<AppliedRequest>,
}

impl Named {
    pub(super) fn target(&self) -> Target<'_> {
        Target {
            id: &self.id,
            etag: self.etag.as_ref(),
            request: self.request,
        }
    }
}

/// Reads what every change of an invoice names, and the rest of the request with `rest`; everything that is wrong is
/// reported at once.
pub(super) fn read<M: Message, T>(
    method: &str,
    mut message: M,
    named: impl Fn(&M) -> (&str, &str),
    request_id: impl Fn(&mut M) -> &mut String,
    rest: impl FnOnce(&M, &mut Reader<'_>) -> Option<T>,
) -> Result<(Named, T), Status> {
    let mut violations = Violations::new();
    let request = applied(method, &mut message, request_id, &mut violations);
    let root = FieldPath::root();
    let rest = rest(&message, &mut Reader::new(&root, &mut violations));
    let (id, etag_text) = named(&message);
    if id.is_empty() {
        violations.push(
            FieldPath::new("invoice_id"),
            "FIELD_REQUIRED",
            "must name an invoice",
        );
    }
    let (Some(request), Some(rest), true) = (request, rest, violations.is_empty()) else {
        return Err(error::invalid(violations));
    };
    let named = Named {
        id: invoice_id(id, "invoice_id")?,
        etag: etag(etag_text),
        request,
    };
    Ok((named, rest))
}

impl InvoiceService {
    pub(super) async fn issue(
        &self,
        request: Request<pb::IssueInvoiceRequest>,
    ) -> Result<Response<pb::Invoice>, Status> {
        let caller = caller(&request)?;
        let (named, numbering) = read(
            "IssueInvoice",
            request.into_inner(),
            |message| (&message.invoice_id, &message.etag),
            |message| &mut message.request_id,
            |message, read| {
                let issue_date = read.optional("issue_date", &message.issue_date, CalendarDate::parse);
                let series = read.optional("series", &message.series, series);
                Some(Numbering {
                    series: series?,
                    issue_date: issue_date?,
                })
            },
        )?;
        let outcome = self.invoices.issue(&caller, named.target(), &numbering).await;
        let outcome = outcome.map_err(|error| error::status(error, named.id.as_str()))?;
        self.answer(&caller, &outcome).await
    }

    pub(super) async fn duplicate(
        &self,
        request: Request<pb::DuplicateInvoiceRequest>,
    ) -> Result<Response<pb::Invoice>, Status> {
        let caller = caller(&request)?;
        let (named, ()) = read(
            "DuplicateInvoice",
            request.into_inner(),
            |message| (&message.invoice_id, ""),
            |message| &mut message.request_id,
            |_, _| Some(()),
        )?;
        let outcome = self.invoices.duplicate(&caller, &named.id, named.request).await;
        let outcome = outcome.map_err(|error| error::status(error, named.id.as_str()))?;
        self.answer(&caller, &outcome).await
    }

    pub(super) async fn void(
        &self,
        request: Request<pb::VoidInvoiceRequest>,
    ) -> Result<Response<pb::Invoice>, Status> {
        let caller = caller(&request)?;
        let (named, reason) = read(
            "VoidInvoice",
            request.into_inner(),
            |message| (&message.invoice_id, &message.etag),
            |message| &mut message.request_id,
            |message, read| read.text("reason", &message.reason),
        )?;
        let outcome = self.invoices.void(&caller, named.target(), reason).await;
        let outcome = outcome.map_err(|error| error::status(error, named.id.as_str()))?;
        self.answer(&caller, &outcome).await
    }

    pub(super) async fn mark_uncollectible(
        &self,
        request: Request<pb::MarkInvoiceUncollectibleRequest>,
    ) -> Result<Response<pb::Invoice>, Status> {
        let caller = caller(&request)?;
        let (named, reason) = read(
            "MarkInvoiceUncollectible",
            request.into_inner(),
            |message| (&message.invoice_id, &message.etag),
            |message| &mut message.request_id,
            |message, read| read.required("reason", &message.reason, Reason::parse),
        )?;
        let outcome = self
            .invoices
            .mark_uncollectible(&caller, named.target(), reason)
            .await;
        let outcome = outcome.map_err(|error| error::status(error, named.id.as_str()))?;
        self.answer(&caller, &outcome).await
    }
}

/// The id of a series; text that cannot be one names none.
pub(super) fn series(id: &str) -> Result<SeriesId, SeriesUnknown> {
    inward::series_id(id).map_err(|_| SeriesUnknown)
}
