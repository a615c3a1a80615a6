//! The handle the stores hold.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use rusqlite::Connection;
use tokio::sync::{oneshot, watch};

use crate::connection::{Gate, Opener};
use crate::error::{EngineError, OpenError};
use crate::files::{self, LockFile};
use crate::location::Location;
use crate::migration::{Migration, migrate, require_current};
use crate::queue::{PushError, Queue};
use crate::reader::{ReadJob, Reader, read_job};
use crate::unfinished_copy;
use crate::writer::{AtClose, Write, WriteJob, Writer};

/// Writes, and separately reads, that may wait. Beyond it callers are refused at once.
const QUEUE: usize = 1024;
/// Reads that run at the same time.
const READERS: usize = 4;
/// 1 s: for the threads to end. A process that is told to go has 30 s in all, and a disk may hang for longer.
const CLOSE_TIME: Duration = Duration::from_secs(1);

/// An open database. Clones share it; it closes when [`Engine::close`] is called or the last clone
/// is dropped.
#[derive(Clone)]
pub struct Engine {
    inner: Arc<Inner>,
}

struct Inner {
    location: Location,
    writes: Arc<Queue<Box<dyn WriteJob>>>,
    reads: Arc<Queue<ReadJob>>,
    counters: Arc<Counters>,
    /// Every thread holds a sender: when all are gone, all threads have ended.
    ended: watch::Receiver<()>,
}

#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) writes: AtomicU64,
    pub(crate) commits: AtomicU64,
}

/// What an engine has done since it was opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stats {
    /// Write jobs run, whatever became of them.
    pub writes: u64,
    /// Transactions committed. Under load much smaller than `writes`: that is the group commit.
    pub commits: u64,
}

impl Engine {
    /// Opens or makes the database, brings its schema up to date and starts the threads.
    ///
    /// Blocking: meant for start-up, before any request is served.
    ///
    /// # Errors
    /// Every [`OpenError`]; each text is a sentence for the person who starts the process.
    pub fn open(location: &Location, migrations: &'static [Migration]) -> Result<Self, OpenError> {
        Self::open_with(location, migrations, UnfinishedCopies::Refused)
    }

    /// As [`Engine::open`], for a database to be copied: one that is not there is not made.
    ///
    /// # Errors
    /// Every [`OpenError`].
    pub fn open_copy_source(
        location: &Location,
        migrations: &'static [Migration],
    ) -> Result<Self, OpenError> {
        match location {
            Location::File(path) if path.is_file() => Self::open(location, migrations),
            Location::File(_) | Location::Memory => Err(OpenError::Absent {
                location: location.to_string(),
            }),
        }
    }

    /// As [`Engine::open`], for a database to be copied into, which may have a mark ([`crate::UnfinishedCopy`]).
    ///
    /// # Errors
    /// Every [`OpenError`] but the one about unfinished copies.
    pub fn open_copy_target(
        location: &Location,
        migrations: &'static [Migration],
    ) -> Result<Self, OpenError> {
        Self::open_with(location, migrations, UnfinishedCopies::Accepted)
    }

    /// Opens a database that a service may have open, without the lock that keeps a second service out: for a few short
    /// reads and writes of an operator's command. The two wait for each other's transactions, up to 5 s. One that is not
    /// there is not made, and the schema is left to the service.
    ///
    /// # Errors
    /// `Absent`, `TooOld`, and every other [`OpenError`] but `InUse`.
    pub fn open_beside(location: &Location, migrations: &'static [Migration]) -> Result<Self, OpenError> {
        match location {
            Location::File(path) if path.is_file() => {}
            Location::File(_) | Location::Memory => {
                return Err(OpenError::Absent {
                    location: location.to_string(),
                });
            }
        }
        let opener = Opener::new(location)?;
        let connection = opener.beside()?;
        UnfinishedCopies::Refused.check(&connection, location)?;
        require_current(&connection, location, migrations)?;
        Self::start(location, &opener, connection, None, AtClose::Leave)
    }

    fn open_with(
        location: &Location,
        migrations: &'static [Migration],
        unfinished_copies: UnfinishedCopies,
    ) -> Result<Self, OpenError> {
        let lock = match location {
            Location::File(path) => Some(files::prepare(path)?),
            Location::Memory => None,
        };
        let opener = Opener::new(location)?;
        let mut connection = opener.writer()?;
        unfinished_copies.check(&connection, location)?;
        migrate(&mut connection, location, migrations)?;
        Self::start(location, &opener, connection, lock, AtClose::Fold)
    }

    fn start(
        location: &Location,
        opener: &Opener,
        connection: Connection,
        lock: Option<LockFile>,
        at_close: AtClose,
    ) -> Result<Self, OpenError> {
        let (alive, ended) = watch::channel(());
        let engine = Self {
            inner: Arc::new(Inner {
                location: location.clone(),
                writes: Arc::new(Queue::new(QUEUE)),
                reads: Arc::new(Queue::new(QUEUE)),
                counters: Arc::default(),
                ended,
            }),
        };
        // On an error below, dropping `engine` closes the queues and so ends the threads started.
        let gate = Gate::for_location(location);
        for _ in 0..READERS {
            let queue = Arc::clone(&engine.inner.reads);
            let reader = Reader {
                connection: opener.reader()?,
                gate: gate.clone(),
                queue,
            };
            spawn("sqlite-reader", alive.clone(), None, || reader.run())?;
        }
        let queue = Arc::clone(&engine.inner.writes);
        let counters = Arc::clone(&engine.inner.counters);
        let writer = Writer {
            connection,
            gate,
            queue,
            counters,
            at_close,
        };
        spawn("sqlite-writer", alive, lock, || writer.run())?;
        Ok(engine)
    }

