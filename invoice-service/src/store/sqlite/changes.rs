//! What happens to invoices in SQLite: the one process that writes to the database tells of it as soon as it is committed.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use ulid::Ulid;

use crate::domain::ids::{InvoiceId, OrganizationId};
use crate::store::StoreError;
use crate::store::feed::{Change, ChangeKind, ChangeWatch, Feed, Place, Subscription, WatchError};

/// Places are of one run of the process: what was changed before is in the database, but not in which order.
#[derive(Debug, Clone)]
pub(super) struct Changes(Arc<Run>);

#[derive(Debug)]
struct Run {
    id: String,
    count: AtomicU64,
    feed: Arc<Feed>,
}

impl Changes {
    /// Those of this run.
    pub(super) fn new() -> Self {
        let id = Ulid::generate().to_string();
        let begin = place(&id, 0);
        Self(Arc::new(Run {
            id,
            count: AtomicU64::new(0),
            feed: Feed::new(begin),
        }))
    }

    /// Tells of a change that is committed. Called by the writer thread alone, so that the order is that of commits.
    pub(super) fn tell(&self, organization: &OrganizationId, invoice: &InvoiceId, kind: ChangeKind) {
        let number = self.0.count.fetch_add(1, Ordering::Relaxed) + 1;
        let change = Change {
            place: place(&self.0.id, number),
            invoice: invoice.clone(),
            kind,
        };
        self.0.feed.tell(organization.clone(), change);
    }

    /// A watch from `after` or from now on.
    pub(super) fn watch(
        &self,
        organization: &OrganizationId,
        after: Option<&Place>,
    ) -> Result<ChangeWatch, WatchError> {
        if after.is_some_and(|after| !after.as_str().starts_with(&self.0.id)) {
            return Err(WatchError::PlaceLost);
        }
        match self.0.feed.subscribe(organization, after) {
            Subscription::Whole(watch) => Ok(watch),
            Subscription::Since(..) => Err(WatchError::PlaceLost),
            Subscription::Closed => Err(StoreError::Unavailable("the store is closed".into()).into()),
        }
    }

    /// Ends every watch.
    pub(super) fn close(&self) {
        self.0.feed.close();
    }
}

fn place(run: &str, number: u64) -> Place {
    Place::new(&format!("{run}{number:016x}"))
}
