//! Where customers are kept.

use async_trait::async_trait;

use super::StoreError;
use super::document::Origin;
use crate::domain::customer::Customer;
use crate::domain::ids::{CustomerId, OrganizationId, Version};
use crate::idempotency::{AppliedRequest, AppliedRequests};
use crate::search::{Words, name_key};

/// Keeps the customers of every organization, one document each. The promises of [`InvoiceStore`](super::InvoiceStore)
/// hold here, too.
#[async_trait]
pub(crate) trait CustomerStore: Send + Sync + 'static {
    /// Adds a new customer. When `request` was used for a creation in the organization before, even of a customer that has
    /// been deleted since, nothing is added and the [`CustomerInsertion`] says what it was used for.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`], [`StoreError::Overloaded`], [`StoreError::Broken`].
    async fn insert_customer(
        &self,
        customer: Customer,
        request: Option<AppliedRequest>,
    ) -> Result<CustomerInsertion, StoreError>;

    /// One customer as it is now.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], also for a deleted one; the errors of [`CustomerStore::insert_customer`].
    async fn customer(
        &self,
        organization: &OrganizationId,
        customer: &CustomerId,
    ) -> Result<StoredCustomer, StoreError>;

    /// As [`CustomerStore::customer`], never behind. It may cost as much as a write.
    ///
    /// # Errors
    /// Those of [`CustomerStore::customer`].
    async fn customer_settled(
        &self,
        organization: &OrganizationId,
        customer: &CustomerId,
    ) -> Result<StoredCustomer, StoreError>;

    /// A page: at most `query.limit` customers in the order of the query, after its cursor, and fewer when they are large
    /// ([`PAGE_BYTES`](super::PAGE_BYTES)).
    ///
    /// # Errors
    /// The errors of [`CustomerStore::insert_customer`].
    async fn customers(
        &self,
        organization: &OrganizationId,
        query: CustomerQuery,
    ) -> Result<CustomerPage, StoreError>;

    /// Puts `stored` in the place of the version `expected` of the same customer.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when it is gone, [`StoreError::VersionConflict`] when it is at another version, in both
    /// cases with nothing changed; the errors of [`CustomerStore::insert_customer`].
    async fn replace_customer(&self, stored: StoredCustomer, expected: Version) -> Result<(), StoreError>;

    /// Deletes a customer, at `expected` when that is given. The request id that created it stays used.
    ///
    /// # Errors
    /// Those of [`CustomerStore::replace_customer`].
    async fn delete_customer(
        &self,
        organization: &OrganizationId,
        customer: &CustomerId,
        expected: Option<Version>,
    ) -> Result<(), StoreError>;
}

/// A customer and what else its document holds.
#[derive(Debug, Clone)]
pub(crate) struct StoredCustomer {
    /// The customer.
    pub(crate) customer: Customer,
    /// The request that created it.
    pub(crate) created_by_request: Option<AppliedRequest>,
    /// The requests that changed it.
    pub(crate) applied: AppliedRequests,
    /// The document that it was read from: what a newer release has added to it stays in the next version.
    pub(crate) origin: Origin,
}

/// What became of an insertion.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum CustomerInsertion {
    /// It is stored.
    Inserted(Box<Customer>),
    /// The same request was answered before; this is the customer it created, as it is now.
    Repeated(Box<Customer>),
    /// The same request was answered before, and the customer it created has been deleted since.
    RepeatedAfterDeletion,
    /// The request id was used before with other content.
    RequestIdReused,
}

/// Which page of which list.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct CustomerQuery {
    /// Each word is the beginning of a word of the customer.
    pub(crate) words: Words,
    /// In which order.
    pub(crate) order: CustomerOrder,
    /// Begin after this place; `None`: at the beginning.
    pub(crate) after: Option<CustomerCursor>,
    /// At most so many.
    pub(crate) limit: usize,
}

/// A page of a list.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct CustomerPage {
    /// The customers, in the order asked for.
    pub(crate) customers: Vec<Customer>,
    /// Whether another one comes after the last.
    pub(crate) more: bool,
}

/// In which order a list is. Ties are broken by id, in the same direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum CustomerOrder {
    /// By [`name_key`].
    NameAscending,
    /// Newest first.
    CreateTimeDescending,
}

/// The place of a customer in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CustomerCursor {
    /// The value of the order's key.
    pub(crate) key: super::CursorKey,
    /// The id, which breaks ties.
    pub(crate) id: CustomerId,
}

impl CustomerCursor {
    /// The place of `customer` in a list of this order.
    pub(crate) fn of(customer: &Customer, order: CustomerOrder) -> Self {
        let key = match order {
            CustomerOrder::NameAscending => {
                super::CursorKey::Text(name_key(customer.content.party.name.as_str()))
            }
            CustomerOrder::CreateTimeDescending => {
                super::CursorKey::Integer(customer.create_time.as_millisecond())
            }
        };
        Self {
            key,
            id: customer.id.clone(),
        }
    }
}
