use harness::mongo::ReplicaSet;
use jiff::Timestamp;

use super::*;
use crate::domain::content::InvoiceContent;
use crate::domain::history::Verdict;
use crate::domain::number::Series;
use crate::store::contract::{Documents, sample, store_contract};

mod plans;
mod watching;

async fn open(set: &ReplicaSet) -> MongoInvoiceStore {
    let location = set.url("invoices_of_a_test").parse().unwrap();
    MongoInvoiceStore::open(&location).await.unwrap()
}

impl Documents for MongoInvoiceStore {
    async fn document(&self, invoice: &Invoice) -> Document {
        let identity = &invoice.identity;
        let found = self
            .invoices
            .find_one(one(&identity.organization_id, &identity.id));
        let entry = Document::try_from(found.await.unwrap().unwrap()).unwrap();
        entry.get_document("document").unwrap().clone()
    }

    async fn put_document(&self, invoice: &Invoice, document: Document) {
        let identity = &invoice.identity;
        let update = doc! { "$set": { "document": document } };
        let put = self
            .invoices
            .update_one(one(&identity.organization_id, &identity.id), update);
        assert_eq!(put.await.unwrap().matched_count, 1);
    }

    async fn put_gross(&self, invoice: &Invoice, gross_minor: i64) {
        let identity = &invoice.identity;
        let update = doc! { "$set": { "gross_minor": gross_minor } };
        let put = self
            .invoices
            .update_one(one(&identity.organization_id, &identity.id), update);
        assert_eq!(put.await.unwrap().matched_count, 1);
    }
}

store_contract!(in_mongodb, async {
    let set = ReplicaSet::start().await;
    (open(&set).await, set)
});

#[tokio::test]
async fn what_is_stored_of_a_deleted_draft_is_its_request_id_and_nothing_of_its_content() {
    let set = ReplicaSet::start().await;
    let store = open(&set).await;
    let request = sample::request(1, "a");
    let organization = sample::organization("a");
    let invoice = sample::rich(&organization);
    let id = invoice.identity.id.clone();
    store.insert(invoice, Some(request)).await.unwrap();
    store.delete_draft(&organization, &id, None).await.unwrap();

    let entry = store.invoices.find_one(doc! {}).await.unwrap().unwrap();
    let text = format!("{:?}", Document::try_from(entry).unwrap());
    assert!(text.contains(&request.id.to_string()));
    for personal in ["customer_id\": String(\"cus_", "document", "Straße", "Work"] {
        assert!(!text.contains(personal), "{personal}: {text}");
    }
}

#[tokio::test]
async fn a_replacement_keeps_fields_that_a_newer_release_has_beside_the_document() {
    let set = ReplicaSet::start().await;
    let store = open(&set).await;
    let organization = sample::organization("a");
    let invoice = sample::rich(&organization);
    let id = invoice.identity.id.clone();
    store.insert(invoice, None).await.unwrap();
    let added = doc! { "$set": { "added_later": "x" } };
    store
        .invoices
        .update_one(one(&organization, &id), added)
        .await
        .unwrap();

    let mut stored = store.get(&organization, &id).await.unwrap();
    stored.invoice.version = Version::FIRST.next();
    store.replace(stored, Version::FIRST).await.unwrap();
    let entry = store.invoices.find_one(one(&organization, &id)).await;
    let entry = entry.unwrap().unwrap();
    assert_eq!(entry.get_str("added_later").unwrap(), "x");
    assert_eq!(entry.get_i64("version").unwrap(), 2);
}

#[tokio::test]
async fn a_change_adds_to_the_history_and_leaves_its_entries_with_what_a_newer_release_has_in_them() {
    let set = ReplicaSet::start().await;
    let store = open(&set).await;
    let organization = sample::organization("a");
    let InvoiceContent { header, lines } = sample::complete();
    let draft = sample::draft(&organization, header, lines);
    let id = draft.identity.id.clone();
    let draft = draft.recorded(None, sample::deed("CreateInvoice")).unwrap();
    store.insert(draft, None).await.unwrap();
    let added = doc! { "$set": { "history.0.added_later": "x" } };
    store
        .invoices
        .update_one(one(&organization, &id), added)
        .await
        .unwrap();

    let mut stored = store.get(&organization, &id).await.unwrap();
    let draft = stored.invoice;
    let issued = draft.issue(
        sample::date("2026-03-01"),
        &Series::standard(),
        None,
        sample::date("2026-03-01"),
        Timestamp::now(),
    );
    stored.invoice = issued
        .unwrap()
        .recorded(Some(&draft), sample::deed("IssueInvoice"))
        .unwrap();
    store.replace(stored, draft.version).await.unwrap();
    let verdict = |stored: StoredInvoice| stored.invoice.history.verify(&stored.invoice);
    let read = store.get(&organization, &id).await.unwrap();
    assert_eq!(verdict(read), Verdict::Intact);
    let entry = store.invoices.find_one(one(&organization, &id)).await;
    let entry = Document::try_from(entry.unwrap().unwrap()).unwrap();
    let history = entry.get_array("history").unwrap();
    assert_eq!(history.len(), 2);
    let first = history[0].as_document().unwrap();
    assert_eq!(first.get_str("added_later").unwrap(), "x");
}
