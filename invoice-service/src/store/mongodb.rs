//! Invoices in MongoDB: the store of production, on a replica set or a cluster sharded by organization.

mod change;
mod creations;
mod credit;
mod customer;
mod entry;
mod list;
mod profile;
pub(super) mod schema;
mod summary;
mod watcher;

use std::sync::Arc;

use async_trait::async_trait;
use mongo_engine::bson::{Document, RawDocumentBuf, doc};
use mongo_engine::mongodb::Collection;
use mongo_engine::mongodb::options::Hint;
use mongo_engine::{Engine, EngineError, Location, OPERATION_TIME, OpenError};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use self::credit::Writes;
use self::entry::{Entry, Found};
use self::watcher::Watcher;
use super::document::Origin;
use super::indexed::signed;
use super::{
    ChangeWatch, Creation, Insertion, InvoiceStore, ListFilter, ListPage, ListQuery, Place, StoreError,
    StoredInvoice, WatchError, broken,
};
use crate::domain::ids::{InvoiceId, OrganizationId, Version};
use crate::domain::invoice::{Invoice, SeriesId};
use crate::domain::number::LastNumber;
use crate::domain::state::State;
use crate::domain::summary::{DueAges, Tally};
use crate::idempotency::{AppliedRequest, AppliedRequests, RequestId};

/// Where the URL names no database.
pub(super) const DATABASE: &str = "invoiceapp_invoice";
/// Lists that are read at a time. The answer to one can be 16 MiB, and a slow search must not take every connection.
const LISTS: usize = 16;

/// [`InvoiceStore`] on one MongoDB database.
#[derive(Debug, Clone)]
pub(crate) struct MongoInvoiceStore {
    engine: Engine,
    invoices: Collection<RawDocumentBuf>,
    profiles: Collection<RawDocumentBuf>,
    customers: Collection<RawDocumentBuf>,
    lists: Arc<Semaphore>,
    watcher: Arc<Watcher>,
}

impl MongoInvoiceStore {
    /// Connects, and makes the collection's indexes.
    ///
    /// # Errors
    /// Those of [`Engine::open`]: unreachable, standalone, too old, too new a schema, an index in the way.
    pub(crate) async fn open(location: &Location) -> Result<Self, OpenError> {
        let engine = Engine::open(location, DATABASE, &schema::schema()).await?;
        Ok(Self {
            invoices: engine.collection(schema::INVOICES),
            profiles: engine.collection(schema::PROFILES),
            customers: engine.collection(schema::CUSTOMERS),
            engine,
            lists: Arc::new(Semaphore::new(LISTS)),
            watcher: Arc::default(),
        })
    }

    /// A place for reading many invoices. Waited for by the caller and not by the operation: what its caller gives up
    /// while it waits is not read for nobody.
    async fn place_of_list(&self) -> Result<OwnedSemaphorePermit, StoreError> {
        let place = Arc::clone(&self.lists).acquire_owned();
        let place = tokio::time::timeout(Engine::patience(), place).await;
        // It is never closed.
        place.ok().and_then(Result::ok).ok_or(StoreError::Overloaded)
    }

    /// What the request created earlier.
    async fn created_by(
        &self,
        organization: &OrganizationId,
        request: &AppliedRequest,
    ) -> Result<Insertion, StoreError> {
        let filter = by_request(organization, request);
        let earlier = self.find_settled(filter, schema::BY_REQUEST).await?;
        // The id of an invoice is random, so only a request id can have been taken.
        let earlier = earlier.ok_or_else(|| broken(EngineError::Duplicate))?;
        if entry::fingerprint(&earlier)? != request.fingerprint.as_bytes() {
            return Ok(Insertion::RequestIdReused);
        }
        Ok(match entry::decode(&earlier)? {
            Some(stored) => Insertion::Repeated(Box::new(stored.invoice)),
            None => Insertion::RepeatedAfterDeletion(entry::id(&earlier)?),
        })
    }

