//! A MongoDB database as one side of a copy.

use std::collections::BTreeMap;
use std::sync::Arc;

use mongo_engine::bson::{Bson, Document, RawDocumentBuf, doc};
use mongo_engine::mongodb;
use mongo_engine::mongodb::error::{Error, ErrorKind};
use mongo_engine::mongodb::options::Hint;
use mongo_engine::{Engine, OPERATION_TIME, UnfinishedCopy};

use crate::contents::Collection;
use crate::error::StoreFailure;
use crate::record::{Key, Record};
use crate::store::{Mark, PAGE_BYTES, PAGE_RECORDS};

/// See the module.
#[derive(Debug)]
pub(crate) struct MongoStore {
    engine: Engine,
    /// The name of the service's data.
    name: &'static str,
}

impl MongoStore {
    pub(crate) fn new(engine: Engine, name: &'static str) -> Self {
        Self { engine, name }
    }

    /// By the server's metadata: exact unless servers have crashed or chunks have moved.
    pub(crate) async fn count(&self, collection: &'static Collection) -> Result<u64, StoreFailure> {
        let documents = self.documents(collection);
        let count = async move {
            documents
                .estimated_document_count()
                .max_time(OPERATION_TIME)
                .await
        };
        Ok(self.engine.run(count).await?)
    }

    pub(crate) async fn page(
        &self,
        collection: &'static Collection,
        after: Option<&Key>,
    ) -> Result<Vec<Record>, StoreFailure> {
        let documents = self.documents(collection);
        let order: Document = collection
            .key
            .iter()
            .map(|field| ((*field).to_owned(), Bson::Int32(1)))
            .collect();
        // The bound is part of the page: one more.
        let bound = after.map(|key| key_document(collection, key));
        let most = PAGE_RECORDS + u32::from(bound.is_some());
        let read = async move {
            let find = documents
                .find(doc! {})
                .sort(order)
                .hint(Hint::Name(collection.index.to_owned()));
            let find = find.limit(most.into()).batch_size(most).max_time(OPERATION_TIME);
            let find = match bound {
                Some(bound) => find.min(bound),
                None => find,
            };
            some(find.await?).await
        };
        let mut records = Vec::new();
        for document in self.engine.run(read).await? {
            let record = stored(collection, &document)?;
            if after != Some(&record.key) {
                records.push(record);
            }
        }
        Ok(records)
    }

    /// Adds the records, and when all are there moves the mark.
    pub(crate) async fn put(
        &self,
        collection: &'static Collection,
        records: Arc<Vec<Record>>,
        mark: Option<&Mark>,
    ) -> Result<(), StoreFailure> {
        let (documents, adding) = (self.documents(collection), Arc::clone(&records));
        let insert = async move {
            let added = adding.iter().map(|record| &record.document);
            match documents.insert_many(added).ordered(false).await {
                Ok(_) => Ok(Vec::new()),
                Err(error) => duplicates(error),
            }
        };
        let there = self.engine.run(insert).await?;
        let there: Vec<&Record> = there.into_iter().filter_map(|index| records.get(index)).collect();
        if !there.is_empty() {
            self.compare(collection, &there).await?;
        }
        match mark {
            Some(mark) => self.set_mark(mark).await,
            None => Ok(()),
        }
    }

    /// Whether these records, which a unique index refused, are there as they are here.
    async fn compare(
        &self,
        collection: &'static Collection,
        records: &[&Record],
    ) -> Result<(), StoreFailure> {
        let documents = self.documents(collection);
        let mut filter = Document::new();
        for (index, field) in collection.key.iter().enumerate() {
            let mut values: Vec<&String> = records
                .iter()
                .filter_map(|record| record.key.0.get(index))
                .collect();
            values.dedup();
            filter.insert(*field, doc! { "$in": values });
        }
        let read = async move {
            let find = documents
                .find(filter)
                .hint(Hint::Name(collection.index.to_owned()));
            all(find.max_time(OPERATION_TIME).await?).await
        };
        let mut found = BTreeMap::new();
        for document in self.engine.run(read).await? {
            let record = stored(collection, &document)?;
            found.insert(record.key, record.document);
        }
        for record in records {
            let (name, key) = (collection.name, record.key.to_string());
            match found.get(&record.key) {
                Some(document) if *document == record.document => {}
                Some(_) => {
                    return Err(StoreFailure::Differs {
                        collection: name,
                        key,
                    });
                }
                None => {
                    return Err(StoreFailure::Taken {
                        collection: name,
                        key,
                    });
                }
            }
        }
        Ok(())
    }

    pub(crate) async fn mark(&self) -> Result<Option<Mark>, StoreFailure> {
        let found = UnfinishedCopy::find(&self.engine, self.name).await?;
        found
            .map(|found| Mark::read(found.source, &found.position))
            .transpose()
    }

    pub(crate) async fn set_mark(&self, mark: &Mark) -> Result<(), StoreFailure> {
        let mark = UnfinishedCopy {
            source: mark.source.clone(),
            position: mark.position_text()?,
        };
        Ok(mark.put(&self.engine, self.name).await?)
    }

    pub(crate) async fn remove_mark(&self) -> Result<(), StoreFailure> {
        Ok(UnfinishedCopy::remove(&self.engine, self.name).await?)
    }

    pub(crate) async fn close(&self) {
        self.engine.close().await;
    }

    fn documents(&self, collection: &Collection) -> mongodb::Collection<RawDocumentBuf> {
        self.engine.collection(collection.name)
    }
}

fn key_document(collection: &Collection, key: &Key) -> Document {
    let fields = collection.key.iter().map(|field| (*field).to_owned());
    fields.zip(key.0.iter().map(Bson::from)).collect()
}

/// What a cursor has, up to the size of a page; the rest is read again with the next.
async fn some(mut cursor: mongodb::Cursor<RawDocumentBuf>) -> mongodb::error::Result<Vec<RawDocumentBuf>> {
    let (mut documents, mut bytes) = (Vec::new(), 0);
    // Two at least: the first may be the bound.
    while (bytes < PAGE_BYTES || documents.len() < 2) && cursor.advance().await? {
        let document = cursor.current().to_owned();
        bytes += document.as_bytes().len();
        documents.push(document);
    }
    Ok(documents)
}

async fn all(mut cursor: mongodb::Cursor<RawDocumentBuf>) -> mongodb::error::Result<Vec<RawDocumentBuf>> {
    let mut documents = Vec::new();
    while cursor.advance().await? {
        documents.push(cursor.current().to_owned());
    }
    Ok(documents)
}

fn stored(collection: &Collection, document: &RawDocumentBuf) -> Result<Record, StoreFailure> {
    Record::of_stored(collection, document).map_err(|source| StoreFailure::Record {
        collection: collection.name,
        key: Key::of(collection, document)
            .map(|key| key.to_string())
            .unwrap_or_default(),
        source,
    })
}

/// Which of the documents a unique index refused, when that is all that happened.
fn duplicates(error: Error) -> mongodb::error::Result<Vec<usize>> {
    const DUPLICATE_KEY: i32 = 11_000;
    if let ErrorKind::InsertMany(many) = &*error.kind
        && many.write_concern_error.is_none()
        && let Some(refused) = &many.write_errors
        && refused.iter().all(|write| write.code == DUPLICATE_KEY)
    {
        return Ok(refused.iter().map(|write| write.index).collect());
    }
    Err(error)
}
