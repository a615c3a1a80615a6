use harness::mongo::ReplicaSet;
use mongo_engine::{Engine, OpenError, UnfinishedCopy};

use super::{location, schema};

const NAME: &str = "test";

#[tokio::test]
async fn a_database_with_an_unfinished_copy_is_opened_only_to_finish_it() {
    let set = ReplicaSet::start().await;
    let url = location(&set.url("test"));
    let engine = Engine::open_copy_target(&url, "test", &schema(1)).await.unwrap();
    assert_eq!(UnfinishedCopy::find(&engine, NAME).await.unwrap(), None);
    for position in ["0", "1"] {
        let mark = UnfinishedCopy {
            source: "a".to_owned(),
            position: position.to_owned(),
        };
        mark.clone().put(&engine, NAME).await.unwrap();
        assert_eq!(UnfinishedCopy::find(&engine, NAME).await.unwrap(), Some(mark));
    }
    for refused in [
        Engine::open(&url, "test", &schema(1)).await,
        Engine::open_copy_source(&url, "test", &schema(1)).await,
    ] {
        let error = refused.unwrap_err();
        assert!(matches!(error, OpenError::UnfinishedCopy { .. }), "{error:?}");
    }
    UnfinishedCopy::remove(&engine, NAME).await.unwrap();
    Engine::open(&url, "test", &schema(1)).await.unwrap();
}

#[tokio::test]
async fn a_database_to_copy_from_is_not_made() {
    let set = ReplicaSet::start().await;
    let url = location(&set.url("absent"));
    let error = Engine::open_copy_source(&url, "test", &schema(1))
        .await
        .unwrap_err();
    assert!(matches!(error, OpenError::NoData { .. }), "{error:?}");
    let engine = Engine::open_copy_target(&location(&set.url("other")), "test", &schema(1)).await;
    let client = engine.unwrap().database().client().clone();
    let names = client.list_database_names().await.unwrap();
    assert!(!names.contains(&"absent".to_owned()), "{names:?}");
}
