//! Opening connections, all with the same settings.

use std::process;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use crate::error::OpenError;
use crate::location::Location;

/// 3.51.3 is the first release without the WAL-reset race (`SQLite` release notes).
const OLDEST_LIBRARY: i32 = 3_051_003;
/// Only recovery, checkpoints of a second connection, and an operator's command beside a service can make a connection
/// wait at all.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// More than either service's number of distinct statements.
const STATEMENT_CACHE: usize = 128;
/// After a checkpoint the WAL file is cut back to this, so that one burst does not keep the space.
const WAL_SIZE_LIMIT: i64 = 16 * 1024 * 1024;

/// Opens connections to one database.
#[derive(Debug)]
pub(crate) struct Opener {
    location: Location,
    /// What `SQLite` is given as the file's name.
    name: String,
    flags: OpenFlags,
}

impl Opener {
    pub(crate) fn new(location: &Location) -> Result<Self, OpenError> {
        if rusqlite::version_number() < OLDEST_LIBRARY {
            return Err(OpenError::LibraryTooOld {
                found: rusqlite::version(),
            });
        }
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let (name, flags) = match location {
            Location::File(path) => {
                let name = path.to_str().ok_or_else(|| OpenError::Sqlite {
                    location: location.to_string(),
                    source: rusqlite::Error::InvalidPath(path.clone()),
                })?;
                (name.to_owned(), flags)
            }
            Location::Memory => {
                let flags = flags | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_URI;
                (memory_name(), flags)
            }
        };
        Ok(Self {
            location: location.clone(),
            name,
            flags,
        })
    }

    /// The one connection that may change anything.
    pub(crate) fn writer(&self) -> Result<Connection, OpenError> {
        self.open(|connection| {
            match self.location {
                Location::File(_) => {
                    connection.pragma_update(None, "journal_mode", "WAL")?;
                    connection.pragma_update(None, "journal_size_limit", WAL_SIZE_LIMIT)?;
                }
                // The in-memory file system has no write-ahead log; [`Gate`] stands in for it.
                Location::Memory => {}
            }
            // FULL: a commit is on the disk before it is answered, also against power loss.
            connection.pragma_update(None, "synchronous", "FULL")
        })
    }

    /// A connection that may change what another process has open as well.
    pub(crate) fn beside(&self) -> Result<Connection, OpenError> {
        self.open(|connection| connection.pragma_update(None, "synchronous", "FULL"))
    }

    /// A connection that refuses to change anything.
    pub(crate) fn reader(&self) -> Result<Connection, OpenError> {
        self.open(|connection| connection.pragma_update(None, "query_only", true))
    }

    fn open(
        &self,
        configure: impl FnOnce(&Connection) -> rusqlite::Result<()>,
    ) -> Result<Connection, OpenError> {
        let open = || {
            let connection = Connection::open_with_flags(&self.name, self.flags)?;
            connection.busy_timeout(BUSY_TIMEOUT)?;
            connection.set_prepared_statement_cache_capacity(STATEMENT_CACHE);
            connection.pragma_update(None, "foreign_keys", true)?;
            connection.pragma_update(None, "trusted_schema", false)?;
            connection.pragma_update(None, "temp_store", "MEMORY")?;
            configure(&connection)?;
            Ok(connection)
        };
        open().map_err(|source| OpenError::Sqlite {
            location: self.location.to_string(),
            source,
        })
    }
}

/// A name no other open of this machine uses. The leading slash makes `SQLite`'s `memdb` file system
/// share the database between this process's connections.
fn memory_name() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let next = NEXT.fetch_add(1, Ordering::Relaxed);
    format!("file:/sqlite-engine-{}-{next}?vfs=memdb", process::id())
}

/// Keeps readers and the writer of an in-memory database apart.
///
/// A file needs no gate: with a write-ahead log readers never meet the writer. The in-memory file
/// system locks the whole database instead, and would make the loser sleep and retry.
#[derive(Debug, Clone, Default)]
pub(crate) struct Gate(Option<Arc<RwLock<()>>>);

impl Gate {
    pub(crate) fn for_location(location: &Location) -> Self {
        match location {
            Location::File(_) => Self(None),
            Location::Memory => Self(Some(Arc::default())),
        }
    }

    pub(crate) fn write(&self) -> Option<RwLockWriteGuard<'_, ()>> {
        self.0
            .as_ref()
            .map(|lock| lock.write().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn read(&self) -> Option<RwLockReadGuard<'_, ()>> {
        self.0
            .as_ref()
            .map(|lock| lock.read().unwrap_or_else(PoisonError::into_inner))
    }
}
