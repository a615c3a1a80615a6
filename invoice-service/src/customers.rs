//! What can be done with customers.

use std::sync::Arc;

use jiff::Timestamp;
use thiserror::Error;

use crate::domain::customer::{Customer, CustomerContent};
use crate::domain::ids::{CustomerId, Etag, OrganizationId, Version};
use crate::idempotency::{AppliedRequest, Earlier};
use crate::invoices::{Caller, InvoiceError, Invoices};
use crate::store::{CustomerInsertion, CustomerPage, CustomerQuery, Store, StoreError, StoredCustomer};

/// How often an update without etag is decided again when other writers were faster.
const ATTEMPTS: u32 = 64;
/// No customer has this version: they begin at 1.
const NEVER: Version = Version::new(0);

/// Why a customer was not changed or shown. `P` is why the caller's change could not be made out.
#[derive(Debug, Error)]
pub(crate) enum CustomerError<P = std::convert::Infallible> {
    /// No such customer in the caller's organization.
    #[error("no such customer")]
    NotFound,
    /// It has changed since the caller read it.
    #[error("the etag is stale")]
    EtagMismatch,
    /// The request id was used for something else.
    #[error("the request id was used before with other content")]
    RequestIdReused,
    /// The change does not fit.
    #[error("the change is invalid")]
    Patch(P),
    /// The store failed.
    #[error(transparent)]
    Store(StoreError),
}

/// A customer, and whether the request had been applied before.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct CustomerOutcome {
    /// The customer as it is now.
    pub(crate) customer: Customer,
    /// Nothing has changed now.
    pub(crate) replayed: bool,
}

/// The use cases of customers.
#[derive(Clone)]
pub(crate) struct Customers {
    store: Arc<dyn Store>,
    invoices: Invoices,
}

impl Customers {
    /// The use cases on this store, whose drafts `invoices` changes.
    pub(crate) fn new(store: Arc<dyn Store>, invoices: Invoices) -> Self {
        Self { store, invoices }
    }

    /// Stores a customer: one store write.
    ///
    /// # Errors
    /// [`CustomerError::RequestIdReused`], [`CustomerError::Store`], and [`CustomerError::NotFound`] when the request made
    /// a customer before that has been deleted since.
    pub(crate) async fn create(
        &self,
        organization: &OrganizationId,
        content: CustomerContent,
        request: Option<AppliedRequest>,
    ) -> Result<CustomerOutcome, CustomerError> {
        let customer = Customer::new(organization.clone(), content, Timestamp::now());
        match self.store.insert_customer(customer, request).await? {
            CustomerInsertion::Inserted(customer) => Ok(CustomerOutcome {
                customer: *customer,
                replayed: false,
            }),
            CustomerInsertion::Repeated(customer) => Ok(CustomerOutcome {
                customer: *customer,
                replayed: true,
            }),
            CustomerInsertion::RepeatedAfterDeletion => Err(CustomerError::NotFound),
            CustomerInsertion::RequestIdReused => Err(CustomerError::RequestIdReused),
        }
    }

    /// One customer.
    ///
    /// # Errors
    /// [`CustomerError::NotFound`], [`CustomerError::Store`].
    pub(crate) async fn get(
        &self,
        organization: &OrganizationId,
        id: &CustomerId,
    ) -> Result<Customer, CustomerError> {
        Ok(self.store.customer(organization, id).await?.customer)
    }

    /// A page of customers.
    ///
    /// # Errors
    /// [`CustomerError::Store`].
    pub(crate) async fn list(
        &self,
        organization: &OrganizationId,
        query: CustomerQuery,
    ) -> Result<CustomerPage, CustomerError> {
        Ok(self.store.customers(organization, query).await?)
    }

