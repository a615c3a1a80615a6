//! Where invoices are kept. [`InvoiceStore`] is the port; the modules below are its adapters, and [`contract`] is the
//! suite that each of them passes.

use std::sync::Arc;

use async_trait::async_trait;
use store_url::{OpenError, StoreUrl};
use thiserror::Error;

use crate::domain::date::CalendarDate;
use crate::domain::ids::{CustomerId, InvoiceId, OrganizationId, Version};
use crate::domain::invoice::{Invoice, InvoiceKind, SeriesId};
use crate::domain::money::Currency;
use crate::domain::number::LastNumber;
use crate::domain::state::State;
use crate::domain::summary::{DueAges, Tally};
use crate::idempotency::{AppliedRequest, AppliedRequests, RequestId};
use crate::search::Words;

mod contents;
#[cfg(test)]
pub(crate) mod contract;
mod customer;
mod document;
mod feed;
mod indexed;
mod mongodb;
mod observed;
mod profile;
mod sqlite;

pub use contents::contents;
pub(crate) use customer::{
    CustomerCursor, CustomerInsertion, CustomerOrder, CustomerPage, CustomerQuery, CustomerStore,
    StoredCustomer,
};
use document::Origin;
pub(crate) use feed::{Change, ChangeKind, ChangeWatch, Place, WatchEnded, WatchError};
use mongodb::MongoInvoiceStore;
pub(crate) use observed::observed;
pub(crate) use profile::{ProfileStore, StoredProfile};
pub(crate) use sqlite::SqliteInvoiceStore;

/// Opens the store that a URL names. SQLite blocks for the moment it takes.
///
/// # Errors
/// A sentence for the operator.
pub(crate) async fn open(url: &StoreUrl) -> Result<Arc<dyn Store>, OpenError> {
    Ok(match url {
        StoreUrl::Sqlite(location) => Arc::new(SqliteInvoiceStore::open(location)?),
        StoreUrl::MongoDb(location) => Arc::new(MongoInvoiceStore::open(location).await?),
    })
}

/// Opens the store that a URL names, beside a service that has it open: for reads. May block.
///
/// # Errors
/// A sentence for the operator; also when the store is not there.
pub(crate) async fn open_beside(url: &StoreUrl) -> Result<Arc<dyn Store>, OpenError> {
    Ok(match url {
        StoreUrl::Sqlite(location) => Arc::new(SqliteInvoiceStore::open_beside(location)?),
        StoreUrl::MongoDb(location) => Arc::new(MongoInvoiceStore::open(location).await?),
    })
}

/// Everything that this service keeps, in one database.
pub(crate) trait Store: InvoiceStore + ProfileStore + CustomerStore {}

impl<S: InvoiceStore + ProfileStore + CustomerStore> Store for S {}

