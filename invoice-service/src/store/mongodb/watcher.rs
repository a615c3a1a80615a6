//! One change stream for all who watch invoices in this process, and short ones for who missed more than it remembers.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use mongo_engine::EngineError;
use mongo_engine::bson::RawDocumentBuf;
use mongo_engine::mongodb::Collection;
use mongo_engine::mongodb::change_stream::ChangeStream;
use mongo_engine::mongodb::change_stream::event::ResumeToken;
use telemetry::chain;
use tokio::sync::watch;
use tokio::task::AbortHandle;
use tokio::time::{Instant, sleep, timeout};

use super::change::{ChangeDocument, Changed, organization_of, pipeline, place, token};
use crate::domain::ids::OrganizationId;
use crate::store::feed::{Feed, Missed, Place, Subscription, WatchError};
use crate::store::{ChangeWatch, StoreError};

/// The server answers this often, with nothing when nothing happened.
const ANSWERS_EVERY: Duration = Duration::from_millis(500);
/// Without an answer for so long, the stream is opened anew where it was.
const ANSWERS_WITHIN: Duration = Duration::from_secs(4);
/// A stream that cannot be resumed within this time is lost: those who wait for it do better to look elsewhere.
const RESUMED_WITHIN: Duration = Duration::from_secs(8);
const PAUSE: Duration = Duration::from_millis(100);
/// For reading what a watch has missed. Reading everything anew is quicker then.
const CAUGHT_UP_WITHIN: Duration = Duration::from_secs(20);

/// Follows the collection from the first watch on.
#[derive(Debug, Default)]
pub(super) struct Watcher(OnceLock<Running>);

#[derive(Debug)]
struct Running {
    /// `None` while the database is out of sight.
    sight: watch::Receiver<Option<Arc<Feed>>>,
    task: AbortHandle,
}

impl Watcher {
    /// A watch from `after` or from now on; waits until the database is in sight.
    pub(super) async fn watch(
        &self,
        invoices: &Collection<RawDocumentBuf>,
        organization: &OrganizationId,
        after: Option<&Place>,
    ) -> Result<ChangeWatch, WatchError> {
        match self.subscribe(invoices, organization, after).await {
            Subscription::Whole(watch) => Ok(watch),
            Subscription::Since(watch, until) => {
                let after = after.ok_or(WatchError::PlaceLost)?;
                let missed = missed(invoices, organization, after, &until);
                let missed = timeout(CAUGHT_UP_WITHIN, missed).await;
                Ok(watch.with_missed(missed.map_err(|_| WatchError::PlaceLost)??))
            }
            Subscription::Closed => Err(StoreError::Unavailable("the store is closed".into()).into()),
        }
    }

    async fn subscribe(
        &self,
        invoices: &Collection<RawDocumentBuf>,
        organization: &OrganizationId,
        after: Option<&Place>,
    ) -> Subscription {
        let mut sight = self.0.get_or_init(|| Running::start(invoices)).sight.clone();
        loop {
            let feed = sight.borrow_and_update().clone();
            if let Some(feed) = feed {
                match feed.subscribe(organization, after) {
                    Subscription::Closed => {}
                    open @ (Subscription::Whole(_) | Subscription::Since(..)) => return open,
                }
            }
            if sight.changed().await.is_err() {
                return Subscription::Closed;
            }
        }
    }

    /// Ends every watch.
    pub(super) fn close(&self) {
        if let Some(running) = self.0.get() {
            running.task.abort();
            if let Some(feed) = running.sight.borrow().as_ref() {
                feed.close();
            }
        }
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        self.close();
    }
}

impl Running {
    fn start(invoices: &Collection<RawDocumentBuf>) -> Self {
        let (publish, sight) = watch::channel(None);
        let task = tokio::spawn(follow(invoices.clone(), publish)).abort_handle();
        Self { sight, task }
    }
}

/// Follows the collection for ever.
async fn follow(invoices: Collection<RawDocumentBuf>, publish: watch::Sender<Option<Arc<Feed>>>) {
    let mut failing = false;
    loop {
        match begin(&invoices).await {
            Ok((stream, position)) => {
                failing = false;
                let feed = Feed::new(position.clone());
                publish.send_replace(Some(Arc::clone(&feed)));
                let error = pass_on(&invoices, stream, position, &feed).await;
                publish.send_replace(None);
                feed.close();
                tracing::warn!(
                    error = chain(&error),
                    "the invoices are out of sight; those who watch them have to go on elsewhere"
                );
            }
            Err(error) if !failing => {
                failing = true;
                tracing::warn!(
                    error = chain(&error),
                    "the invoices cannot be watched; it is tried again"
                );
            }
            Err(_) => {}
        }
        sleep(PAUSE).await;
    }
}

type Changes = ChangeStream<ChangeDocument>;