    /// Replaces the content of a customer by what `patch` makes of it: one read and one conditional write. Then the drafts
    /// that took their buyer from it follow, each by a change of its own; a repetition goes on with those that have not.
    ///
    /// # Errors
    /// [`CustomerError`]; nothing has changed then, except that after [`CustomerError::Store`] some of it may have.
    pub(crate) async fn update<P>(
        &self,
        caller: &Caller,
        id: &CustomerId,
        etag: Option<&Etag>,
        request: Option<AppliedRequest>,
        patch: impl Fn(&Customer) -> Result<CustomerContent, P> + Send + Sync,
    ) -> Result<CustomerOutcome, CustomerError<P>> {
        let outcome = self
            .replace(&caller.organization, id, etag, request, patch)
            .await?;
        match self.invoices.follow(caller, &outcome.customer).await {
            Err(InvoiceError::Store(error)) => Err(CustomerError::Store(error)),
            // What else can be refused concerns one draft, which then keeps the party that it has.
            Ok(()) | Err(_) => Ok(outcome),
        }
    }

    async fn replace<P>(
        &self,
        organization: &OrganizationId,
        id: &CustomerId,
        etag: Option<&Etag>,
        request: Option<AppliedRequest>,
        patch: impl Fn(&Customer) -> Result<CustomerContent, P> + Send + Sync,
    ) -> Result<CustomerOutcome, CustomerError<P>> {
        for _ in 0..ATTEMPTS {
            let stored = self.current(organization, id, etag).await?;
            match earlier(&stored, request.as_ref()) {
                Earlier::Unused => {}
                Earlier::Repeated => {
                    return Ok(CustomerOutcome {
                        customer: stored.customer,
                        replayed: true,
                    });
                }
                Earlier::Reused => return Err(CustomerError::RequestIdReused),
            }
            if etag.is_some_and(|etag| *etag != stored.customer.etag()) {
                return Err(CustomerError::EtagMismatch);
            }
            let content = patch(&stored.customer).map_err(CustomerError::Patch)?;
            let expected = stored.customer.version;
            let mut next = stored;
            next.customer = next.customer.revise(content, Timestamp::now());
            if let Some(request) = request {
                next.applied.remember(request);
            }
            let customer = next.customer.clone();
            match self.store.replace_customer(next, expected).await {
                Ok(()) => {
                    return Ok(CustomerOutcome {
                        customer,
                        replayed: false,
                    });
                }
                Err(StoreError::VersionConflict { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(CustomerError::EtagMismatch)
    }

    /// The customer as it is. When the etag is not its own, it is read again and settled: an etag must not be refused
    /// because the store is behind.
    async fn current(
        &self,
        organization: &OrganizationId,
        id: &CustomerId,
        etag: Option<&Etag>,
    ) -> Result<StoredCustomer, StoreError> {
        let stored = self.store.customer(organization, id).await?;
        if etag.is_none_or(|etag| *etag == stored.customer.etag()) {
            return Ok(stored);
        }
        self.store.customer_settled(organization, id).await
    }

    /// Deletes a customer: one conditional store write. Invoices and drafts keep the party that they have.
    ///
    /// # Errors
    /// [`CustomerError::NotFound`], [`CustomerError::EtagMismatch`], [`CustomerError::Store`].
    pub(crate) async fn delete(
        &self,
        organization: &OrganizationId,
        id: &CustomerId,
        etag: Option<&Etag>,
    ) -> Result<(), CustomerError> {
        // An etag of another shape than ours was never current, but whether the customer exists must be said first.
        let expected = etag.map(|etag| etag.version().unwrap_or(NEVER));
        Ok(self.store.delete_customer(organization, id, expected).await?)
    }
}

/// What the request was used for on this customer, its creation included.
fn earlier(stored: &StoredCustomer, request: Option<&AppliedRequest>) -> Earlier {
    let Some(request) = request else {
        return Earlier::Unused;
    };
    match &stored.created_by_request {
        Some(creation) if creation.id == request.id => Earlier::Reused,
        Some(_) | None => stored.applied.earlier(request),
    }
}

impl<P> From<StoreError> for CustomerError<P> {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::NotFound => Self::NotFound,
            StoreError::VersionConflict { .. } => Self::EtagMismatch,
            StoreError::NumberTaken
            | StoreError::NotDraft { .. }
            | StoreError::Overloaded
            | StoreError::Unavailable(_)
            | StoreError::Broken(_) => Self::Store(error),
        }
    }
}
