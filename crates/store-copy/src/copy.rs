//! The copy of one service's store.

use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::digest::{Context, SHA256};
use sqlite_engine::Location;
use store_url::StoreUrl;
use tokio::time::Instant;

use crate::contents::{Collection, Contents};
use crate::error::{CopyError, End, StoreFailure};
use crate::operator::{Operator, Step};
use crate::record::{Key, Record, hex};
use crate::store::{Mark, Position, Store};

/// 60 s: for a cluster that elects a primary or restarts a member.
const PATIENCE: Duration = Duration::from_mins(1);
const TRY_AGAIN_AFTER: Duration = Duration::from_millis(500);

/// A source that is open.
#[derive(Debug)]
pub(crate) struct Source {
    contents: Contents,
    url: StoreUrl,
    store: Store,
}

impl Source {
    pub(crate) async fn open(contents: Contents, url: StoreUrl) -> Result<Self, CopyError> {
        let opened = Store::open(End::Source, &contents, &url).await;
        match opened {
            Ok(store) => Ok(Self { contents, url, store }),
            Err(source) => Err(CopyError::Open {
                end: End::Source,
                service: contents.service,
                source,
            }),
        }
    }

    /// With its target, to which nothing but a schema has been written.
    pub(crate) async fn into_copy(self, target: &StoreUrl) -> Result<Copy, CopyError> {
        let service = self.contents.service;
        if is_same(&self.url, target) {
            return Err(CopyError::SameStore { service });
        }
        let opened = Store::open(End::Target, &self.contents, target).await;
        let target = opened.map_err(|source| CopyError::Open {
            end: End::Target,
            service,
            source,
        })?;
        let Self { contents, store, .. } = self;
        let mut copy = Copy {
            contents,
            source: store,
            target,
            fingerprint: String::new(),
        };
        copy.fingerprint = copy.fingerprint().await?;
        Ok(copy)
    }
}

/// Whether two URLs are known to be one database, however a file's path is spelt.
fn is_same(one: &StoreUrl, other: &StoreUrl) -> bool {
    match (one, other) {
        (StoreUrl::Sqlite(Location::File(one)), StoreUrl::Sqlite(Location::File(other))) => {
            let (one, other) = (one.canonicalize(), other.canonicalize());
            one.ok().zip(other.ok()).is_some_and(|(one, other)| one == other)
        }
        (one, other) => one == other,
    }
}

/// A source and a target that are open.
#[derive(Debug)]
pub(crate) struct Copy {
    contents: Contents,
    source: Store,
    target: Store,
    /// Tells the source from every other installation.
    fingerprint: String,
}

/// How a target is found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Standing {
    /// It holds nothing.
    Empty,
    /// A copy of this source is under way.
    Unfinished(Mark),
    /// It has no mark, and holds records, of this collection for one.
    Holds(&'static str),
}

