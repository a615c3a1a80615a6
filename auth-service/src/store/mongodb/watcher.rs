//! One change stream for all who watch revocations in this process.

use std::sync::OnceLock;
use std::time::Duration;

use mongo_engine::bson::doc;
use mongo_engine::mongodb::Database;
use mongo_engine::mongodb::change_stream::ChangeStream;
use mongo_engine::mongodb::change_stream::event::ResumeToken;
use mongo_engine::mongodb::error::{Error, ErrorKind};
use telemetry::chain;
use tokio::sync::{broadcast, watch};
use tokio::task::AbortHandle;
use tokio::time::{Instant, sleep, timeout};

use super::document::ChangeDocument;
use super::schema;
use crate::domain::revocation::Revocation;
use crate::store::revocations::BACKLOG;
use crate::store::{RevocationWatch, StoreError};

/// The server answers this often, with nothing when nothing happened.
const ANSWERS_EVERY: Duration = Duration::from_millis(500);
/// Without an answer for so long, the stream is opened anew where it was.
const ANSWERS_WITHIN: Duration = Duration::from_secs(4);
/// A stream that cannot be resumed within this time is lost: those who wait for it do better to look elsewhere.
const RESUMED_WITHIN: Duration = Duration::from_secs(8);
const PAUSE: Duration = Duration::from_millis(100);

/// Follows the database from the first watch on.
#[derive(Default)]
pub(super) struct Watcher(OnceLock<Running>);

struct Running {
    /// `None` while the database is out of sight.
    sight: watch::Receiver<Option<Sight>>,
    task: AbortHandle,
}

/// A time without a gap.
#[derive(Clone)]
struct Sight {
    revocations: broadcast::WeakSender<Revocation>,
    heard: watch::Receiver<Instant>,
}

impl Watcher {
    /// A watch from now on; waits until the database is in sight.
    pub(super) async fn watch(&self, database: &Database) -> RevocationWatch {
        let mut sight = self.0.get_or_init(|| Running::start(database)).sight.clone();
        loop {
            let now = sight.borrow_and_update().clone();
            let revocations = now.as_ref().and_then(|sight| sight.revocations.upgrade());
            if let (Some(sight), Some(revocations)) = (now, revocations) {
                return RevocationWatch::new(revocations.subscribe(), Some(sight.heard));
            }
            if sight.changed().await.is_err() {
                // The store is closed.
                std::future::pending::<()>().await;
            }
        }
    }

    /// Ends every watch.
    pub(super) fn close(&self) {
        if let Some(running) = self.0.get() {
            running.task.abort();
        }
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        self.close();
    }
}

impl Running {
    fn start(database: &Database) -> Self {
        let (publish, sight) = watch::channel(None);
        let task = tokio::spawn(follow(database.clone(), publish)).abort_handle();
        Self { sight, task }
    }
}

/// Follows the database for ever.
async fn follow(database: Database, publish: watch::Sender<Option<Sight>>) {
    let mut failing = false;
    loop {
        match open(&database, None).await {
            Ok(stream) => {
                failing = false;
                let (revocations, _) = broadcast::channel(BACKLOG);
                let (heard, sight) = watch::channel(Instant::now());
                publish.send_replace(Some(Sight {
                    revocations: revocations.downgrade(),
                    heard: sight,
                }));
                let error = pass_on(&database, stream, &revocations, &heard).await;
                publish.send_replace(None);
                tracing::warn!(
                    error = chain(&error),
                    "the database is out of sight; revocation feeds begin anew"
                );
            }
            Err(error) if !failing => {
                failing = true;
                tracing::warn!(
                    error = chain(&error),
                    "the database cannot be watched; it is tried again"
                );
            }
            Err(_) => {}
        }
        sleep(PAUSE).await;
    }
}

type Changes = ChangeStream<ChangeDocument>;

/// Passes on what happens until that cannot be done without a gap, and returns why.
async fn pass_on(
    database: &Database,
    mut changes: Changes,
    revocations: &broadcast::Sender<Revocation>,
    heard: &watch::Sender<Instant>,
) -> StoreError {
    let mut token = changes.resume_token();
    loop {
        match timeout(ANSWERS_WITHIN, changes.next_if_any()).await {
            Ok(Ok(change)) => {
                token = changes.resume_token();
                heard.send_replace(Instant::now());
                match change.map(Revocation::try_from).transpose() {
                    // Nobody may be watching now.
                    Ok(Some(revocation)) => drop(revocations.send(revocation)),
                    Ok(None) => {}
                    Err(error) => return error,
                }
            }
            Ok(Err(_)) | Err(_) => match resume(database, token.as_ref()).await {
                Ok(resumed) => changes = resumed,
                Err(error) => return error,
            },
        }
    }
}

/// The stream after `token`, when the database can be reached again.
async fn resume(database: &Database, token: Option<&ResumeToken>) -> Result<Changes, StoreError> {
    let lost = |reason: &'static str| StoreError::Unavailable(reason.into());
    let token = token.ok_or_else(|| lost("a change stream ended before it began"))?;
    let begun = Instant::now();
    while begun.elapsed() < RESUMED_WITHIN {
        match open(database, Some(token)).await {
            Ok(resumed) => return Ok(resumed),
            Err(StoreError::Unavailable(_) | StoreError::Overloaded) => sleep(PAUSE).await,
            Err(error) => return Err(error),
        }
    }
    Err(lost("a change stream could not be resumed in time"))
}

/// What ends sessions and raises security versions, after `token` or from now on.
async fn open(database: &Database, token: Option<&ResumeToken>) -> Result<Changes, StoreError> {
    let ended =
        doc! { "ns.coll": schema::SESSIONS, "updateDescription.updatedFields.end": { "$exists": true } };
    let raised = doc! {
        "ns.coll": schema::USERS,
        "updateDescription.updatedFields.security_version": { "$exists": true },
    };
    let wanted = doc! { "$match": { "operationType": "update", "$or": [ended, raised] } };
    let needed = doc! { "$project": {
        "documentKey._id": 1,
        "updateDescription.updatedFields.end.time": 1,
        "updateDescription.updatedFields.security_version": 1,
        "updateDescription.updatedFields.security_version_time": 1,
    } };
    let watch = database
        .watch()
        .pipeline([wanted, needed])
        .max_await_time(ANSWERS_EVERY);
    let opened = timeout(ANSWERS_WITHIN, watch.resume_after(token.cloned())).await;
    match opened {
        Ok(Ok(changes)) => Ok(changes.with_type()),
        Ok(Err(error)) if is_final(&error) => Err(StoreError::Broken(Box::new(error))),
        Ok(Err(error)) => Err(StoreError::Unavailable(Box::new(error))),
        Err(elapsed) => Err(StoreError::Unavailable(Box::new(elapsed))),
    }
}

/// Whether a stream can never be resumed where it was: its place is no longer in the log.
fn is_final(error: &Error) -> bool {
    const INVALID_RESUME_TOKEN: i32 = 260;
    const CHANGE_STREAM_FATAL_ERROR: i32 = 280;
    const CHANGE_STREAM_HISTORY_LOST: i32 = 286;
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "the driver's kinds are non-exhaustive"
    )]
    match &*error.kind {
        ErrorKind::Command(command) => [
            INVALID_RESUME_TOKEN,
            CHANGE_STREAM_FATAL_ERROR,
            CHANGE_STREAM_HISTORY_LOST,
        ]
        .contains(&command.code),
        _ => false,
    }
}
