//! The rpcs about payments.

use tonic::{Request, Response, Status};

use proto::invoice::v1 as pb;

use super::lifecycle::read;
use super::{InvoiceService, caller, error};
use crate::domain::date::CalendarDate;
use crate::domain::history::Reason;
use crate::domain::ids::PaymentId;
use crate::domain::money::MinorUnits;
use crate::domain::payment::{NewPayment, PaymentError};
use crate::invoices::InvoiceError;

impl InvoiceService {
    pub(super) async fn pay(
        &self,
        request: Request<pb::RecordPaymentRequest>,
    ) -> Result<Response<pb::Invoice>, Status> {
        let caller = caller(&request)?;
        let (named, (payment, paid_on)) = read(
            "RecordPayment",
            request.into_inner(),
            |message| (&message.invoice_id, &message.etag),
            |message| &mut message.request_id,
            |message, read| {
                let amount = read.value(
                    "amount_minor",
                    message.amount_minor.map(MinorUnits::new).transpose(),
                );
                let paid_on = read.optional("paid_on", &message.paid_on, CalendarDate::parse);
                let method = read.text("method", &message.method);
                let reference = read.text("reference", &message.reference);
                let payment = NewPayment {
                    amount: amount?,
                    allow_overpayment: message.allow_overpayment,
                    paid_on: CalendarDate::FIRST,
                    method: method?,
                    reference: reference?,
                };
                Some((payment, paid_on?))
            },
        )?;
        let paid_on = match paid_on {
            Some(day) => day,
            None => self.today(&caller).await?,
        };
        let payment = NewPayment { paid_on, ..payment };
        let outcome = self
            .invoices
            .record_payment(&caller, named.target(), &payment)
            .await;
        let outcome = outcome.map_err(|error| error::status(error, named.id.as_str()))?;
        self.answer(&caller, &outcome).await
    }

    pub(super) async fn reverse(
        &self,
        request: Request<pb::ReversePaymentRequest>,
    ) -> Result<Response<pb::Invoice>, Status> {
        let caller = caller(&request)?;
        let (named, (payment_id, reason)) = read(
            "ReversePayment",
            request.into_inner(),
            |message| (&message.invoice_id, &message.etag),
            |message| &mut message.request_id,
            |message, read| {
                // An id that cannot be ours names no payment, which is told once the invoice is known.
                let id = read.required("payment_id", &message.payment_id, |id| {
                    Ok::<_, crate::domain::ids::IdError>(id.to_owned())
                });
                let reason = read.required("reason", &message.reason, Reason::parse);
                Some((id?, reason?))
            },
        )?;
        let outcome = match PaymentId::parse(&payment_id) {
            Ok(payment) => {
                let target = named.target();
                self.invoices
                    .reverse_payment(&caller, target, &payment, reason)
                    .await
            }
            Err(_) => self
                .invoices
                .get(&caller, &named.id)
                .await
                .and_then(|_| Err(InvoiceError::Payment(PaymentError::NotFound))),
        };
        match outcome {
            Ok(outcome) => self.answer(&caller, &outcome).await,
            Err(InvoiceError::Payment(PaymentError::NotFound)) => Err(error::payment_not_found(&payment_id)),
            Err(error) => Err(error::status(error, named.id.as_str())),
        }
    }
}
