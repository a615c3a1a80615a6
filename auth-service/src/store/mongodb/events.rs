//! Security events in MongoDB.

use async_trait::async_trait;
use mongo_engine::OPERATION_TIME;
use mongo_engine::bson::{Bson, Document, doc};
use mongo_engine::mongodb::options::Hint;

use super::document::EventDocument;
use super::schema::EVENTS_BY_USER;
use super::{MongoAuthStore, all};
use crate::domain::ids::EventId;
use crate::domain::security_event::SecurityEvent;
use crate::store::{EventQuery, EventStore, StoreError};

#[async_trait]
impl EventStore for MongoAuthStore {
    async fn insert_event(&self, event: SecurityEvent) -> Result<(), StoreError> {
        let (events, event) = (self.events.clone(), EventDocument::of(&event));
        let insert = async move { events.insert_one(event).await.map(drop) };
        Ok(self.engine.run(insert).await?)
    }

    async fn events_of(&self, query: EventQuery) -> Result<Vec<SecurityEvent>, StoreError> {
        let mut ids = doc! { "$gte": query.since.as_str() };
        if let Some(before) = query.before {
            ids.insert("$lt", before.as_str());
        }
        // Null is what everybody's events have. Two walks of one index, which the server merges without sorting.
        let whose = doc! { "$in": [query.user_id.as_str(), Bson::Null] };
        let filter = doc! { "user_id": whose, "_id": ids };
        let (events, limit) = (
            self.events.clone(),
            i64::try_from(query.limit).unwrap_or(i64::MAX),
        );
        let find = async move {
            let newest_first = doc! { "_id": -1 };
            // By its own judgment the server may walk the ids of everybody's events.
            let found = events
                .find(filter)
                .hint(Hint::Name(EVENTS_BY_USER.to_owned()))
                .sort(newest_first)
                .limit(limit)
                .max_time(OPERATION_TIME);
            all(found.await?).await
        };
        let found = self.engine.run(find).await?;
        found.into_iter().map(SecurityEvent::try_from).collect()
    }

    async fn sweep_events(&self, before: &EventId, limit: u32) -> Result<u64, StoreError> {
        let events = self.events.clone_with_type::<Document>();
        let old = doc! { "_id": { "$lt": before.as_str() } };
        let sweep = async move {
            let oldest = events
                .find(old)
                .sort(doc! { "_id": 1 })
                .projection(doc! { "_id": 1 })
                .limit(limit.into())
                .batch_size(limit)
                .max_time(OPERATION_TIME);
            let found = all(oldest.await?).await?;
            super::remove(&events, found).await
        };
        Ok(self.engine.run(sweep).await?)
    }
}
