//! UpdateInvoice and DeleteInvoice.

use futures::future::join_all;
use harness::{Person, Refusal, RunningProduct, build};
use prost_types::FieldMask;
use proto::invoice::v1::{DeleteInvoiceRequest, Invoice, UpdateInvoiceRequest};
use tonic::Code;

use crate::{created, read};

fn update(invoice: Invoice, paths: &[&str]) -> UpdateInvoiceRequest {
    UpdateInvoiceRequest {
        invoice: Some(invoice),
        update_mask: Some(FieldMask {
            paths: paths.iter().map(|path| (*path).to_owned()).collect(),
        }),
        request_id: build::request_id(),
    }
}

async fn applied(person: &mut Person, request: UpdateInvoiceRequest) -> Invoice {
    person
        .invoices
        .update_invoice(request)
        .await
        .unwrap()
        .into_inner()
}

fn deletion(invoice: &Invoice, etag: &str) -> DeleteInvoiceRequest {
    DeleteInvoiceRequest {
        invoice_id: invoice.id.clone(),
        etag: etag.to_owned(),
    }
}

#[tokio::test]
async fn only_masked_fields_change_and_the_figures_follow() {
    let product = RunningProduct::start().await;
    let mut ann = product.person().await;
    let before = created(&mut ann, build::invoice()).await;
    let mut change = Invoice {
        note: "not masked".to_owned(),
        ..before.clone()
    };
    change.lines[0].quantity = "1".to_owned();
    let after = applied(&mut ann, update(change, &["lines"])).await;
    assert_eq!(after.totals.unwrap().gross_minor, 9_520);
    assert_eq!(
        (after.note.as_str(), &after.lines[0].id),
        ("", &before.lines[0].id)
    );
    assert_ne!(after.etag, before.etag);
    assert_eq!(read(&mut ann, &before.id).await.unwrap(), after);
}

#[tokio::test]
async fn a_stale_etag_changes_nothing() {
    let product = RunningProduct::start().await;
    let mut ann = product.person().await;
    let first = created(&mut ann, build::invoice()).await;
    let second = applied(
        &mut ann,
        update(
            Invoice {
                note: "a".into(),
                ..first.clone()
            },
            &["note"],
        ),
    )
    .await;
    for etag in [first.etag.as_str(), "v99", "nonsense", "{\"$gt\":\"\"}"] {
        let stale = Invoice {
            note: "b".into(),
            etag: etag.to_owned(),
            ..first.clone()
        };
        let refusal = Refusal::in_result(ann.invoices.update_invoice(update(stale, &["note"])).await);
        assert_eq!(refusal, Refusal::new(Code::Aborted, "ETAG_MISMATCH"), "{etag}");
        let refusal = Refusal::in_result(ann.invoices.delete_invoice(deletion(&first, etag)).await);
        assert_eq!(refusal, Refusal::new(Code::Aborted, "ETAG_MISMATCH"), "{etag}");
    }
    assert_eq!(read(&mut ann, &first.id).await.unwrap(), second);
}

#[tokio::test]
async fn an_update_repeated_under_its_request_id_is_a_replay_although_its_etag_is_stale_by_then() {
    let product = RunningProduct::start().await;
    let mut ann = product.person().await;
    let first = created(&mut ann, build::invoice()).await;
    let request = update(
        Invoice {
            note: "a".into(),
            ..first.clone()
        },
        &["note"],
    );
    let after = applied(&mut ann, request.clone()).await;
    let repeated = ann.invoices.update_invoice(request.clone()).await.unwrap();
    assert_eq!(repeated.metadata().get("x-idempotent-replay").unwrap(), "true");
    assert_eq!(repeated.get_ref(), &after);

    let other = UpdateInvoiceRequest {
        invoice: Some(Invoice {
            note: "b".into(),
            ..first
        }),
        ..request
    };
    let reused = Refusal::in_result(ann.invoices.update_invoice(other).await);
    assert_eq!(reused, Refusal::new(Code::InvalidArgument, "REQUEST_ID_REUSED"));
    assert_eq!(read(&mut ann, &after.id).await.unwrap(), after);
}

