use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use deadline::Deadline;
use mongodb::bson::doc;
use mongodb::{Client, ClientSession, Collection, Database};
use tokio::sync::Semaphore;
use tokio_util::task::TaskTracker;

use crate::open::{PATIENCE, PATIENCE_TO_COPY};
use crate::pool::PoolFigures;
use crate::underway::Underway;
use crate::{EngineError, Location, OpenError, Schema, open, unfinished_copy};

/// 4 s: how long a caller waits for an operation, and the server works on one that takes a time limit (give it as
/// `max_time`). Below the 5 s that a call has by default, so that it is answered UNAVAILABLE and not by silence.
pub const OPERATION_TIME: Duration = Duration::from_secs(4);
/// Operations under way, also those that nobody waits for any more.
const MOST_OPERATIONS: usize = 1024;
/// 1 s: for operations under way to finish at the end of the process.
const CLOSING: Duration = Duration::from_secs(1);
/// Of what is left of a deadline, this part is kept for the answer, and no less than 10 ms.
const KEPT_FOR_THE_ANSWER: u32 = 10;

/// What is done with a session.
pub type Work<'a, T> = Pin<Box<dyn Future<Output = mongodb::error::Result<T>> + Send + 'a>>;

/// One database. Clones are the same engine.
#[derive(Debug, Clone)]
pub struct Engine(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    client: Client,
    database: Database,
    pool: PoolFigures,
    places: Arc<Semaphore>,
    operations: TaskTracker,
}

impl Engine {
    /// Connects, checks the cluster, and brings the schema up to date. Waits up to 30 s for a database that is starting.
    ///
    /// The database is the one that the URL names, else `default_database`.
    ///
    /// # Errors
    /// [`OpenError`], one variant per cause.
    pub async fn open(
        location: &Location,
        default_database: &str,
        schema: &Schema,
    ) -> Result<Self, OpenError> {
        let engine = Self::connect(location, default_database, PATIENCE).await?;
        let prepare = || async {
            engine.refuse_unfinished_copy(schema).await?;
            schema.prepare(engine.database()).await
        };
        open::patiently(PATIENCE, prepare).await?;
        Ok(engine)
    }

    /// As [`Engine::open`], for a database to be copied: it must hold the data, and is written to only if its schema is
    /// older. Waits up to 10 s.
    ///
    /// # Errors
    /// [`OpenError`], one variant per cause.
    pub async fn open_copy_source(
        location: &Location,
        default_database: &str,
        schema: &Schema,
    ) -> Result<Self, OpenError> {
        let engine = Self::connect(location, default_database, PATIENCE_TO_COPY).await?;
        engine.refuse_unfinished_copy(schema).await?;
        schema.prepare_to_read(engine.database()).await?;
        Ok(engine)
    }

    /// As [`Engine::open`], for a database to be copied into, which may have a mark ([`crate::UnfinishedCopy`]). Waits up
    /// to 10 s.
    ///
    /// # Errors
    /// Every [`OpenError`] but the one about unfinished copies.
    pub async fn open_copy_target(
        location: &Location,
        default_database: &str,
        schema: &Schema,
    ) -> Result<Self, OpenError> {
        let engine = Self::connect(location, default_database, PATIENCE_TO_COPY).await?;
        schema.prepare(engine.database()).await?;
        Ok(engine)
    }

    async fn connect(
        location: &Location,
        default_database: &str,
        patience: Duration,
    ) -> Result<Self, OpenError> {
        let pool = PoolFigures::default();
        let (client, database) = open::connect(location, default_database, &pool, patience).await?;
        Ok(Self(Arc::new(Inner {
            client,
            database,
            pool,
            places: Arc::new(Semaphore::new(MOST_OPERATIONS)),
            operations: TaskTracker::new(),
        })))
    }

    async fn refuse_unfinished_copy(&self, schema: &Schema) -> Result<(), OpenError> {
        let mark = unfinished_copy::find(self.database(), schema.name).await;
        match mark.map_err(EngineError::from)? {
            None => Ok(()),
            Some(_) => Err(OpenError::UnfinishedCopy {
                database: self.database().name().to_owned(),
            }),
        }
    }

    /// A collection of the database.
    pub fn collection<T: Send + Sync>(&self, name: &str) -> Collection<T> {
        self.0.database.collection(name)
    }

    /// The database.
    pub fn database(&self) -> &Database {
        &self.0.database
    }

