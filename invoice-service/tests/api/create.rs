//! CreateInvoice and PreviewInvoice.

use futures::future::join_all;
use harness::{Refusal, RunningProduct, build};
use proto::invoice::v1::invoice::{PaymentState, State, Type};
use proto::invoice::v1::{CreateInvoiceRequest, Invoice, ListInvoicesRequest, PreviewInvoiceRequest, Totals};
use tonic::Code;

use crate::{created, read};

#[tokio::test]
async fn a_new_draft_has_exact_figures_and_reads_back_the_same() {
    let product = RunningProduct::start().await;
    let mut ann = product.person().await;
    let invoice = created(&mut ann, build::invoice()).await;

    let totals = invoice.totals.unwrap();
    assert_eq!(
        (totals.net_minor, totals.tax_minor, totals.gross_minor),
        (20_000, 3_800, 23_800)
    );
    assert_eq!(totals.remaining_minor, 23_800);
    assert_eq!(invoice.lines[0].net_minor, 20_000);
    assert_eq!(invoice.tax_breakdown.len(), 1);
    assert_eq!(invoice.state(), State::Draft);
    assert_eq!(invoice.r#type(), Type::Invoice);
    assert_eq!(invoice.payment_state(), PaymentState::Unpaid);
    assert_eq!(
        (invoice.number.as_str(), invoice.lines[0].unit_code.as_str()),
        ("", "C62")
    );
    assert!(invoice.id.starts_with("inv_") && invoice.lines[0].id.starts_with("lin_"));
    assert!(!invoice.etag.is_empty() && invoice.create_time == invoice.update_time);
    assert_eq!(read(&mut ann, &invoice.id).await.unwrap(), invoice);
}

#[tokio::test]
async fn what_only_the_service_sets_is_ignored_when_a_client_sends_it() {
    let product = RunningProduct::start().await;
    let mut ann = product.person().await;
    let mut forged = build::invoice();
    forged.id = "inv_forged".to_owned();
    forged.set_state(State::Paid);
    forged.set_type(Type::CreditNote);
    forged.number = "INV-1".to_owned();
    forged.etag = "forged".to_owned();
    forged.totals = Some(Totals {
        gross_minor: 1,
        ..Totals::default()
    });
    forged.lines[0].net_minor = 1;
    let invoice = created(&mut ann, forged).await;
    assert_ne!(invoice.id, "inv_forged");
    assert_eq!(invoice.state(), State::Draft);
    assert_eq!(invoice.r#type(), Type::Invoice);
    assert_eq!(
        (invoice.number.as_str(), invoice.totals.unwrap().gross_minor),
        ("", 23_800)
    );
}

#[tokio::test]
async fn a_draft_may_be_blank_but_for_its_currency() {
    let product = RunningProduct::start().await;
    let mut ann = product.person().await;
    let blank = Invoice {
        currency_code: "JPY".to_owned(),
        ..Invoice::default()
    };
    let invoice = created(&mut ann, blank).await;
    assert_eq!(invoice.totals.unwrap(), Totals::default());
    let without = CreateInvoiceRequest {
        invoice: Some(Invoice::default()),
        ..CreateInvoiceRequest::default()
    };
    let refusal = Refusal::in_result(ann.invoices.create_invoice(without).await);
    assert_eq!(
        refusal,
        Refusal::fields(&["invoice.currency_code FIELD_REQUIRED"])
    );
    let nothing = Refusal::in_result(ann.invoices.create_invoice(CreateInvoiceRequest::default()).await);
    assert_eq!(nothing, Refusal::fields(&["invoice FIELD_REQUIRED"]));
}

#[tokio::test]
async fn a_preview_is_the_creation_without_identity_and_stores_nothing() {
    let product = RunningProduct::start().await;
    let mut ann = product.person().await;
    let request = PreviewInvoiceRequest {
        invoice: Some(build::invoice()),
    };
    let mut preview = ann.invoices.preview_invoice(request).await.unwrap().into_inner();
    assert_eq!(
        (preview.id.as_str(), preview.etag.as_str(), preview.create_time),
        ("", "", None)
    );
    let listed = ann
        .invoices
        .list_invoices(ListInvoicesRequest::default())
        .await
        .unwrap()
        .into_inner();
    assert!(listed.invoices.is_empty(), "{listed:?}");

    let saved = created(&mut ann, build::invoice()).await;
    preview.id.clone_from(&saved.id);
    preview.etag.clone_from(&saved.etag);
    preview.lines[0].id.clone_from(&saved.lines[0].id);
    preview.create_time = saved.create_time;
    preview.update_time = saved.update_time;
    assert_eq!(preview, saved);
}

#[tokio::test]
async fn a_creation_repeated_under_its_request_id_has_one_effect_and_says_that_it_is_a_replay() {
    let product = RunningProduct::start().await;
    let mut ann = product.person().await;
    let request = build::create(build::invoice());
    let first = ann.invoices.create_invoice(request.clone()).await.unwrap();
    assert!(first.metadata().get("x-idempotent-replay").is_none());
    let repeated = ann.invoices.create_invoice(request.clone()).await.unwrap();
    assert_eq!(repeated.metadata().get("x-idempotent-replay").unwrap(), "true");
    assert_eq!(repeated.get_ref(), first.get_ref());

    let read_back = Some(first.get_ref().clone());
    let forged = read_back.map(|read| Invoice {
        lines: request.invoice.clone().unwrap().lines,
        ..read
    });
    let forged = CreateInvoiceRequest {
        invoice: forged,
        ..request.clone()
    };
    let forged = ann.invoices.create_invoice(forged).await.unwrap();
    assert!(
        forged.metadata().contains_key("x-idempotent-replay"),
        "what only the service sets does not count"
    );

    let mut other = request;
    other.invoice.as_mut().unwrap().note = "other".to_owned();
    let reused = Refusal::in_result(ann.invoices.create_invoice(other).await);
    assert_eq!(reused, Refusal::new(Code::InvalidArgument, "REQUEST_ID_REUSED"));
}

#[tokio::test]
async fn fifty_parallel_creations_under_one_request_id_make_one_invoice() {
    let product = RunningProduct::start().await;
    let mut ann = product.person().await;
    let request = build::create(build::invoice());
    let calls = (0..50).map(|_| {
        let (mut ann, request) = (ann.clone(), request.clone());
        async move {
            ann.invoices
                .create_invoice(request)
                .await
                .unwrap()
                .into_inner()
                .id
        }
    });
    let ids = join_all(calls).await;
    assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
    let listed = ann
        .invoices
        .list_invoices(ListInvoicesRequest::default())
        .await
        .unwrap()
        .into_inner();
    assert_eq!(listed.invoices.len(), 1);
}

#[tokio::test]
async fn drafts_survive_a_restart_of_the_product() {
    let product = RunningProduct::start().await;
    let mut ann = product.person().await;
    let invoice = created(&mut ann, build::invoice()).await;
    let product = product.restart().await;
    let mut again = product.person().await;
    let token = harness::Bearer::new(ann.access_token());
    let channel = harness::channel(product.addresses().invoice).await;
    again.invoices =
        proto::invoice::v1::invoice_service_client::InvoiceServiceClient::with_interceptor(channel, token);
    assert_eq!(
        read(&mut again, &invoice.id).await.unwrap(),
        invoice,
        "the old token reads the old invoice"
    );
}
