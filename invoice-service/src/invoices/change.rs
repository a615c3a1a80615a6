//! A change of one invoice that is there: read it, decide, write it if nobody else has.

use super::{Caller, InvoiceError, Invoices, Outcome};
use crate::domain::history::{Deed, Reason};
use crate::domain::ids::{Etag, InvoiceId};
use crate::domain::invoice::Invoice;
use crate::domain::state::Action;
use crate::idempotency::{AppliedRequest, Earlier};
use crate::store::{StoreError, StoredInvoice};

/// How often a change without etag is decided again when other writers were faster. With an etag it is not: the
/// caller must see the other change first.
pub(super) const ATTEMPTS: u32 = 64;

/// Which invoice a caller wants to change, and in which call.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Target<'a> {
    /// The invoice.
    pub(crate) id: &'a InvoiceId,
    /// The version that the caller has seen; none: whichever there is.
    pub(crate) etag: Option<&'a Etag>,
    /// The call; none when it is not to be remembered.
    pub(crate) request: Option<AppliedRequest>,
}

/// What a target turned out to be.
pub(super) enum Found {
    /// To be changed.
    Current(Box<StoredInvoice>),
    /// The call had been applied before.
    Replayed(Box<Outcome>),
}

impl Invoices {
    /// Replaces an invoice by what `decide` makes of it, and records who did that by `action` and why.
    pub(super) async fn change<P>(
        &self,
        caller: &Caller,
        target: Target<'_>,
        action: Action,
        reason: Reason,
        decide: impl Fn(&Invoice) -> Result<Invoice, InvoiceError<P>> + Send,
    ) -> Result<Outcome, InvoiceError<P>> {
        let deed = caller.deed(action.name(), target.request, reason);
        let _place = self.place_of_history().await?;
        for _ in 0..ATTEMPTS {
            let stored = match self.found(caller, target).await? {
                Found::Current(stored) => stored,
                Found::Replayed(outcome) => return Ok(*outcome),
            };
            let changed = decide(&stored.invoice)?;
            if let Some(outcome) = self.put(*stored, changed, deed.clone(), target.request).await? {
                return Ok(outcome);
            }
        }
        Err(InvoiceError::EtagMismatch)
    }

    /// The invoice as it is now, once request id and etag are judged: one store read.
    pub(super) async fn found<P>(
        &self,
        caller: &Caller,
        target: Target<'_>,
    ) -> Result<Found, InvoiceError<P>> {
        let stored = self.current(caller, target).await?;
        // Before the etag: the repetition of a call that succeeded carries the etag from before it.
        match earlier(&stored, target.request.as_ref()) {
            Earlier::Unused => {}
            Earlier::Repeated => {
                return Ok(Found::Replayed(Box::new(Outcome {
                    invoice: stored.invoice,
                    replayed: true,
                })));
            }
            Earlier::Reused => return Err(InvoiceError::RequestIdReused),
        }
        if target.etag.is_some_and(|etag| *etag != stored.invoice.etag()) {
            return Err(InvoiceError::EtagMismatch);
        }
        Ok(Found::Current(Box::new(stored)))
    }

    /// The invoice as it is. When the etag is not its own, it is read again and settled: an etag must not be refused because
    /// the store is behind.
    async fn current(&self, caller: &Caller, target: Target<'_>) -> Result<StoredInvoice, StoreError> {
        let stored = self.store.get(&caller.organization, target.id).await?;
        if target.etag.is_none_or(|etag| *etag == stored.invoice.etag()) {
            return Ok(stored);
        }
        self.store.get_settled(&caller.organization, target.id).await
    }

    /// Puts `changed` in the place of `stored`: one conditional store write of everything, the history entry and the
    /// request id included. `None` when somebody else wrote first or has the number: nothing has changed then.
    pub(super) async fn put<P>(
        &self,
        stored: StoredInvoice,
        changed: Invoice,
        deed: Deed,
        request: Option<AppliedRequest>,
    ) -> Result<Option<Outcome>, InvoiceError<P>> {
        let invoice = changed.recorded(Some(&stored.invoice), deed)?;
        let mut applied = stored.applied;
        if let Some(request) = request {
            applied.remember(request);
        }
        let replacement = StoredInvoice {
            invoice: invoice.clone(),
            created_by_request: stored.created_by_request,
            applied,
            origin: stored.origin,
        };
        match self.store.replace(replacement, stored.invoice.version).await {
            Ok(()) => Ok(Some(Outcome {
                invoice,
                replayed: false,
            })),
            Err(StoreError::VersionConflict { .. } | StoreError::NumberTaken) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
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