/// Keeps the invoices of every organization.
///
/// One invoice is one document. Every mutation but [`InvoiceStore::credit`] is one atomic conditional write of one document
/// and one round trip, so that any store that has those can stand behind this trait, sharded by organization too. Every method takes the
/// organization, and nothing of another organization can be read, changed or detected through it.
///
/// A write that fails with [`StoreError::Unavailable`] may or may not have happened; repeating it under the same
/// request id is safe. Dropping a method's future does not undo a write that was under way.
#[async_trait]
pub(crate) trait InvoiceStore: Send + Sync + 'static {
    /// Adds a new invoice. When `request` was used for a creation in the organization before, even of an invoice that
    /// has been deleted since, nothing is added and the [`Insertion`] says what it was used for.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`], [`StoreError::Overloaded`], [`StoreError::Broken`].
    async fn insert(
        &self,
        invoice: Invoice,
        request: Option<AppliedRequest>,
    ) -> Result<Insertion, StoreError>;

    /// One invoice as it is now. A read that starts after a write was answered sees that write, except that a store of
    /// several servers may be behind for a moment when another one has taken over.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], also for a deleted one; the errors of [`InvoiceStore::insert`].
    async fn get(
        &self,
        organization: &OrganizationId,
        invoice: &InvoiceId,
    ) -> Result<StoredInvoice, StoreError>;

    /// As [`InvoiceStore::get`], with an empty history: that of an invoice may be many times as large as the invoice, so
    /// who only shows the invoice does not read it.
    ///
    /// # Errors
    /// Those of [`InvoiceStore::get`].
    async fn get_without_history(
        &self,
        organization: &OrganizationId,
        invoice: &InvoiceId,
    ) -> Result<Invoice, StoreError>;

    /// As [`InvoiceStore::get`], never behind. It may cost as much as a write.
    ///
    /// # Errors
    /// Those of [`InvoiceStore::get`].
    async fn get_settled(
        &self,
        organization: &OrganizationId,
        invoice: &InvoiceId,
    ) -> Result<StoredInvoice, StoreError>;

    /// A page: at most `query.limit` invoices in the order of the query, after its cursor, and fewer when they are large
    /// ([`PAGE_BYTES`]). Their histories are left out. The cost depends on the page and on what the filter skips, not on the collection.
    ///
    /// # Errors
    /// The errors of [`InvoiceStore::insert`].
    async fn list(&self, organization: &OrganizationId, query: ListQuery) -> Result<ListPage, StoreError>;

    /// Counts and sums the invoices that `filter` names, as they are at one moment, in groups that agree in currency, kind,
    /// state and age; in no promised order. The cost depends on the organization's invoices, not on the collection: their
    /// documents are not read.
    ///
    /// # Errors
    /// The errors of [`InvoiceStore::insert`].
    async fn summarize(
        &self,
        organization: &OrganizationId,
        filter: ListFilter,
        ages: DueAges,
    ) -> Result<Vec<Tally>, StoreError>;

    /// Puts `stored` in the place of the version `expected` of the same invoice. Of two invoices of an organization only
    /// one can have a place in a series, whichever processes write them.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when it is gone, [`StoreError::VersionConflict`] when it is at another version,
    /// [`StoreError::NumberTaken`] when another invoice has its number or its place in the series, in all cases with nothing
    /// changed;
    /// the errors of [`InvoiceStore::insert`].
    async fn replace(&self, stored: StoredInvoice, expected: Version) -> Result<(), StoreError>;

    /// Puts `stored` in the place of the version `expected` of the same invoice, and adds `note`, a new document of the same
    /// organization: both or neither, whoever fails at whatever point. The one write that is of two documents.
    ///
    /// # Errors
    /// Those of [`InvoiceStore::replace`], with [`StoreError::NumberTaken`] for the place of `note` in its series.
    async fn credit(&self, stored: StoredInvoice, expected: Version, note: Invoice)
    -> Result<(), StoreError>;

    /// The last number of a series: the highest count of the latest period. Cost: one entry of an index.
    ///
    /// # Errors
    /// The errors of [`InvoiceStore::insert`].
    async fn last_number(
        &self,
        organization: &OrganizationId,
        series: &SeriesId,
    ) -> Result<Option<LastNumber>, StoreError>;

    /// Deletes an invoice that is a draft, at `expected` when that is given. The request id that created it stays used.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], [`StoreError::VersionConflict`], [`StoreError::NotDraft`], with nothing changed; the
    /// errors of [`InvoiceStore::insert`].
    async fn delete_draft(
        &self,
        organization: &OrganizationId,
        invoice: &InvoiceId,
        expected: Option<Version>,
    ) -> Result<(), StoreError>;

    /// Adds new invoices of one organization, each under the request that made it, in this order: when it fails, or the
    /// process or the store ends in between, some from the beginning may be there, and none after one that is not. So
    /// numbers that are given in this order have no gap, whatever happens.
    ///
    /// # Errors
    /// [`StoreError::NumberTaken`] when another invoice has a place in the series or was made by a request of these; the
    /// errors of [`InvoiceStore::insert`]. Of what was stored before, [`InvoiceStore::creations`] tells.
    async fn insert_in_order(&self, invoices: Vec<(Invoice, AppliedRequest)>) -> Result<(), StoreError>;

    /// What these request ids have created in the organization, deleted or not; in no order, without those that created
    /// nothing. Not behind once [`InvoiceStore::insert_in_order`] has been answered.
    ///
    /// # Errors
    /// The errors of [`InvoiceStore::insert`].
    async fn creations(
        &self,
        organization: &OrganizationId,
        requests: &[RequestId],
    ) -> Result<Vec<Creation>, StoreError>;

    /// Which of these ids the organization has invoices of, deleted ones left out; in no order.
    ///
    /// # Errors
    /// The errors of [`InvoiceStore::insert`].
    async fn existing(
        &self,
        organization: &OrganizationId,
        invoices: &[InvoiceId],
    ) -> Result<Vec<InvoiceId>, StoreError>;

    /// Watches the changes of an organization's invoices, made by whatever method of whatever replica: every one after
    /// `after` is in the watch, once it is durable, in the order in which they became so, for each invoice that is in the
    /// order of versions. Of what happened before the watch began only the last change of an invoice may be in it. Without
    /// `after`, every change that a read which begins later does not show is in the watch.
    ///
    /// # Errors
    /// [`WatchError::PlaceLost`]; the errors of [`InvoiceStore::insert`].
    async fn watch(
        &self,
        organization: &OrganizationId,
        after: Option<Place>,
    ) -> Result<ChangeWatch, WatchError>;

    /// Whether the store answers, for readiness.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`], [`StoreError::Overloaded`].
    async fn ping(&self) -> Result<(), StoreError>;

    /// Ends every watch, finishes what is under way and lets go of files and connections. Idempotent.
    async fn close(&self);
}

