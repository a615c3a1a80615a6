//! What happens to invoices, as it happens: the part of the port that tells of changes, and what each store needs to
//! tell of them in one process.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use thiserror::Error;
use tokio::sync::broadcast;

use super::StoreError;
use crate::domain::ids::{InvoiceId, OrganizationId, Version};

/// Changes that may wait for a watch; one that is further behind ends. They are kept once for all watches of an
/// organization, some 40 KB.
pub(super) const BACKLOG: usize = 1024;
/// Invoices that may have changed since a place at which a watch goes on. Whoever has missed more does better to begin
/// anew, and what waits for one watch has an end.
pub(super) const MOST_MISSED: usize = 2_000;
/// Changes of all organizations that are remembered for watches that go on: some megabytes.
const REMEMBERED: usize = 10_000;

/// A place in the order of all changes of a store. Opaque outside of it; places compare as their texts do.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Place(Arc<str>);

impl Place {
    /// The place that a text stands for.
    pub(crate) fn new(text: &str) -> Self {
        Self(text.into())
    }

    /// The text that stands for it.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

/// Something happened to an invoice, and is durable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Change {
    /// Where among all changes.
    pub(crate) place: Place,
    /// The invoice.
    pub(crate) invoice: InvoiceId,
    /// What.
    pub(crate) kind: ChangeKind,
}

/// What happened to an invoice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ChangeKind {
    /// It was stored at this version.
    Written {
        /// The version. It may have a later one already.
        version: Version,
    },
    /// It was deleted.
    Deleted,
}

/// Why there is no watch.
#[derive(Debug, Error)]
pub(crate) enum WatchError {
    /// What happened since the place is not known any more, or was too much: begin without one, and read the invoices.
    #[error("what happened since then is not known any more")]
    PlaceLost,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why a watch has ended. Another one can go on at the place of the last change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub(crate) enum WatchEnded {
    /// Its reader was too slow.
    #[error("changes came faster than they were read")]
    Behind,
    /// The store could not be watched all the time, or is closed.
    #[error("the store was lost from sight")]
    Lost,
}

/// The changes of one organization, as they happen.
pub(crate) struct ChangeWatch {
    feed: Arc<Feed>,
    /// What happened before the watch began and is to be told, by place; of each invoice the last.
    missed: VecDeque<Arc<Change>>,
    changes: broadcast::Receiver<Arc<Change>>,
    /// Everything up to here was told.
    told: Place,
}

impl ChangeWatch {
    /// The next change. Cancel-safe.
    ///
    /// # Errors
    /// [`WatchEnded`]; then there is nothing more.
    pub(crate) async fn next(&mut self) -> Result<Arc<Change>, WatchEnded> {
        loop {
            let change = match self.missed.pop_front() {
                Some(change) => change,
                None => self.changes.recv().await.map_err(|error| match error {
                    broadcast::error::RecvError::Lagged(_) => WatchEnded::Behind,
                    broadcast::error::RecvError::Closed => WatchEnded::Lost,
                })?,
            };
            if change.place > self.told {
                self.told = change.place.clone();
                return Ok(change);
            }
        }
    }

    /// The place up to which every change of the organization was told.
    pub(crate) fn place(&mut self) -> Place {
        // In this order: what happened before the feed came to its position is among the changes that wait.
        let position = self.feed.lock().position.clone();
        if self.missed.is_empty() && self.changes.is_empty() && position > self.told {
            self.told = position;
        }
        self.told.clone()
    }

    /// The changes that were missed, which the feed itself does not remember.
    pub(super) fn with_missed(mut self, missed: Missed) -> Self {
        self.missed = missed.by_place();
        self
    }
}

/// The last change of each invoice that was missed.
#[derive(Debug, Default)]
pub(super) struct Missed(HashMap<InvoiceId, Change>);

impl Missed {
    /// Adds a change, which is after every other.
    ///
    /// # Errors
    /// [`WatchError::PlaceLost`] for more than [`MOST_MISSED`] invoices.
    pub(super) fn add(&mut self, change: Change) -> Result<(), WatchError> {
        self.0.insert(change.invoice.clone(), change);
        if self.0.len() > MOST_MISSED {
            return Err(WatchError::PlaceLost);
        }
        Ok(())
    }

