//! Customers: one document each; a deleted one keeps its request id and nothing of its content.

use async_trait::async_trait;
use mongo_engine::bson::spec::BinarySubtype;
use mongo_engine::bson::{Binary, Bson, Document, RawDocumentBuf, deserialize_from_slice, doc};
use mongo_engine::mongodb::options::Hint;
use mongo_engine::{EngineError, OPERATION_TIME};

use super::{MongoInvoiceStore, schema, versioned};
use crate::domain::customer::Customer;
use crate::domain::ids::{CustomerId, OrganizationId, Version};
use crate::idempotency::{AppliedRequest, AppliedRequests};
use crate::store::document::{CustomerDocument, Origin, bson_of};
use crate::store::indexed::IndexedCustomer;
use crate::store::{
    CursorKey, CustomerInsertion, CustomerOrder, CustomerPage, CustomerQuery, CustomerStore, PAGE_BYTES,
    StoreError, StoredCustomer, broken,
};

impl MongoInvoiceStore {
    /// The entry as the primary has it and once a majority does: a change of nothing (docs/adr/0010).
    async fn settled_customer(
        &self,
        filter: Document,
        index: &'static str,
    ) -> Result<Option<RawDocumentBuf>, StoreError> {
        let customers = self.customers.clone();
        let find = async move {
            let find = customers.find_one_and_update(filter, doc! { "$set": {} });
            find.hint(Hint::Name(index.to_owned()))
                .max_time(OPERATION_TIME)
                .await
        };
        Ok(self.engine.run(find).await?)
    }

    /// Updates one customer, or says why there is none to update.
    async fn change_customer(
        &self,
        organization: &OrganizationId,
        customer: &CustomerId,
        expected: Option<Version>,
        update: Document,
    ) -> Result<(), StoreError> {
        let mut filter = one(organization, customer);
        if let Some(expected) = expected {
            filter = versioned(filter, expected)?;
        }
        let customers = self.customers.clone();
        let changed = self
            .engine
            .run(async move { customers.update_one(filter, update).await })
            .await?;
        if changed.matched_count == 1 {
            return Ok(());
        }
        let current = self.customer_settled(organization, customer).await?;
        Err(StoreError::VersionConflict {
            current: current.customer.version,
        })
    }
}

/// The filter of one customer that is not deleted.
fn one(organization: &OrganizationId, customer: &CustomerId) -> Document {
    doc! { "org_id": organization.as_str(), "_id": customer.as_str(), "deleted": false }
}

#[async_trait]
impl CustomerStore for MongoInvoiceStore {
    async fn insert_customer(
        &self,
        customer: Customer,
        request: Option<AppliedRequest>,
    ) -> Result<CustomerInsertion, StoreError> {
        let stored = StoredCustomer {
            customer,
            created_by_request: request,
            applied: AppliedRequests::default(),
            origin: Origin::default(),
        };
        let entry = RawDocumentBuf::try_from(&entry(&stored)?).map_err(broken)?;
        let customers = self.customers.clone();
        let inserted = self.engine.run(async move { customers.insert_one(entry).await });
        let request = match (inserted.await, request) {
            (Ok(_), _) => return Ok(CustomerInsertion::Inserted(Box::new(stored.customer))),
            (Err(EngineError::Duplicate), Some(request)) => request,
            (Err(error), _) => return Err(error.into()),
        };
        let organization = stored.customer.organization_id.as_str();
        let by_request = doc! { "org_id": organization, "create_request_id": request.id.to_string() };
        let earlier = self
            .settled_customer(by_request, schema::CUSTOMER_BY_REQUEST)
            .await?;
        // The id of a customer is random, so only a request id can have been taken.
        let earlier = earlier.ok_or_else(|| broken(EngineError::Duplicate))?;
        let fingerprint = earlier.get_binary("create_fingerprint").map_err(broken)?;
        if fingerprint.bytes != request.fingerprint.as_bytes() {
            return Ok(CustomerInsertion::RequestIdReused);
        }
        Ok(match decode(&earlier)? {
            Some(stored) => CustomerInsertion::Repeated(Box::new(stored.customer)),
            None => CustomerInsertion::RepeatedAfterDeletion,
        })
    }

    async fn customer(
        &self,
        organization: &OrganizationId,
        customer: &CustomerId,
    ) -> Result<StoredCustomer, StoreError> {
        let (customers, filter) = (self.customers.clone(), one(organization, customer));
        let find = async move {
            let find = customers.find_one(filter);
            find.hint(Hint::Name(schema::CUSTOMER_BY_ID.to_owned()))
                .max_time(OPERATION_TIME)
                .await
        };
        if let Some(found) = self.engine.run(find).await? {
            return decode(&found)?.ok_or(StoreError::NotFound);
        }
        // Just after an election the new primary may not show yet what a majority has acknowledged.
        self.customer_settled(organization, customer).await
    }

    async fn customer_settled(
        &self,
        organization: &OrganizationId,
        customer: &CustomerId,
    ) -> Result<StoredCustomer, StoreError> {
        let found = self
            .settled_customer(one(organization, customer), schema::CUSTOMER_BY_ID)
            .await?;
        decode(&found.ok_or(StoreError::NotFound)?)?.ok_or(StoreError::NotFound)
    }