/// A stream from now on, and where that is.
async fn begin(invoices: &Collection<RawDocumentBuf>) -> Result<(Changes, Place), StoreError> {
    let changes = open(invoices, None).await?;
    match changes.resume_token() {
        Some(begun) => Ok((changes, place(&begun)?)),
        None => Err(StoreError::Unavailable("a change stream began nowhere".into())),
    }
}

/// Passes on what happens until that cannot be done without a gap, and returns why.
async fn pass_on(
    invoices: &Collection<RawDocumentBuf>,
    mut changes: Changes,
    mut position: Place,
    feed: &Feed,
) -> StoreError {
    loop {
        match timeout(ANSWERS_WITHIN, changes.next_if_any()).await {
            Ok(Ok(found)) => {
                if let Some(found) = found
                    && let Err(error) = tell(invoices, found, feed).await
                {
                    return error;
                }
                match changes.resume_token().as_ref().map(place) {
                    Some(Ok(reached)) => position = reached,
                    Some(Err(error)) => return error,
                    None => {}
                }
                feed.advance(position.clone());
            }
            Ok(Err(_)) | Err(_) => match resume(invoices, &position).await {
                Ok(resumed) => changes = resumed,
                Err(error) => return error,
            },
        }
    }
}

async fn tell(
    invoices: &Collection<RawDocumentBuf>,
    found: ChangeDocument,
    feed: &Feed,
) -> Result<(), StoreError> {
    let Some(Changed { organization, change }) = found.read()? else {
        return Ok(());
    };
    let organization = match organization {
        Some(organization) => Some(organization),
        None => organization_of(invoices, &change.invoice).await?,
    };
    if let Some(organization) = organization {
        feed.tell(organization, change);
    }
    Ok(())
}

/// The stream after `position`, when the database can be reached again.
async fn resume(invoices: &Collection<RawDocumentBuf>, position: &Place) -> Result<Changes, StoreError> {
    let begun = Instant::now();
    while begun.elapsed() < RESUMED_WITHIN {
        match open(invoices, token(position)).await {
            Ok(resumed) => return Ok(resumed),
            Err(EngineError::Unavailable(_)) => sleep(PAUSE).await,
            Err(error) => return Err(error.into()),
        }
    }
    Err(StoreError::Unavailable(
        "a change stream could not be resumed in time".into(),
    ))
}

/// What happened to the invoices of an organization after `after`, up to `until` at least.
///
/// A stream that begins now is at a place just after the end of the log. On a quiet server another one comes there only
/// with the next write, so it has also caught up when the server has nothing to say, twice at one place.
async fn missed(
    invoices: &Collection<RawDocumentBuf>,
    organization: &OrganizationId,
    after: &Place,
    until: &Place,
) -> Result<Missed, WatchError> {
    let after = token(after).ok_or(WatchError::PlaceLost)?;
    let mut changes = open(invoices, Some(after)).await.map_err(lost)?;
    let mut missed = Missed::default();
    let mut quiet_at = None;
    loop {
        let found = timeout(ANSWERS_WITHIN, changes.next_if_any()).await;
        let found = found.map_err(|elapsed| StoreError::Unavailable(Box::new(elapsed)))?;
        let found = found.map_err(|error| lost(error.into()))?;
        let is_quiet = found.is_none();
        if let Some(found) = found
            && let Some(changed) = found.read()?
            && is_of(invoices, organization, &changed).await?
        {
            missed.add(changed.change)?;
        }
        let reached = changes.resume_token().as_ref().map(place).transpose()?;
        let is_at_end = is_quiet && reached.is_some() && reached == quiet_at;
        if is_at_end || reached.as_ref().is_some_and(|reached| reached >= until) {
            return Ok(missed);
        }
        quiet_at = reached.filter(|_| is_quiet);
    }
}

async fn is_of(
    invoices: &Collection<RawDocumentBuf>,
    organization: &OrganizationId,
    changed: &Changed,
) -> Result<bool, StoreError> {
    Ok(match &changed.organization {
        Some(of) => of == organization,
        None => organization_of(invoices, &changed.change.invoice).await?.as_ref() == Some(organization),
    })
}

/// What writes and deletes invoices, after a place or from now on.
async fn open(
    invoices: &Collection<RawDocumentBuf>,
    after: Option<ResumeToken>,
) -> Result<Changes, EngineError> {
    let watch = invoices
        .watch()
        .pipeline(pipeline())
        .max_await_time(ANSWERS_EVERY);
    let opened = timeout(ANSWERS_WITHIN, watch.resume_after(after)).await;
    let opened = opened.map_err(|elapsed| EngineError::Unavailable(Box::new(elapsed)))?;
    Ok(opened?.with_type())
}

/// Why what was missed cannot be read. What the server refuses is a place that is no longer in its log, or never was.
fn lost(error: EngineError) -> WatchError {
    match error {
        EngineError::Refused(_) => WatchError::PlaceLost,
        EngineError::Overloaded
        | EngineError::Unavailable(_)
        | EngineError::Duplicate
        | EngineError::Closed
        | EngineError::Panicked => StoreError::from(error).into(),
    }
}
