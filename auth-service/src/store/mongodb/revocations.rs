//! Revocations in MongoDB: each auth-service follows one change stream, so it sees those of every replica.

use async_trait::async_trait;
use jiff::Timestamp;
use mongo_engine::bson::{Document, doc};
use mongo_engine::mongodb::{ClientSession, Collection};
use mongo_engine::{Engine, EngineError, OPERATION_TIME, mongodb};
use serde::de::DeserializeOwned;

use super::document::{EndedSessionDocument, RaisedVersionDocument, date};
use super::{MongoAuthStore, schema};
use crate::domain::revocation::Revocation;
use crate::store::{RevocationStore, RevocationWatch, StoreError};

#[async_trait]
impl RevocationStore for MongoAuthStore {
    async fn revoked_since(&self, since: Timestamp) -> Result<Vec<Revocation>, StoreError> {
        let database = self.engine.database().clone();
        let users = database.collection::<RaisedVersionDocument>(schema::USERS);
        let sessions = database.collection::<EndedSessionDocument>(schema::SESSIONS);
        let since = doc! { "$gte": date(since) };
        let mut raised = schema::changed_version();
        raised.insert("security_version_time", since.clone());
        let read = async move {
            let mut session = database.client().start_session().causal_consistency(true).await?;
            // A read by majority alone can be older than what was answered (docs/adr/0010). This write of nothing is
            // acknowledged by a majority that has everything, and the reads of its session are no older.
            let nobody = users.update_one(doc! { "_id": "" }, doc! { "$set": {} });
            nobody.session(&mut session).await?;
            let sessions = all(&sessions, doc! { "end.time": since }, ENDED, &mut session).await?;
            let users = all(&users, raised, RAISED, &mut session).await?;
            Ok((sessions, users))
        };
        let (sessions, users) = self.engine.run(read).await?;
        let sessions = sessions.into_iter().map(Revocation::try_from);
        let users = users.into_iter().map(Revocation::try_from);
        sessions.chain(users).collect()
    }

    async fn watch_revocations(&self) -> Result<RevocationWatch, StoreError> {
        let watching = self.watcher.watch(self.engine.database());
        match tokio::time::timeout(Engine::patience(), watching).await {
            Ok(watch) => Ok(watch),
            Err(elapsed) => Err(EngineError::Unavailable(Box::new(elapsed)).into()),
        }
    }
}

const ENDED: &[&str] = &["end.time"];
const RAISED: &[&str] = &["security_version", "security_version_time"];

/// Of the documents that match, the id and some fields.
async fn all<D: DeserializeOwned + Send + Sync>(
    collection: &Collection<D>,
    filter: Document,
    fields: &[&str],
    session: &mut ClientSession,
) -> mongodb::error::Result<Vec<D>> {
    let projection: Document = fields
        .iter()
        .map(|field| ((*field).to_owned(), 1.into()))
        .collect();
    let find = collection.find(filter).projection(projection);
    let mut cursor = find.max_time(OPERATION_TIME).session(&mut *session).await?;
    let mut found = Vec::new();
    while cursor.advance(session).await? {
        found.push(cursor.deserialize_current()?);
    }
    Ok(found)
}
