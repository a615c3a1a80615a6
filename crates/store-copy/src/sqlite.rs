//! A SQLite database as one side of a copy.

use std::sync::Arc;

use sqlite_engine::rusqlite::types::Value;
use sqlite_engine::rusqlite::{self, Connection, ErrorCode, OptionalExtension as _, Row, params_from_iter};
use sqlite_engine::{Engine, EngineError, UnfinishedCopy};

use crate::contents::{Collection, RecordError};
use crate::error::StoreFailure;
use crate::record::{Key, Record};
use crate::store::{Mark, PAGE_BYTES, PAGE_RECORDS};

/// See the module.
#[derive(Debug)]
pub(crate) struct SqliteStore {
    engine: Engine,
}

impl SqliteStore {
    pub(crate) fn new(engine: Engine) -> Self {
        Self { engine }
    }

    pub(crate) async fn count(&self, collection: &'static Collection) -> Result<u64, StoreFailure> {
        let sql = format!("SELECT count(*) FROM {}", collection.table);
        let count = self.engine.read(move |connection| {
            connection
                .query_row(&sql, [], |row| row.get::<_, i64>(0))
                .map_err(failed)
        });
        Ok(u64::try_from(count.await?).unwrap_or_default())
    }

    pub(crate) async fn page(
        &self,
        collection: &'static Collection,
        after: Option<&Key>,
    ) -> Result<Vec<Record>, StoreFailure> {
        let after = after.cloned();
        self.engine
            .read(move |connection| page(connection, collection, after))
            .await
    }

    /// Adds the records and moves the mark, all or nothing.
    pub(crate) async fn put(
        &self,
        collection: &'static Collection,
        records: Arc<Vec<Record>>,
        mark: Option<&Mark>,
    ) -> Result<(), StoreFailure> {
        let position = mark.map(Mark::position_text).transpose()?;
        self.engine
            .write(move |connection| {
                for record in records.iter() {
                    add(connection, collection, record)?;
                }
                match &position {
                    Some(position) => UnfinishedCopy::advance(connection, position).map_err(failed),
                    None => Ok(()),
                }
            })
            .await
    }

    pub(crate) async fn mark(&self) -> Result<Option<Mark>, StoreFailure> {
        let find = self
            .engine
            .read(|connection| UnfinishedCopy::find(connection).map_err(failed));
        let found = find.await?;
        found
            .map(|found| Mark::read(found.source, &found.position))
            .transpose()
    }

    pub(crate) async fn set_mark(&self, mark: &Mark) -> Result<(), StoreFailure> {
        let mark = UnfinishedCopy {
            source: mark.source.clone(),
            position: mark.position_text()?,
        };
        self.engine
            .write(move |connection| mark.insert(connection).map_err(failed))
            .await
    }

    pub(crate) async fn remove_mark(&self) -> Result<(), StoreFailure> {
        self.engine
            .write(|connection| UnfinishedCopy::remove(connection).map_err(failed))
            .await
    }

    pub(crate) async fn close(&self) {
        self.engine.close().await;
    }
}

fn failed(error: rusqlite::Error) -> StoreFailure {
    StoreFailure::Sqlite(EngineError::from(error))
}

fn page(
    connection: &Connection,
    collection: &Collection,
    after: Option<Key>,
) -> Result<Vec<Record>, StoreFailure> {
    let keys = collection.key_columns.join(", ");
    let beyond = match &after {
        Some(key) => format!("WHERE ({keys}) > ({})", placeholders(key.0.len())),
        None => String::new(),
    };
    let sql = format!(
        "SELECT {} FROM {} {beyond} ORDER BY {keys} LIMIT {PAGE_RECORDS}",
        collection.columns, collection.table
    );
    let mut statement = connection.prepare_cached(&sql).map_err(failed)?;
    let parts = after.map(|key| key.0).unwrap_or_default();
    let mut rows = statement.query(params_from_iter(parts)).map_err(failed)?;
    let (mut records, mut bytes) = (Vec::new(), 0);
    while bytes < PAGE_BYTES
        && let Some(row) = rows.next().map_err(failed)?
    {
        let record = record(collection, row)?;
        bytes += record.document.as_bytes().len();
        records.push(record);
    }
    Ok(records)
}

fn record(collection: &Collection, row: &Row<'_>) -> Result<Record, StoreFailure> {
    let document = (collection.from_row)(row);
    let record = document.and_then(|document| Record::new(collection, document));
    record.map_err(|source| StoreFailure::Record {
        collection: collection.name,
        key: key(collection, row).unwrap_or_default(),
        source,
    })
}

/// The key of a row that cannot be read.
fn key(collection: &Collection, row: &Row<'_>) -> rusqlite::Result<String> {
    let parts = collection.key_columns.iter().map(|column| row.get(*column));
    Ok(Key(parts.collect::<Result<_, _>>()?).to_string())
}

/// `?1, ?2` and so on.
fn placeholders(count: usize) -> String {
    let each: Vec<_> = (1..=count).map(|number| format!("?{number}")).collect();
    each.join(", ")
}

/// Adds the record, unless it is there.
fn add(connection: &Connection, collection: &Collection, record: &Record) -> Result<(), StoreFailure> {
    let sql = format!(
        "SELECT {} FROM {} WHERE ({}) = ({})",
        collection.columns,
        collection.table,
        collection.key_columns.join(", "),
        placeholders(record.key.0.len())
    );
    let mut statement = connection.prepare_cached(&sql).map_err(failed)?;
    let parts = record.key.0.iter().map(|part| Value::from(part.clone()));
    let found = statement.query_row(params_from_iter(parts), |row| Ok(self::record(collection, row)));
    match found.optional().map_err(failed)?.transpose()? {
        Some(found) if found == *record => Ok(()),
        Some(_) => Err(StoreFailure::Differs {
            collection: collection.name,
            key: record.key.to_string(),
        }),
        None => (collection.insert)(connection, &record.document)
            .map_err(|error| refused(collection, record, error)),
    }
}

fn refused(collection: &Collection, record: &Record, error: RecordError) -> StoreFailure {
    let key = record.key.to_string();
    match error {
        RecordError::Sqlite(error) if error.sqlite_error_code() == Some(ErrorCode::ConstraintViolation) => {
            StoreFailure::Taken {
                collection: collection.name,
                key,
            }
        }
        RecordError::Sqlite(error) => failed(error),
        source @ (RecordError::Invalid(_) | RecordError::UnknownMember(_)) => StoreFailure::Record {
            collection: collection.name,
            key,
            source,
        },
    }
}
