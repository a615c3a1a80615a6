//! Sessions in MongoDB.

use async_trait::async_trait;
use jiff::Timestamp;
use mongo_engine::OPERATION_TIME;
use mongo_engine::bson::{Document, doc};
use mongo_engine::mongodb::options::ReturnDocument;

use super::document::{EndDocument, SessionDocument, date, signed};
use super::{MongoAuthStore, all};
use crate::domain::ids::{SessionId, UserId};
use crate::domain::session::{Session, SessionEnd};
use crate::domain::user::User;
use crate::store::{SessionQuery, SessionStore, StoreError};

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

    async fn sessions_of(&self, query: SessionQuery) -> Result<Vec<Session>, StoreError> {
        let mut filter = not_ended(&query.user_id);
        let alive = doc! { "$gt": date(query.alive_at) };
        filter.extend(doc! { "idle_expire_time": alive.clone(), "expire_time": alive });
        if let Some(before) = query.before {
            filter.insert("_id", doc! { "$lt": before.as_str() });
        }
        // Older documents have no version, which stands for the first.
        if query.user_version > User::FIRST_SECURITY_VERSION {
            filter.insert("user_version", doc! { "$gte": signed(query.user_version)? });
        }
        let (sessions, limit) = (
            self.sessions.clone(),
            i64::try_from(query.limit).unwrap_or(i64::MAX),
        );
        let find = async move {
            let newest_first = doc! { "_id": -1 };
            let found = sessions.find(filter).sort(newest_first).limit(limit);
            all(found.max_time(OPERATION_TIME).await?).await
        };
        let found = self.engine.run(find).await?;
        found.into_iter().map(Session::try_from).collect()
    }

    async fn advance_session(&self, session: Session, from: u64) -> Result<bool, StoreError> {
        let filter = doc! {
            "_id": session.id.as_str(),
            "generation": signed(from)?,
            "end": { "$exists": false },
        };
        let next = doc! {
            "generation": signed(session.generation)?,
            "first_generation": signed(session.first_generation)?,
            "user_version": signed(session.user_version)?,
            "last_use_time": date(session.last_use_time),
            "idle_expire_time": date(session.idle_expire_time),
        };
        self.update(&self.sessions, filter, next).await
    }

    async fn end_session(&self, id: &SessionId, end: SessionEnd) -> Result<Option<Session>, StoreError> {
        let filter = doc! { "_id": id.as_str(), "end": { "$exists": false } };
        let end = doc! { "$set": { "end": EndDocument::of(end).into_document() } };
        let sessions = self.sessions.clone();
        let update = async move {
            let update = sessions.find_one_and_update(filter, end);
            update.return_document(ReturnDocument::After).await
        };
        self.engine.run(update).await?.map(Session::try_from).transpose()
    }

    async fn end_sessions_of(
        &self,
        user: &UserId,
        except: &SessionId,
        end: SessionEnd,
    ) -> Result<u64, StoreError> {
        let mut filter = not_ended(user);
        filter.insert("_id", doc! { "$ne": except.as_str() });
        let end = doc! { "$set": { "end": EndDocument::of(end).into_document() } };
        let sessions = self.sessions.clone();
        let update = async move { sessions.update_many(filter, end).await };
        Ok(self.engine.run(update).await?.modified_count)
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
            let found = all(oldest.await?).await?;
            super::remove(&sessions, found).await
        };
        Ok(self.engine.run(sweep).await?)
    }
}

/// Sessions of a user that were not ended, as the index `by_user` has them.
fn not_ended(user: &UserId) -> Document {
    doc! { "user_id": user.as_str(), "end.time": null }
}
