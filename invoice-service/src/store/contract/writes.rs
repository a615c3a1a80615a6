//! Reads of one invoice, and every write.

use futures::future::join_all;
use mongo_engine::bson::{Bson, Document, doc};

use super::Documents;
use super::sample::{blank, organization, request, rich};
use crate::domain::content::{InvoiceContent, Note};
use crate::domain::ids::{InvoiceId, Version};
use crate::domain::invoice::{Invoice, InvoiceIdentity};
use crate::domain::state::State;
use crate::idempotency::{AppliedRequest, AppliedRequests};
use crate::store::document::Origin;
use crate::store::{Insertion, InvoiceStore, ListFilter, ListOrder, ListQuery, StoreError, StoredInvoice};

/// Inserts an invoice that nothing stands in the way of.
pub(super) async fn inserted(store: &impl InvoiceStore, invoice: Invoice) -> Invoice {
    let insertion = store.insert(invoice, None).await.unwrap();
    let Insertion::Inserted(invoice) = insertion else {
        panic!("not inserted: {insertion:?}")
    };
    *invoice
}

pub(super) async fn read(store: &impl InvoiceStore, invoice: &Invoice) -> Result<StoredInvoice, StoreError> {
    store
        .get(&invoice.identity.organization_id, &invoice.identity.id)
        .await
}

/// Equal but for the documents that they were read from.
pub(super) fn assert_same(one: &StoredInvoice, other: &StoredInvoice) {
    let parts = |stored: &StoredInvoice| {
        let StoredInvoice {
            invoice,
            created_by_request,
            applied,
            origin: _,
        } = stored.clone();
        (invoice, created_by_request, applied)
    };
    assert_eq!(parts(one), parts(other));
}

/// The invoice with another note, one version on.
fn revised(stored: &StoredInvoice, note: &str) -> StoredInvoice {
    let InvoiceContent { mut header, lines } = stored.invoice.content();
    header.note = Note::parse(note).unwrap();
    let content = InvoiceContent { header, lines };
    let invoice = stored.invoice.revise(content, jiff::Timestamp::now()).unwrap();
    let mut applied = stored.applied.clone();
    applied.remember(request(7, note));
    StoredInvoice {
        invoice,
        applied,
        ..stored.clone()
    }
}

async fn count(store: &impl InvoiceStore, name: &str) -> usize {
    let query = ListQuery {
        filter: ListFilter::default(),
        order: ListOrder::CreateTimeDescending,
        after: None,
        limit: 100,
    };
    store
        .list(&organization(name), query)
        .await
        .unwrap()
        .invoices
        .len()
}

pub(in crate::store) async fn an_inserted_invoice_reads_back_equal_in_every_field(store: &impl InvoiceStore) {
    let invoice = rich(&organization("a"));
    let created_by = request(1, "x");
    let insertion = store.insert(invoice.clone(), Some(created_by)).await.unwrap();
    assert_eq!(insertion, Insertion::Inserted(Box::new(invoice.clone())));
    let expected = StoredInvoice {
        invoice: invoice.clone(),
        created_by_request: Some(created_by),
        applied: AppliedRequests::default(),
        origin: Origin::default(),
    };
    assert_same(&read(store, &invoice).await.unwrap(), &expected);
    // Decimals compare by value; what is read must have the digits that were sent.
    let read = read(store, &invoice).await.unwrap().invoice;
    assert_eq!(format!("{read:?}"), format!("{invoice:?}"));
}

pub(in crate::store) async fn a_read_of_an_unknown_invoice_finds_nothing(store: &impl InvoiceStore) {
    let found = store.get(&organization("a"), &InvoiceId::generate()).await;
    assert!(matches!(found, Err(StoreError::NotFound)), "{found:?}");
}

