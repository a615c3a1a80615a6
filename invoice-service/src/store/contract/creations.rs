//! Many new invoices at a time.

use super::sample::{blank, complete, date, deed, draft, organization, request};
use super::writes::{inserted, read};
use crate::domain::content::InvoiceContent;
use crate::domain::ids::InvoiceId;
use crate::domain::invoice::Invoice;
use crate::domain::number::{LastNumber, Series};
use crate::idempotency::AppliedRequest;
use crate::store::{Creation, InvoiceStore, StoreError};

/// Invoices that are issued under the numbers from `first` on, each with a request of its own.
fn numbered(name: &str, first: u32, count: u32) -> Vec<(Invoice, AppliedRequest)> {
    let series = Series::standard();
    let mut last = (first > 1).then(|| LastNumber {
        place: place(first - 1),
        issue_date: date("2026-03-01"),
    });
    (first..first + count)
        .map(|number| {
            let InvoiceContent { header, lines } = complete();
            let issued = draft(&organization(name), header, lines)
                .issue(
                    date("2026-03-01"),
                    &series,
                    last.as_ref(),
                    date("2026-03-01"),
                    jiff::Timestamp::now(),
                )
                .unwrap();
            last = Some(LastNumber {
                place: place(number),
                issue_date: date("2026-03-01"),
            });
            let issued = issued.recorded(None, deed("ImportInvoice")).unwrap();
            (issued, request(number, "imported"))
        })
        .collect()
}

fn place(sequence: u32) -> crate::domain::number::NumberPlace {
    crate::domain::number::NumberPlace {
        period: crate::domain::number::Period::parse("2026").unwrap(),
        sequence,
    }
}

/// How many of these are there, and that none is after one that is not.
async fn stored(store: &impl InvoiceStore, batch: &[(Invoice, AppliedRequest)]) -> usize {
    let mut there = Vec::new();
    for (invoice, _) in batch {
        there.push(read(store, invoice).await.is_ok());
    }
    assert!(there.is_sorted_by(|one, next| one >= next), "{there:?}");
    there.into_iter().filter(|there| *there).count()
}

pub(in crate::store) async fn invoices_inserted_in_order_read_back_and_their_requests_are_known(
    store: &impl InvoiceStore,
) {
    let (org, batch) = (organization("a"), numbered("a", 1, 5));
    store.insert_in_order(batch.clone()).await.unwrap();
    store.insert_in_order(Vec::new()).await.unwrap();
    for (invoice, request) in &batch {
        let found = read(store, invoice).await.unwrap();
        assert_eq!(found.invoice, *invoice);
        assert_eq!(found.created_by_request.as_ref(), Some(request));
    }
    let dropped = blank(&org);
    let forgotten = request(77, "draft");
    store.insert(dropped.clone(), Some(forgotten)).await.unwrap();
    store
        .delete_draft(&org, &dropped.identity.id, None)
        .await
        .unwrap();

    let mut asked: Vec<_> = batch.iter().map(|(_, request)| request.id).collect();
    asked.extend([forgotten.id, request(99, "never").id]);
    let mut known = store.creations(&org, &asked).await.unwrap();
    known.sort_by_key(|creation| creation.request.id.to_string());
    let mut expected: Vec<_> = batch
        .iter()
        .map(|(_, request)| Creation {
            request: *request,
            is_deleted: false,
        })
        .collect();
    expected.push(Creation {
        request: forgotten,
        is_deleted: true,
    });
    assert_eq!(known, expected);
    assert_eq!(store.creations(&organization("b"), &asked).await.unwrap(), []);
    assert_eq!(store.creations(&org, &[]).await.unwrap(), []);
}

pub(in crate::store) async fn an_insertion_in_order_that_meets_a_taken_number_leaves_nothing_after_it(
    store: &impl InvoiceStore,
) {
    let [(taken, first)] = numbered("a", 3, 1).try_into().unwrap();
    store
        .insert(
            taken,
            Some(AppliedRequest {
                id: request(50, "").id,
                ..first
            }),
        )
        .await
        .unwrap();
    let batch = numbered("a", 1, 5);
    let refused = store.insert_in_order(batch.clone()).await.unwrap_err();
    assert!(matches!(refused, StoreError::NumberTaken), "{refused}");
    assert!(stored(store, &batch).await <= 2);
}

pub(in crate::store) async fn an_insertion_in_order_that_meets_a_used_request_leaves_nothing_after_it(
    store: &impl InvoiceStore,
) {
    let batch = numbered("a", 1, 5);
    let used = store.insert(blank(&organization("a")), Some(batch[2].1)).await;
    used.unwrap();
    let refused = store.insert_in_order(batch.clone()).await.unwrap_err();
    assert!(matches!(refused, StoreError::NumberTaken), "{refused}");
    assert!(stored(store, &batch).await <= 2);
}

pub(in crate::store) async fn of_ids_those_that_exist_in_the_organization_are_told(
    store: &impl InvoiceStore,
) {
    let (org, other) = (organization("a"), organization("b"));
    let here = inserted(store, blank(&org)).await;
    let elsewhere = inserted(store, blank(&other)).await;
    let deleted = inserted(store, blank(&org)).await;
    store
        .delete_draft(&org, &deleted.identity.id, None)
        .await
        .unwrap();
    let asked = [&here, &elsewhere, &deleted].map(|invoice| invoice.identity.id.clone());
    let asked = [asked.as_slice(), &[InvoiceId::generate()]].concat();
    assert_eq!(store.existing(&org, &asked).await.unwrap(), [here.identity.id]);
    assert_eq!(store.existing(&org, &[]).await.unwrap(), []);
}
