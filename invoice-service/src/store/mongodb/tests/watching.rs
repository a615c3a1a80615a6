//! Watches that have missed something: of another replica, and over the loss of a primary.

use std::time::Duration;

use super::*;
use crate::store::{Change, ChangeKind, WatchError};

/// For an election on a busy machine.
const PATIENCE: Duration = Duration::from_mins(1);

async fn next(watch: &mut ChangeWatch) -> Arc<Change> {
    tokio::time::timeout(PATIENCE, watch.next())
        .await
        .unwrap()
        .unwrap()
}

#[tokio::test]
async fn a_replica_that_has_just_begun_goes_on_where_another_was() {
    let set = ReplicaSet::start().await;
    let organization = sample::organization("a");
    let (one, other) = (open(&set).await, open(&set).await);
    let mut watch = one.watch(&organization, None).await.unwrap();
    let place = watch.place();
    let [kept, deleted, foreign] =
        [&organization, &organization, &sample::organization("b")].map(sample::blank);
    for invoice in [&kept, &deleted, &foreign] {
        one.insert(invoice.clone(), None).await.unwrap();
    }
    for invoice in [&deleted, &foreign] {
        let identity = &invoice.identity;
        one.delete_draft(&identity.organization_id, &identity.id, None)
            .await
            .unwrap();
    }
    let mut going_on = other.watch(&organization, Some(place)).await.unwrap();
    // Of what it missed, each invoice comes once; the deletion itself does not say of whose invoice it is.
    let told = [next(&mut going_on).await, next(&mut going_on).await]
        .map(|change| (change.invoice.clone(), change.kind));
    let written = ChangeKind::Written {
        version: Version::FIRST,
    };
    assert_eq!(
        told,
        [
            (kept.identity.id.clone(), written),
            (deleted.identity.id, ChangeKind::Deleted)
        ]
    );
    one.delete_draft(&organization, &kept.identity.id, None)
        .await
        .unwrap();
    assert_eq!(next(&mut going_on).await.kind, ChangeKind::Deleted);
}

#[tokio::test]
async fn a_watch_or_one_that_goes_on_after_it_misses_nothing_when_the_primary_is_killed() {
    let mut set = ReplicaSet::start_three().await;
    let store = open(&set).await;
    let organization = sample::organization("a");
    let mut watch = store.watch(&organization, None).await.unwrap();
    let mut told = Vec::new();
    let mut written = Vec::new();
    for round in 0..3 {
        if round == 1 {
            let primary = set.wait_for_primary().await;
            set.kill(primary);
        }
        let invoice = sample::blank(&organization);
        let request = Some(sample::request(round, "a"));
        while store.insert(invoice.clone(), request).await.is_err() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        written.push(invoice.identity.id.clone());
        let mut place = watch.place();
        while told.last() != written.last() {
            match tokio::time::timeout(PATIENCE, watch.next()).await.unwrap() {
                Ok(change) => told.push(change.invoice.clone()),
                Err(_) => {
                    watch = loop {
                        match store.watch(&organization, Some(place.clone())).await {
                            Ok(watch) => break watch,
                            Err(WatchError::Store(_)) => tokio::time::sleep(Duration::from_millis(50)).await,
                            Err(error @ WatchError::PlaceLost) => panic!("{error}"),
                        }
                    };
                }
            }
            place = watch.place();
        }
    }
    assert_eq!(told, written);
}
