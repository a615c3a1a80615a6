use mongo_engine::bson::{Document, serialize_to_document};

use super::*;
use crate::store::contract::{Documents, store_contract};

impl Documents for SqliteInvoiceStore {
    async fn document(&self, invoice: &Invoice) -> Document {
        let id = invoice.identity.id.clone();
        let read = self.engine.read(move |connection| {
            let document = "SELECT document FROM invoice WHERE id = ?1";
            let document: Vec<u8> = connection.query_row(document, [id.as_str()], |row| row.get(0))?;
            Ok::<_, StoreError>(document)
        });
        let json: serde_json::Value = serde_json::from_slice(&read.await.unwrap()).unwrap();
        serialize_to_document(&json).unwrap()
    }

    async fn put_document(&self, invoice: &Invoice, document: Document) {
        let (id, json) = (
            invoice.identity.id.clone(),
            serde_json::to_vec(&document).unwrap(),
        );
        let write = self.engine.write(move |connection| {
            let update = "UPDATE invoice SET document = ?2 WHERE id = ?1";
            Ok::<_, StoreError>(connection.execute(update, params![id.as_str(), json])?)
        });
        assert_eq!(write.await.unwrap(), 1);
    }

    async fn put_gross(&self, invoice: &Invoice, gross_minor: i64) {
        let id = invoice.identity.id.clone();
        let write = self.engine.write(move |connection| {
            let update = "UPDATE invoice SET gross_minor = ?2 WHERE id = ?1";
            Ok::<_, StoreError>(connection.execute(update, params![id.as_str(), gross_minor])?)
        });
        assert_eq!(write.await.unwrap(), 1);
    }
}

store_contract!(in_memory, async {
    (SqliteInvoiceStore::open(&Location::Memory).unwrap(), ())
});

store_contract!(in_a_file_reopened, async {
    let folder = tempfile::tempdir().unwrap();
    let location = Location::File(folder.path().join("invoices.db"));
    SqliteInvoiceStore::open(&location).unwrap().close().await;
    (SqliteInvoiceStore::open(&location).unwrap(), folder)
});

#[tokio::test]
async fn a_place_of_an_earlier_run_is_lost() {
    let folder = tempfile::tempdir().unwrap();
    let location = Location::File(folder.path().join("invoices.db"));
    let organization = OrganizationId::parse("org_a").unwrap();
    let first = SqliteInvoiceStore::open(&location).unwrap();
    let place = first.watch(&organization, None).await.unwrap().place();
    assert!(first.watch(&organization, Some(place.clone())).await.is_ok());
    first.close().await;
    let again = SqliteInvoiceStore::open(&location).unwrap();
    let watch = again.watch(&organization, Some(place)).await;
    assert!(matches!(watch, Err(WatchError::PlaceLost)));
}