    /// The state and version of an invoice that is not deleted.
    async fn found(&self, organization: &OrganizationId, invoice: &InvoiceId) -> Result<Found, StoreError> {
        match self
            .find_settled(one(organization, invoice), schema::BY_ID)
            .await?
        {
            Some(found) => Found::of(&found),
            None => Err(StoreError::NotFound),
        }
    }

    /// What `projection` keeps of an entry, as a majority has it.
    async fn find(
        &self,
        filter: Document,
        projection: Document,
    ) -> Result<Option<RawDocumentBuf>, StoreError> {
        let invoices = self.invoices.clone();
        let find = async move {
            let find = invoices
                .find_one(filter)
                .hint(Hint::Name(schema::BY_ID.to_owned()));
            find.projection(projection).max_time(OPERATION_TIME).await
        };
        Ok(self.engine.run(find).await?)
    }

    /// The entry that stood in the way of a write, or was not found, as the primary has it and once a majority does. A
    /// plain read could be answered from before it. A change of nothing waits for the majority in a fraction of what a
    /// linearizable read takes (docs/adr/0010).
    async fn find_settled(
        &self,
        filter: Document,
        index: &'static str,
    ) -> Result<Option<RawDocumentBuf>, StoreError> {
        let invoices = self.invoices.clone();
        let find = async move {
            let find = invoices.find_one_and_update(filter, doc! { "$set": {} });
            find.hint(Hint::Name(index.to_owned()))
                .max_time(OPERATION_TIME)
                .await
        };
        Ok(self.engine.run(find).await?)
    }
}

/// The filter of one invoice that is not deleted.
fn one(organization: &OrganizationId, invoice: &InvoiceId) -> Document {
    doc! { "org_id": organization.as_str(), "_id": invoice.as_str(), "deleted": false }
}

/// The filter of the invoice that a request created, deleted or not.
fn by_request(organization: &OrganizationId, request: &AppliedRequest) -> Document {
    doc! { "org_id": organization.as_str(), "create_request_id": request.id.to_string() }
}

/// The filter of the invoices of a series, in the words of its index.
fn in_series(organization: &OrganizationId, series: &SeriesId) -> Document {
    doc! { "org_id": organization.as_str(), "series": series.as_str(), "sequence": { "$exists": true } }
}

/// The order in which the last number of a series comes first.
fn last_first() -> Document {
    doc! { "period": -1, "sequence": -1 }
}

/// The filter, at this version only.
fn versioned(mut filter: Document, version: Version) -> Result<Document, StoreError> {
    filter.insert("version", signed(version)?);
    Ok(filter)
}

/// The filter and the update that put an invoice in the place of its version `expected`. Fields that a newer release has
/// beside ours stay.
fn replacement(stored: &StoredInvoice, expected: Version) -> Result<(Document, Document), StoreError> {
    let identity = &stored.invoice.identity;
    let filter = versioned(one(&identity.organization_id, &identity.id), expected)?;
    Ok((filter, Entry::update(stored)?))
}

/// The filter, for a draft only, at this version when there is one.
fn draft_at(mut filter: Document, version: Option<Version>) -> Result<Document, StoreError> {
    filter.insert("state", State::Draft.name());
    match version {
        Some(version) => versioned(filter, version),
        None => Ok(filter),
    }
}

#[async_trait]
impl InvoiceStore for MongoInvoiceStore {
    async fn insert(
        &self,
        invoice: Invoice,
        request: Option<AppliedRequest>,
    ) -> Result<Insertion, StoreError> {
        let stored = StoredInvoice {
            invoice,
            created_by_request: request,
            applied: AppliedRequests::default(),
            origin: Origin::default(),
        };
        let entry = Entry::of(&stored)?.into_document()?;
        let invoices = self.invoices.clone();
        let inserted = self.engine.run(async move { invoices.insert_one(entry).await });
        match (inserted.await, request) {
            (Ok(_), _) => Ok(Insertion::Inserted(Box::new(stored.invoice))),
            (Err(EngineError::Duplicate), Some(request)) => {
                self.created_by(&stored.invoice.identity.organization_id, &request)
                    .await
            }
            (Err(error), _) => Err(error.into()),
        }
    }