#[tokio::test]
async fn parallel_updates_without_an_etag_all_happen_one_after_the_other() {
    let product = RunningProduct::start().await;
    let mut ann = product.person().await;
    let first = created(&mut ann, build::invoice()).await;
    let calls = (0..20).map(|number| {
        let mut ann = ann.clone();
        let change = Invoice {
            note: number.to_string(),
            etag: String::new(),
            ..first.clone()
        };
        async move { applied(&mut ann, update(change, &["note"])).await.etag }
    });
    let mut etags = join_all(calls).await;
    etags.sort();
    etags.dedup();
    assert_eq!(etags.len(), 20, "each saw a version of its own: {etags:?}");
    assert_eq!(read(&mut ann, &first.id).await.unwrap().etag, "v21");
}

#[tokio::test]
async fn masks_that_name_unknown_or_computed_fields_are_refused_with_every_position() {
    let product = RunningProduct::start().await;
    let mut ann = product.person().await;
    let before = created(&mut ann, build::invoice()).await;
    let change = Invoice {
        note: "x".into(),
        ..before.clone()
    };
    let request = update(
        change,
        &[
            "note",
            "nope",
            "totals.gross_minor",
            "seller.nope",
            "{\"$set\":1}",
            "*",
        ],
    );
    let refusal = Refusal::in_result(ann.invoices.update_invoice(request).await);
    let expected = [
        "update_mask.paths[1] FIELD_MASK_UNKNOWN",
        "update_mask.paths[2] FIELD_OUTPUT_ONLY",
        "update_mask.paths[3] FIELD_MASK_UNKNOWN",
        "update_mask.paths[4] FIELD_MASK_UNKNOWN",
        "update_mask.paths[5] FIELD_MASK_UNKNOWN",
    ];
    assert_eq!(refusal, Refusal::fields(&expected));
    assert_eq!(read(&mut ann, &before.id).await.unwrap(), before);
}

#[tokio::test]
async fn bad_values_in_masked_fields_are_refused_with_their_paths() {
    let product = RunningProduct::start().await;
    let mut ann = product.person().await;
    let before = created(&mut ann, build::invoice()).await;
    let mut change = before.clone();
    change.lines[0].quantity = "1e5".to_owned();
    change.due_date = "2026-02-30".to_owned();
    change.note = "\u{7}".to_owned();
    let refusal = Refusal::in_result(
        ann.invoices
            .update_invoice(update(change.clone(), &["lines", "due_date", "note"]))
            .await,
    );
    let expected = [
        "invoice.due_date DATE_NO_SUCH_DAY",
        "invoice.note TEXT_CONTROL_CHARACTER",
        "invoice.lines[0].quantity DECIMAL_MALFORMED",
    ];
    assert_eq!(refusal, Refusal::fields(&expected));
    let everything = Invoice {
        id: String::new(),
        ..change
    };
    let mut everything = update(everything, &["due_date", "nope"]);
    everything.request_id = "x".to_owned();
    let everything = Refusal::in_result(ann.invoices.update_invoice(everything).await);
    let expected = [
        "request_id REQUEST_ID_MALFORMED",
        "invoice.id FIELD_REQUIRED",
        "update_mask.paths[1] FIELD_MASK_UNKNOWN",
        "invoice.due_date DATE_NO_SUCH_DAY",
    ];
    assert_eq!(everything, Refusal::fields(&expected));
    let nameless = Refusal::in_result(
        ann.invoices
            .update_invoice(update(Invoice::default(), &["note"]))
            .await,
    );
    assert_eq!(nameless, Refusal::fields(&["invoice.id FIELD_REQUIRED"]));
    assert_eq!(read(&mut ann, &before.id).await.unwrap(), before);
}

#[tokio::test]
async fn a_deleted_draft_is_not_found_by_any_rpc_and_its_request_id_stays_used() {
    let product = RunningProduct::start().await;
    let mut ann = product.person().await;
    let creation = build::create(build::invoice());
    let draft = ann
        .invoices
        .create_invoice(creation.clone())
        .await
        .unwrap()
        .into_inner();
    ann.invoices
        .delete_invoice(deletion(&draft, &draft.etag))
        .await
        .unwrap();

    let not_found = Refusal::new(Code::NotFound, "INVOICE_NOT_FOUND");
    assert_eq!(Refusal::in_result(read(&mut ann, &draft.id).await), not_found);
    assert_eq!(
        Refusal::in_result(ann.invoices.delete_invoice(deletion(&draft, "")).await),
        not_found
    );
    let change = update(
        Invoice {
            note: "x".into(),
            ..draft
        },
        &["note"],
    );
    assert_eq!(
        Refusal::in_result(ann.invoices.update_invoice(change).await),
        not_found
    );
    assert_eq!(
        Refusal::in_result(ann.invoices.create_invoice(creation).await),
        not_found
    );
}
