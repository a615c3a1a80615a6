//! The rpc that makes credit notes.

use rpc_error::{FieldPath, Violations};
use tonic::{Request, Response, Status};

use proto::invoice::v1 as pb;
use proto::invoice::v1::create_credit_note_request::{Line as PbLine, line::Extent as PbExtent};

use super::answer::replayed;
use super::lifecycle::read;
use super::text::{Reader, each};
use super::{InvoiceService, caller, error, inward};
use crate::domain::content::{ContentViolation, MAX_LINES};
use crate::domain::credit::{CreditOrder, Extent, LineToCredit};
use crate::domain::date::CalendarDate;
use crate::domain::decimal::Quantity;
use crate::domain::ids::LineId;
use crate::domain::money::MinorUnits;

impl InvoiceService {
    pub(super) async fn credit(
        &self,
        request: Request<pb::CreateCreditNoteRequest>,
    ) -> Result<Response<pb::CreateCreditNoteResponse>, Status> {
        let caller = caller(&request)?;
        let (named, (order, series)) = read(
            "CreateCreditNote",
            request.into_inner(),
            |message| (&message.invoice_id, &message.etag),
            |message| &mut message.request_id,
            |message, read| {
                let at = FieldPath::new(inward::LINES);
                let too_many = ContentViolation::TooManyLines.reason();
                let lines = each(&message.lines, MAX_LINES, too_many, &at, read.violations(), line);
                let issue_date = read.optional("issue_date", &message.issue_date, CalendarDate::parse);
                let series = read.optional("series", &message.series, super::lifecycle::series);
                let reason = read.text("reason", &message.reason);
                let order = CreditOrder {
                    lines: lines?,
                    issue_date: issue_date?,
                    reason: reason?,
                };
                Some((order, series?))
            },
        )?;
        let target = named.target();
        let outcome = self
            .invoices
            .credit(&caller, target, &order, series.as_ref())
            .await;
        let outcome = outcome.map_err(|error| error::status(error, named.id.as_str()))?;
        let response = pb::CreateCreditNoteResponse {
            credit_note: Some(self.shown(&caller, &outcome.note).await?),
            invoice: Some(self.shown(&caller, &outcome.invoice).await?),
        };
        Ok(replayed(Response::new(response), outcome.replayed))
    }
}

fn line(line: &PbLine, at: &FieldPath, violations: &mut Violations) -> Option<LineToCredit> {
    let mut read = Reader::new(at, violations);
    let line_id = read.required("line_id", &line.line_id, LineId::parse);
    let extent = match &line.extent {
        Some(PbExtent::Quantity(quantity)) => read
            .required("quantity", quantity, Quantity::parse)
            .map(Extent::Quantity),
        Some(PbExtent::AmountMinor(amount)) => read
            .value("amount_minor", MinorUnits::new(*amount))
            .map(Extent::Amount),
        None => {
            violations.push(at.clone(), "FIELD_REQUIRED", "must have a quantity or an amount");
            None
        }
    };
    Some(LineToCredit {
        line_id: line_id?,
        extent: extent?,
    })
}
