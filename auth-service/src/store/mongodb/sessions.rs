//! Sessions in MongoDB.

use async_trait::async_trait;
use jiff::Timestamp;
use mongo_engine::OPERATION_TIME;
use mongo_engine::bson::{Bson, Document, doc};

use super::document::{EndDocument, SessionDocument, date, signed};
use super::{MongoAuthStore, all};
use crate::domain::ids::SessionId;
use crate::domain::session::{Session, SessionEnd};
use crate::store::{SessionStore, StoreError};

#[async_trait]
impl SessionStore for MongoAuthStore {
    async fn insert_session(&self, session: Session) -> Result<(), StoreError> {
        let (sessions, session) = (self.sessions.clone(), SessionDocument::of(&session)?);
        let insert = async move { sessions.insert_one(session).await.map(drop) };
        Ok(self.engine.run(insert).await?)
    }

    async fn session(&self, id: &SessionId) -> Result<Option<Session>, StoreError> {
        self.find(&self.sessions, doc! { "_id": id.as_str() }).await
    }

    async fn advance_session(&self, session: Session, from: u64) -> Result<bool, StoreError> {
        let filter = doc! {
            "_id": session.id.as_str(),
            "generation": signed(from)?,
            "end": { "$exists": false },
        };
        let next = doc! {
            "generation": signed(session.generation)?,
            "last_use_time": date(session.last_use_time),
            "idle_expire_time": date(session.idle_expire_time),
        };
        self.update(&self.sessions, filter, next).await
    }

    async fn end_session(&self, id: &SessionId, end: SessionEnd) -> Result<(), StoreError> {
        let filter = doc! { "_id": id.as_str(), "end": { "$exists": false } };
        let end = EndDocument::of(end).into_document();
        self.update(&self.sessions, filter, doc! { "end": end }).await?;
        Ok(())
    }

    async fn sweep_sessions(&self, expired_before: Timestamp, limit: u32) -> Result<u64, StoreError> {
        let sessions = self.sessions.clone_with_type::<Document>();
        let expired = doc! { "expire_time": { "$lt": date(expired_before) } };
        let sweep = async move {
            let oldest = sessions
                .find(expired)
                .sort(doc! { "expire_time": 1 })
                .projection(doc! { "_id": 1 })
                .limit(limit.into())
                .batch_size(limit)
                .max_time(OPERATION_TIME);
            let ids: Vec<Bson> = all(oldest.await?)
                .await?
                .into_iter()
                .filter_map(|mut found| found.remove("_id"))
                .collect();
            if ids.is_empty() {
                return Ok(0);
            }
            let removed = sessions.delete_many(doc! { "_id": { "$in": ids } }).await?;
            Ok(removed.deleted_count)
        };
        Ok(self.engine.run(sweep).await?)
    }
}