    async fn get(
        &self,
        organization: &OrganizationId,
        invoice: &InvoiceId,
    ) -> Result<StoredInvoice, StoreError> {
        let whole = doc! { "_id": 0, "document": 1, "history": 1 };
        if let Some(found) = self.find(one(organization, invoice), whole).await? {
            return entry::decode(&found)?.ok_or(StoreError::NotFound);
        }
        // Just after an election the new primary may not show yet what a majority has acknowledged.
        self.get_settled(organization, invoice).await
    }

    async fn get_without_history(
        &self,
        organization: &OrganizationId,
        invoice: &InvoiceId,
    ) -> Result<Invoice, StoreError> {
        let document = doc! { "_id": 0, "document": 1 };
        let found = match self.find(one(organization, invoice), document).await? {
            Some(found) => entry::decode(&found)?.ok_or(StoreError::NotFound)?,
            None => self.get_settled(organization, invoice).await?,
        };
        Ok(found.invoice)
    }

    async fn get_settled(
        &self,
        organization: &OrganizationId,
        invoice: &InvoiceId,
    ) -> Result<StoredInvoice, StoreError> {
        let settled = self
            .find_settled(one(organization, invoice), schema::BY_ID)
            .await?;
        let found = settled.ok_or(StoreError::NotFound)?;
        entry::decode(&found)?.ok_or(StoreError::NotFound)
    }

    async fn list(&self, organization: &OrganizationId, query: ListQuery) -> Result<ListPage, StoreError> {
        let find = list::Find::of(organization, &query);
        let invoices = self.invoices.clone();
        let place = self.place_of_list().await?;
        let read = self.engine.run(async move {
            let _place = place;
            list::documents(&invoices, find, query.limit).await
        });
        let (entries, more) = read.await?;
        let decoded = entries.iter().map(|entry| {
            let stored = entry::decode(entry)?;
            stored.map(|stored| stored.invoice).ok_or(StoreError::NotFound)
        });
        Ok(ListPage {
            invoices: decoded.collect::<Result<_, _>>()?,
            more,
        })
    }

    async fn summarize(
        &self,
        organization: &OrganizationId,
        filter: ListFilter,
        ages: DueAges,
    ) -> Result<Vec<Tally>, StoreError> {
        let pipeline = summary::pipeline(organization, &filter, ages);
        let invoices = self.invoices.clone();
        let place = self.place_of_list().await?;
        let read = self.engine.run(async move {
            let _place = place;
            summary::groups(&invoices, pipeline).await
        });
        read.await?.iter().map(summary::tally).collect()
    }

    async fn replace(&self, stored: StoredInvoice, expected: Version) -> Result<(), StoreError> {
        let identity = &stored.invoice.identity;
        let (filter, update) = replacement(&stored, expected)?;
        let invoices = self.invoices.clone();
        let replaced = self
            .engine
            .run(async move { invoices.update_one(filter, update).await })
            .await;
        let replaced = match replaced {
            Ok(replaced) => replaced,
            // Of what a replacement changes, only the number is unique, and its place in the series.
            Err(EngineError::Duplicate) => return Err(StoreError::NumberTaken),
            Err(error) => return Err(error.into()),
        };
        if replaced.matched_count == 1 {
            return Ok(());
        }
        let found = self.found(&identity.organization_id, &identity.id).await?;
        Err(StoreError::VersionConflict {
            current: found.version,
        })
    }

    async fn credit(
        &self,
        stored: StoredInvoice,
        expected: Version,
        note: Invoice,
    ) -> Result<(), StoreError> {
        let identity = &stored.invoice.identity;
        let (filter, update) = replacement(&stored, expected)?;
        let note = Entry::of(&StoredInvoice::new(note))?.into_document()?;
        let writes = Writes {
            invoices: self.invoices.clone(),
            filter,
            update,
            note,
        };
        let credited = self
            .engine
            .run_in_transaction(move |session| Box::pin(writes.clone().in_transaction(session)));
        match credited.await {
            Ok(true) => Ok(()),
            Ok(false) => {
                let found = self.found(&identity.organization_id, &identity.id).await?;
                Err(StoreError::VersionConflict {
                    current: found.version,
                })
            }
            // The id of a note is random and it has no request id, so its place in the series is taken.
            Err(EngineError::Duplicate) => Err(StoreError::NumberTaken),
            Err(error) => Err(error.into()),
        }
    }

