//! Invoices in SQLite: the embedded store of one machine.

mod changes;
mod creations;
pub(super) mod customer;
mod list;
pub(super) mod profile;
pub(super) mod row;
mod summary;

use async_trait::async_trait;
use sqlite_engine::rusqlite::{Connection, OptionalExtension as _, named_params, params};
use sqlite_engine::{Engine, EngineError, Location, Migration, OpenError};

use self::changes::Changes;
use self::row::Row;
use super::document::{self, Origin};
use super::{
    ChangeKind, ChangeWatch, Creation, Insertion, InvoiceStore, ListFilter, ListPage, ListQuery, Place,
    StoreError, StoredInvoice, WatchError, broken, indexed,
};
use crate::domain::ids::{InvoiceId, OrganizationId, Version};
use crate::domain::invoice::{Invoice, InvoiceKind, SeriesId};
use crate::domain::number::LastNumber;
use crate::domain::state::State;
use crate::domain::summary::{DueAges, Tally};
use crate::idempotency::{AppliedRequest, AppliedRequests, RequestId};

/// The document is the truth; the other columns are derived from it for the indexes.
///
/// Every index starts with the organization, as every query does. A deleted draft leaves its row without document, so
/// that the request id which created it stays used for ever. What is absent is blank, but a due date
/// or number that is absent is U+10FFFF, so that it sorts last.
pub(super) const MIGRATIONS: &[Migration] = &[Migration {
    name: "invoices",
    sql: "
        CREATE TABLE invoice (
            org_id             TEXT    NOT NULL,
            id                 TEXT    NOT NULL,
            version            INTEGER NOT NULL,
            deleted            INTEGER NOT NULL,
            state              TEXT    NOT NULL,
            kind               TEXT    NOT NULL,
            customer_id        TEXT    NOT NULL,
            currency_code      TEXT    NOT NULL,
            number             TEXT    NOT NULL,
            issue_date         TEXT    NOT NULL,
            due_date           TEXT    NOT NULL,
            gross_minor        INTEGER NOT NULL,
            remaining_minor    INTEGER NOT NULL,
            create_time_ms     INTEGER NOT NULL,
            words              TEXT    NOT NULL,
            create_request_id  TEXT,
            create_fingerprint BLOB,
            document           BLOB,
            UNIQUE (org_id, id)
        ) STRICT;
        CREATE UNIQUE INDEX invoice_by_request ON invoice (org_id, create_request_id)
            WHERE create_request_id IS NOT NULL;
        CREATE INDEX invoice_by_create_time ON invoice (org_id, create_time_ms DESC, id DESC) WHERE deleted = 0;
        CREATE INDEX invoice_by_issue_date ON invoice (org_id, issue_date DESC, id DESC) WHERE deleted = 0;
        CREATE INDEX invoice_by_due_date ON invoice (org_id, due_date, id) WHERE deleted = 0;
        CREATE INDEX invoice_by_number ON invoice (org_id, number, id) WHERE deleted = 0;
        CREATE INDEX invoice_by_gross ON invoice (org_id, gross_minor DESC, id DESC) WHERE deleted = 0;
    ",
}, Migration {
    name: "numbers and history",
    // What was stored before has neither.
    sql: "
        ALTER TABLE invoice ADD COLUMN series TEXT;
        ALTER TABLE invoice ADD COLUMN period TEXT;
        ALTER TABLE invoice ADD COLUMN sequence INTEGER;
        ALTER TABLE invoice ADD COLUMN history BLOB;
        CREATE UNIQUE INDEX invoice_by_place ON invoice (org_id, series, period, sequence) WHERE sequence IS NOT NULL;
    ",
}, Migration {
    name: "summaries",
    // The index holds all that a summary filters by and sums, so that no row is read.
    sql: "
        ALTER TABLE invoice ADD COLUMN paid_minor INTEGER NOT NULL DEFAULT 0;
        ALTER TABLE invoice ADD COLUMN credited_minor INTEGER NOT NULL DEFAULT 0;
        UPDATE invoice SET
            paid_minor = CAST(document AS TEXT) ->> '$.totals.paid_minor',
            credited_minor = CAST(document AS TEXT) ->> '$.totals.credited_minor'
            WHERE document IS NOT NULL;
        CREATE INDEX invoice_by_figures ON invoice (org_id, currency_code, kind, state, due_date, remaining_minor,
            gross_minor, paid_minor, credited_minor, issue_date, customer_id, words, deleted) WHERE deleted = 0;
    ",
}, Migration {
    name: "profiles",
    // No number is printed twice, whatever series it comes from.
    sql: "
        CREATE TABLE profile (
            org_id   TEXT    NOT NULL PRIMARY KEY,
            version  INTEGER NOT NULL,
            document BLOB    NOT NULL
        ) STRICT;
        CREATE UNIQUE INDEX invoice_by_issued_number ON invoice (org_id, number) WHERE sequence IS NOT NULL;
    ",
}, Migration {
    name: "customers",
    // As invoices: a deleted one leaves its row without document.
    sql: "
        CREATE TABLE customer (
            org_id             TEXT    NOT NULL,
            id                 TEXT    NOT NULL,
            version            INTEGER NOT NULL,
            deleted            INTEGER NOT NULL,
            name_key           TEXT    NOT NULL,
            create_time_ms     INTEGER NOT NULL,
            words              TEXT    NOT NULL,
            create_request_id  TEXT,
            create_fingerprint BLOB,
            document           BLOB,
            UNIQUE (org_id, id)
        ) STRICT;
        CREATE UNIQUE INDEX customer_by_request ON customer (org_id, create_request_id)
            WHERE create_request_id IS NOT NULL;
        CREATE INDEX customer_by_name ON customer (org_id, name_key, id) WHERE deleted = 0;
        CREATE INDEX customer_by_create_time ON customer (org_id, create_time_ms DESC, id DESC) WHERE deleted = 0;
    ",
}];

