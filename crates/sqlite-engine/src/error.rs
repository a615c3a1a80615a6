//! What can go wrong, by what the caller can do about it.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use rusqlite::ErrorCode;

/// Why a read or a write was not answered by its job.
#[derive(Debug, Clone, thiserror::Error)]
pub enum EngineError {
    /// The queue is full. Nothing was done; try again later.
    #[error("the database queue is full")]
    Overloaded,
    /// The disk is full, unreadable or otherwise failing. A write was rolled back; later calls may
    /// succeed without a restart.
    #[error("the database is unavailable")]
    Unavailable(#[source] Arc<rusqlite::Error>),
    /// The engine is closing or closed. Nothing was done.
    #[error("the database is closed")]
    Closed,
    /// The job panicked. Its changes were rolled back; no other job was affected.
    #[error("a database job panicked")]
    JobPanicked,
    /// The job's own statement was refused by `SQLite`: a constraint, a type, or a mistake in the SQL.
    /// Expected constraint violations are for the job to recognize before they become this.
    #[error("a database statement failed")]
    Statement(#[source] Arc<rusqlite::Error>),
}

/// Sorts a statement's failure into "the disk's fault" and "the statement's fault".
impl From<rusqlite::Error> for EngineError {
    fn from(error: rusqlite::Error) -> Self {
        let environment = error.sqlite_error_code().is_some_and(is_environment);
        let error = Arc::new(error);
        if environment {
            Self::Unavailable(error)
        } else {
            Self::Statement(error)
        }
    }
}

/// Whether the code blames the machine (disk, memory, locks) rather than the statement.
fn is_environment(code: ErrorCode) -> bool {
    matches!(
        code,
        ErrorCode::DiskFull
            | ErrorCode::SystemIoFailure
            | ErrorCode::CannotOpen
            | ErrorCode::ReadOnly
            | ErrorCode::PermissionDenied
            | ErrorCode::OutOfMemory
            | ErrorCode::DatabaseBusy
            | ErrorCode::DatabaseLocked
            | ErrorCode::FileLockingProtocolFailed
            | ErrorCode::DatabaseCorrupt
            | ErrorCode::NotADatabase
            | ErrorCode::OperationAborted
            | ErrorCode::OperationInterrupted
    )
}

/// Why a database could not be opened. Each text is a sentence for the person who starts the process.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process, or another engine of this process, has the database open.
    #[error(
        "the database {} is in use by another process, which holds the lock file {}: stop that \
         process first, or choose another path",
        database.display(),
        lock.display()
    )]
    InUse {
        /// The database file.
        database: PathBuf,
        /// The lock file beside it.
        lock: PathBuf,
    },
    /// The file was written by a newer release.
    #[error(
        "the database {location} has schema version {found}, but this program knows only versions \
         up to {known}: start the newer release that wrote it"
    )]
    TooNew {
        /// The database, as its URL.
        location: String,
        /// The version in the file.
        found: u32,
        /// The newest version this program can read.
        known: u32,
    },
    /// The file lacks migrations, which only the service applies.
    #[error(
        "the database {location} has schema version {found}, and this program needs {known}: start the service of this \
         release on it first"
    )]
    TooOld {
        /// The database, as its URL.
        location: String,
        /// The version in the file.
        found: u32,
        /// The version this program needs.
        known: u32,
    },
    /// The `SQLite` library is older than the first one without the WAL-reset data race.
    #[error("this program needs SQLite 3.51.3 or later, but is running with {found}")]
    LibraryTooOld {
        /// The library's version.
        found: &'static str,
    },
    /// A directory or file could not be made or protected.
    #[error("cannot prepare {}: {source}", path.display())]
    File {
        /// The directory or file.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// A schema migration failed; the file is as it was before that migration.
    #[error("migration `{name}` of the database {location} failed: {source}")]
    Migration {
        /// The database, as its URL.
        location: String,
        /// The migration's name.
        name: &'static str,
        /// What `SQLite` said.
        source: rusqlite::Error,
    },
    /// `SQLite` could not open or configure the file, for example because it is no database.
    #[error("cannot open the database {location}: {source}")]
    Sqlite {
        /// The database, as its URL.
        location: String,
        /// What `SQLite` said.
        source: rusqlite::Error,
    },
    /// A copy into the database has begun and not been finished.
    #[error(
        "the database {location} holds an unfinished copy of another store: run the same `invoice-app copy-store` again \
         to finish it, or delete the database to give it up"
    )]
    UnfinishedCopy {
        /// The database, as its URL.
        location: String,
    },
    /// There is no such database.
    #[error("there is no database {location}: check the path")]
    Absent {
        /// The database, as its URL.
        location: String,
    },
    /// The operating system gave no thread.
    #[error("cannot start a database thread: {0}")]
    Thread(#[source] io::Error),
}
