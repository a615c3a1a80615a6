//! What can be done with invoices: load, decide in the domain, one store call.

mod change;
mod credit;
mod follow;
mod issue;
mod turns;
mod watch;

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use thiserror::Error;
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::domain::content::InvoiceContent;
use crate::domain::credit::CreditError;
use crate::domain::date::CalendarDate;
use crate::domain::history::{Deed, HistoryFull, Reason};
use crate::domain::ids::{Etag, InvoiceId, OrganizationId, PaymentId, SessionId, UserId, Version};
use crate::domain::invoice::{ContentError, Invoice, InvoiceIdentity, InvoiceKind, ReviseError};
use crate::domain::lifecycle::{IssueError, IssueProblem};
use crate::domain::payment::{NewPayment, PaymentError};
use crate::domain::state::{Action, Guard, StateError};
use crate::domain::summary::{CurrencySummary, DueAges, SumTooLarge, summarize};
use crate::idempotency::AppliedRequest;
use crate::profiles::Profiles;
use crate::store::{Insertion, ListFilter, ListPage, ListQuery, Store, StoreError};

pub(crate) use self::change::Target;
pub(crate) use self::follow::party_of;
pub(crate) use self::issue::Numbering;
use self::turns::Turns;
use self::watch::Watches;
pub(crate) use self::watch::{WatchEvent, WatchFailed, WatchItem, WatchPlace, WatchRefused, WatchStart};

/// Who asks: taken from the verified access token, never from a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Caller {
    /// The organization that the token speaks for.
    pub(crate) organization: OrganizationId,
    /// The user.
    pub(crate) user: UserId,
    /// The user's session.
    pub(crate) session: SessionId,
}

