use std::time::{Duration, Instant};

use deadline::Deadline;
use harness::mongo::ReplicaSet;
use mongo_engine::bson::{Document, doc};
use mongo_engine::{Engine, EngineError};

use super::open;

async fn insert(engine: &Engine, name: &str) -> Result<(), EngineError> {
    let things = engine.collection::<Document>("things");
    let thing = doc! { "org_id": "org_a", "name": name };
    engine
        .run(async move { things.insert_one(thing).await.map(drop) })
        .await
}

async fn count(engine: &Engine) -> u64 {
    let things = engine.collection::<Document>("things");
    engine
        .run(async move { things.count_documents(doc! {}).await })
        .await
        .unwrap()
}

#[tokio::test]
async fn a_value_that_a_unique_index_holds_is_a_duplicate() {
    let set = ReplicaSet::start().await;
    let engine = open(&set).await;
    insert(&engine, "a").await.unwrap();
    let refused = insert(&engine, "a").await.unwrap_err();
    assert!(matches!(refused, EngineError::Duplicate), "{refused:?}");
    assert_eq!(count(&engine).await, 1);
}

/// The driver closes the connection of an operation that is dropped, and the write happens half of the time.
#[tokio::test]
async fn callers_that_give_up_neither_cut_a_write_nor_cost_a_connection() {
    const CALLERS: usize = 200;
    let set = ReplicaSet::start().await;
    let engine = open(&set).await;
    for caller in 0..CALLERS {
        let name = caller.to_string();
        let waiting = insert(&engine, &name);
        // Long enough to send it, too short for an answer that a majority has acknowledged.
        let _ = tokio::time::timeout(Duration::from_micros(300), waiting).await;
    }
    let begun = Instant::now();
    while count(&engine).await < CALLERS as u64 {
        assert!(begun.elapsed() < Duration::from_secs(10), "writes were cut");
    }
    let most = engine.most_connections_to_one_server();
    let open = engine.open_connections();
    assert!(most <= 64, "{most}");
    assert_eq!(open, most, "connections were closed");
}

#[tokio::test]
async fn a_store_that_is_down_is_unavailable_before_the_callers_deadline_and_comes_back() {
    let mut set = ReplicaSet::start().await;
    let engine = open(&set).await;
    set.kill(0);
    let begun = Instant::now();
    let refused = Deadline::after(Duration::from_secs(1))
        .scope(insert(&engine, "a"))
        .await;
    assert!(matches!(refused, Err(EngineError::Unavailable(_))), "{refused:?}");
    assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());

    set.restart(0).await;
    set.wait_for_primary().await;
    let begun = Instant::now();
    while let Err(error) = insert(&engine, "b").await {
        assert!(begun.elapsed() < Duration::from_secs(20), "{error:?}");
    }
}

#[tokio::test]
async fn a_server_that_hangs_holds_a_caller_four_seconds_at_most() {
    let mut set = ReplicaSet::start().await;
    let engine = open(&set).await;
    set.suspend(0);
    let begun = Instant::now();
    let refused = insert(&engine, "a").await;
    set.resume(0);
    assert!(matches!(refused, Err(EngineError::Unavailable(_))), "{refused:?}");
    let took = begun.elapsed();
    assert!(
        took > Duration::from_millis(3_900) && took < Duration::from_millis(4_900),
        "{took:?}"
    );
}

#[tokio::test]
async fn the_pool_stays_within_its_limit_and_what_is_beyond_the_engines_is_refused() {
    let mut set = ReplicaSet::start().await;
    let engine = open(&set).await;
    set.suspend(0);
    let inserts = (0..1_100).map(|name| {
        let engine = engine.clone();
        tokio::spawn(async move { insert(&engine, &name.to_string()).await })
    });
    let inserts: Vec<_> = inserts.collect();
    tokio::time::sleep(Duration::from_millis(300)).await;
    set.resume(0);
    let (mut done, mut overloaded) = (0, 0);
    for insert in inserts {
        match insert.await.unwrap() {
            Ok(()) => done += 1,
            Err(EngineError::Overloaded) => overloaded += 1,
            Err(error) => panic!("{error:?}"),
        }
    }
    assert_eq!((done, overloaded), (1_024, 76));
    assert!(engine.most_connections_to_one_server() <= 64);
}

#[tokio::test]
async fn a_closed_engine_says_so() {
    let set = ReplicaSet::start().await;
    let engine = open(&set).await;
    engine.close().await;
    engine.close().await;
    assert!(matches!(insert(&engine, "a").await, Err(EngineError::Closed)));
}
