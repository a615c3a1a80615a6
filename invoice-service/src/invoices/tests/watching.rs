//! Watches that are read slowly, or on which nothing happens.

use std::time::Duration;

use futures::{Stream, StreamExt as _};

use super::*;
use crate::store::contract::sample::blank;
use crate::store::{ListFilter, WatchEnded};

fn store() -> Arc<SqliteInvoiceStore> {
    Arc::new(SqliteInvoiceStore::open(&Location::Memory).unwrap())
}

async fn begun(invoices: &Invoices, start: WatchStart) -> impl Stream<Item = WatchItem> + Unpin + use<> {
    Box::pin(
        invoices
            .watch(&caller(), ListFilter::default(), start)
            .await
            .unwrap(),
    )
}

#[tokio::test]
async fn a_watch_that_is_not_read_ends_and_another_one_goes_on_where_it_was() {
    let store = store();
    let invoices = Invoices::new(Arc::<SqliteInvoiceStore>::clone(&store));
    let mut slow = begun(&invoices, WatchStart::Now).await;
    let (_, place) = slow.next().await.unwrap().unwrap();
    let mut written = Vec::new();
    for _ in 0..1_100 {
        let invoice = blank(&caller().organization);
        written.push(invoice.identity.id.clone());
        store.insert(invoice, None).await.unwrap();
    }
    let end = slow.next().await.unwrap();
    assert!(
        matches!(end, Err(WatchFailed::Ended(WatchEnded::Behind))),
        "{end:?}"
    );
    assert!(slow.next().await.is_none());

    let going_on = begun(&invoices, WatchStart::At(place)).await;
    let told = going_on.filter_map(async |item| {
        let (event, _) = item.unwrap();
        let WatchEvent::Changed(invoice) = event else {
            assert_eq!(event, WatchEvent::Heartbeat);
            return None;
        };
        Some(invoice.identity.id.clone())
    });
    let told: Vec<_> = told.take(written.len()).collect().await;
    assert_eq!(told, written);
}

#[tokio::test]
async fn a_watch_on_which_nothing_happens_beats_every_fifteen_seconds() {
    let mut invoices = Invoices::new(store());
    assert_eq!(invoices.watches.heartbeat, Duration::from_secs(15));
    let period = Duration::from_millis(100);
    invoices.watches.heartbeat = period;
    let begin = tokio::time::Instant::now();
    let mut watch = begun(&invoices, WatchStart::Snapshot).await;
    assert_eq!(watch.next().await.unwrap().unwrap().0, WatchEvent::SnapshotEnd);
    for beat in 1..=3 {
        assert_eq!(watch.next().await.unwrap().unwrap().0, WatchEvent::Heartbeat);
        assert!(begin.elapsed() >= beat * period, "beat {beat}");
    }
}
