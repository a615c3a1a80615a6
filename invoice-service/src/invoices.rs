//! What can be done with invoices: load, decide in the domain, one store call.

use std::sync::Arc;

use jiff::Timestamp;
use thiserror::Error;

use crate::domain::content::InvoiceContent;
use crate::domain::ids::{Etag, InvoiceId, OrganizationId, UserId, Version};
use crate::domain::invoice::{ContentError, Invoice, InvoiceIdentity, ReviseError};
use crate::domain::state::{Action, StateError};
use crate::idempotency::{AppliedRequest, Earlier};
use crate::store::{Insertion, InvoiceStore, ListPage, ListQuery, StoreError, StoredInvoice};

/// Who asks: taken from the verified access token, never from a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Caller {
    /// The organization that the token speaks for.
    pub(crate) organization: OrganizationId,
    /// The user.
    pub(crate) user: UserId,
}

/// An answer to a mutation.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Outcome {
    /// The invoice as it is now.
    pub(crate) invoice: Invoice,
    /// The request had been applied before; nothing has changed now.
    pub(crate) replayed: bool,
}

/// Why an invoice was not changed or shown. `P` is why the caller's change could not be made out.
#[derive(Debug, Error)]
pub(crate) enum InvoiceError<P = std::convert::Infallible> {
    /// No such invoice in the caller's organization.
    #[error("no such invoice")]
    NotFound,
    /// It has changed since the caller read it.
    #[error("the etag is stale")]
    EtagMismatch,
    /// Its state does not permit this.
    #[error(transparent)]
    State(#[from] StateError),
    /// What it would become is refused.
    #[error(transparent)]
    Content(#[from] ContentError),
    /// The request id was used for something else.
    #[error("the request id was used before with other content")]
    RequestIdReused,
    /// The change does not fit the invoice as it is.
    #[error("the change is invalid")]
    Patch(P),
    /// The store failed.
    #[error(transparent)]
    Store(StoreError),
}

/// No invoice has this version: they begin at 1.
const NEVER: Version = Version::new(0);

/// How often a change without etag is decided again when other writers were faster. With an etag it is not: the
/// caller must see the other change first.
const ATTEMPTS: usize = 64;

/// The use cases of invoices.
#[derive(Clone)]
pub(crate) struct Invoices {
    store: Arc<dyn InvoiceStore>,
}

impl Invoices {
    /// The use cases on this store.
    pub(crate) fn new(store: Arc<dyn InvoiceStore>) -> Self {
        Self { store }
    }

    /// Makes a draft and stores it. Atomic and, under a request id, idempotent: one store write.
    ///
    /// # Errors
    /// [`InvoiceError::Content`], [`InvoiceError::RequestIdReused`], [`InvoiceError::Store`], and
    /// [`InvoiceError::NotFound`] when the request made a draft before that has been deleted since.
    pub(crate) async fn create(
        &self,
        caller: &Caller,
        content: InvoiceContent,
        request: Option<AppliedRequest>,
    ) -> Result<Outcome, InvoiceError> {
        let draft = draft(caller, content)?;
        match self.store.insert(draft, request).await? {
            Insertion::Inserted(invoice) => Ok(Outcome {
                invoice: *invoice,
                replayed: false,
            }),
            Insertion::Repeated(invoice) => Ok(Outcome {
                invoice: *invoice,
                replayed: true,
            }),
            Insertion::RepeatedAfterDeletion(_) => Err(InvoiceError::NotFound),
            Insertion::RequestIdReused => Err(InvoiceError::RequestIdReused),
        }
    }

    /// What [`Invoices::create`] would store. Stores nothing.
    ///
    /// # Errors
    /// [`InvoiceError::Content`].
    pub(crate) fn preview(caller: &Caller, content: InvoiceContent) -> Result<Invoice, InvoiceError> {
        Ok(draft(caller, content)?)
    }

    /// One invoice.
    ///
    /// # Errors
    /// [`InvoiceError::NotFound`], [`InvoiceError::Store`].
    pub(crate) async fn get(&self, caller: &Caller, id: &InvoiceId) -> Result<Invoice, InvoiceError> {
        Ok(self.store.get(&caller.organization, id).await?.invoice)
    }

    /// A page of invoices.
    ///
    /// # Errors
    /// [`InvoiceError::Store`].
    pub(crate) async fn list(&self, caller: &Caller, query: ListQuery) -> Result<ListPage, InvoiceError> {
        Ok(self.store.list(&caller.organization, query).await?)
    }

    /// Replaces the content of a draft by what `patch` makes of it: one read and one conditional write. When somebody
    /// else writes in between and the caller gave no etag, it reads and decides again.
    ///
    /// # Errors
    /// [`InvoiceError::NotFound`], [`InvoiceError::EtagMismatch`], [`InvoiceError::State`], [`InvoiceError::Patch`],
    /// [`InvoiceError::Content`], [`InvoiceError::RequestIdReused`], [`InvoiceError::Store`]; nothing has changed then,
    /// except that after [`StoreError::Unavailable`] it may have.
    pub(crate) async fn update<P>(
        &self,
        caller: &Caller,
        id: &InvoiceId,
        etag: Option<&Etag>,
        patch: impl Fn(&Invoice) -> Result<InvoiceContent, P> + Send,
        request: Option<AppliedRequest>,
    ) -> Result<Outcome, InvoiceError<P>> {
        for _ in 0..ATTEMPTS {
            let stored = self.current(caller, id, etag).await?;
            // Before the etag: the repetition of a call that succeeded carries the etag from before it.
            match earlier(&stored, request.as_ref()) {
                Earlier::Unused => {}
                Earlier::Repeated => {
                    return Ok(Outcome {
                        invoice: stored.invoice,
                        replayed: true,
                    });
                }
                Earlier::Reused => return Err(InvoiceError::RequestIdReused),
            }
            if etag.is_some_and(|etag| *etag != stored.invoice.etag()) {
                return Err(InvoiceError::EtagMismatch);
            }
            stored.invoice.state.permit(Action::UpdateInvoice)?;
            let content = patch(&stored.invoice).map_err(InvoiceError::Patch)?;
            let expected = stored.invoice.version;
            let revised = revised(stored, content, request)?;
            let invoice = revised.invoice.clone();
            match self.store.replace(revised, expected).await {
                Ok(()) => {
                    return Ok(Outcome {
                        invoice,
                        replayed: false,
                    });
                }
                Err(StoreError::VersionConflict { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(InvoiceError::EtagMismatch)
    }

    /// The invoice as it is. When `etag` is not its own, it is read again and settled: an etag must not be refused because
    /// the store is behind.
    async fn current(
        &self,
        caller: &Caller,
        id: &InvoiceId,
        etag: Option<&Etag>,
    ) -> Result<StoredInvoice, StoreError> {
        let stored = self.store.get(&caller.organization, id).await?;
        if etag.is_none_or(|etag| *etag == stored.invoice.etag()) {
            return Ok(stored);
        }
        self.store.get_settled(&caller.organization, id).await
    }

    /// Deletes a draft: one conditional store write.
    ///
    /// # Errors
    /// [`InvoiceError::NotFound`], [`InvoiceError::EtagMismatch`], [`InvoiceError::State`], [`InvoiceError::Store`].
    pub(crate) async fn delete(
        &self,
        caller: &Caller,
        id: &InvoiceId,
        etag: Option<&Etag>,
    ) -> Result<(), InvoiceError> {
        // An etag of another shape than ours was never current, but whether the invoice exists must be said first.
        let expected = etag.map(|etag| etag.version().unwrap_or(NEVER));
        Ok(self
            .store
            .delete_draft(&caller.organization, id, expected)
            .await?)
    }
}

fn draft(caller: &Caller, content: InvoiceContent) -> Result<Invoice, ContentError> {
    let identity = InvoiceIdentity {
        id: InvoiceId::generate(),
        organization_id: caller.organization.clone(),
        created_by: caller.user.clone(),
    };
    Invoice::draft(content, identity, Timestamp::now())
}

/// What the request was used for on this invoice, its creation included.
fn earlier(stored: &StoredInvoice, request: Option<&AppliedRequest>) -> Earlier {
    let Some(request) = request else {
        return Earlier::Unused;
    };
    match &stored.created_by_request {
        Some(creation) if creation.id == request.id => Earlier::Reused,
        Some(_) | None => stored.applied.earlier(request),
    }
}

fn revised<P>(
    stored: StoredInvoice,
    content: InvoiceContent,
    request: Option<AppliedRequest>,
) -> Result<StoredInvoice, InvoiceError<P>> {
    let invoice = stored
        .invoice
        .revise(content, Timestamp::now())
        .map_err(|error| match error {
            ReviseError::State(error) => InvoiceError::State(error),
            ReviseError::Content(error) => InvoiceError::Content(error),
        })?;
    let mut applied = stored.applied;
    if let Some(request) = request {
        applied.remember(request);
    }
    Ok(StoredInvoice {
        invoice,
        created_by_request: stored.created_by_request,
        applied,
        origin: stored.origin,
    })
}

impl<P> From<StoreError> for InvoiceError<P> {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::NotFound => Self::NotFound,
            StoreError::VersionConflict { .. } => Self::EtagMismatch,
            StoreError::NotDraft { state } => Self::State(StateError {
                state,
                action: Action::DeleteInvoice,
            }),
            StoreError::Overloaded | StoreError::Unavailable(_) | StoreError::Broken(_) => Self::Store(error),
        }
    }
}

#[cfg(test)]
mod tests;