pub(in crate::store) async fn another_organization_can_neither_read_nor_list_nor_change_nor_delete_an_invoice(
    store: &impl InvoiceStore,
) {
    let invoice = inserted(store, rich(&organization("a"))).await;
    let (foreign, id) = (organization("b"), &invoice.identity.id);
    assert!(matches!(store.get(&foreign, id).await, Err(StoreError::NotFound)));
    assert_eq!(count(store, "b").await, 0);

    let mut forged = revised(&read(store, &invoice).await.unwrap(), "forged");
    forged.invoice.identity.organization_id = foreign.clone();
    let replaced = store.replace(forged, Version::FIRST).await;
    assert!(matches!(replaced, Err(StoreError::NotFound)), "{replaced:?}");
    let deleted = store.delete_draft(&foreign, id, None).await;
    assert!(matches!(deleted, Err(StoreError::NotFound)), "{deleted:?}");
    assert_eq!(read(store, &invoice).await.unwrap().invoice, invoice);
}

pub(in crate::store) async fn a_creation_repeated_under_its_request_id_gives_the_first_invoice_as_it_is_now(
    store: &impl InvoiceStore,
) {
    let first = rich(&organization("a"));
    store.insert(first.clone(), Some(request(1, "x"))).await.unwrap();
    let repeated = store
        .insert(blank(&organization("a")), Some(request(1, "x")))
        .await
        .unwrap();
    assert_eq!(repeated, Insertion::Repeated(Box::new(first.clone())));

    let changed = revised(&read(store, &first).await.unwrap(), "changed");
    store.replace(changed.clone(), Version::FIRST).await.unwrap();
    let repeated = store
        .insert(blank(&organization("a")), Some(request(1, "x")))
        .await
        .unwrap();
    assert_eq!(repeated, Insertion::Repeated(Box::new(changed.invoice)));
    assert_eq!(count(store, "a").await, 1);
}

pub(in crate::store) async fn a_request_id_used_with_other_content_is_reported_and_stores_nothing(
    store: &impl InvoiceStore,
) {
    store
        .insert(blank(&organization("a")), Some(request(1, "x")))
        .await
        .unwrap();
    let reused = store
        .insert(blank(&organization("a")), Some(request(1, "y")))
        .await
        .unwrap();
    assert_eq!(reused, Insertion::RequestIdReused);
    assert_eq!(count(store, "a").await, 1);
}

pub(in crate::store) async fn one_request_id_means_two_things_in_two_organizations(
    store: &impl InvoiceStore,
) {
    for name in ["a", "b"] {
        let insertion = store
            .insert(blank(&organization(name)), Some(request(1, name)))
            .await
            .unwrap();
        assert!(matches!(insertion, Insertion::Inserted(_)), "{insertion:?}");
    }
    assert_eq!((count(store, "a").await, count(store, "b").await), (1, 1));
}

pub(in crate::store) async fn a_creation_repeated_after_the_deletion_says_so_and_stores_nothing(
    store: &impl InvoiceStore,
) {
    let first = blank(&organization("a"));
    store.insert(first.clone(), Some(request(1, "x"))).await.unwrap();
    store
        .delete_draft(&organization("a"), &first.identity.id, None)
        .await
        .unwrap();
    let repeated = store
        .insert(blank(&organization("a")), Some(request(1, "x")))
        .await
        .unwrap();
    assert_eq!(repeated, Insertion::RepeatedAfterDeletion(first.identity.id));
    let reused = store
        .insert(blank(&organization("a")), Some(request(1, "y")))
        .await
        .unwrap();
    assert_eq!(reused, Insertion::RequestIdReused);
    assert_eq!(count(store, "a").await, 0);
}

pub(in crate::store) async fn of_fifty_parallel_creations_under_one_request_id_one_stores(
    store: &impl InvoiceStore,
) {
    let creations = (0..50).map(|_| store.insert(blank(&organization("a")), Some(request(1, "x"))));
    let results = join_all(creations).await;
    let inserted = results
        .iter()
        .filter(|result| matches!(result, Ok(Insertion::Inserted(_))))
        .count();
    let repeated = results
        .iter()
        .filter(|result| matches!(result, Ok(Insertion::Repeated(_))))
        .count();
    assert_eq!((inserted, repeated), (1, 49), "{results:?}");
    assert_eq!(count(store, "a").await, 1);
}