    fn by_place(self) -> VecDeque<Arc<Change>> {
        let mut changes: Vec<_> = self.0.into_values().map(Arc::new).collect();
        changes.sort_unstable_by(|one, other| one.place.cmp(&other.place));
        changes.into()
    }
}

/// Tells the watches of this process what happens, in the order of places.
#[derive(Debug)]
pub(super) struct Feed(Mutex<State>);

#[derive(Debug)]
struct State {
    /// Everything up to here was told.
    position: Place,
    /// Everything after this place that was told is in `remembered`.
    remembered_since: Place,
    remembered: VecDeque<(OrganizationId, Arc<Change>)>,
    watched: HashMap<OrganizationId, broadcast::Sender<Arc<Change>>>,
    closed: bool,
}

/// A watch, and what it lacks.
pub(super) enum Subscription {
    /// Everything after the place that was asked for is in the watch.
    Whole(ChangeWatch),
    /// What happened after the place that was asked for up to this one must be found elsewhere.
    Since(ChangeWatch, Place),
    /// The feed is closed.
    Closed,
}

impl Feed {
    /// A feed that begins at this place.
    pub(super) fn new(begin: Place) -> Arc<Self> {
        Arc::new(Self(Mutex::new(State {
            position: begin.clone(),
            remembered_since: begin,
            remembered: VecDeque::new(),
            watched: HashMap::new(),
            closed: false,
        })))
    }

    /// Tells of a change, which is after every other.
    pub(super) fn tell(&self, organization: OrganizationId, change: Change) {
        self.lock().tell(organization, change);
    }

    /// Nothing else happened up to this place.
    pub(super) fn advance(&self, position: Place) {
        let mut state = self.lock();
        if position > state.position {
            state.position = position;
        }
    }

    /// Watches an organization from `after` on, or from now on.
    pub(super) fn subscribe(
        self: &Arc<Self>,
        organization: &OrganizationId,
        after: Option<&Place>,
    ) -> Subscription {
        let mut state = self.lock();
        if state.closed {
            return Subscription::Closed;
        }
        state.watched.retain(|_, changes| changes.receiver_count() > 0);
        let watched = state.watched.entry(organization.clone());
        let changes = watched
            .or_insert_with(|| broadcast::channel(BACKLOG).0)
            .subscribe();
        let watch = |missed, told: &Place| ChangeWatch {
            feed: Arc::clone(self),
            missed,
            changes,
            told: told.clone(),
        };
        match after {
            None => Subscription::Whole(watch(VecDeque::new(), &state.position)),
            // Another process may have come further than this one.
            Some(after) if *after < state.remembered_since || *after > state.position => {
                let until = after.max(&state.position).clone();
                Subscription::Since(watch(VecDeque::new(), after), until)
            }
            Some(after) => {
                let missed = state
                    .remembered
                    .iter()
                    .filter(|(of, change)| of == organization && change.place > *after);
                let missed = missed.map(|(_, change)| Arc::clone(change)).collect();
                Subscription::Whole(watch(missed, after))
            }
        }
    }

