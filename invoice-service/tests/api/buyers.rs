//! Drafts that take their buyer from a customer.

use harness::{Refusal, RunningProduct, build};
use prost_types::FieldMask;
use proto::invoice::v1::list_invoices_request::Filter;
use proto::invoice::v1::{
    Customer, Invoice, ListInvoicesRequest, PreviewInvoiceRequest, UpdateInvoiceRequest,
};

use crate::customers::{customer, delete, renamed, stored};
use crate::issue::issuing;
use crate::{created, read};

/// An invoice for a customer that says nothing which the customer says.
fn bare(customer: &Customer) -> Invoice {
    Invoice {
        customer_id: customer.id.clone(),
        buyer: None,
        currency_code: String::new(),
        due_date: String::new(),
        ..build::invoice()
    }
}

#[tokio::test]
async fn a_draft_takes_what_its_customer_says_and_the_preview_is_the_same() {
    let product = RunningProduct::start().await;
    let mut ann = product.person().await;
    let cafe = stored(&mut ann, customer("Café")).await;
    let draft = created(&mut ann, bare(&cafe)).await;
    assert_eq!(draft.buyer, cafe.party);
    assert_eq!(
        (draft.currency_code.as_str(), draft.payment_terms_days),
        ("CHF", Some(21))
    );
    let request = PreviewInvoiceRequest {
        invoice: Some(bare(&cafe)),
    };
    let preview = ann.invoices.preview_invoice(request).await.unwrap().into_inner();
    let same = Invoice {
        id: String::new(),
        etag: String::new(),
        create_time: None,
        update_time: None,
        lines: preview.lines.clone(),
        ..draft
    };
    assert_eq!(preview, same);
    let typed = Invoice {
        customer_id: cafe.id.clone(),
        ..build::invoice()
    };
    let typed = created(&mut ann, typed).await;
    assert_eq!(
        (typed.buyer, typed.currency_code.as_str()),
        (build::invoice().buyer, "EUR")
    );
}

#[tokio::test]
async fn an_unknown_customer_and_a_foreign_one_are_the_same_violation() {
    let product = RunningProduct::start().await;
    let mut ann = product.person().await;
    let mut bob = product.person().await;
    let foreign = stored(&mut bob, customer("Bob's")).await;
    let draft = created(&mut ann, build::invoice()).await;
    for id in [foreign.id.as_str(), "cus_01hzzzzzzzzzzzzzzzzzzzzzzz"] {
        let wanted = Invoice {
            customer_id: id.to_owned(),
            ..build::invoice()
        };
        let expected = Refusal::fields(&["invoice.customer_id CUSTOMER_UNKNOWN"]);
        let create = ann.invoices.create_invoice(build::create(wanted.clone())).await;
        assert_eq!(Refusal::in_result(create), expected);
        let preview = PreviewInvoiceRequest {
            invoice: Some(wanted.clone()),
        };
        assert_eq!(
            Refusal::in_result(ann.invoices.preview_invoice(preview).await),
            expected
        );
        let update = UpdateInvoiceRequest {
            invoice: Some(Invoice {
                id: draft.id.clone(),
                ..wanted
            }),
            update_mask: Some(FieldMask {
                paths: vec!["customer_id".to_owned()],
            }),
            request_id: String::new(),
        };
        assert_eq!(
            Refusal::in_result(ann.invoices.update_invoice(update).await),
            expected
        );
    }
    assert_eq!(read(&mut ann, &draft.id).await.unwrap(), draft);
}

#[tokio::test]
async fn a_taken_buyer_follows_its_customer_until_it_is_issued_and_a_typed_one_stays() {
    let product = RunningProduct::start().await;
    let mut ann = product.person().await;
    let cafe = stored(&mut ann, customer("Café")).await;
    let taken = created(&mut ann, bare(&cafe)).await;
    let typed = Invoice {
        buyer: Some(build::party("Typed", "IT")),
        ..bare(&cafe)
    };
    let typed = created(&mut ann, typed).await;
    let bar = renamed(&mut ann, &cafe, "Bar").await;
    let followed = read(&mut ann, &taken.id).await.unwrap();
    assert_eq!(followed.buyer, bar.party);
    assert_ne!(followed.etag, taken.etag, "the draft is another one");
    assert_eq!(read(&mut ann, &typed.id).await.unwrap().buyer, typed.buyer);
    let by_name = ListInvoicesRequest {
        filter: Some(Filter {
            query: "bar".to_owned(),
            ..Filter::default()
        }),
        ..ListInvoicesRequest::default()
    };
    let found = ann.invoices.list_invoices(by_name).await.unwrap().into_inner();
    assert_eq!(found.invoices.len(), 1);

    // Sent back as it was read, it is not typed.
    let whole = UpdateInvoiceRequest {
        invoice: Some(followed),
        update_mask: Some(FieldMask {
            paths: vec!["*".to_owned()],
        }),
        request_id: String::new(),
    };
    ann.invoices.update_invoice(whole).await.unwrap();
    let pub_ = renamed(&mut ann, &bar, "Pub").await;
    let issued = ann
        .invoices
        .issue_invoice(issuing(&taken))
        .await
        .unwrap()
        .into_inner();
    assert_eq!((&issued.buyer, &issued.customer_id), (&pub_.party, &cafe.id));
    renamed(&mut ann, &pub_, "Club").await;
    assert_eq!(read(&mut ann, &taken.id).await.unwrap(), issued, "frozen");
    let blank = UpdateInvoiceRequest {
        invoice: Some(Invoice {
            id: typed.id.clone(),
            ..Invoice::default()
        }),
        update_mask: Some(FieldMask {
            paths: vec!["buyer".to_owned()],
        }),
        request_id: String::new(),
    };
    let taken_again = ann.invoices.update_invoice(blank).await.unwrap().into_inner();
    assert_eq!(taken_again.buyer.unwrap().name, "Club");
}

#[tokio::test]
async fn a_deleted_customer_leaves_invoices_and_drafts_as_they_were() {
    let product = RunningProduct::start().await;
    let mut ann = product.person().await;
    let cafe = stored(&mut ann, customer("Café")).await;
    let draft = created(&mut ann, bare(&cafe)).await;
    let issued = created(&mut ann, bare(&cafe)).await;
    let issued = ann
        .invoices
        .issue_invoice(issuing(&issued))
        .await
        .unwrap()
        .into_inner();
    delete(&mut ann, &cafe.id, "").await.unwrap();
    assert_eq!(read(&mut ann, &draft.id).await.unwrap(), draft);
    assert_eq!(read(&mut ann, &issued.id).await.unwrap(), issued);
    let whole = UpdateInvoiceRequest {
        invoice: Some(Invoice {
            note: "still here".to_owned(),
            ..draft.clone()
        }),
        update_mask: Some(FieldMask {
            paths: vec!["*".to_owned()],
        }),
        request_id: String::new(),
    };
    let updated = ann.invoices.update_invoice(whole).await.unwrap().into_inner();
    assert_eq!(
        (&updated.buyer, updated.note.as_str()),
        (&draft.buyer, "still here")
    );
    let issued = ann
        .invoices
        .issue_invoice(issuing(&draft))
        .await
        .unwrap()
        .into_inner();
    assert_eq!(issued.buyer, draft.buyer);
}
