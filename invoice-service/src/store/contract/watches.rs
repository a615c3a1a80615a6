//! What every store tells of changes, and what a watch makes of it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt as _;
use futures::future::join_all;

use super::sample::{blank, organization, request};
use super::writes::{inserted, read};
use crate::domain::ids::{InvoiceId, OrganizationId, SessionId, UserId, Version};
use crate::domain::invoice::Invoice;
use crate::invoices::{Caller, Invoices, WatchEvent, WatchPlace, WatchStart};
use crate::store::{
    Change, ChangeKind, ChangeWatch, InvoiceStore, ListFilter, ListOrder, ListQuery, Place, WatchEnded,
    WatchError,
};

/// For a change to be told on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

async fn next(watch: &mut ChangeWatch) -> Arc<Change> {
    let next = tokio::time::timeout(PATIENCE, watch.next()).await;
    next.expect("a change is told").unwrap()
}

async fn told(watch: &mut ChangeWatch, count: usize) -> Vec<(InvoiceId, ChangeKind)> {
    let mut told = Vec::new();
    for _ in 0..count {
        let change = next(watch).await;
        told.push((change.invoice.clone(), change.kind));
    }
    told
}

fn id(invoice: &Invoice) -> InvoiceId {
    invoice.identity.id.clone()
}

const fn written(version: u64) -> ChangeKind {
    ChangeKind::Written {
        version: Version::new(version),
    }
}

/// Writes the invoice once more, as it is.
async fn rewrite(store: &impl InvoiceStore, invoice: &Invoice) {
    let mut stored = read(store, invoice).await.unwrap();
    let expected = stored.invoice.version;
    stored.invoice.version = expected.next();
    store.replace(stored, expected).await.unwrap();
}

pub(in crate::store) async fn a_watch_tells_of_every_write_and_deletion_of_its_organization_alone(
    store: &impl InvoiceStore,
) {
    let org = organization("a");
    let before = inserted(store, blank(&org)).await;
    let mut watch = store.watch(&org, None).await.unwrap();
    let mut other = store.watch(&organization("b"), None).await.unwrap();
    let one = inserted(store, blank(&org)).await;
    let foreign = inserted(store, blank(&organization("b"))).await;
    rewrite(store, &one).await;
    store
        .delete_draft(&organization("b"), &id(&foreign), None)
        .await
        .unwrap();
    rewrite(store, &before).await;
    store.delete_draft(&org, &id(&one), None).await.unwrap();
    let expected = [
        (id(&one), written(1)),
        (id(&one), written(2)),
        (id(&before), written(2)),
        (id(&one), ChangeKind::Deleted),
    ];
    assert_eq!(told(&mut watch, 4).await, expected);
    let expected = [(id(&foreign), written(1)), (id(&foreign), ChangeKind::Deleted)];
    assert_eq!(told(&mut other, 2).await, expected);
}

pub(in crate::store) async fn a_watch_tells_nothing_of_what_changed_nothing(store: &impl InvoiceStore) {
    let org = organization("a");
    let mut watch = store.watch(&org, None).await.unwrap();
    let first = blank(&org);
    store.insert(first.clone(), Some(request(1, "x"))).await.unwrap();
    store.insert(blank(&org), Some(request(1, "x"))).await.unwrap();
    store.insert(blank(&org), Some(request(1, "y"))).await.unwrap();
    let mut stale = read(store, &first).await.unwrap();
    stale.invoice.version = Version::new(9);
    store.replace(stale, Version::new(8)).await.unwrap_err();
    store
        .delete_draft(&org, &id(&first), Some(Version::new(8)))
        .await
        .unwrap_err();
    store
        .delete_draft(&org, &InvoiceId::generate(), None)
        .await
        .unwrap_err();
    let last = inserted(store, blank(&org)).await;
    let expected = [(id(&first), written(1)), (id(&last), written(1))];
    assert_eq!(told(&mut watch, 2).await, expected);
}

pub(in crate::store) async fn a_watch_goes_on_at_the_place_of_another_and_misses_nothing(
    store: &impl InvoiceStore,
) {
    let org = organization("a");
    let mut watch = store.watch(&org, None).await.unwrap();
    let begin = watch.place();
    let one = inserted(store, blank(&org)).await;
    let place = next(&mut watch).await.place.clone();
    assert_eq!(watch.place(), place);
    drop(watch);
    let two = inserted(store, blank(&org)).await;
    inserted(store, blank(&organization("b"))).await;
    rewrite(store, &one).await;
    let mut watch = store.watch(&org, Some(place)).await.unwrap();
    let expected = [(id(&two), written(1)), (id(&one), written(2))];
    assert_eq!(told(&mut watch, 2).await, expected);
    let three = inserted(store, blank(&org)).await;
    assert_eq!(told(&mut watch, 1).await, [(id(&three), written(1))]);
    let mut watch = store.watch(&org, Some(begin)).await.unwrap();
    assert_eq!(next(&mut watch).await.kind, written(1));
}

