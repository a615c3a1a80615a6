//! How often a use case asks the store, and what many of them at a time leave.

mod credits;
mod gapless;
mod watching;

use std::sync::Mutex;

use async_trait::async_trait;
use sqlite_engine::Location;

use super::*;
use crate::domain::content::InvoiceHeader;
use crate::domain::credit::CreditOrder;
use crate::domain::customer::Customer;
use crate::domain::ids::CustomerId;
use crate::domain::invoice::SeriesId;
use crate::domain::money::Currency;
use crate::domain::number::LastNumber;
use crate::domain::summary::Tally;
use crate::idempotency::RequestId;
use crate::store::contract::sample::complete;
use crate::store::{
    ChangeWatch, Creation, CustomerInsertion, CustomerPage, CustomerQuery, CustomerStore, InvoiceStore,
    Place, ProfileStore, SqliteInvoiceStore, StoredCustomer, StoredInvoice, StoredProfile, WatchError,
};

/// A store that keeps a list of what it was asked for.
struct Counted {
    store: SqliteInvoiceStore,
    calls: Mutex<Vec<&'static str>>,
    /// What plain reads give, as those of a server that is behind.
    behind: Mutex<Option<StoredInvoice>>,
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
        let behind = self.behind.lock().unwrap().clone();
        match behind {
            Some(stored) => Ok(stored),
            None => self.store.get(organization, id).await,
        }
    }

    async fn get_without_history(
        &self,
        organization: &OrganizationId,
        id: &InvoiceId,
    ) -> Result<Invoice, StoreError> {
        self.note("get_without_history");
        self.store.get_without_history(organization, id).await
    }

    async fn get_settled(
        &self,
        organization: &OrganizationId,
        id: &InvoiceId,
    ) -> Result<StoredInvoice, StoreError> {
        self.note("get_settled");
        self.store.get_settled(organization, id).await
    }

    async fn list(&self, organization: &OrganizationId, query: ListQuery) -> Result<ListPage, StoreError> {
        self.note("list");
        self.store.list(organization, query).await
    }

    async fn summarize(
        &self,
        organization: &OrganizationId,
        filter: ListFilter,
        ages: DueAges,
    ) -> Result<Vec<Tally>, StoreError> {
        self.note("summarize");
        self.store.summarize(organization, filter, ages).await
    }

    async fn replace(&self, stored: StoredInvoice, expected: Version) -> Result<(), StoreError> {
        self.note("replace");
        self.store.replace(stored, expected).await
    }

    async fn credit(
        &self,
        stored: StoredInvoice,
        expected: Version,
        note: Invoice,
    ) -> Result<(), StoreError> {
        self.note("credit");
        self.store.credit(stored, expected, note).await
    }

    async fn last_number(
        &self,
        organization: &OrganizationId,
        series: &SeriesId,
    ) -> Result<Option<LastNumber>, StoreError> {
        self.note("last_number");
        self.store.last_number(organization, series).await
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

    async fn insert_in_order(&self, invoices: Vec<(Invoice, AppliedRequest)>) -> Result<(), StoreError> {
        self.note("insert_in_order");
        self.store.insert_in_order(invoices).await
    }

    async fn creations(
        &self,
        organization: &OrganizationId,
        requests: &[RequestId],
    ) -> Result<Vec<Creation>, StoreError> {
        self.note("creations");
        self.store.creations(organization, requests).await
    }

    async fn existing(
        &self,
        organization: &OrganizationId,
        invoices: &[InvoiceId],
    ) -> Result<Vec<InvoiceId>, StoreError> {
        self.note("existing");
        self.store.existing(organization, invoices).await
    }

    async fn watch(
        &self,
        organization: &OrganizationId,
        after: Option<Place>,
    ) -> Result<ChangeWatch, WatchError> {
        self.note("watch");
        self.store.watch(organization, after).await
    }

    async fn ping(&self) -> Result<(), StoreError> {
        self.store.ping().await
    }

    async fn close(&self) {
        self.store.close().await;
    }
}

#[async_trait]
impl ProfileStore for Counted {
    async fn profile(&self, organization: &OrganizationId) -> Result<Option<StoredProfile>, StoreError> {
        self.note("profile");
        self.store.profile(organization).await
    }

    async fn profile_settled(
        &self,
        organization: &OrganizationId,
    ) -> Result<Option<StoredProfile>, StoreError> {
        self.note("profile_settled");
        self.store.profile_settled(organization).await
    }

    async fn put_profile(&self, stored: StoredProfile, expected: Version) -> Result<(), StoreError> {
        self.note("put_profile");
        self.store.put_profile(stored, expected).await
    }
}

#[async_trait]
impl CustomerStore for Counted {
    async fn insert_customer(
        &self,
        customer: Customer,
        request: Option<AppliedRequest>,
    ) -> Result<CustomerInsertion, StoreError> {
        self.note("insert_customer");
        self.store.insert_customer(customer, request).await
    }

    async fn customer(
        &self,
        organization: &OrganizationId,
        id: &CustomerId,
    ) -> Result<StoredCustomer, StoreError> {
        self.note("customer");
        self.store.customer(organization, id).await
    }