    /// Ends every watch, and allows no more.
    pub(super) fn close(&self) {
        let mut state = self.lock();
        state.closed = true;
        state.watched.clear();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // No code that can panic runs under the lock, so poison carries no meaning.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn tell(&mut self, organization: OrganizationId, change: Change) {
        let change = Arc::new(change);
        self.position = change.place.clone();
        if let Some(watches) = self.watched.get(&organization) {
            // The last of them may have gone.
            drop(watches.send(Arc::clone(&change)));
        }
        if self.remembered.len() == REMEMBERED
            && let Some((_, forgotten)) = self.remembered.pop_front()
        {
            self.remembered_since = forgotten.place.clone();
        }
        self.remembered.push_back((organization, change));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::contract::sample::organization;

    fn place(number: usize) -> Place {
        Place::new(&format!("{number:08}"))
    }

    fn deleted(number: usize) -> Change {
        Change {
            place: place(number),
            invoice: InvoiceId::generate(),
            kind: ChangeKind::Deleted,
        }
    }

    fn whole(subscription: Subscription) -> ChangeWatch {
        match subscription {
            Subscription::Whole(watch) => watch,
            Subscription::Since(..) | Subscription::Closed => panic!("something is missing"),
        }
    }

    #[tokio::test]
    async fn a_reader_that_is_too_slow_is_told_so_and_the_others_are_not() {
        let feed = Feed::new(place(0));
        let org = organization("a");
        let mut slow = whole(feed.subscribe(&org, None));
        let mut other = whole(feed.subscribe(&organization("b"), None));
        for number in 1..=BACKLOG + 1 {
            feed.tell(org.clone(), deleted(number));
        }
        let last = deleted(BACKLOG + 2);
        feed.tell(organization("b"), last.clone());
        assert_eq!(slow.next().await, Err(WatchEnded::Behind));
        assert_eq!(*other.next().await.unwrap(), last);
    }

    #[tokio::test]
    async fn a_watch_goes_on_where_another_was_as_long_as_that_is_remembered() {
        let feed = Feed::new(place(0));
        let org = organization("a");
        for number in 1..=REMEMBERED + 5 {
            feed.tell(org.clone(), deleted(number));
        }
        let mut watch = whole(feed.subscribe(&org, Some(&place(REMEMBERED))));
        for number in 1..=5 {
            assert_eq!(watch.next().await.unwrap().place, place(REMEMBERED + number));
        }
        assert!(matches!(
            feed.subscribe(&org, Some(&place(5))),
            Subscription::Whole(_)
        ));
        let Subscription::Since(_, until) = feed.subscribe(&org, Some(&place(4))) else {
            panic!("change 5 is forgotten");
        };
        assert_eq!(until, place(REMEMBERED + 5));
    }

    #[tokio::test]
    async fn the_place_of_a_watch_moves_on_while_others_change_but_never_past_what_waits() {
        let feed = Feed::new(place(0));
        let (a, b) = (organization("a"), organization("b"));
        let mut watch = whole(feed.subscribe(&a, None));
        feed.tell(b.clone(), deleted(1));
        assert_eq!(watch.place(), place(1));
        feed.tell(a.clone(), deleted(2));
        feed.tell(b, deleted(3));
        assert_eq!(watch.place(), place(1));
        watch.next().await.unwrap();
        assert_eq!(watch.place(), place(3));
        feed.advance(place(7));
        feed.advance(place(6));
        assert_eq!(watch.place(), place(7));
    }

    #[test]
    fn of_what_was_missed_each_invoice_comes_once_at_its_last_place() {
        let [one, other] = [deleted(1), deleted(2)];
        let again = Change {
            place: place(3),
            ..one.clone()
        };
        let mut missed = Missed::default();
        for change in [&one, &other, &again] {
            missed.add(change.clone()).unwrap();
        }
        assert_eq!(missed.by_place(), [Arc::new(other), Arc::new(again)]);
        let mut missed = Missed::default();
        let refused = (0..=MOST_MISSED).find_map(|number| missed.add(deleted(number)).err());
        assert!(matches!(refused, Some(WatchError::PlaceLost)));
    }

    #[tokio::test]
    async fn a_closed_feed_ends_its_watches_and_begins_none() {
        let feed = Feed::new(place(0));
        let mut watch = whole(feed.subscribe(&organization("a"), None));
        feed.close();
        assert_eq!(watch.next().await, Err(WatchEnded::Lost));
        assert!(matches!(
            feed.subscribe(&organization("a"), None),
            Subscription::Closed
        ));
    }
}
