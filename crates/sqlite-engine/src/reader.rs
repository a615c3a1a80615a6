//! Reader threads: each answers one read at a time from a snapshot of its own.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use rusqlite::Connection;
use tokio::sync::oneshot;

use crate::connection::Gate;
use crate::error::EngineError;
use crate::queue::Queue;

/// A read waiting for a reader.
pub(crate) type ReadJob = Box<dyn FnOnce(&Connection) + Send>;

/// Wraps a typed job so that it answers its caller itself.
pub(crate) fn read_job<F, T, E>(job: F, caller: oneshot::Sender<Result<T, E>>) -> ReadJob
where
    F: FnOnce(&Connection) -> Result<T, E> + Send + 'static,
    T: Send + 'static,
    E: From<EngineError> + Send + 'static,
{
    Box::new(move |connection| {
        // Nobody waits for it any more: a read has no effect that could be missed.
        if caller.is_closed() {
            return;
        }
        let result = catch_unwind(AssertUnwindSafe(|| snapshot(connection, job)))
            .unwrap_or_else(|_panic| Err(E::from(EngineError::JobPanicked)));
        let _ = caller.send(result);
    })
}

/// Runs a job inside a read transaction: all its statements see the same moment.
fn snapshot<F, T, E>(connection: &Connection, job: F) -> Result<T, E>
where
    F: FnOnce(&Connection) -> Result<T, E>,
    E: From<EngineError>,
{
    // Rolled back when dropped, also by a panic.
    let _transaction = connection
        .unchecked_transaction()
        .map_err(|error| E::from(error.into()))?;
    job(connection)
}

/// The state of one reader thread.
pub(crate) struct Reader {
    pub(crate) connection: Connection,
    pub(crate) gate: Gate,
    pub(crate) queue: Arc<Queue<ReadJob>>,
}

impl Reader {
    /// Serves the queue until it is closed and empty.
    pub(crate) fn run(self) {
        while let Some(job) = self.queue.pop() {
            let _gate = self.gate.read();
            job(&self.connection);
        }
    }
}
