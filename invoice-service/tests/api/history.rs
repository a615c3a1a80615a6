//! ListInvoiceEvents and VerifyInvoiceHistory.

use harness::{Person, Refusal, RunningProduct, build};
use prost_types::FieldMask;
use proto::invoice::v1::{
    Invoice, InvoiceEvent, ListInvoiceEventsRequest, UpdateInvoiceRequest, VerifyInvoiceHistoryRequest,
    VerifyInvoiceHistoryResponse, VoidInvoiceRequest,
};

use crate::created;
use crate::issue::issuing;

fn events_of(invoice: &Invoice) -> ListInvoiceEventsRequest {
    ListInvoiceEventsRequest {
        invoice_id: invoice.id.clone(),
        ..ListInvoiceEventsRequest::default()
    }
}

async fn events(person: &mut Person, invoice: &Invoice) -> Vec<InvoiceEvent> {
    let answer = person.invoices.list_invoice_events(events_of(invoice)).await;
    answer.unwrap().into_inner().events
}

async fn verified(person: &mut Person, invoice: &Invoice) -> VerifyInvoiceHistoryResponse {
    let request = VerifyInvoiceHistoryRequest {
        invoice_id: invoice.id.clone(),
    };
    person
        .invoices
        .verify_invoice_history(request)
        .await
        .unwrap()
        .into_inner()
}

async fn noted(person: &mut Person, invoice: &Invoice, note: &str) {
    let request = UpdateInvoiceRequest {
        invoice: Some(Invoice {
            id: invoice.id.clone(),
            note: note.to_owned(),
            ..Invoice::default()
        }),
        update_mask: Some(FieldMask {
            paths: vec!["note".to_owned()],
        }),
        request_id: build::request_id(),
    };
    person.invoices.update_invoice(request).await.unwrap();
}

#[tokio::test]
async fn every_accepted_change_is_one_event_and_nothing_else_is() {
    let product = RunningProduct::start().await;
    let mut ann = product.person().await;
    let draft = created(&mut ann, build::invoice()).await;
    noted(&mut ann, &draft, "urgent").await;
    let issue = issuing(&draft);
    for _ in 0..2 {
        ann.invoices.issue_invoice(issue.clone()).await.unwrap();
    }
    let refused = ann.invoices.issue_invoice(issuing(&draft)).await;
    assert!(refused.is_err());
    let void = VoidInvoiceRequest {
        invoice_id: draft.id.clone(),
        reason: "sent twice".to_owned(),
        ..VoidInvoiceRequest::default()
    };
    ann.invoices.void_invoice(void).await.unwrap();

    let events = events(&mut ann, &draft).await;
    let actions: Vec<_> = events.iter().map(|event| event.action.as_str()).collect();
    assert_eq!(
        actions,
        ["CreateInvoice", "UpdateInvoice", "IssueInvoice", "VoidInvoice"]
    );
    let user = ann.registered.user.clone().unwrap().id;
    let session = ann.registered.tokens.clone().unwrap().session_id;
    for (event, sequence) in events.iter().zip(1..) {
        assert_eq!(
            (event.sequence, &event.user_id, &event.session_id),
            (sequence, &user, &session)
        );
        assert_eq!(event.etag, format!("v{sequence}"));
        assert!(event.time.is_some() && event.hash.len() == 64);
    }
    let note = &events[1].changes;
    assert_eq!(
        (note[0].field.as_str(), note[0].after.as_str(), note.len()),
        ("note", "urgent", 1)
    );
    assert_eq!(events[2].request_id, issue.request_id);
    let number = events[2].changes.iter().find(|change| change.field == "number");
    assert_eq!(number.unwrap().after, "INV-2026-0001");
    assert_eq!(
        (events[3].reason.as_str(), events[3].request_id.as_str()),
        ("sent twice", "")
    );

    let verified = verified(&mut ann, &draft).await;
    let expected = VerifyInvoiceHistoryResponse {
        intact: true,
        first_bad_sequence: 0,
        event_count: 4,
        last_hash: events[3].hash.clone(),
    };
    assert_eq!(verified, expected);
}

#[tokio::test]
async fn pages_of_a_history_show_every_event_once_and_their_tokens_hold_for_it_alone() {
    let product = RunningProduct::start().await;
    let mut ann = product.person().await;
    let draft = created(&mut ann, build::invoice()).await;
    let other = created(&mut ann, build::invoice()).await;
    for note in ["a", "b", "c", "d"] {
        noted(&mut ann, &draft, note).await;
    }
    let all = events(&mut ann, &draft).await;
    let mut request = ListInvoiceEventsRequest {
        page_size: 2,
        ..events_of(&draft)
    };
    let mut walked = Vec::new();
    let mut sizes = Vec::new();
    loop {
        let page = ann
            .invoices
            .list_invoice_events(request.clone())
            .await
            .unwrap()
            .into_inner();
        sizes.push(page.events.len());
        walked.extend(page.events);
        if page.next_page_token.is_empty() {
            break;
        }
        request.page_token = page.next_page_token;
    }
    assert_eq!((walked, sizes), (all, vec![2, 2, 1]));

    request.invoice_id = other.id;
    request.page_size = -1;
    let refused = Refusal::in_result(ann.invoices.list_invoice_events(request).await);
    let expected = ["page_size PAGE_SIZE_NEGATIVE", "page_token PAGE_TOKEN_OTHER_LIST"];
    assert_eq!(refused, Refusal::fields(&expected));
}