/// [`InvoiceStore`] on one SQLite database.
#[derive(Debug, Clone)]
pub(crate) struct SqliteInvoiceStore {
    engine: Engine,
    changes: Changes,
}

impl SqliteInvoiceStore {
    /// Opens the database, and makes it when it is not there. Blocking; for start-up.
    ///
    /// # Errors
    /// Those of [`Engine::open`]: in use, too new, not to be read or written.
    pub(crate) fn open(location: &Location) -> Result<Self, OpenError> {
        Ok(Self {
            engine: Engine::open(location, MIGRATIONS)?,
            changes: Changes::new(),
        })
    }

    /// Opens the database of a service, which may be running. Blocking.
    ///
    /// # Errors
    /// Those of [`Engine::open_beside`]: absent, of another release.
    pub(crate) fn open_beside(location: &Location) -> Result<Self, OpenError> {
        Ok(Self {
            engine: Engine::open_beside(location, MIGRATIONS)?,
            changes: Changes::new(),
        })
    }

    /// What tells that an invoice is written, to be run when it is committed.
    fn teller(&self, invoice: &Invoice) -> impl FnOnce() + Send + 'static {
        let changes = self.changes.clone();
        let (identity, version) = (invoice.identity.clone(), invoice.version);
        move || {
            changes.tell(
                &identity.organization_id,
                &identity.id,
                ChangeKind::Written { version },
            );
        }
    }
}