/// An invoice and what else its document holds.
#[derive(Debug, Clone)]
pub(crate) struct StoredInvoice {
    /// The invoice.
    pub(crate) invoice: Invoice,
    /// The request that created it.
    pub(crate) created_by_request: Option<AppliedRequest>,
    /// The requests that changed it.
    pub(crate) applied: AppliedRequests,
    /// The document that it was read from: what a newer release has added to it stays in the next version. Empty for a
    /// new invoice.
    pub(crate) origin: Origin,
}

impl StoredInvoice {
    /// A new invoice that no request id of a creation belongs to.
    pub(crate) fn new(invoice: Invoice) -> Self {
        Self {
            invoice,
            created_by_request: None,
            applied: AppliedRequests::default(),
            origin: Origin::default(),
        }
    }
}

/// What became of an insertion.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Insertion {
    /// It is stored.
    Inserted(Box<Invoice>),
    /// The same request was answered before; this is the invoice it created, as it is now.
    Repeated(Box<Invoice>),
    /// The same request was answered before, and the invoice it created has been deleted since.
    RepeatedAfterDeletion(InvoiceId),
    /// The request id was used before with other content.
    RequestIdReused,
}

/// What a request has created.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Creation {
    /// The request.
    pub(crate) request: AppliedRequest,
    /// Whether the invoice has been deleted since.
    pub(crate) is_deleted: bool,
}

/// Which page of which list.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ListQuery {
    /// Which invoices.
    pub(crate) filter: ListFilter,
    /// In which order.
    pub(crate) order: ListOrder,
    /// Begin after this place; `None`: at the beginning.
    pub(crate) after: Option<Cursor>,
    /// At most so many.
    pub(crate) limit: usize,
}

/// A page ends with the invoice whose document brings it to this many bytes. Clients take 4 MiB by default, and what one
/// call may hold in memory must have an end. A page of 50 usual invoices is a tenth of it.
pub(crate) const PAGE_BYTES: usize = 1024 * 1024;

/// A page of a list.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct ListPage {
    /// The invoices, in the order asked for.
    pub(crate) invoices: Vec<Invoice>,
    /// Whether another one comes after the last.
    pub(crate) more: bool,
}

/// Which invoices a list holds. Every field that is set narrows it.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct ListFilter {
    /// Any of these states; empty: all.
    pub(crate) states: Vec<State>,
    /// This kind.
    pub(crate) kind: Option<InvoiceKind>,
    /// This customer.
    pub(crate) customer: Option<CustomerId>,
    /// Each word is the beginning of a word of the invoice.
    pub(crate) words: Words,
    /// Issued on this day or later.
    pub(crate) issued_from: Option<CalendarDate>,
    /// Issued on this day or earlier.
    pub(crate) issued_to: Option<CalendarDate>,
    /// Due on this day or later.
    pub(crate) due_from: Option<CalendarDate>,
    /// Due on this day or earlier.
    pub(crate) due_to: Option<CalendarDate>,
    /// Open, something remains, and due before this day.
    pub(crate) overdue_on: Option<CalendarDate>,
    /// This currency.
    pub(crate) currency: Option<Currency>,
}

