//! Credit notes with a canary in everything that people say.

use harness::build;
use proto::invoice::v1::create_credit_note_request::{Line, line::Extent};
use proto::invoice::v1::{
    CreateCreditNoteRequest, CreateCreditNoteResponse, GetInvoiceRequest, Invoice, IssueInvoiceRequest,
};
use tonic::Code;

use super::planted::{Caller, invoice};

/// An invoice that is issued and credited, and ways to fail at it.
pub(super) async fn credit_invoices(caller: &mut Caller) {
    let draft: Invoice = caller
        .invoice("CreateInvoice", &build::create(invoice()))
        .await
        .ok();
    let issue = IssueInvoiceRequest {
        invoice_id: draft.id.clone(),
        ..IssueInvoiceRequest::default()
    };
    let open: Invoice = caller.invoice("IssueInvoice", &issue).await.ok();
    let credit = CreateCreditNoteRequest {
        invoice_id: open.id,
        reason: "canary-reason".to_owned(),
        request_id: build::request_id(),
        ..CreateCreditNoteRequest::default()
    };
    let line = |line_id: &str, quantity: &str| Line {
        line_id: line_id.to_owned(),
        extent: Some(Extent::Quantity(quantity.to_owned())),
    };
    for bad in [
        CreateCreditNoteRequest {
            lines: vec![line("canary-line", "canary-quantity")],
            ..credit.clone()
        },
        CreateCreditNoteRequest {
            lines: vec![line(&open.lines[0].id, "99")],
            ..credit.clone()
        },
        CreateCreditNoteRequest {
            series: "canary-series".to_owned(),
            issue_date: "canary-date".to_owned(),
            reason: "canary\u{7}".to_owned(),
            ..credit.clone()
        },
    ] {
        caller
            .is_refused_invoice("CreateCreditNote", &bad, Code::InvalidArgument)
            .await;
    }
    let credited: CreateCreditNoteResponse = caller.invoice("CreateCreditNote", &credit).await.ok();
    let note = credited.credit_note.unwrap();
    assert_eq!(note.note, "canary-reason");
    let get = GetInvoiceRequest { invoice_id: note.id };
    let _: Invoice = caller.invoice("GetInvoice", &get).await.ok();
    caller
        .is_refused_invoice(
            "CreateCreditNote",
            &CreateCreditNoteRequest {
                request_id: String::new(),
                ..credit
            },
            Code::FailedPrecondition,
        )
        .await;
}
