//! invoice-service through a real server, with tokens of a real auth-service.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of tests fail as tests do"
)]

mod bad_input;
mod buyers;
mod create;
mod credit_notes;
mod customers;
mod history;
mod isolation;
mod issue;
mod list;
mod payments;
mod profile;
mod summary;
mod tokens;
mod update;
mod watch;
mod watch_replicas;
mod what_invoices_take_from_the_profile;

use harness::Person;
use proto::invoice::v1::{GetInvoiceRequest, Invoice};
use tonic::Status;

/// Creates an invoice that nothing is wrong with.
async fn created(person: &mut Person, invoice: Invoice) -> Invoice {
    person
        .invoices
        .create_invoice(harness::build::create(invoice))
        .await
        .unwrap()
        .into_inner()
}

async fn read(person: &mut Person, invoice_id: &str) -> Result<Invoice, Status> {
    let request = GetInvoiceRequest {
        invoice_id: invoice_id.to_owned(),
    };
    Ok(person.invoices.get_invoice(request).await?.into_inner())
}