impl ListFilter {
    /// Whether a list of this filter holds the invoice.
    pub(crate) fn names(&self, invoice: &Invoice) -> bool {
        let header = &invoice.header;
        (self.states.is_empty() || self.states.contains(&invoice.state))
            && self.kind.is_none_or(|kind| invoice.kind == kind)
            && (self.customer.is_none() || self.customer == header.customer_id)
            && self.currency.is_none_or(|currency| header.currency == currency)
            && is_within(header.issue_date, self.issued_from, self.issued_to)
            && is_within(header.effective_due_date(), self.due_from, self.due_to)
            && self.overdue_on.is_none_or(|today| invoice.overdue(today))
            && (self.words.iter().next().is_none() || Words::of_invoice(invoice).matches(&self.words))
    }
}

/// A day that is absent is within no limits.
fn is_within(day: Option<CalendarDate>, from: Option<CalendarDate>, to: Option<CalendarDate>) -> bool {
    let is_in = |day| from.is_none_or(|from| day >= from) && to.is_none_or(|to| day <= to);
    (from.is_none() && to.is_none()) || day.is_some_and(is_in)
}

/// In which order a list is. Ties are broken by id, in the same direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum ListOrder {
    /// Newest first.
    CreateTimeDescending,
    /// Latest day of issue first, without one last.
    IssueDateDescending,
    /// First due first, without a due date last.
    DueDateAscending,
    /// By legal number, without one last.
    NumberAscending,
    /// Largest gross first.
    GrossDescending,
}

impl ListOrder {
    /// Every order.
    #[cfg(test)]
    pub(crate) const ALL: [Self; 5] = [
        Self::CreateTimeDescending,
        Self::IssueDateDescending,
        Self::DueDateAscending,
        Self::NumberAscending,
        Self::GrossDescending,
    ];
}

/// The place of an invoice in a list: the key it is ordered by, and its id. It stays right while others come and go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cursor {
    /// The value of the order's key.
    pub(crate) key: CursorKey,
    /// The id, which breaks ties.
    pub(crate) id: InvoiceId,
}

/// The key of an order. A blank text sorts last in every order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum CursorKey {
    /// Milliseconds since 1970, or minor units.
    Integer(i64),
    /// A date or a number.
    Text(String),
}

impl Cursor {
    /// The place of `invoice` in a list of this order.
    pub(crate) fn of(invoice: &Invoice, order: ListOrder) -> Self {
        let date = |date: Option<CalendarDate>| {
            CursorKey::Text(date.map(|date| date.to_string()).unwrap_or_default())
        };
        let key = match order {
            ListOrder::CreateTimeDescending => CursorKey::Integer(invoice.create_time.as_millisecond()),
            ListOrder::IssueDateDescending => date(invoice.header.issue_date),
            ListOrder::DueDateAscending => date(invoice.header.effective_due_date()),
            ListOrder::NumberAscending => CursorKey::Text(
                invoice
                    .number
                    .as_ref()
                    .map(ToString::to_string)
                    .unwrap_or_default(),
            ),
            ListOrder::GrossDescending => CursorKey::Integer(invoice.totals.gross.get()),
        };
        Self {
            key,
            id: invoice.identity.id.clone(),
        }
    }
}

/// Why a store did not do what it was asked for.
#[derive(Debug, Error)]
pub(crate) enum StoreError {
    /// No such invoice in this organization.
    #[error("no such invoice")]
    NotFound,
    /// The invoice is at another version than expected.
    #[error("the invoice is at version {}", current.get())]
    VersionConflict {
        /// The version it is at.
        current: Version,
    },
    /// Another invoice has this number, or this place in the series. Nothing was written; ask for the last number again.
    #[error("another invoice has the number")]
    NumberTaken,
    /// Only drafts can be deleted.
    #[error("the invoice is {state}")]
    NotDraft {
        /// The state it is in.
        state: State,
        /// Whether it is an invoice or a credit note.
        kind: InvoiceKind,
    },
    /// More work is waiting than the store takes. Nothing was done; try again later.
    #[error("the store is overloaded")]
    Overloaded,
    /// The store cannot be reached, or its disk refuses. Try again later.
    #[error("the store is unavailable")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The store holds what this program did not write, or refuses a statement of it: a defect.
    #[error("the store is broken")]
    Broken(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// What this program cannot have written, or cannot write.
fn broken(error: impl std::error::Error + Send + Sync + 'static) -> StoreError {
    StoreError::Broken(Box::new(error))
}
