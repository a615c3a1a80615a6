use harness::mongo::ReplicaSet;
use mongo_engine::bson::{Document, doc};
use mongo_engine::mongodb::{Collection, error};
use mongo_engine::{Engine, EngineError};
use tokio::sync::mpsc;

use super::open;

/// The names that are stored, in their order.
async fn names(engine: &Engine) -> Vec<String> {
    let things = engine.collection::<Document>("things");
    let read = engine.run(async move {
        let mut found = things.find(doc! {}).sort(doc! { "name": 1 }).await?;
        let mut names = Vec::new();
        while found.advance().await? {
            let thing = found.deserialize_current()?;
            names.push(thing.get_str("name").unwrap_or_default().to_owned());
        }
        Ok(names)
    });
    read.await.unwrap()
}

fn thing(name: &str) -> Document {
    doc! { "org_id": "org_a", "name": name }
}

/// Adds `first` and `second`, both or neither; with nothing done when told to think better of it.
async fn add(
    engine: &Engine,
    first: &'static str,
    second: &'static str,
    undo: bool,
) -> Result<(), EngineError> {
    let things: Collection<Document> = engine.collection("things");
    let transaction = engine.run_in_transaction(move |session| {
        let things = things.clone();
        Box::pin(async move {
            things.insert_one(thing(first)).session(&mut *session).await?;
            things.insert_one(thing(second)).session(&mut *session).await?;
            if undo {
                session.abort_transaction().await?;
            }
            Ok(())
        })
    });
    transaction.await
}

#[tokio::test]
async fn all_that_a_transaction_writes_is_done_or_nothing() {
    let set = ReplicaSet::start().await;
    let engine = open(&set).await;
    add(&engine, "a", "b", false).await.unwrap();
    let refused = add(&engine, "c", "a", false).await.unwrap_err();
    assert!(matches!(refused, EngineError::Duplicate), "{refused:?}");
    add(&engine, "d", "e", true).await.unwrap();
    assert_eq!(names(&engine).await, ["a", "b"]);
}

#[tokio::test]
async fn a_transaction_that_meets_another_writer_begins_again_until_that_one_has_ended() {
    let set = ReplicaSet::start().await;
    let engine = open(&set).await;
    add(&engine, "a", "b", false).await.unwrap();
    let things: Collection<Document> = engine.collection("things");
    let rename = |from: &str, to: &str| (doc! { "name": from }, doc! { "$set": { "name": to } });
    let mut other = things.client().start_session().await.unwrap();
    other.start_transaction().await.unwrap();
    let (filter, update) = rename("a", "c");
    things
        .update_one(filter, update)
        .session(&mut other)
        .await
        .unwrap();

    let (attempt, mut attempts) = mpsc::unbounded_channel();
    let renaming = engine.run_in_transaction(move |session| {
        let (things, attempt) = (things.clone(), attempt.clone());
        let (filter, update) = rename("a", "d");
        Box::pin(async move {
            let _ = attempt.send(());
            let renamed = things.update_one(filter, update).session(session).await?;
            Ok::<_, error::Error>(renamed.matched_count)
        })
    });
    let ending = async {
        // The second begins after the first has met the other writer.
        for _ in 0..2 {
            attempts.recv().await.unwrap();
        }
        other.commit_transaction().await.unwrap();
    };
    let (renamed, ()) = tokio::join!(renaming, ending);
    assert_eq!(renamed.unwrap(), 0, "the other one was first");
    assert_eq!(names(&engine).await, ["b", "c"]);
}