    async fn last_number(
        &self,
        organization: &OrganizationId,
        series: &SeriesId,
    ) -> Result<Option<LastNumber>, StoreError> {
        let filter = in_series(organization, series);
        let invoices = self.invoices.clone();
        let find = async move {
            let find = invoices.find_one(filter).sort(last_first());
            find.hint(Hint::Name(schema::BY_PLACE.to_owned()))
                .projection(doc! { "_id": 0, "period": 1, "sequence": 1, "issue_date": 1 })
                .max_time(OPERATION_TIME)
                .await
        };
        let found = self.engine.run(find).await?;
        found.as_deref().map(entry::last_number).transpose()
    }

    async fn delete_draft(
        &self,
        organization: &OrganizationId,
        invoice: &InvoiceId,
        expected: Option<Version>,
    ) -> Result<(), StoreError> {
        let filter = draft_at(one(organization, invoice), expected)?;
        // What stays is what keeps the request id used.
        let forget = doc! {
            "$set": { "deleted": true, "customer_id": "", "words": "" },
            "$unset": { "document": "", "history": "" },
        };
        let invoices = self.invoices.clone();
        let deleted = self
            .engine
            .run(async move { invoices.update_one(filter, forget).await })
            .await?;
        if deleted.matched_count == 1 {
            return Ok(());
        }
        let found = self.found(organization, invoice).await?;
        if expected.is_none_or(|expected| expected == found.version) {
            Err(StoreError::NotDraft {
                state: found.state,
                kind: found.kind,
            })
        } else {
            Err(StoreError::VersionConflict {
                current: found.version,
            })
        }
    }

    async fn insert_in_order(&self, invoices: Vec<(Invoice, AppliedRequest)>) -> Result<(), StoreError> {
        self.add_in_order(invoices).await
    }

    async fn creations(
        &self,
        organization: &OrganizationId,
        requests: &[RequestId],
    ) -> Result<Vec<Creation>, StoreError> {
        self.created_by_any(organization, requests).await
    }

    async fn existing(
        &self,
        organization: &OrganizationId,
        invoices: &[InvoiceId],
    ) -> Result<Vec<InvoiceId>, StoreError> {
        self.existing_of(organization, invoices).await
    }

    async fn watch(
        &self,
        organization: &OrganizationId,
        after: Option<Place>,
    ) -> Result<ChangeWatch, WatchError> {
        let watch = self
            .watcher
            .watch(&self.invoices, organization, after.as_ref())
            .await?;
        // A read by majority alone can be older than what was answered, and so than the watch (docs/adr/0010). A majority
        // that has acknowledged this write of nothing has everything.
        let nothing = doc! { "org_id": organization.as_str(), "_id": "" };
        let invoices = self.invoices.clone();
        let settle = async move { invoices.update_one(nothing, doc! { "$set": {} }).await };
        self.engine.run(settle).await.map_err(StoreError::from)?;
        Ok(watch)
    }

    async fn ping(&self) -> Result<(), StoreError> {
        Ok(self.engine.ping().await?)
    }

    async fn close(&self) {
        self.watcher.close();
        self.engine.close().await;
    }
}

impl From<EngineError> for StoreError {
    fn from(error: EngineError) -> Self {
        match error {
            EngineError::Overloaded => Self::Overloaded,
            EngineError::Unavailable(_) | EngineError::Closed => Self::Unavailable(Box::new(error)),
            EngineError::Duplicate | EngineError::Panicked | EngineError::Refused(_) => {
                Self::Broken(Box::new(error))
            }
        }
    }
}

#[cfg(test)]
mod tests;