    /// Runs `job` on the writer thread and answers after its changes are on the disk.
    ///
    /// The job runs in a savepoint of a transaction it may share with other jobs: it must not begin,
    /// commit or roll back by itself, nor wait for anything but the database. Atomic: when it returns
    /// an error or panics, everything it changed is undone, and nothing else.
    ///
    /// Not cancellable: once queued, the job runs and is committed even when the returned future is
    /// dropped. A caller that gave up does not know the outcome.
    ///
    /// # Errors
    /// The job's own error, decided on what is on the disk; or an [`EngineError`] turned into `E`:
    /// `Overloaded`, `Unavailable` (the transaction was rolled back, whatever the job itself came to),
    /// `Closed` or `JobPanicked`.
    pub async fn write<F, T, E>(&self, job: F) -> Result<T, E>
    where
        F: FnOnce(&Connection) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<EngineError> + Send + 'static,
    {
        self.write_and_tell(job, |_result| {}).await
    }

    /// As [`Engine::write`], and tells `committed` what the job returned as soon as that is on the disk, before the caller
    /// is answered and also when the caller has given up. It runs on the writer thread, so it must be quick.
    ///
    /// # Errors
    /// As [`Engine::write`].
    pub async fn write_and_tell<F, T, E, C>(&self, job: F, committed: C) -> Result<T, E>
    where
        F: FnOnce(&Connection) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<EngineError> + Send + 'static,
        C: FnOnce(&T) + Send + 'static,
    {
        let (caller, answer) = oneshot::channel();
        self.inner
            .writes
            .push(Box::new(Write::new(job, committed, caller)))
            .map_err(|error| refused(&error))?;
        answer
            .await
            .unwrap_or_else(|_gone| Err(E::from(EngineError::Closed)))
    }

    /// Runs `job` on a reader thread, in a read transaction: all its statements see one moment, no
    /// earlier than the last write answered before this call. It cannot change anything.
    ///
    /// Cancellable: a read whose future was dropped before its turn is skipped.
    ///
    /// # Errors
    /// As [`Engine::write`].
    pub async fn read<F, T, E>(&self, job: F) -> Result<T, E>
    where
        F: FnOnce(&Connection) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<EngineError> + Send + 'static,
    {
        let (caller, answer) = oneshot::channel();
        self.inner
            .reads
            .push(read_job(job, caller))
            .map_err(|error| refused(&error))?;
        answer
            .await
            .unwrap_or_else(|_gone| Err(E::from(EngineError::Closed)))
    }

    /// Reads something from the file, for readiness probes.
    ///
    /// # Errors
    /// As [`Engine::read`].
    pub async fn ping(&self) -> Result<(), EngineError> {
        self.read(|connection| {
            connection.query_row("SELECT count(*) FROM sqlite_schema", [], |_row| Ok(()))?;
            Ok(())
        })
        .await
    }

    /// Counters since the database was opened.
    pub fn stats(&self) -> Stats {
        Stats {
            writes: self.inner.counters.writes.load(Ordering::Relaxed),
            commits: self.inner.counters.commits.load(Ordering::Relaxed),
        }
    }

    /// Refuses new jobs, finishes and answers the queued ones, folds the write-ahead log into the
    /// file, ends the threads and lets go of the lock file. Idempotent; concurrent calls all wait.
    ///
    /// Returns after one second at the latest. What has not been answered by then goes on while the
    /// process lives; when that ends, it is lost whole, as in a crash.
    pub async fn close(&self) {
        self.inner.close();
        let mut ended = self.inner.ended.clone();
        // Nothing is ever sent: this ends with an error when the last thread is gone.
        let all_ended = async { while ended.changed().await.is_ok() {} };
        if tokio::time::timeout(CLOSE_TIME, all_ended).await.is_err() {
            tracing::warn!("the database was left before its last jobs had ended");
        }
    }
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine")
            .field("location", &self.inner.location)
            .finish_non_exhaustive()
    }
}

impl Inner {
    fn close(&self) {
        self.writes.close();
        self.reads.close();
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.close();
    }
}

/// What becomes of a database that holds an unfinished copy.
#[derive(Debug, Clone, Copy)]
enum UnfinishedCopies {
    /// Whoever serves it would serve half of the records.
    Refused,
    /// Whoever copies finishes it.
    Accepted,
}

impl UnfinishedCopies {
    fn check(self, connection: &Connection, location: &Location) -> Result<(), OpenError> {
        match self {
            Self::Accepted => Ok(()),
            Self::Refused => match unfinished_copy::is_there(connection) {
                Ok(false) => Ok(()),
                Ok(true) => Err(OpenError::UnfinishedCopy {
                    location: location.to_string(),
                }),
                Err(source) => Err(OpenError::Sqlite {
                    location: location.to_string(),
                    source,
                }),
            },
        }
    }
}

fn refused<E: From<EngineError>>(error: &PushError) -> E {
    E::from(match error {
        PushError::Full => EngineError::Overloaded,
        PushError::Closed => EngineError::Closed,
    })
}

/// Starts a thread that owns what it works on, and only when that is dropped lets go of the lock and
/// reports its end.
fn spawn(
    name: &str,
    alive: watch::Sender<()>,
    lock: Option<LockFile>,
    work: impl FnOnce() + Send + 'static,
) -> Result<(), OpenError> {
    let body = move || {
        work();
        drop(lock);
        drop(alive);
    };
    thread::Builder::new()
        .name(name.to_owned())
        .spawn(body)
        .map(drop)
        .map_err(OpenError::Thread)
}
