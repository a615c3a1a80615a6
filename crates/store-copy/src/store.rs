//! One side of a copy, whichever database it is.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use store_url::{OpenError, StoreUrl};

use crate::contents::{Collection, Contents};
use crate::error::{End, StoreFailure};
use crate::mongodb::MongoStore;
use crate::record::{Key, Record};
use crate::sqlite::SqliteStore;

/// Records that are read and written at a time, at most.
pub(crate) const PAGE_RECORDS: u32 = 500;
/// 4 MiB: a page ends with the record that brings it to this size.
pub(crate) const PAGE_BYTES: usize = 4 * 1024 * 1024;

/// See the module.
#[derive(Debug)]
pub(crate) enum Store {
    Sqlite(SqliteStore),
    MongoDb(MongoStore),
}

impl Store {
    /// Opens one side. A source must be there; a target may be new, or hold an unfinished copy.
    pub(crate) async fn open(end: End, contents: &Contents, url: &StoreUrl) -> Result<Self, OpenError> {
        Ok(match (url, end) {
            (StoreUrl::Sqlite(location), End::Source) => Self::Sqlite(SqliteStore::new(
                sqlite_engine::Engine::open_copy_source(location, contents.migrations)?,
            )),
            (StoreUrl::Sqlite(location), End::Target) => Self::Sqlite(SqliteStore::new(
                sqlite_engine::Engine::open_copy_target(location, contents.migrations)?,
            )),
            (StoreUrl::MongoDb(location), end @ (End::Source | End::Target)) => {
                let (database, schema) = (contents.default_database, &contents.schema);
                let engine = match end {
                    End::Source => mongo_engine::Engine::open_copy_source(location, database, schema).await?,
                    End::Target => mongo_engine::Engine::open_copy_target(location, database, schema).await?,
                };
                Self::MongoDb(MongoStore::new(engine, schema.name))
            }
        })
    }

    /// How many records there are, about.
    pub(crate) async fn count(&self, collection: &'static Collection) -> Result<u64, StoreFailure> {
        match self {
            Self::Sqlite(store) => store.count(collection).await,
            Self::MongoDb(store) => store.count(collection).await,
        }
    }

    /// The next records in the order of their keys; none when there are no more.
    pub(crate) async fn page(
        &self,
        collection: &'static Collection,
        after: Option<&Key>,
    ) -> Result<Vec<Record>, StoreFailure> {
        match self {
            Self::Sqlite(store) => store.page(collection, after).await,
            Self::MongoDb(store) => store.page(collection, after).await,
        }
    }

    /// Adds records and moves the mark of a store that has one; it is never ahead of the records. Those that are there
    /// already must be equal; nothing is overwritten. Can be repeated.
    pub(crate) async fn put(
        &self,
        collection: &'static Collection,
        records: Arc<Vec<Record>>,
        mark: Option<&Mark>,
    ) -> Result<(), StoreFailure> {
        match self {
            Self::Sqlite(store) => store.put(collection, records, mark).await,
            Self::MongoDb(store) => store.put(collection, records, mark).await,
        }
    }

    /// The mark of an unfinished copy into this store.
    pub(crate) async fn mark(&self) -> Result<Option<Mark>, StoreFailure> {
        match self {
            Self::Sqlite(store) => store.mark().await,
            Self::MongoDb(store) => store.mark().await,
        }
    }

    /// Marks a store that has no mark.
    pub(crate) async fn set_mark(&self, mark: &Mark) -> Result<(), StoreFailure> {
        match self {
            Self::Sqlite(store) => store.set_mark(mark).await,
            Self::MongoDb(store) => store.set_mark(mark).await,
        }
    }

    /// The copy is whole.
    pub(crate) async fn remove_mark(&self) -> Result<(), StoreFailure> {
        match self {
            Self::Sqlite(store) => store.remove_mark().await,
            Self::MongoDb(store) => store.remove_mark().await,
        }
    }

    pub(crate) async fn close(&self) {
        match self {
            Self::Sqlite(store) => store.close().await,
            Self::MongoDb(store) => store.close().await,
        }
    }
}

/// The mark of an unfinished copy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mark {
    /// The fingerprint of the source.
    pub(crate) source: String,
    /// How far it is; `None` before the first page.
    pub(crate) position: Option<Position>,
}

/// What was written last. Everything before it is there too.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Position {
    /// The collection.
    pub(crate) collection: String,
    /// The key of its last record.
    pub(crate) key: Vec<String>,
    /// How many of its records are there.
    pub(crate) records: u64,
}

impl Mark {
    /// A mark as the engines keep it.
    pub(crate) fn read(source: String, position: &str) -> Result<Self, StoreFailure> {
        let position = serde_json::from_str(position).map_err(StoreFailure::Mark)?;
        Ok(Self { source, position })
    }

    /// The position as the engines keep it.
    pub(crate) fn position_text(&self) -> Result<String, StoreFailure> {
        serde_json::to_string(&self.position).map_err(StoreFailure::Mark)
    }
}
