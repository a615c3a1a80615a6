//! Customers: one row each; a deleted one leaves its row without document.

use async_trait::async_trait;
use sqlite_engine::rusqlite::types::Value;
use sqlite_engine::rusqlite::{Connection, OptionalExtension as _, named_params, params, params_from_iter};

use super::SqliteInvoiceStore;
use crate::domain::customer::Customer;
use crate::domain::ids::{CustomerId, OrganizationId, Version};
use crate::idempotency::{AppliedRequest, AppliedRequests};
use crate::store::document::{CustomerDocument, Origin, json_of};
use crate::store::indexed::{IndexedCustomer, signed};
use crate::store::{
    CursorKey, CustomerInsertion, CustomerOrder, CustomerPage, CustomerQuery, CustomerStore, PAGE_BYTES,
    StoreError, StoredCustomer, broken,
};

/// Adds a row.
pub(in crate::store) const INSERT: &str = "
    INSERT INTO customer (org_id, id, version, deleted, name_key, create_time_ms, words, create_request_id,
        create_fingerprint, document)
    VALUES (:org_id, :id, :version, :deleted, :name_key, :create_time_ms, :words, :create_request_id,
        :create_fingerprint, :document)";

#[async_trait]
impl CustomerStore for SqliteInvoiceStore {
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
        let fields = IndexedCustomer::of(&stored)?;
        let document = json_of(&CustomerDocument::from(&stored), &stored.origin)?;
        let write = self.engine.write(move |connection| {
            if let Some(request) = &stored.created_by_request
                && let Some(earlier) = created_by(connection, &fields.org_id, request)?
            {
                return Ok(earlier);
            }
            connection.prepare_cached(INSERT)?.execute(named_params! {
                ":org_id": fields.org_id,
                ":id": fields.id,
                ":version": fields.version,
                ":deleted": false,
                ":name_key": fields.name_key,
                ":create_time_ms": fields.create_time_ms,
                ":words": fields.words,
                ":create_request_id": fields.create_request_id,
                ":create_fingerprint": fields.create_fingerprint,
                ":document": document,
            })?;
            Ok(CustomerInsertion::Inserted(Box::new(stored.customer)))
        });
        write.await
    }

    async fn customer(
        &self,
        organization: &OrganizationId,
        customer: &CustomerId,
    ) -> Result<StoredCustomer, StoreError> {
        let key = (organization.clone(), customer.clone());
        let read = self.engine.read(move |connection| {
            let document: Option<Vec<u8>> = connection
                .prepare_cached(
                    "SELECT document FROM customer WHERE org_id = ?1 AND id = ?2 AND deleted = 0",
                )?
                .query_row([key.0.as_str(), key.1.as_str()], |row| row.get(0))
                .optional()?;
            document.ok_or(StoreError::NotFound)
        });
        decode(read.await?)
    }

    async fn customer_settled(
        &self,
        organization: &OrganizationId,
        customer: &CustomerId,
    ) -> Result<StoredCustomer, StoreError> {
        // One file is never behind itself.
        self.customer(organization, customer).await
    }

    async fn customers(
        &self,
        organization: &OrganizationId,
        query: CustomerQuery,
    ) -> Result<CustomerPage, StoreError> {
        let organization = organization.clone();
        let read = self
            .engine
            .read(move |connection| documents(connection, &organization, &query));
        let (documents, more) = read.await?;
        let decoded = documents
            .into_iter()
            .map(|document| Ok(decode(document)?.customer));
        Ok(CustomerPage {
            customers: decoded.collect::<Result<_, StoreError>>()?,
            more,
        })
    }

    async fn replace_customer(&self, stored: StoredCustomer, expected: Version) -> Result<(), StoreError> {
        let fields = IndexedCustomer::of(&stored)?;
        let document = json_of(&CustomerDocument::from(&stored), &stored.origin)?;
        let write = self.engine.write(move |connection| {
            is_at(connection, &fields.org_id, &fields.id, Some(expected))?;
            connection
                .prepare_cached(
                    "UPDATE customer SET version = ?3, name_key = ?4, words = ?5, document = ?6
                     WHERE org_id = ?1 AND id = ?2",
                )?
                .execute(params![
                    fields.org_id,
                    fields.id,
                    fields.version,
                    fields.name_key,
                    fields.words,
                    document
                ])?;
            Ok(())
        });
        write.await
    }

    async fn delete_customer(
        &self,
        organization: &OrganizationId,
        customer: &CustomerId,
        expected: Option<Version>,
    ) -> Result<(), StoreError> {
        let key = (organization.clone(), customer.clone());
        let write = self.engine.write(move |connection| {
            is_at(connection, key.0.as_str(), key.1.as_str(), expected)?;
            connection
                .prepare_cached(
                    "UPDATE customer SET deleted = 1, document = NULL, words = '', name_key = ''
                     WHERE org_id = ?1 AND id = ?2",
                )?
                .execute([key.0.as_str(), key.1.as_str()])?;
            Ok(())
        });
        write.await
    }
}