    /// Runs `operation` and waits for it: as long as [`OPERATION_TIME`], and no longer than what [`Deadline::current`]
    /// leaves. When the caller stops waiting it goes on, in a task of its own.
    ///
    /// # Errors
    /// [`EngineError`]; `Unavailable` when the time is up.
    pub async fn run<T, F>(&self, operation: F) -> Result<T, EngineError>
    where
        F: Future<Output = mongodb::error::Result<T>> + Send + 'static,
        T: Send + 'static,
    {
        let place = Arc::clone(&self.0.places)
            .try_acquire_owned()
            .map_err(|_| EngineError::Overloaded)?;
        self.run_with(place, operation).await
    }

    /// Runs `work` in a transaction, as [`Engine::run`] runs an operation: all that it writes with the session is done when
    /// this succeeds, or nothing.
    ///
    /// `work` runs again from the beginning when the server could not go on with the transaction, as after a write conflict or
    /// an election, and a commit whose outcome is unknown is repeated until it is known; both as long as an operation that
    /// nobody waits for goes on. To undo what it did and give a value nevertheless, `work` aborts the transaction itself. An
    /// error of an operation within it must be returned.
    ///
    /// # Errors
    /// [`EngineError`]; `Unavailable` when the time is up: it may have happened, or happen within 30 s.
    pub async fn run_in_transaction<T, F>(&self, mut work: F) -> Result<T, EngineError>
    where
        F: for<'a> FnMut(&'a mut ClientSession) -> Work<'a, T> + Send + 'static,
        T: Send + 'static,
    {
        let client = self.0.client.clone();
        let transaction = async move {
            let mut session = client.start_session().await?;
            let begun = session.start_transaction().max_commit_time(OPERATION_TIME);
            begun.and_run((), |session, ()| work(session)).await
        };
        self.run(transaction).await
    }

    /// As [`Engine::run`]; `place` is given back when the operation has ended, waited for or not.
    async fn run_with<T, F, P>(&self, place: P, operation: F) -> Result<T, EngineError>
    where
        F: Future<Output = mongodb::error::Result<T>> + Send + 'static,
        T: Send + 'static,
        P: Send + Unpin + 'static,
    {
        if self.0.operations.is_closed() {
            return Err(EngineError::Closed);
        }
        let patience = Self::patience();
        if patience.is_zero() {
            return Err(EngineError::unavailable("the caller's deadline has passed"));
        }
        let underway = Underway::new(&self.0.operations, operation, place);
        match tokio::time::timeout(patience, underway).await {
            Ok(Ok(answered)) => Ok(answered?),
            Ok(Err(_panic)) => Err(EngineError::Panicked),
            Err(elapsed) => Err(EngineError::unavailable(elapsed)),
        }
    }

    /// How long the caller may still wait: [`OPERATION_TIME`], or what [`Deadline::current`] leaves.
    pub fn patience() -> Duration {
        patience(Deadline::current().map(Deadline::remaining))
    }

    /// Whether the primary answers. Takes no place: a process that is busy is not down.
    ///
    /// # Errors
    /// [`EngineError`]
    pub async fn ping(&self) -> Result<(), EngineError> {
        let database = self.0.database.clone();
        let ping = async move { database.run_command(doc! { "ping": 1 }).await.map(drop) };
        self.run_with((), ping).await
    }

    /// Connections that are open now, to all servers of the cluster.
    pub fn open_connections(&self) -> usize {
        self.0.pool.open()
    }

    /// The most connections that any one server had at a time.
    pub fn most_connections_to_one_server(&self) -> usize {
        self.0.pool.most_to_one_server()
    }

    /// Waits up to a second for operations under way, and closes every connection. Nothing works afterwards. Idempotent.
    pub async fn close(&self) {
        if !self.0.operations.close() {
            return;
        }
        if tokio::time::timeout(CLOSING, self.0.operations.wait())
            .await
            .is_err()
        {
            tracing::warn!(
                operations = self.0.operations.len(),
                "closing MongoDB with operations under way"
            );
        }
        self.0.client.clone().shutdown().immediate(true).await;
    }
}

/// How long a caller waits whose deadline leaves so much.
fn patience(left: Option<Duration>) -> Duration {
    const LEAST: Duration = Duration::from_millis(10);
    left.map_or(OPERATION_TIME, |left| {
        let kept = (left / KEPT_FOR_THE_ANSWER).max(LEAST);
        left.saturating_sub(kept).min(OPERATION_TIME)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_caller_waits_four_seconds_and_less_when_its_deadline_is_nearer() {
        assert_eq!(patience(None), OPERATION_TIME);
        let of = |millis| patience(Some(Duration::from_millis(millis))).as_millis();
        assert_eq!([of(30_000), of(2_000), of(50), of(5)], [4_000, 1_800, 40, 0]);
    }
}