    async fn customers(
        &self,
        organization: &OrganizationId,
        query: CustomerQuery,
    ) -> Result<CustomerPage, StoreError> {
        let (filter, sort, index) = find(organization, &query);
        let limit = i64::try_from(query.limit.saturating_add(1)).unwrap_or(i64::MAX);
        let customers = self.customers.clone();
        let read = self.engine.run(async move {
            let mut cursor = customers
                .find(filter)
                .sort(sort)
                .hint(Hint::Name(index.to_owned()))
                .projection(doc! { "_id": 0, "document": 1 })
                .limit(limit)
                .max_time(OPERATION_TIME)
                .await?;
            let (mut entries, mut bytes) = (Vec::new(), 0);
            while cursor.advance().await? {
                if entries.len() == query.limit || bytes >= PAGE_BYTES {
                    return Ok((entries, true));
                }
                bytes += cursor.current().as_bytes().len();
                entries.push(cursor.current().to_owned());
            }
            Ok((entries, false))
        });
        let (entries, more) = read.await?;
        let decoded = entries.iter().map(|entry| {
            decode(entry)?
                .map(|stored| stored.customer)
                .ok_or(StoreError::NotFound)
        });
        Ok(CustomerPage {
            customers: decoded.collect::<Result<_, _>>()?,
            more,
        })
    }

    async fn replace_customer(&self, stored: StoredCustomer, expected: Version) -> Result<(), StoreError> {
        let mut entry = entry(&stored)?;
        entry.remove("_id");
        let customer = &stored.customer;
        // Fields that a newer release has beside ours stay.
        let update = doc! { "$set": entry };
        self.change_customer(&customer.organization_id, &customer.id, Some(expected), update)
            .await
    }

    async fn delete_customer(
        &self,
        organization: &OrganizationId,
        customer: &CustomerId,
        expected: Option<Version>,
    ) -> Result<(), StoreError> {
        let forget = doc! {
            "$set": { "deleted": true, "words": "", "name_key": "" },
            "$unset": { "document": "" },
        };
        self.change_customer(organization, customer, expected, forget)
            .await
    }
}

fn entry(stored: &StoredCustomer) -> Result<Document, StoreError> {
    let fields = IndexedCustomer::of(stored)?;
    let document = bson_of(&CustomerDocument::from(stored), &stored.origin)?;
    let mut entry = doc! {
        "_id": fields.id,
        "org_id": fields.org_id,
        "deleted": false,
        "version": fields.version,
        "name_key": fields.name_key,
        "create_time_ms": fields.create_time_ms,
        "words": fields.words,
        "document": Document::try_from(document).map_err(broken)?,
    };
    if let (Some(id), Some(bytes)) = (fields.create_request_id, fields.create_fingerprint) {
        entry.insert("create_request_id", id);
        let subtype = BinarySubtype::Generic;
        entry.insert("create_fingerprint", Binary { subtype, bytes });
    }
    Ok(entry)
}

/// The filter, the order and the index of a page. What a caller sent is only ever a value to compare with.
fn find(organization: &OrganizationId, query: &CustomerQuery) -> (Document, Document, &'static str) {
    let (key, direction, index) = match query.order {
        CustomerOrder::NameAscending => ("name_key", 1, schema::CUSTOMER_BY_NAME),
        CustomerOrder::CreateTimeDescending => ("create_time_ms", -1, schema::CUSTOMER_BY_CREATE_TIME),
    };
    let mut conditions = vec![
        doc! { "org_id": organization.as_str() },
        doc! { "deleted": false },
    ];
    // Words are letters and digits only (see `search`), so nothing in one means anything to a pattern.
    let words = query.words.iter();
    conditions.extend(words.map(|word| doc! { "words": { "$regex": format!(" {word}") } }));
    let all =
        |more: Vec<Document>| doc! { "$and": conditions.iter().cloned().chain(more).collect::<Vec<_>>() };
    let filter = match &query.after {
        None => all(Vec::new()),
        Some(cursor) => {
            let beyond = if direction < 0 { "$lt" } else { "$gt" };
            let place: Bson = match &cursor.key {
                CursorKey::Integer(key) => (*key).into(),
                CursorKey::Text(key) => key.as_str().into(),
            };
            let other_key = all(vec![doc! { key: { beyond: place.clone() } }]);
            let same_key = all(vec![
                doc! { key: place },
                doc! { "_id": { beyond: cursor.id.as_str() } },
            ]);
            doc! { "$or": [other_key, same_key] }
        }
    };
    (filter, doc! { key: direction, "_id": direction }, index)
}

/// The customer that an entry holds; `None` when it has been deleted.
fn decode(entry: &RawDocumentBuf) -> Result<Option<StoredCustomer>, StoreError> {
    let Some(document) = entry.get("document").map_err(broken)? else {
        return Ok(None);
    };
    let document = document.as_document().ok_or(StoreError::NotFound)?;
    let known: CustomerDocument = deserialize_from_slice(document.as_bytes()).map_err(broken)?;
    let mut stored = StoredCustomer::try_from(known).map_err(broken)?;
    stored.origin = Origin::bson(document.to_owned());
    Ok(Some(stored))
}
