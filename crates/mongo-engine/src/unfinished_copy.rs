//! The mark of a database that a copy is being written into.
//!
//! While the mark is there the database holds some of the records of another store, and [`Engine::open`] refuses it. It
//! is one document in a collection of its own, under the name of the service's data: databases may be shared.

use mongodb::bson::doc;
use mongodb::{Collection, Database};
use serde::{Deserialize, Serialize};

use crate::{Engine, EngineError, OPERATION_TIME};

const COLLECTION: &str = "unfinished_copy";

/// A copy that has begun and has not been verified.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnfinishedCopy {
    /// Tells the source from every other.
    pub source: String,
    /// How far the copy is, in the words of whoever copies: no further than what is stored.
    pub position: String,
}

fn collection(database: &Database) -> Collection<UnfinishedCopy> {
    database.collection(COLLECTION)
}

impl UnfinishedCopy {
    /// The mark of the data called `name`, if there is one.
    ///
    /// # Errors
    /// [`EngineError`]
    pub async fn find(engine: &Engine, name: &'static str) -> Result<Option<Self>, EngineError> {
        let database = engine.database().clone();
        engine.run(async move { find(&database, name).await }).await
    }

    /// Sets the mark.
    ///
    /// # Errors
    /// [`EngineError`]
    pub async fn put(self, engine: &Engine, name: &'static str) -> Result<(), EngineError> {
        let marks = collection(engine.database());
        let put = async move {
            let put = marks.replace_one(doc! { "_id": name }, self).upsert(true);
            put.await.map(drop)
        };
        engine.run(put).await
    }

    /// Removes the mark: the copy is whole.
    ///
    /// # Errors
    /// [`EngineError`]
    pub async fn remove(engine: &Engine, name: &'static str) -> Result<(), EngineError> {
        let marks = collection(engine.database());
        let remove = async move { marks.delete_one(doc! { "_id": name }).await.map(drop) };
        engine.run(remove).await
    }
}

/// See [`UnfinishedCopy::find`].
pub(crate) async fn find(
    database: &Database,
    name: &'static str,
) -> mongodb::error::Result<Option<UnfinishedCopy>> {
    let marks = collection(database);
    let find = marks.find_one(doc! { "_id": name });
    find.max_time(OPERATION_TIME).await
}
