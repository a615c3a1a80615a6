//! A store whose every operation is measured and traced.

use std::sync::Arc;

use async_trait::async_trait;
use telemetry::{Database, Operation, StoreErrorKind, StoreFailure};

use super::{
    ChangeWatch, Creation, CustomerInsertion, CustomerPage, CustomerQuery, CustomerStore, Insertion,
    InvoiceStore, ListFilter, ListPage, ListQuery, Place, ProfileStore, Store, StoreError, StoredCustomer,
    StoredInvoice, StoredProfile, WatchError,
};
use crate::domain::customer::Customer;
use crate::domain::ids::{CustomerId, InvoiceId, OrganizationId, Version};
use crate::domain::invoice::{Invoice, SeriesId};
use crate::domain::number::LastNumber;
use crate::domain::summary::{DueAges, Tally};
use crate::idempotency::{AppliedRequest, RequestId};

/// `store`, with each operation under the name of its method in `database`.
pub(crate) fn observed(store: Arc<dyn Store>, database: &Database) -> Arc<dyn Store> {
    Arc::new(Observed {
        store,
        insert: database.operation("insert"),
        get: database.operation("get"),
        get_without_history: database.operation("get_without_history"),
        get_settled: database.operation("get_settled"),
        list: database.operation("list"),
        summarize: database.operation("summarize"),
        replace: database.operation("replace"),
        credit: database.operation("credit"),
        last_number: database.operation("last_number"),
        delete_draft: database.operation("delete_draft"),
        insert_in_order: database.operation("insert_in_order"),
        creations: database.operation("creations"),
        existing: database.operation("existing"),
        ping: database.operation("ping"),
        profile: database.operation("profile"),
        profile_settled: database.operation("profile_settled"),
        put_profile: database.operation("put_profile"),
        insert_customer: database.operation("insert_customer"),
        customer: database.operation("customer"),
        customer_settled: database.operation("customer_settled"),
        customers: database.operation("customers"),
        replace_customer: database.operation("replace_customer"),
        delete_customer: database.operation("delete_customer"),
    })
}

struct Observed {
    store: Arc<dyn Store>,
    insert: Operation,
    get: Operation,
    get_without_history: Operation,
    get_settled: Operation,
    list: Operation,
    summarize: Operation,
    replace: Operation,
    credit: Operation,
    last_number: Operation,
    delete_draft: Operation,
    insert_in_order: Operation,
    creations: Operation,
    existing: Operation,
    ping: Operation,
    profile: Operation,
    profile_settled: Operation,
    put_profile: Operation,
    insert_customer: Operation,
    customer: Operation,
    customer_settled: Operation,
    customers: Operation,
    replace_customer: Operation,
    delete_customer: Operation,
}

#[async_trait]
impl InvoiceStore for Observed {
    async fn insert(
        &self,
        invoice: Invoice,
        request: Option<AppliedRequest>,
    ) -> Result<Insertion, StoreError> {
        self.insert.observe(self.store.insert(invoice, request)).await
    }

    async fn get(
        &self,
        organization: &OrganizationId,
        invoice: &InvoiceId,
    ) -> Result<StoredInvoice, StoreError> {
        self.get.observe(self.store.get(organization, invoice)).await
    }

    async fn get_without_history(
        &self,
        organization: &OrganizationId,
        invoice: &InvoiceId,
    ) -> Result<Invoice, StoreError> {
        let got = self.store.get_without_history(organization, invoice);
        self.get_without_history.observe(got).await
    }

    async fn get_settled(
        &self,
        organization: &OrganizationId,
        invoice: &InvoiceId,
    ) -> Result<StoredInvoice, StoreError> {
        let got = self.store.get_settled(organization, invoice);
        self.get_settled.observe(got).await
    }

    async fn list(&self, organization: &OrganizationId, query: ListQuery) -> Result<ListPage, StoreError> {
        self.list.observe(self.store.list(organization, query)).await
    }

    async fn summarize(
        &self,
        organization: &OrganizationId,
        filter: ListFilter,
        ages: DueAges,
    ) -> Result<Vec<Tally>, StoreError> {
        let summarized = self.store.summarize(organization, filter, ages);
        self.summarize.observe(summarized).await
    }

    async fn replace(&self, stored: StoredInvoice, expected: Version) -> Result<(), StoreError> {
        self.replace.observe(self.store.replace(stored, expected)).await
    }

    async fn credit(
        &self,
        stored: StoredInvoice,
        expected: Version,
        note: Invoice,
    ) -> Result<(), StoreError> {
        let credited = self.store.credit(stored, expected, note);
        self.credit.observe(credited).await
    }

