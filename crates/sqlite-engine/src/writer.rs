//! The writer thread: takes jobs from the queue, commits many at once, answers after the commit.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use rusqlite::Connection;
use tokio::sync::oneshot;

use crate::connection::Gate;
use crate::engine::Counters;
use crate::error::EngineError;
use crate::queue::Queue;

/// A transaction takes no further job after this many …
const BATCH_JOBS: usize = 64;
/// … or after this time, so that the first job of a batch is not kept waiting by the last.
const BATCH_TIME: Duration = Duration::from_millis(2);

/// A job waiting for the writer. Its type hides the job's own result and error types.
pub(crate) trait WriteJob: Send {
    /// Runs the job and keeps its result. Returns whether its changes are wanted.
    fn run(&mut self, connection: &Connection) -> Wanted;

    /// Hands the result to the caller, or `failure` when the batch was rolled back after all.
    fn answer(self: Box<Self>, failure: Option<EngineError>);
}

/// Whether a job's changes are to be committed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wanted {
    Keep,
    RollBack,
}

/// The one implementation of [`WriteJob`].
pub(crate) struct Write<F, C, T, E> {
    job: Option<F>,
    committed: C,
    result: Option<Result<T, E>>,
    caller: oneshot::Sender<Result<T, E>>,
}

impl<F, C, T, E> Write<F, C, T, E> {
    pub(crate) fn new(job: F, committed: C, caller: oneshot::Sender<Result<T, E>>) -> Self {
        Self {
            job: Some(job),
            committed,
            result: None,
            caller,
        }
    }
}

impl<F, C, T, E> WriteJob for Write<F, C, T, E>
where
    C: FnOnce(&T) + Send,
    F: FnOnce(&Connection) -> Result<T, E> + Send,
    T: Send,
    E: From<EngineError> + Send,
{
    fn run(&mut self, connection: &Connection) -> Wanted {
        let Some(job) = self.job.take() else {
            return Wanted::RollBack;
        };
        let result = catch_unwind(AssertUnwindSafe(|| job(connection)))
            .unwrap_or_else(|_panic| Err(E::from(EngineError::JobPanicked)));
        let wanted = if result.is_ok() {
            Wanted::Keep
        } else {
            Wanted::RollBack
        };
        self.result = Some(result);
        wanted
    }

    fn answer(self: Box<Self>, failure: Option<EngineError>) {
        let result = match (failure, self.result) {
            // Also instead of the job's own error: it may have been decided on what another job of the batch
            // wrote, and that is gone.
            (Some(failure), _) => Err(E::from(failure)),
            (None, Some(Ok(result))) => {
                (self.committed)(&result);
                Ok(result)
            }
            (None, Some(Err(error))) => Err(error),
            (None, None) => Err(E::from(EngineError::Closed)),
        };
        // The caller may have given up; the work is done all the same.
        let _ = self.caller.send(result);
    }
}

/// The state of the writer thread.
pub(crate) struct Writer {
    pub(crate) connection: Connection,
    pub(crate) gate: Gate,
    pub(crate) queue: Arc<Queue<Box<dyn WriteJob>>>,
    pub(crate) counters: Arc<Counters>,
    pub(crate) at_close: AtClose,
}

/// What becomes of the write-ahead log when the writer ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AtClose {
    /// It is folded into the file.
    Fold,
    /// It is left to whoever else has the database open: folding would hold up its writes. `SQLite` folds it when nobody
    /// has.
    Leave,
}

impl Writer {
    /// Serves the queue until it is closed and empty, then sees to the write-ahead log.
    pub(crate) fn run(self) {
        while let Some(first) = self.queue.pop() {
            let mut batch = Vec::new();
            let gate = self.gate.write();
            let outcome = self.transaction(first, &mut batch);
            drop(gate);
            self.counters
                .writes
                .fetch_add(batch.len() as u64, Ordering::Relaxed);
            let failure = match outcome {
                Ok(()) => {
                    self.counters.commits.fetch_add(1, Ordering::Relaxed);
                    None
                }
                Err(error) => {
                    tracing::error!(error = %error, jobs = batch.len(), "a write transaction was rolled back");
                    Some(EngineError::Unavailable(Arc::new(error)))
                }
            };
            for job in batch {
                job.answer(failure.clone());
            }
        }
        match self.at_close {
            AtClose::Fold => self.checkpoint(),
            AtClose::Leave => {}
        }
    }

    /// One transaction: `first`, then whatever is waiting, up to the batch limits. An idle queue
    /// commits at once. On an error everything is rolled back.
    fn transaction(
        &self,
        first: Box<dyn WriteJob>,
        batch: &mut Vec<Box<dyn WriteJob>>,
    ) -> rusqlite::Result<()> {
        let started = Instant::now();
        let mut next = Some(first);
        let begun = self.execute("BEGIN IMMEDIATE");
        let outcome = begun.and_then(|()| {
            while let Some(mut job) = next.take() {
                let outcome = self.savepoint(&mut *job);
                batch.push(job);
                outcome?;
                if batch.len() < BATCH_JOBS && started.elapsed() < BATCH_TIME {
                    next = self.queue.pop_ready();
                }
            }
            self.execute("COMMIT")
        });
        batch.extend(next);
        // Some errors (disk full, I/O) end the transaction by themselves.
        if outcome.is_err() && !self.connection.is_autocommit() {
            self.execute("ROLLBACK")?;
        }
        outcome
    }

    /// One job in its own savepoint. An error means that the transaction cannot go on.
    fn savepoint(&self, job: &mut dyn WriteJob) -> rusqlite::Result<()> {
        self.execute("SAVEPOINT job")?;
        let wanted = job.run(&self.connection);
        if self.connection.is_autocommit() {
            // Disk full and I/O errors may end the whole transaction: the batch is lost.
            let code = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_ABORT);
            let text = "a failing statement ended the transaction of its batch".to_owned();
            return Err(rusqlite::Error::SqliteFailure(code, Some(text)));
        }
        if wanted == Wanted::RollBack {
            self.execute("ROLLBACK TO job")?;
        }
        self.execute("RELEASE job")
    }

    fn execute(&self, sql: &str) -> rusqlite::Result<()> {
        self.connection.prepare_cached(sql)?.execute([]).map(drop)
    }

    fn checkpoint(&self) {
        let checkpoint = self
            .connection
            .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_row| Ok(()));
        if let Err(error) = checkpoint {
            // Harmless: the next open reads the log.
            tracing::warn!(error = %error, "the write-ahead log was not folded in at close");
        }
    }
}
