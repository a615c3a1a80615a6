use std::time::Duration;

use harness::mongo::{ReplicaSet, Standalone};
use mongo_engine::bson::{Document, doc};
use mongo_engine::{Engine, Index, OpenError, Schema};

use super::{location, open, schema};

#[tokio::test]
async fn a_standalone_server_is_refused_with_what_to_do() {
    let server = Standalone::start().await;
    let refused = Engine::open(&location(&server.url()), "test", &schema(1))
        .await
        .unwrap_err();
    assert!(matches!(refused, OpenError::Standalone { .. }), "{refused:?}");
    let sentence = refused.to_string();
    assert!(
        sentence.contains("--replSet") && sentence.contains("rs.initiate()"),
        "{sentence}"
    );
}

#[tokio::test]
async fn replicas_that_start_together_make_each_index_once() {
    let set = ReplicaSet::start().await;
    let url = location(&set.url("test"));
    let schema = schema(1);
    let opened = tokio::join!(
        Engine::open(&url, "other", &schema),
        Engine::open(&url, "other", &schema),
        Engine::open(&url, "other", &schema),
    );
    let engine = opened.0.unwrap();
    opened.1.unwrap();
    opened.2.unwrap();
    let names = engine
        .collection::<Document>("things")
        .list_index_names()
        .await
        .unwrap();
    assert_eq!(names, ["_id_", "by_name"]);
    assert_eq!(engine.database().name(), "test");
}

/// As a set does that is starting: there is a primary, and no majority for its writes.
#[tokio::test]
async fn a_set_that_does_not_take_writes_yet_is_waited_for() {
    let mut set = ReplicaSet::start_three().await;
    let primary = set.wait_for_primary().await;
    let secondaries = [(primary + 1) % 3, (primary + 2) % 3];
    for member in secondaries {
        set.suspend(member);
    }
    let (url, schema) = (location(&set.url("test")), schema(1));
    let opening = tokio::spawn(async move { Engine::open(&url, "other", &schema).await });
    // Longer than one attempt.
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert!(!opening.is_finished());
    for member in secondaries {
        set.resume(member);
    }
    opening.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_newer_schema_is_refused_and_an_older_one_raised() {
    let set = ReplicaSet::start().await;
    let url = location(&set.url("test"));
    for version in [1, 3] {
        Engine::open(&url, "test", &schema(version))
            .await
            .unwrap()
            .close()
            .await;
    }
    let refused = Engine::open(&url, "test", &schema(2)).await.unwrap_err();
    assert!(
        matches!(
            refused,
            OpenError::SchemaTooNew {
                found: 3,
                known: 2,
                ..
            }
        ),
        "{refused:?}"
    );
}

#[tokio::test]
async fn an_index_of_another_kind_in_the_way_is_named() {
    let set = ReplicaSet::start().await;
    open(&set).await;
    let other = Schema {
        indexes: vec![Index::new("things", "by_name", doc! { "org_id": 1, "name": -1 })],
        ..schema(1)
    };
    let refused = Engine::open(&location(&set.url("test")), "test", &other)
        .await
        .unwrap_err();
    assert!(
        matches!(
            refused,
            OpenError::IndexConflict {
                collection: "things",
                ..
            }
        ),
        "{refused:?}"
    );
}