pub(in crate::store) async fn what_is_no_place_of_the_store_is_lost(store: &impl InvoiceStore) {
    for text in [
        "",
        "x",
        "0",
        "82FF",
        "01ARZ3NDEKTSV4RRFFQ69G5FAV0000000000000001",
        "{\"$gt\":\"\"}",
    ] {
        let watch = store.watch(&organization("a"), Some(Place::new(text))).await;
        assert!(matches!(watch, Err(WatchError::PlaceLost)), "{text:?}");
    }
}

pub(in crate::store) async fn a_closed_store_ends_its_watches(store: &impl InvoiceStore) {
    let mut watch = store.watch(&organization("a"), None).await.unwrap();
    store.close().await;
    let ended = tokio::time::timeout(PATIENCE, watch.next()).await.unwrap();
    assert_eq!(ended, Err(WatchEnded::Lost));
}

/// What a reader knows of the invoices, by what it was told.
#[derive(Default)]
struct Known {
    versions: BTreeMap<InvoiceId, Version>,
    /// Also of what is deleted.
    latest: BTreeMap<InvoiceId, Version>,
    place: Option<WatchPlace>,
}

impl Known {
    fn take(&mut self, event: WatchEvent, place: WatchPlace) {
        self.place = Some(place);
        match event {
            WatchEvent::Changed(invoice) => {
                let latest = self.latest.insert(id(&invoice), invoice.version);
                assert!(
                    latest <= Some(invoice.version),
                    "{latest:?} before {:?}",
                    invoice.version
                );
                self.versions.insert(id(&invoice), invoice.version);
            }
            WatchEvent::Deleted(invoice) => {
                self.versions.remove(&invoice);
            }
            WatchEvent::LeftFilter(_) => panic!("there is no filter"),
            WatchEvent::SnapshotEnd | WatchEvent::Heartbeat => {}
        }
    }
}

/// Writes invoices of the organization, over and over, in every way.
async fn work(store: &impl InvoiceStore, org: &OrganizationId, begun: &[Invoice]) {
    for (nth, invoice) in begun.iter().enumerate() {
        rewrite(store, invoice).await;
        let new = inserted(store, blank(org)).await;
        rewrite(store, &new).await;
        match nth % 3 {
            0 => store.delete_draft(org, &id(&new), None).await.unwrap(),
            1 => store.delete_draft(org, &id(invoice), None).await.unwrap(),
            _ => rewrite(store, invoice).await,
        }
    }
}

async fn everything(store: &impl InvoiceStore, org: &OrganizationId) -> BTreeMap<InvoiceId, Version> {
    let query = ListQuery {
        filter: ListFilter::default(),
        order: ListOrder::CreateTimeDescending,
        after: None,
        limit: 1_000,
    };
    let invoices = store.list(org, query).await.unwrap().invoices;
    invoices
        .iter()
        .map(|invoice| (id(invoice), invoice.version))
        .collect()
}

/// Reads a watch that is cut off after so many messages, again and again, while four others write, until it has told of
/// what was written last. It must know then what the store holds.
async fn watched_with_concurrent_writers<S: crate::store::Store + Clone>(store: &S, cut_after: usize) {
    let org = organization("a");
    let shares: [Vec<Invoice>; 4] = {
        let mut invoices = Vec::new();
        for _ in 0..60 {
            invoices.push(inserted(store, blank(&org)).await);
        }
        std::array::from_fn(|share| invoices.iter().skip(share).step_by(4).cloned().collect())
    };
    let invoices = Invoices::new(Arc::new(store.clone()));
    let caller = Caller {
        organization: org.clone(),
        user: UserId::parse("usr_1").unwrap(),
        session: SessionId::parse("ses_1").unwrap(),
    };
    let last = blank(&org);
    let reads = async {
        let mut known = Known::default();
        while !known.versions.contains_key(&id(&last)) {
            let start = known.place.clone().map_or(WatchStart::Snapshot, WatchStart::At);
            let watch = invoices
                .watch(&caller, ListFilter::default(), start)
                .await
                .unwrap();
            let mut watch = Box::pin(watch.take(cut_after));
            while let Some(item) = tokio::time::timeout(PATIENCE, watch.next()).await.unwrap() {
                let (event, place) = item.unwrap();
                known.take(event, place);
                if known.versions.contains_key(&id(&last)) {
                    break;
                }
            }
        }
        known.versions
    };
    let writes = async {
        join_all(shares.iter().map(|share| work(store, &org, share))).await;
        inserted(store, last.clone()).await;
    };
    let (known, ()) = tokio::join!(reads, writes);
    let stored = everything(store, &org).await;
    assert_eq!(stored.len(), 60 + 1 + 40 - 20);
    assert_eq!(known, stored);
}

pub(in crate::store) async fn a_watch_among_concurrent_writers_ends_with_the_state_of_the_store(
    store: &(impl crate::store::Store + Clone),
) {
    watched_with_concurrent_writers(store, usize::MAX).await;
}

pub(in crate::store) async fn a_watch_that_is_cut_off_again_and_again_ends_with_the_state_of_the_store(
    store: &(impl crate::store::Store + Clone),
) {
    watched_with_concurrent_writers(store, 9).await;
}
