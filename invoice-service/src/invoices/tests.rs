//! How often a use case asks the store.

use std::sync::Mutex;

use async_trait::async_trait;
use sqlite_engine::Location;

use super::*;
use crate::domain::content::InvoiceHeader;
use crate::domain::money::Currency;
use crate::store::SqliteInvoiceStore;

/// A store that keeps a list of what it was asked for.
struct Counted {
    store: SqliteInvoiceStore,
    calls: Mutex<Vec<&'static str>>,
}

impl Counted {
    fn note(&self, call: &'static str) {
        self.calls.lock().unwrap().push(call);
    }

    fn taken(&self) -> Vec<&'static str> {
        std::mem::take(&mut self.calls.lock().unwrap())
    }
}

#[async_trait]
impl InvoiceStore for Counted {
    async fn insert(
        &self,
        invoice: Invoice,
        request: Option<AppliedRequest>,
    ) -> Result<Insertion, StoreError> {
        self.note("insert");
        self.store.insert(invoice, request).await
    }

    async fn get(&self, organization: &OrganizationId, id: &InvoiceId) -> Result<StoredInvoice, StoreError> {
        self.note("get");
        self.store.get(organization, id).await
    }

    async fn list(&self, organization: &OrganizationId, query: ListQuery) -> Result<ListPage, StoreError> {
        self.note("list");
        self.store.list(organization, query).await
    }

    async fn replace(&self, stored: StoredInvoice, expected: Version) -> Result<(), StoreError> {
        self.note("replace");
        self.store.replace(stored, expected).await
    }

    async fn delete_draft(
        &self,
        organization: &OrganizationId,
        id: &InvoiceId,
        expected: Option<Version>,
    ) -> Result<(), StoreError> {
        self.note("delete_draft");
        self.store.delete_draft(organization, id, expected).await
    }

    async fn ping(&self) -> Result<(), StoreError> {
        self.store.ping().await
    }

    async fn close(&self) {
        self.store.close().await;
    }
}

#[tokio::test]
async fn every_mutation_is_one_store_write_and_only_an_update_reads_before_it() {
    let store = SqliteInvoiceStore::open(&Location::Memory).unwrap();
    let counted = Arc::new(Counted {
        store,
        calls: Mutex::default(),
    });
    let invoices = Invoices::new(Arc::<Counted>::clone(&counted));
    let caller = Caller {
        organization: OrganizationId::parse("org_a").unwrap(),
        user: UserId::parse("usr_a").unwrap(),
    };
    let header = InvoiceHeader::blank(Currency::parse("EUR").unwrap());
    let content = InvoiceContent {
        header,
        lines: Vec::new(),
    };

    Invoices::preview(&caller, content.clone()).unwrap();
    assert_eq!(counted.taken(), Vec::<&str>::new());

    let created = invoices
        .create(&caller, content.clone(), None)
        .await
        .unwrap()
        .invoice;
    assert_eq!(counted.taken(), ["insert"]);

    let etag = created.etag();
    let patch = |_: &Invoice| Ok::<_, ()>(content.clone());
    let updated = invoices
        .update(&caller, &created.identity.id, Some(&etag), patch, None)
        .await
        .unwrap()
        .invoice;
    assert_eq!(counted.taken(), ["get", "replace"]);

    invoices
        .delete(&caller, &created.identity.id, Some(&updated.etag()))
        .await
        .unwrap();
    assert_eq!(counted.taken(), ["delete_draft"]);
}
