use std::time::Duration;

use mongodb::bson::{Document, doc};
use mongodb::options::IndexOptions;
use mongodb::{Collection, Database, IndexModel};

use crate::OpenError;

/// What a service keeps in its database.
#[derive(Debug, Clone)]
pub struct Schema {
    /// The name of the service's data, and of the document in the collection `schema` that holds its version.
    pub name: &'static str,
    /// Raised when an older release could no longer read what this one writes: it then refuses to start.
    pub version: u32,
    /// Every index. All are created at start; one that is there already costs nothing.
    pub indexes: Vec<Index>,
}

/// An index. Its name is fixed, so that any number of replicas asks for the same one.
#[derive(Debug, Clone)]
pub struct Index {
    collection: &'static str,
    name: &'static str,
    keys: Document,
    unique: bool,
    partial: Option<Document>,
    expire_after: Option<Duration>,
}

impl Index {
    /// An index of `keys`: fields with 1 (ascending) or -1.
    pub fn new(collection: &'static str, name: &'static str, keys: Document) -> Self {
        Self {
            collection,
            name,
            keys,
            unique: false,
            partial: None,
            expire_after: None,
        }
    }

    /// Two documents cannot have the same keys.
    #[must_use]
    pub fn unique(mut self) -> Self {
        self.unique = true;
        self
    }

    /// Holds only the documents that match `filter`.
    #[must_use]
    pub fn partial(mut self, filter: Document) -> Self {
        self.partial = Some(filter);
        self
    }

    /// The server removes a document this long after the date in its one key.
    #[must_use]
    pub fn expires_after(mut self, time: Duration) -> Self {
        self.expire_after = Some(time);
        self
    }

    /// Its name, for hints.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Its keys.
    pub fn keys(&self) -> &Document {
        &self.keys
    }

    /// Whether it is unique.
    pub fn is_unique(&self) -> bool {
        self.unique
    }

    /// The collection it is of.
    pub fn collection(&self) -> &'static str {
        self.collection
    }

    fn model(&self) -> IndexModel {
        let options = IndexOptions::builder()
            .name(Some(self.name.to_owned()))
            .unique(self.unique.then_some(true))
            .partial_filter_expression(self.partial.clone())
            .expire_after(self.expire_after)
            .build();
        IndexModel::builder()
            .keys(self.keys.clone())
            .options(options)
            .build()
    }
}

impl Schema {
    /// Refuses a newer schema, makes the indexes, writes the version. Idempotent, and safe when several replicas of
    /// several releases do it at the same time: the version only rises, and the server makes an index once.
    pub(crate) async fn prepare(&self, database: &Database) -> Result<(), OpenError> {
        self.stored_version(database).await?;
        for (collection, models) in self.by_collection() {
            database
                .collection::<Document>(collection)
                .create_indexes(models)
                .await
                .map_err(|error| OpenError::of_index(collection, error))?;
        }
        let version = doc! { "$max": { "version": i64::from(self.version) } };
        versions(database)
            .update_one(doc! { "_id": self.name }, version)
            .upsert(true)
            .await
            .map_err(OpenError::of)?;
        Ok(())
    }

    /// Refuses a database that does not hold this data, and brings it up to date only if it is older: whoever reads from
    /// it alone may not be allowed to write.
    pub(crate) async fn prepare_to_read(&self, database: &Database) -> Result<(), OpenError> {
        match self.stored_version(database).await? {
            Some(version) if version == i64::from(self.version) => Ok(()),
            Some(_older) => self.prepare(database).await,
            None => Err(OpenError::NoData {
                database: database.name().to_owned(),
                name: self.name,
            }),
        }
    }

    /// The version that the database holds, which is not newer than ours.
    async fn stored_version(&self, database: &Database) -> Result<Option<i64>, OpenError> {
        let found = versions(database)
            .find_one(doc! { "_id": self.name })
            .await
            .map_err(OpenError::of)?;
        let found = found.map(|found| found.get_i64("version").unwrap_or(i64::MAX));
        match found {
            Some(found) if found > i64::from(self.version) => Err(OpenError::SchemaTooNew {
                name: self.name,
                found,
                known: self.version,
            }),
            found @ (Some(_) | None) => Ok(found),
        }
    }

    fn by_collection(&self) -> Vec<(&'static str, Vec<IndexModel>)> {
        let mut collections: Vec<(&'static str, Vec<IndexModel>)> = Vec::new();
        for index in &self.indexes {
            match collections.iter_mut().find(|(name, _)| *name == index.collection) {
                Some((_, models)) => models.push(index.model()),
                None => collections.push((index.collection, vec![index.model()])),
            }
        }
        collections
    }
}

fn versions(database: &Database) -> Collection<Document> {
    database.collection("schema")
}