#[async_trait]
impl InvoiceStore for SqliteInvoiceStore {
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
        // Encoding happens here, on the caller's task, and not on the one writer thread.
        let row = Row::of(&stored)?;
        let tell = self.teller(&stored.invoice);
        let insert = move |connection: &Connection| match &stored.created_by_request {
            Some(request) => {
                match created_by(connection, &stored.invoice.identity.organization_id, request)? {
                    Some(earlier) => Ok(earlier),
                    None => add(connection, &row, stored.invoice),
                }
            }
            None => add(connection, &row, stored.invoice),
        };
        let tell_if_new = move |insertion: &Insertion| {
            if matches!(insertion, Insertion::Inserted(_)) {
                tell();
            }
        };
        self.engine.write_and_tell(insert, tell_if_new).await
    }

    async fn get(
        &self,
        organization: &OrganizationId,
        invoice: &InvoiceId,
    ) -> Result<StoredInvoice, StoreError> {
        let key = (organization.clone(), invoice.clone());
        let document = self
            .engine
            .read(move |connection| {
                let document: Option<(Vec<u8>, Option<Vec<u8>>)> = connection
                    .prepare_cached(
                        "SELECT document, history FROM invoice WHERE org_id = ?1 AND id = ?2 AND deleted = 0",
                    )?
                    .query_row([key.0.as_str(), key.1.as_str()], |row| {
                        Ok((row.get(0)?, row.get(1)?))
                    })
                    .optional()?;
                document.ok_or(StoreError::NotFound)
            })
            .await?;
        row::decode_whole(document.0, document.1.as_deref())
    }

    async fn get_without_history(
        &self,
        organization: &OrganizationId,
        invoice: &InvoiceId,
    ) -> Result<Invoice, StoreError> {
        let key = (organization.clone(), invoice.clone());
        let document = self.engine.read(move |connection| {
            let document: Option<Vec<u8>> = connection
                .prepare_cached("SELECT document FROM invoice WHERE org_id = ?1 AND id = ?2 AND deleted = 0")?
                .query_row([key.0.as_str(), key.1.as_str()], |row| row.get(0))
                .optional()?;
            document.ok_or(StoreError::NotFound)
        });
        Ok(row::decode_whole(document.await?, None)?.invoice)
    }

    async fn get_settled(
        &self,
        organization: &OrganizationId,
        invoice: &InvoiceId,
    ) -> Result<StoredInvoice, StoreError> {
        // One file is never behind itself.
        self.get(organization, invoice).await
    }

    async fn list(&self, organization: &OrganizationId, query: ListQuery) -> Result<ListPage, StoreError> {
        let organization = organization.clone();
        let read = self
            .engine
            .read(move |connection| list::documents(connection, &organization, &query));
        let (documents, more) = read.await?;
        let decoded = documents
            .iter()
            .map(|document| Ok(row::decode(document)?.invoice));
        Ok(ListPage {
            invoices: decoded.collect::<Result<_, StoreError>>()?,
            more,
        })
    }

    async fn summarize(
        &self,
        organization: &OrganizationId,
        filter: ListFilter,
        ages: DueAges,
    ) -> Result<Vec<Tally>, StoreError> {
        let organization = organization.clone();
        self.engine
            .read(move |connection| summary::tallies(connection, &organization, &filter, ages))
            .await
    }

    async fn replace(&self, stored: StoredInvoice, expected: Version) -> Result<(), StoreError> {
        let row = Row::of(&stored)?;
        let tell = self.teller(&stored.invoice);
        let replace = move |connection: &Connection| {
            if row.update(connection, expected)? {
                return Ok(());
            }
            Err(Found::other_version(connection, &stored.invoice)?)
        };
        self.engine.write_and_tell(replace, move |()| tell()).await
    }

    async fn credit(
        &self,
        stored: StoredInvoice,
        expected: Version,
        note: Invoice,
    ) -> Result<(), StoreError> {
        let (tell, tell_of_note) = (self.teller(&stored.invoice), self.teller(&note));
        let (row, note) = (Row::of(&stored)?, Row::of(&StoredInvoice::new(note))?);
        // One job is one savepoint: an error undoes both.
        let credit = move |connection: &Connection| {
            if !row.update(connection, expected)? {
                return Err(Found::other_version(connection, &stored.invoice)?);
            }
            note.insert(connection)
        };
        let tell_of_both = move |(): &()| {
            tell();
            tell_of_note();
        };
        self.engine.write_and_tell(credit, tell_of_both).await
    }

    async fn last_number(
        &self,
        organization: &OrganizationId,
        series: &SeriesId,
    ) -> Result<Option<LastNumber>, StoreError> {
        let key = (organization.clone(), series.clone());
        let found: Option<(String, u32, String)> = self
            .engine
            .read(move |connection| {
                let found = connection
                    .prepare_cached(
                        "SELECT period, sequence, issue_date FROM invoice INDEXED BY invoice_by_place
                         WHERE org_id = ?1 AND series = ?2 AND sequence IS NOT NULL
                         ORDER BY period DESC, sequence DESC LIMIT 1",
                    )?
                    .query_row([key.0.as_str(), key.1.as_str()], |row| {
                        Ok((row.get(0)?, row.get(1)?, row.get(2)?))
                    })
                    .optional()?;
                Ok::<_, StoreError>(found)
            })
            .await?;
        let last = found.map(|(period, sequence, day)| indexed::last_number(&period, sequence, &day));
        last.transpose()
    }

    async fn delete_draft(
        &self,
        organization: &OrganizationId,
        invoice: &InvoiceId,
        expected: Option<Version>,
    ) -> Result<(), StoreError> {
        let key = (organization.clone(), invoice.clone());
        let (changes, deleted) = (self.changes.clone(), key.clone());
        let delete = move |connection: &Connection| {
            let found = Found::of(connection, &key.0, &key.1)?;
            if expected.is_some_and(|expected| expected != found.version) {
                return Err(StoreError::VersionConflict {
                    current: found.version,
                });
            }
            if found.state != State::Draft {
                return Err(StoreError::NotDraft {
                    state: found.state,
                    kind: found.kind,
                });
            }
            connection
                    .prepare_cached(
                        "UPDATE invoice SET deleted = 1, document = NULL, history = NULL, words = '', customer_id = ''
                         WHERE org_id = ?1 AND id = ?2",
                    )?
                    .execute([key.0.as_str(), key.1.as_str()])?;
            Ok(())
        };
        let tell = move |(): &()| changes.tell(&deleted.0, &deleted.1, ChangeKind::Deleted);
        self.engine.write_and_tell(delete, tell).await
    }

    async fn insert_in_order(&self, invoices: Vec<(Invoice, AppliedRequest)>) -> Result<(), StoreError> {
        let tellers: Vec<_> = invoices.iter().map(|(invoice, _)| self.teller(invoice)).collect();
        let rows = invoices.into_iter().map(creations::row);
        let rows = rows.collect::<Result<Vec<_>, _>>()?;
        // One job is one savepoint: all of them or none.
        let insert = move |connection: &Connection| rows.iter().try_for_each(|row| row.insert(connection));
        let tell = move |(): &()| tellers.into_iter().for_each(|tell| tell());
        self.engine.write_and_tell(insert, tell).await
    }

    async fn creations(
        &self,
        organization: &OrganizationId,
        requests: &[RequestId],
    ) -> Result<Vec<Creation>, StoreError> {
        let (organization, requests) = (organization.clone(), requests.to_vec());
        self.engine
            .read(move |connection| creations::of(connection, &organization, &requests))
            .await
    }

    async fn existing(
        &self,
        organization: &OrganizationId,
        invoices: &[InvoiceId],
    ) -> Result<Vec<InvoiceId>, StoreError> {
        let (organization, mut invoices) = (organization.clone(), invoices.to_vec());
        let read = self.engine.read(move |connection| {
            let mut found = Vec::new();
            for invoice in invoices.drain(..) {
                if creations::exists(connection, &organization, &invoice)? {
                    found.push(invoice);
                }
            }
            Ok::<_, StoreError>(found)
        });
        read.await
    }

    async fn watch(
        &self,
        organization: &OrganizationId,
        after: Option<Place>,
    ) -> Result<ChangeWatch, WatchError> {
        self.changes.watch(organization, after.as_ref())
    }

    async fn ping(&self) -> Result<(), StoreError> {
        Ok(self.engine.ping().await?)
    }

    async fn close(&self) {
        self.changes.close();
        self.engine.close().await;
    }
}