/// Refuses a customer that is gone or at another version.
fn is_at(
    connection: &Connection,
    organization: &str,
    customer: &str,
    expected: Option<Version>,
) -> Result<(), StoreError> {
    let version: Option<i64> = connection
        .prepare_cached("SELECT version FROM customer WHERE org_id = ?1 AND id = ?2 AND deleted = 0")?
        .query_row([organization, customer], |row| row.get(0))
        .optional()?;
    let version = version.ok_or(StoreError::NotFound)?;
    match expected {
        Some(expected) if signed(expected)? != version => Err(StoreError::VersionConflict {
            current: Version::new(u64::try_from(version).map_err(broken)?),
        }),
        Some(_) | None => Ok(()),
    }
}

/// What the request created earlier, if it did.
fn created_by(
    connection: &Connection,
    organization: &str,
    request: &AppliedRequest,
) -> Result<Option<CustomerInsertion>, StoreError> {
    let earlier = connection
        .prepare_cached(
            "SELECT create_fingerprint, document FROM customer WHERE org_id = ?1 AND create_request_id = ?2",
        )?
        .query_row(params![organization, request.id.to_string()], |row| {
            Ok((row.get::<_, Vec<u8>>(0)?, row.get::<_, Option<Vec<u8>>>(1)?))
        })
        .optional()?;
    let Some((fingerprint, document)) = earlier else {
        return Ok(None);
    };
    if fingerprint != request.fingerprint.as_bytes() {
        return Ok(Some(CustomerInsertion::RequestIdReused));
    }
    Ok(Some(match document {
        Some(document) => CustomerInsertion::Repeated(Box::new(decode(document)?.customer)),
        None => CustomerInsertion::RepeatedAfterDeletion,
    }))
}

/// The documents of the page, and whether another one comes after them.
fn documents(
    connection: &Connection,
    organization: &OrganizationId,
    query: &CustomerQuery,
) -> Result<(Vec<Vec<u8>>, bool), StoreError> {
    let (index, order_by, after) = match query.order {
        CustomerOrder::NameAscending => ("customer_by_name", "name_key, id", "(name_key, id) > (?, ?)"),
        CustomerOrder::CreateTimeDescending => (
            "customer_by_create_time",
            "create_time_ms DESC, id DESC",
            "(create_time_ms, id) < (?, ?)",
        ),
    };
    let mut sql =
        format!("SELECT document FROM customer INDEXED BY {index} WHERE deleted = 0 AND org_id = ?");
    let mut values = vec![Value::Text(organization.to_string())];
    if let Some(cursor) = &query.after {
        sql = format!("{sql} AND {after}");
        values.push(match &cursor.key {
            CursorKey::Integer(key) => Value::Integer(*key),
            CursorKey::Text(key) => Value::Text(key.clone()),
        });
        values.push(Value::Text(cursor.id.to_string()));
    }
    for word in query.words.iter() {
        // Words are stored as " one two": a blank before each, so that only beginnings match.
        sql.push_str(" AND instr(words, ' ' || ?) > 0");
        values.push(Value::Text(word.to_owned()));
    }
    sql = format!("{sql} ORDER BY {order_by} LIMIT ?");
    // One more than the page holds, which tells whether there is another page.
    let limit = i64::try_from(query.limit.saturating_add(1)).unwrap_or(i64::MAX);
    values.push(Value::Integer(limit));
    let mut prepared = connection.prepare_cached(&sql)?;
    let mut rows = prepared.query(params_from_iter(&values))?;
    let mut documents: Vec<Vec<u8>> = Vec::new();
    let mut bytes = 0;
    while let Some(row) = rows.next()? {
        if documents.len() == query.limit || bytes >= PAGE_BYTES {
            return Ok((documents, true));
        }
        let document: Vec<u8> = row.get(0)?;
        bytes += document.len();
        documents.push(document);
    }
    Ok((documents, false))
}

fn decode(document: Vec<u8>) -> Result<StoredCustomer, StoreError> {
    let known: CustomerDocument = serde_json::from_slice(&document).map_err(broken)?;
    let mut stored = StoredCustomer::try_from(known).map_err(broken)?;
    stored.origin = Origin::json(document);
    Ok(stored)
}