impl Caller {
    /// What the caller does by the rpc `action`.
    fn deed(&self, action: &'static str, request: Option<AppliedRequest>, reason: Reason) -> Deed {
        Deed {
            action,
            user: self.user.clone(),
            session: self.session.clone(),
            request_id: request.map(|request| request.id.to_string()),
            reason,
        }
    }
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
    /// What stands in the way of issuing it; never empty.
    #[error("the invoice cannot be issued for {} reasons", .0.len())]
    Issue(Vec<IssueProblem>),
    /// A payment is refused.
    #[error(transparent)]
    Payment(PaymentError),
    /// A credit note is refused.
    #[error(transparent)]
    Credit(CreditError),
    /// Its history has no room.
    #[error(transparent)]
    HistoryFull(#[from] HistoryFull),
    /// What invoices come to is too much.
    #[error(transparent)]
    Summary(#[from] SumTooLarge),
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

/// The use cases of invoices.
#[derive(Clone)]
pub(crate) struct Invoices {
    store: Arc<dyn Store>,
    profiles: Profiles,
    turns: Arc<Turns>,
    /// Places for work that holds a whole history in memory.
    histories: Arc<Semaphore>,
    watches: Watches,
}

/// So many histories are in memory at a time, of up to `History::MOST_BYTES` as stored and twice that as read; others
/// wait for their turn until their deadline.
const HISTORIES: usize = 32;

impl Invoices {
    /// The use cases on this store.
    pub(crate) fn new(store: Arc<dyn Store>) -> Self {
        Self {
            profiles: Profiles::new(Arc::clone(&store)),
            store,
            turns: Arc::default(),
            histories: Arc::new(Semaphore::new(HISTORIES)),
            watches: Watches::default(),
        }
    }

    /// The profiles that they depend on. What is changed through it holds for these invoices at once.
    pub(crate) const fn profiles(&self) -> &Profiles {
        &self.profiles
    }

    /// The day that it is in the organization, which decides what is overdue and what "today" means in a request.
    ///
    /// # Errors
    /// [`InvoiceError::Store`].
    pub(crate) async fn today(&self, organization: &OrganizationId) -> Result<CalendarDate, InvoiceError> {
        Ok(self.profiles.today(organization).await?)
    }

    /// A place for a history.
    async fn place_of_history(&self) -> Result<SemaphorePermit<'_>, StoreError> {
        // It is never closed.
        self.histories.acquire().await.map_err(|_| StoreError::Overloaded)
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
        let deed = caller.deed("CreateInvoice", request, Reason::default());
        self.insert(draft(caller, content)?.recorded(None, deed)?, request)
            .await
    }

    async fn insert(&self, draft: Invoice, request: Option<AppliedRequest>) -> Result<Outcome, InvoiceError> {
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

    /// Stores a draft with the content of another invoice, whatever its state: one read and one write, which is idempotent
    /// as that of [`Invoices::create`].
    ///
    /// # Errors
    /// [`InvoiceError::NotFound`] and those of [`Invoices::create`].
    pub(crate) async fn duplicate(
        &self,
        caller: &Caller,
        id: &InvoiceId,
        request: Option<AppliedRequest>,
    ) -> Result<Outcome, InvoiceError> {
        let original = self.get(caller, id).await?;
        let deed = caller.deed("DuplicateInvoice", request, Reason::default());
        let draft = draft(caller, original.content_of_duplicate())?;
        self.insert(draft.recorded(None, deed)?, request).await
    }

    /// What [`Invoices::create`] would store. Stores nothing.
    ///
    /// # Errors
    /// [`InvoiceError::Content`].
    pub(crate) fn preview(caller: &Caller, content: InvoiceContent) -> Result<Invoice, InvoiceError> {
        Ok(draft(caller, content)?)
    }

    /// One invoice, without its history.
    ///
    /// # Errors
    /// [`InvoiceError::NotFound`], [`InvoiceError::Store`].
    pub(crate) async fn get(&self, caller: &Caller, id: &InvoiceId) -> Result<Invoice, InvoiceError> {
        Ok(self.store.get_without_history(&caller.organization, id).await?)
    }

    /// One invoice with its history.
    ///
    /// # Errors
    /// [`InvoiceError::NotFound`], [`InvoiceError::Store`].
    pub(crate) async fn get_with_history(
        &self,
        caller: &Caller,
        id: &InvoiceId,
    ) -> Result<Invoice, InvoiceError> {
        let _place = self.place_of_history().await?;
        Ok(self.store.get(&caller.organization, id).await?.invoice)
    }

    /// A page of invoices.
    ///
    /// # Errors
    /// [`InvoiceError::Store`].
    pub(crate) async fn list(&self, caller: &Caller, query: ListQuery) -> Result<ListPage, InvoiceError> {
        Ok(self.store.list(&caller.organization, query).await?)
    }

    /// What the invoices that `filter` names come to; `today` decides what is overdue, and since when.
    ///
    /// # Errors
    /// [`InvoiceError::Summary`], [`InvoiceError::Store`].
    pub(crate) async fn summarize(
        &self,
        caller: &Caller,
        filter: ListFilter,
        today: CalendarDate,
    ) -> Result<BTreeMap<&'static str, CurrencySummary>, InvoiceError> {
        let tallies = self
            .store
            .summarize(&caller.organization, filter, DueAges::on(today));
        Ok(summarize(tallies.await?)?)
    }

    /// Replaces the content of a draft by what `patch` makes of it: one read and one conditional write. When somebody
    /// else writes in between and the caller gave no etag, it reads and decides again.
    ///
    /// # Errors
    /// [`InvoiceError::NotFound`], [`InvoiceError::EtagMismatch`], [`InvoiceError::State`], [`InvoiceError::Patch`],
    /// [`InvoiceError::Content`], [`InvoiceError::HistoryFull`], [`InvoiceError::RequestIdReused`],
    /// [`InvoiceError::Store`]; nothing has changed then,
    /// except that after [`StoreError::Unavailable`] it may have.
    pub(crate) async fn update<P>(
        &self,
        caller: &Caller,
        target: Target<'_>,
        patch: impl Fn(&Invoice) -> Result<InvoiceContent, P> + Send + Sync,
    ) -> Result<Outcome, InvoiceError<P>> {
        let action = Action::UpdateInvoice;
        self.change(caller, target, action, Reason::default(), |invoice| {
            // Before the patch, which makes sense for a draft only.
            invoice.permit(action)?;
            let content = patch(invoice).map_err(InvoiceError::Patch)?;
            Ok(invoice.revise(content, Timestamp::now())?)
        })
        .await
    }

    /// Annuls an invoice: one read and one conditional write, as [`Invoices::update`].
    ///
    /// # Errors
    /// Those of [`Invoices::update`].
    pub(crate) async fn void(
        &self,
        caller: &Caller,
        target: Target<'_>,
        reason: Reason,
    ) -> Result<Outcome, InvoiceError> {
        self.change(caller, target, Action::VoidInvoice, reason, |invoice| {
            Ok(invoice.void(Timestamp::now())?)
        })
        .await
    }

    /// Records a payment: one read and one conditional write, as [`Invoices::update`].
    ///
    /// # Errors
    /// Those of [`Invoices::update`], and [`InvoiceError::Payment`].
    pub(crate) async fn record_payment(
        &self,
        caller: &Caller,
        target: Target<'_>,
        payment: &NewPayment,
    ) -> Result<Outcome, InvoiceError> {
        let action = Action::RecordPayment;
        self.change(caller, target, action, Reason::default(), |invoice| {
            Ok(invoice.pay(payment.clone(), Timestamp::now())?)
        })
        .await
    }

    /// Takes a payment back: one read and one conditional write, as [`Invoices::update`].
    ///
    /// # Errors
    /// Those of [`Invoices::update`], and [`InvoiceError::Payment`].
    pub(crate) async fn reverse_payment(
        &self,
        caller: &Caller,
        target: Target<'_>,
        payment: &PaymentId,
        reason: Reason,
    ) -> Result<Outcome, InvoiceError> {
        self.change(caller, target, Action::ReversePayment, reason, |invoice| {
            Ok(invoice.reverse(payment, Timestamp::now())?)
        })
        .await
    }

    /// Gives up on an invoice: one read and one conditional write, as [`Invoices::update`].
    ///
    /// # Errors
    /// Those of [`Invoices::update`].
    pub(crate) async fn mark_uncollectible(
        &self,
        caller: &Caller,
        target: Target<'_>,
        reason: Reason,
    ) -> Result<Outcome, InvoiceError> {
        let action = Action::MarkInvoiceUncollectible;
        self.change(caller, target, action, reason, |invoice| {
            Ok(invoice.mark_uncollectible(Timestamp::now())?)
        })
        .await
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

impl<P> From<ReviseError> for InvoiceError<P> {
    fn from(error: ReviseError) -> Self {
        match error {
            ReviseError::State(error) => Self::State(error),
            ReviseError::Content(error) => Self::Content(error),
        }
    }
}

impl<P> From<PaymentError> for InvoiceError<P> {
    fn from(error: PaymentError) -> Self {
        match error {
            PaymentError::State(error) => Self::State(error),
            PaymentError::Amount(_)
            | PaymentError::TooMany
            | PaymentError::NotFound
            | PaymentError::AlreadyReversed => Self::Payment(error),
        }
    }
}

impl<P> From<IssueError> for InvoiceError<P> {
    fn from(error: IssueError) -> Self {
        match error {
            IssueError::State(error) => Self::State(error),
            IssueError::Content(error) => Self::Content(error),
            IssueError::Problems(problems) => Self::Issue(problems),
        }
    }
}

impl<P> From<StoreError> for InvoiceError<P> {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::NotFound => Self::NotFound,
            StoreError::VersionConflict { .. } => Self::EtagMismatch,
            StoreError::NotDraft { state, kind } => Self::State(StateError {
                state,
                action: Action::DeleteInvoice,
                guard: (kind == InvoiceKind::CreditNote).then_some(Guard::CreditNote),
            }),
            StoreError::NumberTaken
            | StoreError::Overloaded
            | StoreError::Unavailable(_)
            | StoreError::Broken(_) => Self::Store(error),
        }
    }
}

#[cfg(test)]
mod tests;
