//! What the invoices of an organization are, and what becomes of them from then on.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::Stream;
use thiserror::Error;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at};

use super::{Caller, Invoices};
use crate::domain::ids::{InvoiceId, OrganizationId, Version};
use crate::domain::invoice::Invoice;
use crate::store::{
    Change, ChangeKind, ChangeWatch, Cursor, ListFilter, ListOrder, ListQuery, Place, Store, StoreError,
    WatchEnded, WatchError,
};

/// Between two signs of life, which also move the place on.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// Invoices of the first state that are in memory at a time for one watch; fewer when they are large.
const PAGE: usize = 20;
/// Watches of one organization at a time in this process: a tab of a browser each. One organization must not take the
/// places of all.
pub(crate) const MOST_WATCHES: usize = 64;

/// Where a watch begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum WatchStart {
    /// With all invoices, newest first, and then what happens.
    Snapshot,
    /// With what happens from now on.
    Now,
    /// Where another one was.
    At(WatchPlace),
}

/// How far a watch has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct WatchPlace {
    /// Everything up to here was told.
    pub(crate) changes: Place,
    /// Where the first state goes on; none when all of it was told.
    pub(crate) snapshot: Option<Cursor>,
}

/// What a watch tells.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum WatchEvent {
    /// An invoice as it is now, without its history.
    Changed(Box<Invoice>),
    /// An invoice that is deleted.
    Deleted(InvoiceId),
    /// An invoice has changed, and is none of those that were asked for.
    LeftFilter(InvoiceId),
    /// All invoices were told.
    SnapshotEnd,
    /// Nothing has happened that was not told.
    Heartbeat,
}

/// Why a watch did not begin.
#[derive(Debug, Error)]
pub(crate) enum WatchRefused {
    /// The organization has as many as it may.
    #[error("the organization has {MOST_WATCHES} watches already")]
    TooMany,
    /// What happened since its place is not known any more.
    #[error("what happened since then is not known any more")]
    PlaceLost,
    /// The store failed.
    #[error(transparent)]
    Store(StoreError),
}