pub(in crate::store) async fn a_replacement_at_the_expected_version_is_read_back(store: &impl InvoiceStore) {
    let invoice = rich(&organization("a"));
    store
        .insert(invoice.clone(), Some(request(1, "x")))
        .await
        .unwrap();
    let changed = revised(&read(store, &invoice).await.unwrap(), "changed");
    store.replace(changed.clone(), Version::FIRST).await.unwrap();
    assert_same(&read(store, &invoice).await.unwrap(), &changed);
    let listed = ListQuery {
        filter: ListFilter::default(),
        order: ListOrder::CreateTimeDescending,
        after: None,
        limit: 9,
    };
    assert_eq!(
        store.list(&organization("a"), listed).await.unwrap().invoices,
        [changed.invoice]
    );
}

pub(in crate::store) async fn a_replacement_keeps_what_a_newer_release_has_stored(
    store: &(impl InvoiceStore + Documents),
) {
    let invoice = inserted(store, rich(&organization("a"))).await;
    let newer = || Bson::from(doc! { "figure": 7_i64, "texts": ["a", "b"] });
    let (mut document, mut added) = (store.document(&invoice).await, 0);
    for_each_part(&mut document, &mut |part| {
        part.insert(ADDED, newer());
        added += 1;
    });
    assert!(added > 15, "{document}");
    store.put_document(&invoice, document).await;

    for (version, note) in [(Version::FIRST, "once"), (Version::FIRST.next(), "twice")] {
        let changed = revised(&read(store, &invoice).await.unwrap(), note);
        store.replace(changed.clone(), version).await.unwrap();
        assert_same(&read(store, &invoice).await.unwrap(), &changed);
    }
    let (mut document, mut kept) = (store.document(&invoice).await, 0);
    assert_eq!(document.get_str("note").unwrap(), "twice");
    for_each_part(&mut document, &mut |part| {
        kept += usize::from(part.get(ADDED) == Some(&newer()));
    });
    assert_eq!(kept, added, "{document}");
}

/// A member that this release does not know.
const ADDED: &str = "added_later";

/// Every document in a document, itself too. Those whose members are the user's are not parts of an invoice.
fn for_each_part(document: &mut Document, each: &mut impl FnMut(&mut Document)) {
    let inner = document
        .iter_mut()
        .filter(|(name, _)| !["metadata", ADDED].contains(&name.as_str()));
    for (_, value) in inner {
        if let Bson::Document(part) = value {
            for_each_part(part, each);
        } else if let Bson::Array(parts) = value {
            let parts = parts.iter_mut().filter_map(Bson::as_document_mut);
            parts.for_each(|part| for_each_part(part, each));
        }
    }
    each(document);
}

pub(in crate::store) async fn a_settled_read_is_the_same_as_a_read(store: &impl InvoiceStore) {
    let invoice = inserted(store, rich(&organization("a"))).await;
    let InvoiceIdentity {
        organization_id, id, ..
    } = &invoice.identity;
    let settled = store.get_settled(organization_id, id).await.unwrap();
    assert_same(&settled, &read(store, &invoice).await.unwrap());
    let foreign = store.get_settled(&organization("b"), id).await;
    assert!(matches!(foreign, Err(StoreError::NotFound)), "{foreign:?}");
}