    async fn customer_settled(
        &self,
        organization: &OrganizationId,
        id: &CustomerId,
    ) -> Result<StoredCustomer, StoreError> {
        self.note("customer_settled");
        self.store.customer_settled(organization, id).await
    }

    async fn customers(
        &self,
        organization: &OrganizationId,
        query: CustomerQuery,
    ) -> Result<CustomerPage, StoreError> {
        self.note("customers");
        self.store.customers(organization, query).await
    }

    async fn replace_customer(&self, stored: StoredCustomer, expected: Version) -> Result<(), StoreError> {
        self.note("replace_customer");
        self.store.replace_customer(stored, expected).await
    }

    async fn delete_customer(
        &self,
        organization: &OrganizationId,
        id: &CustomerId,
        expected: Option<Version>,
    ) -> Result<(), StoreError> {
        self.note("delete_customer");
        self.store.delete_customer(organization, id, expected).await
    }
}

fn counted() -> (Arc<Counted>, Invoices, Caller, InvoiceContent) {
    let counted = Arc::new(Counted {
        store: SqliteInvoiceStore::open(&Location::Memory).unwrap(),
        calls: Mutex::default(),
        behind: Mutex::default(),
    });
    let invoices = Invoices::new(Arc::<Counted>::clone(&counted));
    let caller = caller();
    let content = InvoiceContent {
        header: InvoiceHeader::blank(Currency::parse("EUR").unwrap()),
        lines: Vec::new(),
    };
    (counted, invoices, caller, content)
}

#[tokio::test]
async fn the_newest_etag_is_accepted_though_the_store_is_behind_and_an_older_one_is_not() {
    let (counted, invoices, caller, content) = counted();
    let patch = |_: &Invoice| Ok::<_, ()>(content.clone());
    let first = invoices.create(&caller, content.clone(), None).await.unwrap();
    let (id, first_etag) = (first.invoice.identity.id.clone(), first.invoice.etag());
    let behind = counted.store.get(&caller.organization, &id).await.unwrap();
    let updated = invoices
        .update(&caller, target(&id, Some(&first_etag)), patch)
        .await
        .unwrap();
    *counted.behind.lock().unwrap() = Some(behind);
    counted.taken();

    let newest = updated.invoice.etag();
    let again = invoices.update(&caller, target(&id, Some(&newest)), patch).await;
    assert_eq!(again.unwrap().invoice.version, updated.invoice.version.next());
    assert_eq!(counted.taken(), ["get", "get_settled", "replace"]);

    *counted.behind.lock().unwrap() = None;
    let stale = invoices.update(&caller, target(&id, Some(&newest)), patch).await;
    assert!(matches!(stale, Err(InvoiceError::EtagMismatch)), "{stale:?}");
    assert_eq!(counted.taken(), ["get", "get_settled"]);
}

#[tokio::test]
async fn every_mutation_is_one_store_write_after_one_read_or_none_and_what_takes_a_number_reads_the_last_one_too()
 {
    let (counted, invoices, caller, content) = counted();

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
        .update(&caller, target(&created.identity.id, Some(&etag)), patch)
        .await
        .unwrap()
        .invoice;
    assert_eq!(counted.taken(), ["get", "replace"]);

    invoices
        .delete(&caller, &created.identity.id, Some(&updated.etag()))
        .await
        .unwrap();
    assert_eq!(counted.taken(), ["delete_draft"]);

    let draft = invoices.create(&caller, complete(), None).await.unwrap().invoice;
    counted.taken();
    let numbering = Numbering {
        series: None,
        issue_date: None,
    };
    let id = &draft.identity.id;
    invoices
        .issue(&caller, target(id, None), &numbering)
        .await
        .unwrap();
    assert_eq!(counted.taken(), ["get", "profile", "last_number", "replace"]);

    let order = CreditOrder {
        lines: Vec::new(),
        issue_date: None,
        reason: Reason::default(),
    };
    let credited = issued(&invoices, &caller, &numbering).await;
    let target_of = target(&credited, None);
    counted.taken();
    invoices.credit(&caller, target_of, &order, None).await.unwrap();
    assert_eq!(counted.taken(), ["get", "profile", "last_number", "credit"]);

    let reason = Reason::default();
    invoices
        .mark_uncollectible(&caller, target(id, None), reason.clone())
        .await
        .unwrap();
    assert_eq!(counted.taken(), ["get", "replace"]);
    invoices.void(&caller, target(id, None), reason).await.unwrap();
    assert_eq!(counted.taken(), ["get", "replace"]);
}

async fn issued(invoices: &Invoices, caller: &Caller, numbering: &Numbering) -> InvoiceId {
    let draft = invoices.create(caller, complete(), None).await.unwrap().invoice;
    let id = draft.identity.id;
    invoices
        .issue(caller, target(&id, None), numbering)
        .await
        .unwrap();
    id
}

fn target<'a>(id: &'a InvoiceId, etag: Option<&'a Etag>) -> Target<'a> {
    Target {
        id,
        etag,
        request: None,
    }
}

fn caller() -> Caller {
    Caller {
        organization: OrganizationId::parse("org_a").unwrap(),
        user: UserId::parse("usr_a").unwrap(),
        session: SessionId::parse("ses_a").unwrap(),
    }
}