/// Why a watch ended. Another one can go on where it was.
#[derive(Debug, Error)]
pub(crate) enum WatchFailed {
    /// It is not read quickly enough, or its store is out of sight.
    #[error(transparent)]
    Ended(#[from] WatchEnded),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What a watch tells, with the place after it.
pub(crate) type WatchItem = Result<(WatchEvent, WatchPlace), WatchFailed>;

impl Invoices {
    /// Watches the invoices that `filter` names. Every change that is not in what is read first is told after it, and no
    /// invoice goes back to an earlier version. It works only while it is read: who reads too slowly is cut off, and
    /// nothing piles up.
    ///
    /// # Errors
    /// [`WatchRefused`], before it begins; [`WatchFailed`] at its end.
    pub(crate) async fn watch(
        &self,
        caller: &Caller,
        filter: ListFilter,
        start: WatchStart,
    ) -> Result<impl Stream<Item = WatchItem> + use<>, WatchRefused> {
        let seat = self.watches.seat(&caller.organization)?;
        let (after, snapshot) = match &start {
            WatchStart::Snapshot => (None, Some(Snapshot::default())),
            WatchStart::Now => (None, None),
            WatchStart::At(place) => (
                Some(place.changes.clone()),
                place.snapshot.clone().map(Snapshot::after),
            ),
        };
        // In this order: what happens after a watch has begun is in the watch, what happened before is in what is read.
        let watch = self.store.watch(&caller.organization, after).await?;
        let period = self.watches.heartbeat;
        let first = match start {
            WatchStart::Snapshot => Instant::now() + period,
            WatchStart::Now | WatchStart::At(_) => Instant::now(),
        };
        let mut heartbeat = interval_at(first, period);
        heartbeat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let watching = Watching {
            store: Arc::clone(&self.store),
            organization: caller.organization.clone(),
            filter,
            snapshot,
            watch,
            ahead: HashMap::new(),
            heartbeat,
            _seat: seat,
        };
        Ok(futures::stream::unfold(Some(watching), async |watching| {
            let mut watching = watching?;
            match watching.next().await {
                Ok(told) => Some((Ok(told), Some(watching))),
                Err(failed) => Some((Err(failed), None)),
            }
        }))
    }
}

/// A watch that is being read.
struct Watching {
    store: Arc<dyn Store>,
    organization: OrganizationId,
    filter: ListFilter,
    /// What of the first state was not told; `None` when all was.
    snapshot: Option<Snapshot>,
    watch: ChangeWatch,
    /// Invoices that were told at a later version than that of their last change; those changes are still to come.
    ahead: HashMap<InvoiceId, Version>,
    heartbeat: Interval,
    _seat: Seat,
}

/// The rest of the first state.
#[derive(Default)]
struct Snapshot {
    page: VecDeque<Invoice>,
    told: Option<Cursor>,
    is_last_page: bool,
}

impl Snapshot {
    fn after(told: Cursor) -> Self {
        Self {
            told: Some(told),
            ..Self::default()
        }
    }
}

impl Watching {
    async fn next(&mut self) -> Result<(WatchEvent, WatchPlace), WatchFailed> {
        if let Some(told) = self.next_of_snapshot().await? {
            return Ok(told);
        }
        loop {
            let event = tokio::select! {
                change = self.watch.next() => self.read(&*change?).await?,
                _ = self.heartbeat.tick() => Some(WatchEvent::Heartbeat),
            };
            if let Some(event) = event {
                return Ok((event, self.place()));
            }
        }
    }

    fn place(&mut self) -> WatchPlace {
        WatchPlace {
            changes: self.watch.place(),
            snapshot: None,
        }
    }

    /// The next invoice of the first state, or its end.
    async fn next_of_snapshot(&mut self) -> Result<Option<(WatchEvent, WatchPlace)>, StoreError> {
        let Some(snapshot) = &mut self.snapshot else {
            return Ok(None);
        };
        if snapshot.page.is_empty() && !snapshot.is_last_page {
            let query = ListQuery {
                filter: self.filter.clone(),
                order: ListOrder::CreateTimeDescending,
                after: snapshot.told.clone(),
                limit: PAGE,
            };
            let page = self.store.list(&self.organization, query).await?;
            snapshot.is_last_page = !page.more;
            snapshot.page = page.invoices.into();
        }
        let Some(invoice) = snapshot.page.pop_front() else {
            self.snapshot = None;
            return Ok(Some((WatchEvent::SnapshotEnd, self.place())));
        };
        let told = Cursor::of(&invoice, ListOrder::CreateTimeDescending);
        snapshot.told = Some(told.clone());
        let place = WatchPlace {
            changes: self.watch.place(),
            snapshot: Some(told),
        };
        Ok(Some((WatchEvent::Changed(Box::new(invoice)), place)))
    }

    /// What is to be told of a change: the invoice as it is now, at its version or a later one.
    async fn read(&mut self, change: &Change) -> Result<Option<WatchEvent>, StoreError> {
        let id = &change.invoice;
        let version = match change.kind {
            ChangeKind::Written { version } => version,
            ChangeKind::Deleted => {
                self.ahead.remove(id);
                return Ok(Some(WatchEvent::Deleted(id.clone())));
            }
        };
        if let Some(told) = self.ahead.get(id).copied().filter(|told| *told >= version) {
            if told == version {
                self.ahead.remove(id);
            }
            return Ok(None);
        }
        let invoice = match self.at_least(id, version).await {
            Ok(invoice) => invoice,
            // Its deletion is to come.
            Err(StoreError::NotFound) => return Ok(None),
            Err(error) => return Err(error),
        };
        if invoice.version > version {
            self.ahead.insert(id.clone(), invoice.version);
        } else {
            self.ahead.remove(id);
        }
        Ok(Some(if self.filter.names(&invoice) {
            WatchEvent::Changed(Box::new(invoice))
        } else {
            WatchEvent::LeftFilter(id.clone())
        }))
    }

    /// The invoice at this version or a later one: a store of several servers may be behind for a moment.
    async fn at_least(&self, id: &InvoiceId, version: Version) -> Result<Invoice, StoreError> {
        let invoice = self.store.get_without_history(&self.organization, id).await?;
        if invoice.version >= version {
            return Ok(invoice);
        }
        Ok(self.store.get_settled(&self.organization, id).await?.invoice)
    }
}

/// The watches of this process.
#[derive(Debug, Clone)]
pub(super) struct Watches {
    /// Between two signs of life.
    pub(super) heartbeat: Duration,
    counts: Arc<Mutex<HashMap<OrganizationId, usize>>>,
}

impl Default for Watches {
    fn default() -> Self {
        Self {
            heartbeat: HEARTBEAT,
            counts: Arc::default(),
        }
    }
}

/// A watch's place among those of its organization, free again when dropped.
struct Seat {
    watches: Watches,
    organization: OrganizationId,
}

impl Watches {
    fn seat(&self, organization: &OrganizationId) -> Result<Seat, WatchRefused> {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry(organization.clone()).or_default();
        if *count >= MOST_WATCHES {
            return Err(WatchRefused::TooMany);
        }
        *count += 1;
        Ok(Seat {
            watches: self.clone(),
            organization: organization.clone(),
        })
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut counts = self.watches.counts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = counts.get_mut(&self.organization) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.organization);
            }
        }
    }
}

impl From<WatchError> for WatchRefused {
    fn from(error: WatchError) -> Self {
        match error {
            WatchError::PlaceLost => Self::PlaceLost,
            WatchError::Store(error) => Self::Store(error),
        }
    }
}