pub(in crate::store) async fn a_replacement_of_a_stale_version_changes_nothing(store: &impl InvoiceStore) {
    let invoice = inserted(store, rich(&organization("a"))).await;
    let first = read(store, &invoice).await.unwrap();
    let winner = revised(&first, "winner");
    store.replace(winner.clone(), Version::FIRST).await.unwrap();
    let stale = store.replace(revised(&first, "loser"), Version::FIRST).await;
    assert!(
        matches!(stale, Err(StoreError::VersionConflict { current }) if current == Version::FIRST.next()),
        "{stale:?}"
    );
    assert_same(&read(store, &invoice).await.unwrap(), &winner);
}

pub(in crate::store) async fn a_replacement_of_an_unknown_invoice_finds_nothing(store: &impl InvoiceStore) {
    let stored = StoredInvoice {
        invoice: blank(&organization("a")),
        created_by_request: None::<AppliedRequest>,
        applied: AppliedRequests::default(),
        origin: Origin::default(),
    };
    let replaced = store.replace(stored, Version::FIRST).await;
    assert!(matches!(replaced, Err(StoreError::NotFound)), "{replaced:?}");
}

pub(in crate::store) async fn of_twenty_parallel_replacements_of_one_version_one_wins(
    store: &impl InvoiceStore,
) {
    let invoice = inserted(store, rich(&organization("a"))).await;
    let first = read(store, &invoice).await.unwrap();
    let notes: Vec<_> = (0..20).map(|number| format!("note {number}")).collect();
    let results = join_all(
        notes
            .iter()
            .map(|note| store.replace(revised(&first, note), Version::FIRST)),
    )
    .await;
    let winners: Vec<_> = results
        .iter()
        .zip(&notes)
        .filter(|(result, _)| result.is_ok())
        .collect();
    assert_eq!(winners.len(), 1, "{results:?}");
    let stored = read(store, &invoice).await.unwrap().invoice;
    assert_eq!(stored.header.note.as_str(), winners[0].1);
    assert_eq!(stored.version, Version::FIRST.next());
}

pub(in crate::store) async fn a_deleted_draft_is_gone_from_reads_and_lists(store: &impl InvoiceStore) {
    let org = organization("a");
    let invoice = inserted(store, rich(&org)).await;
    store
        .delete_draft(&org, &invoice.identity.id, Some(Version::FIRST))
        .await
        .unwrap();
    assert!(matches!(read(store, &invoice).await, Err(StoreError::NotFound)));
    assert_eq!(count(store, "a").await, 0);
    let again = store.delete_draft(&org, &invoice.identity.id, None).await;
    assert!(matches!(again, Err(StoreError::NotFound)), "{again:?}");
    let stored = StoredInvoice {
        invoice,
        created_by_request: None,
        applied: AppliedRequests::default(),
        origin: Origin::default(),
    };
    let replaced = store.replace(stored, Version::FIRST).await;
    assert!(matches!(replaced, Err(StoreError::NotFound)), "{replaced:?}");
}

pub(in crate::store) async fn a_draft_at_another_version_is_not_deleted(store: &impl InvoiceStore) {
    let org = organization("a");
    let invoice = inserted(store, rich(&org)).await;
    let stale = store
        .delete_draft(&org, &invoice.identity.id, Some(Version::FIRST.next()))
        .await;
    assert!(
        matches!(stale, Err(StoreError::VersionConflict { current }) if current == Version::FIRST),
        "{stale:?}"
    );
    assert_eq!(read(store, &invoice).await.unwrap().invoice, invoice);
}

pub(in crate::store) async fn an_issued_invoice_is_not_deleted(store: &impl InvoiceStore) {
    let org = organization("a");
    let invoice = inserted(
        store,
        Invoice {
            state: State::Open,
            ..rich(&org)
        },
    )
    .await;
    let refused = store
        .delete_draft(&org, &invoice.identity.id, Some(Version::FIRST))
        .await;
    assert!(
        matches!(
            refused,
            Err(StoreError::NotDraft {
                state: State::Open,
                ..
            })
        ),
        "{refused:?}"
    );
    assert_eq!(read(store, &invoice).await.unwrap().invoice, invoice);
}