impl Copy {
    pub(crate) fn service(&self) -> &'static str {
        self.contents.service
    }

    pub(crate) fn collections(&self) -> &'static [Collection] {
        self.contents.collections
    }

    fn store(&self, end: End) -> &Store {
        match end {
            End::Source => &self.source,
            End::Target => &self.target,
        }
    }

    /// The next records of one side.
    pub(crate) async fn page(
        &self,
        end: End,
        collection: &'static Collection,
        after: Option<&Key>,
        operator: &dyn Operator,
    ) -> Result<Vec<Record>, CopyError> {
        let store = self.store(end);
        self.patiently(end, operator, async || store.page(collection, after).await)
            .await
    }

    /// How many records the source has, about.
    pub(crate) async fn count(&self, collection: &'static Collection) -> Result<u64, CopyError> {
        let counted = self.source.count(collection).await;
        counted.map_err(|error| self.failed(End::Source, error))
    }

    /// From the first key of each collection: users and invoices are never removed, so it stays what it is, and no two
    /// installations have an id in common.
    async fn fingerprint(&self) -> Result<String, CopyError> {
        let mut context = Context::new(&SHA256);
        for collection in self.collections() {
            let page = self.source.page(collection, None).await;
            let page = page.map_err(|error| self.failed(End::Source, error))?;
            context.update(collection.name.as_bytes());
            context.update(&[0]);
            for part in page.first().iter().flat_map(|record| &record.key.0) {
                context.update(part.as_bytes());
                context.update(&[0]);
            }
        }
        Ok(hex(context.finish().as_ref()))
    }

    /// How the target is found.
    pub(crate) async fn standing(&self) -> Result<Standing, CopyError> {
        let failed = |error| self.failed(End::Target, error);
        match self.target.mark().await.map_err(failed)? {
            Some(mark) if mark.source == self.fingerprint => return Ok(Standing::Unfinished(mark)),
            Some(_) => {
                return Err(CopyError::OtherSource {
                    service: self.service(),
                });
            }
            None => {}
        }
        for collection in self.collections() {
            let page = self.target.page(collection, None).await.map_err(failed)?;
            if !page.is_empty() {
                return Ok(Standing::Holds(collection.name));
            }
        }
        Ok(Standing::Empty)
    }

    /// Marks an empty target. One that holds records is not marked: with some more it is of as much use as before.
    pub(crate) async fn begin(
        &self,
        standing: Standing,
        operator: &dyn Operator,
    ) -> Result<Option<Mark>, CopyError> {
        match standing {
            Standing::Unfinished(mark) => Ok(Some(mark)),
            Standing::Holds(_) => Ok(None),
            Standing::Empty => {
                let mark = Mark {
                    source: self.fingerprint.clone(),
                    position: None,
                };
                self.patiently(End::Target, operator, async || self.target.set_mark(&mark).await)
                    .await?;
                Ok(Some(mark))
            }
        }
    }

    /// Writes to the target what comes after its mark; everything, if it has none.
    pub(crate) async fn run(&self, mut mark: Option<Mark>, operator: &dyn Operator) -> Result<(), CopyError> {
        let position = mark.as_mut().and_then(|mark| mark.position.take());
        let reached = |collection: &Collection| {
            let position = position.as_ref();
            position.is_some_and(|position| position.collection == collection.name)
        };
        let first = self.collections().iter().position(reached).unwrap_or_default();
        for collection in self.collections().iter().skip(first) {
            let done = position.as_ref().filter(|_| reached(collection));
            self.run_collection(collection, mark.is_some(), done, operator)
                .await?;
        }
        Ok(())
    }

    /// Reads the next page while the last one is written.
    async fn run_collection(
        &self,
        collection: &'static Collection,
        is_marked: bool,
        done: Option<&Position>,
        operator: &dyn Operator,
    ) -> Result<(), CopyError> {
        let mut written = done.map_or(0, |position| position.records);
        operator.begins(
            Step::Copying,
            collection.name,
            self.count(collection).await?,
            written,
        );
        let after = done.map(|position| Key(position.key.clone()));
        let mut page = self
            .page(End::Source, collection, after.as_ref(), operator)
            .await?;
        while let Some(last) = page.last().map(|record| record.key.clone()) {
            let records = page.len() as u64;
            let mark = is_marked.then(|| Mark {
                source: self.fingerprint.clone(),
                position: Some(Position {
                    collection: collection.name.to_owned(),
                    key: last.0.clone(),
                    records: written + records,
                }),
            });
            let page_written = self.put(collection, Arc::new(page), mark.as_ref(), operator);
            let next = self.page(End::Source, collection, Some(&last), operator);
            let (put, next) = tokio::join!(page_written, next);
            put?;
            written += records;
            operator.advances(records);
            page = next?;
        }
        Ok(())
    }

    async fn put(
        &self,
        collection: &'static Collection,
        page: Arc<Vec<Record>>,
        mark: Option<&Mark>,
        operator: &dyn Operator,
    ) -> Result<(), CopyError> {
        self.patiently(End::Target, operator, async || {
            self.target.put(collection, Arc::clone(&page), mark).await
        })
        .await
    }

    /// The copy is whole: services may open the target.
    pub(crate) async fn finish(&self) -> Result<(), CopyError> {
        let removed = self.target.remove_mark().await;
        removed.map_err(|error| self.failed(End::Target, error))
    }

    pub(crate) async fn close(&self) {
        self.source.close().await;
        self.target.close().await;
    }

    /// Tries `step` until it succeeds or can not, or the operator stops. Every step can be repeated.
    async fn patiently<T>(
        &self,
        end: End,
        operator: &dyn Operator,
        step: impl AsyncFn() -> Result<T, StoreFailure>,
    ) -> Result<T, CopyError> {
        let patience = Instant::now() + PATIENCE;
        loop {
            if operator.wants_to_stop() {
                return Err(CopyError::Stopped);
            }
            match step().await {
                Ok(done) => return Ok(done),
                Err(error) if error.may_pass() && Instant::now() < patience => {
                    tracing::warn!(%end, service = self.service(), %error, "trying again");
                    tokio::time::sleep(TRY_AGAIN_AFTER).await;
                }
                Err(error) => return Err(self.failed(end, error)),
            }
        }
    }

    fn failed(&self, end: End, source: StoreFailure) -> CopyError {
        CopyError::Store {
            end,
            service: self.service(),
            source,
        }
    }
}