    async fn last_number(
        &self,
        organization: &OrganizationId,
        series: &SeriesId,
    ) -> Result<Option<LastNumber>, StoreError> {
        let read = self.store.last_number(organization, series);
        self.last_number.observe(read).await
    }

    async fn delete_draft(
        &self,
        organization: &OrganizationId,
        invoice: &InvoiceId,
        expected: Option<Version>,
    ) -> Result<(), StoreError> {
        let deleted = self.store.delete_draft(organization, invoice, expected);
        self.delete_draft.observe(deleted).await
    }

    async fn insert_in_order(&self, invoices: Vec<(Invoice, AppliedRequest)>) -> Result<(), StoreError> {
        let inserted = self.store.insert_in_order(invoices);
        self.insert_in_order.observe(inserted).await
    }

    async fn creations(
        &self,
        organization: &OrganizationId,
        requests: &[RequestId],
    ) -> Result<Vec<Creation>, StoreError> {
        let read = self.store.creations(organization, requests);
        self.creations.observe(read).await
    }

    async fn existing(
        &self,
        organization: &OrganizationId,
        invoices: &[InvoiceId],
    ) -> Result<Vec<InvoiceId>, StoreError> {
        let read = self.store.existing(organization, invoices);
        self.existing.observe(read).await
    }

    /// Not measured: a watch is as long as its caller likes.
    async fn watch(
        &self,
        organization: &OrganizationId,
        after: Option<Place>,
    ) -> Result<ChangeWatch, WatchError> {
        self.store.watch(organization, after).await
    }

    async fn ping(&self) -> Result<(), StoreError> {
        self.ping.observe(self.store.ping()).await
    }

    async fn close(&self) {
        self.store.close().await;
    }
}

#[async_trait]
impl ProfileStore for Observed {
    async fn profile(&self, organization: &OrganizationId) -> Result<Option<StoredProfile>, StoreError> {
        self.profile.observe(self.store.profile(organization)).await
    }

    async fn profile_settled(
        &self,
        organization: &OrganizationId,
    ) -> Result<Option<StoredProfile>, StoreError> {
        let read = self.store.profile_settled(organization);
        self.profile_settled.observe(read).await
    }

    async fn put_profile(&self, stored: StoredProfile, expected: Version) -> Result<(), StoreError> {
        let put = self.store.put_profile(stored, expected);
        self.put_profile.observe(put).await
    }
}

#[async_trait]
impl CustomerStore for Observed {
    async fn insert_customer(
        &self,
        customer: Customer,
        request: Option<AppliedRequest>,
    ) -> Result<CustomerInsertion, StoreError> {
        let inserted = self.store.insert_customer(customer, request);
        self.insert_customer.observe(inserted).await
    }

    async fn customer(
        &self,
        organization: &OrganizationId,
        customer: &CustomerId,
    ) -> Result<StoredCustomer, StoreError> {
        let read = self.store.customer(organization, customer);
        self.customer.observe(read).await
    }

    async fn customer_settled(
        &self,
        organization: &OrganizationId,
        customer: &CustomerId,
    ) -> Result<StoredCustomer, StoreError> {
        let read = self.store.customer_settled(organization, customer);
        self.customer_settled.observe(read).await
    }

    async fn customers(
        &self,
        organization: &OrganizationId,
        query: CustomerQuery,
    ) -> Result<CustomerPage, StoreError> {
        let listed = self.store.customers(organization, query);
        self.customers.observe(listed).await
    }

    async fn replace_customer(&self, stored: StoredCustomer, expected: Version) -> Result<(), StoreError> {
        let replaced = self.store.replace_customer(stored, expected);
        self.replace_customer.observe(replaced).await
    }

    async fn delete_customer(
        &self,
        organization: &OrganizationId,
        customer: &CustomerId,
        expected: Option<Version>,
    ) -> Result<(), StoreError> {
        let deleted = self.store.delete_customer(organization, customer, expected);
        self.delete_customer.observe(deleted).await
    }
}

impl StoreErrorKind for StoreError {
    fn failure(&self) -> Option<StoreFailure> {
        match self {
            Self::NotFound | Self::VersionConflict { .. } | Self::NumberTaken | Self::NotDraft { .. } => None,
            Self::Overloaded => Some(StoreFailure::Overloaded),
            Self::Unavailable(_) => Some(StoreFailure::Unavailable),
            Self::Broken(_) => Some(StoreFailure::Broken),
        }
    }
}
