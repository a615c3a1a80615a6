use harness::mongo::ReplicaSet;

use super::*;
use crate::store::contract::{sample, store_contract};

mod plans;

async fn open(set: &ReplicaSet) -> MongoInvoiceStore {
    let location = set.url("invoices_of_a_test").parse().unwrap();
    MongoInvoiceStore::open(&location).await.unwrap()
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