fn add(connection: &Connection, row: &Row, invoice: Invoice) -> Result<Insertion, StoreError> {
    row.insert(connection)?;
    Ok(Insertion::Inserted(Box::new(invoice)))
}

/// What the request created earlier, if it did.
fn created_by(
    connection: &Connection,
    organization: &OrganizationId,
    request: &AppliedRequest,
) -> Result<Option<Insertion>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT id, create_fingerprint, document, history FROM invoice WHERE org_id = ?1 AND create_request_id = ?2",
    )?;
    let earlier = statement
        .query_row(params![organization.as_str(), request.id.to_string()], |row| {
            Ok((
                row.get::<_, String>(0)?,
                row.get::<_, Vec<u8>>(1)?,
                row.get::<_, Option<Vec<u8>>>(2)?,
                row.get::<_, Option<Vec<u8>>>(3)?,
            ))
        })
        .optional()?;
    let Some((id, fingerprint, document, history)) = earlier else {
        return Ok(None);
    };
    if fingerprint != request.fingerprint.as_bytes() {
        return Ok(Some(Insertion::RequestIdReused));
    }
    Ok(Some(match document {
        Some(document) => {
            let stored = row::decode_whole(document, history.as_deref())?;
            Insertion::Repeated(Box::new(stored.invoice))
        }
        None => Insertion::RepeatedAfterDeletion(InvoiceId::parse(&id).map_err(broken)?),
    }))
}

/// What the columns say of an invoice that is not deleted.
struct Found {
    version: Version,
    state: State,
    kind: InvoiceKind,
}

impl Found {
    /// That the invoice is at another version than expected, or gone.
    fn other_version(connection: &Connection, invoice: &Invoice) -> Result<StoreError, StoreError> {
        let identity = &invoice.identity;
        let found = Self::of(connection, &identity.organization_id, &identity.id)?;
        Ok(StoreError::VersionConflict {
            current: found.version,
        })
    }

    fn of(
        connection: &Connection,
        organization: &OrganizationId,
        id: &InvoiceId,
    ) -> Result<Self, StoreError> {
        let found = connection
            .prepare_cached(
                "SELECT version, state, kind FROM invoice WHERE org_id = :org AND id = :id AND deleted = 0",
            )?
            .query_row(
                named_params! {":org": organization.as_str(), ":id": id.as_str()},
                |row| {
                    Ok((
                        row.get::<_, i64>(0)?,
                        row.get::<_, String>(1)?,
                        row.get::<_, String>(2)?,
                    ))
                },
            )
            .optional()?;
        let (version, state, kind) = found.ok_or(StoreError::NotFound)?;
        let version = Version::new(u64::try_from(version).map_err(broken)?);
        Ok(Self {
            version,
            state: row::state(&state)?,
            kind: document::kind(&kind).map_err(broken)?,
        })
    }
}

impl From<EngineError> for StoreError {
    fn from(error: EngineError) -> Self {
        match error {
            EngineError::Overloaded => Self::Overloaded,
            EngineError::Unavailable(_) | EngineError::Closed => Self::Unavailable(Box::new(error)),
            EngineError::JobPanicked | EngineError::Statement(_) => Self::Broken(Box::new(error)),
        }
    }
}

impl From<sqlite_engine::rusqlite::Error> for StoreError {
    fn from(error: sqlite_engine::rusqlite::Error) -> Self {
        Self::from(EngineError::from(error))
    }
}

#[cfg(test)]
mod tests;
